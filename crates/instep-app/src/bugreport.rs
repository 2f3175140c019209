//! What somebody else needs to find a fault. No secret, no text of a task and no id of one is in it:
//! what a person or a service wrote is left out rather than searched through, and what is left is
//! searched through all the same.

mod scrub;

use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use instep_api::{
    AccountStatus, BugReport, Check, Exit, Failure, ReportedAccount, ReportedCheck, SCHEMA_VERSION,
    SecretSource, Setting,
};
use instep_contract::Store;

use crate::app::App;
use crate::config::{self, Config, Entry, Reach};
use crate::{Daemon, Places, doctor, say};
use scrub::Scrub;

/// The last lines of the log that are shown.
const MOST_LINES: usize = 200;

/// What is read of the log, from its end.
const MOST_LOG_BYTES: u64 = 256 * 1024;

/// What is told of an account in words of ours alone, by the end of a check's name.
const OWN_WORDS: [&str; 6] = ["clock", "pass", "silent", "stuck", "waiting", "version"];

/// Gathers it.
///
/// # Errors
/// When the hub is there and cannot be read half-way.
pub async fn bugreport(places: &Places) -> Result<BugReport, Failure> {
    let mut report = BugReport {
        schema_version: SCHEMA_VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        daemon: Daemon::find(places).map(|daemon| daemon.hello().version.clone()),
        settings: Vec::new(),
        accounts: Vec::new(),
        tasks: None,
        conflicts: 0,
        checks: Vec::new(),
        log: Vec::new(),
        file: None,
    };
    let mut scrub = Scrub::new(places);
    if let Ok(config) = config::load(places) {
        report.settings = settings(&config);
    }
    let checks = Box::pin(doctor(places, true)).await.checks;
    if let Ok(app) = App::open(places).await {
        let filled = fill(&app, &mut report, &mut scrub).await;
        app.close().await;
        filled?;
    }
    report.checks = checks
        .into_iter()
        .map(|check| shown(check, &scrub))
        .collect();
    let lines = last_lines(&places.state().join("instep.log"));
    report.log = lines.iter().map(|line| scrub.clean(line)).collect();
    Ok(report)
}

/// Writes a report to a file of its own that only its owner can read.
///
/// # Errors
/// When there is such a file already, or it cannot be written.
pub fn bugreport_save(path: &Path, text: &str) -> Result<(), Failure> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
    });
    written.map_err(|error| {
        Failure::new(
            Exit::Failed,
            "not_written",
            format!("{} could not be written", path.display()),
            error.to_string(),
            "instep bugreport --out OTHER-FILE",
        )
    })
}

async fn fill(app: &App, report: &mut BugReport, scrub: &mut Scrub) -> Result<(), Failure> {
    scrub.learn(app).await?;
    let status = app.status().await?;
    report.tasks = Some(status.tasks);
    report.conflicts = status.conflicts;
    for (entry, told) in app.config.accounts.iter().zip(&status.accounts) {
        let state = app.hub.account_state(&entry.account.id).await;
        let state = state.map_err(|error| say::from_store(&error))?;
        let trouble = state.trouble.as_ref().map(|trouble| {
            let failure = say::from_trouble(entry, trouble, say::Met::Looking);
            failure.code
        });
        report.accounts.push(account(entry, told, trouble));
    }
    Ok(())
}

fn account(entry: &Entry, told: &AccountStatus, trouble: Option<String>) -> ReportedAccount {
    let scope = &entry.account.scope;
    let secret = entry.reach.secret().map(|source| match source {
        SecretSource::File(_) => "file",
        SecretSource::Env(_) => "env",
        SecretSource::Command(_) => "command",
    });
    let scheme = match &entry.reach {
        Reach::Vikunja { url, .. } => match url.starts_with("https:") {
            true => Some("https"),
            false => Some("http"),
        },
        Reach::Taskwarrior { .. } | Reach::File { .. } => None,
    };
    ReportedAccount {
        name: told.name.clone(),
        kind: told.kind.clone(),
        direction: entry.account.direction.to_string(),
        limits: scope.projects.len() + scope.tags.len() + scope.not_tags.len(),
        scheme: scheme.map(str::to_owned),
        secret: secret.map(str::to_owned),
        state: told.state,
        trouble,
        silent: told.silent,
        last_pass_at: told.last_pass_at.clone(),
        tasks: told.tasks,
        waiting: told.waiting,
        errors: told.errors,
        failures: told.breaker.failures,
    }
}

/// The settings, without whatever a person may have written a secret into.
fn settings(config: &Config) -> Vec<Setting> {
    let daemon = &config.daemon;
    let is_set = |set: bool| if set { "set" } else { "not set" }.to_owned();
    let all = [
        ("timezone", config.timezone.clone()),
        ("daemon.poll_secs", daemon.poll_secs.to_string()),
        ("daemon.parallel_reads", daemon.parallel_reads.to_string()),
        ("daemon.hook_pass", daemon.hook_pass.to_string()),
        ("daemon.listen", is_set(!daemon.listen.is_empty())),
        ("daemon.public_url", is_set(daemon.public_url.is_some())),
        (
            "daemon.alarm_command",
            is_set(daemon.alarm_command.is_some()),
        ),
        ("unknown keys", config.unknown.len().to_string()),
    ];
    let setting = |(key, value): (&str, String)| Setting {
        key: key.to_owned(),
        value,
    };
    all.into_iter().map(setting).collect()
}

/// A check without the words that are not ours.
fn shown(check: Check, scrub: &Scrub) -> ReportedCheck {
    let end = check.id.rsplit('.').next().unwrap_or_default();
    let is_ours = match check.group.as_str() {
        "program" | "storage" => true,
        "accounts" => OWN_WORDS.contains(&end),
        _ => false,
    };
    ReportedCheck {
        message: is_ours.then(|| scrub.clean(&check.message)),
        status: check.status,
        id: check.id,
    }
}

/// The end of the log; none where there is none.
fn last_lines(path: &Path) -> Vec<String> {
    let read = || -> std::io::Result<String> {
        let mut file = std::fs::File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(MOST_LOG_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(MOST_LOG_BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(MOST_LINES);
    lines[from..]
        .iter()
        .map(|line| (*line).to_owned())
        .collect()
}
