//! Views, buckets and positions, and how they follow `done`. Lists through views are in `fetch`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::events::Pending;
use super::refusal::Refusal;
use super::repeat;
use super::state::{State, Task, View};
use super::{schema, tasks, wire};

fn kanban_views(state: &State, project: i64) -> Vec<View> {
    let views = state
        .projects
        .get(&project)
        .map(|project| project.views.as_slice());
    views
        .unwrap_or_default()
        .iter()
        .filter(|view| view.kind == "kanban")
        .cloned()
        .collect()
}

/// Puts a new task into the wanted bucket, else the default or the done one.
pub(crate) fn place_new(state: &State, task: &mut Task, wanted: i64) {
    for view in kanban_views(state, task.project) {
        let known = view.buckets.iter().any(|bucket| bucket.id == wanted);
        let bucket = match (known, task.done) {
            (true, _) => wanted,
            (false, true) => view.done_bucket(),
            (false, false) => view.default_bucket(),
        };
        task.buckets.insert(view.id, bucket);
    }
}

/// Gives a task that came to another project its place there.
pub(crate) fn place_moved(state: &State, task: &mut Task) {
    task.buckets.clear();
    place_new(state, task, 0);
}

/// Moves a task to or from the done buckets when `done` changed in its project. One that repeats
/// goes back to the start.
pub(crate) fn follow_done(state: &State, old: &Task, new: &mut Task) {
    let completed = !old.done && (new.done || new.done_at != old.done_at);
    let reopened = old.done && !new.done;
    if old.project != new.project || !(completed || reopened) {
        return;
    }
    for view in kanban_views(state, new.project) {
        let bucket = if new.done {
            view.done_bucket()
        } else {
            view.default_bucket()
        };
        new.buckets.insert(view.id, bucket);
    }
}

/// `GET /projects/{project}/views`
pub(crate) fn views(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    let project = call.state.readable_project(call.user, id)?;
    let made = wire::date(&call.state.zone, Some(project.created));
    let views: Vec<Value> = project
        .views
        .iter()
        .map(|view| wire::view(id, view, &made))
        .collect();
    call.list("Bucket", &views, Value::clone)
}

fn view_of(call: &Call<'_>) -> Result<View, Refusal> {
    let (project, view) = (call.id(0)?, call.id(1)?);
    let project = call.state.readable_project(call.user, project)?;
    let found = project.views.iter().find(|known| known.id == view).cloned();
    found.ok_or_else(|| Refusal::new(404, 3014, "The project view does not exist."))
}

/// `GET /projects/{project}/views/{view}/buckets`
pub(crate) fn buckets(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let view = view_of(call)?;
    let project = call.state.readable_project(call.user, call.id(0)?)?;
    let shown: Vec<Value> = view
        .buckets
        .iter()
        .map(|bucket| {
            let author = wire::user(call.state, project.owner);
            wire::bucket(call.state, project, view.id, bucket.id, author)
        })
        .collect();
    call.list("Bucket", &shown, Value::clone)
}

#[derive(Deserialize)]
struct Move {
    task_id: i64,
}

/// `POST /projects/{project}/views/{view}/buckets/{bucket}/tasks` (v2: `PUT`)
pub(crate) fn move_task(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let view = view_of(call)?;
    let bucket = call.id(2)?;
    let id = call.body::<Move>(schema::TASK_BUCKET)?.task_id;
    if !view.buckets.iter().any(|known| known.id == bucket) {
        return Err(Refusal::new(404, 10001, "This bucket does not exist."));
    }
    call.state.check_task_writable(call.user, id)?;
    let flipped = drop_into(call.state, id, &view, bucket);
    let state = &mut *call.state;
    let Some(task) = state.tasks.get(&id) else {
        return Err(Refusal::no_task());
    };
    let stored_bucket = task.buckets.get(&view.id).copied().unwrap_or(bucket);
    let project = task.project;
    let mut shown = wire::bare_task(state, task, call.user);
    shown["identifier"] = wire::identifier(state, task).into();
    shown["related_tasks"] = json!({});
    shown["created_by"] = wire::user(state, task.created_by);
    if flipped {
        state.touch_task(id);
        shown["updated"] = tasks::precise_now(state).into();
    }
    let in_bucket = state.projects.get(&project).map_or(Value::Null, |project| {
        wire::bucket(state, project, view.id, bucket, Value::Null)
    });
    state.emit(Pending::task("task.updated", id, project, call.user));
    Ok(Reply::Ok(json!({
        "bucket_id": stored_bucket, "bucket": in_bucket, "task_id": id,
        "project_view_id": view.id, "task": shown,
    })))
}

/// Drops a task into a bucket and flips `done` where the bucket means it. Tells whether it did.
fn drop_into(state: &mut State, id: i64, view: &View, bucket: i64) -> bool {
    let (now, zone) = (state.second(), state.zone.clone());
    let Some(task) = state.tasks.get_mut(&id) else {
        return false;
    };
    let into_done = bucket == view.done_bucket();
    if into_done && !task.done && task.repeats() {
        if let Some(rolled) = repeat::roll(task, now, &zone) {
            task.due = rolled.due;
            task.start = rolled.start;
            task.end = rolled.end;
            task.reminders = rolled.reminders;
            task.description = repeat::unchecked(&task.description);
        }
        task.buckets.insert(view.id, view.default_bucket());
        return true;
    }
    task.buckets.insert(view.id, bucket);
    let flips = task.done != into_done;
    if flips {
        task.done = into_done;
        task.done_at = into_done.then_some(now);
    }
    flips
}

/// `POST /tasks/{task}/position`
pub(crate) fn position(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    call.state.check_task_writable(call.user, id)?;
    let body = call.json()?;
    let project = call.state.live_task(id).map_or(0, |task| task.project);
    call.state
        .emit(Pending::task("task.updated", id, project, call.user));
    let view = body.get("project_view_id").cloned().unwrap_or(json!(0));
    let position = body.get("position").cloned().unwrap_or(json!(0));
    Ok(Reply::Ok(
        json!({"task_id": id, "project_view_id": view, "position": position}),
    ))
}
