//! The store as the engine sees it: every step can be left before and after it, and a planted
//! bug may lie in between.

use std::time::Duration;

use instep_contract::{
    AccountState, CommitObservation, Cursor, Delivery, Event, Intent, IntentId, Lease, MemoryStore,
    MergeStep, Moment, PushStep, Store, StoreError, Tally, TaskWrite, Work,
};
use instep_model::{
    Access, Account, AccountId, Conflict, Field, Hint, Identity, Mapping, Operation, RemoteId,
    Review, Task, TaskId, Timestamp,
};

use super::Bug;
use crate::owners::{Owners, Process};
use crate::stage::NAMES;
use crate::world::{Point, SimWorld, Visitor};

/// A store in memory with stops around its steps.
pub(crate) struct SimStore {
    pub(super) inner: MemoryStore,
    pub(super) world: SimWorld,
    bug: Option<Bug>,
    process: Process,
}

impl SimStore {
    pub(crate) fn new(
        inner: MemoryStore,
        world: SimWorld,
        bug: Option<Bug>,
        process: Process,
    ) -> Self {
        Self {
            inner,
            world,
            bug,
            process,
        }
    }

    pub(super) fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    async fn stop(&self, step: &'static str, moment: Moment) {
        let visitor = Visitor {
            process: self.process,
            remote: None,
        };
        let point = Point::Store(step, moment);
        self.world.stop(point, &visitor).await;
    }

    /// A step begins: the round may be left here, or the store may refuse it.
    async fn before(&self, step: &'static str) -> Result<(), StoreError> {
        self.stop(step, Moment::Before).await;
        self.unless_disk_fails(Moment::Before)
    }

    /// A commit is done: the round may be left here, or never hear of it.
    async fn after(&self, step: &'static str) -> Result<(), StoreError> {
        self.stop(step, Moment::After).await;
        self.unless_disk_fails(Moment::After)
    }

    fn unless_disk_fails(&self, moment: Moment) -> Result<(), StoreError> {
        if self.process == REHEARSAL || !self.world.disk_fails(moment) {
            return Ok(());
        }
        Err(StoreError::Unavailable {
            source: "the database is locked".into(),
        })
    }

    /// Ends a commit under a lease: one that went through has renewed it.
    async fn done<T>(
        &self,
        step: &'static str,
        (lease, at): (&Lease, Timestamp),
        done: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if done.is_ok()
            && let Some(remote) = remote_of(&lease.account)
        {
            let until = at + LEASE_TTL;
            let renewed = |owners: &mut Owners, _| owners.renewed(remote, self.process, until);
            self.world.owners(renewed);
        }
        self.after(step).await?;
        done
    }
}

/// The process that only plays on a copy of the hub.
pub(crate) const REHEARSAL: Process = 0;

/// How long a lease lasts that nobody renews.
const LEASE_TTL: Duration = Duration::from_secs(60);

fn remote_of(account: &AccountId) -> Option<usize> {
    NAMES.iter().position(|name| *name == account.as_str())
}

impl SimStore {
    /// What a planted bug makes of a merge, if there is one for it.
    fn spoilt_merge(&self, steps: &[MergeStep]) -> Option<Vec<MergeStep>> {
        let spoil: fn(&mut MergeStep) = match self.bug? {
            Bug::ConflictsNotStored => |step| step.conflicts.clear(),
            Bug::NobodyWoken => |step| {
                step.wake.clear();
                step.wake_dependents.clear();
            },
            Bug::GoneForgotten => |step| {
                if let Some(mapping) = &mut step.mapping {
                    mapping.gone = None;
                }
            },
            _ => return None,
        };
        let mut spoilt = steps.to_vec();
        spoilt.iter_mut().for_each(spoil);
        Some(spoilt)
    }

    /// Stores the tasks of pairs that said nothing new as new versions.
    async fn store_again(
        &self,
        lease: Option<&Lease>,
        steps: &[MergeStep],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for step in steps.iter().filter(|step| step.task.is_none()) {
            let subject: Vec<TaskId> = step.subject().into_iter().collect();
            let Some(task) = self.inner.tasks(&subject).await?.into_iter().next() else {
                continue;
            };
            let again = MergeStep {
                task: Some(TaskWrite {
                    from_version: task.version,
                    task,
                }),
                ..MergeStep::default()
            };
            self.inner.commit_merge(lease, &[again], now).await?;
        }
        Ok(())
    }

    /// The same steps, planned from whatever versions there are by now.
    async fn blind(&self, steps: &[MergeStep]) -> Result<Vec<MergeStep>, StoreError> {
        let mut blind = steps.to_vec();
        for write in blind.iter_mut().filter_map(|step| step.task.as_mut()) {
            let known = self.inner.tasks(&[write.task.id]).await?;
            write.from_version = known.first().map_or(0, |task| task.version);
        }
        Ok(blind)
    }

