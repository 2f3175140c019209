//! The server a case runs against, and the few calls every case makes. No expectation of a case
//! stands here.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::outgoing::http_client;

use super::Stop;

/// How often a 500 of SQLite is tried again: the server's own listeners collide with a lone writer.
const BUSY_TRIES: u32 = 8;
/// Pause between two looks at something that is awaited.
const LOOK_PAUSE: Duration = Duration::from_millis(15);
/// How long something is awaited.
pub(super) const PATIENCE: Duration = Duration::from_secs(8);
/// How long something must stay away to count as not coming.
pub(super) const QUIET: Duration = Duration::from_millis(400);

/// A server under test: where it is and who asks.
#[derive(Debug)]
pub struct Target {
    url: String,
    token: String,
    http: reqwest::Client,
    /// Projects to delete when the case is over.
    made: Mutex<Vec<i64>>,
}

/// An answer of the server.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    asked: String,
    pub(super) status: u16,
    pub(super) headers: reqwest::header::HeaderMap,
    pub(super) body: Value,
}

impl Answer {
    /// Goes on only with this status.
    pub(super) fn want(self, status: u16) -> Result<Self, Stop> {
        if self.status == status {
            return Ok(self);
        }
        let (asked, got, body) = (&self.asked, self.status, &self.body);
        Err(Stop::Failed(format!(
            "{asked}: wanted {status}, got {got} with {body}"
        )))
    }

    /// Goes on only with this status and Vikunja code.
    pub(super) fn refused(self, status: u16, code: i64) -> Result<(), Stop> {
        let answer = self.want(status)?;
        same(
            &format!("code of {}", answer.asked),
            &answer.body["code"],
            json!(code),
        )
    }

    /// A header as text.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The `id` of the body.
    pub(super) fn id(&self) -> Result<i64, Stop> {
        let none = || Stop::Failed(format!("{}: no id in {}", self.asked, self.body));
        self.body["id"].as_i64().ok_or_else(none)
    }

    /// The body as a list.
    pub(super) fn items(&self) -> Vec<Value> {
        let list = if self.body.is_array() {
            &self.body
        } else {
            &self.body["items"]
        };
        list.as_array().cloned().unwrap_or_default()
    }

    /// The ids of the listed items.
    pub(super) fn ids(&self) -> Vec<i64> {
        self.items()
            .iter()
            .filter_map(|item| item["id"].as_i64())
            .collect()
    }
}

/// Fails unless both values are equal.
pub(super) fn same(what: &str, got: &Value, wanted: Value) -> Result<(), Stop> {
    if *got == wanted {
        return Ok(());
    }
    Err(Stop::Failed(format!("{what}: wanted {wanted}, got {got}")))
}

/// Fails unless the condition holds.
pub(super) fn holds(what: impl Into<String>, condition: bool) -> Result<(), Stop> {
    if condition {
        Ok(())
    } else {
        Err(Stop::Failed(what.into()))
    }
}

