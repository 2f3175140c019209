//! `POST /hooks/{account}`: size, time and rate first, then the signature over the bytes as they
//! came, and only then what they say, both as the service's connector knows it. It is answered once it
//! is kept, and not before.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use instep_app::{Delivery, HookAccount, Post};
use sha2::{Digest, Sha256};

use super::connections::Stay;
use super::{Listener, Problem, rate};

/// Takes one webhook.
pub(super) async fn receive(
    State(listener): State<Arc<Listener>>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let (head, body) = request.into_parts();
    let peer = head.extensions.get::<ConnectInfo<SocketAddr>>();
    let sender = rate::sender(peer.map(|peer| peer.0.ip()), &head.headers);
    if sender.is_some_and(|sender| listener.refusals.is_spent(sender, Instant::now())) {
        return Err(Problem::TooMany);
    }
    let announced = head.headers.get(CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > listener.limits.body) {
        return Err(refused(&listener, sender, Problem::TooLarge));
    }
    let reading = tokio::time::timeout(listener.limits.body_time, read(body, listener.limits.body));
    let body = match reading.await {
        Ok(Ok(body)) => body,
        Ok(Err(problem)) => return Err(refused(&listener, sender, problem)),
        Err(_) => return Err(refused(&listener, sender, Problem::TooSlow)),
    };
    let stay = head.extensions.get::<Stay>();
    let _working = stay.map(Stay::work);
    // A name that is no text is nobody's.
    let name = name.map_or_else(|_| String::new(), |Path(name)| name);
    let poster = listener.house.poster(&name);
    let post = Post {
        headers: &raw(&head.headers),
        body: &body,
    };
    let items = HookAccount::read(poster.as_ref(), &post);
    let (Some(poster), Some(items)) = (poster, items) else {
        return Err(refused(&listener, sender, Problem::Unsigned));
    };
    if let Some(sender) = sender {
        listener.refusals.forgive(sender);
    }
    let delivery = Delivery {
        account: poster.id,
        id: Some(named(&body)),
        items,
    };
    accept(&listener, delivery).await
}

async fn accept(listener: &Listener, delivery: Delivery) -> Result<StatusCode, Problem> {
    let account = delivery.account.clone();
    match listener.house.hear(delivery).await {
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

fn refused(listener: &Listener, sender: Option<IpAddr>, problem: Problem) -> Problem {
    if let Some(sender) = sender {
        listener.refusals.refused(sender, Instant::now());
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

fn raw(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    let headers = headers.iter();
    headers
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect()
}

/// A service that repeats a delivery sends the same bytes. What a header calls it is not signed, and
/// could be made to name what is still to come.
fn named(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    let mut name = String::from("webhook ");
    for byte in digest {
        // Writing into a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}
