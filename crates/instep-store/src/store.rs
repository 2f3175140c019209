//! The store itself: its connections, its transactions, and the engine's trait.
//!
//! What each step does is in the rooms beside this one.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use instep_contract::store_suite::Inspect;
use instep_contract::{
    AccountState, CommitObservation, Intent, IntentId, Lease, MergeStep, PushStep, Store,
    StoreError, Tally, Work,
};
use instep_model::{
    Account, AccountId, Conflict, Hint, Identity, JournalEntry, Mapping, Operation, RemoteId,
    Review, Task, TaskId, Timestamp, Trouble, UserId,
};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Connection};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

use crate::dialect;
use crate::lease::Leases;
use crate::open::Presence;
use crate::sql::{Bind, Stop, execute, failed, get_number, query};
use crate::{account, commit, queue, read, record};

/// How often a transaction is run anew because the database was busy. Each time waits for the
/// database's own five seconds first.
pub(crate) const MAX_TRIES: u32 = 3;

/// The hub of one user. A clone is another handle to the same connections and leases.
///
/// Connections are made when they are first needed: a program that does one thing after
/// another has one. Drop or [`close`](Self::close) it before the process ends, or the next
/// opening takes the shutdown for a crash and checks the file.
#[derive(Debug, Clone)]
pub struct HubStore(pub(crate) Arc<Hub>);

#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) path: PathBuf,
    pub(crate) user: UserId,
    /// One connection, `None` once closed: writers take turns here rather than in the database.
    writer: Mutex<Option<AnyConnection>>,
    readers: AnyPool,
    pub(crate) leases: Leases,
    pub(crate) presence: Presence,
}

/// Runs a step that is one statement, which is a transaction by itself, and anew where the
/// database was busy.
macro_rules! statement {
    ($hub:expr, |$on:ident| $step:expr) => {{
        let mut tries = 0;
        loop {
            tries += 1;
            let outcome = async {
                let mut writer = $hub.writer().await?;
                let $on: &mut sqlx::AnyConnection = &mut writer;
                $step.await
            };
            match outcome.await {
                Err(stop) if stop.is_busy() && tries < crate::store::MAX_TRIES => {}
                outcome => break outcome.map_err(instep_contract::StoreError::from),
            }
        }
    }};
}
pub(crate) use statement;

/// Runs a step in a transaction of its own, and anew where the database was busy.
macro_rules! transaction {
    ($hub:expr, |$on:ident| $step:expr) => {
        crate::store::statement!($hub, |writer| async {
            let mut transaction =
                sqlx::Connection::begin_with(writer, crate::dialect::BEGIN_WRITE).await?;
            let $on: &mut sqlx::AnyConnection = &mut transaction;
            let value = $step.await?;
            transaction.commit().await?;
            Ok::<_, crate::sql::Stop>(value)
        })
    };
}
pub(crate) use transaction;

impl Hub {
    pub(crate) fn new(
        path: PathBuf,
        user: UserId,
        (writer, readers): (AnyConnection, AnyPool),
        leases: Leases,
        presence: Presence,
    ) -> Self {
        Self {
            path,
            user,
            writer: Mutex::new(Some(writer)),
            readers,
            leases,
            presence,
        }
    }

    /// The connection that writes, once it is our turn.
    pub(crate) async fn writer(&self) -> Result<Writer<'_>, StoreError> {
        let writer = self.writer.lock().await;
        MutexGuard::try_map(writer, Option::as_mut).map_err(|_| closed())
    }

    /// A connection to read from: the writer's while it is idle, so that a program that does
    /// one thing after another needs no second one.
    pub(crate) async fn reader(&self) -> Result<Reader<'_>, StoreError> {
        if let Ok(idle) = self.writer.try_lock() {
            let idle = MutexGuard::try_map(idle, Option::as_mut);
            return idle.map(Reader::Writer).map_err(|_| closed());
        }
        let own = self.readers.acquire().await;
        own.map(Reader::Own).map_err(failed)
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
        for account in accounts {
            let sql = "INSERT INTO accounts (user_id, account, lease_token, joined, collections) \
                       VALUES ($1, $2, 0, 0, '[]') ON CONFLICT (user_id, account) DO NOTHING";
            execute(on, sql, &self.user, [account.as_str().into()]).await?;
        }
        Ok(())
    }
}

/// The refusal of a lease that was taken over.
pub(crate) fn fenced(lease: &Lease) -> Stop {
    Stop::Refused(StoreError::Fenced {
        account: lease.account.clone(),
    })
}

fn closed() -> StoreError {
    StoreError::Unavailable {
        source: "the hub was closed".into(),
    }
}

/// The turn to write.
pub(crate) type Writer<'a> = MappedMutexGuard<'a, AnyConnection>;

/// A connection to read from.
pub(crate) enum Reader<'a> {
    Writer(Writer<'a>),
    Own(PoolConnection<Any>),
}

impl Deref for Reader<'_> {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        match self {
            Self::Writer(writer) => writer,
            Self::Own(own) => own,
        }
    }
}

impl DerefMut for Reader<'_> {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        match self {
            Self::Writer(writer) => writer,
            Self::Own(own) => own,
        }
    }
}

impl HubStore {
    /// The user whose hub this is.
    pub fn user(&self) -> &UserId {
        &self.0.user
    }

    /// Closes every connection and waits until they are; other handles are of no use then.
    pub async fn close(&self) {
        self.0.readers.close().await;
        let writer = self.0.writer.lock().await.take();
        if let Some(writer) = writer {
            // Whatever was answered is stored; a failure to say goodbye loses nothing.
            let _ = writer.close().await;
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
        let token = statement!(hub, |on| account::next_token(hub, on, account))?;
        Ok(reserved.settle(token))
    }

    async fn release_lease(&self, lease: Lease) -> Result<(), StoreError> {
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
        let sql = "UPDATE accounts SET cursor = NULL WHERE user_id = $1";
        transaction!(hub, |on| execute(on, sql, &hub.user, []))?;
        Ok(())
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
