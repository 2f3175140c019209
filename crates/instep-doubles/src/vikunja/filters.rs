//! The saved filter every registered user starts with; it can be read, not edited.

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::refusal::Refusal;
use super::state::{State, User};
use super::wire;

pub(crate) fn missing() -> Refusal {
    Refusal::new(404, 11001, "This saved filter does not exist.")
}

/// The id of the pseudo project a user's saved filter appears as.
pub(crate) fn pseudo_id(user: &User) -> Option<i64> {
    // -1 is taken by the favourites.
    user.saved_filter.map(|filter| -filter - 1)
}

/// What a user's saved filter lets through.
pub(crate) fn expression(user: &User) -> String {
    format!("done = false && assignees = {}", user.username)
}

/// A user's saved filter as a pseudo project.
pub(crate) fn as_project(state: &State, user: &User, id: i64) -> Value {
    let at = wire::date(&state.zone, Some(user.created));
    let views = user.filter_views.iter().map(|view| {
        let mut shown = wire::view(id, view, &at);
        shown["filter"] = Value::Null;
        shown
    });
    let mut shown = wire::pseudo_project(id, "My Open Tasks", &at);
    shown["owner"] = wire::user(state, user.id);
    shown["views"] = views.collect();
    shown
}

/// `GET /filters/{filter}`
pub(crate) fn read(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    let user = call
        .state
        .users
        .get(&call.user)
        .filter(|user| user.saved_filter == Some(id));
    let user = user.ok_or_else(missing)?;
    let made = wire::date(&call.state.zone, Some(user.created));
    let body = json!({
        "id": id,
        "filters": {"s": "", "sort_by": null, "order_by": null, "filter": expression(user),
                    "filter_include_nulls": false},
        "title": "My Open Tasks", "description": "", "owner": wire::user(call.state, call.user),
        "is_favorite": false, "created": made, "updated": made,
    });
    Ok(Reply::Read {
        body,
        headers: vec![("x-max-permission", "2".to_owned())],
    })
}
