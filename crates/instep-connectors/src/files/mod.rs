//! The files connector: a person's own file of tasks as an account like any other.
//!
//! One save carries a whole batch, through lock, atomic replace, backups and recovery. Only the
//! bytes of what changes change; entries that cannot be read are left alone, and a file that
//! cannot be read is never taken for an empty one. Nothing here merges the hub's tasks.
//!
//! A damaged file is answered from its newest backup, and stays as it is until something is
//! written: looking changes nothing (I19). A backup is old by nature, so that it is held against
//! the newest version that is known: it takes no change back and deletes nothing.
//!
//! # Stale overwrites
//!
//! A program that read the file, and writes it after we did, takes our writes back without
//! meaning to. Versions remembered in a private directory show it: the file then looks like an
//! older version with edits. The connector shows the list as it would be had those edits been
//! made on our newest version, in every method, so that the engine sees the edits and nothing
//! else. The file itself is set right by the next [`apply`](Connector::apply), even an empty
//! one: [`FileConnector::settle`].
//!
//! What cannot be told apart is decided so: a file that equals an older version, without an edit
//! of its own, means what it says, since that is how a person takes back what we wrote. Only a key
//! that its entries got later says nothing by being absent: it is put in again, once. Who takes
//! something back and edits something else in one save, while no newer version explains it as
//! well, is taken for stale once; doing it again is believed.
//!
//! Anywhere else a key that went missing takes its value away, as null or an empty one does.

mod client;
mod cursor;
mod fault;
mod format;
mod json;
mod notice;
mod report;
mod versions;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use instep_contract::{Applied, Connector, ConnectorError, Cursor, Doubt, Look, Observation};
use instep_model::{Capabilities, Identity, Operation, RemoteId, RemoteTask, Timestamp};

use client::{Client, Seen, refused};
use cursor::Place;
pub use format::Format;
use format::Refusal;
pub use notice::{LeftAlone, Notice};
use report::{Report, changed_at};
use versions::Ledger;

/// Where a file lies and how it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The file. It need not exist yet, its directory must. A symbolic link stays one.
    pub path: PathBuf,
    /// How tasks are written in it.
    pub format: Format,
    /// A directory of this account's own for what is remembered about the file, made when it is
    /// first needed.
    pub private_dir: PathBuf,
    /// Whether 1 is the file's highest priority instead of its lowest.
    pub priority_high_is_one: bool,
    /// How long to wait for a program that has the file locked; 5 s suit most.
    pub lock_timeout: Duration,
}

impl Settings {
    /// A JSON file, 1 its lowest priority, locks waited for as long as usual.
    pub fn new(path: impl Into<PathBuf>, private_dir: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            format: Format::default(),
            private_dir: private_dir.into(),
            priority_high_is_one: false,
            lock_timeout: Duration::from_secs(5),
        }
    }
}

/// One file of tasks.
#[derive(Debug)]
pub struct FileConnector {
    client: Arc<Client>,
    capabilities: Capabilities,
    /// Whether the file was there when it was last looked at; `None` before.
    existed: Option<bool>,
    /// No id at or below this is given to a new task.
    floor: i64,
    behind: bool,
    notices: Vec<Notice>,
    /// The entries that were read last by their ids, until the next save is through.
    read: HashMap<RemoteId, RemoteTask>,
}

impl FileConnector {
    /// Names a file; nothing is read or written before the first call.
    pub fn open(settings: Settings) -> Self {
        Self {
            capabilities: settings.format.capabilities(),
            client: Arc::new(Client::new(settings)),
            existed: None,
            floor: 0,
            behind: false,
            notices: Vec::new(),
            read: HashMap::new(),
        }
    }

    /// What a person should hear, and has not been handed yet.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Whether the file is there.
    ///
    /// # Errors
    /// [`ConnectorError::Setup`] when its directory cannot be reached.
    pub fn exists(&self) -> Result<bool, ConnectorError> {
        self.client.real_path()?;
        Ok(self.client.look()?.is_some())
    }

