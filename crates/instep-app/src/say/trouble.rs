//! Why an account stands still: one table from what went wrong to what a person reads, whether it
//! was met by a sync, by a look of `doctor`, or by an account that is still to be added.

use std::path::Path;

use instep_api::{BreakerState, BreakerStatus, Exit, Failure, SecretSource};
use instep_contract::ConnectorError;
use instep_engine::{Need, Trouble, trouble_of};
use instep_model::Timestamp;

use super::{circuit, count, plural, quoted, service, span};
use crate::config::Entry;

/// How things stand while an account stands still.
const FOLLOWS: &str = "your changes are kept; they follow with the next sync that gets through";

/// When a trouble was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Met {
    /// By a sync, of an account with so many tasks.
    Syncing { tasks: usize },
    /// While an account of the config was only looked at.
    Looking,
    /// While an account was tried that is not in the config yet.
    Adding,
}

/// A service that failed.
pub(crate) fn from_connector(entry: &Entry, error: &ConnectorError, met: Met) -> Failure {
    from_trouble(entry, &trouble_of(error), met)
}

/// Why an account stands still.
pub(crate) fn from_trouble(entry: &Entry, trouble: &Trouble, met: Met) -> Failure {
    let failure = match trouble {
        Trouble::NeedsYou(need) => {
            let tasks = match met {
                Met::Syncing { tasks } => tasks,
                Met::Looking | Met::Adding => 0,
            };
            return from_need(&entry.account.name, need, tasks);
        }
        Trouble::LeaseHeld { holder } => return lease_held(&entry.account.name, holder),
        Trouble::InDoubt { count } => return in_doubt(&entry.account.name, *count),
        Trouble::Behind => return behind(&entry.account.name),
        Trouble::NeedsLogin { reason } => return needs_login(entry, reason, met),
        Trouble::Unreachable { reason } => unreachable(entry, reason, met),
        Trouble::Throttled { retry_after } => throttled(entry, *retry_after, met),
        Trouble::HeldOff { until } => held_off(entry, *until),
        Trouble::CircuitOpen {
            retry_at,
            failures,
            reason,
        } => circuit_open(entry, *retry_at, *failures, reason),
        Trouble::Paused { until } => return paused(entry, *until),
        Trouble::Setup { what, help } => setup(entry, what, help, met),
        Trouble::Failed { reason } => failed(entry, reason, met),
    };
    match met {
        Met::Syncing { .. } => failure.now(FOLLOWS),
        Met::Looking | Met::Adding => failure,
    }
}

fn lease_held(name: &str, holder: &str) -> Failure {
    let failure = account_in_use(name, holder);
    let help = format!("wait for it, or give it more time: instep sync {name} --timeout 60s");
    Failure { help, ..failure }
}

/// An account that somebody else is at, this very daemon perhaps, met by a decision about one of its tasks.
pub(crate) fn account_in_use(name: &str, holder: &str) -> Failure {
    Failure::new(
        Exit::Locked,
        "lock_held",
        format!("`{name}` is being synced already"),
        format!("{holder} holds it"),
        "wait for it, or give it more time: the same command with --timeout 60s",
    )
}

fn in_doubt(name: &str, count: usize) -> Failure {
    Failure::new(
        Exit::Partial,
        "in_doubt",
        format!(
            "{} to `{name}` not confirmed yet",
            plural(count, "write is", "writes are")
        ),
        "the answer was lost; they are looked for before anything is repeated",
        format!("a few seconds later: instep sync {name}"),
    )
}

fn behind(name: &str) -> Failure {
    Failure::new(
        Exit::Failed,
        "behind",
        format!("the hub has not looked at `{name}` since an older copy of the hub was put back"),
        "one task by itself cannot be told from one that was made since",
        "instep sync",
    )
}

