//! The one door to a service: every call that goes to one from here passes it. It asks whether a
//! call may be made at all, repeats what a busy service refused, and takes in what came of it, for
//! every process that shares the hub (S33). Nothing here knows what a call is for.

use std::time::Duration;

use instep_contract::{Applied, Connector, ConnectorError, Lost, Observation, Store, with_causes};
use instep_model::{
    Access, AccountId, Identity, RemoteId, RemoteTask, SetSince, Timestamp, Trouble,
};
use instep_sync::{Heard, Way, force, hear, refund, spend, throttle, way};

use crate::pass::Pass;
use crate::report::trouble_of;
use crate::round::{Engine, Member};
use crate::stop::Stop;
use crate::{Clock, Rng};

/// How often a busy service is asked again within one step.
const MOST_BUSY_TRIES: usize = 8;

/// How often what is known of an account is read again because another process was faster.
const MOST_READS: usize = 5;

/// A call that takes longer than this counts as failed.
const SLOW: Duration = Duration::from_secs(10);

/// No call takes so long: the computer slept, or its clock was set.
const NO_CALL: Duration = Duration::from_secs(60);

/// What is known of an account is read again once it is as old as this: what another process stored
/// meanwhile, a person's pause above all, holds from the next call on. Not before every call, since
/// that would take longer than a call to a program of this computer's own.
const FRESH: Duration = Duration::from_millis(250);

/// What came of a call that was made.
pub(crate) type Called<T> = Result<T, ConnectorError>;

/// The way to one account's service, for as long as a pass over it lasts.
#[derive(Debug)]
pub(crate) struct Door {
    account: AccountId,
    host: Option<String>,
    /// Read before the first call, and now and then between calls.
    access: Option<Access>,
    /// When it was read.
    read_at: Timestamp,
}

impl Door {
    pub(crate) fn new<C: Connector>(account: AccountId, connector: &C) -> Self {
        Self {
            account,
            host: connector.host().map(str::to_owned),
            access: None,
            read_at: Timestamp::MIN,
        }
    }

    /// Whether what is known was read a moment ago. A clock that was set back says nothing.
    fn is_fresh(&self, now: Timestamp) -> bool {
        let age = Duration::try_from(now.duration_since(self.read_at));
        self.access.is_some() && age.is_ok_and(|age| age < FRESH)
    }

    /// What was stored of another host says nothing of this one.
    fn take(&mut self, mut access: Access) {
        if access.host != self.host {
            access = Access {
                version: access.version,
                host: self.host.clone(),
                pause: access.pause,
                ..Access::default()
            };
        }
        self.access = Some(access);
    }
}

/// What a call answers, as far as its health goes.
pub(crate) trait Answer {
    /// Errors within it.
    fn errors(&self) -> Vec<&ConnectorError> {
        Vec::new()
    }
}

impl Answer for Identity {}
impl Answer for Observation {}
impl Answer for Vec<Option<RemoteTask>> {}
impl Answer for Vec<String> {}
impl Answer for Vec<Lost> {}
impl Answer for Vec<Option<SetSince>> {}
impl Answer for Vec<Vec<Applied>> {}
impl Answer for Vec<Called<Applied>> {
    fn errors(&self) -> Vec<&ConnectorError> {
        self.iter().filter_map(|one| one.as_ref().err()).collect()
    }
}

/// The repeats that one step has left.
pub(crate) struct Tries {
    left: usize,
}

impl Tries {
    /// For what a service refuses while it is busy.
    pub(crate) fn while_busy() -> Self {
        Self {
            left: MOST_BUSY_TRIES,
        }
    }

    /// At most this many repeats.
    pub(crate) fn of(most: usize) -> Self {
        Self { left: most }
    }

    /// Whether there is none left.
    pub(crate) fn are_over(&self) -> bool {
        self.left == 0
    }
}

