//! Where an undo takes our writes along, it is the person's own step alone that was meant (S31).

use instep_contract::{Call, Copy, Fault};
use instep_engine::{Begin, Member, Rehearsal};
use instep_model::{Field, Side};

use crate::bench::{Bench, block_on};

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
        assert_eq!(notes(&bench, at), ["from the server"], "at {at}");
    }
}

/// The same where the person goes on with the task before anybody looks.
#[test]
fn s31_what_an_undo_took_along_is_put_back_beside_a_later_edit() {
    for (field, before, after) in EDITS {
        let (bench, copy) = bench_with(field, before);
        bench.edit(VIK, "a", field, value(after));
        bench.settle();
        bench.seats[TW].remote.undo(&copy);
        bench.edit(TW, "a", Field::Due, Some("2030-01-01"));
        bench.settle();
        let title = if field == Field::Title { after } else { "a" };
        assert_eq!(held(&bench, title, field), [after; 2], "{field} {before}");
        let due = held(&bench, title, Field::Due);
        assert!(
            due.iter().all(|due| due.starts_with("2030-01-01")),
            "{field} {due:?}"
        );
        assert_eq!(held(&bench, title, Field::Project), ["", ""]);
    }
}

/// Their later step, undone as well, leaves what was there before it.
#[test]
fn s31_what_they_made_of_it_and_undid_too_is_as_it_was_before() {
    let cases = [
        (Field::Priority, "1", "3", "2"),
        (Field::Status, "", "done", ""),
        (Field::Tags, "home", "home,x", "home"),
        (Field::Tags, "home,x", "home", "home,x"),
    ];
    for seen in [false, true] {
        for (field, before, there, then) in cases {
            let (bench, copy) = bench_with(field, before);
            bench.edit(VIK, "a", field, value(there));
            bench.settle();
            let own = bench.seats[TW].remote.copy();
            bench.edit(TW, "a", field, value(then));
            bench.settle();
            bench.seats[TW].remote.undo(&own);
            if seen {
                bench.settle();
            }
            bench.seats[TW].remote.undo(&copy);
            bench.settle();
            assert_eq!(
                held(&bench, "a", field),
                [there; 2],
                "{field} {then} {seen}"
            );
        }
    }
}

/// A note that they took away and brought back by an undo is what it was.
#[test]
fn s31_a_note_that_came_and_went_by_undoing_stays() {
    let (bench, copy) = bench_with(Field::Priority, "");
    let there = bench.id(VIK, "a");
    bench.hand.advance(60);
    let server = &bench.seats[VIK].remote;
    server.add_note(bench.hand.now(), &there, "from the server");
    bench.settle();
    let own = bench.seats[TW].remote.copy();
    let here = bench.id(TW, "a");
    let local = &bench.seats[TW].remote;
    let note = local.task(&here).expect("alive").notes[0].id.clone();
    bench.hand.advance(60);
    assert!(local.remove_note(bench.hand.now(), &here, &note));
    bench.settle();
    for copy in [&own, &copy] {
        local.undo(copy);
        bench.settle();
        let wanted = ["from the server"];
        assert_eq!([notes(&bench, TW), notes(&bench, VIK)], [wanted, wanted]);
    }
}

/// A note that was reworded since, and whose writing was undone with it.
#[test]
fn s31_a_note_that_was_written_and_reworded_is_put_back() {
    let (bench, copy) = bench_with(Field::Priority, "");
    let there = bench.id(VIK, "a");
    bench.hand.advance(60);
    let server = &bench.seats[VIK].remote;
    let note = server.add_note(bench.hand.now(), &there, "said");
    bench.settle();
    let later = bench.seats[TW].remote.copy();
    bench.hand.advance(60);
    server.edit_note(bench.hand.now(), &there, &note, "said again");
    bench.settle();
    for copy in [&later, &copy] {
        bench.seats[TW].remote.undo(copy);
        bench.settle();
        let wanted = ["said again"];
        assert_eq!([notes(&bench, TW), notes(&bench, VIK)], [wanted, wanted]);
        bench.hand.advance(60);
    }
}

