//! One line per account, then what needs a person.

use instep_api::{AccountStatus, Exit, State, StatusReply};

use super::page::{Line, Page, Screen, Tint, widest};
use super::{count, kind, values};

/// The state of everything.
pub(super) fn reply(reply: &StatusReply, screen: &Screen) -> Page {
    let mut page = Page::default();
    if reply.accounts.is_empty() {
        page.line(Line::new().text("● no accounts yet"));
        page.command("  ", "instep account add taskwarrior");
        page.command("  ", "instep account add file --path ~/tasks.json");
        return page;
    }
    page.line(heading(reply, screen));
    if let (false, Some(pid)) = (reply.daemon.running, reply.daemon.pid) {
        let told = format!("  the daemon, process {pid}, does not answer   → instep doctor");
        page.line(Line::new().text(told));
    }
    for problem in &reply.problems {
        let told = format!("  ! {}: {}", problem.what, problem.why);
        page.line(Line::new().text(told).hang(4));
        page.command("    ", &problem.help);
    }
    let names = widest(reply.accounts.iter().map(|account| &account.name));
    let kinds = widest(reply.accounts.iter().map(|account| kind(&account.kind)));
    for account in &reply.accounts {
        account_lines(&mut page, account, names, kinds, screen);
    }
    if reply.conflicts > 0 {
        let conflicts = count(reply.conflicts, "conflict");
        page.line(Line::new().text(format!("  {conflicts}   → instep conflicts")));
    }
    for account in reply.accounts.iter().filter(|account| account.waiting > 0) {
        let wait = if account.waiting == 1 {
            "waits"
        } else {
            "wait"
        };
        let waiting = count(account.waiting, "change");
        page.line(
            Line::new()
                .text(format!("  {waiting} {wait} for "))
                .text(&account.name),
        );
    }
    page
}

fn heading(reply: &StatusReply, screen: &Screen) -> Line {
    const WORST_FIRST: [State; 4] = [
        State::NeedsYou,
        State::Paused,
        State::Waiting,
        State::Syncing,
    ];
    let fails = reply.problems.iter().any(|one| one.exit != Exit::Fine);
    let fails = (fails || reply.conflicts > 0).then_some(State::NeedsYou);
    let states = || reply.accounts.iter().map(|one| one.state).chain(fails);
    let worst = WORST_FIRST
        .into_iter()
        .find(|state| states().any(|found| found == *state));
    let (tint, _, words) = state(worst.unwrap_or(State::InStep));
    let accounts = count(reply.accounts.len(), "account");
    let not_carried = match reply.not_carried {
        0 => String::new(),
        tasks => format!(" · {} not carried", count(tasks, "task")),
    };
    let line = Line::new()
        .tint(tint, "● ")
        .tint(Tint::Strong, words)
        .text(not_carried)
        .text(format!(" · {accounts}, {}", count(reply.tasks, "task")));
    let changes = reply
        .accounts
        .iter()
        .filter_map(|account| account.last_change_at.as_deref());
    match changes.max() {
        Some(at) => line
            .text(" · last change ")
            .text(values::relative(at, screen)),
        None => line,
    }
}

fn account_lines(
    page: &mut Page,
    account: &AccountStatus,
    names: usize,
    kinds: usize,
    screen: &Screen,
) {
    let (tint, mark, words) = state(account.state);
    let seen = match &account.last_pass_at {
        Some(at) => values::relative(at, screen),
        None => "never synced".to_owned(),
    };
    page.line(
        Line::new()
            .text("  ")
            .cell(Tint::Plain, &account.name, names)
            .text("   ")
            .cell(Tint::Faint, kind(&account.kind), kinds)
            .text("   ")
            .cell(tint, format!("{mark} {words}"), 12)
            .text("   ")
            .tint(Tint::Faint, &seen),
    );
    let Some(why) = &account.why else { return };
    let (why, command) = match why.rsplit_once('→') {
        Some((why, command)) => (why.trim(), Some(command.trim())),
        None => (why.as_str(), None),
    };
    let indent = " ".repeat(names + kinds + 8);
    if why != seen {
        page.line(Line::new().text(&indent).text(why).hang(indent.len()));
    }
    if let Some(command) = command {
        page.command(&indent, command);
    }
}

/// The five words, always the same.
fn state(state: State) -> (Tint, &'static str, &'static str) {
    match state {
        State::InStep => (Tint::Good, "✓", "in step"),
        State::Syncing => (Tint::Good, "↻", "syncing"),
        State::Waiting => (Tint::Warn, "…", "waiting"),
        State::Paused => (Tint::Faint, "‖", "paused"),
        State::NeedsYou => (Tint::Warn, "!", "needs you"),
    }
}
