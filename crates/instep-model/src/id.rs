//! Newtypes for every identity, so that a task's id can never stand where a remote's is meant.
//! Those of text share it when they are cloned: they are the keys of nearly everything.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use uuid::Uuid;

use crate::ParseError;

/// A hub task. A Taskwarrior task keeps its own UUID as this id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub Uuid);

/// An annotation of a hub task; stable while services number theirs differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnnotationId(pub Uuid);

/// Derives ids from what they name, so that the same fact always gets the same id.
const NAMESPACE: Uuid = Uuid::from_u128(0x1b6d_2f5c_9a47_4a1e_8f30_5d1e_60c9_7c11);

impl TaskId {
    /// The id for a remote item first seen in `account`: the same item always yields the same id,
    /// so an interrupted adoption repeats itself exactly.
    pub fn derived(account: &AccountId, epoch: &str, remote: &RemoteId) -> Self {
        let name = format!("task\n{account}\n{epoch}\n{remote}");
        Self(Uuid::new_v5(&NAMESPACE, name.as_bytes()))
    }
}

impl AnnotationId {
    /// The id for a remote note first seen on `task` in `account`.
    pub fn derived(account: &AccountId, task: TaskId, note: &RemoteNoteId) -> Self {
        let name = format!("note\n{account}\n{task}\n{note}");
        Self(Uuid::new_v5(&NAMESPACE, name.as_bytes()))
    }
}

macro_rules! uuid_text {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            fn from_str(text: &str) -> Result<Self, ParseError> {
                Uuid::parse_str(text)
                    .map(Self)
                    .map_err(|_| ParseError::new("a UUID", text))
            }
        }
    };
}

uuid_text!(TaskId);
uuid_text!(AnnotationId);

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a text that is known to be such an id.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into().into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// An owner of tasks and accounts.
    UserId
);
text_id!(
    /// One configured connection to one service; stable while its name may change (S6).
    AccountId
);
text_id!(
    /// A task as the remote numbers it.
    RemoteId
);
text_id!(
    /// A note or comment as the remote numbers it.
    RemoteNoteId
);
text_id!(
    /// A remote's container of tasks.
    CollectionId
);
text_id!(
    /// A recorded conflict.
    ConflictId
);
text_id!(
    /// One step that changed something: every journal line of the step carries it.
    OperationId
);
