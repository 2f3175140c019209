//! What was measured of one job, sample by sample beside its floor, what it has to reach, and both as
//! a line for the eye and as JSON. A sample that did not arrive counts as one that takes for ever.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::super::report::{rounded, short};

/// One sample.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sample {
    /// What it took; `None` where it was not seen in time.
    pub(crate) took: Option<f64>,
    /// What the job could not do without, right before or after; `None` where it has no floor.
    pub(crate) floor: Option<f64>,
    /// Calls to the service until it had arrived.
    pub(crate) calls: Option<u64>,
    /// Calls to the service until everything was at rest again.
    pub(crate) all_calls: Option<u64>,
}

/// What a row has to stay below.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// Median over the median of the floor.
    Ratio(f64),
    /// Median less the median of the floor.
    Beyond(f64),
    /// The 99th of a hundred differences between a sample and its own floor.
    BeyondP99(f64),
    /// The median.
    Median(f64),
    /// The 99th of a hundred.
    P99(f64),
    /// The most calls until it had arrived.
    Calls(f64),
}

/// What was measured of one job.
#[derive(Debug)]
pub(crate) struct Row {
    name: String,
    unit: &'static str,
    samples: Vec<Sample>,
    /// When each was taken in, since 1970.
    ends: Vec<Duration>,
    /// For how long anything on this machine had waited for the disk by then.
    stalls: Vec<Duration>,
    goals: Vec<Goal>,
    notes: Vec<String>,
    load: [String; 2],
}

impl Row {
    /// A row without samples; `unit` is that of the samples and their floor.
    pub(crate) fn new(name: &str, unit: &'static str, goals: &[Goal]) -> Self {
        Self {
            name: name.to_owned(),
            unit,
            samples: Vec::new(),
            ends: Vec::new(),
            stalls: vec![stalled()],
            goals: goals.to_vec(),
            notes: Vec::new(),
            load: [super::super::load(), String::new()],
        }
    }

    pub(crate) fn push(&mut self, sample: Sample) {
        self.samples.push(sample);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        self.ends.push(now.unwrap_or_default());
        self.stalls.push(stalled());
        self.load[1] = super::super::load();
    }

    /// One sample without floor or calls.
    pub(crate) fn value(&mut self, took: f64) {
        self.push(Sample {
            took: Some(took),
            ..Sample::default()
        });
    }

    /// Something that belongs below the line.
    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// The sample that took longest, and when it ended, for whoever wants to find it in a log.
    fn slowest(&self) -> Option<String> {
        let all = self.samples.iter().zip(&self.ends).enumerate();
        let all = all.map(|(number, (sample, end))| (number, sample.took, *end));
        let all = all.map(|(number, took, end)| (number, took.unwrap_or(f64::INFINITY), end));
        let slowest = all.max_by(|one, other| one.1.total_cmp(&other.1));
        let (number, took, end) = slowest?;
        let day = end.as_millis() % 86_400_000;
        let (hours, minutes) = (day / 3_600_000, day / 60_000 % 60);
        let seconds = end.as_secs_f64() % 60.0;
        Some(format!(
            "slowest: sample {number}, {}, over at {hours:02}:{minutes:02}:{seconds:06.3} UTC; \
             the disk kept somebody waiting for {} ms of it",
            figure(took),
            self.stall(number).as_millis(),
        ))
    }

    /// For how long anything on this machine waited for the disk in this sample and its floor.
    fn stall(&self, number: usize) -> Duration {
        self.stalls[number + 1].saturating_sub(self.stalls[number])
    }

    fn took(&self) -> Vec<f64> {
        sorted(self.samples.iter().map(|s| s.took.unwrap_or(f64::INFINITY)))
    }

    fn floor(&self) -> Vec<f64> {
        sorted(self.samples.iter().filter_map(|sample| sample.floor))
    }

    fn beyond(&self) -> Vec<f64> {
        let each = self.samples.iter().filter_map(|sample| {
            let took = sample.took.unwrap_or(f64::INFINITY);
            Some(took - sample.floor?)
        });
        sorted(each)
    }

    fn calls(&self, read: fn(&Sample) -> Option<u64>) -> Vec<f64> {
        sorted(self.samples.iter().filter_map(read).map(precise))
    }

