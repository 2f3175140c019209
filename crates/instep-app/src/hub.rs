//! The hub as the command line reaches it: through the daemon where one runs, otherwise opened here. Both
//! carry out the same requests in the same way.

use instep_api::socket::Progress;
use instep_api::{Failure, Reply, Request};

use crate::{App, Daemon, Places};

/// A way to the hub.
#[derive(Debug)]
pub enum Hub {
    /// By way of the daemon.
    Daemon(Daemon),
    /// Opened by this process.
    Here(Box<App>),
}

impl Hub {
    /// Finds the daemon, or opens the hub.
    ///
    /// # Errors
    /// As [`App::open`].
    pub async fn open(places: &Places) -> Result<Self, Failure> {
        match Daemon::find(places) {
            Some(daemon) => Ok(Self::Daemon(daemon)),
            None => Ok(Self::Here(Box::new(App::open(places).await?))),
        }
    }

    /// Carries out a request.
    ///
    /// # Errors
    /// Whatever stopped it as a whole.
    pub async fn carry_out(
        &self,
        request: &Request,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Reply, Failure> {
        match self {
            Self::Daemon(daemon) => daemon.carry_out(request.clone(), progress).await,
            Self::Here(app) => app.answer(request, progress).await,
        }
    }

    /// What a person should hear once.
    pub fn notes(&self) -> &[String] {
        match self {
            Self::Daemon(_) => &[],
            Self::Here(app) => app.notes(),
        }
    }

    /// Closes what was opened here.
    pub async fn close(self) {
        if let Self::Here(app) = self {
            app.close().await;
        }
    }
}
