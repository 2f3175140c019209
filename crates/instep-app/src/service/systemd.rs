//! Calls to `systemctl` and `journalctl` of the user. What they are called for is decided elsewhere.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use instep_api::{Exit, Failure};
use tokio::process::Command;

/// Starting the daemon may take a first look at everything.
const PATIENCE: Duration = Duration::from_secs(100);

/// Whether a systemd of this user answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// It runs and looks at the directory of our units.
    Here,
    /// It runs, and reads its units elsewhere: it belongs to another home.
    Elsewhere,
    /// None answers.
    Absent,
}

/// Finds out whether a systemd of this user runs and reads units from `directory`.
pub(super) async fn presence(directory: &Path) -> Presence {
    let Ok(output) = run("systemctl", &["--user", "show", "--property=UnitPath"]).await else {
        return Presence::Absent;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let Some(paths) = text.trim().strip_prefix("UnitPath=") else {
        return Presence::Absent;
    };
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let wanted = real(directory);
    let mut paths = paths.split_ascii_whitespace();
    match (
        output.status.success(),
        paths.any(|path| real(Path::new(path)) == wanted),
    ) {
        (false, _) => Presence::Absent,
        (true, true) => Presence::Here,
        (true, false) => Presence::Elsewhere,
    }
}

/// Calls `systemctl --user` for its effect.
///
/// # Errors
/// When it fails, in its own words.
pub(super) async fn systemctl(args: &[&str]) -> Result<(), Failure> {
    let mut all = vec!["--user"];
    all.extend(args);
    let line = format!("systemctl {}", all.join(" "));
    match run("systemctl", &all).await {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            // What it did before it failed stands there too.
            let done = ["Created symlink", "Removed"];
            let mut lines = said.lines();
            let why = match lines.find(|line| !done.iter().any(|word| line.starts_with(word))) {
                Some(line) => line.to_owned(),
                None => format!("it ended with {}", output.status),
            };
            Err(failed(&line, why))
        }
        Err(why) => Err(failed(&line, why)),
    }
}

fn failed(line: &str, why: String) -> Failure {
    Failure::new(
        Exit::Failed,
        "systemctl_failed",
        format!("`{line}` did not succeed"),
        why,
        "instep service logs",
    )
}

/// Whether `systemctl --user QUESTION UNIT` answers yes; `None` where it cannot be asked.
pub(super) async fn says_yes(question: &str, unit: &str) -> Option<bool> {
    let output = run("systemctl", &["--user", "--quiet", question, unit]).await;
    output.ok().map(|output| output.status.success())
}

/// The last lines of what the units wrote into the journal; `None` where there is no journal.
pub(super) async fn journal(lines: usize) -> Option<Vec<String>> {
    let lines = format!("--lines={lines}");
    let units = ["--unit=instep.service", "--unit=instep-sync.service"];
    let args = [
        "--user",
        "--no-pager",
        "--quiet",
        "--output=short-iso",
        &lines,
    ];
    let output = run("journalctl", &[&args[..], &units[..]].concat()).await;
    let output = output.ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout);
    Some(text.lines().map(str::to_owned).collect())
}

async fn run(program: &str, args: &[&str]) -> Result<Output, String> {
    let mut command = Command::new(program);
    command
        .args(args)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    match tokio::time::timeout(PATIENCE, command.output()).await {
        Ok(output) => output.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

/// The exit status of the unit's last main process, as systemd numbers it.
pub(super) async fn last_status(unit: &str) -> Option<String> {
    let args = [
        "--user",
        "show",
        "--value",
        "--property=ExecMainStatus",
        unit,
    ];
    let output = run("systemctl", &args).await.ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
