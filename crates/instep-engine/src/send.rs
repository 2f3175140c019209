//! Sending one batch: the outbox before it, repeats where they are safe.

use instep_contract::{
    Applied, Connector, ConnectorError, Cursor, Doubt, Intent, IntentId, PushStep, Store,
};
use instep_model::{Ids, Mapping, Operation, RemoteId, TaskId};
use instep_sync::Planned;

use crate::door::{Called, Tries};
use crate::doubt::over;
use crate::pass::Pass;
use crate::round::Engine;
use crate::stop::Stop;
use crate::{Clock, Rng};

/// What becomes of a batch: of each operation in it, or of the whole call.
pub(crate) type Outcome = Called<Vec<Called<Applied>>>;

/// How often a write that may be repeated is sent again when its answer was lost.
const MOST_REPEATS: usize = 3;

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Remembers creates before they are sent, where repeating them would double (S13).
    pub(crate) async fn remember<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        planned: &[(TaskId, Planned)],
    ) -> Result<Vec<IntentId>, Stop> {
        if pass.capabilities.ids == Ids::Chosen {
            return Ok(Vec::new());
        }
        let intents: Vec<_> = planned
            .iter()
            .filter(|(_, plan)| plan.operation.can_double())
            .map(|(id, plan)| (Some(*id), plan.operation.clone()))
            .collect();
        if intents.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self
            .store
            .commit_intents(&pass.lease, &intents, self.clock.now())
            .await?)
    }

    /// Takes intents back that certainly left nothing.
    pub(crate) async fn forget<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        intents: &[IntentId],
    ) -> Result<(), Stop> {
        let steps: Vec<PushStep> = intents
            .iter()
            .map(|intent| PushStep {
                settled: Some(*intent),
                ..PushStep::default()
            })
            .collect();
        self.settle(&pass.lease, steps).await
    }

    /// What becomes of intents after a whole batch failed: taken back where it certainly left
    /// nothing; given more time where the service may still be at work (S14).
    pub(crate) async fn doubt<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        intents: &[IntentId],
        error: &ConnectorError,
    ) -> Result<(), Stop> {
        if stored_nothing(error) {
            return self.forget(pass, intents).await;
        }
        match error {
            ConnectorError::OutcomeUnknown { doubt, .. } => {
                let each = intents.iter().map(|intent| (*intent, *doubt));
                self.remember_doubts(pass, &each.collect::<Vec<_>>()).await
            }
            _ => Ok(()),
        }
    }

    /// Remembers how long each of these writes may still turn up: long where the service may be at work
    /// on it, a moment where it said that it failed.
    pub(crate) async fn remember_doubts<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        doubts: &[(IntentId, Doubt)],
    ) -> Result<(), Stop> {
        let of = |kind: Doubt| -> Vec<IntentId> {
            let same = doubts.iter().filter(|(_, doubt)| *doubt == kind);
            same.map(|(intent, _)| *intent).collect()
        };
        let late = of(Doubt::TimedOut);
        self.mend(pass, &late, |intent| intent.timed_out = true)
            .await?;
        let failed = of(Doubt::Failed);
        self.mend(pass, &failed, |intent| intent.sent_at = over(intent))
            .await
    }

    /// Changes what is remembered of these intents.
    async fn mend<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        intents: &[IntentId],
        change: impl Fn(&mut Intent),
    ) -> Result<(), Stop> {
        if intents.is_empty() {
            return Ok(());
        }
        let mut open = self.store.open_intents(&pass.account.id).await?;
        open.retain(|intent| intents.contains(&intent.id));
        open.iter_mut().for_each(change);
        Ok(self.store.commit_doubt(&pass.lease, &open).await?)
    }

    /// Sends one batch until the service is no longer busy with another writer.
    pub(crate) async fn apply<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        operations: &[Operation],
        intents: &[IntentId],
    ) -> Result<Outcome, Stop> {
        pass.wrote = true;
        let targets = operations.iter().filter_map(Operation::target);
        pass.touched.extend(targets.cloned());
        self.wait_for_rest(pass).await;
        let mut tries = Tries::while_busy();
        loop {
            let write = async |connector: &mut C| connector.apply(operations).await;
            let attempt = match self.attempt_of(pass, &tries, write).await {
                Ok(outcome) => outcome,
                Err(stop) => {
                    // No call was made, and one before it that was refused has stored nothing.
                    self.forget(pass, intents).await?;
                    return Err(stop);
                }
            };
            match attempt {
                Err(error) if error.asks_for_repeat() && self.may_repeat(&mut tries).await => {
                    // It goes out once more: from now on it may be at work.
                    let now = self.clock.now();
                    self.mend(pass, intents, |intent| intent.sent_at = now)
                        .await?;
                }
                outcome => {
                    let results = outcome.iter().flatten().flatten();
                    pass.touched
                        .extend(results.map(|applied| applied.id.clone()));
                    return Ok(outcome);
                }
            }
        }
    }

    /// Waits until nobody else writes there, where one writer would lose the other's work (S32). The
    /// connector says when to wait no longer.
    async fn wait_for_rest<C: Connector>(&self, pass: &mut Pass<'_, C>) {
        loop {
            let wait = pass.connector.ready_in();
            if wait.is_zero() {
                return;
            }
            self.clock.sleep(wait).await;
        }
    }

    /// Remembers what is about to be written to known items, before it is: what we may not live to
    /// see the answer of is known for ours when it is seen there, and looked at by the next look
    /// whatever it holds, as somebody may change it back to what the last one showed.
    async fn note_sending<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        operations: &[Operation],
        pairs: &[Mapping],
    ) -> Result<(), Stop> {
        let to_known = operations.iter().any(|one| one.target().is_some());
        let note = |known: &Cursor| pass.connector.note_sending(known, operations);
        let cursor = self.cursor_with(pass, to_known, note).await?;
        self.note(pass, cursor, pairs).await
    }

    /// Has the next look show these items whatever they hold: they are read by themselves, and may be
    /// changed back to what the last look showed before the next one.
    pub(crate) async fn look_again_at<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        items: &[RemoteId],
    ) -> Result<(), Stop> {
        let forget = |known: &Cursor| pass.connector.forget_seen(known, items);
        let cursor = self.cursor_with(pass, !items.is_empty(), forget).await?;
        self.note(pass, cursor, &[]).await
    }

    async fn note<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        cursor: Option<Cursor>,
        pairs: &[Mapping],
    ) -> Result<(), Stop> {
        if pairs.is_empty() && cursor.is_none() {
            return Ok(());
        }
        let now = self.clock.now();
        let noted = self
            .store
            .commit_sending(&pass.lease, pairs, cursor.as_ref(), now);
        Ok(noted.await?)
    }

    /// The cursor after `change`, where there is anything to change and looks go by it.
    async fn cursor_with<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        is_due: bool,
        change: impl Fn(&Cursor) -> Result<Cursor, ConnectorError>,
    ) -> Result<Option<Cursor>, Stop> {
        if !is_due || !pass.connector.compares() {
            return Ok(None);
        }
        let known = self.store.account_state(&pass.account.id).await?.cursor;
        // One that cannot be read has the next look see everything.
        Ok(known.and_then(|known| change(&known).ok()))
    }

    /// Sends one batch. What may be repeated is, when its answer is lost; one that took too long
    /// may still be at work, and would undo what a person does after its repeat (S14). With `once`
    /// a second time would do something else than the first (S13).
    pub(crate) async fn send<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        operations: &[Operation],
        intents: &[IntentId],
        marked: &Marked,
        once: bool,
    ) -> Result<Outcome, Stop> {
        let chosen = pass.capabilities.ids == Ids::Chosen;
        let doubles = |operation: &Operation| !chosen && operation.can_double();
        let repeatable = !once && !operations.iter().any(doubles);
        let mut tries = Tries::of(if repeatable { MOST_REPEATS } else { 0 });
        self.note_sending(pass, operations, &marked.sent).await?;
        let mut may_be_there = false;
        loop {
            let sent = self.apply(pass, operations, intents).await;
            may_be_there |= match &sent {
                Ok(Ok(_)) => true,
                Ok(Err(error)) => !stored_nothing(error),
                Err(_) => false,
            };
            if !may_be_there {
                self.note_sending(pass, &[], &marked.before).await?;
            }
            match sent? {
                Err(
                    error @ ConnectorError::OutcomeUnknown {
                        doubt: Doubt::TimedOut,
                        ..
                    },
                ) => {
                    self.note_sending(pass, &[], &marked.timed_out()).await?;
                    return Ok(Err(error));
                }
                Err(ConnectorError::OutcomeUnknown {
                    doubt: Doubt::Failed | Doubt::Lost,
                    ..
                }) if self.may_send_again(pass, &mut tries).await => {}
                outcome => return Ok(outcome),
            }
        }
    }
}

/// The pairs of a batch of writes to known items.
#[derive(Debug, Default)]
pub(crate) struct Marked {
    /// As they are once it is known that none of it was stored.
    pub(crate) before: Vec<Mapping>,
    /// As they are until the answer is there.
    pub(crate) sent: Vec<Mapping>,
}

impl Marked {
    /// As they are once the answer takes too long.
    fn timed_out(&self) -> Vec<Mapping> {
        let late = |(before, sent): (&Mapping, &Mapping)| {
            let mut late = sent.clone();
            for one in &mut late.unanswered {
                one.timed_out |= !before.unanswered.contains(one);
            }
            late
        };
        self.before.iter().zip(&self.sent).map(late).collect()
    }
}

/// Whether an error is certain to have left nothing behind.
pub(crate) fn stored_nothing(error: &ConnectorError) -> bool {
    !matches!(
        error,
        ConnectorError::OutcomeUnknown { .. } | ConnectorError::Malformed { .. }
    )
}
