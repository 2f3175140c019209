//! A connector that is kept between turns, while a person works on the server.

use instep_contract::Connector;
use instep_model::{Field, Value};
use serde_json::json;

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
