//! Webhooks as a service really sends them: the stand-in's always, a real Vikunja's where
//! `INSTEP_TEST_VIKUNJA_URL` and `INSTEP_TEST_VIKUNJA_TOKEN` name one.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use instep_app::RemoteId;
use instep_daemon::http::Limits;
use instep_doubles::vikunja::{Options, Vikunja};
use serde_json::{Value, json};

use crate::house::{Open, SECRET, TestHouse, http};

/// Longer than a webhook takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Writes whose way is measured.
const WRITES: usize = 50;

struct Service {
    url: String,
    token: String,
    http: reqwest::Client,
}

impl Service {
    async fn write(&self, method: reqwest::Method, path: &str, body: Value) -> Value {
        let request = self
            .http
            .request(method, format!("{}/api/v2/{path}", self.url))
            .bearer_auth(&self.token)
            .header("content-type", "application/json")
            .body(body.to_string());
        let answer = request.send().await.expect("an answer");
        let (status, text) = (answer.status(), answer.text().await.expect("a body"));
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}

async fn heard_of(house: &TestHouse, task: i64) -> Instant {
    let begun = Instant::now();
    let mut beat = tokio::time::interval(Duration::from_millis(1));
    loop {
        beat.tick().await;
        let heard = house.heard();
        let mut about = heard
            .iter()
            .filter(|one| one.0.items == [RemoteId::new(task.to_string())]);
        if let Some((_, at)) = about.next() {
            return *at;
        }
        assert!(begun.elapsed() < PATIENCE, "task {task} was not heard of");
    }
}

/// Every task that is made is heard of, and soon.
async fn each_task_is_heard_of(service: &Service, name: &str) {
    let house = TestHouse::new();
    let door = Open::at(Arc::clone(&house), Limits::default()).await;
    let project = service
        .write(reqwest::Method::POST, "projects", json!({"title": "Heard"}))
        .await;
    let project = project["id"].as_i64().expect("a project");
    let hook = json!({
        "target_url": door.url("/hooks/vikunja"),
        "events": ["task.created", "task.updated", "project.updated"],
        "secret": SECRET,
    });
    service
        .write(
            reqwest::Method::POST,
            &format!("projects/{project}/webhooks"),
            hook,
        )
        .await;
    let mut spans = Vec::new();
    for number in 0..WRITES {
        let begun = Instant::now();
        let body = json!({"title": format!("<{number}> & more")});
        let path = format!("projects/{project}/tasks");
        let task = service.write(reqwest::Method::POST, &path, body).await;
        let at = heard_of(&house, task["id"].as_i64().expect("a task")).await;
        spans.push(at.saturating_duration_since(begun));
    }
    spans.sort();
    let told = format!(
        "{name}: from write to acceptance, {WRITES} writes: min {:?}, median {:?}, max {:?}\n",
        spans[0],
        spans[WRITES / 2],
        spans[WRITES - 1]
    );
    std::io::stderr()
        .write_all(told.as_bytes())
        .expect("stderr");
    assert!(spans[WRITES / 2] < Duration::from_millis(500), "{told}");
    let body = json!({"title": "Heard of"});
    service
        .write(reqwest::Method::PUT, &format!("projects/{project}"), body)
        .await;
    let begun = Instant::now();
    let mut beat = tokio::time::interval(Duration::from_millis(1));
    while !house.heard().iter().any(|one| one.0.items.is_empty()) {
        assert!(begun.elapsed() < PATIENCE, "the project was not heard of");
        beat.tick().await;
    }
    service
        .write(
            reqwest::Method::DELETE,
            &format!("projects/{project}"),
            Value::Null,
        )
        .await;
    door.close().await;
}

#[tokio::test]
async fn the_double_is_heard() {
    let double = Vikunja::start(Options::default()).await;
    let service = Service {
        url: double.url().to_owned(),
        token: double.token().to_owned(),
        http: http(),
    };
    each_task_is_heard_of(&service, "double").await;
}

#[tokio::test]
async fn a_real_server_is_heard() {
    let named = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let (Some(url), Some(token)) = (
        named("INSTEP_TEST_VIKUNJA_URL"),
        named("INSTEP_TEST_VIKUNJA_TOKEN"),
    ) else {
        return;
    };
    let http = http();
    each_task_is_heard_of(&Service { url, token, http }, "real server").await;
}
