//! A task of the hub.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{AccountId, Field, Fields, TaskId};

/// Where a field's value came from. `None` as account means a person, in the hub itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Provenance {
    /// When the change was made, as well as it is known (S18).
    pub at: Timestamp,
    /// The account it arrived through.
    pub account: Option<AccountId>,
}

/// A task in the hub, alive or remembered as deleted (its tombstone).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its identity.
    pub id: TaskId,
    /// Counts every change; the store refuses a commit that started from an older one.
    pub version: u64,
    /// What it holds.
    pub fields: Fields,
    /// For each field that was ever set, its origin.
    pub provenance: BTreeMap<Field, Provenance>,
    /// The last change; never goes back (S18).
    pub modified: Timestamp,
    /// Set when it was deleted: the tombstone.
    pub deleted: Option<Provenance>,
}

impl Task {
    /// Whether this is more than a tombstone.
    pub fn is_alive(&self) -> bool {
        self.deleted.is_none()
    }
}
