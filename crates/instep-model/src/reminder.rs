//! A moment to be reminded at.

use std::fmt;
use std::str::FromStr;

use crate::{ParseError, When};

/// The date that a relative reminder hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Anchor {
    /// The due date.
    Due,
    /// The planned start.
    Start,
    /// The planned end.
    End,
}

/// One reminder. Canonical text: `2026-11-27T08:00:00Z`, or `due-3600`, `start+600` in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reminder {
    /// At this moment.
    At(When),
    /// This many seconds from the anchor; negative is before it.
    Relative {
        /// What it is counted from.
        anchor: Anchor,
        /// Signed seconds.
        offset_secs: i64,
    },
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Due => "due",
            Self::Start => "start",
            Self::End => "end",
        })
    }
}

impl fmt::Display for Reminder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(when) => when.fmt(f),
            Self::Relative {
                anchor,
                offset_secs,
            } => write!(f, "{anchor}{offset_secs:+}"),
        }
    }
}

impl FromStr for Reminder {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        for anchor in [Anchor::Due, Anchor::Start, Anchor::End] {
            if let Some(offset) = text.strip_prefix(&anchor.to_string()) {
                let offset_secs = offset
                    .parse()
                    .map_err(|_| ParseError::new("an offset in seconds", text))?;
                return Ok(Self::Relative {
                    anchor,
                    offset_secs,
                });
            }
        }
        text.parse().map(Self::At)
    }
}
