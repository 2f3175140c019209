//! Reminders of tasks: what can be done to them, and the REST calls that do it. None ever fires.

use serde_json::{Map, Value};

use super::account::is_premium;
use super::args::Args;
use super::call::{Call, Reply};
use super::due;
use super::refusal::Refusal;
use super::state::{Alarm, Reminder, Store};
use super::wire;

/// Longest name of a place.
const LONGEST_NAME: usize = 1024;
/// Earliest relative reminder: thirty days before, in minutes.
const MOST_MINUTES: i64 = 30 * 24 * 60;
/// Largest radius in metres.
const MOST_RADIUS: i64 = 100_000;

/// When it is to fire; `None` when the arguments do not say.
fn alarm(store: &Store, args: Args<'_>) -> Result<Option<Alarm>, Refusal> {
    if args.has("loc_lat") || args.has("loc_long") {
        return location(args).map(Some);
    }
    if let Some(Some(due)) = args.object("due")? {
        let due = due::from_object(&due, &store.moment)?.flatten();
        return Ok(due.map(Alarm::Absolute));
    }
    let minutes = args.number("minute_offset", 0, MOST_MINUTES)?.flatten();
    Ok(minutes.map(Alarm::Relative))
}

fn location(args: Args<'_>) -> Result<Alarm, Refusal> {
    let mut keys = Map::new();
    for key in ["name", "loc_lat", "loc_long"] {
        keys.insert(key.to_owned(), args.needed(key, LONGEST_NAME)?.into());
    }
    let trigger = args.needed("loc_trigger", LONGEST_NAME)?;
    if !matches!(trigger.as_str(), "on_enter" | "on_leave") {
        return Err(Refusal::invalid("loc_trigger", "on_enter or on_leave"));
    }
    keys.insert("loc_trigger".to_owned(), trigger.into());
    let radius = args.number("radius", 0, MOST_RADIUS)?.flatten();
    keys.insert("radius".to_owned(), radius.unwrap_or(100).into());
    Ok(Alarm::Location(keys))
}

/// Adds a reminder; `task` is the key of the task's id.
pub(crate) fn add(store: &mut Store, args: Args<'_>, task: &str) -> Result<String, Refusal> {
    if !is_premium(store) {
        return Err(Refusal::premium_only());
    }
    let task = args.needed_id(task)?;
    store.task(&task)?;
    let alarm = alarm(store, args)?;
    let alarm = alarm.ok_or_else(|| Refusal::invalid("due", "due or minute_offset"))?;
    let (id, version) = (store.next_id(), store.next_version());
    let reminder = Reminder {
        id: id.clone(),
        task,
        alarm,
        is_urgent: args.flag("is_urgent")?.unwrap_or(false),
        is_deleted: false,
        version,
    };
    store.reminders.insert(id.clone(), reminder);
    Ok(id)
}

/// Changes when a reminder fires.
pub(crate) fn update(store: &mut Store, id: &str, args: Args<'_>) -> Result<(), Refusal> {
    store.reminder(id)?;
    let (alarm, is_urgent) = (alarm(store, args)?, args.flag("is_urgent")?);
    store.edit_reminder(id, |reminder| {
        if let Some(alarm) = alarm {
            reminder.alarm = alarm;
        }
        reminder.is_urgent = is_urgent.unwrap_or(reminder.is_urgent);
    });
    Ok(())
}

/// Deletes a reminder.
pub(crate) fn delete(store: &mut Store, id: &str) -> Result<(), Refusal> {
    store.reminder(id)?;
    store.edit_reminder(id, |reminder| reminder.is_deleted = true);
    Ok(())
}

/// Whether this is a reminder of a place.
pub(crate) fn is_located(reminder: &Reminder) -> bool {
    matches!(reminder.alarm, Alarm::Location(_))
}

fn shown(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    let store = &call.state.store;
    Ok(Reply::Ok(wire::reminder(store, store.reminder(id)?)))
}

/// `POST /reminders`, `POST /location_reminders`
pub(crate) fn create(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let body = call.body()?;
    let id = add(call.store(), Args(&body), "task_id")?;
    shown(call, &id)
}

fn pick(call: &Call<'_>, located: bool) -> Result<Reply, Refusal> {
    let task = call.query_id("task_id")?;
    let store = &call.state.store;
    let found = store.reminders.values().filter(|it| {
        !it.is_deleted && is_located(it) == located && task.as_ref().is_none_or(|id| *id == it.task)
    });
    let found: Vec<Value> = found.map(|it| wire::reminder(store, it)).collect();
    call.page(found)
}

/// `GET /reminders`
pub(crate) fn list(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    pick(call, false)
}

/// `GET /location_reminders`
pub(crate) fn list_located(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    pick(call, true)
}

/// `GET /reminders/{id}`
pub(crate) fn read(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    shown(call, &id)
}

/// `POST /reminders/{id}`
pub(crate) fn edit(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let (id, body) = (call.id(0)?, call.body()?);
    update(call.store(), &id, Args(&body))?;
    shown(call, &id)
}

/// `DELETE /reminders/{id}`
pub(crate) fn remove(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    delete(call.store(), &id)?;
    Ok(Reply::Done)
}
