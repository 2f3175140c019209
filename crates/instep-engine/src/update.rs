//! Bringing items up to date, write by write.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use instep_contract::{Applied, Connector, ConnectorError, IntentId, PushStep, Store};
use instep_model::{
    AnnotationId, Base, Change, Mapping, Operation, Side, TaskId, Timestamp, Unanswered, Value,
    Written,
};
use instep_sync::{Planned, completes_repeating, forget_moved, supersedes};

use crate::aftermath::Aftermath;
use crate::confirm::{CARRIED, CARRIED_AGAIN};
use crate::journal::action_of;
use crate::pass::Pass;
use crate::push::Page;
use crate::round::Engine;
use crate::send::{Marked, stored_nothing};
use crate::stop::Stop;
use crate::{Clock, Rng};

/// As many changes that were written to one item are kept, for an undo that takes them along.
const MOST_WRITTEN: usize = 400;

/// And for so long.
const KEPT_FOR: Duration = Duration::from_secs(14 * 86_400);

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Brings these items up to date; `fresh` ones were made by this pass.
    pub(crate) async fn update_all<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &mut Page,
        tasks: &[TaskId],
        fresh: &[TaskId],
    ) -> Result<(), Stop> {
        let fresh: BTreeSet<&TaskId> = fresh.iter().collect();
        let mut queue: Vec<(TaskId, VecDeque<Planned>)> = Vec::new();
        let mut idle = Vec::new();
        for id in tasks {
            let (Some(task), Some(mapping)) =
                (page.context.tasks.get(id), page.context.mappings.get(id))
            else {
                continue;
            };
            if let Err(reason) = self.place(page, task, Some(mapping)) {
                idle.push(self.refuse(pass, page, *id, &reason));
                continue;
            }
            if let Some(kept) = self.keeping_title(pass, &page.context, task, mapping) {
                page.context.mappings.insert(*id, kept.clone());
                idle.push(PushStep {
                    mapping: Some(kept),
                    ..PushStep::default()
                });
            }
            let (task, mapping) = (&page.context.tasks[id], &page.context.mappings[id]);
            let plan = self.plan_rest(pass, page, task, mapping, fresh.contains(id));
            if plan.is_empty() {
                idle.push(self.settled_update(pass, page, *id));
            } else {
                queue.push((*id, plan.into()));
            }
        }
        if !idle.is_empty() {
            self.store
                .commit_push(&pass.lease, &idle, self.clock.now())
                .await?;
        }
        let size = pass.capabilities.batch.mixed.max(1);
        for tasks in queue.chunks_mut(size) {
            self.update_batch(pass, page, tasks).await?;
            if self.makes_way(pass).await? {
                break;
            }
        }
        Ok(())
    }

    /// A pair that needs no write: it is in step. Without a look before it nobody knows whether the
    /// item was deleted there before this edit: the next round says so.
    fn settled_update<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &Page,
        id: TaskId,
    ) -> PushStep {
        let task = &page.context.tasks[&id];
        let mut mapping = page.context.mappings[&id].clone();
        if !pass.looked && mapping.hub_version != task.version {
            return PushStep::default();
        }
        let finished = !self.awaits_links(pass, page, task);
        let before = mapping.clone();
        self.stamp(&mut mapping, task, finished);
        mapping.last_synced_at = before.last_synced_at.or(mapping.last_synced_at);
        if mapping.unseen {
            // Nothing was asked of the remote, and it may have been deleted there before this edit.
            mapping.hub_version = before.hub_version;
        }
        self.note_left_out(pass, &page.context, &task.fields, &mut mapping);
        let work = page.work.get(&id).cloned();
        PushStep {
            mapping: (mapping != before).then_some(mapping),
            done: if finished { work } else { None },
            ..PushStep::default()
        }
    }

    /// The next write of each of these tasks in one call, until all of them are through.
    async fn update_batch<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &mut Page,
        tasks: &mut [(TaskId, VecDeque<Planned>)],
    ) -> Result<(), Stop> {
        loop {
            let batch = next_of_each(tasks);
            if batch.is_empty() {
                return Ok(());
            }
            let given: Vec<(TaskId, Planned)> = batch
                .iter()
                .map(|(id, plan, _)| (*id, plan.clone()))
                .collect();
            let intents = self.remember(pass, &given).await?;
            let operations: Vec<Operation> = batch
                .iter()
                .map(|(_, plan, _)| plan.operation.clone())
                .collect();
            let marked = self.marked(page, &batch);
            for pair in &marked.sent {
                page.context.mappings.insert(pair.task, pair.clone());
            }
            let once = batch.iter().any(|(id, plan, _)| {
                let base = &page.context.mappings[id].base;
                completes_repeating(base, &plan.operation)
            });
            let sent = self.send(pass, &operations, &intents, &marked, once);
            let results = match sent.await? {
                Ok(results) => results,
                Err(error) if error.is_about_item() && batch.len() == 1 => vec![Err(error)],
                Err(error) => {
                    self.doubt(pass, &intents, &error).await?;
                    return Err(Stop::after(error, once));
                }
            };
            let mut steps = Vec::new();
            let mut aftermath = Aftermath {
                once,
                ..Aftermath::default()
            };
            let mut intents = intents.into_iter();
            for ((id, plan, last), result) in batch.into_iter().zip(results) {
                let settled = match plan.operation.can_double() {
                    true => intents.next(),
                    false => None,
                };
                match result {
                    Ok(applied) => {
                        let cause = cause_of(&marked, id, &plan);
                        let known = (last, settled, cause);
                        steps.push(self.updated(pass, page, id, &plan, &applied, known));
                    }
                    Err(error) => {
                        if let Some((_, plans)) = tasks.iter_mut().find(|(task, _)| *task == id) {
                            plans.clear();
                        }
                        steps.extend(self.not_sent(page, id, &marked, &error));
                        steps.extend(self.failed(pass, page, id, error, settled, &mut aftermath));
                    }
                }
            }
            self.store
                .commit_push(&pass.lease, &steps, self.clock.now())
                .await?;
            self.follow_up(pass, page, aftermath).await?;
        }
    }

    /// The pairs of these writes, before them and until the answer is there.
    fn marked(&self, page: &Page, batch: &[(TaskId, Planned, bool)]) -> Marked {
        let at = self.clock.now();
        let mut marked = Marked::default();
        for (id, plan, _) in batch
            .iter()
            .filter(|(_, plan, _)| !plan.confirms.is_empty())
        {
            let Some(before) = page.context.mappings.get(id) else {
                continue;
            };
            let changes = changes_of(plan, &before.base);
            let mut sent = before.clone();
            // One that is sent again is known already.
            sent.unanswered.retain(|one| !changes.contains(&one.change));
            let changes = changes.into_iter();
            sent.unanswered.extend(changes.map(|change| Unanswered {
                at,
                timed_out: false,
                change,
            }));
            marked.before.push(before.clone());
            marked.sent.push(sent);
        }
        marked
    }

    /// Takes back that a write went unanswered, where its failure says that it left nothing.
    fn not_sent(
        &self,
        page: &mut Page,
        id: TaskId,
        marked: &Marked,
        error: &ConnectorError,
    ) -> Option<PushStep> {
        let before = marked.before.iter().find(|pair| pair.task == id)?;
        let pair = page.context.mappings.get_mut(&id)?;
        if !stored_nothing(error) {
            return None;
        }
        pair.unanswered.clone_from(&before.unanswered);
        Some(PushStep {
            mapping: Some(pair.clone()),
            ..PushStep::default()
        })
    }

    fn updated<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &mut Page,
        id: TaskId,
        plan: &Planned,
        applied: &Applied,
        (last, settled, cause): (bool, Option<IntentId>, &str),
    ) -> PushStep {
        let task = page.context.tasks[&id].clone();
        let mut mapping = page.context.mappings[&id].clone();
        let changes = changes_of(plan, &mapping.base);
        if pass.connector.undo_takes_ours() {
            let now = self.clock.now();
            for change in &changes {
                let mut sent = mapping.unanswered.iter();
                if let Some(at) = sent.find(|one| one.change == *change).map(|one| one.at) {
                    remember_written(&mut mapping, change, at, now);
                }
            }
        }
        mapping.unanswered.retain(|one| {
            !changes
                .iter()
                .any(|answered| supersedes(answered, &one.change))
        });
        self.take_confirmation(pass, page, &task, &mut mapping, plan, applied);
        let finished = last && !self.awaits_links(pass, page, &task);
        self.stamp(&mut mapping, &task, finished);
        self.note_left_out(pass, &page.context, &task.fields, &mut mapping);
        let action = action_of(&changes);
        let journal = if changes.is_empty() {
            Vec::new()
        } else {
            pass.tell(
                Side::Remote,
                action,
                &task,
                mapping.remote.clone(),
                changes.clone(),
            );
            self.remote_event(pass, id, action, &changes, cause)
        };
        page.context.mappings.insert(id, mapping.clone());
        PushStep {
            mapping: Some(mapping),
            settled,
            done: finished.then(|| page.work.get(&id).cloned()).flatten(),
            journal,
            ..PushStep::default()
        }
    }
}

