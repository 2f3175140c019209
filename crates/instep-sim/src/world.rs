//! The world of one schedule: its time, its faults, and the points at which a round can be
//! stopped or a person can come in between. No wall clock, no chance beside the seed's.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use instep_contract::{Call, Cursor, Fault, Moment, World};
use instep_engine::{Clock, Rng};
use instep_model::{RemoteId, RemoteTask, Timestamp};

use crate::chance::Chance;
use crate::coverage::{COMMITS, Coverage};
use crate::owners::{Owners, Process};

/// The kinds of fault that a remote can be given for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Weather {
    /// Calls fail before they have an effect.
    Away,
    /// Answers of writes are lost, or the writes come late.
    Lossy,
    /// Items are refused or said to be stale.
    Picky,
    /// Listings are cut short, reordered, or their cursors refused.
    Messy,
    /// All of these.
    Storm,
}

/// A place where a future can be left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Point {
    /// Around a call to a remote.
    Remote(Call, Moment),
    /// Around a step of the store.
    Store(&'static str, Moment),
}

impl Point {
    fn is_write(self) -> bool {
        match self {
            Self::Remote(call, _) => call.writes() || call == Call::Find,
            Self::Store(step, _) => step != "claim_lease" && COMMITS.contains(&step),
        }
    }
}

/// What happens when the count of awaits reaches a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Halt {
    #[default]
    Never,
    /// The future never goes on.
    At(u64),
}

#[derive(Debug, Default, Clone)]
pub(crate) struct Skies {
    /// For each remote, its weather and the number of calls among which one fails.
    pub(crate) weather: [Option<(Weather, u32)>; 3],
    /// For each remote, whether its next look lies.
    pub(crate) lies: [bool; 3],
    /// The number of steps of the store among which one fails.
    pub(crate) disk: Option<u32>,
}

struct State {
    now: Timestamp,
    chance: Chance,
    awaits: u64,
    /// Whether only awaits around writes count.
    writes_only: bool,
    halt: Halt,
    /// The await that the last halted future waits at.
    halted: Option<Point>,
    /// The futures that wait, each with the process that it belongs to.
    waiting: Vec<(Ticket, Process)>,
    tickets: u64,
    /// The await before which somebody comes in between.
    interrupt: Option<u64>,
    /// Where the next look at the server stands still, for somebody to come in between.
    hold: Option<Moment>,
    interrupted: Option<Ticket>,
    /// How many steps of the store have failed.
    disk_failures: u64,
    /// How many calls to remotes have failed.
    faults: u64,
    owners: Owners,
    skies: Skies,
    coverage: Coverage,
    /// The newest cursor that each remote has handed out, stored or not.
    cursors: [Option<Cursor>; 3],
    /// Items as they were when they were first read by id, for the bug that believes that.
    first_reads: BTreeMap<(usize, RemoteId), Option<RemoteTask>>,
}

/// Names a future that waits, until it is resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

/// A handle to the world; clones are the same world.
#[derive(Clone)]
pub(crate) struct SimWorld {
    state: Arc<Mutex<State>>,
}

