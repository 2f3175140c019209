//! The commands of `/sync`: what was done already, temporary ids, and one outcome for each. Not a
//! transaction: a command that fails undoes nothing of the others.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::args::Args;
use super::draft::{Draft, Spot};
use super::due;
use super::refusal::Refusal;
use super::state::{Executed, Scopes, State, Store};
use super::{comments, draft, labels, projects, reminders, sections, tasks};

/// Longest uuid and temporary id.
const LONGEST_UUID: usize = 100;
/// Longest name of a label.
const LONGEST_NAME: usize = 128;
/// Highest order.
const MOST_ORDER: i64 = i32::MAX as i64;
/// Keys whose texts are a person's and never temporary ids.
const TEXT_KEYS: [&str; 3] = ["content", "description", "name"];

/// What became of the commands of a request.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// By uuid: `"ok"` or an error object.
    pub(crate) status: Map<String, Value>,
    pub(crate) temp_ids: Map<String, Value>,
}

/// Carries commands out in order.
pub(crate) fn run(
    state: &mut State,
    scopes: &Scopes,
    commands: &[Value],
) -> Result<Outcome, Refusal> {
    let mut read = Vec::new();
    for command in commands {
        read.push(Command::read(command)?);
    }
    let mut outcome = Outcome::default();
    let mut known: HashMap<String, String> = HashMap::new();
    for command in read {
        let status = match run_once(state, scopes, &command, &mut known) {
            Ok(mapping) => {
                if let Some((temp_id, id)) = mapping {
                    outcome.temp_ids.insert(temp_id, id.into());
                }
                Value::from("ok")
            }
            Err(refusal) => refusal.in_command(),
        };
        outcome.status.insert(command.uuid, status);
    }
    Ok(outcome)
}

struct Command {
    kind: String,
    uuid: String,
    temp_id: Option<String>,
    args: Map<String, Value>,
}

impl Command {
    fn read(value: &Value) -> Result<Self, Refusal> {
        let keys = draft::object(value.clone())?;
        let args = Args(&keys);
        Ok(Self {
            kind: args.needed("type", LONGEST_UUID)?,
            uuid: args.needed("uuid", LONGEST_UUID)?,
            temp_id: args.filled("temp_id", LONGEST_UUID)?,
            args: args.object("args")?.flatten().unwrap_or_default(),
        })
    }
}

/// Carries a command out unless that was done before; gives its temporary id and the real one.
fn run_once(
    state: &mut State,
    scopes: &Scopes,
    command: &Command,
    known: &mut HashMap<String, String>,
) -> Result<Option<(String, String)>, Refusal> {
    if let Some(done) = state.executed.get(&command.uuid) {
        let made = done.made.clone();
        known.extend(made.clone());
        return Ok(made.filter(|_| state.options.dedupe_mapping));
    }
    check_scope(scopes, &command.kind)?;
    let mut faults = state.command_faults.iter_mut();
    if let Some(fault) = faults.find_map(|fault| fault.hits(&command.kind).then_some(fault)) {
        return Err(Refusal::scripted(fault.status, fault.retry_after));
    }
    let args = with_real_ids(&command.args, known);
    let id = carry_out(&mut state.store, &command.kind, Args(&args))?;
    let made = command.temp_id.clone().zip(id);
    known.extend(made.clone());
    let done = Executed { made: made.clone() };
    state.executed.insert(command.uuid.clone(), done);
    Ok(made)
}

fn check_scope(scopes: &Scopes, kind: &str) -> Result<(), Refusal> {
    let Scopes::Named(names) = scopes else {
        return Ok(());
    };
    let needed: &[&str] = match kind {
        "project_delete" => &["project:delete", "data:delete"],
        kind if kind.ends_with("_delete") => &["data:delete"],
        "item_add" => &["data:read_write", "task:add"],
        _ => &["data:read_write"],
    };
    match needed.iter().any(|name| names.contains(*name)) {
        true => Ok(()),
        false => Err(Refusal::no_scope()),
    }
}

