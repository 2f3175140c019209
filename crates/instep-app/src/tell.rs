//! From the engine's report to the reply of `sync`: states, counts, failures in plain words, and
//! what changed in an order that does not depend on chance.

use std::collections::BTreeMap;
use std::time::Duration;

use instep_api::{
    AccountSync, Count, Exit, Failure, FieldChange, PlanEntry, SCHEMA_VERSION, SyncReply,
};
use instep_contract::Store;
use instep_engine::{
    AccountReport, Counts, Need, Next, Problem, ReportedChange, RoundReport, Trouble, is_invented,
};
use instep_model::{Action, Change, Field, MappingState, Side, Task, TaskId, Timestamp};
use instep_store::{Hindrance, HubStore, JournalFilter};

use crate::app::App;
use crate::config::Entry;
use crate::say;

/// Each explanation is a look into the journal; a first sync of thousands needs none.
const MOST_EXPLAINED: usize = 50;

/// A round and what it was run over.
pub(crate) struct Told<'a> {
    pub(crate) app: &'a App,
    /// The hub that the round ran on.
    pub(crate) hub: &'a HubStore,
    pub(crate) entries: &'a [&'a Entry],
    pub(crate) refused: &'a [(usize, Failure)],
    pub(crate) report: &'a RoundReport,
    /// When the round began, by the clock of the journal.
    pub(crate) began: Timestamp,
}

