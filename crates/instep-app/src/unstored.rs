//! What went wrong and could not be stored, because it is the hub that fails: the process that met it
//! remembers it for `status`, and forgets it with the next success. Nothing is decided by it.

use std::collections::BTreeMap;

use instep_api::{Exit, Failure, State, StatusReply};
use instep_model::{AccountId, Timestamp};

use crate::App;
use crate::config::UNREAD;

/// What a failure stood in the way of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// An account's turn.
    Account(AccountId),
    /// Storing what hooks told.
    Hooks,
    /// Storing what webhooks told.
    Webhooks,
    /// Taking in what hooks left in their spool.
    Spool,
    /// Going by the config as it is by now.
    Config,
}

impl Part {
    /// What is said of one that is no account.
    fn told(&self) -> &'static str {
        match self {
            Self::Account(_) => "a turn did not come through",
            Self::Hooks => "what Taskwarrior's hook told could not be stored",
            Self::Webhooks => "what a webhook told could not be stored",
            Self::Spool => "what hooks left in their spool could not be taken in",
            Self::Config => "the daemon could not go on with the config as it is by now",
        }
    }
}

/// What could not be stored, as long as that is so.
#[derive(Debug, Default)]
pub struct Unstored(BTreeMap<Part, (Timestamp, Failure)>);

impl Unstored {
    /// Remembers a failure, in the place of the last one of the same part.
    pub fn keep(&mut self, part: Part, failure: Failure) {
        self.0.insert(part, (Timestamp::now(), failure));
    }

    /// What this was about has come through.
    pub fn forget(&mut self, part: &Part) {
        self.0.remove(part);
    }

    /// What it is about, in words that name no task.
    pub fn names(&self, app: &App) -> Vec<String> {
        let name = |part: &Part| match part {
            Part::Account(id) => Some(app.account_name(id).to_owned()),
            Part::Hooks => Some("hook reports".to_owned()),
            Part::Webhooks => Some("webhooks".to_owned()),
            Part::Spool => Some("spool".to_owned()),
            // It goes on as before.
            Part::Config => None,
        };
        self.0.keys().filter_map(name).collect()
    }

    /// Tells it in a status. What another process has come through with since is over.
    pub fn tell(&self, app: &App, reply: &mut StatusReply) {
        for (part, (at, failure)) in &self.0 {
            match part {
                Part::Account(id) => tell_of(reply, app.account_name(id), *at, failure),
                Part::Config => {
                    let mut problems = reply.problems.iter_mut();
                    // One that was mended since, or is no longer there, says more by itself.
                    if let Some(told) = problems.find(|one| one.code == UNREAD) {
                        *told = of(part, failure);
                    }
                }
                _ => reply.problems.push(of(part, failure)),
            }
        }
    }
}

fn of(part: &Part, failure: &Failure) -> Failure {
    let why = match failure.why.as_str() {
        "" => failure.what.clone(),
        why => format!("{}: {why}", failure.what),
    };
    let exit = match failure.exit {
        Exit::Fine => Exit::Failed,
        exit => exit,
    };
    Failure::new(exit, &failure.code, part.told(), why, advice(failure))
}

/// What helps: nobody asked for what the daemon does by itself, so that nothing is to be run once more.
fn advice(failure: &Failure) -> String {
    match failure.exit {
        Exit::Failed => "instep doctor".to_owned(),
        _ => failure.help.clone(),
    }
}

fn tell_of(reply: &mut StatusReply, name: &str, at: Timestamp, failure: &Failure) {
    let mut accounts = reply.accounts.iter_mut();
    let Some(told) = accounts.find(|account| account.name == name) else {
        return;
    };
    let pass = told.last_pass_at.as_deref();
    let is_over = pass.is_some_and(|pass| pass.parse().is_ok_and(|pass: Timestamp| pass > at));
    if is_over || told.state == State::Paused {
        return;
    }
    told.state = State::NeedsYou;
    let help = advice(failure);
    told.why = Some(format!("{}: {} → {help}", failure.what, failure.why));
    told.error = Some(Failure {
        help,
        ..failure.clone()
    });
}
