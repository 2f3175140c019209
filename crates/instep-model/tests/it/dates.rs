//! Dates and local times as instants (S21), where clocks jump and where calendars end.

use instep_model::{Timestamp, When, midnight};
use jiff::civil::date;
use proptest::prelude::*;

use crate::words::{self, zone};

const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
/// Clocks jump from midnight to one, and back from midnight to eleven.
const MIDNIGHT_GAP: &str = "<-03>3<-02>,M11.1.0/0,M2.3.0/0";
/// Midnight comes twice on the first Sunday of November.
const MIDNIGHT_FOLD: &str = "CST5CDT,M3.2.0/0,M11.1.0/1";
const HALF_HOUR: &str = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0";

fn check(rule: &str, when: &str, instant: &str) {
    let when: When = when.parse().expect(when);
    assert_eq!(when.instant(&zone(rule)).to_string(), instant, "{when}");
}

#[test]
fn s21_a_date_is_local_midnight() {
    check("UTC0", "2026-11-27", "2026-11-27T00:00:00Z");
    check(BERLIN, "2026-11-27", "2026-11-26T23:00:00Z");
    check(BERLIN, "2026-07-01", "2026-06-30T22:00:00Z");
    check(BERLIN, "2026-07-01T08:00:00Z", "2026-07-01T08:00:00Z");
    check(BERLIN, "0001-01-01", "0000-12-31T23:00:00Z");
}

#[test]
fn s21_a_skipped_time_moves_to_just_after_the_gap() {
    check(BERLIN, "2026-03-29T02:30:00", "2026-03-29T01:30:00Z");
    check(BERLIN, "2026-03-29T01:59:59", "2026-03-29T00:59:59Z");
    check(BERLIN, "2026-03-29T03:00:00", "2026-03-29T01:00:00Z");
    check(MIDNIGHT_GAP, "2026-11-01", "2026-11-01T03:00:00Z");
    check(HALF_HOUR, "2026-10-04T02:15:00", "2026-10-03T15:45:00Z");
}

#[test]
fn s21_a_time_that_comes_twice_is_the_first() {
    check(BERLIN, "2026-10-25T02:30:00", "2026-10-25T00:30:00Z");
    check(MIDNIGHT_FOLD, "2026-11-01", "2026-11-01T04:00:00Z");
    check(HALF_HOUR, "2026-04-05T01:45:00", "2026-04-04T14:45:00Z");
}

#[test]
fn s21_the_ends_of_the_calendar_are_bounds() {
    let max = Timestamp::MAX.to_string();
    let min = Timestamp::MIN.to_string();
    check("UTC0", "9999-12-31", &max);
    check("UTC0", "9999-12-31T23:59:59", &max);
    check("UTC0", "9999-12-30", "9999-12-30T00:00:00Z");
    check("UTC0", "-009999-01-01", &min);
    check("<+14>-14", "-009999-01-02", &min);
}

#[test]
fn s21_midnight_names_the_day_whose_start_it_is() {
    let day = |rule: &str, at: &str| midnight(at.parse().expect(at), &zone(rule));
    assert_eq!(
        day(BERLIN, "2026-11-26T23:00:00Z"),
        Some(date(2026, 11, 27))
    );
    assert_eq!(day(BERLIN, "2026-11-26T23:00:01Z"), None);
    assert_eq!(day(BERLIN, "2026-11-27T00:00:00Z"), None);
    assert_eq!(
        day("UTC0", "2026-11-27T00:00:00Z"),
        Some(date(2026, 11, 27))
    );
    // The day begins at one o'clock where midnight is skipped.
    assert_eq!(
        day(MIDNIGHT_GAP, "2026-11-01T03:00:00Z"),
        Some(date(2026, 11, 1))
    );
    // Of two midnights the first begins the day.
    assert_eq!(
        day(MIDNIGHT_FOLD, "2026-11-01T04:00:00Z"),
        Some(date(2026, 11, 1))
    );
    assert_eq!(day(MIDNIGHT_FOLD, "2026-11-01T05:00:00Z"), None);
}

#[test]
fn s21_the_day_of_a_moment_is_the_local_one() {
    let of = |when: &str| when.parse::<When>().expect(when).date(&zone(BERLIN));
    assert_eq!(of("2026-11-26T23:00:00Z"), date(2026, 11, 27));
    assert_eq!(of("2026-11-26T22:59:59Z"), date(2026, 11, 26));
    assert_eq!(of("2026-11-26T23:30:00"), date(2026, 11, 26));
    assert_eq!(of("2026-11-26"), date(2026, 11, 26));
}

proptest! {
    #![proptest_config(words::tries(20_000))]

    #[test]
    fn s21_a_day_comes_back_from_its_midnight(
        day in words::date(),
        rule in prop::sample::select(vec!["UTC0", BERLIN, MIDNIGHT_GAP, MIDNIGHT_FOLD, HALF_HOUR]),
    ) {
        let zone = zone(rule);
        let at = When::Date(day).instant(&zone);
        if at > Timestamp::MIN && at < Timestamp::MAX {
            prop_assert_eq!(midnight(at, &zone), Some(day));
            prop_assert_eq!(When::At(at).date(&zone), day);
        }
    }

    #[test]
    fn s21_every_moment_has_a_day_and_an_instant(
        when in words::when(),
        rule in prop::sample::select(vec!["UTC0", BERLIN, MIDNIGHT_GAP, MIDNIGHT_FOLD, HALF_HOUR]),
    ) {
        let zone = zone(rule);
        let at = when.instant(&zone);
        if let When::At(same) = when {
            prop_assert_eq!(at, same);
        }
        if let Some(day) = midnight(at, &zone) {
            prop_assert_eq!(When::Date(day).instant(&zone), at);
        }
    }
}
