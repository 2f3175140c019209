//! The pass that a hook starts where no daemon runs: a process of its own that holds nothing of
//! Taskwarrior's. At most one runs and one waits for it; the one that waits sees whatever is
//! reported until it begins, so that nobody else has to.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};

use instep_safefile::create_private_dir;
use nix::sys::signal::SigSet;

use super::Instance;
use super::carried::{CONFIG, named};

/// Says to the program that it is the pass.
pub(super) const RUN: &str = "--run-pass";

/// The program that has the command for it, which lies beside the one that runs unless the hook says where.
const PROGRAM: &str = "instep";

/// Held by the pass that runs.
const RUNNING: &str = "pass.lock";

/// Held by the pass that waits for it.
const WAITING: &str = "pass-waits.lock";

/// Starts the process and does not wait for it.
pub(super) fn start(instance: &Instance) {
    let Ok(mut command) = instep(instance, &["hook", RUN]) else {
        return;
    };
    // A hook holds off what would end it early; a sync is to end when it is told to.
    let _ = SigSet::all().thread_unblock();
    // Whoever started us must not be held by what stays open in it.
    let _ = command.spawn();
}

/// Waits for a pass that runs, then runs one; leaves where another waits already.
pub(super) fn run(instance: &Instance) {
    let _ = rustix::process::setsid();
    let _ = one_at_a_time(instance);
}

fn one_at_a_time(instance: &Instance) -> io::Result<()> {
    let places = instance.places().ok_or(io::ErrorKind::NotFound)?;
    create_private_dir(places.state()).map_err(io::Error::other)?;
    let lock = |name: &str| {
        let mut options = OpenOptions::new();
        options.create(true).append(true).mode(0o600);
        options.open(places.state().join(name))
    };
    let (waiting, running): (File, File) = (lock(WAITING)?, lock(RUNNING)?);
    match waiting.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(()),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    running.lock()?;
    waiting.unlock()?;
    instep(instance, &["sync", "--quiet", "--no-input"])?.status()?;
    Ok(())
}

/// The program with these arguments, with nothing open that it did not open itself.
fn instep(instance: &Instance, args: &[&str]) -> io::Result<Command> {
    let program = match &instance.program {
        Some(program) => program.clone(),
        None => std::env::current_exe()?.with_file_name(PROGRAM),
    };
    let mut command = Command::new(program);
    command
        .args(args)
        .args(instance.config.iter().map(|config| named(CONFIG, config)))
        .envs(instance.variables.iter().cloned())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok(command)
}
