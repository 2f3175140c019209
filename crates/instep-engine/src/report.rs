//! What a round did, for whoever has to tell a person.

use std::collections::BTreeSet;
use std::time::Duration;

use instep_contract::{ConnectorError, StoreError, with_causes};
use instep_model::{AccountId, Action, Change, Field, NextTry, RemoteId, Side, TaskId, Trouble};

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

impl Counts {
    /// The count that an action belongs to; `None` where it touches no task.
    pub(crate) fn of(&mut self, action: Action) -> Option<&mut usize> {
        match action {
            Action::Create | Action::Restore => Some(&mut self.created),
            Action::Delete => Some(&mut self.deleted),
            Action::Update | Action::Complete | Action::Reopen => Some(&mut self.updated),
            _ => None,
        }
    }
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

/// The trouble that an error of a connector is to its account, in a round or where a service is only
/// looked at.
pub fn trouble_of(error: &ConnectorError) -> Trouble {
    let reason = with_causes(error);
    match error {
        ConnectorError::Throttled { retry_after } => Trouble::Throttled {
            retry_after: *retry_after,
        },
        ConnectorError::Unauthorized { reason } => Trouble::NeedsLogin {
            reason: reason.clone(),
        },
        ConnectorError::NotSent { .. }
        | ConnectorError::OutcomeUnknown { .. }
        | ConnectorError::Unavailable { .. }
        | ConnectorError::Busy
        | ConnectorError::Overtaken => Trouble::Unreachable { reason },
        ConnectorError::Setup { what, help } => Trouble::Setup {
            what: what.clone(),
            help: help.clone(),
        },
        ConnectorError::ReadOnly { .. } => Trouble::Setup {
            what: reason,
            help: "look at what its secret may do there, and at any proxy in between".to_owned(),
        },
        ConnectorError::Rejected { .. }
        | ConnectorError::Stale { .. }
        | ConnectorError::Gone { .. }
        | ConnectorError::AlreadyExists { .. }
        | ConnectorError::CollectionGone { .. }
        | ConnectorError::CursorInvalid
        | ConnectorError::Malformed { .. } => Trouble::Failed { reason },
    }
}

/// The trouble that an error of the store is to an account.
pub(crate) fn of_store(error: &StoreError) -> Trouble {
    match error {
        StoreError::LeaseHeld { holder, .. } => Trouble::LeaseHeld {
            holder: holder.clone(),
        },
        _ => Trouble::Failed {
            reason: with_causes(error),
        },
    }
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
    pub next: NextTry,
}

/// What a service cannot hold of a task, told when it first shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The task.
    pub task: TaskId,
    /// Its title.
    pub title: String,
    /// The fields of which it holds nothing.
    pub fields: BTreeSet<Field>,
    /// Whether the rest of the task is there.
    pub is_there: bool,
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
    /// What the service cannot hold, where that is news.
    pub left_out: Vec<LeftOut>,
    /// Calls to the service.
    pub calls: u64,
    /// How long the account's passes took.
    pub duration: Duration,
    /// Whether it had gone back to an older state, and is brought up to the hub again.
    pub older: bool,
    /// Whether somebody was writing there, so that nobody knows yet what was lost of it (S32).
    pub unsettled: bool,
    /// How long what is due had better wait, because somebody is writing there: nothing was carried.
    pub rest: Option<Duration>,
    /// Whether it was left alone because it has not met the hub yet, which takes a whole round.
    pub unmet: bool,
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
            left_out: Vec::new(),
            calls: 0,
            duration: Duration::ZERO,
            older: false,
            unsettled: false,
            rest: None,
            unmet: false,
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
