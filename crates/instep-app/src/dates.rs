//! Dates as people type them. Every word is read in the person's time zone; nothing here looks
//! at a clock.

use instep_api::Failure;
use instep_model::{TimeZone, Timestamp, When};
use jiff::Span;
use jiff::civil::{Date, DateTime, Weekday};

use crate::say;

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// Reads a date, a time or `none`, which is answered by `None`.
pub(crate) fn read(typed: &str, now: Timestamp, zone: &TimeZone) -> Result<Option<When>, Failure> {
    let text = typed.trim();
    if text.eq_ignore_ascii_case("none") || text.is_empty() {
        return Ok(None);
    }
    let here = zone.to_datetime(now);
    let read = word(text, here.date())
        .map(When::Date)
        .or_else(|| later(text, here, zone))
        .or_else(|| written(text, zone));
    read.map(Some).ok_or_else(|| {
        say::usage(
            "bad_date",
            format!("`{typed}` is not a date"),
            "a date is written 2026-11-27, \"2026-11-27 09:00\", today, tomorrow, friday, +3d, +2h or none",
            "--due tomorrow",
        )
    })
}

/// `today`, `tomorrow`, or the next day of that name; on that day itself, a week later.
fn word(text: &str, today: Date) -> Option<Date> {
    let text = text.to_lowercase();
    match text.as_str() {
        "today" => return Some(today),
        "tomorrow" => return today.tomorrow().ok(),
        "yesterday" => return today.yesterday().ok(),
        _ => {}
    }
    let named = |name: &str| name == text || (text.len() == 3 && name.starts_with(&text));
    let (_, weekday) = WEEKDAYS.into_iter().find(|(name, _)| named(name))?;
    today.nth_weekday(1, weekday).ok()
}

/// `+3d`, `+2w`, `+1m`, `+1y` from today, `+2h` and `+30min` from now.
fn later(text: &str, here: DateTime, zone: &TimeZone) -> Option<When> {
    let rest = text.strip_prefix('+')?;
    let digits = rest.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = rest.split_at(digits);
    let number: i32 = number.parse().ok()?;
    let day = |span: Span| here.date().checked_add(span).ok().map(When::Date);
    let time = |span: Span| {
        let at = here.checked_add(span).ok()?;
        Some(When::At(When::Floating(at).instant(zone)))
    };
    match unit {
        "d" | "day" | "days" => day(Span::new().try_days(number).ok()?),
        "w" | "week" | "weeks" => day(Span::new().try_weeks(number).ok()?),
        "m" | "month" | "months" => day(Span::new().try_months(number).ok()?),
        "y" | "year" | "years" => day(Span::new().try_years(number).ok()?),
        "h" | "hour" | "hours" => time(Span::new().try_hours(number).ok()?),
        "min" | "minute" | "minutes" => time(Span::new().try_minutes(number).ok()?),
        _ => None,
    }
}

fn written(text: &str, zone: &TimeZone) -> Option<When> {
    let text = text.replacen(' ', "T", 1);
    if let Ok(When::Date(date)) = text.parse() {
        return Some(When::Date(date));
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(When::At(at));
    }
    let time: DateTime = text.parse().ok().filter(|_| text.contains('T'))?;
    // At the ends of time some zones have no such moment.
    let at = zone.to_ambiguous_zoned(time).compatible().ok()?;
    Some(When::At(at.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &str, expected: &str) {
        let zone = TimeZone::get("Europe/Berlin").expect("a zone");
        // A Wednesday, 23:30 in Berlin.
        let now: Timestamp = "2026-11-25T22:30:00Z".parse().expect("a time");
        let said = match read(typed, now, &zone) {
            Ok(Some(when)) => when.to_string(),
            Ok(None) => "none".to_owned(),
            Err(failure) => failure.code,
        };
        assert_eq!(said, expected, "{typed}");
    }

    #[test]
    fn dates_as_people_type_them() {
        check("2026-11-27", "2026-11-27");
        check("2026-11-27 09:00", "2026-11-27T08:00:00Z");
        check("2026-11-27T09:00", "2026-11-27T08:00:00Z");
        check("2026-11-27T09:00:00Z", "2026-11-27T09:00:00Z");
        check("2026-11-27T09:00:00+02:00", "2026-11-27T07:00:00Z");
        check("today", "2026-11-25");
        check("Tomorrow", "2026-11-26");
        check("wednesday", "2026-12-02");
        check("fri", "2026-11-27");
        check("+3d", "2026-11-28");
        check("+2w", "2026-12-09");
        check("+2h", "2026-11-26T00:30:00Z");
        check("none", "none");
        check("2026-02-30", "bad_date");
        check("soon", "bad_date");
        check("+d", "bad_date");
        check("+99999999999d", "bad_date");
        check("9999-12-31", "9999-12-31");
        check("9999-12-31 23:59:59", "bad_date");
        check("10000-01-01", "bad_date");
        check("2028-02-29", "2028-02-29");
        check("2027-02-29", "bad_date");
        check("2026-03-29 02:30", "2026-03-29T01:30:00Z");
        check("2026-10-25 02:30", "2026-10-25T00:30:00Z");
    }
}
