//! What a hook tells, as events of accounts: accepted before anybody is told so (I10).

use std::path::{Path, PathBuf};

use instep_api::Failure;
use instep_api::socket::HookReport;
use instep_connectors::taskwarrior;
use instep_contract::{Delivery, Store};
use instep_model::{AccountId, RemoteId, Timestamp};

use crate::app::App;
use crate::{say, wiring};

impl App {
    /// The Taskwarrior accounts whose tasks lie in this directory.
    async fn accounts_at(&self, data: &Path) -> Vec<AccountId> {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let data = real(data);
        let known = self.taskwarriors.get_or_init(|| self.taskwarriors()).await;
        let there = known.iter().filter(|(_, place)| real(place) == data);
        there.map(|(account, _)| account.clone()).collect()
    }

    /// Where the tasks of each Taskwarrior lie; one that cannot be asked is left out.
    async fn taskwarriors(&self) -> Vec<(AccountId, PathBuf)> {
        let mut found = Vec::new();
        for entry in &self.config.accounts {
            let reach = &entry.reach;
            let Some(settings) = wiring::taskwarrior_settings(&self.places, &self.config, reach)
            else {
                continue;
            };
            match taskwarrior::detect(&settings).await {
                Ok(there) => found.push((entry.account.id.clone(), there.data)),
                Err(error) => {
                    tracing::warn!(account.id = %entry.account.id, %error, "Taskwarrior cannot be asked where its tasks lie");
                }
            }
        }
        found
    }

    /// Accepts what hooks told, all of it in one step; answers the accounts that it is about. What is
    /// about a Taskwarrior of which no account knows is dropped.
    ///
    /// # Errors
    /// When the hub fails: nothing was accepted then.
    pub async fn accept_hooks(&self, reports: &[HookReport]) -> Result<Vec<AccountId>, Failure> {
        let mut deliveries = Vec::new();
        for report in reports {
            for account in self.accounts_at(Path::new(&report.data)).await {
                deliveries.push(Delivery {
                    account,
                    id: Some(report.id.clone()),
                    items: report.tasks.iter().map(RemoteId::new).collect(),
                });
            }
        }
        let mut accounts: Vec<AccountId> =
            deliveries.iter().map(|one| one.account.clone()).collect();
        accounts.sort();
        accounts.dedup();
        let accepted = self.hub.accept(&deliveries, Timestamp::now()).await;
        accepted.map_err(|error| say::from_store(&error))?;
        Ok(accounts)
    }
}
