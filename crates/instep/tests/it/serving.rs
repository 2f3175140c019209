//! A daemon of a home, as the service manager starts one, and ends it.

use std::fs::File;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use crate::home::Home;

/// Far more than a start takes.
const LONG: Duration = Duration::from_secs(20);

/// A daemon that is ready; ends with this value.
pub(crate) struct Serving {
    child: Child,
    _manager: UnixDatagram,
}

impl Serving {
    /// Starts one and waits until it is ready. What it says on stderr goes to the file `said`.
    pub(crate) fn start(home: &Home, command: &mut Command) -> Self {
        let path = home.path("manager.sock");
        let _ = std::fs::remove_file(&path);
        let manager = UnixDatagram::bind(&path).expect("a socket");
        manager.set_read_timeout(Some(LONG)).expect("a time limit");
        let said = File::create(home.path("said")).expect("a file");
        command.env("NOTIFY_SOCKET", &path).stderr(said);
        let child = command.spawn().expect("the program starts");
        let serving = Self {
            child,
            _manager: manager,
        };
        let mut told = [0; 256];
        let length = serving._manager.recv(&mut told);
        let length = length.unwrap_or_else(|error| panic!("{error}: {}", home.read("said")));
        assert!(told[..length].starts_with(b"READY=1"), "{told:?}");
        serving
    }

    /// Its process.
    pub(crate) fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    /// Has it end, and waits for that.
    pub(crate) fn stop(&mut self) {
        let pid = self.pid();
        let signal = rustix::process::Signal::TERM;
        if rustix::process::kill_process(pid, signal).is_ok() {
            let _ = self.child.wait();
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The program itself.
pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_instep"))
}

/// Waits until this holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !holds() {
        assert!(began.elapsed() < LONG, "{what}: not within {LONG:?}");
        std::thread::yield_now();
    }
}