    /// Whether the last look met a stale overwrite that the file still bears.
    pub fn is_behind(&self) -> bool {
        self.behind
    }

    /// Writes back what a stale overwrite took out of the file; without one, writes nothing.
    /// To be called after a pass that wrote nothing else, where writing is allowed.
    ///
    /// # Errors
    /// As [`Connector::apply`].
    pub async fn settle(&mut self) -> Result<(), ConnectorError> {
        self.apply(&[]).await.map(|_| ())
    }

    /// Runs what blocks where it disturbs nobody.
    async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Client) -> Result<T, ConnectorError> + Send + 'static,
    ) -> Result<T, ConnectorError> {
        let client = Arc::clone(&self.client);
        tokio::task::spawn_blocking(move || work(&client))
            .await
            .unwrap_or_else(|error| {
                Err(ConnectorError::OutcomeUnknown {
                    source: error.into(),
                    doubt: Doubt::Lost,
                })
            })
    }

    fn tell(&mut self, news: Vec<Notice>) {
        for notice in news {
            if matches!(notice, Notice::Recovered { .. }) {
                // What was to be done is done.
                let done = |told: &Notice| matches!(told, Notice::Damaged { .. });
                self.notices.retain(|told| !done(told));
            }
            if !self.notices.contains(&notice) {
                tracing::warn!(notice = %notice, "a task file needs a look");
                self.notices.push(notice);
            }
        }
    }

    async fn load(&mut self, existed: Option<bool>) -> Result<Seen, ConnectorError> {
        let mut seen = self.off_thread(move |client| client.load(existed)).await?;
        self.tell(std::mem::take(&mut seen.news));
        self.behind = seen.behind;
        self.floor = self.floor.max(seen.document.highest());
        Ok(seen)
    }

    /// Answers from the cursor alone where the file was not touched since (S10).
    async fn untouched(
        &self,
        since: Option<&Place>,
        identity: &Identity,
    ) -> Result<Option<Observation>, ConnectorError> {
        let Some(place) = since.filter(|place| place.settled && place.look.is_some()) else {
            return Ok(None);
        };
        let now = self.off_thread(Client::look).await?;
        Ok((now == place.look).then(|| Observation {
            identity: identity.clone(),
            tasks: Vec::new(),
            gone: Vec::new(),
            collections: None,
            complete: false,
            known_as: None,
            went_back: false,
            cursor: place.encode(),
        }))
    }
}

impl Connector for FileConnector {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn identity(&mut self) -> Result<Identity, ConnectorError> {
        let real_path = self.off_thread(Client::real_path).await?;
        Ok(identity(&real_path))
    }

    async fn observe(
        &mut self,
        since: Option<&Cursor>,
        look: Look,
    ) -> Result<Observation, ConnectorError> {
        let real_path = self.off_thread(Client::real_path).await?;
        let identity = identity(&real_path);
        let since = match since {
            Some(cursor) => Some(
                Place::decode(cursor)
                    .filter(|place| place.identity == identity.0)
                    .ok_or(ConnectorError::CursorInvalid)?,
            ),
            None => None,
        };
        if let Some(place) = &since {
            self.floor = self.floor.max(place.highest);
        }
        if look == Look::Changes
            && let Some(untouched) = self.untouched(since.as_ref(), &identity).await?
        {
            self.existed = Some(true);
            return Ok(untouched);
        }
        let was_there = since.as_ref().is_some_and(|place| place.look.is_some());
        if was_there {
            self.existed = Some(true);
        }
        let seen = self.load(Some(was_there)).await?;
        if self.existed.is_none() && self.client.is_on_network_drive() {
            self.tell(vec![Notice::NetworkDrive {
                path: real_path.clone(),
            }]);
        }
        self.existed = Some(seen.look.is_some());
        let mut report = Report::of(&seen, since.as_ref(), look);
        report.name_file(&real_path);
        // The entries have other numbers by now; the newest look is the one that counts.
        self.notices.retain(|told| !told.is_about_entries());
        self.tell(std::mem::take(&mut report.news));
        let floor = self.floor;
        let told = report.forgotten.clone();
        let settled = std::mem::take(&mut report.settled);
        let kept = self.off_thread(move |client| {
            let change = |ledger: &mut Ledger| {
                ledger.see(floor);
                ledger.created.retain(|id| !told.contains(id.as_str()));
                ledger.deleted.retain(|id| !settled.contains(id.as_str()));
            };
            client.keep_ledger(change).map_err(fault::sort)
        });
        kept.await?;
        Ok(report.into_observation(identity, self.floor))
    }

