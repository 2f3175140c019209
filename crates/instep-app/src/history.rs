//! What happened, from the journal.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use instep_api::{Failure, LogLine, LogRequest, SCHEMA_VERSION};
use instep_contract::Store;
use instep_model::{JournalEntry, TaskId, Timestamp};
use instep_store::JournalFilter;

use crate::app::App;
use crate::find::check_length;
use crate::{say, tell};

impl App {
    /// Lines of the journal, oldest first.
    ///
    /// # Errors
    /// When the task, account or operation is unknown, or the hub fails.
    pub async fn log(&self, request: &LogRequest) -> Result<Vec<LogLine>, Failure> {
        let failed = |error| say::from_store(&error);
        let account = match request.account.as_deref() {
            Some(name) => Some(self.known_account(name)?.clone()),
            None => None,
        };
        let task = match request.task.as_deref() {
            Some(prefix) => Some(self.any_task(prefix).await?),
            None => None,
        };
        let operation = match request.operation.as_deref() {
            Some(prefix) => Some(self.operation(prefix).await?),
            None => None,
        };
        let since = request.since_secs.map(|secs| {
            let span = Duration::from_secs(secs);
            Timestamp::now().checked_sub(span).unwrap_or(Timestamp::MIN)
        });
        let filter = JournalFilter {
            since,
            task,
            account,
            operation,
            limit: request.limit,
        };
        let entries = self.hub.journal(&filter).await.map_err(failed)?;
        let ids: Vec<TaskId> = entries.iter().filter_map(|entry| entry.task).collect();
        let tasks = self.hub.tasks(&ids).await.map_err(failed)?;
        let titles: BTreeMap<TaskId, &str> = tasks
            .iter()
            .map(|task| (task.id, task.fields.title()))
            .collect();
        let lines = entries.into_iter().map(|entry| {
            let title = entry.task.and_then(|task| titles.get(&task).copied());
            self.line(entry, title)
        });
        Ok(lines.collect())
    }

    /// A task by the beginning of its id, deleted ones too.
    async fn any_task(&self, prefix: &str) -> Result<TaskId, Failure> {
        check_length(prefix, "instep list --all")?;
        let found = self.hub.find_task(prefix.trim()).await;
        let found = found.map_err(|error| say::from_store(&error))?;
        match found.as_slice() {
            [one] => Ok(one.task.id),
            _ => Ok(self.find_task(prefix).await?.id),
        }
    }

    /// An operation by the beginning of its id.
    async fn operation(&self, prefix: &str) -> Result<String, Failure> {
        check_length(prefix, "instep log")?;
        let prefix = prefix.trim().to_ascii_lowercase();
        let filter = JournalFilter {
            operation: Some(prefix.clone()),
            ..JournalFilter::default()
        };
        let found = self.hub.journal(&filter).await;
        let found = found.map_err(|error| say::from_store(&error))?;
        let ids: BTreeSet<String> = found
            .iter()
            .map(|entry| entry.operation.to_string())
            .collect();
        let mut ids = ids.into_iter();
        match (ids.next(), ids.len()) {
            (Some(id), 0) => Ok(id),
            (None, _) => Err(say::usage(
                "unknown_operation",
                format!("there is no operation {prefix}"),
                "no id begins like that",
                "instep log",
            )),
            (Some(_), more) => Err(say::usage(
                "ambiguous_operation",
                format!(
                    "{} operations have an id that begins with {prefix}",
                    more + 1
                ),
                "each is shown on its own",
                "give more of the id; `instep log --json` tells all of it",
            )),
        }
    }

    fn line(&self, entry: JournalEntry, title: Option<&str>) -> LogLine {
        LogLine {
            schema_version: SCHEMA_VERSION,
            at: entry.at.to_string(),
            op: entry.operation.to_string(),
            account: entry.account.as_ref().map(|id| self.name_of(id).to_owned()),
            task: entry.task.map(|task| task.to_string()),
            title: title.map(str::to_owned),
            side: tell::side(entry.side).to_owned(),
            action: entry.action.to_string(),
            field: entry.field.map(|field| field.name().to_owned()),
            from: entry.from,
            to: entry.to,
            cause: entry.cause,
        }
    }
}
