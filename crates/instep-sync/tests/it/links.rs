//! A remote item in the hub's ids: links that lead somewhere, and notes that are known again.

use std::collections::BTreeMap;

use instep_model::{
    AccountId, Annotation, AnnotationId, Base, Field, Fields, RemoteId, RemoteNote, RemoteNoteId,
    RemoteTask, TaskId, Value,
};
use instep_sync::{Translated, translate};

use crate::draw::{TASK, at, note, other};
use crate::remote::remote_id;
use crate::sync::text;

fn account() -> AccountId {
    AccountId::new("account")
}

fn item(notes: &[(&str, &str)]) -> RemoteTask {
    let mut item = RemoteTask::new(
        remote_id(TASK),
        Fields::new().with(Field::Title, text("milk")),
    );
    item.notes = notes
        .iter()
        .map(|(id, text)| RemoteNote {
            id: RemoteNoteId::new(*id),
            at: at(500),
            text: (*text).to_owned(),
        })
        .collect();
    item
}

fn annotated(notes: &[(u8, &str)]) -> Fields {
    let notes = notes.iter().map(|(index, text)| {
        let text = (*text).to_owned();
        (
            note(*index),
            Annotation {
                at: at(i64::from(*index)),
                text,
            },
        )
    });
    Fields::new().with(Field::Annotations, Value::Annotations(notes.collect()))
}

fn base(notes: &[(u8, &str, &str)]) -> Base {
    let texts: Vec<(u8, &str)> = notes
        .iter()
        .map(|(index, text, _)| (*index, *text))
        .collect();
    let ids = notes
        .iter()
        .map(|(index, _, id)| (note(*index), RemoteNoteId::new(*id)));
    Base {
        fields: annotated(&texts),
        notes: ids.collect(),
        ..Base::default()
    }
}

fn look(item: &RemoteTask, base: &Base, hub: &Fields) -> Translated {
    let known: BTreeMap<RemoteId, TaskId> = (0..2)
        .map(|index| (remote_id(other(index)), other(index)))
        .collect();
    translate(item, TASK, &account(), base, hub, |id| {
        known.get(id).copied()
    })
}

fn derived(id: &str) -> AnnotationId {
    AnnotationId::derived(&account(), TASK, &RemoteNoteId::new(id))
}

#[track_caller]
fn check(
    item: &RemoteTask,
    base: &Base,
    hub: &Fields,
    expected: &[(AnnotationId, &str, &str, i64)],
) {
    let look = look(item, base, hub);
    let expected_notes: BTreeMap<_, _> = expected
        .iter()
        .map(|(id, remote, ..)| (*id, RemoteNoteId::new(*remote)))
        .collect();
    assert_eq!(look.notes, expected_notes);
    let annotations: BTreeMap<_, _> = expected
        .iter()
        .map(|(id, _, text, secs)| {
            (
                *id,
                Annotation {
                    at: at(*secs),
                    text: (*text).to_owned(),
                },
            )
        })
        .collect();
    assert_eq!(look.fields.annotations(), annotations);
    assert_eq!(look.fields.title(), "milk");
}

#[test]
fn s23_links_to_tasks_without_a_partner_are_left_out() {
    let mut item = item(&[]);
    item.depends = [other(0), other(3)].map(remote_id).into();
    item.parent = Some(remote_id(other(1)));
    let look_at = |item: &RemoteTask| look(item, &Base::default(), &Fields::new()).fields;
    assert_eq!(look_at(&item).depends(), [other(0)].into());
    assert_eq!(look_at(&item).parent(), Some(other(1)));
    item.parent = Some(remote_id(other(3)));
    item.depends.clear();
    assert_eq!(look_at(&item).get(Field::Parent), None);
    assert_eq!(look_at(&item).get(Field::Depends), None);
}

#[test]
fn s19_a_known_note_keeps_its_id_and_its_time() {
    let known = base(&[(1, "old", "n1")]);
    check(
        &item(&[("n1", "new")]),
        &known,
        &annotated(&[(1, "old")]),
        &[(note(1), "n1", "new", 1)],
    );
    // The hub has removed it: its time is still known.
    check(
        &item(&[("n1", "new")]),
        &known,
        &Fields::new(),
        &[(note(1), "n1", "new", 1)],
    );
}

#[test]
fn s19_a_note_is_adopted_by_its_text_once() {
    let hub = annotated(&[(1, "same"), (2, "same"), (3, "other")]);
    let twice = item(&[("n1", "same"), ("n2", "same"), ("n3", "same")]);
    check(
        &twice,
        &Base::default(),
        &hub,
        &[
            (note(1), "n1", "same", 1),
            (note(2), "n2", "same", 2),
            (derived("n3"), "n3", "same", 500),
        ],
    );
    // One that is paired already is not free.
    let known = base(&[(1, "same", "n9")]);
    check(
        &item(&[("n1", "same"), ("n9", "same")]),
        &known,
        &annotated(&[(1, "same")]),
        &[
            (note(1), "n9", "same", 1),
            (derived("n1"), "n1", "same", 500),
        ],
    );
}

#[test]
fn s19_a_new_note_gets_the_same_id_every_time() {
    let new = item(&[("n7", "new")]);
    check(
        &new,
        &Base::default(),
        &Fields::new(),
        &[(derived("n7"), "n7", "new", 500)],
    );
    assert_eq!(
        look(&new, &Base::default(), &Fields::new()),
        look(&new, &Base::default(), &Fields::new())
    );
}
