//! What went wrong, in plain words: what happened, why, and the command that helps.
//! Every failure that this crate answers with is worded here or where it is found; none carries
//! a secret or a task's text beyond its title.

mod daemon;
mod hub;
mod log;
mod trouble;

use std::path::Path;
use std::time::Duration;

use instep_api::{BreakerState, BreakerStatus, Exit, Failure};
use instep_model::Kind;

pub(crate) use daemon::{not_heard, reload, restart};
pub(crate) use hub::{from_edit, from_open, from_safefile, from_store};
pub use log::{line_for_log, reason_for_log};
pub(crate) use trouble::{Met, account_in_use, from_connector, from_trouble, login_command};

/// What a person calls the service.
pub(crate) fn service(kind: Kind) -> &'static str {
    match kind {
        Kind::Taskwarrior => "Taskwarrior",
        Kind::Vikunja => "Vikunja",
        Kind::Todoist => "Todoist",
        Kind::Caldav => "the CalDAV server",
        Kind::File => "the task file",
    }
}

/// A path as a shell takes it.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let quoted = shlex::try_quote(&text).map(|quoted| quoted.into_owned());
    quoted.unwrap_or_else(|_| text.into_owned())
}

/// A number and its noun.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// A number and the verb that goes with it.
fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// An open breaker in words: why, and when one call finds out whether the service answers again.
pub(crate) fn circuit(breaker: &BreakerStatus, reason: &str) -> String {
    let failures = count(
        usize::try_from(breaker.failures).unwrap_or_default(),
        "failure",
    );
    let next = match (breaker.state, breaker.retry_in_s.unwrap_or_default()) {
        (BreakerState::HalfOpen, secs @ 1..) => {
            format!("one call finds out now whether it answers, for at most {secs} s")
        }
        (_, 0) => "the next sync tries one call".to_owned(),
        (_, secs @ 1..=120) => format!("next probe in {secs} s"),
        (_, secs) => format!("next probe in {}", span(Duration::from_secs(secs))),
    };
    format!("circuit open: {failures}, {next} ({reason})")
}

/// How long something takes, roughly.
pub(crate) fn span(span: Duration) -> String {
    match span.as_secs() {
        0 => "a moment".to_owned(),
        secs @ 1..=120 => format!("{secs} s"),
        secs @ 121..=7200 => format!("{} min", secs.div_ceil(60)),
        secs @ 7201..=86_400 => format!("{} h", secs.div_ceil(3600)),
        _ => "more than a day".to_owned(),
    }
}

/// A command that was used wrongly.
pub(crate) fn usage(
    code: &str,
    what: impl Into<String>,
    why: impl Into<String>,
    help: impl Into<String>,
) -> Failure {
    Failure::new(Exit::Usage, code, what, why, help)
}

/// A name that is in use.
pub(crate) fn name_taken(name: &str) -> Failure {
    usage(
        "name_taken",
        format!("there is an account `{name}` already"),
        "every account has a name of its own",
        "give this one another: --name NAME",
    )
}

/// A name that no account has.
pub(crate) fn unknown_account(name: &str, known: &[&str]) -> Failure {
    let why = match crate::config::nearest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there are no accounts yet".to_owned(),
        None => format!("there are {}", known.join(", ")),
    };
    usage(
        "unknown_account",
        format!("there is no account `{name}`"),
        why,
        "instep account list",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_as_people_say_it() {
        let check = |secs: u64, words: &str| assert_eq!(span(Duration::from_secs(secs)), words);
        check(0, "a moment");
        check(41, "41 s");
        check(121, "3 min");
        check(7_201, "3 h");
        check(86_400, "24 h");
        check(86_401, "more than a day");
        check(u64::MAX, "more than a day");
    }
}
