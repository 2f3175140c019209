//! One hub task paired with one remote item, and what both sides last agreed on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;

use crate::{
    AccountId, AnnotationId, Change, CollectionId, Evidence, Field, Fields, ParseError, RemoteId,
    RemoteNoteId, RemoteTask, TaskId, Value,
};

/// How far the answer to a create and what was stored of it may be apart: a database may round.
const BIRTH_SLACK: Duration = Duration::from_secs(1);

/// Where a mapping stands (S4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MappingState {
    /// Something is still to be carried.
    Pending,
    /// Both sides are as the base says.
    Synced,
    /// Refused with a reason, and tried again after a wait, or parked; the rest goes on.
    Error,
    /// Neither deleted nor created until somebody says so: stopped by the mass-delete guard
    /// ([`Mapping::is_guarded`]), or under review and without an item yet (S26).
    Held,
    /// Left the account's scope (S27), or cannot be held there at all (S2): neither side is touched.
    OutOfScope,
}

impl MappingState {
    const ALL: [Self; 5] = [
        Self::Pending,
        Self::Synced,
        Self::Error,
        Self::Held,
        Self::OutOfScope,
    ];
}

impl fmt::Display for MappingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Synced => "synced",
            Self::Error => "error",
            Self::Held => "held",
            Self::OutOfScope => "out_of_scope",
        })
    }
}

impl FromStr for MappingState {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::ALL
            .into_iter()
            .find(|state| state.to_string() == text)
            .ok_or_else(|| ParseError::new("a mapping state", text))
    }
}

/// The last state that both sides confirmed (S1): what a confirmed call of ours carried,
/// or what was read and taken over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Base {
    /// Field by field, in the remote's projection and the hub's ids.
    pub fields: Fields,
    /// Where the answer of the write itself showed that the remote stored something else:
    /// its normalisation, which is no edit.
    pub held_as: BTreeMap<Field, Option<Value>>,
    /// Fields that wait for a person since the first meeting, and of which nothing set is a value
    /// too: an empty base must not pass for what both sides had.
    pub undecided: BTreeSet<Field>,
    /// Which remote note each annotation is.
    pub notes: BTreeMap<AnnotationId, RemoteNoteId>,
    /// The markers that the remote was last known to carry.
    pub markers: BTreeMap<String, String>,
}

impl Base {
    /// What the remote shows for `field` while nobody has changed it.
    pub fn shown(&self, field: Field) -> Option<&Value> {
        match self.held_as.get(&field) {
            Some(held) => held.as_ref(),
            None => self.fields.get(field),
        }
    }

    /// Records that `field` was confirmed as `sent` and is shown as `shown`.
    pub fn confirm(&mut self, field: Field, sent: Option<Value>, shown: Option<Value>) {
        self.undecided.remove(&field);
        let shown = shown.filter(|value| !value.is_empty());
        let sent = sent.filter(|value| !value.is_empty());
        if sent == shown {
            self.held_as.remove(&field);
        } else {
            self.held_as.insert(field, shown);
        }
        self.fields.set(field, sent);
    }
}

/// A change that was about to be sent, and whose answer was not taken in: the remote may hold it
/// already, or soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// When it was about to be sent.
    pub at: Timestamp,
    /// Whether the answer took too long.
    pub timed_out: bool,
    /// From what the base held to what was sent.
    pub change: Change,
}

/// A change that was written and confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// When it was about to be sent: what the service's journal tells of it is no older.
    pub at: Timestamp,
    /// From what the base held to what was sent.
    pub change: Change,
}

/// What was set in an item since a moment, whoever set it, as a journal of the service's own tells.
/// What was undone is not in such a journal any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetSince {
    /// Fields, but for those that have elements.
    pub fields: BTreeSet<Field>,
    /// Tags that were added or taken away.
    pub tags: BTreeSet<String>,
    /// Tasks that it was made to depend on, or not to any more.
    pub depends: BTreeSet<RemoteId>,
    /// Notes that were written, changed or removed.
    pub notes: BTreeSet<RemoteNoteId>,
    /// Whether the item itself was removed, and not made again.
    pub removed: bool,
}

