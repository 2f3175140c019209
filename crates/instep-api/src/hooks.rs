//! What `instep hook install`, `uninstall` and `status` answer.

use serde::{Deserialize, Serialize};

/// `instep hook install`, `uninstall` and `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HooksReply {
    /// 1.
    pub schema_version: u32,
    /// Every Taskwarrior account that was asked for.
    pub accounts: Vec<HookView>,
}

/// The hook of one account's Taskwarrior.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookView {
    /// The account.
    pub account: String,
    /// How the hook stands.
    pub state: HookState,
    /// Its file, whether it is there or not; null where Taskwarrior did not say.
    pub file: Option<String>,
    /// Whether this command changed it.
    pub changed: bool,
    /// The state in words.
    pub message: String,
    /// What to do about it; null where there is nothing to do.
    pub fix: Option<String>,
}

/// How a hook stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookState {
    /// It is there, and Taskwarrior runs it.
    Installed,
    /// There is none.
    Missing,
    /// It is of another version, or calls another program or instance.
    Outdated,
    /// Taskwarrior passes it over, since it is not executable.
    NotExecutable,
    /// It is there, and Taskwarrior runs no hooks.
    HooksOff,
    /// A file of that name is there that is not ours to change.
    Foreign,
    /// It could not be found out or changed.
    Failed,
}
