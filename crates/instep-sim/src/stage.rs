//! What a schedule plays on: one hub, three remotes, and the engine between them.

use std::collections::BTreeMap;
use std::pin::pin;

use instep_contract::{Call, FakeRemote, Look, MemorySnapshot, MemoryStore, Profile, Reinstall};
use instep_engine::{Engine, Member, Peer, RoundOptions, RoundReport};
use instep_model::{
    Account, AccountId, Conflict, ConflictPolicy, Direction, Identity, Kind, Operation, RemoteId,
    RemoteTask, Scope, Task, TimeZone,
};

use crate::bugs::{Bug, SimConnector, SimStore};
use crate::executor::poll;
use crate::ledger::{Key, Ledger, Place, Slot, read, read_title};
use crate::world::{Halt, RemoteWorld, SimRng, SimWorld, Skies};

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
}

type SimEngine = Engine<SimStore, SimWorld, SimRng>;

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
    /// How often a remote was set up anew.
    pub(crate) installations: u32,
    /// Whether a disaster has not been followed by a round without trouble.
    pub(crate) recovering: bool,
    pub(crate) had_disaster: bool,
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

/// How the three accounts are set up.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Setting {
    pub(crate) ask: bool,
    pub(crate) prefer: Option<usize>,
    pub(crate) reads_only: Option<usize>,
}

impl Setting {
    /// The same with one thing less out of the ordinary.
    pub(crate) fn plainer(self) -> Vec<Self> {
        let mut plainer = Vec::new();
        if self.ask {
            plainer.push(Self { ask: false, ..self });
        }
        if self.prefer.is_some() {
            plainer.push(Self {
                prefer: None,
                ..self
            });
        }
        if self.reads_only.is_some() {
            plainer.push(Self {
                reads_only: None,
                ..self
            });
        }
        plainer
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
            } else {
                Direction::Both
            },
            scope: Scope::default(),
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
            installations: 0,
            recovering: false,
            had_disaster: false,
            trace: Trace {
                lines: traced.then(Vec::new),
                digest: 0,
            },
        }
    }

    pub(crate) fn engine(&self) -> SimEngine {
        Engine {
            store: SimStore::new(self.store.clone(), self.world.clone(), self.bug),
            clock: self.world.clone(),
            rng: SimRng(self.world.clone()),
            zone: TimeZone::UTC,
            peers: self.accounts.iter().map(Peer::of).collect(),
            decisions: Bug::decisions(self.bug),
        }
    }

    pub(crate) fn members(&self) -> Vec<Member<SimConnector>> {
        let numbered = self.accounts.iter().zip(&self.remotes).enumerate();
        numbered
            .map(|(index, (account, remote))| Member {
                account: self.as_run(account),
                connector: SimConnector::new(
                    remote.connect(RemoteWorld {
                        world: self.world.clone(),
                        remote: index,
                    }),
                    self.bug,
                ),
            })
            .collect()
    }

    fn as_run(&self, account: &Account) -> Account {
        let mut account = account.clone();
        if self.bug == Some(Bug::ReadOnlyWritten) {
            account.direction = Direction::Both;
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
        let engine = self.engine();
        let mut members = self.members();
        let options = RoundOptions {
            look: if plan.everything {
                Look::Everything
            } else {
                Look::Changes
            },
            accept: plan.accept,
            max_delete: plan.approve.then_some(usize::MAX),
            lease_timeout: std::time::Duration::from_secs(120),
            holder: "one".to_owned(),
        };
        let halt = plan.crash.map_or(Halt::Never, Halt::At);
        self.world.begin(halt, plan.interrupt, plan.writes_only);
        let report = {
            let mut round = pin!(engine.run_round(&mut members, &options));
            let mut report = poll(round.as_mut());
            if report.is_none() && self.world.take_interruption() {
                between(self);
                self.world.resume();
                report = poll(round.as_mut());
            }
            report
        };
        self.world.ended(report.is_none());
        if report.is_none() {
            let at = self.world.halted();
            self.trace.note(|| format!("    killed at {at:?}"));
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

    pub(crate) fn task_of(&self, place: Place, pick: u32) -> Option<Shown> {
        match place {
            Place::Hub => {
                let tasks = self.store.all_tasks();
                let alive: Vec<Task> = tasks.into_iter().filter(Task::is_alive).collect();
                let task = alive.get(index(pick, alive.len())?)?.clone();
                let (key, _) = read_title(task.fields.title())?;
                Some(Shown {
                    key,
                    body: Body::Hub(task),
                })
            }
            Place::Remote(remote) => {
                let ids = self.remotes[remote].ids();
                let id = ids.get(index(pick, ids.len())?)?;
                let task = self.remotes[remote].task(id)?;
                let (key, _) = read_title(task.fields.title())?;
                Some(Shown {
                    key,
                    body: Body::Remote(remote, task),
                })
            }
        }
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
                self.judge(index, &effect.id, &effect.operation, effect.changed)?;
            }
        }
        Ok(())
    }

    fn judge(
        &mut self,
        index: usize,
        id: &RemoteId,
        operation: &Operation,
        changed: bool,
    ) -> Result<(), Breach> {
        let title = match operation {
            Operation::Create(draft) => draft.fields.get(instep_model::Field::Title),
            Operation::Update { edit, .. } => edit
                .fields
                .iter()
                .find(|change| change.field == instep_model::Field::Title)
                .and_then(|change| change.to.as_ref()),
            Operation::Delete { .. } if changed => {
                let gone = self.remotes[index].remembered(id);
                let key = gone.and_then(|task| read_title(task.fields.title()));
                let Some((key, _)) = key else { return Ok(()) };
                if !self.ledger.deaths.contains_key(&key) {
                    let what = format!("t{key} was deleted in {} by nobody", NAMES[index]);
                    return breach("I6", what);
                }
                self.ledger.cut_off(key);
                None
            }
            _ => None,
        };
        if let Some(number) = read(Slot::Title, title) {
            self.ledger.shown.insert((index, id.clone(), number));
        }
        Ok(())
    }

    /// Sets a remote up anew.
    pub(crate) fn reinstall(&mut self, remote: usize, how: Reinstall) {
        self.installations += 1;
        let identity = Identity(format!("server {}", self.installations));
        self.remotes[remote].reinstall(self.world.now(), identity, how);
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

/// A task as one place shows it.
pub(crate) struct Shown {
    pub(crate) key: Key,
    pub(crate) body: Body,
}

pub(crate) enum Body {
    Hub(Task),
    Remote(usize, RemoteTask),
}

pub(crate) fn index(pick: u32, len: usize) -> Option<usize> {
    let len = u32::try_from(len).ok().filter(|len| *len > 0)?;
    usize::try_from(pick % len).ok()
}

fn hash(id: &RemoteId) -> u64 {
    id.as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}
