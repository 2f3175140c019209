//! What is kept and for how long; copies of the whole, and whether it is sound.
//!
//! Nothing is forgotten here that an account has still to confirm.

use std::path::Path;
use std::time::Duration;

use instep_contract::StoreError;
use instep_model::{AccountId, Timestamp};
use sqlx::AnyConnection;

use crate::account::drop_rows;
use crate::connection::transaction;
use crate::open::OpenError;
use crate::sql::{Bind, Stop, execute, execute_in, failed, get, query};
use crate::store::{Hub, HubStore};
use crate::{dialect, events, private};

/// How long a tombstone is kept at least, and the pairs of an account that left the config.
const KEEP: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// How long inferred deletions are kept: well beyond what the guard counts.
const KEEP_DELETIONS: Duration = Duration::from_secs(24 * 60 * 60);

/// What was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Tombstones.
    pub tombstones: u64,
    /// Lines of the journal.
    pub journal: u64,
    /// Dormant accounts.
    pub accounts: u64,
}

impl HubStore {
    /// Forgets tombstones that every account confirmed at least 90 days ago, accounts that left
    /// the config as long ago, and, where `journal_age` is given, older lines of the journal.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn prune(
        &self,
        now: Timestamp,
        journal_age: Option<Duration>,
    ) -> Result<Pruned, StoreError> {
        let hub = &*self.0;
        transaction!(hub, |on| prune(hub, on, now, journal_age))
    }

    /// Forgets everything about an account: pairs, work, outbox, counts and the account itself.
    /// Tasks and the journal stay; its open conflicts are closed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn forget_account(&self, account: &AccountId) -> Result<(), StoreError> {
        let hub = &*self.0;
        transaction!(hub, |on| forget(hub, on, account))
    }

    /// A private copy of the hub in `dir`, with leases of its own: whatever is done to it
    /// leaves the original alone. The caller removes the directory.
    ///
    /// # Errors
    /// [`OpenError`] about the copy.
    pub async fn scratch_copy(&self, dir: &Path) -> Result<Self, OpenError> {
        self.copy_to(&dir.join("scratch.db")).await
    }

    async fn copy_to(&self, path: &Path) -> Result<Self, OpenError> {
        let unavailable = |error: std::io::Error| OpenError::Unavailable {
            source: Box::new(error),
        };
        if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            private::dir(dir).map_err(unavailable)?;
        }
        let target = path.to_str().ok_or_else(|| OpenError::Unavailable {
            source: format!("the path {} is not Unicode", path.display()).into(),
        })?;
        // The database fills an empty file that exists, and leaves its mode alone.
        private::new_file(path).map_err(unavailable)?;
        let mut on = self
            .0
            .reader()
            .await
            .map_err(|error| OpenError::Unavailable {
                source: Box::new(error),
            })?;
        sqlx::query(dialect::COPY_TO)
            .bind(target.to_owned())
            .execute(&mut *on)
            .await?;
        drop(on);
        Self::open(path, self.0.user.clone()).await
    }

    /// Reads the whole hub through; answers what is wrong with it, nothing if it is sound.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where it could not be read at all.
    pub async fn integrity(&self) -> Result<Vec<String>, StoreError> {
        let mut on = self.0.reader().await?;
        let mut found: Vec<String> = sqlx::query_scalar(dialect::QUICK_CHECK)
            .fetch_all(&mut *on)
            .await
            .map_err(failed)?;
        found.retain(|line| line != "ok");
        let loose = sqlx::query(dialect::REFERENCE_CHECK)
            .fetch_all(&mut *on)
            .await
            .map_err(failed)?;
        if !loose.is_empty() {
            found.push(format!("{} rows refer to what is not there", loose.len()));
        }
        Ok(found)
    }
}

async fn prune(
    hub: &Hub,
    on: &mut AnyConnection,
    now: Timestamp,
    journal_age: Option<Duration>,
) -> Result<Pruned, Stop> {
    let mut pruned = Pruned::default();
    let sql = "SELECT account FROM accounts WHERE user_id = $1 AND dormant_since < $2";
    let rows = query(sql, &hub.user, [before(now, KEEP).into()])
        .fetch_all(&mut *on)
        .await?;
    for row in &rows {
        let account = AccountId::new(get::<String>(row, "account")?);
        forget(hub, on, &account).await?;
        pruned.accounts += 1;
    }
    pruned.tombstones = prune_tombstones(hub, on, now).await?;
    let sql = "DELETE FROM deletions WHERE user_id = $1 AND at < $2";
    execute(on, sql, &hub.user, [before(now, KEEP_DELETIONS).into()]).await?;
    events::prune(hub, on, now).await?;
    if let Some(age) = journal_age {
        let sql = "DELETE FROM journal WHERE user_id = $1 AND at < $2";
        pruned.journal = execute(on, sql, &hub.user, [before(now, age).into()]).await?;
    }
    Ok(pruned)
}

/// A pair has confirmed a deletion when its remote item is known to be gone, or never was.
async fn prune_tombstones(hub: &Hub, on: &mut AnyConnection, now: Timestamp) -> Result<u64, Stop> {
    let sql = "SELECT t.id FROM tasks t WHERE t.user_id = $1 AND t.deleted_at < $2 \
               AND NOT EXISTS (SELECT 1 FROM mappings m WHERE m.user_id = t.user_id \
               AND m.task = t.id AND m.remote IS NOT NULL AND m.gone = 0) \
               AND NOT EXISTS (SELECT 1 FROM work w WHERE w.user_id = t.user_id \
               AND w.task = t.id) \
               AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.user_id = t.user_id \
               AND o.task = t.id)";
    let rows = query(sql, &hub.user, [before(now, KEEP).into()])
        .fetch_all(&mut *on)
        .await?;
    let mut ids: Vec<Bind> = Vec::with_capacity(rows.len());
    for row in &rows {
        ids.push(get::<String>(row, "id")?.into());
    }
    for (table, column) in [
        ("mappings", "task"),
        ("hints", "task"),
        ("conflicts", "task"),
        ("tasks", "id"),
    ] {
        let sql = format!("DELETE FROM {table} WHERE user_id = $1 AND {column} IN");
        execute_in(on, &hub.user, (&sql, ""), &[], &ids).await?;
    }
    Ok(ids.len() as u64)
}

async fn forget(hub: &Hub, on: &mut AnyConnection, account: &AccountId) -> Result<(), Stop> {
    drop_rows(hub, on, account).await?;
    let closed = "UPDATE conflicts SET state = 'closed' \
                  WHERE user_id = $1 AND account = $2 AND state = 'open'";
    execute(on, closed, &hub.user, [account.as_str().into()]).await?;
    let access = "DELETE FROM access WHERE user_id = $1 AND account = $2";
    execute(on, access, &hub.user, [account.as_str().into()]).await?;
    let sql = "DELETE FROM accounts WHERE user_id = $1 AND account = $2";
    execute(on, sql, &hub.user, [account.as_str().into()]).await?;
    Ok(())
}

fn before(now: Timestamp, age: Duration) -> Timestamp {
    now.checked_sub(age).unwrap_or(Timestamp::MIN)
}