    async fn spoilt_push(
        &self,
        lease: &Lease,
        steps: &[PushStep],
    ) -> Result<Option<Vec<PushStep>>, StoreError> {
        let mut spoilt = steps.to_vec();
        match self.bug {
            Some(Bug::PairNotStored) => {
                for step in spoilt.iter_mut().filter(|step| step.settled.is_some()) {
                    step.mapping = None;
                }
            }
            Some(Bug::LastWriteForgotten) if spoilt.len() > 1 => {
                if let Some(last) = spoilt.last_mut() {
                    last.mapping = None;
                }
            }
            Some(Bug::WorkDoneTwice) => {
                let account = &lease.account;
                let open = self.inner.pending_work(account, 0, 1_000, Timestamp::MAX);
                let waiting = open.await?;
                for done in spoilt.iter_mut().filter_map(|step| step.done.as_mut()) {
                    let now = waiting.iter().find(|work| work.task == done.task);
                    done.generation = now.map_or(done.generation, |work| work.generation);
                }
            }
            Some(Bug::BaseIsHub) => {
                for mapping in spoilt.iter_mut().filter_map(|step| step.mapping.as_mut()) {
                    let known = self.inner.tasks(&[mapping.task]).await?;
                    let title = known.first().and_then(|task| task.fields.get(Field::Title));
                    mapping.base.fields.set(Field::Title, title.cloned());
                }
            }
            _ => return Ok(None),
        }
        Ok(Some(spoilt))
    }

    /// A lease that the store takes for the newest.
    pub(super) async fn stolen(&self, lease: &Lease) -> Result<Lease, StoreError> {
        let now = self.world.now();
        for token in lease.token..lease.token + 100 {
            let stolen = Lease {
                account: lease.account.clone(),
                token,
            };
            if self.inner.commit_push(&stolen, &[], now).await.is_ok() {
                return Ok(stolen);
            }
        }
        Err(StoreError::Fenced {
            account: lease.account.clone(),
        })
    }
}