    async fn read(&mut self, ids: &[RemoteId]) -> Result<Vec<Option<RemoteTask>>, ConnectorError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let seen = self.load(self.existed).await?;
        let changed_at = seen.look.as_ref().and_then(changed_at);
        let found: Vec<Option<RemoteTask>> = ids
            .iter()
            .map(|id| match seen.document.get(id) {
                Ok(task) => Ok(Some(RemoteTask { changed_at, ..task })),
                Err(Refusal::Gone) => Ok(None),
                Err(refusal) => Err(refused(refusal, Some(id))),
            })
            .collect::<Result<_, _>>()?;
        let there = found.iter().flatten();
        self.read = there.map(|task| (task.id.clone(), task.clone())).collect();
        Ok(found)
    }

    async fn missing_tags(&mut self, _: &[String]) -> Result<Vec<String>, ConnectorError> {
        Ok(Vec::new())
    }

    async fn apply(
        &mut self,
        batch: &[Operation],
    ) -> Result<Vec<Result<Applied, ConnectorError>>, ConnectorError> {
        if batch.is_empty() && !self.behind {
            return Ok(Vec::new());
        }
        let (batch, existed, floor) = (batch.to_vec(), self.existed, self.floor);
        let read = self.read.clone();
        let save = move |client: &Client| client.save((&batch, &read), existed, floor);
        let stored = self.off_thread(save).await?;
        // What was read before this save says nothing about a later one.
        self.read.clear();
        self.tell(stored.news);
        self.behind = false;
        let made = stored
            .answers
            .iter()
            .any(|answer| answer.as_ref().is_ok_and(|applied| applied.held.is_some()));
        if made {
            self.existed = Some(true);
        }
        Ok(stored.answers)
    }

    async fn find(
        &mut self,
        sent: &[Operation],
        _since: Timestamp,
    ) -> Result<Vec<Vec<Applied>>, ConnectorError> {
        if sent.is_empty() {
            return Ok(Vec::new());
        }
        // Entries have no time of their own, so that older ones of equal content count as well.
        let seen = self.load(self.existed).await?;
        let found: Vec<Vec<RemoteTask>> = sent
            .iter()
            .map(|operation| match operation {
                Operation::Create(draft) => seen.document.with_content(&draft.fields),
                _ => Vec::new(),
            })
            .collect();
        let ids: BTreeSet<String> = found
            .iter()
            .flatten()
            .map(|task| task.id.as_str().to_owned())
            .collect();
        let kept = self.off_thread(move |client| {
            client
                .keep_ledger(|ledger| ledger.created.extend(ids))
                .map_err(fault::sort)
        });
        kept.await?;
        let applied = |task: RemoteTask| Applied {
            held: Some(task.clone()),
            ..Applied::done(task.id)
        };
        Ok(found
            .into_iter()
            .map(|tasks| tasks.into_iter().map(applied).collect())
            .collect())
    }

    /// Always 0: a file costs no calls.
    fn watched(&self) -> Vec<PathBuf> {
        self.client.real_path().into_iter().collect()
    }

    fn calls(&self) -> u64 {
        0
    }
}

fn identity(real_path: &Path) -> Identity {
    Identity(format!("file:{}", real_path.display()))
}
