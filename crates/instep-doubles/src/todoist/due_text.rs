//! The words of due dates, in English, as far as to-do clients send them. What is not understood
//! is not a date; nothing is guessed.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::{Span, ToSpan as _};

use super::due::{Moment, When};
use super::recurrence::{Every, Rule};

/// The largest count in "every 3 weeks" and "in 3 days".
const MOST_UNITS: i64 = 10_000;

/// What words say.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    NoDate,
    Date(When, Option<Rule>),
}

/// Reads the words of a due date; `None` when they are none.
pub(crate) fn read(text: &str, moment: &Moment) -> Option<Said> {
    let text = text.trim().to_lowercase();
    if matches!(text.as_str(), "no date" | "no due date") {
        return Some(Said::NoDate);
    }
    if let Some(when) = When::parse(&text.to_uppercase(), None, moment) {
        return Some(Said::Date(when, None));
    }
    let spaced = text.replace(',', " ");
    let mut words: Vec<&str> = spaced.split_whitespace().collect();
    let stuck = take_start(&mut words, moment);
    let time = take_time(&mut words)?;
    let local = moment.local();
    if let Some(rule) = rule(&words, stuck) {
        let timed = time.is_some() || matches!(rule.every, Every::Hours(_));
        let first = rule.first(local, time);
        let when = if timed {
            When::Floating(first)
        } else {
            When::Day(first.date())
        };
        return Some(Said::Date(when, Some(rule)));
    }
    if stuck {
        return None;
    }
    let when = match (words.as_slice(), time) {
        ([], Some(time)) => When::Floating(soon(local, time)),
        ([], None) => return None,
        (words, time) => once(words, local, time)?,
    };
    Some(Said::Date(when, None))
}

/// Today at `time`, or tomorrow when that is past.
fn soon(local: DateTime, time: Time) -> DateTime {
    let today = local.date().to_datetime(time);
    if today > local {
        today
    } else {
        today.saturating_add(1.day())
    }
}

/// Takes a `starting <date>` clause off; tells whether there was one.
fn take_start(words: &mut Vec<&str>, moment: &Moment) -> bool {
    let Some(at) = words.iter().position(|word| *word == "starting") else {
        return false;
    };
    let clause: Vec<&str> = words[at + 1..].to_vec();
    let is_date = once(&clause, moment.local(), None).is_some();
    if is_date {
        words.truncate(at);
    }
    is_date
}

/// Takes a time of day off: `Some(None)` when there is none, `None` when it is not one.
fn take_time(words: &mut Vec<&str>) -> Option<Option<Time>> {
    if let Some(at) = words.iter().position(|word| *word == "at") {
        let said = words.get(at + 1..).unwrap_or_default().concat();
        let time = clock_time(&said)?;
        words.truncate(at);
        return Some(Some(time));
    }
    let Some(last) = words.last() else {
        return Some(None);
    };
    let is_time = last.contains(':') || last.ends_with("am") || last.ends_with("pm");
    match is_time.then(|| clock_time(last)).flatten() {
        Some(time) => {
            words.pop();
            Some(Some(time))
        }
        None => Some(None),
    }
}

/// `9`, `09:00`, `9am`, `9:30pm`, `noon`.
fn clock_time(text: &str) -> Option<Time> {
    if text == "noon" {
        return Time::new(12, 0, 0, 0).ok();
    }
    let (digits, later) = match (text.strip_suffix("am"), text.strip_suffix("pm")) {
        (Some(digits), _) => (digits, Some(0)),
        (_, Some(digits)) => (digits, Some(12)),
        _ => (text, None),
    };
    let mut parts = digits.split(':');
    let hour: i8 = parts.next()?.parse().ok()?;
    let minute: i8 = parts.next().map_or(Some(0), |part| part.parse().ok())?;
    let second: i8 = parts.next().map_or(Some(0), |part| part.parse().ok())?;
    let hour = match later {
        Some(later) if (1..=12).contains(&hour) => hour % 12 + later,
        Some(_) => return None,
        None => hour,
    };
    Time::new(hour, minute, second, 0).ok()
}

/// A date that comes once.
fn once(words: &[&str], local: DateTime, time: Option<Time>) -> Option<When> {
    let today = local.date();
    let step = |span: Span| today.checked_add(span).ok();
    let date = match words {
        ["today" | "tod"] => Some(today),
        ["tomorrow" | "tom" | "tmr"] => step(1.day()),
        ["yesterday"] => step((-1).day()),
        ["next", "week"] => today.nth_weekday(1, Weekday::Monday).ok(),
        ["next", "month"] => today.first_of_month().checked_add(1.month()).ok(),
        ["next" | "this" | "on", name] => today.nth_weekday(1, weekday(name)?).ok(),
        ["in", count, unit] => return later(local, count, unit, time),
        ["on", rest @ ..] => day_of_year(rest, today),
        [word] if weekday(word).is_some() => today.nth_weekday(1, weekday(word)?).ok(),
        [word] if word.len() == "2026-12-01".len() => word.parse().ok(),
        [count, unit] if span(count, unit).is_some() => return later(local, count, unit, time),
        words => day_of_year(words, today),
    }?;
    Some(match time {
        Some(time) => When::Floating(date.to_datetime(time)),
        None => When::Day(date),
    })
}

/// So many units from now.
fn later(local: DateTime, count: &str, unit: &str, time: Option<Time>) -> Option<When> {
    let at = local.checked_add(span(count, unit)?).ok()?;
    let small = unit.starts_with("hour") || unit.starts_with("min");
    Some(match time {
        Some(time) => When::Floating(at.date().to_datetime(time)),
        None if small => When::Floating(at),
        None => When::Day(at.date()),
    })
}

