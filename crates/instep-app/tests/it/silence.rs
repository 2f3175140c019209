//! An account that was not synced for too long is told everywhere, and raises one alarm (I14).

use std::time::Duration;

use instep_api::{CheckStatus, Exit, State, SyncRequest};
use instep_app::{Alarm, exit_of_status};
use instep_doubles::vikunja::Fault;

use crate::plant::Hub;
use crate::world::World;

/// Told as three hours for half an hour to come.
const LONG: Duration = Duration::from_secs(150 * 60);

/// Two intervals of a minute, and a quarter of an hour.
const LIMIT: Duration = Duration::from_secs(2 * 60 + 15 * 60);

async fn in_step() -> (World, Hub) {
    let world = World::paired(2).await;
    world.task(&["add", "Rent"]);
    world.sync().await;
    let hub = Hub::of(&world).await;
    (world, hub)
}

async fn silent(world: &World) -> Vec<(String, String)> {
    let app = world.open().await;
    let silent = app.silent_accounts().await.expect("an answer");
    app.close().await;
    silent.into_iter().map(|one| (one.name, one.why)).collect()
}

#[tokio::test]
async fn i14_a_silent_account_is_told_by_status_and_doctor() {
    let (world, hub) = in_step().await;
    let vikunja = hub.account("vikunja").await;
    hub.set_back(&vikunja, LIMIT - Duration::from_secs(60))
        .await;
    assert!(silent(&world).await.is_empty());
    hub.set_back(&vikunja, LONG).await;
    let app = world.open().await;
    let status = app.status().await.expect("status");
    let told = &status.accounts[1];
    assert_eq!((told.silent, told.state), (true, State::NeedsYou));
    assert!(!status.accounts[0].silent);
    assert_eq!(exit_of_status(&status), Exit::NeedsYou);
    let why = told.why.clone().expect("why");
    assert_eq!(why, "not synced for 3 h → instep sync vikunja");
    app.close().await;
    let reply = instep_app::doctor(&world.places, true).await;
    let mut checks = reply.checks.iter();
    let check = checks.find(|check| check.id == "account.vikunja.silent");
    let check = check.expect("a check");
    assert_eq!(check.status, CheckStatus::Problem);
    assert_eq!(check.fix.as_deref(), Some("instep sync vikunja"));
    world.sync().await;
    let app = world.open().await;
    let status = app.status().await.expect("status");
    assert_eq!(exit_of_status(&status), Exit::Fine, "{status:#?}");
    app.close().await;
}

/// A pass that a wrong clock dated into the future hides nothing.
#[tokio::test]
async fn i14_a_pass_of_the_future_is_no_excuse() {
    let (world, hub) = in_step().await;
    let vikunja = hub.account("vikunja").await;
    let app = world.open().await;
    let year = Duration::from_secs(365 * 24 * 3600);
    hub.set_ahead(&vikunja, year).await;
    assert_eq!(app.silent_accounts().await.expect("an answer").len(), 1);
    app.close().await;
}

/// What stood in the way of the last sync is told with it, and the alarm's words hold no task's text.
#[tokio::test]
async fn i14_why_an_account_is_silent_is_told_without_any_task() {
    let (world, hub) = in_step().await;
    let vikunja = hub.account("vikunja").await;
    world.vikunja.set_fault(Fault::status(401));
    world.ask(SyncRequest::default()).await;
    hub.set_back(&vikunja, LONG).await;
    let told = silent(&world).await;
    let (name, why) = told.first().expect("one");
    assert_eq!(name, "vikunja");
    assert_eq!(
        why,
        "not synced for 3 h: Vikunja rejected the saved secret of `vikunja`"
    );
    let app = world.open().await;
    let status = app.status().await.expect("status");
    let why = status.accounts[1].why.clone().expect("why");
    assert!(
        why.starts_with("not synced for 3 h; Vikunja rejected"),
        "{why}"
    );
    assert!(why.contains("→ instep account login vikunja"), "{why}");
    app.close().await;
}

/// The command runs once for an incident, restarts of the daemon included, and again after the next.
#[tokio::test]
async fn i14_the_alarm_is_raised_once_and_again_after_a_recovery() {
    let (world, hub) = in_step().await;
    let vikunja = hub.account("vikunja").await;
    let heard = world.path("heard");
    let script = world.path("alarm.sh");
    let text = format!(
        r#"echo "$INSTEP_ACCOUNT|$INSTEP_WHY|$#|$1" >> '{}'"#,
        heard.display()
    );
    std::fs::write(&script, text).expect("a script");
    let command = format!("sh {} 'two words' '; exit'", script.display());
    let config = std::fs::read_to_string(world.places.config()).expect("a config");
    let config = format!("{config}\n[daemon]\nalarm_command = \"{command}\"\n");
    std::fs::write(world.places.config(), config).expect("a config");
    let lines = || {
        std::fs::read_to_string(&heard)
            .unwrap_or_default()
            .lines()
            .count()
    };
    let app = world.open().await;
    let mut alarm = Alarm::of(&world.places);
    hub.set_back(&vikunja, LONG).await;
    alarm.look(&app).await.expect("looked");
    assert_eq!(lines(), 0, "a computer that just woke up is given a moment");
    for _ in 0..3 {
        alarm.look(&app).await.expect("looked");
        assert_eq!(lines(), 1);
    }
    let told = std::fs::read_to_string(&heard).expect("it was run");
    assert_eq!(told, "vikunja|not synced for 3 h|2|two words\n");
    let mut restarted = Alarm::of(&world.places);
    for _ in 0..2 {
        restarted.look(&app).await.expect("looked");
    }
    assert_eq!(lines(), 1, "it was raised before the restart");
    world.sync().await;
    restarted.look(&app).await.expect("looked");
    hub.set_back(&vikunja, 2 * LONG).await;
    for _ in 0..2 {
        restarted.look(&app).await.expect("looked");
    }
    assert_eq!(lines(), 2);
    app.close().await;
}

/// Whoever paused an account knows that it stands still.
#[tokio::test]
async fn i14_a_paused_account_is_not_silent() {
    let (world, hub) = in_step().await;
    let vikunja = hub.account("vikunja").await;
    hub.set_back(&vikunja, LONG).await;
    let app = world.open().await;
    app.pause(Some("vikunja"), None).await.expect("paused");
    let status = app.status().await.expect("status");
    let told = &status.accounts[1];
    assert_eq!((told.silent, told.state), (false, State::Paused));
    assert!(app.silent_accounts().await.expect("an answer").is_empty());
    app.resume(Some("vikunja")).await.expect("resumed");
    assert_eq!(app.silent_accounts().await.expect("an answer").len(), 1);
    app.close().await;
}
