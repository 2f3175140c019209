//! The store itself: what its steps share, and the engine's trait.
//!
//! What each step does is in the rooms beside this one.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use instep_contract::store_suite::Inspect;
use instep_contract::{
    AccountState, CommitObservation, Cursor, Delivery, Event, Intent, IntentId, Lease, MergeStep,
    PushStep, Store, StoreError, Tally, Work,
};
use instep_model::{
    Access, Account, AccountId, Conflict, Hint, Identity, JournalEntry, Mapping, Operation,
    RemoteId, Review, Task, TaskId, Timestamp, Trouble, UserId,
};
use sqlx::AnyConnection;

use crate::connection::{Connections, Reader, light_transaction, statement, transaction};
use crate::dialect;
use crate::lease::Leases;
use crate::open::Presence;
use crate::sql::{Bind, Stop, get_number, insert, query};
use crate::{access, account, commit, events, queue, read, record};

/// The hub of one user. A clone is another handle to the same connections. What was claimed through a
/// handle and is not given back when that is dropped, as with a step that is given up half-way, is
/// free from then on.
///
/// Connections are made when they are first needed: a program that does one thing after
/// another has one. Drop or [`close`](Self::close) it before the process ends, or the next
/// opening takes the shutdown for a crash and checks the file.
#[derive(Debug, Clone)]
pub struct HubStore(pub(crate) Arc<Hub>, pub(crate) Claimed);

/// The leases that were claimed through one handle and are not given back yet.
#[derive(Debug)]
pub(crate) struct Claimed {
    hub: Arc<Hub>,
    leases: Mutex<Vec<Lease>>,
}

impl Claimed {
    pub(crate) fn none(hub: &Arc<Hub>) -> Self {
        Self {
            hub: Arc::clone(hub),
            leases: Mutex::default(),
        }
    }

    fn leases(&self) -> MutexGuard<'_, Vec<Lease>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, lease: Lease) -> Lease {
        self.leases().push(lease.clone());
        lease
    }

    fn forget(&self, lease: &Lease) {
        self.leases().retain(|known| known != lease);
    }
}

impl Clone for Claimed {
    fn clone(&self) -> Self {
        Self::none(&self.hub)
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        for lease in self.leases().iter() {
            self.hub.leases.abandon(lease);
        }
    }
}

#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) path: PathBuf,
    pub(crate) user: UserId,
    pub(crate) connections: Connections,
    pub(crate) leases: Leases,
    pub(crate) presence: Presence,
}

impl Hub {
    pub(crate) fn new(
        path: PathBuf,
        user: UserId,
        connections: Connections,
        leases: Leases,
        presence: Presence,
    ) -> Self {
        Self {
            path,
            user,
            connections,
            leases,
            presence,
        }
    }

    /// A connection to read from.
    pub(crate) async fn reader(&self) -> Result<Reader<'_>, StoreError> {
        self.connections.reader().await
    }

    /// Refuses a lease that was taken over.
    pub(crate) async fn fence(&self, on: &mut AnyConnection, lease: &Lease) -> Result<(), Stop> {
        let sql = format!(
            "SELECT lease_token FROM accounts WHERE user_id = $1 AND account = $2 {}",
            dialect::LOCK_ROWS
        );
        let row = query(sql, &self.user, [lease.account.as_str().into()])
            .fetch_optional(on)
            .await?;
        let newest = row.map(|row| get_number(&row, "lease_token")).transpose()?;
        if newest != Some(lease.token) {
            return Err(fenced(lease));
        }
        Ok(())
    }

    /// Takes `count` numbers that nobody had before; answers the one before the first.
    pub(crate) async fn numbers(&self, on: &mut AnyConnection, count: u64) -> Result<u64, Stop> {
        let sql = "UPDATE users SET tick = tick + $2 WHERE id = $1 RETURNING tick";
        let row = query(sql, &self.user, [Bind::from(count)])
            .fetch_one(on)
            .await?;
        Ok(get_number(&row, "tick")? - count)
    }

    /// Makes rows for these accounts, where there are none, so that others can refer to them.
    pub(crate) async fn know_accounts(
        &self,
        on: &mut AnyConnection,
        accounts: impl IntoIterator<Item = &AccountId>,
    ) -> Result<(), Stop> {
        let none = |account: &AccountId| {
            vec![
                account.as_str().into(),
                0u64.into(),
                false.into(),
                "[]".into(),
            ]
        };
        let rows = accounts.into_iter().map(none).collect();
        let sql = (
            "accounts (user_id, account, lease_token, joined, collections)",
            "ON CONFLICT (user_id, account) DO NOTHING",
        );
        Ok(insert(on, &self.user, sql, rows).await?)
    }
}

/// The refusal of a lease that was taken over.
pub(crate) fn fenced(lease: &Lease) -> Stop {
    Stop::Refused(StoreError::Fenced {
        account: lease.account.clone(),
    })
}

impl HubStore {
    /// The user whose hub this is.
    pub fn user(&self) -> &UserId {
        &self.0.user
    }

