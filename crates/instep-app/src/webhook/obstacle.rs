//! Why webhooks cannot be set right now, and how a person reads it.

use instep_api::Failure;
use instep_contract::ConnectorError;
use instep_engine::Trouble;

use crate::config::Entry;
use crate::say;

/// What stands in the way of setting them right.
#[derive(Debug)]
pub(crate) enum Obstacle {
    /// The service.
    Service(ConnectorError),
    /// It is not to be called now; nothing was sent.
    Held(Trouble),
    /// What is remembered could not be written.
    Files(Failure),
}

impl Obstacle {
    /// The same as a person reads it.
    pub(crate) fn told(self, entry: &Entry) -> Failure {
        match self {
            Self::Service(error) => say::from_connector(entry, &error, say::Met::Looking),
            Self::Held(trouble) => say::from_trouble(entry, &trouble, say::Met::Looking),
            Self::Files(failure) => failure,
        }
    }
}

impl From<ConnectorError> for Obstacle {
    fn from(error: ConnectorError) -> Self {
        Self::Service(error)
    }
}
