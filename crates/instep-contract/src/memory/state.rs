//! What the in-memory store holds, how it is read, and who may write. No batch is applied here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use instep_model::{
    Access, Account, AccountId, CollectionId, Conflict, ConflictId, ConflictState, Direction,
    Fields, Hint, JournalEntry, Mapping, MappingState, RemoteId, Review, Scope, Task, TaskId,
    Timestamp, Trouble,
};

use super::events::Told;
use crate::{AccountState, Intent, IntentId, Later, Lease, StoreError, Tally, Work};

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct State {
    pub(super) tasks: BTreeMap<TaskId, Task>,
    pub(super) mappings: BTreeMap<(AccountId, TaskId), Mapping>,
    /// Which task each remote item is paired with: the second half of uniqueness.
    pub(super) paired: BTreeMap<(AccountId, RemoteId), TaskId>,
    pub(super) accounts: BTreeMap<AccountId, Known>,
    pub(super) hints: BTreeMap<TaskId, BTreeSet<Hint>>,
    pub(super) work: BTreeMap<AccountId, BTreeMap<TaskId, Waiting>>,
    pub(super) outbox: BTreeMap<(AccountId, IntentId), Intent>,
    pub(super) deletions: Vec<Deletion>,
    pub(super) conflicts: BTreeMap<ConflictId, Conflict>,
    pub(super) journal: Vec<JournalEntry>,
    pub(super) reviews: BTreeMap<AccountId, Vec<Review>>,
    pub(super) told: Told,
    pub(super) access: BTreeMap<AccountId, Access>,
    /// The last number given to work or to an outbox entry; no number is ever given twice.
    pub(super) tick: u64,
}

/// An account and its lease.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Known {
    pub(super) state: AccountState,
    /// Since when it is missing from the config.
    pub(super) dormant_since: Option<Timestamp>,
    /// What it covered when it was mirrored last.
    coverage: Option<(Scope, Direction)>,
    token: u64,
    held: Option<Held>,
}

/// Work, and the wait that it is in: since when, until when.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Waiting {
    pub(super) work: Work,
    wait: Option<(Timestamp, Timestamp)>,
}

