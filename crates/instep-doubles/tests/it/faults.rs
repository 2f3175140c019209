//! Scripted faults, the clock, and what a test can see of the traffic.

use std::time::{Duration, Instant};

use instep_doubles::vikunja::cases::{ALL, Stop, Target};
use instep_doubles::vikunja::{Effect, Fault, Options, Vikunja};
use serde_json::{Value, json};

/// Long enough for any answer on this host.
const PATIENCE: Duration = Duration::from_secs(10);

struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Client {
    fn of(double: &Vikunja) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("an HTTP client");
        Self {
            http,
            url: double.url().to_owned(),
            token: double.token().to_owned(),
        }
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method: reqwest::Method = method.parse().expect("a method");
        self.http
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(&self.token)
    }

    async fn get(&self, path: &str) -> Result<reqwest::Response, reqwest::Error> {
        self.request("GET", path).send().await
    }

    async fn json(&self, path: &str) -> Value {
        self.get(path)
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON")
    }

    async fn write(&self, method: &str, path: &str, body: Value) -> reqwest::Result<Value> {
        self.request(method, path)
            .json(&body)
            .send()
            .await?
            .json()
            .await
    }

    /// A project with these tasks; gives its id.
    async fn project(&self, titles: &[&str]) -> i64 {
        let made = self
            .write("PUT", "/api/v1/projects", json!({"title": "p"}))
            .await;
        let id = made.expect("a project")["id"].as_i64().expect("an id");
        for title in titles {
            let path = format!("/api/v1/projects/{id}/tasks");
            self.write("PUT", &path, json!({"title": title}))
                .await
                .expect("a task");
        }
        id
    }
}

async fn fresh() -> (Vikunja, Client) {
    let double = Vikunja::start(Options::default()).await;
    let client = Client::of(&double);
    (double, client)
}

#[tokio::test]
async fn a_status_hits_the_nth_matching_request() {
    let (double, client) = fresh().await;
    let retry_after = Some("7".to_owned());
    let effect = Effect::Status {
        status: 503,
        retry_after,
    };
    double.set_fault(Fault::new(effect).method("GET").path("/user").nth(2));
    double.set_fault(Fault::status(429).path("/projects").every(2));
    let mut seen = Vec::new();
    for path in [
        "/user",
        "/projects",
        "/user",
        "/user",
        "/projects",
        "/projects",
    ] {
        let answer = client
            .get(&format!("/api/v1{path}"))
            .await
            .expect("an answer");
        let retry = answer.headers().get("retry-after").is_some();
        seen.push((answer.status().as_u16(), retry));
    }
    let calm = (200, false);
    assert_eq!(seen, [calm, calm, (503, true), calm, (429, false), calm]);
    let recorded: Vec<Option<u16>> = double.requests().iter().map(|r| r.status).collect();
    assert_eq!(recorded, [200, 200, 503, 200, 429, 200].map(Some));
    assert_eq!(double.count("GET", "/user"), 3);
    assert_eq!(double.counts()["GET"], 6);
    double.clear_faults();
    assert_eq!(
        client
            .get("/api/v1/projects")
            .await
            .expect("an answer")
            .status(),
        200
    );
}

#[tokio::test]
async fn bodies_can_be_wrong() {
    let (double, client) = fresh().await;
    double.set_fault(Fault::new(Effect::NotJson).first(1));
    let answer = client.get("/api/v1/user").await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert!(answer.json::<Value>().await.is_err());
    double.set_fault(Fault::new(Effect::Html).first(1));
    let answer = client.get("/api/v1/user").await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert!(
        answer
            .text()
            .await
            .expect("a page")
            .starts_with("<!DOCTYPE html>")
    );
    double.clear_faults();
    double.set_fault(Fault::new(Effect::TruncatedBody).first(1));
    let answer = client.get("/api/v1/user").await.expect("a head");
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.is_err(), "the body should end early");
    assert_eq!(
        client
            .get("/api/v1/user")
            .await
            .expect("an answer")
            .status(),
        200
    );
}

