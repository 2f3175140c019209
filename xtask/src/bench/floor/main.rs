//! What a sync cannot avoid, done barely: Taskwarrior's own export, a plain parse of it, and the
//! service's calls on one kept connection. A program of its own, so that it starts, runs and is
//! measured as the real one is. Nothing is compared, kept or recovered here.

mod calls;
mod client;
mod jobs;
mod taskwarrior;

use std::io::Write as _;
use std::time::Instant;

use anyhow::Result;
use clap::{Parser, Subcommand};
use serde_json::{Value, json};

/// The least that a job takes; and what the benchmark itself needs of a server.
///
/// Reads `BENCH_URL`, `BENCH_TOKEN` and `BENCH_TASK` (a `task` program), and prints JSON.
#[derive(Parser)]
enum Job {
    /// Nothing changed: the projects
    Nothing,
    /// A look at Taskwarrior alone: export, parse
    Read,
    /// A first sync: export, parse, bulk creates, one label call per task
    First,
    /// One task changed in Taskwarrior: export, parse, the projects, one write
    OneThere { task: u64 },
    /// One task changed in Vikunja: the projects, the newest tasks, one write
    OneHere { uuid: String },
    /// A look at everything: export, parse, the projects, all tasks
    Full,
    /// Calls that are asked for line by line on standard input, each answered with its moments
    Calls,
    /// Prepare the server
    #[command(subcommand)]
    Server(Chore),
}

/// What is done to the server between the measurements.
#[derive(Subcommand)]
enum Chore {
    /// How many tasks the user sees, and which version it is
    Count,
    /// Delete the projects and labels that the benchmark made
    Clear,
    /// Give a task another title
    Rename { task: u64 },
}

/// What was done, part by part.
#[derive(Default)]
struct Parts(Vec<Value>);

impl Parts {
    /// Times one part, with the calls that it made.
    fn time<T>(&mut self, name: &str, run: impl FnOnce() -> Result<(T, u64)>) -> Result<T> {
        let started = Instant::now();
        let (result, calls) = run()?;
        let wall_ms = started.elapsed().as_secs_f64() * 1e3;
        self.0
            .push(json!({ "part": name, "wall_ms": wall_ms, "calls": calls }));
        Ok(result)
    }
}

fn main() -> Result<()> {
    let mut parts = Parts::default();
    let answer = match Job::parse() {
        Job::Nothing => jobs::nothing(&mut parts)?,
        Job::Read => jobs::read(&mut parts)?,
        Job::First => jobs::first(&mut parts)?,
        Job::OneThere { task } => jobs::one_there(&mut parts, task)?,
        Job::OneHere { uuid } => jobs::one_here(&mut parts, &uuid)?,
        Job::Full => jobs::full(&mut parts)?,
        Job::Calls => return calls::answer_all(),
        Job::Server(Chore::Count) => jobs::count()?,
        Job::Server(Chore::Clear) => jobs::clear()?,
        Job::Server(Chore::Rename { task }) => jobs::rename(task)?,
    };
    let answer = if parts.0.is_empty() {
        answer
    } else {
        json!({ "parts": parts.0 })
    };
    writeln!(std::io::stdout(), "{answer}")?;
    Ok(())
}
