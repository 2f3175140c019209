//! What planted bugs make of a service that is left alone.

use instep_contract::{Lease, PushStep, Store, StoreError};
use instep_model::{Access, AccountId, Breaker, Span, Timestamp};

use super::{Bug, SimStore};

impl SimStore {
    /// What is read, with a wait that has no end where that is planted.
    pub(super) fn spoilt_access(&self, mut access: Access) -> Access {
        let forever = |span: &mut Span| {
            span.since = Timestamp::MIN;
            span.until = Timestamp::MAX;
        };
        if let (Breaker::Open(opening), true) = (&mut access.breaker, self.has(Bug::BreakerStuck)) {
            forever(&mut opening.span);
        }
        if let (Some(throttle), true) = (&mut access.throttle, self.has(Bug::PauseNeverEnds)) {
            forever(throttle);
        }
        access
    }

    /// Counts what was stored, and drops the account's work where that is planted.
    pub(super) async fn note_access(
        &self,
        account: &AccountId,
        access: &Access,
    ) -> Result<(), StoreError> {
        self.world.coverage(|counts| {
            counts.stepped(match access.breaker {
                Breaker::Closed { .. } => "breaker closed",
                Breaker::Open(_) => "breaker opened",
                Breaker::HalfOpen(_) => "breaker probed",
            });
        });
        match (&access.breaker, self.has(Bug::OpenDropsWork)) {
            (Breaker::Open(_), true) => self.drop_work(account).await,
            _ => Ok(()),
        }
    }

    /// Calls everything done that waits for the account.
    async fn drop_work(&self, account: &AccountId) -> Result<(), StoreError> {
        let now = self.world.now();
        let account = account.clone();
        let lease = self.stolen(&Lease { account, token: 0 }).await?;
        let work = self.inner.pending_work(&lease.account, 0, 1_000, now);
        let done = |work| PushStep {
            done: Some(work),
            ..PushStep::default()
        };
        let steps: Vec<PushStep> = work.await?.into_iter().map(done).collect();
        self.inner.commit_push(&lease, &steps, now).await
    }
}