#[tokio::test]
async fn lists_can_be_short() {
    let (double, client) = fresh().await;
    let id = client.project(&["a", "b", "c"]).await;
    let path = format!("/api/v2/projects/{id}/tasks");
    double.set_fault(Fault::new(Effect::EmptyList).path("/tasks").nth(1));
    double.set_fault(
        Fault::new(Effect::CutPage { keep: 1 })
            .path("/tasks")
            .nth(2),
    );
    let empty = client.json(&path).await;
    assert_eq!((&empty["items"], &empty["total"]), (&json!([]), &json!(0)));
    let cut = client.json(&path).await;
    let items = cut["items"].as_array().expect("items").len();
    assert_eq!((items, &cut["total"]), (1, &json!(3)));
    let whole = client.json(&path).await;
    assert_eq!(whole["items"].as_array().expect("items").len(), 3);
}

#[tokio::test]
async fn a_lost_reply_is_an_applied_request() {
    let (double, client) = fresh().await;
    let id = client.project(&[]).await;
    let path = format!("/api/v1/projects/{id}/tasks");
    double.set_fault(Fault::new(Effect::LostReply).method("PUT").first(1));
    assert!(
        client
            .write("PUT", &path, json!({"title": "applied"}))
            .await
            .is_err()
    );
    let stored = client.json(&path).await;
    assert_eq!(stored[0]["title"], "applied");
    double.clear_faults();
    double.set_fault(Fault::new(Effect::LostRequest).method("PUT").first(1));
    assert!(
        client
            .write("PUT", &path, json!({"title": "lost"}))
            .await
            .is_err()
    );
    assert_eq!(
        client.json(&path).await.as_array().expect("a list").len(),
        1
    );
    let lost = double
        .requests()
        .iter()
        .filter(|request| request.status.is_none())
        .count();
    assert_eq!(lost, 2);
}

#[tokio::test]
async fn answers_can_be_late_or_never_come() {
    let (double, client) = fresh().await;
    let wait = Duration::from_millis(120);
    double.set_fault(Fault::new(Effect::Delay(wait)).path("/user"));
    let start = Instant::now();
    client.get("/api/v1/user").await.expect("an answer");
    assert!(start.elapsed() >= wait);
    double.clear_faults();
    double.set_fault(Fault::new(Effect::Hang).path("/user"));
    let hanging = tokio::time::timeout(wait, client.get("/api/v1/user")).await;
    assert!(hanging.is_err(), "an answer came");
    assert_eq!(
        client
            .get("/api/v1/projects")
            .await
            .expect("an answer")
            .status(),
        200
    );
}

#[tokio::test]
async fn connections_can_be_refused() {
    let (double, client) = fresh().await;
    client.get("/api/v1/user").await.expect("an answer");
    assert_eq!(double.connections_opened(), 1);
    client.get("/api/v1/user").await.expect("an answer");
    assert_eq!(double.connections_opened(), 1, "the connection is kept");
    double.refuse_connections().await;
    let error = client.get("/api/v1/user").await.expect_err("refused");
    assert!(error.is_connect() || error.is_request(), "{error:?}");
    let address = double.url().trim_start_matches("http://").to_owned();
    assert!(tokio::net::TcpStream::connect(&address).await.is_err());
    double.accept_connections().await;
    assert_eq!(
        client
            .get("/api/v1/user")
            .await
            .expect("an answer")
            .status(),
        200
    );
}

#[tokio::test]
async fn an_empty_restart_is_another_server() {
    let (double, client) = fresh().await;
    let id = client.project(&["a"]).await;
    let before = client.json("/api/v1/user").await;
    double.restart_empty();
    let after = client.json("/api/v1/user").await;
    assert_ne!(before["created"], after["created"]);
    let gone = client
        .get(&format!("/api/v1/projects/{id}"))
        .await
        .expect("an answer");
    assert_eq!(gone.status(), 404);
}

#[tokio::test]
async fn the_clock_can_be_driven() {
    let (double, client) = fresh().await;
    let noon: jiff::Timestamp = "2026-08-04T12:00:00Z".parse().expect("a date");
    double.clock().freeze(noon);
    let id = client.project(&["a"]).await;
    let path = format!("/api/v1/projects/{id}/tasks");
    assert_eq!(
        client.json(&path).await[0]["updated"],
        "2026-08-04T12:00:00Z"
    );
    double.clock().shift(90);
    let answer = client.get(&path).await.expect("an answer");
    assert_eq!(answer.headers()["date"], "Tue, 04 Aug 2026 12:01:30 GMT");
    double.clock().follow_real_time();
    assert!(
        jiff::Timestamp::now()
            .duration_since(double.clock().now())
            .as_secs()
            < 60
    );
}

