//! Items that are known to be gone, and the guard before the hub believes it (I6, S28).

use std::collections::BTreeMap;

use instep_contract::{AccountState, Connector, MergeStep, Store, TaskWrite};
use instep_model::{
    Action, Capabilities, CollectionId, Direction, Evidence, Fields, Gone, Mapping, MappingState,
    Need, Provenance, RemoteId, RemoteTask, Side, Task, TaskId, Timestamp, Trouble,
};
use instep_sync::{Counts, Deletions, WINDOW_MINUTES};

use crate::context::Context;
use crate::journal::Event;
use crate::merge::new_task;
use crate::pass::Pass;
use crate::round::Engine;
use crate::sight::Sight;
use crate::stop::Stop;
use crate::stranger::without_item;
use crate::{Clock, Rng};

/// A pair whose remote item is gone, and when it went.
pub(crate) struct Loss {
    pub(crate) task: TaskId,
    pub(crate) evidence: Evidence,
    pub(crate) at: Timestamp,
}

/// What the guard counts an item with (S28): the collection that it lies in or, where the service
/// has none, its project.
pub(crate) fn counted_in(service: &Capabilities, item: &RemoteTask) -> Option<CollectionId> {
    match service.collections {
        true => item.collection.clone(),
        false => counted_by_project(&item.fields),
    }
}

