//! How everything stands, from what the hub remembers: no service is asked.

use std::borrow::Cow;

use instep_api::{AccountStatus, DaemonStatus, Exit, Failure, SCHEMA_VERSION, State, StatusReply};
use instep_contract::Store;
use instep_model::{Kind, MappingState, Need, Timestamp, Trouble};
use instep_store::{AccountSummary, TaskFilter};

use crate::Places;
use crate::access::Standing;
use crate::app::App;
use crate::config::Entry;
use crate::doctor::pulse::holder;
use crate::doctor::storage::little_room;
use crate::refused::Refusal;
use crate::spool::Spool;
use crate::{say, tell};

impl App {
    /// One line for each account, and what waits for a person.
    ///
    /// # Errors
    /// When the hub fails.
    pub async fn status(&self) -> Result<StatusReply, Failure> {
        let failed = |error| say::from_store(&error);
        let mut summaries = self.hub.summary().await.map_err(failed)?;
        // What an account that was removed left behind waits for its return.
        summaries.retain(|summary| {
            self.config
                .accounts
                .iter()
                .any(|entry| entry.account.id == summary.account)
        });
        let mut accounts = Vec::new();
        let (spooled, _) = Spool::of(&self.places).waiting();
        for entry in &self.config.accounts {
            let mut known = summaries.iter();
            let summary = known.find(|summary| summary.account == entry.account.id);
            let tally = self.hub.tally(&entry.account.id, Timestamp::now()).await;
            let tasks = tally.map_err(failed)?.alive.values().sum();
            let refusal = match summary {
                Some(summary) => self.refusal_of(summary).await?,
                None => None,
            };
            let access = self.access_to(entry).await?;
            let mut told = account(entry, summary, refusal.as_ref(), tasks, access);
            let backlog = self.hub.backlog(&entry.account.id).await.map_err(failed)?;
            // A report in the spool does not say of which of several it is.
            let own = match entry.account.kind {
                Kind::Taskwarrior => spooled,
                _ => 0,
            };
            unseen(&mut told, backlog.events + own);
            self.tell_silence(&mut told, summary.and_then(|one| one.state.last_pass_at));
            accounts.push(told);
        }
        let tasks = self
            .hub
            .list_tasks(&TaskFilter::default())
            .await
            .map_err(failed)?;
        Ok(StatusReply {
            schema_version: SCHEMA_VERSION,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            daemon: DaemonStatus {
                pid: hung_daemon(&self.places),
                ..DaemonStatus::default()
            },
            accounts,
            conflicts: summaries.iter().map(|summary| summary.conflicts).sum(),
            tasks: tasks.len(),
            not_carried: self.hub.not_carried().await.map_err(failed)?,
            problems: self.problems(),
        })
    }

    /// What is wrong with more than one account, as far as it costs next to nothing to see.
    fn problems(&self) -> Vec<Failure> {
        let room = little_room(&self.places).map(|(what, help)| {
            let why = "nothing can be stored once that is used up";
            Failure::new(Exit::Failed, "little_room", what, why, help)
        });
        room.into_iter().chain(self.unread_config()).collect()
    }

    /// What an account refused, by the example of what is tried again first.
    pub(crate) async fn refusal_of(
        &self,
        summary: &AccountSummary,
    ) -> Result<Option<Refusal>, Failure> {
        let all = refused(summary);
        if all == 0 {
            return Ok(None);
        }
        let found = self.hub.refused(Some(&summary.account), 1).await;
        let found = found.map_err(|error| say::from_store(&error))?;
        Ok(found.first().map(|one| Refusal::of_pair(one, all)))
    }
}

/// The process of a daemon that has the data directory and did not answer.
fn hung_daemon(places: &Places) -> Option<u32> {
    let holder = holder(places)?;
    holder.filter(|pid| *pid != std::process::id())
}

/// How `status` ends: what needs somebody ends it as it ends a sync, and so does what was refused; an
/// account that was not synced for too long needs somebody (I14), and so does a daemon that hangs. What
/// goes on by itself is no reason, and a pause is somebody's own wish.
pub fn exit_of_status(reply: &StatusReply) -> Exit {
    let hangs = !reply.daemon.running && reply.daemon.pid.is_some();
    let is_silent = reply.accounts.iter().any(|account| account.silent);
    let needs_you = hangs || is_silent || reply.conflicts > 0;
    let errors = reply.accounts.iter().filter_map(|one| one.error.as_ref());
    let exits = errors.chain(&reply.problems).map(|failure| failure.exit);
    Exit::worst(exits.chain(needs_you.then_some(Exit::NeedsYou)))
}

fn refused(summary: &AccountSummary) -> usize {
    let error = MappingState::Error.to_string();
    summary.pairs.get(error.as_str()).copied().unwrap_or(0)
}