fn needs_login(entry: &Entry, reason: &str, met: Met) -> Failure {
    let (service, name) = (service(entry.account.kind), &entry.account.name);
    let new = |what: String, help: String| {
        Failure::new(Exit::NeedsLogin, "needs_login", what, reason, help)
    };
    match (met, entry.reach.secret()) {
        (Met::Syncing { .. } | Met::Looking, Some(source)) => {
            let failure = new(
                format!("{service} rejected the saved secret of `{name}`"),
                login_command(name, source),
            );
            failure.now(format!(
                "a new API token, made in {service} and put in the place of the old one, mends it; \
                 {FOLLOWS}"
            ))
        }
        _ => new(
            format!("{service} rejected the secret for `{name}`"),
            "make a new API token there, and try again with it".to_owned(),
        ),
    }
}

/// The command that tries an account's secret anew, from where it comes from today.
pub(crate) fn login_command(name: &str, source: &SecretSource) -> String {
    let quote = |text: &str| match shlex::try_quote(text) {
        Ok(quoted) => quoted.into_owned(),
        Err(_) => text.to_owned(),
    };
    let secret = match source {
        SecretSource::File(path) => format!("--secret-file {}", quoted(path)),
        SecretSource::Env(variable) => format!("--secret-env {}", quote(variable)),
        SecretSource::Command(command) => format!("--secret-command {}", quote(command)),
    };
    format!("instep account login {name} {secret}")
}

/// The service, and at what address it is called.
fn placed(entry: &Entry) -> String {
    let service = service(entry.account.kind);
    match entry.reach.address() {
        Some(address) => format!("{service} at {address}"),
        None => service.to_owned(),
    }
}

fn unreachable(entry: &Entry, reason: &str, met: Met) -> Failure {
    let (service, name) = (placed(entry), &entry.account.name);
    Failure::new(
        Exit::Unreachable,
        "unreachable",
        format!("{service} could not be reached for `{name}`"),
        reason,
        match met {
            Met::Syncing { .. } => format!("when it answers again: instep sync {name}"),
            Met::Looking => {
                format!("once it runs: instep ping {name}; for another address: instep config edit")
            }
            Met::Adding => match entry.reach.address() {
                Some(address) => {
                    let address = quoted(Path::new(&address));
                    format!("see whether it answers at that address: curl -I {address}")
                }
                None => "see that it is there, and try again".to_owned(),
            },
        },
    )
}

fn throttled(entry: &Entry, retry_after: Option<std::time::Duration>, met: Met) -> Failure {
    let (service, name) = (placed(entry), &entry.account.name);
    Failure::new(
        Exit::Unreachable,
        "throttled",
        format!("{service} asked `{name}` to wait"),
        match retry_after {
            Some(wait) => format!("too many calls; it takes none for {}", span(wait)),
            None => "too many calls".to_owned(),
        },
        match (met, retry_after) {
            (Met::Syncing { .. }, _) => format!("a little later: instep sync {name}"),
            (Met::Looking, Some(wait)) => format!("in {}: instep ping {name}", span(wait)),
            (Met::Looking, None) => format!("in a minute: instep ping {name}"),
            (Met::Adding, Some(wait)) => format!("try again in {}", span(wait)),
            (Met::Adding, None) => "try again in a minute".to_owned(),
        },
    )
}

/// How long it still is until then.
fn left(until: Timestamp) -> std::time::Duration {
    let left = until.duration_since(Timestamp::now());
    let left = std::time::Duration::try_from(left).unwrap_or_default();
    // A part of a second is one more to wait.
    std::time::Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0))
}

fn held_off(entry: &Entry, until: Timestamp) -> Failure {
    let (service, name) = (placed(entry), &entry.account.name);
    let wait = span(left(until));
    Failure::new(
        Exit::Unreachable,
        "throttled",
        format!("{service} asked `{name}` to wait"),
        format!("it takes no calls for {wait} more, and none was made"),
        format!("in {wait}: instep sync {name}"),
    )
}

