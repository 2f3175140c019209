//! The figures as a table for the eye and as JSON. Medians, but for what [`super::own`] says;
//! nothing passes or fails here.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::measure::Cost;
use super::own::Own;
use super::scenario::{FloorRun, Measured};

/// One line of the table.
struct Medians {
    wall_ms: f64,
    own_cpu_ms: f64,
    all_cpu_ms: f64,
    peak_mib: f64,
}

impl Medians {
    fn of<'a>(costs: impl Iterator<Item = &'a Cost> + Clone) -> Self {
        let over = |read: fn(&Cost) -> f64| median(costs.clone().map(read));
        Self {
            wall_ms: over(|cost| cost.wall_ms),
            own_cpu_ms: over(|cost| cost.own_cpu_ms),
            all_cpu_ms: over(|cost| cost.all_cpu_ms),
            peak_mib: over(|cost| cost.peak_mib),
        }
    }

    fn json(&self) -> Value {
        json!({
            "wall_ms": rounded(self.wall_ms),
            "own_cpu_ms": rounded(self.own_cpu_ms),
            "all_cpu_ms": rounded(self.all_cpu_ms),
            "peak_mib": rounded(self.peak_mib),
        })
    }
}

/// What stands above the lines.
pub(super) fn heading() -> String {
    let names = [
        "tasks",
        "runs",
        "wall",
        "floor",
        "ratio",
        "own cpu",
        "all cpu",
        "floor cpu",
        "calls",
        "floor",
        "peak",
        "floor",
    ];
    let names: String = names.iter().map(|name| format!("{name:>10}")).collect();
    format!(
        "{:<28}{names}\n{:<28}{}",
        "",
        "milliseconds, MiB",
        "-".repeat(120)
    )
}

/// One scenario as a line, and below it what its floor is made of.
pub(super) fn line(measured: &Measured, own: Option<&Own>) -> String {
    let real = Medians::of(measured.runs.iter().map(|run| &run.cost));
    let floor = Medians::of(measured.floors.iter().map(|run| &run.cost));
    let figures = [
        format!("{}", measured.tasks),
        format!("{}", measured.runs.len()),
        short(real.wall_ms),
        short(floor.wall_ms),
        format!("{:.2}", real.wall_ms / floor.wall_ms),
        short(real.own_cpu_ms),
        short(real.all_cpu_ms),
        short(floor.all_cpu_ms),
        format!("{:.0}", calls(measured)),
        format!("{:.0}", floor_calls(&measured.floors)),
        short(real.peak_mib),
        short(floor.peak_mib),
    ];
    let figures: String = figures.iter().map(|text| format!("{text:>10}")).collect();
    let parts: Vec<String> = parts(&measured.floors)
        .into_iter()
        .map(|(name, wall_ms)| format!("{name} {}", short(wall_ms)))
        .collect();
    format!(
        "{:<28}{figures}\n    floor: {}; load {}{}",
        measured.name,
        parts.join(", "),
        measured.load,
        own.map(Own::line).unwrap_or_default()
    )
}

/// One scenario with every run.
pub(super) fn json(taskwarrior: &str, measured: &Measured, own: Option<&Own>) -> Value {
    let real = Medians::of(measured.runs.iter().map(|run| &run.cost));
    let floor = Medians::of(measured.floors.iter().map(|run| &run.cost));
    let walls = |costs: Vec<f64>| costs.into_iter().map(rounded).collect::<Vec<_>>();
    let parts: BTreeMap<String, f64> = parts(&measured.floors)
        .into_iter()
        .map(|(name, wall_ms)| (name, rounded(wall_ms)))
        .collect();
    json!({
        "scenario": measured.name,
        "taskwarrior": taskwarrior,
        "tasks": measured.tasks,
        "instep": real.json(),
        "floor": floor.json(),
        "ratio": rounded(real.wall_ms / floor.wall_ms),
        "remote_calls": calls(measured),
        "floor_calls": floor_calls(&measured.floors),
        "writes": median(measured.runs.iter().map(|run| precise(run.writes))),
        "floor_parts_wall_ms": parts,
        "own": own.map(Own::json),
        "load": measured.load,
        "walls_ms": walls(measured.runs.iter().map(|run| run.cost.wall_ms).collect()),
        "floor_walls_ms": walls(measured.floors.iter().map(|run| run.cost.wall_ms).collect()),
    })
}

fn calls(measured: &Measured) -> f64 {
    median(measured.runs.iter().map(|run| precise(run.calls)))
}

fn floor_calls(floors: &[FloorRun]) -> f64 {
    let calls = |run: &FloorRun| precise(run.parts.iter().map(|part| part.calls).sum());
    median(floors.iter().map(calls))
}

/// The median of each part, in the order in which they were done.
fn parts(floors: &[FloorRun]) -> Vec<(String, f64)> {
    let Some(first) = floors.first() else {
        return Vec::new();
    };
    let wall = |name: &str| {
        let all = floors.iter().flat_map(|run| &run.parts);
        median(
            all.filter(|part| part.name == name)
                .map(|part| part.wall_ms),
        )
    };
    let names = first.parts.iter().map(|part| part.name.clone());
    names.map(|name| (name.clone(), wall(&name))).collect()
}

/// The middle one, or the mean of the middle two; not a number where there is none.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[allow(clippy::cast_precision_loss, reason = "small numbers")]
fn precise(count: u64) -> f64 {
    count as f64
}

pub(super) fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// Three digits that mean something.
pub(super) fn short(value: f64) -> String {
    if value < 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::{median, short};

    fn check(values: &[f64], expected: f64) {
        let found = median(values.iter().copied());
        assert!((found - expected).abs() < 1e-9, "{values:?}: {found}");
    }

    #[test]
    fn the_median_is_the_middle() {
        check(&[5.0], 5.0);
        check(&[9.0, 1.0, 5.0], 5.0);
        check(&[4.0, 1.0, 2.0, 9.0], 3.0);
    }

    #[test]
    fn nothing_has_no_median() {
        assert!(median(std::iter::empty()).is_nan());
    }

    #[test]
    fn large_figures_lose_their_fraction() {
        assert_eq!(short(9.96), "10.0");
        assert_eq!(short(1234.5), "1234");
    }
}
