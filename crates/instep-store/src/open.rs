//! Opening the hub: the file, its schema, and what to do when it cannot be used.
//!
//! A database that is damaged is named and left as it is: setting it aside is the caller's.

use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use instep_contract::BoxError;
use instep_model::UserId;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::MigrateError;
use sqlx::{AnyConnection, AnyPool, ConnectOptions, Executor};

use crate::connection::{Connections, connect};
use crate::dialect::{self, Refusal};
use crate::lease::Leases;
use crate::store::{Claimed, Hub};
use crate::{HubStore, account, migrations, private};

/// How many connections read while the writer writes.
const READERS: u32 = 3;

/// How long another process may take to bring the schema up to date.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);

/// What the caller can do next after the hub could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Set the file aside, keep it, and start anew (I9).
    #[error("{} is not an Instep hub", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// Set the file aside, keep it, and start from a backup or anew (I9).
    #[error("{} is damaged: {what}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// Run the newer program that wrote it.
    #[error("the hub has schema {found}, and this program knows up to {known}")]
    TooNew {
        /// The schema of the file.
        found: i64,
        /// The newest one that this program knows.
        known: i64,
    },
    /// Try again: another process is at it.
    #[error("another process kept the hub to itself")]
    Locked,
    /// Mend who may read and write there.
    #[error("no permission to use {}", path.display())]
    PermissionDenied {
        /// The file or directory.
        path: PathBuf,
    },
    /// Make room.
    #[error("no space is left for the hub")]
    DiskFull,
    /// Look at the cause.
    #[error("the hub cannot be opened")]
    Unavailable {
        /// Why.
        source: BoxError,
    },
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        match dialect::refusal(&error) {
            Refusal::Busy => Self::Locked,
            Refusal::Full => Self::DiskFull,
            _ => Self::Unavailable {
                source: Box::new(error),
            },
        }
    }
}

impl From<MigrateError> for OpenError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                Self::from(error)
            }
            other => Self::Unavailable {
                source: Box::new(other),
            },
        }
    }
}

fn from_io(error: io::Error, path: &Path) -> OpenError {
    match error.kind() {
        io::ErrorKind::PermissionDenied => OpenError::PermissionDenied { path: path.into() },
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => OpenError::DiskFull,
        _ => OpenError::Unavailable {
            source: Box::new(error),
        },
    }
}

/// Adds the path to what a statement on the database said.
fn at(path: &Path) -> impl Fn(sqlx::Error) -> OpenError + '_ {
    move |error| match dialect::refusal(&error) {
        Refusal::Damaged => OpenError::Corrupt {
            path: path.into(),
            what: error.to_string(),
        },
        Refusal::Denied => OpenError::PermissionDenied { path: path.into() },
        _ => OpenError::from(error),
    }
}

impl HubStore {
    /// Opens the hub at `path` for one user, and makes it where there is none: file 0600,
    /// missing directories 0700. After a shutdown that was not clean the file is checked first.
    ///
    /// # Errors
    /// See [`OpenError`]; nothing that exists is ever replaced.
    pub async fn open(path: &Path, user: UserId) -> Result<Self, OpenError> {
        let leases = sibling(path, ".leases");
        Self::open_with_leases(path, user, leases).await
    }

    pub(crate) async fn open_with_leases(
        path: &Path,
        user: UserId,
        leases: PathBuf,
    ) -> Result<Self, OpenError> {
        prepare(path)?;
        let presence = Presence::enter(path).await?;
        let options = connect_options(path)?;
        let writer = connect(&options).await.map_err(at(path))?;
        let readers = readers(options.clone());
        let connections = Connections::new(options, writer, readers);
        let leases = Leases::new(leases);
        let hub = Hub::new(path.into(), user, connections, leases, presence);
        let hub = Arc::new(hub);
        let claimed = Claimed::none(&hub);
        let store = Self(hub, claimed);
        match store.make_ready().await {
            Ok(()) => Ok(store),
            Err(error) => {
                store.close().await;
                Err(error)
            }
        }
    }

    async fn make_ready(&self) -> Result<(), OpenError> {
        let hub = &self.0;
        let at = at(&hub.path);
        let writer = hub.connections.writer().await;
        let mut writer = writer.map_err(|error| OpenError::Unavailable {
            source: Box::new(error),
        })?;
        if hub.presence.was_left_open {
            check(&mut writer, &hub.path).await?;
        }
        let standing = migrations::standing(&mut writer, &hub.user).await;
        let standing = standing.map_err(&at)?;
        if standing.version > migrations::KNOWN {
            return Err(OpenError::TooNew {
                found: standing.version,
                known: migrations::KNOWN,
            });
        }
        if standing.version < migrations::KNOWN || !standing.has_user {
            migrations::run(&mut writer, &hub.user).await?;
        }
        if hub.presence.was_replaced {
            let forgotten = account::forget_cursors(hub, &mut writer).await;
            forgotten.map_err(&at)?;
        }
        hub.presence.ready();
        Ok(())
    }
}

/// `name` with `suffix`, in the same directory.
pub(crate) fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// Makes directory and file, and looks at what can be seen without SQLite.
fn prepare(path: &Path) -> Result<(), OpenError> {
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        private::dir(dir).map_err(|error| from_io(error, dir))?;
    }
    let mut file = private::file(path).map_err(|error| from_io(error, path))?;
    let mut head = Vec::new();
    Read::by_ref(&mut file)
        .take(16)
        .read_to_end(&mut head)
        .map_err(|error| from_io(error, path))?;
    if head.is_empty() {
        // SQLite would throw away the log of a file that was cut to nothing.
        let log = sibling(path, "-wal").metadata();
        if log.is_ok_and(|log| log.len() > 0) {
            return Err(OpenError::Corrupt {
                path: path.into(),
                what: "the file is empty, its log is not".to_owned(),
            });
        }
    } else if head != b"SQLite format 3\0" {
        return Err(OpenError::NotADatabase { path: path.into() });
    }
    Ok(())
}

