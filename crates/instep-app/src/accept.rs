//! What a hook tells, as events of accounts: accepted before anybody is told so (I10).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use instep_api::Failure;
use instep_api::socket::HookReport;
use instep_contract::{Connector, Delivery, Event, Store};
use instep_model::{AccountId, Kind, RemoteId, Timestamp};

use crate::app::App;
use crate::say;
use crate::spool::{Spool, Told};

/// Files of the spool that are taken in together.
const MOST_SPOOLED: usize = 256;

impl App {
    /// The Taskwarrior accounts whose tasks lie in this directory.
    async fn accounts_at(&self, data: &Path) -> Vec<AccountId> {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let data = real(data);
        let known = self.taskwarriors.get_or_init(|| self.taskwarriors()).await;
        let there = known.iter().filter(|(_, place)| real(place) == data);
        there.map(|(account, _)| account.clone()).collect()
    }

    /// Where the tasks of each Taskwarrior lie; one that cannot be asked is left out.
    async fn taskwarriors(&self) -> Vec<(AccountId, PathBuf)> {
        let mut found = Vec::new();
        for entry in &self.config.accounts {
            if entry.account.kind != Kind::Taskwarrior {
                continue;
            }
            let Ok(mut connector) = self.connector(entry).await else {
                continue;
            };
            // It knows its place once it has said who it is. Not through the door: what a hook tells is
            // taken in while the account is paused as well, and a Taskwarrior has no breaker.
            match connector.identity().await {
                Ok(_) => found.extend(connector.data_dir().map(|data| {
                    let data = data.to_owned();
                    (entry.account.id.clone(), data)
                })),
                Err(error) => {
                    tracing::warn!(account.id = %entry.account.id, %error, "Taskwarrior cannot be asked where its tasks lie");
                }
            }
            self.keep(entry, connector, None);
        }
        found
    }

    /// Accepts what hooks told, all of it in one step; answers the accounts that it is about. What is
    /// about a Taskwarrior of which no account knows is dropped.
    ///
    /// # Errors
    /// When the hub fails: nothing was accepted then.
    pub async fn accept_hooks(&self, reports: &[HookReport]) -> Result<Vec<AccountId>, Failure> {
        let mut deliveries = Vec::new();
        for report in reports {
            for account in self.accounts_at(Path::new(&report.data)).await {
                // No id: told twice, its tasks are looked at once more, and nothing else comes of it.
                deliveries.push(Delivery {
                    account,
                    id: None,
                    items: report.tasks.iter().map(RemoteId::new).collect(),
                });
            }
        }
        let mut accounts: Vec<AccountId> =
            deliveries.iter().map(|one| one.account.clone()).collect();
        accounts.sort();
        accounts.dedup();
        let accepted = self.hub.accept(&deliveries, Timestamp::now()).await;
        accepted.map_err(|error| say::from_store(&error))?;
        Ok(accounts)
    }
}

/// What was taken out of the spool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TakenIn {
    /// The accounts that it is about.
    pub accounts: BTreeSet<AccountId>,
    /// Whether any task of any of them may have changed.
    pub everything: bool,
}

impl App {
    /// Takes in what hooks left in the spool while nobody listened. A file leaves the spool once what
    /// it says is stored.
    ///
    /// # Errors
    /// When the hub fails: what was not stored stays in the spool.
    pub async fn take_in_spool(&self) -> Result<TakenIn, Failure> {
        let spool = Spool::of(&self.places);
        let mut taken = TakenIn::default();
        // One that cannot be listed holds nothing that anybody could take in.
        let names = spool.list().unwrap_or_default();
        for names in names.chunks(MOST_SPOOLED) {
            let spooled: Vec<_> = names.iter().filter_map(|name| spool.read(name)).collect();
            let mut reports = Vec::new();
            for one in &spooled {
                match &one.told {
                    Told::Report(report) => reports.push(report.clone()),
                    Told::Everything => taken.everything = true,
                }
            }
            taken.accounts.extend(self.accept_hooks(&reports).await?);
            for one in &spooled {
                if let Err(error) = spool.remove(one) {
                    // It is taken in once more, and counts once.
                    tracing::warn!(%error, "a file of the spool could not be removed");
                }
            }
        }
        Ok(taken)
    }

    /// Ends what was told of accounts that have been looked at since.
    pub(crate) async fn forget_told(&self, told: &[Event]) -> Result<(), Failure> {
        let finished = self.hub.finish_events(told).await;
        finished.map_err(|error| say::from_store(&error))
    }

    /// What was told of these accounts so far.
    pub(crate) async fn told_of(&self, accounts: &[AccountId]) -> Result<Vec<Event>, Failure> {
        let mut told = Vec::new();
        for account in accounts {
            let events = self.hub.events(account, usize::MAX).await;
            told.extend(events.map_err(|error| say::from_store(&error))?);
        }
        Ok(told)
    }
}
