//! `status --watch`: how everything stands, told again whenever that changes. A terminal shows the last
//! of it, a pipe gets all, one after the other.

use std::time::Duration;

use console::Term;
use instep_api::{Exit, Failure, Reply, Request, StatusReply};
use instep_app::{App, Hub, Places};

use crate::answer::Answer;
use crate::manner::Manner;
use crate::{output, render};

/// How often it is asked.
const EVERY: Duration = Duration::from_secs(1);

/// What a daemon that ends leaves behind: the next look goes without it.
const PASSES: &str = "daemon_gone";

/// Watches until the person, or whoever reads, has had enough.
pub(crate) async fn run(
    places: &Places,
    is_usual: bool,
    manner: &Manner,
) -> Result<Answer, Failure> {
    tokio::select! {
        ended = watch(places, is_usual, manner) => ended.map(|()| Answer::Watched),
        _ = tokio::signal::ctrl_c() => Ok(Answer::Watched),
    }
}

/// Ends when nobody reads any more.
async fn watch(places: &Places, is_usual: bool, manner: &Manner) -> Result<(), Failure> {
    let term = Term::stdout();
    let is_screen = term.is_term() && !manner.json;
    let mut ticks = tokio::time::interval(EVERY);
    let mut shown: Option<String> = None;
    loop {
        ticks.tick().await;
        let reply = match status(places, is_usual).await {
            Err(failure) if shown.is_some() && failure.code == PASSES => continue,
            other => other?,
        };
        let answer = Answer::Status(reply.clone());
        let text = match manner.json {
            true => answer.json(),
            false => render::answer(&answer, &manner.screen()),
        };
        // On a screen time goes by; elsewhere that alone is no change.
        let key = match is_screen {
            true => text.clone(),
            false => Answer::Status(settled(reply)).json(),
        };
        if shown.as_ref() == Some(&key) {
            continue;
        }
        if is_screen {
            let _ = term.clear_screen();
        }
        if !output::is_read(&text) {
            return Ok(());
        }
        shown = Some(key);
    }
}

async fn status(places: &Places, is_usual: bool) -> Result<StatusReply, Failure> {
    let hub = match is_usual {
        true => Hub::open(places).await?,
        false => Hub::Here(Box::new(App::open(places).await?)),
    };
    let reply = hub.carry_out(&Request::Status, &mut |_| {}).await;
    hub.close().await;
    match reply? {
        Reply::Status(reply) => Ok(reply),
        _ => Err(Failure::new(
            Exit::Failed,
            "other_version",
            "the daemon answered with something else than how everything stands",
            "it is of another version than this command",
            "instep doctor",
        )),
    }
}

/// A reply without what changes by itself: counted seconds, and looks that found nothing.
fn settled(mut reply: StatusReply) -> StatusReply {
    for problem in &mut reply.problems {
        // How much room is left, say.
        problem.what = without_digits(&problem.what);
    }
    for account in &mut reply.accounts {
        account.last_pass_at = None;
        account.breaker.retry_in_s = None;
        let why = account.why.as_deref();
        account.why = why.map(without_digits);
        if let Some(error) = &mut account.error {
            // When it is tried again, say.
            error.why = without_digits(&error.why);
            error.now = error.now.as_deref().map(|now| without_digits(now).into());
        }
    }
    reply
}

fn without_digits(text: &str) -> String {
    text.replace(|c: char| c.is_ascii_digit(), "")
}
