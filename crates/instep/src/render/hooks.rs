//! The hooks of Taskwarrior: how each stands, and what to do about it.

use instep_api::{HookState, HooksReply};

use super::page::{Line, Page, Tint, widest};

/// One line per account.
pub(super) fn reply(reply: &HooksReply) -> Page {
    let mut page = Page::default();
    let names = widest(reply.accounts.iter().map(|view| &view.account));
    for view in &reply.accounts {
        let (tint, mark) = match view.state {
            HookState::Installed => (Tint::Good, "✓ "),
            HookState::Missing if view.fix.is_none() => (Tint::Plain, "- "),
            HookState::Foreign | HookState::Failed => (Tint::Bad, "✗ "),
            _ => (Tint::Warn, "! "),
        };
        let line = Line::new().tint(tint, mark);
        let line = line.cell(Tint::Strong, &view.account, names).text("   ");
        page.line(line.text(&view.message).hang(names + 5));
        if let Some(file) = view
            .file
            .as_ref()
            .filter(|_| view.state != HookState::Missing)
        {
            let line = Line::new()
                .text(" ".repeat(names + 5))
                .tint(Tint::Faint, file);
            page.line(line.hang(names + 5));
        }
        if let Some(fix) = &view.fix {
            page.command(&" ".repeat(names + 7), fix);
        }
    }
    page
}
