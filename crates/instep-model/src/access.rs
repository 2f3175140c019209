//! Whether a service may be called now. What leads from one state to the next is decided elsewhere.

use crate::Timestamp;

/// A time from its beginning on. A clock that was set back to before it ends it, so that no wait is
/// longer than it was meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// Its first moment.
    pub since: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
}

impl Span {
    /// Whether `now` is within it.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.since <= now && now < self.until
    }
}

/// The circuit breaker of one account and host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Breaker {
    /// The service is called.
    Closed {
        /// Failures in a row.
        failures: u32,
    },
    /// The service failed too often, and is left alone.
    Open(Opening),
    /// One process finds out whether the service answers again; the span is how long it may take.
    HalfOpen(Opening),
}

/// Since a service is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// How long, before anybody may find out.
    pub span: Span,
    /// How often in a row it was opened without an answer in between; 1 for the first time.
    pub count: u32,
    /// Failures in a row.
    pub failures: u32,
    /// Why the last of them was one.
    pub reason: String,
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Breaker {
    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        match self {
            Self::Closed { failures } => *failures,
            Self::Open(opening) | Self::HalfOpen(opening) => opening.failures,
        }
    }
}

/// A pause that a person asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pause {
    /// From when on.
    pub since: Timestamp,
    /// Until when; `None` until the person ends it.
    pub until: Option<Timestamp>,
}

impl Pause {
    /// Whether it is in force.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| {
            let since = self.since;
            Span { since, until }.holds(now)
        })
    }
}

/// Whether the service of an account may be called, as all processes know it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Access {
    /// Counts what was stored; 0 before anything was.
    pub version: u64,
    /// The host that all but the person's pause is about.
    pub host: Option<String>,
    /// Its breaker.
    pub breaker: Breaker,
    /// How many tokens are gone of the account's budget for repeats, and when the last one went.
    pub spent: Option<(u32, Timestamp)>,
    /// How long the service asked to be left alone.
    pub throttle: Option<Span>,
    /// A person's pause.
    pub pause: Option<Pause>,
}
