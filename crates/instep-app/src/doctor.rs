//! What is wrong, each with the command that mends it. It asks, and mends nothing by itself.

mod checks;
mod mend;
pub(crate) mod pulse;
pub(crate) mod storage;
mod webhooks;

use std::time::Instant;

use instep_api::{CheckStatus, DoctorReply, Exit, Failure, SCHEMA_VERSION};
use instep_connectors::taskwarrior;
use instep_contract::{Connector, ConnectorError, Look, Store};
use instep_model::{Kind, Need, Timestamp, Trouble};
use instep_store::AccountSummary;

use crate::account::twins;
use crate::app::App;
use crate::config::{self, Config, Entry};
use crate::connector::{AnyConnector, Server};
use crate::rights::lacking;
use crate::scratch::scratch_copy;
use crate::{Places, hook, say, service, wiring};

use checks::Checks;
pub use mend::mend;

/// The oldest Vikunja that tells of everything.
const OLDEST_VIKUNJA: (u32, u32) = (2, 4);

/// Beyond this a clock is wrong; below it the difference is only worth knowing, since times are
/// corrected by it.
const FAR_OFF_MS: i64 = 60_000;

/// What sets the clock of most computers; it may be the server's that is off.
const SET_CLOCK: &str = "timedatectl set-ntp true";

/// Looks at program, storage, config and accounts; with `offline`, asks no service.
pub async fn doctor(places: &Places, offline: bool) -> DoctorReply {
    let mut checks = Checks::default();
    let version = env!("CARGO_PKG_VERSION");
    checks.ok("program", "program.version", format!("Instep {version}"));
    pulse::daemon(places, &mut checks);
    checks.0.extend(Box::pin(service::check(places)).await);
    for check in config::config_check(places).unwrap_or_default() {
        checks.0.push(check);
    }
    storage::modes(places, &mut checks);
    match config::load(places) {
        Ok(_) => match App::open(places).await {
            Ok(app) => {
                storage::storage(&app, &mut checks).await;
                pulse::spool(&app, &mut checks);
                for entry in &app.config.accounts {
                    account(&app, entry, offline, &mut checks).await;
                }
                app.close().await;
            }
            Err(failure) => {
                storage::space(places, &mut checks);
                let itself = failure.help == "instep doctor";
                let failure = match itself {
                    true => Failure {
                        help: format!("ls -l {}", say::quoted(places.data())),
                        ..failure
                    },
                    false => failure,
                };
                checks.failure("storage", "storage.hub", &failure);
            }
        },
        Err(_) => checks.note(
            "accounts",
            "accounts.unknown",
            "the accounts are looked at once the config is valid".to_owned(),
            "instep config edit".to_owned(),
        ),
    }
    DoctorReply {
        schema_version: SCHEMA_VERSION,
        mended: Vec::new(),
        checks: checks.0,
    }
}

/// How `doctor` and `config check` end: a problem of the config is told apart, as everywhere.
pub fn exit_of_checks(reply: &DoctorReply) -> Exit {
    let problems = reply
        .checks
        .iter()
        .filter(|check| check.status == CheckStatus::Problem);
    Exit::worst(problems.map(|check| match check.group.as_str() {
        "config" => Exit::Config,
        _ => Exit::Failed,
    }))
}

