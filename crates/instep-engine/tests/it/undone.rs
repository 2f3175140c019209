//! Where an undo takes our writes along, it is the person's own step alone that was meant (S31).

use instep_contract::{Call, Copy, Fault};
use instep_model::Field;

use crate::bench::Bench;

const TW: usize = 0;
const VIK: usize = 1;

/// What somebody made of a field at the server.
const EDITS: [(Field, &str, &str); 6] = [
    (Field::Title, "a", "b"),
    (Field::Priority, "", "3"),
    (Field::Priority, "3", "5"),
    (Field::Status, "", "done"),
    (Field::Tags, "home", "home,urgent"),
    (Field::Tags, "home,urgent", "home"),
];

fn value(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// A task that holds this, at rest, and what stood in Taskwarrior before the person's last step: the
/// project.
fn bench_with(field: Field, held: &str) -> (Bench, Copy) {
    let bench = Bench::new(&["undoing", "vik"]);
    let more = value(held).filter(|_| field != Field::Title);
    let more: Vec<(Field, &str)> = more.map(|held| (field, held)).into_iter().collect();
    bench.make_with(TW, "a", &more);
    bench.settle();
    let copy = bench.seats[TW].remote.copy();
    bench.edit(TW, "a", Field::Project, Some("Home"));
    bench.settle();
    (bench, copy)
}

fn held(bench: &Bench, title: &str, field: Field) -> [String; 2] {
    [TW, VIK].map(|at| bench.field(at, title, field))
}

#[test]
fn s31_what_an_undo_took_along_is_put_back() {
    for (field, before, after) in EDITS {
        let (bench, copy) = bench_with(field, before);
        bench.edit(VIK, "a", field, value(after));
        bench.settle();
        bench.seats[TW].remote.undo(&copy);
        bench.settle();
        let title = if field == Field::Title { after } else { "a" };
        assert_eq!(held(&bench, title, field), [after; 2], "{field} {before}");
        assert_eq!(
            held(&bench, title, Field::Project),
            ["", ""],
            "{field} {before}"
        );
        // Once more: what was put back is taken along again.
        bench.hand.advance(60);
        bench.seats[TW].remote.undo(&copy);
        bench.settle();
        assert_eq!(held(&bench, title, field), [after; 2], "{field} {before}");
    }
}

/// Several steps of ours, of which an undo takes all or the last.
#[test]
fn s31_each_of_several_steps_is_put_back() {
    for taken in 0..2 {
        let (bench, first) = bench_with(Field::Priority, "1");
        let copies = [first];
        bench.edit(VIK, "a", Field::Priority, Some("3"));
        bench.settle();
        let second = bench.seats[TW].remote.copy();
        let copies = [&copies[0], &second];
        bench.edit(VIK, "a", Field::Priority, Some("5"));
        bench.edit(VIK, "a", Field::Tags, Some("home"));
        bench.settle();
        bench.seats[TW].remote.undo(copies[taken]);
        bench.settle();
        assert_eq!(held(&bench, "a", Field::Priority), ["5", "5"], "{taken}");
        assert_eq!(held(&bench, "a", Field::Tags), ["home", "home"], "{taken}");
    }
}

#[test]
fn s31_notes_that_an_undo_took_along_are_put_back() {
    let (bench, copy) = bench_with(Field::Priority, "");
    let id = bench.id(VIK, "a");
    let server = &bench.seats[VIK].remote;
    bench.hand.advance(60);
    server.add_note(bench.hand.now(), &id, "from the server");
    bench.settle();
    bench.seats[TW].remote.undo(&copy);
    bench.settle();
    for at in [TW, VIK] {
        let tasks = bench.seats[at].remote.tasks();
        let notes = tasks.iter().flat_map(|task| &task.notes);
        let texts: Vec<&str> = notes.map(|note| &*note.text).collect();
        assert_eq!(texts, ["from the server"], "at {at}");
    }
}

/// What somebody sets back by hand is their edit, as is what they make of it.
#[test]
fn s31_what_a_person_sets_is_theirs() {
    for (field, before, after) in EDITS {
        let (bench, _) = bench_with(field, before);
        bench.edit(VIK, "a", field, value(after));
        bench.settle();
        let title = if field == Field::Title { after } else { "a" };
        bench.edit(TW, title, field, value(before));
        bench.settle();
        let title = if field == Field::Title { before } else { "a" };
        assert_eq!(held(&bench, title, field), [before; 2], "{field} {after}");
    }
}

/// Where the clock went back since, nothing tells an undo from an edit.
#[test]
fn s31_an_edit_below_a_clock_that_went_back_is_an_edit() {
    for (field, before, after) in EDITS {
        let (bench, _) = bench_with(field, before);
        bench.edit(VIK, "a", field, value(after));
        bench.settle();
        bench.hand.advance(-86_400);
        let title = if field == Field::Title { after } else { "a" };
        bench.edit(TW, title, field, value(before));
        bench.settle();
        let title = if field == Field::Title { before } else { "a" };
        assert_eq!(held(&bench, title, field), [before; 2], "{field} {after}");
    }
}

/// The person's own step and what the server made of it since, taken back together: the later one of
/// the two that are left stays, and the other one is remembered.
#[test]
fn s31_what_the_server_made_of_the_step_that_is_undone_stays() {
    let (bench, copy) = bench_with(Field::Priority, "1");
    bench.edit(TW, "a", Field::Priority, Some("3"));
    bench.settle();
    bench.edit(VIK, "a", Field::Priority, Some("5"));
    bench.settle();
    bench.seats[TW].remote.undo(&copy);
    bench.settle();
    assert_eq!(held(&bench, "a", Field::Priority), ["5", "5"]);
}

#[test]
fn s31_a_deletion_that_an_undo_took_along_stays_one() {
    for (deleting, left) in [(VIK, &["a"][..]), (TW, &["a", "b"])] {
        let (bench, _) = bench_with(Field::Priority, "1");
        bench.make(TW, "b");
        bench.settle();
        let copy = bench.seats[TW].remote.copy();
        bench.edit(TW, "a", Field::Project, Some("Work"));
        bench.settle();
        bench.delete(deleting, "b");
        bench.settle();
        bench.hand.advance(60);
        bench.seats[TW].remote.undo(&copy);
        bench.settle();
        // What the person deleted there is what they undid.
        for at in [TW, VIK] {
            assert_eq!(
                bench.titles(at),
                left,
                "deleted at {deleting}, seen at {at}"
            );
        }
    }
}

#[test]
fn s31_an_older_state_that_is_taken_over_is_taken_as_it_is() {
    let (mut bench, copy) = bench_with(Field::Priority, "1");
    bench.edit(VIK, "a", Field::Priority, Some("5"));
    bench.settle();
    bench.seats[TW].remote.put_back(&copy);
    (bench.options.accept, bench.options.max_delete) = (false, Some(100));
    bench.settle();
    assert_eq!(held(&bench, "a", Field::Priority), ["1", "1"]);
}

#[test]
fn s31_what_an_undo_took_along_is_told() {
    let (bench, copy) = bench_with(Field::Priority, "1");
    bench.edit(VIK, "a", Field::Priority, Some("5"));
    bench.settle();
    bench.seats[TW].remote.undo(&copy);
    bench.settle();
    let lines = bench.store.all_journal();
    let told = lines
        .iter()
        .filter(|line| line.cause.contains("an undo there"));
    let told: Vec<_> = told
        .map(|line| (line.from.as_deref(), line.to.as_deref()))
        .collect();
    assert_eq!(told, [(Some("5"), Some("1"))]);
}

/// Whatever was written since, and however often.
#[test]
fn s31_what_was_written_first_and_often_is_put_back() {
    let (bench, copy) = bench_with(Field::Priority, "1");
    bench.edit(VIK, "a", Field::Priority, Some("5"));
    bench.edit(VIK, "a", Field::Tags, Some("there"));
    bench.settle();
    for _ in 0..25 {
        for status in [Some("done"), None] {
            bench.edit(VIK, "a", Field::Status, status);
            bench.settle();
        }
    }
    bench.seats[TW].remote.undo(&copy);
    bench.settle();
    assert_eq!(held(&bench, "a", Field::Priority), ["5", "5"]);
    assert_eq!(held(&bench, "a", Field::Tags), ["there", "there"]);
}

#[test]
fn s31_what_was_written_without_an_answer_is_put_back() {
    for (field, before, after) in EDITS.into_iter().filter(|edit| edit.0 != Field::Title) {
        let (bench, copy) = bench_with(field, before);
        bench.edit(VIK, "a", field, value(after));
        bench.order(TW, Call::Update, Fault::ReplyLost(usize::MAX));
        bench.round_now();
        bench.settle();
        bench.hand.advance(60);
        bench.settle();
        bench.seats[TW].remote.undo(&copy);
        bench.settle();
        assert_eq!(held(&bench, "a", field), [after; 2], "{field} {before}");
    }
}
