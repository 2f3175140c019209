//! One task alone: what it may do without a whole look, and what has to wait for one.

use std::time::Duration;

use instep_contract::{Call, Fault, Look, Reinstall, Store};
use instep_engine::{AccountReport, Need, RoundReport, Start, Trouble};
use instep_model::{Field, Fields, Identity, Value};

use crate::bench::{Bench, block_on};

/// An event about the item of this title at an account.
fn event(bench: &Bench, at: usize, title: &str) -> RoundReport {
    bench.event(at, &bench.id(at, title))
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
fn i9_one_task_alone_waits_for_an_older_hub_to_look_at_everything() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.settle();
    let before = bench.store.snapshot();
    bench.make(1, "a");
    bench.settle();
    bench.edit(0, "a", Field::Title, Some("b"));
    bench.store.restore(&before);
    block_on(bench.store.forget_cursors()).expect("forgotten");
    let titles = || (bench.titles(0), bench.titles(1));
    let untouched = titles();
    for report in [event(&bench, 0, "b"), event(&bench, 1, "a")] {
        let behind = |one: &AccountReport| one.trouble == Some(Trouble::Behind);
        assert!(report.accounts.iter().all(behind), "{report:#?}");
        assert_eq!(titles(), untouched);
    }
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

#[test]
fn s5_an_event_from_another_server_says_nothing_of_our_tasks() {
    let bench = Bench::new(&["tw", "vik", "file"]);
    let id = bench.make(1, "a");
    bench.settle();
    let now = bench.hand.now();
    let other = Identity("vik#2".to_owned());
    bench.seats[1]
        .remote
        .reinstall(now, other, Reinstall::Empty);
    let again = bench.make(1, "b");
    assert_eq!(again, id, "the new server gives the same id");
    let report = bench.event(1, &again);
    let need = Need::NewServer { pairs: 1 };
    assert_eq!(report.accounts[1].trouble, Some(Trouble::NeedsYou(need)));
    assert_eq!((bench.titles(0), bench.titles(2)), (one("a"), one("a")));
}

#[test]
fn s5_an_event_writes_nothing_to_another_server() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.make(0, "a");
    bench.settle();
    let now = bench.hand.now();
    let other = Identity("vik#2".to_owned());
    bench.seats[1]
        .remote
        .reinstall(now, other, Reinstall::Empty);
    bench.make(1, "b");
    bench.edit(0, "a", Field::Title, Some("again"));
    let new = bench.make(0, "c");
    for item in [bench.id(0, "again"), new] {
        bench.event(0, &item);
        assert_eq!(bench.titles(1), one("b"));
    }
}

#[test]
fn s17_an_event_reads_elsewhere_what_it_leads_to_writes_of() {
    let bench = Bench::new(&["tw", "vik", "file"]);
    let file = bench.make(2, "a");
    bench.settle();
    let there = bench.id(1, "a");
    let remote = &bench.seats[1].remote;
    let note = remote.add_note(bench.hand.now(), &there, "first");
    bench.settle();
    bench.hand.advance(60);
    assert!(remote.edit_note(bench.hand.now(), &there, &note, "by a person there"));
    let task = bench.hub_ids()[0];
    let reword = |fields: &mut Fields| {
        let mut notes = fields.annotations();
        notes
            .values_mut()
            .for_each(|note| note.text = "by a person here".to_owned());
        fields.set(Field::Annotations, Some(Value::Annotations(notes)));
    };
    bench.hand.advance(60);
    block_on(bench.engine().edit_task(task, reword)).expect("edited");
    bench.event(2, &file);
    let conflicts = bench.store.all_conflicts();
    let told: Vec<Field> = conflicts.iter().map(|one| one.field).collect();
    assert_eq!(told, [Field::Annotations], "neither text is lost unseen");
}

fn one(title: &str) -> Vec<String> {
    vec![title.to_owned()]
}
