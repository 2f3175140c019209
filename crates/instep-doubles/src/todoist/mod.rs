//! A stand-in for the Todoist API v1: its REST calls for tasks, projects, sections, labels,
//! comments, reminders and completed tasks, `/sync` with commands and deltas, OAuth with refresh
//! tokens, and webhooks with signatures and redelivery. One user, all in memory. The real service
//! is never contacted, and no connector type is known here.
//!
//! Start one with [`Todoist::start`]; script failures with [`Todoist::set_fault`]; look at what
//! came in with [`Todoist::requests`]. What the service leaves open is a choice in [`Options`].

mod account;
mod activities;
mod args;
mod call;
mod commands;
mod comments;
mod cursor;
mod delivery;
mod draft;
mod due;
mod due_text;
mod fault;
mod filter;
mod hooks;
mod id;
mod labels;
mod mappings;
mod oauth;
mod projects;
mod quick;
mod rates;
mod recurrence;
mod refusal;
mod reminders;
mod route;
mod routes;
mod sections;
mod server;
mod state;
mod sync;
mod task_calls;
mod tasks;
mod wire;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::watch;

pub use crate::clock::Clock;
pub use crate::traffic::Recorded;
pub use delivery::signature;
pub use fault::{CommandFault, Effect, Fault, Point};
pub use hooks::{Chaos, Webhook};

use crate::connection::{Door, Gate};
use crate::outgoing::http_client;
use due::Moment;
use hooks::Hooks;
use rates::Rates;
use server::Shared;
use state::{Grant, Scopes, State, Store};

/// The id of the only user.
pub const USER_ID: &str = "30145678";

/// What the user pays for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// No deadlines and reminders, durations are dropped, few projects.
    Free,
    /// Everything.
    Pro,
}

/// What `/sync` makes of a token it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadToken {
    /// Mode A: it answers with a full sync.
    FullSync,
    /// Mode B: it answers 400 and names the argument `sync_token`.
    Refuse,
}

/// How a double behaves. The default is a paying user in UTC, and the answer last observed or else
/// documented wherever the service leaves one open.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// Extra time per request, half of it before the request is applied and half after.
    pub latency: Duration,
    /// What the user pays for.
    pub plan: Plan,
    /// IANA name of the user's time zone.
    pub timezone: String,
    /// Status of calls that answer nothing: 204 without a body, or 200 with `null`.
    pub done_status: u16,
    /// What becomes of an unknown sync token.
    pub bad_token: BadToken,
    /// Whether a repeated command is answered with the id it made the first time.
    pub dedupe_mapping: bool,
    /// Whether a REST call with a repeated `X-Request-Id` is answered as the first was.
    pub heeds_request_ids: bool,
    /// Whether a delta tells of what was deleted along with its project, section or parent.
    pub tells_of_children: bool,
    /// Partial syncs in fifteen minutes.
    pub partial_syncs: usize,
    /// Full syncs in fifteen minutes.
    pub full_syncs: usize,
    /// REST calls in fifteen minutes; `None` for no limit.
    pub rest_calls: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            latency: Duration::ZERO,
            plan: Plan::Pro,
            timezone: "UTC".to_owned(),
            done_status: 204,
            bad_token: BadToken::FullSync,
            dedupe_mapping: true,
            heeds_request_ids: false,
            tells_of_children: true,
            partial_syncs: 1000,
            full_syncs: 100,
            rest_calls: None,
        }
    }
}

/// A running double. Dropping it closes its port and cuts its connections.
#[derive(Debug)]
pub struct Todoist {
    shared: Arc<Shared>,
    url: String,
    token: String,
    shut: watch::Receiver<bool>,
    running: [tokio::task::JoinHandle<()>; 2],
}

impl Todoist {
    /// Starts a double on 127.0.0.1.
    ///
    /// # Panics
    /// When the port cannot be had or the time zone is unknown: a test cannot go on without.
    pub async fn start(options: Options) -> Self {
        match Self::try_start(options).await {
            Ok(double) => double,
            Err(error) => panic!("the Todoist double did not start: {error}"),
        }
    }

    /// Starts a double on 127.0.0.1.
    ///
    /// # Errors
    /// When the port cannot be had, the time zone is unknown, or no HTTP client can be made.
    pub async fn try_start(options: Options) -> io::Result<Self> {
        let clock = Clock::default();
        let moment = Moment {
            now: clock.now(),
            zone: TimeZone::get(&options.timezone).map_err(io::Error::other)?,
            zone_name: options.timezone.clone(),
        };
        let gate = Gate::new();
        let (shut_sender, shut) = watch::channel(false);
        let door = Door::open(options.port, Arc::clone(&gate), shut_sender).await?;
        let url = format!("http://{}", axum::serve::Listener::local_addr(&door)?);
        let client = http_client(false).map_err(io::Error::other)?;
        let token = oauth::fresh_secret(&url);
        let personal = Grant {
            scopes: Scopes::All,
            app: None,
            expires: None,
        };
        let state = State {
            store: Store::new(&options, moment),
            snapshot: None,
            grants: HashMap::from([(token.clone(), personal)]),
            oauth: oauth::Apps::default(),
            executed: HashMap::new(),
            command_faults: Vec::new(),
            activities: activities::Activities::default(),
            rates: Rates::default(),
            hooks: Hooks::default(),
            options,
        };
        let shared = Arc::new(Shared::new(state, clock, gate, client));
        let serving = tokio::spawn(server::serve(door, Arc::clone(&shared)));
        let sending = tokio::spawn(delivery::work(Arc::clone(&shared)));
        Ok(Self {
            shared,
            url,
            token,
            shut,
            running: [serving, sending],
        })
    }