impl Store for SimStore {
    async fn claim_lease(
        &self,
        account: &AccountId,
        holder: &str,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Lease, StoreError> {
        self.before("claim_lease").await?;
        let remote = remote_of(account).filter(|_| self.process != REHEARSAL);
        // The kernel frees what a killed process held (S11).
        let all = self.has(Bug::LeaseShared);
        let left = remote.and_then(|remote| {
            let ask = |owners: &mut Owners, _| owners.left_behind(remote, all);
            self.world.owners(ask)
        });
        if let Some(left) = left {
            self.inner.release_lease(left).await?;
        }
        let lease = self.inner.claim_lease(account, holder, ttl, now).await;
        if let (Some(remote), Ok(lease)) = (remote, &lease) {
            let until = now + ttl;
            let claimed = |owners: &mut Owners, now| {
                owners.claimed(remote, self.process, lease.clone(), until, now);
            };
            self.world.owners(claimed);
        }
        self.after("claim_lease").await?;
        lease
    }

    async fn release_lease(&self, lease: Lease) -> Result<(), StoreError> {
        self.before("release_lease").await?;
        if let Some(remote) = remote_of(&lease.account) {
            let released = |owners: &mut Owners, _| owners.released(remote, self.process);
            self.world.owners(released);
        }
        self.inner.release_lease(lease).await
    }

    async fn mirror_accounts(
        &self,
        accounts: &[Account],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.before("mirror_accounts").await?;
        self.inner.mirror_accounts(accounts, now).await
    }

    async fn account_state(&self, account: &AccountId) -> Result<AccountState, StoreError> {
        self.before("account_state").await?;
        let mut state = self.inner.account_state(account).await?;
        if self.has(Bug::IdentityForgotten) {
            state.identity = None;
        }
        if self.has(Bug::CursorFirst) && state.cursor.is_some() {
            let newest = self.world.newest_cursor(account.as_str());
            state.cursor = newest.or(state.cursor);
        }
        Ok(state)
    }

    async fn mappings_by_remote(
        &self,
        account: &AccountId,
        remotes: &[RemoteId],
    ) -> Result<Vec<Mapping>, StoreError> {
        self.before("mappings_by_remote").await?;
        self.inner.mappings_by_remote(account, remotes).await
    }

    async fn mappings_by_task(
        &self,
        account: &AccountId,
        tasks: &[TaskId],
    ) -> Result<Vec<Mapping>, StoreError> {
        self.before("mappings_by_task").await?;
        if self.has(Bug::MappingsForgotten) {
            let page = &tasks[..tasks.len().min(3)];
            return self.inner.mappings_by_task(account, page).await;
        }
        self.inner.mappings_by_task(account, tasks).await
    }

    async fn mappings_of_tasks(&self, tasks: &[TaskId]) -> Result<Vec<Mapping>, StoreError> {
        self.before("mappings_of_tasks").await?;
        self.inner.mappings_of_tasks(tasks).await
    }

    async fn tasks(&self, ids: &[TaskId]) -> Result<Vec<Task>, StoreError> {
        self.before("tasks").await?;
        self.inner.tasks(ids).await
    }

    async fn dependents(&self, tasks: &[TaskId]) -> Result<Vec<TaskId>, StoreError> {
        self.inner.dependents(tasks).await
    }

    async fn unpaired_tasks(
        &self,
        account: &AccountId,
        deleted: bool,
    ) -> Result<Vec<Task>, StoreError> {
        self.before("unpaired_tasks").await?;
        self.inner.unpaired_tasks(account, deleted).await
    }

    async fn hints(&self, marker: &str) -> Result<Vec<Hint>, StoreError> {
        self.before("hints").await?;
        self.inner.hints(marker).await
    }

    async fn tally(&self, account: &AccountId, since: Timestamp) -> Result<Tally, StoreError> {
        self.before("tally").await?;
        self.inner.tally(account, since).await
    }

    async fn commit_merge(
        &self,
        lease: Option<&Lease>,
        steps: &[MergeStep],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.before("commit_merge").await?;
        let done = match self.spoilt_merge(steps) {
            Some(spoilt) => self.inner.commit_merge(lease, &spoilt, now).await,
            None => self.inner.commit_merge(lease, steps, now).await,
        };
        if self.has(Bug::EventStoredAgain) && done.is_ok() {
            self.store_again(lease, steps, now).await?;
        }
        let done = match (done, lease) {
            (Err(StoreError::Stale { .. }), _) if self.has(Bug::HubOverwritten) => {
                let blind = self.blind(steps).await?;
                self.inner.commit_merge(lease, &blind, now).await
            }
            (Err(StoreError::Fenced { .. }), Some(lease)) if self.has(Bug::FenceIgnored) => {
                let lease = self.stolen(lease).await?;
                self.inner.commit_merge(Some(&lease), steps, now).await
            }
            (done, _) => done,
        };
        match lease {
            Some(lease) => self.done("commit_merge", (lease, now), done).await,
            None => done,
        }
    }

    async fn commit_observation(
        &self,
        lease: &Lease,
        end: &CommitObservation,
    ) -> Result<(), StoreError> {
        self.before("commit_observation").await?;
        let mut done = self.inner.commit_observation(lease, end).await;
        if self.has(Bug::FenceIgnored) && done.is_err() {
            let lease = self.stolen(lease).await?;
            done = self.inner.commit_observation(&lease, end).await;
        }
        if self.has(Bug::HeldReleased) && done.is_ok() {
            self.inner.approve_held(lease, end.at).await?;
        }
        self.done("commit_observation", (lease, end.at), done).await
    }

    async fn recognise(
        &self,
        lease: &Lease,
        identity: &Identity,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.before("recognise").await?;
        let done = self.inner.recognise(lease, identity, now).await;
        self.done("recognise", (lease, now), done).await
    }

    async fn commit_sending(
        &self,
        lease: &Lease,
        pairs: &[Mapping],
        cursor: Option<&Cursor>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.before("commit_sending").await?;
        let done = self.inner.commit_sending(lease, pairs, cursor, now).await;
        self.done("commit_sending", (lease, now), done).await
    }

    async fn end_epoch(
        &self,
        lease: &Lease,
        marker: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.before("end_epoch").await?;
        let done = if self.has(Bug::EpochKept) {
            Ok(())
        } else {
            self.inner.end_epoch(lease, marker, now).await
        };
        self.done("end_epoch", (lease, now), done).await
    }

    async fn wake_all(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        self.before("wake_all").await?;
        let done = self.inner.wake_all(lease, now).await;
        self.done("wake_all", (lease, now), done).await
    }

    async fn wake_refused(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        self.before("wake_refused").await?;
        let done = self.inner.wake_refused(lease, now).await;
        self.done("wake_refused", (lease, now), done).await
    }

    async fn pending_work(
        &self,
        account: &AccountId,
        after: u64,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Work>, StoreError> {
        self.before("pending_work").await?;
        self.inner.pending_work(account, after, limit, now).await
    }

    async fn last_place(&self, account: &AccountId) -> Result<u64, StoreError> {
        self.before("last_place").await?;
        self.inner.last_place(account).await
    }

    async fn commit_intents(
        &self,
        lease: &Lease,
        intents: &[(Option<TaskId>, Operation)],
        now: Timestamp,
    ) -> Result<Vec<IntentId>, StoreError> {
        self.before("commit_intents").await?;
        let mut ids = self.inner.commit_intents(lease, intents, now).await;
        if self.has(Bug::FenceIgnored) && ids.is_err() {
            let lease = self.stolen(lease).await?;
            ids = self.inner.commit_intents(&lease, intents, now).await;
        }
        self.done("commit_intents", (lease, now), ids).await
    }

    async fn open_intents(&self, account: &AccountId) -> Result<Vec<Intent>, StoreError> {
        self.before("open_intents").await?;
        if self.has(Bug::OutboxForgotten) {
            return Ok(Vec::new());
        }
        let mut open = self.inner.open_intents(account).await?;
        if self.has(Bug::OneLookEnough) {
            for intent in &mut open {
                intent.missed_at = Some(intent.sent_at);
                intent.sent_at -= Duration::from_secs(3600);
                intent.timed_out = false;
            }
        }
        Ok(open)
    }

    async fn commit_doubt(&self, lease: &Lease, intents: &[Intent]) -> Result<(), StoreError> {
        self.before("commit_doubt").await?;
        let done = self.inner.commit_doubt(lease, intents).await;
        self.after("commit_doubt").await?;
        done
    }

    async fn commit_push(
        &self,
        lease: &Lease,
        steps: &[PushStep],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match self.before("commit_push").await {
            Err(_) if self.has(Bug::DiskTrusted) => return Ok(()),
            begun => begun?,
        }
        let spoilt = self.spoilt_push(lease, steps).await?;
        let steps = spoilt.as_deref().unwrap_or(steps);
        let mut done = self.inner.commit_push(lease, steps, now).await;
        if self.has(Bug::FenceIgnored) && done.is_err() {
            let lease = self.stolen(lease).await?;
            done = self.inner.commit_push(&lease, steps, now).await;
        }
        self.done("commit_push", (lease, now), done).await
    }

    async fn approve_held(&self, lease: &Lease, now: Timestamp) -> Result<usize, StoreError> {
        self.before("approve_held").await?;
        let approved = self.inner.approve_held(lease, now).await;
        self.done("approve_held", (lease, now), approved).await
    }

    async fn paired(&self, account: &AccountId) -> Result<Vec<(RemoteId, TaskId)>, StoreError> {
        self.before("paired").await?;
        self.inner.paired(account).await
    }

    async fn unseen(&self, account: &AccountId) -> Result<Vec<(RemoteId, TaskId)>, StoreError> {
        self.before("unseen").await?;
        self.inner.unseen(account).await
    }

    async fn open_conflicts(
        &self,
        account: &AccountId,
        tasks: &[TaskId],
    ) -> Result<Vec<Conflict>, StoreError> {
        self.before("open_conflicts").await?;
        self.inner.open_conflicts(account, tasks).await
    }

    async fn conflicts_of(&self, tasks: &[TaskId]) -> Result<Vec<Conflict>, StoreError> {
        self.before("conflicts_of").await?;
        self.inner.conflicts_of(tasks).await
    }

    async fn forget_cursors(&self) -> Result<(), StoreError> {
        self.before("forget_cursors").await?;
        self.inner.forget_cursors().await
    }

    async fn drop_review(&self, review: &Review) -> Result<(), StoreError> {
        self.before("drop_review").await?;
        self.inner.drop_review(review).await
    }

    async fn accept(&self, deliveries: &[Delivery], now: Timestamp) -> Result<usize, StoreError> {
        self.before("accept").await?;
        let news = self.inner.accept(deliveries, now).await;
        self.after("accept").await?;
        news
    }

    async fn events(&self, account: &AccountId, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.before("events").await?;
        self.inner.events(account, limit).await
    }

    async fn finish_events(&self, events: &[Event]) -> Result<(), StoreError> {
        self.before("finish_events").await?;
        self.inner.finish_events(events).await
    }

    async fn access(&self, account: &AccountId) -> Result<Access, StoreError> {
        Ok(self.spoilt_access(self.inner.access(account).await?))
    }

    async fn commit_access(
        &self,
        account: &AccountId,
        access: &Access,
    ) -> Result<bool, StoreError> {
        self.before("commit_access").await?;
        let stored = self.inner.commit_access(account, access).await?;
        self.note_access(account, access).await?;
        self.after("commit_access").await?;
        Ok(stored)
    }

    async fn set_trouble(
        &self,
        account: &AccountId,
        trouble: Option<&instep_model::Trouble>,
    ) -> Result<(), StoreError> {
        self.before("set_trouble").await?;
        self.inner.set_trouble(account, trouble).await
    }
}
