//! Whether things move: the daemon, the last pass of each account, and what waits for how long.

use std::fs::{File, TryLockError};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use instep_api::Exit;
use instep_api::socket::DaemonHello;
use instep_model::Timestamp;
use instep_store::AccountSummary;

use super::checks::Checks;
use super::standing::sync_command;
use crate::access::LeftAlone;
use crate::app::App;
use crate::config::{self, Entry};
use crate::say::restart;
use crate::{Daemon, Places, Spool, say};

/// Whether a daemon runs, answers, and is of this version.
pub(super) fn daemon(places: &Places, checks: &mut Checks) {
    if let Some(daemon) = Daemon::find(places) {
        let hello = daemon.hello();
        if hello.version == env!("CARGO_PKG_VERSION") {
            let told = format!("daemon running (same version), process {}", hello.pid);
            checks.ok("program", "program.daemon", told);
            return door(places, hello, checks);
        }
        let told = format!("the daemon that runs is of version {}", hello.version);
        let fix = restart(places, Some(hello.pid), "kill");
        return checks.problem("program", "program.daemon_version", told, fix);
    }
    match holder(places) {
        Some(pid) => checks.problem(
            "program",
            "program.daemon",
            "a daemon runs and does not answer: it hangs, or is of another version".to_owned(),
            restart(places, pid, "kill -9"),
        ),
        None => checks.ok(
            "program",
            "program.daemon",
            "no daemon runs: Instep syncs when it is called".to_owned(),
        ),
    }
}

/// Whether another program has the address at which the daemon would listen.
fn door(places: &Places, hello: &DaemonHello, checks: &mut Checks) {
    let Some(at) = &hello.http_taken else {
        return;
    };
    let config = config::load(places);
    let has_webhooks = config.is_ok_and(|config| config.daemon.public_url.is_some());
    let failure = say::not_heard(places, at, hello.pid, has_webhooks);
    let told = format!("{}: {}", failure.what, failure.why);
    match failure.exit {
        Exit::Fine => checks.note("program", "program.http", told, failure.help),
        _ => checks.problem("program", "program.http", told, failure.help),
    }
}

/// The process that holds the daemon's lock, where anybody does.
pub(crate) fn holder(places: &Places) -> Option<Option<u32>> {
    let lock = places.daemon_lock();
    let file = File::open(&lock).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            let text = std::fs::read_to_string(lock).unwrap_or_default();
            Some(
                text.trim()
                    .strip_prefix("process ")
                    .and_then(|pid| pid.parse().ok()),
            )
        }
        _ => None,
    }
}

/// What hooks left for the daemon to take.
pub(super) fn spool(app: &App, checks: &mut Checks) {
    let spool = Spool::of(&app.places);
    if let Some((told, fix)) = unusable(spool.dir()) {
        checks.problem("storage", "storage.spool", told, fix);
    }
    let (bad, unreadable) = spool.unreadable();
    if unreadable > 0 {
        let told = format!(
            "{} of the hook's spool could not be read; everything was looked at in their place",
            say::count(unreadable, "file")
        );
        let fix = format!("rm -r {}", say::quoted(&bad));
        checks.note("storage", "storage.spool_unreadable", told, fix);
    }
    let (waiting, oldest) = spool.waiting();
    let told = format!("{} in the hook's spool", say::count(waiting, "event"));
    let is_old = oldest.is_some_and(|age| age > app.silence_limit());
    let runs = Daemon::find(&app.places).is_some();
    match (is_old, runs) {
        (true, true) => {
            let fix = restart(&app.places, None, "kill");
            let told = format!("{told}, and the daemon does not take them");
            checks.problem("storage", "storage.spool", told, fix);
        }
        (true, false) => {
            let told = format!("{told}, and no daemon takes them");
            checks.note("storage", "storage.spool", told, "instep sync".to_owned());
        }
        (false, _) if waiting > 0 => checks.ok("storage", "storage.spool", told),
        (false, _) => {}
    }
}

/// Why hooks can leave nothing in their spool, and what mends it.
fn unusable(dir: &Path) -> Option<(String, String)> {
    let found = std::fs::metadata(dir).ok()?;
    let shown = say::quoted(dir);
    if !found.is_dir() {
        let told = format!("{} is no directory: hooks can keep nothing", dir.display());
        return Some((told, format!("mv {shown} {shown}.aside")));
    }
    (found.permissions().mode() & 0o700 != 0o700).then(|| {
        let told = format!("hooks cannot use their spool {}", dir.display());
        (told, format!("chmod 700 {shown}"))
    })
}

/// When an account was last synced, what waits for it, and whether that stands still.
pub(super) async fn account(
    app: &App,
    entry: &Entry,
    summary: &AccountSummary,
    left_alone: Option<&LeftAlone>,
    checks: &mut Checks,
) {
    let name = &entry.account.name;
    let id = |what: &str| format!("account.{name}.{what}");
    let Some(at) = summary.state.last_pass_at else {
        let told = format!("{name}: never synced to the end yet");
        return checks.note(
            "accounts",
            &id("pass"),
            told,
            sync_command(name, left_alone),
        );
    };
    let Ok(backlog) = app.hub.backlog(&entry.account.id).await else {
        return;
    };
    let now = Timestamp::now();
    let age = |at: Timestamp| Duration::try_from(now.duration_since(at)).unwrap_or_default();
    let is_left_alone = left_alone.is_some();
    match app.silent_for(Some(at)) {
        Some(silent) if !is_left_alone => {
            let told = format!("{name}: not synced for {}", say::span(silent));
            let fix = format!("instep sync {name}");
            return checks.problem("accounts", &id("silent"), told, fix);
        }
        _ => {
            let told = format!(
                "{name}: last pass {} ago, {} and {} wait",
                say::span(age(at)),
                say::count(backlog.work, "change"),
                say::count(backlog.events, "event")
            );
            checks.ok("accounts", &id("pass"), told);
        }
    }
    if is_left_alone || summary.state.trouble.is_some() {
        return;
    }
    let since = [backlog.work_since, backlog.events_since];
    let oldest = since.into_iter().flatten().map(age).max();
    if let Some(oldest) = oldest.filter(|oldest| *oldest > app.silence_limit()) {
        let told = format!(
            "{name}: its queue stands still: {} and {} wait, the first for {}, though it is synced",
            say::count(backlog.work, "change"),
            say::count(backlog.events, "event"),
            say::span(oldest)
        );
        let fix = format!("instep sync {name}");
        checks.problem("accounts", &id("stuck"), told, fix);
    }
}
