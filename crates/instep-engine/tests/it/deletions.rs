//! Deletions travel, an edit beats them, and too many of them wait for a person.

use instep_contract::{Call, Fault, Look};
use instep_engine::{Need, Trouble};
use instep_model::{Field, MappingState};

use crate::bench::{Bench, path};

fn many(count: usize) -> (Bench, Vec<String>) {
    let bench = Bench::new(&["tw", "vik"]);
    let titles: Vec<String> = (0..count).map(|at| format!("t{at:03}")).collect();
    for title in &titles {
        bench.make(0, title);
    }
    bench.settle();
    (bench, titles)
}

#[test]
fn a_deletion_goes_across_from_either_side() {
    for from in [0, 1] {
        let (bench, _) = many(12);
        bench.delete(from, "t003");
        bench.sync();
        assert!(
            !bench.titles(1 - from).contains(&"t003".to_owned()),
            "from {from}"
        );
        assert_eq!(bench.titles(1 - from).len(), 11);
        assert!(bench.sync().changes.is_empty());
    }
}

/// `task undo` takes back whatever was written since the person's own last step.
#[test]
fn s31_what_an_undo_took_away_is_made_again_unless_it_began_there() {
    let bench = Bench::new(&["tw", "vik"]);
    for (at, title) in [(0, "begun here"), (1, "a colleague's")] {
        for n in 0..3 {
            bench.make(at, &format!("{title} {n}"));
        }
    }
    bench.settle();
    for title in ["begun here 0", "a colleague's 0"] {
        bench.unmake(0, title);
    }
    bench.settle();
    for at in [0, 1] {
        assert_eq!(
            bench.titles(at),
            [
                "a colleague's 0",
                "a colleague's 1",
                "a colleague's 2",
                "begun here 1",
                "begun here 2"
            ]
        );
    }
    assert!(bench.sync().changes.is_empty());
}

#[test]
fn s16_an_edit_elsewhere_beats_a_deletion_with_three_accounts_too() {
    for (delete, edit) in [(0, 1), (1, 0), (1, 2), (0, 2)] {
        let bench = Bench::new(&["tw", "vik", "other"]);
        for title in ["a", "b", "c", "d"] {
            bench.make(0, title);
        }
        bench.settle();
        bench.delete(delete, "a");
        bench.edit(edit, "a", Field::Priority, Some("3"));
        bench.settle();
        for at in 0..3 {
            assert_eq!(
                bench.titles(at),
                ["a", "b", "c", "d"],
                "{delete} deleted, {edit} edited"
            );
            assert_eq!(bench.field(at, "a", Field::Priority), "3");
        }
    }
}

#[test]
fn s28_mass_deletion_stops_and_touches_nothing() {
    for from in [0, 1] {
        let (bench, titles) = many(100);
        for title in &titles[..50] {
            bench.delete(from, title);
        }
        for _ in 0..2 {
            let report = bench.round();
            let trouble = report.accounts[from].trouble.clone();
            assert_eq!(trouble, Some(Trouble::NeedsYou(Need::Guard { held: 50 })));
            assert_eq!(bench.titles(1 - from).len(), 100);
            assert_eq!(bench.titles(from).len(), 50);
        }
    }
}

/// Also where a project is a value of its tasks, and where it came by a write of ours.
#[test]
fn s28_a_project_that_is_emptied_stops() {
    for (made, from) in [(0, 0), (0, 1), (1, 0)] {
        let (bench, _) = many(60);
        let home: Vec<String> = (0..5).map(|n| format!("home {n}")).collect();
        for title in &home {
            bench.make_with(made, title, &[(Field::Project, "home")]);
        }
        bench.settle();
        for title in &home[..4] {
            bench.delete(from, title);
        }
        assert_eq!(bench.round().accounts[from].trouble, None);
        bench.delete(from, &home[4]);
        let trouble = bench.round().accounts[from].trouble.clone();
        assert_eq!(trouble, Some(Trouble::NeedsYou(Need::Guard { held: 1 })));
    }
}