impl Told<'_> {
    /// The reply; where `remember`, what stands in the way is kept for `status`.
    pub(crate) async fn reply(
        &self,
        took: Duration,
        notes: Vec<String>,
        remember: bool,
    ) -> Result<SyncReply, Failure> {
        let hindrances = self
            .hub
            .hindrances()
            .await
            .map_err(|error| say::from_store(&error))?;
        let mut accounts = Vec::new();
        for (at, entry) in self.entries.iter().enumerate() {
            let refused = self.refused.iter().find(|(place, _)| *place == at);
            let mut reports = self.report.accounts.iter();
            let report = reports.find(|report| report.account == entry.account.id);
            let mut known = hindrances.iter();
            let hindrance = known.find(|known| known.account == entry.account.id);
            let told = match (refused, report) {
                (Some((_, failure)), _) => standing_still(entry, failure.clone()),
                (None, Some(report)) => self.account(entry, report, hindrance).await?,
                (None, None) => continue,
            };
            if remember {
                let known = hindrance.and_then(|known| known.trouble.as_deref());
                self.remember(entry, told.error.as_ref(), known).await;
            }
            accounts.push(told);
        }
        let exit = Exit::worst(accounts.iter().map(exit_of_account));
        // All that a rehearsal tells is what would happen.
        let (waiting, made): (Vec<_>, Vec<_>) = self
            .report
            .changes
            .iter()
            .partition(|change| remember && self.waits_for_a_meeting(change));
        Ok(SyncReply {
            schema_version: SCHEMA_VERSION,
            outcome: outcome(exit).to_owned(),
            duration_ms: millis(took),
            accounts,
            plan: None,
            changes: self.entries_of(made).await?,
            proposed: self.entries_of(waiting).await?,
            notes,
        })
    }

    async fn account(
        &self,
        entry: &Entry,
        report: &AccountReport,
        hindrance: Option<&Hindrance>,
    ) -> Result<AccountSync, Failure> {
        let parked = hindrance.map_or(0, |hindrance| hindrance.parked);
        let skipped = report.problems.len().max(parked);
        let open = hindrance.map_or(0, |hindrance| hindrance.conflicts);
        let error = match &report.trouble {
            Some(trouble) => {
                let tasks = self.living_pairs(entry).await;
                Some(say::from_trouble(
                    entry,
                    trouble,
                    say::Met::Syncing { tasks },
                ))
            }
            None if open > 0 => Some(open_conflicts(open)),
            None if skipped > 0 => Some(self.parked(entry, &report.problems, skipped).await?),
            None => None,
        };
        Ok(AccountSync {
            name: entry.account.name.clone(),
            kind: entry.account.kind.to_string(),
            state: error.as_ref().map_or("in_step", state_of).to_owned(),
            hub: counts(report.hub),
            remote: counts(report.remote),
            conflicts: report.conflicts,
            skipped,
            remote_calls: network_calls(entry.account.kind, report.calls),
            duration_ms: millis(report.duration),
            error,
        })
    }

    async fn living_pairs(&self, entry: &Entry) -> usize {
        let tally = self.hub.tally(&entry.account.id, Timestamp::now()).await;
        tally.map_or(0, |tally| tally.alive.values().sum())
    }

    /// What was parked, by the example of the first.
    async fn parked(
        &self,
        entry: &Entry,
        problems: &[Problem],
        all: usize,
    ) -> Result<Failure, Failure> {
        let first = match problems.first() {
            Some(problem) => Some(problem.clone()),
            None => self.first_parked(entry).await?,
        };
        let Some(first) = first else {
            return Ok(parked(
                entry,
                "a task",
                "its reason is in the log",
                "instep log",
                all,
            ));
        };
        let id = first.task.to_string();
        let help = format!("instep show {}", &id[..8]);
        let title = format!("the task \"{}\"", first.title);
        Ok(parked(entry, &title, &first.reason, &help, all))
    }

    async fn first_parked(&self, entry: &Entry) -> Result<Option<Problem>, Failure> {
        let failed = |error| say::from_store(&error);
        let pairs = self
            .hub
            .mappings(Some(&entry.account.id))
            .await
            .map_err(failed)?;
        let mut parked = pairs
            .into_iter()
            .filter(|pair| pair.state == MappingState::Error);
        let Some(pair) = parked.next() else {
            return Ok(None);
        };
        let tasks = self.hub.tasks(&[pair.task]).await.map_err(failed)?;
        Ok(tasks.first().map(|task| Problem {
            task: task.id,
            title: task.fields.title().to_owned(),
            reason: pair.last_error.unwrap_or_default(),
            next: Next::Parked,
        }))
    }

    async fn remember(&self, entry: &Entry, error: Option<&Failure>, known: Option<&str>) {
        let standing = error.filter(|error| !matches!(error.code.as_str(), "parked" | "conflict"));
        let text = standing.and_then(|error| serde_json::to_string(error).ok());
        if text.as_deref() == known {
            return;
        }
        // Only `status` reads it, and this reply has said so already.
        let _ = self
            .hub
            .set_trouble(&entry.account.id, text.as_deref())
            .await;
    }

    /// Whether a change was only told so that a person can accept it: an account that meets the
    /// hub for the first time writes nothing on either side until then.
    fn waits_for_a_meeting(&self, change: &ReportedChange) -> bool {
        self.report.accounts.iter().any(|report| {
            report.account == change.account
                && matches!(
                    report.trouble,
                    Some(Trouble::NeedsYou(
                        Need::FirstMeeting { .. } | Need::NewServer { .. }
                    ))
                )
        })
    }

    /// Changes for a reply, account by account as the config has them.
    async fn entries_of(&self, changes: Vec<&ReportedChange>) -> Result<Vec<PlanEntry>, Failure> {
        let made = changes.iter().filter(|change| change.fields.is_empty());
        let ids: Vec<TaskId> = made.map(|change| change.task).collect();
        let tasks = self
            .hub
            .tasks(&ids)
            .await
            .map_err(|error| say::from_store(&error))?;
        let tasks: BTreeMap<TaskId, &Task> = tasks.iter().map(|task| (task.id, task)).collect();
        let place = |change: &ReportedChange| {
            let mut accounts = self.app.config.accounts.iter();
            accounts.position(|entry| entry.account.id == change.account)
        };
        let mut sorted = changes;
        // What comes into the hub causes what goes out of it.
        sorted.sort_by_key(|change| (change.side, place(change), &change.title, change.task));
        let mut entries = Vec::new();
        for (at, change) in sorted.into_iter().enumerate() {
            let why = match at {
                0..MOST_EXPLAINED => self.survival(change).await?,
                _ => None,
            };
            entries.push(self.entry_of(change, tasks.get(&change.task).copied(), why));
        }
        Ok(entries)
    }

    /// Says it where an edit beat a deletion (S15, S16): one clause, from the journal.
    async fn survival(&self, change: &ReportedChange) -> Result<Option<String>, Failure> {
        let account = self.app.name_of(&change.account);
        match (change.action, change.side) {
            (Action::Restore, _) => {
                return Ok(Some(format!("an edit in {account} beat its deletion")));
            }
            (Action::Create, Side::Remote) => {}
            _ => return Ok(None),
        }
        let filter = JournalFilter {
            since: Some(self.began),
            task: Some(change.task),
            account: Some(change.account.clone()),
            ..JournalFilter::default()
        };
        let failed = |error| say::from_store(&error);
        let lines = self.hub.journal(&filter).await.map_err(failed)?;
        let restored = lines.iter().any(|line| line.action == Action::Restore);
        Ok(restored.then(|| {
            format!("it was edited elsewhere, so its deletion in {account} did not count")
        }))
    }

    fn entry_of(
        &self,
        change: &ReportedChange,
        task: Option<&Task>,
        why: Option<String>,
    ) -> PlanEntry {
        let text = |value: &Option<instep_model::Value>| value.as_ref().map(ToString::to_string);
        let mut fields: BTreeMap<String, FieldChange> = change
            .fields
            .iter()
            .map(|moved| {
                let (from, to) = (text(&moved.from), text(&moved.to));
                (moved.field.to_string(), FieldChange { from, to })
            })
            .collect();
        let is_new = matches!(change.action, Action::Create | Action::Restore);
        if let (true, true, Some(task)) = (is_new, fields.is_empty(), task) {
            let set = task
                .fields
                .iter()
                .filter(|(field, _)| *field != Field::Title);
            fields.extend(set.map(|(field, value)| {
                let to = Some(value.to_string());
                (field.to_string(), FieldChange { from: None, to })
            }));
        }
        PlanEntry {
            account: self.app.name_of(&change.account).to_owned(),
            side: side(change.side).to_owned(),
            action: action(change.action, &change.fields).to_owned(),
            task: change.task.to_string(),
            remote_id: change
                .remote
                .as_ref()
                .filter(|id| !is_invented(id))
                .map(ToString::to_string),
            title: change.title.clone(),
            fields,
            why,
        }
    }
}

