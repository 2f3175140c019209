//! What a hook tells, as events of accounts: accepted before anybody is told so (I10).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use instep_api::Failure;
use instep_api::socket::HookReport;
use instep_contract::{Connector, Delivery, Event, Store};
use instep_model::{AccountId, Kind, RemoteId, Timestamp};

use crate::app::App;
use crate::config::Entry;
use crate::say;
use crate::spool::{Spool, Told};

/// Files of the spool that are taken in together.
const MOST_SPOOLED: usize = 256;

impl App {
    /// What this report is to each account: its tasks, where they lie in the account's directory, and a
    /// reason to look at everything where nobody can say whether they do.
    async fn deliveries(&self, report: &HookReport) -> Vec<Delivery> {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let data = real(Path::new(&report.data));
        // No id: told twice, its tasks are looked at once more, and nothing else comes of it.
        let told = |account: AccountId, items| Delivery {
            account,
            id: None,
            items,
        };
        let mut found = Vec::new();
        let mut perhaps = Vec::new();
        for entry in &self.config.accounts {
            if entry.account.kind != Kind::Taskwarrior {
                continue;
            }
            let account = entry.account.id.clone();
            match self.data_of(entry).await {
                Some(place) if real(&place) == data => {
                    let items = report.tasks.iter().map(RemoteId::new).collect();
                    found.push(told(account, items));
                }
                Some(_) => {}
                None => perhaps.push(told(account, Vec::new())),
            }
        }
        if found.is_empty() { perhaps } else { found }
    }

    /// Where the tasks of a Taskwarrior lie; `None` while it cannot be asked. It is asked once, and
    /// again where nothing is there any more.
    async fn data_of(&self, entry: &Entry) -> Option<PathBuf> {
        let account = &entry.account.id;
        let known = || {
            self.taskwarriors
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let place = known().get(account).cloned();
        if let Some(place) = place.filter(|place| place.exists()) {
            return Some(place);
        }
        let mut connector = self.connector(entry).await.ok()?;
        // It knows its place once it has said who it is. Not through the door: what a hook tells is
        // taken in while the account is paused as well, and a Taskwarrior has no breaker.
        let asked = connector.identity().await;
        let place = connector.data_dir().map(Path::to_owned);
        self.keep(entry, connector, None);
        if let Err(error) = asked {
            tracing::warn!(account.id = %account, %error, "Taskwarrior cannot be asked where its tasks lie");
            return None;
        }
        let place = place?;
        known().insert(account.clone(), place.clone());
        Some(place)
    }

    /// Accepts what hooks told, all of it in one step; answers the accounts that it is about. What is
    /// about a Taskwarrior of which no account knows is dropped.
    ///
    /// # Errors
    /// When the hub fails: nothing was accepted then.
    pub async fn accept_hooks(&self, reports: &[HookReport]) -> Result<Vec<AccountId>, Failure> {
        let mut deliveries = Vec::new();
        for report in reports {
            deliveries.extend(self.deliveries(report).await);
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
