//! A failure as a person meets it: what happened, why, and what to do next.

use serde::{Deserialize, Serialize};

/// How a command ends. The numbers are promised, and stand for it in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
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

    /// The exit that has this code.
    pub fn of_code(code: u8) -> Option<Self> {
        Self::WORST_FIRST
            .into_iter()
            .find(|exit| exit.code() == code)
    }

    /// 7, 8, 4, 5, 6, 3, 1 in that order (S34); before them what stopped the whole command, after
    /// them what is no failure.
    const WORST_FIRST: [Self; 11] = [
        Self::Interrupted,
        Self::Usage,
        Self::Config,
        Self::Locked,
        Self::NeedsLogin,
        Self::NeedsYou,
        Self::Unreachable,
        Self::Partial,
        Self::Failed,
        Self::Changes,
        Self::Fine,
    ];

    fn rank(self) -> usize {
        let mut order = Self::WORST_FIRST.iter();
        order.position(|exit| *exit == self).unwrap_or_default()
    }

    /// The one that is reported when several apply (S34); none at all is fine.
    pub fn worst(exits: impl IntoIterator<Item = Self>) -> Self {
        exits.into_iter().fold(Self::Fine, |worst, exit| {
            if exit.rank() < worst.rank() {
                exit
            } else {
                worst
            }
        })
    }
}

impl From<Exit> for u8 {
    fn from(exit: Exit) -> Self {
        exit.code()
    }
}

impl TryFrom<u8> for Exit {
    type Error = String;

    fn try_from(code: u8) -> Result<Self, String> {
        Self::of_code(code).ok_or_else(|| format!("{code} is no exit code of ours"))
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
    #[serde(rename = "exit_code", default = "failed")]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s34_the_worst_of_several_exits_is_reported() {
        let check = |exits: &[Exit], code: u8| {
            assert_eq!(Exit::worst(exits.iter().copied()).code(), code, "{exits:?}");
        };
        let all = Exit::WORST_FIRST;
        check(&[], 0);
        for (at, exit) in all.iter().enumerate() {
            assert_eq!(exit.rank(), at, "each has one place");
            assert_eq!(Exit::of_code(exit.code()), Some(*exit));
            check(&all[at..], exit.code());
        }
        let order = [7, 8, 4, 5, 6, 3, 1].map(Exit::of_code).map(Option::unwrap);
        for pair in order.windows(2) {
            check(&[pair[1], pair[0]], pair[0].code());
        }
    }

    #[test]
    fn a_failure_carries_its_exit_code_through_json() {
        let failure = Failure::new(Exit::Locked, "lock_held", "what", "why", "help");
        let text = serde_json::to_string(&failure).unwrap();
        assert!(text.ends_with(r#","exit_code":8}"#), "{text}");
        assert_eq!(serde_json::from_str::<Failure>(&text).unwrap(), failure);
        // As an older version stored it.
        let old = text.replace(r#","exit_code":8"#, "");
        let read: Failure = serde_json::from_str(&old).unwrap();
        assert_eq!(read.exit, Exit::Failed);
    }
}
