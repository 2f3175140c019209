//! Accounts that were not synced for too long (I14): which they are, and the alarm that the daemon
//! raises, once for each time it happens. Nothing is synced here, and no task is named.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use instep_api::{AccountStatus, Exit, Failure, State};
use instep_contract::Store;
use instep_model::{AccountId, Timestamp};
use tokio::process::Command;

use crate::Places;
use crate::app::App;
use crate::say;

/// How long an account may be silent beyond two of its intervals.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// The interval that is meant where accounts are not looked at by the clock.
const WITHOUT_POLL: Duration = Duration::from_secs(24 * 60 * 60);

/// How often the daemon looks at least and at most.
const LEAST_BETWEEN: Duration = Duration::from_secs(60);
const MOST_BETWEEN: Duration = Duration::from_secs(60 * 60);

/// How long the command of a person may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// An account that is silent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silent {
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Since when and why, without the text of any task.
    pub why: String,
}

impl App {
    /// How long an account may go unsynced before that is too long.
    pub(crate) fn silence_limit(&self) -> Duration {
        self.poll_every().unwrap_or(WITHOUT_POLL) * 2 + PATIENCE
    }

    /// How often to look for silent accounts.
    pub fn look_for_silence_every(&self) -> Duration {
        let often = self.silence_limit() / 16;
        often.clamp(LEAST_BETWEEN, MOST_BETWEEN)
    }

    /// For how long an account was silent, where that is too long. A pass of the future was noted by a
    /// clock that was wrong, and tells no less than one of the past.
    pub(crate) fn silent_for(&self, last_pass: Option<Timestamp>) -> Option<Duration> {
        let age = Timestamp::now().duration_since(last_pass?).unsigned_abs();
        (age > self.silence_limit()).then_some(age)
    }

    /// Accounts that were not synced for too long; those that a person paused are none.
    ///
    /// # Errors
    /// When the hub fails.
    pub async fn silent_accounts(&self) -> Result<Vec<Silent>, Failure> {
        let mut silent = Vec::new();
        for entry in &self.config.accounts {
            let known = self.hub.account_state(&entry.account.id).await;
            let known = known.map_err(|error| say::from_store(&error))?;
            let Some(age) = self.silent_for(known.last_pass_at) else {
                continue;
            };
            if self.access_to(entry).await?.is_paused {
                continue;
            }
            // What a service said may hold the text of a task; what we say of it does not.
            let trouble = known.trouble.as_ref().map(|trouble| {
                let failure = say::from_trouble(entry, trouble, say::Met::Looking);
                format!(": {}", failure.what)
            });
            silent.push(Silent {
                account: entry.account.id.clone(),
                name: entry.account.name.clone(),
                why: words(age) + &trouble.unwrap_or_default(),
            });
        }
        Ok(silent)
    }

    /// Says it in a status where an account is silent.
    pub(crate) fn tell_silence(&self, told: &mut AccountStatus, last_pass: Option<Timestamp>) {
        let Some(age) = self.silent_for(last_pass) else {
            return;
        };
        if told.state == State::Paused {
            return;
        }
        told.silent = true;
        told.state = State::NeedsYou;
        let name = &told.name;
        told.why = Some(match told.why.take() {
            Some(why) => format!("{}; {why}", words(age)),
            None => format!("{} → instep sync {name}", words(age)),
        });
    }
}

/// How long an account has not been synced.
fn words(age: Duration) -> String {
    format!("not synced for {}", say::span(age))
}

/// What the daemon remembers of alarms.
#[derive(Debug)]
pub struct Alarm {
    memory: PathBuf,
    /// Silent at the last look: an account that has just woken up with its computer is given one
    /// more.
    suspected: BTreeSet<AccountId>,
}

impl Alarm {
    /// The alarm of an instance; what was raised before a restart is remembered.
    pub fn of(places: &Places) -> Self {
        Self {
            memory: places.state().join("alarms"),
            suspected: BTreeSet::new(),
        }
    }

    /// Looks for silent accounts, and raises the alarm for each that was found twice in a row and for
    /// which it was not raised since it was last synced.
    ///
    /// # Errors
    /// When the hub fails, or what was raised cannot be written down: nothing is raised then, rather
    /// than over and over.
    pub async fn look(&mut self, app: &App) -> Result<(), Failure> {
        let silent = app.silent_accounts().await?;
        let known = self.raised()?;
        let ids: BTreeSet<AccountId> = silent.iter().map(|one| one.account.clone()).collect();
        let is_due =
            |one: &&Silent| self.suspected.contains(&one.account) && !known.contains(&one.account);
        let due: Vec<&Silent> = silent.iter().filter(is_due).collect();
        let mut raised: BTreeSet<AccountId> = known.intersection(&ids).cloned().collect();
        raised.extend(due.iter().map(|one| one.account.clone()));
        if raised != known {
            self.remember(&raised).map_err(|error| not_kept(&error))?;
        }
        self.suspected = ids;
        for one in due {
            tracing::error!(account.id = %one.account, why = one.why, "an account is silent");
            if let Some(words) = app.config.daemon.alarm_words() {
                run(&words, one).await;
            }
        }
        Ok(())
    }

    fn raised(&self) -> Result<BTreeSet<AccountId>, Failure> {
        match std::fs::read_to_string(&self.memory) {
            Ok(text) => Ok(text.lines().map(AccountId::new).collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeSet::new()),
            Err(error) => Err(not_kept(&error)),
        }
    }

    /// Written whole or not at all.
    fn remember(&self, raised: &BTreeSet<AccountId>) -> std::io::Result<()> {
        let dir = self.memory.parent().unwrap_or(&self.memory);
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        for account in raised {
            writeln!(file, "{account}")?;
        }
        file.as_file().sync_all()?;
        file.persist(&self.memory).map_err(|error| error.error)?;
        Ok(())
    }
}

fn not_kept(error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Failed,
        "alarm_not_kept",
        "the memory of alarms cannot be used",
        error.to_string(),
        "instep doctor --fix",
    )
}

/// Runs a person's command, by no shell and without waiting for ever.
async fn run(words: &[String], silent: &Silent) {
    let Some((program, arguments)) = words.split_first() else {
        return;
    };
    let started = Command::new(program)
        .args(arguments)
        .env("INSTEP_ACCOUNT", &silent.name)
        .env("INSTEP_WHY", &silent.why)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let ended = match started {
        Ok(mut child) => tokio::time::timeout(COMMAND_TIMEOUT, child.wait()).await,
        Err(error) => {
            tracing::warn!(%error, "the alarm's command could not be started");
            return;
        }
    };
    match ended {
        Ok(Ok(status)) if status.success() => {}
        Ok(Ok(status)) => tracing::warn!(%status, "the alarm's command failed"),
        Ok(Err(error)) => tracing::warn!(%error, "the alarm's command was lost"),
        Err(_) => tracing::warn!("the alarm's command took too long"),
    }
}
