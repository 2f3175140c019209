//! What `doctor` found, each problem with the command that mends it.

use instep_api::{Check, CheckStatus, DoctorReply};

use super::count;
use super::page::{Line, Page, Tint};

/// The checks by group, then how many need something.
pub(super) fn reply(reply: &DoctorReply) -> Page {
    let mut page = Page::default();
    for mended in &reply.mended {
        let line = Line::new().cell(Tint::Strong, "Mended", 11);
        page.line(line.tint(Tint::Good, "✓ ").text(mended).hang(13));
    }
    let mut group = "";
    for check in &reply.checks {
        let heading = if check.group == group {
            ""
        } else {
            &check.group
        };
        group = &check.group;
        check_lines(&mut page, heading, check);
    }
    let number = |status| {
        reply
            .checks
            .iter()
            .filter(|check| check.status == status)
            .count()
    };
    let (problems, notes) = (number(CheckStatus::Problem), number(CheckStatus::Note));
    let found = match (problems, notes) {
        (0, 0) => "all is well.".to_owned(),
        _ => format!("{}, {}.", count(problems, "problem"), count(notes, "note")),
    };
    page.line(Line::new().text(found));
    page
}

fn check_lines(page: &mut Page, heading: &str, check: &Check) {
    let (tint, mark) = match check.status {
        CheckStatus::Ok => (Tint::Good, "✓ "),
        CheckStatus::Note => (Tint::Warn, "! "),
        CheckStatus::Problem => (Tint::Bad, "✗ "),
    };
    page.line(
        Line::new()
            .cell(Tint::Strong, capital(heading), 11)
            .tint(tint, mark)
            .text(&check.message)
            .hang(13),
    );
    if let Some(fix) = &check.fix {
        page.command(&" ".repeat(15), fix);
    }
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}
