//! Waits between two tries stay within their bounds, whatever chance says.

use std::time::Duration;

use instep_sync::{LONGEST, PARK_AFTER_ATTEMPTS, busy_pause, full_jitter};
use proptest::prelude::*;

use crate::draw;

/// The longest wait after this many failures.
fn check(attempt: u32, longest_secs: u64) {
    let millis = longest_secs * 1_000;
    assert_eq!(full_jitter(attempt, 0), Duration::ZERO);
    assert_eq!(
        full_jitter(attempt, millis),
        Duration::from_secs(longest_secs)
    );
    assert_eq!(full_jitter(attempt, millis + 1), Duration::ZERO);
}

#[test]
fn the_wait_doubles_up_to_a_quarter_of_an_hour() {
    for (attempt, longest_secs) in [
        (0, 1),
        (1, 2),
        (2, 4),
        (3, 8),
        (9, 512),
        (10, 900),
        (11, 900),
        (64, 900),
        (u32::MAX, 900),
    ] {
        check(attempt, longest_secs);
    }
    assert_eq!(LONGEST, Duration::from_secs(900));
    assert_eq!(PARK_AFTER_ATTEMPTS, 25);
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
    fn no_wait_leaves_its_bounds(attempt in any::<u32>(), random in any::<u64>()) {
        let ceiling = Duration::from_secs(1 << attempt.min(10)).min(LONGEST);
        prop_assert!(full_jitter(attempt, random) <= ceiling);
        prop_assert_eq!(full_jitter(attempt, random), full_jitter(attempt, random));
        let pause = busy_pause(random).as_millis();
        prop_assert!((50..=500).contains(&pause));
    }
}
