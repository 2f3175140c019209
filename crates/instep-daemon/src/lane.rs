//! One account's lane: its turns, one after the other, for as long as the daemon runs. Lanes know
//! nothing of each other: what one makes due elsewhere it only rings for.

use std::rc::Rc;
use std::time::Duration;

use instep_api::Failure;
use instep_app::{AccountId, Part, Turn, Turned, reason_for_log};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::metrics::Metrics;
use crate::shared::{Bell, Shared};

/// How long it takes until what somebody was writing has come to rest.
const REST: Duration = Duration::from_millis(400);

/// The longest wait after turns that failed, before its jitter: no more than half a minute with it.
/// A service that is back is not to be waited for much longer than that, and a call in so long a time
/// is no burden to one that is not.
const LONGEST_WAIT: Duration = Duration::from_secs(27);

/// The shortest that the longest wait is.
const SHORTEST_POLL: Duration = Duration::from_secs(1);

/// The longest wait after turns that failed, where accounts are looked at so often: one that fails is
/// not looked at more seldom than one that does not.
fn longest_wait(poll: Option<Duration>) -> Duration {
    let poll = poll.unwrap_or(LONGEST_WAIT);
    poll.clamp(SHORTEST_POLL, LONGEST_WAIT)
}

/// A lane for each account of the config.
pub(crate) fn start_all(shared: &Rc<Shared>) -> JoinSet<()> {
    let mut lanes = JoinSet::new();
    for account in shared.app().account_ids() {
        let bell = shared.bell(&account);
        bell.ask_for_a_look();
        lanes.spawn_local(run(Rc::clone(shared), account, bell));
    }
    lanes
}

/// When the account is to be woken whoever rings.
struct Times {
    /// When it is looked at next.
    poll: Option<Instant>,
    /// When it is looked at once more, because somebody was writing there.
    again: Option<Instant>,
    /// When what is due is carried, because somebody was writing there.
    carry: Option<Instant>,
    /// No turn before this: the last ones failed.
    not_before: Option<Instant>,
    /// The longest wait after turns that failed.
    longest: Duration,
    failures: u32,
}

async fn run(shared: Rc<Shared>, account: AccountId, bell: Rc<Bell>) {
    let mut times = Times {
        poll: None,
        again: None,
        carry: None,
        not_before: None,
        longest: LONGEST_WAIT,
        failures: 0,
    };
    let (mut is_starting, generation) = (true, shared.generation());
    loop {
        wait(&bell, &mut times).await;
        if shared.is_stopping() || shared.generation() != generation || !shared.stands() {
            // Whoever comes after it hears what it was rung for.
            bell.ring();
            return;
        }
        let app = shared.app();
        // Whoever was in a hurry before this turn says nothing of what comes after it.
        bell.take_hurry();
        let now = Instant::now();
        let is_due = times.poll.is_some_and(|at| at <= now);
        let settled = times.again.take_if(|at| *at <= now).is_some();
        times.carry.take_if(|at| *at <= now);
        let look = bell.take_look() || is_due || settled;
        let turn = match look {
            true => Turn::Look,
            false => Turn::Told,
        };
        if look {
            times.poll = app.poll_every().map(|span| Instant::now() + jittered(span));
        }
        let began = Instant::now();
        let outcome = app.turn(&account, turn).await.transpose();
        remember(&shared, &account, look, outcome.as_ref());
        let Some(outcome) = outcome else {
            continue;
        };
        count(&shared.metrics, app.account_name(&account), &outcome);
        times.longest = longest_wait(app.poll_every());
        match outcome {
            Ok(turned) if turned.unmet => shared.meeting.notify_one(),
            Ok(turned) => {
                // Whom it made work for is woken first, and need not wait for the end of this.
                after(&shared, &bell, &mut times, look, &turned);
                tell(&account, turn, &turned, began.elapsed());
                if look {
                    // A look may have read very many tasks at once.
                    instep_unsafe::give_back();
                    if std::mem::take(&mut is_starting) {
                        // Half of the code that has run by now was for the start alone.
                        instep_unsafe::give_back_code();
                    }
                }
                if let Err(failure) = app.finish(&turned).await {
                    shared.keep(Part::Account(account.clone()), &failure);
                    times.failed(None);
                    tell_failed(&account, &failure);
                }
            }
            Err(failure) => {
                if look {
                    bell.ask_for_a_look();
                }
                times.failed(None);
                tell_failed(&account, &failure);
            }
        }
    }
}

