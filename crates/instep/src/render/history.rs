//! What was changed, when, and why.

use instep_api::LogLine;

use super::page::{Line, Page, Screen, Tint, widest};
use super::values;

/// One line per change.
pub(super) fn log(lines: &[LogLine], screen: &Screen) -> Page {
    let mut page = Page::default();
    if lines.is_empty() {
        page.line(Line::new().text("nothing was changed in that time"));
        return page;
    }
    let times: Vec<String> = lines
        .iter()
        .map(|line| values::relative(&line.at, screen))
        .collect();
    let ids: Vec<&str> = lines.iter().map(|line| line.op.as_str()).collect();
    let ids = values::short_ids(&ids);
    let id_width = widest(&ids);
    let time_width = widest(&times);
    let place_width = widest(lines.iter().map(place));
    let action_width = widest(lines.iter().map(|line| &line.action));
    for ((line, at), id) in lines.iter().zip(&times).zip(&ids) {
        let mut text = Line::new()
            .cell(Tint::Faint, id, id_width)
            .text("  ")
            .cell(Tint::Faint, at, time_width)
            .text("  ")
            .cell(Tint::Plain, place(line), place_width)
            .text("  ")
            .cell(Tint::Strong, &line.action, action_width);
        if let Some(title) = &line.title {
            text = text.text("  ").quoted(title, 40);
        }
        if let Some(field) = &line.field {
            let from = values::value(field, line.from.as_deref(), screen);
            let to = values::value(field, line.to.as_deref(), screen);
            text = text.text(format!("  {field}: {from} → {to}"));
        }
        let line = text.tint(Tint::Faint, "  ").tint(Tint::Faint, &line.cause);
        page.line(line.hang(id_width + 4));
    }
    page
}

/// From where to where.
fn place(line: &LogLine) -> String {
    match (&line.account, line.side.as_str()) {
        (None, _) => "hub".to_owned(),
        (Some(account), "hub") => format!("{account} → hub"),
        (Some(account), _) => format!("hub → {account}"),
    }
}
