//! Webhooks of projects: listed, made, changed and removed; what a server or a token refuses.

use std::collections::BTreeSet;

use instep_connectors::vikunja::NewWebhook;
use instep_contract::ConnectorError;
use instep_doubles::vikunja::{Effect, Fault};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::json;

use super::server::{on_double, on_each};

const TARGET: &str = "http://127.0.0.1:9/hooks/vikunja";

fn new(events: &[&str]) -> NewWebhook {
    NewWebhook {
        target_url: TARGET.to_owned(),
        events: named(events),
        secret: SecretString::from("0123456789abcdef"),
    }
}

fn named(events: &[&str]) -> BTreeSet<String> {
    events.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn a_webhook_is_made_listed_changed_and_removed() {
    on_each(async |server| {
        let mut connector = server.connector();
        let project = server.make_project("Hooked", 0).await;
        let events = connector.webhook_events().await.expect("the events");
        assert_eq!(events.len(), 14, "{events:?}");
        assert!(events.contains("task.updated") && events.contains("project.deleted"));
        assert!(!events.contains("task.reminder.fired"));

        let wanted = new(&["task.created"]);
        let made = connector.make_webhook(project, &wanted).await;
        let id = made.expect("a webhook");
        let listed = connector.webhooks(project).await.expect("a list");
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].id, listed[0].target_url.as_str()), (id, TARGET));
        assert_eq!(listed[0].events, named(&["task.created"]));

        let set = connector.set_webhook_events(project, &listed[0], &events);
        set.await.expect("other events");
        let listed = connector.webhooks(project).await.expect("a list");
        assert_eq!(listed[0].events, events);
        assert_eq!(listed[0].target_url, TARGET);

        let removed = connector.remove_webhook(project, id).await;
        removed.expect("removed");
        let again = connector.remove_webhook(project, id).await;
        assert!(
            matches!(again, Err(ConnectorError::ReadOnly { .. })),
            "{again:?}"
        );
        assert!(
            connector
                .webhooks(project)
                .await
                .expect("a list")
                .is_empty()
        );
    })
    .await;
}

#[tokio::test]
async fn only_projects_that_lie_in_no_other_are_top() {
    on_each(async |server| {
        let mut connector = server.connector();
        let top = server.make_project("Top", 0).await;
        let child = server.make_project("Child", top).await;
        let old = server.make_project("Old", 0).await;
        server
            .patch_project(old, json!({ "is_archived": true }))
            .await;
        let tops = connector.top_projects().await.expect("the projects");
        let ids: Vec<i64> = tops.iter().map(|one| one.id).collect();
        assert!(ids.contains(&top) && ids.contains(&old), "{ids:?}");
        assert!(
            !ids.contains(&child) && ids.iter().all(|id| *id > 0),
            "{ids:?}"
        );
        // Un-archiving is heard only if the archived project has a webhook.
        let wanted = new(&["project.updated"]);
        let made = connector.make_webhook(old, &wanted).await;
        made.expect("a webhook of an archived project");
    })
    .await;
}

#[tokio::test]
async fn a_project_that_is_gone_or_not_ours_is_told_apart() {
    on_each(async |server| {
        let mut connector = server.connector();
        let project = server.make_project("Short-lived", 0).await;
        let path = format!("api/v2/projects/{project}");
        server.done(Method::DELETE, &path, json!(null)).await;
        let listed = connector.webhooks(project).await;
        assert!(
            matches!(listed, Err(ConnectorError::CollectionGone { .. })),
            "{listed:?}"
        );
        let made = connector
            .make_webhook(project, &new(&["task.created"]))
            .await;
        assert!(
            matches!(made, Err(ConnectorError::CollectionGone { .. })),
            "{made:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn what_the_server_does_not_know_is_refused() {
    on_each(async |server| {
        let mut connector = server.connector();
        let project = server.make_project("Picky", 0).await;
        let made = connector
            .make_webhook(project, &new(&["task.exploded"]))
            .await;
        assert!(
            matches!(made, Err(ConnectorError::Rejected { .. })),
            "{made:?}"
        );
        let unsigned = NewWebhook {
            secret: SecretString::from(""),
            ..new(&["task.created"])
        };
        let made = connector.make_webhook(project, &unsigned).await;
        assert!(
            matches!(made, Err(ConnectorError::Setup { .. })),
            "{made:?}"
        );
        assert!(
            connector
                .webhooks(project)
                .await
                .expect("a list")
                .is_empty()
        );
    })
    .await;
}

/// A server that was told to send none does not know these addresses at all.
#[tokio::test]
async fn a_server_without_webhooks_is_said_to_be_one() {
    let server = on_double().await;
    let double = server.double.as_ref().expect("a double");
    double.set_fault(Fault::status(404).path("webhooks/events"));
    let told = server.connector().webhook_events().await;
    assert!(
        matches!(&told, Err(ConnectorError::Setup { what, .. }) if what.contains("webhooks")),
        "{told:?}"
    );
}

/// Nobody can tell whether a webhook was made whose answer was lost.
#[tokio::test]
async fn a_lost_answer_leaves_the_outcome_unknown() {
    for effect in [Effect::LostReply, Effect::LostRequest, Effect::NotJson] {
        let server = on_double().await;
        let mut connector = server.connector();
        let project = server.make_project("Hooked", 0).await;
        let double = server.double.as_ref().expect("a double");
        double.set_fault(
            Fault::new(effect.clone())
                .method("POST")
                .path("/webhooks")
                .first(1),
        );
        let made = connector
            .make_webhook(project, &new(&["task.created"]))
            .await;
        assert!(
            matches!(made, Err(ConnectorError::OutcomeUnknown { .. })),
            "{effect:?}: {made:?}"
        );
    }
}

#[tokio::test]
async fn a_token_is_asked_what_it_may_not_do_with_webhooks() {
    on_each(async |server| {
        let mut connector = server.connector();
        let missing = connector.missing_webhook_rights().await.expect("an answer");
        assert!(missing.is_empty(), "{missing:?}");
        let permissions = json!({ "webhooks": ["events"], "projects_webhooks": ["read_all"] });
        let Some(token) = server.limited_token(permissions).await else {
            return;
        };
        let mut limited = server.connector_with(&token);
        let missing = limited.missing_webhook_rights().await.expect("an answer");
        let expected = ["create", "update", "delete"].map(|name| format!("projects_webhooks: {name}"));
        assert_eq!(missing, expected);
        let made = limited.make_webhook(1, &new(&["task.created"])).await;
        assert!(
            matches!(&made, Err(ConnectorError::Setup { what, .. }) if what.contains("projects_webhooks: create")),
            "{made:?}"
        );
    })
    .await;
}