/// Keeps why the account stands still where the hub could not take it, and forgets it otherwise.
fn remember(
    shared: &Shared,
    account: &AccountId,
    look: bool,
    outcome: Option<&Result<Turned, Failure>>,
) {
    let part = Part::Account(account.clone());
    let failure = match outcome {
        None => None,
        Some(Ok(turned)) => turned.failure.as_ref().filter(|_| turned.unstored),
        Some(Err(failure)) => Some(failure),
    };
    if let Some(failure) = failure {
        return shared.keep(part, failure);
    }
    shared.forget(&part);
    if look && matches!(outcome, Some(Ok(turned)) if turned.failure.is_none() && !turned.unmet) {
        // The hub takes what it is given again, and what was told meanwhile is found by such looks.
        shared.forget(&Part::Hooks);
        shared.forget(&Part::Webhooks);
    }
}

fn tell_failed(account: &AccountId, failure: &Failure) {
    tracing::error!(
        account.id = %account,
        code = failure.code,
        why = reason_for_log(failure),
        "a turn failed"
    );
}

fn count(metrics: &Metrics, account: &str, outcome: &Result<Turned, Failure>) {
    match outcome {
        Ok(turned) => metrics.turn(account, turned),
        Err(failure) => metrics.outcome(account, &failure.code),
    }
}

/// Waits until a turn may be due.
async fn wait(bell: &Bell, times: &mut Times) {
    if let Some(at) = times.not_before.take() {
        while !bell.take_hurry() {
            tokio::select! {
                () = sleep_until(at) => return,
                () = bell.wait() => {}
            }
        }
        return;
    }
    let moments = [times.poll, times.again, times.carry];
    match moments.into_iter().flatten().min() {
        Some(at) => tokio::select! {
            () = bell.wait() => {}
            () = sleep_until(at) => {}
        },
        None => bell.wait().await,
    }
}

fn after(shared: &Shared, bell: &Bell, times: &mut Times, look: bool, turned: &Turned) {
    if turned.changes() > 0 {
        shared.ring_all();
    }
    times.carry = turned.rest.map(|rest| Instant::now() + rest);
    if turned.unsettled {
        times.again = Some(Instant::now() + REST);
    }
    if turned.failure.is_none() {
        times.failures = 0;
        if turned.more {
            bell.ring();
        }
        return;
    }
    if look {
        bell.ask_for_a_look();
    }
    times.failed(turned.again_in);
}

impl Times {
    /// Notes that a turn failed. `again_in` says when another is worth it; otherwise each waits
    /// longer than the one before.
    fn failed(&mut self, again_in: Option<Duration>) {
        let longer = Duration::from_secs(1u64 << self.failures.min(6)).min(self.longest);
        let wait = again_in.unwrap_or_else(|| jittered(longer));
        if again_in.is_none() {
            self.failures = self.failures.saturating_add(1);
        }
        self.not_before = Some(Instant::now() + wait);
    }
}

fn tell(account: &AccountId, turn: Turn, turned: &Turned, took: Duration) {
    let duration_ms = millis(took);
    match &turned.failure {
        None if turned.changes() > 0 => tracing::info!(
            account.id = %account,
            turn = ?turn,
            changes = turned.changes(),
            calls = turned.calls,
            duration_ms,
            "a turn carried changes"
        ),
        None => tracing::debug!(
            account.id = %account,
            turn = ?turn,
            calls = turned.calls,
            duration_ms,
            "a turn found nothing to do"
        ),
        Some(failure) => tracing::warn!(
            account.id = %account,
            code = failure.code,
            why = reason_for_log(failure),
            duration_ms,
            "an account stands still"
        ),
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Between nine and eleven tenths of a span, so that many daemons do not ask at once.
fn jittered(span: Duration) -> Duration {
    let random = uuid::Uuid::new_v4().as_u64_pair().1 % 201;
    let share = 900 + u32::try_from(random).unwrap_or(100);
    span.saturating_mul(share) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(poll: Option<u64>) -> Vec<u64> {
        let mut times = Times {
            poll: None,
            again: None,
            carry: None,
            not_before: None,
            longest: longest_wait(poll.map(Duration::from_secs)),
            failures: 0,
        };
        let wait = |_| {
            let now = Instant::now();
            times.failed(None);
            let at = times.not_before.expect("a wait");
            u64::try_from((at - now).as_millis()).expect("short")
        };
        (0..12).map(wait).collect()
    }

    /// With the breaker off nothing else says when to try again after an outage.
    #[test]
    fn no_wait_after_a_failure_is_longer_than_half_a_minute_or_than_the_poll() {
        for (poll, longest) in [(None, 30_000), (Some(3_600), 30_000), (Some(60), 30_000)] {
            let waits = waits(poll);
            assert!(waits.iter().all(|wait| *wait <= longest), "{waits:?}");
            assert!(waits[0] <= 1_100 && waits[11] > 24_000, "{waits:?}");
        }
        let waits = waits(Some(5));
        assert!(waits.iter().all(|wait| *wait <= 5_500), "{waits:?}");
    }
}
