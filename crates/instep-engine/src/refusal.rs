//! An item that was refused: set aside with its reason, tried again after a wait that grows, and
//! parked once that has gone on for too long (S33). The rest of its account never waits for it.

use std::collections::BTreeSet;
use std::time::Duration;

use instep_contract::{Connector, Later, Lease, PushStep, Store, StoreError};
use instep_model::{
    Account, Action, Collection, CollectionId, Direction, Mapping, MappingState, NextTry, Side,
    TaskId,
};
use instep_sync::next_try;

use crate::journal::Event;
use crate::pass::Pass;
use crate::push::Page;
use crate::report::Problem;
use crate::round::Engine;
use crate::stop::Stop;
use crate::{Clock, Rng};

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Sets one item aside with its reason, until its wait is over or it changes.
    pub(crate) fn refuse<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &Page,
        id: TaskId,
        reason: &str,
    ) -> PushStep {
        let now = self.clock.now();
        let known = page.context.mappings.get(&id).cloned();
        let mut mapping = known.unwrap_or_else(|| Mapping::new(pass.account.id.clone(), id, None));
        let is_news = mapping.last_error.as_deref() != Some(reason);
        mapping.state = MappingState::Error;
        mapping.attempts = mapping.attempts.saturating_add(1);
        let since = *mapping.failing_since.get_or_insert(now);
        mapping.last_error = Some(reason.to_owned());
        // A clock that was set back says nothing about how long it has been.
        let failing_for = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        let wait = next_try(mapping.attempts, failing_for, self.rng.next_u64());
        let until = wait.and_then(|wait| now.checked_add(wait).ok());
        pass.report.problems.push(Problem {
            task: id,
            title: page.context.tasks[&id].fields.title().to_owned(),
            reason: reason.to_owned(),
            next: until.map_or(NextTry::Parked, NextTry::At),
        });
        let work = page.work.get(&id).cloned();
        pass.refused
            .extend(work.as_ref().map(|work| work.generation));
        let journal = Event {
            operation: &self.operation_id(),
            at: now,
            side: Side::Remote,
            account: Some(&pass.account.id),
            task: id,
            action: Action::Fail,
            changes: &[],
            cause: reason,
        };
        let journal = if is_news { journal.lines() } else { Vec::new() };
        let (done, later) = match until {
            Some(until) => (None, work.map(|work| Later { work, until })),
            None => (work, None),
        };
        PushStep {
            mapping: Some(mapping),
            done,
            later,
            journal,
            ..PushStep::default()
        }
    }

    /// A person asks for this task now: what was refused is tried again, and what was deleted where
    /// it is only written to is made there again (S29).
    pub(crate) async fn try_again<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        task: TaskId,
    ) -> Result<(), Stop> {
        Ok(self.retry(&pass.lease, pass.account, &[task]).await?)
    }

    /// Makes work of these tasks of an account that were refused, whether they wait or are parked.
    ///
    /// # Errors
    /// When the hub fails, or the lease is over.
    pub async fn retry(
        &self,
        lease: &Lease,
        account: &Account,
        tasks: &[TaskId],
    ) -> Result<(), StoreError> {
        let pairs = self.store.mappings_by_task(&account.id, tasks).await?;
        let refused = pairs
            .into_iter()
            .filter(|pair| pair.state == MappingState::Error);
        let steps: Vec<PushStep> = refused
            .map(|mut pair| {
                let gone = pair.gone.is_some() && account.direction == Direction::ToRemote;
                if gone {
                    pair.state = MappingState::Pending;
                }
                PushStep {
                    wake: vec![(account.id.clone(), pair.task)],
                    mapping: gone.then_some(pair),
                    ..PushStep::default()
                }
            })
            .collect();
        if steps.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        self.store.commit_push(lease, &steps, now).await
    }
}

/// Whether something can be written to now that was not there or was archived before.
pub(crate) fn has_opened(before: &[Collection], now: &[Collection]) -> bool {
    let open = |collections: &[Collection]| -> BTreeSet<CollectionId> {
        let open = collections.iter().filter(|collection| !collection.archived);
        open.map(|collection| collection.id.clone()).collect()
    };
    !open(now).is_subset(&open(before))
}
