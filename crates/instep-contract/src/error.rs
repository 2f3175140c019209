//! What can go wrong at the two seams. The variants are the caller's next moves.

use std::time::Duration;

use instep_model::{AccountId, CollectionId, Field, RemoteId, TaskId};

/// A cause whose type does not matter to the caller.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What is known of a request whose outcome is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Doubt {
    /// The service answered that it failed: it is through with the request, and most likely stored
    /// nothing.
    Failed,
    /// The answer was lost: the service may still be working on it for a moment.
    Lost,
    /// The answer took too long: the service may still be working on it for long.
    TimedOut,
}

/// What the caller can do next after a call to a remote failed.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// Wait, then go on; counts against nobody.
    #[error("the service asked us to wait")]
    Throttled {
        /// How long, where it said so.
        retry_after: Option<Duration>,
    },
    /// Another writer was in the way and nothing was stored: try again shortly. Either the lock of
    /// a local store, or a write there that was lost to it; or a server that answered as one does
    /// whose database takes one writer at a time, which counts against it once it goes on so.
    #[error("the service was busy with another writer")]
    Busy,
    /// What the call built on had moved, or the call was left out because another one beside it was
    /// refused; nothing was stored. Try again: it says nothing of the service.
    #[error("something else changed there at the same moment")]
    Overtaken,
    /// Stop and ask for a new secret.
    #[error("the service rejected our credentials: {reason}")]
    Unauthorized {
        /// What it said, without the secret.
        reason: String,
    },
    /// Nothing reached the service: repeating is safe.
    #[error("the service could not be reached")]
    NotSent {
        /// Why.
        source: BoxError,
    },
    /// The request went out, and no answer says whether it was carried out: look before repeating
    /// (S14).
    #[error("the request was sent, its outcome is unknown")]
    OutcomeUnknown {
        /// Why.
        source: BoxError,
        /// What is known of it all the same.
        doubt: Doubt,
    },
    /// The service answered that it failed, and stored nothing.
    #[error("the service failed: {reason}")]
    Unavailable {
        /// Status and first words of its answer.
        reason: String,
    },
    /// This item cannot be stored as it is: park it with this reason.
    #[error("the service refuses {}: {reason}", field.map_or("the task", Field::name))]
    Rejected {
        /// The field, where it is known.
        field: Option<Field>,
        /// Why, in the service's words.
        reason: String,
    },
    /// It changed since it was read: read and plan again.
    #[error("{id} changed since it was read")]
    Stale {
        /// The item.
        id: RemoteId,
    },
    /// It is gone: look for evidence, then take that as a deletion.
    #[error("{id} is gone")]
    Gone {
        /// The item.
        id: RemoteId,
    },
    /// What was to be made is there already.
    #[error("{id} exists already")]
    AlreadyExists {
        /// The item.
        id: RemoteId,
    },
    /// The collection is gone: observe again.
    #[error("the collection {id} is gone")]
    CollectionGone {
        /// The collection.
        id: CollectionId,
    },
    /// The place refuses writes (an archived project, a read-only share): park the item.
    #[error("this place is read-only: {reason}")]
    ReadOnly {
        /// Why.
        reason: String,
    },
    /// The cursor means nothing any more: observe from the beginning.
    #[error("the place in the change feed is no longer valid")]
    CursorInvalid,
    /// The answer makes no sense: take nothing from it.
    #[error("the answer could not be understood: {what}")]
    Malformed {
        /// What was wrong with it.
        what: String,
    },
    /// The set-up has to be mended by a person first.
    #[error("{what}")]
    Setup {
        /// What is wrong.
        what: String,
        /// What to do about it.
        help: String,
    },
}

impl ConnectorError {
    /// Whether the same call, made a moment later, may well succeed, and can be made safely.
    pub fn asks_for_repeat(&self) -> bool {
        matches!(self, Self::Busy | Self::Overtaken)
    }

    /// Whether the service failed, so that it counts against it (S33): it could not be reached, took
    /// too long, answered that it failed, or what it answered made no sense. What it refused, asked
    /// to wait for, or said of one item does not count, nor does a set-up that never reached it.
    pub fn counts_against_service(&self) -> bool {
        match self {
            Self::NotSent { .. }
            | Self::OutcomeUnknown { .. }
            | Self::Unavailable { .. }
            | Self::Malformed { .. }
            | Self::Busy => true,
            Self::Throttled { .. }
            | Self::Overtaken
            | Self::Unauthorized { .. }
            | Self::Rejected { .. }
            | Self::Stale { .. }
            | Self::Gone { .. }
            | Self::AlreadyExists { .. }
            | Self::CollectionGone { .. }
            | Self::ReadOnly { .. }
            | Self::CursorInvalid
            | Self::Setup { .. } => false,
        }
    }

    /// Whether this says something about the one item, and nothing about the service.
    pub fn is_about_item(&self) -> bool {
        matches!(
            self,
            Self::Rejected { .. }
                | Self::Stale { .. }
                | Self::Gone { .. }
                | Self::AlreadyExists { .. }
                | Self::ReadOnly { .. }
        )
    }
}

/// What the caller can do next after a step of the store failed. No step is half done.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else runs this account: wait or leave.
    #[error("another instance holds the account {account}")]
    LeaseHeld {
        /// The account.
        account: AccountId,
        /// Who holds it, where that is known.
        holder: String,
    },
    /// Our lease was taken over: stop without another write.
    #[error("the lease on {account} was taken over")]
    Fenced {
        /// The account.
        account: AccountId,
    },
    /// A task changed since it was read: read it and plan again. Nothing was stored.
    #[error("the task {task} changed since it was read")]
    Stale {
        /// The task.
        task: TaskId,
    },
    /// Another pair already holds one of the two ids: observe again. Nothing was stored.
    #[error("the task {task} or its remote item is already paired")]
    AlreadyPaired {
        /// The task.
        task: TaskId,
    },
    /// The database is busy or away: try the whole step again.
    #[error("the hub database did not answer")]
    Unavailable {
        /// Why.
        source: BoxError,
    },
    /// The database holds what it cannot hold: set it aside and restore (I9).
    #[error("the hub database is damaged: {what}")]
    Corrupt {
        /// What was found.
        what: String,
    },
}

/// An error with the causes below it, in one line for a person.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(below) = cause {
        text.push_str(": ");
        text.push_str(&below.to_string());
        cause = below.source();
    }
    text
}