/// What a service answered to the one call of [`Engine::ping`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ping {
    /// How long it took.
    pub took: Duration,
    /// Whether it was the call that finds out whether the service answers again.
    pub was_probe: bool,
}

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Calls the service until it is no longer busy with another writer. `Err` where no call may be
    /// made, so that nothing was sent.
    pub(crate) async fn call<C: Connector, T: Answer>(
        &self,
        pass: &mut Pass<'_, C>,
        mut action: impl AsyncFnMut(&mut C) -> Called<T>,
    ) -> Result<Called<T>, Stop> {
        let mut tries = Tries::while_busy();
        loop {
            match self.attempt_of(pass, &tries, &mut action).await? {
                Err(error) if error.asks_for_repeat() && self.may_repeat(&mut tries).await => {}
                outcome => return Ok(outcome),
            }
        }
    }

    /// Makes one call that is not repeated. `Err` where none may be made.
    pub(crate) async fn attempt<C: Connector, T: Answer>(
        &self,
        pass: &mut Pass<'_, C>,
        action: impl AsyncFnMut(&mut C) -> Called<T>,
    ) -> Result<Called<T>, Stop> {
        self.attempt_of(pass, &Tries::of(0), action).await
    }

    /// Makes one call of several that a step may make until the service is no longer busy; being
    /// busy counts once none is left. `Err` where none may be made.
    pub(crate) async fn attempt_of<C: Connector, T: Answer>(
        &self,
        pass: &mut Pass<'_, C>,
        tries: &Tries,
        action: impl AsyncFnMut(&mut C) -> Called<T>,
    ) -> Result<Called<T>, Stop> {
        // Boxed, so that what awaits a call is not as deep as all that belongs to one.
        Box::pin(self.enter(&mut pass.door, pass.connector)).await?;
        let counted = Counted::Unless(!tries.are_over());
        let call = self.pass_through(&mut pass.door, pass.connector, counted, action);
        Ok(Box::pin(call).await)
    }

    /// Whether a call that failed may be made once more; waits a moment before it may.
    pub(crate) async fn may_repeat(&self, tries: &mut Tries) -> bool {
        if tries.left == 0 {
            return false;
        }
        tries.left -= 1;
        let pause = instep_sync::busy_pause(self.rng.next_u64());
        self.clock.sleep(pause).await;
        true
    }

    /// The same after an answer was lost, for which the account has a budget: a service that is in
    /// trouble is not to be met with more and more calls. A writer in the way costs none of it, since
    /// it is gone in a moment.
    pub(crate) async fn may_send_again<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        tries: &mut Tries,
    ) -> bool {
        let now = self.clock.now();
        let access = pass.door.access.as_mut();
        let affords = access.is_none_or(|access| spend(&mut access.spent, false, now));
        affords && self.may_repeat(tries).await
    }

    /// Asks the service for these items by their ids.
    pub(crate) async fn read<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        ids: &[RemoteId],
    ) -> Result<Vec<Option<RemoteTask>>, Stop> {
        pass.touched.extend(ids.iter().cloned());
        let found = self.call(pass, async |connector: &mut C| connector.read(ids).await);
        Ok(found.await??)
    }

    /// Makes one call that changes nothing, for a person who wants to know whether the service
    /// answers: with the breaker open too, which it closes. Whoever was asked to stay away does.
    ///
    /// # Errors
    /// Why there was no answer.
    pub async fn ping<C: Connector>(&self, member: &mut Member<C>) -> Result<Ping, Trouble> {
        let connector = &mut member.connector;
        let mut door = Door::new(member.account.id.clone(), connector);
        let mut was_probe = false;
        for _ in 0..MOST_READS {
            let access = self.known(&door).await.map_err(Stop::into_trouble)?;
            door.take(access);
            let now = self.clock.now();
            let Some(access) = &door.access else {
                break;
            };
            if let Some(span) = access.throttle.filter(|span| span.holds(now)) {
                return Err(Trouble::HeldOff { until: span.until });
            }
            let Some(breaker) = force(&self.limits.breaker, access, now) else {
                break;
            };
            let next = Access {
                breaker,
                ..access.clone()
            };
            was_probe = true;
            if self
                .put(&mut door, next)
                .await
                .map_err(Stop::into_trouble)?
            {
                break;
            }
        }
        let began = self.clock.now();
        let ask = async |connector: &mut C| connector.identity().await;
        let asked = self.pass_through(&mut door, connector, Counted::Always, ask);
        asked.await.map_err(|error| trouble_of(&error))?;
        let took = self.clock.now().duration_since(began);
        let took = Duration::try_from(took).unwrap_or_default();
        Ok(Ping { took, was_probe })
    }

    /// Waits for leave to make a call, or says why there is none. Where it has to be found out
    /// whether the service answers again, one process does, with one call that changes nothing.
    pub(crate) async fn enter<C: Connector>(
        &self,
        door: &mut Door,
        connector: &mut C,
    ) -> Result<(), Stop> {
        self.read_again(door).await?;
        for _ in 0..MOST_READS {
            let Some(access) = &door.access else {
                break;
            };
            match way(&self.limits.breaker, access, self.clock.now()) {
                Way::Free => {
                    self.wait_for_the_rate(door).await;
                    return Ok(());
                }
                Way::Paused(pause) => {
                    let until = pause.until;
                    return Err(Stop::Trouble(Trouble::Paused { until }));
                }
                Way::Throttled(span) => {
                    let until = span.until;
                    return Err(Stop::Trouble(Trouble::HeldOff { until }));
                }
                Way::Shut(opening) => {
                    return Err(Stop::Trouble(Trouble::CircuitOpen {
                        retry_at: opening.span.until,
                        failures: opening.failures,
                        reason: opening.reason,
                    }));
                }
                Way::Probe(breaker) => {
                    let next = Access {
                        breaker,
                        ..access.clone()
                    };
                    if self.put(door, next).await? {
                        let ask = async |connector: &mut C| connector.identity().await;
                        // What came of it is in the breaker now.
                        let _ = self
                            .pass_through(door, connector, Counted::Always, ask)
                            .await;
                    }
                }
            }
        }
        Err(Stop::Again)
    }

    /// Reads what is known of the account, unless that was done a moment ago. What nobody stored since
    /// is kept as it is here, with what was counted in it.
    async fn read_again(&self, door: &mut Door) -> Result<(), Stop> {
        let now = self.clock.now();
        if door.is_fresh(now) {
            return Ok(());
        }
        let access = self.known(door).await?;
        door.read_at = now;
        let known = door.access.as_ref().map(|access| access.version);
        if known != Some(access.version) {
            door.take(access);
        }
        Ok(())
    }

    async fn known(&self, door: &Door) -> Result<Access, Stop> {
        Ok(self.store.access(&door.account).await?)
    }

    /// Stores what is known of the account; where another process was faster, reads what that
    /// stored, and answers false.
    async fn put(&self, door: &mut Door, next: Access) -> Result<bool, Stop> {
        let stored = self.store.commit_access(&door.account, &next).await?;
        let access = match stored {
            true => Access {
                version: next.version + 1,
                ..next
            },
            false => self.known(door).await?,
        };
        door.take(access);
        Ok(stored)
    }

    async fn wait_for_the_rate(&self, door: &Door) {
        if door.host.is_some() {
            let now = self.clock.now();
            let wait = self.limits.wait(&door.account, now);
            if !wait.is_zero() {
                self.clock.sleep(wait).await;
            }
        }
    }

    /// Makes a call, and takes in what came of it.
    pub(crate) async fn pass_through<C: Connector, T: Answer>(
        &self,
        door: &mut Door,
        connector: &mut C,
        counted: Counted,
        mut action: impl AsyncFnMut(&mut C) -> Called<T>,
    ) -> Called<T> {
        let calls_before = connector.calls();
        let began = self.clock.now();
        let outcome = action(connector).await;
        let calls = connector.calls().saturating_sub(calls_before);
        let is_repeated = matches!(&outcome, Err(error) if error.asks_for_repeat());
        let waits = is_repeated && matches!(counted, Counted::Unless(true));
        if door.host.is_some() && calls > 0 && !waits {
            let now = self.clock.now();
            self.limits.take(&door.account, calls, now);
            let took = Duration::try_from(now.duration_since(began)).unwrap_or_default();
            let heard = what_came(&outcome, calls, took);
            self.tell(door, &heard, asked_to_wait(&outcome)).await;
        }
        outcome
    }

    /// Takes in what came of calls. A database that fails must not make anybody forget what the
    /// service has stored: what it does not learn here it learns by the next failure.
    async fn tell(&self, door: &mut Door, heard: &[Heard], asked: Option<Option<Duration>>) {
        for _ in 0..MOST_READS {
            let Some(access) = &mut door.access else {
                return;
            };
            let mut next = access.clone();
            let now = self.clock.now();
            let mut is_news = false;
            for heard in heard {
                let random = self.rng.next_u64();
                is_news |= hear(&self.limits.breaker, &mut next, heard, now, random);
                if *heard == Heard::Success {
                    refund(&mut next.spent);
                }
            }
            if let Some(wait) = asked {
                throttle(&mut next, wait, now);
                is_news = true;
            }
            if !is_news {
                *access = next;
                return;
            }
            match self.put(door, next.clone()).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(_) => {
                    door.access = Some(next);
                    return;
                }
            }
        }
    }
}

