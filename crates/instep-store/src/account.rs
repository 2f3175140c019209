//! What is remembered of accounts: their config, their state, their lease's token.

use std::collections::BTreeMap;

use instep_contract::{AccountState, CommitObservation, Cursor, Lease, StoreError};
use instep_model::{Account, AccountId, Identity, RemoteId, Review, Timestamp, Trouble};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::queue;
use crate::read::count;
use crate::row::{
    self, account_config, read_account, read_collections, read_trouble, trouble_text,
};
use crate::sql::{
    Bind, Stop, execute, execute_in, failed, get, get_maybe, get_number, get_parsed, insert, query,
};
use crate::store::{Hub, fenced};

pub(crate) async fn next_token(
    hub: &Hub,
    on: &mut AnyConnection,
    account: &AccountId,
) -> Result<u64, Stop> {
    let sql = "INSERT INTO accounts (user_id, account, lease_token, joined, collections) \
               VALUES ($1, $2, 1, 0, '[]') ON CONFLICT (user_id, account) \
               DO UPDATE SET lease_token = accounts.lease_token + 1 RETURNING lease_token";
    // All rows: a statement that is left half-way is not committed yet.
    let rows = query(sql, &hub.user, [account.as_str().into()])
        .fetch_all(on)
        .await?;
    let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    Ok(get_number(row, "lease_token")?)
}

/// The token that was given out last.
pub(crate) async fn token(hub: &Hub, account: &AccountId) -> Result<Option<u64>, StoreError> {
    let sql = "SELECT lease_token FROM accounts WHERE user_id = $1 AND account = $2";
    let mut on = hub.reader().await?;
    let row = query(sql, &hub.user, [account.as_str().into()])
        .fetch_optional(&mut *on)
        .await
        .map_err(failed)?;
    row.map(|row| get_number(&row, "lease_token")).transpose()
}

/// The accounts with their config, and whether they are dormant.
type Mirror = BTreeMap<String, (Option<String>, bool)>;

async fn mirror_now(hub: &Hub, on: &mut AnyConnection) -> Result<Mirror, Stop> {
    let sql = "SELECT account, config, dormant_since FROM accounts WHERE user_id = $1";
    let rows = query(sql, &hub.user, []).fetch_all(on).await?;
    let mut mirror = Mirror::new();
    for row in &rows {
        let dormant = get::<Option<String>>(row, "dormant_since")?.is_some();
        mirror.insert(get(row, "account")?, (get(row, "config")?, dormant));
    }
    Ok(mirror)
}

fn mirror_of(accounts: &[Account]) -> BTreeMap<String, String> {
    let configs = accounts
        .iter()
        .map(|account| (account.id.to_string(), account_config(account)));
    configs.collect()
}

/// Whether the known accounts are exactly these already, so that nothing has to be written.
pub(crate) async fn is_mirrored(hub: &Hub, accounts: &[Account]) -> Result<bool, StoreError> {
    let mut on = hub.reader().await?;
    let mut known = mirror_now(hub, &mut on).await?;
    known.retain(|_, (_, dormant)| !*dormant);
    let wanted = mirror_of(accounts);
    Ok(known.len() == wanted.len()
        && wanted.iter().all(|(id, config)| {
            known
                .get(id)
                .is_some_and(|(now, _)| now.as_ref() == Some(config))
        }))
}

pub(crate) async fn mirror(
    hub: &Hub,
    on: &mut AnyConnection,
    accounts: &[Account],
    now: Timestamp,
) -> Result<(), Stop> {
    let known = mirror_now(hub, on).await?;
    let wanted = mirror_of(accounts);
    for (id, (_, dormant)) in &known {
        if !dormant && !wanted.contains_key(id) {
            let sql = "UPDATE accounts SET dormant_since = $3 WHERE user_id = $1 AND account = $2";
            execute(on, sql, &hub.user, [id.as_str().into(), now.into()]).await?;
        }
    }
    for account in accounts {
        let (account, covers, config) = (&account.id, account, account_config(account));
        hub.know_accounts(on, [account]).await?;
        let sql = "UPDATE accounts SET config = $3, dormant_since = NULL \
                   WHERE user_id = $1 AND account = $2";
        let binds = [account.as_str().into(), config.into()];
        execute(on, sql, &hub.user, binds).await?;
        let has_changed = match known.get(account.as_str()) {
            Some((Some(before), dormant)) => {
                let before = read_account(account.clone(), before)?;
                *dormant || before.coverage() != covers.coverage()
            }
            Some((None, dormant)) => *dormant,
            None => false,
        };
        if has_changed {
            // What changed while nobody was looking, or lay outside, has to travel too, both ways.
            let sql = "UPDATE accounts SET last_sweep_at = NULL \
                       WHERE user_id = $1 AND account = $2";
            execute(on, sql, &hub.user, [account.as_str().into()]).await?;
            queue::wake_everything(hub, on, account).await?;
        }
    }
    Ok(())
}

