//! Transport: one call out, one answer in, counted. Nothing here repeats a call, waits, follows a
//! redirect, or knows what a task is.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper_util::client::legacy::connect::HttpInfo;
use instep_contract::{ConnectorError, Doubt};
use jiff::Timestamp;
use memchr::memmem;
use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use url::Url;

use super::gate::Gate;
use super::refusal::{Effect, Failure, Refusal};
use super::sockets::Sockets;

/// No answer may be larger than this, counted as it is read.
pub(super) const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// One call.
#[derive(Debug)]
pub(super) struct Call {
    pub method: Method,
    pub path: String,
    pub query: Vec<(&'static str, String)>,
    pub body: Option<Json>,
    pub effect: Effect,
    /// The permission of an API token that it needs, `group: name`.
    pub scope: &'static str,
}

impl Call {
    pub(super) fn get(path: impl Into<String>, scope: &'static str) -> Self {
        Self::new(Method::GET, path, scope, Effect::Read)
    }

    pub(super) fn write(method: Method, path: impl Into<String>, scope: &'static str) -> Self {
        Self::new(method, path, scope, Effect::Write)
    }

    pub(super) fn make(path: impl Into<String>, scope: &'static str) -> Self {
        Self::new(Method::POST, path, scope, Effect::Make)
    }

    fn new(method: Method, path: impl Into<String>, scope: &'static str, effect: Effect) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            body: None,
            effect,
            scope,
        }
    }

    /// The same with another method, where nothing can come of it.
    pub(super) fn by(self, method: Method) -> Self {
        Self { method, ..self }
    }

    pub(super) fn query(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    pub(super) fn body(mut self, body: Json) -> Self {
        self.body = Some(body);
        self
    }
}

/// An answer that was not an error.
#[derive(Debug)]
pub(super) struct Reply {
    pub status: StatusCode,
    /// The server's time when it answered, in whole seconds; our own where it did not say.
    pub date: i64,
    body: Vec<u8>,
    effect: Effect,
    /// Whether the API token stands in the body.
    tells_token: bool,
}

impl Reply {
    /// Reads the body. What cannot be read says nothing about what was stored.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ConnectorError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let what = match self.tells_token {
                true => "it throws the API token back".to_owned(),
                false => why_not(&self.body, &error),
            };
            match self.effect {
                Effect::Read => ConnectorError::Malformed { what },
                Effect::Write | Effect::Make => not_confirmed(what),
            }
        })
    }

    /// Checks that the answer to a write tells of the thing that was written. Something else that
    /// answers in Vikunja's place may have stored nothing.
    pub(super) fn confirms<T: DeserializeOwned>(
        &self,
        is_ours: impl FnOnce(T) -> bool,
    ) -> Result<(), ConnectorError> {
        if is_ours(self.json()?) {
            return Ok(());
        }
        Err(not_confirmed("it tells of something else".to_owned()))
    }

    /// Checks that this is how Vikunja answers a deletion: 204, and nothing more.
    pub(super) fn confirms_removal(&self) -> Result<(), ConnectorError> {
        if self.status == StatusCode::NO_CONTENT && self.body.is_empty() {
            return Ok(());
        }
        let is_page = self.body.trim_ascii_start().starts_with(b"<");
        Err(not_confirmed(match is_page {
            true => WEB_PAGE.to_owned(),
            false => format!(
                "a deletion is answered with HTTP 204, and HTTP {} came",
                self.status.as_u16()
            ),
        }))
    }
}

/// What every living token may ask.
const ANY_TOKEN: &str = "api/v1/token/test";

const WEB_PAGE: &str =
    "a web page came instead; a proxy or a login page may stand before the server";

/// Why an answer is none of Vikunja's, in words that say where to look.
fn why_not(body: &[u8], error: &serde_json::Error) -> String {
    match body.trim_ascii_start().first() {
        Some(b'<') => WEB_PAGE.to_owned(),
        _ => format!("it is not as Vikunja's answers are ({error})"),
    }
}

fn not_confirmed(what: String) -> ConnectorError {
    ConnectorError::OutcomeUnknown {
        source: what.into(),
        doubt: Doubt::Lost,
    }
}

/// How long a call may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    pub connect: Duration,
    pub call: Duration,
}

