//! Creating and updating several tasks in one call; all of it or nothing.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::body::{self, TaskBody};
use super::call::{Call, Reply};
use super::refusal::Refusal;
use super::state::{State, Task};
use super::{schema, tasks, wire};

/// Most tasks in one bulk creation.
const MOST_TASKS: usize = 100;
/// Fields a bulk update may name.
const FIELDS: &[&str] = &[
    "title",
    "description",
    "done",
    "due_date",
    "repeat_after",
    "priority",
    "start_date",
    "end_date",
    "hex_color",
    "percent_done",
    "project_id",
    "bucket_id",
    "repeat_mode",
    "cover_image_attachment_id",
];

/// v2 `POST /projects/{project}/tasks/bulk`
pub(crate) fn create(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let project = call.id(0)?;
    let raw = call.json()?;
    schema::check(&raw, schema::BULK_CREATE, "body")?;
    let sent = raw
        .get("tasks")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let tasks_value = raw.get("tasks").cloned().unwrap_or(Value::Null);
    if sent.is_empty() {
        return Err(match raw.get("tasks") {
            Some(Value::Array(_)) => {
                Refusal::schema("expected array length >= 1", "body.tasks", &tasks_value)
            }
            _ => Refusal::new(
                400,
                4030,
                "A bulk task creation must contain between 1 and 100 tasks, got 0.",
            ),
        });
    }
    if sent.len() > MOST_TASKS {
        let why = format!("expected array length <= {MOST_TASKS}");
        return Err(Refusal::schema(&why, "body.tasks", &tasks_value));
    }
    let mut bodies = Vec::new();
    for (at, raw) in sent.iter().enumerate() {
        schema::check(raw, schema::TASK, &format!("body.tasks[{at}]"))?;
        let new: TaskBody = call.shape(raw.clone(), schema::TASK)?;
        bodies.push(new);
    }
    call.state.check_writable(call.user, project)?;
    for (at, new) in bodies.iter().enumerate() {
        tasks::check_new(call, project, new).map_err(|refusal| {
            let text = format!("The task at index {at} is invalid: {}", refusal.message);
            Refusal::new(400, 4031, text)
        })?;
    }
    bodies.iter().try_for_each(TaskBody::check_reminders)?;
    let made: Vec<Value> = bodies
        .iter()
        .zip(&sent)
        .map(|(new, raw)| tasks::insert(call, project, new, raw))
        .collect();
    Ok(Reply::Created(json!({"tasks": made})))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Update {
    task_ids: Vec<i64>,
    fields: Option<Vec<String>>,
    values: Option<Value>,
}

/// `POST /tasks/bulk` (v2: `PUT`). Fields that are not named keep their values, but assignees,
/// reminders and the favourite mark are replaced all the same.
pub(crate) fn update(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let update: Update = call.body(schema::BULK_UPDATE)?;
    let values = update.values.clone().unwrap_or_else(|| json!({}));
    let sent: TaskBody = call.shape(values.clone(), schema::TASK)?;
    let fields = update.fields.clone().unwrap_or_default();
    if update.task_ids.is_empty() {
        return Err(Refusal::new(
            400,
            4004,
            "Need at least one tasks to do bulk editing.",
        ));
    }
    let mut plans = Vec::new();
    for id in &update.task_ids {
        call.state.check_task_writable(call.user, *id)?;
    }
    if let Some(wrong) = fields
        .iter()
        .find(|field| !FIELDS.contains(&field.as_str()))
    {
        return Err(Refusal::new(
            400,
            4027,
            format!("The task field '{wrong}' is invalid."),
        ));
    }
    for id in &update.task_ids {
        let Some(stored) = call.state.live_task(*id) else {
            return Err(Refusal::no_task());
        };
        let merged = restricted(call.state, stored, &values, &fields);
        let body: TaskBody = call.shape(merged.clone(), schema::TASK)?;
        tasks::check_update(call, *id, &body)?;
        plans.push((*id, body, merged));
    }
    let mut done = Vec::new();
    for (id, body, merged) in plans {
        done.push(tasks::replace(call, id, body, &merged));
    }
    Ok(Reply::Ok(json!({
        "task_ids": update.task_ids, "fields": update.fields,
        "values": values_echo(&sent, &values), "tasks": done,
    })))
}

/// The values for one task: the stored ones wherever `fields` does not name a field.
fn restricted(state: &State, stored: &Task, values: &Value, fields: &[String]) -> Value {
    let mut merged: Map<String, Value> = values.as_object().cloned().unwrap_or_default();
    merged.remove("id");
    if fields.is_empty() {
        return Value::Object(merged);
    }
    let whole = wire::bare_task(state, stored, 0);
    if !fields.iter().any(|named| named == "done") {
        merged.insert(
            "done_at".to_owned(),
            whole.get("done_at").cloned().unwrap_or(Value::Null),
        );
    }
    for field in FIELDS
        .iter()
        .filter(|field| !fields.iter().any(|named| named == *field))
    {
        merged.insert(
            (*field).to_owned(),
            whole.get(*field).cloned().unwrap_or(Value::Null),
        );
    }
    Value::Object(merged)
}

/// The sent values as a whole task object.
fn values_echo(sent: &TaskBody, values: &Value) -> Value {
    let mut shown = json!({
        "id": 0, "title": "", "description": "", "done": false, "done_at": wire::NO_DATE,
        "due_date": wire::NO_DATE, "reminders": null, "project_id": 0, "repeat_after": 0,
        "repeat_mode": 0, "priority": 0, "start_date": wire::NO_DATE, "end_date": wire::NO_DATE,
        "assignees": null, "labels": null, "hex_color": "", "percent_done": 0, "identifier": "",
        "index": 0, "related_tasks": null, "attachments": null, "cover_image_attachment_id": 0,
        "is_favorite": false, "created": wire::NO_DATE, "updated": wire::NO_DATE, "bucket_id": 0,
        "position": 0, "reactions": null, "created_by": null,
    });
    shown = body::with_defaults(shown, values);
    shown["labels"] = sent.echoed_labels();
    shown["assignees"] = TaskBody::echoed_assignees(values);
    shown
}
