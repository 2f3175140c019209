//! What has to be written, as a table, and what a confirmed write leaves in the base.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use instep_model::{
    AnnotationId, Base, CollectionId, Field, Operation, RemoteId, RemoteNoteId, TaskId, Value,
};
use instep_sync::{
    Places, Planned, Projection, completes_repeating, confirm, plan_create, plan_update,
};

use crate::draw::{self, TASK, at};
use crate::remote::remote_id;
use crate::services::{CALENDAR, DATABASE, FILE, SERVER, service, zone};
use crate::spoken;
use crate::sync::reach;

#[derive(Default)]
struct Case {
    service: usize,
    base: Base,
    hub: String,
    fresh: bool,
    collection: Option<CollectionId>,
    markers: BTreeMap<String, String>,
    /// Tasks that are said to be reachable and have no place.
    placeless: bool,
}

impl Case {
    fn run<T>(&self, run: impl FnOnce(&Projection, &Places) -> T) -> T {
        let reachable = reach(0b0011);
        let known = reachable.iter().filter(|_| !self.placeless);
        let remotes: BTreeMap<TaskId, RemoteId> =
            known.map(|task| (*task, remote_id(*task))).collect();
        let projection = Projection {
            capabilities: &service(self.service).capabilities,
            zone: zone(0),
            reachable: &reachable,
        };
        let places = Places {
            remotes: &remotes,
            collection: self.collection.as_ref(),
            markers: &self.markers,
        };
        run(&projection, &places)
    }

    fn update(&self) -> Vec<Planned> {
        let hub = spoken::fields(&self.hub);
        self.run(|projection, places| {
            plan_update(
                projection,
                &remote_id(TASK),
                &self.base,
                &hub,
                places,
                self.fresh,
            )
        })
    }

    fn create(&self) -> Planned {
        let hub = spoken::fields(&self.hub);
        self.run(|projection, places| plan_create(projection, TASK, &hub, places, None))
    }
}

fn base(line: &str) -> Base {
    let fields = spoken::fields(line);
    let notes = fields
        .annotations()
        .into_keys()
        .map(|id| (id, remote_note(id)));
    Base {
        notes: notes.collect(),
        fields,
        ..Base::default()
    }
}

fn remote_note(id: AnnotationId) -> RemoteNoteId {
    RemoteNoteId::new(format!("n{}", id.0.as_u128() & 0xff))
}

fn case(service: usize, from: &str, hub: &str) -> Case {
    Case {
        service,
        base: base(from),
        hub: hub.to_owned(),
        ..Case::default()
    }
}

fn check(service: usize, from: &str, hub: &str, expected: Expect) {
    expected.assert_eq(&spoken::plan(&case(service, from, hub).update()));
}

fn check_create(service: usize, hub: &str, expected: Expect) {
    expected.assert_eq(&spoken::plan(&[case(service, "", hub).create()]));
}

fn notes(texts: &[(u8, &str)]) -> String {
    let notes = texts.iter().map(|(index, text)| {
        let at = at(i64::from(*index));
        let text = (*text).to_owned();
        (draw::note(*index), instep_model::Annotation { at, text })
    });
    format!("annotations={}", Value::Annotations(notes.collect()))
}

const NEAR: TaskId = TaskId(uuid::Uuid::from_u128(1));
const TWO: TaskId = TaskId(uuid::Uuid::from_u128(2));
const FAR: TaskId = TaskId(uuid::Uuid::from_u128(3));

#[test]
fn nothing_is_written_where_nothing_differs() {
    check(
        SERVER,
        "title=a; tags=x",
        "title=a; tags=x; wait=2026-01-05",
        expect![""],
    );
    check(DATABASE, "priority=1", "priority=2", expect![""]);
    check(
        SERVER,
        &format!("depends={NEAR},{FAR}"),
        &format!("depends={NEAR}"),
        expect![""],
    );
}