/// The same for an item that was written just now, by what it is known to hold.
pub(crate) fn counted_by_project(fields: &Fields) -> Option<CollectionId> {
    fields
        .project()
        .map(|path| CollectionId::new(path.to_string()))
}

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Takes deletions into the hub: what was edited here meanwhile comes back, the rest is
    /// deleted or, where it is too much, held.
    pub(crate) async fn take_gone<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        seen: &Sight,
        gone: Vec<Gone>,
    ) -> Result<(), Stop> {
        if gone.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let by_id: BTreeMap<RemoteId, &Gone> =
            gone.iter().map(|gone| (gone.id.clone(), gone)).collect();
        let ids: Vec<RemoteId> = by_id.keys().cloned().collect();
        let mappings = self
            .store
            .mappings_by_remote(&pass.account.id, &ids)
            .await?;
        if !seen.state.joined && pass.account.direction != Direction::ToRemote {
            self.remember_deleted(pass, seen, &gone, &mappings).await?;
        }
        let losses: Vec<Loss> = mappings
            .iter()
            .filter(|mapping| mapping.gone.is_none())
            .filter_map(|mapping| {
                let gone = by_id.get(mapping.remote.as_ref()?)?;
                let at = gone.at.unwrap_or(now).min(now);
                Some(Loss {
                    task: mapping.task,
                    evidence: gone.evidence,
                    at,
                })
            })
            .collect();
        self.take_losses(pass, &losses).await
    }

    /// The service was asked for the item of this task by its id just now, and has none.
    pub(crate) fn not_found(&self, task: TaskId) -> Loss {
        Loss {
            task,
            evidence: Evidence::NotFound,
            at: self.clock.now(),
        }
    }

    /// Decides about pairs whose remote item is gone.
    pub(crate) async fn take_losses<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        losses: &[Loss],
    ) -> Result<(), Stop> {
        if losses.is_empty() {
            return Ok(());
        }
        let ids: Vec<TaskId> = losses.iter().map(|loss| loss.task).collect();
        let context = self.context(pass.account, &ids, &[]).await?;
        let mut steps = Vec::new();
        let mut ended = Vec::new();
        let mut weighed = Vec::new();
        let mut agreed = Counts::new();
        for loss in losses {
            let (Some(task), Some(mapping)) = (
                context.tasks.get(&loss.task),
                context.mappings.get(&loss.task),
            ) else {
                continue;
            };
            if !task.is_alive() {
                *agreed.entry(mapping.collection.clone()).or_default() += 1;
            }
            match self.judge(pass, &context, task, mapping, loss) {
                Some(step) => {
                    ended.extend(step.unpair.as_ref().map(|(_, task)| *task));
                    steps.push(step);
                }
                None => weighed.push((task, mapping, loss)),
            }
        }
        steps.extend(self.unlink_steps(pass, &ended).await?);
        // Tasks that are made again, which none holds up, or that an edit keeps alive count too: a
        // listing that lost them all is no less wrong.
        let went_back = pass.older.is_some();
        let permitted = went_back || self.weigh(pass, &weighed, agreed).await?;
        let unmade = self.unmade(pass, &weighed).await?;
        let projection = context.projection(pass, &self.zone);
        let edited: Vec<bool> = weighed
            .iter()
            .map(|(task, mapping, _)| {
                let version = mapping.hub_version;
                (self.decisions.hub_was_edited)(&projection, &mapping.base, version, task)
            })
            .collect();
        for (((task, mapping, loss), edited), unmade) in weighed.into_iter().zip(edited).zip(unmade)
        {
            steps.push(if went_back || unmade || permitted && edited {
                self.contested_step(pass, mapping, loss)
            } else if permitted {
                self.deletion_step(pass, task, mapping, loss)
            } else {
                self.held_step(pass, task, mapping, loss, edited)
            });
        }
        self.commit(pass, &steps).await
    }

    /// What is clear without the guard; `None` for a loss that has to be weighed.
    fn judge<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        context: &Context,
        task: &Task,
        mapping: &Mapping,
        loss: &Loss,
    ) -> Option<MergeStep> {
        if !task.is_alive() {
            // Deleted on both sides.
            let mut pair = mapping.clone();
            pair.gone = Some((loss.evidence, loss.at));
            pair.state = MappingState::Synced;
            pair.hub_version = task.version;
            return Some(MergeStep {
                mapping: Some(pair),
                ..MergeStep::default()
            });
        }
        if pass.account.direction == Direction::ToRemote && pass.older.is_none() {
            let mut pair = mapping.clone();
            pair.gone = Some((loss.evidence, loss.at));
            pair.state = MappingState::Error;
            pair.hub_version = task.version;
            pair.last_error = Some("deleted there".to_owned());
            return Some(MergeStep {
                mapping: Some(pair),
                ..MergeStep::default()
            });
        }
        let left = mapping.state == MappingState::OutOfScope;
        if left || self.stays_outside(pass, context, task, mapping, &task.fields) {
            return Some(MergeStep {
                unpair: Some((mapping.account.clone(), mapping.task)),
                ..MergeStep::default()
            });
        }
        None
    }

    /// Something beats the deletion: the push makes the item again, once it has asked for it
    /// by its id.
    fn contested_step<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        mapping: &Mapping,
        loss: &Loss,
    ) -> MergeStep {
        let mut pair = mapping.clone();
        pair.gone = Some((loss.evidence, loss.at));
        pair.contested = true;
        pair.state = MappingState::Pending;
        let wake = vec![pass.account.id.clone()];
        MergeStep {
            mapping: Some(pair),
            wake,
            ..MergeStep::default()
        }
    }

    /// The item is made again, from its shadow.
    pub(crate) fn survival_step<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        task: &Task,
        mapping: &Mapping,
    ) -> MergeStep {
        let pair = without_item(mapping);
        let journal = Event {
            operation: &self.operation_id(),
            at: self.clock.now(),
            side: Side::Remote,
            account: Some(&pass.account.id),
            task: task.id,
            action: Action::Restore,
            changes: &[],
            cause: "made again: edited here, or never deleted there",
        }
        .lines();
        MergeStep {
            mapping: Some(pair),
            journal,
            wake: vec![pass.account.id.clone()],
            ..MergeStep::default()
        }
    }

    async fn weigh<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        deletions: &[(&Task, &Mapping, &Loss)],
        agreed: Counts,
    ) -> Result<bool, Stop> {
        if deletions.is_empty() {
            return Ok(true);
        }
        let now = self.clock.now();
        let window = Timestamp::from_millisecond(now.as_millisecond() - WINDOW_MINUTES * 60_000)
            .unwrap_or(Timestamp::MIN);
        let state = self.store.account_state(&pass.account.id).await?;
        let since = state.guard_since.map_or(window, |since| since.max(window));
        let tally = self.store.tally(&pass.account.id, since).await?;
        let mut alive = tally.alive;
        for (collection, unseen) in &tally.unseen {
            if let Some(alive) = alive.get_mut(collection) {
                *alive = alive.saturating_sub(*unseen);
            }
        }
        let mut new = BTreeMap::new();
        for (_, mapping, _) in deletions {
            *new.entry(mapping.collection.clone()).or_insert(0) += 1;
        }
        let deletions = Deletions {
            alive,
            recent: tally.deleted,
            held: tally.held,
            new,
            agreed,
        };
        Ok((self.decisions.permits)(
            &deletions,
            pass.options.max_delete,
        ))
    }

    /// The hub deletes the task too. `mapping` tells whether a person let it go: then it is pending.
    pub(crate) fn deletion_step<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        task: &Task,
        mapping: &Mapping,
        loss: &Loss,
    ) -> MergeStep {
        let account = &pass.account.id;
        let let_go = mapping.gone.is_some() && mapping.state == MappingState::Pending;
        let permitted = let_go || pass.options.max_delete.is_some();
        let mut written = task.clone();
        let origin = Provenance {
            at: loss.at,
            account: Some(account.clone()),
        };
        written.deleted = Some(origin);
        written.modified = task.modified.max(loss.at);
        let mut pair = mapping.clone();
        pair.gone = Some((loss.evidence, loss.at));
        pair.state = MappingState::Synced;
        pair.observed = None;
        pair.hub_version = task.version + 1;
        let journal = Event {
            operation: &self.operation_id(),
            at: self.clock.now(),
            side: Side::Hub,
            account: Some(account),
            task: task.id,
            action: Action::Delete,
            changes: &[],
            cause: "deleted there",
        }
        .lines();
        let wake = self.others(account);
        pass.tell(
            Side::Hub,
            Action::Delete,
            task,
            mapping.remote.clone(),
            Vec::new(),
        );
        MergeStep {
            task: Some(TaskWrite {
                from_version: task.version,
                task: written,
            }),
            // What a person permitted does not count against the next ones (S28).
            deletion: (!permitted).then(|| mapping.collection.clone()),
            mapping: Some(pair),
            journal,
            wake,
            ..MergeStep::default()
        }
    }

    fn held_step<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        task: &Task,
        mapping: &Mapping,
        loss: &Loss,
        contested: bool,
    ) -> MergeStep {
        let mut pair = mapping.clone();
        pair.gone = Some((loss.evidence, loss.at));
        pair.contested = contested;
        pair.state = MappingState::Held;
        // An edit from now on makes the task anew; one from before waits with the rest (S4).
        pair.hub_version = task.version;
        let journal = Event {
            operation: &self.operation_id(),
            at: self.clock.now(),
            side: Side::Hub,
            account: Some(&pass.account.id),
            task: task.id,
            action: Action::Guard,
            changes: &[],
            cause: "too many deletions at once: held",
        }
        .lines();
        MergeStep {
            mapping: Some(pair),
            journal,
            ..MergeStep::default()
        }
    }

    /// Lets held deletions go, if a person permitted that many.
    pub(crate) async fn approve<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        state: &AccountState,
    ) -> Result<(), Stop> {
        let Some(allowed) = pass.options.max_delete else {
            return Ok(());
        };
        if state.held > allowed {
            return Err(Stop::Trouble(Trouble::NeedsYou(Need::Guard {
                held: state.held,
            })));
        }
        if state.held > 0 {
            self.store
                .approve_held(&pass.lease, self.clock.now())
                .await?;
        }
        Ok(())
    }

    /// Deleted items that carry a marker are remembered on a first meeting: the hub may have been
    /// lost, and their partner elsewhere may still live (S26). What is outside the scope is left out:
    /// it was no deletion of the account's (S27).
    async fn remember_deleted<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        seen: &Sight,
        gone: &[Gone],
        known: &[Mapping],
    ) -> Result<(), Stop> {
        let lasts: Vec<_> = gone
            .iter()
            .filter(|gone| {
                !known
                    .iter()
                    .any(|mapping| mapping.remote.as_ref() == Some(&gone.id))
            })
            .filter_map(|gone| gone.last.as_ref().filter(|last| !last.markers.is_empty()))
            .filter(|last| pass.account.scope.admits(&last.fields))
            .collect();
        let ids: Vec<TaskId> = lasts
            .iter()
            .map(|last| self.hub_id(pass, seen, last))
            .collect();
        let context = self.context(pass.account, &ids, &[]).await?;
        let mut steps = Vec::new();
        for (last, id) in lasts.into_iter().zip(ids) {
            if context.tasks.contains_key(&id) {
                continue;
            }
            let at = last.changed_at.unwrap_or(self.clock.now());
            let origin = Provenance {
                at,
                account: Some(pass.account.id.clone()),
            };
            let mut task = new_task(id, last.fields.clone(), &origin);
            task.deleted = Some(origin);
            let mut mapping = Mapping::new(pass.account.id.clone(), id, Some(last.id.clone()));
            mapping.gone = Some((Evidence::Flagged, at));
            mapping.state = MappingState::Synced;
            mapping.hub_version = 1;
            steps.push(MergeStep {
                task: Some(TaskWrite {
                    from_version: 0,
                    task,
                }),
                mapping: Some(mapping),
                hints: self.hints_from(pass, id, last),
                ..MergeStep::default()
            });
        }
        self.commit(pass, &steps).await
    }
}
