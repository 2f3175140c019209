//! What is measured: each scenario prepares a home and a server, and runs the real program and
//! its floor there in turn.

use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::home::{Home, Seed};
use super::measure::{Cost, Ended};
use super::server::Server;
use super::{Bench, Programs};

/// Longer than Vikunja's clock needs to leave the second of the last write behind, and than the
/// hub doubts what it saw in that time.
pub(super) const QUIET: Duration = Duration::from_millis(3_200);

/// A pair that writes for longer than this is not at rest by itself.
pub(super) const MOST_SETTLING: usize = 10;

/// The one task that changes; the first of every seed.
const FIRST_UUID: &str = "00000000-0000-4000-8000-000000000000";

/// One run of the real program.
pub(super) struct Run {
    pub(super) cost: Cost,
    /// Calls to Vikunja.
    pub(super) calls: u64,
    /// Tasks created, changed or deleted in the two services.
    pub(super) writes: u64,
}

/// One run of the floor.
pub(super) struct FloorRun {
    pub(super) cost: Cost,
    pub(super) parts: Vec<Part>,
}

/// A part of the floor.
pub(super) struct Part {
    pub(super) name: String,
    pub(super) wall_ms: f64,
    pub(super) calls: u64,
}

/// What was measured of one scenario.
pub(super) struct Measured {
    pub(super) name: String,
    pub(super) tasks: usize,
    pub(super) runs: Vec<Run>,
    pub(super) floors: Vec<FloorRun>,
    /// Bare exports and parses right after each run, where one task of many had changed: what it
    /// took beyond them is what must not grow with the number of tasks.
    pub(super) reads: Vec<FloorRun>,
    /// The machine's load over the last minute when the scenario began, as the kernel tells it.
    pub(super) load: String,
}

/// Where measurements are made: one Taskwarrior, one kind of server.
pub(super) struct Ground<'a> {
    pub(super) bench: &'a Bench,
    pub(super) programs: &'a Programs,
    pub(super) task: &'a Path,
}

impl<'a> Ground<'a> {
    /// Runs every scenario that is asked for, and hands each on as it ends.
    pub(super) fn run(&self, mut done: impl FnMut(Measured)) -> Result<()> {
        for (name, tags_each) in [("first sync, tagged", 2), ("first sync, untagged", 0)] {
            if self.bench.wants(name) {
                done(self.first(name, tags_each)?);
            }
        }
        for tasks in self.bench.sizes() {
            self.at_rest(tasks, &mut done)?;
        }
        let name = "sync --full, 10 projects";
        if self.bench.wants(name) {
            done(self.full(name)?);
        }
        Ok(())
    }

    pub(super) fn home(&self, seed: Seed) -> Result<Home<'a>> {
        Home::new(self.programs, self.task, seed)
    }

    /// A server without a task of anybody's.
    pub(super) fn server(&self) -> Result<Server> {
        let server = Server::start(&self.programs.double)?;
        self.clear(&server)?;
        Ok(server)
    }

    pub(super) fn clear(&self, server: &Server) -> Result<()> {
        if server.is_real() {
            let nothing = Seed {
                tasks: 0,
                projects: 1,
                tags_each: 0,
            };
            self.home(nothing)?.floor(server, &["server", "clear"])?;
        }
        Ok(())
    }

    fn first(&self, name: &str, tags_each: usize) -> Result<Measured> {
        let seed = Seed {
            tasks: 1_000,
            projects: 1,
            tags_each,
        };
        let mut measured = Measured::new(name, seed.tasks);
        for _ in 0..self.bench.few() {
            let server = self.server()?;
            let home = self.home(seed)?;
            measured.floor(&home, &server, &["first"])?;
            self.clear(&server)?;
            drop(server);
            let server = self.server()?;
            home.set_up(&server)?;
            measured.real(home.sync(&[])?)?;
            self.clear(&server)?;
        }
        Ok(measured)
    }

    fn at_rest(&self, tasks: usize, done: &mut impl FnMut(Measured)) -> Result<()> {
        let names = [
            "nothing changed",
            "one changed in Taskwarrior",
            "one changed in Vikunja",
        ];
        if !names.iter().any(|name| self.bench.wants(name)) {
            return Ok(());
        }
        let [mut nothing, mut there, mut here] = names.map(|name| Measured::new(name, tasks));
        let (home, server) = self.pair(tasks, 1)?;
        let task = oldest(&home, &server)?;
        if self.bench.wants(names[0]) {
            for _ in 0..self.bench.many() {
                nothing.real(home.sync(&[])?)?;
                nothing.floor(&home, &server, &["nothing"])?;
            }
            done(nothing);
        }
        if self.bench.wants(names[1]) {
            for number in 0..self.bench.some() {
                let description = format!("description:bench task changed {number}");
                home.task(&[FIRST_UUID, "modify", &description])?;
                there.real(home.sync(&[])?)?;
                there.read(&home, &server)?;
                settle(&home)?;
            }
        }
        if self.bench.wants(names[2]) {
            for _ in 0..self.bench.some() {
                home.floor(&server, &["server", "rename", &task])?;
                here.real(home.sync(&[])?)?;
                here.read(&home, &server)?;
                settle(&home)?;
            }
        }
        // The floors write too, and nobody carries that: they come last.
        for _ in 0..there.runs.len() {
            there.floor(&home, &server, &["one-there", &task])?;
        }
        for _ in 0..here.runs.len() {
            here.floor(&home, &server, &["one-here", FIRST_UUID])?;
        }
        for measured in [there, here] {
            if !measured.runs.is_empty() {
                done(measured);
            }
        }
        self.clear(&server)
    }

    fn full(&self, name: &str) -> Result<Measured> {
        let (home, server) = self.pair(1_000, 10)?;
        let mut measured = Measured::new(name, 1_000);
        for _ in 0..self.bench.some() {
            measured.real(home.sync(&["--full"])?)?;
            measured.floor(&home, &server, &["full"])?;
        }
        self.clear(&server)?;
        Ok(measured)
    }

    /// Two sides that are equal and at rest.
    fn pair(&self, tasks: usize, projects: usize) -> Result<(Home<'a>, Server)> {
        let server = self.server()?;
        let home = self.home(Seed {
            tasks,
            projects,
            tags_each: 0,
        })?;
        home.set_up(&server)?;
        home.sync(&[])?;
        settle(&home)?;
        Ok((home, server))
    }
}

