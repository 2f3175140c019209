//! Where secrets come from. Each is read once in a process (S36) and kept where neither a log
//! nor a debug print shows it; none is ever written.

use std::collections::HashMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use instep_api::{Exit, Failure, SecretSource};
use instep_model::AccountId;
use secrecy::SecretString;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use crate::config::check_mode;
use crate::{Places, say};

/// A secret file or a command's answer is never longer.
const MAX_BYTES: u64 = 64 * 1024;

/// A command that asks a person something may take this long.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// The secrets that were read.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    known: Mutex<HashMap<AccountId, SecretString>>,
}

impl Secrets {
    /// The secret of an account, read the first time only.
    pub(crate) async fn get(
        &self,
        account: &AccountId,
        source: &SecretSource,
    ) -> Result<SecretString, Failure> {
        if let Some(known) = self.lock().get(account) {
            return Ok(known.clone());
        }
        let secret = read(source).await?;
        tracing::debug!(account.id = %account, source = describe(source), "read the secret");
        self.lock().insert(account.clone(), secret.clone());
        Ok(secret)
    }

    /// Reads the secret of this account anew the next time.
    pub(crate) fn forget(&self, account: &AccountId) {
        self.lock().remove(account);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AccountId, SecretString>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a file, as a person types its path, holds a secret that may be used.
///
/// # Errors
/// When it is missing, empty, or open to others.
pub fn check_secret_file(places: &Places, typed: &Path) -> Result<(), Failure> {
    from_file(&places.absolute(typed)).map(drop)
}

/// Reads a secret from where it comes from.
pub(crate) async fn read(source: &SecretSource) -> Result<SecretString, Failure> {
    let text = match source {
        SecretSource::File(path) => from_file(path)?,
        SecretSource::Env(name) => from_env(name)?,
        SecretSource::Command(command) => from_command(command).await?,
    };
    let line = text.lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        return Err(unreadable(
            format!("{} holds no secret", describe(source)),
            "its first line is empty".to_owned(),
            help(source),
        ));
    }
    Ok(SecretString::from(line.to_owned()))
}

/// Where a secret comes from, for a person.
pub(crate) fn describe(source: &SecretSource) -> String {
    match source {
        SecretSource::File(path) => format!("the file {}", path.display()),
        SecretSource::Env(name) => format!("the variable {name}"),
        SecretSource::Command(_) => "the secret's command".to_owned(),
    }
}

fn unreadable(what: String, why: String, help: String) -> Failure {
    Failure::new(Exit::Config, "secret_unreadable", what, why, help)
}

/// What makes a source hold a secret; it works for an account that is still to be made as well.
fn help(source: &SecretSource) -> String {
    match source {
        SecretSource::File(path) => {
            let path = say::quoted(path);
            format!("write the token into it: (umask 077; cat > {path})")
        }
        SecretSource::Env(name) => format!("export {name}=TOKEN"),
        SecretSource::Command(command) => format!("see what it says by itself: {command}"),
    }
}

fn from_file(path: &Path) -> Result<String, Failure> {
    check_mode(path, "the secret file", true)?;
    let failed = |error: std::io::Error| {
        unreadable(
            format!("the secret file {} cannot be read", path.display()),
            error.to_string(),
            help(&SecretSource::File(path.to_owned())),
        )
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut text = String::new();
    std::io::Read::read_to_string(&mut std::io::Read::take(file, MAX_BYTES), &mut text)
        .map_err(failed)?;
    Ok(text)
}

fn from_env(name: &str) -> Result<String, Failure> {
    std::env::var(name).map_err(|error| {
        unreadable(
            format!("the variable {name} holds no secret"),
            error.to_string(),
            help(&SecretSource::Env(name.to_owned())),
        )
    })
}

/// Runs the command by the shell, so that it may be a pipe; what it complains about goes to the
/// terminal, so that it may ask for a passphrase.
async fn from_command(command: &str) -> Result<String, Failure> {
    let failed = |why: String| {
        let help = help(&SecretSource::Command(command.to_owned()));
        unreadable("the command for the secret failed".to_owned(), why, help)
    };
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("`sh` could not be started: {error}")))?;
    let mut text = String::new();
    let answered = async {
        if let Some(out) = child.stdout.take() {
            out.take(MAX_BYTES).read_to_string(&mut text).await?;
        }
        child.wait().await
    };
    match tokio::time::timeout(COMMAND_TIMEOUT, answered).await {
        Ok(Ok(status)) if status.success() => Ok(text),
        Ok(Ok(status)) => Err(failed(format!("it ended with {status}"))),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed(format!(
            "it took longer than {} s",
            COMMAND_TIMEOUT.as_secs()
        ))),
    }
}

/// Refuses a source that could not be written down.
pub(crate) fn check(source: &SecretSource) -> Result<(), Failure> {
    match source {
        SecretSource::File(path) if path.to_str().is_none() => Err(say::usage(
            "bad_path",
            format!("{} cannot be written into the config", path.display()),
            "its name is not UTF-8",
            "give the file another name",
        )),
        _ => Ok(()),
    }
}
