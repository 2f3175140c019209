//! The breaker: when it opens, for how long, and who may find out (S33). Time and chance are drawn.

use std::time::Duration;

use instep_model::{Access, Breaker, Pause, Timestamp};
use instep_sync::{
    BreakerRule, Bucket, Heard, LONGEST_OPENING, PROBE_LEASE, Rate, TOKENS, Way, force, hear,
    refund, spend, throttle, way,
};
use proptest::prelude::*;

use crate::draw;

const YEAR_SECS: i64 = 365 * 86_400;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + secs).expect("a moment of this century")
}

fn failure() -> Heard {
    Heard::Failure("HTTP 503".to_owned())
}

/// What the breaker is after these calls, one in every second: `F` failed, `s` succeeded, `r` was
/// refused.
fn after(rule: &BreakerRule, calls: &str) -> Access {
    let mut access = Access::default();
    for (second, call) in (0..).zip(calls.chars()) {
        let heard = match call {
            'F' => failure(),
            's' => Heard::Success,
            _ => Heard::Refusal,
        };
        hear(rule, &mut access, &heard, at(second), 0);
    }
    access
}

fn word(access: &Access) -> String {
    match &access.breaker {
        Breaker::Closed { failures } => format!("closed {failures}"),
        Breaker::Open(opening) => format!("open {}", opening.failures),
        Breaker::HalfOpen(opening) => format!("half open {}", opening.failures),
    }
}

fn check(failures: u32, calls: &str, expected: &str) {
    let rule = BreakerRule {
        failures,
        ..BreakerRule::default()
    };
    let access = after(&rule, calls);
    assert_eq!(word(&access), expected, "{failures} failures: {calls}");
}

#[test]
fn s33_failures_in_a_row_open_it() {
    check(3, "", "closed 0");
    check(3, "FF", "closed 2");
    check(3, "FFF", "open 3");
    check(1, "F", "open 1");
    check(5, "FFFF", "closed 4");
    check(5, "FFFFF", "open 5");
    check(6, "sFFFFF", "closed 5");
}

#[test]
fn s33_any_success_resets_the_count() {
    check(3, "ssssFFs", "closed 0");
    check(3, "ssssFFsFF", "closed 2");
    check(3, "sssssssFFsFFsFFF", "open 3");
}

#[test]
fn s33_what_was_refused_does_not_count() {
    check(3, "FrrrrF", "closed 2");
    check(3, "rrrrrr", "closed 0");
}

#[test]
fn s33_no_share_of_failures_opens_it_while_others_succeed() {
    check(3, "FFsFF", "closed 2");
    check(3, "FFsFFsFFsFFsFFsFFs", "closed 0");
    check(3, "FsFsFsFsFsFsFsFsF", "closed 1");
    check(10, "FFFFFFFFF", "closed 9");
}

#[test]
fn it_can_be_turned_off() {
    let off = BreakerRule {
        on: false,
        ..BreakerRule::default()
    };
    let access = after(&off, "FFFFFFFFFF");
    assert_eq!(access, Access::default());
    let open = after(&BreakerRule::default(), "FFF");
    assert_eq!(way(&off, &open, at(3)), Way::Free);
    assert_eq!(force(&off, &open, at(3)), None);
}

#[test]
fn s33_the_first_opening_lasts_exactly_as_long_as_set() {
    for (secs, random) in [(60, 0), (60, u64::MAX), (7, 3), (3_600, 40)] {
        let rule = BreakerRule {
            failures: 1,
            open: Duration::from_secs(secs),
            ..BreakerRule::default()
        };
        let mut access = Access::default();
        hear(&rule, &mut access, &failure(), at(0), random);
        let secs = i64::try_from(secs).expect("small");
        let shut = |secs| matches!(way(&rule, &access, at(secs)), Way::Shut(_));
        assert!(shut(0) && shut(secs - 1) && !shut(secs), "{secs}");
    }
}

