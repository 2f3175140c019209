//! Sharing a project with another user.

use serde::Deserialize;
use serde_json::json;

use super::call::{Call, Reply};
use super::events::Pending;
use super::refusal::Refusal;
use super::state::Right;
use super::{schema, wire};

#[derive(Deserialize)]
struct Share {
    username: String,
    #[serde(default)]
    permission: i64,
}

/// `PUT /projects/{project}/users`
pub(crate) fn share(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    let share: Share = call.body(schema::V1_ONLY)?;
    call.state.readable_project(call.user, id)?;
    if call.state.right(call.user, id) != Some(Right::Admin) {
        return Err(Refusal::forbidden());
    }
    let with = call
        .state
        .users
        .values()
        .find(|user| user.username == share.username);
    let with = with
        .ok_or_else(|| Refusal::new(404, 1005, "The user does not exist."))?
        .id;
    let right = match share.permission {
        0 => Right::Read,
        1 => Right::Write,
        _ => Right::Admin,
    };
    if let Some(project) = call.state.projects.get_mut(&id) {
        if project.shares.contains_key(&with) || project.owner == with {
            let text = "This user already has access to that project.";
            return Err(Refusal::new(409, 7002, text));
        }
        project.shares.insert(with, right);
    }
    call.state.touch_project(id);
    let event = Pending::project("project.shared.user", id, call.user);
    let shown = call.state.user_json(with);
    call.state.emit(event.with("user", shown));
    let now = wire::precise(&call.state.zone, call.state.now);
    Ok(Reply::Created(json!({
        "id": call.state.next_id("share"), "username": share.username,
        "permission": share.permission, "created": now, "updated": now,
    })))
}

/// `DELETE /projects/{project}/users/{user}`
pub(crate) fn unshare(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    let name = call.params.get(1).cloned().unwrap_or_default();
    call.state.readable_project(call.user, id)?;
    if call.state.right(call.user, id) != Some(Right::Admin) {
        return Err(Refusal::forbidden());
    }
    let with = call
        .state
        .users
        .values()
        .find(|user| user.username == name)
        .map(|user| user.id);
    let with = with.ok_or_else(|| Refusal::new(404, 1005, "The user does not exist."))?;
    if let Some(project) = call.state.projects.get_mut(&id) {
        project.shares.remove(&with);
    }
    Ok(Reply::Deleted)
}