/// The connections of one account, as one connector uses them.
pub(super) struct Client {
    line: Arc<Line>,
    gate: Gate,
    calls: AtomicU64,
}

/// What all connectors of one account have in common.
struct Line {
    http: reqwest::Client,
    base: Url,
    token: SecretString,
    sockets: Mutex<Sockets>,
    offset_ms: AtomicI64,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.line.base.as_str())
            .field("calls", &self.calls)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Prepares a connection without opening it.
    pub(super) fn new(
        base: Url,
        token: SecretString,
        timeouts: Timeouts,
        reads_at_once: usize,
    ) -> Result<Self, ConnectorError> {
        let builder = reqwest::Client::builder()
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.call)
            .pool_max_idle_per_host(reads_at_once.max(1))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .user_agent(concat!("instep/", env!("CARGO_PKG_VERSION")));
        let http = secured(builder, &base)?
            .build()
            .map_err(|error| setup(&error))?;
        Ok(Self {
            gate: Gate::new(&base, reads_at_once),
            line: Arc::new(Line {
                http,
                base,
                token,
                sockets: Mutex::default(),
                offset_ms: AtomicI64::new(0),
            }),
            calls: AtomicU64::new(0),
        })
    }

    /// Another over the same connections, which makes one call at a time and counts its own.
    pub(super) fn beside(&self) -> Self {
        Self {
            line: Arc::clone(&self.line),
            gate: self.gate.beside(),
            calls: AtomicU64::new(0),
        }
    }

    /// How many reads may be under way at once.
    pub(super) fn reads_at_once(&self) -> usize {
        self.gate.reads_at_once()
    }

    /// The address, for a person.
    pub(super) fn base(&self) -> &Url {
        &self.line.base
    }

    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// How long any call was under way so far.
    pub(super) fn waited(&self) -> Duration {
        self.gate.waited()
    }

    /// How many connections were opened for the account.
    pub(super) fn connections(&self) -> u64 {
        self.sockets().opened
    }

    fn sockets(&self) -> MutexGuard<'_, Sockets> {
        let sockets = self.line.sockets.lock();
        sockets.unwrap_or_else(PoisonError::into_inner)
    }

    /// How far the server's clock is ahead of ours, in milliseconds, by the last answer. The
    /// `Date` header has whole seconds, so that less than two seconds count as none.
    pub(super) fn offset_ms(&self) -> i64 {
        self.line.offset_ms.load(Ordering::Relaxed)
    }

    /// Sends one call. A refused token costs a second one, to tell why it was refused.
    pub(super) async fn send(&self, call: Call) -> Result<Reply, Failure> {
        let answer = self.exchange(&call).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            return Err(Failure::Error(self.explain_unauthorized(&call).await));
        }
        answer.judge(&call)
    }

    /// Whether the token may do this, whatever comes of it.
    pub(super) async fn lets_pass(&self, call: &Call) -> Result<bool, ConnectorError> {
        let answer = self.exchange(call).await.map_err(ConnectorError::from)?;
        Ok(answer.status != StatusCode::UNAUTHORIZED)
    }

    /// Whether the token is one at all.
    pub(super) async fn is_alive(&self) -> Result<bool, ConnectorError> {
        self.lets_pass(&Call::get(ANY_TOKEN, "")).await
    }

    /// A dead token and a missing permission are answered alike, except by one route.
    async fn explain_unauthorized(&self, call: &Call) -> ConnectorError {
        let probe = Call::get(ANY_TOKEN, "");
        match self.exchange(&probe).await {
            Ok(answer) if answer.status.is_success() => ConnectorError::Setup {
                what: format!("the API token may not {}", call.scope),
                help: format!(
                    "create an API token that has the permission `{}` at {}user/settings/api-tokens",
                    call.scope, self.line.base
                ),
            },
            Ok(answer) if answer.status == StatusCode::UNAUTHORIZED => {
                ConnectorError::Unauthorized {
                    reason: "the API token is wrong, expired or was deleted".into(),
                }
            }
            Ok(answer) => ConnectorError::Unavailable {
                reason: format!("HTTP {}", answer.status.as_u16()),
            },
            Err(Failure::Error(error)) => error,
            Err(Failure::Refused(refusal)) => refusal.into_error(),
        }
    }

    async fn exchange(&self, call: &Call) -> Result<Answer, Failure> {
        let request = self.request(call)?;
        let _leave = self.gate.leave(call.effect).await;
        self.calls.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        let outcome = self.run(request, call.effect).await;
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let status = outcome.as_ref().map_or(0, |answer| answer.status.as_u16());
        tracing::debug!(
            http.method = %call.method,
            http.path = %call.path,
            http.status = status,
            duration_ms,
            "called Vikunja"
        );
        outcome
            .map(|answer| answer.keeping(self.line.token.expose_secret()))
            .map_err(Failure::Error)
    }

    fn request(&self, call: &Call) -> Result<reqwest::Request, ConnectorError> {
        let line = &self.line;
        let mut url = line.base.join(&call.path).map_err(|error| setup(&error))?;
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", line.token.expose_secret()))
            .map_err(|_| ConnectorError::Unauthorized {
            reason: "the API token holds characters that no token has".into(),
        })?;
        bearer.set_sensitive(true);
        let mut request = line
            .http
            .request(call.method.clone(), url)
            .header(AUTHORIZATION, bearer);
        if let Some(body) = &call.body {
            let kind = if call.method == Method::PATCH {
                "application/merge-patch+json"
            } else {
                "application/json"
            };
            request = request.header(CONTENT_TYPE, kind).body(body.to_string());
        }
        request.build().map_err(|error| setup(&error.without_url()))
    }

    async fn run(
        &self,
        request: reqwest::Request,
        effect: Effect,
    ) -> Result<Answer, ConnectorError> {
        let mut response = self
            .line
            .http
            .execute(request)
            .await
            .map_err(|error| lost(error, effect))?;
        self.count_connection(&response);
        let date = self.read_clock(response.headers());
        let status = response.status();
        let headers = response.headers().clone();
        let body = read_body(&mut response, effect).await?;
        Ok(Answer {
            status,
            headers,
            body,
            date,
            tells_token: false,
        })
    }

    /// A connection that was used for none of the last answers is a new one.
    fn count_connection(&self, response: &reqwest::Response) {
        let socket = response
            .extensions()
            .get::<HttpInfo>()
            .map(HttpInfo::local_addr);
        if self.sockets().is_new(socket) {
            tracing::debug!(server = %self.line.base, "opened a connection to Vikunja");
        }
    }

    fn read_clock(&self, headers: &HeaderMap) -> i64 {
        let now = Timestamp::now();
        let date = headers
            .get(DATE)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| jiff::fmt::rfc2822::parse(text).ok())
            .map(|zoned| zoned.timestamp());
        let Some(date) = date else {
            self.line.offset_ms.store(0, Ordering::Relaxed);
            return now.as_second();
        };
        let ahead_ms = date.as_millisecond() + 500 - now.as_millisecond();
        let ahead_ms = if ahead_ms.abs() < 2_000 { 0 } else { ahead_ms };
        self.line.offset_ms.store(ahead_ms, Ordering::Relaxed);
        date.as_second()
    }
}

