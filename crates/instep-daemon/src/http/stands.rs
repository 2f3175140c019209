//! How the daemon stands, for whoever watches it. No task and no secret is in it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::Listener;

/// The text format of Prometheus.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET /health`: 200, or 503 while an account is silent or something cannot be stored.
pub(super) async fn health(State(listener): State<Arc<Listener>>) -> Response {
    let health = listener.house.health().await;
    let status = match health.ok {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(health)).into_response()
}

/// `GET /metrics`.
pub(super) async fn metrics(State(listener): State<Arc<Listener>>) -> Response {
    let text = listener.house.metrics().await;
    ([(CONTENT_TYPE, METRICS)], text).into_response()
}
