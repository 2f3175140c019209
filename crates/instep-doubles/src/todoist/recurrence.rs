//! Rules of recurrence: which day comes next. Pure; words are read in `due_text`.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::{Span, ToSpan as _};

/// How far ahead a day is looked for: longer than from one 29 February to the next.
const MOST_DAYS_AHEAD: u32 = 366 * 9;

/// What repeats.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Every {
    Hours(i64),
    Days(i64),
    Weeks(i64),
    Months(i64),
    Years(i64),
    Weekdays(Vec<Weekday>),
    /// Days of the month; 0 is the last one.
    MonthDays(Vec<i8>),
    /// Such as the second Monday; the last one is 0.
    NthWeekday(i8, Weekday),
    /// Month and day.
    YearDay(i8, i8),
}

/// A rule of recurrence.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    pub(crate) every: Every,
    /// Counts from the day of completion (`every!`), not from the day it was due.
    pub(crate) from_completion: bool,
    /// Never advances, as rules with a `starting` clause do on the service.
    pub(crate) stuck: bool,
}

impl Rule {
    /// The occurrence after `due` that is not past at `now`.
    pub(crate) fn next(&self, due: DateTime, now: DateTime, all_day: bool) -> DateTime {
        if self.stuck {
            return due;
        }
        if let Every::Hours(hours) = self.every {
            return next_hour(due, now, hours);
        }
        if self.from_completion {
            let anchor = now.date();
            return day_after(&self.every, anchor, anchor).to_datetime(due.time());
        }
        let yesterday = now.date().yesterday().unwrap_or(now.date());
        let seen = if all_day { now.date() } else { yesterday };
        let after = due.date().max(seen);
        let next = day_after(&self.every, due.date(), after).to_datetime(due.time());
        if !all_day && next <= now {
            return day_after(&self.every, due.date(), next.date()).to_datetime(due.time());
        }
        next
    }

    /// The first occurrence from `now` on, at `time` if one is given.
    pub(crate) fn first(&self, now: DateTime, time: Option<Time>) -> DateTime {
        if let Every::Hours(hours) = self.every {
            return next_hour(now, now, hours);
        }
        let today = now.date();
        let yesterday = today.yesterday().unwrap_or(today);
        let day = match self.every {
            // Intervals begin today.
            Every::Days(_) | Every::Weeks(_) | Every::Months(_) | Every::Years(_) => today,
            _ => day_after(&self.every, today, yesterday),
        };
        let at = time.unwrap_or(Time::midnight());
        if time.is_some() && day.to_datetime(at) <= now {
            return day_after(&self.every, day, day).to_datetime(at);
        }
        day.to_datetime(at)
    }
}

fn next_hour(due: DateTime, now: DateTime, hours: i64) -> DateTime {
    let past = now.duration_since(due).as_secs().max(0);
    let steps = past / (hours.max(1) * 3600) + 1;
    let span = Span::new().try_hours(hours.max(1) * steps);
    span.map_or(due, |span| due.saturating_add(span))
}

/// The first day after `after` that fits, in step with `anchor`.
fn day_after(every: &Every, anchor: Date, after: Date) -> Date {
    match every {
        Every::Hours(_) => after,
        Every::Days(n) => stepped(anchor, after, |k| Span::new().try_days(k * n)),
        Every::Weeks(n) => stepped(anchor, after, |k| Span::new().try_weeks(k * n)),
        Every::Months(n) => stepped(anchor, after, |k| Span::new().try_months(k * n)),
        Every::Years(n) => stepped(anchor, after, |k| Span::new().try_years(k * n)),
        _ => {
            let mut day = after;
            for _ in 0..MOST_DAYS_AHEAD {
                day = day.saturating_add(1.day());
                if fits(every, day) {
                    return day;
                }
            }
            day
        }
    }
}

/// The first of `anchor` plus 1, 2, … steps that lies after `after`.
fn stepped(anchor: Date, after: Date, step: impl Fn(i64) -> Result<Span, jiff::Error>) -> Date {
    let mut day = anchor;
    for count in 1..=i64::from(MOST_DAYS_AHEAD) {
        let Ok(span) = step(count) else { break };
        day = anchor.saturating_add(span);
        if day > after {
            break;
        }
    }
    day
}

fn fits(every: &Every, day: Date) -> bool {
    match every {
        Every::Weekdays(days) => days.contains(&day.weekday()),
        Every::MonthDays(days) => days.iter().any(|wanted| match wanted {
            0 => day == day.last_of_month(),
            wanted => *wanted == day.day(),
        }),
        Every::NthWeekday(0, weekday) => {
            day.weekday() == *weekday && day.day() > day.days_in_month() - 7
        }
        Every::NthWeekday(nth, weekday) => {
            day.weekday() == *weekday && (day.day() - 1) / 7 + 1 == *nth
        }
        Every::YearDay(month, wanted) => (day.month(), day.day()) == (*month, *wanted),
        _ => true,
    }
}
