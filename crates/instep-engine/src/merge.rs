//! One known pair, and a remote item just seen: the step that takes it into the hub.

use std::borrow::Cow;
use std::collections::BTreeSet;

use instep_contract::{Connector, MergeStep, Store, TaskWrite};
use instep_model::{
    Action, Change, Conflict, ConflictId, ConflictState, Direction, Field, Fields, Mapping,
    MappingState, OperationId, Provenance, RemoteTask, Side, Task, Timestamp, Unanswered, Value,
};
use instep_sync::{
    FieldConflict, Holder, MergedPair, Projection, Rules, Seen, Translated, base_of, differs,
    finer, has_returned, links_are_shown, restore,
};

use crate::context::Context;
use crate::doubt::may_turn_up;
use crate::gone::counted_in;
use crate::journal::{Event, action_of, changes_between};
use crate::pass::Pass;
use crate::round::Engine;
use crate::scope::{left, left_step};
use crate::undone::SinceEach;
use crate::update::remember_written;
use crate::{Clock, Rng};

/// A remote item beside the pair that it belongs to.
pub(crate) struct Sighting<'a> {
    pub(crate) task: &'a Task,
    pub(crate) mapping: &'a Mapping,
    /// Whether the two sides ever agreed on anything.
    pub(crate) agreed: bool,
    pub(crate) remote: &'a RemoteTask,
    /// When the account was last seen equal to its bases, where that bounds the time of a change.
    pub(crate) floor: Option<Timestamp>,
    /// When a look at the account last came to its end, as far as anybody has to know.
    pub(crate) looked_at: Option<Timestamp>,
    /// What of this pair waits for a person already.
    pub(crate) waiting: &'a [Conflict],
    /// What the service's own journal tells of it, where it was asked.
    pub(crate) told: Option<&'a SinceEach>,
}

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// The step for one sighting; `None` when it says nothing new.
    // tidy: long because it is the one list of what a sighting can mean, in its order
    pub(crate) fn merge_step<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        context: &Context,
        sighting: &Sighting<'_>,
    ) -> Option<MergeStep> {
        let Sighting {
            task,
            mapping: stored,
            agreed,
            remote,
            ..
        } = sighting;
        let account = &pass.account.id;
        let projection = context.projection(pass, &self.zone);
        let mut translated =
            context.translate(account, remote, task.id, &stored.base, &task.fields);
        let mut answered = self.answered(pass, &projection, sighting, &mut translated);
        let (undone, wanted) = self.undone(pass, context, sighting, &mut answered, &mut translated);
        let overruled = self.overruled(&projection, sighting, &answered, &translated.fields);
        let sighting = &Sighting {
            mapping: &answered,
            ..*sighting
        };
        let mapping = sighting.mapping;
        let edited =
            (self.decisions.remote_was_edited)(&projection, &mapping.base, &translated.fields);
        let as_it_was = !edited && links_are_shown(&projection, &mapping.base, &translated.fields);
        let known = mapping.observed.is_none() && mapping.gone.is_none();
        // Where an answer came to light, what the hub holds beyond it may still be to be written.
        let known = known && mapping.base == stored.base && wanted.is_empty();
        if *agreed && as_it_was && known && !has_returned(&pass.account.scope, mapping, task) {
            return self.echo_step(pass, sighting, stored);
        }
        let reopened = self.was_reopened(pass, sighting);
        // What an older copy brought back is no edit: the hub goes there once more.
        let is_old = |older| remote.changed_at.is_none_or(|at| at <= older);
        let only_written =
            pass.account.direction == Direction::ToRemote || pass.older.is_some_and(is_old);
        if !task.is_alive() && (only_written || !edited && !reopened) {
            let mut step = self.still_there_step(pass, sighting);
            if let Some(pair) = step.mapping.as_mut().filter(|_| only_written) {
                // Whatever it holds there, it is deleted as it stands (S29).
                pair.base = base_of(&projection, &translated.fields);
                pair.base.notes = translated.notes;
                pair.base.markers = remote.markers.clone();
            }
            return Some(step);
        }
        let now = self.clock.now();
        let changed_at = clamp(remote.changed_at, sighting.floor, now);
        let seen = Seen {
            fields: &translated.fields,
            changed_at,
        };
        let mut merged = if only_written {
            let base = base_of(&projection, seen.fields);
            MergedPair {
                hub: task.fields.clone(),
                base,
                conflicts: Vec::new(),
            }
        } else {
            let rules = Rules {
                projection,
                policy: &pass.account.policy,
                account,
            };
            let base = agreed.then_some(&mapping.base);
            let mut hub = self.as_finely(pass, context, sighting, seen.fields);
            if !wanted.is_empty() {
                restore(&rules.projection, &mut hub.to_mut().fields, &wanted);
            }
            (self.decisions.merge_pair)(&rules, base, hub.as_ref(), &seen)
        };
        merged.conflicts.extend(overruled);
        let met = *agreed && mapping.gone.is_none();
        if met && self.stays_outside(pass, context, task, mapping, &merged.hub) {
            return left_step(mapping);
        }
        let mut pair = (*mapping).clone();
        pair.remote = Some(remote.id.clone());
        pair.base = merged.base.clone();
        pair.base.notes = translated.notes;
        pair.base.markers = remote.markers.clone();
        pair.collection = counted_in(&pass.capabilities, remote);
        pair.shadow = remote.shadow.clone();
        pair.born = remote.born.or(pair.born);
        pair.gone = None;
        pair.contested = false;
        pair.observed = merged.waits().then(|| (*remote).clone());
        pair.attempts = 0;
        pair.failing_since = None;
        pair.last_error = None;
        let to_push = differs(&projection, &pair.base.fields, &merged.hub);
        self.note_left_out(pass, context, &merged.hub, &mut pair);
        let mut step = self.assemble(pass, sighting, merged, pair, changed_at, to_push);
        step.journal.extend(undone);
        Some(step)
    }

    /// The pair with what this look shows of writes whose answer never came (S14).
    fn answered<'a, C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        projection: &Projection,
        sighting: &Sighting<'a>,
        seen: &mut Translated,
    ) -> Cow<'a, Mapping> {
        let mut pair = Cow::Borrowed(sighting.mapping);
        if !pair.unanswered.is_empty() {
            let pair = pair.to_mut();
            if let Some(looked_at) = sighting.looked_at {
                pair.unanswered.retain(|one| may_turn_up(one, looked_at));
            }
            let hub = projection.project(&sighting.task.fields);
            let open = pair.unanswered.clone();
            (self.decisions.take_unanswered)(&mut pair.base, &mut pair.unanswered, seen, &hub);
            let now = self.clock.now();
            for one in open.iter().filter(|_| pass.connector.undo_takes_ours()) {
                if !pair.unanswered.contains(one) {
                    remember_written(pair, &one.change, one.at, now);
                }
            }
        }
        pair
    }

    /// What may be somebody's edit although it is what we sent without an answer and took back here
    /// since: the item was changed later than that can have arrived, and nothing else of it was. It is
    /// written over, and remembered.
    fn overruled(
        &self,
        projection: &Projection,
        sighting: &Sighting<'_>,
        answered: &Mapping,
        seen: &Fields,
    ) -> Vec<FieldConflict> {
        let Sighting {
            task,
            mapping: stored,
            remote,
            ..
        } = sighting;
        let is_late = |write: &&Unanswered| {
            let at = remote.changed_at;
            at.is_some_and(|at| !may_turn_up(write, at)) && !answered.unanswered.contains(write)
        };
        let mut late = stored.unanswered.iter().filter(is_late).peekable();
        if late.peek().is_none()
            || remote.shadow != stored.shadow
            || (self.decisions.remote_was_edited)(projection, &answered.base, seen)
        {
            return Vec::new();
        }
        let hub = projection.project(&task.fields);
        let stands = |change: &&Change| {
            let (field, to) = (change.field, change.to.as_ref());
            !field.has_elements()
                && seen.get(field) == to
                && stored.base.shown(field) != to
                && hub.get(field) != to
        };
        let conflict = |change: &Change| {
            let held = task.fields.get(change.field);
            FieldConflict {
                field: change.field,
                base: change.from.clone(),
                hub: held.cloned(),
                remote: projection.lift(change.field, held, change.to.as_ref()),
                winner: Some(Side::Hub),
            }
        };
        let changes = late.map(|write| &write.change).filter(stands);
        changes.map(conflict).collect()
    }

    /// The hub's task as it would be if this side had been met before those that hold it less finely
    /// (S2). What an account outside this round holds is not known, so that it keeps the hub's.
    fn as_finely<'a, C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        context: &Context,
        sighting: &Sighting<'a>,
        remote: &Fields,
    ) -> Cow<'a, Task> {
        let task = Cow::Borrowed(sighting.task);
        let Some(holders) = context.holders.get(&task.id).filter(|_| !sighting.agreed) else {
            return task;
        };
        let nothing = BTreeSet::new();
        let holders = holders.iter().map(|account| {
            let capabilities = pass.services.get(account)?;
            let projection = Projection {
                capabilities,
                zone: &self.zone,
                reachable: &nothing,
            };
            Some(Holder {
                account,
                projection,
            })
        });
        let Some(holders) = holders.collect::<Option<Vec<Holder>>>() else {
            return task;
        };
        let projection = context.projection(pass, &self.zone);
        let mut task = task;
        for (field, value) in finer(&projection, sighting.task, remote, &holders) {
            task.to_mut().fields.set(field, Some(value));
        }
        task
    }

    /// An item that shows what its base says; only what nobody merges may be new.
    fn echo_step<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        sighting: &Sighting<'_>,
        stored: &Mapping,
    ) -> Option<MergeStep> {
        let Sighting {
            mapping, remote, ..
        } = sighting;
        let mut pair = (*mapping).clone();
        pair.born = remote.born.or(pair.born);
        if mapping.unseen {
            // From here on whatever is deleted there was deleted after the hub had come this far.
            pair.hub_version = sighting.task.version;
        }
        pair.shadow = remote.shadow.clone();
        pair.collection = counted_in(&pass.capabilities, remote);
        (pair != *stored).then(|| MergeStep {
            mapping: Some(pair),
            ..MergeStep::default()
        })
    }

    /// What was deleted here is listed there: it has to be deleted there (again). Before that it is
    /// read, so an old listing that shows it once more does no harm.
    fn still_there_step<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        sighting: &Sighting<'_>,
    ) -> MergeStep {
        let Sighting {
            mapping, remote, ..
        } = sighting;
        let mut pair = (*mapping).clone();
        pair.gone = None;
        pair.contested = false;
        pair.observed = None;
        pair.state = MappingState::Pending;
        pair.collection = counted_in(&pass.capabilities, remote);
        let wake = vec![pass.account.id.clone()];
        MergeStep {
            mapping: Some(pair),
            wake,
            ..MergeStep::default()
        }
    }

    // tidy: long because it fills in one step, field by field
    fn assemble<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        sighting: &Sighting<'_>,
        merged: MergedPair,
        mut pair: Mapping,
        changed_at: Timestamp,
        to_push: bool,
    ) -> MergeStep {
        let now = self.clock.now();
        let task = sighting.task;
        let restored = !task.is_alive();
        let changes = changes_between(&task.fields, &merged.hub);
        let outside = !pass.account.scope.admits(&merged.hub);
        let operation = self.operation_id();
        let mut step = MergeStep {
            conflicts: self.conflicts(pass, sighting, &merged, &operation),
            ..MergeStep::default()
        };
        if restored || !changes.is_empty() {
            let mut written = task.clone();
            written.fields = merged.hub;
            written.deleted = None;
            written.modified = task.modified.max(changed_at);
            let origin = Provenance {
                at: changed_at,
                account: Some(pass.account.id.clone()),
            };
            for change in &changes {
                written.provenance.insert(change.field, origin.clone());
            }
            let action = if restored {
                Action::Restore
            } else {
                action_of(&changes)
            };
            let cause = match (restored, sighting.agreed) {
                (true, _) => "an edit there beat the deletion",
                (false, true) => "changed there",
                (false, false) => "first meeting",
            };
            step.journal = Event {
                operation: &operation,
                at: now,
                side: Side::Hub,
                account: Some(&pass.account.id),
                task: task.id,
                action,
                changes: &changes,
                cause,
            }
            .lines();
            pass.tell(Side::Hub, action, &written, pair.remote.clone(), changes);
            pair.hub_version = task.version + 1;
            step.task = Some(TaskWrite {
                from_version: task.version,
                task: written,
            });
            step.wake = self.others(&pass.account.id);
        } else {
            pair.hub_version = task.version;
        }
        if to_push {
            step.wake.push(pass.account.id.clone());
        }
        pair.state = if to_push {
            MappingState::Pending
        } else {
            MappingState::Synced
        };
        if !to_push && pair.observed.is_none() {
            pair.last_synced_at = Some(now);
        }
        if outside {
            pair = left(&pair);
        }
        step.mapping = Some(pair);
        step
    }

    /// What a merge found, as it is remembered: a conflict that waits already is the same one as long
    /// as it waits, however often it is seen (I4), and one that dissolved is over.
    fn conflicts<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        sighting: &Sighting<'_>,
        merged: &MergedPair,
        operation: &OperationId,
    ) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        for found in &merged.conflicts {
            let mut waiting = sighting.waiting.iter();
            let known = waiting.find(|one| one.field == found.field);
            let fresh = self.conflict(pass, sighting.task, found, known, operation);
            if known != Some(&fresh) {
                pass.report.conflicts += 1;
                pass.report.open_conflicts += usize::from(fresh.state == ConflictState::Open);
                conflicts.push(fresh);
            }
        }
        let stands = |one: &&Conflict| {
            merged
                .conflicts
                .iter()
                .any(|found| found.field == one.field)
        };
        let over = sighting.waiting.iter().filter(|one| !stands(one));
        conflicts.extend(over.map(|one| {
            let is_theirs = merged.hub.get(one.field) == one.remote.as_ref();
            let side = if is_theirs { Side::Remote } else { Side::Hub };
            Conflict {
                state: ConflictState::Settled(side),
                ..one.clone()
            }
        }));
        conflicts
    }

    fn conflict<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        task: &Task,
        found: &FieldConflict,
        known: Option<&Conflict>,
        operation: &OperationId,
    ) -> Conflict {
        let state = match found.winner {
            Some(side) => ConflictState::Settled(side),
            None => ConflictState::Open,
        };
        let name = || {
            // What differs comes first, so that a few characters name one.
            let chance = self.rng.next_u64() & 0xffff_ffff;
            ConflictId::new(format!("c{chance:08x}{}", &operation.as_str()[4..]))
        };
        Conflict {
            id: known.map_or_else(name, |known| known.id.clone()),
            task: task.id,
            account: pass.account.id.clone(),
            field: found.field,
            base: found.base.clone(),
            hub: found.hub.clone(),
            remote: found.remote.clone(),
            state,
            at: known.map_or_else(|| self.clock.now(), |known| known.at),
        }
    }
}

/// Whether a pair has a base at all: anything it holds was agreed on once.
pub(crate) fn agreed(mapping: &Mapping) -> bool {
    !mapping.base.fields.is_empty() || mapping.last_synced_at.is_some()
}

/// When a change was made: the remote's word, but never before the account was last seen equal,
/// and never in the future (S18).
fn clamp(told: Option<Timestamp>, floor: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let at = told.unwrap_or(now).min(now);
    floor.map_or(at, |floor| at.max(floor.min(now)))
}

/// The values of a task that has just been made in the hub, with their one origin.
pub(crate) fn new_task(
    id: instep_model::TaskId,
    fields: instep_model::Fields,
    origin: &Provenance,
) -> Task {
    let provenance = fields
        .iter()
        .map(|(field, _): (Field, &Value)| (field, origin.clone()))
        .collect();
    Task {
        id,
        version: 0,
        fields,
        provenance,
        modified: origin.at,
        deleted: None,
    }
}
