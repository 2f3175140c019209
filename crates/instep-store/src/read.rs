//! What the engine reads of tasks and pairs: by id, a bounded number at a time.

use std::collections::BTreeSet;

use instep_contract::{StoreError, Tally};
use instep_model::{
    AccountId, CollectionId, Fields, Hint, Mapping, RemoteId, Task, TaskId, Timestamp,
};
use sqlx::any::AnyRow;

use crate::row::{read_mapping_body, read_task};
use crate::sql::{Bind, failed, get, get_number, get_parsed, query, select_in};
use crate::store::Hub;

pub(crate) const TASK_COLUMNS: &str = "t.id, t.version, t.body";

pub(crate) const MAPPING_COLUMNS: &str = "m.account, m.task, m.remote, m.collection, m.state, \
     m.unseen, m.body";

pub(crate) fn task(row: &AnyRow) -> Result<Task, StoreError> {
    let body: &str = get(row, "body")?;
    read_task(get_parsed(row, "id")?, get_number(row, "version")?, body)
}

pub(crate) fn mapping(row: &AnyRow) -> Result<Mapping, StoreError> {
    let remote: Option<String> = get(row, "remote")?;
    let account = AccountId::new(get::<String>(row, "account")?);
    let mut columns = Mapping::new(account, get_parsed(row, "task")?, remote.map(RemoteId::new));
    columns.collection = get::<Option<String>>(row, "collection")?.map(CollectionId::new);
    columns.state = get_parsed(row, "state")?;
    columns.unseen = get_number(row, "unseen")? != 0;
    read_mapping_body(columns, get(row, "body")?)
}

/// The ids as keys, each once.
pub(crate) fn keys<T: Ord + ToString>(ids: &[T]) -> Vec<Bind> {
    let ids: BTreeSet<&T> = ids.iter().collect();
    ids.into_iter().map(|id| id.to_string().into()).collect()
}

/// Rows that were asked for by keys.
pub(crate) async fn by_keys<T>(
    hub: &Hub,
    sql: (&str, &str),
    fixed: &[Bind],
    keys: Vec<Bind>,
    read: impl Fn(&AnyRow) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut on = hub.reader().await?;
    let rows = select_in(&mut on, &hub.user, sql, fixed, &keys)
        .await
        .map_err(failed)?;
    rows.iter().map(read).collect()
}

pub(crate) async fn mappings_by_remote(
    hub: &Hub,
    account: &AccountId,
    remotes: &[RemoteId],
) -> Result<Vec<Mapping>, StoreError> {
    let sql = format!(
        "SELECT {MAPPING_COLUMNS} FROM mappings m \
         WHERE m.user_id = $1 AND m.account = $2 AND m.remote IN"
    );
    let fixed = [account.as_str().into()];
    by_keys(hub, (&sql, ""), &fixed, keys(remotes), mapping).await
}

pub(crate) async fn mappings_by_task(
    hub: &Hub,
    account: &AccountId,
    tasks: &[TaskId],
) -> Result<Vec<Mapping>, StoreError> {
    let sql = format!(
        "SELECT {MAPPING_COLUMNS} FROM mappings m \
         WHERE m.user_id = $1 AND m.account = $2 AND m.task IN"
    );
    let fixed = [account.as_str().into()];
    by_keys(hub, (&sql, ""), &fixed, keys(tasks), mapping).await
}

pub(crate) async fn mappings_of_tasks(
    hub: &Hub,
    tasks: &[TaskId],
) -> Result<Vec<Mapping>, StoreError> {
    let sql = format!(
        "SELECT {MAPPING_COLUMNS} FROM mappings m \
         JOIN accounts a ON a.user_id = m.user_id AND a.account = m.account \
         WHERE m.user_id = $1 AND a.dormant_since IS NULL AND m.task IN"
    );
    by_keys(hub, (&sql, ""), &[], keys(tasks), mapping).await
}

/// Pairs whose item is not known to be gone.
pub(crate) async fn paired(
    hub: &Hub,
    account: &AccountId,
) -> Result<Vec<(RemoteId, TaskId)>, StoreError> {
    living(hub, account, "m.remote IS NOT NULL").await
}

/// Those among them that no look has shown yet.
pub(crate) async fn unseen(
    hub: &Hub,
    account: &AccountId,
) -> Result<Vec<(RemoteId, TaskId)>, StoreError> {
    // Not through the index of remote ids, which holds every pair of the account.
    let only = "m.unseen = 1 AND CASE WHEN m.remote IS NULL THEN 0 ELSE 1 END = 1";
    living(hub, account, only).await
}

async fn living(
    hub: &Hub,
    account: &AccountId,
    only: &str,
) -> Result<Vec<(RemoteId, TaskId)>, StoreError> {
    let sql = format!(
        "SELECT m.remote AS remote, m.task AS task FROM mappings m WHERE m.user_id = $1 \
         AND m.account = $2 AND m.gone = 0 AND {only}"
    );
    let mut on = hub.reader().await?;
    let rows = query(sql, &hub.user, [account.as_str().into()])
        .fetch_all(&mut *on)
        .await;
    let rows = rows.map_err(failed)?;
    let pair = |row| {
        Ok((
            RemoteId::new(get::<String>(row, "remote")?),
            get_parsed(row, "task")?,
        ))
    };
    rows.iter().map(pair).collect()
}