    /// Closes every connection and waits until they are; other handles are of no use then.
    pub async fn close(&self) {
        if self.0.connections.close().await {
            self.0.presence.settled();
        }
    }

    /// Whether the file is not the one that was left when it was last closed, so that an older copy may
    /// have been put back: every account is looked at whole before single items count (I9).
    pub fn was_replaced(&self) -> bool {
        self.0.presence.was_replaced
    }
}

impl Store for HubStore {
    async fn claim_lease(
        &self,
        account: &AccountId,
        holder: &str,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Lease, StoreError> {
        let hub = &*self.0;
        let reserved = hub.leases.reserve(account, holder, ttl, now)?;
        // While the lock was nobody's but ours, nobody can hold an older lease than the one that we
        // gave back: its token is as good as a new one, and costs no commit.
        if let Some(own) = reserved.own_token()
            && account::token(hub, account).await? == Some(own)
        {
            return Ok(self.1.keep(reserved.settle(own)));
        }
        let token = statement!(hub, |on| account::next_token(hub, on, account))?;
        Ok(self.1.keep(reserved.settle(token)))
    }

    async fn release_lease(&self, lease: Lease) -> Result<(), StoreError> {
        self.1.forget(&lease);
        self.0.leases.release(&lease);
        Ok(())
    }

    async fn mirror_accounts(
        &self,
        accounts: &[Account],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let hub = &*self.0;
        if account::is_mirrored(hub, accounts).await? {
            return Ok(());
        }
        transaction!(hub, |on| account::mirror(hub, on, accounts, now))
    }

    async fn account_state(&self, account: &AccountId) -> Result<AccountState, StoreError> {
        account::state(&self.0, account).await
    }

    async fn mappings_by_remote(
        &self,
        account: &AccountId,
        remotes: &[RemoteId],
    ) -> Result<Vec<Mapping>, StoreError> {
        read::mappings_by_remote(&self.0, account, remotes).await
    }

    async fn mappings_by_task(
        &self,
        account: &AccountId,
        tasks: &[TaskId],
    ) -> Result<Vec<Mapping>, StoreError> {
        read::mappings_by_task(&self.0, account, tasks).await
    }

    async fn mappings_of_tasks(&self, tasks: &[TaskId]) -> Result<Vec<Mapping>, StoreError> {
        read::mappings_of_tasks(&self.0, tasks).await
    }

    async fn paired(&self, account: &AccountId) -> Result<Vec<(RemoteId, TaskId)>, StoreError> {
        read::paired(&self.0, account).await
    }

    async fn unseen(&self, account: &AccountId) -> Result<Vec<(RemoteId, TaskId)>, StoreError> {
        read::unseen(&self.0, account).await
    }

    async fn conflicts_of(&self, tasks: &[TaskId]) -> Result<Vec<Conflict>, StoreError> {
        record::conflicts_of(&self.0, tasks).await
    }

    async fn open_conflicts(
        &self,
        account: &AccountId,
        tasks: &[TaskId],
    ) -> Result<Vec<Conflict>, StoreError> {
        record::open_conflicts(&self.0, account, tasks).await
    }

    async fn tasks(&self, ids: &[TaskId]) -> Result<Vec<Task>, StoreError> {
        read::tasks(&self.0, ids).await
    }

    async fn dependents(&self, tasks: &[TaskId]) -> Result<Vec<TaskId>, StoreError> {
        read::dependents(&self.0, tasks).await
    }

    async fn unpaired_tasks(
        &self,
        account: &AccountId,
        deleted: bool,
    ) -> Result<Vec<Task>, StoreError> {
        read::unpaired_tasks(&self.0, account, deleted).await
    }

    async fn hints(&self, marker: &str) -> Result<Vec<Hint>, StoreError> {
        read::hints(&self.0, marker).await
    }

    async fn tally(&self, account: &AccountId, since: Timestamp) -> Result<Tally, StoreError> {
        read::tally(&self.0, account, since).await
    }

    async fn commit_merge(
        &self,
        lease: Option<&Lease>,
        steps: &[MergeStep],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if steps.is_empty() {
            return Ok(());
        }
        let hub = &*self.0;
        transaction!(hub, |on| commit::merge(hub, on, lease, steps, now))?;
        if let Some(lease) = lease {
            hub.leases.renew(lease, now);
        }
        Ok(())
    }

    async fn commit_observation(
        &self,
        lease: &Lease,
        end: &CommitObservation,
    ) -> Result<(), StoreError> {
        let hub = &*self.0;
        if end.sweep || end.shows_all || !end.reviews.is_empty() {
            transaction!(hub, |on| account::observed(hub, on, lease, end))?;
        } else {
            statement!(hub, |on| account::put_observation(hub, on, lease, end))?;
        }
        hub.leases.renew(lease, end.at);
        Ok(())
    }

    async fn recognise(
        &self,
        lease: &Lease,
        identity: &Identity,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let hub = &*self.0;
        transaction!(hub, |on| account::recognise(hub, on, lease, identity))?;
        hub.leases.renew(lease, now);
        Ok(())
    }

    async fn commit_sending(
        &self,
        lease: &Lease,
        pairs: &[Mapping],
        cursor: Option<&Cursor>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let hub = &*self.0;
        light_transaction!(hub, |on| commit::sending(hub, on, lease, pairs, cursor))?;
        hub.leases.renew(lease, now);
        Ok(())
    }

    async fn end_epoch(
        &self,
        lease: &Lease,
        marker: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let hub = &*self.0;
        transaction!(hub, |on| account::end_epoch(hub, on, lease, marker))?;
        hub.leases.renew(lease, now);
        Ok(())
    }

    async fn wake_refused(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        let hub = &*self.0;
        transaction!(hub, |on| queue::wake_refused(hub, on, lease))?;
        hub.leases.renew(lease, now);
        Ok(())
    }

    async fn wake_all(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        let hub = &*self.0;
        transaction!(hub, |on| queue::wake_all(hub, on, lease))?;
        hub.leases.renew(lease, now);
        Ok(())
    }

    async fn pending_work(
        &self,
        account: &AccountId,
        after: u64,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Work>, StoreError> {
        queue::pending(&self.0, account, (after, limit), now).await
    }

    async fn last_place(&self, account: &AccountId) -> Result<u64, StoreError> {
        queue::last_place(&self.0, account).await
    }

    async fn commit_intents(
        &self,
        lease: &Lease,
        intents: &[(Option<TaskId>, Operation)],
        now: Timestamp,
    ) -> Result<Vec<IntentId>, StoreError> {
        if intents.is_empty() {
            return Ok(Vec::new());
        }
        let hub = &*self.0;
        let ids = transaction!(hub, |on| queue::intend(hub, on, lease, intents, now))?;
        hub.leases.renew(lease, now);
        Ok(ids)
    }

    async fn open_intents(&self, account: &AccountId) -> Result<Vec<Intent>, StoreError> {
        queue::intents(&self.0, account).await
    }

    async fn forget_cursors(&self) -> Result<(), StoreError> {
        let hub = &*self.0;
        transaction!(hub, |on| account::forget_cursors(hub, on))
    }

    async fn commit_doubt(&self, lease: &Lease, intents: &[Intent]) -> Result<(), StoreError> {
        if intents.is_empty() {
            return Ok(());
        }
        let hub = &*self.0;
        transaction!(hub, |on| queue::doubt(hub, on, lease, intents))
    }

    async fn commit_push(
        &self,
        lease: &Lease,
        steps: &[PushStep],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if steps.is_empty() {
            return Ok(());
        }
        let hub = &*self.0;
        transaction!(hub, |on| commit::push(hub, on, lease, steps, now))?;
        hub.leases.renew(lease, now);
        Ok(())
    }

    async fn approve_held(&self, lease: &Lease, now: Timestamp) -> Result<usize, StoreError> {
        let hub = &*self.0;
        let approved = transaction!(hub, |on| queue::approve(hub, on, lease, now))?;
        hub.leases.renew(lease, now);
        Ok(approved)
    }

    async fn drop_review(&self, review: &Review) -> Result<(), StoreError> {
        let hub = &*self.0;
        transaction!(hub, |on| account::drop_review(hub, on, review))
    }

    async fn accept(&self, deliveries: &[Delivery], now: Timestamp) -> Result<usize, StoreError> {
        let hub = &*self.0;
        match events::only_item(deliveries) {
            // What a hook tells most of the time, and waits for.
            Some((account, item)) => {
                statement!(hub, |on| events::tell(hub, on, account, item, now))
            }
            None => transaction!(hub, |on| events::accept(hub, on, deliveries, now)),
        }
    }

    async fn events(&self, account: &AccountId, limit: usize) -> Result<Vec<Event>, StoreError> {
        events::waiting(&self.0, account, limit).await
    }

    async fn finish_events(&self, events: &[Event]) -> Result<(), StoreError> {
        let hub = &*self.0;
        transaction!(hub, |on| events::finish(hub, on, events))
    }

    async fn access(&self, account: &AccountId) -> Result<Access, StoreError> {
        access::access(&self.0, account).await
    }

    async fn commit_access(
        &self,
        account: &AccountId,
        access: &Access,
    ) -> Result<bool, StoreError> {
        let hub = &*self.0;
        transaction!(hub, |on| access::commit(hub, on, account, access))
    }

    async fn set_trouble(
        &self,
        account: &AccountId,
        trouble: Option<&Trouble>,
    ) -> Result<(), StoreError> {
        let hub = &*self.0;
        transaction!(hub, |on| account::trouble(hub, on, account, trouble))
    }
}

impl Inspect for HubStore {
    async fn journal_lines(&self) -> Result<Vec<JournalEntry>, StoreError> {
        self.journal(&record::JournalFilter::default()).await
    }

    async fn known_conflicts(&self) -> Result<Vec<Conflict>, StoreError> {
        self.conflicts(false).await
    }

    async fn open_reviews(&self, account: &AccountId) -> Result<Vec<Review>, StoreError> {
        self.reviews(account).await
    }
}
