//! The commits of the in-memory store: every check comes before the first change, so that
//! a refused batch leaves nothing behind.

use std::collections::{BTreeMap, BTreeSet};

use instep_model::{
    AccountId, ConflictState, Identity, Mapping, MappingState, Operation, RemoteId, Task, TaskId,
    Timestamp,
};

use super::state::{Deletion, State};
use crate::{
    AccountState, CommitObservation, Cursor, Intent, IntentId, Lease, MergeStep, PushStep,
    StoreError,
};

/// What becomes of each pair that a batch names; `None` drops it.
type Pairs<'a> = BTreeMap<(AccountId, TaskId), Option<&'a Mapping>>;

impl State {
    pub(super) fn commit_merge(
        &mut self,
        lease: Option<&Lease>,
        steps: &[MergeStep],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if let Some(lease) = lease {
            self.fence(lease, Some(now))?;
        }
        let tasks = self.planned_tasks(steps)?;
        let pairs = planned_pairs(
            steps
                .iter()
                .map(|step| (step.unpair.as_ref(), step.mapping.as_ref())),
        );
        for task in named_in_merge(steps) {
            if !tasks.contains_key(&task) {
                self.must_exist(task)?;
            }
        }
        self.must_be_unique(&pairs)?;

        let dead: Vec<TaskId> = tasks
            .values()
            .filter(|task| !task.is_alive())
            .map(|task| task.id)
            .collect();
        self.tasks.extend(tasks);
        self.put_pairs(&pairs);
        for conflict in self.conflicts.values_mut() {
            if conflict.state == ConflictState::Open && dead.contains(&conflict.task) {
                conflict.state = ConflictState::Closed;
            }
        }
        for step in steps {
            self.put_findings(lease, step, now);
        }
        for (account, task) in steps.iter().flat_map(MergeStep::wakes) {
            self.wake(&account, task);
        }
        Ok(())
    }

    /// The tasks as the batch leaves them, each write checked against the one before it.
    fn planned_tasks(&self, steps: &[MergeStep]) -> Result<BTreeMap<TaskId, Task>, StoreError> {
        let mut planned: BTreeMap<TaskId, Task> = BTreeMap::new();
        for write in steps.iter().filter_map(|step| step.task.as_ref()) {
            let id = write.task.id;
            let version = planned
                .get(&id)
                .or_else(|| self.tasks.get(&id))
                .map_or(0, |task| task.version);
            if version != write.from_version {
                return Err(StoreError::Stale { task: id });
            }
            let mut task = write.task.clone();
            task.version = version + 1;
            planned.insert(id, task);
        }
        Ok(planned)
    }

    fn must_exist(&self, task: TaskId) -> Result<(), StoreError> {
        if self.tasks.contains_key(&task) {
            Ok(())
        } else {
            Err(StoreError::Stale { task })
        }
    }

    /// Judges the pairs as the whole batch leaves them, so that two may swap.
    fn must_be_unique(&self, pairs: &Pairs<'_>) -> Result<(), StoreError> {
        let mut taken: BTreeSet<(&AccountId, &RemoteId)> = BTreeSet::new();
        for mapping in pairs.values().copied().flatten() {
            let Some(remote) = &mapping.remote else {
                continue;
            };
            let stays = self
                .paired
                .get(&(mapping.account.clone(), remote.clone()))
                .is_some_and(|owner| !pairs.contains_key(&(mapping.account.clone(), *owner)));
            if stays || !taken.insert((&mapping.account, remote)) {
                return Err(StoreError::AlreadyPaired { task: mapping.task });
            }
        }
        Ok(())
    }

    fn put_pairs(&mut self, pairs: &Pairs<'_>) {
        for key in pairs.keys() {
            self.drop_pair(key);
        }
        for mapping in pairs.values().copied().flatten() {
            self.known(&mapping.account);
            if let Some(remote) = &mapping.remote {
                self.paired
                    .insert((mapping.account.clone(), remote.clone()), mapping.task);
            }
            self.mappings
                .insert((mapping.account.clone(), mapping.task), mapping.clone());
        }
    }

    fn drop_pair(&mut self, key: &(AccountId, TaskId)) {
        let remote = self.mappings.remove(key).and_then(|mapping| mapping.remote);
        if let Some(remote) = remote {
            self.paired.remove(&(key.0.clone(), remote));
        }
    }

