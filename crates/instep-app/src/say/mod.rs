//! What went wrong, in plain words: what happened, why, and the command that helps.
//! Every failure that this crate answers with is worded here or where it is found; none carries
//! a secret or a task's text beyond its title.

use std::path::Path;

use instep_api::{Exit, Failure};
use instep_contract::{ConnectorError, StoreError};
use instep_engine::{EditError, Need, Trouble};
use instep_model::{Account, Kind};
use instep_store::OpenError;

/// How things stand while an account stands still.
const FOLLOWS: &str = "your changes are kept; they follow with the next sync that gets through";

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

/// An error with its causes, in one line.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
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

/// Why an account stands still. `tasks` is how many pairs it has.
pub(crate) fn from_trouble(account: &Account, trouble: &Trouble, tasks: usize) -> Failure {
    let name = &account.name;
    let service = service(account.kind);
    let sync = format!("instep sync {name}");
    match trouble {
        Trouble::LeaseHeld { holder } => Failure::new(
            Exit::Locked,
            "lock_held",
            format!("`{name}` is being synced by another instance"),
            format!("{holder} holds it"),
            format!("wait for it, or give it more time: {sync} --timeout 60s"),
        ),
        Trouble::NeedsLogin { reason } => Failure::new(
            Exit::NeedsLogin,
            "needs_login",
            format!("{service} rejected the saved secret of `{name}`"),
            reason.clone(),
            format!("instep account login {name}"),
        )
        .now(FOLLOWS),
        Trouble::NeedsYou(need) => from_need(account, need, tasks),
        Trouble::Unreachable { reason } => Failure::new(
            Exit::Unreachable,
            "unreachable",
            format!("{service} could not be reached for `{name}`"),
            reason.clone(),
            format!("when it answers again: {sync}"),
        )
        .now(FOLLOWS),
        Trouble::Throttled { retry_after } => Failure::new(
            Exit::Unreachable,
            "throttled",
            format!("{service} asked `{name}` to wait"),
            match retry_after {
                Some(span) => format!("too many calls; it takes more in {} s", span.as_secs()),
                None => "too many calls".to_owned(),
            },
            format!("a little later: {sync}"),
        )
        .now(FOLLOWS),
        Trouble::Setup { what, help } => Failure::new(
            Exit::Config,
            "setup",
            format!("`{name}` is not set up right"),
            what.clone(),
            help.clone(),
        )
        .now(FOLLOWS),
        Trouble::InDoubt { count } => Failure::new(
            Exit::Partial,
            "in_doubt",
            format!(
                "{} to `{name}` not confirmed yet",
                plural(*count, "write is", "writes are")
            ),
            "the answer was lost; they are looked for before anything is repeated",
            format!("a few seconds later: {sync}"),
        ),
        Trouble::Failed { reason } => Failure::new(
            Exit::Failed,
            "failed",
            format!("`{name}` did not sync"),
            reason.clone(),
            "instep doctor",
        )
        .now(FOLLOWS),
    }
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn from_need(account: &Account, need: &Need, tasks: usize) -> Failure {
    let name = &account.name;
    let fail = |code: &str, what: String, why: String, help: String| {
        Failure::new(Exit::NeedsYou, code, what, why, help)
    };
    match need {
        Need::Guard { held } => fail(
            "guard",
            format!(
                "{held} of {tasks} tasks vanished from {name}; deleting them elsewhere looks wrong, so it is on hold"
            ),
            "that is more than is usually deleted at once".to_owned(),
            format!(
                "it was you: instep sync {name} --max-delete {held}; otherwise bring them back in {name}, or change one here (instep edit ID) and it is made there again"
            ),
        )
        .now("nothing of it was deleted; everything else is in step"),
        Need::FirstMeeting {
            pairs,
            new_in_hub,
            new_in_remote,
            reviews,
        } => {
            let mut parts = vec![
                format!("{pairs} on both sides"),
                format!("{new_in_hub} only in {name}"),
                format!("{new_in_remote} only in the hub"),
            ];
            if *reviews > 0 {
                parts.push(format!("{reviews} to be looked at"));
            }
            fail(
                "first_meeting",
                format!("{name} and the hub meet for the first time, and both hold tasks"),
                parts.join(", "),
                format!(
                    "to see what would happen: instep sync {name} -n; to accept it: instep sync {name} --yes"
                ),
            )
            .now(format!("nothing was written to {name}, and nothing of it was taken over"))
        }
        Need::NewServer { pairs } => fail(
            "new_server",
            format!("something else answers for {name} than before"),
            format!(
                "its {} would end and be found anew",
                count(*pairs, "pair")
            ),
            format!(
                "if that is right: instep sync {name} --yes; to see it first: instep sync {name} -n --yes"
            ),
        )
        .now(format!("nothing was written to {name}")),
        Need::Review { count } => fail(
            "review",
            format!(
                "{} for you to decide, of {name} or of the hub",
                plural(*count, "task waits", "tasks wait")
            ),
            "the other side has one of the same title, or had it once".to_owned(),
            "instep conflicts".to_owned(),
        )
        .now("none of them is touched; everything else is in step"),
    }
}

/// A service that failed while it was only looked at.
pub(crate) fn from_connector(name: &str, kind: Kind, error: &ConnectorError) -> Failure {
    let service = service(kind);
    match error {
        ConnectorError::Throttled { retry_after } => Failure::new(
            Exit::Unreachable,
            "throttled",
            format!("{service} asked `{name}` to wait"),
            "it takes no more calls for now",
            match retry_after {
                Some(span) => format!("try again in {} s", span.as_secs()),
                None => "try again in a minute".to_owned(),
            },
        ),
        ConnectorError::ReadOnly { .. } => Failure::new(
            Exit::Config,
            "setup",
            format!("{service} refuses `{name}` access"),
            causes(error),
            "look at what the API token may do, and at any proxy in between",
        ),
        ConnectorError::Unauthorized { reason } => Failure::new(
            Exit::NeedsLogin,
            "needs_login",
            format!("{service} rejected the secret for `{name}`"),
            reason.clone(),
            "make a new API token there, and try again with it",
        ),
        ConnectorError::Setup { what, help } => Failure::new(
            Exit::Config,
            "setup",
            format!("`{name}` cannot be used like this"),
            what.clone(),
            help.clone(),
        ),
        ConnectorError::NotSent { .. }
        | ConnectorError::OutcomeUnknown { .. }
        | ConnectorError::Unavailable { .. }
        | ConnectorError::Busy => Failure::new(
            Exit::Unreachable,
            "unreachable",
            format!("{service} could not be reached for `{name}`"),
            causes(error),
            "check the address, and that it is running",
        ),
        _ => Failure::new(
            Exit::Failed,
            "failed",
            format!("{service} did not answer as expected for `{name}`"),
            causes(error),
            "check that the address or path is right",
        ),
    }
}

/// The hub database failed.
pub(crate) fn from_store(error: &StoreError) -> Failure {
    Failure::new(
        Exit::Failed,
        "hub_failed",
        "the hub database failed",
        causes(error),
        "instep doctor",
    )
}

/// A person's change was not stored.
pub(crate) fn from_edit(error: &EditError) -> Failure {
    match error {
        EditError::Unknown(task) => usage(
            "unknown_task",
            format!("there is no task {task}"),
            "it was deleted meanwhile",
            "instep list",
        ),
        EditError::NoPair => usage(
            "no_pair",
            "these two cannot be one",
            "it takes a task of the hub and an item of one and the same account",
            "instep conflicts",
        ),
        EditError::Store(error) => from_store(error),
    }
}

/// The hub database cannot be opened.
pub(crate) fn from_open(error: &OpenError) -> Failure {
    let what = "the hub database cannot be opened";
    let why = causes(error);
    match error {
        OpenError::TooNew { .. } => Failure::new(
            Exit::Config,
            "hub_too_new",
            what,
            why,
            "update this program to the version that wrote it",
        ),
        OpenError::Locked => Failure::new(
            Exit::Locked,
            "lock_held",
            what,
            why,
            "try again in a moment",
        ),
        OpenError::PermissionDenied { path } => Failure::new(
            Exit::Config,
            "hub_permission",
            what,
            why,
            format!("chmod u+rwX {}", quoted(path)),
        ),
        OpenError::DiskFull => Failure::new(Exit::Failed, "disk_full", what, why, "df -h"),
        _ => Failure::new(Exit::Failed, "hub_failed", what, why, "instep doctor"),
    }
}

/// A file of ours could not be written.
pub(crate) fn from_safefile(what: &str, error: &instep_safefile::Error) -> Failure {
    use instep_safefile::Error;
    let (exit, code, help) = match error {
        Error::LockTimeout { .. } => (
            Exit::Locked,
            "lock_held",
            "try again in a moment".to_owned(),
        ),
        Error::DiskFull { .. } => (Exit::Failed, "disk_full", "df -h".to_owned()),
        Error::PermissionDenied { path, .. } => (
            Exit::Config,
            "no_permission",
            format!("ls -ld {}", quoted(path)),
        ),
        _ => (Exit::Failed, "failed", "instep doctor".to_owned()),
    };
    Failure::new(exit, code, what, causes(error), help)
}