/// A side, as replies name it.
pub(crate) fn side(side: Side) -> &'static str {
    match side {
        Side::Hub => "hub",
        Side::Remote => "remote",
    }
}

fn action(action: Action, fields: &[Change]) -> &'static str {
    match action {
        Action::Create | Action::Restore => "create",
        Action::Delete => "delete",
        Action::Complete => "complete",
        Action::Reopen => "reopen",
        _ if fields.iter().all(|change| change.field == Field::Project) && !fields.is_empty() => {
            "move"
        }
        _ => "update",
    }
}

fn standing_still(entry: &Entry, error: Failure) -> AccountSync {
    AccountSync {
        name: entry.account.name.clone(),
        kind: entry.account.kind.to_string(),
        state: state_of(&error).to_owned(),
        hub: Count::default(),
        remote: Count::default(),
        conflicts: 0,
        skipped: 0,
        remote_calls: 0,
        duration_ms: 0,
        error: Some(error),
    }
}

/// The word for an account that stands as this says.
pub(crate) fn state_of(error: &Failure) -> &'static str {
    match error.code.as_str() {
        "lock_held" | "unreachable" | "throttled" | "in_doubt" | "failed" => "waiting",
        "parked" => "in_step",
        _ => "needs_you",
    }
}

fn open_conflicts(open: usize) -> Failure {
    Failure::new(
        Exit::NeedsYou,
        "conflict",
        format!("{} for you to decide", say::count(open, "conflict")),
        "both sides changed the same field differently; each keeps its own until then",
        "instep conflicts",
    )
}

fn parked(entry: &Entry, title: &str, reason: &str, help: &str, all: usize) -> Failure {
    let service = say::service(entry.account.kind);
    let others = match all {
        0 | 1 => String::new(),
        more => format!(" and {} more", more - 1),
    };
    let mut what = format!("{service} refused {title}{others}");
    if let Some(first) = what.get(..1) {
        what = first.to_uppercase() + &what[1..];
    }
    let one = if all > 1 { "they stay" } else { "it stays" };
    Failure::new(Exit::Partial, "parked", what, reason, help).now(format!(
        "{one} in the hub and in every other account; the rest is in step"
    ))
}

fn counts(counts: Counts) -> Count {
    Count {
        created: counts.created,
        updated: counts.updated,
        deleted: counts.deleted,
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn exit_of_account(account: &AccountSync) -> Exit {
    account
        .error
        .as_ref()
        .map_or(Exit::Fine, |error| error.exit)
}

fn outcome(exit: Exit) -> &'static str {
    match exit {
        Exit::Fine => "in_step",
        Exit::Partial => "partial",
        Exit::NeedsYou => "needs_you",
        Exit::NeedsLogin => "needs_login",
        Exit::Unreachable => "unreachable",
        _ => "failed",
    }
}

/// How a sync ends, from its reply (S34).
pub fn exit_of_sync(reply: &SyncReply) -> Exit {
    Exit::worst(reply.accounts.iter().map(exit_of_account))
}

/// How a dry run ends that was asked to tell of changes by its exit code.
pub fn exit_of_plan(reply: &SyncReply) -> Exit {
    let changes = reply.plan.as_ref().is_some_and(|plan| !plan.is_empty());
    match exit_of_sync(reply) {
        Exit::Fine if changes => Exit::Changes,
        exit => exit,
    }
}

/// Whether a meeting stands in the way that nobody has accepted yet.
pub fn waits_for_acceptance(reply: &SyncReply) -> bool {
    const MEETINGS: [&str; 2] = ["first_meeting", "new_server"];
    let mut errors = reply.accounts.iter().filter_map(|one| one.error.as_ref());
    errors.any(|error| MEETINGS.contains(&error.code.as_str()))
}

/// Calls over the network; programs and files on this computer are none.
fn network_calls(kind: instep_model::Kind, calls: u64) -> u64 {
    match kind {
        instep_model::Kind::Taskwarrior | instep_model::Kind::File => 0,
        _ => calls,
    }
}
