//! The mass-delete guard (S28): how many deletions from one account look like a person's own.

use std::collections::BTreeMap;

use instep_model::CollectionId;

/// Deletions in this span of time are counted together.
pub const WINDOW_MINUTES: i64 = 60;

const FREE: usize = 10;
const SHARE_PERCENT: usize = 20;
const COLLECTION_MIN: usize = 20;
const WHOLE_ACCOUNT_MIN: usize = 3;
const WHOLE_COLLECTION_MIN: usize = 5;

/// Counts by collection; `None` is for tasks in no collection.
pub type Counts = BTreeMap<Option<CollectionId>, usize>;

/// What has to be weighed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deletions {
    /// Living pairs before the new deletions, held ones included.
    pub alive: Counts,
    /// Deletions inferred within the window and carried out.
    pub recent: Counts,
    /// Deletions that the guard holds already.
    pub held: Counts,
    /// Deletions that were just inferred.
    pub new: Counts,
    /// Items missing from the same look whose tasks the hub has deleted already: nothing is inferred
    /// from them, but a look without them is no less empty.
    pub agreed: Counts,
}

/// Whether the new deletions may go through. `allowed` is how many a person permitted.
pub fn permits(deletions: &Deletions, allowed: Option<usize>) -> bool {
    let new = total(&deletions.new);
    if new == 0 || allowed.is_some_and(|allowed| new + total(&deletions.held) <= allowed) {
        return true;
    }
    let before = total(&deletions.alive) + total(&deletions.recent);
    let gone = new + total(&deletions.recent) + total(&deletions.held);
    let held_once = before + total(&deletions.agreed);
    if gone > share(before) || (gone >= before && held_once >= WHOLE_ACCOUNT_MIN) {
        return false;
    }
    deletions
        .new
        .keys()
        .filter(|collection| collection.is_some())
        .all(|collection| {
            let of = |counts: &Counts| counts.get(collection).copied().unwrap_or(0);
            let before = of(&deletions.alive) + of(&deletions.recent);
            let gone = of(&deletions.new) + of(&deletions.recent) + of(&deletions.held);
            let too_many = before >= COLLECTION_MIN && gone > share(before);
            let held_once = before + of(&deletions.agreed);
            let all = gone >= before && held_once >= WHOLE_COLLECTION_MIN;
            !too_many && !all
        })
}

fn share(before: usize) -> usize {
    FREE.max(before * SHARE_PERCENT / 100)
}

fn total(counts: &Counts) -> usize {
    counts.values().sum()
}