impl Waiting {
    fn is_due(&self, now: Timestamp) -> bool {
        self.wait
            .is_none_or(|(since, until)| until <= now || now < since)
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Held {
    holder: String,
    ttl: Duration,
    until: Timestamp,
}

/// A deletion that was inferred from an account (S28).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Deletion {
    pub(super) account: AccountId,
    pub(super) collection: Option<CollectionId>,
    pub(super) at: Timestamp,
}

impl State {
    pub(super) fn claim(
        &mut self,
        account: &AccountId,
        holder: &str,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Lease, StoreError> {
        let known = self.known(account);
        if let Some(held) = known.held.as_ref().filter(|held| held.until > now) {
            return Err(StoreError::LeaseHeld {
                account: account.clone(),
                holder: held.holder.clone(),
            });
        }
        known.token += 1;
        known.held = Some(Held {
            holder: holder.to_owned(),
            ttl,
            until: ends(now, ttl),
        });
        Ok(Lease {
            account: account.clone(),
            token: known.token,
        })
    }

    pub(super) fn release(&mut self, lease: &Lease) {
        let known = self.known(&lease.account);
        if known.token == lease.token {
            known.held = None;
        }
    }

    /// Refuses a lease that was taken over; a commit at `now` keeps it for another term.
    pub(super) fn fence(
        &mut self,
        lease: &Lease,
        now: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let known = self.known(&lease.account);
        if known.token != lease.token {
            return Err(StoreError::Fenced {
                account: lease.account.clone(),
            });
        }
        if let (Some(held), Some(now)) = (&mut known.held, now) {
            held.until = held.until.max(ends(now, held.ttl));
        }
        Ok(())
    }

    pub(super) fn known(&mut self, account: &AccountId) -> &mut Known {
        self.accounts.entry(account.clone()).or_default()
    }

    pub(super) fn mirror(&mut self, accounts: &[Account], now: Timestamp) {
        let listed: BTreeSet<&AccountId> = accounts.iter().map(|account| &account.id).collect();
        for (id, known) in &mut self.accounts {
            if !listed.contains(id) {
                known.dormant_since.get_or_insert(now);
            }
        }
        for account in accounts {
            let (scope, direction) = account.coverage();
            let known = self.known(&account.id);
            let before = known.coverage.replace((scope.clone(), direction));
            let moved = before.is_some_and(|(was, way)| (&was, way) != (scope, direction));
            if known.dormant_since.take().is_some() || moved {
                // What changed while nobody was looking, or lay outside, has to travel too, both ways.
                known.state.last_sweep_at = None;
                self.wake_everything(&account.id);
            }
        }
    }

    pub(super) fn account_state(&self, account: &AccountId) -> AccountState {
        let known = self.accounts.get(account);
        let held = self
            .mappings
            .iter()
            .filter(|((owner, _), mapping)| owner == account && mapping.is_guarded());
        AccountState {
            reviews: self.reviews.get(account).cloned().unwrap_or_default(),
            held: held.count(),
            unseen: self.unseen(account).len(),
            ..known.map(|known| known.state.clone()).unwrap_or_default()
        }
    }

    pub(super) fn set_trouble(&mut self, account: &AccountId, trouble: Option<&Trouble>) {
        self.known(account).state.trouble = trouble.cloned();
    }

    pub(super) fn mappings_by_remote(
        &self,
        account: &AccountId,
        remotes: &[RemoteId],
    ) -> Vec<Mapping> {
        let tasks: BTreeSet<TaskId> = remotes
            .iter()
            .filter_map(|remote| self.paired.get(&(account.clone(), remote.clone())).copied())
            .collect();
        tasks
            .into_iter()
            .filter_map(|task| self.mappings.get(&(account.clone(), task)).cloned())
            .collect()
    }

    pub(super) fn mappings_by_task(&self, account: &AccountId, tasks: &[TaskId]) -> Vec<Mapping> {
        let tasks: BTreeSet<TaskId> = tasks.iter().copied().collect();
        tasks
            .into_iter()
            .filter_map(|task| self.mappings.get(&(account.clone(), task)).cloned())
            .collect()
    }

    pub(super) fn mappings_of_tasks(&self, tasks: &[TaskId]) -> Vec<Mapping> {
        self.accounts
            .iter()
            .filter(|(_, known)| known.dormant_since.is_none())
            .flat_map(|(account, _)| self.mappings_by_task(account, tasks))
            .collect()
    }

    pub(super) fn paired_items(&self, account: &AccountId) -> Vec<(RemoteId, TaskId)> {
        let own = self
            .mappings
            .iter()
            .filter(|((owner, _), _)| owner == account);
        own.filter(|(_, mapping)| mapping.gone.is_none())
            .filter_map(|(_, mapping)| Some((mapping.remote.clone()?, mapping.task)))
            .collect()
    }

    pub(super) fn forget_cursors(&mut self) {
        for known in self.accounts.values_mut() {
            known.state.cursor = None;
        }
    }

    pub(super) fn unseen(&self, account: &AccountId) -> Vec<(RemoteId, TaskId)> {
        let own = self
            .mappings
            .values()
            .filter(|pair| pair.account == *account && pair.unseen && pair.gone.is_none());
        own.filter_map(|pair| Some((pair.remote.clone()?, pair.task)))
            .collect()
    }

    pub(super) fn open_conflicts(&self, account: &AccountId, tasks: &[TaskId]) -> Vec<Conflict> {
        let waits = |one: &&Conflict| {
            one.account == *account && one.state == ConflictState::Open && tasks.contains(&one.task)
        };
        self.conflicts.values().filter(waits).cloned().collect()
    }

    pub(super) fn conflicts_of(&self, tasks: &[TaskId]) -> Vec<Conflict> {
        let all = self.conflicts.values();
        all.filter(|one| tasks.contains(&one.task))
            .cloned()
            .collect()
    }

    pub(super) fn drop_review(&mut self, review: &Review) {
        if let Some(known) = self.reviews.get_mut(&review.account) {
            known.retain(|known| (known.task, &known.remote) != (review.task, &review.remote));
        }
    }

    pub(super) fn tasks(&self, ids: &[TaskId]) -> Vec<Task> {
        let ids: BTreeSet<&TaskId> = ids.iter().collect();
        ids.into_iter()
            .filter_map(|id| self.tasks.get(id).cloned())
            .collect()
    }

    pub(super) fn dependents(&self, tasks: &[TaskId]) -> Vec<TaskId> {
        let ends: BTreeSet<TaskId> = tasks.iter().copied().collect();
        let leads_there = |fields: &Fields| fields.links().any(|end| ends.contains(&end));
        let linked = self.tasks.values().filter(|task| leads_there(&task.fields));
        let based = self
            .mappings
            .values()
            .filter(|pair| leads_there(&pair.base.fields));
        let dependents: BTreeSet<TaskId> = linked
            .map(|task| task.id)
            .chain(based.map(|pair| pair.task))
            .collect();
        dependents.into_iter().collect()
    }

    pub(super) fn unpaired_tasks(&self, account: &AccountId, deleted: bool) -> Vec<Task> {
        self.tasks
            .values()
            .filter(|task| deleted || task.is_alive())
            .filter(|task| {
                self.mappings
                    .get(&(account.clone(), task.id))
                    .is_none_or(|mapping| {
                        let lives_on =
                            matches!(mapping.state, MappingState::Pending | MappingState::Held);
                        let made_anew = mapping.gone.is_some() && lives_on;
                        mapping.remote.is_none() || (made_anew && task.is_alive())
                    })
            })
            .cloned()
            .collect()
    }

    pub(super) fn hints(&self, marker: &str) -> Vec<Hint> {
        self.hints
            .values()
            .flatten()
            .filter(|hint| hint.marker == marker)
            .cloned()
            .collect()
    }

    pub(super) fn tally(&self, account: &AccountId, since: Timestamp) -> Tally {
        let mut tally = Tally::default();
        let own = self.pairs(account);
        for mapping in own.filter(|mapping| mapping.state != MappingState::OutOfScope) {
            let held = mapping.state == MappingState::Held;
            let task_lives = self.tasks.get(&mapping.task).is_some_and(Task::is_alive);
            let item_lives = mapping.remote.is_some() && (mapping.gone.is_none() || held);
            if task_lives && item_lives {
                *tally.alive.entry(mapping.collection.clone()).or_default() += 1;
                if mapping.unseen {
                    *tally.unseen.entry(mapping.collection.clone()).or_default() += 1;
                }
                if held {
                    *tally.held.entry(mapping.collection.clone()).or_default() += 1;
                }
            }
        }
        for deletion in &self.deletions {
            if deletion.account == *account && deletion.at >= since {
                *tally
                    .deleted
                    .entry(deletion.collection.clone())
                    .or_default() += 1;
            }
        }
        tally
    }

    pub(super) fn pending_work(
        &self,
        account: &AccountId,
        after: u64,
        limit: usize,
        now: Timestamp,
    ) -> Vec<Work> {
        let mut due: Vec<Work> = self
            .work
            .get(account)
            .into_iter()
            .flat_map(BTreeMap::values)
            .filter(|waiting| waiting.work.place > after && waiting.is_due(now))
            .map(|waiting| waiting.work.clone())
            .collect();
        due.sort_by_key(|work| work.place);
        due.truncate(limit);
        due
    }

    pub(super) fn last_place(&self, account: &AccountId) -> u64 {
        let own = self.work.get(account).into_iter();
        let places = own
            .flat_map(BTreeMap::values)
            .map(|waiting| waiting.work.place);
        places.max().unwrap_or(0)
    }

    pub(super) fn open_intents(&self, account: &AccountId) -> Vec<Intent> {
        self.outbox
            .iter()
            .filter(|((owner, _), _)| owner == account)
            .map(|(_, intent)| intent.clone())
            .collect()
    }

    /// The pairs of one account, by task.
    pub(super) fn pairs(&self, account: &AccountId) -> impl Iterator<Item = &Mapping> {
        self.mappings
            .values()
            .filter(move |mapping| mapping.account == *account)
    }

    /// Makes a task work; work that waits already keeps its place.
    pub(super) fn wake(&mut self, account: &AccountId, task: TaskId) {
        self.tick += 1;
        let tick = self.tick;
        self.work
            .entry(account.clone())
            .or_default()
            .entry(task)
            .and_modify(|waiting| {
                waiting.work.generation = tick;
                waiting.wait = None;
            })
            .or_insert(Waiting {
                work: Work {
                    task,
                    generation: tick,
                    place: tick,
                },
                wait: None,
            });
    }

    /// Leaves work alone for a while, unless it has been woken since.
    pub(super) fn delay(&mut self, account: &AccountId, later: &Later, now: Timestamp) {
        let own = self.work.get_mut(account);
        let waiting = own.and_then(|work| work.get_mut(&later.work.task));
        if let Some(waiting) =
            waiting.filter(|waiting| waiting.work.generation == later.work.generation)
        {
            waiting.wait = Some((now, later.until));
        }
    }

    /// Wakes what was refused and is still there.
    pub(super) fn wake_refused(&mut self, account: &AccountId) {
        let refused = self
            .pairs(account)
            .filter(|mapping| mapping.state == MappingState::Error && mapping.gone.is_none());
        let mut tasks: Vec<(Timestamp, TaskId)> = refused
            .filter_map(|mapping| self.tasks.get(&mapping.task))
            .map(|task| (age(task), task.id))
            .collect();
        tasks.sort();
        for (_, task) in tasks {
            self.wake(account, task);
        }
    }

    /// Wakes the living by age, so that a service shows them in the order they were made.
    pub(super) fn wake_everything(&mut self, account: &AccountId) {
        let mut tasks: Vec<(Timestamp, TaskId)> = self
            .tasks
            .values()
            .filter(|task| {
                task.is_alive() || self.mappings.contains_key(&(account.clone(), task.id))
            })
            .map(|task| (age(task), task.id))
            .collect();
        tasks.sort();
        for (_, task) in tasks {
            self.wake(account, task);
        }
    }
}

/// When a task was first written down, as well as it is known.
fn age(task: &Task) -> Timestamp {
    task.fields
        .instant(instep_model::Field::Created)
        .unwrap_or(task.modified)
}

fn ends(now: Timestamp, ttl: Duration) -> Timestamp {
    now.checked_add(ttl).unwrap_or(Timestamp::MAX)
}
