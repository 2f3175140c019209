//! What a round did, for whoever has to tell a person.

use std::time::Duration;

use instep_contract::{ConnectorError, StoreError};
use instep_model::{AccountId, Action, Change, RemoteId, Side, TaskId, Timestamp};

/// How many tasks were touched on one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Tasks made.
    pub created: usize,
    /// Tasks changed, completed and reopened ones among them.
    pub updated: usize,
    /// Tasks deleted.
    pub deleted: usize,
}

/// One change that a round made, or would make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedChange {
    /// The account it came through or went to.
    pub account: AccountId,
    /// The side that was changed.
    pub side: Side,
    /// What was done.
    pub action: Action,
    /// The hub task.
    pub task: TaskId,
    /// Its id in the account, where it has one.
    pub remote: Option<RemoteId>,
    /// Its title.
    pub title: String,
    /// The fields that moved.
    pub fields: Vec<Change>,
}

/// Why a person has to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// The guard holds deletions (S28).
    Guard {
        /// How many tasks are held.
        held: usize,
    },
    /// Two full sides meet for the first time, and more than pairing is planned (S26).
    FirstMeeting {
        /// Tasks found on both sides.
        pairs: usize,
        /// Tasks that would be made in the hub.
        new_in_hub: usize,
        /// Tasks that would be made in the remote.
        new_in_remote: usize,
        /// Tasks that nobody can decide on.
        reviews: usize,
    },
    /// Another server answers than before (S5).
    NewServer {
        /// Pairs that would end.
        pairs: usize,
    },
    /// Matters of adoption wait for a decision.
    Review {
        /// How many.
        count: usize,
    },
}

/// Why an account stands still. The variants are what somebody has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Somebody else runs it: wait.
    LeaseHeld {
        /// Who.
        holder: String,
    },
    /// Sign in again.
    NeedsLogin {
        /// What the service said.
        reason: String,
    },
    /// A person has to decide.
    NeedsYou(Need),
    /// The service cannot be reached or fails: try later.
    Unreachable {
        /// Why.
        reason: String,
    },
    /// The service asked to wait.
    Throttled {
        /// How long.
        retry_after: Option<Duration>,
    },
    /// The set-up has to be mended.
    Setup {
        /// What is wrong.
        what: String,
        /// What to do.
        help: String,
    },
    /// Writes of unknown outcome are still being looked for: run again a little later.
    InDoubt {
        /// How many.
        count: usize,
    },
    /// Something else failed.
    Failed {
        /// What.
        reason: String,
    },
}

impl Trouble {
    /// The trouble that an error of a connector is to its account, in a round or where a service
    /// is only looked at.
    pub fn from_connector(error: &ConnectorError) -> Self {
        let reason = describe(error);
        match error {
            ConnectorError::Throttled { retry_after } => Self::Throttled {
                retry_after: *retry_after,
            },
            ConnectorError::Unauthorized { reason } => Self::NeedsLogin {
                reason: reason.clone(),
            },
            ConnectorError::NotSent { .. }
            | ConnectorError::OutcomeUnknown { .. }
            | ConnectorError::Unavailable { .. }
            | ConnectorError::Busy => Self::Unreachable { reason },
            ConnectorError::Setup { what, help } => Self::Setup {
                what: what.clone(),
                help: help.clone(),
            },
            ConnectorError::ReadOnly { .. } => Self::Setup {
                what: reason,
                help: "look at what its secret may do there, and at any proxy in between"
                    .to_owned(),
            },
            ConnectorError::Rejected { .. }
            | ConnectorError::Stale { .. }
            | ConnectorError::Gone { .. }
            | ConnectorError::AlreadyExists { .. }
            | ConnectorError::CollectionGone { .. }
            | ConnectorError::CursorInvalid
            | ConnectorError::Malformed { .. } => Self::Failed { reason },
        }
    }

    /// The trouble that an error of the store is to an account.
    pub(crate) fn from_store(error: &StoreError) -> Self {
        match error {
            StoreError::LeaseHeld { holder, .. } => Self::LeaseHeld {
                holder: holder.clone(),
            },
            _ => Self::Failed {
                reason: describe(error),
            },
        }
    }
}

/// An error with its causes, in one line.
pub(crate) fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// When an item that was set aside is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// By every round; it was not refused.
    Sync,
    /// By the first round after this moment.
    At(Timestamp),
    /// Once it changes, or a person asks for it.
    Parked,
}

/// An item that was set aside while the rest went on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The task.
    pub task: TaskId,
    /// Its title.
    pub title: String,
    /// Why.
    pub reason: String,
    /// When it is tried again.
    pub next: Next,
}

/// What happened to one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountReport {
    /// The account.
    pub account: AccountId,
    /// What changed in the hub because of it.
    pub hub: Counts,
    /// What changed in the service.
    pub remote: Counts,
    /// Conflicts found.
    pub conflicts: usize,
    /// Conflicts among them that a person has to decide.
    pub open_conflicts: usize,
    /// Items that were set aside.
    pub problems: Vec<Problem>,
    /// Calls to the service.
    pub calls: u64,
    /// How long the account's passes took.
    pub duration: Duration,
    /// Why it stands still, if it does.
    pub trouble: Option<Trouble>,
}

impl AccountReport {
    pub(crate) fn new(account: AccountId) -> Self {
        Self {
            account,
            hub: Counts::default(),
            remote: Counts::default(),
            conflicts: 0,
            open_conflicts: 0,
            problems: Vec::new(),
            calls: 0,
            duration: Duration::ZERO,
            trouble: None,
        }
    }
}

/// What a round did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoundReport {
    /// One for each account, in the order given.
    pub accounts: Vec<AccountReport>,
    /// Every change, in the order in which they were made.
    pub changes: Vec<ReportedChange>,
}
