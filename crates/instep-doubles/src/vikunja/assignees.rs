//! Assignees of a task: list, add, remove, replace. Adding subscribes the assigned.

use serde::Deserialize;
use serde_json::{Value, json};

use super::body::{IdOnly, TaskBody};
use super::call::{Call, Reply};
use super::events::Pending;
use super::refusal::Refusal;
use super::state::{State, Subscription};
use super::{schema, wire};

/// Checks that these users exist and may read the project.
pub(crate) fn check(state: &State, project: i64, users: &[i64]) -> Result<(), Refusal> {
    for user in users {
        if !state.users.contains_key(user) {
            return Err(Refusal::new(404, 1005, "The user does not exist."));
        }
        if state.right(*user, project).is_none() {
            let text = "This user does not have access to the project.";
            return Err(Refusal::new(403, 7003, text));
        }
    }
    Ok(())
}

/// Assigns a checked user, with the events and the late stamp this brings.
pub(crate) fn assign(state: &mut State, id: i64, user: i64, doer: i64) {
    let created = state.second();
    let subscription = state.next_id("subscription");
    let Some(task) = state.tasks.get_mut(&id) else {
        return;
    };
    if task.assignees.contains(&user) {
        return;
    }
    task.assignees.push(user);
    if !task.subscriptions.iter().any(|known| known.user == user) {
        task.subscriptions.push(Subscription {
            id: subscription,
            user,
            created,
        });
    }
    let project = task.project;
    let shown = state.user_json(user);
    let event = Pending::task("task.assignee.created", id, project, doer);
    state.emit(event.with("assignee", shown));
    state.emit(Pending::task("task.updated", id, project, doer).touching(id));
}

/// Makes the assignees exactly `wanted`; removals are silent.
pub(crate) fn set(state: &mut State, id: i64, wanted: &[i64], doer: i64) {
    if let Some(task) = state.tasks.get_mut(&id) {
        task.assignees.retain(|user| wanted.contains(user));
    }
    for user in wanted {
        assign(state, id, *user, doer);
    }
}

/// `GET /tasks/{task}/assignees`
pub(crate) fn list(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    call.state.check_task_readable(call.user, id)?;
    let assigned = call
        .state
        .live_task(id)
        .map(|task| task.assignees.clone())
        .unwrap_or_default();
    call.list("User", &assigned, |id| {
        let mut shown = wire::user(call.state, *id);
        // Only this list lets the mail address through.
        if let Some(user) = call.state.users.get(id) {
            shown["email"] = user.email.clone().into();
        }
        shown
    })
}

#[derive(Deserialize)]
struct NewAssignee {
    #[serde(default)]
    user_id: i64,
}

/// `PUT /tasks/{task}/assignees` (v2: `POST`)
pub(crate) fn add(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    let user = call.body::<NewAssignee>(schema::ASSIGNEE)?.user_id;
    call.state.check_task_writable(call.user, id)?;
    let Some(task) = call.state.live_task(id) else {
        return Err(Refusal::no_task());
    };
    let (project, already) = (task.project, task.assignees.contains(&user));
    check(call.state, project, &[user])?;
    if already {
        return Err(Refusal::new(
            400,
            4021,
            "This user is already assigned to that task.",
        ));
    }
    assign(call.state, id, user, call.user);
    call.state.touch_project(project);
    Ok(Reply::Created(
        json!({"user_id": user, "created": wire::NO_DATE}),
    ))
}

/// `DELETE /tasks/{task}/assignees/{user}`
pub(crate) fn remove(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let (id, user) = (call.id(0)?, call.id(1)?);
    call.state.check_task_writable(call.user, id)?;
    let Some(task) = call.state.tasks.get_mut(&id) else {
        return Err(Refusal::no_task());
    };
    task.assignees.retain(|known| *known != user);
    let project = task.project;
    let shown = call.state.user_json(user);
    let event = Pending::task("task.assignee.deleted", id, project, call.user);
    call.state.emit(event.with("assignee", shown));
    call.state
        .emit(Pending::task("task.updated", id, project, call.user).touching(id));
    call.state.touch_project(project);
    Ok(Reply::Deleted)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Replacement {
    assignees: Vec<IdOnly>,
}

/// `POST /tasks/{task}/assignees/bulk`
pub(crate) fn replace(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    let raw = call.json()?;
    let wanted: Replacement = call.shape(raw.clone(), schema::V1_ONLY)?;
    call.state.check_task_writable(call.user, id)?;
    let wanted: Vec<i64> = wanted.assignees.iter().map(|user| user.id).collect();
    let project = call.state.live_task(id).map_or(0, |task| task.project);
    check(call.state, project, &wanted)?;
    set(call.state, id, &wanted, call.user);
    let echoed: Value = TaskBody::echoed_assignees(&raw);
    Ok(Reply::Created(json!({"assignees": echoed})))
}
