//! Work that waits, and writes in flight.

use instep_contract::{Intent, IntentId, Later, Lease, StoreError, Work};
use instep_model::{AccountId, Operation, TaskId, Timestamp};
use sqlx::AnyConnection;

use crate::row::{operation_body, read_operation};
use crate::sql::{
    Bind, Stop, execute, execute_in, failed, get, get_maybe, get_number, get_parsed, insert, query,
};
use crate::store::Hub;

/// How much work one statement ends.
const FINISHED_AT_ONCE: usize = 64;

pub(crate) async fn pending(
    hub: &Hub,
    account: &AccountId,
    (after, limit): (u64, usize),
    now: Timestamp,
) -> Result<Vec<Work>, StoreError> {
    let sql = "SELECT task, generation, place FROM work \
               WHERE user_id = $1 AND account = $2 AND place > $3 \
               AND (waits_until IS NULL OR waits_until <= $4 OR waits_since > $4) \
               ORDER BY place LIMIT $5";
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    let binds = [
        account.as_str().into(),
        after.into(),
        now.into(),
        limit.into(),
    ];
    let mut on = hub.reader().await?;
    let rows = query(sql, &hub.user, binds).fetch_all(&mut *on).await;
    let rows = rows.map_err(failed)?;
    rows.iter()
        .map(|row| {
            Ok(Work {
                task: get_parsed(row, "task")?,
                generation: get_number(row, "generation")?,
                place: get_number(row, "place")?,
            })
        })
        .collect()
}

/// The place of the newest work, due or not.
pub(crate) async fn last_place(hub: &Hub, account: &AccountId) -> Result<u64, StoreError> {
    let sql = "SELECT COALESCE(MAX(place), 0) AS place FROM work \
               WHERE user_id = $1 AND account = $2";
    let mut on = hub.reader().await?;
    let row = query(sql, &hub.user, [account.as_str().into()]);
    let row = row.fetch_one(&mut *on).await.map_err(failed)?;
    get_number(&row, "place")
}

/// What a wake does to work that waits already: it keeps its place, and is due at once.
const WOKEN: &str = "ON CONFLICT (user_id, account, task) DO UPDATE SET \
                     generation = excluded.generation, waits_since = NULL, waits_until = NULL";

/// Makes these tasks work, in this order. `number`
/// is the one before the first of the numbers taken for them.
pub(crate) async fn wake(
    hub: &Hub,
    on: &mut AnyConnection,
    mut number: u64,
    wakes: &[(AccountId, TaskId)],
) -> Result<(), Stop> {
    let rows = wakes.iter().map(|(account, task)| {
        number += 1;
        vec![
            account.as_str().into(),
            task.to_string().into(),
            number.into(),
            number.into(),
        ]
    });
    let rows = rows.collect();
    let columns = "work (user_id, account, task, generation, place)";
    insert(on, &hub.user, (columns, WOKEN), rows).await?;
    Ok(())
}

/// Leaves work alone for a while, unless it has been woken since.
pub(crate) async fn delay(
    hub: &Hub,
    on: &mut AnyConnection,
    lease: &Lease,
    (later, now): (&Later, Timestamp),
) -> Result<(), Stop> {
    let sql = "UPDATE work SET waits_since = $5, waits_until = $6 \
               WHERE user_id = $1 AND account = $2 AND task = $3 AND generation = $4";
    let binds: [Bind; 5] = [
        lease.account.as_str().into(),
        later.work.task.to_string().into(),
        later.work.generation.into(),
        now.into(),
        later.until.into(),
    ];
    execute(on, sql, &hub.user, binds).await?;
    Ok(())
}

/// Ends work that has not been woken again. Generations are never given twice, so a row that
/// has any of these is one of these.
pub(crate) async fn finish(
    hub: &Hub,
    on: &mut AnyConnection,
    lease: &Lease,
    done: &[&Work],
) -> Result<(), Stop> {
    for done in done.chunks(FINISHED_AT_ONCE) {
        let mut binds: Vec<Bind> = vec![lease.account.as_str().into()];
        binds.extend(done.iter().map(|work| Bind::from(work.generation)));
        let numbers: Vec<String> = (3..3 + done.len()).map(|n| format!("${n}")).collect();
        let sql = format!(
            "DELETE FROM work WHERE user_id = $1 AND account = $2 AND generation IN ({}) \
             AND task IN",
            numbers.join(", ")
        );
        let tasks: Vec<Bind> = done
            .iter()
            .map(|work| work.task.to_string().into())
            .collect();
        execute_in(on, &hub.user, (&sql, ""), &binds, &tasks).await?;
    }
    Ok(())
}

/// Wakes what `which` selects out of `tasks t`, the oldest first, so that a service shows
/// tasks in the order in which they were made. `$2` is the account.
async fn wake_selected(
    hub: &Hub,
    on: &mut AnyConnection,
    account: &AccountId,
    which: &str,
) -> Result<u64, Stop> {
    let total = "SELECT COUNT(*) AS total FROM tasks t WHERE t.user_id = $1";
    let row = query(total, &hub.user, []).fetch_one(&mut *on).await?;
    let before = hub.numbers(on, get_number(&row, "total")?).await?;
    let sql = format!(
        "INSERT INTO work (user_id, account, task, generation, place) \
         SELECT t.user_id, $2, t.id, $3 + ROW_NUMBER() OVER (ORDER BY t.created, t.id), \
         $3 + ROW_NUMBER() OVER (ORDER BY t.created, t.id) \
         FROM tasks t WHERE t.user_id = $1 AND {which} {WOKEN}"
    );
    let binds = [account.as_str().into(), before.into()];
    Ok(execute(on, &sql, &hub.user, binds).await?)
}

