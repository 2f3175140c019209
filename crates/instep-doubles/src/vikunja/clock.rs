//! The double's clock: real by default, shifted or frozen by a test. Nothing here waits.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// What a [`Clock`] answers with.
#[derive(Clone, Copy, Debug)]
enum Setting {
    Shifted(SignedDuration),
    Frozen(Timestamp),
}

/// Where the double reads the time from. Clones share one setting.
///
/// Only time stamps follow it; delays, webhook retries and time-outs run in real time.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Mutex<Setting>>);

impl Default for Clock {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Setting::Shifted(SignedDuration::ZERO))))
    }
}

impl Clock {
    /// The double's idea of now.
    pub fn now(&self) -> Timestamp {
        match *self.setting() {
            Setting::Shifted(by) => Timestamp::now()
                .saturating_add(by)
                .unwrap_or(Timestamp::MAX),
            Setting::Frozen(at) => at,
        }
    }

    /// Moves the clock by `secs` seconds (negative: into the past), frozen or not.
    pub fn shift(&self, secs: i64) {
        let step = SignedDuration::from_secs(secs);
        let mut setting = self.setting();
        *setting = match *setting {
            Setting::Shifted(by) => Setting::Shifted(by.saturating_add(step)),
            Setting::Frozen(at) => {
                Setting::Frozen(at.saturating_add(step).unwrap_or(Timestamp::MAX))
            }
        };
    }

    /// Stops the clock at `at`; [`Clock::shift`] then moves it by hand.
    pub fn freeze(&self, at: Timestamp) {
        *self.setting() = Setting::Frozen(at);
    }

    /// Goes back to the real time.
    pub fn follow_real_time(&self) {
        *self.setting() = Setting::Shifted(SignedDuration::ZERO);
    }

    fn setting(&self) -> std::sync::MutexGuard<'_, Setting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