/// A note that they took away is gone, whatever else they do.
#[test]
fn s31_a_note_that_a_person_takes_away_stays_away() {
    let (bench, _) = bench_with(Field::Priority, "");
    let there = bench.id(VIK, "a");
    bench.hand.advance(60);
    let server = &bench.seats[VIK].remote;
    server.add_note(bench.hand.now(), &there, "from the server");
    bench.settle();
    let here = bench.id(TW, "a");
    let local = &bench.seats[TW].remote;
    let note = local.task(&here).expect("alive").notes[0].id.clone();
    bench.hand.advance(60);
    assert!(local.remove_note(bench.hand.now(), &here, &note));
    bench.settle();
    bench.edit(TW, "a", Field::Tags, Some("home"));
    bench.settle();
    assert_eq!([notes(&bench, TW), notes(&bench, VIK)], [[""; 0]; 2]);
}

/// Of what was written twice the last counts: an older write is none that a later undo could take.
#[test]
fn s31_what_was_written_and_taken_back_there_is_over() {
    let (bench, copy) = bench_with(Field::Tags, "home");
    for tags in ["home,x", "home"] {
        bench.edit(VIK, "a", Field::Tags, Some(tags));
        bench.settle();
    }
    bench.seats[TW].remote.undo(&copy);
    bench.settle();
    let own = bench.seats[TW].remote.copy();
    bench.edit(TW, "a", Field::Tags, Some("home,x"));
    bench.settle();
    bench.seats[TW].remote.undo(&own);
    bench.settle();
    assert_eq!(held(&bench, "a", Field::Tags), ["home", "home"]);
}

/// A deletion and what left no row of it, undone in one.
#[test]
fn s31_an_undo_of_a_deletion_without_a_row_brings_the_task_back() {
    let bench = Bench::new(&["undoing", "vik"]);
    for title in ["a", "b"] {
        bench.make(TW, title);
    }
    bench.settle();
    let copy = bench.seats[TW].remote.copy();
    let id = bench.id(TW, "a");
    bench.delete(TW, "a");
    assert!(bench.seats[TW].remote.purge(&id));
    bench.settle();
    assert_eq!(bench.titles(VIK), ["b"]);
    bench.seats[TW].remote.undo(&copy);
    bench.settle();
    let both = ["a", "b"];
    assert_eq!([bench.titles(TW), bench.titles(VIK)], [both, both]);
}

/// What they make of the very same is theirs, element by element.
#[test]
fn s31_what_is_set_after_an_undo_is_an_edit() {
    let cases = [
        (Field::Priority, "1", "3", "5", "5"),
        (Field::Tags, "home", "home,x,y", "home,x", "home,x,y"),
        (Field::Tags, "home,x", "home", "home,x,y", "home,y"),
    ];
    for (field, before, there, set, wanted) in cases {
        let (bench, copy) = bench_with(field, before);
        bench.edit(VIK, "a", field, Some(there));
        bench.settle();
        bench.seats[TW].remote.undo(&copy);
        bench.edit(TW, "a", field, Some(set));
        bench.settle();
        assert_eq!(held(&bench, "a", field), [wanted; 2], "{field} {set}");
    }
}

fn notes(bench: &Bench, at: usize) -> Vec<String> {
    let tasks = bench.seats[at].remote.tasks();
    let notes = tasks.iter().flat_map(|task| &task.notes);
    let mut texts: Vec<String> = notes.map(|note| note.text.clone()).collect();
    texts.sort();
    texts
}