    fn put_findings(&mut self, lease: Option<&Lease>, step: &MergeStep, now: Timestamp) {
        for conflict in &step.conflicts {
            self.conflicts.insert(conflict.id.clone(), conflict.clone());
        }
        self.journal.extend(step.journal.iter().cloned());
        if let (Some(hints), Some(task)) = (&step.hints, step.subject()) {
            self.hints.insert(task, hints.iter().cloned().collect());
        }
        let account = lease.map(|lease| &lease.account).or_else(|| step.account());
        if let (Some(collection), Some(account)) = (&step.deletion, account) {
            self.deletions.push(Deletion {
                account: account.clone(),
                collection: collection.clone(),
                at: now,
            });
        }
    }

    pub(super) fn commit_push(
        &mut self,
        lease: &Lease,
        steps: &[PushStep],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.fence(lease, Some(now))?;
        let pairs = planned_pairs(
            steps
                .iter()
                .map(|step| (step.unpair.as_ref(), step.mapping.as_ref())),
        );
        for mapping in pairs.values().copied().flatten() {
            self.must_exist(mapping.task)?;
        }
        for (_, task) in steps.iter().flat_map(|step| &step.wake) {
            self.must_exist(*task)?;
        }
        self.must_be_unique(&pairs)?;

        self.put_pairs(&pairs);
        for step in steps {
            self.put_outcome(lease, step, now);
        }
        // A wake outlives a `done` of the same batch.
        for (account, task) in steps.iter().flat_map(|step| &step.wake) {
            self.wake(account, *task);
        }
        Ok(())
    }

    fn put_outcome(&mut self, lease: &Lease, step: &PushStep, now: Timestamp) {
        if let Some(intent) = step.settled {
            self.outbox.remove(&(lease.account.clone(), intent));
        }
        if let Some(collection) = &step.collection {
            let collections = &mut self.known(&lease.account).state.collections;
            match collections
                .iter_mut()
                .find(|known| known.id == collection.id)
            {
                Some(known) => *known = collection.clone(),
                None => collections.push(collection.clone()),
            }
        }
        self.journal.extend(step.journal.iter().cloned());
        if let (Some(done), Some(work)) = (&step.done, self.work.get_mut(&lease.account))
            && work
                .get(&done.task)
                .is_some_and(|waiting| waiting.work.generation == done.generation)
        {
            work.remove(&done.task);
        }
        if let Some(later) = &step.later {
            self.delay(&lease.account, later, now);
        }
    }

    pub(super) fn commit_observation(
        &mut self,
        lease: &Lease,
        end: &CommitObservation,
    ) -> Result<(), StoreError> {
        self.fence(lease, Some(end.at))?;
        let state = &mut self.known(&lease.account).state;
        state.identity = Some(end.identity.clone());
        state.cursor = Some(end.cursor.clone());
        state.joined |= end.joined;
        state.last_pass_at = Some(end.at);
        if let Some(collections) = &end.collections {
            state.collections.clone_from(collections);
        }
        if end.sweep {
            state.last_sweep_at = Some(end.at);
        }
        if end.shows_all {
            let pairs = self.mappings.values_mut();
            for pair in pairs.filter(|pair| pair.account == lease.account) {
                pair.unseen = false;
            }
        }
        let reviews = self.reviews.entry(lease.account.clone()).or_default();
        if end.sweep {
            reviews.clear();
        }
        for review in &end.reviews {
            reviews.retain(|known| (known.task, &known.remote) != (review.task, &review.remote));
            reviews.push(review.clone());
        }
        Ok(())
    }

    pub(super) fn recognise(
        &mut self,
        lease: &Lease,
        identity: &Identity,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.fence(lease, Some(now))?;
        self.known(&lease.account).state.identity = Some(identity.clone());
        Ok(())
    }

    pub(super) fn commit_sending(
        &mut self,
        lease: &Lease,
        pairs: &[Mapping],
        cursor: Option<&Cursor>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.fence(lease, Some(now))?;
        let pairs = planned_pairs(pairs.iter().map(|pair| (None, Some(pair))));
        for mapping in pairs.values().copied().flatten() {
            self.must_exist(mapping.task)?;
        }
        self.must_be_unique(&pairs)?;
        self.put_pairs(&pairs);
        let known = &mut self.known(&lease.account).state.cursor;
        if let (Some(known), Some(cursor)) = (known, cursor) {
            known.clone_from(cursor);
        }
        Ok(())
    }

