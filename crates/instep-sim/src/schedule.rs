//! What happens in one schedule, as data: drawn from a seed, and shrunk by leaving steps out.
//!
//! A step carries its own picks and its own chance, so that it means the same, as far as it can,
//! when others before it are gone.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::chance::Chance;
use crate::ledger::{Place, Slot};
use crate::setting::{Limit, Setting};
use crate::world::Weather;

/// Something that a person does in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Deed {
    Create,
    /// A new number in a scalar slot.
    Enter(Slot),
    Clear(Slot),
    Prioritise,
    Move,
    Tag,
    Untag,
    Note,
    Reword,
    Erase,
    Depend,
    Undepend,
    /// The tag that keeps a task out of a limited account, on or off.
    Ban,
    /// Something that the hub has no field for.
    Shade,
    Complete,
    Reopen,
    Delete,
    Unmark,
    /// Whoever entered something last takes it back.
    TakeBack,
}

/// What a server holds after it was set up anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reinstall {
    Empty,
    Imported,
}

/// One step of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Step {
    /// A person acts.
    Act { place: Place, deed: Deed, pick: u64 },
    /// The engine runs a round.
    Round {
        everything: bool,
        crash: Option<u16>,
        /// At this await a person acts in between.
        between: Option<(u16, Place, Deed, u64)>,
        salt: u64,
    },
    /// A round stands still at this await until its lease has run out and another has run.
    Stall { at: u16, salt: u64 },
    /// Two rounds run side by side; each is left at its await while the other goes on.
    Twin { at: u16, then: u16, salt: u64 },
    /// The server is looked at; meanwhile a person acts, and what that was is told.
    Meanwhile {
        /// Whether the look has read by then.
        read: bool,
        everything: bool,
        crash: Option<u16>,
        place: Place,
        deed: Deed,
        pick: u64,
        salt: u64,
    },
    /// An event about one item arrives so many times.
    Event {
        remote: usize,
        pick: u32,
        times: u8,
        crash: Option<u16>,
        salt: u64,
    },
    /// A dry run.
    Rehearse { salt: u64 },
    /// The store begins to fail now and then.
    Disk { one_in: u32 },
    /// Time passes, or goes back.
    Pass { millis: i64 },
    /// A remote begins to fail now and then.
    Weather {
        remote: usize,
        weather: Weather,
        one_in: u32,
    },
    /// Nothing fails any more.
    Calm,
    /// The next look at a remote finds an empty listing that claims to be complete.
    Lie { remote: usize },
    /// The hub's database is put aside for later.
    Save,
    /// The hub's database is gone.
    Lose { settled: bool },
    /// The hub's database is what it was when it was saved.
    RollBack { settled: bool },
    /// A server is set up anew.
    Reinstall { how: Reinstall, settled: bool },
    /// Somebody deletes everything in a remote.
    Wipe { remote: usize },
}

impl Step {
    /// Whether the engine moves in it.
    pub(crate) fn is_the_engines(&self) -> bool {
        !matches!(
            self,
            Self::Act { .. }
                | Self::Pass { .. }
                | Self::Weather { .. }
                | Self::Calm
                | Self::Lie { .. }
                | Self::Disk { .. }
                | Self::Save
        )
    }

    /// Whether only a full look may bring everything in step again after it.
    fn needs_sweep(&self) -> bool {
        match self {
            Self::Round { crash, .. } | Self::Meanwhile { crash, .. } => crash.is_some(),
            Self::Act { .. }
            | Self::Pass { .. }
            | Self::Calm
            | Self::Save
            | Self::Rehearse { .. } => false,
            // What fails before it has an effect is owed as it was before, however long that lasts.
            Self::Weather { weather, .. } => *weather != Weather::Away,
            // After an event too: what it made and a person deleted before any look listed it is
            // known to be gone by a full look only.
            _ => true,
        }
    }

