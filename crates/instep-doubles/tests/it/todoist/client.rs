//! A client for the cases: plain HTTP, nothing of a connector.

use std::sync::atomic::{AtomicU64, Ordering};

use instep_doubles::todoist::{Options, Todoist};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

static NEXT: AtomicU64 = AtomicU64::new(1);

/// A text that no other call gives.
pub(super) fn fresh(stem: &str) -> String {
    format!("{stem}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A double and a client of it.
pub(super) struct Api {
    pub(super) double: Todoist,
    http: reqwest::Client,
}

#[derive(Debug)]
pub(super) struct Answer {
    asked: String,
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
    /// `null` when the text is no JSON.
    pub(super) body: Value,
}

impl Answer {
    /// The body of a call that went well.
    #[track_caller]
    pub(super) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}: {}", self.asked, self.text);
        self.body
    }

    /// A call that went well and says nothing.
    #[track_caller]
    pub(super) fn done(self) {
        assert_eq!(self.status, 204, "{}: {}", self.asked, self.text);
        assert_eq!(self.text, "", "{}", self.asked);
    }

    /// The body of a call that was refused like this.
    #[track_caller]
    pub(super) fn refused(self, status: u16, tag: &str) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text);
        assert_eq!(self.body["error_tag"], tag, "{}", self.asked);
        assert_eq!(self.body["http_code"], status, "{}", self.asked);
        self.body
    }

    #[track_caller]
    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        let value = value.unwrap_or_else(|| panic!("{}: no header {name}", self.asked));
        value.to_str().expect("text")
    }
}

impl Api {
    pub(super) async fn start(options: Options) -> Self {
        let double = Todoist::start(options).await;
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build();
        let http = http.expect("an HTTP client");
        Self { double, http }
    }

    pub(super) async fn fresh() -> Self {
        Self::start(Options::default()).await
    }

    /// Any request to the double's address.
    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> reqwest::Result<Answer> {
        let asked = format!("{method} {path}");
        let method: reqwest::Method = method.parse().expect("a method");
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.double.url()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Answer {
            asked,
            status,
            headers,
            text,
            body,
        })
    }

    /// A JSON call with a token, below the API's base.
    pub(super) async fn call_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<Answer> {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("authorization", bearer.as_str())];
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        let body = body.map(|body| body.to_string());
        self.send(method, &format!("/api/v1{path}"), &headers, body)
            .await
    }

    /// The same with the user's own token.
    pub(super) async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<Answer> {
        let token = self.double.token();
        self.call_as(token, method, path, body).await
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await.expect("an answer")
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, Some(body))
            .await
            .expect("an answer")
    }

    /// A POST without a body.
    pub(super) async fn act(&self, path: &str) -> Answer {
        self.call("POST", path, None).await.expect("an answer")
    }

    pub(super) async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None).await.expect("an answer")
    }

    /// A new task.
    pub(super) async fn task(&self, body: Value) -> Value {
        self.post("/tasks", body).await.ok()
    }

    /// The id of a new task with this body.
    pub(super) async fn task_id(&self, body: Value) -> String {
        id(&self.task(body).await)
    }

    pub(super) async fn read(&self, task: &str) -> Value {
        self.get(&format!("/tasks/{task}")).await.ok()
    }

    /// The id of a new project.
    pub(super) async fn project(&self) -> String {
        let body = json!({"name": fresh("project")});
        id(&self.post("/projects", body).await.ok())
    }

    /// The id of a new section.
    pub(super) async fn section(&self, project: &str) -> String {
        let body = json!({"name": fresh("section"), "project_id": project});
        id(&self.post("/sections", body).await.ok())
    }

    /// The ids of a list.
    pub(super) async fn ids(&self, path: &str) -> Vec<String> {
        let body = self.get(path).await.ok();
        let results = body["results"].as_array().expect("results");
        results.iter().map(id).collect()
    }

    pub(super) async fn sync(&self, body: Value) -> Value {
        self.post("/sync", body).await.ok()
    }

    /// Everything of these types, with the token.
    pub(super) async fn full(&self, types: &[&str]) -> Value {
        self.sync(json!({"sync_token": "*", "resource_types": types}))
            .await
    }

    /// The token of a full sync of the tasks.
    pub(super) async fn sync_token(&self) -> Value {
        self.full(&["items"]).await["sync_token"].clone()
    }

    /// The tasks that changed since a token.
    pub(super) async fn changed(&self, token: &Value) -> Vec<Value> {
        let body = json!({"sync_token": token, "resource_types": ["items"]});
        let delta = self.sync(body).await;
        assert_eq!(delta["full_sync"], false);
        delta["items"].as_array().cloned().unwrap_or_default()
    }

    /// Runs commands, with a token, so that nothing is read.
    pub(super) async fn commands(&self, commands: &[Value]) -> Value {
        let body = json!({"commands": commands});
        self.sync(body).await
    }

    /// The status of one command.
    pub(super) async fn command(&self, kind: &str, args: Value) -> Value {
        let command = command(kind, args);
        let uuid = command["uuid"].as_str().expect("a uuid").to_owned();
        self.commands(&[command]).await["sync_status"][&uuid].clone()
    }

    /// How many active tasks there are with this content.
    pub(super) async fn count(&self, content: &str) -> usize {
        let all = self.get("/tasks?limit=200").await.ok();
        let all = all["results"].as_array().expect("results");
        all.iter().filter(|task| task["content"] == content).count()
    }
}

/// A command with a uuid of its own.
pub(super) fn command(kind: &str, args: Value) -> Value {
    json!({"type": kind, "uuid": fresh("uuid"), "args": args})
}

/// The `id` of an object.
#[track_caller]
pub(super) fn id(object: &Value) -> String {
    let id = object["id"].as_str();
    id.unwrap_or_else(|| panic!("no id in {object}")).to_owned()
}
