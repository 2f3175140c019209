//! The seam to the hub database: the engine's steps, each one transaction.
//!
//! A store is opened for one user and shows nothing of another. Listing and filtering
//! for people is not here.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use instep_model::{
    Access, Account, AccountId, Collection, CollectionId, Conflict, Hint, Identity, JournalEntry,
    Mapping, Operation, RemoteId, Review, Task, TaskId, Timestamp, Trouble,
};

use crate::{Cursor, Delivery, Event, StoreError};

/// The sole right to run an account (S11). Every commit shows its token; a token that is no
/// longer the newest is refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The account.
    pub account: AccountId,
    /// Grows with every claim.
    pub token: u64,
}

/// What is remembered of an account between passes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountState {
    /// Who answered last (S5); `None` before the first pass, and once an epoch has ended.
    pub identity: Option<Identity>,
    /// Where to go on from.
    pub cursor: Option<Cursor>,
    /// Whether the first meeting is over, and new items are simply new.
    pub joined: bool,
    /// The collections as last seen.
    pub collections: Vec<Collection>,
    /// What adoption could not decide and nobody has decided yet (S26).
    pub reviews: Vec<Review>,
    /// How many pairs the guard holds: state `held`, their remote item gone.
    pub held: usize,
    /// Since when deletions count towards the guard: the last approval (S28).
    pub guard_since: Option<Timestamp>,
    /// The last pass that completed.
    pub last_pass_at: Option<Timestamp>,
    /// The last full look that completed.
    pub last_sweep_at: Option<Timestamp>,
    /// Why the account stands still, if it does.
    pub trouble: Option<Trouble>,
    /// How many pairs [`Store::unseen`] would name.
    pub unseen: usize,
}

/// A change of one hub task together with the pair it came through: one indivisible step.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MergeStep {
    /// The task as it shall be; `None` where only the pair moves.
    pub task: Option<TaskWrite>,
    /// The pair as it shall be.
    pub mapping: Option<Mapping>,
    /// A pair to be dropped: a different remote item takes its place, or its epoch is over.
    pub unpair: Option<(AccountId, TaskId)>,
    /// Conflicts found.
    pub conflicts: Vec<Conflict>,
    /// What happened.
    pub journal: Vec<JournalEntry>,
    /// Markers seen on the task; replaces what was known about it.
    pub hints: Option<Vec<Hint>>,
    /// A deletion inferred from this account, counted by the guard (S28).
    pub deletion: Option<Option<CollectionId>>,
    /// Accounts for which the task has become work.
    pub wake: Vec<AccountId>,
    /// Accounts for which another task has become work, because a link of it leads here.
    pub wake_dependents: Vec<(AccountId, TaskId)>,
}

impl MergeStep {
    /// The task that the step is about.
    pub fn subject(&self) -> Option<TaskId> {
        let written = self.task.as_ref().map(|write| write.task.id);
        let paired = self.mapping.as_ref().map(|mapping| mapping.task);
        let unpaired = self.unpair.as_ref().map(|(_, task)| *task);
        let hinted = self.hints.iter().flatten().next().map(|hint| hint.task);
        written.or(paired).or(unpaired).or(hinted)
    }

    /// The account whose pair it moves.
    pub fn account(&self) -> Option<&AccountId> {
        let paired = self.mapping.as_ref().map(|mapping| &mapping.account);
        let unpaired = self.unpair.as_ref().map(|(account, _)| account);
        paired.or(unpaired)
    }

    /// Everything that becomes work by it, in order.
    pub fn wakes(&self) -> impl Iterator<Item = (AccountId, TaskId)> {
        let subject = self.subject();
        let own = self.wake.iter();
        own.filter_map(move |account| Some((account.clone(), subject?)))
            .chain(self.wake_dependents.iter().cloned())
    }
}

/// A new version of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskWrite {
    /// The version this was planned from; 0 for a task that shall be new.
    pub from_version: u64,
    /// The task; its `version` is set by the store to `from_version + 1`.
    pub task: Task,
}

