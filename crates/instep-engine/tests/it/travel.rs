//! Values travel both ways, and quiet sides stay quiet.

use instep_contract::{Look, Store};
use instep_model::{Conflict, ConflictPolicy, ConflictState, Field, Value};

use crate::bench::{Bench, block_on, path};

/// Every field that both services hold, set on one side.
const FULL: &[(Field, &str)] = &[
    (Field::Priority, "3"),
    (Field::Due, "2026-11-27T08:00:00Z"),
    (Field::Project, "Home.Garden"),
    (Field::Tags, "green,outside"),
];

#[test]
fn a_task_goes_across_whole_and_comes_back_unchanged() {
    for (from, to) in [(0, 1), (1, 0)] {
        let bench = Bench::new(&["tw", "vik"]);
        bench.seats[1]
            .remote
            .collection(bench.hand.now(), &path("Home"));
        bench.make_with(from, "dig", FULL);
        bench.settle();
        for (field, value) in FULL {
            assert_eq!(
                bench.field(to, "dig", *field),
                *value,
                "{field} from {from}"
            );
        }
        assert_eq!(
            (bench.titles(0), bench.titles(1)),
            (vec!["dig".into()], vec!["dig".into()])
        );
    }
}

#[test]
fn s8_a_round_leaves_nothing_to_say() {
    let bench = Bench::new(&["tw", "vik", "file"]);
    bench.make_with(0, "a", FULL);
    bench.make(1, "b");
    bench.make(2, "c");
    bench.sync();
    let again = bench.sync();
    assert!(again.changes.is_empty(), "{:?}", again.changes);
    for at in 0..3 {
        assert_eq!(bench.titles(at), ["a", "b", "c"]);
    }
}

#[test]
fn quiet_pairs_cost_one_call_and_no_write() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.make(0, "a");
    bench.settle();
    bench.seats[1].remote.take_effects();
    let report = bench.sync();
    assert_eq!(report.accounts[1].calls, 1);
    assert!(bench.seats[1].remote.take_effects().is_empty());
}

#[test]
fn edits_of_two_fields_on_two_sides_are_both_kept() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.make(0, "a");
    bench.settle();
    bench.edit(0, "a", Field::Priority, Some("3"));
    bench.edit(1, "a", Field::Due, Some("2026-12-01T08:00:00Z"));
    bench.sync();
    for at in 0..2 {
        assert_eq!(bench.field(at, "a", Field::Priority), "3");
        assert_eq!(bench.field(at, "a", Field::Due), "2026-12-01T08:00:00Z");
    }
    assert!(bench.store.all_conflicts().is_empty());
}

#[test]
fn s18_the_later_edit_of_one_field_wins_and_the_loser_is_kept() {
    for (first, second) in [(0, 1), (1, 0)] {
        let bench = Bench::new(&["tw", "vik"]);
        bench.make(0, "a");
        bench.settle();
        bench.edit(first, "a", Field::Priority, Some("1"));
        bench.edit(second, "a", Field::Priority, Some("3"));
        bench.sync();
        for at in 0..2 {
            assert_eq!(
                bench.field(at, "a", Field::Priority),
                "3",
                "at {at}, {second} last"
            );
        }
        let conflicts = bench.store.all_conflicts();
        assert_eq!(conflicts.len(), 1);
        let both = [&conflicts[0].hub, &conflicts[0].remote];
        let both = both.map(|value| value.as_ref().map(ToString::to_string).unwrap_or_default());
        assert!(
            both.contains(&"1".to_owned()) && both.contains(&"3".to_owned()),
            "{both:?}"
        );
        assert!(matches!(conflicts[0].state, ConflictState::Settled(_)));
    }
}

/// A task on two sides that leave each conflict to a person.
fn asking() -> Bench {
    let mut bench = Bench::new(&["tw", "vik"]);
    for seat in &mut bench.seats {
        seat.account.policy = ConflictPolicy::Ask;
    }
    bench.make(0, "a");
    bench.settle();
    bench
}

#[test]
fn ask_leaves_both_sides_alone() {
    let bench = asking();
    bench.edit(0, "a", Field::Priority, Some("1"));
    bench.edit(1, "a", Field::Priority, Some("3"));
    bench.sync();
    bench.sync();
    assert_eq!(bench.field(0, "a", Field::Priority), "1");
    assert_eq!(bench.field(1, "a", Field::Priority), "3");
    let conflicts = bench.store.all_conflicts();
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].state, ConflictState::Open);
}

/// I4: seen again it is the same one, with the values of today; where it dissolves it is over.
#[test]
fn an_open_conflict_stays_one_until_it_is_over() {
    let mut bench = asking();
    bench.edit(0, "a", Field::Priority, Some("1"));
    bench.edit(1, "a", Field::Priority, Some("3"));
    bench.sync();
    let first = bench.store.all_conflicts();
    bench.options.look = Look::Everything;
    bench.sync();
    assert_eq!(bench.store.all_conflicts(), first);
    bench.edit(1, "a", Field::Priority, Some("4"));
    bench.sync();
    let moved = bench.store.all_conflicts();
    assert_eq!((moved.len(), &moved[0].id), (1, &first[0].id));
    assert_eq!(moved[0].remote, Some(Value::Number(4)));
    bench.edit(1, "a", Field::Priority, Some("1"));
    bench.sync();
    let over = bench.store.all_conflicts();
    assert_eq!(over.len(), 1);
    assert_ne!(over[0].state, ConflictState::Open);
}

