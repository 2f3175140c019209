//! Faults of a service: nothing lost, nothing doubled, and the rest goes on.

use std::time::Duration;

use instep_contract::{Call, Fault};
use instep_engine::Trouble;
use instep_model::Field;

use crate::bench::Bench;

#[test]
fn s13_a_lost_answer_to_a_create_makes_no_double() {
    for stored in [0, 1, 5] {
        let bench = Bench::new(&["tw", "vik"]);
        for title in ["a", "b", "c", "d", "e"] {
            bench.make(0, title);
        }
        bench.order(1, Call::Create, Fault::ReplyLost(stored));
        bench.round();
        bench.settle();
        assert_eq!(
            bench.titles(1),
            ["a", "b", "c", "d", "e"],
            "{stored} stored"
        );
    }
}

#[test]
fn a_refused_item_is_parked_alone() {
    let bench = Bench::new(&["tw", "vik"]);
    for title in ["a", "bad", "c"] {
        bench.make(0, title);
    }
    bench.seats[1].remote.refuse(Some("bad"));
    let report = bench.round();
    assert_eq!(bench.titles(1), ["a", "c"]);
    let problems: Vec<&str> = report.accounts[1]
        .problems
        .iter()
        .map(|problem| problem.title.as_str())
        .collect();
    assert_eq!(problems, ["bad"]);
    bench.edit(0, "bad", Field::Title, Some("good"));
    bench.settle();
    assert_eq!(bench.titles(1), ["a", "c", "good"]);
}

#[test]
fn an_account_that_is_down_does_not_stop_the_others() {
    let bench = Bench::new(&["tw", "vik", "file"]);
    bench.make(0, "a");
    bench.order(1, Call::Observe, Fault::NotSent);
    let report = bench.round();
    assert!(matches!(
        report.accounts[1].trouble,
        Some(Trouble::Unreachable { .. })
    ));
    assert_eq!(bench.titles(2), ["a"]);
    bench.settle();
    assert_eq!(bench.titles(1), ["a"]);
}

#[test]
fn a_stale_write_is_planned_again() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.make(0, "a");
    bench.settle();
    bench.edit(0, "a", Field::Priority, Some("3"));
    bench.order(1, Call::Update, Fault::Stale(0));
    bench.settle();
    assert_eq!(bench.field(1, "a", Field::Priority), "3");
}

#[test]
fn i14_a_write_that_lost_every_race_is_told_and_tried_again() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.make(0, "a");
    bench.settle();
    bench.edit(0, "a", Field::Priority, Some("3"));
    for _ in 0..3 {
        bench.order(1, Call::Update, Fault::Stale(0));
    }
    let report = bench.round();
    assert_eq!(report.accounts[1].trouble, None);
    let problems = &report.accounts[1].problems;
    let told: Vec<(&str, &str)> = problems
        .iter()
        .map(|one| (one.title.as_str(), one.reason.as_str()))
        .collect();
    let reason = "it kept changing there while it was synced; the next sync tries again";
    assert_eq!(told, [("a", reason)]);
    bench.settle();
    assert_eq!(bench.field(1, "a", Field::Priority), "3");
}

#[test]
fn s14_a_write_that_took_too_long_is_not_repeated_at_once() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.make(1, "a");
    bench.order(0, Call::Create, Fault::TimedOut(Duration::from_secs(20)));
    let report = bench.round();
    assert!(matches!(
        report.accounts[0].trouble,
        Some(Trouble::Unreachable { .. })
    ));
    let sent = bench.seats[0].remote.accepted();
    assert_eq!(sent.len(), 1, "{sent:?}");
    bench.settle();
    assert_eq!(bench.titles(0), ["a"]);
}

/// A service that answers is through with the request: the second look follows in a moment.
#[test]
fn s14_a_create_that_the_service_failed_is_made_in_a_moment() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.make(1, "a");
    bench.order(0, Call::Create, Fault::Failed);
    let report = bench.round();
    assert_eq!(report.accounts[0].trouble, None);
    let took = report.accounts[0].duration;
    let (least, most) = (Duration::from_millis(300), Duration::from_secs(1));
    assert!(least <= took && took < most, "it took {took:?}");
    assert_eq!(bench.titles(0), ["a"]);
}