    fn missed(&self) -> usize {
        let missed = |sample: &&Sample| sample.took.is_none();
        self.samples.iter().filter(missed).count()
    }

    fn reached(&self, goal: Goal) -> (f64, f64) {
        let (took, floor) = (self.took(), self.floor());
        match goal {
            Goal::Ratio(most) => (quantile(&took, 50) / quantile(&floor, 50), most),
            Goal::Beyond(most) => (quantile(&took, 50) - quantile(&floor, 50), most),
            Goal::BeyondP99(most) => (quantile(&self.beyond(), 99), most),
            Goal::Median(most) => (quantile(&took, 50), most),
            Goal::P99(most) => (quantile(&took, 99), most),
            Goal::Calls(most) => (quantile(&self.calls(|sample| sample.calls), 100), most),
        }
    }

    fn is_met(&self, goal: Goal) -> bool {
        let (reached, most) = self.reached(goal);
        // Not a number where there is nothing to go by: not met.
        reached <= most
    }

    /// The row, and below it what it has to reach.
    pub(crate) fn line(&self) -> String {
        let (took, floor, beyond) = (self.took(), self.floor(), self.beyond());
        let (calls, all) = (self.calls(|s| s.calls), self.calls(|s| s.all_calls));
        let figures = [
            self.samples.len().to_string(),
            self.missed().to_string(),
            figure(quantile(&took, 50)),
            figure(quantile(&took, 90)),
            figure(quantile(&took, 99)),
            figure(quantile(&floor, 50)),
            figure(quantile(&floor, 99)),
            ratio(quantile(&took, 50) / quantile(&floor, 50)),
            figure(quantile(&took, 50) - quantile(&floor, 50)),
            figure(quantile(&beyond, 99)),
            span(&calls),
            span(&all),
        ];
        let figures: String = figures.iter().map(|text| format!("{text:>10}")).collect();
        let mut line = format!("{:<42}{figures}", format!("{} ({})", self.name, self.unit));
        for goal in &self.goals {
            let (reached, most) = self.reached(*goal);
            let verdict = if self.is_met(*goal) { "met" } else { "NOT MET" };
            let what = goal.what();
            line += &format!(
                "\n    goal: {what} at most {most}: {}: {verdict}",
                figure(reached)
            );
            if let Goal::Calls(most) = goal {
                let calls = self.calls(|sample| sample.calls);
                let more = calls.iter().filter(|calls| *calls > most).count();
                line += &format!(" ({more} of {} needed more)", calls.len());
            }
        }
        if self.missed() > 0 {
            line += &format!("\n    FAILED: {} did not arrive in time", self.missed());
        }
        for note in &self.notes {
            line += &format!("\n    {note}");
        }
        if let Some(slowest) = self.slowest() {
            line += &format!("\n    {slowest}");
        }
        format!("{line}\n    load {} to {}", self.load[0], self.load[1])
    }

    /// The row with every sample.
    pub(crate) fn json(&self, taskwarrior: &str) -> Value {
        let quantiles = |values: &[f64]| {
            let [p50, p90, p99] = [50, 90, 99].map(|share| finite(quantile(values, share)));
            json!({ "median": p50, "p90": p90, "p99": p99 })
        };
        let goals = self.goals.iter().map(|goal| {
            let (reached, most) = self.reached(*goal);
            json!({
                "what": goal.what(),
                "at_most": most,
                "reached": finite(reached),
                "met": self.is_met(*goal),
            })
        });
        let samples = self.samples.iter().enumerate().map(|(number, sample)| {
            json!([
                sample.took.map(rounded),
                sample.floor.map(rounded),
                sample.calls,
                sample.all_calls,
                rounded(self.stall(number).as_secs_f64() * 1e3),
            ])
        });
        json!({
            "scenario": self.name,
            "taskwarrior": taskwarrior,
            "unit": self.unit,
            "missed": self.missed(),
            "instep": quantiles(&self.took()),
            "floor": quantiles(&self.floor()),
            "beyond": quantiles(&self.beyond()),
            "ratio": finite(quantile(&self.took(), 50) / quantile(&self.floor(), 50)),
            "calls": quantiles(&self.calls(|sample| sample.calls)),
            "calls_until_at_rest": quantiles(&self.calls(|sample| sample.all_calls)),
            "goals": goals.collect::<Vec<_>>(),
            "notes": self.notes,
            "load": self.load,
            "sample_fields": ["took", "floor", "calls", "calls_until_at_rest", "disk_stalls_ms"],
            "samples": samples.collect::<Vec<_>>(),
        })
    }
}