/// Whether what came of a call counts.
pub(crate) enum Counted {
    /// At once.
    Always,
    /// Not yet, where the call is to be repeated.
    Unless(bool),
}

/// What the calls of one step say of the service, in order. All but the last of several must have
/// succeeded, or it would not have come to the last.
fn what_came<T: Answer>(outcome: &Called<T>, calls: u64, took: Duration) -> Vec<Heard> {
    let each = took / u32::try_from(calls).unwrap_or(u32::MAX);
    let is_slow = SLOW < each && each < NO_CALL;
    let errors = match outcome {
        Ok(answer) => answer.errors(),
        Err(error) => vec![error],
    };
    let failures = errors.iter().filter(|error| error.counts_against_service());
    // What one call failed with may be told of each item in it.
    let failures: Vec<Heard> = failures
        .take(usize::try_from(calls).unwrap_or(usize::MAX))
        .map(|error| Heard::Failure(with_causes(*error)))
        .collect();
    let succeeded = calls > failures.len() as u64;
    let refused = outcome.is_err() && failures.is_empty();
    match (is_slow, refused) {
        (true, _) if failures.is_empty() => {
            let reason = format!("an answer took {} s", each.as_secs());
            vec![Heard::Failure(reason)]
        }
        (_, true) if calls == 1 || errors.iter().any(|error| is_about_access(error)) => {
            vec![Heard::Refusal]
        }
        _ => succeeded
            .then_some(Heard::Success)
            .into_iter()
            .chain(failures)
            .collect(),
    }
}

/// Whether nothing was done because of who asks or how: to find that out takes a call of its own.
fn is_about_access(error: &ConnectorError) -> bool {
    matches!(
        error,
        ConnectorError::Unauthorized { .. } | ConnectorError::Setup { .. }
    )
}

/// Whether the service asked to be left alone, and how long.
fn asked_to_wait<T: Answer>(outcome: &Called<T>) -> Option<Option<Duration>> {
    let errors = match outcome {
        Ok(answer) => answer.errors(),
        Err(error) => vec![error],
    };
    errors.into_iter().find_map(|error| match error {
        ConnectorError::Throttled { retry_after } => Some(*retry_after),
        _ => None,
    })
}
