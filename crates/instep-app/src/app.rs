//! An opened hub with its accounts. A hub that is missing or damaged is no reason to stop (I9):
//! the damaged one is kept beside the new one, and the next sync finds every pair again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use instep_api::{Exit, Failure, SyncRequest};
use instep_contract::{Lease, Store, StoreError};
use instep_engine::{Clock, Decisions, Engine, Limits};
use instep_model::{AccountId, Timestamp, UserId};
use instep_store::{HubStore, OpenError};

use crate::Places;
use crate::config::{Config, Entry, load};
use crate::pool::Pool;
use crate::runtime::{SystemClock, SystemRng};
use crate::say;
use crate::secret::Secrets;
use crate::wiring;

/// The one user of a hub on a person's own computer.
const USER: &str = "me";

/// How long to wait for an account that another instance runs, unless asked otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

/// Follows the name of an account that left the config.
const REMOVED: &str = " (removed)";

/// What lies beside the database and belongs to it.
const SIDE_FILES: [&str; 3] = ["", "-wal", "-shm"];

pub(crate) type AppEngine = Engine<HubStore, SystemClock, SystemRng>;

/// An opened hub and the accounts of the config.
#[derive(Debug)]
pub struct App {
    pub(crate) places: Places,
    pub(crate) config: Config,
    pub(crate) hub: HubStore,
    pub(crate) secrets: Secrets,
    pub(crate) pool: Pool,
    /// Where the tasks of each Taskwarrior lie that could be asked so far.
    pub(crate) taskwarriors: Mutex<BTreeMap<AccountId, PathBuf>>,
    /// How long to wait for an account that another instance runs.
    pub(crate) patience: Duration,
    /// When services are called no longer; every engine of this process counts in it.
    pub(crate) limits: Limits,
    /// What accounts were called that left the config.
    removed: BTreeMap<AccountId, String>,
    notes: Vec<String>,
}

impl App {
    /// Opens the hub that the config belongs to.
    ///
    /// # Errors
    /// When there is no config, it is not valid, or the hub cannot be opened for a reason that
    /// starting anew would not mend.
    pub async fn open(places: &Places) -> Result<Self, Failure> {
        let config = load(places)?;
        places.make_private_dirs()?;
        let (hub, notes) = open_hub(&places.hub(), !config.accounts.is_empty()).await?;
        Self::of(places, config, hub, notes).await
    }

    /// The same hub with the config as it is by now; connectors are made anew.
    ///
    /// # Errors
    /// When the config is not valid, or the hub fails.
    pub async fn reopen(&self) -> Result<Self, Failure> {
        let config = load(&self.places)?;
        Self::of(&self.places, config, self.hub.clone(), Vec::new()).await
    }

    async fn of(
        places: &Places,
        config: Config,
        hub: HubStore,
        mut notes: Vec<String>,
    ) -> Result<Self, Failure> {
        let accounts = config.accounts();
        hub.mirror_accounts(&accounts, SystemClock.now())
            .await
            .map_err(|error| say::from_store(&error))?;
        let removed = hub.removed_accounts().await;
        let removed = removed.map_err(|error| say::from_store(&error))?;
        let named = removed
            .into_iter()
            .map(|account| (account.id, account.name + REMOVED));
        notes.extend(config.notes());
        Ok(Self {
            places: places.clone(),
            limits: Limits::new(config.breaker, config.rate),
            config,
            hub,
            secrets: Secrets::default(),
            pool: Pool::default(),
            taskwarriors: Mutex::default(),
            patience: PATIENCE,
            removed: named.collect(),
            notes,
        })
    }

