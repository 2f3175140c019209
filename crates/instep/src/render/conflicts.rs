//! Values that stood against each other, and matters of adoption, with what settles each.

use instep_api::{ConflictView, ConflictsReply, ReviewView, TouchedReply};

use super::page::{Line, Page, Screen, Tint};
use super::{tasks, values};

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
    if let Some(review) = reply.reviews.first() {
        page.line(
            Line::new()
                .text("review ")
                .text(&review.id)
                .text("  ")
                .quoted(&review.title, 60),
        );
        page.line(Line::new().text("  ").text(reason(review, &reply.reviews)));
        for one in &reply.reviews {
            held_lines(&mut page, one, screen);
        }
        answers(&mut page, review, &reply.reviews);
    }
    page
}

/// What one side of a matter holds, field by field.
fn held_lines(page: &mut Page, review: &ReviewView, screen: &Screen) {
    page.line(
        Line::new()
            .text("  ")
            .tint(Tint::Strong, place(review))
            .tint(Tint::Faint, "  ")
            .tint(Tint::Faint, values::short_id(&review.id)),
    );
    let Some(fields) = &review.fields else {
        let told = format!("    {} did not answer, or has it no more", review.account);
        page.line(Line::new().tint(Tint::Faint, told));
        return;
    };
    for (name, value) in fields {
        let mut label = name.as_str();
        for part in tasks::field(name, value, screen).lines() {
            let line = Line::new().text("    ").cell(Tint::Faint, label, 14);
            page.line(line.text(part).hang(18));
            label = "";
        }
    }
}

/// A conflict or matter that a person has decided.
pub(super) fn resolved(reply: &TouchedReply) -> Page {
    let mut page = Page::default();
    let words = match reply.action.as_str() {
        "nothing" => "✓ decided; nothing had to change",
        "create" => "✓ decided; it is taken into the hub",
        "delete" => "✓ decided; it is deleted in the hub",
        _ => "✓ decided; the hub has it now",
    };
    page.line(
        Line::new()
            .tint(Tint::Good, words)
            .text("  ")
            .tint(Tint::Faint, values::short_id(&reply.task.id))
            .text("  ")
            .quoted(&reply.task.title, 40),
    );
    page.line(Line::new().text("  what an account still lacks of it follows with the next sync"));
    page.command("    ", "instep sync");
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
    page.line(
        Line::new()
            .tint(Tint::Warn, "? ")
            .tint(Tint::Strong, values::short_id(&review.id))
            .text("  ")
            .quoted(&review.title, 40)
            .text("  ")
            .text(place(review))
            .text(": ")
            .text(reason(review, all)),
    );
    // Each pair is offered once, beside the hub's task.
    let twins = match review.task {
        Some(_) => all,
        None => &[],
    };
    answers(page, review, twins);
}

/// Where the task of a matter is.
fn place(review: &ReviewView) -> String {
    let account = &review.account;
    match (&review.task, &review.remote_id) {
        (Some(_), None) => format!("in the hub, not in {account}"),
        (None, _) => format!("in {account}, not in the hub"),
        (Some(_), Some(_)) => format!("in the hub and in {account}"),
    }
}

fn reason(review: &ReviewView, all: &[ReviewView]) -> String {
    let alike = |there: bool| {
        let same = |other: &&ReviewView| {
            other.account == review.account
                && other.title == review.title
                && other.task.is_none() == there
        };
        all.iter().filter(same).count()
    };
    match review.reason.as_str() {
        "equal_title" if (alike(false), alike(true)) == (1, 1) => {
            "each side has one task of this title, and they differ".to_owned()
        }
        "equal_title" => {
            "several tasks have this title; nobody can say which belong together".to_owned()
        }
        "marker_of_gone" => "it carries the mark of a task that is gone".to_owned(),
        "deleted_here" => "a task like it was deleted in the hub".to_owned(),
        other => other.to_owned(),
    }
}

/// The commands that decide a matter of adoption.
fn answers(page: &mut Page, review: &ReviewView, all: &[ReviewView]) {
    let id = values::short_id(&review.id);
    let twins = all.iter().filter(|other| {
        other.task.is_some() != review.task.is_some()
            && other.account == review.account
            && other.title == review.title
    });
    let resolve = format!("instep conflicts resolve {id}");
    for twin in twins.take(MOST_TWINS) {
        let twin = values::short_id(&twin.id);
        page.command("    ", &format!("{resolve} --same-as {twin}"));
    }
    // What is only there can be taken; leaving it alone takes no answer.
    let answers: &[&str] = match review.task {
        Some(_) => &[review.account.as_str(), "hub"],
        None => &[review.account.as_str()],
    };
    for keep in answers {
        page.command("    ", &format!("{resolve} --keep {keep}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn review(task: bool) -> ReviewView {
        ReviewView {
            id: "r1234abcd".to_owned(),
            account: "vikunja".to_owned(),
            task: task.then(|| "3f2a1c52".to_owned()),
            remote_id: (!task).then(|| "7".to_owned()),
            title: "Call".to_owned(),
            reason: "equal_title".to_owned(),
            fields: None,
        }
    }

    #[test]
    fn a_matter_says_how_many_there_are_and_where() {
        let (here, there) = (review(true), review(false));
        assert_eq!(place(&here), "in the hub, not in vikunja");
        assert_eq!(place(&there), "in vikunja, not in the hub");
        let pair = [here.clone(), there.clone()];
        let several = [here.clone(), there.clone(), there.clone()];
        for one in [&here, &there] {
            assert!(reason(one, &pair).starts_with("each side has one"));
            assert!(reason(one, &several).starts_with("several tasks"));
        }
    }
}
