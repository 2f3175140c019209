//! What the small commands answer.

use crate::NotesLine;
use serde::{Deserialize, Serialize};

use crate::{AccountShown, BreakerState};

/// `instep account list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountsReply {
    /// 1.
    pub schema_version: u32,
    /// Every account.
    pub accounts: Vec<AccountShown>,
}

/// `instep account remove`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedReply {
    /// 1.
    pub schema_version: u32,
    /// The account that was removed.
    pub name: String,
    /// Whether its pairs were forgotten at once.
    pub forgotten: bool,
    /// What there is to know.
    pub notes: Vec<NotesLine>,
}

/// `instep account rename`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenamedReply {
    /// 1.
    pub schema_version: u32,
    /// What the account was called.
    pub before: String,
    /// What it is called now.
    pub name: String,
    /// What there is to know.
    pub notes: Vec<NotesLine>,
}

/// `instep config show`, `path` and `edit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigReply {
    /// 1.
    pub schema_version: u32,
    /// The config file.
    pub path: String,
    /// What stands in it; null from `config path`.
    pub text: Option<String>,
}

/// `instep version`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionReply {
    /// 1.
    pub schema_version: u32,
    /// The program's version.
    pub version: String,
}

/// `instep completions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletionsReply {
    /// 1.
    pub schema_version: u32,
    /// The shell.
    pub shell: String,
    /// What it should read.
    pub script: String,
}

/// One account in a [`PauseReply`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PausedAccount {
    /// Its name.
    pub name: String,
    /// Whether it is paused.
    pub paused: bool,
    /// Until when (RFC 3339), or null.
    pub until: Option<String>,
}

/// `instep pause` and `resume`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseReply {
    /// 1.
    pub schema_version: u32,
    /// Each account that was asked for.
    pub accounts: Vec<PausedAccount>,
}

/// `instep ping`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingReply {
    /// 1.
    pub schema_version: u32,
    /// The account's name.
    pub name: String,
    /// Milliseconds until it answered.
    pub ms: u64,
    /// Whether this was the call that found out whether it answers again.
    pub was_probe: bool,
    /// Its breaker from then on.
    pub breaker: BreakerState,
}
