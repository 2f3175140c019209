//! The suite that every connector runs.

use instep_connectors::taskwarrior::TaskwarriorConnector;
use instep_contract::connector_suite::{Case, Outcome, Subject, check};
use instep_contract::{Applied, Connector, ConnectorError, Cursor, Look, Observation};
use instep_model::{
    Capabilities, Field, Hold, Operation, RemoteId, RemoteTask, TimeZone, Timestamp,
};

use super::world::{World, worlds};

/// The connector with one word of its record changed: Taskwarrior sets the end of a task when its
/// status alone is set to completed, which the suite expects only of a field that follows. The
/// connector declares the end as held, because it can also be written together with the status.
struct Following {
    connector: TaskwarriorConnector,
    capabilities: Capabilities,
}

impl Following {
    fn new(connector: TaskwarriorConnector) -> Self {
        let mut capabilities = connector.capabilities().clone();
        let follows = Hold::Follows(Field::Status);
        capabilities.holds.insert(Field::CompletedAt, follows);
        Self {
            connector,
            capabilities,
        }
    }
}

impl Connector for Following {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn observe(
        &mut self,
        since: Option<&Cursor>,
        look: Look,
    ) -> Result<Observation, ConnectorError> {
        self.connector.observe(since, look).await
    }

    async fn read(&mut self, ids: &[RemoteId]) -> Result<Vec<Option<RemoteTask>>, ConnectorError> {
        self.connector.read(ids).await
    }

    async fn missing_tags(&mut self, tags: &[String]) -> Result<Vec<String>, ConnectorError> {
        self.connector.missing_tags(tags).await
    }

    async fn apply(
        &mut self,
        batch: &[Operation],
    ) -> Result<Vec<Result<Applied, ConnectorError>>, ConnectorError> {
        self.connector.apply(batch).await
    }

    async fn find(
        &mut self,
        sent: &[Operation],
        since: Timestamp,
    ) -> Result<Vec<Vec<Applied>>, ConnectorError> {
        self.connector.find(sent, since).await
    }

    fn calls(&self) -> u64 {
        self.connector.calls()
    }
}

async fn run(world: &World, hooks: bool) {
    let open = async || {
        let mut settings = world.settings();
        settings.run_hooks = hooks;
        Following::new(TaskwarriorConnector::open(settings).unwrap())
    };
    let subject = Subject {
        open,
        label: "suite".into(),
        zone: TimeZone::UTC,
        now: Timestamp::now(),
    };
    for case in Case::ALL {
        let outcome = check(*case, &subject).await;
        let lacking = [Case::FindsNote, Case::Parent, Case::Collections];
        let expected = if lacking.contains(case) {
            Outcome::Lacking
        } else {
            Outcome::Held
        };
        assert_eq!(outcome, expected, "{case:?} on {}", world.major);
    }
}

#[tokio::test]
async fn every_promise_is_kept_on_both_versions() {
    for world in worlds() {
        run(&world, false).await;
    }
}

#[tokio::test]
async fn every_promise_is_kept_through_the_command_line_of_3() {
    // With the person's hooks on, writes go through the program on both versions.
    run(&World::new(3), true).await;
}
