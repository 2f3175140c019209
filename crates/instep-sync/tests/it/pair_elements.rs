//! What becomes of tags, links and notes, which merge element by element.

use expect_test::{Expect, expect};
use instep_model::{Base, Field, Value};

use crate::draw::{self, at};
use crate::pair::{Setting, check, setting, told, with};
use crate::services::DATABASE;
use crate::spoken;

#[test]
fn tags_merge_by_element() {
    check(
        "tags=a,b,c",
        "tags=a,b,d",
        "tags=b,c,e",
        expect![[r#"
        hub: tags=b,d,e
        base: tags=b,c,e
    "#]],
    );
}

#[test]
fn s23_a_parent_out_of_reach_stays() {
    let (near, two, far) = (draw::other(0), draw::other(1), draw::other(2));
    let parent = |task| format!("parent={task}");
    check(
        &parent(near),
        &parent(two),
        "",
        expect![[r#"
        hub: parent=00000000-0000-0000-0000-000000000002
        base: 
    "#]],
    );
    check(
        &parent(near),
        "",
        &parent(two),
        expect![[r#"
        hub: parent=00000000-0000-0000-0000-000000000002
        base: parent=00000000-0000-0000-0000-000000000002
    "#]],
    );
    check(
        &parent(near),
        &parent(far),
        &parent(two),
        expect![[r#"
        hub: parent=00000000-0000-0000-0000-000000000002
        base: parent=00000000-0000-0000-0000-000000000002
        conflict parent: 00000000-0000-0000-0000-000000000001 | hub 00000000-0000-0000-0000-000000000003 | remote 00000000-0000-0000-0000-000000000002 -> Remote
    "#]],
    );
    check(
        &parent(near),
        &parent(far),
        "",
        expect![[r#"
        hub: parent=00000000-0000-0000-0000-000000000003
        base: 
    "#]],
    );
}

#[test]
fn s23_a_dependency_out_of_reach_stays() {
    let (near, far) = (draw::other(0), draw::other(2));
    check(
        &format!("depends={near},{far}"),
        &format!("depends={near},{far}"),
        "",
        expect![[r#"
            hub: depends=00000000-0000-0000-0000-000000000003
            base: 
        "#]],
    );
    // A link to a task that is not there is taken when it is new, and stays away when it was
    // taken away here.
    check(
        "",
        "",
        &format!("depends={near},{far}"),
        expect![[r#"
            hub: depends=00000000-0000-0000-0000-000000000001,00000000-0000-0000-0000-000000000003
            base: depends=00000000-0000-0000-0000-000000000001,00000000-0000-0000-0000-000000000003
        "#]],
    );
    check(
        &format!("depends={near},{far}"),
        &format!("depends={near}"),
        &format!("depends={near},{far}"),
        expect![[r#"
            hub: depends=00000000-0000-0000-0000-000000000001
            base: depends=00000000-0000-0000-0000-000000000001,00000000-0000-0000-0000-000000000003
        "#]],
    );
}

#[test]
fn s2_a_tag_that_the_service_cannot_hold_stays() {
    let database = Setting {
        service: DATABASE,
        ..setting()
    };
    with(
        &database,
        "tags=a",
        "tags=a,with blank",
        "tags=b",
        expect![[r#"
            hub: tags=b,with blank
            base: tags=b
        "#]],
    );
}

fn notes(texts: &[(u8, &str)]) -> String {
    let notes = texts.iter().map(|(index, text)| {
        let at = at(i64::from(*index));
        let text = (*text).to_owned();
        (draw::note(*index), instep_model::Annotation { at, text })
    });
    format!("annotations={}", Value::Annotations(notes.collect()))
}

#[test]
fn s19_annotations_merge_by_element_and_an_edit_beats_a_deletion() {
    let base = notes(&[(0, "a"), (1, "b")]);
    check(
        &base,
        &notes(&[(0, "a")]),
        &notes(&[(0, "x"), (1, "b")]),
        expect![[r#"
            hub: annotations=00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z x
            base: annotations=00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z x,00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z b
        "#]],
    );
    check(
        &base,
        &notes(&[(1, "b")]),
        &notes(&[(0, "x"), (1, "b")]),
        expect![[r#"
            hub: annotations=00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z x,00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z b
            base: annotations=00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z x,00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z b
        "#]],
    );
    check(
        &base,
        &notes(&[(0, "y"), (1, "b")]),
        &notes(&[(1, "b"), (2, "new")]),
        expect![[r#"
            hub: annotations=00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z y,00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z b,00000000-0000-0000-0000-000000000e02 2026-01-01T00:00:02Z new
            base: annotations=00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z b,00000000-0000-0000-0000-000000000e02 2026-01-01T00:00:02Z new
        "#]],
    );
    check(
        &base,
        &notes(&[(0, "y"), (1, "b")]),
        &notes(&[(0, "x"), (1, "b")]),
        expect![[r#"
            hub: annotations=00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z x,00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z b
            base: annotations=00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z x,00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z b
            conflict annotations: 00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z a | hub 00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z y | remote 00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z x -> Remote
        "#]],
    );
    let hub_wins = Setting {
        seen_millis: 0,
        ..setting()
    };
    with(
        &hub_wins,
        &base,
        &notes(&[(0, "y"), (1, "b")]),
        &notes(&[(0, "x"), (1, "b")]),
        expect![[r#"
            hub: annotations=00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z y,00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z b
            base: annotations=00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z x,00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z b
            conflict annotations: 00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z a | hub 00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z y | remote 00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z x -> Hub
        "#]],
    );
}

#[test]
fn s1_a_note_shown_otherwise_than_sent_is_no_edit() {
    let sent = spoken::fields(&notes(&[(0, "a "), (1, "b ")]));
    let shown = spoken::fields(&notes(&[(0, "a"), (1, "b")]));
    let annotations = Field::Annotations;
    let mut base = Base::default();
    base.confirm(
        annotations,
        sent.get(annotations).cloned(),
        shown.get(annotations).cloned(),
    );
    let check = |hub: &str, seen: &str, expected: Expect| {
        expected.assert_eq(&told(&setting(), Some(&base), hub, seen));
    };
    check(
        &notes(&[(0, "a "), (1, "b ")]),
        &notes(&[(0, "a"), (1, "b")]),
        expect![[r#"
            hub: annotations=00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z a ,00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z b 
            base: annotations=00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z a ,00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z b  (shows annotations=00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z a,00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z b)
        "#]],
    );
    check(
        &notes(&[(0, "a "), (1, "b ")]),
        &notes(&[(1, "b")]),
        expect![[r#"
            hub: annotations=00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z b 
            base: annotations=00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z b  (shows annotations=00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z b)
        "#]],
    );
    check(
        &notes(&[(0, "a "), (1, "b ")]),
        &notes(&[(0, "a"), (1, "c")]),
        expect![[r#"
            hub: annotations=00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z a ,00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z c
            base: annotations=00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z a ,00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z c (shows annotations=00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z a,00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z c)
        "#]],
    );
    check(
        &notes(&[(1, "b ")]),
        &notes(&[(0, "a"), (1, "b")]),
        expect![[r#"
            hub: annotations=00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z b 
            base: annotations=00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z a ,00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z b  (shows annotations=00000000-0000-0000-0000-000000000e00 2026-01-01T00:00:00Z a,00000000-0000-0000-0000-000000000e01 2026-01-01T00:00:01Z b)
        "#]],
    );
}
