//! Where anything is printed: results to stdout, everything else to stderr.

use std::io::{self, Write};

use instep_api::{Exit, Failure, SCHEMA_VERSION};
use instep_daemon::Http;
use serde::Serialize;

use crate::answer::Answer;
use crate::manner::Manner;
use crate::{logging, render};

/// A failure as JSON.
#[derive(Serialize)]
struct Failed<'a> {
    schema_version: u32,
    error: &'a Failure,
}

/// Prints an answer.
pub(crate) fn answer(answer: &Answer, manner: &Manner) {
    if manner.json {
        return out(&answer.json());
    }
    let screen = manner.screen();
    if !manner.quiet || answer.exit() != Exit::Fine || answer.is_text() {
        out(&render::answer(answer, &screen));
    }
}

/// Prints a failure.
pub(crate) fn failure(failure: &Failure, manner: &Manner) {
    if manner.json {
        return failure_json(failure);
    }
    let screen = manner.screen_stderr();
    err(&render::failure(failure).draw(&screen));
}

/// Prints a failure as JSON.
pub(crate) fn failure_json(error: &Failure) {
    let schema_version = SCHEMA_VERSION;
    out(&json(&Failed {
        schema_version,
        error,
    }));
}

/// Prints notes, which are never the result.
pub(crate) fn notes(notes: &[String], manner: &Manner) {
    if !notes.is_empty() && !manner.json {
        let screen = manner.screen_stderr();
        err(&render::notes(notes).draw(&screen));
    }
}

/// Tells whoever started the daemon that it runs now. A service manager hears that by itself.
pub(crate) fn ready(http: &Http, manner: &Manner) {
    if manner.json || manner.quiet || is_service() {
        return;
    }
    if let Http::Taken(at) = http {
        let taken =
            format!("{at} is another program's, so that no webhooks are taken → instep doctor");
        notes(&[taken], manner);
    }
    match (manner.terminal, http) {
        (true, Http::At(at)) => {
            let told = format!("the daemon answers on its socket and http://{at}; Ctrl-C ends it");
            notes(&[told], manner);
        }
        (true, _) => {
            let told = "the daemon answers on its socket; Ctrl-C ends it".to_owned();
            notes(&[told], manner);
        }
        (false, _) => {
            let at = match http {
                Http::At(at) => format!(", http://{at}"),
                Http::Taken(_) | Http::Nowhere => String::new(),
            };
            let pid = std::process::id();
            err(&format!("instep: serving, pid {pid}{at}\n"));
        }
    }
}

/// Whether a service manager started this process and reads what it writes.
fn is_service() -> bool {
    std::env::var_os("NOTIFY_SOCKET").is_some() || logging::is_journal()
}

/// One line of JSON in which no character could move a terminal's cursor or turn its text round.
pub(crate) fn json(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).expect("replies have text keys and finite numbers");
    let mut safe = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if render::is_unsafe(c) {
            safe.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            safe.push(c);
        }
    }
    safe.push('\n');
    safe
}

/// Writes to stdout, and says whether anybody is there to read it.
pub(crate) fn is_read(text: &str) -> bool {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes());
    written.and_then(|()| stdout.flush()).is_ok()
}

/// Writes to stdout. A reader that went away, such as `head`, is no failure.
pub(crate) fn out(text: &str) {
    let _ = is_read(text);
}

/// Writes to stderr.
pub(crate) fn err(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
