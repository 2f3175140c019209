//! One account's turn by itself, as the daemon gives it: what was told of it is read, or it is looked
//! at, and what is due for it is carried. When a turn is due is not decided here.

use std::time::{Duration, Instant};

use instep_api::{Exit, Failure, SyncRequest};
use instep_contract::{Connector, Event, Look, Store, StoreError};
use instep_engine::{AccountReport, Begin, Member, NextTry, ReportedChange, RoundOptions, Trouble};
use instep_model::{AccountId, Direction, RemoteId, Side, Timestamp};

use crate::app::App;
use crate::config::Entry;
use crate::connector::AnyConnector;
use crate::say;
use crate::wiring;

/// Events that one turn takes.
const MOST_EVENTS: usize = 100;

/// How long a turn waits for an account that a command or another process runs.
const PATIENCE: Duration = Duration::from_secs(2);

/// Beyond the moment at which a service may be called again.
const SLACK: Duration = Duration::from_millis(20);

/// What a turn is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// What was told of it, and what is due.
    Told,
    /// A look at what changed, and what is due.
    Look,
}

/// What became of a turn.
#[derive(Debug, Clone, Default)]
pub struct Turned {
    /// How many tasks were changed in the hub.
    pub hub_changes: usize,
    /// How many tasks were changed in the service.
    pub remote_changes: usize,
    /// Calls to the service.
    pub calls: u64,
    /// Why the account stands still, if it does.
    pub failure: Option<Failure>,
    /// Whether nobody but the caller knows of that: the hub could not take it.
    pub unstored: bool,
    /// When to try again, where that is known better than by waiting longer each time.
    pub again_in: Option<Duration>,
    /// Whether somebody was writing there, so that it has to be looked at once that is over.
    pub unsettled: bool,
    /// How long what is due had better wait, because somebody is writing there.
    pub rest: Option<Duration>,
    /// Whether the account has to meet the hub first, which takes a whole round.
    pub unmet: bool,
    /// How long the turn took by itself, without waiting for services and processes; `None` where it
    /// looked at the account, which takes as long as the account is large.
    pub own: Option<Duration>,
    /// Whether anything was told of it when the turn began: there may be more, or what a look leaves to
    /// a turn of its own.
    pub more: bool,
    /// How long what was told of it had waited, by the end of the turn that saw to it.
    pub waits: Vec<Duration>,
    /// What was told of it and is seen to: over once [`App::finish`] was told so.
    pub seen: Vec<Event>,
}

impl Turned {
    /// How many tasks were changed, in the hub and there.
    pub fn changes(&self) -> usize {
        self.hub_changes + self.remote_changes
    }

    /// Notes which of the events a turn has seen to, and how long they had waited.
    fn take(&mut self, begin: &Begin, events: Vec<Event>) {
        self.more = !events.is_empty();
        // A look at what changed may leave out what was told of single items: those are read by
        // themselves.
        let (whole, single): (Vec<Event>, Vec<Event>) =
            events.into_iter().partition(|event| event.item.is_none());
        self.seen = match begin {
            Begin::Look => whole,
            Begin::Items(_) | Begin::Work => single,
        };
        let now = Timestamp::now();
        let waits = self.seen.iter().map(|event| now.duration_since(event.at));
        // A clock that was set back meanwhile leaves nothing to tell.
        self.waits = waits.filter_map(|wait| wait.try_into().ok()).collect();
    }
}

impl App {
    /// The accounts, in the order of the config.
    pub fn account_ids(&self) -> Vec<AccountId> {
        let accounts = self.config.accounts.iter();
        accounts.map(|entry| entry.account.id.clone()).collect()
    }

