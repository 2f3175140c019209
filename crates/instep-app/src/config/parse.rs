//! From the text of the config to what it means; every complaint names the line where it can.

use std::collections::BTreeSet;
use std::path::PathBuf;

use instep_api::{Exit, Failure, SecretSource};
use instep_model::{
    Account, AccountId, ConflictPolicy, Direction, Kind, ProjectPath, Scope, TimeZone,
};
use serde::Deserialize;

use super::keys::{line_of, nearest, unknown_keys};
use super::limits::{self, RawBreaker};
use super::zone::zone_named;
use super::{Config, Daemon, Entry, Reach, check_mode};
use crate::Places;
use crate::say;

/// What `--keep` takes beside the name of an account.
const ANSWERS: [&str; 3] = ["hub", "newest", "both"];

#[derive(Debug, Deserialize)]
pub(super) struct Raw {
    timezone: Option<String>,
    #[serde(default)]
    conflicts: Option<String>,
    #[serde(default)]
    daemon: Daemon,
    #[serde(default)]
    breaker: RawBreaker,
    calls_per_sec: Option<i64>,
    #[serde(default)]
    account: Vec<toml::Spanned<RawAccount>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawAccount {
    id: String,
    name: String,
    kind: String,
    direction: Option<String>,
    #[serde(default)]
    project: Vec<String>,
    #[serde(default)]
    tag: Vec<String>,
    #[serde(default)]
    not_tag: Vec<String>,
    conflicts: Option<String>,
    url: Option<String>,
    secret: Option<toml::Value>,
    program: Option<PathBuf>,
    taskrc: Option<PathBuf>,
    data: Option<PathBuf>,
    #[serde(default)]
    run_hooks: bool,
    path: Option<PathBuf>,
    format: Option<String>,
    #[serde(default)]
    priority_high_is_one: bool,
}

/// The text of the config file.
pub(crate) fn read(places: &Places) -> Result<String, Failure> {
    let bytes = std::fs::read(places.config()).map_err(|error| unread(places, &error))?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let lines = error.as_bytes()[..valid].iter();
        let line = 1 + lines.filter(|byte| **byte == b'\n').count();
        let path = say::quoted(places.config());
        unreadable(
            places,
            format!("line {line} is not text in UTF-8"),
            format!("save it as UTF-8 in an editor: {path}"),
        )
    })
}

/// Why the config file could not be read, and what mends that.
fn unread(places: &Places, error: &std::io::Error) -> Failure {
    use std::io::ErrorKind;
    let path = say::quoted(places.config());
    match error.kind() {
        ErrorKind::NotFound => Failure::new(
            Exit::Config,
            "no_config",
            "Instep is not set up yet",
            format!("there is no {}", places.config().display()),
            "instep init",
        ),
        ErrorKind::IsADirectory => unreadable(
            places,
            "it is a directory, not a file".to_owned(),
            format!("mv {path} {path}.old && instep init"),
        ),
        ErrorKind::PermissionDenied => unreadable(
            places,
            "its rights, or those of a directory above it, do not let you".to_owned(),
            format!("chmod u+r {path}"),
        ),
        _ => unreadable(places, error.to_string(), format!("ls -l {path}")),
    }
}

fn unreadable(places: &Places, why: String, help: String) -> Failure {
    let what = format!("{} cannot be read", places.config().display());
    Failure::new(Exit::Config, "config_unreadable", what, why, help)
}

/// Reads the config file; refuses one that others can change, or can read where it leads to
/// secrets.
pub(crate) fn load(places: &Places) -> Result<Config, Failure> {
    let text = read(places)?;
    let mut config = parse(places, &text)?;
    config.breaker = limits::from_environment(config.breaker, |name| std::env::var(name).ok())?;
    let leads_to_secrets = config
        .accounts
        .iter()
        .any(|entry| entry.reach.secret().is_some());
    check_mode(places.config(), "the config", leads_to_secrets)?;
    Ok(config)
}

