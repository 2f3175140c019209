//! A service that fails is left alone, for every process that shares the hub (S33).

use std::pin::pin;
use std::time::Duration;

use instep_contract::{Call, Fault, Moment, Store};
use instep_engine::{AccountReport, Limits, RoundReport, Trouble};
use instep_model::{Access, Breaker, Field, Operation, Pause, Span};
use instep_sync::{BreakerRule, Rate};

use crate::bench::{Bench, block_on, go_on};

/// A bench in step, whose server is elsewhere.
fn bench() -> Bench {
    let bench = Bench::far(&["tw", "vik"]);
    bench.make(0, "a");
    bench.settle();
    bench
}

fn access(bench: &Bench) -> Access {
    let id = &bench.seats[1].account.id;
    block_on(bench.store.access(id)).expect("read")
}

/// A round now, in which the next look at the server fails so, if it is looked at.
fn fails(bench: &Bench, fault: Fault) -> AccountReport {
    bench.order(1, Call::Observe, fault);
    let report = bench.round_now();
    bench.seats[1].orders.lock().expect("not poisoned").clear();
    server(report)
}

fn server(report: RoundReport) -> AccountReport {
    report.accounts.into_iter().nth(1).expect("two accounts")
}

fn is_shut(report: &AccountReport) -> bool {
    matches!(report.trouble, Some(Trouble::CircuitOpen { .. }))
}

/// Three failed rounds, a second apart.
fn open(bench: &Bench) {
    for _ in 0..3 {
        bench.hand.advance(1);
        let report = fails(bench, Fault::Unavailable);
        assert!(matches!(report.trouble, Some(Trouble::Unreachable { .. })));
        assert_eq!(report.calls, 1);
    }
}

#[test]
fn s33_the_third_failed_call_opens_it_and_the_fourth_is_not_made() {
    let bench = bench();
    open(&bench);
    let Breaker::Open(opening) = access(&bench).breaker else {
        panic!("not open: {:?}", access(&bench));
    };
    assert_eq!((opening.count, opening.failures), (1, 3));
    let retry_at = bench.hand.now() + Duration::from_secs(60);
    let report = server(bench.round_now());
    assert_eq!(report.calls, 0);
    let expected = Trouble::CircuitOpen {
        retry_at,
        failures: 3,
        reason: opening.reason,
    };
    assert_eq!(report.trouble, Some(expected));
    bench.hand.advance(59);
    assert!(is_shut(&server(bench.round_now())));
    let state = block_on(bench.store.account_state(&bench.seats[1].account.id));
    let known = state.expect("read").trouble;
    assert!(
        matches!(known, Some(Trouble::Unreachable { .. })),
        "{known:?}"
    );
}

#[test]
fn s33_work_waits_in_order_and_drains_after_one_probe() {
    let mut bench = bench();
    let rule = BreakerRule {
        open: Duration::from_secs(3_600),
        ..BreakerRule::default()
    };
    bench.limits = Limits::new(rule, Rate::default());
    open(&bench);
    for title in ["b", "c", "d"] {
        bench.make(0, title);
        assert!(is_shut(&server(bench.round_now())));
    }
    bench.edit(0, "a", Field::Priority, Some("5"));
    bench.hand.advance(3_600);
    let report = server(bench.round_now());
    assert_eq!(report.trouble, None);
    bench.settle();
    assert_eq!(made(&bench), ["a", "b", "c", "d"], "in order, and once");
    assert_eq!(bench.titles(1), ["a", "b", "c", "d"]);
    assert_eq!(bench.field(1, "a", Field::Priority), "5");
    assert_eq!(access(&bench).breaker, Breaker::default());
}

/// The titles of all that was made at the server, in order.
fn made(bench: &Bench) -> Vec<String> {
    let effects = bench.seats[1].remote.peek_effects().into_iter();
    let titles = effects.filter_map(|effect| match effect.operation {
        Operation::Create(draft) => Some(draft.fields.title().to_owned()),
        _ => None,
    });
    titles.collect()
}

