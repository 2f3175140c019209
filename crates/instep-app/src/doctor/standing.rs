//! What the hub remembers of an account that needs somebody: what stopped the last sync, and what waits.
//! Each thing is told once, with a command that helps as things stand: a sync of an account that is
//! left alone carries nothing.

use instep_contract::Store;
use instep_model::{Need, Timestamp, Trouble};
use instep_store::AccountSummary;

use super::account::Asked;
use super::checks::Checks;
use super::pulse;
use crate::access::LeftAlone;
use crate::app::App;
use crate::config::Entry;
use crate::say;

/// What stopped the last sync, where it is not counted elsewhere and was not met again just now.
async fn last_sync(
    app: &App,
    entry: &Entry,
    (trouble, asked): (&Trouble, Asked),
    checks: &mut Checks,
) {
    let name = &entry.account.name;
    let id = format!("account.{name}.trouble");
    let is_of_service = match trouble {
        Trouble::InDoubt { .. } | Trouble::NeedsYou(Need::Guard { .. } | Need::Review { .. }) => {
            return;
        }
        Trouble::LeaseHeld { .. } | Trouble::NeedsYou(_) => false,
        _ => true,
    };
    let tally = app.hub.tally(&entry.account.id, Timestamp::now()).await;
    let tasks = tally.map_or(0, |tally| tally.alive.values().sum());
    let failure = say::from_trouble(entry, trouble, say::Met::Syncing { tasks });
    match asked {
        Asked::Failed if is_of_service => {}
        Asked::Answered if is_of_service => {
            let to = entry.reach.address();
            let to = to.map_or_else(String::new, |address| format!(" to {address}"));
            let told = format!(
                "{name}: the last sync did not get through{to}: {}",
                failure.why
            );
            checks.note("accounts", &id, told, format!("instep sync {name}"));
        }
        _ => checks.failure("accounts", &id, &failure),
    }
}

/// Tells what the hub remembers of an account. What stopped the last sync is left out where it is
/// counted below, or was met again just now.
pub(super) async fn check(
    app: &App,
    entry: &Entry,
    asked: Asked,
    left_alone: Option<&LeftAlone>,
    checks: &mut Checks,
) {
    let name = &entry.account.name;
    let id = |what: &str| format!("account.{name}.{what}");
    let summaries = app.hub.summary().await.unwrap_or_default();
    let Some(summary) = summaries
        .iter()
        .find(|summary| summary.account == entry.account.id)
    else {
        return;
    };
    pulse::account(app, entry, summary, left_alone, checks).await;
    if let Some(trouble) = &summary.state.trouble {
        last_sync(app, entry, (trouble, asked), checks).await;
    }
    if let Ok(Some(refusal)) = app.refusal_of(summary).await {
        let account = &entry.account;
        let message = format!("{name}: {}", refusal.line(account, Timestamp::now()));
        let fix = once_called(left_alone, refusal.help(account));
        checks.problem("accounts", &id("refused"), message, fix);
    }
    if summary.work > 0 {
        checks.note(
            "accounts",
            &id("waiting"),
            format!(
                "{name}: {} to be carried",
                say::count(summary.work, "change")
            ),
            sync_command(name, left_alone),
        );
    }
    for finding in findings(name, summary, left_alone) {
        checks.problem(
            "accounts",
            &id(finding.id),
            format!("{name}: {}", finding.words),
            finding.fix,
        );
    }
}

/// What has an account synced: while it is left alone, that is what ends it.
pub(super) fn sync_command(name: &str, left_alone: Option<&LeftAlone>) -> String {
    match left_alone {
        Some(left) => left.command.clone(),
        None => format!("instep sync {name}"),
    }
}

/// A command that calls the service, behind the one that lets it be called.
fn once_called(left_alone: Option<&LeftAlone>, command: String) -> String {
    match left_alone {
        Some(left) => format!("{}; {command}", left.command),
        None => command,
    }
}

/// Something that the hub counts, and that somebody has to do something about.
struct Finding {
    id: &'static str,
    words: String,
    fix: String,
}

fn findings(name: &str, summary: &AccountSummary, left_alone: Option<&LeftAlone>) -> Vec<Finding> {
    let held = summary.state.held;
    let on_hold = format!("on hold; `instep restore --collection {name}` brings them back");
    let counted = [
        (
            held,
            ("held", "deletion", on_hold.as_str()),
            once_called(
                left_alone,
                format!("instep sync {name} --max-delete {held}"),
            ),
        ),
        (
            summary.reviews,
            ("reviews", "task", "to be looked at"),
            "instep conflicts".to_owned(),
        ),
        (
            summary.conflicts,
            ("conflicts", "conflict", "to be decided"),
            "instep conflicts".to_owned(),
        ),
        (
            summary.in_doubt,
            ("in_doubt", "write", "without a confirmed end"),
            sync_command(name, left_alone),
        ),
    ];
    counted
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, (id, noun, state), fix)| Finding {
            id,
            words: format!("{} {state}", say::count(number, noun)),
            fix,
        })
        .collect()
}
