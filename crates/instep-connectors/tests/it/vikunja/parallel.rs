//! How many requests are open at once: as many reads of a look as are allowed, and one write.

use std::time::Duration;

use futures_util::future::join;
use instep_connectors::vikunja::{Settings, VikunjaConnector};
use instep_contract::{Connector, Look};
use instep_doubles::vikunja::Options;
use instep_model::{Operation, RemoteId, RemoteTask};
use serde_json::json;

use super::server::{Server, draft, on_double_with, titled};

/// A server that takes its time, so that what is sent at once is open at once.
async fn slow_server() -> Server {
    let options = Options {
        latency: Duration::from_millis(4),
        ..Options::default()
    };
    on_double_with(options).await
}

fn connector(server: &Server, parallel_reads: usize) -> VikunjaConnector {
    let settings = Settings {
        parallel_reads,
        ..server.settings(&server.token)
    };
    VikunjaConnector::connect(settings).expect("a connector")
}

/// What a look at everything finds, of which alone the double counts the requests.
async fn everything(server: &Server, parallel_reads: usize) -> Vec<RemoteTask> {
    server.double().forget_requests();
    let mut connector = connector(server, parallel_reads);
    let look = connector.observe(None, Look::Everything).await;
    look.expect("seen").tasks
}

fn create(title: &str) -> Operation {
    Operation::Create(draft(titled(title)))
}

/// Archived projects with a task each: they are listed one by one.
async fn with_archived_projects(server: &Server, number: usize) {
    for at in 0..number {
        let project = server.make_project(&format!("p{at}"), 0).await;
        server.make_task(project, json!({ "title": "t" })).await;
        let archived = json!({ "is_archived": true });
        server.patch_project(project, archived).await;
    }
}

#[tokio::test]
async fn a_look_reads_as_much_at_once_as_it_may() {
    let server = slow_server().await;
    with_archived_projects(&server, 9).await;
    let mut seen = Vec::new();
    for (allowed, expected) in [(1, 1), (4, 4), (0, 1)] {
        let tasks = everything(&server, allowed).await;
        assert_eq!(
            server.double().most_open(),
            (expected, 0),
            "{allowed} allowed"
        );
        seen.push(tasks);
    }
    assert_eq!(seen[0].len(), 9);
    assert!(
        seen.iter().all(|tasks| *tasks == seen[0]),
        "the same, however it is read"
    );
}

#[tokio::test]
async fn a_long_listing_is_read_in_parts_and_whole() {
    let server = on_double_with(Options::default()).await;
    let mut hand = server.connector();
    for batch in 0..52 {
        let drafts: Vec<Operation> = (0..100)
            .map(|at| create(&format!("{batch}/{at}")))
            .collect();
        for made in hand.apply(&drafts).await.expect("made") {
            made.expect("made");
        }
    }
    let mut looks = Vec::new();
    for allowed in [1, 4] {
        let tasks = everything(&server, allowed).await;
        let ids: Vec<RemoteId> = tasks.iter().map(|task| task.id.clone()).collect();
        assert_eq!(ids.len(), 5_200);
        let (reads, _) = server.double().most_open();
        assert!(reads <= allowed, "{reads} at once, {allowed} allowed");
        looks.push(ids);
    }
    assert_eq!(looks[0], looks[1]);
}

#[tokio::test]
async fn one_write_at_a_time_goes_to_a_server_whoever_writes() {
    let server = slow_server().await;
    let mut one = connector(&server, 4);
    let mut beside = one.beside().expect("a second connector");
    let mut other = connector(&server, 4);
    let writes = async |connector: &mut VikunjaConnector, name: &str| {
        for at in 0..5 {
            let made = connector.apply(&[create(&format!("{name} {at}"))]).await;
            made.expect("taken").remove(0).expect("made");
        }
    };
    let three = join(writes(&mut one, "a"), writes(&mut beside, "b"));
    join(three, writes(&mut other, "c")).await;
    let (_, most_writes) = server.double().most_open();
    assert_eq!(most_writes, 1);
    let look = one.observe(None, Look::Everything).await.expect("seen");
    assert_eq!(look.tasks.len(), 15);
}

#[tokio::test]
async fn a_connector_beside_another_shares_its_connections_and_counts_its_own_calls() {
    let server = slow_server().await;
    let mut one = connector(&server, 1);
    one.identity().await.expect("told");
    let mut beside = one.beside().expect("a second connector");
    beside.identity().await.expect("told");
    assert_eq!((one.calls(), beside.calls()), (1, 1));
    assert_eq!((one.connections(), beside.connections()), (1, 1));
    assert_eq!(server.double().connections_opened(), 1);
}
