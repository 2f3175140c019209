//! What a service cannot hold stays where it is: told once, and nothing else waits for it (S2).

use std::collections::BTreeSet;

use instep_engine::LeftOut;
use instep_model::{Field, Fields, TaskId, Value};
use uuid::Uuid;

use crate::bench::{Bench, block_on};

const VIK: usize = 0;
const TW: usize = 1;

/// What a round that came through tells as left out by one account: titles and fields.
fn told(bench: &Bench, at: usize) -> Vec<(String, Vec<Field>)> {
    let report = bench.sync();
    let left_out = report.accounts[at].left_out.iter();
    left_out
        .map(|one: &LeftOut| (one.title.clone(), one.fields.iter().copied().collect()))
        .collect()
}

/// A date that is out of one service's range is none of its own: the task is there without it, the
/// absence of the date removes nothing, and a date set there is news.
#[test]
fn s2_a_date_that_a_service_cannot_hold_keeps_nothing_else_out() {
    let bench = Bench::new(&["vik", "tw"]);
    let old = "1969-07-20T20:17:00Z";
    bench.make_with(VIK, "landing", &[(Field::Due, old), (Field::Priority, "3")]);
    let news = [("landing".to_owned(), vec![Field::Due])];
    assert_eq!(told(&bench, TW), news);
    assert_eq!(bench.field(TW, "landing", Field::Priority), "3");
    assert_eq!(bench.field(TW, "landing", Field::Due), "");
    assert!(told(&bench, TW).is_empty(), "it is told once");
    assert!(bench.sync().changes.is_empty());
    assert_eq!(bench.field(VIK, "landing", Field::Due), old);

    for (due, held) in [("2030-01-01T08:00:00Z", "2030-01-01T08:00:00Z"), (old, "")] {
        bench.edit(VIK, "landing", Field::Due, Some(due));
        bench.sync();
        assert_eq!(bench.field(TW, "landing", Field::Due), held);
        assert_eq!(bench.field(VIK, "landing", Field::Due), due);
    }
    bench.edit(TW, "landing", Field::Due, Some("2031-01-01T08:00:00Z"));
    bench.settle();
    assert_eq!(
        bench.field(VIK, "landing", Field::Due),
        "2031-01-01T08:00:00Z"
    );
    let pairs = bench.store.all_mappings();
    assert!(pairs.iter().all(|pair| pair.left_out.is_empty()));
}

/// No rule names a text that could stand for a title, and none is invented: a task without one stays
/// out of every service that needs one, as a task beyond the scope does. It is no failure, told once,
/// and goes there with its first title.
#[test]
fn s2_a_task_without_a_title_stays_out_until_it_has_one() {
    for title in [None, Some(" \t")] {
        let bench = Bench::new(&["vik", "tw"]);
        bench.make(VIK, "other");
        bench.settle();
        let mut fields = Fields::new().with(Field::Priority, Value::Number(3));
        fields.set(
            Field::Title,
            title.map(|title| Value::Text(title.to_owned())),
        );
        let task = TaskId(Uuid::from_u128(7));
        let engine = bench.engine();
        block_on(engine.add_task(task, fields)).expect("added");
        let report = bench.sync();
        for account in &report.accounts {
            let left_out = &account.left_out[..];
            let [one] = left_out else {
                panic!("one task is told: {left_out:?}");
            };
            assert_eq!((one.task, one.is_there), (task, false));
            assert_eq!(one.fields, BTreeSet::from([Field::Title]));
        }
        let report = bench.sync();
        assert!(report.changes.is_empty());
        assert!(report.accounts.iter().all(|one| one.left_out.is_empty()));
        assert_eq!((bench.titles(VIK).len(), bench.titles(TW).len()), (1, 1));

        let named = |fields: &mut Fields| fields.set(Field::Title, Value::Text("named".to_owned()));
        block_on(engine.edit_task(task, named)).expect("edited");
        bench.settle();
        for at in [VIK, TW] {
            assert_eq!(bench.titles(at), ["named", "other"]);
            assert_eq!(bench.field(at, "named", Field::Priority), "3");
        }
    }
}

/// A title that is taken away stays where there is none without; everything else still travels.
#[test]
fn s2_a_title_that_is_taken_away_stays_in_services_that_need_one() {
    let bench = Bench::new(&["vik", "tw"]);
    bench.make(VIK, "a");
    bench.settle();
    let task = bench.hub_ids()[0];
    let engine = bench.engine();
    let blank = |fields: &mut Fields| {
        fields.set(Field::Title, Value::Text(" ".to_owned()));
        fields.set(Field::Priority, Value::Number(3));
    };
    block_on(engine.edit_task(task, blank)).expect("edited");
    bench.settle();
    for at in [VIK, TW] {
        assert_eq!(bench.field(at, "a", Field::Priority), "3");
    }
    assert!(bench.sync().changes.is_empty());
    bench.delete(VIK, "a");
    bench.settle();
    assert!(bench.titles(TW).is_empty(), "it is still deleted with it");
}
