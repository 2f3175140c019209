//! Texts that are no canonical form are refused, and the refusal says what was looked for.

use instep_model::{
    Action, Direction, Field, Kind, MappingState, ParseError, ProjectPath, Reminder, ReviewReason,
    Status, TaskId, Value, When,
};

fn check<T: std::fmt::Debug>(answer: Result<T, ParseError>, expected: &str, text: &str) {
    let error = answer.expect_err(text);
    assert_eq!(error.expected, expected, "{text:?}");
    assert_eq!(
        error.to_string(),
        format!("expected {expected}, found `{text}`")
    );
}

#[test]
fn values() {
    let when = "a date, a local time or an instant";
    for (field, expected, texts) in [
        (
            Field::Status,
            "open, blocked, done or cancelled",
            vec!["", "Open", "closed"],
        ),
        (
            Field::Archived,
            "true or false",
            vec!["", "yes", "True", "1"],
        ),
        (
            Field::Priority,
            "a number from 0 to 5",
            vec!["", "6", "-1", "high", "1.0"],
        ),
        (
            Field::PercentDone,
            "a number from 0 to 100",
            vec!["101", "50%"],
        ),
        (
            Field::Duration,
            "a number of seconds",
            vec!["4294967296", "1h"],
        ),
        (
            Field::Due,
            when,
            vec![
                "",
                "tomorrow",
                "2026-02-30",
                "2026-13-01",
                "2026-11-27T25:00:00",
                "T",
                "2026-11-27 09:00",
                "2026-11-27t09:00:00z",
                "2026-11-27T",
                "2026-11-27T09:00:00+99:00",
            ],
        ),
        (
            Field::Created,
            "an instant",
            vec!["", "2026-11-27", "2026-11-27T09:00:00", "0"],
        ),
        (
            Field::Project,
            "a project path",
            vec!["", ".", " . ", "..."],
        ),
        (
            Field::Parent,
            "a UUID",
            vec!["", "7", "00000000-0000-0000-0000-00000000000g"],
        ),
        (Field::Depends, "a UUID", vec!["x"]),
    ] {
        for text in texts {
            check(Value::parse(field, text), expected, text);
        }
    }
}

#[test]
fn elements() {
    let when = "a date, a local time or an instant";
    for (field, expected, texts) in [
        (Field::Annotations, "an annotation", vec!["no-time"]),
        (
            Field::Reminders,
            "an offset in seconds",
            vec!["due", "due-", "start+1h"],
        ),
        (Field::Reminders, when, vec!["soon"]),
    ] {
        for text in texts {
            check(Value::parse(field, text), expected, text);
        }
    }
    let answer = Value::parse(Field::Annotations, "x 2026-11-27T09:00:00Z text");
    check(answer, "a UUID", "x");
    let id = "00000000-0000-0000-0000-000000000001";
    let answer = Value::parse(Field::Annotations, &format!("{id} noon text"));
    check(answer, "an instant", "noon");
}

#[test]
fn words() {
    check("".parse::<Field>(), "the name of a field", "");
    check("Title".parse::<Field>(), "the name of a field", "Title");
    check(
        "todo".parse::<Status>(),
        "open, blocked, done or cancelled",
        "todo",
    );
    check(
        "asana".parse::<Kind>(),
        "taskwarrior, vikunja, todoist, caldav or file",
        "asana",
    );
    check(
        "up".parse::<Direction>(),
        "both, to-remote or from-remote",
        "up",
    );
    check("burn".parse::<Action>(), "an action", "burn");
    check("lost".parse::<MappingState>(), "a mapping state", "lost");
    check(
        "bored".parse::<ReviewReason>(),
        "a reason for review",
        "bored",
    );
    check("..".parse::<ProjectPath>(), "a project path", "..");
    check("9".parse::<TaskId>(), "a UUID", "9");
    check(
        "later".parse::<When>(),
        "a date, a local time or an instant",
        "later",
    );
    check("due+".parse::<Reminder>(), "an offset in seconds", "due+");
}

#[test]
fn long_texts_are_cut_in_the_refusal() {
    let long = "\u{e9}".repeat(200);
    let error = long.parse::<Status>().expect_err("no status");
    assert_eq!(error.found, "\u{e9}".repeat(80));
}
