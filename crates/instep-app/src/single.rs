//! One task at once, the short way: carried to every account, or taken from one. What is asked for
//! has to exist; a short way that finds nothing is no success.

use instep_api::{Exit, Failure, SyncReply, SyncRequest};
use instep_contract::{Connector, ConnectorError, Store};
use instep_engine::{RoundReport, Start};
use instep_model::{AccountId, RemoteId, TaskId};

use crate::app::App;
use crate::choice::Choice;
use crate::config::Entry;
use crate::connector::AnyConnector;
use crate::item::unknown_item;
use crate::say;
use crate::sync::Began;
use crate::tell::{About, exit_of_sync, outcome, state_of};

/// What became of an item that was asked for.
enum Taken {
    /// It has a partner in the hub, or waits for a person.
    Known,
    /// The service has it, and the hub does not.
    LeftThere,
    /// The service does not have it.
    Unknown,
}

impl App {
    /// Carries one hub task, or the task of Taskwarrior with this UUID, to every account now.
    ///
    /// # Errors
    /// When there is no such task.
    pub async fn push(&self, task: &str) -> Result<SyncReply, Failure> {
        let id = match task.trim().parse() {
            Ok(id) => id,
            Err(_) => self.find_task(task).await?.id,
        };
        let began = Began::now();
        let mut choice = self.everyone().await?;
        let report = self.run(&mut choice, &Start::Task(id)).await;
        let found = self.is_known(id).await?;
        let looked = report.accounts.iter().all(|one| one.trouble.is_none());
        let about = About::Task(Some(id));
        let reply = self.conclude(choice, report, about, began).await?;
        // Where an account could not be asked, the task may be that one's: its failure is told.
        match found || !looked || !reply.shown.changes.is_empty() {
            true => Ok(reply),
            false => {
                let has_met = self.has_met().await?;
                Err(say::usage(
                    "unknown_task",
                    format!("there is no task {task}"),
                    match has_met {
                        true => "neither the hub nor Taskwarrior has one of this id",
                        false => "the hub is empty: it has not met any account yet",
                    },
                    match has_met {
                        true => "instep list",
                        false => "instep sync",
                    },
                ))
            }
        }
    }

    /// Carries one hub task to one account now. Where it did not arrive, the reply says why.
    pub(crate) async fn carry_to(&self, id: TaskId, name: &str) -> Result<SyncReply, Failure> {
        let failed = |error| say::from_store(&error);
        let began = Began::now();
        let entries = self.entries(&[name.to_owned()])?;
        let account = &self.entry(name)?.account.id;
        let state = self.places.state();
        let mut choice = self.choose(entries, state, |connector| connector).await;
        let report = self.run(&mut choice, &Start::Task(id)).await;
        let about = About::Task(Some(id));
        let mut reply = self.conclude(choice, report, about, began).await?;
        let pairs = self.hub.mappings_by_task(account, &[id]).await;
        let arrived = pairs
            .map_err(failed)?
            .iter()
            .any(|pair| pair.remote.is_some());
        if !arrived && let Some(told) = reply.accounts.first_mut().filter(|one| one.error.is_none())
        {
            let (why, help) = match self.meets(account).await? {
                true => (
                    "it is outside what this account covers",
                    format!("instep account show {name}"),
                ),
                false => (
                    "the hub has not met this account yet",
                    format!("instep sync {name}"),
                ),
            };
            let what = format!("the task was not carried to {name}");
            let failure = Failure::new(Exit::Partial, "not_carried", what, why, help);
            told.state = state_of(failure.exit);
            told.error = Some(failure.now("it is in the hub"));
            reply.outcome = outcome(exit_of_sync(&reply)).to_owned();
        }
        Ok(reply)
    }

