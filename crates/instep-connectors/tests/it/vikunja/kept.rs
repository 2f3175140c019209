//! A connector that is kept between turns, while a person works on the server.

use instep_contract::Connector;
use instep_model::{Field, Value};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::vikunja::server::{on_each, remote};

#[tokio::test]
async fn a_task_in_a_project_that_was_made_since_is_read_with_its_project() {
    on_each(async |server| {
        let inbox = server.inbox().await;
        let first = server.make_task(inbox, json!({ "title": "first" })).await;
        let mut connector = server.connector();
        connector.read(&[remote(first)]).await.expect("a task");

        let project = server.make_project("Made since", 0).await;
        let task = server.make_task(project, json!({ "title": "in it" })).await;
        for most in [2, 1] {
            let before = connector.calls();
            let read = connector.read(&[remote(task)]).await.expect("a task");
            let found = read[0].as_ref().expect("there");
            let path = Value::parse(Field::Project, "Made since").expect("canonical");
            assert_eq!(found.fields.get(Field::Project), Some(&path));
            assert_eq!(connector.calls() - before, most, "the tree is listed once");
        }
    })
    .await;
}

#[tokio::test]
async fn a_label_that_was_deleted_since_is_made_anew_in_the_next_turn() {
    on_each(async |server| {
        let made = server
            .done(Method::POST, "api/v2/labels", json!({ "title": "kept" }))
            .await;
        let mut connector = server.connector();
        let tags = ["kept".to_owned()];
        let missing = connector.missing_tags(&tags).await.expect("labels");
        assert!(missing.is_empty(), "{missing:?}");
        let path = format!("api/v2/labels/{}", made["id"]);
        server.done(Method::DELETE, &path, Json::Null).await;
        connector.begin();
        assert_eq!(connector.missing_tags(&tags).await.expect("labels"), tags);
    })
    .await;
}
