//! Moments by the clock that every process of this machine reads alike.

use std::time::Duration;

use anyhow::Result;
use nix::time::{ClockId, clock_gettime};

/// A moment, in nanoseconds since some start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) u64);

impl Moment {
    pub(crate) fn now() -> Result<Self> {
        let time = clock_gettime(ClockId::CLOCK_MONOTONIC)?;
        let (secs, nanos) = (
            u64::try_from(time.tv_sec())?,
            u64::try_from(time.tv_nsec())?,
        );
        Ok(Self(secs * 1_000_000_000 + nanos))
    }

    /// Milliseconds since an earlier one; 0 since a later one.
    pub(crate) fn ms_since(self, earlier: Self) -> f64 {
        Duration::from_nanos(self.0.saturating_sub(earlier.0)).as_secs_f64() * 1e3
    }
}