/// The next write of each of these tasks, and whether it is the last.
fn next_of_each(tasks: &mut [(TaskId, VecDeque<Planned>)]) -> Vec<(TaskId, Planned, bool)> {
    let next = tasks.iter_mut().filter_map(|(id, plans)| {
        let plan = plans.pop_front()?;
        Some((*id, plan, plans.is_empty()))
    });
    next.collect()
}

/// Why a write was made, as the journal has it.
fn cause_of(marked: &Marked, task: TaskId, plan: &Planned) -> &'static str {
    let before = marked.before.iter().find(|pair| pair.task == task);
    let is_again = before.is_some_and(|pair| {
        let changes = changes_of(plan, &pair.base);
        let mut unanswered = pair.unanswered.iter();
        unanswered.any(|one| changes.iter().any(|now| supersedes(now, &one.change)))
    });
    if is_again { CARRIED_AGAIN } else { CARRIED }
}

/// What a write changes there.
fn changes_of(plan: &Planned, base: &Base) -> Vec<Change> {
    let confirms = plan.confirms.iter();
    confirms
        .map(|(field, to)| Change {
            field: *field,
            from: base.fields.get(*field).cloned(),
            to: to.clone(),
        })
        .collect()
}

/// Keeps what was about to be written at a moment, until later than it matters. The last write of a
/// value, or of an element, says it all.
pub(crate) fn remember_written(
    mapping: &mut Mapping,
    change: &Change,
    at: Timestamp,
    now: Timestamp,
) {
    mapping.written.retain_mut(|one| {
        let same = one.change.field == change.field;
        if same && change.field.has_elements() {
            forget_moved(&mut one.change, change);
        }
        let is_over = same && (!change.field.has_elements() || one.change.from == one.change.to);
        !is_over && now.duration_since(one.at).unsigned_abs() < KEPT_FOR
    });
    mapping.written.push(Written {
        at,
        change: without_notes_that_stay(change.clone()),
    });
    while mapping.written.len() > MOST_WRITTEN {
        // Of a value there is one at most.
        let mut written = mapping.written.iter();
        let oldest = written.position(|one| one.change.field.has_elements());
        mapping.written.remove(oldest.unwrap_or_default());
    }
}

/// A change of notes without those that it leaves as they are: they may be many, and long.
fn without_notes_that_stay(mut change: Change) -> Change {
    if let (Some(Value::Annotations(from)), Some(Value::Annotations(to))) =
        (&mut change.from, &mut change.to)
    {
        let stay = from.iter().filter(|(id, note)| to.get(id) == Some(note));
        let stay: Vec<AnnotationId> = stay.map(|(id, _)| *id).collect();
        for id in stay {
            from.remove(&id);
            to.remove(&id);
        }
    }
    change
}
