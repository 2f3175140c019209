//! What moves no time in Vikunja, and only a look at everything finds.

use instep_contract::{Connector, Look};
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::server::{Watch, on_each};

/// S9: a label that somebody deletes takes no task's time along.
#[tokio::test]
async fn s9_a_deleted_label_is_found_by_a_look_at_everything() {
    on_each(async |server| {
        let inbox = server.inbox().await;
        let task = server.make_task(inbox, json!({ "title": "t" })).await;
        let label = json!({ "title": "red" });
        let label = server.done(Method::POST, "api/v2/labels", label).await;
        let path = format!("api/v2/tasks/{task}/labels");
        let body = json!({ "label_id": label["id"] });
        server.done(Method::POST, &path, body).await;
        let (mut watch, seen) = Watch::start(server).await;
        assert!(seen.tasks[0].fields.tags().contains("red"));
        let path = format!("api/v2/labels/{}", label["id"]);
        server.done(Method::DELETE, &path, Json::Null).await;
        let cursor = watch.cursor.clone();
        let everything = watch.connector.observe(Some(&cursor), Look::Everything);
        let seen = everything.await.expect("a look");
        assert!(seen.tasks[0].fields.tags().is_empty());
        assert!(!seen.went_back);
    })
    .await;
}
