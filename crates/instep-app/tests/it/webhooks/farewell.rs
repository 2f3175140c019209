//! An account that is removed takes its webhooks along, and what they are signed with.

use instep_api::NotesLine;
use instep_app::account_remove;
use instep_doubles::vikunja::{Effect, Fault};
use reqwest::Method;
use serde_json::json;

use super::person::{Person, on_double, on_each};

async fn remove(person: &Person) -> Vec<NotesLine> {
    let removed = account_remove(&person.places, "vikunja", false).await;
    let notes = removed.expect("the account goes in any case");
    assert!(!person.file("secret").exists() && !person.file("json").exists());
    let config = std::fs::read_to_string(person.places.config()).expect("a config");
    assert!(!config.contains("[[account]]"), "{config}");
    notes
}

#[tokio::test]
async fn its_webhooks_go_and_those_of_others_stay() {
    on_each(async |person| {
        let project = person.project("A", 0).await;
        let webhooks = format!("api/v2/projects/{project}/webhooks");
        let theirs =
            json!({"target_url": "https://elsewhere.example/", "events": ["task.created"]});
        person.ask(Method::POST, &webhooks, theirs).await;
        person.install().await;
        assert_eq!(person.hooks(project).await.len(), 2);
        let notes = remove(person).await;
        let told: Vec<&str> = notes.iter().map(|note| note.text.as_str()).collect();
        assert_eq!(told, ["2 webhooks removed from its service"]);
        let left = person.hooks(project).await;
        assert_eq!(left.len(), 1, "{left:?}");
        assert_eq!(left[0].1, "https://elsewhere.example/");
    })
    .await;
}

#[tokio::test]
async fn an_account_without_any_costs_no_call() {
    let person = on_double().await;
    let double = person.double.as_ref().expect("a double");
    double.forget_requests();
    assert_eq!(remove(&person).await, []);
    assert!(double.requests().is_empty(), "{:?}", double.requests());
}

/// What stays is named, with the page where a person removes it.
#[tokio::test]
async fn what_a_service_keeps_is_told() {
    for effect in [
        Effect::LostRequest,
        Effect::Status {
            status: 500,
            retry_after: None,
        },
        Effect::Status {
            status: 401,
            retry_after: None,
        },
    ] {
        let person = on_double().await;
        let project = person.project("A", 0).await;
        person.install().await;
        let double = person.double.as_ref().expect("a double");
        double.set_fault(Fault::new(effect.clone()));
        let notes = remove(&person).await;
        let page = format!("{}/projects/{project}/settings/webhooks", double.url());
        let named = notes.iter().any(|note| {
            let command = note.command.as_deref().unwrap_or_default();
            command.ends_with(&page) && note.text.contains("/hooks/vikunja")
        });
        assert!(named, "{effect:?}: {notes:#?}");
        double.clear_faults();
        person.hook(project).await;
    }
}
