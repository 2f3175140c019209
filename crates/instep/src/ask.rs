//! Questions to a person at a terminal. Nobody is asked anything that a flag could not answer.

use std::io;
use std::path::{Path, PathBuf};

use dialoguer::{Confirm, Input};
use instep_api::{AccountAdd, AccountAdded, Exit, Failure, InitReply, SecretSource};
use instep_app::Places;

use crate::manner::Manner;
use crate::output;

/// Asks a question that yes or no answers; no by default.
pub(crate) fn yes(question: &str) -> Result<bool, Failure> {
    Confirm::new()
        .with_prompt(question)
        .default(false)
        .interact()
        .map_err(unanswered)
}

/// Offers the accounts that `init` cannot find by itself; an empty answer passes on. Each answer is
/// checked when it is given, and each account tried before the next is asked for: what cannot be used is
/// told, and asked again.
pub(crate) async fn more_accounts(
    places: &Places,
    manner: &Manner,
    reply: &mut InitReply,
) -> Result<(), Failure> {
    reply.accounts.extend(vikunja(places, manner).await?);
    reply.accounts.extend(file(places, manner).await?);
    Ok(())
}

async fn vikunja(places: &Places, manner: &Manner) -> Result<Option<AccountAdded>, Failure> {
    loop {
        let url = checked(
            "Address of your Vikunja server (empty for none)",
            manner,
            instep_app::check_address,
        )?;
        let Some(url) = url else {
            return Ok(None);
        };
        let file = checked(
            "File that holds your API token, readable by you alone (empty to go back)",
            manner,
            |file| instep_app::check_secret_file(places, Path::new(file)),
        )?;
        let Some(file) = file else {
            continue;
        };
        let account = AccountAdd {
            kind: "vikunja".to_owned(),
            url: Some(url),
            secret: Some(SecretSource::File(PathBuf::from(file))),
            ..AccountAdd::default()
        };
        if let Some(added) = tried(places, manner, &account).await {
            return Ok(Some(added));
        }
    }
}

async fn file(places: &Places, manner: &Manner) -> Result<Option<AccountAdded>, Failure> {
    loop {
        let path = line("Path of a task file, such as ~/tasks.json (empty for none)")?;
        if path.is_empty() {
            return Ok(None);
        }
        let account = AccountAdd {
            kind: "file".to_owned(),
            path: Some(PathBuf::from(path)),
            ..AccountAdd::default()
        };
        if let Some(added) = tried(places, manner, &account).await {
            return Ok(Some(added));
        }
    }
}

/// An account that could be added; why it could not is told at once.
async fn tried(places: &Places, manner: &Manner, account: &AccountAdd) -> Option<AccountAdded> {
    let added = instep_app::account_add(places, account).await;
    added
        .map_err(|failure| output::failure(&failure, manner))
        .ok()
}

/// An answer that stands up to its check, asked for until it does; `None` where it is empty.
fn checked(
    prompt: &str,
    manner: &Manner,
    check: impl Fn(&str) -> Result<(), Failure>,
) -> Result<Option<String>, Failure> {
    loop {
        let answer = line(prompt)?;
        if answer.is_empty() {
            return Ok(None);
        }
        match check(&answer) {
            Ok(()) => return Ok(Some(answer)),
            Err(failure) => output::failure(&failure, manner),
        }
    }
}

fn line(prompt: &str) -> Result<String, Failure> {
    let input = Input::<String>::new().with_prompt(prompt).allow_empty(true);
    let text = input.interact_text().map_err(unanswered)?;
    Ok(text.trim().to_owned())
}

fn unanswered(error: dialoguer::Error) -> Failure {
    let dialoguer::Error::IO(error) = error;
    if error.kind() == io::ErrorKind::Interrupted {
        return crate::interrupted();
    }
    Failure::new(
        Exit::Failed,
        "unanswered",
        "the question was not answered",
        error.to_string(),
        "answer it beforehand with --yes, or with --no-input leave it open",
    )
}