/// Loading the computer's certificates takes longer than a call: plain HTTP goes without them.
fn secured(
    builder: reqwest::ClientBuilder,
    base: &Url,
) -> Result<reqwest::ClientBuilder, ConnectorError> {
    let provider = rustls::crypto::ring::default_provider();
    if base.scheme() == "https" {
        // Fails only where a provider is installed already.
        let _ = provider.install_default();
        return Ok(builder.https_only(true));
    }
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| setup(&error))?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(builder.tls_backend_preconfigured(tls))
}

fn setup(error: &dyn std::error::Error) -> ConnectorError {
    ConnectorError::Setup {
        what: format!("the connection to Vikunja cannot be set up: {error}"),
        help: "check the account's url".into(),
    }
}

async fn read_body(
    response: &mut reqwest::Response,
    effect: Effect,
) -> Result<Vec<u8>, ConnectorError> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= BODY_LIMIT => {
                body.extend_from_slice(&chunk);
            }
            Ok(Some(_)) => {
                return Err(cut_short(TOO_LARGE.into(), effect, Doubt::Lost));
            }
            Ok(None) => return Ok(body),
            Err(error) => {
                let doubt = doubt(&error);
                return Err(cut_short(Box::new(error.without_url()), effect, doubt));
            }
        }
    }
}