/// Reads the text of a config.
pub(crate) fn parse(places: &Places, text: &str) -> Result<Config, Failure> {
    let raw: Raw = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        twice(text, line).unwrap_or_else(|| invalid(line, error.message().to_owned()))
    })?;
    let timezone = raw.timezone.unwrap_or_else(system_zone);
    let zone = zone_named(&timezone).ok_or_else(|| {
        let why = format!("`{timezone}` is not the name of a time zone");
        invalid(find_line(text, "timezone"), why)
    })?;
    let breaker =
        limits::rule(&raw.breaker).map_err(|why| invalid(find_line(text, "[breaker]"), why))?;
    let rate = limits::rate(raw.calls_per_sec)
        .map_err(|why| invalid(find_line(text, "calls_per_sec"), why))?;
    let names: Vec<(String, AccountId)> = raw
        .account
        .iter()
        .map(|account| account.get_ref())
        .map(|account| (account.name.clone(), AccountId::new(account.id.clone())))
        .collect();
    let general = policy(raw.conflicts.as_deref().unwrap_or("newest"), &names)
        .map_err(|why| invalid(find_line(text, "conflicts"), why))?;
    let mut accounts: Vec<Entry> = Vec::new();
    for account in raw.account {
        let line = line_of(text, account.span().start);
        let entry = entry(places, account.into_inner(), &general, &names)
            .map_err(|why| invalid(line, why))?;
        for other in &accounts {
            if other.account.id == entry.account.id || other.account.name == entry.account.name {
                let why = format!(
                    "there are two accounts with the name or id of `{}`",
                    entry.account.name
                );
                return Err(invalid(line, why));
            }
        }
        accounts.push(entry);
    }
    if raw.daemon.alarm_command.is_some() && raw.daemon.alarm_words().is_none() {
        let why = "`alarm_command` names no program, or a quotation mark in it has no partner";
        return Err(invalid(find_line(text, "alarm_command"), why.to_owned()));
    }
    Ok(Config {
        timezone,
        zone,
        accounts,
        daemon: raw.daemon,
        breaker,
        rate,
        unknown: unknown_keys(text),
        text: text.to_owned(),
    })
}

/// The name of the computer's time zone.
pub(crate) fn system_zone() -> String {
    let zone = TimeZone::system();
    zone.iana_name().unwrap_or("UTC").to_owned()
}

fn invalid(line: usize, why: String) -> Failure {
    Failure::new(
        Exit::Config,
        "config_invalid",
        "the config is not valid",
        format!("line {line}: {why}"),
        "instep config edit",
    )
}

/// Says it where the section that begins in this line began in another one already.
fn twice(text: &str, line: usize) -> Option<Failure> {
    let header = |text: &str| {
        let (header, _) = text.split_once('#').unwrap_or((text, ""));
        let name = header.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
        (!name.starts_with('[')).then(|| name.to_owned())
    };
    let name = header(text.lines().nth(line.checked_sub(1)?)?)?;
    let mut lines = text.lines().take(line - 1);
    let first = 1 + lines.position(|other| header(other).as_ref() == Some(&name))?;
    let why = format!(
        "`[{name}]` stands there a second time, after line {first}, and a section stands once"
    );
    let help = format!(
        "move what is below line {line} below line {first}, and take line {line} away: \
         instep config edit"
    );
    Some(Failure {
        help,
        ..invalid(line, why)
    })
}

fn find_line(text: &str, key: &str) -> usize {
    let found = text
        .lines()
        .position(|line| line.trim_start().starts_with(key));
    found.map_or(1, |at| at + 1)
}

fn policy(text: &str, names: &[(String, AccountId)]) -> Result<ConflictPolicy, String> {
    match (text, text.strip_prefix("prefer:")) {
        ("newest", _) => Ok(ConflictPolicy::Newest),
        ("ask", _) => Ok(ConflictPolicy::Ask),
        (_, Some(name)) => {
            let known = names.iter().find(|(known, _)| known == name);
            known
                .map(|(_, id)| ConflictPolicy::Prefer(id.clone()))
                .ok_or_else(|| {
                    format!("`conflicts` prefers `{name}`, and there is no such account")
                })
        }
        _ => Err(format!(
            "`conflicts` is newest, ask or prefer:<account>, not `{text}`"
        )),
    }
}

