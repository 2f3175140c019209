//! How the three accounts of a schedule are set up, as data.

use std::collections::BTreeSet;

use instep_model::{ProjectPath, Scope};
use serde::{Deserialize, Serialize};

/// How the three accounts are set up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Setting {
    pub(crate) ask: bool,
    pub(crate) prefer: Option<usize>,
    /// The account that is never written (S29).
    pub(crate) reads_only: Option<usize>,
    /// The account that is never read (S29).
    pub(crate) writes_only: Option<usize>,
    /// The account that takes part in some tasks only (S27).
    pub(crate) limited: Option<(usize, Limit)>,
    /// Whether the first service is elsewhere, so that it has a breaker (S33).
    pub(crate) breaker: bool,
}

/// What an account is limited to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Limit {
    /// Two of the projects.
    Projects,
    /// What does not bear one tag.
    NotTagged,
}

/// The tag that keeps a task out of a limited account.
pub(crate) const AWAY: &str = "away";

impl Limit {
    pub(crate) fn scope(self) -> Scope {
        let project = |name: &str| ProjectPath::new([name.to_owned()]);
        match self {
            Self::Projects => Scope {
                projects: ["p0", "p1"].into_iter().filter_map(project).collect(),
                ..Scope::default()
            },
            Self::NotTagged => Scope {
                not_tags: BTreeSet::from([AWAY.to_owned()]),
                ..Scope::default()
            },
        }
    }
}

impl Setting {
    /// What is out of the ordinary, by name.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        let limit = self.limited.map(|(_, limit)| match limit {
            Limit::Projects => "limits an account to projects",
            Limit::NotTagged => "limits an account by a tag",
        });
        let ask = self.ask.then_some("asks");
        let prefer = self.prefer.map(|_| "prefers one account");
        let reads = self.reads_only.map(|_| "reads an account only");
        let writes = self.writes_only.map(|_| "writes an account only");
        let breaker = self.breaker.then_some("has a breaker");
        [ask, prefer, reads, writes, limit, breaker]
            .into_iter()
            .flatten()
    }

    /// The same with one thing less out of the ordinary.
    pub(crate) fn plainer(self) -> Vec<Self> {
        let mut plainer = Vec::new();
        if self.ask {
            plainer.push(Self { ask: false, ..self });
        }
        if self.prefer.is_some() {
            plainer.push(Self {
                prefer: None,
                ..self
            });
        }
        if self.reads_only.is_some() {
            plainer.push(Self {
                reads_only: None,
                ..self
            });
        }
        if self.writes_only.is_some() {
            plainer.push(Self {
                writes_only: None,
                ..self
            });
        }
        if self.limited.is_some() {
            plainer.push(Self {
                limited: None,
                ..self
            });
        }
        if self.breaker {
            plainer.push(Self {
                breaker: false,
                ..self
            });
        }
        plainer
    }
}
