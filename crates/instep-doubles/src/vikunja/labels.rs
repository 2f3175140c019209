//! Labels, and labels on tasks. Renaming or deleting a label touches no task.

use serde::Deserialize;
use serde_json::{Value, json};

use super::body::{label_shell, with_defaults};
use super::call::{Call, Reply};
use super::events::Pending;
use super::projects::plain_colour;
use super::refusal::Refusal;
use super::state::{Label, State};
use super::{fetch, schema, tasks, wire};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NewLabel {
    title: Option<String>,
    description: Option<String>,
    hex_color: Option<String>,
}

impl NewLabel {
    fn check(&self, v2: bool) -> Result<(), Refusal> {
        if self.title.as_deref().unwrap_or_default().chars().count() > 250 {
            let why = "does not validate as runelength(1|250)";
            return Err(Refusal::invalid("title", why, v2));
        }
        Ok(())
    }
}

/// Whether a user sees a label: made by them, or on a task they can read.
fn visible(state: &State, label: &Label, user: i64) -> bool {
    label.created_by == user
        || state.tasks.values().any(|task| {
            !task.deleted
                && task.labels.contains(&label.id)
                && state.right(user, task.project).is_some()
        })
}

/// `GET /labels`
pub(crate) fn list(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let state = &*call.state;
    let search = call
        .request
        .query(if call.is_v2() { "q" } else { "s" })
        .unwrap_or_default();
    let ids: Option<Vec<i64>> = search
        .split(',')
        .map(|part| part.trim().parse().ok())
        .collect();
    let wanted = search.to_lowercase();
    let shown: Vec<Value> = state
        .labels
        .values()
        .filter(|label| match &ids {
            Some(ids) => ids.contains(&label.id),
            None => label.title.to_lowercase().contains(&wanted),
        })
        .filter(|label| visible(state, label, call.user))
        .map(|label| wire::label(state, label))
        .collect();
    call.list("LabelWithTaskID", &shown, Value::clone)
}

/// `GET /labels/{label}`
pub(crate) fn read(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    let label = call.state.labels.get(&id).ok_or_else(Refusal::no_label)?;
    if !visible(call.state, label, call.user) {
        return Err(Refusal::unreadable());
    }
    let right = if label.created_by == call.user { 2 } else { 0 };
    let mut body = wire::label(call.state, label);
    if call.is_v2() {
        body["max_permission"] = right.into();
        let etag = format!("\"{}000000000-{right}\"", label.updated);
        let body = fetch::with_schema(call, "LabelReadBody", body);
        return Ok(Reply::Read {
            body,
            headers: vec![("etag", etag)],
        });
    }
    Ok(Reply::Read {
        body,
        headers: vec![("x-max-permission", right.to_string())],
    })
}

/// `PUT /labels` (v2: `POST`)
pub(crate) fn create(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let new: NewLabel = call.body(schema::LABEL)?;
    new.check(call.is_v2())?;
    let now = call.state.second();
    let label = Label {
        id: call.state.next_id("label"),
        title: new.title.unwrap_or_default(),
        description: new.description.unwrap_or_default(),
        hex_color: plain_colour(&new.hex_color.unwrap_or_default()),
        created_by: call.user,
        created: now,
        updated: now,
    };
    let mut shown = wire::label(call.state, &label);
    shown["created"] = tasks::precise_now(call.state).into();
    shown["updated"] = tasks::precise_now(call.state).into();
    call.state.labels.insert(label.id, label);
    Ok(Reply::Created(shown))
}

/// `POST /labels/{label}` (v2: `PUT`)
pub(crate) fn update(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    let new: NewLabel = call.body(schema::LABEL)?;
    new.check(call.is_v2())?;
    check_own(call, id)?;
    let now = call.state.second();
    let Some(label) = call.state.labels.get_mut(&id) else {
        return Err(Refusal::no_label());
    };
    label.title = new.title.unwrap_or_default();
    label.description = new.description.unwrap_or_default();
    label.hex_color = plain_colour(&new.hex_color.unwrap_or_default());
    label.updated = now;
    let label = label.clone();
    Ok(Reply::Ok(wire::label(call.state, &label)))
}

/// `DELETE /labels/{label}`
pub(crate) fn delete(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    check_own(call, id)?;
    call.state.labels.remove(&id);
    for task in call.state.tasks.values_mut() {
        task.labels.retain(|label| *label != id);
    }
    Ok(Reply::Deleted)
}

