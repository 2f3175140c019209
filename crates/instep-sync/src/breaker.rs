//! Whether a service may be called, and what a call leads to: the breaker, and the pause that a
//! service asks for (S33). Time and chance are arguments; nothing here calls anything.

use std::time::Duration;

use instep_model::{Access, Attempt, Breaker, Opening, Pause, Span, Timestamp};

/// Calls that count towards the share of failures.
pub const WINDOW: Duration = Duration::from_secs(60);

/// Fewer calls than this within [`WINDOW`] say nothing of the share.
const FEWEST_CALLS: usize = 5;

/// No more calls than this are remembered.
const MOST_CALLS: usize = 40;

/// No opening lasts longer, its jitter apart, unless the first one does.
pub const LONGEST_OPENING: Duration = Duration::from_secs(15 * 60);

/// How long finding out may take: longer than any call.
pub const PROBE_LEASE: Duration = Duration::from_secs(45);

/// The shortest and the longest pause that a service can ask for.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(24 * 60 * 60));

/// How long a service is left alone that asks for it and does not say how long.
const USUAL_PAUSE: Duration = Duration::from_secs(60);

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BreakerRule {
    /// Whether there is one at all.
    pub on: bool,
    /// Failures in a row that open it; at least 1.
    pub failures: u32,
    /// How long it stays open the first time.
    pub open: Duration,
}

impl Default for BreakerRule {
    fn default() -> Self {
        Self {
            on: true,
            failures: 3,
            open: Duration::from_secs(60),
        }
    }
}

/// Which way a call goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// It may be made.
    Free,
    /// It has to wait for a call that finds out whether the service answers; to be made once this has
    /// been stored.
    Probe(Breaker),
    /// A person paused the account.
    Paused(Pause),
    /// The service asked to be left alone.
    Throttled(Span),
    /// The service failed too often.
    Shut(Opening),
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The service did what it was asked.
    Success,
    /// The service answered and refused, which says nothing of its health but that it answers.
    Refusal,
    /// The service failed; why.
    Failure(String),
}

/// Which way a call goes at `now`.
pub fn way(rule: &BreakerRule, access: &Access, now: Timestamp) -> Way {
    if let Some(pause) = access.pause.filter(|pause| pause.holds(now)) {
        return Way::Paused(pause);
    }
    if let Some(span) = access.throttle.filter(|span| span.holds(now)) {
        return Way::Throttled(span);
    }
    match &access.breaker {
        Breaker::Closed { .. } => Way::Free,
        _ if !rule.on => Way::Free,
        Breaker::Open(opening) | Breaker::HalfOpen(opening) if opening.span.holds(now) => {
            Way::Shut(opening.clone())
        }
        Breaker::Open(opening) | Breaker::HalfOpen(opening) => Way::Probe(leased(opening, now)),
    }
}

/// The breaker with the right to find out at once, for a person who asks; `None` where there is
/// nothing to find out.
pub fn force(rule: &BreakerRule, access: &Access, now: Timestamp) -> Option<Breaker> {
    match &access.breaker {
        Breaker::Open(opening) | Breaker::HalfOpen(opening) if rule.on => {
            Some(leased(opening, now))
        }
        _ => None,
    }
}

fn leased(opening: &Opening, now: Timestamp) -> Breaker {
    Breaker::HalfOpen(Opening {
        span: span(now, PROBE_LEASE),
        ..opening.clone()
    })
}

/// Takes in what came of a call; whether other processes have to know.
pub fn hear(
    rule: &BreakerRule,
    access: &mut Access,
    heard: &Heard,
    now: Timestamp,
    random: u64,
) -> bool {
    if !rule.on {
        return false;
    }
    let before = access.breaker.clone();
    access.breaker = match heard {
        Heard::Refusal => match &before {
            Breaker::HalfOpen(_) => Breaker::default(),
            _ => return false,
        },
        Heard::Success => {
            remember(access, now, false);
            Breaker::default()
        }
        Heard::Failure(reason) => {
            remember(access, now, true);
            failed(rule, &before, &access.recent, (now, random), reason)
        }
    };
    if before != Breaker::default() && access.breaker == Breaker::default() {
        // What failed before it answered again says nothing of what comes.
        let opened = !matches!(before, Breaker::Closed { .. });
        access.recent.retain(|one| !opened || !one.failed);
    }
    access.breaker != before || matches!(heard, Heard::Failure(_))
}

fn failed(
    rule: &BreakerRule,
    before: &Breaker,
    recent: &[Attempt],
    (now, random): (Timestamp, u64),
    reason: &str,
) -> Breaker {
    let failures = before.failures().saturating_add(1);
    let open = |count, length| {
        Breaker::Open(Opening {
            span: span(now, length),
            count,
            failures,
            reason: reason.to_owned(),
        })
    };
    match before {
        Breaker::Closed { .. } if failures >= rule.failures || fails_mostly(rule, recent) => {
            open(1, rule.open)
        }
        Breaker::Closed { .. } => Breaker::Closed { failures },
        // It was sent before the breaker opened.
        Breaker::Open(opening) if opening.span.holds(now) => before.clone(),
        Breaker::Open(opening) | Breaker::HalfOpen(opening) => {
            let count = opening.count.saturating_add(1);
            open(count, length(rule, count, random))
        }
    }
}

/// Whether at least half of the calls within the window failed. A person who wants more failures in a
/// row than usual wants at least as many of them here.
fn fails_mostly(rule: &BreakerRule, recent: &[Attempt]) -> bool {
    let failures = recent.iter().filter(|one| one.failed).count();
    let wanted = usize::try_from(rule.failures).unwrap_or(usize::MAX);
    recent.len() >= FEWEST_CALLS && failures * 2 >= recent.len() && failures >= wanted
}

/// How long the breaker stays open for the `count`th time: twice as long as before, ±20 %.
fn length(rule: &BreakerRule, count: u32, random: u64) -> Duration {
    let longest = LONGEST_OPENING.max(rule.open);
    let doublings = count.saturating_sub(1).min(20);
    let plain = rule.open.saturating_mul(1 << doublings).min(longest);
    let percent = 80 + u32::try_from(random % 41).unwrap_or_default();
    plain.saturating_mul(percent) / 100
}

fn remember(access: &mut Access, now: Timestamp, failed: bool) {
    let window = |at: Timestamp| Span {
        since: at,
        until: end(at, WINDOW),
    };
    access.recent.retain(|one| window(one.at).holds(now));
    if access.recent.len() >= MOST_CALLS {
        access.recent.remove(0);
    }
    access.recent.push(Attempt { at: now, failed });
}

/// Takes in that the service asked to be left alone.
pub fn throttle(access: &mut Access, asked: Option<Duration>, now: Timestamp) {
    let (shortest, longest) = PAUSES;
    let length = asked.unwrap_or(USUAL_PAUSE).clamp(shortest, longest);
    access.throttle = Some(span(now, length));
}

fn span(since: Timestamp, length: Duration) -> Span {
    let until = end(since, length);
    Span { since, until }
}

fn end(since: Timestamp, length: Duration) -> Timestamp {
    since.checked_add(length).unwrap_or(Timestamp::MAX)
}
