//! A person with an account on a server, and the few words in which the cases are written.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use instep_api::{
    AccountAdd, AccountWebhooks, Exit, SecretSource, SyncRequest, WebhookState, WebhooksReply,
};
use instep_app::{App, Places, account_add, exit_of_webhooks};
use instep_doubles::vikunja::{Options, Vikunja};
use reqwest::Method;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

pub(super) const PUBLIC: &str = "https://tasks.example.org";
pub(super) const TARGET: &str = "https://tasks.example.org/hooks/vikunja";

/// Longer than anything that is waited for takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Only one test at a time works on the real server: SQLite refuses a second writer.
static REAL: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// One person with an account on a server, and nothing but that.
pub(super) struct Person {
    pub(super) home: TempDir,
    pub(super) places: Places,
    url: String,
    pub(super) token: String,
    pub(super) double: Option<Vikunja>,
    http: reqwest::Client,
}

pub(super) async fn on_each(test: impl AsyncFn(&Person)) {
    test(&on_double().await).await;
    let named = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let Some(url) = named("INSTEP_TEST_VIKUNJA_URL") {
        let _turn = REAL.lock().await;
        test(&Person::with(url, String::new(), None).await).await;
    }
}

pub(super) async fn on_double() -> Person {
    let double = Vikunja::start(Options::default()).await;
    let (url, token) = (double.url().to_owned(), double.token().to_owned());
    Person::with(url, token, Some(double)).await
}

impl Person {
    /// Without a token, somebody new on that server.
    pub(super) async fn with(url: String, token: String, double: Option<Vikunja>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let home = tempfile::tempdir().expect("a directory");
        let mut person = Self {
            places: Places::under(home.path()),
            home,
            url,
            token,
            double,
            http: reqwest::Client::new(),
        };
        if person.token.is_empty() {
            person.token = person.register().await.0;
        }
        person.keep_token(&person.token);
        let add = AccountAdd {
            kind: "vikunja".to_owned(),
            url: Some(person.url.clone()),
            secret: Some(SecretSource::File(person.home.path().join("token"))),
            ..AccountAdd::default()
        };
        account_add(&person.places, &add).await.expect("an account");
        person
    }

    /// Another person on the server: an API token for everything, and a name.
    pub(super) async fn register(&self) -> (String, String) {
        let name = format!("it{}", uuid());
        let who = json!({"username": name, "password": "password1234", "email": format!("{name}@example.org")});
        self.ask_as("", Method::POST, "api/v1/register", who.clone())
            .await;
        let login = self.ask_as("", Method::POST, "api/v1/login", who).await;
        let login = login["token"].as_str().expect("a login").to_owned();
        let routes = self
            .ask_as(&login, Method::GET, "api/v1/routes", Json::Null)
            .await;
        let mut permissions = serde_json::Map::new();
        for (group, routes) in routes.as_object().expect("groups") {
            let names: Vec<&String> = routes.as_object().expect("routes").keys().collect();
            permissions.insert(group.clone(), json!(names));
        }
        permissions.retain(|_, names| names.as_array().is_some_and(|names| !names.is_empty()));
        let token = self.token_with(&login, permissions.into()).await;
        (token, name)
    }

    pub(super) async fn token_with(&self, login: &str, permissions: Json) -> String {
        let body = json!({"title": "test", "expires_at": "2099-01-01T00:00:00Z", "permissions": permissions});
        let made = self.ask_as(login, Method::PUT, "api/v1/tokens", body).await;
        made["token"].as_str().expect("a token").to_owned()
    }

