//! Neither haste nor a sudden end nor a lost answer leaves two of one.

use std::time::{Duration, Instant};

use instep_api::Exit;
use instep_app::{App, exit_of_webhooks};
use instep_doubles::vikunja::{Effect, Fault};
use serde_json::Value as Json;
use tokio::task::LocalSet;

use super::person::{PATIENCE, PUBLIC, Person, on_double, on_each};

#[tokio::test]
async fn two_at_once_leave_one_each() {
    on_each(async |person| {
        let projects = [person.project("A", 0).await, person.project("B", 0).await];
        let (one, two) = (person.open().await, person.open().await);
        let both = tokio::join!(
            one.webhook_install(None, Some(PUBLIC), false),
            two.webhook_install(None, Some(PUBLIC), false),
        );
        for reply in [both.0, both.1] {
            let reply = reply.expect("a reply");
            assert_eq!(exit_of_webhooks(&reply), Exit::Fine, "{reply:#?}");
        }
        for project in projects {
            person.hook(project).await;
        }
        one.close().await;
        two.close().await;
    })
    .await;
}

/// Stopped the moment a webhook is about to be made, and again, and again: each project ends with
/// one, whether the service carried out what it had heard of or not.
#[tokio::test]
async fn stopped_before_the_answer_came_there_is_one_each_afterwards() {
    on_each(async |person| {
        LocalSet::new()
            .run_until(stop_again_and_again(person))
            .await;
    })
    .await;
}

async fn stop_again_and_again(person: &Person) {
    let mut projects = Vec::new();
    for number in 0..4 {
        projects.push(person.project(&format!("P{number}"), 0).await);
    }
    let mut stopped = 0;
    for _ in 0..12 {
        let places = person.places.clone();
        let installing = tokio::task::spawn_local(async move {
            let app = App::open(&places).await.expect("the hub opens");
            let _ = app.webhook_install(None, Some(PUBLIC), false).await;
        });
        let begun = Instant::now();
        let mut beat = tokio::time::interval(Duration::from_micros(300));
        while !installing.is_finished() {
            assert!(begun.elapsed() < PATIENCE);
            beat.tick().await;
            let text = std::fs::read_to_string(person.file("json").as_path());
            let known: Json = serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
            if known["intents"]
                .as_object()
                .is_some_and(|all| !all.is_empty())
            {
                installing.abort();
                stopped += 1;
                break;
            }
        }
        let _ = installing.await;
    }
    assert!(stopped > 0, "never stopped in time");
    person.install().await;
    for project in projects {
        person.hook(project).await;
    }
}

/// The answer of a create is lost: what was made is found again, what was not is made.
#[tokio::test]
async fn a_lost_answer_leaves_no_second_one() {
    for effect in [
        Effect::LostReply,
        Effect::LostRequest,
        Effect::TruncatedBody,
        Effect::Html,
        Effect::Status {
            status: 500,
            retry_after: None,
        },
        Effect::Status {
            status: 502,
            retry_after: None,
        },
    ] {
        let person = on_double().await;
        let projects = [person.project("A", 0).await, person.project("B", 0).await];
        let double = person.double.as_ref().expect("a double");
        double.set_fault(
            Fault::new(effect.clone())
                .method("POST")
                .path("/webhooks")
                .every(2),
        );
        let reply = person.ask_install(Some(PUBLIC), false).await;
        double.clear_faults();
        for project in projects {
            let hooks = person.hooks(project).await;
            assert!(hooks.len() <= 1, "{effect:?}: {hooks:?} {reply:#?}");
        }
        person.install().await;
        for project in projects {
            person.hook(project).await;
        }
    }
}
