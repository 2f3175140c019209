//! The config file: what it says, what is wrong with it, and how it is changed without losing a
//! comment. No secret is ever in it, only where one comes from. No service is asked here.

mod edit;
mod keys;
mod level;
mod limits;
mod modes;
mod parse;
mod unread;
mod zone;

#[cfg(test)]
mod documented;

use std::num::NonZeroU32;
use std::path::PathBuf;

use instep_api::SecretSource;
use instep_connectors::vikunja;
use instep_engine::{BreakerRule, Rate};
use instep_model::{Account, ConflictPolicy, TimeZone};
use serde::Deserialize;

pub(crate) use edit::{
    add_account, remove_account, rename_account, set_public_url, set_secret, start,
};
pub(crate) use keys::{Unknown, nearest};
pub(crate) use level::Level;
pub(crate) use modes::{Looseness, check_mode, loose};
pub use modes::{config_check, config_copy, config_replace, config_show, log_level, shown_zone};
pub(crate) use parse::{check_format, check_name, load, parse, scope, system_zone, unknown_kind};
pub(crate) use unread::UNREAD;
pub(crate) use zone::zone_named;

/// Everything the config says.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The name of the time zone.
    pub(crate) timezone: String,
    /// The person's time zone (S21).
    pub(crate) zone: TimeZone,
    /// Every account, in the order of the file.
    pub(crate) accounts: Vec<Entry>,
    /// What the daemon and the hook do.
    pub(crate) daemon: Daemon,
    /// When a service that fails is left alone, without what the environment says.
    pub(crate) breaker: BreakerRule,
    /// How many calls an account makes in a second.
    pub(crate) rate: Rate,
    /// Keys that mean nothing.
    pub(crate) unknown: Vec<Unknown>,
    /// The text that says all this.
    pub(crate) text: String,
}

impl Config {
    /// What a person should hear of it: keys that mean nothing.
    pub(crate) fn notes(&self) -> impl Iterator<Item = String> {
        self.unknown
            .iter()
            .map(|unknown| format!("config: {unknown}"))
    }

    /// The account of this name.
    pub(crate) fn entry(&self, name: &str) -> Option<&Entry> {
        self.accounts
            .iter()
            .find(|entry| entry.account.name == name)
    }

    /// How many reads of one look go out at once: never more than all calls may in a second.
    pub(crate) fn parallel_reads(&self) -> usize {
        limits::at_once(self.daemon.parallel_reads, self.rate)
    }

    /// The names of all accounts.
    pub(crate) fn names(&self) -> Vec<&str> {
        let names = self
            .accounts
            .iter()
            .map(|entry| entry.account.name.as_str());
        names.collect()
    }

    /// The accounts as the engine knows them.
    pub(crate) fn accounts(&self) -> Vec<Account> {
        let accounts = self.accounts.iter().map(|entry| entry.account.clone());
        accounts.collect()
    }
}

/// What the daemon and the hook do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Daemon {
    /// Whether a hook starts a pass where no daemon runs.
    pub(crate) hook_pass: bool,
    /// How often each account is looked at whether anything was told of it or not; 0 for never.
    pub(crate) poll_secs: u64,
    /// How many reads of one look at a server go out at once, whoever looks.
    pub(crate) parallel_reads: NonZeroU32,
    /// Where the daemon listens for webhooks; empty for nowhere.
    pub(crate) listen: String,
    /// Where services reach it, without a slash at its end; webhooks are registered for that.
    pub(crate) public_url: Option<String>,
    /// What is run, without a shell, when an account was not synced for too long.
    pub(crate) alarm_command: Option<String>,
    /// How much the daemon logs.
    pub(crate) log: Level,
}

impl Daemon {
    /// The program of the alarm with its arguments.
    pub(crate) fn alarm_words(&self) -> Option<Vec<String>> {
        let words = shlex::split(self.alarm_command.as_deref()?)?;
        (!words.is_empty()).then_some(words)
    }
}

/// Reads that go out at once where nothing is said.
const PARALLEL_READS: NonZeroU32 = NonZeroU32::MIN.saturating_add(3);

impl Default for Daemon {
    fn default() -> Self {
        Self {
            hook_pass: false,
            poll_secs: 60,
            parallel_reads: PARALLEL_READS,
            listen: "127.0.0.1:7117".to_owned(),
            public_url: None,
            alarm_command: None,
            log: Level::default(),
        }
    }
}

/// One account of the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The part that the engine knows.
    pub(crate) account: Account,
    /// How its service is reached.
    pub(crate) reach: Reach,
}

/// How a service is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    /// A Taskwarrior database on this computer.
    Taskwarrior {
        program: PathBuf,
        taskrc: Option<PathBuf>,
        data: Option<PathBuf>,
        run_hooks: bool,
    },
    /// A Vikunja server.
    Vikunja { url: String, secret: SecretSource },
    /// A file of tasks.
    File {
        path: PathBuf,
        priority_high_is_one: bool,
    },
}

impl Reach {
    /// Where it is, for a person.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Taskwarrior { data, taskrc, .. } => {
                let named = data.as_ref().or(taskrc.as_ref());
                named.map_or_else(String::new, |path| path.display().to_string())
            }
            Self::Vikunja { url, .. } => url.clone(),
            Self::File { path, .. } => path.display().to_string(),
        }
    }

    /// The host that is called, where one is.
    pub(crate) fn host(&self) -> Option<String> {
        match self {
            Self::Vikunja { url, .. } => vikunja::host_of(url),
            Self::Taskwarrior { .. } | Self::File { .. } => None,
        }
    }

    /// The address that is called, where one is; no secret is ever in it.
    pub(crate) fn address(&self) -> Option<String> {
        match self {
            Self::Vikunja { url, .. } => vikunja::shown_address(url),
            Self::Taskwarrior { .. } | Self::File { .. } => None,
        }
    }

    /// Where its secret comes from, where it has one.
    pub(crate) fn secret(&self) -> Option<&SecretSource> {
        match self {
            Self::Vikunja { secret, .. } => Some(secret),
            Self::Taskwarrior { .. } | Self::File { .. } => None,
        }
    }
}

/// A policy as the config writes it.
pub(crate) fn policy_text(policy: &ConflictPolicy, accounts: &[Account]) -> String {
    match policy {
        ConflictPolicy::Newest => "newest".to_owned(),
        ConflictPolicy::Ask => "ask".to_owned(),
        ConflictPolicy::Prefer(id) => {
            let named = accounts.iter().find(|account| account.id == *id);
            let name = named.map_or(id.as_str(), |account| account.name.as_str());
            format!("prefer:{name}")
        }
    }
}