    /// Gives an account its turn; `None` where nothing was told of it and nothing is due. Why it
    /// stands still is part of the answer. What the turn saw to is over once
    /// [`finish`](Self::finish) was told so.
    ///
    /// # Errors
    /// When the account is not in the config, or the hub fails.
    pub async fn turn(&self, account: &AccountId, turn: Turn) -> Result<Option<Turned>, Failure> {
        let began = Instant::now();
        let failed = |error| say::from_store(&error);
        let mut entries = self.config.accounts.iter();
        let Some(entry) = entries.find(|entry| entry.account.id == *account) else {
            return Err(say::unknown_account(account.as_str(), &self.config.names()));
        };
        let events = self.hub.events(account, MOST_EVENTS).await;
        let events = events.map_err(failed)?;
        let is_whole = events.iter().any(|event| event.item.is_none());
        let begin = match turn {
            Turn::Told if events.is_empty() => Begin::Work,
            Turn::Told if !is_whole => Begin::Items(items(&events)),
            Turn::Told | Turn::Look => Begin::Look,
        };
        if begin == Begin::Work {
            let now = Timestamp::now();
            let due = self.hub.pending_work(account, 0, 1, now).await;
            if due.map_err(failed)?.is_empty() {
                return Ok(None);
            }
        }
        self.turn_of(entry, begin, events, began).await.map(Some)
    }

    async fn turn_of(
        &self,
        entry: &Entry,
        begin: Begin,
        events: Vec<Event>,
        began: Instant,
    ) -> Result<Turned, Failure> {
        let account = &entry.account.id;
        let connector = match self.connector(entry).await {
            Ok(connector) => connector,
            Err(failure) => {
                return Ok(Turned {
                    failure: Some(failure),
                    unstored: true,
                    ..Turned::default()
                });
            }
        };
        let waited = connector.waited();
        let mut member = Member {
            account: entry.account.clone(),
            connector,
        };
        let engine = self.engine(self.hub.clone());
        let report = engine.run_turn(&mut member, &begin, &options()).await;
        let is_hub = |change: &&ReportedChange| change.side == Side::Hub;
        let hub_changes = report.changes.iter().filter(is_hub).count();
        let remote_changes = report.changes.len() - hub_changes;
        let Some(told) = report.accounts.into_iter().next() else {
            return Ok(Turned::default());
        };
        let mut turned = Turned {
            hub_changes,
            remote_changes,
            calls: told.calls,
            // What lost a race is tried once more by a look; what loses that too waits for the next.
            unsettled: told.unsettled || (begin != Begin::Look && lost_a_race(&told)),
            rest: told.rest,
            unmet: told.unmet,
            ..Turned::default()
        };
        match &told.trouble {
            None if told.unmet => {}
            None => {
                after_turn(&mut member).await;
                if begin == Begin::Look && self.keep_webhooks(entry).await.is_some() {
                    tracing::warn!(account.id = %account, "its webhooks could not be kept in order");
                }
                turned.take(&begin, events);
            }
            Some(trouble) => {
                let met = say::Met::Syncing { tasks: 0 };
                turned.failure = Some(say::from_trouble(entry, trouble, met));
                turned.again_in = again_in(trouble);
                turned.unstored = !self.is_kept(account, trouble).await;
            }
        }
        if begin != Begin::Look {
            let waited = member.connector.waited().saturating_sub(waited);
            turned.own = Some(began.elapsed().saturating_sub(waited));
        }
        self.keep(entry, member.connector, turned.failure.as_ref());
        Ok(turned)
    }

    /// Whether the hub knows why an account stands still; a person's pause and the like, and who is at
    /// the account at this moment, are known beside it.
    async fn is_kept(&self, account: &AccountId, trouble: &Trouble) -> bool {
        if trouble.is_left_alone() || matches!(trouble, Trouble::LeaseHeld { .. }) {
            return true;
        }
        let state = self.hub.account_state(account).await;
        state.is_ok_and(|state| state.trouble.as_ref() == Some(trouble))
    }

    /// Ends what a turn has seen to. Until then it is seen to once more by whoever comes next.
    ///
    /// # Errors
    /// When the hub fails.
    pub async fn finish(&self, turned: &Turned) -> Result<(), Failure> {
        match turned.seen.is_empty() {
            true => Ok(()),
            false => self.forget_told(&turned.seen).await,
        }
    }

