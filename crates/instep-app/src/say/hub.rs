//! What the hub database and the product's own files can run into, each with the next move.

use instep_api::{Exit, Failure};
use instep_contract::{StoreError, with_causes};
use instep_engine::EditError;
use instep_store::OpenError;

use super::{quoted, usage};

/// A step in the hub database that failed; the variants say what somebody can do.
pub(crate) fn from_store(error: &StoreError) -> Failure {
    const AGAIN: &str = "run the same command again";
    let why = with_causes(error);
    match error {
        StoreError::LeaseHeld { holder, .. } => Failure::new(
            Exit::Locked,
            "lock_held",
            "another instance is at this account",
            match holder.as_str() {
                "" => why,
                holder => format!("{holder} holds it"),
            },
            "wait for it, then run the same command again",
        ),
        StoreError::Fenced { .. } => Failure::new(
            Exit::Locked,
            "taken_over",
            "another instance took this account over",
            why,
            AGAIN,
        ),
        StoreError::Stale { .. } => Failure::new(
            Exit::Failed,
            "task_changed",
            "the task was changed at the same moment",
            why,
            AGAIN,
        )
        .now("nothing was stored"),
        StoreError::AlreadyPaired { .. } => Failure::new(
            Exit::Failed,
            "already_paired",
            "the two cannot become one",
            why,
            "instep sync",
        )
        .now("nothing was stored"),
        StoreError::Unavailable { .. } => Failure::new(
            Exit::Failed,
            "hub_unavailable",
            "the hub database could not be used",
            why,
            format!("{AGAIN}; if that does not help: instep doctor"),
        ),
        StoreError::Corrupt { .. } => Failure::new(
            Exit::Failed,
            "hub_damaged",
            "the hub database is damaged",
            why,
            "instep doctor",
        ),
    }
}

/// A person's change was not stored.
pub(crate) fn from_edit(error: &EditError) -> Failure {
    match error {
        EditError::Unknown(task) => usage(
            "unknown_task",
            format!("there is no task {task}"),
            "it was deleted meanwhile",
            "instep list",
        ),
        EditError::NoPair => usage(
            "no_pair",
            "these two cannot be one",
            "it takes a task of the hub and an item of one and the same account",
            "instep conflicts",
        ),
        EditError::Store(error) => from_store(error),
    }
}

/// The hub database cannot be opened.
pub(crate) fn from_open(error: &OpenError) -> Failure {
    let what = "the hub database cannot be opened";
    let why = with_causes(error);
    match error {
        OpenError::TooNew { .. } => Failure::new(
            Exit::Config,
            "hub_too_new",
            what,
            why,
            "update this program to the version that wrote it",
        ),
        OpenError::Locked => Failure::new(
            Exit::Locked,
            "lock_held",
            what,
            why,
            "try again in a moment",
        ),
        OpenError::PermissionDenied { path } => Failure::new(
            Exit::Config,
            "hub_permission",
            what,
            why,
            format!("chmod u+rwX {}", quoted(path)),
        ),
        OpenError::DiskFull => Failure::new(Exit::Failed, "disk_full", what, why, "df -h"),
        OpenError::NotADatabase { .. } | OpenError::Corrupt { .. } => {
            Failure::new(Exit::Failed, "hub_damaged", what, why, "instep doctor")
        }
        OpenError::Unavailable { .. } => {
            Failure::new(Exit::Failed, "hub_unavailable", what, why, "instep doctor")
        }
    }
}

/// A file of ours could not be written.
pub(crate) fn from_safefile(what: &str, error: &instep_safefile::Error) -> Failure {
    use instep_safefile::Error;
    let (exit, code, help) = match error {
        Error::LockTimeout { .. } => (
            Exit::Locked,
            "lock_held",
            "try again in a moment".to_owned(),
        ),
        Error::DiskFull { .. } => (Exit::Failed, "disk_full", "df -h".to_owned()),
        Error::PermissionDenied { path, .. } => (
            Exit::Config,
            "no_permission",
            format!("ls -ld {}", quoted(path)),
        ),
        _ => (Exit::Failed, "failed", "instep doctor".to_owned()),
    };
    Failure::new(exit, code, what, with_causes(error), help)
}
