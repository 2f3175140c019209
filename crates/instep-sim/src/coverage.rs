//! Counts of what a run has met: every crash point, fault and step. Judges nothing.

use std::collections::BTreeMap;
use std::fmt;

use instep_contract::{Call, Fault, Moment};

use crate::world::Point;

type Counts = BTreeMap<&'static str, u64>;

/// Steps of the store that write.
pub(crate) const COMMITS: [&str; 10] = [
    "claim_lease",
    "commit_access",
    "commit_doubt",
    "commit_intents",
    "commit_merge",
    "commit_observation",
    "commit_push",
    "approve_held",
    "end_epoch",
    "wake_all",
];

const FAULTS: [&str; 14] = [
    "not sent",
    "unavailable",
    "busy",
    "throttled",
    "unauthorized",
    "reply lost",
    "timed out",
    "slow",
    "rejected",
    "stale",
    "cut short",
    "lie",
    "reordered",
    "cursor invalid",
];

const STEPS: [&str; 37] = [
    "create",
    "edit",
    "clear",
    "prioritise",
    "move",
    "tag",
    "untag",
    "note",
    "reword a note",
    "erase a note",
    "depend",
    "undepend",
    "put out of scope",
    "shade",
    "complete",
    "reopen",
    "delete",
    "unmark",
    "round",
    "round, killed",
    "round, interrupted",
    "stale round",
    "two rounds at once",
    "told during a look",
    "event",
    "dry run",
    "failing store",
    "pass time",
    "weather",
    "calm",
    "lie",
    "save the hub",
    "lose the hub",
    "roll the hub back",
    "reinstall",
    "wipe",
    "guard approved",
];

const SETTINGS: [&str; 6] = [
    "asks",
    "prefers one account",
    "reads an account only",
    "writes an account only",
    "limits an account to projects",
    "limits an account by a tag",
];

/// How often each thing was met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Rounds left, or entered by somebody else, by the point where.
    points: BTreeMap<Point, u64>,
    faults: Counts,
    effects: BTreeMap<Call, u64>,
    steps: Counts,
    settings: Counts,
    /// Steps of the store that failed before they did anything, and after.
    disk: BTreeMap<Moment, u64>,
}

impl Coverage {
    pub(crate) fn stopped(&mut self, point: Point) {
        *self.points.entry(point).or_default() += 1;
    }

    pub(crate) fn faulted(&mut self, fault: Fault) {
        let name = match fault {
            Fault::NotSent => "not sent",
            Fault::Unavailable => "unavailable",
            Fault::Failed => "failed",
            Fault::Busy => "busy",
            Fault::Throttled(_) => "throttled",
            Fault::Unauthorized => "unauthorized",
            Fault::ReplyLost(_) => "reply lost",
            Fault::TimedOut(_) => "timed out",
            Fault::Slow(_) => "slow",
            Fault::Rejected(_) => "rejected",
            Fault::Stale(_) => "stale",
            Fault::CutShort => "cut short",
            Fault::Lie(_) => "lie",
            Fault::Reordered(_) => "reordered",
            Fault::CursorInvalid => "cursor invalid",
        };
        *self.faults.entry(name).or_default() += 1;
    }

    pub(crate) fn disk_failed(&mut self, moment: Moment) {
        *self.disk.entry(moment).or_default() += 1;
    }

    pub(crate) fn wrote(&mut self, call: Call) {
        *self.effects.entry(call).or_default() += 1;
    }

    pub(crate) fn set(&mut self, setting: &'static str) {
        *self.settings.entry(setting).or_default() += 1;
    }

    pub(crate) fn stepped(&mut self, step: &'static str) {
        *self.steps.entry(step).or_default() += 1;
    }

    /// Adds the counts of another run.
    pub fn absorb(&mut self, other: &Self) {
        fn add<K: Ord + Copy>(to: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
            for (key, count) in from {
                *to.entry(*key).or_default() += count;
            }
        }
        add(&mut self.points, &other.points);
        add(&mut self.faults, &other.faults);
        add(&mut self.effects, &other.effects);
        add(&mut self.steps, &other.steps);
        add(&mut self.settings, &other.settings);
        add(&mut self.disk, &other.disk);
    }

    /// Every count with its name, in a fixed order. What can be met and never was is named too.
    pub fn lines(&self) -> Vec<(String, u64)> {
        let mut points = self.points.clone();
        for call in Call::ALL {
            for moment in [Moment::Before, Moment::After] {
                points.entry(Point::Remote(call, moment)).or_default();
            }
        }
        for step in COMMITS {
            for moment in [Moment::Before, Moment::After] {
                points.entry(Point::Store(step, moment)).or_default();
            }
        }
        let points = points.into_iter().map(|(point, count)| {
            let name = match point {
                Point::Remote(call, moment) => format!("stop {moment:?} {call:?}"),
                Point::Store(step, moment) => format!("stop {moment:?} {step}"),
            };
            (name, count)
        });
        let named = |kind: &'static str, names: &[&'static str], counts: &Counts| {
            let mut counts = counts.clone();
            for name in names {
                counts.entry(name).or_default();
            }
            let lines = counts.into_iter();
            lines.map(move |(name, count)| (format!("{kind} {name}"), count))
        };
        let effects = Call::ALL.into_iter().filter(|call| call.writes());
        let effects = effects.map(|call| {
            let count = self.effects.get(&call).copied().unwrap_or_default();
            (format!("effect {call:?}"), count)
        });
        let disk = [Moment::Before, Moment::After].map(|moment| {
            let count = self.disk.get(&moment).copied().unwrap_or_default();
            (format!("store fails {moment:?}"), count)
        });
        points
            .chain(named("fault", &FAULTS, &self.faults))
            .chain(effects)
            .chain(disk)
            .chain(named("step", &STEPS, &self.steps))
            .chain(named("setting", &SETTINGS, &self.settings))
            .collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, count) in self.lines() {
            writeln!(f, "count {count:>12}  {name}")?;
        }
        Ok(())
    }
}