impl SimWorld {
    pub(crate) fn new(seed: u64) -> Self {
        let state = State {
            now: Timestamp::from_second(1_900_000_000).unwrap_or_default(),
            chance: Chance::new(seed ^ 0x5ca1_ab1e),
            awaits: 0,
            writes_only: false,
            halt: Halt::Never,
            halted: None,
            waiting: Vec::new(),
            tickets: 0,
            interrupt: None,
            hold: None,
            interrupted: None,
            disk_failures: 0,
            faults: 0,
            owners: Owners::default(),
            skies: Skies::default(),
            coverage: Coverage::default(),
            cursors: [None, None, None],
            first_reads: BTreeMap::new(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.lock().now
    }

    /// The time as one process meets it.
    pub(crate) fn clock(&self, process: Process) -> SimClock {
        SimClock {
            world: self.clone(),
            process,
        }
    }

    /// Lets time pass, or takes it back.
    pub(crate) fn pass(&self, millis: i64) {
        let mut state = self.lock();
        let later = state.now.as_millisecond().saturating_add(millis);
        state.now = Timestamp::from_millisecond(later).unwrap_or(state.now);
    }

    /// Begins the stream of chance anew, so that what came before does not matter.
    pub(crate) fn reseed(&self, seed: u64) {
        self.lock().chance = Chance::new(seed);
    }

    /// Counts awaits from here on, all or those around writes, and halts as told.
    pub(crate) fn begin(&self, halt: Halt, interrupt: Option<u64>, writes_only: bool) {
        let mut state = self.lock();
        state.writes_only = writes_only;
        state.awaits = 0;
        state.halt = halt;
        state.halted = None;
        state.interrupt = interrupt;
        state.hold = None;
        state.interrupted = None;
    }

    /// Has the next look at the server stand still.
    pub(crate) fn hold(&self, moment: Option<Moment>) {
        self.lock().hold = moment;
    }

    /// Where the last future was left, if it was.
    pub(crate) fn halted(&self) -> Option<Point> {
        self.lock().halted
    }

    /// Who has the right to write where.
    pub(crate) fn owners<T>(&self, ask: impl FnOnce(&mut Owners, Timestamp) -> T) -> T {
        let mut state = self.lock();
        let now = state.now;
        ask(&mut state.owners, now)
    }

    /// The future that waits for somebody to come in between; it may go on afterwards.
    pub(crate) fn take_interruption(&self) -> Option<Ticket> {
        self.lock().interrupted.take()
    }

    /// Lets a waiting future go on.
    pub(crate) fn resume(&self, ticket: Ticket) {
        self.lock()
            .waiting
            .retain(|(waiting, _)| *waiting != ticket);
    }

    pub(crate) fn disk_failures(&self) -> u64 {
        self.lock().disk_failures
    }

    /// How many calls and steps have failed so far.
    pub(crate) fn failures(&self) -> u64 {
        let state = self.lock();
        state.faults + state.disk_failures
    }

    /// Whether a step of the store fails now.
    pub(crate) fn disk_fails(&self, moment: Moment) -> bool {
        let mut state = self.lock();
        let Some(one_in) = state.skies.disk else {
            return false;
        };
        let fails = state.chance.one_in(one_in);
        if fails {
            state.disk_failures += 1;
            state.coverage.disk_failed(moment);
        }
        fails
    }

    pub(crate) fn skies<T>(&self, change: impl FnOnce(&mut Skies) -> T) -> T {
        change(&mut self.lock().skies)
    }

    pub(crate) fn coverage<T>(&self, count: impl FnOnce(&mut Coverage) -> T) -> T {
        count(&mut self.lock().coverage)
    }

    pub(crate) fn handed_out(&self, remote: usize, cursor: &Cursor) {
        self.lock().cursors[remote] = Some(cursor.clone());
    }

    /// What the first read of an item found.
    pub(crate) fn first_read(
        &self,
        remote: usize,
        id: &RemoteId,
        read: Option<RemoteTask>,
    ) -> Option<RemoteTask> {
        let mut state = self.lock();
        let first = state.first_reads.entry((remote, id.clone()));
        first.or_insert(read).clone()
    }

    /// The newest cursor of the remote of this name.
    pub(crate) fn newest_cursor(&self, name: &str) -> Option<Cursor> {
        let remote = crate::stage::NAMES.iter().position(|one| *one == name)?;
        self.lock().cursors[remote].clone()
    }

    /// Comes to an await: answers with what the future has to wait for here.
    fn arrive(&self, point: Point, at: &Visitor) -> Option<Ticket> {
        let mut state = self.lock();
        state.now += Duration::from_millis(3);
        let is_held =
            |moment| at.remote == Some(SERVER) && point == Point::Remote(Call::Observe, moment);
        let held = state.hold.take_if(|moment| is_held(*moment)).is_some();
        if state.writes_only && !point.is_write() && !held {
            return None;
        }
        state.awaits += 1;
        let killed = matches!(state.halt, Halt::At(at) if state.awaits >= at);
        let interrupted = !killed && (held || state.interrupt == Some(state.awaits));
        if !killed && !interrupted {
            return None;
        }
        state.tickets += 1;
        let ticket = Ticket(state.tickets);
        state.halted = Some(point);
        state.interrupted = interrupted.then_some(ticket);
        state.waiting.push((ticket, at.process));
        state.coverage.stopped(point);
        Some(ticket)
    }

    /// One await point. A future that is halted here goes on when it is polled after
    /// [`resume`](Self::resume), and is dropped otherwise.
    pub(crate) async fn stop(&self, point: Point, at: &Visitor) {
        let Some(ticket) = self.arrive(point, at) else {
            return;
        };
        poll_fn(|_| {
            let state = self.lock();
            if state.waiting.iter().any(|(waiting, _)| *waiting == ticket) {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
    }
}

/// The remote whose looks are long enough for something else to be done beside them.
pub(crate) const SERVER: usize = 0;

/// Who comes to an await.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visitor {
    pub(crate) process: Process,
    /// The remote that is called, if one is.
    pub(crate) remote: Option<usize>,
}

/// The world as one process meets it at one remote.
#[derive(Clone)]
pub(crate) struct RemoteWorld {
    pub(crate) world: SimWorld,
    pub(crate) remote: usize,
    pub(crate) process: Process,
}

impl World for RemoteWorld {
    fn now(&self) -> Timestamp {
        self.world.now()
    }

    async fn step(&self, call: Call, moment: Moment) {
        let visitor = Visitor {
            process: self.process,
            remote: Some(self.remote),
        };
        let point = Point::Remote(call, moment);
        self.world.stop(point, &visitor).await;
    }

    fn beside(&self) -> Option<Self> {
        (self.remote == SERVER).then(|| self.clone())
    }

    fn fault(&self, call: Call) -> Option<Fault> {
        let mut state = self.world.lock();
        if call == Call::Observe && std::mem::take(&mut state.skies.lies[self.remote]) {
            let lie = Fault::Lie(0);
            state.coverage.faulted(lie);
            return Some(lie);
        }
        let (weather, one_in) = state.skies.weather[self.remote]?;
        if !state.chance.one_in(one_in) {
            return None;
        }
        let fault = deal(weather, call, &mut state.chance)?;
        state.coverage.faulted(fault);
        state.faults += 1;
        Some(fault)
    }
}

/// Whether the write would be there twice if it were sent twice.
fn doubles(call: Call) -> bool {
    matches!(
        call,
        Call::Create | Call::AddNote | Call::CreateCollection | Call::CreateTag
    )
}

/// A fault that suits the weather and the call.
fn deal(weather: Weather, call: Call, chance: &mut Chance) -> Option<Fault> {
    let weather = match weather {
        Weather::Storm => match chance.below(4) {
            0 => Weather::Away,
            1 => Weather::Lossy,
            2 => Weather::Picky,
            _ => Weather::Messy,
        },
        one => one,
    };
    let place = usize::try_from(chance.below(4)).unwrap_or_default();
    Some(match (weather, call.writes()) {
        (Weather::Away, _) => match chance.below(5) {
            0 => Fault::NotSent,
            1 => Fault::Unavailable,
            2 => Fault::Busy,
            3 => Fault::Unauthorized,
            _ => Fault::Throttled(Some(Duration::from_secs(u64::from(chance.below(30))))),
        },
        // What overwrites blindly when it comes late would do so within the window of S17.
        (Weather::Lossy, true) if !doubles(call) => Fault::ReplyLost(place),
        (Weather::Lossy, true) => match chance.below(4) {
            0 => Fault::TimedOut(Duration::from_millis(u64::from(chance.below(29_000)))),
            1 => Fault::Slow(Duration::from_millis(u64::from(chance.below(1_900)))),
            2 => Fault::Failed,
            _ => Fault::ReplyLost(place),
        },
        (Weather::Lossy, false) => Fault::ReplyLost(0),
        (Weather::Picky, true) if call == Call::Delete => Fault::Busy,
        (Weather::Picky, true) => match chance.below(3) {
            0 => Fault::Rejected(place),
            _ => Fault::Stale(place),
        },
        (Weather::Messy, false) if call == Call::Observe => match chance.below(3) {
            0 => Fault::CutShort,
            1 => Fault::CursorInvalid,
            _ => Fault::Reordered(place),
        },
        _ => return None,
    })
}

/// The world's time as one process meets it.
#[derive(Clone)]
pub(crate) struct SimClock {
    pub(crate) world: SimWorld,
    pub(crate) process: Process,
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.world.now()
    }

    /// Nobody waits for time, but where something of the process stands still: then whatever runs
    /// beside that has come to its end for the moment.
    async fn sleep(&self, span: Duration) {
        self.world.lock().now += span;
        let mut slept = false;
        poll_fn(|_| {
            let state = self.world.lock();
            let mut waiting = state.waiting.iter();
            let stands = waiting.any(|(_, process)| *process == self.process);
            match !stands || std::mem::replace(&mut slept, true) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }
}

/// The engine's own chance.
#[derive(Clone)]
pub(crate) struct SimRng(pub(crate) SimWorld);

impl Rng for SimRng {
    fn next_u64(&self) -> u64 {
        self.0.lock().chance.next()
    }
}
