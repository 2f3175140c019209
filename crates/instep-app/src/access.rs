//! Whether services are called now: how that is told, a person's pause, and the one call that asks
//! whether a service answers.

use std::time::Duration;

use instep_api::{
    BreakerState, BreakerStatus, Exit, Failure, PauseReply, PausedAccount, PingReply,
    SCHEMA_VERSION, State,
};
use instep_contract::Store;
use instep_engine::{BreakerRule, Way, way};
use instep_engine::{Clock, Member};
use instep_model::{Access, AccountId, Breaker, Pause, Timestamp, Trouble};

use crate::app::App;
use crate::config::Entry;
use crate::runtime::SystemClock;
use crate::status::needs_somebody;
use crate::{say, wiring};

/// How often a pause is stored again because another process stored something at that moment.
const MOST_TRIES: usize = 20;

/// What stands in the way of calls to one account's service.
pub(crate) struct Standing {
    pub(crate) breaker: BreakerStatus,
    /// Why no calls are made; `None` where they are.
    pub(crate) left_alone: Option<LeftAlone>,
    /// Whether it failed too often, rather than that somebody asked for a pause.
    pub(crate) is_open: bool,
    /// Whether a person's pause holds.
    pub(crate) is_paused: bool,
    /// Whether a pause holds that the service asked for.
    pub(crate) is_throttled: bool,
}

/// Why the service of an account is left alone for now.
pub(crate) struct LeftAlone {
    /// What it is to the account.
    pub(crate) state: State,
    /// Why, in words.
    pub(crate) why: String,
    /// The command that ends it.
    pub(crate) command: String,
}

impl LeftAlone {
    /// Why, with the command.
    pub(crate) fn line(&self) -> String {
        format!("{} → {}", self.why, self.command)
    }
}

impl Standing {
    /// Why the service is left alone, where that says more of how the account stands than what stands
    /// in its way: being left alone only hides what a person has to decide, or to mend.
    pub(crate) fn told_before(&self, trouble: Option<&Trouble>) -> Option<&LeftAlone> {
        let left = self.left_alone.as_ref()?;
        let hides = left.state != State::Paused && trouble.is_some_and(needs_somebody);
        (!hides).then_some(left)
    }
}

impl App {
    /// Whether the service of an account is called now.
    pub(crate) async fn access_to(&self, entry: &Entry) -> Result<Standing, Failure> {
        let access = self.hub.access(&entry.account.id).await;
        let mut access = access.map_err(|error| say::from_store(&error))?;
        if access.host != entry.reach.host() {
            access = Access {
                pause: access.pause,
                ..Access::default()
            };
        }
        let rule = self.limits.breaker;
        Ok(standing(&rule, &access, entry, SystemClock.now()))
    }

    /// Leaves accounts alone until a person says otherwise, or for so many seconds. What is changed in
    /// the hub meanwhile waits for them.
    ///
    /// # Errors
    /// When there is no such account, or the hub fails.
    pub async fn pause(
        &self,
        account: Option<&str>,
        for_secs: Option<u64>,
    ) -> Result<PauseReply, Failure> {
        let since = SystemClock.now();
        let span = for_secs.map(Duration::from_secs);
        let until = span.map(|span| since.checked_add(span).unwrap_or(Timestamp::MAX));
        self.set_pause(account, Some(Pause { since, until })).await
    }

    /// Ends the pause of accounts.
    ///
    /// # Errors
    /// When there is no such account, or the hub fails.
    pub async fn resume(&self, account: Option<&str>) -> Result<PauseReply, Failure> {
        self.set_pause(account, None).await
    }

    async fn set_pause(
        &self,
        account: Option<&str>,
        pause: Option<Pause>,
    ) -> Result<PauseReply, Failure> {
        let names: Vec<String> = account.into_iter().map(str::to_owned).collect();
        let mut accounts = Vec::new();
        for entry in self.entries(&names)? {
            self.store_pause(&entry.account.id, pause).await?;
            accounts.push(PausedAccount {
                name: entry.account.name.clone(),
                paused: pause.is_some(),
                until: pause
                    .and_then(|pause| pause.until)
                    .map(|until| until.to_string()),
            });
        }
        Ok(PauseReply {
            schema_version: SCHEMA_VERSION,
            accounts,
        })
    }

