//! `POST /hooks/{account}`: size, time and rate first, then the signature over the bytes as they
//! came, and only then what they say. It is answered once it is kept, and not before.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};

use super::connections::Stay;
use super::hint::Hint;
use super::{Door, Heard, Poster, Problem, rate, signature};

/// Takes one webhook.
pub(super) async fn receive(
    State(door): State<Arc<Door>>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let (head, body) = request.into_parts();
    let peer = head.extensions.get::<ConnectInfo<SocketAddr>>();
    let sender = rate::sender(peer.map(|peer| peer.0.ip()), &head.headers);
    if sender.is_some_and(|sender| door.refusals.is_spent(sender, Instant::now())) {
        return Err(Problem::TooMany);
    }
    let announced = head.headers.get(CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > door.limits.body) {
        return Err(refused(&door, sender, Problem::TooLarge));
    }
    let reading = tokio::time::timeout(door.limits.body_time, read(body, door.limits.body));
    let body = match reading.await {
        Ok(Ok(body)) => body,
        Ok(Err(problem)) => return Err(refused(&door, sender, problem)),
        Err(_) => return Err(refused(&door, sender, Problem::TooSlow)),
    };
    let stay = head.extensions.get::<Stay>();
    let _working = stay.map(Stay::work);
    // A name that is no text is nobody's.
    let name = name.map_or_else(|_| String::new(), |Path(name)| name);
    let poster = door.house.poster(&name);
    let secrets = poster.as_ref().map_or(&[][..], |poster| &poster.secrets);
    let holds = signature::holds(&head.headers, &body, secrets);
    let Some(poster) = poster.filter(|_| holds) else {
        return Err(refused(&door, sender, Problem::Unsigned));
    };
    if let Some(sender) = sender {
        door.refusals.forgive(sender);
    }
    accept(&door, poster, &body).await
}

async fn accept(door: &Door, poster: Poster, body: &[u8]) -> Result<StatusCode, Problem> {
    let heard = Heard {
        delivery: named(body),
        hint: Hint::read(body),
        account: poster.account,
    };
    let account = heard.account.clone();
    match door.house.hear(heard).await {
        Ok(()) => {
            tracing::debug!(account.id = %account, "took a webhook");
            Ok(StatusCode::NO_CONTENT)
        }
        Err(problem) => {
            tracing::warn!(account.id = %account, "a webhook could not be kept");
            Err(problem)
        }
    }
}

fn refused(door: &Door, sender: Option<IpAddr>, problem: Problem) -> Problem {
    if let Some(sender) = sender {
        door.refusals.refused(sender, Instant::now());
    }
    problem
}

/// The body as it was sent, up to `limit` bytes.
async fn read(mut body: Body, limit: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        // Cut off, or not as HTTP has it.
        let frame = frame.map_err(|_| Problem::TooSlow)?;
        let Ok(chunk) = frame.into_data() else {
            continue;
        };
        if bytes.len() + chunk.len() > limit {
            return Err(Problem::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A service that repeats a delivery sends the same bytes.
fn named(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    let mut name = String::with_capacity(2 * digest.len());
    for byte in digest {
        // Writing into a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}
