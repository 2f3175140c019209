//! Links between tasks while one end of them dies and comes back (S23).

use instep_model::{Field, Link};

use crate::bench::{Bench, block_on};

/// The titles that the task of this title depends on and is part of, at an account.
fn ends(bench: &Bench, at: usize, title: &str) -> Vec<String> {
    let tasks = bench.seats[at].remote.tasks();
    let task = tasks.iter().find(|task| task.fields.title() == title);
    let task = task.unwrap_or_else(|| panic!("no `{title}` at {at}"));
    let named = |id| {
        let end = tasks.iter().find(|task| &task.id == id)?;
        Some(end.fields.title().to_owned())
    };
    task.depends
        .iter()
        .chain(&task.parent)
        .filter_map(named)
        .collect()
}

fn link(bench: &Bench, at: usize, from: &str, link: Link, to: &str) {
    bench.hand.advance(60);
    let (from, to) = (bench.id(at, from), bench.id(at, to));
    let remote = &bench.seats[at].remote;
    assert!(remote.link(bench.hand.now(), &from, link, &to));
}

#[test]
fn s23_links_to_an_item_that_is_made_again_are_sent_again() {
    for kind in [Link::DependsOn, Link::PartOf] {
        let bench = Bench::new(&["vik", "other"]);
        bench.make(0, "a");
        bench.make(0, "b");
        link(&bench, 0, "b", kind, "a");
        bench.settle();
        assert_eq!(ends(&bench, 1, "b"), ["a"], "{kind:?}");
        bench.delete(1, "a");
        bench.edit(0, "a", Field::Priority, Some("3"));
        bench.settle();
        for at in 0..2 {
            assert_eq!(bench.titles(at), ["a", "b"]);
            assert_eq!(ends(&bench, at, "b"), ["a"], "{kind:?} at {at}");
        }
        assert!(bench.sync().changes.is_empty());
    }
}

#[test]
fn s23_a_link_made_while_its_end_was_being_deleted_returns_with_it() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.make(0, "a");
    bench.settle();
    let id = bench.hub_ids()[0];
    bench.make(1, "b");
    link(&bench, 1, "b", Link::DependsOn, "a");
    block_on(bench.engine().delete_task(id)).expect("deleted");
    bench.edit(0, "a", Field::Priority, Some("3"));
    bench.settle();
    for at in 0..2 {
        assert_eq!(bench.titles(at), ["a", "b"]);
        assert_eq!(ends(&bench, at, "b"), ["a"], "at {at}");
    }
}

#[test]
fn s23_a_link_to_a_deleted_task_is_sent_where_it_was_left_out_once_that_is_back() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.make(0, "a");
    bench.settle();
    let old = bench.id(0, "a");
    bench.delete(1, "a");
    bench.settle();
    bench.make(0, "b");
    let remote = &bench.seats[0].remote;
    let new = bench.id(0, "b");
    assert!(remote.link(bench.hand.now(), &new, Link::DependsOn, &old));
    bench.settle();
    assert_eq!(bench.titles(1), ["b"]);
    bench.hand.advance(60);
    assert!(remote.restore(bench.hand.now(), &old));
    bench.settle();
    for at in 0..2 {
        assert_eq!(bench.titles(at), ["a", "b"]);
        assert_eq!(ends(&bench, at, "b"), ["a"], "at {at}");
    }
}

#[test]
fn s23_a_link_taken_away_while_its_end_was_gone_stays_away() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.make(0, "a");
    bench.make(0, "b");
    link(&bench, 0, "b", Link::DependsOn, "a");
    bench.settle();
    let old = bench.id(0, "a");
    bench.delete(1, "a");
    bench.settle();
    let task = bench.hub_ids()[0];
    block_on(
        bench
            .engine()
            .edit_task(task, |fields| fields.set(Field::Depends, None)),
    )
    .expect("edited");
    bench.settle();
    bench.hand.advance(60);
    assert!(bench.seats[0].remote.restore(bench.hand.now(), &old));
    bench.settle();
    for at in 0..2 {
        assert_eq!(bench.titles(at), ["a", "b"]);
        assert!(ends(&bench, at, "b").is_empty(), "at {at}");
    }
}

#[test]
fn s23_an_old_task_that_links_to_a_new_one_keeps_the_link() {
    for kind in [Link::DependsOn, Link::PartOf] {
        let bench = Bench::new(&["vik", "other"]);
        bench.make(0, "a");
        bench.settle();
        bench.make(0, "b");
        link(&bench, 0, "a", kind, "b");
        bench.settle();
        for at in 0..2 {
            assert_eq!(ends(&bench, at, "a"), ["b"], "{kind:?} at {at}");
        }
    }
}

#[test]
fn i6_a_link_to_what_was_deleted_meanwhile_says_nothing_of_the_task_that_has_it() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.make(0, "a");
    bench.make(0, "b");
    bench.settle();
    bench.delete(1, "b");
    link(&bench, 0, "a", Link::DependsOn, "b");
    bench.event(0, &bench.id(0, "a"));
    bench.settle();
    for at in 0..2 {
        assert_eq!(bench.titles(at), ["a"], "{at}");
    }
}
