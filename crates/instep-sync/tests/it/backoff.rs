//! Waits between two tries stay within their bounds, whatever chance says.

use std::time::Duration;

use instep_sync::{LONGEST, PARK_AFTER, PARK_AFTER_ATTEMPTS, busy_pause, next_try};
use proptest::prelude::*;

use crate::draw;

fn wait(attempts: u32, random: u64) -> Option<Duration> {
    next_try(attempts, Duration::ZERO, random)
}

/// The longest wait after this many failures.
fn check(attempts: u32, longest_secs: u64) {
    let millis = longest_secs * 1_000;
    assert_eq!(wait(attempts, 0), Some(Duration::ZERO));
    let longest = Duration::from_secs(longest_secs);
    assert_eq!(wait(attempts, millis), Some(longest));
    assert_eq!(wait(attempts, millis + 1), Some(Duration::ZERO));
}

#[test]
fn the_wait_doubles_up_to_a_quarter_of_an_hour() {
    for (attempts, longest_secs) in [
        (0, 1),
        (1, 2),
        (2, 4),
        (3, 8),
        (9, 512),
        (10, 900),
        (11, 900),
        (24, 900),
    ] {
        check(attempts, longest_secs);
    }
    assert_eq!(LONGEST, Duration::from_secs(900));
}

#[test]
fn what_fails_too_often_or_for_too_long_is_parked() {
    assert_eq!(PARK_AFTER_ATTEMPTS, 25);
    let second = Duration::from_secs(1);
    let cases = [
        (24, PARK_AFTER - second, true),
        (25, Duration::ZERO, false),
        (u32::MAX, Duration::ZERO, false),
        (1, PARK_AFTER, false),
        (1, Duration::MAX, false),
    ];
    for (attempts, failing_for, goes_on) in cases {
        let next = next_try(attempts, failing_for, 7);
        assert_eq!(next.is_some(), goes_on, "{attempts} in {failing_for:?}");
    }
}

#[test]
fn a_busy_server_is_left_alone_for_a_moment() {
    assert_eq!(busy_pause(0), Duration::from_millis(50));
    assert_eq!(busy_pause(450), Duration::from_millis(500));
    assert_eq!(busy_pause(451), Duration::from_millis(50));
}

proptest! {
    #![proptest_config(draw::tries(8_000))]

    #[test]
    fn no_wait_leaves_its_bounds(
        attempts in 0..2 * PARK_AFTER_ATTEMPTS,
        failing_secs in any::<u32>(),
        random in any::<u64>(),
    ) {
        let failing_for = Duration::from_secs(failing_secs.into());
        let next = next_try(attempts, failing_for, random);
        let parked = attempts >= PARK_AFTER_ATTEMPTS || failing_for >= PARK_AFTER;
        prop_assert_eq!(next.is_none(), parked);
        let ceiling = Duration::from_secs(1 << attempts.min(10)).min(LONGEST);
        prop_assert!(next.is_none_or(|next| next <= ceiling));
        prop_assert_eq!(next, next_try(attempts, failing_for, random));
        let pause = busy_pause(random).as_millis();
        prop_assert!((50..=500).contains(&pause));
    }
}