    /// The base URL, without `/api/v1`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The user's personal token, which may do everything and does not expire.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The id of the user's inbox.
    pub fn inbox(&self) -> String {
        self.shared.state().store.inbox.clone()
    }

    /// The double's clock; webhooks are redelivered by it.
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

    /// Forgets the requests received so far.
    pub fn forget_requests(&self) {
        self.shared.traffic.forget();
    }

    /// Adds a scripted fault. Several may be set; each counts for itself.
    pub fn set_fault(&self, fault: Fault) {
        let script = self.shared.script.lock();
        script.unwrap_or_else(PoisonError::into_inner).add(fault);
    }

    /// Adds a scripted refusal of single commands.
    pub fn set_command_fault(&self, fault: CommandFault) {
        self.shared.state().command_faults.push(fault);
    }

    /// Removes all scripted faults.
    pub fn clear_faults(&self) {
        self.shared.state().command_faults.clear();
        let script = self.shared.script.lock();
        script.unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Cuts every connection and gives the port up; returns once connecting is refused.
    pub async fn refuse_connections(&self) {
        self.shared.gate.set_open(false);
        self.until_shut(true).await;
    }

    /// Takes the port again after [`Todoist::refuse_connections`]; returns once it answers.
    pub async fn accept_connections(&self) {
        self.shared.gate.set_open(true);
        self.until_shut(false).await;
    }

    async fn until_shut(&self, shut: bool) {
        // The sender ends only with the server itself.
        let _ = self.shut.clone().wait_for(|now| *now == shut).await;
    }

    /// Changes what the user pays for.
    pub fn set_plan(&self, plan: Plan) {
        let mut state = self.shared.state();
        state.store.plan = plan;
        state.store.user_version = state.store.next_version();
    }

    /// From now on full syncs are answered from what there is now, until [`Todoist::catch_up`].
    pub fn lag_behind(&self) {
        let mut state = self.shared.state();
        state.snapshot = Some(Box::new(state.store.clone()));
    }

    /// Full syncs are answered from the present again.
    pub fn catch_up(&self) {
        self.shared.state().snapshot = None;
    }

    /// Forgets which commands were carried out, as the service does after a time it does not tell.
    pub fn forget_commands(&self) {
        self.shared.state().executed.clear();
    }

    /// Revokes every token of the user, as the user can; the personal one works again after
    /// [`Todoist::restore_token`].
    pub fn revoke_tokens(&self) {
        self.shared.state().grants.clear();
    }

    /// Makes the personal token work again.
    pub fn restore_token(&self) {
        let personal = Grant {
            scopes: Scopes::All,
            app: None,
            expires: None,
        };
        let mut state = self.shared.state();
        state.grants.insert(self.token.clone(), personal);
    }

    /// Tells what an object of an earlier API generation is called today; `kind` as in the path of
    /// `/id_mappings`.
    pub fn map_old_id(&self, kind: &str, old: &str, new: &str) {
        let key = (kind.to_owned(), old.to_owned());
        let mut state = self.shared.state();
        state.store.mappings.insert(key, new.to_owned());
    }

    /// How many partial and full syncs count against the limits at the moment.
    pub fn syncs_used(&self) -> (usize, usize) {
        let mut state = self.shared.state();
        let now = state.store.now();
        let rates = &mut state.rates;
        (rates.partial_syncs.used(now), rates.full_syncs.used(now))
    }

    /// Registers an app's webhook.
    pub fn add_webhook(&self, hook: Webhook) {
        self.shared.state().hooks.listen(hook);
    }

    /// What becomes of deliveries from now on.
    pub fn set_chaos(&self, chaos: Chaos) {
        self.shared.state().hooks.set_chaos(chaos);
        self.shared.to_send.notify_one();
    }

    /// Makes an OAuth app known.
    pub fn add_app(&self, client_id: &str, client_secret: &str) {
        self.shared.state().oauth.add(client_id, client_secret);
    }

    /// A code for an app, as the user's consent to `scope` (comma separated) gives it.
    pub fn authorize(&self, client_id: &str, scope: &str) -> String {
        self.shared.state().oauth.code(client_id, scope)
    }
}

impl Drop for Todoist {
    fn drop(&mut self) {
        self.shared.gate.set_open(false);
        for task in &self.running {
            task.abort();
        }
    }
}
