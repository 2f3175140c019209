//! One call to an account's service that is no part of a round or a turn, through the door that all
//! calls pass (S33). What it is for is not known here.

use instep_api::Failure;
use instep_contract::ConnectorError;
use instep_engine::Gate;

use crate::app::App;
use crate::config::Entry;
use crate::connector::AnyConnector;
use crate::say;

impl App {
    /// What the service answered. Where it is left alone nothing is sent, and nobody waits.
    ///
    /// # Errors
    /// Why it could not be asked now.
    pub(crate) async fn ask<T>(
        &self,
        entry: &Entry,
        connector: &mut AnyConnector,
        action: impl AsyncFnMut(&mut AnyConnector) -> Result<T, ConnectorError>,
    ) -> Result<Result<T, ConnectorError>, Failure> {
        let mut gate = Gate::new(entry.account.id.clone(), connector);
        let engine = self.engine(self.hub.clone());
        let asked = engine.call_through(&mut gate, connector, action).await;
        asked.map_err(|trouble| say::from_trouble(entry, &trouble, say::Met::Looking))
    }
}
