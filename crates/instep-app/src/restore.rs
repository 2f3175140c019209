//! What vanished from an account and is on hold is brought back there, where a person says that
//! nobody meant to delete it.

use std::collections::BTreeSet;

use instep_api::{Failure, SyncReply, SyncRequest};
use instep_contract::Store;
use instep_model::{AccountId, Direction, ProjectPath, TaskId};

use crate::app::App;
use crate::config::Entry;
use crate::say;

impl App {
    /// Makes again what the guard holds of an account, or of one project in it and below, and carries
    /// it there now. `collection` is `ACCOUNT` or `ACCOUNT/PROJECT`.
    ///
    /// # Errors
    /// When there is no such account or project, or nothing of it is on hold.
    pub async fn restore(&self, collection: &str) -> Result<SyncReply, Failure> {
        let (name, project) = match collection.split_once('/') {
            Some((name, project)) => (name, Some(project)),
            None => (collection, None),
        };
        let entry = self.entry(name)?;
        if entry.account.direction == Direction::FromRemote {
            return Err(never_written(entry));
        }
        let account = &entry.account.id;
        let project = project.map(path).transpose()?;
        let held = self.held(account, project.as_ref()).await?;
        if held.is_empty() {
            return Err(say::usage(
                "nothing_held",
                format!("no deletion in {collection} is on hold"),
                "what is on hold is told by `instep status`",
                format!("instep sync {name}"),
            ));
        }
        self.holding(account, async |engine, lease| {
            let refused = engine.refuse_deletions(lease, &held).await;
            refused.map_err(|error| say::from_edit(&error))
        })
        .await?;
        let request = SyncRequest {
            accounts: self.with_marker_holders(entry),
            ..SyncRequest::default()
        };
        let mut reply = self.sync(&request, &mut |_| {}).await?;
        let asked_for: BTreeSet<String> = held.iter().map(ToString::to_string).collect();
        let made = reply
            .shown
            .changes
            .iter_mut()
            .filter(|change| change.action == "create" && asked_for.contains(&change.task));
        for change in made {
            change.why = Some("you refused its deletion".to_owned());
        }
        Ok(reply)
    }

    /// An account, and those whose items carry its ids: what is made again there has new ones.
    fn with_marker_holders(&self, entry: &Entry) -> Vec<String> {
        let accounts = self.config.accounts.iter().map(|other| &other.account);
        let is_marked = entry.account.kind.is_marked();
        accounts
            .filter(|other| {
                other.id == entry.account.id || (is_marked && other.kind.holds_markers())
            })
            .map(|other| other.name.clone())
            .collect()
    }

    /// The tasks of which the guard holds a deletion.
    async fn held(
        &self,
        account: &AccountId,
        project: Option<&ProjectPath>,
    ) -> Result<Vec<TaskId>, Failure> {
        let failed = |error| say::from_store(&error);
        let pairs = self.hub.mappings(Some(account)).await.map_err(failed)?;
        let held = pairs.iter().filter(|pair| pair.is_guarded());
        let ids: Vec<TaskId> = held.map(|pair| pair.task).collect();
        let tasks = self.hub.tasks(&ids).await.map_err(failed)?;
        let wanted = tasks.into_iter().filter(|task| match project {
            Some(project) => {
                let path = task.fields.project();
                path.is_some_and(|path| path.is_within(project))
            }
            None => true,
        });
        Ok(wanted.map(|task| task.id).collect())
    }
}

fn never_written(entry: &Entry) -> Failure {
    let name = &entry.account.name;
    say::usage(
        "never_written",
        format!("nothing can be made again in {name}"),
        "its direction is from-remote: Instep only reads it",
        format!(
            "bring the tasks back in {} itself, or let what is on hold go: \
             instep sync {name} --max-delete N",
            say::service(entry.account.kind)
        ),
    )
}

fn path(text: &str) -> Result<ProjectPath, Failure> {
    text.parse().map_err(|error: instep_model::ParseError| {
        say::usage(
            "bad_project",
            format!("`{text}` is not a project"),
            error.to_string(),
            "instep restore --collection vikunja/Work.Garden",
        )
    })
}