fn circuit_open(entry: &Entry, retry_at: Timestamp, failures: u32, reason: &str) -> Failure {
    let (service, name) = (placed(entry), &entry.account.name);
    let breaker = BreakerStatus {
        state: BreakerState::Open,
        failures,
        retry_in_s: Some(left(retry_at).as_secs()),
    };
    Failure::new(
        Exit::Unreachable,
        "circuit_open",
        format!("{service} failed too often for `{name}`, and was not called"),
        circuit(&breaker, reason),
        format!("to find out at once whether it answers: instep ping {name}"),
    )
}

/// A person asked for it, so that it is no failure.
fn paused(entry: &Entry, until: Option<Timestamp>) -> Failure {
    let name = &entry.account.name;
    Failure::new(
        Exit::Fine,
        "paused",
        format!("`{name}` is paused"),
        match until {
            Some(until) => format!("you paused it, for {} more", span(left(until))),
            None => "you paused it".to_owned(),
        },
        format!("instep resume {name}"),
    )
    .now("your changes are kept; they follow once it goes on")
}

fn setup(entry: &Entry, what: &str, help: &str, met: Met) -> Failure {
    let name = &entry.account.name;
    let told = match met {
        Met::Syncing { .. } | Met::Looking => format!("`{name}` is not set up right"),
        Met::Adding => format!("`{name}` cannot be used like this"),
    };
    Failure::new(Exit::Config, "setup", told, what, help)
}

fn failed(entry: &Entry, reason: &str, met: Met) -> Failure {
    let (service, name) = (placed(entry), &entry.account.name);
    let (what, help) = match met {
        Met::Syncing { .. } => {
            let with = entry.reach.address();
            let with = with.map_or_else(String::new, |address| format!(" with {address}"));
            (format!("`{name}` did not sync{with}"), "instep doctor")
        }
        Met::Looking => (
            format!("{service} did not answer as expected for `{name}`"),
            "see whether its address or path is right: instep config edit",
        ),
        Met::Adding => (
            format!("{service} did not answer as expected for `{name}`"),
            "see whether the address or path is right: instep account add --help",
        ),
    };
    Failure::new(Exit::Failed, "failed", what, reason, help)
}

fn from_need(name: &str, need: &Need, tasks: usize) -> Failure {
    let fail = |code: &str, what: String, why: String, help: String| {
        Failure::new(Exit::NeedsYou, code, what, why, help)
    };
    match need {
        Need::Guard { held } => fail(
            "guard",
            format!(
                "{held} of {tasks} tasks vanished from {name}; deleting them elsewhere looks wrong, so it is on hold"
            ),
            "with what vanished there within the hour, that is more than a person usually deletes"
                .to_owned(),
            format!(
                "it was you: instep sync {name} --max-delete {held}\n\
                 bring them back: instep restore --collection {name}"
            ),
        )
        .now("nothing of it was deleted; everything else goes on"),
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
                    "to see what would happen: instep sync {name} -n\n\
                     to accept it: instep sync {name} --yes"
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
                "to see it first: instep sync {name} -n --yes\n\
                 if that is right: instep sync {name} --yes"
            ),
        )
        .now(format!("nothing was written to {name}")),
        Need::OlderState { pairs } => older_state(name, *pairs),
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

/// A service that shows an older state of itself.
fn older_state(name: &str, pairs: usize) -> Failure {
    Failure::new(
        Exit::NeedsYou,
        "older_state",
        format!("{name} went back to an older state, as if a copy of it had been put back"),
        "what it lacks now looks deleted and is not, and what it shows may be out of date",
        format!(
            "to see what would happen: instep sync {name} -n\n\
             to bring it up to the hub again: instep sync {name} --yes\n\
             to take the older state over, its gaps as deletions: instep sync {name} --max-delete {pairs}"
        ),
    )
    .now(format!("nothing was written to {name}, and nothing of it was taken over"))
}
