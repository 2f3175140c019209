//! What a token may do, asked right by right: a server that refuses the token says so before it looks
//! at anything else (contract 1.2). Every request here is one that no server can carry out, by an id
//! that nothing has or a body that is no task, project or label; so that nothing is ever written.

use instep_contract::ConnectorError;
use reqwest::Method;
use serde_json::json;

use super::api::Api;
use super::client::Call;

/// An id that nothing has.
const NOTHING: &str = "9223372036854775807";

/// What is asked, and how; `-` stands for [`NOTHING`].
#[derive(Debug, Clone, Copy)]
struct Right {
    scope: &'static str,
    how: How,
    path: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Read,
    Make,
    Replace,
    Remove,
}

/// Everything that the calls of this connector need.
const RIGHTS: [Right; 21] = {
    use How::{Make, Read, Remove, Replace};
    [
        right("other: user", Read, "user"),
        right("projects: read_all", Read, "projects"),
        right("projects: read_one", Read, "projects/-"),
        right("projects: create", Make, "projects"),
        right("tasks: read_all", Read, "projects/-/tasks"),
        right("tasks: read_one", Read, "tasks/-"),
        right("tasks: create", Make, "projects/-/tasks"),
        right("tasks: create_bulk", Make, "projects/-/tasks/bulk"),
        right("tasks: update", Replace, "tasks/-"),
        right("tasks: delete", Remove, "tasks/-"),
        right("labels: read_all", Read, "labels"),
        right("labels: create", Make, "labels"),
        right("tasks_labels: create", Make, "tasks/-/labels"),
        right("tasks_labels: delete", Remove, "tasks/-/labels/-"),
        right("tasks_labels: update_bulk", Replace, "tasks/-/labels/bulk"),
        right("tasks_comments: read_all", Read, "tasks/-/comments"),
        right("tasks_comments: create", Make, "tasks/-/comments"),
        right("tasks_comments: update", Replace, "tasks/-/comments/-"),
        right("tasks_comments: delete", Remove, "tasks/-/comments/-"),
        right("tasks_relations: create", Make, "tasks/-/relations"),
        right(
            "tasks_relations: delete",
            Remove,
            "tasks/-/relations/subtask/-",
        ),
    ]
};

/// Everything that registering webhooks needs beyond [`RIGHTS`].
const WEBHOOK_RIGHTS: [Right; 5] = {
    use How::{Make, Read, Remove, Replace};
    [
        right("webhooks: events", Read, "webhooks/events"),
        right("projects_webhooks: read_all", Read, "projects/-/webhooks"),
        right("projects_webhooks: create", Make, "projects/-/webhooks"),
        right(
            "projects_webhooks: update",
            Replace,
            "projects/-/webhooks/-",
        ),
        right("projects_webhooks: delete", Remove, "projects/-/webhooks/-"),
    ]
};

const fn right(scope: &'static str, how: How, path: &'static str) -> Right {
    Right { scope, how, path }
}

impl Api {
    /// The scopes that the token lacks of those that are needed: with `writes` all, else those that
    /// read. A token that is dead lacks none.
    pub(super) async fn missing_rights(
        &self,
        writes: bool,
    ) -> Result<Vec<&'static str>, ConnectorError> {
        let needed = RIGHTS.iter();
        self.lacking(needed.filter(|right| writes || right.how == How::Read))
            .await
    }

    /// The same for what webhooks need.
    pub(super) async fn missing_webhook_rights(&self) -> Result<Vec<&'static str>, ConnectorError> {
        self.lacking(WEBHOOK_RIGHTS.iter()).await
    }

    async fn lacking(
        &self,
        needed: impl Iterator<Item = &Right>,
    ) -> Result<Vec<&'static str>, ConnectorError> {
        let mut missing = Vec::new();
        for right in needed {
            if !self.client.lets_pass(&right.call()).await? {
                missing.push(right.scope);
            }
        }
        match missing.is_empty() || self.client.is_alive().await? {
            true => Ok(missing),
            false => Ok(Vec::new()),
        }
    }
}

impl Right {
    fn call(self) -> Call {
        let parts = self.path.split('/').map(|part| match part {
            "-" => NOTHING,
            part => part,
        });
        let version = if self.scope == "other: user" { 1 } else { 2 };
        let path = format!("api/v{version}/{}", parts.collect::<Vec<_>>().join("/"));
        let call = Call::get(path, self.scope);
        match self.how {
            How::Read if self.path == "webhooks/events" => call,
            How::Read => call.query("per_page", 1),
            How::Make => call.by(Method::POST).body(json!([])),
            How::Replace => call.by(Method::PUT).body(json!([])),
            How::Remove => call.by(Method::DELETE),
        }
    }
}
