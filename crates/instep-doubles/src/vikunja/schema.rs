//! What `/api/v2` checks before a handler sees a body: known keys, types, lengths. The rules of
//! the things themselves are elsewhere.

use serde_json::Value;

use super::body::Sent;
use super::refusal::Refusal;

/// What a key may hold. `null` stands for "left out" everywhere.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// Text with at least and at most so many characters; 0 means no upper limit.
    Text(usize, usize),
    Whole,
    Number,
    Truth,
    Date,
    List,
    Any,
}

use Shape::{Any, Date, List, Number, Text, Truth, Whole};

/// The keys of a kind of body.
pub(crate) type Schema = &'static [(&'static str, Shape)];

/// A task.
pub(crate) const TASK: Schema = &[
    ("id", Whole),
    ("title", Text(1, 0)),
    ("description", Text(0, 0)),
    ("done", Truth),
    ("done_at", Date),
    ("due_date", Date),
    ("reminders", List),
    ("project_id", Whole),
    ("repeat_after", Whole),
    ("repeat_mode", Whole),
    ("priority", Whole),
    ("start_date", Date),
    ("end_date", Date),
    ("assignees", List),
    ("labels", List),
    ("hex_color", Text(0, 7)),
    ("percent_done", Number),
    ("identifier", Text(0, 0)),
    ("index", Whole),
    ("related_tasks", Any),
    ("attachments", List),
    ("cover_image_attachment_id", Whole),
    ("is_favorite", Truth),
    ("is_unread", Truth),
    ("subscription", Any),
    ("created", Date),
    ("updated", Date),
    ("deleted_at", Date),
    ("bucket_id", Whole),
    ("buckets", List),
    ("comments", List),
    ("comment_count", Whole),
    ("time_entries_count", Whole),
    ("position", Number),
    ("reactions", Any),
    ("created_by", Any),
    ("max_permission", Whole),
];

/// A project.
pub(crate) const PROJECT: Schema = &[
    ("id", Whole),
    ("title", Text(1, 250)),
    ("description", Text(0, 0)),
    ("identifier", Text(0, 10)),
    ("hex_color", Text(0, 7)),
    ("parent_project_id", Whole),
    ("owner", Any),
    ("is_archived", Truth),
    ("background_information", Any),
    ("background_blur_hash", Text(0, 0)),
    ("is_favorite", Truth),
    ("subscription", Any),
    ("position", Number),
    ("views", List),
    ("max_permission", Any),
    ("created", Date),
    ("updated", Date),
];

/// A label.
pub(crate) const LABEL: Schema = &[
    ("id", Whole),
    ("title", Text(1, 250)),
    ("description", Text(0, 0)),
    ("hex_color", Text(0, 7)),
    ("created_by", Any),
    ("created", Date),
    ("updated", Date),
    ("max_permission", Whole),
];

/// A comment.
pub(crate) const COMMENT: Schema = &[
    ("id", Whole),
    ("comment", Text(0, 0)),
    ("author", Any),
    ("reactions", Any),
    ("created", Date),
    ("updated", Date),
    ("max_permission", Whole),
];

/// A relation.
pub(crate) const RELATION: Schema = &[
    ("task_id", Whole),
    ("other_task_id", Whole),
    ("relation_kind", Text(0, 0)),
    ("created_by", Any),
    ("created", Date),
];

/// A bulk creation of tasks; its tasks are checked one by one.
pub(crate) const BULK_CREATE: Schema = &[("tasks", List)];

/// A bulk update of tasks; its values are checked as a task.
pub(crate) const BULK_UPDATE: Schema = &[
    ("task_ids", List),
    ("fields", List),
    ("values", Any),
    ("tasks", List),
];

/// A label put on a task.
pub(crate) const LABEL_ON_TASK: Schema = &[("label_id", Whole), ("created", Date)];

/// All labels of a task.
pub(crate) const LABELS_ON_TASK: Schema = &[("labels", List)];

/// A user assigned to a task.
pub(crate) const ASSIGNEE: Schema = &[("user_id", Whole), ("created", Date)];

/// A task moved to a bucket.
pub(crate) const TASK_BUCKET: Schema = &[
    ("task_id", Whole),
    ("bucket_id", Whole),
    ("project_view_id", Whole),
    ("task", Any),
    ("bucket", Any),
];

/// A webhook.
pub(crate) const WEBHOOK: Schema = &[
    ("id", Whole),
    ("target_url", Text(0, 0)),
    ("events", List),
    ("project_id", Whole),
    ("user_id", Whole),
    ("secret", Text(0, 0)),
    ("basic_auth_user", Text(0, 0)),
    ("basic_auth_password", Text(0, 0)),
    ("created_by", Any),
    ("created", Date),
    ("updated", Date),
];

/// Bodies that only `/api/v1` takes.
pub(crate) const V1_ONLY: Schema = &[];

/// Checks a body that was sent as `location`.
pub(crate) fn check(value: &Value, schema: Schema, location: &str) -> Result<(), Refusal> {
    let Value::Object(map) = value else {
        return Err(Refusal::schema("expected object", location, value));
    };
    for (key, held) in map {
        if key == "$schema" {
            continue;
        }
        let location = format!("{location}.{key}");
        let Some((_, shape)) = schema.iter().find(|(known, _)| known == key) else {
            return Err(Refusal::schema("unexpected property", &location, value));
        };
        if let Some(why) = fault(held, *shape) {
            return Err(Refusal::schema(&why, &location, held));
        }
    }
    Ok(())
}

/// Why a value does not fit, if it does not.
fn fault(held: &Value, shape: Shape) -> Option<String> {
    if held.is_null() {
        return None;
    }
    match shape {
        Text(least, most) => {
            let Some(text) = held.as_str() else {
                return Some("expected string".to_owned());
            };
            let length = text.chars().count();
            if length < least {
                return Some(format!("expected length >= {least}"));
            }
            (most > 0 && length > most).then(|| format!("expected length <= {most}"))
        }
        Whole => (!held.is_i64() && !held.is_u64()).then(|| "expected integer".to_owned()),
        Number => (!held.is_number()).then(|| "expected number".to_owned()),
        Truth => (!held.is_boolean()).then(|| "expected boolean".to_owned()),
        List => (!held.is_array()).then(|| "expected array".to_owned()),
        Date => {
            let parsed: Result<Sent, _> = serde_json::from_value(held.clone());
            let why = || "expected string to be RFC 3339 date-time".to_owned();
            parsed.is_err().then(why)
        }
        Any => None,
    }
}
