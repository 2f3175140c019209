//! A workbench: fake services around one hub, time by hand, and short words for both.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use instep_contract::{
    Call, FakeConnector, FakeRemote, Fault, MemoryStore, Moment, Profile, Store, World,
};
use instep_engine::{
    AccountReport, Begin, Clock, Decisions, Engine, Limits, Member, Peer, Rng, RoundOptions,
    RoundReport, Start,
};
use instep_model::{
    Account, AccountId, ConflictPolicy, Direction, Field, Fields, Identity, Kind, ProjectPath,
    RemoteId, Scope, TaskId, TimeZone, Timestamp, Value,
};
use uuid::Uuid;

/// Time that moves when somebody sleeps or says so.
#[derive(Debug, Clone)]
pub(crate) struct Hand(Arc<AtomicI64>);

impl Hand {
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).expect("in range")
    }

    pub(crate) fn advance(&self, secs: i64) {
        self.0.fetch_add(secs * 1000, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Hand::now(self)
    }

    /// Whoever waits with this one has its turn.
    async fn sleep(&self, span: Duration) {
        self.0.fetch_add(
            i64::try_from(span.as_millis()).expect("short"),
            Ordering::SeqCst,
        );
        let mut slept = false;
        poll_fn(|_| match std::mem::replace(&mut slept, true) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }
}

/// Chance that tells every engine something else, and the same one the same.
#[derive(Debug)]
pub(crate) struct Dice(AtomicU64);

impl Rng for Dice {
    fn next_u64(&self) -> u64 {
        self.0.fetch_add(7919, Ordering::SeqCst)
    }
}

/// Faults that were ordered, each for the next call of its kind.
type Orders = Arc<Mutex<Vec<(Call, Fault)>>>;

/// Where every call of a kind stands still, for as long as something is there.
type Gate = Arc<Mutex<Option<(Call, Moment)>>>;

/// The fakes' world: the same hand of time, faults as ordered, and a gate.
#[derive(Debug, Clone)]
pub(crate) struct Ordered {
    hand: Hand,
    orders: Orders,
    gate: Gate,
}

impl World for Ordered {
    fn now(&self) -> Timestamp {
        self.hand.now()
    }

    async fn step(&self, call: Call, moment: Moment) {
        poll_fn(|_| {
            let shut = *self.gate.lock().expect("not poisoned");
            match shut == Some((call, moment)) {
                true => Poll::Pending,
                false => Poll::Ready(()),
            }
        })
        .await;
    }

    fn beside(&self) -> Option<Self> {
        Some(self.clone())
    }

    fn fault(&self, call: Call) -> Option<Fault> {
        let mut orders = self.orders.lock().expect("not poisoned");
        let at = orders.iter().position(|(kind, _)| *kind == call)?;
        Some(orders.remove(at).1)
    }
}

/// One account of the bench.
pub(crate) struct Seat {
    pub(crate) account: Account,
    pub(crate) remote: FakeRemote,
    pub(crate) orders: Orders,
    pub(crate) gate: Gate,
}

/// A hub with services around it.
pub(crate) struct Bench {
    pub(crate) store: MemoryStore,
    pub(crate) hand: Hand,
    pub(crate) seats: Vec<Seat>,
    pub(crate) options: RoundOptions,
    pub(crate) limits: Limits,
}

/// A profile by the name of the account that has it.
fn profile(name: &str) -> (Profile, Kind) {
    match name {
        "tw" => (Profile::database(), Kind::Taskwarrior),
        "undoing" => {
            let undo_takes_ours = true;
            let database = Profile::database();
            let undoing = Profile {
                undo_takes_ours,
                ..database
            };
            (undoing, Kind::Taskwarrior)
        }
        "file" => (Profile::file(), Kind::File),
        _ => (Profile::server(), Kind::Vikunja),
    }
}

impl Bench {
    /// A bench with these accounts: `tw`, `file`, or any other name for a server.
    pub(crate) fn new(names: &[&str]) -> Self {
        let start = Timestamp::from_second(1_780_000_000).expect("in range");
        let hand = Hand(Arc::new(AtomicI64::new(start.as_millisecond())));
        let seats = names.iter().map(|name| seat(name)).collect();
        let options = RoundOptions {
            accept: true,
            holder: "bench".to_owned(),
            lease_timeout: Duration::ZERO,
            ..RoundOptions::default()
        };
        Self {
            store: MemoryStore::new(),
            hand,
            seats,
            options,
            limits: Limits::default(),
        }
    }

    /// The same with every server elsewhere, so that it has a breaker.
    pub(crate) fn far(names: &[&str]) -> Self {
        let mut bench = Self::new(names);
        for seat in &mut bench.seats {
            let (mut profile, kind) = profile(&seat.account.name);
            if kind == Kind::Vikunja {
                profile.host = Some("tasks.example.org");
                let identity = Identity(format!("{}#1", seat.account.name));
                seat.remote = FakeRemote::new(profile, identity);
            }
        }
        bench
    }

    pub(crate) fn engine(&self) -> Engine<MemoryStore, Hand, Dice> {
        Engine {
            store: self.store.clone(),
            clock: self.hand.clone(),
            rng: Dice(AtomicU64::new(self.hand.now().as_second().unsigned_abs())),
            zone: TimeZone::UTC,
            peers: self
                .seats
                .iter()
                .map(|seat| Peer::of(&seat.account))
                .collect(),
            decisions: Decisions::default(),
            limits: self.limits.clone(),
        }
    }

    pub(crate) fn member(&self, at: usize) -> Member<FakeConnector<Ordered>> {
        let seat = &self.seats[at];
        let world = Ordered {
            hand: self.hand.clone(),
            orders: seat.orders.clone(),
            gate: seat.gate.clone(),
        };
        Member {
            account: seat.account.clone(),
            connector: seat.remote.connect(world),
        }
    }

    /// One round over all accounts, a minute later.
    pub(crate) fn round(&self) -> RoundReport {
        self.hand.advance(60);
        self.round_now()
    }

    /// One round over all accounts.
    pub(crate) fn round_now(&self) -> RoundReport {
        let accounts: Vec<Account> = self.seats.iter().map(|seat| seat.account.clone()).collect();
        block_on(self.store.mirror_accounts(&accounts, self.hand.now())).expect("mirrored");
        let mut members: Vec<_> = (0..self.seats.len()).map(|at| self.member(at)).collect();
        block_on(self.engine().run_round(&mut members, &self.options))
    }

    /// What an event about an item leads to, a minute later.
    pub(crate) fn event(&self, at: usize, item: &RemoteId) -> RoundReport {
        self.hand.advance(60);
        self.event_now(at, item)
    }

    /// What an event about an item leads to.
    pub(crate) fn event_now(&self, at: usize, item: &RemoteId) -> RoundReport {
        self.single(&Start::Item(at, item.clone()))
    }

    /// One account's turn by itself.
    pub(crate) fn turn(&self, at: usize, begin: &Begin) -> RoundReport {
        let mut member = self.member(at);
        block_on(self.engine().run_turn(&mut member, begin, &self.options))
    }

    /// What an event about an item leads to, a minute later, when each account has its own turns.
    pub(crate) fn told(&self, at: usize, item: &RemoteId) -> Vec<AccountReport> {
        self.hand.advance(60);
        self.told_now(at, item)
    }

    /// What an event about an item leads to, when each account has its own turns.
    pub(crate) fn told_now(&self, at: usize, item: &RemoteId) -> Vec<AccountReport> {
        let mut reports = self.turn(at, &Begin::Items(vec![item.clone()])).accounts;
        for _ in 0..2 {
            for at in 0..self.seats.len() {
                reports.extend(self.turn(at, &Begin::Work).accounts);
            }
        }
        reports
    }

    /// What it leads to that a person asks for one task.
    pub(crate) fn push(&self, task: TaskId) -> RoundReport {
        self.single(&Start::Task(task))
    }

    fn single(&self, start: &Start) -> RoundReport {
        let mut members: Vec<_> = (0..self.seats.len()).map(|at| self.member(at)).collect();
        let engine = self.engine();
        block_on(engine.run_single(&mut members, start, &self.options))
    }

    /// A round in which every account came through.
    pub(crate) fn sync(&self) -> RoundReport {
        let report = self.round();
        for account in &report.accounts {
            assert_eq!(account.trouble, None, "{account:?}");
            assert!(account.problems.is_empty(), "{account:?}");
        }
        report
    }

    /// Rounds until one has nothing to write; at most three.
    pub(crate) fn settle(&self) {
        for _ in 0..3 {
            if self.sync().changes.is_empty() {
                return;
            }
        }
        panic!("still writing after three rounds");
    }

    /// A fault for the next call of this kind at an account.
    pub(crate) fn order(&self, at: usize, call: Call, fault: Fault) {
        self.seats[at]
            .orders
            .lock()
            .expect("not poisoned")
            .push((call, fault));
    }

    /// Shuts the gate of an account for calls of a kind, before or after their effect.
    pub(crate) fn shut(&self, at: usize, call: Call, moment: Moment) {
        *self.seats[at].gate.lock().expect("not poisoned") = Some((call, moment));
    }

    pub(crate) fn open(&self, at: usize) {
        *self.seats[at].gate.lock().expect("not poisoned") = None;
    }

    /// A person makes a task at an account.
    pub(crate) fn make(&self, at: usize, title: &str) -> RemoteId {
        self.make_with(at, title, &[])
    }

    pub(crate) fn make_with(&self, at: usize, title: &str, more: &[(Field, &str)]) -> RemoteId {
        self.hand.advance(60);
        let id = RemoteId::new(Uuid::new_v5(&Uuid::NAMESPACE_OID, title.as_bytes()).to_string());
        let mut fields = Fields::new().with(Field::Title, Value::Text(title.to_owned()));
        for (field, text) in more {
            fields.set(*field, Value::parse(*field, text).expect("canonical"));
        }
        self.seats[at].remote.create(self.hand.now(), &id, &fields)
    }

    /// A person changes a field of the task of this title.
    pub(crate) fn edit(&self, at: usize, title: &str, field: Field, text: Option<&str>) {
        self.hand.advance(60);
        let id = self.id(at, title);
        let value = text.map(|text| Value::parse(field, text).expect("canonical"));
        assert!(
            self.seats[at]
                .remote
                .edit(self.hand.now(), &id, field, value.as_ref())
        );
    }

    pub(crate) fn delete(&self, at: usize, title: &str) {
        self.hand.advance(60);
        let id = self.id(at, title);
        assert!(self.seats[at].remote.delete(self.hand.now(), &id));
    }

    pub(crate) fn unmake(&self, at: usize, title: &str) {
        self.hand.advance(60);
        let id = self.id(at, title);
        assert!(self.seats[at].remote.unmake(&id));
    }

    pub(crate) fn id(&self, at: usize, title: &str) -> RemoteId {
        let tasks = self.seats[at].remote.tasks();
        let found = tasks.into_iter().find(|task| task.fields.title() == title);
        found
            .unwrap_or_else(|| panic!("no `{title}` in {}", self.seats[at].account.name))
            .id
    }

    /// The titles at an account, sorted.
    pub(crate) fn titles(&self, at: usize) -> Vec<String> {
        let tasks = self.seats[at].remote.tasks();
        let mut titles: Vec<String> = tasks
            .iter()
            .map(|task| task.fields.title().to_owned())
            .collect();
        titles.sort();
        titles
    }

    /// A field of the task of this title, in canonical text; empty when it is not set.
    pub(crate) fn field(&self, at: usize, title: &str, field: Field) -> String {
        let task = self.seats[at]
            .remote
            .task(&self.id(at, title))
            .expect("alive");
        task.fields
            .get(field)
            .map(ToString::to_string)
            .unwrap_or_default()
    }

    pub(crate) fn hub_ids(&self) -> Vec<TaskId> {
        let tasks = self.store.all_tasks();
        tasks
            .into_iter()
            .filter(|task| task.is_alive())
            .map(|task| task.id)
            .collect()
    }
}

fn seat(name: &str) -> Seat {
    let (profile, kind) = profile(name);
    let account = Account {
        id: AccountId::new(name),
        name: name.to_owned(),
        kind,
        direction: Direction::Both,
        scope: Scope::default(),
        policy: ConflictPolicy::Newest,
    };
    let remote = FakeRemote::new(profile, Identity(format!("{name}#1")));
    Seat {
        account,
        remote,
        orders: Orders::default(),
        gate: Gate::default(),
    }
}

/// A project path from its canonical text.
pub(crate) fn path(text: &str) -> ProjectPath {
    text.parse().expect("canonical")
}

/// Lets a future go on until it stands at a gate, and all that does not stand there has been done.
pub(crate) fn go_on<T: std::fmt::Debug>(future: Pin<&mut impl Future<Output = T>>) {
    let mut future = future;
    for _ in 0..50 {
        let mut context = Context::from_waker(Waker::noop());
        let ended = future.as_mut().poll(&mut context);
        assert!(ended.is_pending(), "it was to stand at a gate: {ended:?}");
    }
}

/// Runs a future that never really waits.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1_000_000 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
    panic!("nothing here waits for so long");
}