    /// A short name for counting.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Act { deed, .. } => match deed {
                Deed::Create => "create",
                Deed::Enter(_) => "edit",
                Deed::Clear(_) => "clear",
                Deed::Prioritise => "prioritise",
                Deed::Move => "move",
                Deed::Tag => "tag",
                Deed::Untag => "untag",
                Deed::Note => "note",
                Deed::Reword => "reword a note",
                Deed::Erase => "erase a note",
                Deed::Depend => "depend",
                Deed::Undepend => "undepend",
                Deed::Complete => "complete",
                Deed::Reopen => "reopen",
                Deed::Ban => "put out of scope",
                Deed::Shade => "shade",
                Deed::Delete => "delete",
                Deed::Unmark => "unmark",
                Deed::TakeBack => "take back",
            },
            Self::Round { crash: Some(_), .. } => "round, killed",
            Self::Round {
                between: Some(_), ..
            } => "round, interrupted",
            Self::Round { .. } => "round",
            Self::Stall { .. } => "stale round",
            Self::Twin { .. } => "two rounds at once",
            Self::Meanwhile { .. } => "told during a look",
            Self::Event { .. } => "event",
            Self::Rehearse { .. } => "dry run",
            Self::Disk { .. } => "failing store",
            Self::Pass { .. } => "pass time",
            Self::Weather { .. } => "weather",
            Self::Calm => "calm",
            Self::Lie { .. } => "lie",
            Self::Save => "save the hub",
            Self::Lose { .. } => "lose the hub",
            Self::RollBack { .. } => "roll the hub back",
            Self::Reinstall { .. } => "reinstall",
            Self::Wipe { .. } => "wipe",
        }
    }
}

/// A whole schedule.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub(crate) seed: u64,
    pub(crate) setting: Setting,
    pub(crate) steps: Vec<Step>,
}

/// The fewest steps of a schedule.
const STEPS: u32 = 40;

impl Schedule {
    /// The schedule of a seed.
    pub fn draw(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let mut setting = Setting {
            ask: chance.one_in(10),
            prefer: chance.one_in(10).then(|| remote(&mut chance)),
            reads_only: chance.one_in(12).then(|| remote(&mut chance)),
            writes_only: None,
            limited: None,
            // Not drawn, so that a seed's schedule is the same with one as without.
            breaker: seed.is_multiple_of(3),
        };
        if setting.reads_only.is_none() {
            setting.writes_only = chance.one_in(12).then(|| remote(&mut chance));
        }
        setting.limited = chance.one_in(8).then(|| {
            let limit = if chance.one_in(2) {
                Limit::Projects
            } else {
                Limit::NotTagged
            };
            (remote(&mut chance), limit)
        });
        // Most schedules are spared disasters, so that what they promise can be held strictly.
        let disasters = chance.one_in(4);
        let count = STEPS + chance.below(20);
        // Where a service is away at most, work that was forgotten is not found again by a full look.
        let gentle = chance.one_in(4);
        let mut next = || loop {
            let mut step = step(&mut chance, disasters && !gentle);
            if let (Step::Weather { weather, .. }, true) = (&mut step, gentle) {
                *weather = Weather::Away;
            }
            if !gentle || !step.needs_sweep() {
                return step;
            }
        };
        let steps = (0..count).map(|_| next()).collect();
        Self {
            seed,
            setting,
            steps,
        }
    }

    /// Whether only a full look can bring everything in step again. It also makes everything work
    /// again, and would hide work that was forgotten where a service was away at most.
    pub(crate) fn needs_sweep(&self) -> bool {
        self.steps.iter().any(Step::needs_sweep)
    }

    /// How many steps it has.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether nothing happens.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The same without the steps in `range`.
    pub(crate) fn without(&self, range: std::ops::Range<usize>) -> Self {
        let mut shorter = self.clone();
        shorter.steps.drain(range);
        shorter
    }
}

/// The first line of a schedule that was written down.
#[derive(Serialize, Deserialize)]
struct Head {
    seed: u64,
    #[serde(flatten)]
    setting: Setting,
}

/// Line by line as JSON, to be kept and played again whatever the seeds mean by then.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = Head {
            seed: self.seed,
            setting: self.setting,
        };
        writeln!(f, "{}", line(&head)?)?;
        for step in &self.steps {
            writeln!(f, "{}", line(step)?)?;
        }
        Ok(())
    }
}

fn line(value: &impl Serialize) -> Result<String, fmt::Error> {
    serde_json::to_string(value).map_err(|_| fmt::Error)
}

impl FromStr for Schedule {
    type Err = serde_json::Error;

    /// Reads what was written down; lines that begin with `#` are for people.
    fn from_str(text: &str) -> Result<Self, serde_json::Error> {
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let head: Head = serde_json::from_str(lines.next().unwrap_or_default())?;
        let steps: Result<Vec<Step>, _> = lines.map(serde_json::from_str).collect();
        Ok(Self {
            seed: head.seed,
            setting: head.setting,
            steps: steps?,
        })
    }
}

fn remote(chance: &mut Chance) -> usize {
    usize::try_from(chance.below(3)).unwrap_or_default()
}

fn place(chance: &mut Chance) -> Place {
    match chance.below(4) {
        0 => Place::Hub,
        _ => Place::Remote(remote(chance)),
    }
}

fn number(chance: &mut Chance) -> u32 {
    chance.below(u32::MAX)
}

/// A pick that goes to the task that somebody touched last, as half of them do, so that places
/// and people meet on it.
pub(crate) const LAST: u64 = 1 << 32;

