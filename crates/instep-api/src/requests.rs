//! What a command asks for.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where a secret comes from; the secret itself is never in the config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecretSource {
    /// The first line of a file that only its owner can read.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// The first line that a command prints.
    Command(String),
}

/// `instep init`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InitRequest {
    /// Ask nothing.
    pub yes: bool,
    /// IANA name of the person's time zone; the computer's if none is given.
    pub timezone: Option<String>,
    /// Leave Taskwarrior's hooks alone.
    pub no_hook: bool,
}

/// `instep account add`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountAdd {
    /// `taskwarrior`, `vikunja` or `file`.
    pub kind: String,
    /// What its owner calls it; a default by kind.
    pub name: Option<String>,
    /// The server's address.
    pub url: Option<String>,
    /// The secret.
    pub secret: Option<SecretSource>,
    /// Taskwarrior's configuration file.
    pub taskrc: Option<PathBuf>,
    /// Taskwarrior's program; `task` if none is given.
    pub program: Option<PathBuf>,
    /// The task file.
    pub path: Option<PathBuf>,
    /// `json`.
    pub format: Option<String>,
    /// `both`, `to-remote` or `from-remote`.
    pub direction: Option<String>,
    /// Scope (S27).
    pub projects: Vec<String>,
    /// Scope (S27).
    pub tags: Vec<String>,
    /// Scope (S27).
    pub not_tags: Vec<String>,
}

/// `instep sync`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SyncRequest {
    /// Names; all accounts if empty.
    pub accounts: Vec<String>,
    /// Only say what would happen.
    pub dry_run: bool,
    /// Look at everything.
    pub full: bool,
    /// Accept what a first meeting leads to.
    pub yes: bool,
    /// How many deletions are permitted.
    pub max_delete: Option<usize>,
    /// Find out anew which task is which, as `instep repair` does.
    #[serde(default)]
    pub anew: bool,
}

/// `instep repair`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RepairRequest {
    /// Names; all accounts if empty.
    pub accounts: Vec<String>,
    /// Only say what would happen.
    pub dry_run: bool,
    /// Accept what it leads to.
    pub yes: bool,
}

/// `instep retry`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RetryRequest {
    /// Only this account.
    pub account: Option<String>,
    /// What is parked too.
    pub parked: bool,
}

/// Changes to a task; `None` leaves a field alone. Dates are what a person types.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TaskEdit {
    /// One line.
    pub title: Option<String>,
    /// Markdown.
    pub notes: Option<String>,
    /// A path with dots; empty for none.
    pub project: Option<String>,
    /// Tags to add.
    pub tags: Vec<String>,
    /// Tags to take away.
    pub untags: Vec<String>,
    /// 0–5.
    pub priority: Option<u32>,
    /// A date, a time, or `none`.
    pub due: Option<String>,
    /// `open`, `blocked`, `done` or `cancelled`.
    pub status: Option<String>,
}

/// `instep list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ListRequest {
    /// Closed tasks too.
    pub all: bool,
    /// Only this project and below.
    pub project: Option<String>,
    /// Only with this tag.
    pub tag: Option<String>,
    /// Only tasks in this account.
    pub account: Option<String>,
}

/// `instep log`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LogRequest {
    /// Not older than this many seconds.
    pub since_secs: Option<u64>,
    /// Only this task, by a prefix of its id.
    pub task: Option<String>,
    /// Only this account.
    pub account: Option<String>,
    /// Only this operation, by a prefix of its id.
    pub operation: Option<String>,
    /// At most this many lines, the newest.
    pub limit: Option<usize>,
}

/// Which conflicts are listed; matters of adoption always wait for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConflictFilter {
    /// Those that wait for a person.
    Open,
    /// Those too that a policy settled, whose other value can still be brought back.
    #[default]
    Undecided,
    /// Those too that a person decided.
    All,
}

/// `instep conflicts resolve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resolution {
    /// The hub's value.
    Hub,
    /// The value of the account of this name.
    Account(String),
    /// Both texts, one after the other (notes and title only).
    Both,
    /// The later one.
    Newest,
    /// This matter of adoption and the one with this id are about one and the same task.
    SameAs(String),
}

/// A command that is carried out on the hub, by the daemon where one runs and in-process where none
/// does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// `instep sync`.
    Sync(SyncRequest),
    /// `instep push`: a hub task, or a task of Taskwarrior.
    Push(String),
    /// `instep pull`.
    Pull {
        /// The account's name.
        account: String,
        /// The item's id there.
        remote_id: String,
    },
    /// `instep restore --collection`.
    Restore(String),
    /// `instep repair`.
    Repair(RepairRequest),
    /// `instep retry`.
    Retry(RetryRequest),
    /// `instep add`.
    Add {
        /// What is typed.
        edit: TaskEdit,
        /// The account to carry it to at once.
        to: Option<String>,
    },
    /// `instep edit`.
    Edit {
        /// The task, by a prefix of its id.
        id: String,
        /// What is typed.
        edit: TaskEdit,
    },
    /// `instep done`.
    Done(String),
    /// `instep rm`.
    Remove(String),
    /// `instep conflicts resolve`.
    Resolve {
        /// The conflict or the matter of adoption.
        id: String,
        /// Which value counts.
        how: Resolution,
    },
    /// `instep status`.
    Status,
}
