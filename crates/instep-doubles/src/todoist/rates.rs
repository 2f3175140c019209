//! The service's limits on how often one user may call, in windows of fifteen minutes.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use super::refusal::Refusal;

/// The length of a window.
const WINDOW: SignedDuration = SignedDuration::from_mins(15);

/// Calls of the running windows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rates {
    pub(crate) partial_syncs: Window,
    pub(crate) full_syncs: Window,
    pub(crate) rest: Window,
}

/// The times of the calls that still count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window(VecDeque<Timestamp>);

impl Window {
    /// Counts a call, or refuses it when `most` are used up.
    pub(crate) fn count(&mut self, now: Timestamp, most: usize) -> Result<(), Refusal> {
        self.expire(now);
        if self.0.len() < most {
            self.0.push_back(now);
            return Ok(());
        }
        let first = self.0.front().copied().unwrap_or(now);
        let wait = WINDOW - now.duration_since(first);
        Err(Refusal::too_often(wait.as_secs().max(0) + 1))
    }

    /// How many calls count at the moment.
    pub(crate) fn used(&mut self, now: Timestamp) -> usize {
        self.expire(now);
        self.0.len()
    }

    fn expire(&mut self, now: Timestamp) {
        while self
            .0
            .front()
            .is_some_and(|at| now.duration_since(*at) >= WINDOW)
        {
            self.0.pop_front();
        }
    }
}
