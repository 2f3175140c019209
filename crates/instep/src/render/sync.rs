//! What a sync did or would do.

use instep_api::{AccountSync, PlanEntry, SyncReply};

use super::page::{Line, Page, Screen, Tint, widest};
use super::{count, values};

/// More changes than this are summed up.
const MOST_CHANGES: usize = 40;

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
            changes(&mut page, "Changes", &reply.changes, screen);
            troubles(&mut page, &reply.accounts);
            page.line(summary(reply));
        }
    }
    page
}

/// The plan of a first meeting.
pub(super) fn plan_to_accept(reply: &SyncReply, screen: &Screen) -> Page {
    let mut page = Page::default();
    let plan = reply.plan.as_deref().unwrap_or_default();
    page.line(Line::new().text("The two sides meet for the first time."));
    changes(&mut page, "Plan", plan, screen);
    let made = count(plan.len(), "change");
    page.line(Line::new().text(format!("{made}; nothing was written yet.")));
    page
}

fn plan_summary(reply: &SyncReply, plan: &[PlanEntry]) -> String {
    let conflicts: usize = reply.accounts.iter().map(|account| account.conflicts).sum();
    if plan.is_empty() && conflicts == 0 {
        return "nothing to do; nothing was written.".to_owned();
    }
    let mut text = count(plan.len(), "change");
    if conflicts > 0 {
        text.push_str(&format!(", {}", count(conflicts, "conflict")));
    }
    let waits = reply.accounts.iter().any(|account| account.error.is_some());
    let apply = if waits { "" } else { "   Apply: instep sync" };
    format!("{text}; nothing was written.{apply}")
}

fn summary(reply: &SyncReply) -> Line {
    let (tint, words) = match reply.outcome.as_str() {
        "in_step" => (Tint::Good, "✓ in step"),
        "partial" => (Tint::Warn, "! partly done"),
        "needs_you" => (Tint::Warn, "! needs you"),
        "needs_login" => (Tint::Warn, "! needs you: sign in again"),
        "unreachable" => (Tint::Bad, "✗ not reached"),
        _ => (Tint::Bad, "✗ failed"),
    };
    let changed = if reply.changes.is_empty() {
        "nothing to do".to_owned()
    } else {
        count(reply.changes.len(), "change")
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

fn troubles(page: &mut Page, accounts: &[AccountSync]) {
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
    let titles = entries
        .iter()
        .take(MOST_CHANGES)
        .map(|entry| entry.title.as_str());
    let title_width = screen.fit(widest(titles), 40, places + 30);
    for entry in entries.iter().take(MOST_CHANGES) {
        let (tint, mark) = mark(&entry.action);
        page.line(
            Line::new()
                .tint(tint, format!("  {mark} "))
                .cell(Tint::Faint, place(entry), places)
                .text("  ")
                .cell(Tint::Plain, &entry.title, title_width)
                .parts(details(entry, screen)),
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
                parts.push(action.to_owned());
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
    parts
}
