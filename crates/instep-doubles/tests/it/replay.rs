//! Recorded exchanges of a real server, sent again to the double: the answers must agree in
//! status, code, keys, types and the form of dates. Values are not compared.

mod ids;
mod recording;
mod shape;

use std::collections::BTreeMap;
use std::io::Write as _;

use instep_doubles::vikunja::{ADMIN, ADMIN_PASSWORD, Options, Vikunja, signature};
use serde_json::{Value, json};

use ids::Ids;
use recording::{Exchange, Recording};

/// The recordings in the order they were made; later ones build on what earlier ones left.
const IN_ORDER: &[&str] = &[
    "info",
    "login",
    "token-create",
    "user",
    "project-create",
    "label-create",
    "task-create-minimal",
    "task-create-full",
    "task-labels",
    "task-get",
    "task-update-partial-body",
    "task-update-round-trip",
    "v2-task-get-patch",
    "task-done",
    "task-done-repeating",
    "task-done-repeating-by-bucket",
    "task-done-monthly",
    "task-delete",
    "task-list",
    "task-delta",
    "task-bulk-update",
    "relations",
    "comments",
    "reminders",
    "task-move",
    "v1-body-id-wins",
    "project-list",
    "project-update",
    "errors-400",
    "errors-404-405",
    "errors-412-422",
    "v2-task-list",
    "webhook-manage",
];

/// A double with the recording's user, and what is known of ids so far.
struct Replay {
    double: Vikunja,
    http: reqwest::Client,
    login: String,
    ids: Ids,
    etag: String,
}

impl Replay {
    async fn start(options: Options) -> Self {
        let double = Vikunja::start(options).await;
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("an HTTP client");
        let mut replay = Self {
            double,
            http,
            login: String::new(),
            ids: Ids::default(),
            etag: String::new(),
        };
        let body = json!({"username": ADMIN, "password": ADMIN_PASSWORD});
        let (_, answer) = replay.send("POST", "/api/v1/login", &[], Some(body)).await;
        replay.login = answer["token"].as_str().expect("a login").to_owned();
        let (_, me) = replay.send("GET", "/api/v1/user", &[], None).await;
        replay.ids.user = me["id"].as_i64().expect("a user id");
        replay
    }

