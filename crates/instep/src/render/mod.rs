//! Replies as a person reads them. Text from outside only gets in through [`page::Line`], which
//! takes away whatever could move a cursor; nothing is printed here.

mod access;
mod accounts;
pub(crate) mod bugreport;
mod checks;
mod clean;
mod conflicts;
mod history;
mod hooks;
mod page;
mod retry;
mod service;
mod status;
mod sync;
mod tasks;
mod values;
mod webhooks;

use instep_api::{ConfigReply, Failure, NotesLine, SyncReply};

pub(crate) use clean::is_unsafe;
pub(crate) use page::{Screen, USUAL_COLUMNS};

use crate::answer::Answer;
use crate::manner::Manner;
use page::{Line, Page, Tint};

/// An answer, ready to be printed.
pub(crate) fn answer(answer: &Answer, screen: &Screen) -> String {
    let page = match answer {
        Answer::Init(reply) => accounts::init(reply),
        Answer::Added(reply) => accounts::added(reply),
        Answer::Accounts(reply) => accounts::list(&reply.accounts, screen),
        Answer::Account(reply) => accounts::one(reply, screen),
        Answer::Map(reply) => accounts::map(reply, screen),
        Answer::Removed(reply) => accounts::removed(reply),
        Answer::Renamed(reply) => accounts::renamed(reply),
        Answer::Synced { reply, .. } => sync::reply(reply, screen),
        Answer::Status(reply) => status::reply(reply, screen),
        Answer::Tasks { reply, filter } => tasks::list(&reply.tasks, filter, screen),
        Answer::Task(reply) => tasks::whole(&reply.tasks, screen),
        Answer::Touched(reply) => tasks::touched(reply, screen),
        Answer::Retried(reply) => retry::reply(reply, screen),
        Answer::Resolved(reply) => conflicts::resolved(reply),
        Answer::Log(lines) => history::log(lines, screen),
        Answer::Conflicts(reply) => conflicts::list(reply, screen),
        Answer::Conflict(reply) => conflicts::one(reply, screen),
        Answer::Hooks(reply) | Answer::HookStatus(reply) => hooks::reply(reply),
        Answer::Paused(reply) => access::paused(reply, screen),
        Answer::Pinged(reply) => access::pinged(reply),
        Answer::Checked(reply) => checks::reply(reply),
        Answer::Webhooks(reply) => webhooks::reply(reply),
        Answer::Config(reply) => return config(reply),
        Answer::ConfigEdited(reply) => {
            let mut page = Page::default();
            page.line(
                Line::new()
                    .tint(Tint::Good, "✓ ")
                    .text("valid and saved  ")
                    .text(&reply.path),
            );
            page
        }
        Answer::Service(reply) | Answer::ServiceStatus(reply) => service::units(reply),
        Answer::ServiceText(reply) => return service::files(reply),
        Answer::ServiceLogs(reply) => service::logs(reply),
        Answer::Completions(reply) => return reply.script.clone(),
        Answer::Reported(reply) => {
            let Some(file) = &reply.file else {
                return bugreport::text(reply);
            };
            let mut page = Page::default();
            let line = Line::new().tint(Tint::Good, "✓ ").text("written to ");
            page.line(line.text(file));
            page.line(Line::new().text("  look through it before you hand it on"));
            page
        }
        Answer::Served | Answer::Watched => return String::new(),
        Answer::Version(reply) => {
            let mut page = Page::default();
            page.line(Line::new().text("instep ").text(&reply.version));
            page
        }
    };
    page.draw(screen)
}

/// The file's own lines or its path, letter for letter but for what could move a cursor.
fn config(reply: &ConfigReply) -> String {
    let text = reply.text.as_ref().unwrap_or(&reply.path);
    let lines = text.lines().map(|line| {
        let mut line = clean::clean_keeping_tabs(line);
        line.push('\n');
        line
    });
    lines.collect()
}

/// A failure: what happened, why, and what to do.
pub(crate) fn failure(failure: &Failure) -> Page {
    let mut page = Page::default();
    page.line(
        Line::new()
            .tint(Tint::Bad, "error: ")
            .tint(Tint::Strong, &failure.what),
    );
    reasons(&mut page, failure);
    page
}

/// Why, how things stand now, and what to do next.
fn reasons(page: &mut Page, failure: &Failure) {
    page.paragraph("  why:  ", &failure.why);
    if let Some(now) = &failure.now {
        page.paragraph("  now:  ", now);
    }
    page.paragraph("  help: ", &failure.help);
}

/// What a person should hear once.
pub(crate) fn notes(notes: &[String]) -> Page {
    let mut page = Page::default();
    for note in notes {
        page.line(Line::new().tint(Tint::Warn, "note: ").text(note));
    }
    page
}

/// The plan of a first meeting, above the question whether to carry it out.
pub(crate) fn plan_to_accept(plan: &SyncReply, manner: &Manner) -> String {
    let screen = manner.screen();
    let heading = "The two sides meet for the first time.";
    sync::plan_to_accept(heading, plan, &screen).draw(&screen)
}

/// What a repair leads to, above the question whether to carry it out.
pub(crate) fn repair_to_accept(plan: &SyncReply, manner: &Manner) -> String {
    let screen = manner.screen();
    let heading = "Every pair would end, and be found anew by marker, id and content.";
    sync::plan_to_accept(heading, plan, &screen).draw(&screen)
}

/// Remarks, each with the command that goes with it.
fn remarks(page: &mut Page, notes: &[NotesLine]) {
    for note in notes {
        page.line(Line::new().text("  ").text(&note.text));
        if let Some(command) = &note.command {
            page.command("    ", command);
        }
    }
}

/// What people call a kind of service.
fn kind(kind: &str) -> &str {
    match kind {
        "taskwarrior" => "Taskwarrior",
        "vikunja" => "Vikunja",
        "todoist" => "Todoist",
        "caldav" => "CalDAV",
        "file" => "task file",
        other => other,
    }
}

/// A number and its noun.
fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
