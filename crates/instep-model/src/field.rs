//! The closed list of what a task can hold.

use std::fmt;
use std::str::FromStr;

use crate::ParseError;

/// A field of a task. The order is the one in which people read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// One line of text.
    Title,
    /// Markdown.
    Notes,
    /// Open, blocked, done or cancelled.
    Status,
    /// Out of sight and frozen, its mapping kept (S30).
    Archived,
    /// 0 none … 5 do-now.
    Priority,
    /// When it is wanted.
    Due,
    /// When it must be finished.
    Deadline,
    /// Hidden until then.
    Wait,
    /// Planned start (Taskwarrior's `scheduled`).
    Start,
    /// Planned end.
    End,
    /// How long it takes, in seconds.
    Duration,
    /// Path in the tree of projects.
    Project,
    /// A set of words.
    Tags,
    /// Dated remarks.
    Annotations,
    /// Tasks that come first.
    Depends,
    /// The task this one is a part of.
    Parent,
    /// An RRULE.
    Recurrence,
    /// The due date of the last occurrence that was completed (S24).
    Occurrence,
    /// The repetition of another program that made this instance (S25).
    Series,
    /// When to be reminded.
    Reminders,
    /// 0–100.
    PercentDone,
    /// When work began (Taskwarrior's `start`).
    StartedAt,
    /// When it was closed.
    CompletedAt,
    /// When it was first written down.
    Created,
}

impl Field {
    /// Every field.
    pub const ALL: [Self; 24] = [
        Self::Title,
        Self::Notes,
        Self::Status,
        Self::Archived,
        Self::Priority,
        Self::Due,
        Self::Deadline,
        Self::Wait,
        Self::Start,
        Self::End,
        Self::Duration,
        Self::Project,
        Self::Tags,
        Self::Annotations,
        Self::Depends,
        Self::Parent,
        Self::Recurrence,
        Self::Occurrence,
        Self::Series,
        Self::Reminders,
        Self::PercentDone,
        Self::StartedAt,
        Self::CompletedAt,
        Self::Created,
    ];

    /// Whether its value is a set whose elements come and go one by one.
    pub fn has_elements(self) -> bool {
        matches!(self, Self::Tags | Self::Depends | Self::Annotations)
    }

    /// The name in schema, JSON, journal and command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Notes => "notes",
            Self::Status => "status",
            Self::Archived => "archived",
            Self::Priority => "priority",
            Self::Due => "due",
            Self::Deadline => "deadline",
            Self::Wait => "wait",
            Self::Start => "start",
            Self::End => "end",
            Self::Duration => "duration",
            Self::Project => "project",
            Self::Tags => "tags",
            Self::Annotations => "annotations",
            Self::Depends => "depends",
            Self::Parent => "parent",
            Self::Recurrence => "recurrence",
            Self::Occurrence => "occurrence",
            Self::Series => "series",
            Self::Reminders => "reminders",
            Self::PercentDone => "percent_done",
            Self::StartedAt => "started_at",
            Self::CompletedAt => "completed_at",
            Self::Created => "created",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Field {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::ALL
            .into_iter()
            .find(|field| field.name() == text)
            .ok_or_else(|| ParseError::new("the name of a field", text))
    }
}
