//! `cargo xtask bench`: the real program against real Taskwarriors and a Vikunja, each job beside
//! its floor in the same run. Builds what it runs, judges nothing, and leaves nothing
//! behind unless it is asked to.

mod home;
mod live;
mod measure;
mod own;
mod report;
mod scenario;
mod server;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use self::home::{Home, Seed};
use self::own::Firsts;
use self::scenario::Ground;
use self::server::Server;
use crate::workspace;

/// What to measure.
#[derive(Args)]
pub(crate) struct Bench {
    /// Fewer runs, and at most 1,000 tasks
    #[arg(long)]
    quick: bool,
    /// Write the figures to this file, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only scenarios whose name holds one of these, such as hook:, live:, own:, daemon: or idle:
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// The same
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Samples of each thing that is carried at once; 200, and 20 with --quick
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    samples: Option<u16>,
    /// Leave the homes in place, with their logs; INSTEP_LOG=debug makes these longer
    #[arg(long)]
    keep: bool,
    /// Measure this program, in place of one built here
    #[arg(long, value_name = "PROGRAM")]
    instep: Option<PathBuf>,
    /// Only this `task` program, in place of the one on PATH and the Taskwarrior 3 beside it
    #[arg(long, value_name = "PROGRAM")]
    task: Vec<PathBuf>,
}

impl Bench {
    fn wants(&self, name: &str) -> bool {
        let mut parts = self.names.iter().chain(&self.only).peekable();
        parts.peek().is_none() || parts.any(|part| name.contains(part.as_str()))
    }

    fn sizes(&self) -> Vec<usize> {
        let all = [100, 1_000, 10_000];
        let most = if self.quick { 1_000 } else { 10_000 };
        all.into_iter().filter(|size| *size <= most).collect()
    }

    /// Samples of what is carried at once.
    fn samples(&self) -> usize {
        let usual = if self.quick { 20 } else { 200 };
        self.samples.map_or(usual, usize::from)
    }

    /// Samples of what is carried at once, of many changes at a time.
    fn few_changes(&self) -> usize {
        self.samples().min(20)
    }

    /// Runs of what takes long and needs a server of its own.
    fn few(&self) -> usize {
        if self.quick { 1 } else { 3 }
    }

    /// Runs of what has to settle after each.
    fn some(&self) -> usize {
        if self.quick { 3 } else { 5 }
    }

    /// Runs of what takes milliseconds.
    fn many(&self) -> usize {
        if self.quick { 5 } else { 15 }
    }
}

/// What the benchmark runs.
struct Programs {
    instep: PathBuf,
    double: PathBuf,
    floor: PathBuf,
    /// Whether homes are left behind.
    keep: bool,
}

/// Measures, prints and writes. True: there is nothing to fail.
pub(crate) fn run(root: &Path, bench: &Bench) -> Result<bool> {
    let programs = build(root, bench)?;
    let tasks = taskwarriors(bench)?;
    let machine = machine(&programs, &tasks)?;
    println!("{}", serde_json::to_string_pretty(&machine)?);
    let mut rows = Vec::new();
    for (version, task) in &tasks {
        println!("\nTaskwarrior {version}\n{}", report::heading());
        let ground = Ground {
            bench,
            programs: &programs,
            task,
        };
        let mut firsts = Firsts::default();
        ground.run(|measured| {
            let own = firsts.own(&measured);
            println!("{}", report::line(&measured, own.as_ref()));
            rows.push(report::json(version, &measured, own.as_ref()));
        })?;
        println!("\n{}", live::heading());
        live::run(&ground, &mut |row| {
            println!("{}", row.line());
            rows.push(row.json(version));
        })?;
    }
    if let Some(file) = &bench.json {
        let whole = json!({ "schema_version": 1, "machine": machine, "scenarios": rows });
        fs::write(file, serde_json::to_string_pretty(&whole)? + "\n")
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(true)
}

fn build(root: &Path, bench: &Bench) -> Result<Programs> {
    let all = [
        &["--package", "instep"][..],
        &["--package", "instep-doubles", "--bin", "vikunja-double"],
        &[
            "--package",
            "xtask",
            "--bin",
            "bench-floor",
            "--features",
            "floor",
        ],
    ];
    // The first is the program itself.
    let given = usize::from(bench.instep.is_some());
    for args in &all[given..] {
        let mut cargo = workspace::cargo(root);
        cargo.args(["build", "--quiet", "--release"]).args(*args);
        if !cargo.status().context("cannot start cargo")?.success() {
            bail!("what is to be measured does not build");
        }
    }
    let release = workspace::target_dir(root).join("release");
    Ok(Programs {
        instep: match &bench.instep {
            Some(program) => fs::canonicalize(program)?,
            None => release.join("instep"),
        },
        double: release.join("vikunja-double"),
        floor: release.join("bench-floor"),
        keep: bench.keep,
    })
}

/// The Taskwarriors to measure with, by version: the one on PATH, and version 3 where it is.
fn taskwarriors(bench: &Bench) -> Result<Vec<(String, PathBuf)>> {
    if !bench.task.is_empty() {
        let known = |task: &PathBuf| Ok((version(task)?, fs::canonicalize(task)?));
        return bench.task.iter().map(known).collect();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).map(|folder| folder.join("task"));
    let on_path = on_path.into_iter().find(|task| task.is_file());
    let task3 = env::var_os("INSTEP_TEST_TASK3").map(PathBuf::from);
    let task3 = task3.or_else(cached_task3).filter(|task| task.is_file());
    let mut found: Vec<(String, PathBuf)> = Vec::new();
    for task in on_path.into_iter().chain(task3) {
        let version = version(&task)?;
        if !found.iter().any(|(known, _)| *known == version) {
            found.push((version, task));
        }
    }
    if found.is_empty() {
        bail!("there is no `task` on PATH; on Debian: apt install taskwarrior");
    }
    Ok(found)
}

/// Where `scripts/taskwarrior-3` puts it.
fn cached_task3() -> Option<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")));
    Some(cache?.join("instep/taskwarrior-3/task"))
}

fn version(program: &Path) -> Result<String> {
    let output = Command::new(program)
        .arg("--version")
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What the figures depend on. Refuses a server that somebody uses.
fn machine(programs: &Programs, tasks: &[(String, PathBuf)]) -> Result<Value> {
    let server = Server::start(&programs.double)?;
    let (_, task) = tasks.first().context("no Taskwarrior")?;
    let nothing = Seed {
        tasks: 0,
        projects: 1,
        tags_each: 0,
    };
    let home = Home::new(programs, task, nothing)?;
    let held = home.floor(&server, &["server", "count"])?.answer;
    if held["tasks"] != json!(0) || held["left"] != json!(0) {
        bail!(
            "the server at {} is not empty: {held}\nthe benchmark needs one that nobody uses; \
             it deletes projects and labels that begin with `{}`",
            server.url,
            home::MARK
        );
    }
    let versions: Vec<&str> = tasks.iter().map(|(version, _)| version.as_str()).collect();
    let kind = if server.is_real() { "real" } else { "double" };
    Ok(json!({
        "instep": version(&programs.instep)?,
        "taskwarrior": versions,
        "vikunja": format!("{kind}, {}", held["version"].as_str().unwrap_or("?")),
        "cores": thread::available_parallelism().map_or(1, usize::from),
        "system": fs::read_to_string("/proc/sys/kernel/osrelease")?.trim(),
        "load_before": load(),
    }))
}

/// The machine's load over the last minute.
fn load() -> String {
    let told = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    told.split(' ').next().unwrap_or_default().to_owned()
}
