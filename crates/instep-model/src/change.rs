//! What happened: changes, conflicts, matters for review, and the journal's lines.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::{AccountId, ConflictId, Field, OperationId, ParseError, RemoteId, TaskId, Value};

/// One of the two sides of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The hub.
    Hub,
    /// The service.
    Remote,
}

/// A field that moves from one value to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The field.
    pub field: Field,
    /// What it held.
    pub from: Option<Value>,
    /// What it shall hold.
    pub to: Option<Value>,
}

/// Where a conflict stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConflictState {
    /// A person has to decide; both sides keep theirs meanwhile.
    Open,
    /// A policy decided for this side; the other's value can be brought back.
    Settled(Side),
    /// A person decided.
    Closed,
}

/// Both sides changed one field differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Its id.
    pub id: ConflictId,
    /// The task.
    pub task: TaskId,
    /// The account whose value stood against the hub's.
    pub account: AccountId,
    /// The field.
    pub field: Field,
    /// What both had agreed on, if they ever did.
    pub base: Option<Value>,
    /// The hub's value.
    pub hub: Option<Value>,
    /// The remote's value, in the hub's terms.
    pub remote: Option<Value>,
    /// Where it stands.
    pub state: ConflictState,
    /// When it was found.
    pub at: Timestamp,
}

/// Why adoption could not decide (S26).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReviewReason {
    /// An equal title stands on the other side, more than once or with other content.
    EqualTitle,
    /// Its marker names an item that is gone.
    MarkerOfGone,
    /// Deleted here, alive there under a live marker.
    DeletedHere,
}

impl fmt::Display for ReviewReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EqualTitle => "equal_title",
            Self::MarkerOfGone => "marker_of_gone",
            Self::DeletedHere => "deleted_here",
        })
    }
}

impl FromStr for ReviewReason {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        [Self::EqualTitle, Self::MarkerOfGone, Self::DeletedHere]
            .into_iter()
            .find(|reason| reason.to_string() == text)
            .ok_or_else(|| ParseError::new("a reason for review", text))
    }
}

/// Something that adoption neither pairs nor creates until a person has looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The account.
    pub account: AccountId,
    /// The hub task, if it is one.
    pub task: Option<TaskId>,
    /// The remote item, if it is one.
    pub remote: Option<RemoteId>,
    /// Its title, to be shown.
    pub title: String,
    /// Why.
    pub reason: ReviewReason,
}

/// What a journal line tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// A task was made.
    Create,
    /// A field was changed.
    Update,
    /// A task was closed.
    Complete,
    /// A closed task was opened.
    Reopen,
    /// A task was deleted.
    Delete,
    /// A deleted task came back, because an edit beat the delete or a person wished it.
    Restore,
    /// Two existing tasks were paired.
    Adopt,
    /// Two values stood against each other.
    Conflict,
    /// The guard stopped deletions, or they were approved.
    Guard,
    /// An item failed, or was parked.
    Fail,
    /// Something was left out, with its reason.
    Skip,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 11] = [
        Self::Create,
        Self::Update,
        Self::Complete,
        Self::Reopen,
        Self::Delete,
        Self::Restore,
        Self::Adopt,
        Self::Conflict,
        Self::Guard,
        Self::Fail,
        Self::Skip,
    ];
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Complete => "complete",
            Self::Reopen => "reopen",
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Adopt => "adopt",
            Self::Conflict => "conflict",
            Self::Guard => "guard",
            Self::Fail => "fail",
            Self::Skip => "skip",
        })
    }
}

impl FromStr for Action {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::ALL
            .into_iter()
            .find(|action| action.to_string() == text)
            .ok_or_else(|| ParseError::new("an action", text))
    }
}

/// One line of the append-only journal: a change, its cause and both values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// The step it belongs to.
    pub operation: OperationId,
    /// When.
    pub at: Timestamp,
    /// Which side was changed.
    pub side: Side,
    /// The account that caused it, or that was written; `None` for a person in the hub.
    pub account: Option<AccountId>,
    /// The task.
    pub task: Option<TaskId>,
    /// What was done.
    pub action: Action,
    /// The field, where it was one.
    pub field: Option<Field>,
    /// The value before, in canonical text.
    pub from: Option<String>,
    /// The value after, in canonical text.
    pub to: Option<String>,
    /// Why, in a few words.
    pub cause: String,
}
