//! What services refused, tried again because a person asks for it: work is made of it, and carried at
//! once. Who refuses again and why is the service's matter.

use std::collections::BTreeMap;

use instep_api::socket::Progress;
use instep_api::{
    Failure, RetriedTask, RetryEnd, RetryReply, RetryRequest, SCHEMA_VERSION, SyncRequest,
};
use instep_model::{AccountId, NextTry, TaskId};
use instep_store::Refused;

use crate::app::App;
use crate::say;

/// Refused tasks of one account that are told one by one.
const MOST_TOLD: usize = 10_000;

impl App {
    /// Tries again what an account, or any, refused: what waits for its next try, and where asked for
    /// what is parked too.
    ///
    /// # Errors
    /// When there is no such account, somebody else runs it for too long, or the hub fails.
    pub async fn retry(
        &self,
        request: &RetryRequest,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<RetryReply, Failure> {
        let names: Vec<String> = request.account.iter().cloned().collect();
        let (mut wanted, mut left_parked) = (Vec::new(), 0);
        let mut accounts = Vec::new();
        for entry in self.entries(&names)? {
            let refused = self.refused_by(&entry.account.id).await?;
            let (chosen, left): (Vec<_>, Vec<_>) = refused
                .into_iter()
                .partition(|one| request.parked || one.next != NextTry::Parked);
            left_parked += left.len();
            if chosen.is_empty() {
                continue;
            }
            let tasks: Vec<TaskId> = chosen.iter().map(|one| one.pair.task).collect();
            self.holding(&entry.account.id, async |engine, lease| {
                let retried = engine.retry(lease, &entry.account, &tasks).await;
                retried.map_err(|error| say::from_store(&error))
            })
            .await?;
            accounts.push(entry.account.name.clone());
            wanted.extend(chosen);
        }
        if wanted.is_empty() {
            return Ok(RetryReply {
                schema_version: SCHEMA_VERSION,
                retried: Vec::new(),
                left_parked,
                carried: None,
            });
        }
        let sync = SyncRequest {
            accounts,
            ..SyncRequest::default()
        };
        let carried = self.sync(&sync, progress).await?;
        Ok(RetryReply {
            schema_version: SCHEMA_VERSION,
            retried: self.ends(wanted).await?,
            left_parked,
            carried: Some(carried),
        })
    }

    async fn refused_by(&self, account: &AccountId) -> Result<Vec<Refused>, Failure> {
        let refused = self.hub.refused(Some(account), MOST_TOLD).await;
        refused.map_err(|error| say::from_store(&error))
    }

    /// What became of tasks that were tried again.
    async fn ends(&self, tried: Vec<Refused>) -> Result<Vec<RetriedTask>, Failure> {
        let mut again: BTreeMap<(AccountId, TaskId), Refused> = BTreeMap::new();
        let mut accounts: Vec<&AccountId> = tried.iter().map(|one| &one.pair.account).collect();
        accounts.dedup();
        for account in accounts {
            let refused = self.refused_by(account).await?;
            let named = |one: Refused| ((one.pair.account.clone(), one.pair.task), one);
            again.extend(refused.into_iter().map(named));
        }
        let end = |one: &Refused| {
            let known = again.get(&(one.pair.account.clone(), one.pair.task));
            let (end, retry_at) = match known.map(|again| again.next) {
                None => (RetryEnd::Carried, None),
                Some(NextTry::Sync) => (RetryEnd::Waiting, None),
                Some(NextTry::At(at)) => (RetryEnd::Refused, Some(at.to_string())),
                Some(NextTry::Parked) => (RetryEnd::Parked, None),
            };
            RetriedTask {
                account: self.name_of(&one.pair.account).to_owned(),
                task: one.pair.task.to_string(),
                title: one.title.clone(),
                end,
                why: known.and_then(|again| again.pair.last_error.clone()),
                retry_at,
            }
        };
        Ok(tried.iter().map(end).collect())
    }
}