#[test]
fn s33_attempts_of_items_do_not_grow_while_it_is_open() {
    let bench = bench();
    bench.edit(0, "a", Field::Priority, Some("5"));
    open(&bench);
    for _ in 0..5 {
        bench.hand.advance(5);
        assert!(is_shut(&server(bench.round_now())));
        let task = bench.hub_ids()[0];
        let report = bench.push(task);
        assert!(is_shut(&server(report)));
    }
    let pairs = bench.store.all_mappings();
    assert!(pairs.iter().all(|pair| pair.attempts == 0), "{pairs:?}");
    bench.hand.advance(60);
    bench.settle();
    assert_eq!(bench.field(1, "a", Field::Priority), "5");
}

#[test]
fn a_probe_that_fails_opens_it_for_longer() {
    let bench = bench();
    open(&bench);
    bench.hand.advance(60);
    bench.order(1, Call::Read, Fault::NotSent);
    let report = server(bench.round_now());
    assert!(is_shut(&report));
    assert_eq!(report.calls, 1, "one call finds out");
    let Breaker::Open(opening) = access(&bench).breaker else {
        panic!("not open: {:?}", access(&bench));
    };
    assert_eq!((opening.count, opening.failures), (2, 4));
    let length = opening.span.until.duration_since(opening.span.since);
    assert!((96..=144).contains(&length.as_secs()), "{length:?}");
}

#[test]
fn only_one_finds_out() {
    let bench = bench();
    open(&bench);
    let now = bench.hand.now() + Duration::from_secs(60);
    let mut other = access(&bench);
    let Breaker::Open(opening) = &mut other.breaker else {
        panic!("not open: {other:?}");
    };
    let until = now + Duration::from_secs(45);
    opening.span = Span { since: now, until };
    other.breaker = Breaker::HalfOpen(opening.clone());
    let id = &bench.seats[1].account.id;
    assert!(block_on(bench.store.commit_access(id, &other)).expect("stored"));
    bench.hand.advance(60);
    let report = server(bench.round_now());
    assert!(is_shut(&report) && report.calls == 0, "{report:?}");
    bench.hand.advance(45);
    assert_eq!(
        server(bench.round_now()).trouble,
        None,
        "who died is not waited for"
    );
}

#[test]
fn a_success_resets_the_count_and_a_quiet_pass_writes_nothing() {
    let bench = bench();
    let before = access(&bench).version;
    bench.sync();
    bench.sync();
    assert_eq!(access(&bench).version, before, "nothing to tell anybody");
    fails(&bench, Fault::Unavailable);
    fails(&bench, Fault::NotSent);
    assert_eq!(access(&bench).breaker, Breaker::Closed { failures: 2 });
    bench.hand.advance(90);
    bench.sync();
    assert_eq!(access(&bench).breaker, Breaker::default());
}

#[test]
fn s33_a_service_that_asks_for_a_pause_gets_it_and_it_does_not_count() {
    let bench = bench();
    let wait = Some(Duration::from_secs(20));
    for _ in 0..4 {
        let report = fails(&bench, Fault::Throttled(wait));
        assert!(matches!(report.trouble, Some(Trouble::Throttled { .. })));
        bench.hand.advance(19);
        let report = server(bench.round_now());
        assert!(
            matches!(report.trouble, Some(Trouble::HeldOff { .. })),
            "{report:?}"
        );
        assert_eq!(report.calls, 0);
        bench.hand.advance(1);
    }
    assert_eq!(access(&bench).breaker, Breaker::default());
    bench.sync();
}

#[test]
fn a_persons_pause_holds_for_every_kind_of_account() {
    let bench = Bench::new(&["tw", "file"]);
    bench.make(0, "a");
    let pause = Access {
        pause: Some(Pause {
            since: bench.hand.now(),
            until: None,
        }),
        ..Access::default()
    };
    let id = &bench.seats[1].account.id;
    assert!(block_on(bench.store.commit_access(id, &pause)).expect("stored"));
    for _ in 0..2 {
        let report = server(bench.round());
        assert_eq!(report.trouble, Some(Trouble::Paused { until: None }));
        assert_eq!(report.calls, 0);
    }
    let ended = Access {
        version: 1,
        ..Access::default()
    };
    assert!(block_on(bench.store.commit_access(id, &ended)).expect("stored"));
    bench.settle();
    assert_eq!(bench.titles(1), ["a"]);
}

