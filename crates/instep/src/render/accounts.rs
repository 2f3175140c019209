//! Accounts: what was set up, what there is, and what each can hold.

use instep_api::{AccountAdded, AccountShown, InitReply, RemovedReply, RenamedReply};

use super::page::{Line, Page, Screen, Tint, widest};
use super::{kind, remarks};

/// What `init` made and found.
pub(super) fn init(reply: &InitReply) -> Page {
    let mut page = Page::default();
    page.line(
        Line::new()
            .tint(Tint::Good, "✓ ")
            .text("config  ")
            .text(&reply.config),
    );
    page.line(
        Line::new()
            .tint(Tint::Good, "✓ ")
            .text("hub     ")
            .text(&reply.hub),
    );
    for account in &reply.accounts {
        added_lines(&mut page, account);
    }
    remarks(&mut page, &reply.notes);
    page.line(Line::new().text("Next:"));
    page.command("  ", "instep account add file --path ~/tasks.json");
    page.command(
        "  ",
        "instep account add vikunja --url URL --secret-file FILE",
    );
    page.command("  ", "instep sync -n");
    page
}

/// An account that was added or signed in again.
pub(super) fn added(reply: &AccountAdded) -> Page {
    let mut page = Page::default();
    added_lines(&mut page, reply);
    page
}

fn added_lines(page: &mut Page, account: &AccountAdded) {
    page.line(
        Line::new()
            .tint(Tint::Good, "✓ ")
            .tint(Tint::Strong, &account.name)
            .parts([kind(&account.kind), account.found.as_str()]),
    );
    remarks(page, &account.notes);
}

/// An account that has another name.
pub(super) fn renamed(reply: &RenamedReply) -> Page {
    let mut page = Page::default();
    let line = Line::new().tint(Tint::Good, "✓ ").text(&reply.before);
    page.line(line.text(" is now ").tint(Tint::Strong, &reply.name));
    remarks(&mut page, &reply.notes);
    page
}

/// An account that was removed.
pub(super) fn removed(reply: &RemovedReply) -> Page {
    let mut page = Page::default();
    let pairs = if reply.forgotten {
        "its pairs are forgotten"
    } else {
        "its pairs are remembered for 90 days"
    };
    page.line(
        Line::new()
            .text("- removed ")
            .tint(Tint::Strong, &reply.name)
            .text("; ")
            .text(pairs),
    );
    remarks(&mut page, &reply.notes);
    page
}

/// One line per account.
pub(super) fn list(accounts: &[AccountShown], screen: &Screen) -> Page {
    let mut page = Page::default();
    if accounts.is_empty() {
        page.line(Line::new().text("no accounts yet"));
        page.command("  ", "instep account add taskwarrior");
    }
    let names = widest(accounts.iter().map(|account| &account.name));
    let kinds = widest(accounts.iter().map(|account| kind(&account.kind)));
    let places = widest(accounts.iter().map(|account| &account.place));
    let place_width = screen.fit(places, usize::MAX, names + kinds + 6);
    for account in accounts {
        let direction = match account.direction.as_str() {
            "both" => "",
            other => other,
        };
        let line = Line::new()
            .cell(Tint::Strong, &account.name, names)
            .text("   ")
            .cell(Tint::Faint, kind(&account.kind), kinds)
            .text("   ");
        // A path that is too wide is shown all the same: it is there to be copied.
        let line = match widest([&account.place]) > place_width {
            true => line.text(&account.place),
            false => line.cell(Tint::Plain, &account.place, place_width),
        };
        let line = line.parts([direction, account.scope.as_str()]);
        page.line(line.hang(names + kinds + 6));
    }
    page
}

/// One account.
pub(super) fn one(account: &AccountShown, screen: &Screen) -> Page {
    let mut page = Page::default();
    page.line(
        Line::new()
            .tint(Tint::Strong, &account.name)
            .parts([kind(&account.kind)]),
    );
    let scope = if account.scope.is_empty() {
        "everything"
    } else {
        &account.scope
    };
    let rows = [
        ("id", account.id.as_str()),
        ("place", &account.place),
        ("direction", &account.direction),
        ("scope", scope),
    ];
    for (name, text) in rows {
        page.line(
            Line::new()
                .text("  ")
                .cell(Tint::Faint, name, 11)
                .text(text),
        );
    }
    holds(&mut page, account, screen);
    page
}

/// What an account can hold.
pub(super) fn map(account: &AccountShown, screen: &Screen) -> Page {
    let mut page = Page::default();
    page.line(
        Line::new()
            .tint(Tint::Strong, &account.name)
            .parts([kind(&account.kind)]),
    );
    holds(&mut page, account, screen);
    page
}

fn holds(page: &mut Page, account: &AccountShown, screen: &Screen) {
    let fields = widest(account.holds.iter().map(|hold| &hold.field));
    let hows = widest(account.holds.iter().map(|hold| &hold.how));
    let how_width = screen.fit(hows, usize::MAX, fields + 16);
    for hold in &account.holds {
        let (tint, words) = match hold.holds.as_str() {
            "whole" => (Tint::Good, "✓ whole"),
            "coarse" => (Tint::Warn, "~ coarse"),
            "once" => (Tint::Warn, "~ once"),
            "follows" => (Tint::Warn, "~ follows"),
            _ => (Tint::Faint, "– no"),
        };
        page.line(
            Line::new()
                .text("  ")
                .cell(Tint::Plain, &hold.field, fields)
                .text("  ")
                .cell(tint, words, 9)
                .text("  ")
                .cell(Tint::Plain, &hold.how, how_width),
        );
    }
}
