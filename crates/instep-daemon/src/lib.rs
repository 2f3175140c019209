//! The daemon: takes what hooks and webhooks tell, gives each account its turn, and answers the command
//! line. What a turn does is decided below, in `instep-app` and the engine; here is only when.
//!
//! Everything runs on one thread. A turn that is dropped half-way is finished by the next one, here
//! or in another process.

mod alarm;
mod exclusive;
mod front;
mod ground;
pub mod http;
mod intake;
mod lane;
mod listen;
mod meeting;
pub mod metrics;
mod shared;
mod socket;
mod spool;
mod standing;
mod watch;
mod watchdog;

use std::rc::Rc;
use std::time::Duration;

use instep_api::{Exit, Failure};
use instep_app::{App, Places, line_for_log, reason_for_log};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, timeout_at};

pub use listen::Http;
use shared::Shared;

/// How long the daemon may take to end once it is told to, all in all, with a second to spare.
const STOPS_WITHIN: Duration = Duration::from_secs(9);

/// How long turns of the config that was may take to end once there is another. What is given up
/// half-way then is finished by the next ones.
const TURN_ENDS_WITHIN: Duration = Duration::from_secs(2);

/// What of [`STOPS_WITHIN`] turns leave to all that comes after them.
const AFTER_TURNS: Duration = Duration::from_secs(1);

/// Runs the daemon of this data directory until it is told to stop. `listen` is where it answers over
/// HTTP, in place of what the config says; `ready` is told where that is, once it answers.
///
/// # Errors
/// When another one runs ([`Exit::Locked`]), the config is not valid, or it cannot listen.
pub async fn serve(
    places: &Places,
    listen: Option<&str>,
    ready: impl FnOnce(&Http),
) -> Result<(), Failure> {
    let lock = exclusive::claim(places).await?;
    let app = App::open(places).await?;
    let listener = listen::socket(places)?;
    let (door, http) = listen::http(listen, app.listen_at()).await?;
    let mut signals = Signals::new()?;
    let ground = lock.ground(places)?;
    let shared = Rc::new(Shared::new(app, http, ground));
    let local = LocalSet::new();
    local
        .run_until(async {
            let mut tasks = JoinSet::new();
            let intake = intake::start(&mut tasks, Rc::clone(&shared));
            tasks.spawn_local(socket::serve(listener, Rc::clone(&shared), intake));
            tasks.spawn_local(spool::drain(Rc::clone(&shared), places.clone()));
            tasks.spawn_local(meeting::run(Rc::clone(&shared)));
            tasks.spawn_local(alarm::run(Rc::clone(&shared), places.clone()));
            let door = door.map(|door| front::open(&mut tasks, &shared, door));
            let mut watching = JoinSet::new();
            watching.spawn_local(watch::run(Rc::clone(&shared)));
            watchdog::start(&mut tasks);
            let mut lanes = lane::start_all(&shared);
            watchdog::ready();
            ready(&shared.http);
            tracing::info!("ready");
            loop {
                tokio::select! {
                    asked = signals.next() => match asked {
                        Asked::Stop => break,
                        Asked::Reload => reload(&shared).await,
                    },
                    () = shared.fallen.notified() => {
                        let failure = ground::moved();
                        tracing::error!(code = failure.code, "{}", failure.what);
                        break;
                    }
                    () = shared.reloaded.notified() => {
                        shared.try_again();
                        drain(&mut lanes, Instant::now() + TURN_ENDS_WITHIN).await;
                        lanes.shutdown().await;
                        shared.note_given_up().await;
                        lanes = lane::start_all(&shared);
                        if let Some((keys, _)) = &door {
                            front::renew(keys, &shared);
                        }
                        watching.shutdown().await;
                        watching.spawn_local(watch::run(Rc::clone(&shared)));
                        tracing::info!("read the config again");
                    }
                }
            }
            watchdog::stopping();
            if let Some((_, stop)) = door {
                // Nobody new is let in; a door that is gone already needs no word.
                let _ = stop.send(true);
            }
            stop(&shared, &mut lanes, &mut tasks).await;
        })
        .await;
    let outcome = shared.verdict();
    drop(lock);
    outcome
}

/// Ends everything: turns that have begun come to their end if they do in time.
async fn stop(shared: &Shared, lanes: &mut JoinSet<()>, tasks: &mut JoinSet<()>) {
    let until = Instant::now() + STOPS_WITHIN;
    tasks.abort_all();
    shared.stop();
    drain(lanes, until - AFTER_TURNS).await;
    // What does not let go of its thread is left to the end of the process.
    let _ = timeout_at(until, async {
        lanes.shutdown().await;
        tasks.shutdown().await;
        shared.note_given_up().await;
        shared.close().await;
    })
    .await;
}

/// Lets turns that have begun come to their end, until then.
async fn drain(lanes: &mut JoinSet<()>, until: Instant) {
    let drained = async { while lanes.join_next().await.is_some() {} };
    if timeout_at(until, drained).await.is_err() {
        tracing::warn!("a turn took too long to end; the next one finishes it");
    }
}

async fn reload(shared: &Shared) {
    if let Err(failure) = shared.reload().await {
        let (code, why, line) = (
            &failure.code,
            reason_for_log(&failure),
            line_for_log(&failure),
        );
        let app = shared.app();
        let file = app.config_path().display();
        tracing::error!(code, why, %file, line, "the config stays as it was");
    }
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Reload,
    Stop,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let on = |kind| {
            signal(kind).map_err(|error| {
                let why = error.to_string();
                Failure::new(
                    Exit::Failed,
                    "no_signals",
                    "the daemon cannot start",
                    why,
                    "try again",
                )
            })
        };
        Ok(Self {
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
            hang_up: on(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.hang_up.recv() => Asked::Reload,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A turn that waits for a service that hangs does not keep the daemon beyond its time.
    #[tokio::test]
    async fn a_turn_that_hangs_leaves_time_for_the_rest() {
        assert!(STOPS_WITHIN < Duration::from_secs(10));
        assert!(AFTER_TURNS < STOPS_WITHIN);
        let mut lanes = JoinSet::new();
        lanes.spawn(std::future::pending());
        lanes.spawn(std::future::ready(()));
        let until = Instant::now() + Duration::from_millis(50);
        drain(&mut lanes, until).await;
        assert!(Instant::now() >= until);
        assert_eq!(lanes.len(), 1, "what ends in time is let end");
    }
}