/// A person pauses an account while a long pass over it goes on: no call follows the one under way.
#[test]
fn a_pause_holds_in_the_middle_of_a_pass() {
    let bench = bench();
    for number in 0..9 {
        bench.make(0, &format!("new {number}"));
    }
    bench.shut(1, Call::Create, Moment::After);
    let under_way;
    {
        let mut members: Vec<_> = (0..2).map(|at| bench.member(at)).collect();
        let engine = bench.engine();
        let mut round = pin!(engine.run_round(&mut members, &bench.options));
        go_on(round.as_mut());
        under_way = bench.titles(1);
        let paused = Access {
            pause: Some(Pause {
                since: bench.hand.now(),
                until: None,
            }),
            ..access(&bench)
        };
        let id = &bench.seats[1].account.id;
        assert!(block_on(bench.store.commit_access(id, &paused)).expect("stored"));
        bench.hand.advance(1);
        bench.open(1);
        let report = server(block_on(round));
        assert_eq!(report.trouble, Some(Trouble::Paused { until: None }));
    }
    assert!(under_way.len() < 10, "{under_way:?}");
    assert_eq!(bench.titles(1), under_way, "the call that was under way");
    let resumed = Access {
        pause: None,
        ..access(&bench)
    };
    let id = &bench.seats[1].account.id;
    assert!(block_on(bench.store.commit_access(id, &resumed)).expect("stored"));
    bench.settle();
    assert_eq!(bench.titles(1).len(), 10);
}

#[test]
fn thresholds_are_set_and_it_can_be_off() {
    for (failures, open_secs) in [(1, 5), (5, 120)] {
        let mut bench = bench();
        let rule = BreakerRule {
            failures,
            open: Duration::from_secs(open_secs),
            on: true,
        };
        bench.limits = Limits::new(rule, Rate::default());
        for _ in 0..failures {
            assert!(!is_shut(&fails(&bench, Fault::Unavailable)));
        }
        assert!(is_shut(&server(bench.round_now())));
        bench.hand.advance(i64::try_from(open_secs).expect("small"));
        assert_eq!(server(bench.round_now()).trouble, None);
    }
    let mut bench = bench();
    let off = BreakerRule {
        on: false,
        ..BreakerRule::default()
    };
    bench.limits = Limits::new(off, Rate::default());
    for _ in 0..10 {
        let report = fails(&bench, Fault::Unavailable);
        assert!(matches!(report.trouble, Some(Trouble::Unreachable { .. })));
    }
    bench.sync();
}

#[test]
fn another_host_begins_anew() {
    let bench = bench();
    open(&bench);
    let mut elsewhere = access(&bench);
    elsewhere.host = Some("old.example.org".to_owned());
    let id = &bench.seats[1].account.id;
    assert!(block_on(bench.store.commit_access(id, &elsewhere)).expect("stored"));
    assert_eq!(server(bench.round_now()).trouble, None);
}

#[test]
fn a_ping_finds_out_at_once() {
    let bench = bench();
    open(&bench);
    let mut member = bench.member(1);
    bench.order(1, Call::Read, Fault::Unavailable);
    let failed = block_on(bench.engine().ping(&mut member));
    assert!(
        matches!(failed, Err(Trouble::Unreachable { .. })),
        "{failed:?}"
    );
    assert!(is_shut(&server(bench.round_now())));
    let ping = block_on(bench.engine().ping(&mut member)).expect("it answers");
    assert!(ping.was_probe);
    assert_eq!(access(&bench).breaker, Breaker::default());
    assert_eq!(server(bench.round_now()).trouble, None);
    let ping = block_on(bench.engine().ping(&mut member)).expect("it answers");
    assert!(!ping.was_probe);
}
