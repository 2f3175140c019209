//! What is none of an account's (S27): items whose tasks lie outside its scope are left as they are,
//! and so are their tasks.

use instep_model::{Fields, Mapping, MappingState, Scope, Task};

use crate::pair::hub_was_edited;
use crate::projection::Projection;

/// Whether a pair lay outside the scope before and lies outside with `merged` too, which is what the
/// hub's task becomes if the item is heard; so that it is not. A task that only the hub has moved out
/// since both last agreed was the account's when its item was changed or deleted.
pub fn stays_outside(
    scope: &Scope,
    projection: &Projection,
    pair: &Mapping,
    hub: &Task,
    merged: &Fields,
) -> bool {
    if scope.admits(&hub.fields) || scope.admits(merged) {
        return false;
    }
    pair.state == MappingState::OutOfScope
        || !hub_was_edited(projection, &pair.base, pair.hub_version, hub)
}

/// Whether a living task came back into the scope, and its item has not been looked at since: what
/// was changed there meanwhile was not taken.
pub fn has_returned(scope: &Scope, pair: &Mapping, hub: &Task) -> bool {
    pair.state == MappingState::OutOfScope && hub.is_alive() && scope.admits(&hub.fields)
}