/// Waits until `look` gives something.
pub(super) async fn until<T, F, L>(what: &str, mut look: L) -> Result<T, Stop>
where
    L: FnMut() -> F,
    F: Future<Output = Result<Option<T>, Stop>>,
{
    let start = Instant::now();
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if start.elapsed() > PATIENCE {
            return Err(Stop::Failed(format!("did not come: {what}")));
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

impl Target {
    /// A server at `url` (without `/api`), asked with `token`: an API token with every scope, or a
    /// login.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(url: &str, token: &str) -> Result<Self, Stop> {
        let http = http_client(false).map_err(|error| Stop::Failed(error.to_string()))?;
        let (url, token) = (url.trim_end_matches('/').to_owned(), token.to_owned());
        Ok(Self {
            url,
            token,
            http,
            made: Mutex::default(),
        })
    }

    /// The same server, asked by another.
    pub(super) fn with_token(&self, token: &str) -> Self {
        let (url, http) = (self.url.clone(), self.http.clone());
        Self {
            url,
            token: token.to_owned(),
            http,
            made: Mutex::default(),
        }
    }

    /// Deletes the projects made through this target.
    pub(super) async fn clean_up(&self) {
        let made: Vec<i64> =
            std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
        for id in made.into_iter().rev() {
            // Gone already is as good as deleted.
            let _ = self.delete(&format!("/api/v1/projects/{id}")).await;
        }
    }

    /// One request as it is, answered however.
    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<Answer, Stop> {
        let asked = format!("{method} {path}");
        let failed = |error: &dyn std::fmt::Display| Stop::Failed(format!("{asked}: {error}"));
        let verb = reqwest::Method::from_bytes(method.as_bytes()).map_err(|e| failed(&e))?;
        let mut request = self.http.request(verb, format!("{}{path}", self.url));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.map_err(|e| failed(&e))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.map_err(|e| failed(&e))?;
        let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
        let body = match bytes.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&bytes).unwrap_or_else(|_| text()),
        };
        Ok(Answer {
            asked,
            status,
            headers,
            body,
        })
    }

    /// A JSON request; a 500 of a busy SQLite is tried again.
    pub(super) async fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Answer, Stop> {
        let kind = if method == "PATCH" {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        let mut tries = 0;
        loop {
            let bytes = body.as_ref().map(|body| body.to_string().into_bytes());
            let answer = self
                .send(method, path, &[("content-type", kind)], bytes)
                .await?;
            tries += 1;
            if answer.status != 500 || method == "GET" || tries == BUSY_TRIES {
                return Ok(answer);
            }
            tokio::time::sleep(LOOK_PAUSE * tries).await;
        }
    }

    pub(super) async fn get(&self, path: &str) -> Result<Answer, Stop> {
        self.ask("GET", path, None).await
    }

    pub(super) async fn put(&self, path: &str, body: Value) -> Result<Answer, Stop> {
        self.ask("PUT", path, Some(body)).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Result<Answer, Stop> {
        self.ask("POST", path, Some(body)).await
    }

    pub(super) async fn patch(&self, path: &str, body: Value) -> Result<Answer, Stop> {
        self.ask("PATCH", path, Some(body)).await
    }

    pub(super) async fn delete(&self, path: &str) -> Result<Answer, Stop> {
        self.ask("DELETE", path, None).await
    }

    /// A GET with a filter.
    pub(super) async fn filtered(&self, path: &str, filter: &str) -> Result<Answer, Stop> {
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("filter", filter)
            .finish();
        self.get(&format!("{path}?{query}")).await
    }

    /// A new project of the case.
    pub(super) async fn project(&self, title: &str) -> Result<i64, Stop> {
        self.project_with(json!({"title": title})).await
    }

    /// A new project of the case with this body.
    pub(super) async fn project_with(&self, body: Value) -> Result<i64, Stop> {
        let id = self.put("/api/v1/projects", body).await?.want(201)?.id()?;
        self.made
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(id);
        Ok(id)
    }

    /// A new task.
    pub(super) async fn task(&self, project: i64, body: Value) -> Result<i64, Stop> {
        self.put(&format!("/api/v1/projects/{project}/tasks"), body)
            .await?
            .want(201)?
            .id()
    }

    /// A new label.
    pub(super) async fn label(&self, title: &str) -> Result<i64, Stop> {
        self.put("/api/v1/labels", json!({"title": title}))
            .await?
            .want(201)?
            .id()
    }

    /// Puts a label on a task.
    pub(super) async fn attach(&self, task: i64, label: i64) -> Result<(), Stop> {
        let path = format!("/api/v1/tasks/{task}/labels");
        self.put(&path, json!({"label_id": label}))
            .await?
            .want(201)
            .map(drop)
    }

    /// The task as GET shows it.
    pub(super) async fn read(&self, task: i64) -> Result<Value, Stop> {
        Ok(self
            .get(&format!("/api/v1/tasks/{task}"))
            .await?
            .want(200)?
            .body)
    }

    /// Full replace of a task through v1.
    pub(super) async fn update(&self, task: i64, body: Value) -> Result<Value, Stop> {
        Ok(self
            .post(&format!("/api/v1/tasks/{task}"), body)
            .await?
            .want(200)?
            .body)
    }

    /// The stored task with these keys replaced, sent back whole.
    pub(super) async fn edit(&self, task: i64, changes: Value) -> Result<Value, Stop> {
        let mut whole = self.read(task).await?;
        if let Value::Object(changes) = changes {
            for (key, value) in changes {
                whole[key] = value;
            }
        }
        self.update(task, whole).await
    }

    /// Who the token belongs to.
    pub(super) async fn me(&self) -> Result<Value, Stop> {
        Ok(self.get("/api/v1/user").await?.want(200)?.body)
    }

    /// `/info`.
    pub(super) async fn info(&self) -> Result<Value, Stop> {
        Ok(self.get("/api/v1/info").await?.want(200)?.body)
    }

    /// The server's clock, in seconds.
    pub(super) async fn server_second(&self) -> Result<i64, Stop> {
        let answer = self.get("/api/v1/info").await?.want(200)?;
        let parsed = jiff::fmt::rfc2822::parse(answer.header("date"));
        let parsed = parsed.map_err(|error| Stop::Failed(format!("Date header: {error}")))?;
        Ok(parsed.timestamp().as_second())
    }

    /// Waits until the server's clock shows another second than now, so that a stamp can move.
    pub(super) async fn next_second(&self) -> Result<(), Stop> {
        let start = self.server_second().await?;
        let look = || async { Ok((self.server_second().await? > start).then_some(())) };
        until("the next second", look).await
    }

    /// Waits until a task's `updated` differs from `before`.
    pub(super) async fn moved(&self, task: i64, before: &Value) -> Result<Value, Stop> {
        let look = || async {
            let now = self.read(task).await?;
            Ok((now["updated"] != before["updated"]).then_some(now))
        };
        until("a later `updated`", look).await
    }

    /// Fails if a task's `updated` leaves `before` within [`QUIET`].
    pub(super) async fn unmoved(&self, task: i64, before: &Value) -> Result<Value, Stop> {
        let start = Instant::now();
        loop {
            let now = self.read(task).await?;
            same("`updated`", &now["updated"], before["updated"].clone())?;
            if start.elapsed() > QUIET {
                return Ok(now);
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    /// A project's `updated`.
    pub(super) async fn project_stamp(&self, project: i64) -> Result<Value, Stop> {
        let path = format!("/api/v1/projects/{project}");
        Ok(self.get(&path).await?.want(200)?.body["updated"].clone())
    }

    /// A second user, logged in, and its name. Skips where nobody can register.
    pub(super) async fn stranger(&self, stem: &str) -> Result<(Self, String), Stop> {
        let info = self.info().await?;
        if info["auth"]["local"]["registration_enabled"] != json!(true) {
            return Err(Stop::Skipped(
                "the server does not let users register".to_owned(),
            ));
        }
        let name = format!("{stem}{}", jiff::Timestamp::now().as_nanosecond());
        let body = json!({"username": name, "password": "password1234",
                          "email": format!("{name}@example.com")});
        let nobody = self.with_token("");
        let answer = nobody.post("/api/v1/register", body).await?;
        if answer.status == 429 {
            return Err(Stop::Skipped("the pre-auth limit is used up".to_owned()));
        }
        answer.want(200)?;
        let login = json!({"username": name, "password": "password1234"});
        let answer = nobody.post("/api/v1/login", login).await?.want(200)?;
        let token = answer.body["token"].as_str().unwrap_or_default().to_owned();
        Ok((self.with_token(&token), name))
    }

    /// An API token of this logged-in user with only these permissions.
    pub(super) async fn limited(&self, permissions: Value) -> Result<Self, Stop> {
        let body = json!({"title": "limited", "expires_at": "2099-01-01T00:00:00Z",
                          "permissions": permissions});
        let answer = self.put("/api/v1/tokens", body).await?.want(201)?;
        Ok(self.with_token(answer.body["token"].as_str().unwrap_or_default()))
    }

    /// Whether the server says it is one where parallel writes fail.
    pub(super) async fn is_sqlite(&self) -> Result<bool, Stop> {
        Ok(self.info().await?["concurrent_writes"] == json!(false))
    }
}