    async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> (reqwest::Response, Value) {
        let method: reqwest::Method = method.parse().expect("a method");
        let url = format!("{}{path}", self.double.url());
        let mut request = self.http.request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !self.login.is_empty() {
            request = request.bearer_auth(&self.login);
        }
        if let Some(body) = body {
            // A recorded body that is text was not JSON.
            let text = body
                .as_str()
                .map_or_else(|| body.to_string(), ToOwned::to_owned);
            request = request.body(text);
        }
        let mut response = request.send().await.expect("an answer");
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.expect("a body") {
            bytes.extend_from_slice(&chunk);
        }
        let body = match bytes.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&bytes).expect("a JSON body"),
        };
        (response, body)
    }

    /// Makes what a recording takes for granted.
    async fn prepare(&mut self, recording: &Recording) {
        for exchange in &recording.exchanges {
            for project in ids::projects_in(&exchange.path) {
                self.ensure_project(project).await;
            }
            for task in ids::tasks_in(exchange) {
                self.ensure_task(task, recording).await;
            }
        }
    }

    async fn ensure_project(&mut self, recorded: i64) {
        if recorded > recording::NOWHERE || self.ids.projects.contains_key(&recorded) {
            return;
        }
        let body = json!({"title": format!("project {recorded}")});
        let (_, made) = self.send("PUT", "/api/v1/projects", &[], Some(body)).await;
        self.ids.learn_project(recorded, &made);
    }

    async fn ensure_task(&mut self, recorded: i64, recording: &Recording) {
        if recorded > recording::NOWHERE || self.ids.tasks.contains_key(&recorded) {
            return;
        }
        let home = ids::home_of(recorded);
        self.ensure_project(home).await;
        let first = recording.first_state(recorded);
        let mut body = first.unwrap_or_else(|| ids::made_up(recorded));
        let labels = self.ids.in_body(&body["labels"], "/labels");
        if let Value::Object(body) = &mut body {
            body.retain(|key, _| {
                !["id", "project_id", "index", "done", "labels"].contains(&&**key)
            });
        }
        let body = self.ids.in_body(&body, "/tasks");
        let path = format!("/api/v1/projects/{}/tasks", self.ids.projects[&home]);
        let (_, made) = self.send("PUT", &path, &[], Some(body)).await;
        let id = made["id"]
            .as_i64()
            .unwrap_or_else(|| panic!("task {recorded}: {made}"));
        self.ids.tasks.insert(recorded, id);
        for label in labels.as_array().into_iter().flatten() {
            let body = json!({"label_id": label["id"]});
            let path = format!("/api/v1/tasks/{id}/labels");
            self.send("PUT", &path, &[], Some(body)).await;
        }
    }

    /// Sends one exchange again and gives the differences.
    async fn replay(&mut self, exchange: &Exchange) -> Vec<String> {
        let path = self.ids.in_path(&exchange.path);
        let body = exchange
            .body
            .as_ref()
            .map(|body| self.ids.in_body(body, &exchange.path));
        let mut headers: Vec<(&str, String)> = Vec::new();
        for (name, value) in &exchange.headers {
            match name.as_str() {
                "Authorization" => {}
                "If-None-Match" => headers.push((name, self.etag.clone())),
                _ => headers.push((name, value.clone())),
            }
        }
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let (response, got) = self.send(&exchange.method, &path, &headers, body).await;
        if let Some(etag) = response.headers().get("etag") {
            self.etag = etag.to_str().expect("an etag").to_owned();
        }
        let mut differences = Vec::new();
        let status = response.status().as_u16();
        if status != exchange.status {
            differences.push(format!(
                "status: recorded {}, got {status}: {got}",
                exchange.status
            ));
            return differences;
        }
        for (name, recorded) in &exchange.answer_headers {
            let value = response
                .headers()
                .get(name)
                .map(|value| value.to_str().expect("text"));
            match (name.as_str(), value) {
                (_, None) => differences.push(format!("header {name} is missing")),
                ("content-type", Some(value)) if value != recorded => {
                    differences.push(format!("content-type: recorded {recorded}, got {value}"));
                }
                _ => {}
            }
        }
        shape::compare("body", &exchange.answer, &got, &mut differences);
        self.ids.learn(exchange, &got);
        differences
    }
}

#[tokio::test]
async fn recorded_exchanges_have_the_same_shape() {
    let mut replay = Replay::start(Options::default()).await;
    let mut differences: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut count = 0;
    for name in IN_ORDER {
        let recording = Recording::read(name);
        replay.prepare(&recording).await;
        for (at, exchange) in recording.exchanges.iter().enumerate() {
            count += 1;
            let found = replay.replay(exchange).await;
            if !found.is_empty() {
                let place = format!("{name}[{at}] {} {}", exchange.method, exchange.path);
                differences.insert(place, found);
            }
        }
    }
    let mut out = std::io::stderr();
    writeln!(
        out,
        "replayed {count} exchanges of {} recordings",
        IN_ORDER.len()
    )
    .expect("stderr");
    assert!(differences.is_empty(), "{differences:#?}");
}

#[tokio::test]
async fn recorded_exchanges_of_another_zone_have_the_same_shape() {
    let options = Options {
        timezone: "Europe/Berlin".to_owned(),
        ..Options::default()
    };
    let mut replay = Replay::start(options).await;
    let recording = Recording::read("zone-berlin");
    replay.ensure_project(2).await;
    for exchange in &recording.exchanges {
        let found = replay.replay(exchange).await;
        assert!(found.is_empty(), "{}: {found:#?}", exchange.path);
    }
}

#[test]
fn recorded_webhooks_are_signed_as_the_double_signs() {
    let mut count = 0;
    for (name, deliveries) in recording::webhooks() {
        for delivery in deliveries {
            count += 1;
            let signed = signature(&delivery.secret, delivery.body.as_bytes());
            assert_eq!(signed, delivery.signature, "{name}");
        }
    }
    assert!(count >= 14, "only {count} deliveries were found");
}