#[test]
fn s28_counts_deletions_that_come_one_by_one() {
    let (bench, titles) = many(100);
    for title in &titles[..30] {
        bench.delete(0, title);
        bench.round();
    }
    assert!(
        bench.titles(1).len() >= 79,
        "{} left",
        bench.titles(1).len()
    );
}

#[test]
fn what_the_guard_holds_goes_when_a_person_permits_it() {
    let (mut bench, titles) = many(60);
    for title in &titles[..30] {
        bench.delete(1, title);
    }
    bench.round();
    bench.options.max_delete = Some(30);
    bench.sync();
    assert_eq!(bench.titles(0).len(), 30);
    let held = bench
        .store
        .all_mappings()
        .iter()
        .any(|m| m.state == MappingState::Held);
    assert!(!held);
}

#[test]
fn s28_what_a_person_permitted_does_not_count_against_the_next() {
    for at_once in [false, true] {
        let (mut bench, titles) = many(60);
        for title in &titles[..30] {
            bench.delete(1, title);
        }
        if !at_once {
            bench.round();
        }
        bench.options.max_delete = Some(30);
        bench.sync();
        bench.options.max_delete = None;
        bench.delete(1, &titles[30]);
        let report = bench.round();
        assert_eq!(report.accounts[1].trouble, None, "at once: {at_once}");
        assert_eq!(bench.titles(0).len(), 29, "at once: {at_once}");
    }
}

#[test]
fn i1_an_edit_beside_held_deletions_survives_their_approval() {
    let (mut bench, titles) = many(60);
    for title in &titles[..30] {
        bench.delete(1, title);
    }
    bench.edit(0, "t005", Field::Priority, Some("1"));
    bench.round();
    bench.options.max_delete = Some(30);
    bench.settle();
    assert_eq!(bench.titles(0).len(), 31);
    assert_eq!(bench.titles(1).len(), 31);
    assert_eq!(bench.field(1, "t005", Field::Priority), "1");
}

#[test]
fn s4_a_held_task_that_is_edited_here_is_made_again() {
    let (bench, titles) = many(60);
    for title in &titles[..30] {
        bench.delete(1, title);
    }
    bench.round();
    bench.edit(0, "t005", Field::Priority, Some("1"));
    bench.round();
    assert!(bench.titles(1).contains(&"t005".to_owned()));
    assert_eq!(bench.titles(1).len(), 31);
}

#[test]
fn i1_an_edit_is_no_older_than_a_deletion_that_no_look_could_show() {
    let mut bench = Bench::new(&["tw", "file"]);
    bench.make(0, "a");
    // The file's item is deleted before any look has shown it.
    bench.order(1, Call::Observe, Fault::Reordered(0));
    bench.order(1, Call::Observe, Fault::NotSent);
    bench.round();
    bench.delete(1, "a");
    let id = bench.id(0, "a");
    let now = bench.hand.now();
    bench.seats[0].remote.add_note(now, &id, "meanwhile");
    bench.round();
    bench.options.look = Look::Everything;
    bench.settle();
    assert_eq!(bench.titles(0), ["a"]);
    assert_eq!(bench.titles(1), ["a"]);
}

#[test]
fn s27_a_task_that_left_the_scope_is_not_made_again_there() {
    let mut bench = Bench::new(&["tw", "vik"]);
    bench.seats[1].account.scope.projects = vec![path("Home")];
    bench.make_with(0, "a", &[(Field::Project, "Home")]);
    bench.settle();
    bench.delete(1, "a");
    bench.edit(0, "a", Field::Project, Some("Work"));
    bench.settle();
    assert_eq!(bench.titles(0), ["a"]);
    assert!(bench.titles(1).is_empty());
    bench.edit(0, "a", Field::Project, Some("Home"));
    bench.settle();
    assert_eq!(bench.titles(1), ["a"]);
}
