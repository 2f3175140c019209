//! What can go wrong with a safe file, sorted by what the caller can do next.
//! No error here carries a file's content.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;

use crate::lock::{Holder, LockError};

/// One copy that was looked at in a recovery, and why it could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Where the copy lies; it was left there untouched.
    pub path: PathBuf,
    /// Why it does not do.
    pub reason: String,
}

/// Why a safe file could not be read or saved. Unless it says otherwise, the file is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another program held the lock for the whole waiting time. Try again, or end the holder.
    #[error("{} is still locked after {waited:.1?}{}", path.display(), by(holder))]
    LockTimeout {
        /// The file that is locked: the sidecar, or the file itself when a program locks that.
        path: PathBuf,
        /// Who holds it, where the lock file says so.
        holder: Option<Holder>,
        /// How long was waited.
        waited: Duration,
    },
    /// No space, or a quota or a limit of the size of files is used up. Nothing was replaced.
    #[error("no space left to write {}", path.display())]
    DiskFull {
        /// The file or directory that could not grow.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The rights on a file or its directory, or a read-only file system, forbid it.
    #[error("no permission for {}", path.display())]
    PermissionDenied {
        /// The file or directory that refused.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The directory is gone or its drive does not answer. Mount it, or create the directory.
    #[error("{} cannot be reached: its drive is not mounted or does not answer", path.display())]
    Unreachable {
        /// The file or directory that cannot be reached.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no such file, and no backup to bring it back from.
    #[error("{} does not exist", path.display())]
    Missing {
        /// The file that was asked for.
        path: PathBuf,
    },
    /// The path names something that cannot be read and replaced as a file.
    #[error("{} is {found}, not a file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// The file is damaged or missing, there are backups, and it does not come back
    /// [by itself](crate::Recovery::WhenAsked). Look at
    /// [`SafeFile::newest_backup`](crate::SafeFile::newest_backup), then
    /// [`SafeFile::recover`](crate::SafeFile::recover). Nothing was moved.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is damaged and no backup verifies. Nothing was overwritten or moved.
    #[error("{} is damaged and no backup can be used{}", path.display(), list(tried))]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Every copy there is and what is wrong with it, the file itself first.
        tried: Vec<Tried>,
    },
    /// The new content does not verify. Nothing was replaced.
    #[error("the new content of {} was refused: {reason}", path.display())]
    Rejected {
        /// The file.
        path: PathBuf,
        /// What the verifier said.
        reason: String,
    },
    /// Somebody else changed the file since it was read. Read it again.
    #[error("{} was changed by another program", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The new content is in place, but the system did not confirm that it is safe on the disk.
    /// Read the file again before relying on either version.
    #[error("whether {} was saved is not known", path.display())]
    OutcomeUnknown {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The present content could not be copied to a backup, so nothing was replaced.
    #[error("no backup of {} could be made: {reason}", path.display())]
    BackupFailed {
        /// The file whose backup failed.
        path: PathBuf,
        /// What was in the way.
        reason: String,
    },
    /// The chosen backup has been rotated out since it was listed. List them again.
    #[error("the backup {} is gone", path.display())]
    BackupGone {
        /// Where the backup lay.
        path: PathBuf,
    },
    /// The file is larger than [`Options::max_bytes`](crate::Options::max_bytes) allows.
    #[error("{} is larger than {limit_bytes} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit_bytes: u64,
    },
    /// Any other fault of the system.
    #[error("cannot work on {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// Sorts a system error met at `path` by what can be done about it.
    pub(crate) fn at(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match sort(&source) {
            Sort::Full => Error::DiskFull { path, source },
            Sort::Forbidden => Error::PermissionDenied { path, source },
            Sort::Away => Error::Unreachable { path, source },
            Sort::Loop => Error::NotAFile {
                path,
                found: "a loop of symbolic links",
            },
            Sort::Other => Error::Io { path, source },
        }
    }
}

impl From<LockError> for Error {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Timeout {
                path,
                holder,
                waited,
            } => Error::LockTimeout {
                path,
                holder,
                waited,
            },
            LockError::PermissionDenied { path, source } => {
                Error::PermissionDenied { path, source }
            }
            LockError::Unreachable { path, source } => Error::Unreachable { path, source },
            LockError::NotAFile { path, found } => Error::NotAFile { path, found },
            LockError::Io { path, source } => Error::at(&path, source),
        }
    }
}

pub(crate) enum Sort {
    Full,
    Forbidden,
    Away,
    Loop,
    Other,
}

pub(crate) fn sort(error: &io::Error) -> Sort {
    match Errno::from_io_error(error) {
        Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => Sort::Full,
        Some(Errno::ACCESS | Errno::PERM | Errno::ROFS) => Sort::Forbidden,
        Some(Errno::LOOP) => Sort::Loop,
        Some(
            Errno::STALE
            | Errno::NOTCONN
            | Errno::HOSTDOWN
            | Errno::HOSTUNREACH
            | Errno::NETDOWN
            | Errno::NETUNREACH
            | Errno::TIMEDOUT
            | Errno::NODEV
            | Errno::SHUTDOWN,
        ) => Sort::Away,
        _ => Sort::Other,
    }
}

fn by(holder: &Option<Holder>) -> String {
    holder
        .as_ref()
        .map_or_else(String::new, |holder| format!(" by {holder}"))
}

fn list(tried: &[Tried]) -> String {
    tried
        .iter()
        .map(|copy| format!("\n  {}: {}", copy.path.display(), copy.reason))
        .collect()
}
