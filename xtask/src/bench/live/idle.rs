//! The daemon by itself: what it holds, how soon it is ready, and how often it wakes when there is
//! nothing to do.

use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::super::home::{Home, Seed};
use super::super::scenario::Ground;
use super::NO_POLL;
use super::daemon::{self, Daemon};
use super::row::{Goal, Row};

const EMPTY: &str = "idle: resident, accounts known";
const FIRST: &str = "idle: resident, after a first sync of 10,000 tasks";
const RESTARTED: &str = "idle: resident, restarted with 10,000 tasks";
const READY: &str = "idle: start to ready, 10,000 tasks";
const SWITCHES: &str = "idle: voluntary context switches a minute";

const MINUTE: Duration = Duration::from_secs(60);

/// How long a daemon may take to come to rest after its start.
const LONGEST_UNREST: u32 = 600;

pub(super) fn run(ground: &Ground<'_>, done: &mut impl FnMut(Row)) -> Result<()> {
    if ground.bench.wants(EMPTY) {
        done(empty(ground)?);
    }
    let wanted = [FIRST, RESTARTED, READY, SWITCHES].map(|name| ground.bench.wants(name));
    if wanted.contains(&true) {
        full(ground, done)?;
    }
    Ok(())
}

fn empty(ground: &Ground<'_>) -> Result<Row> {
    let mut row = Row::new(EMPTY, "MiB", &[Goal::Median(20.0)]);
    let (home, server) = prepared(ground, 0)?;
    for _ in 0..ground.bench.few() {
        let daemon = Daemon::start(&home, daemon::free_address()?)?;
        at_rest(&daemon)?;
        row.value(daemon.resident_mib()?);
        daemon.stop()?;
    }
    ground.clear(&server)?;
    Ok(row)
}

fn full(ground: &Ground<'_>, done: &mut impl FnMut(Row)) -> Result<()> {
    let mut first = Row::new(FIRST, "MiB", &[Goal::Median(50.0)]);
    let mut restarted = Row::new(RESTARTED, "MiB", &[Goal::Median(50.0)]);
    let mut ready = Row::new(READY, "ms", &[Goal::P99(1_000.0)]);
    let mut switches = Row::new(SWITCHES, "switches", &[Goal::Median(6.0)]);
    let (home, server) = prepared(ground, 10_000)?;
    let daemon = Daemon::start(&home, daemon::free_address()?)?;
    // It meets the accounts by itself, and whoever asks meanwhile is told to wait.
    at_rest(&daemon)?;
    home.sync(&[])?;
    at_rest(&daemon)?;
    first.value(daemon.resident_mib()?);
    daemon.stop()?;
    for number in 0..ground.bench.many() {
        let daemon = Daemon::start(&home, daemon::free_address()?)?;
        ready.value(daemon.ready_ms);
        if number < ground.bench.few() {
            at_rest(&daemon)?;
            restarted.value(daemon.resident_mib()?);
            let before = daemon.switches()?;
            thread::sleep(MINUTE);
            let during = daemon.switches()? - before;
            switches.value(f64::from(u32::try_from(during)?));
        }
        daemon.stop()?;
    }
    ground.clear(&server)?;
    for row in [first, restarted, ready, switches] {
        done(row);
    }
    Ok(())
}

/// A home with both accounts and without polls, which were never synced.
fn prepared<'a>(ground: &Ground<'a>, tasks: usize) -> Result<(Home<'a>, super::Server)> {
    let server = ground.server()?;
    let home = ground.home(Seed {
        tasks,
        projects: 10,
        tags_each: 0,
    })?;
    home.set_up(&server)?;
    home.configure(NO_POLL)?;
    home.run_our_hook()?;
    Ok((home, server))
}

/// Waits until it sleeps.
fn at_rest(daemon: &Daemon) -> Result<()> {
    let mut last = daemon.switches()?;
    for _ in 0..LONGEST_UNREST {
        thread::sleep(Duration::from_secs(1));
        let switches = daemon.switches()?;
        if switches == last {
            return Ok(());
        }
        last = switches;
    }
    anyhow::bail!("the daemon does not come to rest")
}