/// Opens the breaker and lets its probes fail; answers how long each opening lasted.
fn openings(rule: &BreakerRule, random: u64, count: usize) -> Vec<Duration> {
    let mut access = Access::default();
    let mut now = at(0);
    for _ in 0..rule.failures {
        hear(rule, &mut access, &failure(), now, random);
    }
    let mut lengths = Vec::new();
    for _ in 0..count {
        let Way::Shut(opening) = way(rule, &access, now) else {
            panic!("not shut: {access:?}");
        };
        let length = opening.span.until.duration_since(opening.span.since);
        lengths.push(Duration::try_from(length).expect("forwards"));
        now = opening.span.until;
        let Way::Probe(breaker) = way(rule, &access, now) else {
            panic!("nobody may find out: {access:?}");
        };
        access.breaker = breaker;
        assert!(matches!(way(rule, &access, now), Way::Shut(_)), "one does");
        hear(rule, &mut access, &failure(), now, random);
    }
    lengths
}

#[test]
fn openings_double_while_probes_fail() {
    let plain = |random| {
        let lengths = openings(&BreakerRule::default(), random, 7).into_iter();
        lengths.map(|one| one.as_secs()).collect::<Vec<_>>()
    };
    assert_eq!(plain(20), [60, 120, 240, 480, 900, 900, 900]);
    assert_eq!(plain(0), [60, 96, 192, 384, 720, 720, 720]);
    assert_eq!(plain(40), [60, 144, 288, 576, 1080, 1080, 1080]);
}

#[test]
fn one_success_closes_it_and_one_refusal_shows_that_it_answers() {
    for answer in [Heard::Success, Heard::Refusal] {
        let rule = BreakerRule::default();
        let mut access = after(&rule, "FFF");
        let now = at(2 + 60);
        let Way::Probe(breaker) = way(&rule, &access, now) else {
            panic!("due: {access:?}");
        };
        access.breaker = breaker;
        assert!(hear(&rule, &mut access, &answer, now, 0));
        assert_eq!(word(&access), "closed 0");
        assert_eq!(way(&rule, &access, now), Way::Free);
        hear(&rule, &mut access, &failure(), now, 0);
        assert_eq!(word(&access), "closed 1", "what was before is forgotten");
    }
}

#[test]
fn who_may_find_out_has_so_much_time() {
    let rule = BreakerRule::default();
    let mut access = after(&rule, "FFF");
    let due = at(62);
    let Way::Probe(breaker) = way(&rule, &access, due) else {
        panic!("due: {access:?}");
    };
    access.breaker = breaker;
    let lease = i64::try_from(PROBE_LEASE.as_secs()).expect("small");
    let others = |secs| matches!(way(&rule, &access, at(62 + secs)), Way::Shut(_));
    assert!(others(0) && others(lease - 1));
    assert!(!others(lease), "who died on the way is not waited for");
    assert!(force(&rule, &access, at(63)).is_some(), "a person may");
}

#[test]
fn a_person_who_asks_in_vain_makes_no_wait_longer() {
    let rule = BreakerRule::default();
    let mut access = after(&rule, "FFF");
    for secs in [10, 20, 30] {
        access.breaker = force(&rule, &access, at(secs)).expect("it is open");
        hear(&rule, &mut access, &failure(), at(secs), 20);
        let Breaker::Open(opening) = &access.breaker else {
            panic!("{access:?}");
        };
        assert_eq!(opening.span.until, at(secs + 60));
    }
}

#[test]
fn a_pause_that_a_service_asks_for_stays_within_its_bounds() {
    for (asked, secs) in [
        (None, 60),
        (Some(0), 1),
        (Some(30), 30),
        (Some(999_999), 86_400),
    ] {
        let mut access = after(&BreakerRule::default(), "FF");
        throttle(&mut access, asked.map(Duration::from_secs), at(0));
        let rule = BreakerRule::default();
        let held = |secs| matches!(way(&rule, &access, at(secs)), Way::Throttled(_));
        assert!(held(0) && held(secs - 1) && !held(secs), "{asked:?}");
        assert!(!held(-1), "a clock that was set back ends it");
        assert_eq!(word(&access), "closed 2", "it does not count");
    }
}

#[test]
fn a_persons_pause_comes_first_and_ends_when_said() {
    let rule = BreakerRule::default();
    for (until, probes) in [(None, vec![]), (Some(at(50)), vec![50, -1, 200])] {
        let mut access = after(&rule, "FFF");
        let since = at(0);
        access.pause = Some(Pause { since, until });
        for secs in [0, 49] {
            let paused = matches!(way(&rule, &access, at(secs)), Way::Paused(_));
            assert!(paused, "{until:?} at {secs}");
        }
        for secs in probes {
            let paused = matches!(way(&rule, &access, at(secs)), Way::Paused(_));
            assert!(!paused, "{until:?} at {secs}");
        }
    }
}