    async fn store_pause(&self, account: &AccountId, pause: Option<Pause>) -> Result<(), Failure> {
        let failed = |error| say::from_store(&error);
        for _ in 0..MOST_TRIES {
            let known = self.hub.access(account).await.map_err(failed)?;
            if known.pause == pause {
                return Ok(());
            }
            let next = Access { pause, ..known };
            if self
                .hub
                .commit_access(account, &next)
                .await
                .map_err(failed)?
            {
                return Ok(());
            }
        }
        Err(Failure::new(
            Exit::Failed,
            "busy",
            "the pause was not stored",
            "other processes kept changing what is known of the account",
            "try again",
        ))
    }

    /// Makes one call that changes nothing, with the breaker open too: an answer closes it.
    ///
    /// # Errors
    /// When there is no such account, or it does not answer.
    pub async fn ping(&self, name: &str) -> Result<PingReply, Failure> {
        let entry = self.entry(name)?;
        let (places, config) = (&self.places, &self.config);
        let state = places.state();
        let connector = wiring::connect(places, config, &self.secrets, entry, state).await?;
        let mut member = Member {
            account: entry.account.clone(),
            connector,
        };
        let ping = self.engine(self.hub.clone()).ping(&mut member).await;
        let ping = ping.map_err(|trouble| say::from_trouble(entry, &trouble, say::Met::Looking))?;
        Ok(PingReply {
            schema_version: SCHEMA_VERSION,
            name: name.to_owned(),
            ms: u64::try_from(ping.took.as_millis()).unwrap_or(u64::MAX),
            was_probe: ping.was_probe,
            breaker: self.access_to(entry).await?.breaker.state,
        })
    }
}

fn standing(rule: &BreakerRule, access: &Access, entry: &Entry, now: Timestamp) -> Standing {
    let state = match &access.breaker {
        _ if !rule.on => BreakerState::Closed,
        Breaker::Closed { .. } => BreakerState::Closed,
        Breaker::Open(_) => BreakerState::Open,
        Breaker::HalfOpen(_) => BreakerState::HalfOpen,
    };
    let left = |until: Timestamp| {
        let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        // A part of a second is one more to wait.
        left.as_secs() + u64::from(left.subsec_nanos() > 0)
    };
    let retry_in_s = match &access.breaker {
        Breaker::Open(opening) | Breaker::HalfOpen(opening) if state != BreakerState::Closed => {
            Some(match opening.span.holds(now) {
                true => left(opening.span.until),
                false => 0,
            })
        }
        _ => None,
    };
    let breaker = BreakerStatus {
        state,
        failures: access.breaker.failures(),
        retry_in_s,
    };
    Standing {
        is_paused: access.pause.is_some_and(|pause| pause.holds(now)),
        is_throttled: access.throttle.is_some_and(|span| span.holds(now)),
        is_open: state != BreakerState::Closed,
        left_alone: left_alone(way(rule, access, now), &breaker, access, entry, left),
        breaker,
    }
}

fn left_alone(
    way: Way,
    breaker: &BreakerStatus,
    access: &Access,
    entry: &Entry,
    left: impl Fn(Timestamp) -> u64,
) -> Option<LeftAlone> {
    let name = &entry.account.name;
    Some(match way {
        Way::Free => return None,
        Way::Paused(pause) => LeftAlone {
            state: State::Paused,
            why: match pause.until {
                Some(until) => {
                    let wait = say::span(Duration::from_secs(left(until)));
                    format!("paused by you for {wait} more")
                }
                None => "paused by you".to_owned(),
            },
            command: format!("instep resume {name}"),
        },
        Way::Throttled(span) => {
            let secs = left(span.until);
            let wait = say::span(Duration::from_secs(secs));
            LeftAlone {
                state: State::Waiting,
                why: format!("the service asked for a pause, and takes calls again in {wait}"),
                // Until then a sync would only fail.
                command: format!("sleep {secs}; instep sync {name}"),
            }
        }
        Way::Shut(_) | Way::Probe(_) => LeftAlone {
            state: State::Waiting,
            why: say::circuit(breaker, &reason(&access.breaker, entry)),
            command: format!("instep ping {name}"),
        },
    })
}

/// Why the breaker opened, and what address failed.
fn reason(breaker: &Breaker, entry: &Entry) -> String {
    match (breaker, entry.reach.address()) {
        (Breaker::Closed { .. }, _) => String::new(),
        (Breaker::Open(opening) | Breaker::HalfOpen(opening), Some(address)) => {
            format!("{address}: {}", opening.reason)
        }
        (Breaker::Open(opening) | Breaker::HalfOpen(opening), None) => opening.reason.clone(),
    }
}
