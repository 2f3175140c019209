//! What a schedule plays on: one hub, three remotes, and the engine between them.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use instep_contract::{
    Call, Effect, FakeRemote, Look, MemorySnapshot, MemoryStore, Moment, Profile,
};
use instep_engine::{Begin, Engine, Limits, Member, Peer, RoundOptions, RoundReport, Start};
use instep_model::{
    Account, AccountId, Conflict, ConflictPolicy, Direction, Draft, Field, Identity, Ids, Kind,
    Operation, RemoteId, Scope, TimeZone, Value,
};
use instep_sync::{BreakerRule, Rate};

use crate::bugs::{Bug, REHEARSAL, SimConnector, SimStore};
use crate::executor::poll;
use crate::ledger::{Key, Ledger, Place, Slot, read, read_title};
use crate::owners::Process;
use crate::schedule::Reinstall;
use crate::setting::Setting;
use crate::world::{Halt, RemoteWorld, SimClock, SimRng, SimWorld, Skies};

/// The first breach of a promise that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The invariant, as `I1`.
    pub invariant: &'static str,
    /// What was expected and what was found.
    pub what: String,
}

pub(crate) fn breach<T>(invariant: &'static str, what: impl Into<String>) -> Result<T, Breach> {
    Err(Breach {
        invariant,
        what: what.into(),
    })
}

/// How a round is to go.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Plan {
    /// The await at which it is killed.
    pub(crate) crash: Option<u64>,
    /// The await at which somebody comes in between.
    pub(crate) interrupt: Option<u64>,
    /// Whether those are counted among the awaits around writes alone.
    pub(crate) writes_only: bool,
    pub(crate) everything: bool,
    pub(crate) accept: bool,
    pub(crate) approve: bool,
    /// Where the first look at the server stands still, for somebody to come in between.
    pub(crate) hold: Option<Moment>,
    /// How long the round waits for an account that another one runs.
    pub(crate) patience: Patience,
}

/// How long a round waits for leases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Until any lease has run out.
    #[default]
    Long,
    /// Hardly.
    Short,
}

impl Plan {
    pub(crate) fn options(self) -> RoundOptions {
        RoundOptions {
            look: if self.everything {
                Look::Everything
            } else {
                Look::Changes
            },
            accept: self.accept,
            max_delete: self.approve.then_some(usize::MAX),
            anew: false,
            lease_timeout: Duration::from_secs(match self.patience {
                Patience::Long => 120,
                Patience::Short => 2,
            }),
            holder: "one".to_owned(),
        }
    }
}

/// Turns beside something that stands still.
const TURNS_BESIDE: usize = 4;

type SimEngine = Engine<SimStore, SimClock, SimRng>;

pub(crate) struct Stage {
    pub(crate) world: SimWorld,
    pub(crate) remotes: [FakeRemote; 3],
    pub(crate) accounts: [Account; 3],
    pub(crate) store: MemoryStore,
    pub(crate) saved: Option<MemorySnapshot>,
    /// Conflicts of databases that were lost.
    pub(crate) archive: Vec<Conflict>,
    pub(crate) ledger: Ledger,
    pub(crate) bug: Option<Bug>,
    /// Whether what is elsewhere has a breaker.
    breaker: bool,
    rule: BreakerRule,
    /// How often a remote was set up anew.
    pub(crate) installations: u32,
    /// Whether a disaster has not been followed by a round without trouble.
    pub(crate) recovering: bool,
    pub(crate) had_disaster: bool,
    /// How many rounds have begun.
    pub(crate) processes: Process,
    pub(crate) trace: Trace,
}

/// What happened, as text where it is wanted, as a number always.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) lines: Option<Vec<String>>,
    pub(crate) digest: u64,
}