    pub(super) fn end_epoch(
        &mut self,
        lease: &Lease,
        marker: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.fence(lease, Some(now))?;
        let account = &lease.account;
        let state = &mut self.known(account).state;
        *state = AccountState {
            guard_since: state.guard_since,
            last_pass_at: state.last_pass_at,
            trouble: state.trouble.take(),
            ..AccountState::default()
        };
        self.mappings.retain(|(owner, _), _| owner != account);
        self.paired.retain(|(owner, _), _| owner != account);
        self.outbox.retain(|(owner, _), _| owner != account);
        self.deletions
            .retain(|deletion| deletion.account != *account);
        self.work.remove(account);
        self.reviews.remove(account);
        self.forget_events(account);
        for hints in self.hints.values_mut() {
            hints.retain(|hint| Some(hint.marker.as_str()) != marker);
        }
        Ok(())
    }

    pub(super) fn wake_all(&mut self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        self.fence(lease, Some(now))?;
        self.wake_everything(&lease.account);
        Ok(())
    }

    pub(super) fn release_refused(
        &mut self,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.fence(lease, Some(now))?;
        self.wake_refused(&lease.account);
        Ok(())
    }

    pub(super) fn commit_intents(
        &mut self,
        lease: &Lease,
        intents: &[(Option<TaskId>, Operation)],
        now: Timestamp,
    ) -> Result<Vec<IntentId>, StoreError> {
        self.fence(lease, Some(now))?;
        let mut ids = Vec::with_capacity(intents.len());
        for (task, operation) in intents {
            self.tick += 1;
            let id = IntentId(self.tick);
            self.outbox.insert(
                (lease.account.clone(), id),
                Intent {
                    id,
                    task: *task,
                    operation: operation.clone(),
                    sent_at: now,
                    timed_out: false,
                    missed_at: None,
                },
            );
            ids.push(id);
        }
        Ok(ids)
    }

    pub(super) fn commit_doubt(
        &mut self,
        lease: &Lease,
        intents: &[Intent],
    ) -> Result<(), StoreError> {
        self.fence(lease, None)?;
        for intent in intents {
            if let Some(known) = self.outbox.get_mut(&(lease.account.clone(), intent.id)) {
                known.timed_out = intent.timed_out;
                known.missed_at = intent.missed_at;
                known.sent_at = intent.sent_at;
            }
        }
        Ok(())
    }

    pub(super) fn approve_held(
        &mut self,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        self.fence(lease, Some(now))?;
        let account = &lease.account;
        let mut approved = Vec::new();
        for mapping in self.mappings.values_mut() {
            if mapping.account == *account && mapping.is_guarded() {
                mapping.state = MappingState::Pending;
                approved.push(mapping.task);
            }
        }
        for task in &approved {
            self.wake(account, *task);
        }
        self.known(account).state.guard_since = Some(now);
        Ok(approved.len())
    }
}

fn planned_pairs<'a>(
    steps: impl Iterator<Item = (Option<&'a (AccountId, TaskId)>, Option<&'a Mapping>)>,
) -> Pairs<'a> {
    let mut pairs = Pairs::new();
    for (unpair, mapping) in steps {
        if let Some(key) = unpair {
            pairs.insert(key.clone(), None);
        }
        if let Some(mapping) = mapping {
            pairs.insert((mapping.account.clone(), mapping.task), Some(mapping));
        }
    }
    pairs
}

/// Every task that has to exist for the batch to make sense.
fn named_in_merge(steps: &[MergeStep]) -> BTreeSet<TaskId> {
    steps
        .iter()
        .flat_map(|step| {
            let wakes = (!step.wake.is_empty() || step.hints.is_some())
                .then(|| step.subject())
                .flatten();
            let mapping = step.mapping.as_ref().map(|mapping| mapping.task);
            let conflicts = step.conflicts.iter().map(|conflict| conflict.task);
            let dependents = step.wake_dependents.iter().map(|(_, task)| *task);
            wakes
                .into_iter()
                .chain(mapping)
                .chain(conflicts)
                .chain(dependents)
        })
        .collect()
}
