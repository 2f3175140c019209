//! A throw-away home with Taskwarrior and a hub in it, and the commands that a person would type
//! there. Nothing of the real home is read or written.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

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
        let folder = tempfile::Builder::new()
            .prefix("instep-bench-")
            .disable_cleanup(programs.keep)
            .tempdir()?;
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

    /// `task` as a person has it here.
    fn taskwarrior(&self) -> Command {
        let mut command = self.inside(self.task);
        command
            .env("TASKRC", self.path("taskrc"))
            .arg("rc.verbose=nothing")
            .stdin(Stdio::null());
        command
    }

    /// Runs Taskwarrior and does nothing else; answers the milliseconds that it took.
    pub(super) fn timed_task(&self, args: &[&str]) -> Result<f64> {
        let mut command = self.taskwarrior();
        command
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let started = Instant::now();
        let status = command.status();
        let took = started.elapsed();
        if !status.context("cannot start Taskwarrior")?.success() {
            bail!("task {args:?} failed");
        }
        Ok(took.as_secs_f64() * 1e3)
    }

    /// Runs Taskwarrior; its output is of no interest.
    pub(super) fn task(&self, args: &[&str]) -> Result<()> {
        let output = self
            .taskwarrior()
            .args(args)
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

    /// Has Taskwarrior run the hooks in its data folder, where there is one that does nothing.
    pub(super) fn run_hooks(&self) -> Result<()> {
        let taskrc = fs::read_to_string(self.path("taskrc"))?;
        fs::write(self.path("taskrc"), taskrc.replace("hooks=off", "hooks=on"))?;
        let hooks = self.path("data/hooks");
        fs::create_dir_all(&hooks)?;
        let mut empty = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o755)
            .open(hooks.join("on-exit-empty"))?;
        writeln!(empty, "#!/bin/sh\nexit 0")?;
        Ok(())
    }

    /// Has Taskwarrior run our hook, and no other.
    pub(super) fn run_our_hook(&self) -> Result<()> {
        self.run_hooks()?;
        fs::remove_file(self.path("data/hooks/on-exit-empty"))?;
        self.must(&["hook", "install"])
    }

    /// Adds to the config.
    pub(super) fn configure(&self, lines: &str) -> Result<()> {
        let file = self.path("config/instep/config.toml");
        let config = fs::read_to_string(&file)?;
        fs::write(file, format!("{config}\n{lines}"))?;
        self.must(&["config", "check"])
    }

    /// Makes config and hub with both accounts, as a person would.
    pub(super) fn set_up(&self, server: &Server) -> Result<()> {
        self.set_up_with(server, &server.url, &[])
    }

    /// The same, with the server at another address, and more said of its account.
    pub(super) fn set_up_with(&self, server: &Server, url: &str, more: &[&str]) -> Result<()> {
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
                &["account", "add", "vikunja", "--url", url],
                &token[..],
                more,
            ]
            .concat(),
        )
    }

    pub(super) fn must(&self, args: &[&str]) -> Result<()> {
        let ended = self.instep(args)?;
        if !ended.status.success() {
            bail!("instep {args:?}: {}", ended.answer);
        }
        Ok(())
    }

    /// The real program, to be run here.
    pub(super) fn program(&self) -> Command {
        self.inside(&self.programs.instep)
    }

    /// The program that knows what jobs take at least, to be run here.
    pub(super) fn floor_program(&self, server: &Server) -> Command {
        let mut command = self.inside(&self.programs.floor);
        command
            .env("TASKRC", self.path("taskrc"))
            .env("BENCH_URL", &server.url)
            .env("BENCH_TOKEN", &server.token)
            .env("BENCH_TASK", self.task);
        command
    }

    /// Runs the real program with `--json`.
    fn instep(&self, args: &[&str]) -> Result<Ended> {
        let mut command = self.program();
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
        let mut command = self.floor_program(server);
        command.args(args);
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
    /// The uuid of the task of this number.
    pub(super) fn uuid(at: usize) -> String {
        format!("00000000-0000-4000-8000-{at:012}")
    }

    /// What `task import` reads.
    fn lines(self) -> String {
        let priorities = ["H", "M", "L"];
        let line = |at: usize| {
            let tags: Vec<String> = (at..at + self.tags_each)
                .map(|tag| format!("{MARK}tag_{}", tag % 10))
                .collect();
            let mut task = json!({
                "uuid": Self::uuid(at),
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
