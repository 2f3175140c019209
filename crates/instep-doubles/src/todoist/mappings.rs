//! Ids of earlier API generations and what they are today. Changes nothing.

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::refusal::Refusal;

/// Ids in one call.
const MOST_IDS: usize = 100;
/// What has mappings.
const KINDS: [&str; 6] = [
    "tasks",
    "projects",
    "sections",
    "comments",
    "reminders",
    "location_reminders",
];

/// `GET /id_mappings/{kind}/{ids}`: pairs of those that are known, by either id.
pub(crate) fn read(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let (kind, ids) = (call.param(0), call.param(1));
    if !KINDS.contains(&kind.as_str()) {
        return Err(Refusal::nowhere());
    }
    let ids: Vec<&str> = ids.split(',').collect();
    if ids.len() > MOST_IDS {
        return Err(Refusal::invalid("ids", "at most 100 ids").with("max_count", MOST_IDS));
    }
    let known = call.state.store.mappings.iter();
    let known = known.filter(|((of, _), _)| *of == kind);
    let known =
        known.filter(|((_, old), new)| ids.contains(&old.as_str()) || ids.contains(&new.as_str()));
    let pairs: Vec<Value> = known
        .map(|((_, old), new)| json!({"old_id": old, "new_id": new}))
        .collect();
    Ok(Reply::Ok(json!(pairs)))
}
