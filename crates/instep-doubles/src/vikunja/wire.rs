//! The JSON shapes of stored things. Nothing here decides or changes anything.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::state::{Attachment, Comment, Hook, Label, Project, State, Stored, Task, View};

/// How "no date" is written, whatever the zone.
pub(crate) const NO_DATE: &str = "0001-01-01T00:00:00Z";

/// A stored date in the service's zone, whole seconds.
pub(crate) fn date(zone: &TimeZone, stored: Stored) -> String {
    stored
        .and_then(|second| Timestamp::from_second(second).ok())
        .map_or_else(
            || NO_DATE.to_owned(),
            |at| {
                let zoned = at.to_zoned(zone.clone());
                let offset = if zoned.offset().is_zero() { "Z" } else { "%:z" };
                zoned
                    .strftime(&format!("%Y-%m-%dT%H:%M:%S{offset}"))
                    .to_string()
            },
        )
}

/// An instant with its nanoseconds, trailing zeros dropped, as responses to writes carry them.
pub(crate) fn precise(zone: &TimeZone, at: Timestamp) -> String {
    let zoned = at.to_zoned(zone.clone());
    let offset = if zoned.offset().is_zero() { "Z" } else { "%:z" };
    let nanos = format!("{:09}", at.subsec_nanosecond().max(0));
    let fraction = match nanos.trim_end_matches('0') {
        "" => String::new(),
        digits => format!(".{digits}"),
    };
    zoned
        .strftime(&format!("%Y-%m-%dT%H:%M:%S{fraction}{offset}"))
        .to_string()
}

/// A user as it appears inside other objects; `null` if unknown.
pub(crate) fn user(state: &State, id: i64) -> Value {
    let Some(user) = state.users.get(&id) else {
        return Value::Null;
    };
    let created = date(&state.zone, Some(user.created));
    let mut shape = json!({
        "id": user.id, "name": "", "username": user.username,
        "created": created, "updated": created,
    });
    if let Some(owner) = user.bot_owner {
        shape["bot_owner_id"] = owner.into();
    }
    shape
}

/// A user of whom only the id is known, as echoes carry it.
pub(crate) fn user_shell(id: i64) -> Value {
    json!({"id": id, "name": "", "username": "", "created": NO_DATE, "updated": NO_DATE})
}

/// A label as lists and tasks carry it.
pub(crate) fn label(state: &State, label: &Label) -> Value {
    json!({
        "id": label.id, "title": label.title, "description": label.description,
        "hex_color": label.hex_color, "created_by": user(state, label.created_by),
        "created": date(&state.zone, Some(label.created)),
        "updated": date(&state.zone, Some(label.updated)),
    })
}

/// A comment as lists carry it.
pub(crate) fn comment(state: &State, comment: &Comment) -> Value {
    json!({
        "id": comment.id, "comment": comment.text, "author": user(state, comment.author),
        "reactions": null,
        "created": date(&state.zone, Some(comment.created)),
        "updated": date(&state.zone, Some(comment.updated)),
    })
}

/// An attachment of a task.
pub(crate) fn attachment(state: &State, task: i64, attachment: &Attachment) -> Value {
    let created = date(&state.zone, Some(attachment.created));
    json!({
        "id": attachment.id, "task_id": task, "created_by": user(state, attachment.author),
        "file": {"id": attachment.file_id, "name": attachment.name, "mime": attachment.mime,
                 "size": attachment.bytes.len(), "created": created},
        "created": created,
    })
}

/// A webhook; its credentials are never shown.
pub(crate) fn hook(state: &State, hook: &Hook) -> Value {
    json!({
        "id": hook.id, "target_url": hook.target_url, "events": hook.events,
        "project_id": hook.project, "user_id": 0, "secret": "",
        "basic_auth_user": "", "basic_auth_password": "",
        "created_by": user(state, hook.created_by),
        "created": date(&state.zone, Some(hook.created)),
        "updated": date(&state.zone, Some(hook.updated)),
    })
}

/// A view of a project, stamped `at`.
pub(crate) fn view(project: i64, view: &View, at: &str) -> Value {
    let filter = match view.kind {
        "list" => json!({"s": "", "sort_by": null, "order_by": null, "filter": "done = false",
                         "filter_include_nulls": false}),
        _ => Value::Null,
    };
    let mode = if view.kind == "kanban" {
        "manual"
    } else {
        "none"
    };
    json!({
        "id": view.id, "title": view.title, "project_id": project, "view_kind": view.kind,
        "filter": filter, "position": view.position, "bucket_configuration_mode": mode,
        "bucket_configuration": null, "default_bucket_id": view.default_bucket(),
        "done_bucket_id": view.done_bucket(), "updated": at, "created": at,
    })
}

/// A bucket of a view; `author` is null where Vikunja leaves it out.
pub(crate) fn bucket(state: &State, project: &Project, view: i64, id: i64, author: Value) -> Value {
    let buckets = project.views.iter().flat_map(|view| &view.buckets);
    let Some(bucket) = buckets.into_iter().find(|bucket| bucket.id == id) else {
        return Value::Null;
    };
    let made = date(&state.zone, Some(project.created));
    json!({
        "id": bucket.id, "title": bucket.title, "project_view_id": view, "limit": 0, "count": 0,
        "position": bucket.position, "created": made, "updated": made, "created_by": author,
    })
}