#[test]
fn s17_an_update_carries_only_what_changed() {
    check(
        SERVER,
        "title=a; due=2026-01-05T00:00:00Z; priority=1",
        "title=b; due=2026-01-06; priority=1",
        expect![[r#"
            update [title: a -> b, due: 2026-01-05T00:00:00Z -> 2026-01-06T00:00:00Z] => title=b; due=2026-01-06T00:00:00Z
        "#]],
    );
    check(
        FILE,
        "title=a; tags=x",
        "tags=y,with blank",
        expect![[r#"
        update [title: a -> -, tags: x -> y] => title=-; tags=y
    "#]],
    );
    check(
        SERVER,
        "title=a",
        "title=a; completed_at=2026-01-05T00:00:00Z; status=done",
        expect![[r#"
            update [status: - -> done] => status=done
        "#]],
    );
    check(
        DATABASE,
        "title=a",
        "title=a; created=2026-01-05T00:00:00Z",
        expect![""],
    );
}

#[test]
fn s1_an_update_starts_from_what_is_shown() {
    let mut held = case(SERVER, "", "notes=b");
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    held.base.confirm(Field::Notes, text("a "), text("a"));
    expect![[r#"
        update [notes: a -> b] => notes=b
    "#]]
    .assert_eq(&spoken::plan(&held.update()));
}

#[test]
fn s17_tags_go_one_by_one_and_whole_only_on_a_new_task() {
    check(
        SERVER,
        "tags=a,b",
        "tags=b,c,d",
        expect![[r#"
        untag "a" => tags=b
        tag "c" => tags=b,c
        tag "d" => tags=b,c,d
    "#]],
    );
    let fresh = |service, from: &str| Case {
        fresh: true,
        ..case(service, from, "tags=a,b")
    };
    expect![[r#"
        tags {"a", "b"} => tags=a,b
    "#]]
    .assert_eq(&spoken::plan(&fresh(SERVER, "").update()));
    expect![[r#"
        tag "b" => tags=a,b
    "#]]
    .assert_eq(&spoken::plan(&fresh(SERVER, "tags=a").update()));
    expect![[r#"
        tag "a" => tags=a
        tag "b" => tags=a,b
    "#]]
    .assert_eq(&spoken::plan(&fresh(CALENDAR, "").update()));
}

#[test]
fn notes_are_added_changed_and_removed() {
    let (from, to) = (
        notes(&[(0, "a"), (1, "b"), (2, "c")]),
        notes(&[(1, "B"), (2, "c"), (3, "d")]),
    );
    check(
        SERVER,
        &from,
        &to,
        expect![[r#"
        remove note n0 => annotations=00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z b,00000000-0000-0000-0000-000000000e02 2026-01-01T00:00:02Z c
        note n1 becomes "B" => annotations=00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z B,00000000-0000-0000-0000-000000000e02 2026-01-01T00:00:02Z c
        note "d" => annotations=00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z B,00000000-0000-0000-0000-000000000e02 2026-01-01T00:00:02Z c,00000000-0000-0000-0000-000000000e03 2026-01-01T00:00:03Z d
    "#]],
    );
    check(
        DATABASE,
        &from,
        &to,
        expect![[r#"
        update [+note "d", note n1 "B", -note n0] => annotations=00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z B,00000000-0000-0000-0000-000000000e02 2026-01-01T00:00:02Z c,00000000-0000-0000-0000-000000000e03 2026-01-01T00:00:03Z d
    "#]],
    );
}

#[test]
fn links_are_told_by_the_ids_of_the_remote() {
    let (from, to) = (format!("depends={NEAR}"), format!("depends={TWO},{FAR}"));
    check(
        SERVER,
        &from,
        &to,
        expect![[r#"
        unlink DependsOn r1 => depends=
        link DependsOn r2 => depends=00000000-0000-0000-0000-000000000002
    "#]],
    );
    check(
        DATABASE,
        &from,
        &to,
        expect![[r#"
        update [+after r2, -after r1] => depends=00000000-0000-0000-0000-000000000002
    "#]],
    );
    let (from, to) = (format!("parent={NEAR}"), format!("parent={TWO}"));
    check(
        SERVER,
        &from,
        &to,
        expect![[r#"
        unlink PartOf r1 => parent=-
        link PartOf r2 => parent=00000000-0000-0000-0000-000000000002
    "#]],
    );
    check(
        SERVER,
        &from,
        "",
        expect![[r#"
        unlink PartOf r1 => parent=-
    "#]],
    );
    check(
        SERVER,
        "",
        &to,
        expect![[r#"
        link PartOf r2 => parent=00000000-0000-0000-0000-000000000002
    "#]],
    );
    check(
        CALENDAR,
        &from,
        &to,
        expect![[r#"
        update [part of r2] => parent=00000000-0000-0000-0000-000000000002
    "#]],
    );
    check(
        CALENDAR,
        &from,
        "",
        expect![[r#"
        update [part of nothing] => parent=-
    "#]],
    );
}

#[test]
fn a_link_without_a_place_is_neither_written_nor_agreed_on() {
    let hub = format!("depends={NEAR}; parent={NEAR}");
    for service in [SERVER, DATABASE, CALENDAR] {
        let placeless = Case {
            placeless: true,
            ..case(service, "", &hub)
        };
        assert_eq!(placeless.update(), [], "{service}");
        assert_eq!(placeless.create().confirms, [], "{service}");
    }
}

#[test]
fn s20_a_changed_project_moves_the_task_to_its_collection() {
    let moved = |hub: &str| Case {
        collection: Some(CollectionId::new("c7")),
        ..case(SERVER, "title=a; project=Home", hub)
    };
    expect![[r#"
        update [project: Home -> Work, move to c7] => project=Work
    "#]]
    .assert_eq(&spoken::plan(&moved("title=a; project=Work").update()));
    expect![[r#"
        update [title: a -> b] => title=b
    "#]]
    .assert_eq(&spoken::plan(&moved("title=b; project=Home").update()));
}

#[test]
fn s26_markers_are_written_where_they_are_missing_or_wrong() {
    let marker = |id: &str| BTreeMap::from([("vikunja_id".to_owned(), id.to_owned())]);
    let marked = |held: BTreeMap<String, String>| {
        let mut case = case(DATABASE, "title=a", "title=a");
        case.base.markers = held;
        case.markers = marker("7");
        case
    };
    expect![[r#"
        update [+vikunja_id:7] => 
    "#]]
    .assert_eq(&spoken::plan(&marked(BTreeMap::new()).update()));
    expect![[r#"
        update [+vikunja_id:7] => 
    "#]]
    .assert_eq(&spoken::plan(&marked(marker("6")).update()));
    assert_eq!(marked(marker("7")).update(), []);
    let planned = marked(BTreeMap::new()).update();
    let mut base = Base::default();
    confirm(&mut base, &planned[0], None, &BTreeMap::new());
    assert_eq!(base.markers, marker("7"));
    let created = marked(BTreeMap::new()).create();
    let mut base = Base::default();
    confirm(&mut base, &created, None, &BTreeMap::new());
    assert_eq!(base.markers, marker("7"));
}

#[test]
fn a_marker_taken_away_is_forgotten() {
    let edit = instep_model::Edit {
        markers: BTreeMap::from([("vikunja_id".to_owned(), None)]),
        ..instep_model::Edit::default()
    };
    let planned = Planned {
        operation: Operation::Update {
            id: remote_id(TASK),
            edit,
        },
        confirms: Vec::new(),
    };
    let mut base = Base::default();
    base.markers.insert("vikunja_id".to_owned(), "7".to_owned());
    confirm(&mut base, &planned, None, &BTreeMap::new());
    assert!(base.markers.is_empty());
}

#[test]
fn a_draft_holds_what_travels_with_the_body() {
    let hub = format!(
        "title=a; status=done; priority=2; due=2026-01-05T09:00:00; wait=2026-01-04; project=Home; \
         tags=x,with blank; depends={NEAR},{FAR}; parent={TWO}; started_at=2026-01-01T00:00:00.5Z; \
         completed_at=2026-01-02T00:00:00.5Z; created=2026-01-01T00:00:00.5Z; {}",
        notes(&[(0, "first"), (1, "second")])
    );
    check_create(
        SERVER,
        &hub,
        expect![[r#"
        create [title=a; status=done; priority=2; due=2026-01-05T09:00:00Z; project=Home; completed_at=2026-01-02T00:00:00Z] => title=a; status=done; priority=2; due=2026-01-05T09:00:00Z; project=Home
    "#]],
    );
    check_create(
        DATABASE,
        &hub,
        expect![[r#"
        create [title=a; status=done; priority=1; due=2026-01-05T09:00:00Z; wait=2026-01-04T00:00:00Z; project=Home; tags=x; started_at=2026-01-01T00:00:00Z; completed_at=2026-01-02T00:00:00Z; created=2026-01-01T00:00:00Z] note "first" note "second" after r1 => title=a; status=done; priority=1; due=2026-01-05T09:00:00Z; wait=2026-01-04T00:00:00Z; project=Home; tags=x; annotations=00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z first,00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z second; depends=00000000-0000-0000-0000-000000000001; started_at=2026-01-01T00:00:00Z; completed_at=2026-01-02T00:00:00Z
    "#]],
    );
    check_create(
        CALENDAR,
        &hub,
        expect![[r#"
        create [title=a; status=done; priority=1; due=2026-01-05; completed_at=2026-01-02T00:00:00Z] note "first" note "second" part of r2 => title=a; status=done; priority=1; due=2026-01-05; annotations=00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z first,00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z second; parent=00000000-0000-0000-0000-000000000002
    "#]],
    );
    check_create(
        FILE,
        &hub,
        expect![[r#"
        create [title=a; status=done; priority=1; due=2026-01-05; project=Home; tags=x] => title=a; status=done; priority=1; due=2026-01-05; project=Home; tags=x
    "#]],
    );
    let mut placed = case(SERVER, "", "title=a; project=Home");
    placed.collection = Some(CollectionId::new("c7"));
    expect![[r#"
        create [title=a; project=Home] in c7 => title=a; project=Home
    "#]]
    .assert_eq(&spoken::plan(&[placed.create()]));
}

#[test]
fn a_draft_carries_shadow_and_ids() {
    let hub = spoken::fields("title=a");
    let planned = Case::default().run(|projection, places| {
        plan_create(projection, TASK, &hub, places, Some("shadow".to_owned()))
    });
    let Operation::Create(draft) = planned.operation else {
        panic!("a create");
    };
    assert_eq!(
        (draft.task, draft.shadow.as_deref()),
        (TASK, Some("shadow"))
    );
    assert!(draft.notes.iter().all(|note| note.remote.is_none()));
}

fn check_confirm(service: usize, from: &str, hub: &str, held: Option<&str>, expected: Expect) {
    let case = case(service, from, hub);
    let held = held.map(spoken::fields);
    let mut base = case.base.clone();
    for planned in case.update() {
        confirm(&mut base, &planned, held.as_ref(), &BTreeMap::new());
    }
    expected.assert_eq(&spoken::base(&base));
}

#[test]
fn s1_the_base_is_what_was_sent_and_knows_what_is_shown() {
    check_confirm(SERVER, "title=a", "title=b", None, expect!["title=b"]);
    check_confirm(
        SERVER,
        "title=a",
        "title=b",
        Some("title=b; priority=3"),
        expect!["title=b"],
    );
    check_confirm(
        SERVER,
        "title=a",
        "title=b; notes=x ",
        Some("title=b; notes=x"),
        expect!["title=b; notes=x  (shows notes=x)"],
    );
    check_confirm(
        SERVER,
        "title=a",
        "title=b",
        Some(""),
        expect!["title=b (shows title=-)"],
    );
    // Somebody else tagged it meanwhile: that is for the next look.
    check_confirm(
        SERVER,
        "tags=a",
        "tags=a,b",
        Some("tags=a,b,c"),
        expect!["tags=a,b"],
    );
    check_confirm(
        DATABASE,
        "tags=a",
        "tags=a,b",
        Some("tags=a,b,c"),
        expect!["tags=a,b"],
    );
    check_confirm(
        DATABASE,
        "",
        &format!("depends={NEAR}"),
        Some(&format!("depends={NEAR},{TWO}")),
        expect!["depends=00000000-0000-0000-0000-000000000001"],
    );
    check_confirm(
        CALENDAR,
        "",
        &format!("parent={NEAR}"),
        Some(""),
        expect!["parent=00000000-0000-0000-0000-000000000001"],
    );
    let (sent, shown) = (
        notes(&[(0, "a "), (1, "b")]),
        notes(&[(0, "a"), (2, "theirs")]),
    );
    check_confirm(
        DATABASE,
        "",
        &sent,
        Some(&shown),
        expect![
            "annotations=00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z a ,00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z b (shows annotations=00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z a,00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z b)"
        ],
    );
}

#[test]
fn s19_ids_of_notes_come_and_go_with_them() {
    let removal = case(
        DATABASE,
        &notes(&[(0, "a"), (1, "b")]),
        &notes(&[(1, "b"), (2, "c")]),
    );
    let mut base = removal.base.clone();
    let written = BTreeMap::from([(draw::note(2), RemoteNoteId::new("n2"))]);
    for planned in removal.update() {
        confirm(&mut base, &planned, None, &written);
    }
    let known: Vec<_> = base.notes.into_iter().collect();
    let expected = [1, 2].map(|index| (draw::note(index), remote_note(draw::note(index))));
    assert_eq!(known, expected);
}

#[test]
fn s13_only_closing_a_repeating_task_must_not_be_repeated() {
    let check = |from: &str, hub: &str, expected: bool| {
        let case = case(CALENDAR, from, hub);
        let planned = case.update();
        let found = planned
            .iter()
            .any(|one| completes_repeating(&case.base, &one.operation));
        assert_eq!(found, expected, "{from} -> {hub}");
    };
    let daily = "title=a; recurrence=FREQ=DAILY";
    check(daily, &format!("{daily}; status=done"), true);
    check(daily, &format!("{daily}; status=cancelled"), true);
    check(daily, &format!("{daily}; status=blocked"), false);
    check(daily, "title=b; recurrence=FREQ=DAILY", false);
    check(&format!("{daily}; status=done"), daily, false);
    check("title=a", "title=a; status=done", false);
    let delete = Operation::Delete {
        id: remote_id(TASK),
    };
    assert!(!completes_repeating(&base(daily), &delete));
}
