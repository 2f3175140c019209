//! How every account stands, in a few numbers.

use std::collections::BTreeMap;

use instep_contract::{AccountState, StoreError};
use instep_model::{Account, AccountId, MappingState, Timestamp, Trouble};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::account::{STATE_COLUMNS, read_remembered, read_state};
use crate::read::count;
use crate::row::read_account;
use crate::sql::{failed, get, get_maybe, get_parsed, query};
use crate::store::{Hub, HubStore};

/// How one account stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSummary {
    /// The account.
    pub account: AccountId,
    /// As it stands in the config; `None` before it was first mirrored.
    pub config: Option<Account>,
    /// Since when it is missing from the config.
    pub dormant_since: Option<Timestamp>,
    /// Its identity, cursor, times and trouble; the reviews themselves are left out.
    pub state: AccountState,
    /// Pairs by state; states without any are left out.
    pub pairs: BTreeMap<&'static str, usize>,
    /// Tasks that have to be looked at, without those that were refused and wait.
    pub work: usize,
    /// Writes whose outcome is not known.
    pub in_doubt: usize,
    /// Matters for review.
    pub reviews: usize,
    /// Conflicts that wait for a person.
    pub conflicts: usize,
    /// The last change that came from it or went to it.
    pub last_change_at: Option<Timestamp>,
}

/// What stands in the way of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hindrance {
    /// The account.
    pub account: AccountId,
    /// What stopped its last round.
    pub trouble: Option<Trouble>,
    /// Pairs that were refused: those that are tried again and those that are parked.
    pub refused: usize,
    /// Conflicts that wait for a person.
    pub conflicts: usize,
}

/// Where in a summary a count belongs.
type Place = fn(&mut AccountSummary) -> &mut usize;

impl HubStore {
    /// How every account stands, by id; dormant ones too.
    ///
    /// # Errors
    /// As [`list_tasks`](Self::list_tasks).
    pub async fn summary(&self) -> Result<Vec<AccountSummary>, StoreError> {
        let hub = &*self.0;
        let mut on = hub.reader().await?;
        let mut summaries = accounts(hub, &mut on).await?;
        let state = "SELECT account, state, COUNT(*) AS total FROM mappings \
                     WHERE user_id = $1 GROUP BY account, state";
        for row in rows(hub, &mut on, state).await? {
            if let Some(summary) = find(&mut summaries, &row)? {
                let state: MappingState = get_parsed(&row, "state")?;
                summary
                    .pairs
                    .insert(state_name(state), count(&row, "total")?);
            }
        }
        let counts: [(&str, Place); 3] = [
            ("work", |summary| &mut summary.work),
            ("outbox", |summary| &mut summary.in_doubt),
            ("conflicts", |summary| &mut summary.conflicts),
        ];
        for (table, place) in counts {
            let open = match table {
                "conflicts" => "AND state = 'open'",
                "work" => "AND waits_until IS NULL",
                _ => "",
            };
            let sql = format!(
                "SELECT account, COUNT(*) AS total FROM {table} \
                 WHERE user_id = $1 {open} GROUP BY account"
            );
            for row in rows(hub, &mut on, &sql).await? {
                if let Some(summary) = find(&mut summaries, &row)? {
                    *place(summary) = count(&row, "total")?;
                }
            }
        }
        Ok(summaries)
    }

    /// What stands in the way of every account, by id: the part of a [`summary`](Self::summary)
    /// that costs the same however much the hub holds.
    ///
    /// # Errors
    /// As [`list_tasks`](Self::list_tasks).
    pub async fn hindrances(&self) -> Result<Vec<Hindrance>, StoreError> {
        let hub = &*self.0;
        let mut on = hub.reader().await?;
        let sql = "SELECT a.account, a.trouble, \
                   (SELECT COUNT(*) FROM mappings m WHERE m.user_id = a.user_id \
                    AND m.account = a.account AND m.state = 'error') AS refused, \
                   (SELECT COUNT(*) FROM conflicts c WHERE c.user_id = a.user_id \
                    AND c.account = a.account AND c.state = 'open') AS conflicts \
                   FROM accounts a WHERE a.user_id = $1 ORDER BY a.account";
        let rows = rows(hub, &mut on, sql).await?;
        let read = |row: &AnyRow| {
            let account = AccountId::new(get::<String>(row, "account")?);
            Ok(Hindrance {
                trouble: read_remembered(row)?,
                account,
                refused: count(row, "refused")?,
                conflicts: count(row, "conflicts")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// How many tasks have to be looked at for an account, without those that were refused and wait.
    ///
    /// # Errors
    /// As [`list_tasks`](Self::list_tasks).
    pub async fn work_left(&self, account: &AccountId) -> Result<usize, StoreError> {
        let hub = &*self.0;
        let mut on = hub.reader().await?;
        let sql = "SELECT COUNT(*) AS total FROM work \
                   WHERE user_id = $1 AND account = $2 AND waits_until IS NULL";
        let row = query(sql, &hub.user, [account.as_str().into()])
            .fetch_one(&mut *on)
            .await
            .map_err(failed)?;
        count(&row, "total")
    }
}

async fn rows(hub: &Hub, on: &mut AnyConnection, sql: &str) -> Result<Vec<AnyRow>, StoreError> {
    let rows = query(sql, &hub.user, []).fetch_all(on).await;
    rows.map_err(failed)
}

async fn accounts(hub: &Hub, on: &mut AnyConnection) -> Result<Vec<AccountSummary>, StoreError> {
    let sql = format!(
        "SELECT a.account, a.config, a.dormant_since, {STATE_COLUMNS}, \
         (SELECT MAX(j.at) FROM journal j WHERE j.user_id = a.user_id AND j.account = a.account) \
         AS last_change_at FROM accounts a WHERE a.user_id = $1 ORDER BY a.account"
    );
    let rows = rows(hub, on, &sql).await?;
    rows.iter()
        .map(|row| {
            let account = AccountId::new(get::<String>(row, "account")?);
            let config: Option<&str> = get(row, "config")?;
            let config = config.map(|config| read_account(account.clone(), config));
            Ok(AccountSummary {
                config: config.transpose()?,
                dormant_since: get_maybe(row, "dormant_since")?,
                state: read_state(&account, row)?,
                pairs: BTreeMap::new(),
                work: 0,
                in_doubt: 0,
                reviews: count(row, "waiting")?,
                conflicts: 0,
                last_change_at: get_maybe(row, "last_change_at")?,
                account,
            })
        })
        .collect()
}

fn find<'a>(
    summaries: &'a mut [AccountSummary],
    row: &AnyRow,
) -> Result<Option<&'a mut AccountSummary>, StoreError> {
    let account: &str = get(row, "account")?;
    let mut all = summaries.iter_mut();
    Ok(all.find(|summary| summary.account.as_str() == account))
}

fn state_name(state: MappingState) -> &'static str {
    match state {
        MappingState::Pending => "pending",
        MappingState::Synced => "synced",
        MappingState::Error => "error",
        MappingState::Held => "held",
        MappingState::OutOfScope => "out_of_scope",
    }
}
