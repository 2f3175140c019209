//! A webhook receiver: it answers as told and keeps what it got.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long something is awaited.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) raw: Vec<u8>,
    pub(super) method: String,
    headers: HeaderMap,
    pub(super) body: Value,
}

impl Delivery {
    #[track_caller]
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().expect("text")
    }
}

struct Seen {
    got: watch::Sender<Vec<Delivery>>,
    /// Statuses still to answer; then 200.
    answers: Mutex<Vec<u16>>,
}

pub(super) struct Receiver {
    pub(super) url: String,
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
    pub(super) async fn start(answers: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let seen = Arc::new(Seen {
            got: watch::Sender::new(Vec::new()),
            answers: Mutex::new(answers.to_vec()),
        });
        let router = Router::new()
            .fallback(receive)
            .with_state(Arc::clone(&seen));
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("serving");
        });
        Self { url, seen, serving }
    }

    /// Waits until so many deliveries have come; gives all.
    pub(super) async fn wait_for(&self, count: usize) -> Vec<Delivery> {
        let mut got = self.seen.got.subscribe();
        let enough = got.wait_for(|got| got.len() >= count);
        let enough = tokio::time::timeout(PATIENCE, enough).await;
        match enough {
            Ok(got) => got.expect("the receiver").clone(),
            Err(_) => panic!("wanted {count} deliveries, got {}", self.got().len()),
        }
    }

    pub(super) fn got(&self) -> Vec<Delivery> {
        self.seen.got.borrow().clone()
    }
}

async fn receive(
    State(seen): State<Arc<Seen>>,
    method: axum::http::Method,
    headers: HeaderMap,
    raw: Bytes,
) -> StatusCode {
    let mut answers = seen.answers.lock().expect("the answers");
    let status = if answers.is_empty() {
        200
    } else {
        answers.remove(0)
    };
    let delivery = Delivery {
        body: serde_json::from_slice(&raw).unwrap_or(Value::Null),
        raw: raw.to_vec(),
        method: method.to_string(),
        headers,
    };
    seen.got.send_modify(|got| got.push(delivery));
    StatusCode::from_u16(status).expect("a status")
}
