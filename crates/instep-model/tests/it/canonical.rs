//! Every canonical text reads back as what wrote it.

use std::collections::BTreeSet;
use std::fmt::{Debug, Display};
use std::str::FromStr;

use instep_model::{
    Action, Anchor, Direction, Field, Kind, MappingState, ParseError, ProjectPath, Reminder,
    ReviewReason, Status, Value, When,
};
use proptest::prelude::*;

use crate::words;

fn check<T: FromStr<Err = ParseError> + Display + Debug + PartialEq>(value: &T, text: &str) {
    assert_eq!(value.to_string(), text);
    assert_eq!(text.parse::<T>().as_ref(), Ok(value));
}

fn round_trip<T: FromStr<Err = ParseError> + Display + Debug + PartialEq>(value: &T) {
    check(value, &value.to_string());
}

#[test]
fn closed_lists_have_one_word_for_each() {
    Field::ALL.iter().for_each(round_trip);
    Status::ALL.iter().for_each(round_trip);
    Kind::ALL.iter().for_each(round_trip);
    Action::ALL.iter().for_each(round_trip);
    let names: BTreeSet<&str> = Field::ALL.into_iter().map(Field::name).collect();
    assert_eq!(names.len(), Field::ALL.len());
    check(&Field::PercentDone, "percent_done");
    check(&Status::Cancelled, "cancelled");
    check(&Direction::Both, "both");
    check(&Direction::ToRemote, "to-remote");
    check(&Direction::FromRemote, "from-remote");
    check(&ReviewReason::EqualTitle, "equal_title");
    check(&ReviewReason::MarkerOfGone, "marker_of_gone");
    check(&ReviewReason::DeletedHere, "deleted_here");
    check(&MappingState::Pending, "pending");
    check(&MappingState::Synced, "synced");
    check(&MappingState::Error, "error");
    check(&MappingState::Held, "held");
    check(&MappingState::OutOfScope, "out_of_scope");
}

#[test]
fn paths_escape_what_separates_them() {
    let path = |titles: &[&str]| ProjectPath::new(titles.iter().copied()).expect("titles");
    check(&path(&["Home", "Garden"]), "Home.Garden");
    check(&path(&["v1.2", "a\\b"]), "v1\\.2.a\\\\b");
    check(&path(&["two\nlines"]), "two\\nlines");
    check(&path(&["\\n"]), "\\\\n");
    assert_eq!(path(&["a", " ", "b"]), path(&["a", "b"]));
    assert_eq!(path(&["a", "b"]).title(), "b");
    assert_eq!(path(&["a", "b"]).parent(), Some(path(&["a"])));
    assert_eq!(path(&["a"]).parent(), None);
}

#[test]
fn reminders_count_in_signed_seconds() {
    let relative = |anchor, offset_secs| Reminder::Relative {
        anchor,
        offset_secs,
    };
    check(&relative(Anchor::Due, -3600), "due-3600");
    check(&relative(Anchor::Start, 600), "start+600");
    check(&relative(Anchor::End, 0), "end+0");
    check(
        &Reminder::At("2026-11-27".parse().expect("a day")),
        "2026-11-27",
    );
}

#[test]
fn dates_say_which_kind_they_are() {
    for (text, expected) in [
        ("2026-11-27", "date"),
        ("2026-11-27T09:00:00", "floating"),
        ("2026-11-27T08:00:00Z", "at"),
        ("-000005-03-01T08:00:00", "floating"),
    ] {
        let when: When = text.parse().expect(text);
        let kind = match when {
            When::Date(_) => "date",
            When::Floating(_) => "floating",
            When::At(_) => "at",
        };
        assert_eq!(kind, expected, "{text}");
        check(&when, text);
    }
    let offset: When = "2026-11-27T09:00:00+01:00".parse().expect("an offset");
    assert_eq!(offset.to_string(), "2026-11-27T08:00:00Z");
}

fn field_and_value() -> impl Strategy<Value = (Field, Value)> {
    prop::sample::select(Field::ALL.to_vec())
        .prop_flat_map(|field| words::value(field).prop_map(move |value| (field, value)))
}

proptest! {
    #![proptest_config(words::tries(40_000))]

    #[test]
    fn every_value_of_every_field_reads_back((field, value) in field_and_value()) {
        let text = value.to_string();
        prop_assert_eq!(Value::parse(field, &text), Ok(value), "{}", text);
    }

    #[test]
    fn sets_stay_on_one_line(
        field in prop::sample::select(vec![Field::Tags, Field::Annotations, Field::Reminders, Field::Project]),
        text in words::filled(),
    ) {
        let value = Value::parse(field, &text);
        if let Ok(value) = value {
            prop_assert!(!value.to_string().contains('\n'));
        }
    }

    #[test]
    fn paths_dates_and_reminders_read_back(
        path in words::path(),
        when in words::when(),
        reminder in words::reminder(),
    ) {
        round_trip(&path);
        round_trip(&when);
        round_trip(&reminder);
    }

    #[test]
    fn no_text_panics_a_reader(field in prop::sample::select(Field::ALL.to_vec()), text in words::text()) {
        if let Ok(value) = Value::parse(field, &text) {
            let canonical = value.to_string();
            prop_assert_eq!(Value::parse(field, &canonical), Ok(value));
        }
    }
}
