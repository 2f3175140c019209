//! Tasks drawn from bytes, one for each field: zero is no value, so that a failing case
//! shrinks to the fields that matter. The pools are small, so that two draws often agree.

use std::collections::{BTreeMap, BTreeSet};

use instep_model::{
    Anchor, Annotation, AnnotationId, Field, Fields, Reminder, Status, TaskId, Timestamp, Value,
    When,
};
use jiff::civil::{Date, Time, date, time};
use proptest::prelude::*;
use uuid::Uuid;

/// How often a property is tried, unless `PROPTEST_CASES` says otherwise.
pub(crate) fn tries(cases: u32) -> ProptestConfig {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(cases),
    }
}

/// One byte for each field.
pub(crate) type Bytes = [u8; 24];

pub(crate) fn bytes() -> impl Strategy<Value = Bytes> {
    any::<Bytes>()
}

/// Which fields are touched: each one time out of four.
pub(crate) fn mask() -> impl Strategy<Value = u32> {
    (any::<u32>(), any::<u32>()).prop_map(|(a, b)| a & b)
}

/// The task that every draw is about.
pub(crate) const TASK: TaskId = TaskId(Uuid::from_u128(0x7a5c));

/// Another task that links may lead to.
pub(crate) fn other(index: u8) -> TaskId {
    TaskId(Uuid::from_u128(u128::from(index) + 1))
}

/// How many other tasks there are.
pub(crate) const OTHERS: u8 = 4;

pub(crate) fn note(index: u8) -> AnnotationId {
    AnnotationId(Uuid::from_u128(0x0e00 + u128::from(index)))
}

/// Seconds after the day on which all draws take place.
pub(crate) fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + secs).expect("a time of this century")
}

const TITLES: [&str; 8] = [
    "milk",
    "milk ",
    "two\nlines",
    "bread",
    " bread",
    "a long title of many words",
    "a long title of few",
    "bell\u{7}",
];
const LINES: [&str; 5] = ["one", "two", "three", "four", "five "];
const TAGS: [&str; 8] = [
    "home",
    "work",
    "with,comma",
    "with space",
    "+plus",
    "longer than twenty characters",
    "urgent",
    "later",
];
const PATHS: [&str; 5] = ["Home", "Home.Garden", "v1\\.2", "Work", "Work.Two words"];
const TEXTS: [&str; 4] = ["seen", "called", "called ", "two\nlines"];
const RULES: [&str; 2] = ["FREQ=DAILY", "FREQ=MONTHLY;BYMONTHDAY=31"];
const SECS: [u32; 3] = [60, 3_600, 86_400];
const PER_CENT: [u32; 5] = [5, 10, 50, 55, 100];
const DAYS: [Date; 8] = [
    date(2026, 3, 29),
    date(2026, 11, 1),
    date(2026, 10, 25),
    date(2026, 12, 30),
    date(2026, 12, 29),
    date(2026, 4, 5),
    date(2026, 3, 8),
    date(2026, 6, 15),
];
const TIMES: [Time; 7] = [
    time(0, 0, 0, 0),
    time(0, 30, 0, 0),
    time(1, 0, 0, 0),
    time(2, 30, 0, 0),
    time(9, 0, 0, 0),
    time(23, 30, 0, 0),
    time(9, 0, 0, 500_000_000),
];

fn pick<T: Copy>(pool: &[T], byte: u8) -> T {
    pool[usize::from(byte) % pool.len()]
}

fn subset<T: Copy>(pool: &[T], byte: u8) -> impl Iterator<Item = T> {
    let held = move |(at, one): (usize, &T)| (byte >> (at % 8) & 1 == 1).then_some(*one);
    pool.iter().enumerate().filter_map(held)
}