async fn account(app: &App, entry: &Entry, offline: bool, checks: &mut Checks) {
    let name = &entry.account.name;
    let id = |what: &str| format!("account.{name}.{what}");
    if let Some(twin) = app.twin_of(entry).await {
        let failure = twins(name, &twin.account.name);
        checks.failure("accounts", &id("place"), &failure);
    }
    let mut asked = Asked::No;
    let is_left_alone = left_alone(app, entry, checks).await;
    let is_tw = entry.account.kind == Kind::Taskwarrior;
    // A service that is left alone is not asked; what stopped the last sync is told with it.
    if is_left_alone || is_tw && !taskwarrior_checks(app, entry, checks).await {
        asked = Asked::Failed;
    } else if offline {
        if let Some(source) = entry.reach.secret() {
            match crate::secret::read(source).await {
                Ok(_) => checks.ok(
                    "accounts",
                    &id("secret"),
                    format!("{name}: the secret can be read"),
                ),
                Err(failure) => checks.failure("accounts", &id("secret"), &failure),
            }
        }
    } else {
        match reach(app, entry).await {
            Ok(Reached {
                answer,
                server,
                notices,
            }) => {
                for notice in notices {
                    let fix = format!("mend it, then: instep sync {name}");
                    let message = format!("{name}: {notice}");
                    checks.note("accounts", &id("entries"), message, fix);
                }
                let lacks = |server: &Server| !server.missing_rights.is_empty();
                match answer {
                    Ok(message) => {
                        asked = Asked::Answered;
                        checks.ok("accounts", &id("reachable"), message);
                    }
                    // Which rights it takes is told below, all at once.
                    Err(_) if server.as_ref().is_some_and(lacks) => asked = Asked::Failed,
                    Err(failure) => {
                        asked = Asked::Failed;
                        checks.failure("accounts", &id("reachable"), &failure);
                    }
                }
                if let Some(server) = server {
                    server_checks(entry, &server, checks);
                }
                if asked == Asked::Answered {
                    webhooks::check(app, entry, checks).await;
                }
            }
            Err(failure) => {
                asked = Asked::Failed;
                checks.failure("accounts", &id("reachable"), &failure);
            }
        }
    }
    standing(app, entry, asked, checks).await;
}

/// Tells how the breaker of a service stands, and where an account is left alone; whether it is.
async fn left_alone(app: &App, entry: &Entry, checks: &mut Checks) -> bool {
    let Ok(access) = app.access_to(entry).await else {
        return false;
    };
    let name = &entry.account.name;
    let breaker = format!("account.{name}.breaker");
    if !access.is_open && entry.reach.host().is_some() {
        let failures = say::count(access.breaker.failures as usize, "failure");
        let told = format!("{name}: circuit closed, {failures} in a row");
        checks.ok("accounts", &breaker, told);
    }
    let is_left_alone = access.why.is_some();
    if let Some((_, why)) = access.why {
        let (why, fix) = why.rsplit_once(" → ").unwrap_or((&why, "instep status"));
        let (id, status) = match access.is_open && !access.is_paused {
            true => (breaker, CheckStatus::Problem),
            false => (format!("account.{name}.paused"), CheckStatus::Note),
        };
        let why = format!("{name}: {why}");
        checks.add("accounts", &id, status, why, Some(fix.to_owned()));
    }
    is_left_alone
}

/// What became of asking the service just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    No,
    Answered,
    Failed,
}

/// A service that answered, or a server that refused what was asked.
struct Reached {
    answer: Result<String, Failure>,
    server: Option<Server>,
    notices: Vec<String>,
}

/// Asks the service as a sync would, through the same door, and throws the answer away.
async fn reach(app: &App, entry: &Entry) -> Result<Reached, Failure> {
    let name = &entry.account.name;
    let dir = scratch_copy(&app.places, "the service could not be asked")?;
    let mut connector =
        wiring::connect(&app.places, &app.config, &app.secrets, entry, dir.path()).await?;
    let state = app
        .hub
        .account_state(&entry.account.id)
        .await
        .unwrap_or_default();
    let began = Instant::now();
    // A file is small and near: what is wrong with its entries is said by a look at all of them.
    let known = match entry.account.kind {
        Kind::File => None,
        _ => state.cursor.as_ref(),
    };
    let look = async |to: &mut AnyConnector| match to.observe(known, Look::Changes).await {
        Err(ConnectorError::CursorInvalid) => to.observe(None, Look::Everything).await,
        other => other,
    };
    let seen = app.ask(entry, &mut connector, look).await?;
    let failed = |error| say::from_connector(entry, &error, say::Met::Looking);
    let message = format!("{name} answers, {} ms", began.elapsed().as_millis());
    let answer = seen.map(|_| message).map_err(failed);
    if let Err(failure) = &answer
        && failure.exit != Exit::Config
    {
        return Err(failure.clone());
    }
    let direction = entry.account.direction;
    let ask = async |to: &mut AnyConnector| to.server(direction).await;
    let server = app.ask(entry, &mut connector, ask).await?;
    let notices = connector.take_notices();
    match (answer, server.map_err(failed)) {
        (answer, Ok(server)) => Ok(Reached {
            answer,
            server,
            notices,
        }),
        (Ok(_), Err(failure)) | (Err(failure), Err(_)) => Err(failure),
    }
}

