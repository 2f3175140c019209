//! `cargo xtask sim`: seeded schedules on every core, and the hunt for planted bugs.
//!
//! The simulation itself is a program that plays seeds one after another; what runs side by side
//! are its processes. Nothing is judged here.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::workspace;

/// At most this many failing seeds of one run are shrunk and kept.
const MOST_KEPT: usize = 10;

/// How often progress is told at most.
const SAY_EVERY: Duration = Duration::from_secs(5);

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
/// `hear` is told every line as it is printed, with the number of its job.
fn side_by_side(
    root: &Path,
    program: &Path,
    jobs: Vec<Vec<String>>,
    hear: impl Fn(usize, &str) + Sync,
) -> Result<Vec<String>> {
    let queue = Mutex::new(jobs.into_iter().enumerate().collect::<VecDeque<_>>());
    let next = || {
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.pop_front()
    };
    let work = || -> Result<Vec<String>> {
        let mut lines = Vec::new();
        while let Some((job, args)) = next() {
            lines.extend(listen(root, program, args, |line| hear(job, line))?);
        }
        Ok(lines)
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores()).map(|_| scope.spawn(work)).collect();
        let mut lines = Vec::new();
        for worker in workers {
            match worker.join() {
                Ok(done) => lines.extend(done?),
                Err(_) => bail!("a worker panicked"),
            }
        }
        Ok(lines)
    })
}

/// Runs the simulation once; answers what it printed.
fn listen(
    root: &Path,
    program: &Path,
    args: Vec<String>,
    hear: impl Fn(&str),
) -> Result<Vec<String>> {
    let mut command = workspace::command(program, root);
    let mut child = command
        .args(args)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start the simulation")?;
    let mut lines = Vec::new();
    for line in child
        .stdout
        .take()
        .into_iter()
        .flat_map(|out| BufReader::new(out).lines())
    {
        let line = line.context("the simulation says what is no text")?;
        hear(&line);
        lines.push(line);
    }
    let ended = child.wait().context("the simulation was lost")?;
    if !matches!(ended.code(), Some(0 | 1)) {
        bail!("the simulation broke: {ended}; what it said stands above");
    }
    Ok(lines)
}

/// Says at most every few seconds how far the jobs of one run have come.
struct Progress {
    seeds: u64,
    started: Instant,
    /// By job, how many it has played; how many have failed; when this was last said.
    state: Mutex<(BTreeMap<usize, u64>, u64, Instant)>,
}

impl Progress {
    fn new(seeds: u64) -> Self {
        let started = Instant::now();
        Self {
            seeds,
            started,
            state: Mutex::new((BTreeMap::new(), 0, started)),
        }
    }

    fn hear(&self, job: usize, line: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (played, failed, said) = &mut *state;
        if let Some(rest) = line.strip_prefix("failed ") {
            *failed += 1;
            println!("seed {rest}");
        } else if let Some(count) = line.strip_prefix("played ").and_then(|n| n.parse().ok()) {
            played.insert(job, count);
        }
        if said.elapsed() >= SAY_EVERY {
            *said = Instant::now();
            let done: u64 = played.values().sum();
            let secs = self.started.elapsed().as_secs().max(1);
            let (seeds, rate) = (self.seeds, done / secs);
            println!("{done} of {seeds} played in {secs} s, {rate}/s, {failed} failed");
        }
    }
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
            "--progress",
            "200",
        ]
        .map(ToOwned::to_owned)
        .to_vec()
    };
    let started = Instant::now();
    let progress = Progress::new(sim.seeds);
    let hear = |job: usize, line: &str| progress.hear(job, line);
    let lines = side_by_side(root, program, (0..cores).map(job).collect(), hear)?;
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
    if failed.len() > MOST_KEPT {
        println!(
            "the first {MOST_KEPT} of {} are shrunk and kept",
            failed.len()
        );
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
    let kept: String = text
        .lines()
        .filter_map(|line| match line.strip_prefix("failed ") {
            Some(what) => Some(format!("# {what}\n")),
            None => line.starts_with(['{', '"']).then(|| format!("{line}\n")),
        })
        .collect();
    let folder = root.join("crates/instep-sim/seeds");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let file = folder.join(format!("{seed}.jsonl"));
    fs::write(&file, &kept).with_context(|| format!("cannot write {}", file.display()))?;
    println!("seed {seed}, kept as {}:", file.display());
    print!("{kept}");
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
    let hear = |_, line: &str| println!("{line}");
    let lines = side_by_side(root, program, jobs.collect(), hear)?;
    let hidden = lines
        .iter()
        .filter(|line| line.ends_with(": hidden"))
        .count();
    println!("{} planted bugs, {hidden} hidden", lines.len());
    Ok(hidden == 0)
}