impl Goal {
    fn what(self) -> &'static str {
        match self {
            Self::Ratio(_) => "median over that of the floor",
            Self::Beyond(_) => "median less that of the floor",
            Self::BeyondP99(_) => "p99 beyond the floor of the same pair",
            Self::Median(_) => "median",
            Self::P99(_) => "p99",
            Self::Calls(_) => "calls until it arrived",
        }
    }
}

/// What stands above the lines.
pub(crate) fn heading() -> String {
    let names = [
        "samples",
        "missed",
        "median",
        "p90",
        "p99",
        "floor",
        "its p99",
        "ratio",
        "beyond",
        "its p99",
        "calls",
        "till rest",
    ];
    let names: String = names.iter().map(|name| format!("{name:>10}")).collect();
    format!("{:<42}{names}\n{}", "", "-".repeat(162))
}

/// For how long anything on this machine has waited for the disk since it was started; nothing
/// where the kernel does not tell.
fn stalled() -> Duration {
    let told = fs::read_to_string("/proc/pressure/io").unwrap_or_default();
    let micros = told
        .split_whitespace()
        .find_map(|word| word.strip_prefix("total="));
    Duration::from_micros(micros.and_then(|micros| micros.parse().ok()).unwrap_or(0))
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The smallest value that `percent` of all do not exceed; not a number where there is none.
fn quantile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    let found = sorted.get(rank.saturating_sub(1));
    found.copied().unwrap_or(f64::NAN)
}

/// The median, and the most where that is another.
fn span(sorted: &[f64]) -> String {
    match (quantile(sorted, 50), quantile(sorted, 100)) {
        (median, _) if median.is_nan() => "-".to_owned(),
        (median, most) if median < most => format!("{median:.0}..{most:.0}"),
        (median, _) => format!("{median:.0}"),
    }
}

fn figure(value: f64) -> String {
    match value {
        value if value.is_nan() => "-".to_owned(),
        value if value.is_infinite() => "never".to_owned(),
        value if value.abs() < 10.0 => format!("{value:.2}"),
        value => short(value),
    }
}

fn ratio(value: f64) -> String {
    match value.is_finite() {
        true => format!("{value:.2}"),
        false => figure(value),
    }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then(|| rounded(value))
}

#[allow(clippy::cast_precision_loss, reason = "small numbers")]
fn precise(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::{Goal, Row, Sample, quantile};

    fn check(samples: &[(Option<f64>, f64)], goal: Goal, met: bool) {
        let mut row = Row::new("a row", "ms", &[goal]);
        for (took, floor) in samples {
            row.push(Sample {
                took: *took,
                floor: Some(*floor),
                ..Sample::default()
            });
        }
        assert_eq!(row.is_met(goal), met, "{samples:?} {goal:?}");
    }

    #[test]
    fn a_goal_is_held_against_the_floor_of_the_same_run() {
        let samples = [(Some(14.0), 10.0), (Some(15.0), 10.0), (Some(90.0), 10.0)];
        check(&samples, Goal::Ratio(1.5), true);
        check(&samples, Goal::Ratio(1.4), false);
        check(&samples, Goal::Beyond(5.0), true);
        check(&samples, Goal::BeyondP99(79.0), false);
        check(&samples, Goal::P99(90.0), true);
    }

    #[test]
    fn what_did_not_arrive_takes_for_ever() {
        let samples = [(Some(1.0), 1.0), (None, 1.0)];
        check(&samples, Goal::Median(1.0), true);
        check(&samples, Goal::P99(1e9), false);
        check(&[(None, 1.0)], Goal::Median(1e9), false);
    }

    #[test]
    fn nothing_measured_meets_nothing() {
        check(&[], Goal::Median(1e9), false);
    }

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        let found = [50, 90, 99, 100].map(|percent| quantile(&values, percent));
        assert_eq!(found, [100.0, 180.0, 198.0, 200.0]);
    }
}
