//! How everything stands, from what the hub remembers: no service is asked.

use instep_api::{
    AccountStatus, BreakerStatus, DaemonStatus, Failure, SCHEMA_VERSION, StatusReply,
};
use instep_contract::Store;
use instep_model::Timestamp;
use instep_store::{AccountSummary, TaskFilter};

use crate::app::App;
use crate::config::Entry;
use crate::{say, tell};

impl App {
    /// One line for each account, and what waits for a person.
    ///
    /// # Errors
    /// When the hub fails.
    pub async fn status(&self) -> Result<StatusReply, Failure> {
        let failed = |error| say::from_store(&error);
        let summaries = self.hub.summary().await.map_err(failed)?;
        let mut accounts = Vec::new();
        for entry in &self.config.accounts {
            let mut known = summaries.iter();
            let summary = known.find(|summary| summary.account == entry.account.id);
            let tally = self.hub.tally(&entry.account.id, Timestamp::now()).await;
            let tasks = tally.map_err(failed)?.alive.values().sum();
            accounts.push(account(entry, summary, tasks));
        }
        let tasks = self
            .hub
            .list_tasks(&TaskFilter::default())
            .await
            .map_err(failed)?;
        Ok(StatusReply {
            schema_version: SCHEMA_VERSION,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            daemon: DaemonStatus::default(),
            accounts,
            conflicts: summaries.iter().map(|summary| summary.conflicts).sum(),
            tasks: tasks.len(),
        })
    }
}

fn account(entry: &Entry, summary: Option<&AccountSummary>, tasks: usize) -> AccountStatus {
    let (state, why) = summary.map_or_else(|| never(entry), |summary| standing(entry, summary));
    let count = |state: &str| summary.and_then(|summary| summary.pairs.get(state).copied());
    let remembered = summary.map(|summary| &summary.state);
    let pass = remembered.and_then(|state| state.last_pass_at);
    let change = summary.and_then(|summary| summary.last_change_at);
    AccountStatus {
        name: entry.account.name.clone(),
        kind: entry.account.kind.to_string(),
        state: state.to_owned(),
        why,
        last_pass_at: pass.map(|at| at.to_string()),
        last_change_at: change.map(|at| at.to_string()),
        tasks,
        waiting: summary.map_or(0, |summary| summary.work + summary.in_doubt),
        errors: count("error").unwrap_or(0),
        breaker: BreakerStatus {
            state: "closed".to_owned(),
            failures: 0,
            retry_in_s: None,
        },
    }
}

fn never(entry: &Entry) -> (&'static str, Option<String>) {
    let why = format!("never synced → instep sync {}", entry.account.name);
    ("waiting", Some(why))
}

fn standing(entry: &Entry, summary: &AccountSummary) -> (&'static str, Option<String>) {
    let name = &entry.account.name;
    if let Some(text) = &summary.state.trouble {
        return match serde_json::from_str::<Failure>(text) {
            Ok(failure) => {
                let why = format!("{}: {} → {}", failure.what, failure.why, failure.help);
                (tell::state_of(&failure), Some(why))
            }
            // Left by a round that was cut short before it could be worded.
            Err(_) => (
                "waiting",
                Some(format!("did not finish → instep sync {name}")),
            ),
        };
    }
    if summary.conflicts > 0 {
        let why = say::count(summary.conflicts, "conflict");
        return ("needs_you", Some(format!("{why} → instep conflicts")));
    }
    if summary.state.last_pass_at.is_none() {
        return never(entry);
    }
    if summary.work + summary.in_doubt > 0 {
        let why = say::count(summary.work + summary.in_doubt, "change");
        return (
            "waiting",
            Some(format!("{why} to be carried → instep sync {name}")),
        );
    }
    let parked = summary.pairs.get("error").copied().unwrap_or(0);
    let why = (parked > 0).then(|| {
        format!(
            "{} refused → instep log --account {name}",
            say::count(parked, "task")
        )
    });
    ("in_step", why)
}
