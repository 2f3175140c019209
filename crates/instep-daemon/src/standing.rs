//! Who is connected to the socket: a bounded number at a time. Who has not asked yet makes room for who
//! comes next, so that nobody who only stands there holds up a hook.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use tokio::task::AbortHandle;

/// Connections at once; the kernel keeps the next ones waiting.
const MOST: usize = 256;

#[derive(Debug, Default)]
struct Present {
    next: u64,
    /// Those who have not asked yet, in the order in which they came.
    standing: BTreeMap<u64, AbortHandle>,
    /// How many are being answered.
    asked: usize,
}

/// Everybody who is connected.
#[derive(Debug, Clone, Default)]
pub(crate) struct Callers(Rc<RefCell<Present>>);

/// One caller's place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    callers: Callers,
    id: u64,
    has_asked: bool,
}

impl Callers {
    /// Whether there is room for another. Where it is full, whoever stands there longest has to go;
    /// false if all are being answered.
    pub(crate) fn make_room(&self) -> bool {
        let mut present = self.0.borrow_mut();
        if present.standing.len() + present.asked < MOST {
            return true;
        }
        let longest = present.standing.pop_first();
        longest.is_some_and(|(_, caller)| {
            caller.abort();
            true
        })
    }

    /// The place of a caller whose conversation `begin` starts.
    pub(crate) fn seat(&self, begin: impl FnOnce(Place) -> AbortHandle) {
        let id = {
            let mut present = self.0.borrow_mut();
            present.next += 1;
            present.next
        };
        let caller = begin(Place {
            callers: self.clone(),
            id,
            has_asked: false,
        });
        self.0.borrow_mut().standing.insert(id, caller);
    }
}

impl Place {
    /// Its question is here whole: from now on it is not sent away.
    pub(crate) fn ask(&mut self) {
        let mut present = self.callers.0.borrow_mut();
        if !self.has_asked && present.standing.remove(&self.id).is_some() {
            present.asked += 1;
            self.has_asked = true;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut present = self.callers.0.borrow_mut();
        match self.has_asked {
            true => present.asked -= 1,
            false => drop(present.standing.remove(&self.id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::task::LocalSet;

    use super::*;

    #[tokio::test]
    async fn who_only_stands_there_makes_room_and_who_asked_does_not() {
        let callers = Callers::default();
        let seats = RefCell::new(Vec::new());
        let local = LocalSet::new();
        let come = || {
            let mut handles = seats.borrow_mut();
            callers.seat(|place| {
                let task = local.spawn_local(std::future::pending::<()>());
                let handle = task.abort_handle();
                handles.push((place, task));
                handle
            });
        };
        for _ in 0..MOST {
            assert!(callers.make_room());
            come();
        }
        for (place, _) in seats.borrow_mut().iter_mut().skip(1) {
            place.ask();
        }
        assert!(callers.make_room(), "the one who has not asked goes");
        come();
        let gone = seats.borrow_mut().remove(0);
        local
            .run_until(async {
                let ended = gone.1.await;
                assert!(ended.is_err_and(|error| error.is_cancelled()));
            })
            .await;
        seats.borrow_mut().last_mut().expect("the last").0.ask();
        assert!(!callers.make_room(), "all are being answered");
        drop(seats.borrow_mut().pop());
        assert!(callers.make_room(), "one has left");
    }
}
