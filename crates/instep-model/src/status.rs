//! The four states of a task (S22).

use std::fmt;
use std::str::FromStr;

use crate::ParseError;

/// Where a task stands. `Blocked` is stored, never derived from dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Status {
    /// To be done; what an absent status means.
    #[default]
    Open,
    /// To be done, and held up.
    Blocked,
    /// Finished.
    Done,
    /// Given up; `Done` where a service has no such state.
    Cancelled,
}

impl Status {
    /// Every status, in the order in which capability records map them.
    pub const ALL: [Self; 4] = [Self::Open, Self::Blocked, Self::Done, Self::Cancelled];

    /// Whether nothing is left to do.
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Blocked => "blocked",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        })
    }
}

impl FromStr for Status {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::ALL
            .into_iter()
            .find(|status| status.to_string() == text)
            .ok_or_else(|| ParseError::new("open, blocked, done or cancelled", text))
    }
}
