//! From the engine's report to the reply of `sync`: states, counts, failures in plain words, and
//! what changed in an order that does not depend on chance.

use std::collections::BTreeMap;
use std::time::Duration;

use instep_api::{
    AccountSync, Count, Exit, Failure, FieldChange, PlanEntry, SCHEMA_VERSION, State, SyncReply,
    SyncShown,
};
use instep_contract::Store;
use instep_engine::{AccountReport, Counts, Problem, ReportedChange, RoundReport, is_invented};
use instep_model::{Action, Change, Field, Need, Side, Task, TaskId, Timestamp, Trouble};
use instep_store::{Hindrance, HubStore, JournalFilter};

use crate::app::App;
use crate::config::Entry;
use crate::refused::Refusal;
use crate::say;

/// Each explanation is a look into the journal; a first sync of thousands needs none.
const MOST_EXPLAINED: usize = 50;

/// What a round was asked to bring in step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// All that the accounts hold.
    Everything,
    /// One task, where it is known; how others stand is not asked.
    Task(Option<TaskId>),
}

/// A round and what it was run over.
pub(crate) struct Outcome<'a> {
    pub(crate) app: &'a App,
    /// The hub that the round ran on.
    pub(crate) hub: &'a HubStore,
    pub(crate) entries: &'a [&'a Entry],
    pub(crate) refused: &'a [(usize, Failure)],
    pub(crate) report: &'a RoundReport,
    /// When the round began, by the clock of the journal.
    pub(crate) began: Timestamp,
    pub(crate) about: About,
}