    /// Takes one item of an account into the hub and to every other account now.
    ///
    /// # Errors
    /// When there is no such account or item, several items are called so, it cannot be used, or the
    /// item is outside what the account covers.
    pub async fn pull(&self, account: &str, remote: &str) -> Result<SyncReply, Failure> {
        let entry = self.entry(account)?;
        let id = &entry.account.id;
        let began = Began::now();
        let mut choice = self.everyone().await?;
        let mut members = choice.members.iter();
        let Some(at) = members.position(|member| member.account.id == *id) else {
            let mut refused = choice.refused.iter();
            let why = refused.find(|(at, _)| choice.entries[*at].account.id == *id);
            return Err(why.map_or_else(
                || say::unknown_account(account, &self.config.names()),
                |(_, failure)| failure.clone(),
            ));
        };
        let remote = self
            .item(entry, &mut choice.members[at].connector, remote)
            .await?;
        let report = self
            .run(&mut choice, &Start::Item(at, remote.clone()))
            .await;
        let mut accounts = report.accounts.iter();
        let looked = accounts.all(|one| one.account != *id || one.trouble.is_none());
        let taken = match looked {
            true => {
                self.taken(&mut choice.members[at].connector, entry, &remote)
                    .await?
            }
            // Its failure is told, and says more.
            false => Taken::Known,
        };
        let pairs = self
            .hub
            .mappings_by_remote(id, std::slice::from_ref(&remote))
            .await;
        let pairs = pairs.map_err(|error| say::from_store(&error))?;
        let about = About::Task(pairs.first().map(|pair| pair.task));
        let reply = self.conclude(choice, report, about, began).await?;
        match taken {
            Taken::Known => Ok(reply),
            Taken::LeftThere if !self.meets(id).await? => Err(Failure::new(
                Exit::Failed,
                "not_taken",
                format!("{remote} was not taken from {account}"),
                "the hub has not met this account yet, and cannot tell what it knows already",
                format!("instep sync {account}"),
            )),
            Taken::LeftThere => Err(Failure::new(
                Exit::Failed,
                "not_taken",
                format!("{remote} was not taken from {account}"),
                "it is outside what this account covers, or nobody can tell yet what it belongs to",
                format!("instep account show {account}"),
            )),
            Taken::Unknown => Err(unknown_item(
                remote.as_str(),
                account,
                "nothing there has this id, and nothing that Instep knows of had it",
            )),
        }
    }

    async fn everyone(&self) -> Result<Choice<'_, AnyConnector>, Failure> {
        let entries = self.entries(&[])?;
        let state = self.places.state();
        Ok(self.choose(entries, state, |connector| connector).await)
    }

    async fn run(&self, choice: &mut Choice<'_, AnyConnector>, start: &Start) -> RoundReport {
        let engine = self.engine(self.hub.clone());
        let options = self.options(&SyncRequest::default());
        engine
            .run_single(&mut choice.members, start, &options)
            .await
    }

    /// Whether a first sync has ended, of any account.
    async fn has_met(&self) -> Result<bool, Failure> {
        for entry in self.entries(&[])? {
            if self.meets(&entry.account.id).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(crate) async fn meets(&self, account: &AccountId) -> Result<bool, Failure> {
        let state = self.hub.account_state(account).await;
        let state = state.map_err(|error| say::from_store(&error))?;
        Ok(state.joined)
    }

    /// Whether the hub has ever had this task.
    async fn is_known(&self, id: TaskId) -> Result<bool, Failure> {
        let tasks = self.hub.tasks(&[id]).await;
        tasks
            .map(|tasks| !tasks.is_empty())
            .map_err(|error| say::from_store(&error))
    }

    async fn taken(
        &self,
        connector: &mut AnyConnector,
        entry: &Entry,
        remote: &RemoteId,
    ) -> Result<Taken, Failure> {
        let account = &entry.account.id;
        let failed = |error| say::from_store(&error);
        let ids = [remote.clone()];
        let pairs = self.hub.mappings_by_remote(account, &ids).await;
        let reviews = self.hub.reviews(account).await.map_err(failed)?;
        let waits = reviews
            .iter()
            .any(|one| one.remote.as_ref() == Some(remote));
        if waits || !pairs.map_err(failed)?.is_empty() {
            return Ok(Taken::Known);
        }
        let read = async |to: &mut AnyConnector| to.read(&ids).await;
        match self.ask(entry, connector, read).await? {
            Ok(found) if found.iter().any(Option::is_some) => Ok(Taken::LeftThere),
            // An id that the service cannot even read is none of its own.
            Ok(_) | Err(ConnectorError::Rejected { .. }) => Ok(Taken::Unknown),
            Err(error) => Err(say::from_connector(entry, &error, say::Met::Looking)),
        }
    }
}
