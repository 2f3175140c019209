//! Values that stood against each other, and matters of adoption, with what settles each.

use instep_api::{ConflictView, ConflictsReply, ReviewView};

use super::page::{Line, Page, Screen, Tint};
use super::values;

/// How many items are offered as one with a task of the hub.
const MOST_TWINS: usize = 5;

/// Every conflict and matter of adoption.
pub(super) fn list(reply: &ConflictsReply, screen: &Screen) -> Page {
    let mut page = Page::default();
    if reply.conflicts.is_empty() && reply.reviews.is_empty() {
        page.line(Line::new().tint(Tint::Good, "✓ ").text("no conflicts"));
    }
    for conflict in &reply.conflicts {
        conflict_lines(&mut page, conflict, screen);
    }
    for review in &reply.reviews {
        review_lines(&mut page, review, &reply.reviews);
    }
    page
}

/// One of them, both sides and what was agreed on before.
pub(super) fn one(reply: &ConflictsReply, screen: &Screen) -> Page {
    let mut page = Page::default();
    for conflict in &reply.conflicts {
        page.line(
            Line::new()
                .text("conflict ")
                .text(&conflict.id)
                .text("  ")
                .quoted(&conflict.title, 60),
        );
        let rows = [
            ("before", &conflict.base),
            ("hub", &conflict.hub),
            (conflict.account.as_str(), &conflict.remote),
        ];
        let label = format!("  {}  ", conflict.field);
        for (name, value) in rows {
            let text = values::value(&conflict.field, value.as_deref(), screen);
            page.line(
                Line::new()
                    .text(&label)
                    .cell(Tint::Faint, name, 14)
                    .text(text),
            );
        }
        page.line(
            Line::new()
                .text("  ")
                .text(state(conflict))
                .parts([values::relative(&conflict.at, screen)]),
        );
        ways(&mut page, conflict);
    }
    for review in &reply.reviews {
        review_lines(&mut page, review, &[]);
    }
    page
}

fn conflict_lines(page: &mut Page, conflict: &ConflictView, screen: &Screen) {
    let said = |value: &Option<String>| values::value(&conflict.field, value.as_deref(), screen);
    let (hub, remote) = (said(&conflict.hub), said(&conflict.remote));
    let mark = if conflict.state == "open" {
        Tint::Warn
    } else {
        Tint::Faint
    };
    page.line(
        Line::new()
            .tint(mark, "! ")
            .tint(Tint::Strong, values::short_id(&conflict.id))
            .text("  ")
            .quoted(&conflict.title, 40)
            .text(format!(
                "  {}: {hub} (hub) / {remote} ({})",
                conflict.field, conflict.account
            ))
            .tint(Tint::Faint, "  ")
            .tint(Tint::Faint, values::relative(&conflict.at, screen)),
    );
    page.line(Line::new().text("    ").tint(Tint::Faint, state(conflict)));
    ways(page, conflict);
}

fn state(conflict: &ConflictView) -> String {
    match (conflict.state.as_str(), conflict.kept.as_deref()) {
        ("open", _) => "it waits for you".to_owned(),
        (_, Some("hub")) => "the hub's value was kept".to_owned(),
        (_, Some(_)) => format!("the value of {} was kept", conflict.account),
        (state, None) => state.to_owned(),
    }
}

/// The commands that settle a conflict, or bring the other value back.
fn ways(page: &mut Page, conflict: &ConflictView) {
    let command = |keep: &str| {
        format!(
            "instep conflicts resolve {} --keep {keep}",
            values::short_id(&conflict.id)
        )
    };
    match (conflict.state.as_str(), conflict.kept.as_deref()) {
        ("closed", _) => {}
        (_, Some("hub")) => page.command("    ", &command(&conflict.account)),
        (_, Some(_)) => page.command("    ", &command("hub")),
        _ => {
            page.command("    ", &command("hub"));
            page.command("    ", &command(&conflict.account));
        }
    }
}

fn review_lines(page: &mut Page, review: &ReviewView, all: &[ReviewView]) {
    let reason = match review.reason.as_str() {
        "equal_title" => "several tasks have this title; nobody can say which belong together",
        "marker_of_gone" => "it carries the mark of a task that is gone",
        "deleted_here" => "a task like it was deleted here",
        other => other,
    };
    page.line(
        Line::new()
            .tint(Tint::Warn, "? ")
            .tint(Tint::Strong, values::short_id(&review.id))
            .text("  ")
            .quoted(&review.title, 40)
            .text("  in ")
            .text(&review.account)
            .text(": ")
            .text(reason),
    );
    let id = values::short_id(&review.id);
    // Each pair is offered once, beside the hub's task.
    let twins = all.iter().filter(|other| {
        review.task.is_some()
            && other.task.is_none()
            && other.account == review.account
            && other.title == review.title
    });
    for twin in twins.take(MOST_TWINS) {
        let twin = values::short_id(&twin.id);
        page.command(
            "    ",
            &format!("instep conflicts resolve {id} --same-as {twin}"),
        );
    }
    // What is only there can be taken; leaving it alone takes no answer.
    let answers: &[&str] = match review.task {
        Some(_) => &[review.account.as_str(), "hub"],
        None => &[review.account.as_str()],
    };
    for keep in answers {
        page.command(
            "    ",
            &format!("instep conflicts resolve {id} --keep {keep}"),
        );
    }
}
