//! Turns between the threads of one process, first come first served. No file is touched here.
//!
//! The file lock alone does not do: on network drives it is emulated with locks that belong to
//! the process as a whole, and its waiting is not fair.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Whether others may hold the same lock at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Shared,
    Exclusive,
}

/// Device and inode of the lock file.
type Key = (u64, u64);

#[derive(Default)]
struct Line {
    readers: usize,
    writer: bool,
    waiting: VecDeque<u64>,
}

struct Desk {
    lines: BTreeMap<Key, Line>,
    next_ticket: u64,
}

static DESK: Mutex<Desk> = Mutex::new(Desk {
    lines: BTreeMap::new(),
    next_ticket: 0,
});
static MOVED: Condvar = Condvar::new();

/// Held while it is this thread's turn.
#[derive(Debug)]
pub(crate) struct Turn {
    key: Key,
    kind: Kind,
}

impl Turn {
    /// Waits for the turn until `deadline`; `None` when it did not come.
    pub(crate) fn take(key: Key, kind: Kind, deadline: Instant) -> Option<Turn> {
        let mut desk = desk();
        let ticket = desk.next_ticket;
        desk.next_ticket += 1;
        desk.lines.entry(key).or_default().waiting.push_back(ticket);
        loop {
            let line = desk.lines.entry(key).or_default();
            let free = !line.writer && (kind == Kind::Shared || line.readers == 0);
            if free && line.waiting.front() == Some(&ticket) {
                line.waiting.pop_front();
                match kind {
                    Kind::Shared => line.readers += 1,
                    Kind::Exclusive => line.writer = true,
                }
                MOVED.notify_all();
                return Some(Turn { key, kind });
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                line.waiting.retain(|waiting| *waiting != ticket);
                forget_if_idle(&mut desk, key);
                MOVED.notify_all();
                return None;
            }
            desk = MOVED
                .wait_timeout(desk, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut desk = desk();
        if let Some(line) = desk.lines.get_mut(&self.key) {
            match self.kind {
                Kind::Shared => line.readers = line.readers.saturating_sub(1),
                Kind::Exclusive => line.writer = false,
            }
        }
        forget_if_idle(&mut desk, self.key);
        MOVED.notify_all();
    }
}

fn desk() -> MutexGuard<'static, Desk> {
    DESK.lock().unwrap_or_else(PoisonError::into_inner)
}

fn forget_if_idle(desk: &mut Desk, key: Key) {
    let idle = |line: &Line| !line.writer && line.readers == 0 && line.waiting.is_empty();
    if desk.lines.get(&key).is_some_and(idle) {
        desk.lines.remove(&key);
    }
}
