//! A stand-in for Vikunja 2.5.0: its HTTP API v1 and v2 for tasks, projects, labels, relations,
//! comments, attachments and API tokens, its filter language, and its webhooks with signatures and
//! retries. All state is in memory. No real server is ever contacted, and no connector type is
//! known here.
//!
//! Start one with [`Vikunja::start`]; script failures with [`Vikunja::set_fault`]; look at what
//! came in with [`Vikunja::requests`].

mod access;
mod account;
mod assignees;
mod attachments;
mod body;
mod bulk;
mod call;
pub mod cases;
mod comments;
mod delivery;
mod events;
mod fault;
mod fetch;
mod filter;
mod filter_text;
mod filters;
mod kanban;
mod labels;
mod meta;
mod patch;
mod projects;
mod refusal;
mod relations;
mod repeat;
mod route;
mod routes;
mod schema;
mod server;
mod shares;
mod state;
mod tasks;
mod tokens;
mod webhooks;
mod wire;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::watch;

pub use crate::clock::Clock;
pub use crate::traffic::Recorded;
pub use delivery::signature;
pub use fault::{Effect, Fault};

use crate::connection::{Door, Gate};
use crate::outgoing::http_client;
use server::Shared;
use state::{Grant, Scopes, State};

/// The name of the first user.
pub const ADMIN: &str = "ann";
/// The first user's password.
pub const ADMIN_PASSWORD: &str = "password1234";
/// Expiry of the first user's token.
const FAR_FUTURE: &str = "2099-01-01T00:00:00Z";

/// How a double behaves. The default is a Vikunja on SQLite in UTC that may reach webhook
/// receivers on this host.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// `true`: as on PostgreSQL, parallel writes succeed and date filters include the boundary.
    /// `false`: as on SQLite, a write that meets another is answered 500 and not stored.
    pub concurrent_writes: bool,
    /// How long a write holds the database.
    pub write_time: Duration,
    /// Extra time per request, half of it before the request is applied and half after.
    pub latency: Duration,
    /// How long after a call its listeners run: late time stamps, webhooks.
    pub listener_delay: Duration,
    /// IANA name of the service's time zone; dates are shown in it.
    pub timezone: String,
    /// Whether webhooks may go to loopback addresses. Vikunja's own default is `false`.
    pub loopback_webhooks: bool,
    /// Pre-auth calls per minute. Vikunja's own default is 10.
    pub noauth_limit: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            concurrent_writes: false,
            write_time: Duration::from_millis(1),
            latency: Duration::ZERO,
            listener_delay: Duration::from_millis(5),
            timezone: "UTC".to_owned(),
            loopback_webhooks: true,
            noauth_limit: 100_000,
        }
    }
}

/// What a double held at one moment.
#[derive(Clone, Debug)]
pub struct Copy(State);

/// A running double. Dropping it closes its port and cuts its connections.
#[derive(Debug)]
pub struct Vikunja {
    shared: Arc<Shared>,
    url: String,
    token: String,
    shut: watch::Receiver<bool>,
    serving: tokio::task::JoinHandle<()>,
}

impl Vikunja {
    /// Starts a double on 127.0.0.1.
    ///
    /// # Panics
    /// When the port cannot be had or the time zone is unknown: a test cannot go on without.
    pub async fn start(options: Options) -> Self {
        match Self::try_start(options).await {
            Ok(double) => double,
            Err(error) => panic!("the Vikunja double did not start: {error}"),
        }
    }

    /// Starts a double on 127.0.0.1.
    ///
    /// # Errors
    /// When the port cannot be had, the time zone is unknown, or no HTTP client can be made.
    pub async fn try_start(options: Options) -> io::Result<Self> {
        let zone = TimeZone::get(&options.timezone).map_err(io::Error::other)?;
        let gate = Gate::new();
        let (shut_sender, shut) = watch::channel(false);
        let door = Door::open(options.port, Arc::clone(&gate), shut_sender).await?;
        let url = format!("http://{}", axum::serve::Listener::local_addr(&door)?);
        let client = http_client(true).map_err(io::Error::other)?;
        let mut state = State::new(zone, options.concurrent_writes, url.clone());
        state.loopback_webhooks = options.loopback_webhooks;
        state.noauth_limit = options.noauth_limit;
        let token = tokens::fresh_token("tk_", &mut state);
        seed(&mut state, &token);
        let shared = Arc::new(Shared::new(options, state, gate, client));
        let serving = tokio::spawn(server::serve(door, Arc::clone(&shared)));
        Ok(Self {
            shared,
            url,
            token,
            shut,
            serving,
        })
    }