/// The end of an observation, after everything it found has been merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitObservation {
    /// Who answered.
    pub identity: Identity,
    /// Where to go on from.
    pub cursor: Cursor,
    /// All collections, when they were read.
    pub collections: Option<Vec<Collection>>,
    /// Whether it was a full look.
    pub sweep: bool,
    /// Whether the first meeting is over with this.
    pub joined: bool,
    /// Whether pairs that no look had shown before are no longer [`Mapping::unseen`].
    pub shows_all: bool,
    /// Matters for review; replaces the account's earlier ones when the look was a full one,
    /// adds to them otherwise.
    pub reviews: Vec<Review>,
    /// When.
    pub at: Timestamp,
}

/// A task that has to be looked at for an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The task.
    pub task: TaskId,
    /// Grows with every wake; work is done only if it has not grown meanwhile.
    pub generation: u64,
    /// Its place in the account's queue; a wake of work that already waits keeps the place.
    pub place: u64,
}

/// Work that is left alone for a while. A wake ends the wait, and so does a clock that was set back
/// to before it began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Later {
    /// The work.
    pub work: Work,
    /// When it is due again.
    pub until: Timestamp,
}

/// Names an outbox entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntentId(pub u64);

/// A write that must not be repeated blindly, remembered before it is sent (S13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Its number; given by the store.
    pub id: IntentId,
    /// The hub task it belongs to; `None` for a collection or tag.
    pub task: Option<TaskId>,
    /// Exactly what is sent.
    pub operation: Operation,
    /// When it was about to be sent.
    pub sent_at: Timestamp,
    /// Whether the answer took too long.
    pub timed_out: bool,
    /// When a look-up last found nothing; two of them, far enough apart, permit a repeat (S14).
    pub missed_at: Option<Timestamp>,
}

/// The confirmed end of one write, or its failure: one indivisible step.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PushStep {
    /// The pair as it shall be.
    pub mapping: Option<Mapping>,
    /// A pair to be dropped.
    pub unpair: Option<(AccountId, TaskId)>,
    /// The outbox entry that this settles.
    pub settled: Option<IntentId>,
    /// A collection that now exists.
    pub collection: Option<Collection>,
    /// Work that is done, unless it has been woken again since.
    pub done: Option<Work>,
    /// Work that failed and waits for its next try, unless it has been woken again since.
    pub later: Option<Later>,
    /// What happened.
    pub journal: Vec<JournalEntry>,
    /// Accounts that have to look at the task again, because a marker became due.
    pub wake: Vec<(AccountId, TaskId)>,
}

/// What the guard counts (S28).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Living pairs of the account (both sides there, as far as is known) within its scope, by
    /// collection.
    pub alive: BTreeMap<Option<CollectionId>, usize>,
    /// Those among them that no look has shown yet: what a look leaves out says nothing of them.
    pub unseen: BTreeMap<Option<CollectionId>, usize>,
    /// Deletions inferred from the account since the given moment, by collection.
    pub deleted: BTreeMap<Option<CollectionId>, usize>,
    /// Pairs that the guard holds already, by collection; they are among the living.
    pub held: BTreeMap<Option<CollectionId>, usize>,
}

/// The hub database as the engine uses it. Each method is one transaction: it happens whole,
/// survives power loss once it has answered ([`commit_sending`](Self::commit_sending) alone does so
/// later), or does not happen.
pub trait Store: Send + Sync {
    /// Takes the sole right to run `account` for `ttl`, without waiting. Every commit under
    /// the lease renews it; one that ran out may be taken over, and commits nothing from then on.
    /// What was given back may be handed out again as it was, while nobody else had it.
    ///
    /// # Errors
    /// [`StoreError::LeaseHeld`] while somebody else has it.
    fn claim_lease(
        &self,
        account: &AccountId,
        holder: &str,
        ttl: Duration,
        now: Timestamp,
    ) -> impl Future<Output = Result<Lease, StoreError>> + Send;

