//! What a token may not do is found out without writing anything.

use instep_connectors::vikunja::{Settings, VikunjaConnector};
use instep_model::TimeZone;
use reqwest::Method;
use serde_json::{Map, Value as Json, json};

use super::server::{Server, on_each};

/// All that is needed (contract 1.3).
const NEEDED: [(&str, &[&str]); 7] = [
    ("other", &["user"]),
    ("projects", &["read_all", "read_one", "create"]),
    (
        "tasks",
        &[
            "read_all",
            "read_one",
            "create",
            "create_bulk",
            "update",
            "delete",
        ],
    ),
    ("labels", &["read_all", "create"]),
    ("tasks_labels", &["create", "delete", "update_bulk"]),
    (
        "tasks_comments",
        &["read_all", "create", "update", "delete"],
    ),
    ("tasks_relations", &["create", "delete"]),
];

/// What a token with all of it but one right lacks; `None` where no token can be made.
async fn missing(server: &Server, without: &str, writes: bool) -> Option<Vec<&'static str>> {
    let mut permissions = Map::new();
    for (group, names) in NEEDED {
        let has = |name: &&&str| format!("{group}: {name}") != without;
        let kept: Vec<&&str> = names.iter().filter(has).collect();
        if !kept.is_empty() {
            permissions.insert(group.to_owned(), json!(kept));
        }
    }
    let token = server.limited_token(permissions.into()).await?;
    let settings = Settings::new(server.url.clone(), token.into(), TimeZone::UTC);
    let mut connector = VikunjaConnector::connect(settings).expect("settings");
    let missing = connector.missing_rights(writes).await;
    Some(missing.expect("an answer"))
}

/// Everything that a request of the check could make, change or remove.
async fn held(server: &Server) -> Vec<Json> {
    let mut held = Vec::new();
    for path in ["api/v2/projects", "api/v2/tasks", "api/v2/labels"] {
        let (status, list) = server.ask(Method::GET, path, None).await;
        assert_eq!(status, 200, "{list}");
        held.push(list["items"].clone());
    }
    held
}

#[tokio::test]
async fn each_right_that_a_token_lacks_is_named_and_nothing_is_written() {
    on_each(async |server| {
        let Some(none) = missing(server, "", true).await else {
            return;
        };
        assert!(none.is_empty(), "{none:?}");
        let before = held(server).await;
        for (group, names) in NEEDED {
            for name in names {
                let right = format!("{group}: {name}");
                let found = missing(server, &right, true).await;
                assert_eq!(found.expect("a token"), [right.as_str()]);
                let found = missing(server, &right, false).await.expect("a token");
                let reads = name.starts_with("read") || group == "other";
                assert_eq!(found.len(), usize::from(reads), "{right}: {found:?}");
            }
        }
        assert_eq!(held(server).await, before);
    })
    .await;
}

/// A token that is none lacks no right: it is told as dead elsewhere.
#[tokio::test]
async fn a_dead_token_lacks_no_right() {
    on_each(async |server| {
        let token = "tk_0000000000000000000000000000000000000000";
        let settings = Settings::new(server.url.clone(), token.into(), TimeZone::UTC);
        let mut connector = VikunjaConnector::connect(settings).expect("settings");
        let missing = connector.missing_rights(true).await.expect("an answer");
        assert!(missing.is_empty(), "{missing:?}");
    })
    .await;
}
