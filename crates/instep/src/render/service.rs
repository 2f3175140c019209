//! The service: how its units stand, its files, and what it wrote.

use instep_api::{ServiceLogs, ServiceReply, ServiceText, UnitState, UnitView};

use super::clean;
use super::page::{Line, Page, Tint, widest};
use super::remarks;

/// One line per unit.
pub(super) fn units(reply: &ServiceReply) -> Page {
    let mut page = Page::default();
    let names = widest(reply.units.iter().map(|unit| &unit.name));
    for unit in &reply.units {
        let (tint, mark) = mark(unit);
        let parts = [starts(unit), runs(unit)];
        page.line(
            Line::new()
                .tint(tint, mark)
                .cell(Tint::Strong, &unit.name, names)
                .text("  ")
                .text(stands(unit.state))
                .parts(parts)
                .hang(names + 4),
        );
    }
    remarks(&mut page, &reply.notes);
    page
}

fn mark(unit: &UnitView) -> (Tint, &'static str) {
    match (unit.state, unit.active) {
        (UnitState::Installed, None | Some(true)) => (Tint::Good, "✓ "),
        // What a timer starts does not run most of the time.
        (UnitState::Installed, Some(false)) if unit.enabled.is_none() => (Tint::Good, "✓ "),
        (UnitState::Installed, Some(false)) => (Tint::Bad, "✗ "),
        (UnitState::Outdated | UnitState::Foreign, _) => (Tint::Warn, "! "),
        (UnitState::Missing, _) => (Tint::Faint, "– "),
    }
}

fn stands(state: UnitState) -> &'static str {
    match state {
        UnitState::Installed => "installed",
        UnitState::Outdated => "outdated",
        UnitState::Foreign => "not Instep's",
        UnitState::Missing => "missing",
    }
}

fn starts(unit: &UnitView) -> &'static str {
    match unit.enabled {
        Some(true) => "enabled",
        Some(false) => "not enabled",
        None => "",
    }
}

fn runs(unit: &UnitView) -> &'static str {
    match unit.active {
        Some(true) => "active",
        Some(false) => "not active",
        None => "",
    }
}

/// The files, each below its place where there are several. Nothing is broken or tinted: they are
/// there to be put into files.
pub(super) fn files(reply: &ServiceText) -> String {
    let mut text = String::new();
    for file in &reply.files {
        if reply.files.len() > 1 {
            text.push_str(&format!("# {}\n", clean::clean_keeping_tabs(&file.path)));
        }
        for line in file.text.lines() {
            text.push_str(&clean::clean_keeping_tabs(line));
            text.push('\n');
        }
        if reply.files.len() > 1 {
            text.push('\n');
        }
    }
    text
}

/// The lines, and where they are from.
pub(super) fn logs(reply: &ServiceLogs) -> Page {
    let mut page = Page::default();
    for line in &reply.lines {
        page.line(Line::new().text(line));
    }
    if let Some(source) = reply.source.as_deref().filter(|_| reply.lines.is_empty()) {
        page.line(Line::new().text("nothing is written there: ").text(source));
    }
    remarks(&mut page, &reply.notes);
    page
}
