//! How often an account's calls may be repeated, and how many of them go out in a second. Time is an
//! argument; nothing here waits.

use std::time::Duration;

use instep_model::Timestamp;

/// The tokens of an account that has repeated nothing lately.
pub const TOKENS: u32 = 50;

/// What a repeat costs.
const REPEAT: u32 = 5;

/// What one costs whose answer took too long: the service may still be at work on it.
const AFTER_TIMEOUT: u32 = 10;

/// After this long without a repeat all tokens are back.
const BACK_AFTER: Duration = Duration::from_secs(60);

/// Takes the tokens for a repeat, if there are enough. `spent` is how many are gone, and since when.
pub fn spend(spent: &mut Option<(u32, Timestamp)>, timed_out: bool, now: Timestamp) -> bool {
    let gone = spent.map_or(0, |(gone, at)| {
        let age = Duration::try_from(now.duration_since(at));
        match age {
            Ok(age) if age < BACK_AFTER => gone,
            // The clock was set back, or it is long ago.
            _ => 0,
        }
    });
    let price = if timed_out { AFTER_TIMEOUT } else { REPEAT };
    if gone + price > TOKENS {
        return false;
    }
    *spent = Some((gone + price, now));
    true
}

/// Gives one token back for a call that succeeded.
pub fn refund(spent: &mut Option<(u32, Timestamp)>) {
    *spent = spent
        .map(|(gone, at)| (gone.saturating_sub(1), at))
        .filter(|(gone, _)| *gone > 0);
}

/// How many calls may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Calls a second, for as long as it goes on; 0 for any number.
    pub per_sec: u32,
    /// Calls at once.
    pub burst: u32,
}

impl Default for Rate {
    /// A fuse and no brake: one connection to a server nearby carries some 300 calls a second, so
    /// that only a loop that has gone wild, or many connections at once, ever meet it.
    fn default() -> Self {
        Self {
            per_sec: 500,
            burst: 1_000,
        }
    }
}

/// The calls of one account, as a bucket that fills with time and is emptied by calls. What a call
/// cost is known after it: the bucket goes below empty then, and the next call waits.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bucket {
    /// Calls beyond what has flowed back, and when that was so.
    level: Option<(f64, Timestamp)>,
}

impl Bucket {
    /// How long the next call has to wait.
    pub fn wait(&self, rate: Rate, now: Timestamp) -> Duration {
        let over = self.taken(rate, now) - f64::from(rate.burst);
        if rate.per_sec == 0 || over < 0.0 {
            return Duration::ZERO;
        }
        let secs = (over + 1.0) / f64::from(rate.per_sec);
        Duration::try_from_secs_f64(secs).unwrap_or_default()
    }

    /// Takes in calls that were made.
    pub fn take(&mut self, rate: Rate, calls: u64, now: Timestamp) {
        let calls = u32::try_from(calls).unwrap_or(u32::MAX);
        self.level = Some((self.taken(rate, now) + f64::from(calls), now));
    }

    fn taken(&self, rate: Rate, now: Timestamp) -> f64 {
        let Some((level, at)) = self.level else {
            return 0.0;
        };
        let Ok(passed) = Duration::try_from(now.duration_since(at)) else {
            // The clock was set back: nobody knows how long ago it was.
            return 0.0;
        };
        (level - passed.as_secs_f64() * f64::from(rate.per_sec)).max(0.0)
    }
}
