//! The in-memory twin of the hub database, for the simulation and for tests of the engine.
//!
//! Plain ordered maps behind one mutex: no runtime, no clock, no randomness, and each
//! method happens whole before it answers. Nothing here outlives the process.

mod commit;
mod events;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use instep_model::{
    Access, Account, AccountId, Conflict, Hint, Identity, JournalEntry, Mapping, Operation,
    RemoteId, Review, Task, TaskId, Timestamp, Trouble,
};

use self::state::State;
use crate::store_suite::Inspect;
use crate::{
    AccountState, CommitObservation, Cursor, Delivery, Event, Intent, IntentId, Lease, MergeStep,
    PushStep, Store, StoreError, Tally, Work,
};

/// A [`Store`] in memory. A clone is another handle to the same store.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<Arc<State>>>,
}

/// Everything a [`MemoryStore`] held at one moment. Taking and cloning one costs nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct MemorySnapshot(Arc<State>);

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// What it holds now.
    pub fn snapshot(&self) -> MemorySnapshot {
        MemorySnapshot(Arc::clone(&self.lock()))
    }

    /// Makes it hold what it held then.
    pub fn restore(&self, snapshot: &MemorySnapshot) {
        *self.lock() = Arc::clone(&snapshot.0);
    }

    /// Every task, tombstones included, by id.
    pub fn all_tasks(&self) -> Vec<Task> {
        self.lock().tasks.values().cloned().collect()
    }

    /// Every pair, by account and task.
    pub fn all_mappings(&self) -> Vec<Mapping> {
        self.lock().mappings.values().cloned().collect()
    }

    /// The whole journal, oldest first.
    pub fn all_journal(&self) -> Vec<JournalEntry> {
        self.lock().journal.clone()
    }

    /// Every conflict, by id.
    pub fn all_conflicts(&self) -> Vec<Conflict> {
        self.lock().conflicts.values().cloned().collect()
    }

    /// The matters for review of an account.
    pub fn all_reviews(&self, account: &AccountId) -> Vec<Review> {
        self.lock()
            .reviews
            .get(account)
            .cloned()
            .unwrap_or_default()
    }

    /// A panic while the lock was held left a whole state behind: every change is made
    /// after its last check.
    fn lock(&self) -> MutexGuard<'_, Arc<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, step: impl FnOnce(&mut State) -> T) -> T {
        step(Arc::make_mut(&mut self.lock()))
    }
}