pub(crate) async fn state(hub: &Hub, account: &AccountId) -> Result<AccountState, StoreError> {
    let sql =
        format!("SELECT {STATE_COLUMNS} FROM accounts a WHERE a.user_id = $1 AND a.account = $2");
    let mut on = hub.reader().await?;
    let row = query(sql, &hub.user, [account.as_str().into()])
        .fetch_optional(&mut *on)
        .await
        .map_err(failed)?;
    let Some(row) = row else {
        return Ok(AccountState::default());
    };
    let mut state = read_state(account, &row)?;
    if get_number(&row, "waiting")? > 0 {
        state.reviews = reviews(hub, &mut on, account).await?;
    }
    Ok(state)
}

/// How far every account was looked at is forgotten: the hub may be an older one (I9).
pub(crate) async fn forget_cursors(hub: &Hub, on: &mut AnyConnection) -> Result<(), sqlx::Error> {
    let sql = "UPDATE accounts SET cursor = NULL WHERE user_id = $1";
    execute(on, sql, &hub.user, []).await?;
    Ok(())
}

/// What [`read_state`] reads of `accounts a`, and how many matters wait for review. Every round
/// asks for it, so that it may not read along all pairs: a condition on `remote` would have the
/// unseen ones found through the index that holds every pair of the account.
pub(crate) const STATE_COLUMNS: &str = "a.identity, a.cursor, a.joined, a.collections, \
     a.guard_since, a.last_pass_at, a.last_sweep_at, a.trouble, \
     (SELECT COUNT(*) FROM mappings m WHERE m.user_id = a.user_id AND m.account = a.account \
      AND m.state = 'held' AND m.gone = 1) AS held, \
     (SELECT COUNT(m.remote) FROM mappings m WHERE m.user_id = a.user_id \
      AND m.account = a.account AND m.unseen = 1 AND m.gone = 0) AS unseen, \
     (SELECT COUNT(*) FROM reviews r WHERE r.user_id = a.user_id AND r.account = a.account) \
     AS waiting";

/// A state without its reviews.
pub(crate) fn read_state(account: &AccountId, row: &AnyRow) -> Result<AccountState, StoreError> {
    let collections: &str = get(row, "collections")?;
    Ok(AccountState {
        identity: get::<Option<String>>(row, "identity")?.map(Identity),
        cursor: get::<Option<Vec<u8>>>(row, "cursor")?.map(Cursor),
        joined: get_number(row, "joined")? != 0,
        collections: read_collections(account, collections)?,
        reviews: Vec::new(),
        held: count(row, "held")?,
        unseen: count(row, "unseen")?,
        guard_since: get_maybe(row, "guard_since")?,
        last_pass_at: get_maybe(row, "last_pass_at")?,
        last_sweep_at: get_maybe(row, "last_sweep_at")?,
        trouble: read_remembered(row)?,
    })
}

/// What the column `trouble` says of an account.
pub(crate) fn read_remembered(row: &AnyRow) -> Result<Option<Trouble>, StoreError> {
    let text: Option<&str> = get(row, "trouble")?;
    Ok(text.map(read_trouble))
}

