//! What the system permits this process: enough open files, and a word instead of a sudden end
//! where a file may not grow. Settled before anything else is opened.

use instep_api::{Exit, Failure};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

/// The hub with its readers, locks, a file with its backups, and a `task` with its pipes.
const NEEDED_FILES: u64 = 64;

/// How many open files are asked for where the system permits more than it gives.
const WANTED_FILES: u64 = 1024;

/// Sees to it that enough files can be open at once.
///
/// # Errors
/// When the system permits fewer; everything would fail somewhere else then, and say less.
pub(crate) fn enough_open_files() -> Result<(), Failure> {
    let given = getrlimit(Resource::Nofile);
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= NEEDED_FILES);
    if enough(given.current) {
        return Ok(());
    }
    let most = given.maximum.unwrap_or(WANTED_FILES).min(WANTED_FILES);
    let wanted = Rlimit {
        current: Some(most),
        maximum: given.maximum,
    };
    if most >= NEEDED_FILES && setrlimit(Resource::Nofile, wanted).is_ok() {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Config,
        "open_files",
        "Instep may not open enough files here",
        format!(
            "the limit of open files is {most}, and it takes {NEEDED_FILES} (`ulimit -n` shows it)"
        ),
        format!("ulimit -n {WANTED_FILES}"),
    ))
}

/// From here on a file that may not grow (`ulimit -f`) fails with an error that can be told,
/// instead of ending the process. Has to be called within a runtime.
pub(crate) fn outlive_file_size_limit() {
    let exceeded = SignalKind::from_raw(Signal::XFSZ.as_raw());
    if let Err(error) = signal(exceeded) {
        tracing::debug!(%error, "a limit of the size of files would end the process");
    }
}