    pub(super) fn keep_token(&self, token: &str) {
        let path = self.home.path().join("token");
        std::fs::write(&path, token).expect("a secret");
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&path, mode).expect("a mode");
    }

    pub(super) async fn ask_as(&self, token: &str, method: Method, path: &str, body: Json) -> Json {
        let request = self
            .http
            .request(method.clone(), format!("{}/{path}", self.url))
            .header("content-type", "application/json");
        let request = if token.is_empty() {
            request
        } else {
            request.bearer_auth(token)
        };
        let request = if body.is_null() {
            request
        } else {
            request.body(body.to_string())
        };
        let answer = request.send().await.expect("an answer");
        let (status, text) = (answer.status(), answer.text().await.expect("a body"));
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Json::Null)
    }

    pub(super) async fn ask(&self, method: Method, path: &str, body: Json) -> Json {
        self.ask_as(&self.token, method, path, body).await
    }

    pub(super) async fn project(&self, title: &str, parent: i64) -> i64 {
        let body = json!({"title": title, "parent_project_id": parent});
        let made = self.ask(Method::POST, "api/v2/projects", body).await;
        made["id"].as_i64().expect("a project")
    }

    /// What is registered on a project: ids and addresses.
    pub(super) async fn hooks(&self, project: i64) -> Vec<(i64, String)> {
        let path = format!("api/v2/projects/{project}/webhooks");
        let listed = self.ask(Method::GET, &path, Json::Null).await;
        let rows = listed["items"].as_array().cloned().unwrap_or_default();
        let shown = rows.iter().map(|row| {
            let target = row["target_url"].as_str().expect("an address").to_owned();
            (row["id"].as_i64().expect("an id"), target)
        });
        shown.collect()
    }

    /// The one webhook of a project.
    pub(super) async fn hook(&self, project: i64) -> i64 {
        let hooks = self.hooks(project).await;
        assert_eq!(hooks.len(), 1, "{project}: {hooks:?}");
        assert_eq!(hooks[0].1, TARGET);
        hooks[0].0
    }

    pub(super) async fn open(&self) -> App {
        App::open(&self.places).await.expect("the hub opens")
    }

    pub(super) async fn install(&self) -> AccountWebhooks {
        let reply = self.ask_install(Some(PUBLIC), false).await;
        assert_eq!(exit_of_webhooks(&reply), Exit::Fine, "{reply:#?}");
        one(reply)
    }

    pub(super) async fn ask_install(&self, url: Option<&str>, rotate: bool) -> WebhooksReply {
        let app = self.open().await;
        let reply = app
            .webhook_install(None, url, rotate)
            .await
            .expect("a reply");
        app.close().await;
        reply
    }

    /// What keeping them in order did, if anything.
    pub(super) async fn ensure(&self) -> Option<AccountWebhooks> {
        let app = self.open().await;
        let done = app.ensure_webhooks("vikunja").await.expect("an answer");
        app.close().await;
        done
    }

    pub(super) async fn list(&self) -> AccountWebhooks {
        let app = self.open().await;
        let reply = app.webhooks(None).await.expect("a reply");
        app.close().await;
        one(reply)
    }

    pub(super) async fn sync(&self) {
        let app = self.open().await;
        let request = SyncRequest {
            yes: true,
            ..SyncRequest::default()
        };
        let reply = app.sync(&request, &mut |_| {}).await.expect("a reply");
        assert_eq!(reply.outcome, "in_step", "{reply:#?}");
        app.close().await;
    }

    /// The file of this kind in the directory of webhooks.
    pub(super) fn file(&self, kind: &str) -> PathBuf {
        let dir = self.home.path().join(".local/share/instep/webhooks");
        let found = std::fs::read_dir(&dir).into_iter().flatten();
        let mut paths = found.flatten().map(|file| file.path());
        let path = paths.find(|path| path.extension().is_some_and(|end| end == kind));
        path.unwrap_or_else(|| dir.join(format!("none.{kind}")))
    }

    pub(super) fn secrets(&self) -> usize {
        let app = std::fs::read_to_string(self.file("secret")).expect("a secret");
        app.lines().count()
    }
}

pub(super) fn uuid() -> String {
    let name = tempfile::Builder::new()
        .prefix("x")
        .rand_bytes(12)
        .tempdir()
        .expect("a name");
    let name = name
        .path()
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .to_lowercase();
    name.replace(|c: char| !c.is_ascii_alphanumeric(), "")
}

pub(super) fn one(reply: WebhooksReply) -> AccountWebhooks {
    assert_eq!(reply.accounts.len(), 1);
    reply.accounts.into_iter().next().expect("an account")
}

/// How many stand in each state.
pub(super) fn count(told: &AccountWebhooks, state: WebhookState) -> usize {
    told.webhooks
        .iter()
        .filter(|one| one.state == state)
        .count()
}
