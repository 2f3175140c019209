//! What the engine is given from outside: time, chance, and the pure decisions.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use instep_model::{Base, Fields, Mapping, Scope, Task, TaskId, Timestamp, Unanswered};
use instep_sync::{
    Adoption, Deletions, HubCandidate, Meeting, MergedPair, Places, Planned, Projection,
    RemoteCandidate, Rules, Seen, Translated,
};

/// The time, and waiting.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Waits.
    fn sleep(&self, span: Duration) -> impl Future<Output = ()> + Send;
}

/// Chance, for jitter only.
pub trait Rng: Send + Sync {
    /// Any number.
    fn next_u64(&self) -> u64;
}

/// The decisions of `instep-sync`. A simulation plants bugs by replacing one.
#[derive(Debug, Clone, Copy)]
pub struct Decisions {
    /// Merges what was seen into the hub.
    pub merge_pair: fn(&Rules, Option<&Base>, &Task, &Seen) -> MergedPair,
    /// Plans the creation of a task.
    pub plan_create: fn(&Projection, TaskId, &Fields, &Places, Option<String>) -> Planned,
    /// Plans the writes to an existing item.
    pub plan_update:
        fn(&Projection, &instep_model::RemoteId, &Base, &Fields, &Places, bool) -> Vec<Planned>,
    /// Takes a confirmed write into the base.
    pub confirm: fn(
        &mut Base,
        &Planned,
        Option<&Fields>,
        &BTreeMap<instep_model::AnnotationId, instep_model::RemoteNoteId>,
    ),
    /// Finds who is who.
    pub adopt: fn(&Meeting, &[HubCandidate], &[RemoteCandidate]) -> Adoption,
    /// Weighs deletions.
    pub permits: fn(&Deletions, Option<usize>) -> bool,
    /// Whether an edit in the hub beats a deletion at a remote.
    pub hub_was_edited: fn(&Projection, &Base, u64, &Task) -> bool,
    /// Whether a remote item holds anything but what its base shows.
    pub remote_was_edited: fn(&Projection, &Base, &Fields) -> bool,
    /// Takes what is seen of writes that went unanswered into the base.
    pub take_unanswered: fn(&mut Base, &mut Vec<Unanswered>, &mut Translated, &Fields),
    /// Whether what happened to an item is none of the account's (S27).
    pub stays_outside: fn(&Scope, &Projection, &Mapping, &Task, &Fields) -> bool,
}

impl Default for Decisions {
    fn default() -> Self {
        Self {
            merge_pair: instep_sync::merge_pair,
            plan_create: instep_sync::plan_create,
            plan_update: instep_sync::plan_update,
            confirm: instep_sync::confirm,
            adopt: instep_sync::adopt,
            permits: instep_sync::permits,
            hub_was_edited: instep_sync::hub_was_edited,
            remote_was_edited: instep_sync::remote_was_edited,
            take_unanswered: instep_sync::take_unanswered,
            stays_outside: instep_sync::stays_outside,
        }
    }
}