/// Wakes the living, and tombstones that still have a pair.
pub(crate) async fn wake_everything(
    hub: &Hub,
    on: &mut AnyConnection,
    account: &AccountId,
) -> Result<(), Stop> {
    let which = "(t.deleted_at IS NULL OR EXISTS (SELECT 1 FROM mappings m \
                 WHERE m.user_id = t.user_id AND m.account = $2 AND m.task = t.id))";
    wake_selected(hub, on, account, which).await?;
    Ok(())
}

pub(crate) async fn wake_refused(
    hub: &Hub,
    on: &mut AnyConnection,
    lease: &Lease,
) -> Result<(), Stop> {
    hub.fence(on, lease).await?;
    let which = "EXISTS (SELECT 1 FROM mappings m WHERE m.user_id = t.user_id \
                 AND m.account = $2 AND m.task = t.id AND m.state = 'error' AND m.gone = 0)";
    wake_selected(hub, on, &lease.account, which).await?;
    Ok(())
}

pub(crate) async fn wake_all(hub: &Hub, on: &mut AnyConnection, lease: &Lease) -> Result<(), Stop> {
    hub.fence(on, lease).await?;
    wake_everything(hub, on, &lease.account).await
}

pub(crate) async fn approve(
    hub: &Hub,
    on: &mut AnyConnection,
    lease: &Lease,
    now: Timestamp,
) -> Result<usize, Stop> {
    hub.fence(on, lease).await?;
    let account = &lease.account;
    let which = "EXISTS (SELECT 1 FROM mappings m WHERE m.user_id = t.user_id \
                 AND m.account = $2 AND m.task = t.id AND m.state = 'held' AND m.gone = 1)";
    wake_selected(hub, on, account, which).await?;
    let release = "UPDATE mappings SET state = 'pending' \
                   WHERE user_id = $1 AND account = $2 AND state = 'held' AND gone = 1";
    let approved = execute(on, release, &hub.user, [account.as_str().into()]).await?;
    let anew = "UPDATE accounts SET guard_since = $3 WHERE user_id = $1 AND account = $2";
    execute(on, anew, &hub.user, [account.as_str().into(), now.into()]).await?;
    Ok(usize::try_from(approved).unwrap_or(usize::MAX))
}

pub(crate) async fn intend(
    hub: &Hub,
    on: &mut AnyConnection,
    lease: &Lease,
    intents: &[(Option<TaskId>, Operation)],
    now: Timestamp,
) -> Result<Vec<IntentId>, Stop> {
    hub.fence(on, lease).await?;
    let count = intents.len() as u64;
    let before = hub.numbers(on, count).await?;
    let ids: Vec<IntentId> = (before + 1..=before + count).map(IntentId).collect();
    let rows = ids.iter().zip(intents).map(|(id, (task, operation))| {
        vec![
            id.0.into(),
            lease.account.as_str().into(),
            task.map(|task| task.to_string()).into(),
            operation_body(operation).into(),
            now.into(),
            false.into(),
            None::<String>.into(),
        ]
    });
    let rows = rows.collect();
    let columns = "outbox (user_id, id, account, task, operation, sent_at, timed_out, missed_at)";
    insert(on, &hub.user, (columns, ""), rows).await?;
    Ok(ids)
}

pub(crate) async fn intents(hub: &Hub, account: &AccountId) -> Result<Vec<Intent>, StoreError> {
    let sql = "SELECT id, task, operation, sent_at, timed_out, missed_at FROM outbox \
               WHERE user_id = $1 AND account = $2 ORDER BY id";
    let binds = [account.as_str().into()];
    let mut on = hub.reader().await?;
    let rows = query(sql, &hub.user, binds).fetch_all(&mut *on).await;
    let rows = rows.map_err(failed)?;
    rows.iter()
        .map(|row| {
            let id = get_number(row, "id")?;
            Ok(Intent {
                id: IntentId(id),
                task: get_maybe(row, "task")?,
                operation: read_operation(id, get(row, "operation")?)?,
                sent_at: get_parsed(row, "sent_at")?,
                timed_out: get_number(row, "timed_out")? != 0,
                missed_at: get_maybe(row, "missed_at")?,
            })
        })
        .collect()
}

pub(crate) async fn doubt(
    hub: &Hub,
    on: &mut AnyConnection,
    lease: &Lease,
    intents: &[Intent],
) -> Result<(), Stop> {
    hub.fence(on, lease).await?;
    for intent in intents {
        let sql = "UPDATE outbox SET timed_out = $4, missed_at = $5, sent_at = $6 \
                   WHERE user_id = $1 AND account = $2 AND id = $3";
        let binds: [Bind; 5] = [
            lease.account.as_str().into(),
            intent.id.0.into(),
            intent.timed_out.into(),
            intent.missed_at.into(),
            intent.sent_at.into(),
        ];
        execute(on, sql, &hub.user, binds).await?;
    }
    Ok(())
}
