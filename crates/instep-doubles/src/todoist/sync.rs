//! `POST /sync`: commands first, then what changed since a token. What commands do is written in
//! `commands`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::call::{Call, Reply};
use super::commands;
use super::refusal::Refusal;
use super::reminders::is_located;
use super::state::{Comment, Place, Reminder, State, Store};
use super::{BadToken, account, wire};

/// Commands in one request.
const MOST_COMMANDS: usize = 100;
/// The token that asks for everything.
const EVERYTHING: &str = "*";

/// What the double has of the service's resource types. The rest is always empty.
const TYPES: [&str; 10] = [
    "labels",
    "projects",
    "items",
    "notes",
    "project_notes",
    "sections",
    "reminders",
    "reminders_location",
    "user",
    "user_plan_limits",
];
/// Types of which a list comes, and an empty one here.
const EMPTY_TYPES: [&str; 16] = [
    "filters",
    "locations",
    "live_notifications",
    "collaborators",
    "collaborator_states",
    "completed_info",
    "workspaces",
    "workspace_users",
    "workspace_filters",
    "view_options",
    "project_view_options_defaults",
    "role_actions",
    "folders",
    "calendars",
    "calendar_accounts",
    "suggestions",
];
/// Types of which an object would come, and nothing does here.
const ABSENT_TYPES: [&str; 5] = [
    "user_settings",
    "notification_settings",
    "stats",
    "day_orders",
    "tooltips",
];

/// A request as it was understood.
struct Asked {
    token: String,
    types: BTreeSet<&'static str>,
    commands: Vec<Value>,
    has_commands: bool,
}

impl Asked {
    fn is_full(&self) -> bool {
        self.token == EVERYTHING && !self.types.is_empty()
    }
}

/// `POST /sync`
pub(crate) fn run(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let asked = read(call)?;
    count(call.state, asked.is_full())?;
    let since = since(call.state, &asked.token)?;
    let mut body = Map::new();
    let outcome = commands::run(call.state, &call.scopes, &asked.commands)?;
    if asked.has_commands {
        body.insert("sync_status".to_owned(), Value::Object(outcome.status));
    }
    body.insert(
        "temp_id_mapping".to_owned(),
        Value::Object(outcome.temp_ids),
    );
    let state = &*call.state;
    let seen = match (&state.snapshot, since) {
        (Some(snapshot), None) => snapshot,
        _ => &state.store,
    };
    body.insert("full_sync".to_owned(), since.is_none().into());
    if since.is_none() {
        let at = wire::stamp(seen.now());
        body.insert("full_sync_date_utc".to_owned(), at.into());
    }
    body.insert("sync_token".to_owned(), token(seen.version).into());
    fill(&mut body, seen, &asked.types, since);
    Ok(Reply::Ok(Value::Object(body)))
}

fn count(state: &mut State, full: bool) -> Result<(), Refusal> {
    let (now, rates, options) = (state.store.now(), &mut state.rates, &state.options);
    match full {
        true => rates.full_syncs.count(now, options.full_syncs),
        false => rates.partial_syncs.count(now, options.partial_syncs),
    }
}

/// Reads a form or a JSON body.
fn read(call: &Call<'_>) -> Result<Asked, Refusal> {
    let kind = call.request.header("content-type").unwrap_or_default();
    let mut body = if kind.starts_with("application/json") {
        call.body()?
    } else {
        let form = url::form_urlencoded::parse(&call.request.body);
        form.map(|(key, value)| (key.into_owned(), Value::from(value.into_owned())))
            .collect()
    };
    let token = match body.remove("sync_token") {
        None | Some(Value::Null) => EVERYTHING.to_owned(),
        Some(Value::String(token)) => token,
        Some(_) => return Err(Refusal::invalid("sync_token", "string")),
    };
    let types = list(body.remove("resource_types"), "resource_types")?;
    let commands = list(body.remove("commands"), "commands")?;
    let has_commands = commands.is_some();
    let commands = commands.unwrap_or_default();
    if commands.len() > MOST_COMMANDS {
        let refusal = Refusal::invalid("commands", "at most 100 commands");
        return Err(refusal.with("max_count", MOST_COMMANDS));
    }
    if types.is_none() && !has_commands {
        return Err(Refusal::required("resource_types"));
    }
    Ok(Asked {
        token,
        types: wanted(&types.unwrap_or_default())?,
        commands,
        has_commands,
    })
}

/// A list, or JSON text of one.
fn list(value: Option<Value>, key: &str) -> Result<Option<Vec<Value>>, Refusal> {
    let refuse = || Refusal::invalid(key, "list");
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(list)) => Ok(Some(list)),
        Some(Value::String(text)) => serde_json::from_str(&text).map(Some).map_err(|_| refuse()),
        Some(_) => Err(refuse()),
    }
}