    /// The base URL, without `/api`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// An API token of [`ADMIN`] with every scope.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The double's clock.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Everything received so far, oldest first.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.traffic.all()
    }

    /// How many requests with this method have a path and query containing `part`.
    pub fn count(&self, method: &str, part: &str) -> usize {
        self.shared.traffic.count(method, part)
    }

    /// Requests received, by method.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        self.shared.traffic.counts()
    }

    /// The most requests that were open at once: those that read, and those that write.
    pub fn most_open(&self) -> (usize, usize) {
        let open = self.shared.open();
        (open.most_reads, open.most_writes)
    }

    /// Forgets the requests received so far.
    pub fn forget_requests(&self) {
        let mut open = self.shared.open();
        (open.most_reads, open.most_writes) = (0, 0);
        drop(open);
        self.shared.traffic.forget();
    }

    /// How many connections were accepted so far.
    pub fn connections_opened(&self) -> u64 {
        self.shared.gate.connections_opened()
    }

    /// Adds a scripted fault. Several may be set; each counts for itself.
    pub fn set_fault(&self, fault: Fault) {
        self.shared
            .script
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(fault);
    }

    /// Removes all scripted faults.
    pub fn clear_faults(&self) {
        self.shared
            .script
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Cuts every connection and gives the port up; returns once connecting is refused.
    pub async fn refuse_connections(&self) {
        self.shared.gate.set_open(false);
        self.until_shut(true).await;
    }

    /// Takes the port again after [`Vikunja::refuse_connections`]; returns once it answers.
    pub async fn accept_connections(&self) {
        self.shared.gate.set_open(true);
        self.until_shut(false).await;
    }

    async fn until_shut(&self, shut: bool) {
        // The sender ends only with the server itself.
        let _ = self.shut.clone().wait_for(|now| *now == shut).await;
    }

    /// A copy of everything in it, as a backup of its database would be.
    pub fn copy(&self) -> Copy {
        let state = self.shared.state.lock();
        Copy(state.unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Puts a copy back: what came since is gone, and its ids are given out anew.
    pub fn put_back(&self, copy: &Copy) {
        let state = self.shared.state.lock();
        *state.unwrap_or_else(PoisonError::into_inner) = copy.0.clone();
    }

    /// Same address and token, another server behind it: users, projects and tasks are new, ids
    /// start again, and the user's `created` differs.
    pub fn restart_empty(&self) {
        let mut state = self
            .shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let born = state
            .users
            .values()
            .map(|user| user.created)
            .max()
            .unwrap_or(0);
        let mut fresh = State::new(
            state.zone.clone(),
            state.concurrent_writes,
            state.base_url.clone(),
        );
        fresh.loopback_webhooks = state.loopback_webhooks;
        fresh.noauth_limit = state.noauth_limit;
        fresh.now = self.shared.clock.now();
        seed(&mut fresh, &self.token);
        for user in fresh.users.values_mut() {
            user.created = user.created.max(born + 1);
        }
        *state = fresh;
    }
}

impl Drop for Vikunja {
    fn drop(&mut self) {
        self.shared.gate.set_open(false);
        self.serving.abort();
    }
}

/// Adds the first user and gives `token` every scope.
fn seed(state: &mut State, token: &str) {
    let user = account::add_user(state, ADMIN, ADMIN_PASSWORD);
    let expires = FAR_FUTURE
        .parse::<Timestamp>()
        .map_or(i64::MAX, Timestamp::as_second);
    let grant = Grant {
        id: state.next_id("token"),
        title: "all scopes".to_owned(),
        user,
        scopes: Scopes::Named(tokens::all_scopes()),
        created: state.second(),
        expires,
        expires_text: FAR_FUTURE.to_owned(),
    };
    state.grants.insert(token.to_owned(), grant);
}