pub(crate) async fn tasks(hub: &Hub, ids: &[TaskId]) -> Result<Vec<Task>, StoreError> {
    let sql = format!("SELECT {TASK_COLUMNS} FROM tasks t WHERE t.user_id = $1 AND t.id IN");
    by_keys(hub, (&sql, ""), &[], keys(ids), task).await
}

/// Links lie in the body, so every row that has any is read; there are few.
pub(crate) async fn dependents(hub: &Hub, tasks: &[TaskId]) -> Result<Vec<TaskId>, StoreError> {
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    let linked =
        format!("SELECT {TASK_COLUMNS} FROM tasks t WHERE t.user_id = $1 AND t.linked = 1");
    let based =
        format!("SELECT {MAPPING_COLUMNS} FROM mappings m WHERE m.user_id = $1 AND m.linked = 1");
    let ends: BTreeSet<TaskId> = tasks.iter().copied().collect();
    let leads_there = |fields: &Fields| fields.links().any(|end| ends.contains(&end));
    let mut dependents = BTreeSet::new();
    let mut on = hub.reader().await?;
    let rows = query(linked, &hub.user, []).fetch_all(&mut *on).await;
    for row in rows.map_err(failed)? {
        let task = task(&row)?;
        if leads_there(&task.fields) {
            dependents.insert(task.id);
        }
    }
    let rows = query(based, &hub.user, []).fetch_all(&mut *on).await;
    for row in rows.map_err(failed)? {
        let pair = mapping(&row)?;
        if leads_there(&pair.base.fields) {
            dependents.insert(pair.task);
        }
    }
    Ok(dependents.into_iter().collect())
}

pub(crate) async fn unpaired_tasks(
    hub: &Hub,
    account: &AccountId,
    deleted: bool,
) -> Result<Vec<Task>, StoreError> {
    let sql = format!(
        "SELECT {TASK_COLUMNS} FROM tasks t \
         WHERE t.user_id = $1 AND (t.deleted_at IS NULL OR $3 = 1) AND NOT EXISTS \
         (SELECT 1 FROM mappings m WHERE m.user_id = t.user_id AND m.account = $2 \
          AND m.task = t.id AND m.remote IS NOT NULL \
          AND NOT (m.gone = 1 AND m.state IN ('pending', 'held') AND t.deleted_at IS NULL)) \
         ORDER BY t.created, t.id"
    );
    let binds = [account.as_str().into(), deleted.into()];
    let mut on = hub.reader().await?;
    let rows = query(sql, &hub.user, binds).fetch_all(&mut *on).await;
    rows.map_err(failed)?.iter().map(task).collect()
}

pub(crate) async fn hints(hub: &Hub, marker: &str) -> Result<Vec<Hint>, StoreError> {
    let sql = "SELECT task, marker, remote FROM hints \
               WHERE user_id = $1 AND marker = $2 ORDER BY task, remote";
    let mut on = hub.reader().await?;
    let rows = query(sql, &hub.user, [marker.into()])
        .fetch_all(&mut *on)
        .await;
    let rows = rows.map_err(failed)?;
    rows.iter()
        .map(|row| {
            Ok(Hint {
                task: get_parsed(row, "task")?,
                marker: get(row, "marker")?,
                remote: RemoteId::new(get::<String>(row, "remote")?),
            })
        })
        .collect()
}

pub(crate) async fn tally(
    hub: &Hub,
    account: &AccountId,
    since: Timestamp,
) -> Result<Tally, StoreError> {
    let alive = "SELECT m.collection AS collection, COUNT(*) AS total, \
                 SUM(CASE WHEN m.state = 'held' THEN 1 ELSE 0 END) AS held, \
                 SUM(m.unseen) AS unseen \
                 FROM mappings m JOIN tasks t ON t.user_id = m.user_id AND t.id = m.task \
                 WHERE m.user_id = $1 AND m.account = $2 AND m.remote IS NOT NULL \
                 AND (m.gone = 0 OR m.state = 'held') AND m.state <> 'out_of_scope' \
                 AND t.deleted_at IS NULL \
                 GROUP BY m.collection";
    let deleted = "SELECT collection, COUNT(*) AS total FROM deletions \
                   WHERE user_id = $1 AND account = $2 AND at >= $3 GROUP BY collection";
    let mut on = hub.reader().await?;
    let mut tally = Tally::default();
    let binds = [account.as_str().into()];
    let rows = query(alive, &hub.user, binds).fetch_all(&mut *on).await;
    for row in rows.map_err(failed)? {
        let collection = get::<Option<String>>(&row, "collection")?.map(CollectionId::new);
        let held = count(&row, "held")?;
        if held > 0 {
            tally.held.insert(collection.clone(), held);
        }
        let unseen = count(&row, "unseen")?;
        if unseen > 0 {
            tally.unseen.insert(collection.clone(), unseen);
        }
        tally.alive.insert(collection, count(&row, "total")?);
    }
    let binds = [account.as_str().into(), since.into()];
    let rows = query(deleted, &hub.user, binds).fetch_all(&mut *on).await;
    for row in rows.map_err(failed)? {
        let collection = get::<Option<String>>(&row, "collection")?.map(CollectionId::new);
        tally.deleted.insert(collection, count(&row, "total")?);
    }
    Ok(tally)
}

/// A count of rows.
pub(crate) fn count(row: &AnyRow, column: &str) -> Result<usize, StoreError> {
    let number = get_number(row, column)?;
    Ok(usize::try_from(number).unwrap_or(usize::MAX))
}
