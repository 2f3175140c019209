//! `cargo xtask sim`: seeded schedules on every core, and the hunt for planted bugs.
//!
//! The simulation itself is a program that plays seeds one after another; what runs side by side
//! are its processes. Nothing is judged here.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::workspace;

/// At most this many failing seeds of one run are shrunk and kept.
const MOST_KEPT: usize = 10;

/// What to play.
#[derive(Args)]
pub(crate) struct Sim {
    /// How many seeds to play
    #[arg(long, default_value_t = 100_000)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Play this seed alone
    #[arg(long)]
    seed: Option<u64>,
    /// Tell everything that happens in it
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Look for the seed that finds each planted bug
    #[arg(long)]
    bugs: bool,
}

/// Plays and says whether all went well.
pub(crate) fn run(root: &Path, sim: &Sim) -> Result<bool> {
    let program = build(root)?;
    match sim.seed {
        Some(seed) => play_one(root, &program, seed, sim.trace),
        None if sim.bugs => hunt(root, &program, sim),
        None => play_all(root, &program, sim),
    }
}

fn build(root: &Path) -> Result<PathBuf> {
    let mut cargo = workspace::cargo(root);
    cargo.args(["build", "--quiet", "--release", "--package", "instep-sim"]);
    if !cargo.status().context("cannot start cargo")?.success() {
        bail!("the simulation does not build");
    }
    Ok(workspace::target_dir(root).join("release/instep-sim"))
}

fn play_one(root: &Path, program: &Path, seed: u64, trace: bool) -> Result<bool> {
    let mut command = workspace::command(program, root);
    command.args(["--from", &seed.to_string(), "--shrink"]);
    if trace {
        command.arg("--trace");
    }
    Ok(command
        .status()
        .context("cannot start the simulation")?
        .success())
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Runs the simulation with each of these sets of arguments, as many at a time as there are cores.
fn side_by_side(root: &Path, program: &Path, jobs: Vec<Vec<String>>) -> Result<Vec<String>> {
    let queue = Mutex::new(VecDeque::from(jobs));
    let next = || {
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.pop_front()
    };
    let work = || -> Result<Vec<Output>> {
        let mut outputs = Vec::new();
        while let Some(args) = next() {
            let mut command = workspace::command(program, root);
            outputs.push(
                command
                    .args(args)
                    .output()
                    .context("cannot start the simulation")?,
            );
        }
        Ok(outputs)
    };
    let outputs = thread::scope(|scope| {
        let workers: Vec<_> = (0..cores()).map(|_| scope.spawn(work)).collect();
        let mut outputs = Vec::new();
        for worker in workers {
            match worker.join() {
                Ok(done) => outputs.extend(done?),
                Err(_) => bail!("a worker panicked"),
            }
        }
        Ok(outputs)
    })?;
    let mut lines = Vec::new();
    for output in outputs {
        let ended = output.status.code();
        if !matches!(ended, Some(0 | 1)) {
            bail!(
                "the simulation broke: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        let text = String::from_utf8_lossy(&output.stdout);
        lines.extend(text.lines().map(ToOwned::to_owned));
    }
    Ok(lines)
}

fn play_all(root: &Path, program: &Path, sim: &Sim) -> Result<bool> {
    let cores = u64::try_from(cores())?;
    let job = |core: u64| {
        let from = sim.from + core;
        let seeds = sim.seeds.saturating_sub(core);
        [
            "--from",
            &from.to_string(),
            "--seeds",
            &seeds.to_string(),
            "--stride",
            &cores.to_string(),
        ]
        .map(ToOwned::to_owned)
        .to_vec()
    };
    let started = Instant::now();
    let lines = side_by_side(root, program, (0..cores).map(job).collect())?;
    let took = started.elapsed().as_secs_f64();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut failed: BTreeMap<u64, String> = BTreeMap::new();
    for line in &lines {
        if let Some((count, name)) = line.strip_prefix("count").and_then(|rest| {
            let (count, name) = rest.trim_start().split_once(' ')?;
            Some((count.parse::<u64>().ok()?, name.trim()))
        }) {
            *counts.entry(name.to_owned()).or_default() += count;
        } else if let Some((seed, what)) = line
            .strip_prefix("failed ")
            .and_then(|rest| rest.split_once(": "))
        {
            failed.insert(seed.parse()?, what.to_owned());
        }
    }
    for (name, count) in &counts {
        println!("{count:>12}  {name}");
    }
    for (seed, what) in &failed {
        println!("seed {seed} fails: {what}");
    }
    for seed in failed.keys().take(MOST_KEPT) {
        keep(root, program, *seed)?;
    }
    #[allow(clippy::cast_precision_loss, reason = "a rate for the eye")]
    let rate = sim.seeds as f64 / took;
    println!(
        "{} schedules in {took:.1} s, {rate:.0}/s on {cores} cores, {} failed",
        sim.seeds,
        failed.len()
    );
    Ok(failed.is_empty())
}

/// Shrinks a failing seed and keeps what is left of it, so that the tests play it for ever.
fn keep(root: &Path, program: &Path, seed: u64) -> Result<()> {
    let mut command = workspace::command(program, root);
    let output = command
        .args(["--from", &seed.to_string(), "--shrink"])
        .output()
        .context("cannot start the simulation")?;
    let text = String::from_utf8_lossy(&output.stdout);
    // The breach and the short schedule; what happens in it can be told again at any time.
    let kept: Vec<&str> = text
        .lines()
        .take_while(|line| !line.starts_with("0: "))
        .collect();
    let folder = root.join("crates/instep-sim/seeds");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let file = folder.join(format!("{seed}.txt"));
    fs::write(&file, kept.join("\n") + "\n")
        .with_context(|| format!("cannot write {}", file.display()))?;
    println!("kept {}", file.display());
    Ok(())
}

fn hunt(root: &Path, program: &Path, sim: &Sim) -> Result<bool> {
    let listed = workspace::command(program, root)
        .arg("--list-bugs")
        .output()?;
    let names = String::from_utf8(listed.stdout)?;
    let jobs = names.lines().map(|name| {
        [
            "--bug",
            name,
            "--from",
            &sim.from.to_string(),
            "--seeds",
            &sim.seeds.to_string(),
        ]
        .map(ToOwned::to_owned)
        .to_vec()
    });
    let mut lines = side_by_side(root, program, jobs.collect())?;
    lines.sort();
    for line in &lines {
        println!("{line}");
    }
    let hidden = lines
        .iter()
        .filter(|line| line.ends_with(": hidden"))
        .count();
    println!("{} planted bugs, {hidden} hidden", lines.len());
    Ok(hidden == 0)
}