impl Store for MemoryStore {
    async fn claim_lease(
        &self,
        account: &AccountId,
        holder: &str,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Lease, StoreError> {
        self.change(|state| state.claim(account, holder, ttl, now))
    }

    async fn release_lease(&self, lease: Lease) -> Result<(), StoreError> {
        self.change(|state| state.release(&lease));
        Ok(())
    }

    async fn mirror_accounts(
        &self,
        accounts: &[Account],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change(|state| state.mirror(accounts, now));
        Ok(())
    }

    async fn account_state(&self, account: &AccountId) -> Result<AccountState, StoreError> {
        Ok(self.lock().account_state(account))
    }

    async fn mappings_by_remote(
        &self,
        account: &AccountId,
        remotes: &[RemoteId],
    ) -> Result<Vec<Mapping>, StoreError> {
        Ok(self.lock().mappings_by_remote(account, remotes))
    }

    async fn mappings_by_task(
        &self,
        account: &AccountId,
        tasks: &[TaskId],
    ) -> Result<Vec<Mapping>, StoreError> {
        Ok(self.lock().mappings_by_task(account, tasks))
    }

    async fn mappings_of_tasks(&self, tasks: &[TaskId]) -> Result<Vec<Mapping>, StoreError> {
        Ok(self.lock().mappings_of_tasks(tasks))
    }

    async fn paired(&self, account: &AccountId) -> Result<Vec<(RemoteId, TaskId)>, StoreError> {
        Ok(self.lock().paired_items(account))
    }

    async fn unseen(&self, account: &AccountId) -> Result<Vec<(RemoteId, TaskId)>, StoreError> {
        Ok(self.lock().unseen(account))
    }

    async fn open_conflicts(
        &self,
        account: &AccountId,
        tasks: &[TaskId],
    ) -> Result<Vec<Conflict>, StoreError> {
        Ok(self.lock().open_conflicts(account, tasks))
    }

    async fn conflicts_of(&self, tasks: &[TaskId]) -> Result<Vec<Conflict>, StoreError> {
        Ok(self.lock().conflicts_of(tasks))
    }

    async fn tasks(&self, ids: &[TaskId]) -> Result<Vec<Task>, StoreError> {
        Ok(self.lock().tasks(ids))
    }

    async fn dependents(&self, tasks: &[TaskId]) -> Result<Vec<TaskId>, StoreError> {
        Ok(self.lock().dependents(tasks))
    }

    async fn unpaired_tasks(
        &self,
        account: &AccountId,
        deleted: bool,
    ) -> Result<Vec<Task>, StoreError> {
        Ok(self.lock().unpaired_tasks(account, deleted))
    }

    async fn hints(&self, marker: &str) -> Result<Vec<Hint>, StoreError> {
        Ok(self.lock().hints(marker))
    }

    async fn tally(&self, account: &AccountId, since: Timestamp) -> Result<Tally, StoreError> {
        Ok(self.lock().tally(account, since))
    }

    async fn commit_merge(
        &self,
        lease: Option<&Lease>,
        steps: &[MergeStep],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change(|state| state.commit_merge(lease, steps, now))
    }

    async fn commit_observation(
        &self,
        lease: &Lease,
        end: &CommitObservation,
    ) -> Result<(), StoreError> {
        self.change(|state| state.commit_observation(lease, end))
    }

    async fn recognise(
        &self,
        lease: &Lease,
        identity: &Identity,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change(|state| state.recognise(lease, identity, now))
    }

    async fn commit_sending(
        &self,
        lease: &Lease,
        pairs: &[Mapping],
        cursor: Option<&Cursor>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change(|state| state.commit_sending(lease, pairs, cursor, now))
    }

    async fn end_epoch(
        &self,
        lease: &Lease,
        marker: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change(|state| state.end_epoch(lease, marker, now))
    }

    async fn wake_all(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        self.change(|state| state.wake_all(lease, now))
    }

    async fn wake_refused(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        self.change(|state| state.release_refused(lease, now))
    }

    async fn pending_work(
        &self,
        account: &AccountId,
        after: u64,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Work>, StoreError> {
        Ok(self.lock().pending_work(account, after, limit, now))
    }

    async fn last_place(&self, account: &AccountId) -> Result<u64, StoreError> {
        Ok(self.lock().last_place(account))
    }

    async fn commit_intents(
        &self,
        lease: &Lease,
        intents: &[(Option<TaskId>, Operation)],
        now: Timestamp,
    ) -> Result<Vec<IntentId>, StoreError> {
        self.change(|state| state.commit_intents(lease, intents, now))
    }

    async fn open_intents(&self, account: &AccountId) -> Result<Vec<Intent>, StoreError> {
        Ok(self.lock().open_intents(account))
    }

    async fn forget_cursors(&self) -> Result<(), StoreError> {
        self.change(State::forget_cursors);
        Ok(())
    }

    async fn commit_doubt(&self, lease: &Lease, intents: &[Intent]) -> Result<(), StoreError> {
        self.change(|state| state.commit_doubt(lease, intents))
    }

    async fn commit_push(
        &self,
        lease: &Lease,
        steps: &[PushStep],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change(|state| state.commit_push(lease, steps, now))
    }

    async fn approve_held(&self, lease: &Lease, now: Timestamp) -> Result<usize, StoreError> {
        self.change(|state| state.approve_held(lease, now))
    }

    async fn drop_review(&self, review: &Review) -> Result<(), StoreError> {
        self.change(|state| state.drop_review(review));
        Ok(())
    }

    async fn accept(&self, deliveries: &[Delivery], now: Timestamp) -> Result<usize, StoreError> {
        Ok(self.change(|state| state.accept(deliveries, now)))
    }

    async fn events(&self, account: &AccountId, limit: usize) -> Result<Vec<Event>, StoreError> {
        Ok(self.lock().events(account, limit))
    }

    async fn finish_events(&self, events: &[Event]) -> Result<(), StoreError> {
        self.change(|state| state.finish_events(events));
        Ok(())
    }

    async fn access(&self, account: &AccountId) -> Result<Access, StoreError> {
        Ok(self.lock().access.get(account).cloned().unwrap_or_default())
    }

    async fn commit_access(
        &self,
        account: &AccountId,
        access: &Access,
    ) -> Result<bool, StoreError> {
        Ok(self.change(|state| {
            let known = state.access.entry(account.clone()).or_default();
            let is_newest = known.version == access.version;
            if is_newest {
                known.clone_from(access);
                known.version += 1;
            }
            is_newest
        }))
    }

    async fn set_trouble(
        &self,
        account: &AccountId,
        trouble: Option<&Trouble>,
    ) -> Result<(), StoreError> {
        self.change(|state| state.set_trouble(account, trouble));
        Ok(())
    }
}

impl Inspect for MemoryStore {
    async fn journal_lines(&self) -> Result<Vec<JournalEntry>, StoreError> {
        Ok(self.all_journal())
    }

    async fn known_conflicts(&self) -> Result<Vec<Conflict>, StoreError> {
        Ok(self.all_conflicts())
    }

    async fn open_reviews(&self, account: &AccountId) -> Result<Vec<Review>, StoreError> {
        Ok(self.all_reviews(account))
    }
}
