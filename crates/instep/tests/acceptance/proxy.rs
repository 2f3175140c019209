//! Stands between the program and the server: counts what passes, and at a chosen request kills
//! the program, loses the answer or gives a false one. It changes nothing that it passes on.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::http::{self, Message, Wire};

/// How long a sprung trap waits for the program it is to kill.
const VICTIM_WAIT: Duration = Duration::from_secs(10);

/// When in the course of a request the program dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The request was sent and never reaches the server.
    BeforeServer,
    /// The server has done what was asked, and its answer never reaches the program.
    BeforeAnswer,
    /// The answer has reached the program, which has had no time to store what it says.
    AfterAnswer,
}

/// What is in store for the requests to come.
#[derive(Debug)]
enum Plan {
    Pass,
    /// The `nth` write from now on ends the program.
    Kill {
        nth: u32,
        moment: Moment,
    },
    /// Each `every`th answer is lost after the server has done what was asked; with `lies`, each
    /// `every`th write is said to have failed instead.
    Lose {
        every: u64,
        seen: u64,
        lies: bool,
    },
}

/// What something between the program and the server may say of its own.
const FAILED: &str = "HTTP/1.1 500 Internal Server Error\r\ncontent-type: application/json\r\n\
    content-length: 35\r\n\r\n{\"message\":\"Internal Server Error\"}";

#[derive(Debug)]
struct State {
    upstream: String,
    plan: Plan,
    victim: Option<Child>,
    passed: Vec<String>,
    sprung: u64,
    closed: bool,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// A running proxy.
#[derive(Debug)]
pub(crate) struct Proxy {
    shared: Arc<Shared>,
    address: String,
}

impl Proxy {
    /// One on 127.0.0.1 in front of the server at `url`.
    pub(crate) fn start(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let state = State {
            upstream: http::address(url),
            plan: Plan::Pass,
            victim: None,
            passed: Vec::new(),
            sprung: 0,
            closed: false,
        };
        let (state, changed) = (Mutex::new(state), Condvar::new());
        let shared = Arc::new(Shared { state, changed });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.state().closed {
                    break;
                }
                let serving = Arc::clone(&serving);
                // A connection that breaks is the program's or the server's own affair.
                thread::spawn(move || stream.and_then(|stream| serving.serve(stream)));
            }
        });
        Self { shared, address }
    }

    /// What the program is given as the server's address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on another server stands behind the same address.
    pub(crate) fn point_to(&self, url: &str) {
        self.shared.state().upstream = http::address(url);
    }

    /// Method and path of every request since the last call.
    pub(crate) fn passed(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.state().passed)
    }

    /// Has the `nth` write (from 1) of the program that is started by `start` kill it. Returns
    /// whether the trap sprang before the program ended by itself.
    pub(crate) fn kill(&self, nth: u32, moment: Moment, start: impl FnOnce() -> Child) -> bool {
        let before = {
            let mut state = self.shared.state();
            state.plan = Plan::Kill { nth, moment };
            state.sprung
        };
        self.shared.state().victim = Some(start());
        self.shared.changed.notify_all();
        loop {
            let mut state = self.shared.state();
            let victim = state.victim.as_mut().expect("it was put there");
            if victim.try_wait().expect("a child of ours").is_some() {
                state.victim = None;
                state.plan = Plan::Pass;
                return state.sprung > before;
            }
            drop(state);
            beat();
        }
    }

    /// From now on loses every `every`th answer.
    pub(crate) fn lose_every(&self, every: u64) {
        self.shared.state().plan = Plan::Lose {
            every,
            seen: 0,
            lies: false,
        };
    }

    /// From now on says of every `every`th write that it failed, once the server has done it.
    pub(crate) fn deny_every(&self, every: u64) {
        self.shared.state().plan = Plan::Lose {
            every,
            seen: 0,
            lies: true,
        };
    }

    /// From now on passes everything; says how many traps have sprung and answers were lost.
    pub(crate) fn calm(&self) -> u64 {
        let mut state = self.shared.state();
        state.plan = Plan::Pass;
        state.sprung
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect(&self.address);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut program = Wire::over(stream)?;
        let mut server: Option<(String, Wire)> = None;
        while let Some(request) = program.read()? {
            let trap = self.meet(&request);
            if trap == Some(Moment::BeforeServer) {
                return self.spring();
            }
            let upstream = self.state().upstream.clone();
            if server.as_ref().is_none_or(|(known, _)| *known != upstream) {
                server = Some((upstream.clone(), Wire::connect(&upstream)?));
            }
            let (_, wire) = server.as_mut().expect("it was just made");
            wire.send(&request.bytes)?;
            let Some(answer) = wire.read()? else {
                return Ok(());
            };
            if trap == Some(Moment::BeforeAnswer) {
                return self.spring();
            }
            match self.loses(&request) {
                None => program.send(&answer.bytes)?,
                Some(true) => program.send(FAILED.as_bytes())?,
                Some(false) => return Ok(()),
            }
            if trap == Some(Moment::AfterAnswer) {
                return self.spring();
            }
        }
        Ok(())
    }

    /// Notes a request, and says whether it is the one to end the program.
    fn meet(&self, request: &Message) -> Option<Moment> {
        let mut state = self.state();
        let line = format!("{} {}", request.word(0), request.word(1));
        state.passed.push(line);
        let Plan::Kill { nth, moment } = &mut state.plan else {
            return None;
        };
        if request.word(0) == "GET" {
            return None;
        }
        *nth = nth.checked_sub(1)?;
        (*nth == 0).then_some(*moment)
    }

    /// Whether the answer to this request is lost, and if so, whether another takes its place.
    fn loses(&self, request: &Message) -> Option<bool> {
        let mut state = self.state();
        let Plan::Lose { every, seen, lies } = &mut state.plan else {
            return None;
        };
        let lies = *lies;
        if lies && request.word(0) == "GET" {
            return None;
        }
        *seen += 1;
        let lost = *seen % *every == 0;
        state.sprung += u64::from(lost);
        lost.then_some(lies)
    }

    /// Kills the program as `kill -9` does, as soon as it is known.
    fn spring(&self) -> io::Result<()> {
        let deadline = Instant::now() + VICTIM_WAIT;
        let mut state = self.state();
        loop {
            if let Some(victim) = state.victim.as_mut() {
                victim.kill()?;
                state.sprung += 1;
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::Error::other("nothing to kill"));
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// A moment between two looks at something awaited.
pub(crate) fn beat() {
    thread::park_timeout(Duration::from_millis(10));
}
