//! First meetings: nothing doubled, and a person is asked where more than pairing follows (S26).

use instep_contract::{MemoryStore, Reinstall, Store};
use instep_engine::{Need, Trouble};
use instep_model::{ConflictPolicy, ConflictState, Field, Identity};

use crate::bench::{Bench, block_on};

#[test]
fn two_full_sides_that_share_half_make_no_doubles() {
    let bench = Bench::new(&["tw", "vik"]);
    for title in ["a", "b", "c", "d"] {
        bench.make(0, title);
    }
    for title in ["c", "d", "e", "f"] {
        bench.make(1, title);
    }
    bench.settle();
    for at in 0..2 {
        assert_eq!(bench.titles(at), ["a", "b", "c", "d", "e", "f"]);
    }
}

#[test]
fn more_than_pairing_waits_for_a_person() {
    let mut bench = Bench::new(&["tw", "vik"]);
    bench.options.accept = false;
    bench.make(0, "a");
    bench.make(1, "b");
    let report = bench.round();
    let need = Need::FirstMeeting {
        pairs: 0,
        new_in_hub: 1,
        new_in_remote: 1,
        reviews: 0,
    };
    assert_eq!(report.accounts[1].trouble, Some(Trouble::NeedsYou(need)));
    assert_eq!(
        (bench.titles(0), bench.titles(1)),
        (vec!["a".into()], vec!["b".into()])
    );
    bench.options.accept = true;
    bench.settle();
    assert_eq!(bench.titles(0), ["a", "b"]);
}

#[test]
fn only_pairing_asks_nobody() {
    let mut bench = Bench::new(&["tw", "vik"]);
    bench.options.accept = false;
    bench.make(0, "a");
    bench.make(1, "a");
    bench.settle();
    assert_eq!(
        (bench.titles(0), bench.titles(1)),
        (vec!["a".into()], vec!["a".into()])
    );
}

#[test]
fn i9_a_lost_hub_is_found_again_by_markers_and_content() {
    let mut bench = Bench::new(&["tw", "vik", "file"]);
    for title in ["a", "b", "b", "c"] {
        bench.make(1, title);
    }
    bench.settle();
    bench.edit(0, "a", Field::Title, Some("changed while lost"));
    bench.store = MemoryStore::new();
    bench.options.accept = false;
    bench.settle();
    let expected = ["b", "b", "c", "changed while lost"];
    for at in 0..3 {
        assert_eq!(
            bench.titles(at).len(),
            expected.len(),
            "{:?}",
            bench.titles(at)
        );
    }
}

#[test]
fn i9_an_older_hub_knows_what_was_made_since_by_its_marker() {
    let bench = Bench::new(&["tw", "vik"]);
    for title in ["a", "b", "c"] {
        bench.make(1, title);
    }
    bench.settle();
    let older = bench.store.snapshot();
    bench.make(0, "made here since");
    bench.make(1, "made there since");
    bench.settle();
    bench.edit(0, "made here since", Field::Title, Some("retitled here"));
    bench.edit(1, "made there since", Field::Title, Some("retitled there"));
    bench.store.restore(&older);
    block_on(bench.store.forget_cursors()).expect("forgotten");
    bench.settle();
    for at in 0..2 {
        assert_eq!(bench.titles(at).len(), 5, "{:?}", bench.titles(at));
    }
}

#[test]
fn s5_another_server_stops_before_anything_is_touched() {
    let mut bench = Bench::new(&["tw", "vik"]);
    for title in ["a", "b", "c"] {
        bench.make(0, title);
    }
    bench.settle();
    bench.options.accept = false;
    let remote = &bench.seats[1].remote;
    remote.reinstall(
        bench.hand.now(),
        Identity("vik#2".to_owned()),
        Reinstall::Empty,
    );
    for _ in 0..2 {
        let report = bench.round();
        let need = Need::NewServer { pairs: 3 };
        assert_eq!(report.accounts[1].trouble, Some(Trouble::NeedsYou(need)));
        assert_eq!(bench.titles(0), ["a", "b", "c"]);
        assert!(bench.titles(1).is_empty());
    }
    bench.options.accept = true;
    bench.settle();
    assert_eq!(bench.titles(1), ["a", "b", "c"]);
}

#[test]
fn equal_titles_that_nobody_can_tell_apart_go_to_review() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.make_with(0, "a", &[(Field::Priority, "1")]);
    bench.make_with(1, "a", &[(Field::Priority, "2")]);
    bench.make_with(1, "a", &[(Field::Priority, "3")]);
    let report = bench.round();
    let need = Need::Review { count: 3 };
    assert_eq!(report.accounts[1].trouble, Some(Trouble::NeedsYou(need)));
    assert_eq!((bench.titles(0).len(), bench.titles(1).len()), (1, 2));
}

#[test]
fn s5_who_answers_is_known_before_anything_is_paired() {
    let mut bench = Bench::new(&["tw", "vik"]);
    bench.options.accept = false;
    bench.make(0, "a");
    bench.make(1, "b");
    bench.round();
    let account = bench.seats[1].account.id.clone();
    let known = block_on(bench.store.account_state(&account)).expect("read");
    assert_eq!(known.identity, Some(Identity("vik#1".to_owned())));
    assert!(!known.joined);

    // The address was wrong: what answers now is no new server, for nothing was paired yet.
    let now = bench.hand.now();
    let mended = Identity("vik#2".to_owned());
    bench.seats[1]
        .remote
        .reinstall(now, mended, Reinstall::Empty);
    bench.settle();
    assert_eq!(bench.titles(1), ["a"]);
}

#[test]
fn s26_ask_leaves_two_states_of_a_task_alone_when_sides_first_meet() {
    for done in [0, 1] {
        let mut bench = Bench::new(&["tw", "vik"]);
        for seat in &mut bench.seats {
            seat.account.policy = ConflictPolicy::Ask;
        }
        for at in [0, 1] {
            bench.make(at, "a");
        }
        bench.edit(done, "a", Field::Status, Some("done"));
        for _ in 0..3 {
            bench.sync();
        }
        assert_eq!(bench.field(done, "a", Field::Status), "done", "{done}");
        assert_eq!(bench.field(1 - done, "a", Field::Status), "", "{done}");
        let conflicts = bench.store.all_conflicts();
        let told: Vec<_> = conflicts.iter().map(|one| (one.field, one.state)).collect();
        assert_eq!(told, [(Field::Status, ConflictState::Open)], "{done}");
    }
}

#[test]
fn s2_a_coarse_value_does_not_beat_the_finer_one_that_it_stands_for() {
    let mut bench = Bench::new(&["tw", "vik"]);
    bench.make_with(1, "a", &[(Field::Priority, "4")]);
    bench.make_with(1, "b", &[(Field::Priority, "4")]);
    bench.settle();
    assert_eq!(bench.field(0, "a", Field::Priority), "5", "held as a band");
    // Of the other task a person says something else while the hub is away.
    bench.edit(0, "b", Field::Priority, Some("1"));
    bench.store = MemoryStore::new();
    bench.settle();
    assert_eq!(bench.field(1, "a", Field::Priority), "4");
    for at in 0..2 {
        assert_eq!(bench.field(at, "b", Field::Priority), "1", "{at}");
    }
    assert_eq!(bench.store.all_conflicts().len(), 1, "only of the other");
}
