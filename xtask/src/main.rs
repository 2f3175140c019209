//! The chores of this workspace, as `cargo xtask <chore>`.
//!
//! One file per chore, one variant of [`Chore`] each. No chore links the product's crates: what
//! needs them runs their binaries, so that `tidy` builds in seconds and works on a broken tree.

#![allow(
    clippy::print_stdout,
    reason = "a chore's output is for the person at the terminal"
)]

mod bench;
mod ci;
mod deny;
mod sim;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

/// The chores of this workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Chore {
    /// Measure the real program beside the floor of each job
    Bench(bench::Bench),
    /// Run every check that a change has to pass, and report all that fail
    Ci,
    /// Play seeded schedules against the engine, on every core
    Sim(sim::Sim),
    /// Check the house rules that neither rustfmt nor clippy know
    Tidy,
}

fn main() -> anyhow::Result<ExitCode> {
    let root = workspace::root()?;
    let passed = match Chore::parse() {
        Chore::Bench(bench) => bench::run(&root, &bench)?,
        Chore::Ci => ci::run(&root),
        Chore::Sim(sim) => sim::run(&root, &sim)?,
        Chore::Tidy => tidy::run(&root)?,
    };
    Ok(if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
