//! Completing and reopening: what happens to a task's dates. Pure; nothing is stored here.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::state::{Reminder, Stored, Task};

/// `repeat_mode` of monthly tasks, which ignores `repeat_after`.
pub(crate) const MONTHLY: i64 = 1;
/// `repeat_mode` of tasks that repeat from the moment of completion.
const FROM_NOW: i64 = 2;

/// The dates of a task that was completed and goes on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rolled {
    pub(crate) due: Stored,
    pub(crate) start: Stored,
    pub(crate) end: Stored,
    pub(crate) reminders: Vec<Reminder>,
}

/// Where the dates of `stored` go when it is completed at `now`; `None` when it does not repeat.
/// Dates that are not set stay unset.
pub(crate) fn roll(stored: &Task, now: i64, zone: &TimeZone) -> Option<Rolled> {
    match stored.repeat_mode {
        MONTHLY => Some(roll_monthly(stored, zone)),
        _ if stored.repeat_after <= 0 => None,
        FROM_NOW => Some(roll_from_now(stored, now)),
        _ => Some(roll_by_interval(stored, now)),
    }
}

/// The first instant after `now` that lies whole intervals after `at`, at least one.
fn next_after(at: i64, now: i64, interval: i64) -> i64 {
    if at >= now {
        return at.saturating_add(interval);
    }
    let steps = (now - at) / interval + 1;
    at.saturating_add(steps.saturating_mul(interval))
}

fn roll_by_interval(stored: &Task, now: i64) -> Rolled {
    let next = |at: Stored| at.map(|at| next_after(at, now, stored.repeat_after));
    Rolled {
        due: next(stored.due),
        start: next(stored.start),
        end: next(stored.end),
        reminders: with_dates(&stored.reminders, next),
    }
}

fn roll_from_now(stored: &Task, now: i64) -> Rolled {
    let base = now.saturating_add(stored.repeat_after);
    let due = stored.due.map(|_| base);
    let (start, end) = match (stored.due, stored.start, stored.end) {
        (Some(old), start, end) => (start.map(|s| base + s - old), end.map(|e| base + e - old)),
        (None, Some(start), Some(end)) => (Some(base), Some(base + end - start)),
        (None, start, end) => (start.map(|_| base), end.map(|_| base)),
    };
    let first = stored
        .reminders
        .iter()
        .filter_map(|reminder| reminder.at)
        .min();
    let reminders = with_dates(&stored.reminders, |at| {
        at.zip(first).map(|(at, first)| base + (at - first))
    });
    Rolled {
        due,
        start,
        end,
        reminders,
    }
}

fn roll_monthly(stored: &Task, zone: &TimeZone) -> Rolled {
    let next = |at: Stored| at.map(|at| month_later(at, zone));
    let start = next(stored.start);
    let end = match (stored.start, start, stored.end) {
        (Some(old), Some(new), Some(end)) => Some(new + (end - old)),
        _ => next(stored.end),
    };
    Rolled {
        due: next(stored.due),
        start,
        end,
        reminders: with_dates(&stored.reminders, next),
    }
}

fn with_dates(reminders: &[Reminder], next: impl Fn(Stored) -> Stored) -> Vec<Reminder> {
    let moved = |reminder: &Reminder| Reminder {
        at: next(reminder.at),
        ..reminder.clone()
    };
    reminders.iter().map(moved).collect()
}

/// The same day and time a month later; a day the month lacks runs over into the next one.
fn month_later(at: i64, zone: &TimeZone) -> i64 {
    let later = || {
        let civil = Timestamp::from_second(at)
            .ok()?
            .to_zoned(zone.clone())
            .datetime();
        let (year, month) = match civil.month() {
            12 => (civil.year() + 1, 1),
            month => (civil.year(), month + 1),
        };
        let first = Date::new(year, month, 1).ok()?;
        let days = jiff::Span::new().days(i64::from(civil.day()) - 1);
        let date = first.checked_add(days).ok()?;
        Some(
            date.to_datetime(civil.time())
                .to_zoned(zone.clone())
                .ok()?
                .timestamp()
                .as_second(),
        )
    };
    later().unwrap_or(at)
}

/// The description with every checklist item unchecked.
pub(crate) fn unchecked(description: &str) -> String {
    description.replace("data-checked=\"true\"", "data-checked=\"false\"")
}