    /// Gives it back. A lease that was taken over meanwhile is no error.
    fn release_lease(&self, lease: Lease) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Makes the known accounts exactly these (S6). Pairs of one that is missing lie dormant and
    /// count for nothing; one that returns under its id finds them again. For one that returns, or
    /// covers something else than before, everything becomes work, and no full look of it counts
    /// any more.
    fn mirror_accounts(
        &self,
        accounts: &[Account],
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// What is remembered of an account; the default before its first pass.
    fn account_state(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<AccountState, StoreError>> + Send;

    /// The pairs of these remote items, in any order; unpaired ones are left out.
    fn mappings_by_remote(
        &self,
        account: &AccountId,
        remotes: &[RemoteId],
    ) -> impl Future<Output = Result<Vec<Mapping>, StoreError>> + Send;

    /// The pairs of these tasks, in any order; missing ones are left out.
    fn mappings_by_task(
        &self,
        account: &AccountId,
        tasks: &[TaskId],
    ) -> impl Future<Output = Result<Vec<Mapping>, StoreError>> + Send;

    /// Every pair of these tasks in any account that is not dormant.
    fn mappings_of_tasks(
        &self,
        tasks: &[TaskId],
    ) -> impl Future<Output = Result<Vec<Mapping>, StoreError>> + Send;

    /// Every pair of the account whose remote item is not known to be gone, tombstones' included.
    fn paired(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<Vec<(RemoteId, TaskId)>, StoreError>> + Send;

    /// Pairs of the account that were made by us and shown by no look yet, their items not known to
    /// be gone; in any order.
    fn unseen(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<Vec<(RemoteId, TaskId)>, StoreError>> + Send;

    /// Conflicts of these tasks with the account that wait for a person, in any order.
    fn open_conflicts(
        &self,
        account: &AccountId,
        tasks: &[TaskId],
    ) -> impl Future<Output = Result<Vec<Conflict>, StoreError>> + Send;

    /// Every conflict of these tasks with any account, whatever became of it, in any order.
    fn conflicts_of(
        &self,
        tasks: &[TaskId],
    ) -> impl Future<Output = Result<Vec<Conflict>, StoreError>> + Send;

    /// These tasks, tombstones included, in any order; unknown ones are left out.
    fn tasks(&self, ids: &[TaskId]) -> impl Future<Output = Result<Vec<Task>, StoreError>> + Send;

    /// Tasks, tombstones included, that depend on one of these or are part of one, or do so in the
    /// base of any of their pairs; in any order, each once.
    fn dependents(
        &self,
        tasks: &[TaskId],
    ) -> impl Future<Output = Result<Vec<TaskId>, StoreError>> + Send;

    /// Tasks without a remote item in `account`: the living, and beside them tombstones where
    /// `deleted`.
    fn unpaired_tasks(
        &self,
        account: &AccountId,
        deleted: bool,
    ) -> impl Future<Output = Result<Vec<Task>, StoreError>> + Send;

    /// Markers of this name seen on tasks.
    fn hints(&self, marker: &str) -> impl Future<Output = Result<Vec<Hint>, StoreError>> + Send;

    /// What the guard counts, deletions from `since` on.
    fn tally(
        &self,
        account: &AccountId,
        since: Timestamp,
    ) -> impl Future<Output = Result<Tally, StoreError>> + Send;

    /// Commits changes of tasks and their pairs, all or none. Without a lease only for changes
    /// that come from a person in the hub. Pairs are judged as the whole batch leaves them.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when a task moved on or is not there, [`StoreError::Fenced`] when
    /// the lease did, [`StoreError::AlreadyPaired`] when a pair would no longer be unique.
    fn commit_merge(
        &self,
        lease: Option<&Lease>,
        steps: &[MergeStep],
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Commits the end of an observation.
    fn commit_observation(
        &self,
        lease: &Lease,
        end: &CommitObservation,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Remembers what is about to be written: in `pairs`, as they shall be, what of it is
    /// [unanswered](Mapping::unanswered), and with `cursor`, in the place of the account's where it has
    /// one, that it is to be looked at again. What it stores outlives this process at once, and power
    /// loss only once another method has answered.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the lease was taken over.
    fn commit_sending(
        &self,
        lease: &Lease,
        pairs: &[Mapping],
        cursor: Option<&Cursor>,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Remembers who answers, before anything is paired under its ids (S5).
    fn recognise(
        &self,
        lease: &Lease,
        identity: &Identity,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Ends the epoch of an account: every pair, outbox entry and cursor of it is dropped, and what
    /// was seen of its `marker`; tasks stay, and adoption runs again (S5).
    fn end_epoch(
        &self,
        lease: &Lease,
        marker: Option<&str>,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Makes every living task, and every tombstone that is still paired, work for the account.
    fn wake_all(
        &self,
        lease: &Lease,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Makes work of every pair of the account that was refused and whose item is not known to be
    /// gone, whether it waits or is parked: what stood in its way may have changed.
    fn wake_refused(
        &self,
        lease: &Lease,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Work of the account that may be tried at `now`, in order of its place, from after the place
    /// `after` on (0 for all), at most `limit`.
    fn pending_work(
        &self,
        account: &AccountId,
        after: u64,
        limit: usize,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<Work>, StoreError>> + Send;

    /// The place of the account's newest work, due or not; 0 where there is none. What becomes work
    /// later has a greater one.
    fn last_place(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Remembers writes that are about to be sent, and numbers them in order (S13).
    fn commit_intents(
        &self,
        lease: &Lease,
        intents: &[(Option<TaskId>, Operation)],
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<IntentId>, StoreError>> + Send;

    /// Writes whose outcome is not known, oldest first.
    fn open_intents(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<Vec<Intent>, StoreError>> + Send;

    /// Forgets how far each account was looked at: the hub may be older than what it was kept equal to,
    /// so that nothing is new for certain before a full look (I9).
    fn forget_cursors(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Notes that look-ups for these found nothing, that their answers timed out, or that they were
    /// sent once more.
    fn commit_doubt(
        &self,
        lease: &Lease,
        intents: &[Intent],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Commits the ends of writes, all or none. A wake outlives a `done` beside it.
    fn commit_push(
        &self,
        lease: &Lease,
        steps: &[PushStep],
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Approves what the guard holds for an account: its held pairs become work again and
    /// its count starts anew. Answers how many pairs that were.
    fn approve_held(
        &self,
        lease: &Lease,
        now: Timestamp,
    ) -> impl Future<Output = Result<usize, StoreError>> + Send;

    /// Forgets a matter for review, once a person has decided it. One that is not there is no error.
    fn drop_review(&self, review: &Review) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Accepts what was told (I10); one that was told under the same id in the last 7 days changes
    /// nothing. Answers how many of these were news. What is about an account that is not known, or
    /// lies dormant, is dropped.
    fn accept(
        &self,
        deliveries: &[Delivery],
        now: Timestamp,
    ) -> impl Future<Output = Result<usize, StoreError>> + Send;

    /// What of the account waits to be looked at, first told first, at most `limit`.
    fn events(
        &self,
        account: &AccountId,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Event>, StoreError>> + Send;

    /// Ends events, those that were told again meanwhile excepted.
    fn finish_events(
        &self,
        events: &[Event],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Whether the account's service may be called, as all processes know it; the default before
    /// anything was stored.
    fn access(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<Access, StoreError>> + Send;

    /// Puts `access` in the place of the one of its version, which grows by one. Needs no lease: it
    /// is about calls, not about tasks. Answers false, and stores nothing, where that is not the
    /// newest version: read it again.
    fn commit_access(
        &self,
        account: &AccountId,
        access: &Access,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Sets or clears why an account stands still.
    fn set_trouble(
        &self,
        account: &AccountId,
        trouble: Option<&Trouble>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}
