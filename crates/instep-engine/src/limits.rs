//! How much a service is called, and when no longer. A clone shares the count of calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use instep_model::{AccountId, Timestamp};
use instep_sync::{BreakerRule, Bucket, Rate};

/// The rules for calls to services, and how many went out in this process.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// When calls end for a while.
    pub breaker: BreakerRule,
    /// How many go out in a second, for each account.
    pub rate: Rate,
    buckets: Arc<Mutex<BTreeMap<AccountId, Bucket>>>,
}

impl Limits {
    /// These rules, and no call made yet.
    pub fn new(breaker: BreakerRule, rate: Rate) -> Self {
        Self {
            breaker,
            rate,
            buckets: Arc::default(),
        }
    }

    /// How long the next call has to wait.
    pub(crate) fn wait(&self, account: &AccountId, now: Timestamp) -> Duration {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.get(account);
        bucket.map_or(Duration::ZERO, |bucket| bucket.wait(self.rate, now))
    }

    /// Takes in calls that were made.
    pub(crate) fn take(&self, account: &AccountId, calls: u64, now: Timestamp) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(account.clone()).or_default();
        bucket.take(self.rate, calls, now);
    }
}