    /// From now on waits this long for an account that another instance runs.
    pub fn wait_up_to(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Does `work` while nobody else runs the account (S11): whatever is decided about a pair must
    /// not be written over by who has read it before.
    pub(crate) async fn holding<T>(
        &self,
        account: &AccountId,
        work: impl AsyncFnOnce(&AppEngine, &Lease) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let engine = self.engine(self.hub.clone());
        let options = self.options(&SyncRequest::default());
        let lease = engine.claim(account, &options).await;
        let lease = lease.map_err(|error| match &error {
            StoreError::LeaseHeld { holder, .. } => {
                say::account_in_use(self.name_of(account), holder)
            }
            error => say::from_store(error),
        })?;
        let outcome = work(&engine, &lease).await;
        // A lease that cannot be given back ends by itself.
        let _ = engine.store.release_lease(lease).await;
        outcome
    }

    /// What a person should hear once: a damaged hub that was set aside, keys of the config that
    /// mean nothing.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Closes the database, for everybody who opened it by way of this. Dropping does it too, without
    /// waiting for it.
    pub async fn close(&self) {
        self.hub.close().await;
    }

    /// The directory of the hub.
    pub fn data_dir(&self) -> &Path {
        self.places.data()
    }

    /// Where the daemon listens for webhooks; `None` for nowhere.
    pub fn listen_at(&self) -> Option<&str> {
        let at = self.config.daemon.listen.as_str();
        (!at.is_empty()).then_some(at)
    }

    /// How often each account is looked at whether anything was told of it or not; `None` for never.
    pub fn poll_every(&self) -> Option<Duration> {
        let secs = self.config.daemon.poll_secs;
        (secs > 0).then(|| Duration::from_secs(secs))
    }

    pub(crate) fn engine(&self, store: HubStore) -> AppEngine {
        Engine {
            store,
            clock: SystemClock,
            rng: SystemRng,
            zone: self.config.zone.clone(),
            peers: wiring::peers(&self.config),
            decisions: Decisions::default(),
            limits: self.limits.clone(),
        }
    }

    /// The account of this name.
    pub(crate) fn entry(&self, name: &str) -> Result<&Entry, Failure> {
        let known = self.config.entry(name);
        known.ok_or_else(|| say::unknown_account(name, &self.config.names()))
    }

    /// The account of this name, or the one that had it and was removed.
    pub(crate) fn known_account(&self, name: &str) -> Result<&AccountId, Failure> {
        let entry = self.entry(name);
        let is_named = |known: &str| known.strip_suffix(REMOVED) == Some(name) || known == name;
        let mut removed = self.removed.iter();
        match (entry, removed.find(|(_, known)| is_named(known))) {
            (Ok(entry), _) => Ok(&entry.account.id),
            (Err(_), Some((id, _))) => Ok(id),
            (Err(failure), None) => Err(failure),
        }
    }

    /// What an account is called, or was; its id where nobody remembers.
    pub(crate) fn name_of<'a>(&'a self, id: &'a AccountId) -> &'a str {
        let mut entries = self.config.accounts.iter();
        let known = entries.find(|entry| entry.account.id == *id);
        let removed = || self.removed.get(id).map_or(id.as_str(), String::as_str);
        known.map_or_else(removed, |entry| &entry.account.name)
    }
}

/// Opens the hub, or a new one where that cannot be used.
async fn open_hub(path: &Path, expected: bool) -> Result<(HubStore, Vec<String>), Failure> {
    let mut notes = Vec::new();
    let path_was_known = path.exists();
    if expected && !path_was_known {
        notes.push(
            "the hub database was missing, so a new one was made; the next sync finds out anew \
             which tasks belong together"
                .to_owned(),
        );
    }
    let first = HubStore::open(path, UserId::new(USER)).await;
    let hub = match first {
        Err(OpenError::NotADatabase { .. } | OpenError::Corrupt { .. }) => {
            let aside = set_aside(path)?;
            notes.push(format!(
                "the hub database was damaged and is kept as {}; a new one was made, and the next \
                 sync finds out anew which tasks belong together",
                aside.display()
            ));
            HubStore::open(path, UserId::new(USER)).await
        }
        other => other,
    };
    let hub = hub.map_err(|error| say::from_open(&error))?;
    if expected && path_was_known && hub.was_replaced() {
        notes.push(
            "the hub database is not the file that was there last time; the next sync looks at \
             everything, in case it is an older copy"
                .to_owned(),
        );
    }
    Ok((hub, notes))
}

/// Moves a damaged database out of the way, whole.
fn set_aside(path: &Path) -> Result<PathBuf, Failure> {
    let time = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let named = |suffix: &str| {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(suffix);
        path.with_file_name(name)
    };
    let aside = |suffix: &str| named(&format!(".damaged-{time}{suffix}"));
    for suffix in SIDE_FILES {
        match std::fs::rename(named(suffix), aside(suffix)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure::new(
                    Exit::Failed,
                    "hub_damaged",
                    "the hub database is damaged and cannot be moved aside",
                    error.to_string(),
                    format!("move {} away yourself, then try again", say::quoted(path)),
                ));
            }
            _ => {}
        }
    }
    Ok(aside(""))
}