    /// Notes of writes that were given up before an answer came, as a turn is that is dropped half-way,
    /// that the service may be at work on them for as long as after a time-out (S14).
    ///
    /// # Errors
    /// When the hub fails.
    pub async fn note_given_up(&self) -> Result<(), Failure> {
        let failed = |error| say::from_store(&error);
        let options = RoundOptions {
            lease_timeout: Duration::ZERO,
            ..self.options(&SyncRequest::default())
        };
        let engine = self.engine(self.hub.clone());
        for account in self.account_ids() {
            let open = self.hub.open_intents(&account).await;
            if open.map_err(failed)?.is_empty() {
                continue;
            }
            let lease = match engine.claim(&account, &options).await {
                // Whoever runs it by now has given up nothing.
                Err(StoreError::LeaseHeld { .. }) => continue,
                claimed => claimed.map_err(failed)?,
            };
            let mut open = self.hub.open_intents(&account).await.map_err(failed)?;
            for intent in &mut open {
                intent.timed_out = true;
            }
            let noted = self.hub.commit_doubt(&lease, &open).await;
            // A lease that cannot be given back ends by itself.
            let _ = self.hub.release_lease(lease).await;
            noted.map_err(failed)?;
        }
        Ok(())
    }

    /// Mends the webhooks of an account that was looked at; answers what went wrong.
    pub(crate) async fn keep_webhooks(&self, entry: &Entry) -> Option<String> {
        match self.ensure_webhooks(&entry.account.name).await {
            Ok(kept) => kept?
                .error
                .map(|failure| failure.what + ": " + &failure.why),
            Err(failure) => Some(failure.what),
        }
    }

    /// A connector for the account: the one that was kept, or a new one.
    pub(crate) async fn connector(&self, entry: &Entry) -> Result<AnyConnector, Failure> {
        if let Some(kept) = self.pool.take(&entry.account.id) {
            return Ok(kept);
        }
        let (places, secrets) = (&self.places, &self.secrets);
        wiring::connect(places, &self.config, secrets, entry, places.state()).await
    }

    /// Keeps a connector for the next turn, unless a person has to mend something first: then its
    /// secret is read anew.
    pub(crate) fn keep(&self, entry: &Entry, connector: AnyConnector, failure: Option<&Failure>) {
        let account = &entry.account.id;
        if failure.is_some_and(|failure| failure.exit == Exit::NeedsLogin) {
            self.secrets.forget(account);
            return;
        }
        self.pool.give_back(account.clone(), connector);
    }
}

/// Sets a file right that a stale program overwrote. What a person should hear of it waits in the
/// connector for the next sync that somebody asks for.
async fn after_turn(member: &mut Member<AnyConnector>) {
    // What is only read from is never written, not even to mend it.
    if member.account.direction != Direction::FromRemote && member.connector.settle().await.is_err()
    {
        tracing::warn!(
            account.id = %member.account.id,
            "a file that was overwritten is still to be set right"
        );
    }
}

fn lost_a_race(told: &AccountReport) -> bool {
    told.problems
        .iter()
        .any(|problem| problem.next == NextTry::Sync)
}

fn options() -> RoundOptions {
    RoundOptions {
        look: Look::Changes,
        lease_timeout: PATIENCE,
        holder: "instep".to_owned(),
        ..RoundOptions::default()
    }
}

fn items(events: &[Event]) -> Vec<RemoteId> {
    events
        .iter()
        .filter_map(|event| event.item.clone())
        .collect()
}

/// When a turn that ended so is worth another try, where waiting longer each time is not the answer.
fn again_in(trouble: &Trouble) -> Option<Duration> {
    match trouble {
        Trouble::Throttled { retry_after } => *retry_after,
        Trouble::LeaseHeld { .. } => Some(Duration::from_millis(200)),
        Trouble::InDoubt { .. } => Some(Duration::from_secs(2)),
        Trouble::CircuitOpen { retry_at: at, .. }
        | Trouble::HeldOff { until: at }
        | Trouble::Paused { until: Some(at) } => {
            let left = at.duration_since(Timestamp::now());
            Some(Duration::try_from(left).unwrap_or_default() + SLACK)
        }
        _ => None,
    }
}
