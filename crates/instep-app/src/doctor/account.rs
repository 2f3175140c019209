//! One account: whether it can be asked, and what its service answers when it is. It is asked through
//! the same door as by a sync, and nothing is written.

use std::time::Instant;

use instep_api::{CheckStatus, Exit, Failure};
use instep_connectors::taskwarrior;
use instep_contract::{Connector, ConnectorError, Look, Store};
use instep_model::Kind;

use super::checks::Checks;
use super::{standing, webhooks};
use crate::access::{LeftAlone, Standing};
use crate::account::twins;
use crate::app::App;
use crate::config::{Config, Entry};
use crate::connector::{AnyConnector, Server};
use crate::rights::lacking;
use crate::scratch::scratch_copy;
use crate::{hook, say, wiring};

/// The oldest Vikunja that tells of everything.
const OLDEST_VIKUNJA: (u32, u32) = (2, 4);

/// Beyond this a clock is wrong; below it the difference is only worth knowing, since times are
/// corrected by it.
const FAR_OFF_MS: i64 = 60_000;

/// What sets the clock of most computers; it may be the server's that is off.
const SET_CLOCK: &str = "timedatectl set-ntp true";

/// Looks at an account; with `offline`, its service is not asked.
pub(super) async fn check(app: &App, entry: &Entry, offline: bool, checks: &mut Checks) {
    let name = &entry.account.name;
    if let Some(twin) = app.twin_of(entry).await {
        let failure = twins(name, &twin.account.name);
        checks.failure("accounts", &format!("account.{name}.place"), &failure);
    }
    // What the hub cannot tell of is met again below.
    let access = app.access_to(entry).await.ok();
    if let Some(access) = &access {
        breaker_check(entry, access, checks);
    }
    let left_alone = access.and_then(|access| access.left_alone);
    let asked = ask(app, entry, left_alone.as_ref(), offline, checks).await;
    standing::check(app, entry, asked, left_alone.as_ref(), checks).await;
}

/// Tells how the breaker of a service stands, and why it is left alone.
fn breaker_check(entry: &Entry, access: &Standing, checks: &mut Checks) {
    let name = &entry.account.name;
    let breaker = format!("account.{name}.breaker");
    if !access.is_open && entry.reach.host().is_some() {
        let failures = say::count(access.breaker.failures as usize, "failure");
        let told = format!("{name}: circuit closed, {failures} in a row");
        checks.ok("accounts", &breaker, told);
    }
    if let Some(left) = &access.left_alone {
        let (id, status) = match access.is_open && !access.is_paused {
            true => (breaker, CheckStatus::Problem),
            false => (format!("account.{name}.paused"), CheckStatus::Note),
        };
        let why = format!("{name}: {}", left.why);
        checks.add("accounts", &id, status, why, Some(left.command.clone()));
    }
}

/// Asks an account's service, where it is there to be asked. One that is left alone is not; what
/// stopped the last sync is told with it.
async fn ask(
    app: &App,
    entry: &Entry,
    left_alone: Option<&LeftAlone>,
    offline: bool,
    checks: &mut Checks,
) -> Asked {
    let is_tw = entry.account.kind == Kind::Taskwarrior;
    if left_alone.is_some() || is_tw && !taskwarrior_checks(app, entry, checks).await {
        return Asked::Failed;
    }
    if offline {
        secret_check(entry, checks).await;
        return Asked::No;
    }
    match reach(app, entry).await {
        Ok(reached) => answered(app, entry, reached, checks).await,
        Err(failure) => {
            let id = format!("account.{}.reachable", entry.account.name);
            checks.failure("accounts", &id, &failure);
            Asked::Failed
        }
    }
}

/// Whether the secret of an account can be read.
async fn secret_check(entry: &Entry, checks: &mut Checks) {
    let Some(source) = entry.reach.secret() else {
        return;
    };
    let name = &entry.account.name;
    let id = format!("account.{name}.secret");
    match crate::secret::read(source).await {
        Ok(_) => checks.ok("accounts", &id, format!("{name}: the secret can be read")),
        Err(failure) => checks.failure("accounts", &id, &failure),
    }
}

/// Tells what a service answered.
async fn answered(app: &App, entry: &Entry, reached: Reached, checks: &mut Checks) -> Asked {
    let name = &entry.account.name;
    let id = |what: &str| format!("account.{name}.{what}");
    for notice in reached.notices {
        let fix = format!("mend it, then: instep sync {name}");
        checks.note("accounts", &id("entries"), format!("{name}: {notice}"), fix);
    }
    let lacks = |server: &Server| !server.missing_rights.is_empty();
    let asked = match reached.answer {
        Ok(message) => {
            checks.ok("accounts", &id("reachable"), message);
            Asked::Answered
        }
        // Which rights it takes is told below, all at once.
        Err(_) if reached.server.as_ref().is_some_and(lacks) => Asked::Failed,
        Err(failure) => {
            checks.failure("accounts", &id("reachable"), &failure);
            Asked::Failed
        }
    };
    if let Some(server) = &reached.server {
        server_checks(entry, server, checks);
    }
    if asked == Asked::Answered {
        webhooks::check(app, entry, checks).await;
    }
    asked
}

/// What became of asking the service just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
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