pub(crate) async fn reviews(
    hub: &Hub,
    on: &mut AnyConnection,
    account: &AccountId,
) -> Result<Vec<Review>, StoreError> {
    let sql = "SELECT task, remote, title, reason FROM reviews \
               WHERE user_id = $1 AND account = $2 ORDER BY title, item";
    let rows = query(sql, &hub.user, [account.as_str().into()])
        .fetch_all(on)
        .await;
    let rows = rows.map_err(failed)?;
    rows.iter()
        .map(|row| {
            Ok(Review {
                account: account.clone(),
                task: get_maybe(row, "task")?,
                remote: get::<Option<String>>(row, "remote")?.map(RemoteId::new),
                title: get(row, "title")?,
                reason: get_parsed(row, "reason")?,
            })
        })
        .collect()
}

/// The whole end of an observation.
pub(crate) async fn observed(
    hub: &Hub,
    on: &mut AnyConnection,
    lease: &Lease,
    end: &CommitObservation,
) -> Result<(), Stop> {
    put_observation(hub, on, lease, end).await?;
    if end.shows_all {
        let sql = "UPDATE mappings SET unseen = 0 \
                   WHERE user_id = $1 AND account = $2 AND unseen = 1";
        execute(on, sql, &hub.user, [lease.account.as_str().into()]).await?;
    }
    if end.sweep {
        let sql = "DELETE FROM reviews WHERE user_id = $1 AND account = $2";
        execute(on, sql, &hub.user, [lease.account.as_str().into()]).await?;
    }
    put_reviews(hub, on, &lease.account, &end.reviews).await
}

/// The end of an observation without what it says about reviews: one statement, fence included.
pub(crate) async fn put_observation(
    hub: &Hub,
    on: &mut AnyConnection,
    lease: &Lease,
    end: &CommitObservation,
) -> Result<(), Stop> {
    let account = lease.account.as_str();
    // An observation leaves alone what it did not read.
    let sql = "UPDATE accounts SET identity = $3, cursor = $4, \
               joined = CASE WHEN $5 = 1 THEN 1 ELSE joined END, last_pass_at = $6, \
               last_sweep_at = COALESCE($7, last_sweep_at), \
               collections = COALESCE($8, collections) \
               WHERE user_id = $1 AND account = $2 AND lease_token = $9";
    let binds: [Bind; 8] = [
        account.into(),
        end.identity.0.as_str().into(),
        Some(end.cursor.0.clone()).into(),
        end.joined.into(),
        end.at.into(),
        end.sweep.then_some(end.at).into(),
        end.collections.as_deref().map(row::collections).into(),
        lease.token.into(),
    ];
    match execute(on, sql, &hub.user, binds).await? {
        0 => Err(fenced(lease)),
        _ => Ok(()),
    }
}

async fn put_reviews(
    hub: &Hub,
    on: &mut AnyConnection,
    account: &AccountId,
    reviews: &[Review],
) -> Result<(), Stop> {
    if reviews.is_empty() {
        return Ok(());
    }
    // The last word on an item counts.
    let reviews: BTreeMap<String, &Review> = reviews
        .iter()
        .map(|review| (review_item(review), review))
        .collect();
    let items: Vec<Bind> = reviews.keys().map(|item| item.as_str().into()).collect();
    let sql = "DELETE FROM reviews WHERE user_id = $1 AND account = $2 AND item IN";
    execute_in(on, &hub.user, (sql, ""), &[account.as_str().into()], &items).await?;
    let rows = reviews.into_iter().map(|(item, review)| {
        let remote = review.remote.as_ref();
        vec![
            account.as_str().into(),
            item.into(),
            review.task.map(|task| task.to_string()).into(),
            remote.map(|remote| remote.as_str().to_owned()).into(),
            review.title.as_str().into(),
            review.reason.to_string().into(),
        ]
    });
    let rows = rows.collect();
    let columns = "reviews (user_id, account, item, task, remote, title, reason)";
    insert(on, &hub.user, (columns, ""), rows).await?;
    Ok(())
}

pub(crate) async fn drop_review(
    hub: &Hub,
    on: &mut AnyConnection,
    review: &Review,
) -> Result<(), Stop> {
    let sql = "DELETE FROM reviews WHERE user_id = $1 AND account = $2 AND item = $3";
    let binds = [review.account.as_str().into(), review_item(review).into()];
    execute(on, sql, &hub.user, binds).await?;
    Ok(())
}

