//! The servers that tests run against, and a person who works on them beside the connector.

use std::time::{Duration, Instant};

use instep_connectors::vikunja::{Settings, VikunjaConnector};
use instep_contract::{Applied, Connector, ConnectorError, Cursor, Look, Observation};
use instep_doubles::vikunja::{ADMIN, ADMIN_PASSWORD, Options, Vikunja};
use instep_model::{Draft, Field, Fields, Operation, RemoteId, TaskId, TimeZone, Timestamp, Value};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value as Json, json};
use uuid::Uuid;

/// One server with one fresh user on it.
pub(super) struct Server {
    pub url: String,
    pub token: String,
    pub double: Option<Vikunja>,
    login: Json,
    http: reqwest::Client,
}

/// Only one test at a time works on the real server: SQLite refuses a second writer.
static REAL: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Longer than anything that is waited for takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a test against the double, and against the real server where there is one.
pub(super) async fn on_each(test: impl AsyncFn(&Server)) {
    let server = on_double().await;
    test(&server).await;
    let url = std::env::var("INSTEP_TEST_VIKUNJA_URL");
    let token = std::env::var("INSTEP_TEST_VIKUNJA_TOKEN");
    if let (Ok(url), Ok(token)) = (url, token) {
        let _turn = REAL.lock().await;
        test(&fresh_user(url, token).await).await;
    }
}

/// A double of its own.
pub(super) async fn on_double() -> Server {
    on_double_with(Options::default()).await
}

/// The same, behaving as told.
pub(super) async fn on_double_with(options: Options) -> Server {
    let double = Vikunja::start(options).await;
    Server {
        url: double.url().to_owned(),
        token: double.token().to_owned(),
        double: Some(double),
        login: json!({ "username": ADMIN, "password": ADMIN_PASSWORD }),
        http: http(),
    }
}

/// A user nobody else works for, so that calls can be counted. Where the server takes no
/// registrations, the token's own user has to do.
async fn fresh_user(url: String, token: String) -> Server {
    let mut server = Server {
        url,
        token,
        double: None,
        login: Json::Null,
        http: http(),
    };
    let name = format!("it{}", Uuid::new_v4().simple());
    let login = json!({ "username": name, "password": "password1234", "email": format!("{name}@example.org") });
    let (status, _) = server
        .ask(Method::POST, "api/v1/register", Some(login.clone()))
        .await;
    if status != 200 {
        return server;
    }
    server.login = login;
    server.token = server.log_in().await;
    let (_, routes) = server.ask(Method::GET, "api/v1/routes", None).await;
    let mut permissions = serde_json::Map::new();
    for (group, routes) in routes.as_object().expect("groups of routes") {
        let names: Vec<&String> = routes.as_object().expect("routes").keys().collect();
        if !names.is_empty() {
            permissions.insert(group.clone(), json!(names));
        }
    }
    server.token = server.make_token(Json::Object(permissions)).await;
    server
}

fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().build().expect("a client")
}

impl Server {
    /// The double that it is.
    pub(super) fn double(&self) -> &Vikunja {
        self.double.as_ref().expect("a double")
    }

    /// A connector for this user.
    pub(super) fn connector(&self) -> VikunjaConnector {
        self.connector_with(&self.token)
    }

    pub(super) fn connector_with(&self, token: &str) -> VikunjaConnector {
        VikunjaConnector::connect(self.settings(token)).expect("a connector")
    }

    pub(super) fn settings(&self, token: &str) -> Settings {
        let zone = TimeZone::get("Europe/Berlin").expect("a time zone");
        Settings::new(self.url.clone(), SecretString::from(token.to_owned()), zone)
    }

    /// What a person's browser would send.
    pub(super) async fn ask(&self, method: Method, path: &str, body: Option<Json>) -> (u16, Json) {
        let kind = if method == Method::PATCH {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        let mut request = self
            .http
            .request(method, format!("{}/{path}", self.url))
            .bearer_auth(&self.token)
            .header("content-type", kind);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or(Json::Null))
    }

    /// The same, where it has to work.
    pub(super) async fn done(&self, method: Method, path: &str, body: Json) -> Json {
        let shown = format!("{method} {path} {body}");
        let body = (!body.is_null()).then_some(body);
        let (status, answer) = self.ask(method, path, body).await;
        assert!((200..300).contains(&status), "{shown}: {status} {answer}");
        answer
    }

    pub(super) async fn make_task(&self, project: i64, body: Json) -> i64 {
        let path = format!("api/v2/projects/{project}/tasks");
        id_of(&self.done(Method::POST, &path, body).await)
    }

    pub(super) async fn make_project(&self, title: &str, parent: i64) -> i64 {
        let body = json!({ "title": title, "parent_project_id": parent });
        id_of(&self.done(Method::POST, "api/v2/projects", body).await)
    }

    pub(super) async fn patch_task(&self, id: i64, body: Json) {
        self.done(Method::PATCH, &format!("api/v2/tasks/{id}"), body)
            .await;
    }

    pub(super) async fn patch_project(&self, id: i64, body: Json) {
        self.done(Method::PATCH, &format!("api/v2/projects/{id}"), body)
            .await;
    }

    pub(super) async fn delete_task(&self, id: i64) {
        self.done(Method::DELETE, &format!("api/v2/tasks/{id}"), Json::Null)
            .await;
    }