/// Syncs until there is nothing more to do.
fn settle(home: &Home<'_>) -> Result<()> {
    for _ in 0..MOST_SETTLING {
        thread::sleep(QUIET);
        let run = Run::read(home.sync(&[])?)?;
        if run.calls <= 1 && run.writes == 0 {
            return Ok(());
        }
    }
    bail!("the two sides do not come to rest within {MOST_SETTLING} syncs")
}

/// The number of the task that is changed on the server.
fn oldest(home: &Home<'_>, server: &Server) -> Result<String> {
    let answer = home.floor(server, &["server", "count"])?.answer;
    let number = answer["oldest"].as_u64();
    Ok(number.context("the server holds no task")?.to_string())
}

impl Measured {
    fn new(name: &str, tasks: usize) -> Self {
        Self {
            name: name.to_owned(),
            tasks,
            runs: Vec::new(),
            floors: Vec::new(),
            reads: Vec::new(),
            load: super::load(),
        }
    }

    fn real(&mut self, ended: Ended) -> Result<()> {
        self.runs.push(Run::read(ended)?);
        Ok(())
    }

    fn floor(&mut self, home: &Home<'_>, server: &Server, args: &[&str]) -> Result<()> {
        self.floors
            .push(FloorRun::read(&home.floor(server, args)?)?);
        Ok(())
    }

    fn read(&mut self, home: &Home<'_>, server: &Server) -> Result<()> {
        let ended = home.floor(server, &["read"])?;
        self.reads.push(FloorRun::read(&ended)?);
        Ok(())
    }
}

impl FloorRun {
    fn read(ended: &Ended) -> Result<Self> {
        let parts = ended.answer["parts"].as_array();
        let part = |part: &Value| {
            Some(Part {
                name: part["part"].as_str()?.to_owned(),
                wall_ms: part["wall_ms"].as_f64()?,
                calls: part["calls"].as_u64()?,
            })
        };
        let parts: Option<Vec<Part>> = parts.and_then(|parts| parts.iter().map(part).collect());
        Ok(Self {
            cost: ended.cost,
            parts: parts.context("the floor has no parts")?,
        })
    }
}

impl Run {
    fn read(ended: Ended) -> Result<Self> {
        let accounts = ended.answer["accounts"].as_array();
        let accounts = accounts.context("the answer names no account")?;
        let of = |account: &Value, kind: &str| account["kind"] == *kind;
        let vikunja = accounts.iter().find(|account| of(account, "vikunja"));
        let calls = vikunja.and_then(|account| account["remote_calls"].as_u64());
        let written = |account: &Value| {
            let written = account["remote"].as_object()?;
            Some(written.values().filter_map(Value::as_u64).sum::<u64>())
        };
        Ok(Self {
            cost: ended.cost,
            calls: calls.context("the answer does not count Vikunja's calls")?,
            writes: accounts.iter().filter_map(written).sum(),
        })
    }
}
