//! Labels under the hands of a person while a connector is kept: no task gets another one than was meant,
//! and none is made twice.

use std::collections::BTreeSet;

use instep_connectors::vikunja::VikunjaConnector;
use instep_contract::{Applied, Connector, ConnectorError};
use instep_model::Operation;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::vikunja::server::{Server, on_each, remote};

/// A connector that was told of a label in an earlier turn, and two tasks without any.
struct Kept<'s> {
    server: &'s Server,
    connector: VikunjaConnector,
    title: String,
    label: i64,
    tasks: [i64; 2],
}

impl<'s> Kept<'s> {
    async fn with_label(server: &'s Server, title: &str) -> Self {
        let body = json!({ "title": title });
        let made = server.done(Method::POST, "api/v2/labels", body).await;
        let inbox = server.inbox().await;
        let first = server.make_task(inbox, json!({ "title": "t" })).await;
        let second = server.make_task(inbox, json!({ "title": "u" })).await;
        let mut kept = Self {
            server,
            connector: server.connector(),
            title: title.to_owned(),
            label: made["id"].as_i64().expect("an id"),
            tasks: [first, second],
        };
        assert_eq!(kept.missing().await, [""; 0]);
        kept.connector.identity().await.expect("a user");
        kept.connector.begin();
        kept
    }

    async fn missing(&mut self) -> Vec<String> {
        let tags = [self.title.clone()];
        self.connector.missing_tags(&tags).await.expect("labels")
    }

    fn add(&self, task: usize) -> Operation {
        Operation::AddTag {
            id: remote(self.tasks[task]),
            tag: self.title.clone(),
        }
    }

    async fn apply(&mut self, batch: &[Operation]) -> Vec<Result<Applied, ConnectorError>> {
        self.connector.apply(batch).await.expect("it was tried")
    }

    async fn rename_label(&self, title: &str) {
        let path = format!("api/v2/labels/{}", self.label);
        let body = json!({ "title": title });
        self.server.done(Method::PUT, &path, body).await;
    }

    async fn labels(&self, task: usize) -> Vec<String> {
        let stored = self.server.task(self.tasks[task]).await;
        let labels = stored["labels"].as_array().cloned().unwrap_or_default();
        let titles = labels.iter().filter_map(|label| label["title"].as_str());
        titles.map(str::to_owned).collect()
    }
}

fn is_overtaken(outcome: &Result<Applied, ConnectorError>) -> bool {
    matches!(outcome, Err(ConnectorError::Overtaken))
}

#[tokio::test]
async fn one_is_asked_for_once_a_turn_however_many_there_are() {
    for title in ["kept", "7", "a, 7", "back\\slash", "größer"] {
        on_each(async |server| {
            let mut kept = Kept::with_label(server, title).await;
            let before = kept.connector.calls();
            assert_eq!(kept.missing().await, [""; 0]);
            assert_eq!(kept.connector.calls() - before, 1, "{title}");
            let batch = [kept.add(0), kept.add(1), kept.add(0)];
            assert!(kept.apply(&batch).await.iter().all(Result::is_ok));
            assert_eq!(kept.connector.calls() - before, 4, "{title}");
            for task in [0, 1] {
                assert_eq!(kept.labels(task).await, [title]);
            }
        })
        .await;
    }
}

#[tokio::test]
async fn one_that_was_renamed_since_is_put_on_no_task() {
    on_each(async |server| {
        let mut kept = Kept::with_label(server, "kept").await;
        kept.rename_label("other").await;
        assert_eq!(kept.missing().await, ["kept"]);
        let make = Operation::CreateTag { tag: "kept".into() };
        let whole = Operation::SetTags {
            id: remote(kept.tasks[1]),
            tags: BTreeSet::from(["kept".to_owned()]),
        };
        let outcomes = kept.apply(&[make, kept.add(0), whole]).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        for task in [0, 1] {
            assert_eq!(kept.labels(task).await, ["kept"]);
        }
    })
    .await;
}

#[tokio::test]
async fn one_that_was_deleted_in_the_same_turn_is_made_anew() {
    on_each(async |server| {
        let mut kept = Kept::with_label(server, "kept").await;
        assert_eq!(kept.missing().await, [""; 0]);
        let path = format!("api/v2/labels/{}", kept.label);
        server.done(Method::DELETE, &path, Json::Null).await;
        let outcomes = kept.apply(&[kept.add(0)]).await;
        assert!(is_overtaken(&outcomes[0]), "{outcomes:?}");
        assert_eq!(kept.missing().await, ["kept"]);
    })
    .await;
}

#[tokio::test]
async fn one_that_was_made_since_is_not_made_twice() {
    for title in ["later", "7", "a, 7", "back\\slash"] {
        on_each(async |server| {
            let mut connector = server.connector();
            let tag = title.to_owned();
            let missing = connector.missing_tags(std::slice::from_ref(&tag)).await;
            assert_eq!(missing.expect("labels"), [title]);
            connector.begin();
            let body = json!({ "title": title });
            let made = server.done(Method::POST, "api/v2/labels", body).await;
            let tags = [tag.clone()];
            assert_eq!(
                connector.missing_tags(&tags).await.expect("labels"),
                [""; 0]
            );
            let make = Operation::CreateTag { tag };
            let outcomes = connector.apply(&[make]).await.expect("it was tried");
            let known = outcomes[0].as_ref().expect("it is there");
            assert_eq!(known.id.as_str(), made["id"].to_string());
        })
        .await;
    }
}
