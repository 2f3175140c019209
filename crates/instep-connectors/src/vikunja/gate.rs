//! How many calls are under way at once: a settable number of reads, and one write for each server,
//! since Vikunja on SQLite answers 500 to a write that meets another. Nothing is sent here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

use super::refusal::Effect;

/// The right to write to a server, by its address, whoever in this process writes there.
static WRITERS: Mutex<BTreeMap<String, Weak<Semaphore>>> = Mutex::new(BTreeMap::new());

/// What one connector's calls pass.
#[derive(Debug)]
pub(super) struct Gate {
    reads: Semaphore,
    reads_at_once: usize,
    writer: Arc<Semaphore>,
    watch: Arc<Watch>,
}

/// For how long at least one call was under way.
#[derive(Debug, Default)]
struct Watch(Mutex<UnderWay>);

#[derive(Debug, Default)]
struct UnderWay {
    calls: usize,
    since: Option<Instant>,
    before: Duration,
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, UnderWay> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) {
        let mut now = self.lock();
        now.calls += 1;
        now.since.get_or_insert_with(Instant::now);
    }

    fn end(&self) {
        let mut now = self.lock();
        now.calls -= 1;
        let is_last = now.calls == 0;
        if let Some(since) = now.since.take_if(|_| is_last) {
            now.before += since.elapsed();
        }
    }
}

/// Leave to make one call, for as long as it is held.
pub(super) struct Leave<'a> {
    watch: &'a Watch,
    /// `None` once nobody can be kept waiting, which never happens here.
    _permit: Option<SemaphorePermit<'a>>,
}

impl Gate {
    /// At most so many reads at once, and at least one.
    pub(super) fn new(server: &Url, reads_at_once: usize) -> Self {
        Self::of(writer_of(server), Arc::default(), reads_at_once)
    }

    /// For a connector beside this one: its reads do not wait for this one's, its writes do.
    pub(super) fn beside(&self) -> Self {
        Self::of(Arc::clone(&self.writer), Arc::clone(&self.watch), 1)
    }

    fn of(writer: Arc<Semaphore>, watch: Arc<Watch>, reads_at_once: usize) -> Self {
        let reads_at_once = reads_at_once.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            reads: Semaphore::new(reads_at_once),
            reads_at_once,
            writer,
            watch,
        }
    }

    pub(super) fn reads_at_once(&self) -> usize {
        self.reads_at_once
    }

    /// How long any call was under way so far, whoever made it.
    pub(super) fn waited(&self) -> Duration {
        let now = self.watch.lock();
        now.before + now.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Waits for its turn.
    pub(super) async fn leave(&self, effect: Effect) -> Leave<'_> {
        let permit = match effect {
            Effect::Read => self.reads.acquire().await,
            Effect::Write | Effect::Make => self.writer.acquire().await,
        };
        self.watch.begin();
        Leave {
            watch: &self.watch,
            _permit: permit.ok(),
        }
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.watch.end();
    }
}

fn writer_of(server: &Url) -> Arc<Semaphore> {
    let mut writers = WRITERS.lock().unwrap_or_else(PoisonError::into_inner);
    writers.retain(|_, writer| writer.strong_count() > 0);
    let known = writers.get(server.as_str()).and_then(Weak::upgrade);
    known.unwrap_or_else(|| {
        let writer = Arc::new(Semaphore::new(1));
        writers.insert(server.to_string(), Arc::downgrade(&writer));
        writer
    })
}
