//! One task alone: what it may do without a whole look, and what has to wait for one.

use instep_contract::{Call, Fault, Look};
use instep_engine::{RoundReport, Start, Trouble};
use instep_model::{Field, Value};
use std::time::Duration;

use crate::bench::{Bench, block_on};

/// An event about the item of this title at an account.
fn event(bench: &Bench, at: usize, title: &str) -> RoundReport {
    bench.hand.advance(60);
    let start = Start::Item(at, bench.id(at, title));
    run(bench, &start)
}

fn run(bench: &Bench, start: &Start) -> RoundReport {
    let mut members: Vec<_> = (0..bench.seats.len()).map(|at| bench.member(at)).collect();
    block_on(
        bench
            .engine()
            .run_single(&mut members, start, &bench.options),
    )
}

#[test]
fn s14_one_task_alone_is_not_made_while_its_create_is_in_doubt() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.make(0, "a");
    bench.order(1, Call::Create, Fault::TimedOut(Duration::from_secs(20)));
    bench.round();
    let task = bench.hub_ids()[0];
    let report = run(&bench, &Start::Task(task));
    assert_eq!(
        report.accounts[1].trouble,
        Some(Trouble::InDoubt { count: 1 })
    );
    bench.settle();
    assert_eq!(bench.titles(1), ["a"]);
}

#[test]
fn i9_a_marked_task_that_the_hub_forgot_is_not_made_again() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.settle();
    let before = bench.store.snapshot();
    bench.make(1, "a");
    bench.settle();
    bench.store.restore(&before);
    for _ in 0..2 {
        event(&bench, 0, "a");
        assert_eq!(bench.titles(1), ["a"]);
    }
    bench.settle();
    assert_eq!(
        (bench.titles(0), bench.titles(1)),
        (vec!["a".into()], vec!["a".into()])
    );
}

#[test]
fn i1_an_edit_carried_alone_is_no_older_than_a_deletion_that_nobody_looked_for() {
    let mut bench = Bench::new(&["vik", "file"]);
    bench.make(0, "a");
    bench.settle();
    bench.delete(1, "a");
    let task = bench.hub_ids()[0];
    let notes = Value::Text("meanwhile".to_owned());
    block_on(
        bench
            .engine()
            .edit_task(task, |fields| fields.set(Field::Notes, notes.clone())),
    )
    .expect("edited");
    event(&bench, 0, "a");
    bench.options.look = Look::Everything;
    bench.settle();
    assert_eq!(
        (bench.titles(0), bench.titles(1)),
        (vec!["a".into()], vec!["a".into()])
    );
}
