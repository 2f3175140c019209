//! Whether accounts are left alone, and whether their services answer.

use instep_api::{BreakerState, PauseReply, PingReply};

use super::page::{Line, Page, Screen, Tint};
use super::values;

/// What was paused or goes on.
pub(super) fn paused(reply: &PauseReply, screen: &Screen) -> Page {
    let mut page = Page::default();
    for account in &reply.accounts {
        let line = match account.paused {
            true => Line::new().tint(Tint::Faint, "‖ ").text(&account.name),
            false => Line::new().tint(Tint::Good, "✓ ").text(&account.name),
        };
        page.line(match (account.paused, &account.until) {
            (false, _) => line.text(" goes on"),
            (true, None) => line.text(" is paused"),
            (true, Some(until)) => line
                .text(" is paused until ")
                .text(values::when(until, screen)),
        });
    }
    let paused: Vec<_> = reply.accounts.iter().filter(|one| one.paused).collect();
    match paused[..] {
        [] => page.command("  ", "instep sync"),
        [one] => page.command("  ", &format!("instep resume {}", one.name)),
        _ => page.command("  ", "instep resume"),
    }
    page
}

/// That a service answered.
pub(super) fn pinged(reply: &PingReply) -> Page {
    let mut page = Page::default();
    let answered = format!(" answers, {} ms", reply.ms);
    let line = Line::new()
        .tint(Tint::Good, "✓ ")
        .text(&reply.name)
        .text(answered);
    let closed = reply.was_probe && reply.breaker == BreakerState::Closed;
    page.line(match closed {
        true => line.text("; calls are made again"),
        false => line,
    });
    if closed {
        page.command("  ", &format!("instep sync {}", reply.name));
    }
    page
}
