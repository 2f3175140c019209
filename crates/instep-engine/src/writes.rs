//! Carrying out planned writes: create, update, delete, each confirmed before the next is sent.

use std::collections::{BTreeMap, BTreeSet};

use instep_contract::{Applied, Connector, ConnectorError, IntentId, PushStep, Store};
use instep_model::{
    Action, Base, Change, Evidence, Field, Fields, Ids, Mapping, MappingState, Operation, RemoteId,
    RemoteTask, Side, Task, TaskId,
};
use instep_sync::{Places, Planned};

use crate::context::collection_for;
use crate::gone::Loss;
use crate::journal::{Event, action_of};
use crate::merge::Sighting;
use crate::push::Page;
use crate::report::Problem;
use crate::round::{Engine, Pass, Stop};
use crate::{Clock, Rng};

/// How often a write that may be repeated is sent again when its answer was lost.
const MOST_REPEATS: usize = 3;

/// What the outcomes of a batch lead to, beside the steps that are committed.
#[derive(Default)]
struct Aftermath {
    /// Items that changed under us: to be read and merged.
    stale: Vec<(TaskId, RemoteId)>,
    /// The first error that says something about the service.
    trouble: Option<ConnectorError>,
}

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Makes these tasks; answers which of them exist now and still need more.
    pub(crate) async fn create_all<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &mut Page,
        tasks: &[TaskId],
    ) -> Result<Vec<TaskId>, Stop> {
        let mut made = Vec::new();
        for batch in tasks.chunks(pass.capabilities.batch.creates.max(1)) {
            let mut planned = Vec::new();
            let mut parked = Vec::new();
            for id in batch {
                match self.plan_one_create(pass, page, *id) {
                    Ok(plan) => planned.push((*id, plan)),
                    Err(reason) => parked.push(self.park(pass, page, *id, &reason)),
                }
            }
            if !parked.is_empty() {
                self.store
                    .commit_push(&pass.lease, &parked, self.clock.now())
                    .await?;
            }
            if !planned.is_empty() {
                made.extend(self.create_batch(pass, page, planned).await?);
            }
        }
        Ok(made)
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

    fn place<'a>(
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

    async fn create_batch<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &mut Page,
        planned: Vec<(TaskId, Planned)>,
    ) -> Result<Vec<TaskId>, Stop> {
        let operations: Vec<Operation> = planned
            .iter()
            .map(|(_, plan)| plan.operation.clone())
            .collect();
        let intents = self.remember(pass, &planned).await?;
        let outcome = self.send(pass, &operations).await;
        let results = match outcome {
            Ok(results) => results,
            Err(error) if error.is_about_item() && planned.len() > 1 => {
                // All or nothing, and one of them is at fault: find it by sending each alone.
                self.forget(pass, &intents).await?;
                let mut made = Vec::new();
                for one in planned {
                    made.extend(Box::pin(self.create_batch(pass, page, vec![one])).await?);
                }
                return Ok(made);
            }
            Err(error) if error.is_about_item() => vec![Err(error)],
            Err(error) => {
                if stored_nothing(&error) {
                    self.forget(pass, &intents).await?;
                }
                return Err(error.into());
            }
        };
        let mut made = Vec::new();
        let mut steps = Vec::new();
        let mut aftermath = Aftermath::default();
        for (at, ((id, plan), result)) in planned.iter().zip(results).enumerate() {
            let settled = intents.get(at).copied();
            match result {
                Ok(applied) => {
                    let step = self.created(pass, page, *id, plan, applied, settled);
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
        self.store
            .commit_push(&pass.lease, &steps, self.clock.now())
            .await?;
        self.follow_up(pass, page, aftermath).await?;
        Ok(made)
    }

    /// Remembers creates before they are sent, where repeating them would double (S13).
    async fn remember<C: Connector>(
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
    async fn forget<C: Connector>(
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
        if steps.is_empty() {
            return Ok(());
        }
        Ok(self
            .store
            .commit_push(&pass.lease, &steps, self.clock.now())
            .await?)
    }

    fn created<C: Connector>(
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
        pass.tell(
            Side::Remote,
            Action::Create,
            &task,
            Some(applied.id),
            Vec::new(),
        );
        let journal = self.remote_event(pass, id, Action::Create, &[]);
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

    fn remote_event<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        task: TaskId,
        action: Action,
        changes: &[Change],
    ) -> Vec<instep_model::JournalEntry> {
        Event {
            operation: &self.operation_id(),
            at: self.clock.now(),
            side: Side::Remote,
            account: Some(&pass.account.id),
            task,
            action,
            changes,
            cause: "carried there",
        }
        .lines()
    }

    /// Marks a pair as far as it has come.
    fn stamp(&self, mapping: &mut Mapping, task: &Task, finished: bool) {
        mapping.attempts = 0;
        mapping.next_attempt_at = None;
        mapping.last_error = None;
        mapping.hub_version = task.version;
        mapping.state = if finished {
            MappingState::Synced
        } else {
            MappingState::Pending
        };
        if finished {
            mapping.last_synced_at = Some(self.clock.now());
        }
    }

    /// Takes a confirmed write into the pair's base.
    fn take_confirmation<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        page: &Page,
        task: &Task,
        mapping: &mut Mapping,
        plan: &Planned,
        applied: &Applied,
    ) {
        let mut notes = BTreeMap::new();
        let held = applied.held.as_ref().map(|held| {
            let sent = Fields::new().with(
                Field::Annotations,
                plan.confirms
                    .iter()
                    .find(|(f, _)| *f == Field::Annotations)
                    .and_then(|(_, v)| v.clone()),
            );
            let account = &pass.account.id;
            let seen = page
                .context
                .translate(account, held, task.id, &mapping.base, &sent);
            notes.extend(seen.notes);
            seen.fields
        });
        match &plan.operation {
            Operation::AddNote { note, .. } | Operation::EditNote { note, .. } => {
                let remote = applied.note.clone().or(note.remote.clone());
                notes.extend(remote.map(|remote| (note.id, remote)));
            }
            _ => {}
        }
        (self.decisions.confirm)(&mut mapping.base, plan, held.as_ref(), &notes);
        if let (Some(collection), Operation::Update { .. }) = (&applied.collection, &plan.operation)
        {
            mapping.collection = Some(collection.clone());
        }
    }

    fn plan_rest<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        page: &Page,
        task: &Task,
        mapping: &Mapping,
        fresh: bool,
    ) -> Vec<Planned> {
        let Some(remote) = &mapping.remote else {
            return Vec::new();
        };
        let nothing = BTreeMap::new();
        let collection = self.place(page, task, Some(mapping)).ok().flatten();
        let places = Places {
            remotes: &page.context.remotes,
            collection,
            markers: page.markers.get(&task.id).unwrap_or(&nothing),
        };
        let projection = page.context.projection(pass, &self.zone);
        let fields = self.carried(pass, &page.context, task, mapping);
        (self.decisions.plan_update)(&projection, remote, &mapping.base, &fields, &places, fresh)
    }

    /// Whether a link of the task leads to one that is still to be made there (S23).
    fn awaits_links<C: Connector>(&self, pass: &Pass<'_, C>, page: &Page, task: &Task) -> bool {
        let awaited =
            |id: &TaskId| page.context.awaited.contains(id) && !page.context.reachable.contains(id);
        (pass.merges(Field::Depends) && task.fields.depends().iter().any(awaited))
            || (pass.merges(Field::Parent) && task.fields.parent().as_ref().is_some_and(awaited))
    }

    /// Brings these items up to date; `fresh` ones were made by this pass.
    pub(crate) async fn update_all<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &mut Page,
        tasks: &[TaskId],
        fresh: &[TaskId],
    ) -> Result<(), Stop> {
        let fresh: BTreeSet<&TaskId> = fresh.iter().collect();
        let mut queue: Vec<(TaskId, std::collections::VecDeque<Planned>)> = Vec::new();
        let mut idle = Vec::new();
        for id in tasks {
            let (Some(task), Some(mapping)) =
                (page.context.tasks.get(id), page.context.mappings.get(id))
            else {
                continue;
            };
            if let Err(reason) = self.place(page, task, Some(mapping)) {
                idle.push(self.park(pass, page, *id, &reason));
                continue;
            }
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
        }
        Ok(())
    }

    /// A pair that needs no write: it is in step.
    fn settled_update<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        page: &Page,
        id: TaskId,
    ) -> PushStep {
        let task = &page.context.tasks[&id];
        let mut mapping = page.context.mappings[&id].clone();
        let finished = !self.awaits_links(pass, page, task);
        let before = mapping.clone();
        self.stamp(&mut mapping, task, finished);
        mapping.last_synced_at = before.last_synced_at.or(mapping.last_synced_at);
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
        tasks: &mut [(TaskId, std::collections::VecDeque<Planned>)],
    ) -> Result<(), Stop> {
        loop {
            let batch: Vec<(TaskId, Planned, bool)> = tasks
                .iter_mut()
                .filter_map(|(id, plans)| {
                    let plan = plans.pop_front()?;
                    Some((*id, plan, plans.is_empty()))
                })
                .collect();
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
            let results = match self.send(pass, &operations).await {
                Ok(results) => results,
                Err(error) if error.is_about_item() && batch.len() == 1 => vec![Err(error)],
                Err(error) => {
                    if stored_nothing(&error) {
                        self.forget(pass, &intents).await?;
                    }
                    return Err(error.into());
                }
            };
            let mut steps = Vec::new();
            let mut aftermath = Aftermath::default();
            for ((id, plan, last), result) in batch.into_iter().zip(results) {
                let settled = intents.first().copied();
                match result {
                    Ok(applied) => {
                        steps.push(self.updated(pass, page, id, &plan, &applied, last, settled));
                    }
                    Err(error) => {
                        if let Some((_, plans)) = tasks.iter_mut().find(|(task, _)| *task == id) {
                            plans.clear();
                        }
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

    #[allow(
        clippy::too_many_arguments,
        reason = "one confirmed write with all that it touches"
    )]
    fn updated<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &mut Page,
        id: TaskId,
        plan: &Planned,
        applied: &Applied,
        last: bool,
        settled: Option<IntentId>,
    ) -> PushStep {
        let task = page.context.tasks[&id].clone();
        let mut mapping = page.context.mappings[&id].clone();
        let changes: Vec<Change> = plan
            .confirms
            .iter()
            .map(|(field, to)| Change {
                field: *field,
                from: mapping.base.fields.get(*field).cloned(),
                to: to.clone(),
            })
            .collect();
        self.take_confirmation(pass, page, &task, &mut mapping, plan, applied);
        let finished = last && !self.awaits_links(pass, page, &task);
        self.stamp(&mut mapping, &task, finished);
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
            self.remote_event(pass, id, action, &changes)
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

    /// Deletes these items, each only if it still is what its base says (S16).
    pub(crate) async fn delete_all<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &Page,
        tasks: &[TaskId],
    ) -> Result<(), Stop> {
        for batch in tasks.chunks(pass.capabilities.batch.mixed.max(1)) {
            let remotes: Vec<RemoteId> = batch
                .iter()
                .filter_map(|id| page.context.mappings.get(id)?.remote.clone())
                .collect();
            let connector = &mut *pass.connector;
            let found = self
                .unless_busy(async || connector.read(&remotes).await)
                .await?;
            let mut edited: Vec<(TaskId, RemoteTask)> = Vec::new();
            let mut steps = Vec::new();
            let mut to_delete = Vec::new();
            for (id, found) in batch.iter().zip(found) {
                match found {
                    None => steps.push(self.deleted(pass, page, *id, false)),
                    Some(remote) if self.is_as_agreed(pass, page, *id, &remote) => {
                        to_delete.push(*id)
                    }
                    Some(remote) => edited.push((*id, remote)),
                }
            }
            steps.extend(self.delete_batch(pass, page, &to_delete).await?);
            self.store
                .commit_push(&pass.lease, &steps, self.clock.now())
                .await?;
            if !edited.is_empty() {
                self.merge_chunk(pass, &edited, None).await?;
                pass.wrote = true;
            }
        }
        Ok(())
    }

    async fn delete_batch<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &Page,
        tasks: &[TaskId],
    ) -> Result<Vec<PushStep>, Stop> {
        let operations: Vec<Operation> = tasks
            .iter()
            .filter_map(|id| page.context.mappings.get(id)?.remote.clone())
            .map(|id| Operation::Delete { id })
            .collect();
        if operations.is_empty() {
            return Ok(Vec::new());
        }
        let results = match self.send(pass, &operations).await {
            Err(error) if error.is_about_item() && tasks.len() == 1 => vec![Err(error)],
            outcome => outcome?,
        };
        let mut steps = Vec::new();
        let mut aftermath = Aftermath::default();
        for (id, result) in tasks.iter().zip(results) {
            match result {
                Ok(_) | Err(ConnectorError::Gone { .. }) => {
                    steps.push(self.deleted(pass, page, *id, true));
                }
                Err(error) => {
                    steps.extend(self.failed(pass, page, *id, error, None, &mut aftermath))
                }
            }
        }
        match aftermath.trouble {
            Some(error) => {
                self.store
                    .commit_push(&pass.lease, &steps, self.clock.now())
                    .await?;
                Err(error.into())
            }
            None => Ok(steps),
        }
    }

    fn is_as_agreed<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        page: &Page,
        id: TaskId,
        remote: &RemoteTask,
    ) -> bool {
        let (Some(task), Some(mapping)) =
            (page.context.tasks.get(&id), page.context.mappings.get(&id))
        else {
            return false;
        };
        let account = &pass.account.id;
        let projection = page.context.projection(pass, &self.zone);
        let seen = page
            .context
            .translate(account, remote, id, &mapping.base, &task.fields);
        !(self.decisions.remote_was_edited)(&projection, &mapping.base, &seen.fields)
    }

    fn deleted<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &Page,
        id: TaskId,
        by_us: bool,
    ) -> PushStep {
        let task = page.context.tasks[&id].clone();
        let mut mapping = page.context.mappings[&id].clone();
        mapping.gone = Some((Evidence::NotFound, self.clock.now()));
        mapping.observed = None;
        self.stamp(&mut mapping, &task, true);
        let mut journal = Vec::new();
        if by_us {
            pass.tell(
                Side::Remote,
                Action::Delete,
                &task,
                mapping.remote.clone(),
                Vec::new(),
            );
            journal = self.remote_event(pass, id, Action::Delete, &[]);
        }
        PushStep {
            mapping: Some(mapping),
            done: page.work.get(&id).cloned(),
            journal,
            ..PushStep::default()
        }
    }

    /// Sends one batch. What may be repeated is, when its answer is lost.
    async fn send<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        operations: &[Operation],
    ) -> Result<Vec<Result<Applied, ConnectorError>>, ConnectorError> {
        pass.wrote = true;
        let chosen = pass.capabilities.ids == Ids::Chosen;
        let repeatable = operations
            .iter()
            .all(|operation| chosen || !operation.can_double());
        let mut repeats = 0;
        loop {
            let connector = &mut *pass.connector;
            match self
                .unless_busy(async || connector.apply(operations).await)
                .await
            {
                Err(ConnectorError::OutcomeUnknown { .. })
                    if repeatable && repeats < MOST_REPEATS =>
                {
                    repeats += 1;
                    self.clock
                        .sleep(instep_sync::busy_pause(self.rng.next_u64()))
                        .await;
                }
                outcome => return outcome,
            }
        }
    }

    /// What becomes of a task whose write failed.
    fn failed<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &Page,
        id: TaskId,
        error: ConnectorError,
        settled: Option<IntentId>,
        aftermath: &mut Aftermath,
    ) -> Vec<PushStep> {
        let settle = PushStep {
            settled,
            ..PushStep::default()
        };
        match error {
            ConnectorError::Rejected { .. } | ConnectorError::ReadOnly { .. } => {
                let mut step = self.park(pass, page, id, &error.to_string());
                step.settled = settled;
                vec![step]
            }
            ConnectorError::Stale { id: remote } | ConnectorError::Gone { id: remote } => {
                aftermath.stale.push((id, remote));
                vec![settle]
            }
            // Lost to somebody else's rewrite: it stays work, and the next turn tries again.
            ConnectorError::Busy => vec![settle],
            error => {
                let certain = stored_nothing(&error);
                aftermath.trouble.get_or_insert(error);
                if certain { vec![settle] } else { Vec::new() }
            }
        }
    }

    /// Sets one item aside with its reason, until it changes or is retried.
    fn park<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &Page,
        id: TaskId,
        reason: &str,
    ) -> PushStep {
        let task = &page.context.tasks[&id];
        let known = page.context.mappings.get(&id).cloned();
        let mut mapping = known.unwrap_or_else(|| Mapping::new(pass.account.id.clone(), id, None));
        mapping.state = MappingState::Error;
        mapping.attempts += 1;
        mapping.last_error = Some(reason.to_owned());
        let title = task.fields.title().to_owned();
        pass.report.problems.push(Problem {
            task: id,
            title,
            reason: reason.to_owned(),
        });
        let journal = Event {
            operation: &self.operation_id(),
            at: self.clock.now(),
            side: Side::Remote,
            account: Some(&pass.account.id),
            task: id,
            action: Action::Fail,
            changes: &[],
            cause: reason,
        }
        .lines();
        PushStep {
            mapping: Some(mapping),
            done: page.work.get(&id).cloned(),
            journal,
            ..PushStep::default()
        }
    }

    /// Reads what changed under us and takes it into the hub; then says what is wrong, if anything.
    async fn follow_up<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &Page,
        aftermath: Aftermath,
    ) -> Result<(), Stop> {
        if let Some(error) = aftermath.trouble {
            return Err(error.into());
        }
        if aftermath.stale.is_empty() {
            return Ok(());
        }
        let ids: Vec<RemoteId> = aftermath
            .stale
            .iter()
            .map(|(_, remote)| remote.clone())
            .collect();
        let connector = &mut *pass.connector;
        let found = self
            .unless_busy(async || connector.read(&ids).await)
            .await?;
        let mut changed = Vec::new();
        let mut losses = Vec::new();
        let mut existing = Vec::new();
        for ((task, _), found) in aftermath.stale.into_iter().zip(found) {
            let paired = page
                .context
                .mappings
                .get(&task)
                .is_some_and(|m| m.remote.is_some());
            match found {
                Some(remote) if paired => changed.push((task, remote)),
                Some(remote) => existing.push((task, remote)),
                None if paired => {
                    losses.push(Loss {
                        task,
                        evidence: Evidence::NotFound,
                        at: self.clock.now(),
                    });
                }
                None => {}
            }
        }
        self.merge_chunk(pass, &changed, None).await?;
        self.take_losses(pass, &losses).await?;
        self.pair_existing(pass, existing).await
    }

    /// Items that stood there already under the id that we chose.
    async fn pair_existing<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        existing: Vec<(TaskId, RemoteTask)>,
    ) -> Result<(), Stop> {
        if existing.is_empty() {
            return Ok(());
        }
        let ids: Vec<TaskId> = existing.iter().map(|(task, _)| *task).collect();
        let remotes: Vec<RemoteTask> = existing.iter().map(|(_, remote)| remote.clone()).collect();
        let mut context = self.context(pass.account, &ids, &remotes).await?;
        let mut steps = Vec::new();
        for (id, remote) in &existing {
            context.pair(*id, &remote.id);
        }
        for (id, remote) in &existing {
            let Some(task) = context.tasks.get(id) else {
                continue;
            };
            let mut mapping = Mapping::new(pass.account.id.clone(), *id, Some(remote.id.clone()));
            mapping.base = Base::default();
            let sighting = Sighting {
                task,
                mapping: &mapping,
                agreed: false,
                remote,
                floor: None,
            };
            steps.extend(self.merge_step(pass, &context, &sighting));
        }
        self.commit(pass, &steps).await
    }
}

/// Whether an error is certain to have left nothing behind.
pub(crate) fn stored_nothing(error: &ConnectorError) -> bool {
    !matches!(
        error,
        ConnectorError::OutcomeUnknown { .. } | ConnectorError::Malformed { .. }
    )
}
