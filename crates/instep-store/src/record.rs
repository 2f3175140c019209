//! What people ask of the past: the journal, conflicts, matters for review.

use instep_contract::StoreError;
use instep_model::{
    AccountId, Conflict, ConflictId, ConflictState, JournalEntry, OperationId, Review, TaskId,
    Timestamp,
};
use sqlx::any::AnyRow;

use crate::account;
use crate::connection::transaction;
use crate::read::{by_keys, keys};
use crate::row::{conflict_state, read_conflict, read_journal};
use crate::sql::{Bind, execute, failed, get, get_maybe, get_parsed, query};
use crate::store::{Hub, HubStore};

const CONFLICT_COLUMNS: &str = "id, task, account, state, at, body";

/// Which lines of the journal to read. An empty filter reads all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JournalFilter {
    /// Only lines of this moment or later.
    pub since: Option<Timestamp>,
    /// Only about this task.
    pub task: Option<TaskId>,
    /// Only caused by, or written to, this account.
    pub account: Option<AccountId>,
    /// Only of steps whose id begins like this.
    pub operation: Option<String>,
    /// At most so many: the newest ones.
    pub limit: Option<usize>,
}

impl HubStore {
    /// Lines of the journal that pass the filter, oldest first.
    ///
    /// # Errors
    /// As [`list_tasks`](Self::list_tasks).
    pub async fn journal(&self, filter: &JournalFilter) -> Result<Vec<JournalEntry>, StoreError> {
        let mut sql = String::from(
            "SELECT operation, at, account, task, body FROM journal WHERE user_id = $1",
        );
        let account = filter.account.as_ref().map(ToString::to_string);
        let tests = [
            ("at >=", filter.since.map(Bind::from)),
            ("task =", filter.task.map(|task| task.to_string().into())),
            ("account =", account.map(Bind::from)),
        ];
        let mut binds = Vec::new();
        for (test, bind) in tests {
            if let Some(bind) = bind {
                binds.push(bind);
                sql.push_str(&format!(" AND {test} ${}", binds.len() + 1));
            }
        }
        if let Some(prefix) = &filter.operation {
            let length = u64::try_from(prefix.chars().count()).unwrap_or(u64::MAX);
            binds.push(Bind::from(prefix.clone()));
            binds.push(length.into());
            let (begins, length) = (binds.len(), binds.len() + 1);
            sql.push_str(&format!(" AND SUBSTR(operation, 1, ${length}) = ${begins}"));
        }
        sql.push_str(" ORDER BY id DESC");
        if let Some(limit) = filter.limit {
            binds.push(Bind::from(u64::try_from(limit).unwrap_or(u64::MAX)));
            sql.push_str(&format!(" LIMIT ${}", binds.len() + 1));
        }
        let mut on = self.0.reader().await?;
        let rows = query(sql, &self.0.user, binds).fetch_all(&mut *on).await;
        rows.map_err(failed)?.iter().rev().map(line).collect()
    }

    /// Conflicts, oldest first; with `open_only`, those that wait for a person.
    ///
    /// # Errors
    /// As [`list_tasks`](Self::list_tasks).
    pub async fn conflicts(&self, open_only: bool) -> Result<Vec<Conflict>, StoreError> {
        let only = if open_only { " AND state = 'open'" } else { "" };
        let sql = format!(
            "SELECT {CONFLICT_COLUMNS} FROM conflicts WHERE user_id = $1{only} ORDER BY at, id"
        );
        self.conflicts_of(sql, Vec::new()).await
    }

    /// Conflicts whose id begins with `prefix`; the caller decides what more than one means.
    ///
    /// # Errors
    /// As [`list_tasks`](Self::list_tasks).
    pub async fn conflict(&self, prefix: &str) -> Result<Vec<Conflict>, StoreError> {
        // By number of characters: an id may hold what a pattern would take for a sign.
        let sql = format!(
            "SELECT {CONFLICT_COLUMNS} FROM conflicts \
             WHERE user_id = $1 AND SUBSTR(id, 1, $3) = $2 ORDER BY at, id"
        );
        let length = u64::try_from(prefix.chars().count()).unwrap_or(u64::MAX);
        self.conflicts_of(sql, vec![prefix.into(), length.into()])
            .await
    }

    async fn conflicts_of(
        &self,
        sql: String,
        binds: Vec<Bind>,
    ) -> Result<Vec<Conflict>, StoreError> {
        let mut on = self.0.reader().await?;
        let rows = query(sql, &self.0.user, binds).fetch_all(&mut *on).await;
        rows.map_err(failed)?.iter().map(conflict).collect()
    }

    /// Moves a conflict to another state; answers whether there is such a conflict.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn set_conflict_state(
        &self,
        id: &ConflictId,
        state: ConflictState,
    ) -> Result<bool, StoreError> {
        let hub = &*self.0;
        let sql = "UPDATE conflicts SET state = $3 WHERE user_id = $1 AND id = $2";
        let binds = || [id.as_str().into(), conflict_state(state).into()];
        let changed = transaction!(hub, |on| execute(on, sql, &hub.user, binds()))?;
        Ok(changed > 0)
    }

    /// What waits for a person to look at it in this account.
    ///
    /// # Errors
    /// As [`list_tasks`](Self::list_tasks).
    pub async fn reviews(&self, account: &AccountId) -> Result<Vec<Review>, StoreError> {
        let mut on = self.0.reader().await?;
        account::reviews(&self.0, &mut on, account).await
    }
}

/// Conflicts of these tasks with this account that wait for a person.
pub(crate) async fn open_conflicts(
    hub: &Hub,
    account: &AccountId,
    tasks: &[TaskId],
) -> Result<Vec<Conflict>, StoreError> {
    let sql = format!(
        "SELECT {CONFLICT_COLUMNS} FROM conflicts \
         WHERE user_id = $1 AND account = $2 AND state = 'open' AND task IN"
    );
    let fixed = [account.as_str().into()];
    by_keys(hub, (&sql, ""), &fixed, keys(tasks), conflict).await
}

/// Every conflict of these tasks.
pub(crate) async fn conflicts_of(hub: &Hub, tasks: &[TaskId]) -> Result<Vec<Conflict>, StoreError> {
    let sql = format!("SELECT {CONFLICT_COLUMNS} FROM conflicts WHERE user_id = $1 AND task IN");
    by_keys(hub, (&sql, ""), &[], keys(tasks), conflict).await
}

fn line(row: &AnyRow) -> Result<JournalEntry, StoreError> {
    let account: Option<String> = get(row, "account")?;
    read_journal(
        OperationId::new(get::<String>(row, "operation")?),
        get_parsed(row, "at")?,
        account.map(AccountId::new),
        get_maybe(row, "task")?,
        get(row, "body")?,
    )
}

fn conflict(row: &AnyRow) -> Result<Conflict, StoreError> {
    read_conflict(
        ConflictId::new(get::<String>(row, "id")?),
        get_parsed(row, "task")?,
        AccountId::new(get::<String>(row, "account")?),
        (get(row, "state")?, get_parsed(row, "at")?),
        get(row, "body")?,
    )
}
