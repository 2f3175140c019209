//! A service whose owner put an older copy back: it gives its ids out anew, and nobody deleted what
//! the copy lacks.

use instep_contract::{Call, Copy, Fault};
use instep_model::Field;

use crate::bench::Bench;

/// Five tasks on both sides, a copy of the server, and then a task more that it does not know.
fn with_copy() -> (Bench, Copy) {
    let bench = Bench::new(&["tw", "vik"]);
    for title in ["a", "b", "c", "d", "e"] {
        bench.make(0, title);
    }
    bench.settle();
    let copy = bench.seats[1].remote.copy();
    bench.make_with(0, "renew the passport", &[(Field::Priority, "3")]);
    bench.settle();
    (bench, copy)
}

/// The copy is back, and somebody made a task that got the id of ours.
fn with_stranger(title: &str, priority: &str) -> Bench {
    let (bench, copy) = with_copy();
    let known = bench.id(1, "renew the passport");
    bench.seats[1].remote.put_back(&copy);
    let given = bench.make_with(1, title, &[(Field::Priority, priority)]);
    assert_eq!(given, known, "the id is given out anew");
    bench
}

const BOTH: [&str; 7] = [
    "a",
    "b",
    "c",
    "d",
    "e",
    "feed the cat",
    "renew the passport",
];

fn check_both(bench: &Bench) {
    for at in [0, 1] {
        assert_eq!(bench.titles(at), BOTH, "at {at}");
        assert_eq!(bench.field(at, "renew the passport", Field::Priority), "3");
        assert_eq!(bench.field(at, "feed the cat", Field::Priority), "1");
    }
    assert!(bench.sync().changes.is_empty());
}

/// I1: a stranger under a known id is no edit of the task that had it.
#[test]
fn i1_an_item_under_an_id_that_was_given_out_anew_is_another_task() {
    let bench = with_stranger("feed the cat", "1");
    bench.settle();
    check_both(&bench);
}

#[test]
fn i1_an_event_about_a_stranger_says_nothing_of_the_task_that_had_its_id() {
    let bench = with_stranger("feed the cat", "1");
    bench.event(1, &bench.id(1, "feed the cat"));
    bench.settle();
    check_both(&bench);
}

/// S16: what is deleted is what was paired, and not what has its id now, even where it looks alike.
#[test]
fn s16_a_stranger_is_not_deleted_for_the_task_that_had_its_id() {
    for by_event in [false, true] {
        let bench = with_stranger("renew the passport", "3");
        let row = bench.id(0, "renew the passport");
        bench.delete(0, "renew the passport");
        if by_event {
            bench.event(0, &row);
        }
        bench.settle();
        for at in [0, 1] {
            assert!(
                bench.titles(at).contains(&BOTH[6].to_owned()),
                "at {at}, {by_event}"
            );
            assert_eq!(bench.titles(at).len(), 6);
        }
    }
}

/// I2: what we make may get an id that a task of ours had before the copy was put back.
#[test]
fn i2_a_new_item_takes_the_id_of_one_that_is_gone() {
    for lost in [false, true] {
        let (bench, copy) = with_copy();
        let known = bench.id(1, "renew the passport");
        bench.delete(1, "renew the passport");
        bench.settle();
        bench.seats[1].remote.put_back(&copy);
        bench.make(0, "feed the cat");
        if lost {
            bench.order(1, Call::Create, Fault::ReplyLost(1));
        }
        bench.settle();
        assert_eq!(bench.id(1, "feed the cat"), known);
        for at in [0, 1] {
            assert_eq!(bench.titles(at), BOTH[..6], "at {at}, {lost}");
        }
        assert!(bench.sync().changes.is_empty());
    }
}