fn when(byte: u8) -> When {
    let day = pick(&DAYS, byte);
    let civil = day.to_datetime(pick(&TIMES, byte / 8));
    match byte % 3 {
        0 => When::Date(day),
        1 => When::Floating(civil),
        _ => When::At(When::Floating(civil).instant(&instep_model::TimeZone::UTC)),
    }
}

fn annotations(byte: u8) -> BTreeMap<AnnotationId, Annotation> {
    (0..4u8)
        .filter_map(|index| {
            let state = byte >> (2 * index) & 3;
            let text = TEXTS[usize::from((state + index) % 4)].to_owned();
            let at = at(i64::from(index));
            (state > 0).then(|| (note(index), Annotation { at, text }))
        })
        .collect()
}

fn reminders(byte: u8) -> BTreeSet<Reminder> {
    let relative = Reminder::Relative {
        anchor: Anchor::Due,
        offset_secs: -600,
    };
    let mut reminders = BTreeSet::new();
    reminders.extend((byte & 1 == 1).then_some(relative));
    reminders.extend((byte & 2 == 2).then(|| Reminder::At(when(byte / 4))));
    reminders
}

/// The value of `field` that `byte` stands for.
pub(crate) fn value(field: Field, byte: u8) -> Option<Value> {
    if byte == 0 {
        return None;
    }
    let text = |text: &str| Value::Text(text.to_owned());
    let value = match field {
        Field::Title => text(pick(&TITLES, byte)),
        Field::Notes => {
            let lines: Vec<&str> = subset(&LINES, byte).collect();
            let end = if byte & 64 == 0 { "" } else { "\n" };
            Value::Text(lines.join("\n") + end)
        }
        Field::Status => Value::Status(pick(&Status::ALL, byte)),
        Field::Archived => Value::Flag(byte & 1 == 1),
        Field::Priority => Value::Number(u32::from(byte % 6)),
        Field::Due
        | Field::Deadline
        | Field::Wait
        | Field::Start
        | Field::End
        | Field::Occurrence => Value::When(when(byte)),
        Field::Duration => Value::Number(pick(&SECS, byte)),
        Field::Project => Value::Path(pick(&PATHS, byte).parse().expect("a path")),
        Field::Tags => Value::Tags(subset(&TAGS, byte).map(str::to_owned).collect()),
        Field::Annotations => Value::Annotations(annotations(byte)),
        Field::Depends => Value::Tasks(subset(&[0, 1, 2, 3], byte).map(other).collect()),
        Field::Parent => Value::Task(other(byte % OTHERS)),
        Field::Recurrence => text(pick(&RULES, byte)),
        Field::Series => text("weekly"),
        Field::Reminders => Value::Reminders(reminders(byte)),
        Field::PercentDone => Value::Number(pick(&PER_CENT, byte)),
        Field::StartedAt | Field::CompletedAt | Field::Created => {
            Value::Instant(at(i64::from(byte) * 60))
        }
    };
    Some(value)
}

/// All the fields that `bytes` stand for, whole in themselves.
pub(crate) fn fields(bytes: &Bytes) -> Fields {
    let mut fields = Fields::new();
    for (field, byte) in Field::ALL.into_iter().zip(bytes) {
        fields.set(field, value(field, *byte));
    }
    consistent(fields)
}

/// What is closed has a time of completion, and nothing else has.
pub(crate) fn consistent(mut fields: Fields) -> Fields {
    if !fields.status().is_closed() {
        fields.set(Field::CompletedAt, None);
    } else if fields.get(Field::CompletedAt).is_none() {
        fields.set(Field::CompletedAt, Value::Instant(at(0)));
    }
    fields
}

/// `fields` with those of `mask` as in `drawn`.
pub(crate) fn perturbed(fields: &Fields, drawn: &Bytes, mask: u32) -> Fields {
    let mut result = fields.clone();
    for (index, field) in Field::ALL.into_iter().enumerate() {
        if mask >> index & 1 == 1 {
            result.set(field, value(field, drawn[index]));
        }
    }
    consistent(result)
}
