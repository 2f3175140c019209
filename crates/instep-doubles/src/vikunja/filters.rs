//! The saved filter every registered user starts with; it can be read, not edited.

use serde_json::json;

use super::call::{Call, Reply};
use super::refusal::Refusal;
use super::wire;

/// `GET /filters/{filter}`
pub(crate) fn read(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    let user = call
        .state
        .users
        .get(&call.user)
        .filter(|user| user.saved_filter == Some(id));
    let missing = || Refusal::new(404, 11001, "This saved filter does not exist.");
    let made = wire::date(&call.state.zone, Some(user.ok_or_else(missing)?.created));
    let body = json!({
        "id": id,
        "filters": {"s": "", "sort_by": ["done", "id"], "order_by": ["asc", "desc"],
                    "filter": "done = false", "filter_include_nulls": false},
        "title": "My Open Tasks", "description": "", "owner": wire::user(call.state, call.user),
        "is_favorite": false, "created": made, "updated": made,
    });
    Ok(Reply::Read {
        body,
        headers: vec![("x-max-permission", "2".to_owned())],
    })
}
