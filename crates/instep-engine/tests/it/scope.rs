//! What an account's scope leaves out is left alone on both sides, until it comes back (S27).

use instep_model::{Field, MappingState, Scope};

use crate::bench::{Bench, path};

const TW: usize = 0;
const VIK: usize = 1;

/// Tasks in two projects, on both sides.
fn two_projects() -> Bench {
    let bench = Bench::new(&["tw", "vik"]);
    for (title, project) in [("a", "A"), ("b", "B"), ("c", "B")] {
        bench.make_with(TW, title, &[(Field::Project, project)]);
    }
    bench.settle();
    bench
}

fn only(project: &str) -> Scope {
    Scope {
        projects: vec![path(project)],
        ..Scope::default()
    }
}

#[test]
fn s27_what_left_the_scope_is_deleted_on_neither_side() {
    let mut bench = two_projects();
    bench.seats[VIK].account.scope = only("A");
    bench.settle();
    bench.delete(TW, "b");
    bench.delete(VIK, "c");
    bench.settle();
    assert_eq!(bench.titles(TW), ["a", "c"]);
    assert_eq!(bench.titles(VIK), ["a", "b"]);
    bench.delete(TW, "a");
    bench.settle();
    assert_eq!(bench.titles(VIK), ["b"]);
}

/// S27: a scope that is widened has everything looked at and carried.
#[test]
fn s27_a_wider_scope_brings_both_sides_in_step() {
    let mut bench = two_projects();
    bench.seats[VIK].account.scope = only("A");
    bench.settle();
    bench.make_with(TW, "new", &[(Field::Project, "B")]);
    bench.edit(TW, "b", Field::Title, Some("edited here"));
    bench.delete(TW, "c");
    bench.settle();
    assert_eq!(bench.titles(VIK), ["a", "b", "c"]);
    bench.seats[VIK].account.scope = Scope::default();
    bench.settle();
    for at in 0..2 {
        assert_eq!(bench.titles(at), ["a", "edited here", "new"], "{at}");
    }
}

/// The state of the pair of the task with this title in Vikunja.
fn state(bench: &Bench, title: &str) -> MappingState {
    let tasks = bench.store.all_tasks();
    let task = tasks.iter().find(|task| task.fields.title() == title);
    let task = task.expect("the hub has it").id;
    let pairs = bench.store.all_mappings();
    let account = &bench.seats[VIK].account.id;
    let mut own = pairs
        .iter()
        .filter(|pair| pair.task == task && pair.account == *account);
    own.next().expect("it is paired").state
}

/// S27: whatever happened there since the scope was narrowed is none of the account's, also before
/// the first sync that knows of it, and however much it is.
#[test]
fn s27_a_narrower_scope_takes_neither_edits_nor_deletions() {
    let mut bench = two_projects();
    for at in 0..12 {
        bench.make_with(TW, &format!("d{at:02}"), &[(Field::Project, "B")]);
    }
    bench.settle();
    bench.seats[VIK].account.scope = only("A");
    bench.edit(VIK, "b", Field::Title, Some("b there"));
    bench.delete(VIK, "c");
    for at in 0..12 {
        bench.delete(VIK, &format!("d{at:02}"));
    }
    bench.settle();
    bench.edit(VIK, "b there", Field::Priority, Some("4"));
    bench.settle();
    assert_eq!(bench.titles(TW).len(), 15);
    assert_eq!(bench.field(TW, "b", Field::Priority), "");
    assert_eq!(bench.titles(VIK), ["a", "b there"]);
    assert_eq!(state(&bench, "b"), MappingState::OutOfScope);
    assert!(bench.sync().changes.is_empty());
}

/// S27: a task that comes back is merged with what was changed there meanwhile, before anything is
/// written over it and also where nothing is to be. One that was deleted there meanwhile is made again.
#[test]
fn s27_what_comes_back_is_read_before_it_is_written() {
    let mut bench = two_projects();
    bench.seats[VIK].account.scope = only("B");
    bench.settle();
    for title in ["b", "c"] {
        bench.edit(TW, title, Field::Project, Some("A"));
    }
    bench.settle();
    bench.edit(VIK, "a", Field::Notes, Some("there"));
    bench.edit(VIK, "b", Field::Title, Some("b there"));
    bench.delete(VIK, "c");
    bench.settle();
    assert_eq!(bench.titles(TW), ["a", "b", "c"]);
    for title in ["a", "b", "c"] {
        bench.edit(TW, title, Field::Project, Some("B"));
    }
    bench.settle();
    for at in [TW, VIK] {
        assert_eq!(bench.titles(at), ["a", "b there", "c"], "{at}");
        for title in ["a", "b there", "c"] {
            assert_eq!(bench.field(at, title, Field::Project), "B", "{at} {title}");
        }
    }
    assert_eq!(bench.field(VIK, "a", Field::Notes), "there");
    for title in ["a", "b there", "c"] {
        assert_eq!(state(&bench, title), MappingState::Synced, "{title}");
    }
    assert!(bench.sync().changes.is_empty());
}

/// S27: a round for one task reads it before it writes it, too.
#[test]
fn s27_one_task_that_comes_back_is_read_before_it_is_written() {
    let mut bench = two_projects();
    bench.seats[VIK].account.scope = only("A");
    bench.settle();
    bench.edit(VIK, "b", Field::Title, Some("b there"));
    bench.settle();
    bench.edit(TW, "b", Field::Project, Some("A"));
    let id = bench.id(TW, "b");
    bench.event(TW, &id);
    bench.settle();
    for at in [TW, VIK] {
        assert_eq!(bench.titles(at), ["a", "b there", "c"], "{at}");
        assert_eq!(bench.field(at, "b there", Field::Project), "A", "{at}");
    }
}

/// S27: who takes a task out of the scope there is heard; what follows there is not, until it is put
/// back, and then all of it is.
#[test]
fn s27_a_task_that_was_moved_out_there_is_left_alone() {
    let mut bench = two_projects();
    bench.seats[VIK].account.scope = only("A");
    bench.settle();
    bench.make_with(VIK, "n", &[(Field::Project, "A")]);
    bench.settle();
    for title in ["a", "n"] {
        bench.edit(VIK, title, Field::Project, Some("C"));
    }
    bench.settle();
    assert_eq!(bench.field(TW, "a", Field::Project), "C");
    assert_eq!(state(&bench, "a"), MappingState::OutOfScope);
    bench.delete(VIK, "n");
    bench.edit(VIK, "a", Field::Title, Some("a there"));
    bench.settle();
    assert_eq!(bench.titles(TW), ["a", "b", "c", "n"]);
    bench.edit(VIK, "a there", Field::Project, Some("A"));
    bench.settle();
    assert_eq!(bench.titles(TW), ["a there", "b", "c", "n"]);
}

/// What was changed there before it was known that the task had left the scope elsewhere still
/// arrives (I1).
#[test]
fn s27_an_edit_from_before_the_task_left_arrives() {
    let mut bench = two_projects();
    bench.seats[VIK].account.scope = only("A");
    bench.settle();
    bench.edit(VIK, "a", Field::Title, Some("a there"));
    bench.edit(TW, "a", Field::Project, Some("B"));
    bench.settle();
    assert_eq!(bench.titles(TW), ["a there", "b", "c"]);
    assert_eq!(bench.field(VIK, "a there", Field::Project), "A");
}
