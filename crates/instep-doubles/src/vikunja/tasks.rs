//! Single tasks: read, create, full-replace update, delete. Lists are in `fetch`.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::body::TaskBody;
use super::call::{Call, Reply};
use super::events::{Pending, Subject};
use super::refusal::Refusal;
use super::repeat;
use super::state::{Right, State, Task};
use super::{assignees, fetch, kanban, projects, schema, wire};

/// `GET /tasks/{task}`
pub(crate) fn read(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    read_by_id(call, id)
}

/// `GET /projects/{project}/tasks/by-index/{index}`
pub(crate) fn read_by_index(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let name = call.params.first().cloned().unwrap_or_default();
    let project = name.parse::<i64>().ok().or_else(|| {
        let wanted = name.to_uppercase();
        let mut projects = call.state.projects.values();
        projects
            .find(|project| project.identifier == wanted)
            .map(|project| project.id)
    });
    let project = project.ok_or_else(Refusal::no_project)?;
    let index = call.id(1)?;
    let mut tasks = call.state.tasks.values();
    let found = tasks.find(|t| !t.deleted && t.project == project && t.index == index);
    let id = found.map(|task| task.id).ok_or_else(Refusal::no_task)?;
    read_by_id(call, id)
}

fn read_by_id(call: &mut Call<'_>, id: i64) -> Result<Reply, Refusal> {
    let expand = fetch::expansions(call)?;
    call.state.check_task_readable(call.user, id)?;
    let Some(task) = call.state.live_task(id) else {
        return Err(Refusal::no_task());
    };
    let right = call
        .state
        .right(call.user, task.project)
        .unwrap_or(Right::Read) as i64;
    let shown = wire::task(call.state, task, call.user);
    let mut shown = wire::with_subscription(call.state, task, call.user, shown);
    fetch::expand(call.state, task, &expand, &mut shown);
    if !call.is_v2() {
        let headers = vec![("x-max-permission", right.to_string())];
        return Ok(Reply::Read {
            body: Value::Object(shown),
            headers,
        });
    }
    let etag = format!("\"{}000000000-{right}\"", task.updated);
    if call
        .request
        .header("if-none-match")
        .is_some_and(|known| known == etag || known == "*")
    {
        return Ok(Reply::Unchanged);
    }
    shown.insert("max_permission".to_owned(), right.into());
    let shown = fetch::with_schema(call, "TaskReadOneBody", Value::Object(shown));
    Ok(Reply::Read {
        body: shown,
        headers: vec![("etag", etag)],
    })
}

/// `PUT /projects/{project}/tasks` (v2: `POST`)
pub(crate) fn create(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let raw = call.json()?;
    let new: TaskBody = call.shape(raw.clone(), schema::TASK)?;
    let project = match new.project_id {
        Some(id) if !call.is_v2() => id,
        _ => call.id(0)?,
    };
    call.state.check_writable(call.user, project)?;
    check_new(call, project, &new)?;
    new.check_reminders()?;
    let shown = insert(call, project, &new, &raw);
    Ok(Reply::Created(shown))
}

/// Every rule a new task must meet.
pub(crate) fn check_new(call: &Call<'_>, project: i64, new: &TaskBody) -> Result<(), Refusal> {
    if new.title.as_deref().unwrap_or_default().is_empty() {
        return Err(Refusal::new(
            400,
            4001,
            "You must provide at least a task title.",
        ));
    }
    new.check(call.is_v2())?;
    assignees::check(call.state, project, &new.assignee_ids())
}

