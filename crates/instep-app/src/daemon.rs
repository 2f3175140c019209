//! The daemon as the command line meets it: where one runs it carries out what is asked, in the same
//! way as this process would.

use instep_api::socket::{DaemonHello, Progress, Question, Said};
use instep_api::{Client, DaemonStatus, Exit, Failure, NotesLine, Reply, Request, StatusReply};

use crate::Places;
use crate::newest::Newest;
use crate::notice::advice;

/// What to do where no daemon takes webhooks.
pub fn nobody_listens(places: &Places) -> Option<NotesLine> {
    let listens = |daemon: Daemon| daemon.hello.http.is_some();
    match Daemon::find(places).is_some_and(listens) {
        true => None,
        false => Some(advice("the daemon listens for them", "instep serve")),
    }
}

/// Whether a daemon runs that takes no webhooks, as where its address was taken by another program.
pub(crate) fn is_deaf(places: &Places) -> bool {
    Daemon::find(places).is_some_and(|daemon| daemon.hello.http.is_none())
}

/// A daemon that answers.
#[derive(Debug)]
pub struct Daemon {
    client: Client,
    hello: DaemonHello,
}

impl Daemon {
    /// The daemon of these places, if one runs.
    pub fn find(places: &Places) -> Option<Self> {
        let (client, hello) = Client::find(&places.sockets(), places.data())?;
        Some(Self { client, hello })
    }

    /// Has it read the config again.
    ///
    /// # Errors
    /// When it refuses, or goes away.
    pub fn reload(&self) -> Result<(), Failure> {
        match self.client.ask(Question::Reload, &mut |_| {}) {
            Ok(Said::Failure(failure)) => Err(failure),
            Ok(_) => Ok(()),
            Err(error) => Err(went_away(&error.to_string())),
        }
    }

    /// Has it see at once whether anything is due, whatever failed before.
    pub fn try_again(&self) {
        // One that goes away tries again when it starts.
        let _ = self.client.ask(Question::TryAgain, &mut |_| {});
    }

    /// What it said of itself.
    pub(crate) fn hello(&self) -> &DaemonHello {
        &self.hello
    }

    /// What a status says of it.
    pub fn status(&self) -> DaemonStatus {
        DaemonStatus {
            running: true,
            pid: Some(self.hello.pid),
            socket: Some(self.client.socket().display().to_string()),
            http: self.hello.http.clone(),
        }
    }

    /// Has it carry out a request.
    ///
    /// # Errors
    /// Whatever stopped it as a whole; the daemon going away, too.
    pub async fn carry_out(
        &self,
        request: Request,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Reply, Failure> {
        let told = Newest::default();
        let teller = told.clone();
        let client = self.client.clone();
        let mut answer = tokio::task::spawn_blocking(move || {
            let mut tell =
                |progressed: Progress| teller.tell(progressed.account.clone(), progressed);
            client.ask(Question::Run(Box::new(request)), &mut tell)
        });
        let said = loop {
            tokio::select! {
                said = &mut answer => break said,
                (_, progressed) = told.next() => progress(progressed),
            }
        };
        match said {
            Ok(Ok(Said::Reply(Reply::Status(reply)))) => Ok(Reply::Status(StatusReply {
                daemon: self.status(),
                ..reply
            })),
            Ok(Ok(Said::Reply(reply))) => Ok(reply),
            Ok(Ok(Said::Failure(failure))) => Err(failure),
            Ok(Ok(other)) => Err(went_away(&format!("it said {other:?}"))),
            Ok(Err(error)) => Err(went_away(&error.to_string())),
            Err(error) => Err(went_away(&error.to_string())),
        }
    }
}

fn went_away(why: &str) -> Failure {
    Failure::new(
        Exit::Failed,
        "daemon_gone",
        "the daemon went away before it answered",
        why,
        "run the same command again: it finishes the job",
    )
}