/// What stands in the way of an account. What somebody has to decide is told before what passes: a
/// service that cannot be reached hides no deletions that are on hold.
fn trouble(summary: &AccountSummary) -> Option<Cow<'_, Trouble>> {
    let known = summary.state.trouble.as_ref();
    let (held, count) = (summary.state.held, summary.reviews);
    match known {
        Some(known) if needs_somebody(known) => Some(Cow::Borrowed(known)),
        _ if held > 0 => Some(Cow::Owned(Trouble::NeedsYou(Need::Guard { held }))),
        _ if count > 0 => Some(Cow::Owned(Trouble::NeedsYou(Need::Review { count }))),
        // As long as that lasts, it is told from what the account's access is.
        Some(Trouble::Throttled { .. }) => {
            Some(Cow::Owned(Trouble::Throttled { retry_after: None }))
        }
        known => known.map(Cow::Borrowed),
    }
}

/// Whether a trouble stays until somebody does something about it.
pub(crate) fn needs_somebody(trouble: &Trouble) -> bool {
    matches!(
        trouble,
        Trouble::NeedsYou(_) | Trouble::NeedsLogin { .. } | Trouble::Setup { .. }
    )
}

/// What somebody has to do something about, the worst of it.
fn error(
    entry: &Entry,
    summary: Option<&AccountSummary>,
    refusal: Option<&Refusal>,
    tasks: usize,
    access: &Standing,
) -> Option<Failure> {
    if access.is_paused {
        return None;
    }
    let summary = summary?;
    let trouble = trouble(summary).filter(|trouble| needs_somebody(trouble));
    let met = say::Met::Syncing { tasks };
    let trouble = trouble.map(|trouble| say::from_trouble(entry, &trouble, met));
    let conflicts = (summary.conflicts > 0).then(|| tell::open_conflicts(summary.conflicts));
    let refusal = refusal.map(|refusal| refusal.failure(&entry.account, Timestamp::now()));
    let all: Vec<Failure> = trouble
        .into_iter()
        .chain(conflicts)
        .chain(refusal)
        .collect();
    let worst = Exit::worst(all.iter().map(|failure| failure.exit));
    all.into_iter().find(|failure| failure.exit == worst)
}

fn account(
    entry: &Entry,
    summary: Option<&AccountSummary>,
    refusal: Option<&Refusal>,
    tasks: usize,
    access: Standing,
) -> AccountStatus {
    let trouble = summary.and_then(trouble);
    let first = access.told_before(trouble.as_deref());
    let (state, why) = match (first, summary) {
        (Some(left), _) => (left.state, Some(left.line())),
        (None, Some(summary)) => standing(entry, summary, trouble.as_deref(), refusal, tasks),
        (None, None) => never(entry),
    };
    let remembered = summary.map(|summary| &summary.state);
    let pass = remembered.and_then(|state| state.last_pass_at);
    let change = summary.and_then(|summary| summary.last_change_at);
    AccountStatus {
        name: entry.account.name.clone(),
        kind: entry.account.kind.to_string(),
        state,
        why,
        silent: false,
        last_pass_at: pass.map(|at| at.to_string()),
        last_change_at: change.map(|at| at.to_string()),
        tasks,
        waiting: summary.map_or(0, |summary| summary.work + summary.in_doubt),
        errors: summary.map_or(0, refused),
        error: error(entry, summary, refusal, tasks, &access),
        breaker: access.breaker,
    }
}

/// Says that so much was told of an account and not looked at yet.
fn unseen(account: &mut AccountStatus, told: usize) {
    account.waiting += told;
    if told > 0 && account.state == State::InStep {
        let (told, name) = (say::count(told, "change"), &account.name);
        account.state = State::Waiting;
        account.why = Some(format!("{told} to be looked at → instep sync {name}"));
    }
}

fn never(entry: &Entry) -> (State, Option<String>) {
    let why = format!("never synced → instep sync {}", entry.account.name);
    (State::Waiting, Some(why))
}

fn standing(
    entry: &Entry,
    summary: &AccountSummary,
    trouble: Option<&Trouble>,
    refusal: Option<&Refusal>,
    tasks: usize,
) -> (State, Option<String>) {
    let account = &entry.account;
    let name = &account.name;
    if let Some(trouble) = trouble {
        let failure = say::from_trouble(entry, trouble, say::Met::Syncing { tasks });
        let why = format!("{}: {} → {}", failure.what, failure.why, failure.help);
        return (tell::state_of(failure.exit), Some(why));
    }
    if summary.conflicts > 0 {
        let why = say::count(summary.conflicts, "conflict");
        return (State::NeedsYou, Some(format!("{why} → instep conflicts")));
    }
    if summary.state.last_pass_at.is_none() {
        return never(entry);
    }
    if let Some(refusal) = refusal {
        let line = refusal.line(account, Timestamp::now());
        let why = format!("{line} → {}", refusal.help(account));
        return (refusal.state(), Some(why));
    }
    if summary.work + summary.in_doubt > 0 {
        let why = say::count(summary.work + summary.in_doubt, "change");
        let why = format!("{why} to be carried → instep sync {name}");
        return (State::Waiting, Some(why));
    }
    (State::InStep, None)
}
