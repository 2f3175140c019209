//! What waits for an account, and since when.

use instep_contract::StoreError;
use instep_model::{AccountId, Timestamp};

use crate::read::count;
use crate::sql::{Bind, failed, get, get_maybe, query};
use crate::store::HubStore;

/// What waits for an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Tasks that have to be looked at, without those that were refused and wait.
    pub work: usize,
    /// Since when the first of them waits, as the journal tells it.
    pub work_since: Option<Timestamp>,
    /// What was told and has not been looked at.
    pub events: usize,
    /// Since when the first of that waits.
    pub events_since: Option<Timestamp>,
}

impl HubStore {
    /// What waits for an account. Work and journal lines are numbered together: a line that came after
    /// the work was written later, and where nothing came after it the line before was written with it.
    ///
    /// # Errors
    /// As [`list_tasks`](Self::list_tasks).
    pub async fn backlog(&self, account: &AccountId) -> Result<Backlog, StoreError> {
        let hub = &*self.0;
        let of_account = || [Bind::from(account.as_str())];
        let mut on = hub.reader().await?;
        let sql = "SELECT COUNT(*) AS total, MIN(at) AS at FROM events \
                   WHERE user_id = $1 AND account = $2";
        let events = query(sql, &hub.user, of_account())
            .fetch_one(&mut *on)
            .await;
        let events = events.map_err(failed)?;
        let sql = "SELECT COUNT(*) AS total, MIN(place) AS place FROM work \
                   WHERE user_id = $1 AND account = $2 AND waits_until IS NULL";
        let work = query(sql, &hub.user, of_account())
            .fetch_one(&mut *on)
            .await;
        let work = work.map_err(failed)?;
        let mut backlog = Backlog {
            work: count(&work, "total")?,
            work_since: None,
            events: count(&events, "total")?,
            events_since: get_maybe(&events, "at")?,
        };
        if let Some(place) = get::<Option<i64>>(&work, "place")? {
            let after = "SELECT at FROM journal WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT 1";
            let before =
                "SELECT at FROM journal WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT 1";
            for sql in [after, before] {
                let place = [Bind::from(u64::try_from(place).unwrap_or_default())];
                let line = query(sql, &hub.user, place).fetch_optional(&mut *on).await;
                if let Some(line) = line.map_err(failed)? {
                    backlog.work_since = get_maybe(&line, "at")?;
                    break;
                }
            }
        }
        Ok(backlog)
    }
}
