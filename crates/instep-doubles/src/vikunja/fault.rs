//! Scripted faults: which request is hit, and what happens to it. Nothing here touches a socket.

use std::time::Duration;

/// What a [`Fault`] does to the requests it hits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Answers with this status and Vikunja's usual error body, without applying the request.
    Status {
        /// The HTTP status.
        status: u16,
        /// The value of a `Retry-After` header, seconds or an HTTP date.
        retry_after: Option<String>,
    },
    /// Answers as if the comment that is to be removed were not there: what a locked SQLite makes of it.
    NoComment,
    /// Answers 200 with a body that is announced as JSON and is not.
    NotJson,
    /// Answers 200 with a web page, as a captive portal or a misled proxy does.
    Html,
    /// Applies the request, announces the whole body and cuts the connection half-way through it.
    TruncatedBody,
    /// Answers a list request with an empty list of one page.
    EmptyList,
    /// Answers a list request with only its first `keep` items, all totals untouched.
    CutPage {
        /// How many items stay.
        keep: usize,
    },
    /// Applies the request and cuts the connection before a byte of the answer is sent.
    LostReply,
    /// Cuts the connection without applying the request.
    LostRequest,
    /// Waits before the request is applied.
    Delay(Duration),
    /// Never answers; the request is not applied.
    Hang,
}

/// Which of the matching requests are hit, counted from 1 since the fault was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    All,
    Nth(u64),
    Every(u64),
    First(u64),
}

/// A scripted fault. Without conditions it hits every request until it is cleared.
#[derive(Clone, Debug)]
pub struct Fault {
    method: Option<String>,
    path: Option<String>,
    turn: Turn,
    effect: Effect,
    seen: u64,
}

impl Fault {
    /// A fault with this effect on every request.
    pub fn new(effect: Effect) -> Self {
        Self {
            method: None,
            path: None,
            turn: Turn::All,
            effect,
            seen: 0,
        }
    }

    /// Short for [`Effect::Status`] without `Retry-After`.
    pub fn status(status: u16) -> Self {
        Self::new(Effect::Status {
            status,
            retry_after: None,
        })
    }

    /// Only requests with this method, in capitals.
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only requests whose path and query contain `part`.
    pub fn path(mut self, part: &str) -> Self {
        self.path = Some(part.to_owned());
        self
    }

    /// Only the `n`-th matching request, counted from 1.
    pub fn nth(mut self, n: u64) -> Self {
        self.turn = Turn::Nth(n);
        self
    }

    /// Every `n`-th matching request.
    pub fn every(mut self, n: u64) -> Self {
        self.turn = Turn::Every(n.max(1));
        self
    }

    /// Only the first `n` matching requests.
    pub fn first(mut self, n: u64) -> Self {
        self.turn = Turn::First(n);
        self
    }

    /// Counts a request if it matches, and tells whether it is hit.
    fn hits(&mut self, method: &str, path_and_query: &str) -> bool {
        let matches = self.method.as_deref().is_none_or(|wanted| wanted == method)
            && self
                .path
                .as_deref()
                .is_none_or(|part| path_and_query.contains(part));
        if !matches {
            return false;
        }
        self.seen += 1;
        match self.turn {
            Turn::All => true,
            Turn::Nth(n) => self.seen == n,
            Turn::Every(n) => self.seen.is_multiple_of(n),
            Turn::First(n) => self.seen <= n,
        }
    }
}

/// All faults that are set, in the order they were set.
#[derive(Debug, Default)]
pub(crate) struct Script(Vec<Fault>);

impl Script {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The effects on this request, in the order they were set. Every fault counts it, hit or not.
    pub(crate) fn on(&mut self, method: &str, path_and_query: &str) -> Vec<Effect> {
        self.0
            .iter_mut()
            .filter_map(|fault| {
                fault
                    .hits(method, path_and_query)
                    .then(|| fault.effect.clone())
            })
            .collect()
    }
}
