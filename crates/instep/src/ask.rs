//! Questions to a person at a terminal. Nobody is asked anything that a flag could not answer.

use std::io;
use std::path::PathBuf;

use dialoguer::{Confirm, Input};
use instep_api::{AccountAdd, Exit, Failure, InitReply, SecretSource, SyncReply};
use instep_app::Places;

use crate::output;
use crate::render;
use crate::render::Screen;

/// Failures that only wait for somebody to accept what a sync would do.
const MEETINGS: [&str; 2] = ["first_meeting", "new_server"];

/// Whether all that stands in the way is a meeting that nobody has accepted yet.
pub(crate) fn is_first_meeting(reply: &SyncReply) -> bool {
    let errors = reply
        .accounts
        .iter()
        .filter_map(|account| account.error.as_ref());
    errors
        .into_iter()
        .any(|error| MEETINGS.contains(&error.code.as_str()))
}

/// Asks a question that yes or no answers; no by default.
pub(crate) fn yes(question: &str) -> Result<bool, Failure> {
    Confirm::new()
        .with_prompt(question)
        .default(false)
        .interact()
        .map_err(unanswered)
}

/// Offers the accounts that `init` cannot find by itself; an empty answer passes on.
pub(crate) async fn more_accounts(places: &Places, reply: &mut InitReply) -> Result<(), Failure> {
    let url = line("Address of your Vikunja server (empty for none)")?;
    if !url.is_empty() {
        let file = line("File that holds an API token of yours there")?;
        let wanted = AccountAdd {
            kind: "vikunja".to_owned(),
            url: Some(url),
            secret: Some(SecretSource::File(PathBuf::from(file))),
            ..AccountAdd::default()
        };
        add(places, &wanted, reply).await;
    }
    let path = line("Path of a task file, such as ~/tasks.json (empty for none)")?;
    if !path.is_empty() {
        let wanted = AccountAdd {
            kind: "file".to_owned(),
            path: Some(PathBuf::from(path)),
            ..AccountAdd::default()
        };
        add(places, &wanted, reply).await;
    }
    Ok(())
}

/// An account that cannot be added is told at once; what was set up before it stays.
async fn add(places: &Places, wanted: &AccountAdd, reply: &mut InitReply) {
    match instep_app::account_add(places, wanted).await {
        Ok(added) => reply.accounts.push(added),
        Err(failure) => output::err(&render::failure(&failure).draw(&Screen::new(false, None))),
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