/// A project as `viewer` sees it. `archived` is the effective value; `permission` is `null` in
/// lists.
pub(crate) fn project(
    state: &State,
    project: &Project,
    viewer: i64,
    archived: bool,
    permission: Value,
) -> Value {
    let made = date(&state.zone, Some(project.created));
    let views: Vec<Value> = project
        .views
        .iter()
        .map(|v| view(project.id, v, &made))
        .collect();
    json!({
        "id": project.id, "title": project.title, "description": project.description,
        "identifier": project.identifier, "hex_color": project.hex_color,
        "parent_project_id": project.parent, "owner": user(state, project.owner),
        "is_archived": archived, "background_information": null, "background_blur_hash": "",
        "is_favorite": project.favourite_of.contains(&viewer), "position": project.position,
        "views": views, "max_permission": permission, "created": made,
        "updated": date(&state.zone, Some(project.updated)),
    })
}

/// A project that exists only in lists, without owner and views.
pub(crate) fn pseudo_project(id: i64, title: &str, at: &str) -> Value {
    json!({
        "id": id, "title": title, "description": "", "identifier": "", "hex_color": "",
        "parent_project_id": 0, "owner": null, "is_archived": false,
        "background_information": null, "background_blur_hash": "", "is_favorite": false,
        "position": 0, "views": [], "max_permission": null, "created": at, "updated": at,
    })
}

fn null_when_empty(items: Vec<Value>) -> Value {
    if items.is_empty() {
        Value::Null
    } else {
        Value::Array(items)
    }
}

/// The reminders of a task, `null` when there are none.
pub(crate) fn reminders(zone: &TimeZone, task: &Task) -> Value {
    let one = |reminder: &super::state::Reminder| {
        json!({"reminder": date(zone, reminder.at), "relative_period": reminder.relative_period,
               "relative_to": reminder.relative_to})
    };
    null_when_empty(task.reminders.iter().map(one).collect())
}

/// The scalar fields of a task, with every collection empty.
pub(crate) fn bare_task(state: &State, task: &Task, viewer: i64) -> Map<String, Value> {
    let zone = &state.zone;
    let shape = json!({
        "id": task.id, "title": task.title, "description": task.description, "done": task.done,
        "done_at": date(zone, task.done_at), "due_date": date(zone, task.due), "reminders": null,
        "project_id": task.project, "repeat_after": task.repeat_after,
        "repeat_mode": task.repeat_mode, "priority": task.priority,
        "start_date": date(zone, task.start), "end_date": date(zone, task.end),
        "assignees": null, "labels": null, "hex_color": task.hex_color,
        "percent_done": number(task.percent_done), "identifier": "", "index": task.index,
        "related_tasks": null, "attachments": null, "cover_image_attachment_id": task.cover_image,
        "is_favorite": task.favourite_of.contains(&viewer),
        "created": date(zone, Some(task.created)), "updated": date(zone, Some(task.updated)),
        "bucket_id": 0, "position": 0, "reactions": null, "created_by": null,
    });
    match shape {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// A float the way Go writes it: without a fraction when it has none.
pub(crate) fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        // The guard makes the cast exact.
        #[allow(clippy::cast_possible_truncation)]
        return Value::from(value as i64);
    }
    Value::from(value)
}

/// The text identifier of a task, by its project's identifier.
pub(crate) fn identifier(state: &State, task: &Task) -> String {
    let prefix = state
        .projects
        .get(&task.project)
        .map_or("", |project| &project.identifier);
    match prefix {
        "" => format!("#{}", task.index),
        prefix => format!("{prefix}-{}", task.index),
    }
}

/// A task as GET and lists show it to `viewer`.
pub(crate) fn task(state: &State, task: &Task, viewer: i64) -> Map<String, Value> {
    let mut shape = bare_task(state, task, viewer);
    let labels = task.labels.iter().filter_map(|id| state.labels.get(id));
    shape["labels"] = null_when_empty(labels.map(|l| label(state, l)).collect());
    shape["assignees"] =
        null_when_empty(task.assignees.iter().map(|id| user(state, *id)).collect());
    shape["reminders"] = reminders(&state.zone, task);
    shape["identifier"] = identifier(state, task).into();
    shape["related_tasks"] = related(state, task, viewer);
    let attachments = task
        .attachments
        .iter()
        .map(|a| attachment(state, task.id, a));
    shape["attachments"] = null_when_empty(attachments.collect());
    shape["created_by"] = user(state, task.created_by);
    shape
}

/// Inserts the caller's subscription where Vikunja shows it: right after `is_favorite`.
pub(crate) fn with_subscription(
    state: &State,
    task: &Task,
    viewer: i64,
    shape: Map<String, Value>,
) -> Map<String, Value> {
    let Some(subscription) = task.subscriptions.iter().find(|s| s.user == viewer) else {
        return shape;
    };
    let mut whole = Map::new();
    for (key, value) in shape {
        let here = key == "is_favorite";
        whole.insert(key, value);
        if here {
            let shown = json!({"id": subscription.id, "entity": "task", "entity_id": task.id,
                               "created": date(&state.zone, Some(subscription.created))});
            whole.insert("subscription".to_owned(), shown);
        }
    }
    whole
}

/// Related tasks by kind, thin, and only those `viewer` may read.
fn related(state: &State, task: &Task, viewer: i64) -> Value {
    let mut kinds = Map::new();
    for (kind, other) in &task.relations {
        let Some(other) = state.live_task(*other) else {
            continue;
        };
        if state.right(viewer, other.project).is_none() {
            continue;
        }
        let shown = Value::Object(bare_task(state, other, viewer));
        match kinds.get_mut(kind) {
            Some(Value::Array(list)) => list.push(shown),
            _ => {
                kinds.insert(kind.clone(), Value::Array(vec![shown]));
            }
        }
    }
    Value::Object(kinds)
}