    pub(super) async fn task(&self, id: i64) -> Json {
        let path = format!("api/v2/tasks/{id}?expand=comments");
        self.done(Method::GET, &path, Json::Null).await
    }

    pub(super) async fn inbox(&self) -> i64 {
        let user = self.done(Method::GET, "api/v1/user", Json::Null).await;
        user["settings"]["default_project_id"]
            .as_i64()
            .expect("an inbox")
    }

    /// A token of a browser, which may make others.
    async fn log_in(&self) -> String {
        let login = Some(self.login.clone());
        let (_, answer) = self.ask(Method::POST, "api/v1/login", login).await;
        answer["token"].as_str().expect("a token").to_owned()
    }

    /// An API token with these permissions; `None` for a user whose password is not known.
    pub(super) async fn limited_token(&self, permissions: Json) -> Option<String> {
        if self.login.is_null() {
            return None;
        }
        let browser = Self {
            url: self.url.clone(),
            token: self.log_in().await,
            double: None,
            login: Json::Null,
            http: self.http.clone(),
        };
        Some(browser.make_token(permissions).await)
    }

    async fn make_token(&self, permissions: Json) -> String {
        let body = json!({
            "title": "test", "expires_at": "2099-01-01T00:00:00Z", "permissions": permissions,
        });
        let made = self.done(Method::PUT, "api/v1/tokens", body).await;
        made["token"].as_str().expect("a token").to_owned()
    }

    /// Lets this many seconds pass on the server.
    pub(super) async fn pass(&self, secs: i64) {
        if let Some(double) = &self.double {
            double.clock().shift(secs);
            return;
        }
        let start = self.now().await;
        let begun = Instant::now();
        while self.now().await - start < secs {
            assert!(
                begun.elapsed() < PATIENCE,
                "the server's clock stands still"
            );
            beat().await;
        }
    }

    async fn now(&self) -> i64 {
        let request = self.http.get(format!("{}/api/v1/info", self.url));
        let answer = request.send().await.expect("an answer");
        let date = answer.headers()["date"]
            .to_str()
            .expect("a date")
            .to_owned();
        let date = jiff::fmt::rfc2822::parse(&date).expect("a date");
        date.timestamp().as_second()
    }

    /// Waits until `test` holds.
    pub(super) async fn until(&self, what: &str, test: impl AsyncFn() -> bool) {
        let begun = Instant::now();
        while !test().await {
            assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
            beat().await;
        }
    }
}

/// One beat of a bounded poll.
pub(super) async fn beat() {
    let span = Duration::from_millis(20);
    let next = tokio::time::Instant::now() + span;
    tokio::time::interval_at(next, span).tick().await;
}

fn id_of(answer: &Json) -> i64 {
    answer["id"].as_i64().expect("an id")
}

/// A connector together with the cursor of its last look.
pub(super) struct Watch {
    pub connector: VikunjaConnector,
    pub cursor: Cursor,
}

impl Watch {
    /// After a first look at everything.
    pub(super) async fn start(server: &Server) -> (Self, Observation) {
        let mut connector = server.connector();
        let seen = connector
            .observe(None, Look::Everything)
            .await
            .expect("a look");
        let cursor = seen.cursor.clone();
        (Self { connector, cursor }, seen)
    }

    /// A look for changes, and how many calls it took.
    pub(super) async fn look(&mut self) -> (Observation, u64) {
        let before = self.connector.calls();
        let cursor = self.cursor.clone();
        let seen = self
            .connector
            .observe(Some(&cursor), Look::Changes)
            .await
            .expect("a look");
        self.cursor = seen.cursor.clone();
        (seen, self.connector.calls() - before)
    }

    /// Looks until nothing is unsettled any more.
    pub(super) async fn settle(&mut self, server: &Server) {
        server.pass(3).await;
        for _ in 0..3 {
            let (seen, calls) = self.look().await;
            if seen.tasks.is_empty() && seen.gone.is_empty() && calls == 1 {
                return;
            }
            server.pass(3).await;
        }
        panic!("the account does not come to rest");
    }

    pub(super) async fn apply(&mut self, operation: Operation) -> Result<Applied, ConnectorError> {
        let mut results = self.connector.apply(&[operation]).await?;
        results.pop().expect("a result")
    }
}

/// A task to be made, with nothing but these fields.
pub(super) fn draft(fields: Fields) -> Draft {
    Draft {
        task: TaskId(Uuid::new_v4()),
        collection: None,
        fields,
        notes: Vec::new(),
        depends: Default::default(),
        parent: None,
        markers: Default::default(),
        shadow: None,
    }
}

pub(super) fn titled(title: &str) -> Fields {
    Fields::new().with(Field::Title, Value::Text(title.into()))
}

pub(super) fn remote(id: i64) -> RemoteId {
    RemoteId::new(id.to_string())
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// The titles of what was seen, sorted.
pub(super) fn titles(seen: &Observation) -> Vec<String> {
    let mut titles: Vec<String> = seen
        .tasks
        .iter()
        .map(|t| t.fields.title().to_owned())
        .collect();
    titles.sort();
    titles
}

/// The ids of what is gone, sorted.
pub(super) fn gone(seen: &Observation) -> Vec<String> {
    let mut gone: Vec<String> = seen.gone.iter().map(|g| g.id.to_string()).collect();
    gone.sort();
    gone
}