/// What no change tells of waits a day at most, and not less.
#[test]
fn s9_everything_is_looked_at_once_a_day() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.make(0, "a");
    bench.settle();
    let swept = || {
        let state = block_on(bench.store.account_state(&bench.seats[1].account.id));
        state.expect("read").last_sweep_at.expect("swept once")
    };
    let first = swept();
    for (hours, due) in [(20, false), (5, true), (20, false), (-48, true)] {
        let before = swept();
        bench.hand.advance(hours * 3600);
        bench.sync();
        assert_eq!(swept() != before, due, "{hours} hours after {first}");
    }
}

/// I4: nothing is left to decide once the other side was given the same value.
#[test]
fn an_open_conflict_is_over_when_another_side_makes_both_equal() {
    let bench = asking();
    bench.edit(0, "a", Field::Priority, Some("1"));
    bench.edit(1, "a", Field::Priority, Some("3"));
    bench.sync();
    bench.edit(0, "a", Field::Priority, Some("3"));
    bench.sync();
    let conflicts = bench.store.all_conflicts();
    assert_eq!(conflicts.len(), 1);
    assert_ne!(conflicts[0].state, ConflictState::Open);
    bench.edit(0, "a", Field::Priority, Some("5"));
    bench.settle();
    assert_eq!(bench.field(1, "a", Field::Priority), "5");
    assert_eq!(bench.store.all_conflicts().len(), 1);
}

/// I4: deciding one leaves the other as it is, even where its value was cleared there.
#[test]
fn of_two_open_conflicts_the_other_waits_on() {
    let bench = asking();
    bench.edit(0, "a", Field::Priority, Some("3"));
    bench.edit(0, "a", Field::Due, Some("2026-12-01T08:00:00Z"));
    bench.settle();
    bench.edit(0, "a", Field::Priority, Some("1"));
    bench.edit(1, "a", Field::Priority, None);
    bench.edit(0, "a", Field::Due, Some("2026-12-02T08:00:00Z"));
    bench.edit(1, "a", Field::Due, Some("2026-12-03T08:00:00Z"));
    bench.sync();
    let open = bench.store.all_conflicts();
    let of = |field| open.iter().find(|one| one.field == field).expect("open");
    let (due, priority) = (of(Field::Due), of(Field::Priority));
    let engine = bench.engine();
    let lease = block_on(engine.claim(&due.account, &bench.options)).expect("free");
    block_on(engine.settle_conflict(&lease, due, due.hub.clone())).expect("settled");
    block_on(bench.store.release_lease(lease)).expect("given back");
    bench.sync();
    assert_eq!(
        bench.field(1, "a", Field::Due),
        bench.field(0, "a", Field::Due)
    );
    let state = |known: &Conflict| {
        let all = bench.store.all_conflicts();
        let one = all.iter().find(|one| one.id == known.id);
        one.map(|one| one.state)
    };
    assert_eq!(bench.store.all_conflicts().len(), 2);
    assert_ne!(state(due), Some(ConflictState::Open));
    assert_eq!(state(priority), Some(ConflictState::Open));
    assert_eq!(bench.field(1, "a", Field::Priority), "");
}

#[test]
fn conflicts_of_one_step_are_told_apart_by_a_few_characters() {
    let bench = asking();
    for (field, one, other) in [
        (Field::Priority, "1", "3"),
        (Field::Due, "2026-12-01T08:00:00Z", "2026-12-02T08:00:00Z"),
    ] {
        bench.edit(0, "a", field, Some(one));
        bench.edit(1, "a", field, Some(other));
    }
    bench.sync();
    let conflicts = bench.store.all_conflicts();
    let [one, other] = &conflicts[..] else {
        panic!("{conflicts:?}");
    };
    assert_ne!(one.id.as_str()[..8], other.id.as_str()[..8]);
}

#[test]
fn markers_are_written_back_after_a_create() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.make(0, "a");
    bench.settle();
    let remote = bench.id(1, "a");
    let task = bench.seats[0]
        .remote
        .task(&bench.id(0, "a"))
        .expect("alive");
    assert_eq!(
        task.markers.get("vik_id").map(String::as_str),
        Some(remote.as_str())
    );
}

#[test]
fn a_person_in_the_hub_reaches_every_service() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.make(1, "a");
    bench.settle();
    let id = bench.hub_ids()[0];
    let engine = bench.engine();
    let title = instep_model::Value::Text("b".to_owned());
    block_on(engine.edit_task(id, |fields| fields.set(Field::Title, title.clone())))
        .expect("edited");
    bench.sync();
    assert_eq!(
        (bench.titles(0), bench.titles(1)),
        (vec!["b".into()], vec!["b".into()])
    );
    block_on(engine.delete_task(id)).expect("deleted");
    bench.sync();
    assert!(bench.titles(0).is_empty() && bench.titles(1).is_empty());
}
