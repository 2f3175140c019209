//! Pairs that were lost or mixed up are found anew by command, and by nothing else.

use instep_api::{Exit, RepairRequest, SyncRequest};
use instep_app::exit_of_sync;
use instep_model::{Mapping, TaskId};

use crate::plant::Hub;
use crate::world::{World, code};

async fn with_tasks(titles: &[&str]) -> World {
    let world = World::paired(2).await;
    for title in titles {
        world.task(&["add", title]);
    }
    world.sync().await;
    world
}

fn accepted(name: &str) -> RepairRequest {
    RepairRequest {
        accounts: vec![name.to_owned()],
        yes: true,
        ..RepairRequest::default()
    }
}

async fn repair(world: &World, request: &RepairRequest) -> instep_api::SyncReply {
    let app = world.open().await;
    let reply = app.repair(request, &mut |_| {}).await.expect("a reply");
    app.close().await;
    reply
}

fn partners(pairs: &[Mapping]) -> Vec<(TaskId, String)> {
    let partner = |pair: &Mapping| (pair.task, format!("{:?}", pair.remote));
    let mut partners: Vec<_> = pairs.iter().map(partner).collect();
    partners.sort();
    partners
}

/// I9: lost pairs are shown, then found anew; nothing is made twice, and no plain sync does it.
#[tokio::test]
async fn lost_pairs_are_found_anew_by_command_alone() {
    let world = with_tasks(&["Rent", "Call the bank", "Water the plants"]).await;
    let hub = Hub::of(&world).await;
    let vikunja = hub.account("vikunja").await;
    let known = hub.pairs(&vikunja).await;
    hub.lose(&vikunja, &[known[0].task, known[1].task]).await;

    world.sync().await;
    assert_eq!(hub.pairs(&vikunja).await.len(), 1, "no sync repairs");

    let shown = repair(&world, &RepairRequest::default()).await;
    assert_eq!(exit_of_sync(&shown), Exit::NeedsYou);
    assert_eq!(code(&shown, "vikunja"), "repair");
    assert_eq!(shown.plan.as_deref(), Some(&[][..]), "{shown:#?}");
    assert_eq!(hub.pairs(&vikunja).await.len(), 1, "nothing was written");

    let writes = world.writes();
    let reply = repair(&world, &accepted("vikunja")).await;
    assert_eq!(exit_of_sync(&reply), Exit::Fine, "{reply:#?}");
    assert!(
        reply
            .notes
            .contains(&"vikunja: 1 pair ended, 3 found".to_owned()),
        "{:?}",
        reply.notes
    );
    assert_eq!(partners(&hub.pairs(&vikunja).await), partners(&known));
    assert_eq!(world.writes(), writes, "nothing was to be written");
    assert_eq!((world.exported().len(), world.listed().await.len()), (3, 3));
    assert!(world.plan().await.plan.is_some_and(|plan| plan.is_empty()));
}

#[tokio::test]
async fn pairs_that_were_mixed_up_are_put_right() {
    let world = with_tasks(&["Rent", "Call the bank"]).await;
    let hub = Hub::of(&world).await;
    let vikunja = hub.account("vikunja").await;
    let known = hub.pairs(&vikunja).await;
    hub.mix_up(&known[0], &known[1]).await;
    let reply = repair(&world, &accepted("vikunja")).await;
    assert_eq!(exit_of_sync(&reply), Exit::Fine, "{reply:#?}");
    assert_eq!(partners(&hub.pairs(&vikunja).await), partners(&known));
    for title in ["Rent", "Call the bank"] {
        assert!(world.in_taskwarrior(title).is_some(), "{title}");
        assert!(world.in_vikunja(title).await.is_some(), "{title}");
    }
}

/// Every account at once, with a task that lives on one side only.
#[tokio::test]
async fn every_account_is_repaired_and_keeps_what_it_alone_has() {
    let world = with_tasks(&["Rent", "Call the bank"]).await;
    world
        .make_there(serde_json::json!({ "title": "Alone" }))
        .await;
    let all = RepairRequest {
        yes: true,
        ..RepairRequest::default()
    };
    let reply = repair(&world, &all).await;
    assert_eq!(exit_of_sync(&reply), Exit::Fine, "{reply:#?}");
    assert_eq!((world.exported().len(), world.listed().await.len()), (3, 3));
    assert!(world.plan().await.plan.is_some_and(|plan| plan.is_empty()));
}

/// I5: what was deleted on one side and is not carried yet would come back: it is carried first.
#[tokio::test]
async fn a_deletion_under_way_is_carried_first() {
    let world = with_tasks(&["Rent", "Call the bank", "Water the plants"]).await;
    let there = world.in_vikunja("Rent").await.expect("a task");
    world
        .delete_there(there["id"].as_i64().expect("an id"))
        .await;
    let app = world.open().await;
    let failure = app.repair(&accepted("vikunja"), &mut |_| {}).await;
    let failure = failure.expect_err("a deletion waits");
    assert_eq!(
        (failure.code.as_str(), failure.exit),
        ("deletions_wait", Exit::NeedsYou)
    );
    assert_eq!(failure.help, "instep sync vikunja");
    app.close().await;
    world.sync().await;
    let reply = repair(&world, &accepted("vikunja")).await;
    assert_eq!(exit_of_sync(&reply), Exit::Fine, "{reply:#?}");
    assert!(world.in_vikunja("Rent").await.is_none());
    assert!(world.in_taskwarrior("Rent").is_none());
}

/// A server that cannot be asked ends no pair.
#[tokio::test]
async fn an_account_that_cannot_be_looked_at_is_left_as_it_is() {
    let world = with_tasks(&["Rent"]).await;
    let hub = Hub::of(&world).await;
    let vikunja = hub.account("vikunja").await;
    world.vikunja.refuse_connections().await;
    let app = world.open().await;
    let failure = app.repair(&accepted("vikunja"), &mut |_| {}).await;
    assert_eq!(failure.expect_err("nobody answers").code, "unreachable");
    app.close().await;
    assert_eq!(hub.pairs(&vikunja).await.len(), 1);
    world.vikunja.accept_connections().await;
    let reply = world.ask(SyncRequest::default()).await;
    assert_eq!(exit_of_sync(&reply), Exit::Fine, "{reply:#?}");
}
