//! The three kinds of connectors as one type, so that one round carries all of them, and a count
//! of what was carried for whoever shows progress. Nothing is decided here.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use instep_connectors::files::FileConnector;
use instep_connectors::taskwarrior::TaskwarriorConnector;
use instep_connectors::vikunja::VikunjaConnector;
use instep_contract::{Applied, Connector, ConnectorError, Cursor, Look, Lost, Observation};
use instep_model::{
    Capabilities, Direction, Identity, Operation, RemoteId, RemoteTask, SetSince, Timestamp,
};

/// A connector of any kind.
#[derive(Debug)]
pub(crate) enum AnyService {
    Taskwarrior(Box<TaskwarriorConnector>),
    Vikunja(Box<VikunjaConnector>),
    File(Box<FileConnector>),
}

/// What a server says about itself.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) version: String,
    /// How far its clock is ahead of ours; 0 below two seconds.
    pub(crate) clock_ahead_ms: i64,
    /// What the account's secret may not do of what is needed.
    pub(crate) missing_rights: Vec<&'static str>,
    /// Where a person makes another secret.
    pub(crate) secret_page: String,
}

/// A connector that counts the operations it carried.
#[derive(Debug)]
pub(crate) struct AnyConnector {
    pub(crate) service: AnyService,
    carried: Arc<AtomicUsize>,
    /// Who answered last, and over which connection.
    known: Option<Known>,
}

/// Who answers, for as long as a connection stands and not for long.
#[derive(Debug, Clone)]
struct Known {
    identity: Identity,
    connections: u64,
    since: Instant,
}

/// How long a connection is taken to lead to the same server; a proxy may have changed it since.
const SAME_FOR: Duration = Duration::from_secs(120);

impl From<AnyService> for AnyConnector {
    fn from(service: AnyService) -> Self {
        Self {
            service,
            carried: Arc::default(),
            known: None,
        }
    }
}

impl AnyConnector {
    /// Begins another turn: what may have changed since the last one is read anew.
    pub(crate) fn begin(&mut self) {
        if let AnyService::Vikunja(vikunja) = &mut self.service {
            vikunja.begin();
        }
    }

    /// How many operations were carried so far; stays readable while a round runs.
    pub(crate) fn carried(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.carried)
    }

    /// Who answers, where the connection over which that was told stands still.
    fn known(&self) -> Option<&Identity> {
        let known = self.known.as_ref()?;
        let stands = known.connections == self.connections() && known.since.elapsed() < SAME_FOR;
        stands.then_some(&known.identity)
    }

    fn remember(&mut self, identity: &Identity) {
        // A service of this computer is asked in no time.
        let connections = self.connections();
        self.known = (connections > 0).then(|| Known {
            identity: identity.clone(),
            connections,
            since: Instant::now(),
        });
    }

    /// A service that fails has to say anew who it is: the call that finds out whether it answers
    /// again must be one.
    fn heard<T>(&mut self, outcome: Result<T, ConnectorError>) -> Result<T, ConnectorError> {
        if let Err(error) = &outcome
            && error.counts_against_service()
        {
            self.known = None;
        }
        outcome
    }

    /// Where Taskwarrior's tasks lie, once it has said who it is.
    pub(crate) fn data_dir(&self) -> Option<&Path> {
        match &self.service {
            AnyService::Taskwarrior(taskwarrior) => taskwarrior.data_dir(),
            AnyService::Vikunja(_) | AnyService::File(_) => None,
        }
    }

    /// Whether it lies on this computer.
    pub(crate) fn is_local(&self) -> bool {
        !matches!(self.service, AnyService::Vikunja(_))
    }

    /// How many connections were opened to a server.
    pub(crate) fn connections(&self) -> u64 {
        match &self.service {
            AnyService::Vikunja(vikunja) => vikunja.connections(),
            AnyService::Taskwarrior(_) | AnyService::File(_) => 0,
        }
    }

    /// What the server says about itself and what it lets us do; `None` for what is no server.
    pub(crate) async fn server(
        &mut self,
        direction: Direction,
    ) -> Result<Option<Server>, ConnectorError> {
        let AnyService::Vikunja(vikunja) = &mut self.service else {
            return Ok(None);
        };
        let version = vikunja.version().await?;
        let clock_ahead_ms = vikunja.clock_ahead_ms();
        let writes = direction != Direction::FromRemote;
        Ok(Some(Server {
            version,
            clock_ahead_ms,
            missing_rights: vikunja.missing_rights(writes).await?,
            secret_page: vikunja.token_page(),
        }))
    }

    /// What a person should hear about their file.
    pub(crate) fn take_notices(&mut self) -> Vec<String> {
        match &mut self.service {
            AnyService::File(file) => {
                let notices = file.take_notices();
                notices.iter().map(ToString::to_string).collect()
            }
            AnyService::Taskwarrior(_) | AnyService::Vikunja(_) => Vec::new(),
        }
    }

    /// Sets a file right that a stale program overwrote.
    pub(crate) async fn settle(&mut self) -> Result<(), ConnectorError> {
        match &mut self.service {
            AnyService::File(file) if file.is_behind() => file.settle().await,
            _ => Ok(()),
        }
    }
}

