//! Accounts of one direction: what the hub holds stays, and what a deletion there counts for.

use instep_contract::{Call, Fault, MemoryStore};
use instep_engine::{Need, Trouble};
use instep_model::{Direction, Field};

use crate::bench::{Bench, block_on};

fn one_way(direction: Direction) -> Bench {
    let mut bench = Bench::new(&["tw", "vik"]);
    bench.seats[1].account.direction = direction;
    bench
}

fn reading() -> Bench {
    one_way(Direction::FromRemote)
}

#[test]
fn s29_what_was_deleted_where_we_only_write_is_not_made_again_by_an_edit() {
    let bench = one_way(Direction::ToRemote);
    bench.make(0, "a");
    bench.settle();
    bench.delete(1, "a");
    bench.settle();
    for priority in ["1", "3"] {
        bench.edit(0, "a", Field::Priority, Some(priority));
        bench.settle();
        assert!(bench.titles(1).is_empty());
        assert_eq!(bench.titles(0), ["a"]);
    }
    let pairs = bench.store.all_mappings();
    let lost = pairs.iter().find(|pair| pair.gone.is_some());
    let reason = lost.and_then(|pair| pair.last_error.as_deref());
    assert_eq!(reason, Some("deleted there"));
}

#[test]
fn s29_a_deletion_there_counts_once_the_hub_holds_nothing_of_its_own() {
    let bench = reading();
    bench.make(1, "a");
    bench.settle();
    // `wait` is nothing that the server could hold.
    bench.edit(0, "a", Field::Wait, Some("2026-12-01T08:00:00Z"));
    bench.settle();
    bench.delete(1, "a");
    bench.settle();
    assert!(bench.titles(0).is_empty() && bench.hub_ids().is_empty());
}

#[test]
fn s29_an_edit_that_never_went_there_beats_a_deletion_there() {
    let bench = reading();
    bench.make(1, "a");
    bench.settle();
    bench.edit(0, "a", Field::Priority, Some("3"));
    bench.settle();
    bench.delete(1, "a");
    bench.settle();
    assert_eq!(bench.titles(0), ["a"]);
    assert!(bench.titles(1).is_empty());
    assert!(bench.sync().changes.is_empty());
}

#[test]
fn s28_what_the_guard_holds_of_it_goes_when_a_person_permits_it() {
    let mut bench = reading();
    for at in 0..12 {
        bench.make(1, &format!("t{at}"));
    }
    bench.settle();
    for at in 0..12 {
        bench.delete(1, &format!("t{at}"));
    }
    let report = bench.round();
    let guard = Trouble::NeedsYou(Need::Guard { held: 12 });
    assert_eq!(report.accounts[1].trouble, Some(guard));
    assert_eq!(bench.titles(0).len(), 12);
    bench.options.max_delete = Some(12);
    bench.settle();
    assert!(bench.titles(0).is_empty());
}

#[test]
fn s29_what_we_deleted_ourselves_returns_with_the_task() {
    let mut bench = Bench::new(&["vik", "tw", "file"]);
    bench.seats[1].account.direction = Direction::ToRemote;
    bench.make(0, "a");
    bench.settle();
    let task = bench.hub_ids()[0];
    block_on(bench.engine().delete_task(task)).expect("deleted");
    bench.order(0, Call::Observe, Fault::NotSent);
    bench.round();
    assert!(bench.titles(1).is_empty());
    bench.edit(0, "a", Field::Priority, Some("3"));
    bench.settle();
    for at in 0..3 {
        assert_eq!(bench.titles(at), ["a"], "at {at}");
    }
}

#[test]
fn i9_a_lost_hub_doubles_nothing_where_we_only_write() {
    let mut bench = Bench::new(&["tw", "vik"]);
    bench.seats[0].account.direction = Direction::ToRemote;
    bench.make(1, "a");
    bench.settle();
    assert_eq!(bench.titles(0), ["a"]);
    bench.store = MemoryStore::new();
    bench.settle();
    assert_eq!(bench.titles(0), ["a"]);
    assert_eq!(bench.titles(1), ["a"]);
}

#[test]
fn s29_what_is_done_to_an_item_that_we_only_write_does_not_bring_its_task_back() {
    for by_hub in [false, true] {
        let mut bench = Bench::new(&["tw", "vik"]);
        bench.seats[1].account.direction = Direction::ToRemote;
        bench.make(0, "a");
        bench.settle();
        bench.edit(1, "a", Field::Status, Some("done"));
        if by_hub {
            let task = bench.hub_ids()[0];
            block_on(bench.engine().delete_task(task)).expect("deleted");
        } else {
            bench.delete(0, "a");
        }
        bench.settle();
        assert!(bench.titles(0).is_empty() && bench.titles(1).is_empty());
    }
}