fn check_own(call: &Call<'_>, id: i64) -> Result<(), Refusal> {
    let label = call.state.labels.get(&id).ok_or_else(Refusal::no_label)?;
    if label.created_by == call.user {
        Ok(())
    } else {
        Err(Refusal::forbidden())
    }
}

/// `GET /tasks/{task}/labels`
pub(crate) fn on_task(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    call.state.check_task_readable(call.user, id)?;
    let attached = call
        .state
        .live_task(id)
        .map(|task| task.labels.clone())
        .unwrap_or_default();
    let known: Vec<&Label> = attached
        .iter()
        .filter_map(|label| call.state.labels.get(label))
        .collect();
    call.list("LabelWithTaskID", &known, |label| {
        wire::label(call.state, label)
    })
}

#[derive(Deserialize)]
struct NewLabelOnTask {
    #[serde(default)]
    label_id: i64,
}

/// `PUT /tasks/{task}/labels` (v2: `POST`)
pub(crate) fn attach(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    let label = call.body::<NewLabelOnTask>(schema::LABEL_ON_TASK)?.label_id;
    call.state.check_task_writable(call.user, id)?;
    check_attachable(call, label)?;
    let Some(task) = call.state.tasks.get_mut(&id) else {
        return Err(Refusal::no_task());
    };
    if task.labels.contains(&label) {
        return Err(Refusal::new(
            400,
            8001,
            "This label already exists on the task.",
        ));
    }
    task.labels.push(label);
    let project = task.project;
    call.state.touch_task(id);
    call.state
        .emit(Pending::task("task.updated", id, project, call.user));
    Ok(Reply::Created(
        json!({"label_id": label, "created": tasks::precise_now(call.state)}),
    ))
}

fn check_attachable(call: &Call<'_>, id: i64) -> Result<(), Refusal> {
    let label = call.state.labels.get(&id).ok_or_else(Refusal::no_label)?;
    if visible(call.state, label, call.user) {
        Ok(())
    } else {
        Err(Refusal::forbidden())
    }
}

/// `DELETE /tasks/{task}/labels/{label}`
pub(crate) fn detach(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let (id, label) = (call.id(0)?, call.id(1)?);
    call.state.check_task_writable(call.user, id)?;
    let Some(task) = call.state.tasks.get_mut(&id) else {
        return Err(Refusal::no_task());
    };
    if !task.labels.contains(&label) {
        return Err(Refusal::forbidden());
    }
    task.labels.retain(|known| *known != label);
    let project = task.project;
    call.state.touch_task(id);
    call.state
        .emit(Pending::task("task.updated", id, project, call.user));
    Ok(Reply::Deleted)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Replacement {
    labels: Option<Vec<Value>>,
}

/// `POST /tasks/{task}/labels/bulk` (v2: `PUT`). It stamps the project and not the task, and an
/// empty list is fully silent.
pub(crate) fn replace(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    let sent = call.body::<Replacement>(schema::LABELS_ON_TASK)?.labels;
    call.state.check_task_writable(call.user, id)?;
    let mut wanted = Vec::new();
    for label in sent.iter().flatten() {
        let label = label.get("id").and_then(Value::as_i64).unwrap_or(0);
        if !wanted.contains(&label) {
            wanted.push(label);
        }
    }
    let attached = call
        .state
        .live_task(id)
        .map(|task| task.labels.clone())
        .unwrap_or_default();
    for label in wanted.iter().filter(|label| !attached.contains(label)) {
        check_attachable(call, *label)?;
    }
    let silent = wanted.is_empty();
    let Some(task) = call.state.tasks.get_mut(&id) else {
        return Err(Refusal::no_task());
    };
    task.labels = wanted;
    let project = task.project;
    if !silent {
        call.state.touch_project(project);
        call.state
            .emit(Pending::task("task.updated", id, project, call.user));
    }
    let echoed = sent.map_or(Value::Null, |sent| {
        sent.iter()
            .map(|label| with_defaults(label_shell(0), label))
            .collect()
    });
    let body = json!({"labels": echoed});
    Ok(if call.is_v2() {
        Reply::Ok(body)
    } else {
        Reply::Created(body)
    })
}
