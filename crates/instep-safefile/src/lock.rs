//! Locks that die with their holder: a sidecar file, waited for with a deadline.
//! A lock file is never unlinked, renamed or replaced here; whoever did that to "clean up" would
//! let two programs hold the same lock.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::dir::{Dir, facts_of_open, host_name, resolve};
use crate::error::{Error, Sort, sort};
use crate::names::random;
use crate::turn::{Kind, Turn};

/// How often a lock file that was replaced under us is opened anew.
const MAX_REOPENS: usize = 16;

/// A holder's note is never longer than this.
const MAX_NOTE_BYTES: u64 = 512;

/// Who holds a lock, by its own note in the lock file. For messages only: a note can be stale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Process id on its host.
    pub pid: u32,
    /// Name of the machine.
    pub host: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)
    }
}

/// Why a lock could not be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Somebody else held it for the whole time. Try again later, or end the holder.
    #[error("{} is still held after {waited:.1?}", path.display())]
    Timeout {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, where the file says so.
        holder: Option<Holder>,
        /// How long was waited.
        waited: Duration,
    },
    /// The lock file cannot be opened or created with our rights.
    #[error("no permission for the lock file {}", path.display())]
    PermissionDenied {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Its directory is gone or does not answer.
    #[error("the lock file {} cannot be reached", path.display())]
    Unreachable {
        /// The lock file or its directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something else lies under the name of the lock file. Move it away.
    #[error("the lock file {} is {found}, not a file", path.display())]
    NotAFile {
        /// The lock file.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// Any other fault of the system.
    #[error("cannot lock {}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A lock that is held as long as this value lives. The kernel frees it when the process dies,
/// however it dies; the file stays, and holds the last holder's pid and host only while held.
///
/// ```
/// use std::time::Duration;
/// use instep_safefile::{FileLock, LockError};
///
/// # let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("hub.lock");
/// let held = FileLock::acquire(&path, Duration::from_secs(5))?;
/// match FileLock::try_acquire(&path) {
///     Err(LockError::Timeout { holder, .. }) => assert_eq!(holder.unwrap().pid, std::process::id()),
///     other => panic!("{other:?}"),
/// }
/// drop(held);
/// FileLock::try_acquire(&path)?;
/// # Ok::<(), LockError>(())
/// ```
#[derive(Debug)]
pub struct FileLock {
    // Dropped first, so that the next thread in line finds the file free.
    _file: LockedFile,
    path: PathBuf,
    _turn: Turn,
}

#[derive(Debug)]
struct LockedFile {
    file: File,
    signed: bool,
}

impl FileLock {
    /// Takes the lock in the file `path`, which is created (0600) if need be; its directory must
    /// exist. Waits at most `timeout`, trying every 20–80 ms, more often towards the end.
    ///
    /// The lock is not re-entrant: a thread that already holds it waits for itself.
    ///
    /// # Errors
    /// [`LockError::Timeout`] names the holder; the other variants say what is in the way.
    pub fn acquire(path: impl AsRef<Path>, timeout: Duration) -> Result<FileLock, LockError> {
        let path = path.as_ref();
        let (dir, name) = resolve(path).map_err(|error| of_path(path, error))?;
        let deadline = Deadline::after(timeout);
        Self::acquire_in(&dir, &name, Kind::Exclusive, &deadline)
    }

    /// Takes the lock if it is free at this moment.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire); `Timeout` when somebody holds it.
    pub fn try_acquire(path: impl AsRef<Path>) -> Result<FileLock, LockError> {
        Self::acquire(path, Duration::ZERO)
    }

    /// The lock file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn acquire_in(
        dir: &Dir,
        name: &OsStr,
        kind: Kind,
        deadline: &Deadline,
    ) -> Result<FileLock, LockError> {
        let fault = |source| of_io(dir.path_of(name), source);
        for _ in 0..MAX_REOPENS {
            let file = open(dir, name, kind)?;
            let facts = facts_of_open(&file).map_err(fault)?;
            if let Some(found) = facts.oddity {
                return Err(LockError::NotAFile {
                    path: dir.path_of(name),
                    found,
                });
            }
            let key = (facts.identity.dev, facts.identity.inode);
            let Some(turn) = Turn::take(key, kind, deadline.at) else {
                return Err(timeout(dir.path_of(name), &file, deadline));
            };
            if !wait_for(&file, kind, deadline).map_err(fault)? {
                return Err(timeout(dir.path_of(name), &file, deadline));
            }
            // A lock on a file that no longer bears the name protects nothing.
            let named = dir.facts(name).map_err(fault)?;
            if named.is_some_and(|now| (now.identity.dev, now.identity.inode) == key) {
                let mut file = LockedFile {
                    file,
                    signed: false,
                };
                if kind == Kind::Exclusive {
                    file.sign();
                }
                return Ok(FileLock {
                    _file: file,
                    path: dir.path_of(name),
                    _turn: turn,
                });
            }
        }
        Err(fault(io::Error::other(
            "the lock file is replaced again and again",
        )))
    }

    /// Takes a shared lock if the lock file exists; `None` when it does not, or is not ours to
    /// open. Leaves no trace on the disk.
    pub(crate) fn share_in(
        dir: &Dir,
        name: &OsStr,
        deadline: &Deadline,
    ) -> Result<Option<FileLock>, LockError> {
        match Self::acquire_in(dir, name, Kind::Shared, deadline) {
            Ok(lock) => Ok(Some(lock)),
            Err(LockError::PermissionDenied { .. }) => Ok(None),
            Err(LockError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl LockedFile {
    /// Leaves a note for whoever waits. Only a diagnostic, so a full disk does not matter.
    fn sign(&mut self) {
        let note = format!("pid {}\nhost {}\n", std::process::id(), host_name());
        let written = self
            .file
            .set_len(0)
            .and_then(|()| self.file.write_all(note.as_bytes()));
        self.signed = written.is_ok();
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        if self.signed {
            let _ = self.file.set_len(0);
        }
        let _ = self.file.unlock();
    }
}

/// The end of a waiting time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    started: Instant,
    at: Instant,
    timeout: Duration,
}

impl Deadline {
    pub(crate) fn after(timeout: Duration) -> Self {
        // Beyond a century nobody waits, and adding it to the clock could overflow.
        let timeout = timeout.min(Duration::from_secs(100 * 365 * 86_400));
        let started = Instant::now();
        Self {
            started,
            at: started + timeout,
            timeout,
        }
    }

    pub(crate) fn waited(&self) -> Duration {
        self.started.elapsed()
    }

    /// How long to pause before the next try; `None` when the time is up.
    ///
    /// In the last half the tries come ten times as often: a busy writer leaves its lock for
    /// microseconds only, and at 50 ms a queue of them can starve a waiter until its deadline.
    fn pause(&self) -> Option<Duration> {
        let left = self.at.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        let jitter = Duration::from_micros(20_000 + random() % 60_000);
        let pause = if left * 2 < self.timeout {
            jitter / 10
        } else {
            jitter
        };
        Some(pause.min(left))
    }
}

/// Waits for the kernel's lock on an open file. `false` when the deadline passed.
pub(crate) fn wait_for(file: &File, kind: Kind, deadline: &Deadline) -> io::Result<bool> {
    loop {
        let tried = match kind {
            Kind::Shared => file.try_lock_shared(),
            Kind::Exclusive => file.try_lock(),
        };
        match tried {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => match deadline.pause() {
                Some(pause) => std::thread::sleep(pause),
                None => return Ok(false),
            },
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

fn open(dir: &Dir, name: &OsStr, kind: Kind) -> Result<File, LockError> {
    let opened = match kind {
        Kind::Shared => dir.open_old_lock(name),
        Kind::Exclusive => dir.open_lock(name),
    };
    opened.map_err(|source| match dir.facts(name) {
        Ok(Some(facts)) if facts.oddity.is_some() => LockError::NotAFile {
            path: dir.path_of(name),
            found: facts.oddity.unwrap_or("something else"),
        },
        _ => of_io(dir.path_of(name), source),
    })
}

fn timeout(path: PathBuf, file: &File, deadline: &Deadline) -> LockError {
    LockError::Timeout {
        path,
        holder: holder(file),
        waited: deadline.waited(),
    }
}

/// Reads the holder's note; anything that is not one is no holder.
fn holder(mut file: &File) -> Option<Holder> {
    let mut note = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(MAX_NOTE_BYTES).read_to_string(&mut note).ok()?;
    let mut lines = note.lines();
    let pid = lines.next()?.strip_prefix("pid ")?.parse().ok()?;
    let host = lines.next()?.strip_prefix("host ")?;
    Some(Holder {
        pid,
        host: host.chars().filter(|letter| !letter.is_control()).collect(),
    })
}

fn of_io(path: PathBuf, source: io::Error) -> LockError {
    match sort(&source) {
        Sort::Forbidden => LockError::PermissionDenied { path, source },
        Sort::Away => LockError::Unreachable { path, source },
        _ => LockError::Io { path, source },
    }
}

fn of_path(path: &Path, error: Error) -> LockError {
    match error {
        Error::Unreachable { path, source } => LockError::Unreachable { path, source },
        Error::PermissionDenied { path, source } => LockError::PermissionDenied { path, source },
        Error::NotAFile { path, found } => LockError::NotAFile { path, found },
        Error::Io { path, source } => of_io(path, source),
        other => LockError::Io {
            path: path.to_path_buf(),
            source: io::Error::other(other),
        },
    }
}
