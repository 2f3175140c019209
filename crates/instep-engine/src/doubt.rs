//! Writes whose answer never came: look, look again, and only then forget and repeat (S13–S15).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use instep_contract::{Applied, Connector, Intent, PushStep, Store};
use instep_model::{
    Annotation, Base, Collection, Field, Fields, Mapping, MappingState, Operation, RemoteId,
    RemoteNoteId, TaskId, Timestamp, Trouble, Unanswered, Value,
};

use crate::pass::Pass;
use crate::round::Engine;
use crate::stop::Stop;
use crate::{Clock, Rng};

/// A server may still be working on a request for this long after it was sent (S14).
pub const STILL_WORKING: Duration = Duration::from_secs(2);

/// The same after the answer timed out.
pub const STILL_WORKING_AFTER_TIMEOUT: Duration = Duration::from_secs(30);

/// So long at most it is until an answer counts as timed out, and what goes before it in the same batch.
const TIMES_OUT_WITHIN: Duration = Duration::from_secs(60);

/// What a service that answered needs until what it was doing when it failed is settled.
const SETTLES: Duration = Duration::from_millis(300);

/// What was made by us may bear a time so much earlier than ours: clocks differ, and are set.
const CLOCKS_DIFFER: Duration = Duration::from_secs(24 * 60 * 60);

/// Looks at open intents within one step; waits no longer than [`STILL_WORKING`] between two.
const MOST_LOOKS: usize = 3;

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Settles writes of unknown outcome as far as that is possible now; answers how many are
    /// still open.
    pub(crate) async fn settle_doubts<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
    ) -> Result<usize, Stop> {
        for _ in 0..MOST_LOOKS {
            let intents = self.store.open_intents(&pass.account.id).await?;
            if intents.is_empty() {
                return Ok(0);
            }
            let missed = self.look_for(pass, &intents).await?;
            let Some(wait) = self.wait_for(&missed) else {
                return Ok(missed.len());
            };
            if missed.is_empty() {
                return Ok(0);
            }
            self.clock.sleep(wait).await;
        }
        Ok(self.store.open_intents(&pass.account.id).await?.len())
    }

    /// Settles what these tasks wait for: while a create of theirs, or of anything that they may lie
    /// in or carry, is in doubt, none is sent (S14).
    pub(crate) async fn settle_for<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        tasks: &[TaskId],
    ) -> Result<(), Stop> {
        if self.settle_doubts(pass).await? == 0 {
            return Ok(());
        }
        let open = self.store.open_intents(&pass.account.id).await?;
        let concerns = |intent: &&Intent| intent.task.is_none_or(|task| tasks.contains(&task));
        match open.iter().filter(concerns).count() {
            0 => Ok(()),
            count => Err(Stop::Trouble(Trouble::InDoubt { count })),
        }
    }

    /// How long until the missed may be looked for again, if that is short.
    fn wait_for(&self, missed: &[Intent]) -> Option<Duration> {
        let now = self.clock.now();
        let waits = missed.iter().map(|intent| remaining(intent, now));
        let wait = waits.max().unwrap_or(Duration::ZERO);
        (wait <= STILL_WORKING).then_some(wait)
    }

    /// One look for all of them. Found ones are settled; one missed for the second time, late
    /// enough, is forgotten, so that its task is made anew. Gives back the others.
    async fn look_for<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        intents: &[Intent],
    ) -> Result<Vec<Intent>, Stop> {
        let now = self.clock.now();
        let sent_at = intents.iter().map(|intent| intent.sent_at);
        let first = sent_at
            .clone()
            .min()
            .and_then(|at| at.checked_sub(CLOCKS_DIFFER).ok());
        let since = match sent_at.clone().any(|at| at > now) {
            // The clock was set back: nobody knows when it was.
            true => Timestamp::UNIX_EPOCH,
            false => first.unwrap_or(Timestamp::UNIX_EPOCH),
        };
        let sent: Vec<Operation> = intents
            .iter()
            .map(|intent| intent.operation.clone())
            .collect();
        let find = async |connector: &mut C| connector.find(&sent, since).await;
        let found = self.call(pass, find).await??;
        let all = found.iter().flatten();
        pass.touched.extend(all.map(|applied| applied.id.clone()));
        let mut taken = self.paired(pass, &found).await?;
        let now = self.clock.now();
        let mut steps = Vec::new();
        let mut missed = Vec::new();
        for (intent, candidates) in intents.iter().zip(found) {
            let known = self.known_notes(pass, intent).await?;
            let fresh = candidates.into_iter().find(|candidate| {
                !taken.contains(&candidate.id)
                    && !candidate.note.as_ref().is_some_and(|n| known.contains(n))
            });
            match fresh {
                Some(applied) => {
                    if matches!(intent.operation, Operation::Create(_)) {
                        taken.insert(applied.id.clone());
                    }
                    if let (Operation::Create(_), Some(task)) = (&intent.operation, intent.task) {
                        steps.extend(self.displaced(pass, &[(task, &applied)]).await?);
                    }
                    steps.push(self.found_step(pass, intent, applied).await?);
                }
                None if intent.missed_at.is_some() && remaining(intent, now).is_zero() => {
                    steps.push(PushStep {
                        settled: Some(intent.id),
                        ..PushStep::default()
                    });
                }
                // A clock that was set back tells nothing of how long it was: it is waited for anew.
                None => missed.push(Intent {
                    missed_at: Some(now),
                    sent_at: intent.sent_at.min(now),
                    ..intent.clone()
                }),
            }
        }
        if !steps.is_empty() {
            self.store.commit_push(&pass.lease, &steps, now).await?;
        }
        if !missed.is_empty() {
            self.store.commit_doubt(&pass.lease, &missed).await?;
        }
        Ok(missed)
    }

    /// Candidates that are somebody's already. A pair whose id names another item now has none.
    async fn paired<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        found: &[Vec<Applied>],
    ) -> Result<BTreeSet<RemoteId>, Stop> {
        let born: BTreeMap<RemoteId, Option<Timestamp>> = found
            .iter()
            .flatten()
            .filter(|applied| applied.note.is_none())
            .map(|applied| (applied.id.clone(), applied.born))
            .collect();
        let ids: Vec<RemoteId> = born.keys().cloned().collect();
        let mappings = self
            .store
            .mappings_by_remote(&pass.account.id, &ids)
            .await?;
        let is_its = |pair: &Mapping| {
            let found = pair.remote.as_ref().and_then(|id| born.get(id));
            pair.is_of(found.copied().flatten())
        };
        Ok(mappings
            .into_iter()
            .filter(is_its)
            .filter_map(|mapping| mapping.remote)
            .collect())
    }

    async fn known_notes<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        intent: &Intent,
    ) -> Result<BTreeSet<RemoteNoteId>, Stop> {
        let (Operation::AddNote { .. }, Some(task)) = (&intent.operation, intent.task) else {
            return Ok(BTreeSet::new());
        };
        let mappings = self
            .store
            .mappings_by_task(&pass.account.id, &[task])
            .await?;
        Ok(mappings
            .into_iter()
            .flat_map(|mapping| mapping.base.notes.into_values())
            .collect())
    }

    /// A write that turned out to have been done.
    async fn found_step<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        intent: &Intent,
        applied: Applied,
    ) -> Result<PushStep, Stop> {
        pass.wrote = true;
        let mut step = PushStep {
            settled: Some(intent.id),
            ..PushStep::default()
        };
        match (&intent.operation, intent.task) {
            (Operation::Create(draft), Some(task)) => {
                let mut mapping = Mapping::new(pass.account.id.clone(), task, Some(applied.id));
                mapping.unseen = true;
                mapping.born = applied.born;
                mapping.collection = applied.collection;
                mapping.base = created_base(&draft.fields, &draft.markers, pass);
                mapping.state = MappingState::Pending;
                step.wake = self.marker_wakes(&pass.account.id, task);
                step.mapping = Some(mapping);
            }
            (Operation::AddNote { note, .. }, Some(task)) => {
                let known = self
                    .store
                    .mappings_by_task(&pass.account.id, &[task])
                    .await?;
                step.mapping = known.into_iter().next().map(|mut mapping| {
                    let mut notes = mapping.base.fields.annotations();
                    notes.insert(
                        note.id,
                        Annotation {
                            at: note.at,
                            text: note.text.clone(),
                        },
                    );
                    mapping
                        .base
                        .fields
                        .set(Field::Annotations, Value::Annotations(notes));
                    mapping
                        .base
                        .notes
                        .extend(applied.note.map(|id| (note.id, id)));
                    mapping
                });
            }
            (Operation::CreateCollection { path }, _) => {
                step.collection = applied.collection.map(|id| Collection {
                    id,
                    path: Some(path.clone()),
                    archived: false,
                });
            }
            _ => {}
        }
        Ok(step)
    }

    /// Accounts that carry markers have to look at the task again.
    pub(crate) fn marker_wakes(
        &self,
        account: &instep_model::AccountId,
        task: TaskId,
    ) -> Vec<(instep_model::AccountId, TaskId)> {
        self.marker_holders(account)
            .into_iter()
            .map(|holder| (holder, task))
            .collect()
    }
}

