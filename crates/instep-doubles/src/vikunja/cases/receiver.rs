//! A webhook receiver for the cases: it answers as told and keeps what it got. It judges nothing.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::Stop;
use super::target::{QUIET, Target, until};

/// A request a webhook made.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) raw: Vec<u8>,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Delivery {
    pub(super) fn event(&self) -> &str {
        self.body["event_name"].as_str().unwrap_or_default()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

#[derive(Debug, Default)]
struct Seen {
    got: Mutex<Vec<Delivery>>,
    /// Statuses still to answer; then 200.
    answers: Mutex<Vec<u16>>,
}

/// A receiver on a port of this host.
#[derive(Debug)]
pub(super) struct Receiver {
    url: String,
    seen: Arc<Seen>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Receiver {
    /// Starts a receiver that gives these answers first, then always 200.
    pub(super) async fn start(answers: &[u16]) -> Result<Self, Stop> {
        Self::start_on(0, answers).await
    }

    /// Like [`Receiver::start`], on a known port.
    pub(super) async fn start_on(port: u16, answers: &[u16]) -> Result<Self, Stop> {
        let failed = |error: std::io::Error| Stop::Failed(format!("the receiver: {error}"));
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .map_err(failed)?;
        let url = format!("http://{}/hook", listener.local_addr().map_err(failed)?);
        let seen = Arc::new(Seen::default());
        seen.answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(answers);
        let router = Router::new()
            .fallback(receive)
            .with_state(Arc::clone(&seen));
        let serving = tokio::spawn(async move {
            // Ends with the task.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { url, seen, serving })
    }

    /// Where it listens.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Registers this receiver on a project; gives the webhook's id.
    pub(super) async fn hook(
        &self,
        t: &Target,
        project: i64,
        events: &[&str],
        secret: &str,
    ) -> Result<i64, Stop> {
        let body = json!({"target_url": self.url, "events": events, "secret": secret});
        let path = format!("/api/v1/projects/{project}/webhooks");
        t.put(&path, body).await?.want(201)?.id()
    }

    /// Everything received so far.
    pub(super) fn got(&self) -> Vec<Delivery> {
        self.seen
            .got
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Forgets what was received.
    pub(super) fn clear(&self) {
        self.seen
            .got
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Waits for so many deliveries.
    pub(super) async fn wait_for_count(
        &self,
        what: &str,
        count: usize,
    ) -> Result<Vec<Delivery>, Stop> {
        until(what, || async {
            let got = self.got();
            Ok((got.len() >= count).then_some(got))
        })
        .await
    }

    /// Waits until the names of the received events are these, in any order, then that no more
    /// come; gives the deliveries and forgets them.
    pub(super) async fn wait_for_events(&self, wanted: &[&str]) -> Result<Vec<Delivery>, Stop> {
        let mut wanted: Vec<&str> = wanted.to_vec();
        wanted.sort_unstable();
        if !wanted.is_empty() {
            self.wait_for_count(&format!("the events {wanted:?}"), wanted.len())
                .await?;
        }
        tokio::time::sleep(QUIET).await;
        let got = self.got();
        let mut names: Vec<&str> = got.iter().map(Delivery::event).collect();
        names.sort_unstable();
        if names != wanted {
            return Err(Stop::Failed(format!(
                "wanted the events {wanted:?}, got {names:?}"
            )));
        }
        self.clear();
        Ok(got)
    }
}

async fn receive(State(seen): State<Arc<Seen>>, headers: HeaderMap, raw: Bytes) -> StatusCode {
    let body = serde_json::from_slice(&raw).unwrap_or(Value::Null);
    let delivery = Delivery {
        raw: raw.to_vec(),
        headers,
        body,
    };
    seen.got
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(delivery);
    let mut answers = seen.answers.lock().unwrap_or_else(PoisonError::into_inner);
    let status = if answers.is_empty() {
        200
    } else {
        answers.remove(0)
    };
    StatusCode::from_u16(status).unwrap_or(StatusCode::OK)
}
