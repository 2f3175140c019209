//! What was refused and when it is tried again, and how much has not been carried.

use instep_contract::StoreError;
use instep_model::{AccountId, Mapping, NextTry, Timestamp};
use sqlx::any::AnyRow;

use crate::read::{MAPPING_COLUMNS, count, mapping};
use crate::row::read_task;
use crate::sql::{Bind, failed, get, get_maybe, get_number, query};
use crate::store::HubStore;

/// A pair that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The pair, with the reason.
    pub pair: Mapping,
    /// The task's title.
    pub title: String,
    /// When it is tried again.
    pub next: NextTry,
}

impl HubStore {
    /// What was refused, in one account or in any, at most `limit`: what is tried again first comes
    /// first, and what is parked last.
    ///
    /// # Errors
    /// As [`list_tasks`](Self::list_tasks).
    pub async fn refused(
        &self,
        account: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<Refused>, StoreError> {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let mut binds: Vec<Bind> = vec![limit.into()];
        let mut only = "";
        if let Some(account) = account {
            binds.push(account.as_str().into());
            only = " AND m.account = $3";
        }
        let sql = format!(
            "SELECT {MAPPING_COLUMNS}, t.version, t.body AS task_body, w.place, w.waits_until \
             FROM mappings m \
             JOIN tasks t ON t.user_id = m.user_id AND t.id = m.task \
             JOIN accounts a ON a.user_id = m.user_id AND a.account = m.account \
             LEFT JOIN work w ON w.user_id = m.user_id AND w.account = m.account \
             AND w.task = m.task \
             WHERE m.user_id = $1 AND m.state = 'error' AND a.dormant_since IS NULL{only} \
             ORDER BY CASE WHEN w.place IS NULL THEN 1 ELSE 0 END, \
             COALESCE(w.waits_until, ''), m.account, m.task LIMIT $2"
        );
        let mut on = self.0.reader().await?;
        let rows = query(sql, &self.0.user, binds).fetch_all(&mut *on).await;
        rows.map_err(failed)?.iter().map(refused).collect()
    }

    /// How many pairs of an account are parked: refused, and tried again only when somebody asks.
    ///
    /// # Errors
    /// As [`list_tasks`](Self::list_tasks).
    pub async fn parked(&self, account: &AccountId) -> Result<usize, StoreError> {
        let sql = "SELECT COUNT(*) AS total FROM mappings m \
                   LEFT JOIN work w ON w.user_id = m.user_id AND w.account = m.account \
                   AND w.task = m.task \
                   WHERE m.user_id = $1 AND m.account = $2 AND m.state = 'error' \
                   AND w.place IS NULL";
        let mut on = self.0.reader().await?;
        let binds: [Bind; 1] = [account.as_str().into()];
        let row = query(sql, &self.0.user, binds).fetch_one(&mut *on).await;
        count(&row.map_err(failed)?, "total")
    }

    /// How many tasks some account has not been brought up to date with: those that wait and those
    /// that were refused.
    ///
    /// # Errors
    /// As [`list_tasks`](Self::list_tasks).
    pub async fn not_carried(&self) -> Result<usize, StoreError> {
        let sql = "SELECT COUNT(*) AS total FROM ( \
                   SELECT w.task FROM work w \
                   JOIN accounts a ON a.user_id = w.user_id AND a.account = w.account \
                   WHERE w.user_id = $1 AND a.dormant_since IS NULL \
                   UNION SELECT m.task FROM mappings m \
                   JOIN accounts a ON a.user_id = m.user_id AND a.account = m.account \
                   WHERE m.user_id = $1 AND m.state = 'error' AND a.dormant_since IS NULL \
                   ) AS waiting";
        let mut on = self.0.reader().await?;
        let row = query(sql, &self.0.user, []).fetch_one(&mut *on).await;
        count(&row.map_err(failed)?, "total")
    }
}

fn refused(row: &AnyRow) -> Result<Refused, StoreError> {
    let pair = mapping(row)?;
    let version = get_number(row, "version")?;
    let task = read_task(pair.task, version, get(row, "task_body")?)?;
    let until: Option<Timestamp> = get_maybe(row, "waits_until")?;
    let next = match (get::<Option<i64>>(row, "place")?, until) {
        (None, _) => NextTry::Parked,
        (Some(_), None) => NextTry::Sync,
        (Some(_), Some(at)) => NextTry::At(at),
    };
    Ok(Refused {
        title: task.fields.title().to_owned(),
        pair,
        next,
    })
}
