//! Values to draw from: every kind that a field can hold, awkward ones among them.

use instep_model::{
    Anchor, Annotation, AnnotationId, Field, ProjectPath, Reminder, Status, TaskId, TimeZone,
    Timestamp, Value, When,
};
use jiff::civil::{Date, DateTime, Time};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

/// How often a property is tried, unless `PROPTEST_CASES` says otherwise.
pub(crate) fn tries(cases: u32) -> ProptestConfig {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(cases),
    }
}

/// Text with everything that escaping has to survive.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => vec(prop::sample::select(vec!['a', 'b', '.', ',', '\\', '\n', '\r', ' ', 'n', '\u{e9}', '\u{2028}']), 0..8)
            .prop_map(String::from_iter),
        1 => any::<String>(),
    ]
}

pub(crate) fn filled() -> impl Strategy<Value = String> {
    text().prop_filter("a blank says nothing", |text| !text.trim().is_empty())
}

pub(crate) fn instant() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        Just(Timestamp::MIN),
        Just(Timestamp::MAX),
        Just(Timestamp::UNIX_EPOCH),
        (Timestamp::MIN.as_nanosecond()..=Timestamp::MAX.as_nanosecond())
            .prop_map(|nanos| Timestamp::from_nanosecond(nanos).expect("in range")),
    ]
}

pub(crate) fn date() -> impl Strategy<Value = Date> {
    prop_oneof![
        Just(Date::MIN),
        Just(Date::MAX),
        (-9999i16..=9999, 1i8..=12, 1i8..=28)
            .prop_map(|(y, m, d)| Date::new(y, m, d).expect("a day")),
    ]
}

fn civil() -> impl Strategy<Value = DateTime> {
    let time = (
        0i8..24,
        0i8..60,
        0i8..60,
        prop_oneof![Just(0), 0i32..1_000_000_000],
    )
        .prop_map(|(h, m, s, n)| Time::new(h, m, s, n).expect("a time"));
    (date(), time).prop_map(|(date, time)| date.to_datetime(time))
}

pub(crate) fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        date().prop_map(When::Date),
        civil().prop_map(When::Floating),
        instant().prop_map(When::At),
    ]
}

pub(crate) fn reminder() -> impl Strategy<Value = Reminder> {
    let anchor = prop::sample::select(vec![Anchor::Due, Anchor::Start, Anchor::End]);
    let offset_secs = prop_oneof![Just(0), Just(i64::MIN), Just(i64::MAX), any::<i64>()];
    prop_oneof![
        when().prop_map(Reminder::At),
        (anchor, offset_secs).prop_map(|(anchor, offset_secs)| Reminder::Relative {
            anchor,
            offset_secs
        }),
    ]
}

pub(crate) fn path() -> impl Strategy<Value = ProjectPath> {
    vec(filled(), 1..4).prop_filter_map("a path has titles", ProjectPath::new)
}

pub(crate) fn task() -> impl Strategy<Value = TaskId> {
    any::<u128>().prop_map(|id| TaskId(uuid::Uuid::from_u128(id)))
}

/// A value such as `field` holds.
pub(crate) fn value(field: Field) -> BoxedStrategy<Value> {
    match field {
        Field::Title | Field::Notes | Field::Recurrence | Field::Series => {
            text().prop_map(Value::Text).boxed()
        }
        Field::Status => prop::sample::select(Status::ALL.to_vec())
            .prop_map(Value::Status)
            .boxed(),
        Field::Archived => any::<bool>().prop_map(Value::Flag).boxed(),
        Field::Priority => (0u32..=5).prop_map(Value::Number).boxed(),
        Field::PercentDone => (0u32..=100).prop_map(Value::Number).boxed(),
        Field::Duration => any::<u32>().prop_map(Value::Number).boxed(),
        Field::Due
        | Field::Deadline
        | Field::Wait
        | Field::Start
        | Field::End
        | Field::Occurrence => when().prop_map(Value::When).boxed(),
        Field::StartedAt | Field::CompletedAt | Field::Created => {
            instant().prop_map(Value::Instant).boxed()
        }
        Field::Project => path().prop_map(Value::Path).boxed(),
        Field::Tags => btree_set(filled(), 0..4).prop_map(Value::Tags).boxed(),
        Field::Annotations => {
            let id = any::<u128>().prop_map(|id| AnnotationId(uuid::Uuid::from_u128(id)));
            let note = (instant(), text()).prop_map(|(at, text)| Annotation { at, text });
            btree_map(id, note, 0..4)
                .prop_map(Value::Annotations)
                .boxed()
        }
        Field::Depends => btree_set(task(), 0..4).prop_map(Value::Tasks).boxed(),
        Field::Parent => task().prop_map(Value::Task).boxed(),
        Field::Reminders => btree_set(reminder(), 0..4)
            .prop_map(Value::Reminders)
            .boxed(),
    }
}

/// A zone by its rule, so that no table of zones is needed.
pub(crate) fn zone(rule: &str) -> TimeZone {
    TimeZone::posix(rule).expect("a rule for a zone")
}
