//! Questions to a person at a terminal. Nobody is asked anything that a flag could not answer.

use std::io;
use std::path::PathBuf;

use dialoguer::{Confirm, Input};
use instep_api::{AccountAdd, Exit, Failure, InitReply, SecretSource};
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

/// Offers the accounts that `init` cannot find by itself; an empty answer passes on. Everything is
/// asked first; then each account is tried and told of in turn.
pub(crate) async fn more_accounts(
    places: &Places,
    manner: &Manner,
    reply: &mut InitReply,
) -> Result<(), Failure> {
    let mut wanted = Vec::new();
    let url = line("Address of your Vikunja server (empty for none)")?;
    if !url.is_empty() {
        let file = line("File that holds an API token of yours there, readable by you alone")?;
        wanted.push(AccountAdd {
            kind: "vikunja".to_owned(),
            url: Some(url),
            secret: Some(SecretSource::File(PathBuf::from(file))),
            ..AccountAdd::default()
        });
    }
    let path = line("Path of a task file, such as ~/tasks.json (empty for none)")?;
    if !path.is_empty() {
        wanted.push(AccountAdd {
            kind: "file".to_owned(),
            path: Some(PathBuf::from(path)),
            ..AccountAdd::default()
        });
    }
    for account in &wanted {
        // One that cannot be added is told at once; what was set up before it stays.
        match instep_app::account_add(places, account).await {
            Ok(added) => reply.accounts.push(added),
            Err(failure) => output::failure(&failure, manner),
        }
    }
    Ok(())
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
