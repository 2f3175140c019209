//! What came in: a bounded log of requests, and counting in it. It judges nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// How many received requests are remembered.
const MOST_RECORDED: usize = 200_000;

/// A request the double received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// In capitals.
    pub method: String,
    /// As it came, still encoded.
    pub path_and_query: String,
    /// The status answered; `None` when no answer was sent.
    pub status: Option<u16>,
    /// When it came in, by the double's clock.
    pub at: Timestamp,
}

/// The requests received so far, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Traffic(Mutex<Vec<Recorded>>);

impl Traffic {
    pub(crate) fn record(
        &self,
        method: &str,
        path_and_query: &str,
        status: Option<u16>,
        at: Timestamp,
    ) {
        let mut recorded = self.recorded();
        if recorded.len() < MOST_RECORDED {
            let (method, path_and_query) = (method.to_owned(), path_and_query.to_owned());
            recorded.push(Recorded {
                method,
                path_and_query,
                status,
                at,
            });
        }
    }

    pub(crate) fn all(&self) -> Vec<Recorded> {
        self.recorded().clone()
    }

    pub(crate) fn count(&self, method: &str, part: &str) -> usize {
        let recorded = self.recorded();
        let matches = |r: &&Recorded| r.method == method && r.path_and_query.contains(part);
        recorded.iter().filter(matches).count()
    }

    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for request in self.recorded().iter() {
            *counts.entry(request.method.clone()).or_insert(0) += 1;
        }
        counts
    }

    pub(crate) fn forget(&self) {
        self.recorded().clear();
    }

    fn recorded(&self) -> MutexGuard<'_, Vec<Recorded>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
