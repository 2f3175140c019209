//! A failure as a person meets it: what happened, why, and what to do next.

use serde::{Deserialize, Serialize};

/// How a command ends. The numbers are promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// 0: fine.
    Fine,
    /// 1: failed.
    Failed,
    /// 2: used wrongly.
    Usage,
    /// 3: partly done.
    Partial,
    /// 4: a service needs a new login.
    NeedsLogin,
    /// 5: a person has to decide.
    NeedsYou,
    /// 6: a service cannot be reached.
    Unreachable,
    /// 7: the config is invalid.
    Config,
    /// 8: another instance holds the lock.
    Locked,
    /// 10: `--dry-run --exit-code` found changes.
    Changes,
    /// 130: interrupted.
    Interrupted,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Partial => 3,
            Self::NeedsLogin => 4,
            Self::NeedsYou => 5,
            Self::Unreachable => 6,
            Self::Config => 7,
            Self::Locked => 8,
            Self::Changes => 10,
            Self::Interrupted => 130,
        }
    }

    /// The one that is reported when several apply: 7, 8, 4, 5, 6, 3, 1 in that order (S34).
    pub fn worst(exits: impl IntoIterator<Item = Self>) -> Self {
        const ORDER: [Exit; 7] = [
            Exit::Config,
            Exit::Locked,
            Exit::NeedsLogin,
            Exit::NeedsYou,
            Exit::Unreachable,
            Exit::Partial,
            Exit::Failed,
        ];
        let found: Vec<Self> = exits.into_iter().collect();
        ORDER
            .into_iter()
            .find(|exit| found.contains(exit))
            .unwrap_or(Self::Fine)
    }
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A stable word for programs: `config_invalid`, `lock_held`, `unreachable`, …
    pub code: String,
    /// What happened, without a full stop.
    pub what: String,
    /// Why.
    pub why: String,
    /// How things stand now, where that is not plain: what was done all the same, what waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Box<str>>,
    /// What to do next; where possible a command.
    pub help: String,
    /// How the command ends.
    #[serde(skip, default = "failed")]
    pub exit: Exit,
}

fn failed() -> Exit {
    Exit::Failed
}

impl Failure {
    /// A failure with all its parts.
    pub fn new(
        exit: Exit,
        code: &str,
        what: impl Into<String>,
        why: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            code: code.to_owned(),
            what: what.into(),
            why: why.into(),
            now: None,
            help: help.into(),
            exit,
        }
    }

    /// The same failure with how things stand now.
    #[must_use]
    pub fn now(self, now: impl Into<String>) -> Self {
        Self {
            now: Some(now.into().into_boxed_str()),
            ..self
        }
    }
}