/// One hub task paired with one remote item in one account; unique on (account, task)
/// and on (account, remote id). A task that is still to be made there has a mapping without
/// a remote id, which carries its attempts and its last error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The account.
    pub account: AccountId,
    /// The hub task.
    pub task: TaskId,
    /// The remote item; `None` while it has not been made.
    pub remote: Option<RemoteId>,
    /// The collection it lies in.
    pub collection: Option<CollectionId>,
    /// Where the pair stands.
    pub state: MappingState,
    /// What both sides last agreed on.
    pub base: Base,
    /// What the base may have missed: seen there, it is nobody's edit.
    pub unanswered: Vec<Unanswered>,
    /// What was written last, where an undo of a person's own step takes it along: seen taken back so,
    /// it is nobody's edit either. In the order in which that was known.
    pub written: Vec<Written>,
    /// The version of the hub task that this pair last took into account. A task that has moved
    /// on since was edited, whatever the remote can hold of it.
    pub hub_version: u64,
    /// Shown by no look that came to its end, as it was made by us or its look was broken off: what
    /// became of it there may be older than it seems.
    pub unseen: bool,
    /// The last observation, when it says anything that the base does not.
    pub observed: Option<RemoteTask>,
    /// Fields of which the service can hold nothing of what the hub holds (S2). Without a title that
    /// it can hold, the task stays out of it.
    pub left_out: BTreeSet<Field>,
    /// Set when the remote item is known to be gone.
    pub gone: Option<(Evidence, Timestamp)>,
    /// Whether something speaks against its being gone: an edit in the hub that the deletion did not
    /// know of, or that it was never deleted. It is made again, once nobody holds it.
    pub contested: bool,
    /// The remote's shadow as last read, to re-create the item after an edit beat a delete (S3).
    pub shadow: Option<String>,
    /// When the remote item was made, by the remote's own clock, once that was told: the id may be
    /// given out anew, and names another item then.
    pub born: Option<Timestamp>,
    /// Failures of this item in a row.
    pub attempts: u32,
    /// When the first of them was.
    pub failing_since: Option<Timestamp>,
    /// Why it failed; cleared on success.
    pub last_error: Option<String>,
    /// When both sides were last confirmed equal.
    pub last_synced_at: Option<Timestamp>,
}

/// When an item that was set aside is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextTry {
    /// By the next sync.
    Sync,
    /// By the first sync after this moment.
    At(Timestamp),
    /// Once it changes, or a person asks for it.
    Parked,
}

/// A marker seen on a task in one service, about another account (S26). A hint, no more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hint {
    /// The hub task that carries it.
    pub task: TaskId,
    /// The marker's name, `<account>_id`.
    pub marker: String,
    /// The remote id it names.
    pub remote: RemoteId,
}

impl Mapping {
    /// Whether the mass-delete guard stopped what its item's absence would lead to (S28).
    pub fn is_guarded(&self) -> bool {
        self.state == MappingState::Held && self.gone.is_some()
    }

    /// Whether an item that was found under the pair's id, and was made at `born`, can be the pair's.
    pub fn is_of(&self, born: Option<Timestamp>) -> bool {
        match (self.born, born) {
            (Some(known), Some(born)) if self.unseen => {
                known.duration_since(born).unsigned_abs() <= BIRTH_SLACK
            }
            (Some(known), Some(born)) => known == born,
            _ => true,
        }
    }

    /// A pair that nothing has been agreed on yet.
    pub fn new(account: AccountId, task: TaskId, remote: Option<RemoteId>) -> Self {
        Self {
            account,
            task,
            remote,
            collection: None,
            state: MappingState::Pending,
            base: Base::default(),
            unanswered: Vec::new(),
            written: Vec::new(),
            hub_version: 0,
            unseen: false,
            observed: None,
            left_out: BTreeSet::new(),
            gone: None,
            contested: false,
            shadow: None,
            born: None,
            attempts: 0,
            failing_since: None,
            last_error: None,
            last_synced_at: None,
        }
    }
}
