//! The client stack that the real program uses, with one connection that is kept, and nothing
//! around it.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::Value;
use tokio::runtime::Runtime;

/// A connection to one server.
pub(crate) struct Client {
    runtime: Runtime,
    http: reqwest::Client,
    base: String,
    bearer: String,
    calls: u64,
}

impl Client {
    /// Prepares a connection to the server that the environment names, without opening it.
    pub(crate) fn new() -> Result<Self> {
        let base = env::var("BENCH_URL").context("BENCH_URL")?;
        let token = env::var("BENCH_TOKEN").context("BENCH_TOKEN")?;
        let provider = rustls::crypto::ring::default_provider();
        let builder = reqwest::Client::builder()
            .timeout(Duration::from_secs(300))
            .pool_max_idle_per_host(1)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never());
        let builder = if base.starts_with("https:") {
            // Fails only where a provider is installed already.
            let _ = provider.install_default();
            builder
        } else {
            let tls = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
                .with_safe_default_protocol_versions()?
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            builder.tls_backend_preconfigured(tls)
        };
        Ok(Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            http: builder.build()?,
            base: base.trim_end_matches('/').to_owned(),
            bearer: format!("Bearer {token}"),
            calls: 0,
        })
    }

    /// How many calls were made.
    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    /// One call, whose answer has to be a success.
    pub(crate) fn call(
        &mut self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value> {
        self.calls += 1;
        let mut request = self
            .http
            .request(method.clone(), format!("{}/{path}", self.base))
            .header(AUTHORIZATION, &self.bearer);
        if let Some(body) = body {
            let kind = if method == Method::PATCH {
                "application/merge-patch+json"
            } else {
                "application/json"
            };
            request = request.header(CONTENT_TYPE, kind).body(body.to_string());
        }
        let (status, body) = self.runtime.block_on(async {
            let response = request.send().await?;
            let status = response.status();
            Ok::<_, reqwest::Error>((status, response.bytes().await?))
        })?;
        if !status.is_success() {
            bail!(
                "{method} {path}: {status}: {}",
                String::from_utf8_lossy(&body)
            );
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        Ok(serde_json::from_slice(&body)?)
    }

    pub(crate) fn get(&mut self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None)
    }

    pub(crate) fn post(&mut self, path: &str, body: Value) -> Result<Value> {
        self.call(Method::POST, path, Some(body))
    }
}
