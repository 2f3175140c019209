//! What a command answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Failure, RetryReply};

/// How many tasks were touched on one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Count {
    /// Made.
    pub created: usize,
    /// Changed.
    pub updated: usize,
    /// Deleted.
    pub deleted: usize,
}

/// How an account stands: the five words, always the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Both sides are equal.
    InStep,
    /// A sync is under way.
    Syncing,
    /// Something is still to be carried; the program goes on by itself.
    Waiting,
    /// A person stopped it for a while.
    Paused,
    /// A person has to do something.
    NeedsYou,
}

/// One account in a [`SyncReply`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSync {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// How it stands; never `syncing`.
    pub state: State,
    /// Changes in the hub.
    pub hub: Count,
    /// Changes in the service.
    pub remote: Count,
    /// Conflicts found.
    pub conflicts: usize,
    /// Items refused: tried again later, or parked.
    pub skipped: usize,
    /// Changes that were not carried for the reason that `error` gives: they wait, were refused, or are
    /// on hold.
    #[serde(default)]
    pub waiting: usize,
    /// Calls to the service.
    pub remote_calls: u64,
    /// Milliseconds.
    pub duration_ms: u64,
    /// Why it stands still or what was refused, or null.
    pub error: Option<Failure>,
}

/// A field of a [`PlanEntry`], both values in canonical text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Before, or null.
    pub from: Option<String>,
    /// After, or null.
    pub to: Option<String>,
}

/// One change that a sync made or would make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanEntry {
    /// The account's name.
    pub account: String,
    /// `hub` or `remote`.
    pub side: String,
    /// `create`, `update`, `complete`, `reopen`, `delete` or `move`.
    pub action: String,
    /// The hub task's id.
    pub task: String,
    /// Its id in the account, or null.
    pub remote_id: Option<String>,
    /// Its title.
    pub title: String,
    /// By field name.
    pub fields: BTreeMap<String, FieldChange>,
    /// Why, in one clause, where it is not plain: an edit that beat a deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// `instep sync`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncReply {
    /// 1.
    pub schema_version: u32,
    /// `in_step`, `queued`, `partial`, `needs_you`, `needs_login`, `unreachable` or `failed`.
    pub outcome: String,
    /// Why it is `queued`: `circuit_open`, `throttled` or `paused`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Milliseconds.
    pub duration_ms: u64,
    /// Each account that took part.
    pub accounts: Vec<AccountSync>,
    /// What would happen; only with `--dry-run`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Vec<PlanEntry>>,
    /// What only the screen shows; it travels over the socket, and is no part of the JSON that a
    /// program is answered with.
    #[serde(default, skip_serializing_if = "SyncShown::is_empty")]
    pub shown: SyncShown,
    /// Things to be told once: a file recovered from a backup, say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What of a [`SyncReply`] only the screen shows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SyncShown {
    /// What happened.
    pub changes: Vec<PlanEntry>,
    /// What would happen once a person accepts a first meeting.
    pub proposed: Vec<PlanEntry>,
    /// The command that carries a plan out.
    pub apply: String,
}

impl SyncShown {
    /// Whether there is nothing of the kind.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The daemon in a [`StatusReply`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DaemonStatus {
    /// Whether it runs.
    pub running: bool,
    /// Its process id; also of one that runs and does not answer.
    pub pid: Option<u32>,
    /// Its socket.
    pub socket: Option<String>,
    /// Its address.
    pub http: Option<String>,
}

/// Whether calls are made to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// They are.
    Closed,
    /// It failed too often.
    Open,
    /// One call finds out whether it answers again.
    HalfOpen,
}

/// A circuit breaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerStatus {
    /// How it stands.
    pub state: BreakerState,
    /// Failures in a row.
    pub failures: u32,
    /// Seconds to the next probe.
    pub retry_in_s: Option<u64>,
}

/// One account in a [`StatusReply`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountStatus {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// How it stands.
    pub state: State,
    /// Why, with a command that helps; null when in step.
    pub why: Option<String>,
    /// Whether it was not synced for too long.
    #[serde(default)]
    pub silent: bool,
    /// RFC 3339.
    pub last_pass_at: Option<String>,
    /// RFC 3339.
    pub last_change_at: Option<String>,
    /// Tasks on both sides.
    pub tasks: usize,
    /// Changes that wait to be carried.
    pub waiting: usize,
    /// Items refused: tried again later, or parked.
    pub errors: usize,
    /// Its breaker.
    pub breaker: BreakerStatus,
    /// What somebody has to do something about: the worst of it, or what stopped the account just now
    /// where the hub could not even take that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// `instep status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReply {
    /// 1.
    pub schema_version: u32,
    /// The program's version.
    pub version: String,
    /// The daemon.
    pub daemon: DaemonStatus,
    /// Every account.
    pub accounts: Vec<AccountStatus>,
    /// Conflicts that wait for a person.
    pub conflicts: usize,
    /// Living tasks in the hub.
    pub tasks: usize,
    /// Tasks that some account has not been brought up to date with.
    pub not_carried: usize,
    /// What is wrong with more than one account: no room on the drive, a config that the daemon did not
    /// take, reports that could not be stored. An exit code of 0 is only worth knowing.
    #[serde(default)]
    pub problems: Vec<Failure>,
}

