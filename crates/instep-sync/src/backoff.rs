//! How long to wait before the next try.

use std::time::Duration;

/// The longest wait between two tries of one item.
pub const LONGEST: Duration = Duration::from_secs(15 * 60);

/// After this many failures of its own an item is parked until it changes or is retried.
pub const PARK_AFTER_ATTEMPTS: u32 = 25;

/// After this long without a success an item that fails once more is parked too.
pub const PARK_AFTER: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The wait of an item that has failed `attempts` times, the first time `failing_for` ago; `None`
/// where it is to be parked. `random` is any number; the same one gives the same wait.
pub fn next_try(attempts: u32, failing_for: Duration, random: u64) -> Option<Duration> {
    let goes_on = attempts < PARK_AFTER_ATTEMPTS && failing_for < PARK_AFTER;
    goes_on.then(|| full_jitter(attempts, random))
}

/// The wait before try `attempt` + 1: full jitter, a random part of 1 s · 2ⁿ, at most 15 minutes.
fn full_jitter(attempt: u32, random: u64) -> Duration {
    let ceiling = Duration::from_secs(1u64 << attempt.min(10)).min(LONGEST);
    let millis = u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(random % (millis + 1))
}

/// The wait before repeating a write that a busy server refused: 50–500 ms.
pub fn busy_pause(random: u64) -> Duration {
    Duration::from_millis(50 + random % 451)
}