/// Stores a checked task and gives the response of its creation.
pub(crate) fn insert(call: &mut Call<'_>, project: i64, new: &TaskBody, raw: &Value) -> Value {
    let state = &mut *call.state;
    let id = state.next_id("task");
    let now = state.second();
    let index = next_index(state, project, new.index.unwrap_or(0));
    let done = new.done.unwrap_or(false);
    let mut task = Task {
        id,
        title: new.title.clone().unwrap_or_default(),
        description: new.description.clone().unwrap_or_default(),
        done,
        done_at: new.done_at.at,
        due: new.due_date.at,
        start: new.start_date.at,
        end: new.end_date.at,
        reminders: new.resolved_reminders().unwrap_or_default(),
        project,
        repeat_after: new.repeat_after.unwrap_or(0),
        repeat_mode: new.repeat_mode.unwrap_or(0),
        priority: new.priority.unwrap_or(0),
        percent_done: new.percent_done.unwrap_or(0.0),
        hex_color: projects::plain_colour(new.hex_color.as_deref().unwrap_or_default()),
        index,
        cover_image: new.cover_image_attachment_id.unwrap_or(0),
        created_by: call.user,
        created: now,
        updated: now,
        deleted: false,
        assignees: Vec::new(),
        labels: Vec::new(),
        relations: Vec::new(),
        favourite_of: Default::default(),
        subscriptions: Vec::new(),
        comments: Vec::new(),
        attachments: Vec::new(),
        buckets: Default::default(),
    };
    if new.is_favorite.unwrap_or(false) {
        task.favourite_of.insert(call.user);
    }
    kanban::place_new(state, &mut task, new.bucket_id.unwrap_or(0));
    state.tasks.insert(id, task);
    state.emit(Pending::task("task.created", id, project, call.user));
    for assignee in new.assignee_ids() {
        assignees::assign(state, id, assignee, call.user);
    }
    state.touch_project(project);
    created_echo(state, id, call.user, new, raw)
}

/// The index asked for if it is free, else the next one.
fn next_index(state: &mut State, project: i64, wanted: i64) -> i64 {
    let taken = |index| {
        state
            .tasks
            .values()
            .any(|t| t.project == project && t.index == index)
    };
    let free = wanted > 0 && !taken(wanted);
    let Some(project) = state.projects.get_mut(&project) else {
        return wanted.max(1);
    };
    let index = if free { wanted } else { project.last_index + 1 };
    project.last_index = project.last_index.max(index);
    index
}

/// The object in memory after creation: stored values, echoes, and stamps with nanoseconds.
fn created_echo(state: &State, id: i64, user: i64, new: &TaskBody, raw: &Value) -> Value {
    let Some(task) = state.tasks.get(&id) else {
        return Value::Null;
    };
    let mut shown = wire::bare_task(state, task, user);
    let now = wire::precise(&state.zone, state.now);
    shown["created"] = now.clone().into();
    shown["updated"] = now.into();
    shown["identifier"] = wire::identifier(state, task).into();
    shown["created_by"] = wire::user(state, user);
    shown["reminders"] = wire::reminders(&state.zone, task);
    shown["labels"] = new.echoed_labels();
    shown["related_tasks"] = new.related_tasks.clone().unwrap_or(Value::Null);
    shown["attachments"] = new.attachments.clone().unwrap_or(Value::Null);
    shown["assignees"] = match TaskBody::echoed_assignees(raw) {
        Value::Null => json!([]),
        echoed => echoed,
    };
    shown["bucket_id"] = new.bucket_id.unwrap_or(0).into();
    for (key, sent) in [
        ("done_at", &new.done_at),
        ("due_date", &new.due_date),
        ("start_date", &new.start_date),
        ("end_date", &new.end_date),
    ] {
        shown[key] = sent.text.clone().into();
    }
    Value::Object(shown)
}

/// `POST /tasks/{task}` (v2: `PUT`)
pub(crate) fn update(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let raw = call.json()?;
    let body: TaskBody = call.shape(raw.clone(), schema::TASK)?;
    let id = match body.id {
        Some(id) if !call.is_v2() => id,
        _ => call.id(0)?,
    };
    check_update(call, id, &body)?;
    Ok(Reply::Ok(replace(call, id, body, &raw)))
}

