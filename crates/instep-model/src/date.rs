//! When something is: a date, a floating time, or an instant.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use crate::ParseError;

/// A moment as a person means it.
///
/// Canonical text: `2026-11-27`, `2026-11-27T09:00:00`, `2026-11-27T08:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum When {
    /// A whole day, in whatever zone the person is.
    Date(Date),
    /// A wall-clock time, in whatever zone the person is.
    Floating(DateTime),
    /// One instant everywhere.
    At(Timestamp),
}

impl When {
    /// The instant this falls on in `zone`; a date means its local midnight (S21).
    /// A time that the zone skips moves to just after the gap. Times outside what an instant
    /// can express (before -9999 or after 9999) end at that bound.
    pub fn instant(self, zone: &TimeZone) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Date(date) => civil_instant(date.to_datetime(Time::midnight()), zone),
            Self::Floating(time) => civil_instant(time, zone),
        }
    }

    /// The day this falls on in `zone`.
    pub fn date(self, zone: &TimeZone) -> Date {
        match self {
            Self::Date(date) => date,
            Self::Floating(time) => time.date(),
            Self::At(at) => zone.to_datetime(at).date(),
        }
    }
}

/// The day whose local midnight `at` is, if it is one.
pub fn midnight(at: Timestamp, zone: &TimeZone) -> Option<Date> {
    let date = zone.to_datetime(at).date();
    (When::Date(date).instant(zone) == at).then_some(date)
}

fn civil_instant(time: DateTime, zone: &TimeZone) -> Timestamp {
    zone.to_ambiguous_zoned(time)
        .compatible()
        .map(|zoned| zoned.timestamp())
        .unwrap_or(if time.year() < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        })
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(date) => date.fmt(f),
            Self::Floating(time) => time.fmt(f),
            Self::At(at) => at.fmt(f),
        }
    }
}

impl FromStr for When {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let unreadable = || ParseError::new("a date, a local time or an instant", text);
        if !text.contains('T') {
            // The library reads a time after a blank too, and would drop it here.
            let date: Date = text.parse().map_err(|_| unreadable())?;
            return if date.to_string() == text {
                Ok(Self::Date(date))
            } else {
                Err(unreadable())
            };
        }
        let instant = text.ends_with('Z') || text.rfind(['+', '-']).is_some_and(|at| at > 10);
        if instant {
            text.parse().map(Self::At).map_err(|_| unreadable())
        } else {
            text.parse().map(Self::Floating).map_err(|_| unreadable())
        }
    }
}
