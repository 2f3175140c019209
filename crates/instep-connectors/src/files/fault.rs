//! What a fault of a file means for a sync, in words that say what to do. Nothing is tried again
//! here.

use std::path::Path;

use instep_contract::{ConnectorError, Doubt, with_causes};
use instep_safefile::Error;

pub(super) fn setup(what: impl Into<String>, help: impl Into<String>) -> ConnectorError {
    ConnectorError::Setup {
        what: what.into(),
        help: help.into(),
    }
}

/// Sorts a fault by the next move it leaves.
pub(super) fn sort(error: Error) -> ConnectorError {
    let what = with_causes(&error);
    match error {
        Error::LockTimeout { .. } => ConnectorError::Unavailable { reason: what },
        Error::Changed { .. } => ConnectorError::Busy,
        Error::OutcomeUnknown { .. } => ConnectorError::OutcomeUnknown {
            source: error.into(),
            doubt: Doubt::Lost,
        },
        Error::Rejected { .. } => ConnectorError::Malformed { what },
        Error::DiskFull { path, .. } => setup(
            what,
            format!(
                "nothing was changed; free some space on the drive of {}, then sync again",
                path.display()
            ),
        ),
        Error::PermissionDenied { path, .. } => setup(
            what,
            format!(
                "give this user the right to read and write {}, and to make files beside it",
                path.display()
            ),
        ),
        Error::Unreachable { .. } => setup(
            what,
            "mount the drive or create the directory; until then nothing counts as deleted",
        ),
        Error::Missing { path } => missing(&path),
        Error::NotAFile { .. } => setup(
            what,
            "set the account's path to a file, or move away what lies there",
        ),
        Error::Damaged { .. } => setup(what, "sync again: it comes back from its backup"),
        Error::Corrupt { .. } => setup(
            what,
            "nothing was overwritten, and all of its tasks are in the hub still (instep list); mend \
             one of these copies by hand",
        ),
        Error::BackupFailed { .. } => setup(
            what,
            "nothing was changed; make room and rights for a backup beside the file",
        ),
        Error::TooLarge { .. } => setup(what, "split the file, or move finished tasks out of it"),
        _ => ConnectorError::Unavailable { reason: what },
    }
}

/// A file that was there and is not any more.
pub(super) fn missing(path: &Path) -> ConnectorError {
    setup(
        format!("{} is gone, and there is no backup of it", path.display()),
        "put the file back; if it is meant to be gone, remove the account. \
         Nothing counts as deleted meanwhile",
    )
}

/// A damaged file of which it is not known how old its backup is.
pub(super) fn unplaced(path: &Path, reason: &str, from: &Path) -> ConnectorError {
    setup(
        format!(
            "{} is damaged ({reason}), and what was remembered about it is gone, so that nobody \
             can tell which changes its backup lacks",
            path.display()
        ),
        format!(
            "nothing was changed; look at {} and copy it over the file if it is what you want",
            from.display()
        ),
    )
}