/// Made when they are first needed and kept for ever: to a file, they neither age nor break.
/// A pool takes a failure of `after_connect` for one that will pass and tries for half a
/// minute, so the file is found sound through the writer first.
fn readers(options: AnyConnectOptions) -> AnyPool {
    AnyPoolOptions::new()
        .max_connections(READERS)
        .min_connections(0)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute(dialect::ON_CONNECT).await?;
                Ok(())
            })
        })
        .connect_lazy_with(options)
}

fn connect_options(path: &Path) -> Result<AnyConnectOptions, OpenError> {
    static DRIVERS: Once = Once::new();
    DRIVERS.call_once(sqlx::any::install_default_drivers);
    let url = dialect::url(path).ok_or_else(|| OpenError::Unavailable {
        source: format!("the path {} is not Unicode", path.display()).into(),
    })?;
    Ok(AnyConnectOptions::from_str(&url)?.disable_statement_logging())
}

/// Has SQLite read the file through.
pub(crate) async fn check(on: &mut AnyConnection, path: &Path) -> Result<(), OpenError> {
    let found: Vec<String> = sqlx::query_scalar(dialect::QUICK_CHECK)
        .fetch_all(&mut *on)
        .await
        .map_err(at(path))?;
    if found != ["ok"] {
        return Err(OpenError::Corrupt {
            path: path.into(),
            what: found.join("; "),
        });
    }
    Ok(())
}

/// Who has the hub open: a lock file that each opened store shares. The first to come finds
/// in it whether the last to go said goodbye.
#[derive(Debug)]
pub(crate) struct Presence {
    file: File,
    /// Whether the last one was killed before it could.
    was_left_open: bool,
    /// Whether the hub is not the file that the last one left: an older copy may have been put
    /// back (I9).
    pub(crate) was_replaced: bool,
    is_ready: AtomicBool,
    /// Whether nothing is written to the hub any more.
    is_settled: AtomicBool,
    hub: PathBuf,
}

const OPEN: &str = "open\n";
const CLOSED: &str = "closed";

impl Presence {
    async fn enter(hub: &Path) -> Result<Self, OpenError> {
        let path = &sibling(hub, ".open");
        let file = private::file(path).map_err(|error| from_io(error, path))?;
        let first = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(error)) => return Err(from_io(error, path)),
        };
        if !first {
            share(&file, path).await?;
        }
        let mut said = Vec::new();
        let read = (&file).take(128).read_to_end(&mut said);
        read.map_err(|error| from_io(error, path))?;
        let said = String::from_utf8_lossy(&said);
        let left = said.strip_prefix(CLOSED).map(str::trim);
        let left = left.filter(|left| !left.is_empty());
        Ok(Self {
            file,
            // More may follow where it was killed between writing this and cutting off the rest.
            was_left_open: first && said.starts_with(OPEN),
            was_replaced: first && left.is_some_and(|left| stamp(hub).as_deref() != Some(left)),
            is_ready: AtomicBool::new(false),
            is_settled: AtomicBool::new(false),
            hub: hub.to_owned(),
        })
    }

    /// The hub is ready: lets the others in.
    fn ready(&self) {
        self.say(OPEN);
        self.is_ready.store(true, Ordering::Relaxed);
        // Shared by now at the latest; failing to share only keeps others waiting.
        let _ = self.file.lock_shared();
    }

    /// Nothing is written to the hub any more.
    pub(crate) fn settled(&self) {
        self.is_settled.store(true, Ordering::Relaxed);
    }

    fn say(&self, word: &str) {
        // Not vital: without it the next opening checks the file, or does not.
        let _ = private::overwrite(&self.file, word);
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        // What was never ready says nothing: a damaged file is looked at again.
        if *self.is_ready.get_mut() && self.file.try_lock().is_ok() {
            let left = self
                .is_settled
                .get_mut()
                .then(|| stamp(&self.hub))
                .flatten();
            self.say(&format!("{CLOSED} {}\n", left.unwrap_or_default()));
        }
        // Expressly: a process that is being started may have the file open still.
        let _ = self.file.unlock();
    }
}

/// What tells a file from one that was put in its place, or written by somebody else: a copy that
/// keeps its times, and is given the same inode, still has a change time of its own.
fn stamp(path: &Path) -> Option<String> {
    let found = path.metadata().ok()?;
    let (inode, size) = (found.ino(), found.len());
    let (seconds, nanos) = (found.mtime(), found.mtime_nsec());
    let (changed, nanos_changed) = (found.ctime(), found.ctime_nsec());
    Some(format!(
        "{inode} {size} {seconds}.{nanos:09} {changed}.{nanos_changed:09}"
    ))
}

/// Waits until whoever opens the hub first has made it ready.
async fn share(file: &File, path: &Path) -> Result<(), OpenError> {
    let deadline = Instant::now() + TURN_TIMEOUT;
    loop {
        match file.try_lock_shared() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(from_io(error, path)),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                return Err(OpenError::Locked);
            }
            Err(TryLockError::WouldBlock) => {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    }
}