/// What a server says about itself and lets us do: its version, its clock, the secret's rights.
fn server_checks(entry: &Entry, server: &Server, checks: &mut Checks) {
    let name = &entry.account.name;
    let id = |what: &str| format!("account.{name}.{what}");
    let version = server.version.trim_start_matches('v');
    let told = format!("{name}: Vikunja {version}");
    match number_of(version) {
        Some(number) if number < OLDEST_VIKUNJA => checks.problem(
            "accounts",
            &id("version"),
            format!("{told} is older than 2.4, where changes of labels and deletions go unnoticed"),
            format!("update the server to Vikunja 2.4 or later, then: instep ping {name}"),
        ),
        _ => checks.ok("accounts", &id("version"), told),
    }
    rights_check(entry, server, checks);
    let ahead_s = server.clock_ahead_ms as f64 / 1e3;
    let message = format!("{name}: the server's clock is {ahead_s:+.1} s from this computer's");
    match server.clock_ahead_ms.abs() {
        0 => checks.ok(
            "accounts",
            &id("clock"),
            format!("{name}: the clocks agree"),
        ),
        off if off < FAR_OFF_MS => checks.note("accounts", &id("clock"), message, SET_CLOCK.into()),
        _ => checks.problem("accounts", &id("clock"), message, SET_CLOCK.into()),
    }
}

/// Whether the secret may do all that is needed.
fn rights_check(entry: &Entry, server: &Server, checks: &mut Checks) {
    let name = &entry.account.name;
    let id = format!("account.{name}.rights");
    let Some(source) = entry.reach.secret() else {
        return;
    };
    match lacking(server) {
        None => {
            let message = format!("{name}: the token may do what is needed");
            checks.ok("accounts", &id, message);
        }
        Some(lacking) => {
            let fix = say::login_command(name, source);
            checks.problem("accounts", &id, format!("{name}: {lacking}"), fix);
        }
    }
}

/// Major and minor number; `None` where a build calls itself something else.
fn number_of(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(['.', '-']);
    let mut next = || parts.next()?.parse().ok();
    Some((next()?, next()?))
}

/// Whether there is a Taskwarrior to ask at all.
async fn taskwarrior_checks(app: &App, entry: &Entry, checks: &mut Checks) -> bool {
    let name = &entry.account.name;
    let id = |what: &str| format!("account.{name}.{what}");
    let Some(settings) = wiring::taskwarrior_settings(&app.places, &app.config, &entry.reach)
    else {
        return true;
    };
    match taskwarrior::detect(&settings).await {
        Ok(found) => {
            checks.ok(
                "accounts",
                &id("version"),
                format!("{name}: Taskwarrior {}", found.version),
            );
        }
        Err(error) => {
            let failure = say::from_connector(entry, &error, say::Met::Looking);
            checks.failure("accounts", &id("version"), &failure);
            return false;
        }
    }
    hook_check(app, entry, checks).await;
    let taskrc = settings.taskrc.as_deref();
    let text = taskrc
        .and_then(|path| std::fs::read_to_string(path).ok())
        .unwrap_or_default();
    for marker in undeclared(&app.config, &text) {
        let message =
            format!("{name}: the attribute {marker} is not declared in the taskrc itself");
        let fix = format!("task config uda.{marker}.type string");
        checks.note("accounts", &id("markers"), message, fix);
    }
    true
}

/// Whether Taskwarrior tells of changes; where it cannot be asked, that is told elsewhere.
async fn hook_check(app: &App, entry: &Entry, checks: &mut Checks) {
    let Ok(view) = hook::look(&app.places, &app.config, entry).await else {
        return;
    };
    let (name, id) = (&view.account, format!("account.{}.hook", view.account));
    let message = format!("{name}: {}", view.message);
    match view.fix {
        None => checks.ok("accounts", &id, message),
        Some(fix) => checks.note("accounts", &id, message, fix),
    }
}

