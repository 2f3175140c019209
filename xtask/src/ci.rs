//! `cargo xtask ci`: everything that a change has to pass, one step after another.
//!
//! A failing step never hides the ones after it.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::{deny, tidy, workspace};

/// How a step ended.
pub(crate) enum Outcome {
    /// It ran and found nothing wrong.
    Passed,
    /// It did not run, for the reason given.
    Skipped(String),
    /// It ran and found something wrong, or could not run.
    Failed,
}

/// Runs `command` with its output on the terminal; a non-zero exit is a failed step.
pub(crate) fn outcome_of(command: &mut Command) -> Result<Outcome> {
    let program = command.get_program().to_owned();
    let status = command
        .status()
        .with_context(|| format!("cannot start {program:?}"))?;
    Ok(if status.success() {
        Outcome::Passed
    } else {
        Outcome::Failed
    })
}

/// Runs every step and says whether none failed.
pub(crate) fn run(root: &Path) -> bool {
    let cargo = |args: &[&str]| outcome_of(workspace::cargo(root).args(args));
    let mut report = Report::default();

    report.step("cargo fmt --check", || cargo(&["fmt", "--all", "--check"]));
    report.step("cargo clippy", || {
        cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ])
    });
    report.step("cargo doc", || {
        let mut doc = workspace::cargo(root);
        doc.args(["doc", "--workspace", "--no-deps"]);
        outcome_of(doc.env("RUSTDOCFLAGS", "-D warnings"))
    });
    report.step("cargo xtask tidy", || {
        Ok(if tidy::run(root)? {
            Outcome::Passed
        } else {
            Outcome::Failed
        })
    });

    let mut cargo_deny = deny::Tool::Absent;
    report.step("cargo-deny is at hand", || {
        cargo_deny = deny::find_or_install(root)?;
        Ok(cargo_deny.outcome())
    });
    report.step("cargo deny check bans licenses sources", || {
        cargo_deny.check_policy(root)
    });
    report.step("cargo deny check advisories", || {
        cargo_deny.check_advisories(root)
    });

    report.step("cargo test", || {
        cargo(&["test", "--workspace", "--no-fail-fast"])
    });
    report.summary()
}

#[derive(Default)]
struct Report {
    steps: Vec<(&'static str, Outcome, Duration)>,
}

impl Report {
    fn step(&mut self, name: &'static str, run: impl FnOnce() -> Result<Outcome>) {
        println!("\n=== {name}");
        // The step's own output bypasses our buffer, and must not overtake its heading.
        let _ = std::io::stdout().flush();
        let started = Instant::now();
        let outcome = run().unwrap_or_else(|error| {
            println!("error: {error:#}");
            Outcome::Failed
        });
        let took = started.elapsed();
        println!(
            "--- {name}: {}, {:.1} s",
            describe(&outcome),
            took.as_secs_f64()
        );
        self.steps.push((name, outcome, took));
    }

    fn summary(&self) -> bool {
        println!("\n=== Summary");
        for (name, outcome, took) in &self.steps {
            println!(
                "{:>7.1} s  {name}: {}",
                took.as_secs_f64(),
                describe(outcome)
            );
        }
        let total: Duration = self.steps.iter().map(|(_, _, took)| *took).sum();
        let failed = self
            .steps
            .iter()
            .filter(|step| matches!(step.1, Outcome::Failed))
            .count();
        println!("{:>7.1} s  in all, {failed} failed", total.as_secs_f64());
        failed == 0
    }
}

fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Passed => "passed".to_owned(),
        Outcome::Skipped(reason) => format!("SKIPPED, {reason}"),
        Outcome::Failed => "FAILED".to_owned(),
    }
}