fn span(count: &str, unit: &str) -> Option<Span> {
    let count: i64 = count.parse().ok()?;
    if !(0..=MOST_UNITS).contains(&count) {
        return None;
    }
    match unit {
        "min" | "mins" | "minute" | "minutes" => Some(count.minutes()),
        "hour" | "hours" => Some(count.hours()),
        "day" | "days" => Some(count.days()),
        "week" | "weeks" => Some(count.weeks()),
        "month" | "months" => Some(count.months()),
        "year" | "years" => Some(count.years()),
        _ => None,
    }
}

/// `dec 1`, `1 december`, `1st dec 2027`; without a year the next such day.
fn day_of_year(words: &[&str], today: Date) -> Option<Date> {
    let (first, second, year) = match words {
        [first, second] => (*first, *second, None),
        [first, second, year] => (*first, *second, Some(year.parse::<i16>().ok()?)),
        _ => return None,
    };
    let (month, day) = month_and_day(first, second)?;
    if let Some(year) = year {
        return Date::new(year, month, day).ok();
    }
    (today.year()..=today.year().saturating_add(8))
        .filter_map(|year| Date::new(year, month, day).ok())
        .find(|date| *date >= today)
}

fn month_and_day(first: &str, second: &str) -> Option<(i8, i8)> {
    match (month(first), month(second)) {
        (Some(month), _) => Some((month, ordinal(second)?)),
        (_, Some(month)) => Some((month, ordinal(first)?)),
        _ => None,
    }
}

/// The rule in `every …`, `daily` and their like.
fn rule(words: &[&str], stuck: bool) -> Option<Rule> {
    let (every, from_completion) = match words {
        ["daily"] => (Every::Days(1), false),
        ["weekly"] => (Every::Weeks(1), false),
        ["monthly"] => (Every::Months(1), false),
        ["yearly" | "annually"] => (Every::Years(1), false),
        ["after", count, unit] => (interval(count, unit)?, true),
        ["every" | "ev", rest @ ..] => (repeated(rest)?, false),
        ["every!" | "ev!", rest @ ..] => (repeated(rest)?, true),
        _ => return None,
    };
    Some(Rule {
        every,
        from_completion,
        stuck,
    })
}

fn repeated(words: &[&str]) -> Option<Every> {
    match words {
        ["weekday" | "weekdays" | "workday" | "workdays"] => {
            let week = Weekday::Monday.cycle_forward().take(5);
            Some(Every::Weekdays(week.collect()))
        }
        ["last", "day"] => Some(Every::MonthDays(vec![0])),
        ["last", name] => Some(Every::NthWeekday(0, weekday(name)?)),
        ["other", unit] => interval("2", unit),
        [unit] if interval("1", unit).is_some() => interval("1", unit),
        [count, unit] if interval(count, unit).is_some() => interval(count, unit),
        [nth, name] if ordinal(nth).is_some() && weekday(name).is_some() => {
            let nth = ordinal(nth).filter(|nth| *nth <= 5)?;
            Some(Every::NthWeekday(nth, weekday(name)?))
        }
        [first, second] if month_and_day(first, second).is_some() => {
            let (month, day) = month_and_day(first, second)?;
            Some(Every::YearDay(month, day))
        }
        [] => None,
        words => listed(words),
    }
}

/// `mon, wed and fri`, `1st and 15th`.
fn listed(words: &[&str]) -> Option<Every> {
    let names = || words.iter().filter(|word| !matches!(**word, "and" | "&"));
    let days: Option<Vec<Weekday>> = names().map(|name| weekday(name)).collect();
    if let Some(days) = days {
        return Some(Every::Weekdays(days));
    }
    let days: Option<Vec<i8>> = names().map(|nth| ordinal(nth)).collect();
    days.map(Every::MonthDays)
}

fn interval(count: &str, unit: &str) -> Option<Every> {
    let count: i64 = count.parse().ok()?;
    if !(1..=MOST_UNITS).contains(&count) {
        return None;
    }
    match unit {
        "hour" | "hours" => Some(Every::Hours(count)),
        "day" | "days" => Some(Every::Days(count)),
        "week" | "weeks" => Some(Every::Weeks(count)),
        "month" | "months" => Some(Every::Months(count)),
        "year" | "years" => Some(Every::Years(count)),
        _ => None,
    }
}

/// `1`, `1st`, `22nd`: a day of a month.
fn ordinal(text: &str) -> Option<i8> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, ending) = text.split_at(end);
    if !matches!(ending, "" | "st" | "nd" | "rd" | "th") {
        return None;
    }
    digits.parse().ok().filter(|day| (1..=31).contains(day))
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text {
        "mon" | "monday" => Weekday::Monday,
        "tue" | "tues" | "tuesday" => Weekday::Tuesday,
        "wed" | "wednesday" => Weekday::Wednesday,
        "thu" | "thur" | "thurs" | "thursday" => Weekday::Thursday,
        "fri" | "friday" => Weekday::Friday,
        "sat" | "saturday" => Weekday::Saturday,
        "sun" | "sunday" => Weekday::Sunday,
        _ => return None,
    })
}

fn month(text: &str) -> Option<i8> {
    let names = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let fits = |name: &&str| *name == text || text.len() == 3 && name.starts_with(text);
    let at = names.iter().position(fits)?;
    i8::try_from(at + 1).ok()
}