fn entry(
    places: &Places,
    raw: RawAccount,
    general: &ConflictPolicy,
    names: &[(String, AccountId)],
) -> Result<Entry, String> {
    check_name(&raw.name)?;
    if raw.id.is_empty() {
        return Err(format!("the account `{}` has an empty id", raw.name));
    }
    let direction = match &raw.direction {
        Some(text) => text
            .parse::<Direction>()
            .map_err(|error| error.to_string())?,
        None => Direction::Both,
    };
    let policy = match &raw.conflicts {
        Some(text) => policy(text, names)?,
        None => general.clone(),
    };
    let scope = scope(&raw.project, &raw.tag, &raw.not_tag)?;
    let kind: Kind = raw.kind.parse().map_err(|_| unknown_kind(&raw.kind))?;
    let (id, name) = (AccountId::new(raw.id.clone()), raw.name.clone());
    let reach = reach(places, raw, kind)?;
    Ok(Entry {
        account: Account {
            id,
            name,
            kind,
            direction,
            scope,
            policy,
        },
        reach,
    })
}

/// Refuses a name that could not stand in a marker, or means something else as an answer to a
/// conflict.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    if ANSWERS.contains(&name) {
        return Err(format!(
            "`{name}` cannot be the name of an account: `instep conflicts resolve --keep {name}` \
             means something else"
        ));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(plain) {
        return Ok(());
    }
    Err(format!(
        "`{name}` cannot be the name of an account: it begins with a letter and has only letters, digits, `_` and `-`"
    ))
}

/// A scope from its texts.
pub(crate) fn scope(
    projects: &[String],
    tags: &[String],
    not_tags: &[String],
) -> Result<Scope, String> {
    let paths = projects.iter().map(|path| path.parse::<ProjectPath>());
    let paths: Result<Vec<_>, _> = paths.collect();
    let set = |tags: &[String]| -> BTreeSet<String> { tags.iter().cloned().collect() };
    Ok(Scope {
        projects: paths.map_err(|error| error.to_string())?,
        tags: set(tags),
        not_tags: set(not_tags),
    })
}

/// What is said of a kind that cannot be used.
pub(crate) fn unknown_kind(kind: &str) -> String {
    let known = ["taskwarrior", "vikunja", "file"];
    let hint =
        nearest(kind, &known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    format!(
        "this version knows accounts of the kinds taskwarrior, vikunja and file, not `{kind}`{hint}"
    )
}

fn reach(places: &Places, raw: RawAccount, kind: Kind) -> Result<Reach, String> {
    let missing = |key: &str| format!("the account `{}` has no `{key}`", raw.name);
    match kind {
        Kind::Taskwarrior => Ok(Reach::Taskwarrior {
            program: raw.program.unwrap_or_else(|| PathBuf::from("task")),
            taskrc: raw.taskrc.map(|path| places.absolute(&path)),
            data: raw.data.map(|path| places.absolute(&path)),
            run_hooks: raw.run_hooks,
        }),
        Kind::Vikunja => {
            let url = raw.url.ok_or_else(|| missing("url"))?;
            let secret = raw.secret.ok_or_else(|| missing("secret"))?;
            let secret = secret_source(places, &raw.name, &secret)?;
            Ok(Reach::Vikunja { url, secret })
        }
        Kind::File => {
            check_format(raw.format.as_deref())?;
            Ok(Reach::File {
                path: places.absolute(&raw.path.ok_or_else(|| missing("path"))?),
                priority_high_is_one: raw.priority_high_is_one,
            })
        }
        Kind::Todoist | Kind::Caldav => Err(unknown_kind(&raw.kind)),
    }
}

/// Where a secret comes from. What stands there instead may be the secret itself: it is never told.
fn secret_source(
    places: &Places,
    name: &str,
    written: &toml::Value,
) -> Result<SecretSource, String> {
    let text = |key: &str| written.get(key).map(toml::Value::as_str);
    match (text("file"), text("env"), text("command")) {
        (Some(Some(path)), None, None) => Ok(SecretSource::File(places.absolute(path.as_ref()))),
        (None, Some(Some(variable)), None) => Ok(SecretSource::Env(variable.to_owned())),
        (None, None, Some(Some(command))) => Ok(SecretSource::Command(command.to_owned())),
        _ => Err(format!(
            "the secret of `{name}` says where it comes from and is never written here itself: \
             `secret = {{ file = \"…\" }}`, or `env` or `command` in the place of `file`"
        )),
    }
}

/// Refuses a format that no file of ours has.
pub(crate) fn check_format(format: Option<&str>) -> Result<(), String> {
    match format {
        None | Some("json") => Ok(()),
        Some(other) => Err(format!("a task file has the format json, not `{other}`")),
    }
}