fn pick(chance: &mut Chance) -> u64 {
    let last = if chance.one_in(2) { LAST } else { 0 };
    u64::from(number(chance)) | last
}

fn await_count(chance: &mut Chance) -> u16 {
    // Rounds differ much in length: short ones are met as often as long ones.
    let longest = 1 << (3 + chance.below(6));
    u16::try_from(1 + chance.below(longest)).unwrap_or(1)
}

fn deed(chance: &mut Chance) -> Deed {
    match chance.below(54) {
        0..=8 => Deed::Create,
        9..=12 => Deed::Enter(Slot::Title),
        13..=15 => Deed::Enter(Slot::Due),
        16..=17 => Deed::Enter(Slot::Notes),
        18 => Deed::Enter(Slot::Start),
        19 => Deed::Clear(Slot::Due),
        20 => Deed::Prioritise,
        21..=22 => Deed::Move,
        23..=25 => Deed::Tag,
        26..=27 => Deed::Untag,
        28..=29 => Deed::Note,
        30 => Deed::Reword,
        31 => Deed::Erase,
        32 => Deed::Depend,
        33 => Deed::Undepend,
        34..=35 => Deed::Complete,
        36 => Deed::Reopen,
        37..=38 => Deed::Delete,
        39 => Deed::Unmark,
        40..=41 => Deed::Depend,
        42 => Deed::Undepend,
        43..=44 => Deed::Shade,
        45 => Deed::Reword,
        46 => Deed::Erase,
        47..=48 => Deed::Note,
        49..=52 => Deed::TakeBack,
        _ => Deed::Ban,
    }
}

fn round(chance: &mut Chance) -> Step {
    let crash = chance.one_in(4).then(|| await_count(chance));
    let between = chance.one_in(3).then(|| {
        let place = if chance.one_in(3) {
            Place::Hub
        } else {
            place(chance)
        };
        (await_count(chance), place, deed(chance), pick(chance))
    });
    Step::Round {
        everything: chance.one_in(6),
        crash,
        between,
        salt: chance.next(),
    }
}

// tidy: long because it is the one list of how often each step is drawn
fn step(chance: &mut Chance, disasters: bool) -> Step {
    match chance.below(100) {
        0..=57 => Step::Act {
            place: place(chance),
            deed: deed(chance),
            pick: pick(chance),
        },
        58..=76 => round(chance),
        77..=79 => Step::Meanwhile {
            read: chance.one_in(2),
            everything: chance.one_in(2),
            crash: chance.one_in(6).then(|| await_count(chance)),
            place: place(chance),
            deed: deed(chance),
            pick: pick(chance),
            salt: chance.next(),
        },
        80..=81 => Step::Event {
            remote: remote(chance),
            pick: number(chance),
            times: 1 + u8::try_from(chance.below(5)).unwrap_or_default(),
            crash: chance.one_in(6).then(|| await_count(chance)),
            salt: chance.next(),
        },
        82 => match chance.below(3) {
            0 => Step::Twin {
                at: await_count(chance),
                then: await_count(chance),
                salt: chance.next(),
            },
            1 => Step::Rehearse {
                salt: chance.next(),
            },
            _ => Step::Stall {
                at: await_count(chance),
                salt: chance.next(),
            },
        },
        83..=87 => Step::Pass {
            millis: match chance.below(8) {
                0 => -i64::from(chance.below(600_000)),
                1 => i64::from(chance.below(40)) * 86_400_000,
                _ => i64::from(chance.below(7_200_000)),
            },
        },
        88..=90 => Step::Weather {
            remote: remote(chance),
            weather: match chance.below(5) {
                0 => Weather::Away,
                1 => Weather::Lossy,
                2 => Weather::Picky,
                3 => Weather::Messy,
                _ => Weather::Storm,
            },
            one_in: 1 + chance.below(6),
        },
        91..=92 => Step::Calm,
        93 => Step::Disk {
            one_in: 4 << chance.below(5),
        },
        94 => Step::Lie {
            remote: remote(chance),
        },
        95 if chance.one_in(4) => Step::Wipe {
            remote: remote(chance),
        },
        96 => Step::Save,
        97..=99 if disasters => disaster(chance),
        _ => round(chance),
    }
}

fn disaster(chance: &mut Chance) -> Step {
    let settled = !chance.one_in(3);
    match chance.below(4) {
        0 => Step::Lose { settled },
        1 => Step::RollBack { settled },
        2 => Step::Reinstall {
            how: Reinstall::Empty,
            settled,
        },
        _ => Step::Reinstall {
            how: Reinstall::Imported,
            settled,
        },
    }
}
