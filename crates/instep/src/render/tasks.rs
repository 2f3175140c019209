//! Tasks: a list of them, or one with all that is known.

use instep_api::{TaskView, TouchedReply};
use serde_json::Value;

use super::page::{Line, Page, Screen, Tint, widest};
use super::values;

/// Columns that are kept for what a row says beside its title.
const MOST_BESIDE: usize = 44;

/// One line per task.
pub(super) fn list(tasks: &[TaskView], filter: &str, screen: &Screen) -> Page {
    let mut page = Page::default();
    if tasks.is_empty() && !filter.is_empty() {
        page.line(Line::new().text("no tasks ").text(filter));
        page.command("  ", "instep list");
        return page;
    }
    if tasks.is_empty() {
        page.line(Line::new().text("no tasks"));
        page.command("  ", "instep add 'Call the bank' --due tomorrow");
        return page;
    }
    let ids: Vec<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
    let short = values::short_ids(&ids);
    let id_width = widest(&short);
    let beside: Vec<String> = tasks.iter().map(|task| beside(task, screen)).collect();
    let titles = widest(tasks.iter().map(|task| &task.title));
    let room = id_width + 3 + widest(&beside).min(MOST_BESIDE);
    let title_width = screen.fit(titles, 44, room);
    for ((task, id), beside) in tasks.iter().zip(short).zip(&beside) {
        let (tint, mark) = status_mark(&task.status);
        page.line(
            Line::new()
                .cell(Tint::Faint, id, id_width)
                .tint(tint, format!(" {mark} "))
                .cell(Tint::Plain, &task.title, title_width)
                .text(beside)
                .hang(id_width + 5),
        );
        refusals(&mut page, task, &" ".repeat(id_width + 2), screen);
    }
    page
}

/// What a row says beside the title.
fn beside(task: &TaskView, screen: &Screen) -> String {
    let mut parts = String::new();
    if let Some(due) = task.fields.get("due").and_then(Value::as_str) {
        parts.push_str(&format!("  due {}", values::when(due, screen)));
    }
    for name in ["project", "tags"] {
        if let Some(value) = task.fields.get(name) {
            parts.push_str(&format!("  {}", field(name, value, screen)));
        }
    }
    parts + &places(task)
}

fn places(task: &TaskView) -> String {
    if task.accounts.is_empty() {
        return "  hub only".to_owned();
    }
    let names: Vec<&str> = task.accounts.keys().map(String::as_str).collect();
    format!("  in {}", names.join(", "))
}

fn status_mark(status: &str) -> (Tint, &'static str) {
    match status {
        "done" => (Tint::Good, "✓"),
        "cancelled" => (Tint::Faint, "✗"),
        "blocked" => (Tint::Warn, "‖"),
        _ => (Tint::Plain, " "),
    }
}

/// Everything about each task.
pub(super) fn whole(tasks: &[TaskView], screen: &Screen) -> Page {
    let mut page = Page::default();
    for task in tasks {
        page.line(Line::new().tint(Tint::Strong, &task.title));
        let mut row = |name: &str, text: &str| {
            page.line(
                Line::new()
                    .text("  ")
                    .cell(Tint::Faint, name, 14)
                    .text(text)
                    .hang(16),
            );
        };
        row("id", &task.id);
        row("status", &task.status);
        for (name, value) in &task.fields {
            let mut label = name.as_str();
            for part in field(name, value, screen).lines() {
                row(label, part);
                label = "";
            }
        }
        row("modified", &values::relative(&task.modified, screen));
        for (account, id) in &task.accounts {
            row(account, id);
        }
        for (account, fields) in &task.left_out {
            let without = format!(": cannot hold the {}", fields.join(" and "));
            page.line(
                Line::new()
                    .tint(Tint::Faint, "  - ")
                    .text(account)
                    .text(without),
            );
        }
        refusals(&mut page, task, "  ", screen);
    }
    page
}

/// What accounts refused of a task, when that is tried again, and the command that tries at once.
fn refusals(page: &mut Page, task: &TaskView, indent: &str, screen: &Screen) {
    for (account, reason) in &task.errors {
        let next = match task.retry_at.get(account) {
            Some(at) => format!("tried again {}", values::ahead(at, screen)),
            None => "no longer tried".to_owned(),
        };
        page.line(
            Line::new()
                .text(indent)
                .tint(Tint::Warn, "! ")
                .text(account)
                .text(": ")
                .text(reason)
                .tint(Tint::Faint, format!("  {next}")),
        );
    }
    if !task.errors.is_empty() {
        let push = format!("instep push {}", values::short_id(&task.id));
        page.command(&format!("{indent}  "), &push);
    }
}

/// The value of a field in a task; notes keep their lines.
pub(super) fn field(name: &str, value: &Value, screen: &Screen) -> String {
    match value {
        Value::String(text) if name == "notes" => text.clone(),
        Value::String(text) if name == "title" => text.clone(),
        Value::String(text) => values::value(name, Some(text), screen),
        Value::Array(items) => {
            let between = if name == "annotations" { "\n" } else { " " };
            let items: Vec<String> = items
                .iter()
                .map(|item| match item.as_str() {
                    Some(id) if name == "depends" => values::short_id(id).to_owned(),
                    Some(tag) if name == "tags" => values::tag_word(tag),
                    _ => item_text(item, screen),
                })
                .collect();
            items.join(between)
        }
        other => other.to_string(),
    }
}

fn item_text(item: &Value, screen: &Screen) -> String {
    match item {
        Value::String(text) => text.clone(),
        Value::Object(parts) => {
            let part = |name: &str| parts.get(name).and_then(Value::as_str).unwrap_or_default();
            let at = part("at");
            if at.is_empty() {
                return item.to_string();
            }
            format!(
                "{}: {}",
                values::when(at, screen),
                part("text").replace('\n', " ")
            )
        }
        other => other.to_string(),
    }
}

/// What `add`, `edit`, `done` and `rm` did.
pub(super) fn touched(reply: &TouchedReply, screen: &Screen) -> Page {
    let mut page = Page::default();
    let (tint, words) = match (reply.action.as_str(), reply.task.status.as_str()) {
        ("create", _) => (Tint::Good, "+ added"),
        ("complete", "cancelled") => (Tint::Good, "✗ cancelled"),
        ("complete", _) => (Tint::Good, "✓ done"),
        ("reopen", "blocked") => (Tint::Warn, "‖ blocked"),
        ("reopen", _) => (Tint::Good, "~ open again"),
        ("delete", _) => (Tint::Bad, "- deleted"),
        ("nothing", _) => (Tint::Faint, "✓ nothing to change"),
        _ => (Tint::Good, "~ changed"),
    };
    let line = Line::new().tint(tint, words).text("  ");
    let line = line
        .tint(Tint::Faint, values::short_id(&reply.task.id))
        .text("  ");
    let mut parts = vec![reply.task.title.clone()];
    if let Some(due) = reply.task.fields.get("due").and_then(Value::as_str) {
        parts.push(format!("due {}", values::when(due, screen)));
    }
    page.line(line.text(parts.join("  ")));
    let Some(carried) = &reply.carried else {
        refusals(&mut page, &reply.task, "  ", screen);
        return page;
    };
    super::sync::troubles(&mut page, &carried.accounts);
    for account in carried.accounts.iter().filter(|one| one.error.is_none()) {
        let line = Line::new().tint(Tint::Good, "  ✓ carried to ");
        page.line(line.text(&account.name));
    }
    page
}
