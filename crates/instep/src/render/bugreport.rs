//! A report for whoever looks for a fault: plain text, as it goes into a file or an issue.

use instep_api::{BugReport, CheckStatus, State};

use super::clean::clean;

/// The report, one fact a line.
pub(crate) fn text(report: &BugReport) -> String {
    let none = || "none".to_owned();
    let mut lines = vec![
        format!("Instep {} on {}", report.version, report.platform),
        format!("daemon: {}", report.daemon.clone().unwrap_or_else(none)),
    ];
    let settings = report.settings.iter();
    lines.extend(settings.map(|setting| format!("{}: {}", setting.key, setting.value)));
    let tasks = report.tasks.map_or_else(none, |tasks| tasks.to_string());
    lines.push(format!("tasks: {tasks}, conflicts: {}", report.conflicts));
    lines.push(String::new());
    for account in &report.accounts {
        let secret = account.secret.clone().unwrap_or_else(none);
        let trouble = account.trouble.clone().unwrap_or_else(none);
        lines.push(format!(
            "account {}: {}, {}, {}{}",
            account.name,
            account.kind,
            account.direction,
            state(account.state),
            if account.silent { ", silent" } else { "" }
        ));
        lines.push(format!(
            "  scheme {}, secret {secret}, trouble {trouble}, last pass {}",
            account.scheme.clone().unwrap_or_else(none),
            account.last_pass_at.clone().unwrap_or_else(none)
        ));
        lines.push(format!(
            "  {} tasks, {} waiting, {} refused, {} failures in a row, {} limits",
            account.tasks, account.waiting, account.errors, account.failures, account.limits
        ));
    }
    lines.push(String::new());
    for check in &report.checks {
        let status = match check.status {
            CheckStatus::Ok => "ok",
            CheckStatus::Note => "note",
            CheckStatus::Problem => "problem",
        };
        let message = check.message.as_deref().unwrap_or_default();
        let line = format!("{status:8}{}  {message}", check.id);
        lines.push(line.trim_end().to_owned());
    }
    if !report.log.is_empty() {
        lines.push(String::new());
        lines.extend(report.log.iter().cloned());
    }
    let lines = lines.iter().map(|line| clean(line) + "\n");
    lines.collect()
}

fn state(state: State) -> &'static str {
    match state {
        State::InStep => "in step",
        State::Syncing => "syncing",
        State::Waiting => "waiting",
        State::Paused => "paused",
        State::NeedsYou => "needs you",
    }
}
