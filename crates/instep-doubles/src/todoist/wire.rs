//! The JSON shapes of stored things. Nothing here decides or changes anything.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::state::{Alarm, Comment, Label, Place, Project, Reminder, Section, Store, Task};

/// An instant in UTC, with microseconds.
pub(crate) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// A task, the same everywhere.
pub(crate) fn task(store: &Store, task: &Task) -> Value {
    let deadline = task.deadline.as_ref();
    let deadline = deadline.map(|it| json!({"date": it.date.to_string(), "lang": it.lang}));
    let duration = task.takes.as_ref();
    let duration = duration.map(|it| json!({"amount": it.amount, "unit": it.unit}));
    let completed_by = task.completed_at.map(|_| &store.user);
    json!({
        "id": task.id, "user_id": store.user, "project_id": task.project,
        "section_id": task.section, "parent_id": task.parent, "added_by_uid": store.user,
        "assigned_by_uid": task.assigned_by, "responsible_uid": task.responsible,
        "labels": task.labels, "due": task.due.as_ref().map(|due| due.shown()),
        "deadline": deadline, "duration": duration, "is_collapsed": task.is_collapsed,
        "checked": task.checked, "is_deleted": task.is_deleted,
        "added_at": stamp(task.added_at), "completed_at": task.completed_at.map(stamp),
        "completed_by_uid": completed_by, "updated_at": stamp(task.updated_at),
        "priority": task.priority, "child_order": task.child_order, "order_key": task.order_key,
        "content": task.content, "description": task.description, "note_count": 0,
        "day_order": task.day_order, "completed_count": task.completed_count,
        "postponed_count": 0,
    })
}

/// A personal project; it never has a `workspace_id`.
pub(crate) fn project(store: &Store, project: &Project) -> Value {
    json!({
        "id": project.id, "name": project.name, "description": project.description,
        "color": project.color, "parent_id": project.parent, "child_order": project.child_order,
        "order_key": null, "default_order": 0, "is_collapsed": project.is_collapsed,
        "is_shared": false, "is_favorite": project.is_favorite,
        "is_archived": project.is_archived, "is_deleted": project.is_deleted, "is_frozen": false,
        "can_assign_tasks": false, "can_comment": true, "inbox_project": project.is_inbox,
        "view_style": project.view_style, "created_at": stamp(project.created_at),
        "updated_at": stamp(project.updated_at), "creator_uid": store.user,
        "public_key": project.id, "access": null, "role": null,
    })
}

pub(crate) fn section(store: &Store, section: &Section) -> Value {
    json!({
        "id": section.id, "user_id": store.user, "project_id": section.project,
        "added_at": stamp(section.added_at), "updated_at": stamp(section.updated_at),
        "archived_at": section.archived_at.map(stamp), "name": section.name,
        "description": section.description, "section_order": section.section_order,
        "order_key": null, "is_collapsed": section.is_collapsed,
        "is_archived": section.is_archived, "is_deleted": section.is_deleted,
    })
}

/// A label as REST shows it.
pub(crate) fn rest_label(label: &Label) -> Value {
    json!({
        "id": label.id, "name": label.name, "color": label.color, "order": label.order,
        "order_key": null, "is_favorite": label.is_favorite,
    })
}

/// A label as `/sync` and webhooks show it.
pub(crate) fn sync_label(label: &Label) -> Value {
    json!({
        "id": label.id, "name": label.name, "color": label.color, "item_order": label.order,
        "order_key": null, "is_favorite": label.is_favorite, "is_deleted": label.is_deleted,
    })
}

/// A comment, with the key of what it stands on and without the other one.
pub(crate) fn comment(store: &Store, comment: &Comment) -> Value {
    let mut shape = json!({
        "id": comment.id, "posted_uid": store.user, "content": comment.content,
        "file_attachment": comment.attachment, "uids_to_notify": comment.notified,
        "is_deleted": comment.is_deleted, "posted_at": stamp(comment.posted_at),
        "reactions": null,
    });
    let (key, id) = match &comment.place {
        Place::Task(id) => ("item_id", id),
        Place::Project(id) => ("project_id", id),
    };
    shape[key] = id.as_str().into();
    shape
}

pub(crate) fn reminder(store: &Store, reminder: &Reminder) -> Value {
    let mut shape = Map::new();
    shape.insert("id".to_owned(), reminder.id.as_str().into());
    shape.insert("notify_uid".to_owned(), store.user.as_str().into());
    shape.insert("item_id".to_owned(), reminder.task.as_str().into());
    shape.insert("is_deleted".to_owned(), reminder.is_deleted.into());
    let (kind, due, offset) = match &reminder.alarm {
        Alarm::Relative(minutes) => {
            let task = store.tasks.get(&reminder.task);
            let due = task.and_then(|task| task.due.as_ref());
            let due = due.map_or(Value::Null, |due| due.shown());
            ("relative", due, Value::from(*minutes))
        }
        Alarm::Absolute(due) => ("absolute", due.shown(), Value::Null),
        Alarm::Location(keys) => {
            shape.insert("type".to_owned(), "location".into());
            shape.extend(keys.clone());
            return Value::Object(shape);
        }
    };
    shape.insert("type".to_owned(), kind.into());
    shape.insert("due".to_owned(), due);
    shape.insert("minute_offset".to_owned(), offset);
    shape.insert("is_urgent".to_owned(), reminder.is_urgent.into());
    Value::Object(shape)
}
