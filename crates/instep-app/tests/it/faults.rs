//! What a failing service does to its account, and to no other.

use instep_api::{Exit, SyncRequest};
use instep_app::exit_of_sync;
use instep_doubles::vikunja::{Effect, Fault};

use super::world::{World, code};

#[tokio::test]
async fn a_server_that_is_away_waits_and_the_rest_goes_on() {
    let world = World::paired(2).await;
    world.task(&["add", "Rent"]);
    world.sync().await;
    world.vikunja.refuse_connections().await;
    world.task(&["add", "Bank"]);
    let reply = world.ask(SyncRequest::default()).await;
    assert_eq!(
        (exit_of_sync(&reply), reply.outcome.as_str()),
        (Exit::Unreachable, "unreachable")
    );
    assert_eq!(
        (
            code(&reply, "tw").as_str(),
            code(&reply, "vikunja").as_str()
        ),
        ("", "unreachable")
    );
    let app = world.open().await;
    let status = app.status().await.expect("status");
    let vikunja = status
        .accounts
        .iter()
        .find(|account| account.name == "vikunja")
        .expect("it");
    assert_eq!((vikunja.state.as_str(), vikunja.waiting), ("waiting", 1));
    assert!(
        vikunja
            .why
            .as_deref()
            .is_some_and(|why| why.contains("instep sync vikunja"))
    );
    app.close().await;
    world.vikunja.accept_connections().await;
    world.sync().await;
    assert!(world.in_vikunja("Bank").await.is_some());
    let app = world.open().await;
    let status = app.status().await.expect("status");
    assert!(
        status
            .accounts
            .iter()
            .all(|account| account.state == "in_step"),
        "{status:#?}"
    );
    app.close().await;
}

#[tokio::test]
async fn a_rejected_token_asks_for_a_login() {
    let world = World::paired(2).await;
    world.sync().await;
    world.secret("token", "tk_0000000000000000000000000000000000000000");
    let reply = world.ask(SyncRequest::default()).await;
    assert_eq!(
        (exit_of_sync(&reply), reply.outcome.as_str()),
        (Exit::NeedsLogin, "needs_login")
    );
    let error = reply
        .accounts
        .iter()
        .find_map(|account| account.error.clone())
        .expect("why");
    assert_eq!(error.help, "instep account login vikunja");
}

#[tokio::test]
async fn a_lost_answer_makes_no_double() {
    let world = World::paired(2).await;
    world.task(&["add", "Rent"]);
    world
        .vikunja
        .set_fault(Fault::new(Effect::LostReply).method("POST").nth(1));
    world.ask(SyncRequest::default()).await;
    world.vikunja.clear_faults();
    let mut tries = 0;
    while world.ask(SyncRequest::default()).await.outcome != "in_step" {
        tries += 1;
        assert!(tries < 20, "the account does not come to rest");
    }
    assert_eq!(world.listed().await.len(), 1);
}

#[tokio::test]
async fn an_empty_list_deletes_nothing() {
    let world = World::paired(2).await;
    for number in 0..6 {
        world.task(&["add", &format!("Task {number}")]);
    }
    world.sync().await;
    world.vikunja.set_fault(Fault::new(Effect::EmptyList));
    let full = SyncRequest {
        full: true,
        ..SyncRequest::default()
    };
    let reply = world.ask(full).await;
    assert_ne!(exit_of_sync(&reply), Exit::Fine);
    assert_eq!(world.exported().len(), 6);
    world.vikunja.clear_faults();
    world.sync().await;
    assert_eq!((world.exported().len(), world.listed().await.len()), (6, 6));
}
