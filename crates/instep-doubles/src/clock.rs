//! The doubles' clock: real by default, shifted or frozen by a test. Nothing here waits.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// What a [`Clock`] answers with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Setting {
    Shifted(SignedDuration),
    Frozen(Timestamp),
}

/// Where a double reads the time from. Clones share one setting.
///
/// Only time stamps and what waits for a time of day follow it; delays and time-outs run in real
/// time.
#[derive(Clone, Debug)]
pub struct Clock(Arc<watch::Sender<Setting>>);

impl Default for Clock {
    fn default() -> Self {
        let real = Setting::Shifted(SignedDuration::ZERO);
        Self(Arc::new(watch::Sender::new(real)))
    }
}

impl Clock {
    /// The double's idea of now.
    pub fn now(&self) -> Timestamp {
        match *self.0.borrow() {
            Setting::Shifted(by) => Timestamp::now()
                .saturating_add(by)
                .unwrap_or(Timestamp::MAX),
            Setting::Frozen(at) => at,
        }
    }

    /// Moves the clock by `secs` seconds (negative: into the past), frozen or not.
    pub fn shift(&self, secs: i64) {
        let step = SignedDuration::from_secs(secs);
        self.0.send_modify(|setting| {
            *setting = match *setting {
                Setting::Shifted(by) => Setting::Shifted(by.saturating_add(step)),
                Setting::Frozen(at) => {
                    Setting::Frozen(at.saturating_add(step).unwrap_or(Timestamp::MAX))
                }
            };
        });
    }

    /// Stops the clock at `at`; [`Clock::shift`] then moves it by hand.
    pub fn freeze(&self, at: Timestamp) {
        self.0.send_replace(Setting::Frozen(at));
    }

    /// Goes back to the real time.
    pub fn follow_real_time(&self) {
        self.0.send_replace(Setting::Shifted(SignedDuration::ZERO));
    }

    /// Tells whenever the clock is set.
    pub(crate) fn settings(&self) -> watch::Receiver<Setting> {
        self.0.subscribe()
    }
}