/// What a matter for review is about, as one key.
fn review_item(review: &Review) -> String {
    let task = review.task.map(|task| task.to_string());
    let remote = review.remote.as_ref().map(|remote| format!(" {remote}"));
    format!("{}{}", task.unwrap_or_default(), remote.unwrap_or_default())
}

pub(crate) async fn recognise(
    hub: &Hub,
    on: &mut AnyConnection,
    lease: &Lease,
    identity: &Identity,
) -> Result<(), Stop> {
    hub.fence(on, lease).await?;
    let sql = "UPDATE accounts SET identity = $3 WHERE user_id = $1 AND account = $2";
    let binds = [lease.account.as_str().into(), identity.0.as_str().into()];
    execute(on, sql, &hub.user, binds).await?;
    Ok(())
}

pub(crate) async fn replace_cursor(
    hub: &Hub,
    on: &mut AnyConnection,
    lease: &Lease,
    cursor: &Cursor,
) -> Result<(), Stop> {
    let sql = "UPDATE accounts SET cursor = $3 \
               WHERE user_id = $1 AND account = $2 AND cursor IS NOT NULL";
    let binds = [lease.account.as_str().into(), Some(cursor.0.clone()).into()];
    execute(on, sql, &hub.user, binds).await?;
    Ok(())
}

pub(crate) async fn end_epoch(
    hub: &Hub,
    on: &mut AnyConnection,
    lease: &Lease,
    marker: Option<&str>,
) -> Result<(), Stop> {
    hub.fence(on, lease).await?;
    let account = || [Bind::from(lease.account.as_str())];
    drop_rows(hub, on, &lease.account).await?;
    if let Some(marker) = marker {
        let sql = "DELETE FROM hints WHERE user_id = $1 AND marker = $2";
        execute(on, sql, &hub.user, [marker.into()]).await?;
    }
    let sql = "UPDATE accounts SET identity = NULL, cursor = NULL, joined = 0, \
               collections = '[]', last_sweep_at = NULL WHERE user_id = $1 AND account = $2";
    execute(on, sql, &hub.user, account()).await?;
    Ok(())
}

/// Drops everything that belongs to one epoch of an account.
/// What is kept of an account by its own name, and goes with it.
const FORGOTTEN: [&str; 7] = [
    "mappings",
    "outbox",
    "deletions",
    "work",
    "reviews",
    "events",
    "deliveries",
];

pub(crate) async fn drop_rows(
    hub: &Hub,
    on: &mut AnyConnection,
    account: &AccountId,
) -> Result<(), Stop> {
    for table in FORGOTTEN {
        let sql = format!("DELETE FROM {table} WHERE user_id = $1 AND account = $2");
        execute(on, &sql, &hub.user, [account.as_str().into()]).await?;
    }
    Ok(())
}

pub(crate) async fn trouble(
    hub: &Hub,
    on: &mut AnyConnection,
    account: &AccountId,
    trouble: Option<&Trouble>,
) -> Result<(), Stop> {
    hub.know_accounts(on, [account]).await?;
    let sql = "UPDATE accounts SET trouble = $3 WHERE user_id = $1 AND account = $2";
    let binds = [account.as_str().into(), trouble.map(trouble_text).into()];
    execute(on, sql, &hub.user, binds).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::STATE_COLUMNS;
    use crate::HubStore;
    use instep_model::UserId;
    use sqlx::{AssertSqlSafe, Row};

    /// What a quiet round reads stays the same however many pairs there are.
    #[tokio::test]
    async fn the_state_of_an_account_is_found_without_reading_along_its_pairs() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("hub.db");
        let store = HubStore::open(&path, UserId::new("me")).await;
        let store = store.expect("a new hub opens");
        let sql = format!("EXPLAIN QUERY PLAN SELECT {STATE_COLUMNS} FROM accounts a");
        let mut on = store.0.reader().await.expect("open");
        let steps = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *on).await;
        let steps = steps.expect("planned").into_iter();
        let steps: Vec<String> = steps.map(|step| step.get("detail")).collect();
        let pairs: Vec<&String> = steps.iter().filter(|step| step.contains(" m ")).collect();
        assert_eq!(pairs.len(), 2, "{steps:?}");
        for (step, index) in pairs.into_iter().zip(["mappings_held", "mappings_unseen"]) {
            assert!(step.contains(index), "{step}");
        }
    }
}