#[test]
fn repeats_have_a_budget() {
    let mut spent = None;
    let mut repeats = 0;
    while spend(&mut spent, false, at(0)) {
        repeats += 1;
    }
    assert_eq!(repeats, TOKENS / 5);
    for _ in 0..4 {
        refund(&mut spent);
    }
    assert!(!spend(&mut spent, false, at(1)));
    refund(&mut spent);
    assert!(!spend(&mut spent, true, at(1)), "a time-out costs more");
    assert!(spend(&mut spent, false, at(1)));
    assert!(!spend(&mut spent, false, at(60)));
    assert!(spend(&mut spent, false, at(61)), "quiet for a minute");
    assert!(spend(&mut spent, false, at(-YEAR_SECS)), "a clock set back");
    let mut full = None;
    refund(&mut full);
    assert_eq!(full, None);
}

#[test]
fn calls_flow_at_their_rate() {
    let rate = Rate {
        per_sec: 10,
        burst: 20,
    };
    let mut bucket = Bucket::default();
    bucket.take(rate, 19, at(0));
    assert_eq!(bucket.wait(rate, at(0)), Duration::ZERO);
    bucket.take(rate, 6, at(0));
    assert_eq!(bucket.wait(rate, at(0)), Duration::from_millis(600));
    assert_eq!(bucket.wait(rate, at(1)), Duration::ZERO);
    assert_eq!(bucket.wait(rate, at(-YEAR_SECS)), Duration::ZERO);
    let any = Rate {
        per_sec: 0,
        burst: 0,
    };
    assert_eq!(bucket.wait(any, at(0)), Duration::ZERO);
}

proptest! {
    #![proptest_config(draw::tries(4_000))]

    #[test]
    fn no_opening_leaves_its_bounds(
        failures in 1..9_u32,
        open_secs in 1..2_000_u64,
        random in any::<u64>(),
    ) {
        let rule = BreakerRule {
            failures,
            open: Duration::from_secs(open_secs),
            ..BreakerRule::default()
        };
        let lengths = openings(&rule, random, 12);
        prop_assert_eq!(lengths[0], rule.open);
        let ceiling = rule.open.max(LONGEST_OPENING) * 6 / 5;
        prop_assert!(lengths.iter().all(|one| *one <= ceiling), "{:?}", lengths);
    }

    #[test]
    fn no_clock_keeps_it_shut_for_longer_than_its_span(
        calls in "[Fsr]{0,30}",
        random in any::<u64>(),
        jump in -YEAR_SECS..YEAR_SECS,
        held in proptest::option::of(0..100_000_u64),
    ) {
        let rule = BreakerRule::default();
        let mut access = after(&rule, &calls);
        if let Some(secs) = held {
            throttle(&mut access, Some(Duration::from_secs(secs)), at(30));
        }
        hear(&rule, &mut access, &failure(), at(30), random);
        // The clock is set once; from then on it goes on as clocks do.
        let begins = at(30 + jump);
        let longest = Duration::from_secs(86_400);
        let passes = match way(&rule, &access, begins) {
            Way::Shut(opening) => opening.span.until,
            Way::Throttled(span) => span.until,
            _ => begins,
        };
        let waits = passes.duration_since(begins);
        prop_assert!(Duration::try_from(waits).is_ok_and(|waits| waits <= longest));
    }

    #[test]
    fn it_opens_exactly_when_it_has_to(calls in "[Fsr]{0,40}") {
        let rule = BreakerRule::default();
        let mut access = Access::default();
        let mut in_a_row = 0;
        for (second, call) in (0..).zip(calls.chars()) {
            let heard = match call {
                'F' => failure(),
                's' => Heard::Success,
                _ => Heard::Refusal,
            };
            let before = access.clone();
            let is_news = hear(&rule, &mut access, &heard, at(second), 0);
            in_a_row = match call {
                'F' => in_a_row + 1,
                's' => 0,
                _ => in_a_row,
            };
            let quiet = call != 'F' && before.breaker.failures() == 0;
            prop_assert!(!(quiet && is_news), "{:?} then {}", before, call);
            let opens = call == 'F' && in_a_row >= 3;
            prop_assert_eq!(matches!(access.breaker, Breaker::Open(_)), opens, "{}", calls);
            if opens {
                return Ok(());
            }
        }
    }
}