/// Every rule an update must meet.
pub(crate) fn check_update(call: &Call<'_>, id: i64, body: &TaskBody) -> Result<(), Refusal> {
    call.state.check_task_writable(call.user, id)?;
    let Some(stored) = call.state.live_task(id) else {
        return Err(Refusal::no_task());
    };
    let target = body
        .project_id
        .filter(|id| *id != 0)
        .unwrap_or(stored.project);
    if target != stored.project {
        call.state.check_writable(call.user, target)?;
    }
    body.check(call.is_v2())?;
    body.check_reminders()?;
    let added: Vec<i64> = body
        .assignee_ids()
        .into_iter()
        .filter(|id| !stored.assignees.contains(id))
        .collect();
    assignees::check(call.state, stored.project, &added)?;
    let cover = body.cover_image_attachment_id.unwrap_or(0);
    if cover != 0
        && !stored
            .attachments
            .iter()
            .any(|attachment| attachment.id == cover)
    {
        return Err(Refusal::new(
            400,
            4020,
            "This attachment does not belong to that task.",
        ));
    }
    Ok(())
}

/// Full replace of the writable fields of a task, already checked. Gives the response, in which
/// some values are echoes of the body.
pub(crate) fn replace(call: &mut Call<'_>, id: i64, body: TaskBody, raw: &Value) -> Value {
    let state = &mut *call.state;
    let Some(old) = state.tasks.get(&id).cloned() else {
        return Value::Null;
    };
    let mut new = overlay(&old, &body, call.user);
    if new.project != old.project {
        new.index = next_index(state, new.project, 0);
        kanban::place_moved(state, &mut new);
    }
    let dates = complete(state, &old, &mut new, &body);
    let reminders = match dates.rolled {
        true => new.reminders.clone(),
        false => body.resolved_reminders().unwrap_or_default(),
    };
    new.reminders = settle_relative(reminders, &new);
    new.updated = state.second();
    kanban::follow_done(state, &old, &mut new);
    state.touch_project(old.project);
    state.touch_project(new.project);
    state.tasks.insert(id, new);
    let kept = body.assignee_ids();
    state.emit(Pending::task(
        "task.updated",
        id,
        body_project(&body, &old),
        call.user,
    ));
    assignees::set(state, id, &kept, call.user);
    updated_echo(state, &old, &body, raw, dates, call.user)
}

fn body_project(body: &TaskBody, old: &Task) -> i64 {
    body.project_id.filter(|id| *id != 0).unwrap_or(old.project)
}

/// The stored task with every writable field of the body over it.
fn overlay(old: &Task, body: &TaskBody, user: i64) -> Task {
    let mut new = old.clone();
    if let Some(title) = body.title.clone().filter(|title| !title.is_empty()) {
        new.title = title;
    }
    new.description = body.description.clone().unwrap_or_default();
    new.done = body.done.unwrap_or(false);
    new.due = body.due_date.at;
    new.start = body.start_date.at;
    new.end = body.end_date.at;
    new.project = body_project(body, old);
    new.repeat_after = body.repeat_after.unwrap_or(0);
    new.repeat_mode = body.repeat_mode.unwrap_or(0);
    new.priority = body.priority.unwrap_or(0);
    new.percent_done = body.percent_done.unwrap_or(0.0);
    new.hex_color = projects::plain_colour(body.hex_color.as_deref().unwrap_or_default());
    new.cover_image = body.cover_image_attachment_id.unwrap_or(0);
    if body.is_favorite.unwrap_or(false) {
        new.favourite_of.insert(user);
    } else {
        new.favourite_of.remove(&user);
    }
    new
}

/// What completing did to a task.
struct Completed {
    /// The dates moved on and the task stays open.
    rolled: bool,
    /// `done_at` as the response shows it.
    done_at: String,
}

/// Applies a change of `done` from the stored task to the new one.
fn complete(state: &State, old: &Task, new: &mut Task, body: &TaskBody) -> Completed {
    let mut done_at = body.done_at.text.clone();
    let mut rolled = false;
    if !old.done && new.done {
        if let Some(dates) = repeat::roll(old, state.second(), &state.zone) {
            rolled = true;
            new.done = false;
            new.due = dates.due.or(new.due);
            new.start = dates.start.or(new.start);
            new.end = dates.end.or(new.end);
            new.reminders = dates.reminders;
            new.description = repeat::unchecked(&new.description);
        }
        new.done_at = Some(state.second());
        done_at = wire::precise(&state.zone, state.now);
    } else if old.done && !new.done {
        new.done_at = None;
        done_at = wire::NO_DATE.to_owned();
    }
    Completed { rolled, done_at }
}

