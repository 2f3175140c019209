//! A stand-in for Vikunja on a thread of its own, and a home with an account on it.

use instep_doubles::vikunja::{Options, Vikunja};
use tokio::runtime::{Builder, Runtime};

use crate::home::{Ended, Home};

/// A running server; ends with this value.
pub(crate) struct Server {
    runtime: Runtime,
    pub(crate) vikunja: Vikunja,
}

impl Server {
    pub(crate) fn start() -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let vikunja = runtime.block_on(Vikunja::start(Options::default()));
        Self { runtime, vikunja }
    }

    /// No longer answers on its port.
    pub(crate) fn go_away(&self) {
        self.runtime.block_on(self.vikunja.refuse_connections());
    }

    /// Answers again.
    pub(crate) fn come_back(&self) {
        self.runtime.block_on(self.vikunja.accept_connections());
    }

    /// Adds this server as `vikunja` to a home, with its token in a file.
    pub(crate) fn add_to(&self, home: &Home) -> Ended {
        home.secret("token", self.vikunja.token());
        home.instep(&[
            "account",
            "add",
            "vikunja",
            "--url",
            self.vikunja.url(),
            "--secret-file",
            "token",
        ])
    }
}

/// A home whose Taskwarrior and this server are in step, with one task in both.
pub(crate) fn in_step() -> (Home, Server) {
    let (home, server) = (Home::new(), Server::start());
    home.good(&["init", "--yes"]);
    let added = server.add_to(&home);
    assert_eq!(added.code, 0, "{}", added.whole());
    home.task(&["add", "Call the bank"]);
    home.good(&["sync", "--yes"]);
    (home, server)
}
