//! A configured connection to one service, and what it may carry.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::{AccountId, Fields, ParseError, ProjectPath};

/// The kind of service an account speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A Taskwarrior database on this computer.
    Taskwarrior,
    /// A Vikunja server.
    Vikunja,
    /// Todoist.
    Todoist,
    /// A CalDAV server.
    Caldav,
    /// A file of tasks.
    File,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Taskwarrior,
        Self::Vikunja,
        Self::Todoist,
        Self::Caldav,
        Self::File,
    ];

    /// Whether the service gives ids of its own that are worth keeping as markers elsewhere.
    pub fn is_marked(self) -> bool {
        matches!(self, Self::Vikunja | Self::Todoist)
    }

    /// Whether its items can carry the markers of other services.
    pub fn holds_markers(self) -> bool {
        self == Self::Taskwarrior
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Taskwarrior => "taskwarrior",
            Self::Vikunja => "vikunja",
            Self::Todoist => "todoist",
            Self::Caldav => "caldav",
            Self::File => "file",
        })
    }
}

impl FromStr for Kind {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.to_string() == text)
            .ok_or_else(|| ParseError::new("taskwarrior, vikunja, todoist, caldav or file", text))
    }
}

/// Which way changes travel (S29).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// Both ways.
    #[default]
    Both,
    /// From the hub to the remote; the remote is never read into the hub.
    ToRemote,
    /// From the remote into the hub; the remote is never written.
    FromRemote,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Both => "both",
            Self::ToRemote => "to-remote",
            Self::FromRemote => "from-remote",
        })
    }
}

impl FromStr for Direction {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        [Self::Both, Self::ToRemote, Self::FromRemote]
            .into_iter()
            .find(|direction| direction.to_string() == text)
            .ok_or_else(|| ParseError::new("both, to-remote or from-remote", text))
    }
}

/// Who wins when both sides changed one field differently.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum ConflictPolicy {
    /// The later change; less than two seconds apart, the hub (S18).
    #[default]
    Newest,
    /// Whatever this account says.
    Prefer(AccountId),
    /// Nobody: both sides keep theirs until a person decides.
    Ask,
}

/// Which tasks an account takes part in (S27). Empty lists admit everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Scope {
    /// Only tasks in one of these projects, or below.
    pub projects: Vec<ProjectPath>,
    /// Only tasks with one of these tags.
    pub tags: BTreeSet<String>,
    /// No task with any of these tags.
    pub not_tags: BTreeSet<String>,
}

impl Scope {
    /// Whether a task with these fields belongs to the account.
    pub fn admits(&self, fields: &Fields) -> bool {
        let tags = fields.tags();
        let in_project = self.projects.is_empty()
            || fields
                .project()
                .is_some_and(|path| self.projects.iter().any(|scope| path.is_within(scope)));
        let has_tag = self.tags.is_empty() || !self.tags.is_disjoint(&tags);
        in_project && has_tag && self.not_tags.is_disjoint(&tags)
    }
}

impl Account {
    /// What is carried between the account and the hub, and which way.
    pub fn coverage(&self) -> (&Scope, Direction) {
        (&self.scope, self.direction)
    }
}

/// An account as the engine needs it: no address, no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Stable identity.
    pub id: AccountId,
    /// What its owner calls it; also the stem of its marker, `<name>_id`.
    pub name: String,
    /// The kind of service.
    pub kind: Kind,
    /// Which way changes travel.
    pub direction: Direction,
    /// Which tasks take part.
    pub scope: Scope,
    /// Who wins a conflict.
    pub policy: ConflictPolicy,
}

impl Account {
    /// The name of our marker for this account's ids in a service that can hold one (S26).
    pub fn marker(&self) -> String {
        format!("{}_id", self.name)
    }
}

/// Who answers behind an account (S5): a change of it is a new epoch.
///
/// For a server: base URL, user id and the time the user was made. For a local store: its path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity(pub String);
