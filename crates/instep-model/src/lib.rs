//! The nouns of Instep: tasks, accounts, mappings, snapshots, changes and conflicts.
//!
//! Nothing here reads a file, a clock or a network, and nothing here decides:
//! a field's canonical text is its `Display` and `FromStr`, and every other
//! encoding belongs to the edge that needs it.

mod access;
mod account;
mod annotation;
mod capability;
mod change;
mod date;
mod field;
mod fields;
mod id;
mod mapping;
mod operation;
mod project;
mod reminder;
mod snapshot;
mod status;
mod task;
mod text;
mod trouble;
mod value;

pub use access::{Access, Breaker, Opening, Pause, Span};
pub use account::{Account, ConflictPolicy, Direction, Identity, Kind, Scope};
pub use annotation::Annotation;
pub use capability::{BatchRule, Capabilities, Grid, Hold, Ids, TagRule, TextRule, WriteShape};
pub use change::{
    Action, Change, Conflict, ConflictState, JournalEntry, Review, ReviewReason, Side,
};
pub use date::{When, midnight};
pub use field::Field;
pub use fields::Fields;
pub use id::{
    AccountId, AnnotationId, CollectionId, ConflictId, OperationId, RemoteId, RemoteNoteId, TaskId,
    UserId,
};
pub use mapping::{Base, Hint, Mapping, MappingState, NextTry, SetSince, Unanswered, Written};
pub use operation::{Draft, DraftNote, Edit, Link, Operation};
pub use project::ProjectPath;
pub use reminder::{Anchor, Reminder};
pub use snapshot::{Collection, Evidence, Gone, RemoteNote, RemoteTask};
pub use status::Status;
pub use task::{Provenance, Task};
pub use text::ParseError;
pub use trouble::{Need, Trouble};
pub use value::Value;

pub use jiff::Timestamp;
pub use jiff::tz::TimeZone;
