//! What `instep bugreport` answers: what somebody else needs to find a fault, and nothing of what the
//! tasks say.

use serde::{Deserialize, Serialize};

use crate::{CheckStatus, State};

/// `instep bugreport`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BugReport {
    /// 1.
    pub schema_version: u32,
    /// The program's version.
    pub version: String,
    /// Operating system and processor.
    pub platform: String,
    /// The version of the daemon that runs, or null.
    pub daemon: Option<String>,
    /// The settings beside the accounts, by key; empty where the config is not valid.
    pub settings: Vec<Setting>,
    /// Every account.
    pub accounts: Vec<ReportedAccount>,
    /// Living tasks in the hub, or null where it cannot be opened.
    pub tasks: Option<usize>,
    /// Conflicts that wait for a person.
    pub conflicts: usize,
    /// What `doctor` finds without calling anybody.
    pub checks: Vec<ReportedCheck>,
    /// The last lines of the log.
    pub log: Vec<String>,
    /// The file that it was written to, or null.
    pub file: Option<String>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// One account in a [`BugReport`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedAccount {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Its direction.
    pub direction: String,
    /// How many projects and tags limit it.
    pub limits: usize,
    /// Whether its server is reached by `http` or `https`, or null.
    pub scheme: Option<String>,
    /// `file`, `env` or `command`, or null.
    pub secret: Option<String>,
    /// How it stands.
    pub state: State,
    /// The code of what stopped its last sync, or null.
    pub trouble: Option<String>,
    /// Whether it was not synced for too long.
    pub silent: bool,
    /// RFC 3339.
    pub last_pass_at: Option<String>,
    /// Tasks on both sides.
    pub tasks: usize,
    /// Changes that wait.
    pub waiting: usize,
    /// Items refused.
    pub errors: usize,
    /// Calls in a row that failed.
    pub failures: u32,
}

/// One check in a [`BugReport`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedCheck {
    /// Its name.
    pub id: String,
    /// How it ended.
    pub status: CheckStatus,
    /// What was found, where that never holds what a person or a service wrote.
    pub message: Option<String>,
}