/// Markers that a taskrc does not name.
fn undeclared(config: &Config, taskrc: &str) -> Vec<String> {
    let declares = |marker: &String| {
        let key = format!("uda.{marker}.type");
        let names = taskrc.lines().filter_map(|line| line.split_once('='));
        names.into_iter().any(|(name, _)| name.trim() == key)
    };
    let mut markers = wiring::markers(config);
    markers.retain(|marker| !declares(marker));
    markers
}

/// What stopped the last sync, where it is not counted elsewhere and was not met again just now.
async fn last_sync(
    app: &App,
    entry: &Entry,
    (trouble, asked): (&Trouble, Asked),
    checks: &mut Checks,
) {
    let name = &entry.account.name;
    let id = format!("account.{name}.trouble");
    let is_of_service = match trouble {
        Trouble::InDoubt { .. } | Trouble::NeedsYou(Need::Guard { .. } | Need::Review { .. }) => {
            return;
        }
        Trouble::LeaseHeld { .. } | Trouble::NeedsYou(_) => false,
        _ => true,
    };
    let tally = app.hub.tally(&entry.account.id, Timestamp::now()).await;
    let tasks = tally.map_or(0, |tally| tally.alive.values().sum());
    let failure = say::from_trouble(entry, trouble, say::Met::Syncing { tasks });
    match asked {
        Asked::Failed if is_of_service => {}
        Asked::Answered if is_of_service => checks.note(
            "accounts",
            &id,
            format!("{name}: the last sync did not get through: {}", failure.why),
            format!("instep sync {name}"),
        ),
        _ => checks.failure("accounts", &id, &failure),
    }
}

/// What the hub remembers of an account. Each thing is told once: what stopped the last sync is
/// left out where it is counted below, or was met again just now.
async fn standing(app: &App, entry: &Entry, asked: Asked, checks: &mut Checks) {
    let name = &entry.account.name;
    let id = |what: &str| format!("account.{name}.{what}");
    let summaries = app.hub.summary().await.unwrap_or_default();
    let Some(summary) = summaries
        .iter()
        .find(|summary| summary.account == entry.account.id)
    else {
        return;
    };
    pulse::account(app, entry, summary, checks).await;
    let findings = findings(name, summary);
    if let Some(trouble) = &summary.state.trouble {
        last_sync(app, entry, (trouble, asked), checks).await;
    }
    if let Ok(Some(refusal)) = app.refusal_of(summary).await {
        let account = &entry.account;
        let message = format!("{name}: {}", refusal.line(account, Timestamp::now()));
        checks.problem("accounts", &id("refused"), message, refusal.help(account));
    }
    if summary.work > 0 {
        checks.note(
            "accounts",
            &id("waiting"),
            format!(
                "{name}: {} to be carried",
                say::count(summary.work, "change")
            ),
            format!("instep sync {name}"),
        );
    }
    for finding in findings {
        checks.problem(
            "accounts",
            &id(finding.id),
            format!("{name}: {}", finding.words),
            finding.fix,
        );
    }
}

/// Something that the hub counts, and that somebody has to do something about.
struct Finding {
    id: &'static str,
    words: String,
    fix: String,
}

fn findings(name: &str, summary: &AccountSummary) -> Vec<Finding> {
    let held = summary.state.held;
    let on_hold = format!("on hold; `instep restore --collection {name}` brings them back");
    let counted = [
        (
            held,
            ("held", "deletion", on_hold.as_str()),
            format!("instep sync {name} --max-delete {held}"),
        ),
        (
            summary.reviews,
            ("reviews", "task", "to be looked at"),
            "instep conflicts".to_owned(),
        ),
        (
            summary.conflicts,
            ("conflicts", "conflict", "to be decided"),
            "instep conflicts".to_owned(),
        ),
        (
            summary.in_doubt,
            ("in_doubt", "write", "without a confirmed end"),
            format!("instep sync {name}"),
        ),
    ];
    counted
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, (id, noun, state), fix)| Finding {
            id,
            words: format!("{} {state}", say::count(number, noun)),
            fix,
        })
        .collect()
}