macro_rules! each {
    ($service:expr, $inner:ident => $call:expr) => {
        match $service {
            AnyService::Taskwarrior($inner) => $call,
            AnyService::Vikunja($inner) => $call,
            AnyService::File($inner) => $call,
        }
    };
}

impl Connector for AnyConnector {
    fn capabilities(&self) -> &Capabilities {
        each!(&self.service, inner => inner.capabilities())
    }

    async fn identity(&mut self) -> Result<Identity, ConnectorError> {
        if let Some(known) = self.known() {
            return Ok(known.clone());
        }
        let identity = each!(&mut self.service, inner => inner.identity().await)?;
        self.remember(&identity);
        Ok(identity)
    }

    async fn observe(
        &mut self,
        since: Option<&Cursor>,
        look: Look,
    ) -> Result<Observation, ConnectorError> {
        let seen = each!(&mut self.service, inner => inner.observe(since, look).await);
        let seen = self.heard(seen)?;
        self.remember(&seen.identity);
        Ok(seen)
    }

    async fn read(&mut self, ids: &[RemoteId]) -> Result<Vec<Option<RemoteTask>>, ConnectorError> {
        let found = each!(&mut self.service, inner => inner.read(ids).await);
        self.heard(found)
    }

    async fn missing_tags(&mut self, tags: &[String]) -> Result<Vec<String>, ConnectorError> {
        let missing = each!(&mut self.service, inner => inner.missing_tags(tags).await);
        self.heard(missing)
    }

    async fn apply(
        &mut self,
        batch: &[Operation],
    ) -> Result<Vec<Result<Applied, ConnectorError>>, ConnectorError> {
        let outcome = each!(&mut self.service, inner => inner.apply(batch).await);
        if outcome.is_ok() {
            self.carried.fetch_add(batch.len(), Ordering::Relaxed);
        }
        let failed = |one: &Result<Applied, ConnectorError>| match one {
            Err(error) => error.counts_against_service(),
            Ok(_) => false,
        };
        if matches!(&outcome, Ok(each) if each.iter().any(failed)) {
            self.known = None;
        }
        self.heard(outcome)
    }

    async fn find(
        &mut self,
        sent: &[Operation],
        since: Timestamp,
    ) -> Result<Vec<Vec<Applied>>, ConnectorError> {
        let found = each!(&mut self.service, inner => inner.find(sent, since).await);
        self.heard(found)
    }

    fn compares(&self) -> bool {
        each!(&self.service, inner => inner.compares())
    }

    fn undo_takes_ours(&self) -> bool {
        each!(&self.service, inner => inner.undo_takes_ours())
    }

    async fn set_since(
        &mut self,
        asked: &[(RemoteId, Timestamp)],
    ) -> Result<Vec<Option<SetSince>>, ConnectorError> {
        each!(&mut self.service, inner => inner.set_since(asked).await)
    }

    fn forget_seen(&self, cursor: &Cursor, items: &[RemoteId]) -> Result<Cursor, ConnectorError> {
        each!(&self.service, inner => inner.forget_seen(cursor, items))
    }

    fn note_sending(&self, cursor: &Cursor, batch: &[Operation]) -> Result<Cursor, ConnectorError> {
        each!(&self.service, inner => inner.note_sending(cursor, batch))
    }

    fn ready_in(&mut self) -> Duration {
        each!(&mut self.service, inner => inner.ready_in())
    }

    async fn lost(&mut self, reported: &[RemoteId]) -> Result<Vec<Lost>, ConnectorError> {
        each!(&mut self.service, inner => inner.lost(reported).await)
    }

    fn beside(&self) -> Option<Self> {
        let AnyService::Vikunja(vikunja) = &self.service else {
            // Looks at what is on this computer are short.
            return None;
        };
        Some(Self {
            service: AnyService::Vikunja(Box::new(vikunja.beside()?)),
            carried: Arc::clone(&self.carried),
            known: self.known.clone(),
        })
    }

    fn watched(&self) -> Vec<PathBuf> {
        each!(&self.service, inner => inner.watched())
    }

    fn host(&self) -> Option<&str> {
        each!(&self.service, inner => inner.host())
    }

    fn calls(&self) -> u64 {
        each!(&self.service, inner => inner.calls())
    }

    fn waited(&self) -> Duration {
        each!(&self.service, inner => inner.waited())
    }
}
