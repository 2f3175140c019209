//! The HTTP listener: webhooks of services, and how the daemon stands. Nothing that comes in by it is
//! believed: a webhook is a reason to look at something, once its signature holds. How a service
//! signs and what it says is not known here.

mod connections;
mod host;
mod problem;
mod rate;
mod stands;
mod webhook;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use instep_app::{Delivery, HookAccount};

pub use self::connections::{Closing, serve};
pub use self::problem::Problem;
use self::rate::Refusals;

/// What an answer that takes its time is.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How the daemon stands, for `/health`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Health {
    /// Whether every account was synced of late, or stands still for a reason that is known, and what
    /// is told can be stored.
    pub ok: bool,
    /// The accounts that were silent too long (I14).
    pub silent: Vec<String>,
    /// What cannot be stored at this moment: accounts, and what hooks and webhooks tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_stored: Vec<String>,
}

/// What the listener needs of the house behind it.
pub trait House: Send + Sync + 'static {
    /// Who may post under this name.
    fn poster(&self, name: &str) -> Option<HookAccount>;

    /// Keeps what a webhook told, so that a power cut does not take it; only then is it answered.
    ///
    /// # Errors
    /// [`Problem`] when it could not be kept: the service is to send it again.
    fn hear(&self, delivery: Delivery) -> Later<'_, Result<(), Problem>>;

    /// How the accounts stand.
    fn health(&self) -> Later<'_, Health>;

    /// The metrics in Prometheus' text format.
    fn metrics(&self) -> Later<'_, String>;
}

/// What is allowed at the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body.
    pub body: usize,
    /// How long a head may take to come.
    pub head_time: Duration,
    /// How long a body may take to come.
    pub body_time: Duration,
    /// Connections at one time.
    pub connections: usize,
    /// Refused webhooks that one address may send before it has to wait.
    pub refusals: u32,
    /// How many of those are forgiven every second.
    pub forgiven_per_sec: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 1024 * 1024,
            head_time: Duration::from_secs(10),
            body_time: Duration::from_secs(30),
            connections: 256,
            refusals: 100,
            forgiven_per_sec: 2,
        }
    }
}

/// What every request finds.
struct Listener {
    house: Arc<dyn House>,
    limits: Limits,
    refusals: Refusals,
}

/// Everything that is answered over HTTP.
pub fn router(house: Arc<dyn House>, limits: Limits) -> Router {
    let listener = Arc::new(Listener {
        house,
        limits,
        refusals: Refusals::new(limits.refusals, limits.forgiven_per_sec),
    });
    let own_names_only = Router::new()
        .route("/health", get(stands::health))
        .route("/metrics", get(stands::metrics))
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(middleware::from_fn(host::check));
    Router::new()
        // A signature says who posts; the name by which this computer is reached says nothing.
        .route("/hooks/{account}", post(webhook::receive))
        .method_not_allowed_fallback(problem::wrong_method)
        .merge(own_names_only)
        .layer(middleware::from_fn(guard))
        .with_state(listener)
}

/// No answer is ever taken for something else, or kept.
async fn guard(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
