//! How every account stands in a few numbers, for whoever watches the daemon: cheap, and without a word
//! of any task.

use instep_api::{BreakerStatus, Failure};
use instep_contract::Store;
use instep_model::{AccountId, MappingState, Timestamp};

use crate::Spool;
use crate::app::App;
use crate::say;

/// More events than this are not counted.
const MOST_EVENTS: usize = 10_000;

/// How everything stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vitals {
    /// Every account of the config, in its order.
    pub accounts: Vec<AccountVitals>,
    /// Reports of hooks that wait in the spool.
    pub spooled: usize,
}

/// How an account stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountVitals {
    /// What the account is called.
    pub name: String,
    /// When it was last looked at to the end, by whatever process.
    pub last_pass_at: Option<Timestamp>,
    /// Tasks that are to be carried to it, and writes whose outcome is not known.
    pub work: usize,
    /// Things that were told of it and wait to be looked at; 10,000 stands for more.
    pub events: usize,
    /// Items that it refused.
    pub refused: usize,
    /// Those of them that are tried no more until somebody asks.
    pub parked: usize,
    /// The breaker of its service.
    pub breaker: BreakerStatus,
    /// Whether a person paused it.
    pub paused: bool,
    /// Whether its service asked for a pause that still holds.
    pub throttled: bool,
}

impl App {
    /// How everything stands.
    ///
    /// # Errors
    /// When the hub fails.
    pub async fn vitals(&self) -> Result<Vitals, Failure> {
        let failed = |error| say::from_store(&error);
        let summaries = self.hub.summary().await.map_err(failed)?;
        let error = MappingState::Error.to_string();
        let mut accounts = Vec::new();
        for entry in &self.config.accounts {
            let id = &entry.account.id;
            let summary = summaries.iter().find(|summary| summary.account == *id);
            let refused = summary.and_then(|summary| summary.pairs.get(error.as_str()));
            let events = self.hub.events(id, MOST_EVENTS).await.map_err(failed)?;
            let access = self.access_to(entry).await?;
            accounts.push(AccountVitals {
                name: entry.account.name.clone(),
                last_pass_at: summary.and_then(|summary| summary.state.last_pass_at),
                work: summary.map_or(0, |summary| summary.work + summary.in_doubt),
                events: events.len(),
                refused: refused.copied().unwrap_or(0),
                parked: self.hub.parked(id).await.map_err(failed)?,
                breaker: access.breaker,
                paused: access.is_paused,
                throttled: access.is_throttled,
            });
        }
        Ok(Vitals {
            accounts,
            spooled: Spool::of(&self.places).count(),
        })
    }

    /// What an account of this id is called.
    pub fn account_name<'a>(&'a self, id: &'a AccountId) -> &'a str {
        self.name_of(id)
    }
}
