//! Counts of what a run has met: every crash point, fault and step. Judges nothing.

use std::collections::BTreeMap;
use std::fmt;

use instep_contract::{Call, Fault, Moment};

use crate::world::Point;

/// How often each thing was met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Rounds left, or entered by somebody else, by the point where.
    points: BTreeMap<Point, u64>,
    faults: BTreeMap<&'static str, u64>,
    effects: BTreeMap<Call, u64>,
    steps: BTreeMap<&'static str, u64>,
}

impl Coverage {
    pub(crate) fn stopped(&mut self, point: Point) {
        *self.points.entry(point).or_default() += 1;
    }

    pub(crate) fn faulted(&mut self, fault: Fault) {
        let name = match fault {
            Fault::NotSent => "not sent",
            Fault::Unavailable => "unavailable",
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

    pub(crate) fn wrote(&mut self, call: Call) {
        *self.effects.entry(call).or_default() += 1;
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
    }

    /// Every count with its name, in a fixed order; a call that was never stopped is named too.
    pub fn lines(&self) -> Vec<(String, u64)> {
        let mut points = self.points.clone();
        for call in Call::ALL {
            for moment in [Moment::Before, Moment::After] {
                points.entry(Point::Remote(call, moment)).or_default();
            }
        }
        let points = points.into_iter().map(|(point, count)| {
            let name = match point {
                Point::Remote(call, moment) => format!("stop {moment:?} {call:?}"),
                Point::Store(step, moment) => format!("stop {moment:?} {step}"),
            };
            (name, count)
        });
        let faults = self.faults.iter();
        let effects = Call::ALL.into_iter().filter(|call| call.writes());
        let steps = self.steps.iter();
        points
            .chain(faults.map(|(name, count)| (format!("fault {name}"), *count)))
            .chain(effects.map(|call| {
                let count = self.effects.get(&call).copied().unwrap_or_default();
                (format!("effect {call:?}"), count)
            }))
            .chain(steps.map(|(name, count)| (format!("step {name}"), *count)))
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