/// The arguments with the temporary ids of this request replaced, keys included.
fn with_real_ids(args: &Map<String, Value>, known: &HashMap<String, String>) -> Map<String, Value> {
    let real = |text: &str| known.get(text).cloned().unwrap_or_else(|| text.to_owned());
    let pairs = args.iter().map(|(key, value)| {
        let value = match value {
            value if TEXT_KEYS.contains(&key.as_str()) => value.clone(),
            Value::String(text) => Value::from(real(text)),
            Value::Object(map) => Value::Object(with_real_ids(map, known)),
            Value::Array(list) => list.iter().map(|it| within(it, known)).collect(),
            other => other.clone(),
        };
        (real(key), value)
    });
    pairs.collect()
}

fn within(value: &Value, known: &HashMap<String, String>) -> Value {
    match value {
        Value::Object(map) => Value::Object(with_real_ids(map, known)),
        other => other.clone(),
    }
}

/// Runs one command; gives the id of what it made.
fn carry_out(store: &mut Store, kind: &str, args: Args<'_>) -> Result<Option<String>, Refusal> {
    match kind.split_once('_') {
        Some(("item", verb)) => item(store, verb, args),
        Some(("project", verb)) => project(store, verb, args),
        Some(("section", verb)) => section(store, verb, args),
        Some(("label", verb)) => label(store, verb, args),
        Some(("note", verb)) => note(store, verb, args),
        Some(("reminder", verb)) => reminder(store, verb, args),
        _ => Err(unknown()),
    }
}

fn unknown() -> Refusal {
    Refusal::invalid("type", "known command")
}

fn item(store: &mut Store, verb: &str, args: Args<'_>) -> Result<Option<String>, Refusal> {
    match verb {
        "add" => {
            args.needed("content", usize::MAX)?;
            let draft = Draft::from_sync(store, args)?;
            return tasks::add(store, draft, Spot::read(args)?).map(Some);
        }
        "reorder" => {
            return tasks::reorder(store, &rows(args, "items", "child_order")?).map(|()| None);
        }
        "update_day_orders" => {
            let orders = args.object("ids_to_orders")?.flatten();
            let orders = orders.ok_or_else(|| Refusal::required("ids_to_orders"))?;
            return tasks::set_day_orders(store, &orders).map(|()| None);
        }
        _ => {}
    }
    let id = args.needed_id("id")?;
    match verb {
        "update" => {
            store.task(&id)?;
            let mut draft = Draft::from_sync(store, args)?;
            // The order is changed by `item_reorder` alone.
            draft.child_order = None;
            tasks::update(store, &id, draft)
        }
        "move" => tasks::relocate(store, &id, Spot::read(args)?),
        "close" => tasks::close(store, &id),
        "complete" => {
            let at = completion(store, args)?;
            tasks::complete(store, &id, at)
        }
        "uncomplete" => tasks::reopen(store, &id),
        "delete" => tasks::delete(store, &id),
        "update_date_complete" => update_date_complete(store, &id, args),
        _ => Err(unknown()),
    }?;
    Ok(None)
}

/// When a task was completed: the documentation and the official types name it differently.
fn completion(store: &Store, args: Args<'_>) -> Result<Timestamp, Refusal> {
    for key in ["date_completed", "completed_at"] {
        if let Some(Some(text)) = args.text(key)? {
            let at = text.parse::<Timestamp>();
            return at.map_err(|_| Refusal::bad_date());
        }
    }
    Ok(store.now())
}

/// Completes or reopens one occurrence of a recurring task.
fn update_date_complete(store: &mut Store, id: &str, args: Args<'_>) -> Result<(), Refusal> {
    let task = store.task(id)?;
    let forward = args.flag("is_forward")?.unwrap_or(true);
    let given = due::from_sync(args, &store.moment)?.flatten();
    let next = || task.due.as_ref().and_then(|it| it.advanced(&store.moment));
    let next = given.or_else(next);
    let next = next.ok_or_else(|| Refusal::invalid("id", "recurring task"))?;
    tasks::advance(store, id, next, forward)?;
    if args.flag("reset_subtasks")?.unwrap_or(false) {
        tasks::reset_below(store, id);
    }
    Ok(())
}

