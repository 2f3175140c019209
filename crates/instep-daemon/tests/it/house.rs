//! A house behind the door that remembers what it heard, and a door on a port of its own.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use hmac::{Hmac, KeyInit, Mac};
use instep_app::{AccountId, Delivery, HookAccount, Kind};
use instep_daemon::http::{Health, House, Later, Limits, Problem, router, serve};
use secrecy::SecretString;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower::ServiceExt;

pub(crate) const SECRET: &str = "a9c3";
pub(crate) const BEFORE: &str = "77d0";
pub(crate) const OTHER: &str = "55e1";
pub(crate) const BODY: &str = r#"{"event_name":"task.updated","time":"2026-08-04T10:00:00Z","data":{"doer":{"id":1},"project":{"id":3},"task":{"id":17,"title":"a \u003cb\u003e"}}}"#;

/// What two deliveries of the same have in common.
type Named = (AccountId, Option<String>);

/// Accounts `vikunja`, which is replacing its secret, `work`, and `broken`, which has an empty one.
#[derive(Debug, Default)]
pub(crate) struct TestHouse {
    heard: Mutex<HashMap<Named, (Delivery, Instant)>>,
    pub(crate) told: Mutex<usize>,
    pub(crate) disk_is_full: AtomicBool,
    pub(crate) is_silent: AtomicBool,
}

impl TestHouse {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// What was heard, each delivery once.
    pub(crate) fn heard(&self) -> Vec<(Delivery, Instant)> {
        let heard = self.heard.lock().expect("a lock");
        heard.values().cloned().collect()
    }
}

impl House for TestHouse {
    fn poster(&self, name: &str) -> Option<HookAccount> {
        let secrets: &[&str] = match name {
            "vikunja" => &[SECRET, BEFORE],
            "work" => &[OTHER],
            "broken" => &[""],
            _ => return None,
        };
        Some(HookAccount {
            id: AccountId::new(format!("{name}-1")),
            kind: Kind::Vikunja,
            secrets: secrets
                .iter()
                .map(|text| SecretString::from(*text))
                .collect(),
        })
    }

    fn hear(&self, delivery: Delivery) -> Later<'_, Result<(), Problem>> {
        Box::pin(async move {
            if self.disk_is_full.load(Ordering::Relaxed) {
                return Err(Problem::NotKept);
            }
            *self.told.lock().expect("a lock") += 1;
            let key = (delivery.account.clone(), delivery.id.clone());
            let mut known = self.heard.lock().expect("a lock");
            known.entry(key).or_insert((delivery, Instant::now()));
            Ok(())
        })
    }

    fn health(&self) -> Later<'_, Health> {
        let silent = self.is_silent.load(Ordering::Relaxed);
        let names = if silent {
            vec!["vikunja".to_owned()]
        } else {
            Vec::new()
        };
        Box::pin(async move {
            Health {
                ok: !silent,
                silent: names,
                not_stored: Vec::new(),
            }
        })
    }

    fn metrics(&self) -> Later<'_, String> {
        Box::pin(async { "# TYPE instep_up gauge\ninstep_up 1\n".to_owned() })
    }
}

pub(crate) fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A request as a service sends it.
pub(crate) fn post(path: &str, signature: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path)
        .header("host", "tasks.example.org")
        .header("content-type", "application/json")
        .header("x-vikunja-signature", signature)
        .body(body.into())
        .expect("a request")
}

/// What a router answers: status, headers and text.
pub(crate) async fn ask(
    router: &Router,
    request: Request<Body>,
) -> (StatusCode, HeaderMap, String) {
    let response = router.clone().oneshot(request).await.expect("an answer");
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, 1 << 20).await.expect("a body");
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    (head.status, head.headers, text)
}

/// A door on a port of its own; closes with this value.
pub(crate) struct Open {
    pub(crate) address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: Option<JoinHandle<()>>,
}

impl Open {
    pub(crate) async fn at(house: Arc<TestHouse>, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = watch::channel(false);
        let router = router(house, limits);
        let serving = Some(tokio::spawn(serve(listener, router, limits, stopped)));
        Self {
            address,
            stop,
            serving,
        }
    }

    /// Closes the door, and waits until all have left.
    pub(crate) async fn close(mut self) {
        self.stop.send(true).expect("somebody listens");
        let serving = self.serving.take().expect("once");
        let left = tokio::time::timeout(Duration::from_secs(5), serving).await;
        left.expect("all leave").expect("no panic");
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

pub(crate) fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client")
}
