//! What people list and look up: tasks and pairs.

use instep_contract::StoreError;
use instep_model::{Account, AccountId, Mapping, ProjectPath, Status, Task};

use crate::read::{MAPPING_COLUMNS, TASK_COLUMNS, mapping, task};
use crate::row::read_account;
use crate::sql::{Bind, failed, get, query};
use crate::store::HubStore;

/// Which living tasks to list. An empty filter lists all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskFilter {
    /// Only with one of these statuses; none for any.
    pub statuses: Vec<Status>,
    /// Only in this project, or below.
    pub project: Option<ProjectPath>,
    /// Only with this tag.
    pub tag: Option<String>,
    /// Only those with an item in this account.
    pub account: Option<AccountId>,
}

/// A task found by the beginning of its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTask {
    /// The task.
    pub task: Task,
    /// Whether it is no more than a tombstone.
    pub is_tombstone: bool,
}

impl HubStore {
    /// Living tasks that pass the filter, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`], as for everything that lists.
    pub async fn list_tasks(&self, filter: &TaskFilter) -> Result<Vec<Task>, StoreError> {
        let mut sql = format!(
            "SELECT {TASK_COLUMNS} FROM tasks t WHERE t.user_id = $1 AND t.deleted_at IS NULL"
        );
        let mut binds: Vec<Bind> = Vec::new();
        if let Some(account) = &filter.account {
            binds.push(account.as_str().into());
            sql.push_str(
                " AND EXISTS (SELECT 1 FROM mappings m WHERE m.user_id = t.user_id \
                 AND m.account = $2 AND m.task = t.id AND m.remote IS NOT NULL)",
            );
        }
        if !filter.statuses.is_empty() {
            let first = binds.len() + 2;
            let numbers: Vec<String> = (first..first + filter.statuses.len())
                .map(|number| format!("${number}"))
                .collect();
            sql.push_str(&format!(" AND t.status IN ({})", numbers.join(", ")));
            binds.extend(
                filter
                    .statuses
                    .iter()
                    .map(|status| status.to_string().into()),
            );
        }
        sql.push_str(" ORDER BY t.created, t.id");
        let mut tasks = self.tasks_of(sql, binds).await?;
        tasks.retain(|task| passes(filter, task));
        Ok(tasks)
    }

    /// Tasks whose id begins with `prefix` (hexadecimal digits and hyphens, either case),
    /// tombstones among them; the caller decides what more than one means. An empty prefix
    /// finds nothing.
    ///
    /// # Errors
    /// As [`list_tasks`](Self::list_tasks).
    pub async fn find_task(&self, prefix: &str) -> Result<Vec<FoundTask>, StoreError> {
        let Some(range) = id_range(prefix) else {
            return Ok(Vec::new());
        };
        let sql = format!(
            "SELECT {TASK_COLUMNS} FROM tasks t \
             WHERE t.user_id = $1 AND t.id >= $2 AND t.id < $3 ORDER BY t.id"
        );
        let tasks = self.tasks_of(sql, range.map(Bind::Text).to_vec()).await?;
        let found = tasks.into_iter().map(|task| FoundTask {
            is_tombstone: !task.is_alive(),
            task,
        });
        Ok(found.collect())
    }

    /// Every pair, or those of one account, by account and task; dormant ones too.
    ///
    /// # Errors
    /// As [`list_tasks`](Self::list_tasks).
    pub async fn mappings(&self, account: Option<&AccountId>) -> Result<Vec<Mapping>, StoreError> {
        let (only, binds) = match account {
            Some(account) => (" AND m.account = $2", vec![account.as_str().into()]),
            None => ("", Vec::new()),
        };
        let sql = format!(
            "SELECT {MAPPING_COLUMNS} FROM mappings m WHERE m.user_id = $1{only} \
             ORDER BY m.account, m.task"
        );
        let mut on = self.0.reader().await?;
        let rows = query(sql, &self.0.user, binds).fetch_all(&mut *on).await;
        rows.map_err(failed)?.iter().map(mapping).collect()
    }

    /// The accounts as last mirrored from the config, without those that left it.
    ///
    /// # Errors
    /// As [`list_tasks`](Self::list_tasks).
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.accounts_where("dormant_since IS NULL").await
    }

    /// The accounts that left the config and are remembered, as they were last.
    ///
    /// # Errors
    /// As [`list_tasks`](Self::list_tasks).
    pub async fn removed_accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.accounts_where("dormant_since IS NOT NULL").await
    }

    async fn accounts_where(&self, which: &str) -> Result<Vec<Account>, StoreError> {
        let sql = format!(
            "SELECT account, config FROM accounts WHERE user_id = $1 \
             AND config IS NOT NULL AND {which} ORDER BY account"
        );
        let mut on = self.0.reader().await?;
        let rows = query(sql, &self.0.user, []).fetch_all(&mut *on).await;
        let rows = rows.map_err(failed)?;
        rows.iter()
            .map(|row| {
                let id = AccountId::new(get::<String>(row, "account")?);
                read_account(id, get(row, "config")?)
            })
            .collect()
    }

    async fn tasks_of(&self, sql: String, binds: Vec<Bind>) -> Result<Vec<Task>, StoreError> {
        let mut on = self.0.reader().await?;
        let rows = query(sql, &self.0.user, binds).fetch_all(&mut *on).await;
        rows.map_err(failed)?.iter().map(task).collect()
    }
}

fn passes(filter: &TaskFilter, task: &Task) -> bool {
    let in_project = filter.project.as_ref().is_none_or(|scope| {
        let path = task.fields.project();
        path.is_some_and(|path| path.is_within(scope))
    });
    let has_tag = filter
        .tag
        .as_ref()
        .is_none_or(|tag| task.fields.tags().contains(tag));
    in_project && has_tag
}

/// The ids that begin with a prefix: from the first, to just before the second. `None` where
/// no id does. Compared as text, so that no pattern has to be escaped.
fn id_range(prefix: &str) -> Option<[String; 2]> {
    let from = prefix.to_ascii_lowercase();
    let is_id = from.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
    if from.is_empty() || !is_id {
        return None;
    }
    // `g` comes after every digit of an id.
    let until = format!("{from}g");
    Some([from, until])
}
