//! Whether a service may be called, and what a call leads to: the breaker, and the pause that a
//! service asks for (S33). Time and chance are arguments; nothing here calls anything.

use std::time::Duration;

use instep_model::{Access, Breaker, Opening, Pause, Span, Timestamp};

/// No opening lasts longer, its jitter apart, unless the first one does.
pub const LONGEST_OPENING: Duration = Duration::from_secs(15 * 60);

/// How long finding out may take: longer than any call.
pub const PROBE_LEASE: Duration = Duration::from_secs(45);

/// The shortest and the longest pause that a service can ask for.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(24 * 60 * 60));

/// How long a service is left alone that asks for it and does not say how long.
const USUAL_PAUSE: Duration = Duration::from_secs(60);

/// When a breaker opens, and for how long.
///
/// Failures in a row are all that opens it: any success resets the count (S33), whatever failed
/// before. A share of failures, such as half of five calls within a minute, can therefore only be
/// counted since the last success, and there every call failed: it is `failures` under another name,
/// with a number that nobody set. A service that answers every other call is slow, and goes on.
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
/// nothing to find out. Asked in vain, the service is left alone no longer than it was.
pub fn force(rule: &BreakerRule, access: &Access, now: Timestamp) -> Option<Breaker> {
    match &access.breaker {
        Breaker::Open(opening) | Breaker::HalfOpen(opening) if rule.on => {
            let asked = Opening {
                count: opening.count.saturating_sub(1),
                ..opening.clone()
            };
            Some(leased(&asked, now))
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
        Heard::Success => Breaker::default(),
        Heard::Failure(reason) => failed(rule, &before, (now, random), reason),
    };
    access.breaker != before || matches!(heard, Heard::Failure(_))
}

fn failed(
    rule: &BreakerRule,
    before: &Breaker,
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
        Breaker::Closed { .. } if failures >= rule.failures => open(1, rule.open),
        Breaker::Closed { .. } => Breaker::Closed { failures },
        // It was sent before the breaker opened.
        Breaker::Open(opening) if opening.span.holds(now) => before.clone(),
        Breaker::Open(opening) | Breaker::HalfOpen(opening) => {
            let count = opening.count.saturating_add(1);
            open(count, length(rule, count, random))
        }
    }
}

/// How long the breaker stays open for the `count`th time: twice as long as before, ±20 %.
fn length(rule: &BreakerRule, count: u32, random: u64) -> Duration {
    let longest = LONGEST_OPENING.max(rule.open);
    let doublings = count.saturating_sub(1).min(20);
    let plain = rule.open.saturating_mul(1 << doublings).min(longest);
    let percent = 80 + u32::try_from(random % 41).unwrap_or_default();
    plain.saturating_mul(percent) / 100
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
