//! Every call that webhooks take to the service, through the door that all calls pass (S33): while the
//! service is left alone nothing is sent and nobody waits. What a call is for is not decided here.

use std::collections::BTreeSet;

use instep_connectors::vikunja::{NewWebhook, TopProject, VikunjaConnector, Webhook};
use instep_contract::ConnectorError;
use instep_engine::Gate;
use instep_model::AccountId;

use super::obstacle::Obstacle;
use crate::app::AppEngine;

/// What the service answered, where it could be asked.
type Asked<T> = Result<Result<T, ConnectorError>, Obstacle>;

/// The service of one account, as far as webhooks go.
pub(crate) struct Service {
    engine: AppEngine,
    gate: Gate,
    connector: Box<VikunjaConnector>,
}

impl Service {
    pub(crate) fn new(
        engine: AppEngine,
        account: &AccountId,
        connector: Box<VikunjaConnector>,
    ) -> Self {
        Self {
            engine,
            gate: Gate::new(account.clone(), &*connector),
            connector,
        }
    }

    async fn ask<T>(
        &mut self,
        action: impl AsyncFnMut(&mut VikunjaConnector) -> Result<T, ConnectorError>,
    ) -> Asked<T> {
        let (gate, connector) = (&mut self.gate, &mut *self.connector);
        let asked = self.engine.call_through(gate, connector, action).await;
        asked.map_err(Obstacle::Held)
    }

    /// Where a person makes another token.
    pub(crate) fn token_page(&self) -> String {
        self.connector.token_page()
    }

    pub(crate) async fn missing_rights(&mut self) -> Asked<Vec<&'static str>> {
        self.ask(async |to| to.missing_webhook_rights().await).await
    }

    pub(crate) async fn events(&mut self) -> Asked<BTreeSet<String>> {
        self.ask(async |to| to.webhook_events().await).await
    }

    pub(crate) async fn top_projects(&mut self) -> Asked<Vec<TopProject>> {
        self.ask(async |to| to.top_projects().await).await
    }

    pub(crate) async fn webhooks(&mut self, project: i64) -> Asked<Vec<Webhook>> {
        self.ask(async |to| to.webhooks(project).await).await
    }

    pub(crate) async fn make_webhook(&mut self, project: i64, new: &NewWebhook) -> Asked<i64> {
        self.ask(async |to| to.make_webhook(project, new).await)
            .await
    }

    pub(crate) async fn set_webhook_events(
        &mut self,
        project: i64,
        webhook: &Webhook,
        events: &BTreeSet<String>,
    ) -> Asked<()> {
        self.ask(async |to| to.set_webhook_events(project, webhook, events).await)
            .await
    }

    pub(crate) async fn remove_webhook(&mut self, project: i64, webhook: i64) -> Asked<()> {
        self.ask(async |to| to.remove_webhook(project, webhook).await)
            .await
    }
}
