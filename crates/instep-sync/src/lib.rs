//! The decisions of a sync: merge, plan, adoption, guard, backoff and breaker, as pure functions.
//!
//! Three states go in — base, hub, remote — and decisions come out. No IO, no clock and no
//! randomness: time, ids and jitter arrive as arguments.

mod adopt;
mod backoff;
mod breaker;
mod budget;
mod finer;
mod guard;
mod links;
mod merge;
mod pair;
mod projection;
mod push;
mod scope;
mod unanswered;
mod undone;

pub use adopt::{Adoption, HubCandidate, Meeting, RemoteCandidate, Trust, adopt};
pub use backoff::{LONGEST, PARK_AFTER, PARK_AFTER_ATTEMPTS, busy_pause, next_try};
pub use breaker::{
    BreakerRule, Heard, LONGEST_OPENING, PROBE_LEASE, Way, force, hear, throttle, way,
};
pub use budget::{Bucket, Rate, TOKENS, refund, spend};
pub use finer::{Holder, finer};
pub use guard::{Counts, Deletions, WINDOW_MINUTES, permits};
pub use links::{Translated, translate};
pub use merge::{Merged, ValueConflicts, merge_field, merge_lines, merge_map, merge_set};
pub use pair::{
    FieldConflict, MergedPair, Rules, Seen, base_of, differs, hub_was_edited, links_are_shown,
    merge_pair, remote_was_edited, task_from_remote,
};
pub use projection::Projection;
pub use push::{Places, Planned, completes_repeating, confirm, plan_create, plan_update};
pub use scope::{has_returned, stays_outside};
pub use unanswered::{supersedes, take_unanswered};
pub use undone::{Undone, forget_moved, restore, take_undone};