/// The base after a create of which only the draft is known.
fn created_base<C: Connector>(
    fields: &Fields,
    markers: &std::collections::BTreeMap<String, String>,
    pass: &Pass<'_, C>,
) -> Base {
    let mut base = Base {
        markers: markers.clone(),
        ..Base::default()
    };
    for (field, value) in fields.iter().filter(|(field, _)| pass.merges(*field)) {
        base.confirm(field, Some(value.clone()), Some(value.clone()));
    }
    base
}

/// Whether a write whose answer never came may be there although a look that ended at this moment, and
/// where nothing of it was seen, was the last.
pub(crate) fn may_turn_up(write: &Unanswered, looked_at: Timestamp) -> bool {
    let span = match write.timed_out {
        true => TIMES_OUT_WITHIN + STILL_WORKING_AFTER_TIMEOUT,
        false => STILL_WORKING,
    };
    write
        .at
        .checked_add(span)
        .is_ok_and(|until| looked_at <= until)
}

/// Since when a write counts as sent whose service says that it failed: so long ago that of the time for
/// which it may still be at work only a moment is left.
pub(crate) fn over(intent: &Intent) -> Timestamp {
    let over = STILL_WORKING.saturating_sub(SETTLES);
    intent.sent_at.checked_sub(over).unwrap_or(intent.sent_at)
}

/// How long the server may still be working on it.
fn remaining(intent: &Intent, now: Timestamp) -> Duration {
    let span = if intent.timed_out {
        STILL_WORKING_AFTER_TIMEOUT
    } else {
        STILL_WORKING
    };
    let passed = now.duration_since(intent.sent_at);
    span.saturating_sub(Duration::try_from(passed).unwrap_or_default())
}