impl Trace {
    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(line());
        }
    }

    pub(crate) fn mix(&mut self, number: u64) {
        self.digest = (self.digest.rotate_left(5) ^ number).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Stage {
    pub(crate) fn new(seed: u64, setting: Setting, bug: Option<Bug>, traced: bool) -> Self {
        let account = |index: usize, kind: Kind, name: &str| Account {
            id: AccountId::new(name),
            name: name.to_owned(),
            kind,
            direction: if setting.reads_only == Some(index) {
                Direction::FromRemote
            } else if setting.writes_only == Some(index) {
                Direction::ToRemote
            } else {
                Direction::Both
            },
            scope: match setting.limited {
                Some((one, limit)) if one == index => limit.scope(),
                _ => Scope::default(),
            },
            policy: match setting.prefer {
                Some(one) => ConflictPolicy::Prefer(AccountId::new(NAMES[one])),
                None if setting.ask => ConflictPolicy::Ask,
                None => ConflictPolicy::Newest,
            },
        };
        let remote = |profile, name: &str| FakeRemote::new(profile, Identity(name.to_owned()));
        Self {
            world: SimWorld::new(seed),
            remotes: [
                remote(Profile::server(), "server 0"),
                remote(Profile::database(), "database"),
                remote(Profile::file(), "file"),
            ],
            accounts: [
                account(0, Kind::Vikunja, NAMES[0]),
                account(1, Kind::Taskwarrior, NAMES[1]),
                account(2, Kind::File, NAMES[2]),
            ],
            store: MemoryStore::new(),
            saved: None,
            archive: Vec::new(),
            ledger: Ledger::default(),
            bug,
            breaker: setting.breaker,
            rule: BreakerRule {
                failures: u32::try_from(1 + seed / 3 % 3).unwrap_or(3),
                ..BreakerRule::default()
            },
            installations: 0,
            recovering: false,
            had_disaster: false,
            processes: REHEARSAL,
            trace: Trace {
                lines: traced.then(Vec::new),
                digest: 0,
            },
        }
    }

    /// A new process.
    pub(crate) fn process(&mut self) -> Process {
        self.processes += 1;
        self.processes
    }

    /// The engine as one process runs it over `store`.
    pub(crate) fn engine(&self, store: &MemoryStore, process: Process) -> SimEngine {
        Engine {
            store: SimStore::new(store.clone(), self.world.clone(), self.bug, process),
            clock: self.world.clock(process),
            rng: SimRng(self.world.clone()),
            zone: TimeZone::UTC,
            peers: self.accounts.iter().map(Peer::of).collect(),
            decisions: Bug::decisions(self.bug),
            limits: Limits::new(self.rule, Rate::default()),
        }
    }

    pub(crate) fn members(&self, process: Process) -> Vec<Member<SimConnector>> {
        let numbered = self.accounts.iter().zip(&self.remotes).enumerate();
        numbered
            .map(|(index, (account, remote))| Member {
                account: self.as_run(account),
                connector: SimConnector::new(
                    remote.connect(RemoteWorld {
                        world: self.world.clone(),
                        remote: index,
                        process,
                    }),
                    self.bug,
                    process,
                )
                .at(HOSTS[index].filter(|_| self.breaker)),
            })
            .collect()
    }

    fn as_run(&self, account: &Account) -> Account {
        let mut account = account.clone();
        match self.bug {
            Some(Bug::ReadOnlyWritten) => account.direction = Direction::Both,
            Some(Bug::WriteOnlyRead) if account.direction == Direction::ToRemote => {
                account.direction = Direction::Both;
            }
            Some(Bug::ScopeIgnored) => account.scope = Scope::default(),
            _ => {}
        }
        account
    }

    /// Runs a round; `between` is called at its interruption. Answers no report where the
    /// round was killed.
    pub(crate) fn round(
        &mut self,
        plan: Plan,
        between: impl FnOnce(&mut Self),
    ) -> Option<RoundReport> {
        let process = self.process();
        let engine = self.engine(&self.store, process);
        let mut members = self.members(process);
        let options = plan.options();
        let round = engine.run_round(&mut members, &options);
        self.drive(process, plan, round, between)
    }

    /// Runs a round for one item of one remote, as after an event about it.
    pub(crate) fn single(
        &mut self,
        plan: Plan,
        remote: usize,
        item: &RemoteId,
    ) -> Option<RoundReport> {
        let process = self.process();
        let engine = self.engine(&self.store, process);
        let mut members = self.members(process);
        let options = plan.options();
        let start = Start::Item(remote, item.clone());
        let round = engine.run_single(&mut members, &start, &options);
        self.drive(process, plan, round, |_| {})
    }

    /// Gives one account its turn, as the daemon would; another may stand still meanwhile.
    pub(crate) fn turn(&mut self, remote: usize, begin: &Begin) {
        let process = self.process();
        let engine = self.engine(&self.store, process);
        let mut member = self.members(process).swap_remove(remote);
        let options = Plan {
            patience: Patience::Short,
            ..Plan::default()
        }
        .options();
        let turn = engine.run_turn(&mut member, begin, &options);
        if poll(pin!(turn)).is_none() {
            self.world.owners(|owners, _| owners.killed(process));
        }
    }

    fn drive(
        &mut self,
        process: Process,
        plan: Plan,
        round: impl Future<Output = RoundReport>,
        between: impl FnOnce(&mut Self),
    ) -> Option<RoundReport> {
        let failures = self.world.disk_failures();
        let halt = plan.crash.map_or(Halt::Never, Halt::At);
        self.world.begin(halt, plan.interrupt, plan.writes_only);
        self.world.hold(plan.hold);
        let mut round = pin!(round);
        let mut report = poll(round.as_mut());
        if report.is_none()
            && let Some(ticket) = self.world.take_interruption()
        {
            between(self);
            // What can be done beside what stands still is done first.
            for _ in 0..TURNS_BESIDE {
                report = report.or_else(|| poll(round.as_mut()));
            }
            self.world.resume(ticket);
            report = report.or_else(|| poll(round.as_mut()));
        }
        if report.is_none() {
            self.world.owners(|owners, _| owners.killed(process));
            let at = self.world.halted();
            self.trace.note(|| format!("    killed at {at:?}"));
        }
        if self.world.disk_failures() > failures {
            // As good as killed, step by step: what was written may never have been noted.
            self.forget_late();
            self.ledger.in_step = None;
        }
        report
    }

    /// Whether a round ended without trouble for anybody.
    pub(crate) fn is_clean(report: Option<&RoundReport>) -> bool {
        report.is_some_and(|report| {
            let mut accounts = report.accounts.iter();
            accounts.all(|account| account.trouble.is_none() && account.problems.is_empty())
        })
    }

    /// Whether `place` can show what is entered in `slot`.
    pub(crate) fn holds(&self, place: Place, slot: Slot) -> bool {
        match place {
            Place::Hub => true,
            Place::Remote(remote) => matches!(
                self.remotes[remote].capabilities().hold(slot.field()),
                instep_model::Hold::Whole | instep_model::Hold::Coarse(_)
            ),
        }
    }

    /// Every title that is shown anywhere, by its task: in the hub, then in each remote.
    pub(crate) fn titles(&self) -> BTreeMap<Key, [Vec<u32>; 4]> {
        let mut titles: BTreeMap<Key, [Vec<u32>; 4]> = BTreeMap::new();
        let mut add = |place: usize, title: &str| {
            if let Some((key, number)) = read_title(title) {
                titles.entry(key).or_default()[place].push(number);
            }
        };
        for task in self.store.all_tasks().iter().filter(|task| task.is_alive()) {
            add(0, task.fields.title());
        }
        for (index, remote) in self.remotes.iter().enumerate() {
            remote.for_each(|task| add(index + 1, task.fields.title()));
        }
        titles
    }

    /// Takes note of what the engine wrote, and checks each write on its own.
    pub(crate) fn settle(&mut self) -> Result<(), Breach> {
        for (index, name) in NAMES.into_iter().enumerate() {
            for effect in self.remotes[index].take_effects() {
                self.trace
                    .note(|| format!("    {name}: {:?}", effect.operation));
                self.trace.mix(hash(&effect.id) ^ u64::from(effect.changed));
                self.world
                    .coverage(|counts| counts.wrote(Call::of(&effect.operation)));
                if self.accounts[index].direction == Direction::FromRemote {
                    return breach("I19", format!("wrote to {name}, which is only read"));
                }
                self.judge(index, &effect)?;
            }
        }
        for (remote, operation) in self.world.owners(|owners, _| owners.take_late()) {
            // At most the one request that was started lands (S12); it may double.
            let gone = operation
                .target()
                .and_then(|id| self.remotes[remote].remembered(id));
            let title = match &operation {
                Operation::Create(draft) => Some(draft.fields.title()),
                _ => gone.as_ref().map(|task| task.fields.title()),
            };
            if let Some((key, _)) = title.and_then(read_title) {
                self.ledger.fluid.insert(key);
            }
        }
        match self.world.owners(|owners, _| owners.take_trespass()) {
            Some(what) => breach("I13", what),
            None => Ok(()),
        }
    }

    fn judge(&mut self, index: usize, effect: &Effect) -> Result<(), Breach> {
        let Effect {
            id,
            operation,
            changed,
            ..
        } = effect;
        let overwrites = match operation {
            Operation::EditNote { .. } | Operation::RemoveNote { .. } => Some(Slot::Note),
            Operation::Update { edit, .. } => {
                let notes = !edit.edit_notes.is_empty() || !edit.remove_notes.is_empty();
                notes.then_some(Slot::Note)
            }
            Operation::SetTags { .. } => Some(Slot::Tag),
            _ => None,
        };
        if let Some(slot) = overwrites
            && let Some(task) = self.remotes[index].remembered(id)
            && let Some((key, _)) = read_title(task.fields.title())
        {
            self.ledger.overwrite(key, slot);
        }
        let title = match operation {
            Operation::Create(draft) => {
                self.judge_create(index, draft, effect.late)?;
                let chosen = self.remotes[index].capabilities().ids == Ids::Chosen;
                if let Some((key, _)) = read_title(draft.fields.title()).filter(|_| chosen) {
                    // Under the id of ours it is nothing to wait for, and may bring back what was
                    // made and deleted meanwhile.
                    self.ledger.fluid.extend(effect.late.then_some(key));
                }
                draft.fields.get(instep_model::Field::Title)
            }
            Operation::Update { edit, .. } => edit
                .fields
                .iter()
                .find(|change| change.field == instep_model::Field::Title)
                .and_then(|change| change.to.as_ref()),
            Operation::Delete { .. } if *changed => {
                let gone = self.remotes[index].remembered(id);
                let key = gone.and_then(|task| read_title(task.fields.title()));
                let Some((key, _)) = key else { return Ok(()) };
                if !self.ledger.deaths.contains_key(&key) {
                    let what = format!("t{key} was deleted in {} by nobody", NAMES[index]);
                    return breach("I6", what);
                }
                self.ledger.cut_off(key);
                self.ledger.shade_off(index, key);
                None
            }
            _ => None,
        };
        if let Some(number) = read(Slot::Title, title) {
            self.ledger.shown.insert((index, id.clone(), number));
        }
        Ok(())
    }

    /// A new item belongs into the account's scope (S27), and nobody deleted it in an account that
    /// is never read (S29).
    fn judge_create(&self, index: usize, draft: &Draft, late: bool) -> Result<(), Breach> {
        let mut fields = draft.fields.clone();
        if let Some(collection) = &draft.collection {
            let collections = self.remotes[index].collections();
            let path = collections
                .into_iter()
                .find(|one| one.id == *collection)
                .and_then(|one| one.path);
            fields.set(Field::Project, path.map(Value::Path));
        }
        let by_tag = !self.accounts[index].scope.not_tags.is_empty();
        // Where tags are set one by one, a new item bears none yet: the hub's say what it is.
        let hub = self.store.all_tasks();
        let hub = hub.iter().find(|task| task.id == draft.task);
        if by_tag && let Some(task) = hub {
            fields.set(Field::Tags, Value::Tags(task.fields.tags()));
        }
        let moved = self
            .ledger
            .touched_since_round(read_title(draft.fields.title()));
        // What was sent while it belonged there may come late.
        let excused = (by_tag && moved) || late;
        if !excused && !self.accounts[index].scope.admits(&fields) {
            let what = format!("{} got {}, which is not its", NAMES[index], fields.title());
            return breach("S27", what);
        }
        // A deletion elsewhere that an edit beat makes it again everywhere (S16).
        if let Some((key, _)) = read_title(draft.fields.title())
            && !late
            && self.ledger.refused.contains(&(index, key))
            && !self.ledger.deaths.contains_key(&key)
            && !self.ledger.fluid.contains(&key)
        {
            let what = format!("t{key} was deleted in {} and made again", NAMES[index]);
            return breach("S29", what);
        }
        Ok(())
    }

    /// Sets a remote up anew.
    pub(crate) fn reinstall(&mut self, remote: usize, how: Reinstall) {
        self.installations += 1;
        let identity = Identity(format!("server {}", self.installations));
        let how = match how {
            Reinstall::Empty => instep_contract::Reinstall::Empty,
            Reinstall::Imported => instep_contract::Reinstall::Imported,
        };
        self.remotes[remote].reinstall(self.world.now(), identity, how);
        self.forget_outsiders(remote);
    }

    /// What lies outside the account's scope is not met when its server is set up anew (S27), so
    /// that nothing tells which task it was.
    fn forget_outsiders(&mut self, remote: usize) {
        let scope = &self.accounts[remote].scope;
        for item in self.remotes[remote].tasks() {
            if let Some((key, _)) = read_title(item.fields.title())
                && !scope.admits(&item.fields)
            {
                self.ledger.fluid.insert(key);
            }
        }
    }

    /// Runs `play` in calm weather and puts the weather back.
    pub(crate) fn in_calm<T>(&mut self, play: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.world.skies(std::mem::take::<Skies>);
        let outcome = play(self);
        self.world.skies(|skies| *skies = before);
        outcome
    }
}

pub(crate) const NAMES: [&str; 3] = ["server", "database", "file"];

/// Where the remotes are that are not on this computer.
const HOSTS: [Option<&str>; 3] = [Some("tasks.example.org"), None, None];

fn hash(id: &RemoteId) -> u64 {
    id.as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}
