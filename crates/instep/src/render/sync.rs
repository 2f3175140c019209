//! What a sync did or would do.

use instep_api::{AccountSync, PlanEntry, State, SyncReply};

use super::page::{Line, Page, Screen, Tint, widest};
use super::{count, values};

/// More changes than this are summed up.
const MOST_CHANGES: usize = 40;

/// Columns that are kept for what a row says beside its title.
const MOST_BESIDE: usize = 44;

/// A sync, or with a plan its rehearsal.
pub(super) fn reply(reply: &SyncReply, screen: &Screen) -> Page {
    let mut page = Page::default();
    match &reply.plan {
        Some(plan) => {
            changes(&mut page, "Plan", plan, screen);
            troubles(&mut page, &reply.accounts);
            page.line(Line::new().text(plan_summary(reply, plan)));
        }
        None => {
            changes(&mut page, "Changes", &reply.shown.changes, screen);
            changes(
                &mut page,
                "Would happen once you accept it",
                &reply.shown.proposed,
                screen,
            );
            troubles(&mut page, &reply.accounts);
            page.line(summary(reply));
        }
    }
    waiting(&mut page, &reply.accounts);
    page
}

/// A plan that waits for a person's word.
pub(super) fn plan_to_accept(heading: &str, reply: &SyncReply, screen: &Screen) -> Page {
    let mut page = Page::default();
    let plan = reply.plan.as_deref().unwrap_or_default();
    page.line(Line::new().text(heading));
    changes(&mut page, "Plan", plan, screen);
    let made = count(plan.len(), "change");
    page.line(Line::new().text(format!("{made} if you say yes; none is made yet.")));
    page
}

fn plan_summary(reply: &SyncReply, plan: &[PlanEntry]) -> String {
    let conflicts: usize = reply.accounts.iter().map(|account| account.conflicts).sum();
    let is_stopped = is_stopped(reply);
    let mut parts = Vec::new();
    match (plan.len(), conflicts) {
        (0, 0) if is_stopped => parts.push("nothing can be carried now".to_owned()),
        (0, 0) => parts.push("nothing to do".to_owned()),
        (changes, _) => parts.push(count(changes, "change")),
    }
    if conflicts > 0 {
        parts.push(count(conflicts, "conflict"));
    }
    let mut text = format!("{}; nothing was written.", parts.join(", "));
    if !is_stopped && (!plan.is_empty() || conflicts > 0) {
        text.push_str("   Apply: ");
        text.push_str(&reply.shown.apply);
    }
    text
}

/// Whether something stands in the way of an account; what and why is told above the summary.
fn is_stopped(reply: &SyncReply) -> bool {
    reply.accounts.iter().any(|account| account.error.is_some())
}

/// How many changes were not carried, account by account; why, and what helps, is told above.
fn waiting(page: &mut Page, accounts: &[AccountSync]) {
    for account in accounts.iter().filter(|account| account.waiting > 0) {
        let changes = count(account.waiting, "change");
        let wait = if account.waiting == 1 {
            "waits"
        } else {
            "wait"
        };
        let code = account.error.as_ref().map(|error| error.code.as_str());
        let (of, for_whom) = match code {
            Some("guard" | "review") => (format!(" of {}", account.name), "your word"),
            _ => (String::new(), account.name.as_str()),
        };
        page.line(Line::new().text(format!("  {changes}{of} {wait} for {for_whom}")));
    }
}

fn summary(reply: &SyncReply) -> Line {
    let (tint, words) = match reply.outcome.as_str() {
        "in_step" if is_paused(reply) => (Tint::Faint, "‖ paused"),
        "in_step" => (Tint::Good, "✓ in step"),
        "queued" => (Tint::Warn, "… queued"),
        "partial" => (Tint::Warn, "! partly done"),
        "needs_you" => (Tint::Warn, "! needs you"),
        "needs_login" => (Tint::Warn, "! needs you: sign in again"),
        "unreachable" => (Tint::Bad, "✗ not reached"),
        _ => (Tint::Bad, "✗ failed"),
    };
    let changed = match (reply.shown.changes.len(), reply.shown.proposed.len()) {
        (0, 0) if is_stopped(reply) => "nothing changed".to_owned(),
        (0, 0) => "nothing to do".to_owned(),
        (0, _) => "nothing changed yet".to_owned(),
        (made, _) => count(made, "change"),
    };
    let conflicts: usize = reply.accounts.iter().map(|account| account.conflicts).sum();
    let mut line = Line::new().tint(tint, words).text(format!(" · {changed}"));
    if conflicts > 0 {
        line = line.text(format!(
            " · {} → instep conflicts",
            count(conflicts, "conflict")
        ));
    }
    let accounts = count(reply.accounts.len(), "account");
    line.text(format!(" · {accounts} · {} ms", reply.duration_ms))
}

