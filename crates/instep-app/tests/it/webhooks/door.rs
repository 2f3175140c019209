//! Calls about webhooks pass the door that all calls pass: they count for the breaker, and while it
//! is open none is made (S33).

use std::time::{Duration, Instant};

use instep_api::{BreakerState, Exit};
use instep_app::{App, Turn, exit_of_webhooks};
use instep_doubles::vikunja::Fault;

use super::person::{PATIENCE, PUBLIC, Person, on_double, one};

/// The code of what the account's webhooks met, and how many requests that took.
async fn listed(person: &Person) -> (Option<String>, usize) {
    let double = person.double.as_ref().expect("a double");
    double.forget_requests();
    let error = person.list().await.error;
    (error.map(|error| error.code), double.requests().len())
}

async fn breaker(app: &App) -> (BreakerState, u32) {
    let status = app.status().await.expect("a status");
    let breaker = status.accounts[0].breaker.clone();
    (breaker.state, breaker.failures)
}

#[tokio::test]
async fn s33_their_failures_open_the_breaker_and_their_successes_reset_it() {
    let person = on_double().await;
    person.project("A", 0).await;
    person.install().await;
    let double = person.double.as_ref().expect("a double");
    let app = person.open().await;
    for expected in [1, 2] {
        double.set_fault(Fault::status(503));
        assert_eq!(listed(&person).await.1, 1, "one call, one failure");
        assert_eq!(breaker(&app).await, (BreakerState::Closed, expected));
    }
    double.clear_faults();
    assert_eq!(listed(&person).await.0, None);
    assert_eq!(breaker(&app).await, (BreakerState::Closed, 0));
    double.set_fault(Fault::status(503));
    for _ in 0..3 {
        listed(&person).await;
    }
    assert_eq!(breaker(&app).await, (BreakerState::Open, 3));
    app.close().await;
}

#[tokio::test]
async fn s33_while_it_is_open_nothing_is_asked_and_a_ping_ends_that() {
    let person = on_double().await;
    let project = person.project("A", 0).await;
    person.install().await;
    person.sync().await;
    let double = person.double.as_ref().expect("a double");
    double.set_fault(Fault::status(503));
    for _ in 0..3 {
        listed(&person).await;
    }
    let open = (Some("circuit_open".to_owned()), 0);
    assert_eq!(listed(&person).await, open);
    let reply = person.ask_install(Some(PUBLIC), true).await;
    assert_eq!(exit_of_webhooks(&reply), Exit::Unreachable, "{reply:#?}");
    assert_eq!(one(reply).error.expect("a failure").code, "circuit_open");
    std::fs::remove_file(person.file("json")).expect("gone");
    let told = person.ensure().await.expect("something to do");
    assert_eq!(told.error.expect("a failure").code, "circuit_open");
    let app = person.open().await;
    let told = one(app.webhook_remove(None).await.expect("a reply"));
    assert_eq!(told.error.expect("a failure").code, "circuit_open");
    assert!(double.requests().is_empty(), "{:?}", double.requests());
    double.clear_faults();
    let ping = app.ping("vikunja").await.expect("an answer");
    assert!(ping.was_probe);
    assert_eq!(breaker(&app).await, (BreakerState::Closed, 0));
    app.close().await;
    let told = person.ensure().await.expect("something to do");
    assert_eq!(told.error, None);
    person.hook(project).await;
}

#[tokio::test]
async fn s33_a_breaker_that_opens_on_the_way_leaves_nothing_in_doubt() {
    let person = on_double().await;
    let projects = [person.project("A", 0).await, person.project("B", 0).await];
    let double = person.double.as_ref().expect("a double");
    let made = Fault::status(503).method("POST").path("/webhooks");
    double.set_fault(made);
    for _ in 0..3 {
        person.ask_install(Some(PUBLIC), false).await;
    }
    double.clear_faults();
    let app = person.open().await;
    app.ping("vikunja").await.expect("an answer");
    app.close().await;
    person.install().await;
    for project in projects {
        person.hook(project).await;
    }
}

/// Who answers is remembered for as long as a connection stands. One that answers "unavailable" stands.
#[tokio::test]
async fn s33_the_call_that_finds_out_is_a_call() {
    let person = on_double().await;
    person.sync().await;
    let config = std::fs::read_to_string(person.places.config()).expect("a config");
    let config = format!("{config}\n[breaker]\nopen_secs = 1\n");
    std::fs::write(person.places.config(), config).expect("a config");
    let double = person.double.as_ref().expect("a double");
    let app = person.open().await;
    let account = app.account_ids().remove(0);
    let look = async || {
        let turned = app.turn(&account, Turn::Look).await.expect("a turn");
        let turned = turned.expect("a look is always due");
        turned.failure.map(|failure| failure.code)
    };
    assert_eq!(look().await, None);
    double.set_fault(Fault::status(503));
    for _ in 0..3 {
        assert!(look().await.is_some());
    }
    assert_eq!(breaker(&app).await, (BreakerState::Open, 3));
    double.clear_faults();
    let begun = Instant::now();
    let mut beat = tokio::time::interval(Duration::from_millis(20));
    while look().await.is_some() {
        assert!(begun.elapsed() < PATIENCE, "{:?}", breaker(&app).await);
        beat.tick().await;
    }
    assert_eq!(breaker(&app).await, (BreakerState::Closed, 0));
    app.close().await;
}
