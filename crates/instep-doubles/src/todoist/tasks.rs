//! What can be done to tasks, by REST and by sync commands alike. Who asked and how is not known
//! here.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::account::MOST_TASKS;
use super::draft::{Draft, Spot};
use super::due::Due;
use super::refusal::Refusal;
use super::state::{Event, Place, Store, Task};
use super::wire;

/// Priority of a task that names none.
const USUAL_PRIORITY: i64 = 1;

/// Adds a task; gives its id.
pub(crate) fn add(store: &mut Store, draft: Draft, spot: Spot) -> Result<String, Refusal> {
    if draft.content.is_none() {
        return Err(Refusal::required("content").with("expected", "string"));
    }
    let (project, section, parent) = spot.resolve(store)?;
    check_room(store, &project)?;
    let (id, version, now) = (store.next_id(), store.next_version(), store.now());
    let mut task = Task {
        id: id.clone(),
        content: String::new(),
        description: String::new(),
        child_order: last_order(store, &project, section.as_deref(), parent.as_deref()) + 1,
        project,
        section,
        parent,
        labels: Vec::new(),
        due: None,
        deadline: None,
        takes: None,
        priority: USUAL_PRIORITY,
        order_key: None,
        day_order: -1,
        is_collapsed: false,
        responsible: None,
        assigned_by: None,
        checked: false,
        is_deleted: false,
        added_at: now,
        updated_at: now,
        completed_at: None,
        completed_count: 0,
        version,
    };
    draft.apply(&mut task, &store.user);
    let shown = wire::task(store, &task);
    store.tasks.insert(id.clone(), task);
    store.tell("item:added", shown);
    Ok(id)
}

fn check_room(store: &Store, project: &str) -> Result<(), Refusal> {
    let there = store.tasks.values();
    let there = there.filter(|task| task.project == project && store.is_active(task));
    if there.count() >= MOST_TASKS {
        return Err(Refusal::full("MAX_ITEMS_LIMIT_REACHED", MOST_TASKS));
    }
    Ok(())
}

/// The highest order among the siblings at a place.
fn last_order(store: &Store, project: &str, section: Option<&str>, parent: Option<&str>) -> i64 {
    let siblings = store.tasks.values().filter(|task| {
        task.project == project
            && task.section.as_deref() == section
            && task.parent.as_deref() == parent
            && !task.is_deleted
    });
    siblings.map(|task| task.child_order).max().unwrap_or(0)
}

/// Changes fields of a task.
pub(crate) fn update(store: &mut Store, id: &str, draft: Draft) -> Result<(), Refusal> {
    let old = wire::task(store, store.task(id)?);
    let user = store.user.clone();
    store.edit_task(id, |task| draft.apply(task, &user));
    tell_updated(store, id, old, "item_updated");
    Ok(())
}

fn tell_updated(store: &mut Store, id: &str, old: Value, intent: &str) {
    let Some(task) = store.tasks.get(id) else {
        return;
    };
    let data = wire::task(store, task);
    store.events.push(Event {
        name: "item:updated",
        data,
        extra: Some(json!({"old_item": old, "update_intent": intent})),
    });
}

/// Moves a task with all below it.
pub(crate) fn relocate(store: &mut Store, id: &str, spot: Spot) -> Result<(), Refusal> {
    let old = wire::task(store, store.task(id)?);
    let (project, section, parent) = spot.only_one()?.resolve(store)?;
    let below = store.below(id);
    if parent
        .as_ref()
        .is_some_and(|it| it == id || below.contains(it))
    {
        return Err(Refusal::invalid("parent_id", "a task that is not below it"));
    }
    if store.task(id)?.project != project {
        check_room(store, &project)?;
    }
    let order = last_order(store, &project, section.as_deref(), parent.as_deref()) + 1;
    for child in below {
        let (project, section) = (project.clone(), section.clone());
        store.edit_task(&child, |task| {
            task.project = project;
            task.section = section;
        });
    }
    store.edit_task(id, |task| {
        task.project = project;
        task.section = section;
        task.parent = parent;
        task.child_order = order;
    });
    tell_updated(store, id, old, "item_updated");
    Ok(())
}

/// Closes a task as the official clients do: one that recurs moves on, another is completed.
pub(crate) fn close(store: &mut Store, id: &str) -> Result<(), Refusal> {
    let now = store.now();
    let task = store.task(id)?;
    let next = task.due.as_ref().and_then(|it| it.advanced(&store.moment));
    match next {
        Some(due) if !task.checked => {
            advance(store, id, due, true)?;
            reset_below(store, id);
            Ok(())
        }
        _ => complete(store, id, now),
    }
}