#[test]
fn s31_notes_are_put_back_beside_a_later_note() {
    for text in ["mine", "from the server"] {
        let (bench, copy) = bench_with(Field::Priority, "");
        let there = bench.id(VIK, "a");
        let server = &bench.seats[VIK].remote;
        for text in ["from the server", "another"] {
            bench.hand.advance(60);
            server.add_note(bench.hand.now(), &there, text);
        }
        bench.settle();
        bench.seats[TW].remote.undo(&copy);
        bench.hand.advance(60);
        let here = bench.id(TW, "a");
        bench.seats[TW]
            .remote
            .add_note(bench.hand.now(), &here, text);
        bench.settle();
        let mut wanted = vec!["another", "from the server", text];
        wanted.sort_unstable();
        wanted.dedup();
        assert_eq!(notes(&bench, TW), wanted);
        assert_eq!(notes(&bench, VIK), wanted);
    }
}

/// However many tasks it took along: none of them was deleted.
#[test]
fn s31_tasks_that_an_undo_took_along_are_made_again() {
    let bench = Bench::new(&["undoing", "vik"]);
    bench.make(TW, "mine");
    bench.settle();
    let copy = bench.seats[TW].remote.copy();
    let titles: Vec<String> = (10..40).map(|number| format!("theirs {number}")).collect();
    for title in &titles {
        bench.make(VIK, title);
    }
    bench.settle();
    bench.seats[TW].remote.undo(&copy);
    bench.settle();
    let all: Vec<String> = ["mine".to_owned()].into_iter().chain(titles).collect();
    assert_eq!([bench.titles(TW), bench.titles(VIK)], [all.clone(), all]);
}

/// Also where nobody had looked since it was made there.
#[test]
fn s31_a_task_that_an_undo_took_along_at_once_is_made_again() {
    let bench = Bench::new(&["undoing", "vik"]);
    bench.make(TW, "mine");
    bench.settle();
    let copy = bench.seats[TW].remote.copy();
    bench.make(VIK, "theirs");
    for (at, begin) in [(VIK, Begin::Look), (TW, Begin::Work)] {
        bench.hand.advance(60);
        bench.turn(at, &begin);
    }
    let id = bench.id(TW, "theirs");
    bench.seats[TW].remote.undo(&copy);
    bench.told(TW, &id);
    bench.settle();
    let both = ["mine", "theirs"];
    assert_eq!([bench.titles(TW), bench.titles(VIK)], [both, both]);
}

/// What we opened again because an edit beat its deletion, and an undo of another step closed.
#[test]
fn s31_a_task_that_an_undo_deleted_again_is_made_again() {
    let bench = Bench::new(&["undoing", "vik"]);
    for title in ["a", "b"] {
        bench.make(TW, title);
    }
    bench.settle();
    let id = bench.id(TW, "a");
    bench.delete(TW, "a");
    bench.edit(VIK, "a", Field::Priority, Some("5"));
    let copy = bench.seats[TW].remote.copy();
    bench.edit(TW, "b", Field::Project, Some("Home"));
    bench.settle();
    bench.seats[TW].remote.undo(&copy);
    bench.settle();
    assert_eq!(held(&bench, "a", Field::Priority), ["5", "5"]);
    assert_eq!(held(&bench, "b", Field::Project), ["", ""]);
    // Whoever deletes it then means it.
    assert_eq!(bench.id(TW, "a"), id);
    bench.delete(TW, "a");
    bench.settle();
    assert_eq!([bench.titles(TW), bench.titles(VIK)], [["b"], ["b"]]);
}

/// Whoever opens again what we deleted wants it, unlike an undo.
#[test]
fn s31_what_a_person_opens_again_is_theirs() {
    let bench = Bench::new(&["undoing", "vik"]);
    for title in ["a", "b"] {
        bench.make(TW, title);
    }
    bench.settle();
    let id = bench.id(TW, "b");
    bench.delete(VIK, "b");
    bench.settle();
    assert_eq!(bench.titles(TW), ["a"]);
    bench.hand.advance(60);
    assert!(bench.seats[TW].remote.restore(bench.hand.now(), &id));
    bench.settle();
    let both = ["a", "b"];
    assert_eq!([bench.titles(TW), bench.titles(VIK)], [both, both]);
}