/// `[{id, <order>}]`
fn rows(args: Args<'_>, key: &str, order: &str) -> Result<Vec<(String, i64)>, Refusal> {
    let list = args.0.get(key).and_then(Value::as_array);
    let list = list.ok_or_else(|| Refusal::required(key))?;
    let mut rows = Vec::new();
    for row in list {
        let row = row.as_object();
        let row = Args(row.ok_or_else(|| Refusal::invalid(key, "objects"))?);
        let order = row.number(order, -MOST_ORDER, MOST_ORDER)?.flatten();
        let order = order.ok_or_else(|| Refusal::required("order"))?;
        rows.push((row.needed_id("id")?, order));
    }
    Ok(rows)
}

fn project(store: &mut Store, verb: &str, args: Args<'_>) -> Result<Option<String>, Refusal> {
    match verb {
        "add" => return projects::add(store, args).map(Some),
        "reorder" => {
            let rows = rows(args, "projects", "child_order")?;
            return projects::reorder(store, &rows).map(|()| None);
        }
        _ => {}
    }
    let id = args.needed_id("id")?;
    match verb {
        "update" => projects::update(store, &id, args),
        "move" => projects::relocate(store, &id, args.id("parent_id")?.flatten()),
        "archive" => projects::set_archived(store, &id, true),
        "unarchive" => projects::set_archived(store, &id, false),
        "delete" => projects::delete(store, &id),
        _ => Err(unknown()),
    }?;
    Ok(None)
}

fn section(store: &mut Store, verb: &str, args: Args<'_>) -> Result<Option<String>, Refusal> {
    match verb {
        "add" => return sections::add(store, args).map(Some),
        "reorder" => {
            let rows = rows(args, "sections", "section_order")?;
            return sections::reorder(store, &rows).map(|()| None);
        }
        _ => {}
    }
    let id = args.needed_id("id")?;
    match verb {
        "update" => sections::update(store, &id, args),
        "move" => sections::relocate(store, &id, &args.needed_id("project_id")?),
        "archive" => sections::set_archived(store, &id, true),
        "unarchive" => sections::set_archived(store, &id, false),
        "delete" => sections::delete(store, &id),
        _ => Err(unknown()),
    }?;
    Ok(None)
}

fn label(store: &mut Store, verb: &str, args: Args<'_>) -> Result<Option<String>, Refusal> {
    match verb {
        "add" => return labels::add(store, args).map(Some),
        "rename" => {
            let old = args.needed("name_old", LONGEST_NAME)?;
            let new = args.needed("name_new", LONGEST_NAME)?;
            labels::rename_on_tasks(store, &old, &new);
        }
        "delete_occurrences" => {
            labels::remove_from_tasks(store, &args.needed("name", LONGEST_NAME)?);
        }
        "update_orders" => {
            let orders = args.object("id_order_mapping")?.flatten();
            let orders = orders.ok_or_else(|| Refusal::required("id_order_mapping"))?;
            let mut rows = Vec::new();
            for (id, order) in orders {
                let order = order.as_i64();
                let order = order.filter(|order| (-MOST_ORDER..=MOST_ORDER).contains(order));
                let order = order.ok_or_else(|| Refusal::invalid("id_order_mapping", "integers"));
                rows.push((id, order?));
            }
            labels::reorder(store, &rows)?;
        }
        "update" | "delete" => {
            let id = args.digits("id")?.flatten();
            let id = id.ok_or_else(|| Refusal::required("id"))?;
            if verb == "update" {
                labels::update(store, &id, args)?;
            } else {
                let cascade = args.text("cascade")?.flatten();
                labels::delete(store, &id, cascade.as_deref() != Some("none"))?;
            }
        }
        _ => return Err(unknown()),
    }
    Ok(None)
}

fn note(store: &mut Store, verb: &str, args: Args<'_>) -> Result<Option<String>, Refusal> {
    if verb == "add" {
        return comments::add(store, args, "item_id", "file_attachment").map(Some);
    }
    let id = args.needed_id("id")?;
    match verb {
        "update" => comments::update(store, &id, args),
        "delete" => comments::delete(store, &id),
        _ => Err(unknown()),
    }?;
    Ok(None)
}

fn reminder(store: &mut Store, verb: &str, args: Args<'_>) -> Result<Option<String>, Refusal> {
    if verb == "add" {
        return reminders::add(store, args, "item_id").map(Some);
    }
    let id = args.needed_id("id")?;
    match verb {
        "update" => reminders::update(store, &id, args),
        "delete" => reminders::delete(store, &id),
        _ => Err(unknown()),
    }?;
    Ok(None)
}