/// Completes a task and all below it for good, whether it recurs or not.
pub(crate) fn complete(store: &mut Store, id: &str, at: Timestamp) -> Result<(), Refusal> {
    store.task(id)?;
    let mut ids = store.below(id);
    ids.push(id.to_owned());
    for id in ids {
        if store.task(&id)?.checked {
            continue;
        }
        store.edit_task(&id, |task| {
            task.checked = true;
            task.completed_at = Some(at);
            task.completed_count += 1;
        });
        tell(store, "item:completed", &id);
    }
    Ok(())
}

/// Gives a recurring task its next date, or an earlier one back.
pub(crate) fn advance(store: &mut Store, id: &str, due: Due, forward: bool) -> Result<(), Refusal> {
    let old = wire::task(store, store.task(id)?);
    let step = if forward { 1 } else { -1 };
    store.edit_task(id, |task| {
        task.due = Some(due);
        task.completed_count = (task.completed_count + step).max(0);
    });
    let intent = if forward {
        "item_completed"
    } else {
        "item_uncompleted"
    };
    tell_updated(store, id, old, intent);
    Ok(())
}

/// Opens the completed tasks below one that goes on.
pub(crate) fn reset_below(store: &mut Store, id: &str) {
    for id in store.below(id) {
        if store.task(&id).is_ok_and(|task| task.checked) {
            open(store, &id);
        }
    }
}

/// Reopens a task, what is above it, and an archived section; each goes to the end.
pub(crate) fn reopen(store: &mut Store, id: &str) -> Result<(), Refusal> {
    store.task(id)?;
    let mut next = Some(id.to_owned());
    while let Some(id) = next {
        let task = store.task(&id)?;
        next = task.parent.clone();
        let section = task.section.clone();
        if task.checked {
            open(store, &id);
        }
        if let Some(section) = section
            && store.section(&section).is_ok_and(|it| it.is_archived)
        {
            store.edit_section(&section, |section| {
                section.is_archived = false;
                section.archived_at = None;
            });
        }
    }
    Ok(())
}

fn open(store: &mut Store, id: &str) {
    let Some(task) = store.tasks.get(id) else {
        return;
    };
    let (section, parent) = (task.section.as_deref(), task.parent.as_deref());
    let order = last_order(store, &task.project, section, parent) + 1;
    store.edit_task(id, |task| {
        task.checked = false;
        task.completed_at = None;
        task.child_order = order;
    });
    tell(store, "item:uncompleted", id);
}

fn tell(store: &mut Store, name: &'static str, id: &str) {
    if let Some(task) = store.tasks.get(id) {
        let data = wire::task(store, task);
        store.tell(name, data);
    }
}

/// Deletes a task and all below it, with their comments and reminders.
pub(crate) fn delete(store: &mut Store, id: &str) -> Result<(), Refusal> {
    store.task(id)?;
    let told = store.tells_of_children;
    for child in store.below(id) {
        bury(store, &child, told);
    }
    bury(store, id, true);
    Ok(())
}

/// Marks one task deleted; unless it is told of, no later sync mentions it.
pub(crate) fn bury(store: &mut Store, id: &str, told: bool) {
    let comments = store.comments.values_mut();
    for comment in comments.filter(|it| it.place == Place::Task(id.to_owned())) {
        comment.is_deleted = true;
    }
    let reminders = store.reminders.values_mut();
    for reminder in reminders.filter(|it| it.task == id) {
        reminder.is_deleted = true;
    }
    if told {
        store.edit_task(id, |task| task.is_deleted = true);
        tell(store, "item:deleted", id);
    } else if let Some(task) = store.tasks.get_mut(id) {
        task.is_deleted = true;
    }
}

/// Sets the order of tasks: `[{id, child_order}]`.
pub(crate) fn reorder(store: &mut Store, rows: &[(String, i64)]) -> Result<(), Refusal> {
    for (id, _) in rows {
        store.task(id)?;
    }
    for (id, order) in rows {
        store.edit_task(id, |task| task.child_order = *order);
    }
    Ok(())
}

/// Sets the order of the day: id to order.
pub(crate) fn set_day_orders(
    store: &mut Store,
    orders: &Map<String, Value>,
) -> Result<(), Refusal> {
    for (id, order) in orders {
        store.task(id)?;
        let order = order.as_i64().filter(|order| i32::try_from(*order).is_ok());
        let order = order.ok_or_else(|| Refusal::invalid("ids_to_orders", "integers"))?;
        store.edit_task(id, |task| task.day_order = order);
    }
    Ok(())
}
