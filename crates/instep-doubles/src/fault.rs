//! Scripted faults: which request is hit. What happens to it is each double's own affair, its
//! effect type `E`. Nothing here touches a socket.

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
pub struct Fault<E> {
    method: Option<String>,
    path: Option<String>,
    turn: Turn,
    effect: E,
    seen: u64,
}

impl<E> Fault<E> {
    /// A fault with this effect on every request.
    pub fn new(effect: E) -> Self {
        Self {
            method: None,
            path: None,
            turn: Turn::All,
            effect,
            seen: 0,
        }
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
#[derive(Debug)]
pub(crate) struct Script<E>(Vec<Fault<E>>);

impl<E> Default for Script<E> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<E: Clone> Script<E> {
    pub(crate) fn add(&mut self, fault: Fault<E>) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The effects on this request, in the order they were set. Every fault counts it, hit or not.
    pub(crate) fn on(&mut self, method: &str, path_and_query: &str) -> Vec<E> {
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