/// What an answer above [`BODY_LIMIT`] is called.
pub(super) const TOO_LARGE: &str = "the answer is larger than 10 MiB";

fn cut_short(source: instep_contract::BoxError, effect: Effect, doubt: Doubt) -> ConnectorError {
    match effect {
        Effect::Write | Effect::Make => ConnectorError::OutcomeUnknown { source, doubt },
        Effect::Read if doubt == Doubt::TimedOut => ConnectorError::Unavailable {
            reason: "the answer took too long".into(),
        },
        Effect::Read => ConnectorError::Malformed {
            what: format!("the answer was cut short: {source}"),
        },
    }
}

fn doubt(error: &reqwest::Error) -> Doubt {
    match error.is_timeout() {
        true => Doubt::TimedOut,
        false => Doubt::Lost,
    }
}

/// No answer at all. Only a failed connect proves that nothing arrived.
fn lost(error: reqwest::Error, effect: Effect) -> ConnectorError {
    let error = error.without_url();
    if error.is_builder() {
        return setup(&error);
    }
    if error.is_connect() {
        return ConnectorError::NotSent {
            source: Box::new(error),
        };
    }
    let doubt = doubt(&error);
    match effect {
        Effect::Write | Effect::Make => ConnectorError::OutcomeUnknown {
            source: Box::new(error),
            doubt,
        },
        Effect::Read => ConnectorError::Unavailable {
            reason: if doubt == Doubt::TimedOut {
                "no answer in time".into()
            } else {
                "the connection was lost before an answer came".into()
            },
        },
    }
}

/// Status, head and body of what came back.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    date: i64,
    /// Whether the API token stands in the body.
    tells_token: bool,
}

impl Answer {
    /// The answer of a server that may throw back what it was sent: words of a refusal are told and
    /// stored, and the token must not be among them.
    fn keeping(mut self, token: &str) -> Self {
        let token = token.as_bytes();
        self.tells_token = !token.is_empty() && memmem::find(&self.body, token).is_some();
        if self.tells_token && !self.status.is_success() {
            let (mut kept, mut from) = (Vec::new(), 0);
            for at in memmem::find_iter(&self.body, token) {
                kept.extend_from_slice(&self.body[from..at]);
                kept.extend_from_slice(b"(token)");
                from = at + token.len();
            }
            kept.extend_from_slice(&self.body[from..]);
            self.body = kept;
        }
        self
    }

    fn judge(self, call: &Call) -> Result<Reply, Failure> {
        if self.status.is_success() || self.status == StatusCode::NOT_MODIFIED {
            return Ok(Reply {
                status: self.status,
                date: self.date,
                body: self.body,
                effect: call.effect,
                tells_token: self.tells_token,
            });
        }
        if self.status.is_redirection() {
            return Err(Failure::Error(self.moved()));
        }
        Err(Failure::Refused(Box::new(Refusal::new(
            self.status.as_u16(),
            &self.body,
            self.wait(),
            call.effect,
        ))))
    }

    fn moved(&self) -> ConnectorError {
        let to = self
            .headers
            .get(LOCATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| Url::parse(text).ok())
            .and_then(|url| url.host_str().map(str::to_owned));
        ConnectorError::Setup {
            what: match to {
                Some(host) => format!("the server sends us on to {host}"),
                None => "the server sends us on to another address".into(),
            },
            help: "set the account's url to the address at which Vikunja itself answers".into(),
        }
    }

    /// How long to wait: `Retry-After` in seconds or as a date, else Vikunja's own header.
    fn wait(&self) -> Option<Duration> {
        let text = |name: &str| self.headers.get(name).and_then(|v| v.to_str().ok());
        let until = |at: i64| Duration::from_secs(u64::try_from(at - self.date).unwrap_or(0));
        if let Some(after) = text(RETRY_AFTER.as_str()) {
            return after.parse().map(Duration::from_secs).ok().or_else(|| {
                let at = jiff::fmt::rfc2822::parse(after).ok()?;
                Some(until(at.timestamp().as_second()))
            });
        }
        text("x-ratelimit-reset")?.parse().ok().map(until)
    }
}
