//! The Unix socket: one question for each connection. Whoever is too slow, too long, of another user or
//! of another data directory is refused, and nobody waits for anybody else.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use instep_api::socket::{
    DaemonHello, Envelope, HEADER_BYTES, MAX_ANSWER_BYTES, MAX_QUESTION_BYTES, PROTOCOL, Progress,
    Question, Said, body_len, frame,
};
use instep_api::{Exit, Failure, Reply, Request};
use instep_app::Newest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::intake::Intake;
use crate::listen::Http;
use crate::shared::Shared;
use crate::standing::{Callers, Place};

/// How long a caller may take to ask, and to take one answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to leave a listener alone that has no file descriptor left.
const BREATH: Duration = Duration::from_millis(50);

/// Answers until it is dropped.
pub(crate) async fn serve(listener: UnixListener, shared: Rc<Shared>, intake: Intake) {
    let callers = Callers::default();
    let mut conversations = JoinSet::new();
    loop {
        while conversations.try_join_next().is_some() {}
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        while !callers.make_room() {
            // Whoever is answered leaves some time.
            conversations.join_next().await;
        }
        let (shared, intake) = (Rc::clone(&shared), intake.clone());
        callers.seat(|place| {
            conversations.spawn_local(async move {
                if let Err(error) = converse(stream, &shared, &intake, place).await {
                    shared.metrics.refused_connection();
                    tracing::debug!(%error, "a conversation ended early");
                }
            })
        });
    }
}

async fn converse(
    mut stream: UnixStream,
    shared: &Shared,
    intake: &Intake,
    mut place: Place,
) -> io::Result<()> {
    let uid = rustix::process::geteuid().as_raw();
    if stream.peer_cred()?.uid() != uid {
        return Err(io::Error::from(io::ErrorKind::PermissionDenied));
    }
    let envelope = timeout(PATIENCE, question(&mut stream, shared)).await??;
    place.ask();
    if !shared.stands() {
        return refuse(&mut stream, shared, crate::ground::moved()).await;
    }
    let question = match envelope {
        Ok(envelope) => match refusal(&envelope, shared) {
            None => envelope.question,
            Some(failure) => return refuse(&mut stream, shared, failure).await,
        },
        Err(failure) => return refuse(&mut stream, shared, failure).await,
    };
    let answer = match question {
        Question::Hello => Said::Hello(hello(shared)),
        Question::Hook(report) => match intake.accept(report).await {
            true => Said::Accepted,
            false => Said::Failure(not_stored()),
        },
        Question::Reload => match shared.reload().await {
            Ok(()) => Said::Accepted,
            Err(failure) => Said::Failure(failure),
        },
        Question::TryAgain => {
            shared.try_again();
            Said::Accepted
        }
        Question::Run(request) => return run(&mut stream, shared, &request).await,
    };
    say(&mut stream, &answer).await
}

async fn refuse(stream: &mut UnixStream, shared: &Shared, failure: Failure) -> io::Result<()> {
    tracing::debug!(code = failure.code, "a connection was refused");
    shared.metrics.refused_connection();
    say(stream, &Said::Failure(failure)).await
}

/// Reads the question; the inner error is one that the caller is told.
async fn question(
    stream: &mut UnixStream,
    shared: &Shared,
) -> io::Result<Result<Envelope, Failure>> {
    let misunderstood = |error: &dyn std::error::Error| {
        not_understood(&error.to_string(), shared.app().restart_command())
    };
    let mut header = [0; HEADER_BYTES];
    stream.read_exact(&mut header).await?;
    let length = match body_len(header, MAX_QUESTION_BYTES) {
        Ok(length) => length,
        Err(error) => return Ok(Err(misunderstood(&error))),
    };
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(serde_json::from_slice(&body).map_err(|error| misunderstood(&error)))
}

/// Why a question is not for this daemon.
fn refusal(envelope: &Envelope, shared: &Shared) -> Option<Failure> {
    if envelope.protocol != PROTOCOL {
        return Some(Failure::new(
            Exit::Failed,
            "other_protocol",
            "the daemon and this command are of different versions",
            format!(
                "it speaks version {PROTOCOL} of the protocol, and was asked in version {}",
                envelope.protocol
            ),
            shared.app().restart_command(),
        ));
    }
    let data = shared.app().data_dir().to_string_lossy().into_owned();
    (envelope.data != data).then(|| {
        Failure::new(
            Exit::Failed,
            "other_data",
            "this daemon serves another data directory",
            format!("it serves {data}"),
            "instep serve",
        )
    })
}

/// Carries a request out, telling how far it has come. A caller that goes away stops it: what was
/// begun is finished by the next turn.
async fn run(stream: &mut UnixStream, shared: &Shared, request: &Request) -> io::Result<()> {
    // Of each account only how far it is by now: a caller that reads slowly gets no more of it.
    let told = Newest::default();
    let teller = told.clone();
    let app = shared.app();
    let mut tell = move |progressed: Progress| {
        teller.tell(progressed.account.clone(), progressed);
    };
    let outcome = {
        let mut work = std::pin::pin!(app.answer(request, &mut tell));
        loop {
            tokio::select! {
                outcome = &mut work => break Ok(outcome),
                (_, progressed) = told.next() => {
                    if let Err(error) = say(stream, &Said::Progress(progressed)).await {
                        break Err(Err(error));
                    }
                }
                gone = is_gone(stream) => break Err(gone),
            }
        }
    };
    let mut outcome = match outcome {
        Ok(outcome) => outcome,
        Err(gone) => {
            shared.note_given_up().await;
            return gone;
        }
    };
    if let Ok(Reply::Status(reply)) = &mut outcome {
        shared.tell(reply);
    }
    // Whoever only looks does not make a service that fails be called more often.
    if !matches!(request, Request::Status) {
        shared.try_again();
        instep_unsafe::give_back();
    }
    let answer = match outcome {
        Ok(reply) => Said::Reply(reply),
        Err(failure) => Said::Failure(failure),
    };
    say(stream, &answer).await
}

/// Ends when the caller has gone away; a caller has nothing more to say.
async fn is_gone(stream: &UnixStream) -> io::Result<()> {
    let mut byte = [0];
    loop {
        stream.readable().await?;
        match stream.try_read(&mut byte) {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

async fn say(stream: &mut UnixStream, answer: &Said) -> io::Result<()> {
    let bytes = frame(answer, MAX_ANSWER_BYTES)?;
    timeout(PATIENCE, stream.write_all(&bytes)).await??;
    Ok(())
}

/// Who answers here.
fn hello(shared: &Shared) -> DaemonHello {
    let (http, http_taken) = match &shared.http {
        Http::At(at) => (Some(at.clone()), None),
        Http::Taken(at) => (None, Some(at.clone())),
        Http::Nowhere => (None, None),
    };
    DaemonHello {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        http,
        http_taken,
    }
}

fn not_understood(why: &str, restart: String) -> Failure {
    Failure::new(
        Exit::Usage,
        "not_understood",
        "the daemon did not understand the question",
        why,
        restart,
    )
}

fn not_stored() -> Failure {
    Failure::new(
        Exit::Failed,
        "not_stored",
        "what was told could not be stored",
        "the hub database did not take it",
        "instep doctor --offline",
    )
}