/// How a check of `doctor` ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// Fine.
    Ok,
    /// Worth knowing.
    Note,
    /// Has to be mended.
    Problem,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// A stable name: `config.valid`, `account.vikunja.reachable`, …
    pub id: String,
    /// `program`, `storage`, `config` or `accounts`.
    pub group: String,
    /// How it ended.
    pub status: CheckStatus,
    /// What was found.
    pub message: String,
    /// A command that mends it, or null.
    pub fix: Option<String>,
}

/// `instep doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorReply {
    /// 1.
    pub schema_version: u32,
    /// What `--fix` mended before it looked, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mended: Vec<String>,
    /// Every check.
    pub checks: Vec<Check>,
}

/// A task: the fields that are set, by name, and where it lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskView {
    /// The hub's id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its status.
    pub status: String,
    /// Every other field that is set: numbers, texts, lists.
    #[serde(flatten)]
    pub fields: serde_json::Map<String, Value>,
    /// RFC 3339.
    pub modified: String,
    /// Account name to remote id.
    pub accounts: BTreeMap<String, String>,
    /// Refused by these accounts, with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<String, String>,
    /// Account name to when a sync tries again (RFC 3339), for those of `errors` that are not parked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub retry_at: BTreeMap<String, String>,
    /// Account name to the fields of which that account can hold nothing. Without its title the task
    /// is not there at all.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<String, Vec<String>>,
}

/// `instep list`; `instep show` answers with one task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListReply {
    /// 1.
    pub schema_version: u32,
    /// The tasks.
    pub tasks: Vec<TaskView>,
}

/// `instep add`, `edit`, `done`, `rm`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TouchedReply {
    /// 1.
    pub schema_version: u32,
    /// `create`, `update`, `complete`, `reopen`, `delete` or `nothing`.
    pub action: String,
    /// The task as it is now.
    pub task: TaskView,
    /// With `add --to`: what became of it on its way there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried: Option<SyncReply>,
}

/// One line of `instep log`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// 1.
    pub schema_version: u32,
    /// RFC 3339.
    pub at: String,
    /// The operation.
    pub op: String,
    /// The account's name, or null for a person in the hub.
    pub account: Option<String>,
    /// The hub task's id.
    pub task: Option<String>,
    /// Its title, for the screen.
    pub title: Option<String>,
    /// `hub` or `remote`.
    pub side: String,
    /// What was done.
    pub action: String,
    /// The field, or null.
    pub field: Option<String>,
    /// Before, in canonical text.
    pub from: Option<String>,
    /// After, in canonical text.
    pub to: Option<String>,
    /// Why.
    pub cause: String,
}

/// A conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictView {
    /// Its id.
    pub id: String,
    /// The hub task's id.
    pub task: String,
    /// Its title.
    pub title: String,
    /// The field.
    pub field: String,
    /// The account whose value stood against the hub's.
    pub account: String,
    /// What both had agreed on.
    pub base: Option<String>,
    /// The hub's value.
    pub hub: Option<String>,
    /// The account's value.
    pub remote: Option<String>,
    /// `open`, `settled` or `closed`.
    pub state: String,
    /// `hub` or `remote`, where a policy decided.
    pub kept: Option<String>,
    /// RFC 3339.
    pub at: String,
}

/// A matter of adoption that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewView {
    /// Its id, to be given to `conflicts resolve`.
    pub id: String,
    /// The account's name.
    pub account: String,
    /// The hub task, if it is one.
    pub task: Option<String>,
    /// The remote item, if it is one.
    pub remote_id: Option<String>,
    /// Its title.
    pub title: String,
    /// `equal_title`, `marker_of_gone` or `deleted_here`.
    pub reason: String,
    /// What it holds, by field; only where one matter is shown and its service answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<serde_json::Map<String, Value>>,
}

/// `instep conflicts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictsReply {
    /// 1.
    pub schema_version: u32,
    /// Conflicts, open ones first.
    pub conflicts: Vec<ConflictView>,
    /// Matters of adoption.
    pub reviews: Vec<ReviewView>,
}

/// One field in `instep account show`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldView {
    /// The field.
    pub field: String,
    /// `whole`, `coarse`, `once`, `follows` or `no`.
    pub holds: String,
    /// In what way, in a few words.
    pub how: String,
}

/// `instep account show`, and each of `instep account list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountShown {
    /// 1.
    pub schema_version: u32,
    /// Its stable id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// The address, path or data directory.
    pub place: String,
    /// `both`, `to-remote` or `from-remote`.
    pub direction: String,
    /// Its scope in words; empty for everything.
    pub scope: String,
    /// What it can hold, by field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<HoldView>,
}

/// `instep account add`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountAdded {
    /// 1.
    pub schema_version: u32,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// What was found there, in a few words: version, number of tasks.
    pub found: String,
    /// Things to know or to do next.
    pub notes: Vec<NotesLine>,
}

/// `instep init`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitReply {
    /// 1.
    pub schema_version: u32,
    /// The config file.
    pub config: String,
    /// The hub database.
    pub hub: String,
    /// Accounts that this run added.
    pub accounts: Vec<AccountAdded>,
    /// Things to know or to do next.
    pub notes: Vec<NotesLine>,
}

/// One remark with the command that goes with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotesLine {
    /// The remark.
    pub text: String,
    /// A command, or null.
    pub command: Option<String>,
}

/// What a [`Request`](crate::Request) is answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// What was carried.
    Synced(SyncReply),
    /// What was changed in the hub.
    Touched(Box<TouchedReply>),
    /// What was tried again.
    Retried(Box<RetryReply>),
    /// How everything stands.
    Status(StatusReply),
}