/// A server that leaves items out of its lists must not pass: the cases do look.
#[tokio::test]
async fn the_cases_notice_a_wrong_server() {
    let (double, _) = fresh().await;
    double.set_fault(Fault::new(Effect::EmptyList).path("/tasks"));
    double.set_fault(Fault::status(200).method("PATCH"));
    for name in [
        "lists::keyset_pages_are_ascending",
        "v2::a_patch_changes_one_field",
    ] {
        let case = ALL.iter().find(|case| case.name == name).expect("the case");
        let target = Target::new(double.url(), double.token()).expect("an HTTP client");
        let outcome = case.run(&target).await;
        assert!(
            matches!(outcome, Err(Stop::Failed(_))),
            "{name}: {outcome:?}"
        );
    }
}

/// A listener of webhooks that gives the first request's arrival.
async fn first_arrival() -> (String, tokio::sync::oneshot::Receiver<Instant>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let (arrived, arrival) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        if listener.accept().await.is_ok() {
            // The test may have ended already.
            let _ = arrived.send(Instant::now());
        }
    });
    (url, arrival)
}

#[tokio::test]
async fn a_webhook_may_arrive_before_the_response() {
    let latency = Duration::from_millis(400);
    let double = Vikunja::start(Options {
        latency,
        ..Options::default()
    })
    .await;
    let client = Client::of(&double);
    let id = client.project(&[]).await;
    let (url, arrival) = first_arrival().await;
    let hook = json!({"target_url": url, "events": ["task.created"]});
    let path = format!("/api/v1/projects/{id}");
    client
        .write("PUT", &format!("{path}/webhooks"), hook)
        .await
        .expect("a hook");
    client
        .write("PUT", &format!("{path}/tasks"), json!({"title": "x"}))
        .await
        .expect("a task");
    let answered = Instant::now();
    let arrived = tokio::time::timeout(PATIENCE, arrival)
        .await
        .expect("in time")
        .expect("a hook");
    assert!(arrived < answered);
}

#[tokio::test]
async fn loopback_webhooks_can_be_forbidden() {
    let options = Options {
        loopback_webhooks: false,
        ..Options::default()
    };
    let double = Vikunja::start(options).await;
    let client = Client::of(&double);
    let id = client.project(&[]).await;
    let (url, arrival) = first_arrival().await;
    let hook = json!({"target_url": url, "events": ["task.created"]});
    let path = format!("/api/v1/projects/{id}");
    let made = client
        .write("PUT", &format!("{path}/webhooks"), hook)
        .await
        .expect("a hook");
    assert_eq!(made["target_url"], url);
    client
        .write("PUT", &format!("{path}/tasks"), json!({"title": "x"}))
        .await
        .expect("a task");
    let quiet = Duration::from_millis(300);
    assert!(
        tokio::time::timeout(quiet, arrival).await.is_err(),
        "a webhook came"
    );
}

/// Who goes away during a write leaves the database to the next.
#[tokio::test]
async fn a_caller_that_leaves_holds_up_no_later_write() {
    let options = Options {
        write_time: Duration::from_millis(400),
        ..Options::default()
    };
    let double = Vikunja::start(options).await;
    let client = Client::of(&double);
    let hasty = client.request("PUT", "/api/v1/projects");
    let hasty = hasty.timeout(Duration::from_millis(100));
    let left = hasty.json(&json!({"title": "hasty"})).send().await;
    assert!(left.is_err_and(|error| error.is_timeout()));
    let begun = Instant::now();
    let mut beat = tokio::time::interval(Duration::from_millis(20));
    loop {
        beat.tick().await;
        let made = client.write("PUT", "/api/v1/projects", json!({"title": "next"}));
        if made.await.expect("an answer")["id"].is_i64() {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "every later write failed");
    }
}