/// What a person un-makes that somebody went on with elsewhere is made again; the rest is deleted.
#[test]
fn s31_a_task_that_was_changed_elsewhere_outlives_the_undo_of_its_making() {
    let bench = Bench::new(&["undoing", "vik"]);
    bench.make(TW, "mine");
    bench.settle();
    let copy = bench.seats[TW].remote.copy();
    for title in ["a", "b"] {
        bench.make(TW, title);
    }
    bench.settle();
    bench.edit(VIK, "a", Field::Priority, Some("5"));
    bench.settle();
    bench.seats[TW].remote.undo(&copy);
    bench.settle();
    let left = ["a", "mine"];
    assert_eq!([bench.titles(TW), bench.titles(VIK)], [left, left]);
    assert_eq!(held(&bench, "a", Field::Priority), ["5", "5"]);
}

/// A deletion whose row was removed before anybody looked is one all the same.
#[test]
fn s31_what_was_removed_for_good_is_not_made_again() {
    let bench = Bench::new(&["undoing", "vik"]);
    bench.make(TW, "mine");
    for title in ["theirs", "theirs too"] {
        bench.make(VIK, title);
    }
    bench.settle();
    let id = bench.id(TW, "theirs");
    bench.delete(TW, "theirs");
    assert!(bench.seats[TW].remote.purge(&id));
    bench.settle();
    let left = ["mine", "theirs too"];
    assert_eq!([bench.titles(TW), bench.titles(VIK)], [left, left]);
}

/// What is told beforehand is what is done.
#[test]
fn s31_a_dry_run_knows_what_was_undone() {
    let (bench, copy) = bench_with(Field::Priority, "1");
    bench.edit(VIK, "a", Field::Priority, Some("5"));
    bench.settle();
    bench.seats[TW].remote.undo(&copy);
    bench.hand.advance(60);
    let rehearsing = |at| {
        let Member { account, connector } = bench.member(at);
        let connector = Rehearsal::new(connector);
        Member { account, connector }
    };
    let mut members = [rehearsing(TW), rehearsing(VIK)];
    let told = block_on(bench.engine().run_round(&mut members, &bench.options));
    let there = told
        .changes
        .iter()
        .filter(|change| change.account.as_str() == "vik" && change.side == Side::Remote);
    let fields: Vec<Field> = there
        .flat_map(|change| change.fields.iter().map(|change| change.field))
        .collect();
    assert_eq!(fields, [Field::Project]);
}

/// Where the clock went back after a write, it is known all the same whether it was undone.
#[test]
fn s31_an_undo_below_a_clock_that_went_back_is_one() {
    for (field, before, after) in EDITS {
        let (bench, copy) = bench_with(field, before);
        bench.edit(VIK, "a", field, value(after));
        bench.settle();
        bench.hand.advance(-86_400);
        bench.seats[TW].remote.undo(&copy);
        bench.settle();
        let title = if field == Field::Title { after } else { "a" };
        assert_eq!(held(&bench, title, field), [after; 2], "{field} {before}");
    }
}

/// What somebody sets back by hand is their edit, whatever their clock says.
#[test]
fn s31_what_a_person_sets_is_theirs() {
    for step in [0, -86_400] {
        for (field, before, after) in EDITS {
            let (bench, _) = bench_with(field, before);
            bench.edit(VIK, "a", field, value(after));
            bench.settle();
            bench.hand.advance(step);
            let title = if field == Field::Title { after } else { "a" };
            bench.edit(TW, title, field, value(before));
            bench.settle();
            let title = if field == Field::Title { before } else { "a" };
            assert_eq!(
                held(&bench, title, field),
                [before; 2],
                "{field} {after} {step}"
            );
        }
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
        for (status, tags) in [(Some("done"), "there,x"), (None, "there")] {
            bench.edit(VIK, "a", Field::Status, status);
            bench.edit(VIK, "a", Field::Tags, Some(tags));
            bench.settle();
        }
    }
    bench.seats[TW].remote.undo(&copy);
    bench.settle();
    assert_eq!(held(&bench, "a", Field::Priority), ["5", "5"]);
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