/// Reminders that hang on a date follow it.
fn settle_relative(
    mut reminders: Vec<super::state::Reminder>,
    task: &Task,
) -> Vec<super::state::Reminder> {
    for reminder in &mut reminders {
        let base = match reminder.relative_to.as_str() {
            "due_date" => task.due,
            "start_date" => task.start,
            "end_date" => task.end,
            _ => continue,
        };
        reminder.at = base.map(|at| at + reminder.relative_period);
    }
    reminders.sort_by_key(|reminder| reminder.at);
    reminders.dedup_by_key(|reminder| reminder.at);
    reminders
}

/// The stored row merged with the body, as Vikunja answers an update.
fn updated_echo(
    state: &State,
    old: &Task,
    body: &TaskBody,
    raw: &Value,
    dates: Completed,
    user: i64,
) -> Value {
    let Some(task) = state.tasks.get(&old.id) else {
        return Value::Null;
    };
    let mut shown = wire::bare_task(state, task, user);
    shown["done_at"] = dates.done_at.into();
    if !dates.rolled {
        for (key, sent) in [
            ("due_date", &body.due_date),
            ("start_date", &body.start_date),
            ("end_date", &body.end_date),
        ] {
            shown[key] = sent.text.clone().into();
        }
    }
    shown["created"] = body.created.text.clone().into();
    shown["reminders"] = wire::reminders(&state.zone, task);
    shown["identifier"] = body.identifier.clone().unwrap_or_default().into();
    shown["labels"] = body.echoed_labels();
    shown["assignees"] = match TaskBody::echoed_assignees(raw) {
        Value::Array(sent) if !sent.is_empty() => Value::Array(sent),
        _ if old.assignees.is_empty() => json!([]),
        _ => Value::Null,
    };
    let echoes = [
        ("related_tasks", &body.related_tasks),
        ("attachments", &body.attachments),
        ("reactions", &body.reactions),
        ("created_by", &body.created_by),
    ];
    for (key, sent) in echoes {
        shown[key] = sent.clone().unwrap_or(Value::Null);
    }
    shown["bucket_id"] = body.bucket_id.unwrap_or(0).into();
    shown["position"] = wire::number(body.position.unwrap_or(0.0));
    Value::Object(with_echoed_subscription(shown, body))
}

fn with_echoed_subscription(shown: Map<String, Value>, body: &TaskBody) -> Map<String, Value> {
    let Some(sent) = body.subscription.as_ref().filter(|sent| !sent.is_null()) else {
        return shown;
    };
    let mut whole = Map::new();
    for (key, value) in shown {
        let here = key == "is_favorite";
        whole.insert(key, value);
        if here {
            whole.insert("subscription".to_owned(), sent.clone());
        }
    }
    whole
}

/// `DELETE /tasks/{task}`
pub(crate) fn delete(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    call.state.check_task_writable(call.user, id)?;
    let Some(task) = call.state.live_task(id) else {
        return Err(Refusal::no_task());
    };
    let project = task.project;
    let whole = wire::task(call.state, task, call.user);
    let whole = wire::with_subscription(call.state, task, call.user, whole);
    if let Some(task) = call.state.tasks.get_mut(&id) {
        task.deleted = true;
    }
    call.state.touch_project(project);
    let gone = Subject::GoneTask(Value::Object(whole));
    call.state
        .emit(Pending::event("task.deleted", gone, project, call.user));
    Ok(Reply::Deleted)
}

/// The time now, for handlers that echo it with nanoseconds.
pub(crate) fn precise_now(state: &State) -> String {
    let now: Timestamp = state.now;
    wire::precise(&state.zone, now)
}
