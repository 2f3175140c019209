//! What the program costs by itself: a row less what the job could not do without. It has to stay
//! the same however many tasks there are, so it is held against that of the fewest.
//!
//! The least of several runs on both sides: whatever else the machine does only adds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::measure::Cost;
use super::report::{rounded, short};
use super::scenario::{FloorRun, Measured};

/// Milliseconds beyond the floor.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Beyond {
    wall_ms: f64,
    /// Of processor time, with every process that was started.
    cpu_ms: f64,
}

/// One row's own cost.
#[derive(Debug)]
pub(super) struct Own {
    beyond: Beyond,
    floor: &'static str,
    runs: usize,
    /// Of the fewest tasks, and how many those were.
    first: (usize, Beyond),
}

/// The first own cost of each scenario, to hold the later ones against.
#[derive(Debug, Default)]
pub(super) struct Firsts(BTreeMap<String, (usize, Beyond)>);

impl Firsts {
    /// The own cost of a scenario that is measured at several sizes, the smallest first. `None`
    /// for any other.
    pub(super) fn own(&mut self, measured: &Measured) -> Option<Own> {
        let (floor, beneath) = beneath(measured)?;
        let costs = measured.runs.iter().map(|run| run.cost);
        let beyond = Beyond {
            wall_ms: least(costs.clone().map(|cost| cost.wall_ms)) - least(walls(beneath)),
            cpu_ms: least(costs.map(cpu)) - least(beneath.iter().map(|run| cpu(run.cost))),
        };
        let first = self.0.entry(measured.name.clone());
        Some(Own {
            beyond,
            floor,
            runs: measured.runs.len(),
            first: *first.or_insert((measured.tasks, beyond)),
        })
    }
}

/// What the scenario cannot do without, whatever the program is like.
fn beneath(measured: &Measured) -> Option<(&'static str, &[FloorRun])> {
    match &measured.reads[..] {
        [] if measured.name == "nothing changed" => Some(("the one call", &measured.floors)),
        [] => None,
        reads => Some(("bare export and parse", reads)),
    }
}

fn cpu(cost: Cost) -> f64 {
    cost.all_cpu_ms
}

/// Of the parts alone: the floor's own start is none of the job.
fn walls(runs: &[FloorRun]) -> impl Iterator<Item = f64> {
    let wall = |run: &FloorRun| run.parts.iter().map(|part| part.wall_ms).sum();
    runs.iter().map(wall)
}

fn least(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::NAN, f64::min)
}

impl Own {
    fn ratios(&self) -> Beyond {
        let (_, first) = self.first;
        Beyond {
            wall_ms: self.beyond.wall_ms / first.wall_ms,
            cpu_ms: self.beyond.cpu_ms / first.cpu_ms,
        }
    }

    /// A line below the row.
    pub(super) fn line(&self) -> String {
        let ratios = self.ratios();
        format!(
            "\n    own cost beyond {}, least of {} runs: wall {}, cpu {}; {:.2} and {:.2} times \
             that at {} tasks",
            self.floor,
            self.runs,
            short(self.beyond.wall_ms),
            short(self.beyond.cpu_ms),
            ratios.wall_ms,
            ratios.cpu_ms,
            self.first.0,
        )
    }

    pub(super) fn json(&self) -> Value {
        let ratios = self.ratios();
        json!({
            "beyond": self.floor,
            "statistic": format!("least of {} runs", self.runs),
            "wall_ms": rounded(self.beyond.wall_ms),
            "cpu_ms": rounded(self.beyond.cpu_ms),
            "of_tasks": self.first.0,
            "wall_ratio": rounded(ratios.wall_ms),
            "cpu_ratio": rounded(ratios.cpu_ms),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::scenario::{Part, Run};
    use super::*;

    fn cost(wall_ms: f64, cpu_ms: f64) -> Cost {
        Cost {
            wall_ms,
            own_cpu_ms: 0.0,
            all_cpu_ms: cpu_ms,
            peak_mib: 0.0,
        }
    }

    fn measured(tasks: usize, runs: &[(f64, f64)], reads: &[(f64, f64)]) -> Measured {
        let run = |&(wall_ms, cpu_ms): &(f64, f64)| Run {
            cost: cost(wall_ms, cpu_ms),
            calls: 1,
            writes: 0,
        };
        let part = |name: &str, wall_ms| Part {
            name: name.to_owned(),
            wall_ms,
            calls: 0,
        };
        let read = |&(wall_ms, cpu_ms): &(f64, f64)| FloorRun {
            cost: cost(99.0, cpu_ms),
            parts: vec![part("task export", wall_ms - 1.0), part("parse", 1.0)],
        };
        Measured {
            name: "one changed".to_owned(),
            tasks,
            runs: runs.iter().map(run).collect(),
            floors: Vec::new(),
            reads: reads.iter().map(read).collect(),
            load: String::new(),
        }
    }

    #[test]
    fn the_least_of_each_counts_and_the_fewest_tasks_are_the_measure() {
        let mut firsts = Firsts::default();
        let few = measured(
            100,
            &[(30.0, 9.0), (20.0, 12.0)],
            &[(10.0, 4.0), (15.0, 5.0)],
        );
        let few = firsts.own(&few).expect("it has a floor");
        assert_eq!(
            few.beyond,
            Beyond {
                wall_ms: 10.0,
                cpu_ms: 5.0
            }
        );
        let many = measured(10_000, &[(112.0, 80.0)], &[(100.0, 70.0)]);
        let many = firsts.own(&many).expect("it has a floor");
        assert_eq!(
            many.ratios(),
            Beyond {
                wall_ms: 1.2,
                cpu_ms: 2.0
            }
        );
        assert_eq!(many.first.0, 100);
    }

    #[test]
    fn a_row_without_a_floor_of_its_own_has_no_own_cost() {
        assert!(
            Firsts::default()
                .own(&measured(100, &[(1.0, 1.0)], &[]))
                .is_none()
        );
    }
}
