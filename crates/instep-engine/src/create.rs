//! Making tasks in a remote, in batches, each remembered before it is sent (S13).

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join;
use instep_contract::{Applied, Connector, ConnectorError, IntentId, Lease, PushStep, Store};
use instep_model::{
    Action, Ids, Mapping, Operation, RemoteId, RemoteTask, Side, Task, TaskId, Timestamp,
};
use instep_sync::{Places, Planned};

use crate::aftermath::Aftermath;
use crate::confirm::CARRIED;
use crate::context::collection_for;
use crate::pass::Pass;
use crate::push::Page;
use crate::round::Engine;
use crate::send::Marked;
use crate::stop::Stop;
use crate::undone::remember_made;
use crate::{Clock, Rng};

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Makes these tasks; answers which of them exist now and still need more.
    pub(crate) async fn create_all<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &mut Page,
        tasks: &[TaskId],
    ) -> Result<Vec<TaskId>, Stop> {
        let mut behind = Vec::new();
        let made = self.create_batches(pass, page, tasks, &mut behind).await;
        let settled = self.settle(&pass.lease, behind).await;
        let made = made?;
        settled?;
        Ok(made)
    }

    async fn create_batches<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &mut Page,
        tasks: &[TaskId],
        behind: &mut Vec<PushStep>,
    ) -> Result<Vec<TaskId>, Stop> {
        let mut made = Vec::new();
        for batch in tasks.chunks(pass.capabilities.batch.creates.max(1)) {
            let mut planned = Vec::new();
            let mut parked = Vec::new();
            for id in batch {
                match self.plan_one_create(pass, page, *id) {
                    Ok(plan) => planned.push((*id, plan)),
                    Err(reason) => parked.push(self.refuse(pass, page, *id, &reason)),
                }
            }
            self.settle(&pass.lease, parked).await?;
            if !planned.is_empty() {
                let batch = self.create_batch(pass, page, planned, behind);
                made.extend(batch.await?);
            }
            if self.makes_way(pass).await? {
                break;
            }
        }
        Ok(made)
    }

    /// Creates without those whose items a marker names and that are there already: the hub may have
    /// forgotten them (I9). They are paired.
    pub(crate) async fn not_there_yet<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &Page,
        tasks: Vec<TaskId>,
    ) -> Result<Vec<TaskId>, Stop> {
        let account = &pass.account.id;
        let marker = self.marker_of(account);
        let Some(marker) = marker.filter(|_| pass.capabilities.ids == Ids::Given) else {
            return Ok(tasks);
        };
        let mut named: BTreeMap<RemoteId, TaskId> = BTreeMap::new();
        for pair in self.store.mappings_of_tasks(&tasks).await? {
            if let Some(remote) = pair.base.markers.get(marker) {
                named.insert(RemoteId::new(remote.clone()), pair.task);
            }
        }
        let ids: Vec<RemoteId> = named.keys().cloned().collect();
        for pair in self.store.mappings_by_remote(account, &ids).await? {
            named.retain(|remote, _| pair.remote.as_ref() != Some(remote));
        }
        if named.is_empty() {
            return Ok(tasks);
        }
        let ids: Vec<RemoteId> = named.keys().cloned().collect();
        let found = self.read(pass, &ids).await?;
        // Of a server that was set up anew, it is another task's by now.
        let is_its = |(task, remote): &(TaskId, RemoteTask)| {
            let title = page.context.tasks[task].fields.title();
            title.trim() == remote.fields.title().trim()
        };
        let found: Vec<(TaskId, RemoteTask)> = named
            .into_values()
            .zip(found)
            .filter_map(|(task, found)| Some((task, found?)))
            .filter(is_its)
            .collect();
        let there: BTreeSet<TaskId> = found.iter().map(|(task, _)| *task).collect();
        self.pair_existing(pass, page, found).await?;
        Ok(tasks.into_iter().filter(|id| !there.contains(id)).collect())
    }

    fn plan_one_create<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        page: &Page,
        id: TaskId,
    ) -> Result<Planned, String> {
        let task = &page.context.tasks[&id];
        let mapping = page.context.mappings.get(&id);
        let collection = self.place(page, task, None)?;
        let markers = page.markers.get(&id).cloned().unwrap_or_default();
        let places = Places {
            remotes: &page.context.remotes,
            collection,
            markers: &markers,
        };
        let projection = page.context.projection(pass, &self.zone);
        let shadow = mapping.and_then(|mapping| mapping.shadow.clone());
        Ok((self.decisions.plan_create)(
            &projection,
            id,
            &task.fields,
            &places,
            shadow,
        ))
    }

    pub(crate) fn place<'a>(
        &self,
        page: &'a Page,
        task: &Task,
        mapping: Option<&Mapping>,
    ) -> Result<Option<&'a instep_model::CollectionId>, String> {
        let project = task.fields.project();
        let now_in = mapping.and_then(|mapping| mapping.collection.as_ref());
        if page.collections.is_empty() && page.refused.is_empty() {
            return Ok(None);
        }
        collection_for(&page.collections, project, now_in).map_err(|()| {
            let refused = page.refused.iter().find(|(path, _)| Some(path) == project);
            refused.map_or_else(
                || "its project does not exist there".to_owned(),
                |r| r.1.clone(),
            )
        })
    }

    /// Commits what writes led to, if anything.
    pub(crate) async fn settle(&self, lease: &Lease, steps: Vec<PushStep>) -> Result<(), Stop> {
        if steps.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        Ok(self.store.commit_push(lease, &steps, now).await?)
    }

    /// Makes one batch. What came of the last one, `behind`, is committed while this one is on its
    /// way, and what comes of this one is left there: until then its intents speak for it (S13).
    async fn create_batch<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &mut Page,
        planned: Vec<(TaskId, Planned)>,
        behind: &mut Vec<PushStep>,
    ) -> Result<Vec<TaskId>, Stop> {
        let operations: Vec<Operation> = planned
            .iter()
            .map(|(_, plan)| plan.operation.clone())
            .collect();
        let intents = self.remember(pass, &planned).await?;
        let lease = pass.lease.clone();
        let nothing = Marked::default();
        let at = self.clock.now();
        let (outcome, settled) = join(
            self.send(pass, &operations, &intents, &nothing, false),
            self.settle(&lease, std::mem::take(behind)),
        )
        .await;
        if let Err(stop) = settled {
            if let Ok(Err(error)) = &outcome {
                self.doubt(pass, &intents, error).await?;
            }
            return Err(stop);
        }
        let results = match outcome? {
            Ok(results) => results,
            Err(error) if error.is_about_item() && planned.len() > 1 => {
                // All or nothing, and one of them is at fault: find it by sending each alone.
                self.forget(pass, &intents).await?;
                let mut made = Vec::new();
                for one in planned {
                    let alone = self.create_batch(pass, page, vec![one], behind);
                    made.extend(Box::pin(alone).await?);
                }
                return Ok(made);
            }
            Err(error) if error.is_about_item() => vec![Err(error)],
            Err(error) => {
                self.doubt(pass, &intents, &error).await?;
                return Err(error.into());
            }
        };
        self.take_results(pass, page, (&planned, &intents, at), results, behind)
            .await
    }

    /// What came of a batch: answers which of its tasks exist now and still need more.
    async fn take_results<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &mut Page,
        (planned, intents, sent_at): (&[(TaskId, Planned)], &[IntentId], Timestamp),
        results: Vec<Result<Applied, ConnectorError>>,
        behind: &mut Vec<PushStep>,
    ) -> Result<Vec<TaskId>, Stop> {
        let mut made = Vec::new();
        let given: Vec<(TaskId, &Applied)> = planned
            .iter()
            .zip(&results)
            .filter_map(|((id, _), result)| Some((*id, result.as_ref().ok()?)))
            .collect();
        let mut steps = self.displaced(pass, &given).await?;
        let mut aftermath = Aftermath::default();
        for (at, ((id, plan), result)) in planned.iter().zip(results).enumerate() {
            let settled = intents.get(at).copied();
            match result {
                Ok(applied) => {
                    let is_again = page.context.mappings.contains_key(id);
                    let mut step = self.created(pass, page, *id, plan, applied, settled);
                    if let Some(pair) = step.mapping.as_mut()
                        && is_again
                        && pass.connector.undo_takes_ours()
                    {
                        remember_made(pair, sent_at);
                        page.context.mappings.insert(*id, pair.clone());
                    }
                    if step.done.is_none() {
                        made.push(*id);
                    }
                    steps.push(step);
                }
                Err(ConnectorError::AlreadyExists { id: remote }) => {
                    steps.push(PushStep {
                        settled,
                        ..PushStep::default()
                    });
                    aftermath.stale.push((*id, remote));
                }
                Err(error) => {
                    steps.extend(self.failed(pass, page, *id, error, settled, &mut aftermath))
                }
            }
        }
        self.wake_linked(pass, &mut steps).await?;
        if aftermath.is_nothing() {
            *behind = steps;
            return Ok(made);
        }
        self.settle(&pass.lease, steps).await?;
        self.follow_up(pass, page, aftermath).await?;
        Ok(made)
    }

    pub(crate) fn created<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &mut Page,
        id: TaskId,
        plan: &Planned,
        applied: Applied,
        settled: Option<IntentId>,
    ) -> PushStep {
        let task = page.context.tasks[&id].clone();
        let known = page
            .context
            .mappings
            .get(&id)
            .and_then(|mapping| mapping.shadow.clone());
        let mut mapping = Mapping::new(pass.account.id.clone(), id, Some(applied.id.clone()));
        mapping.unseen = true;
        mapping.born = applied.born;
        mapping.shadow = applied
            .held
            .as_ref()
            .and_then(|held| held.shadow.clone())
            .or(known);
        mapping.collection = match (&applied.collection, &plan.operation) {
            (Some(collection), _) => Some(collection.clone()),
            (None, Operation::Create(draft)) => draft.collection.clone(),
            _ => None,
        };
        page.context.pair(id, &applied.id);
        self.take_confirmation(pass, page, &task, &mut mapping, plan, &applied);
        let rest = self.plan_rest(pass, page, &task, &mapping, true);
        let finished = rest.is_empty() && !self.awaits_links(pass, page, &task);
        self.stamp(&mut mapping, &task, finished);
        self.note_left_out(pass, &page.context, &task.fields, &mut mapping);
        pass.tell(
            Side::Remote,
            Action::Create,
            &task,
            Some(applied.id),
            Vec::new(),
        );
        let journal = self.remote_event(pass, id, Action::Create, &[], CARRIED);
        page.context.mappings.insert(id, mapping.clone());
        PushStep {
            mapping: Some(mapping),
            settled,
            done: finished.then(|| page.work.get(&id).cloned()).flatten(),
            journal,
            wake: self.marker_wakes(&pass.account.id, id),
            ..PushStep::default()
        }
    }
}
