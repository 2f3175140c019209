//! What is carried at once: one change at a time with the daemon up, each beside its floor, in turn.
//! Whatever is measured is seen from outside, by two who stand between the daemon and the service and
//! by a look at Taskwarrior's files; nobody is asked while something is on its way.

mod caller;
mod carry;
mod daemon;
mod hook;
mod idle;
mod moment;
mod recorder;
mod row;
mod sight;
mod ten;

use std::fs;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use self::caller::Caller;
use self::daemon::Daemon;
use self::moment::Moment;
use self::recorder::{Exchange, Recorder};
pub(super) use self::row::{Row, heading};
use self::sight::{Sight, Stamps};
use super::home::{Home, MARK, Seed};
use super::scenario::{Ground, MOST_SETTLING, QUIET};
use super::server::Server;

/// What was not seen within this is counted as missed.
const SEEN_WITHIN: Duration = Duration::from_secs(3);

/// Nothing moved for so long: longer than anything that the daemon waits for of its own accord
/// after a change.
const AT_REST: Duration = Duration::from_millis(500);

/// Whatever still moves after this is not at rest by itself.
const LONGEST_UNREST: Duration = Duration::from_secs(60);

/// Keeps polls out of what is measured.
const NO_POLL: &str = "[daemon]\npoll_secs = 0\n";

/// The folder in which hooks leave what no daemon takes.
const SPOOL: &str = "data-home/instep/spool";

/// Runs every row that is asked for, and hands each on as it ends.
pub(super) fn run(ground: &Ground<'_>, done: &mut impl FnMut(Row)) -> Result<()> {
    hook::run(ground, done)?;
    carry::run(ground, done)?;
    ten::run(ground, done)?;
    idle::run(ground, done)
}

/// A home with a running daemon between Taskwarrior and the service, and beside it what floors need:
/// a second Taskwarrior that holds the same, and a project that the daemon has nothing to do with.
struct Live<'a> {
    home: Home<'a>,
    twin: Home<'a>,
    sight: Sight,
    daemon: Daemon,
    /// Between the daemon and the service.
    calls: Recorder,
    /// Between the service and the daemon.
    webhooks: Recorder,
    caller: Caller,
    /// The project that is kept in step.
    project: i64,
    /// The project of the floors.
    floor_project: i64,
    server: Server,
}

/// How far everything had come at some moment.
#[derive(PartialEq, Eq)]
struct Pulse {
    switches: u64,
    calls: usize,
    webhooks: usize,
    stamps: Stamps,
}

impl<'a> Live<'a> {
    /// `seed` lies in one project or in several; all are below the first ones' common name.
    fn start(
        ground: &Ground<'a>,
        seed: Seed,
        prepare: impl Fn(&Home<'_>) -> Result<()>,
    ) -> Result<Self> {
        let server = ground.server()?;
        let calls = Recorder::before(address(&server.url)?)?;
        let (home, twin) = (ground.home(seed)?, ground.home(seed)?);
        for each in [&home, &twin] {
            prepare(each)?;
        }
        twin.run_hooks()?;
        let mut scope = Vec::new();
        let projects: Vec<String> = (0..seed.projects).map(|at| format!("{MARK}{at}")).collect();
        for project in &projects {
            scope.extend(["--project", project.as_str()]);
        }
        home.set_up_with(&server, &format!("http://{}", calls.address), &scope)?;
        home.configure(NO_POLL)?;
        home.sync(&[])?;
        home.run_our_hook()?;
        let daemon = Daemon::start(&home, daemon::free_address()?)?;
        let webhooks = Recorder::before(daemon.address)?;
        let public = format!("http://{}", webhooks.address);
        home.must(&["webhook", "install", "--public-url", &public])?;
        let mut caller = Caller::start(&twin, &server)?;
        let project = caller.project(&projects[0])?;
        let floor_project = caller.make("projects", "floor")?;
        let live = Self {
            sight: Sight::of(&home),
            home,
            twin,
            daemon,
            calls,
            webhooks,
            caller,
            project,
            floor_project,
            server,
        };
        live.settle()?;
        Ok(live)
    }

    /// Syncs until nothing is left to do, not even for the projects that were just made.
    fn settle(&self) -> Result<()> {
        for _ in 0..MOST_SETTLING {
            self.rest()?;
            thread::sleep(QUIET);
            let first = self.calls.count();
            self.home.sync(&[])?;
            if self.calls.count() <= first + 1 {
                return self.rest();
            }
        }
        bail!("the daemon's syncs do not come to rest")
    }

    /// Waits until nothing moves any more: no call, no webhook, no file, and the daemon sleeps.
    fn rest(&self) -> Result<()> {
        let began = Instant::now();
        let (mut last, mut since) = (self.pulse()?, began);
        while since.elapsed() < AT_REST {
            thread::sleep(Duration::from_millis(10));
            let pulse = self.pulse()?;
            if pulse != last {
                (last, since) = (pulse, Instant::now());
            }
            if began.elapsed() > LONGEST_UNREST {
                bail!("the daemon does not come to rest");
            }
        }
        Ok(())
    }

    fn pulse(&self) -> Result<Pulse> {
        Ok(Pulse {
            switches: self.daemon.switches()?,
            calls: self.calls.count(),
            webhooks: self.webhooks.count(),
            stamps: self.sight.stamps(),
        })
    }

    /// When the service answered a write from number `first` on that `is_it`; `None` when it did not
    /// in time.
    fn written(&self, first: usize, is_it: impl Fn(&Exchange) -> bool) -> Result<Option<Moment>> {
        let began = Instant::now();
        loop {
            let seen = self
                .calls
                .find(first, |call| call.written().filter(|_| is_it(call)));
            if seen.is_some() || began.elapsed() > SEEN_WITHIN {
                return Ok(seen);
            }
            thread::sleep(Duration::from_micros(200));
        }
    }

    /// How many calls from number `first` on began before `end`.
    fn count(&self, first: usize, end: Moment) -> u64 {
        let calls = self.calls.since(first);
        calls.iter().filter(|call| call.asked < end).count() as u64
    }

    /// Ends everything, and leaves nothing on the server.
    fn end(self, ground: &Ground<'_>) -> Result<()> {
        self.daemon.stop()?;
        drop(self.caller);
        ground.clear(&self.server)
    }
}

/// How many reports of hooks wait in the spool.
fn spooled(home: &Home<'_>) -> usize {
    let files = fs::read_dir(home.path(SPOOL))
        .into_iter()
        .flatten()
        .flatten();
    files
        .filter(|file| file.path().extension().is_some_and(|end| end == "json"))
        .count()
}

/// Where the server of a plain URL listens.
fn address(url: &str) -> Result<SocketAddr> {
    let host = url.strip_prefix("http://");
    let host = host.context("reach the server by http://, so that its answers can be seen")?;
    let host = host.trim_end_matches('/');
    let mut found = host
        .to_socket_addrs()
        .with_context(|| format!("{host}: no port"))?;
    found.next().with_context(|| format!("{host} is nowhere"))
}
