//! A throw-away home with Taskwarrior and a hub in it, and the commands that a person would type
//! there. Nothing of the real home is read or written.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Programs;
use super::measure::{self, Ended};
use super::server::Server;

/// What every project and label that is made on a server begins with.
pub(super) const MARK: &str = "bench_";

/// A home.
pub(super) struct Home<'a> {
    folder: TempDir,
    programs: &'a Programs,
    task: &'a Path,
}

impl<'a> Home<'a> {
    /// A home whose Taskwarrior holds these tasks.
    pub(super) fn new(programs: &'a Programs, task: &'a Path, seed: Seed) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("instep-bench-").tempdir()?;
        let home = Self {
            folder,
            programs,
            task,
        };
        fs::create_dir(home.path("data"))?;
        let data = home.path("data");
        let taskrc = format!(
            "data.location={}\nconfirmation=no\nhooks=off\nuda.vikunja_id.type=string\n",
            data.display()
        );
        fs::write(home.path("taskrc"), taskrc)?;
        if seed.tasks > 0 {
            fs::write(home.path("seed"), seed.lines())?;
            home.task(&["import", "seed"])?;
        }
        Ok(home)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a home of its own on every variable that says where one is.
    fn inside(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env_remove("TASKRC")
            .env_remove("TASKDATA");
        for (variable, folder) in [
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data-home"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_RUNTIME_DIR", "run"),
        ] {
            command.env(variable, self.path(folder));
        }
        command
    }

    /// Runs Taskwarrior; its output is of no interest.
    pub(super) fn task(&self, args: &[&str]) -> Result<()> {
        let output = self
            .inside(self.task)
            .env("TASKRC", self.path("taskrc"))
            .arg("rc.verbose=nothing")
            .args(args)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start {}", self.task.display()))?;
        if !output.status.success() {
            bail!(
                "task {args:?} failed: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(())
    }

    /// Makes config and hub with both accounts, as a person would.
    pub(super) fn set_up(&self, server: &Server) -> Result<()> {
        fs::create_dir(self.path("run"))?;
        let mut secret = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.path("token"))?;
        writeln!(secret, "{}", server.token)?;
        let task = self.task.to_str().context("a program's path is not text")?;
        let add_task = [
            "account",
            "add",
            "taskwarrior",
            "--taskrc",
            "taskrc",
            "--program",
            task,
        ];
        self.must(&["init", "--yes", "--no-service", "--no-hook"])?;
        self.must(&add_task)?;
        let token = ["--secret-file", "token"];
        self.must(
            &[
                &["account", "add", "vikunja", "--url", &server.url],
                &token[..],
            ]
            .concat(),
        )
    }

    fn must(&self, args: &[&str]) -> Result<()> {
        let ended = self.instep(args)?;
        if !ended.status.success() {
            bail!("instep {args:?}: {}", ended.answer);
        }
        Ok(())
    }

    /// Runs the real program with `--json`.
    fn instep(&self, args: &[&str]) -> Result<Ended> {
        let mut command = self.inside(&self.programs.instep);
        command.args(args).arg("--json");
        measure::run(&mut command, self.folder.path())
    }

    /// A sync, which has to succeed.
    pub(super) fn sync(&self, more: &[&str]) -> Result<Ended> {
        let ended = self.instep(&[&["sync", "--yes"], more].concat())?;
        if ended.answer["outcome"] != json!("in_step") {
            bail!("sync {more:?} did not end in step: {}", ended.answer);
        }
        Ok(ended)
    }

    /// Runs the program that knows what the job takes at least.
    pub(super) fn floor(&self, server: &Server, args: &[&str]) -> Result<Ended> {
        let mut command = self.inside(&self.programs.floor);
        command
            .env("TASKRC", self.path("taskrc"))
            .env("BENCH_URL", &server.url)
            .env("BENCH_TOKEN", &server.token)
            .env("BENCH_TASK", self.task)
            .args(args);
        let ended = measure::run(&mut command, self.folder.path())?;
        if !ended.status.success() {
            bail!("floor {args:?}: {}", ended.answer);
        }
        Ok(ended)
    }
}

/// What a Taskwarrior holds at first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seed {
    pub(super) tasks: usize,
    /// Spread over so many projects.
    pub(super) projects: usize,
    /// Of ten.
    pub(super) tags_each: usize,
}

impl Seed {
    /// What `task import` reads.
    fn lines(self) -> String {
        let priorities = ["H", "M", "L"];
        let line = |at: usize| {
            let tags: Vec<String> = (at..at + self.tags_each)
                .map(|tag| format!("{MARK}tag_{}", tag % 10))
                .collect();
            let mut task = json!({
                "uuid": format!("00000000-0000-4000-8000-{at:012}"),
                "description": format!("bench task number {at}"),
                "status": "pending",
                "entry": "20260101T080000Z",
                "modified": "20260101T080000Z",
                "project": format!("{MARK}{}", at % self.projects),
                "priority": priorities[at % 3],
                "due": format!("202707{:02}T100000Z", 1 + at % 28),
            });
            if !tags.is_empty() {
                task["tags"] = Value::from(tags);
            }
            task.to_string() + "\n"
        };
        (0..self.tasks).map(line).collect()
    }
}
