//! Whether the config is still what was read of it. A daemon goes by what it has read until it is told
//! otherwise.

use instep_api::{Exit, Failure};

use super::{load, parse};
use crate::app::App;
use crate::say;

/// What a config is called that was changed and would be taken.
pub(crate) const UNREAD: &str = "config_unread";

impl App {
    /// What to say where the config file is by now another than the one that this goes by.
    pub(crate) fn unread_config(&self) -> Option<Failure> {
        let places = &self.places;
        if parse::read(places).is_ok_and(|text| text == self.config.text) {
            return None;
        }
        let path = places.config().display();
        Some(match load(places) {
            Ok(_) => Failure::new(
                Exit::Fine,
                UNREAD,
                "the daemon has not read the config as it is by now",
                format!("{path} was changed since"),
                say::reload(places, std::process::id()),
            ),
            Err(failure) => Failure::new(
                failure.exit,
                &failure.code,
                "the daemon goes on with the config as it was before",
                format!("{}: {path}, {}", failure.what, failure.why),
                failure.help,
            ),
        })
    }

    /// The config file.
    pub fn config_path(&self) -> &std::path::Path {
        self.places.config()
    }

    /// What to say where another program has the address at which the daemon of this process would listen.
    pub fn not_heard(&self, at: &str) -> Failure {
        let has_webhooks = self.config.daemon.public_url.is_some();
        say::not_heard(&self.places, at, std::process::id(), has_webhooks)
    }

    /// The command that puts another daemon in the place of this process.
    pub fn restart_command(&self) -> String {
        say::restart(&self.places, Some(std::process::id()), "kill")
    }
}
