//! Values side by side: what says nothing is not kept, and equal means the same.

use std::collections::{BTreeMap, BTreeSet};

use instep_model::{
    AccountId, AnnotationId, Base, Field, Fields, RemoteId, RemoteNoteId, RemoteTask, Status,
    TaskId, Value,
};
use proptest::prelude::*;

use crate::words;

#[test]
fn empty_and_absent_are_one_thing() {
    for (field, value) in [
        (Field::Title, Value::Text(String::new())),
        (Field::Status, Value::Status(Status::Open)),
        (Field::Archived, Value::Flag(false)),
        (Field::Priority, Value::Number(0)),
        (Field::Tags, Value::Tags(BTreeSet::new())),
        (Field::Tags, Value::Tags(BTreeSet::from([String::new()]))),
        (Field::Annotations, Value::Annotations(BTreeMap::new())),
        (Field::Depends, Value::Tasks(BTreeSet::new())),
        (Field::Reminders, Value::Reminders(BTreeSet::new())),
    ] {
        assert!(value.is_empty(), "{field}");
        let set = Fields::new().with(field, value.clone());
        assert_eq!(set, Fields::new(), "{field}");
        assert!(set.is_empty());
        assert!(Fields::from_iter([(field, value)]).is_empty());
    }
    assert!(
        !Fields::new()
            .with(Field::Priority, Value::Number(1))
            .is_empty()
    );
}

#[test]
fn readers_answer_what_an_absent_value_means() {
    let none = Fields::new();
    assert_eq!(none.title(), "");
    assert_eq!(none.status(), Status::Open);
    assert_eq!(none.number(Field::Priority), 0);
    assert_eq!(none.when(Field::Due), None);
    assert_eq!(none.instant(Field::Created), None);
    assert_eq!(none.project(), None);
    assert_eq!(none.parent(), None);
    assert!(none.tags().is_empty() && none.annotations().is_empty() && none.depends().is_empty());
}

#[test]
fn a_base_shows_what_the_remote_made_of_a_value() {
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    let mut base = Base::default();
    base.confirm(Field::Notes, text("a "), text("a"));
    assert_eq!(base.fields.text(Field::Notes), "a ");
    assert_eq!(base.shown(Field::Notes), text("a").as_ref());
    base.confirm(Field::Notes, text("b"), text("b"));
    assert!(base.held_as.is_empty());
    base.confirm(Field::Notes, text("c"), None);
    assert_eq!(base.shown(Field::Notes), None);
    base.confirm(Field::Notes, None, text(""));
    assert!(base.held_as.is_empty() && base.fields.is_empty());
}

#[test]
fn derived_ids_repeat_and_differ() {
    let (home, work) = (AccountId::new("home"), AccountId::new("work"));
    let item = RemoteId::new("7");
    let id = TaskId::derived(&home, "first", &item);
    assert_eq!(id, TaskId::derived(&home, "first", &item));
    assert_ne!(id, TaskId::derived(&work, "first", &item));
    assert_ne!(id, TaskId::derived(&home, "second", &item));
    assert_ne!(id, TaskId::derived(&home, "first", &RemoteId::new("8")));
    let note = RemoteNoteId::new("1");
    let annotation = AnnotationId::derived(&home, id, &note);
    assert_eq!(annotation, AnnotationId::derived(&home, id, &note));
    assert_ne!(annotation, AnnotationId::derived(&work, id, &note));
    assert_ne!(annotation.0, id.0);
}

#[test]
fn content_is_everything_but_time_revision_and_shadow() {
    let one = RemoteTask::new(RemoteId::new("7"), Fields::new());
    let mut other = one.clone();
    other.changed_at = Some(jiff::Timestamp::UNIX_EPOCH);
    other.revision = Some("2".to_owned());
    other.shadow = Some("{}".to_owned());
    assert!(one.same_content(&other));
    other.markers.insert("m".to_owned(), "1".to_owned());
    assert!(!one.same_content(&other));
    let mut linked = one.clone();
    linked.parent = Some(RemoteId::new("8"));
    assert!(!one.same_content(&linked));
    linked.parent = None;
    linked.depends.insert(RemoteId::new("8"));
    assert!(!one.same_content(&linked));
}

fn fields() -> impl Strategy<Value = Fields> {
    let one = prop::sample::select(Field::ALL.to_vec())
        .prop_flat_map(|field| words::value(field).prop_map(move |value| (field, value)));
    prop::collection::vec(one, 0..8).prop_map(Fields::from_iter)
}

proptest! {
    #![proptest_config(words::tries(10_000))]

    #[test]
    fn no_empty_value_is_ever_kept(fields in fields()) {
        for (field, value) in fields.iter() {
            prop_assert!(!value.is_empty(), "{}", field);
            prop_assert_eq!(fields.get(field), Some(value));
        }
        prop_assert_eq!(fields.iter().count() == 0, fields.is_empty());
    }

    #[test]
    fn differences_are_what_has_to_be_copied(one in fields(), other in fields()) {
        let mut copy = one.clone();
        for field in one.differences(&other) {
            prop_assert_ne!(one.get(field), other.get(field));
            copy.set(field, other.get(field).cloned());
        }
        prop_assert_eq!(copy, other);
    }
}
