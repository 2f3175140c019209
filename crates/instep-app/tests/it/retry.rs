//! What was refused is tried again by command, at once.

use instep_api::{Exit, RetryEnd, RetryReply, RetryRequest, SyncRequest};
use instep_app::exit_of_sync;
use instep_doubles::vikunja::Fault;

use crate::plant::Hub;
use crate::world::World;

async fn refused() -> World {
    let world = World::paired(2).await;
    world.task(&["add", "Good"]);
    world.sync().await;
    world.vikunja.set_fault(Fault::status(403).method("POST"));
    for title in ["Bad", "Worse"] {
        world.task(&["add", title]);
    }
    let reply = world.ask(SyncRequest::default()).await;
    assert_eq!(exit_of_sync(&reply), Exit::Partial, "{reply:#?}");
    world
}

async fn retry(world: &World, parked: bool) -> RetryReply {
    let request = RetryRequest {
        account: Some("vikunja".to_owned()),
        parked,
    };
    let app = world.open().await;
    let reply = app.retry(&request, &mut |_| {}).await.expect("a reply");
    app.close().await;
    reply
}

fn ends(reply: &RetryReply) -> Vec<(&str, RetryEnd)> {
    let tasks = reply.retried.iter();
    let mut ends: Vec<_> = tasks.map(|one| (one.title.as_str(), one.end)).collect();
    ends.sort_by_key(|(title, _)| *title);
    ends
}

/// S33: a wait is cut short by the person who asks; what is still refused says why and when it is next.
#[tokio::test]
async fn s33_what_waits_is_tried_at_once() {
    let world = refused().await;
    let reply = retry(&world, false).await;
    let again = [("Bad", RetryEnd::Refused), ("Worse", RetryEnd::Refused)];
    assert_eq!(ends(&reply), again);
    assert!(
        reply
            .retried
            .iter()
            .all(|one| one.retry_at.is_some() && one.why.is_some())
    );
    let carried = reply.carried.expect("a sync");
    assert_eq!(exit_of_sync(&carried), Exit::Partial);
    let app = world.open().await;
    let status = app.status().await.expect("status");
    let why = status.accounts[1].why.clone().expect("why");
    assert!(why.ends_with("→ instep retry vikunja"), "{why}");
    app.close().await;

    world.vikunja.clear_faults();
    let reply = retry(&world, false).await;
    let there = [("Bad", RetryEnd::Carried), ("Worse", RetryEnd::Carried)];
    assert_eq!(ends(&reply), there);
    assert!(world.in_vikunja("Worse").await.is_some());
    assert!(retry(&world, true).await.carried.is_none());
}

/// S33: what is parked is left alone until it is asked for by name.
#[tokio::test]
async fn s33_what_is_parked_takes_a_flag() {
    let world = refused().await;
    let hub = Hub::of(&world).await;
    let vikunja = hub.account("vikunja").await;
    hub.park(&vikunja).await;
    world.vikunja.clear_faults();
    let left = retry(&world, false).await;
    assert_eq!((left.retried.len(), left.left_parked), (0, 2));
    assert!(world.in_vikunja("Bad").await.is_none());
    let reply = retry(&world, true).await;
    let there = [("Bad", RetryEnd::Carried), ("Worse", RetryEnd::Carried)];
    assert_eq!((ends(&reply), reply.left_parked), (there.to_vec(), 0));
    assert_eq!((world.exported().len(), world.listed().await.len()), (3, 3));
}

/// A server that is away is no refusal: nothing is lost, and nothing is told as carried.
#[tokio::test]
async fn what_cannot_be_tried_goes_on_waiting() {
    let world = refused().await;
    world.vikunja.clear_faults();
    world.vikunja.refuse_connections().await;
    let reply = retry(&world, false).await;
    let waiting = [("Bad", RetryEnd::Waiting), ("Worse", RetryEnd::Waiting)];
    assert_eq!(ends(&reply), waiting);
    let carried = reply.carried.expect("a sync");
    assert_eq!(exit_of_sync(&carried), Exit::Unreachable);
    world.vikunja.accept_connections().await;
    world.sync().await;
    assert!(world.in_vikunja("Bad").await.is_some());
}