fn is_paused(reply: &SyncReply) -> bool {
    let mut accounts = reply.accounts.iter();
    accounts.any(|account| account.state == State::Paused)
}

/// What stands in the way of each account.
pub(super) fn troubles(page: &mut Page, accounts: &[AccountSync]) {
    for account in accounts {
        let Some(error) = &account.error else {
            continue;
        };
        page.line(Line::new().tint(Tint::Warn, "! ").text(&error.what));
        super::reasons(page, error);
    }
}

fn changes(page: &mut Page, heading: &str, entries: &[PlanEntry], screen: &Screen) {
    if entries.is_empty() {
        return;
    }
    page.line(Line::new().tint(Tint::Strong, heading));
    let places = widest(entries.iter().map(place));
    let shown = &entries[..entries.len().min(MOST_CHANGES)];
    let details: Vec<String> = shown
        .iter()
        .map(|entry| details(entry, screen).join("  "))
        .collect();
    // A row with more to say goes on below.
    let beside = widest(&details).min(MOST_BESIDE);
    let titles = widest(shown.iter().map(|entry| &entry.title));
    let title_width = screen.fit(titles, 40, places + beside + 8);
    for (entry, details) in shown.iter().zip(&details) {
        let (tint, mark) = mark(&entry.action);
        page.line(
            Line::new()
                .tint(tint, format!("  {mark} "))
                .cell(Tint::Faint, place(entry), places)
                .text("  ")
                .cell(Tint::Plain, &entry.title, title_width)
                .parts([details])
                .hang(places + 6),
        );
    }
    if let Some(more) = entries
        .len()
        .checked_sub(MOST_CHANGES)
        .filter(|more| *more > 0)
    {
        page.line(Line::new().text(format!("  … and {more} more   → --json tells all of them")));
    }
}

/// What closing or opening made of a task, where the action alone says something else.
fn became<'a>(action: &'a str, entry: &'a PlanEntry) -> &'a str {
    let status = entry.fields.get("status");
    match status.and_then(|change| change.to.as_deref()) {
        Some(status @ ("blocked" | "cancelled")) => status,
        _ => action,
    }
}

/// Where it is written.
fn place(entry: &PlanEntry) -> &str {
    match entry.side.as_str() {
        "hub" => "hub",
        _ => &entry.account,
    }
}

fn mark(action: &str) -> (Tint, &'static str) {
    match action {
        "create" => (Tint::Good, "+"),
        "delete" => (Tint::Bad, "-"),
        "complete" => (Tint::Good, "✓"),
        "conflict" | "guard" | "fail" => (Tint::Warn, "!"),
        _ => (Tint::Warn, "~"),
    }
}

fn details(entry: &PlanEntry, screen: &Screen) -> Vec<String> {
    let mut parts = Vec::new();
    match entry.action.as_str() {
        "create" => {
            for field in ["due", "project", "tags"] {
                if let Some(change) = entry.fields.get(field).filter(|change| change.to.is_some()) {
                    let to = values::value(field, change.to.as_deref(), screen);
                    parts.push(if field == "due" {
                        format!("due {to}")
                    } else {
                        to
                    });
                }
            }
        }
        "delete" => parts.push("deleted".to_owned()),
        action => {
            if !matches!(action, "update" | "move") {
                parts.push(became(action, entry).to_owned());
            }
            for (field, change) in &entry.fields {
                let implied = matches!(field.as_str(), "status" | "completed_at");
                if implied && matches!(action, "complete" | "reopen") {
                    continue;
                }
                let from = values::value(field, change.from.as_deref(), screen);
                let to = values::value(field, change.to.as_deref(), screen);
                parts.push(format!("{field}: {from} → {to}"));
            }
        }
    }
    if entry.side == "hub" {
        parts.push(format!("from {}", entry.account));
    }
    if let Some(why) = &entry.why {
        parts.push(format!("({why})"));
    }
    parts
}