impl Outcome<'_> {
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
                (Some((_, failure)), _) => {
                    if remember {
                        let known = hindrance.and_then(|known| known.trouble.as_ref());
                        self.remember(entry, failure, known).await;
                    }
                    let waiting = self.waiting(entry, None, 0).await?;
                    standing_still(entry, failure.clone(), waiting)
                }
                (None, Some(report)) => self.account(entry, report, hindrance).await?,
                (None, None) => continue,
            };
            accounts.push(told);
        }
        let exit = Exit::worst(accounts.iter().map(exit_of_account));
        let reason = self.queued(&accounts);
        // All that a rehearsal tells is what would happen.
        let (waiting, made): (Vec<_>, Vec<_>) = self
            .report
            .changes
            .iter()
            .partition(|change| remember && self.waits_for_a_meeting(change));
        Ok(SyncReply {
            schema_version: SCHEMA_VERSION,
            outcome: match (&reason, exit) {
                (Some(_), Exit::Fine) => "queued",
                _ => outcome(exit),
            }
            .to_owned(),
            reason: reason.filter(|_| exit == Exit::Fine),
            duration_ms: millis(took),
            accounts,
            plan: None,
            shown: SyncShown {
                changes: self.entries_of(made).await?,
                proposed: self.entries_of(waiting).await?,
                apply: String::new(),
            },
            notes,
        })
    }

    /// Why a task that was to be carried waits in the hub, where a service is left alone for now.
    fn queued(&self, accounts: &[AccountSync]) -> Option<String> {
        let About::Task(Some(_)) = self.about else {
            return None;
        };
        let mut reports = self.report.accounts.iter();
        let is_left = |report: &AccountReport| {
            let trouble = report.trouble.as_ref();
            trouble.is_some_and(Trouble::is_left_alone)
        };
        reports.find(|report| is_left(report))?;
        let mut errors = accounts.iter().filter_map(|one| one.error.as_ref());
        let error = errors.find(|error| error.exit == Exit::Fine)?;
        Some(error.code.clone())
    }

    async fn account(
        &self,
        entry: &Entry,
        report: &AccountReport,
        hindrance: Option<&Hindrance>,
    ) -> Result<AccountSync, Failure> {
        let refused = match self.about {
            About::Everything => hindrance.map_or(0, |hindrance| hindrance.refused),
            About::Task(_) => 0,
        };
        let skipped = report.problems.len().max(refused);
        let open = self.open_conflicts(entry, hindrance).await?;
        let account = &entry.account;
        let (state, error) = match &report.trouble {
            Some(trouble) => {
                let tasks = self.living_pairs(entry).await;
                let failure = say::from_trouble(entry, trouble, say::Met::Syncing { tasks });
                let (state, failure) = self.left_alone(trouble, failure);
                (state, Some(failure))
            }
            None if open > 0 => (State::NeedsYou, Some(open_conflicts(open))),
            None => match self.refusal(entry, &report.problems, skipped).await? {
                Some(refusal) => {
                    let failure = refusal.failure(account, Timestamp::now());
                    (refusal.state(), Some(failure))
                }
                None => (State::InStep, None),
            },
        };
        let waiting = match &error {
            Some(_) => {
                self.waiting(entry, report.trouble.as_ref(), skipped)
                    .await?
            }
            None => 0,
        };
        Ok(AccountSync {
            name: account.name.clone(),
            kind: account.kind.to_string(),
            state,
            hub: counts(report.hub),
            remote: counts(report.remote),
            conflicts: report.conflicts,
            skipped,
            waiting,
            remote_calls: network_calls(account.kind, report.calls),
            duration_ms: millis(report.duration),
            error,
        })
    }

    /// How many changes were not carried to an account that something stands in the way of, or wait for
    /// a word about what it brought.
    async fn waiting(
        &self,
        entry: &Entry,
        trouble: Option<&Trouble>,
        refused: usize,
    ) -> Result<usize, Failure> {
        let stopped = match (self.about, trouble) {
            (About::Task(task), _) => return Ok(usize::from(task.is_some())),
            (_, Some(Trouble::NeedsYou(Need::Guard { held }))) => *held,
            (_, Some(Trouble::NeedsYou(Need::Review { count }))) => *count,
            (_, Some(Trouble::InDoubt { count })) => *count,
            _ => 0,
        };
        let left = self.hub.work_left(&entry.account.id).await;
        let left = left.map_err(|error| say::from_store(&error))?;
        Ok(left + stopped + refused)
    }

    /// How an account stands, and how that ends the command: what is left alone for now is no failure
    /// of a command about one task, which waits for it in order (S33).
    fn left_alone(&self, trouble: &Trouble, failure: Failure) -> (State, Failure) {
        match (trouble, self.about) {
            (Trouble::Paused { .. }, _) => (State::Paused, failure),
            (trouble, About::Task(_)) if trouble.is_left_alone() => {
                let exit = Exit::Fine;
                (State::Waiting, Failure { exit, ..failure })
            }
            _ => (state_of(failure.exit), failure),
        }
    }

    /// How many conflicts of the account wait for a person.
    async fn open_conflicts(
        &self,
        entry: &Entry,
        hindrance: Option<&Hindrance>,
    ) -> Result<usize, Failure> {
        let open = hindrance.map_or(0, |hindrance| hindrance.conflicts);
        let About::Task(task) = self.about else {
            return Ok(open);
        };
        if open == 0 {
            return Ok(0);
        }
        let conflicts = self.hub.conflicts(true).await;
        let conflicts = conflicts.map_err(|error| say::from_store(&error))?;
        let own = conflicts
            .iter()
            .filter(|conflict| conflict.account == entry.account.id && Some(conflict.task) == task);
        Ok(own.count())
    }

    async fn living_pairs(&self, entry: &Entry) -> usize {
        let tally = self.hub.tally(&entry.account.id, Timestamp::now()).await;
        tally.map_or(0, |tally| tally.alive.values().sum())
    }

    /// What was refused, by an example: of this round where it tried any.
    async fn refusal(
        &self,
        entry: &Entry,
        problems: &[Problem],
        all: usize,
    ) -> Result<Option<Refusal>, Failure> {
        if all == 0 {
            return Ok(None);
        }
        if let Some(problem) = problems.first() {
            return Ok(Some(Refusal::of_problem(problem, all)));
        }
        let refused = self.hub.refused(Some(&entry.account.id), 1).await;
        let refused = refused.map_err(|error| say::from_store(&error))?;
        Ok(refused.first().map(|one| Refusal::of_pair(one, all)))
    }

    /// Keeps for `status` why an account could not even be asked.
    async fn remember(&self, entry: &Entry, failure: &Failure, known: Option<&Trouble>) {
        // What the hindrance is told with anyway is not kept beside it.
        let why = |code: &str| match failure.code == code {
            true => failure.why.clone(),
            false => format!("{}: {}", failure.what, failure.why),
        };
        let trouble = match failure.exit {
            Exit::NeedsLogin => Trouble::NeedsLogin {
                reason: why("needs_login"),
            },
            Exit::Unreachable => Trouble::Unreachable {
                reason: why("unreachable"),
            },
            _ => Trouble::Setup {
                what: why("setup"),
                help: failure.help.clone(),
            },
        };
        if known == Some(&trouble) {
            return;
        }
        // Only `status` reads it, and this reply has said so already.
        let id = &entry.account.id;
        let _ = self.hub.set_trouble(id, Some(&trouble)).await;
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

    /// Says it where an edit beat a deletion (S15, S16), what vanished is made again, or an older copy
    /// is brought up again: one clause, in the journal's words.
    async fn survival(&self, change: &ReportedChange) -> Result<Option<String>, Failure> {
        let account = self.app.name_of(&change.account);
        let mut reports = self.report.accounts.iter();
        let is_older = reports.any(|report| report.account == change.account && report.older);
        match (change.action, change.side) {
            (_, Side::Remote) if is_older => {
                return Ok(Some(format!("{account} was put back to an older copy")));
            }
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
        let restored = lines.iter().find(|line| line.action == Action::Restore);
        Ok(restored.map(|line| format!("it was missing in {account}; {}", line.cause)))
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

fn standing_still(entry: &Entry, error: Failure, waiting: usize) -> AccountSync {
    AccountSync {
        name: entry.account.name.clone(),
        kind: entry.account.kind.to_string(),
        state: state_of(error.exit),
        hub: Count::default(),
        remote: Count::default(),
        conflicts: 0,
        skipped: 0,
        waiting,
        remote_calls: 0,
        duration_ms: 0,
        error: Some(error),
    }
}

/// How an account stands that ended so.
pub(crate) fn state_of(exit: Exit) -> State {
    match exit {
        Exit::Fine => State::InStep,
        Exit::Locked | Exit::Unreachable | Exit::Partial | Exit::Failed => State::Waiting,
        _ => State::NeedsYou,
    }
}

/// Conflicts that wait for a person.
pub(crate) fn open_conflicts(open: usize) -> Failure {
    Failure::new(
        Exit::NeedsYou,
        "conflict",
        format!("{} for you to decide", say::count(open, "conflict")),
        "both sides changed the same field differently; each keeps its own until then",
        "instep conflicts",
    )
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

/// How a round that ended so is called.
pub(crate) fn outcome(exit: Exit) -> &'static str {
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

/// How a dry run ends that was asked to tell of changes by its exit code. Changes that wait for a
/// person's word are changes, and so are those beside something refused; where the plan could not be
/// made to its end it ends like any other (S34).
pub fn exit_of_plan(reply: &SyncReply) -> Exit {
    let changes = reply.plan.as_ref().is_some_and(|plan| !plan.is_empty());
    let was_planned = |exit| matches!(exit, Exit::Fine | Exit::NeedsYou | Exit::Partial);
    match reply.accounts.iter().map(exit_of_account).all(was_planned) {
        true if changes => Exit::Changes,
        _ => exit_of_sync(reply),
    }
}

/// Whether something stands in the way that a person can accept and has not yet: a meeting, or an
/// older copy that was put back.
pub fn waits_for_acceptance(reply: &SyncReply) -> bool {
    const ACCEPTED: [&str; 4] = ["first_meeting", "new_server", "older_state", "repair"];
    let mut errors = reply.accounts.iter().filter_map(|one| one.error.as_ref());
    errors.any(|error| ACCEPTED.contains(&error.code.as_str()))
}

/// Calls over the network; programs and files on this computer are none.
fn network_calls(kind: instep_model::Kind, calls: u64) -> u64 {
    match kind {
        instep_model::Kind::Taskwarrior | instep_model::Kind::File => 0,
        _ => calls,
    }
}