/// The types that are asked for; `-name` takes one away from `all`.
fn wanted(types: &[Value]) -> Result<BTreeSet<&'static str>, Refusal> {
    let known = || TYPES.into_iter().chain(EMPTY_TYPES).chain(ABSENT_TYPES);
    let refuse = || Refusal::invalid("resource_types", "known types");
    let mut wanted = BTreeSet::new();
    let mut unwanted = BTreeSet::new();
    for name in types {
        let name = name.as_str().ok_or_else(refuse)?;
        if name == "all" {
            wanted.extend(known());
            continue;
        }
        let (name, set) = match name.strip_prefix('-') {
            Some(name) => (name, &mut unwanted),
            None => (name, &mut wanted),
        };
        set.insert(known().find(|it| *it == name).ok_or_else(refuse)?);
    }
    Ok(wanted.difference(&unwanted).copied().collect())
}

/// The version a token stands for; `None` for everything.
fn since(state: &State, token: &str) -> Result<Option<u64>, Refusal> {
    if token == EVERYTHING {
        return Ok(None);
    }
    let version = token.rsplit('_').next();
    let version = version.and_then(|text| u64::from_str_radix(text, 16).ok());
    match version.filter(|version| self::token(*version) == token) {
        Some(version) => Ok(Some(version)),
        None if state.options.bad_token == BadToken::FullSync => Ok(None),
        None => Err(Refusal::invalid("sync_token", "token of an earlier answer")),
    }
}

/// The token for all changes up to a version.
fn token(version: u64) -> String {
    let digest = Sha256::digest(format!("sync {version}"));
    let check: String = digest.iter().take(24).map(|b| format!("{b:02x}")).collect();
    format!("{check}_{version:x}")
}

/// Adds a key for each type: all that is active, or all that changed after `since`.
fn fill(
    body: &mut Map<String, Value>,
    store: &Store,
    types: &BTreeSet<&'static str>,
    since: Option<u64>,
) {
    for name in types {
        if let Some(value) = resource(store, name, since) {
            body.insert((*name).to_owned(), value);
        }
    }
}

fn resource(store: &Store, name: &str, since: Option<u64>) -> Option<Value> {
    let fresh = |version: u64, is_active: bool| since.map_or(is_active, |since| version > since);
    let user_is_fresh = since.is_none_or(|since| store.user_version > since);
    Some(match name {
        "items" => rows(store.tasks.values().filter_map(|it| {
            let fresh = fresh(it.version, store.is_active(it));
            fresh.then(|| wire::task(store, it))
        })),
        "projects" => rows(store.projects.values().filter_map(|it| {
            let is_active = !it.is_deleted && !it.is_archived;
            fresh(it.version, is_active).then(|| wire::project(store, it))
        })),
        "sections" => rows(store.sections.values().filter_map(|it| {
            let project = store.project(&it.project);
            let is_open = project.is_ok_and(|project| !project.is_archived);
            let is_active = is_open && !it.is_deleted && !it.is_archived;
            fresh(it.version, is_active).then(|| wire::section(store, it))
        })),
        "labels" => {
            let labels = store.labels.values();
            let labels = labels.filter(|it| fresh(it.version, !it.is_deleted));
            rows(labels.map(wire::sync_label))
        }
        "notes" | "project_notes" => {
            let of_tasks = name == "notes";
            rows(store.comments.values().filter_map(|it| {
                let fits = matches!(it.place, Place::Task(_)) == of_tasks;
                let fresh = fits && fresh(it.version, is_seen(store, it));
                fresh.then(|| wire::comment(store, it))
            }))
        }
        "reminders" | "reminders_location" => {
            let located = name == "reminders_location";
            rows(store.reminders.values().filter_map(|it| {
                let fits = is_located(it) == located;
                let fresh = fits && fresh(it.version, is_due(store, it));
                fresh.then(|| wire::reminder(store, it))
            }))
        }
        "user" => return user_is_fresh.then(|| account::user(store)),
        "user_plan_limits" => return user_is_fresh.then(|| account::plan_limits(store)),
        name => return EMPTY_TYPES.contains(&name).then(|| json!([])),
    })
}

fn rows(found: impl Iterator<Item = Value>) -> Value {
    Value::Array(found.collect())
}

/// Whether a comment stands on something active.
fn is_seen(store: &Store, comment: &Comment) -> bool {
    !comment.is_deleted
        && match &comment.place {
            Place::Task(id) => store.task(id).is_ok_and(|task| store.is_active(task)),
            Place::Project(id) => store.project(id).is_ok_and(|it| !it.is_archived),
        }
}

fn is_due(store: &Store, reminder: &Reminder) -> bool {
    let task = store.task(&reminder.task);
    !reminder.is_deleted && task.is_ok_and(|task| store.is_active(task))
}
