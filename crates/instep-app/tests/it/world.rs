//! A home of its own with a Taskwarrior, a Vikunja and a task file, and the few words in which
//! the cases are written.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use instep_api::{AccountAdd, Exit, SecretSource, SyncReply, SyncRequest};
use instep_app::{App, Places, account_add, exit_of_sync};
use instep_doubles::vikunja::{ADMIN, ADMIN_PASSWORD, Options, Vikunja};
use reqwest::Method;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

pub(crate) struct World {
    pub(crate) home: TempDir,
    pub(crate) places: Places,
    pub(crate) vikunja: Vikunja,
    program: PathBuf,
    http: reqwest::Client,
}

fn program(major: u32) -> PathBuf {
    if let Some(named) = std::env::var_os(format!("INSTEP_TEST_TASK{major}")) {
        return PathBuf::from(named);
    }
    if major == 2 {
        return PathBuf::from("task");
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    cache
        .unwrap_or_else(|| home.join(".cache"))
        .join("instep/taskwarrior-3/task")
}

impl World {
    /// A home with an empty Taskwarrior of this version; no account yet.
    pub(crate) async fn new(major: u32) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let home = tempfile::tempdir().expect("a directory");
        let data = home.path().join("tasks");
        std::fs::create_dir(&data).expect("a data directory");
        let taskrc = format!("data.location={}\n", data.display());
        std::fs::write(home.path().join(".taskrc"), taskrc).expect("a taskrc");
        let world = Self {
            places: Places::under(home.path()),
            home,
            vikunja: Vikunja::start(Options::default()).await,
            program: program(major),
            http: reqwest::Client::new(),
        };
        let version = world.task(&["_version"]);
        assert!(
            version.starts_with(&format!("{major}.")),
            "{} answers with version {version}; install Taskwarrior {major} or name it in \
             INSTEP_TEST_TASK{major}",
            world.program.display()
        );
        world.secret("token", world.vikunja.token());
        world
    }

    /// The same, with the accounts `tw` and `vikunja`.
    pub(crate) async fn paired(major: u32) -> Self {
        let world = Self::new(major).await;
        world.add_taskwarrior().await;
        world.add_vikunja().await;
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// A file that only its owner can read.
    pub(crate) fn secret(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(name);
        std::fs::write(&path, text).expect("a secret");
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&path, mode).expect("a mode");
    }

    pub(crate) fn taskwarrior(&self) -> AccountAdd {
        AccountAdd {
            kind: "taskwarrior".to_owned(),
            program: Some(self.program.clone()),
            ..AccountAdd::default()
        }
    }

    pub(crate) fn vikunja(&self) -> AccountAdd {
        AccountAdd {
            kind: "vikunja".to_owned(),
            url: Some(self.vikunja.url().to_owned()),
            secret: Some(SecretSource::File(self.path("token"))),
            ..AccountAdd::default()
        }
    }

    pub(crate) fn file(&self) -> AccountAdd {
        AccountAdd {
            kind: "file".to_owned(),
            path: Some(self.path("tasks.json")),
            ..AccountAdd::default()
        }
    }

    pub(crate) async fn add_taskwarrior(&self) {
        let added = account_add(&self.places, &self.taskwarrior()).await;
        added.expect("Taskwarrior is added");
    }

    pub(crate) async fn add_vikunja(&self) {
        let added = account_add(&self.places, &self.vikunja()).await;
        added.expect("Vikunja is added");
    }

    pub(crate) async fn open(&self) -> App {
        App::open(&self.places).await.expect("the hub opens")
    }

    /// What a sync answers that was asked for like this.
    pub(crate) async fn ask(&self, request: SyncRequest) -> SyncReply {
        let app = self.open().await;
        let reply = app.sync(&request, &mut |_| {}).await.expect("a reply");
        app.close().await;
        reply
    }

    /// A plain sync that has to end well.
    pub(crate) async fn sync(&self) -> SyncReply {
        let reply = self.ask(SyncRequest::default()).await;
        assert_eq!(exit_of_sync(&reply), Exit::Fine, "{reply:#?}");
        assert_eq!(reply.outcome, "in_step");
        reply
    }

    /// What a sync would do.
    pub(crate) async fn plan(&self) -> SyncReply {
        self.ask(SyncRequest {
            dry_run: true,
            ..SyncRequest::default()
        })
        .await
    }

    /// The person runs `task`, and it works.
    pub(crate) fn task(&self, args: &[&str]) -> String {
        let output = Command::new(&self.program)
            .args(["rc.confirmation=0", "rc.bulk=0", "rc.verbose=nothing"])
            .args(args)
            .env_remove("TASKDATA")
            .env("TASKRC", self.path(".taskrc"))
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}", self.program.display()));
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Every task that Taskwarrior exports and that is not deleted.
    pub(crate) fn exported(&self) -> Vec<Json> {
        let text = self.task(&["rc.json.array=on", "export"]);
        let mut tasks: Vec<Json> = serde_json::from_str(&text).expect("an export");
        tasks.retain(|task| task["status"] != "deleted");
        tasks
    }

    /// The task of this title in Taskwarrior.
    pub(crate) fn in_taskwarrior(&self, title: &str) -> Option<Json> {
        let found = self.exported();
        let mut found = found
            .into_iter()
            .filter(|task| task["description"] == title);
        let first = found.next();
        assert!(found.next().is_none(), "{title} is there twice");
        first
    }

    /// One call that the person's browser makes.
    pub(crate) async fn web(&self, method: Method, path: &str, body: Json) -> Json {
        let kind = if method == Method::PATCH {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        let request = self
            .http
            .request(method.clone(), format!("{}/{path}", self.vikunja.url()))
            .bearer_auth(self.vikunja.token())
            .header("content-type", kind);
        let request = if body.is_null() {
            request
        } else {
            request.body(body.to_string())
        };
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Json::Null)
    }

    /// An API token of the same person with these permissions.
    pub(crate) async fn limited_token(&self, permissions: Json) -> String {
        let put = async |path: &str, method: Method, bearer: &str, body: Json| {
            let url = format!("{}/api/v1/{path}", self.vikunja.url());
            let request = self.http.request(method, url).bearer_auth(bearer);
            let request = request.header("content-type", "application/json");
            let answer = request.body(body.to_string()).send().await;
            let text = answer.expect("an answer").text().await.expect("a body");
            let made: Json = serde_json::from_str(&text).expect("JSON");
            made["token"].as_str().expect("a token").to_owned()
        };
        let who = json!({ "username": ADMIN, "password": ADMIN_PASSWORD });
        let login = put("login", Method::POST, "", who).await;
        let wanted = json!({
            "title": "limited", "expires_at": "2099-01-01T00:00:00Z", "permissions": permissions,
        });
        put("tokens", Method::PUT, &login, wanted).await
    }

    /// Makes a task in Vikunja's inbox.
    pub(crate) async fn make_there(&self, body: Json) -> i64 {
        let user = self.web(Method::GET, "api/v1/user", Json::Null).await;
        let inbox = &user["settings"]["default_project_id"];
        let path = format!("api/v2/projects/{inbox}/tasks");
        let made = self.web(Method::POST, &path, body).await;
        made["id"].as_i64().expect("an id")
    }

    pub(crate) async fn change_there(&self, id: i64, body: Json) {
        self.web(Method::PATCH, &format!("api/v2/tasks/{id}"), body)
            .await;
    }

    pub(crate) async fn delete_there(&self, id: i64) {
        self.web(Method::DELETE, &format!("api/v2/tasks/{id}"), Json::Null)
            .await;
    }

    /// Every task of Vikunja.
    pub(crate) async fn listed(&self) -> Vec<Json> {
        let answer = self
            .web(Method::GET, "api/v1/tasks?per_page=1000", Json::Null)
            .await;
        answer.as_array().expect("a list").clone()
    }

    /// The task of this title in Vikunja.
    pub(crate) async fn in_vikunja(&self, title: &str) -> Option<Json> {
        let found = self.listed().await;
        let mut found = found.into_iter().filter(|task| task["title"] == title);
        let first = found.next();
        assert!(found.next().is_none(), "{title} is there twice");
        first
    }

    /// Calls that wrote in Vikunja so far.
    pub(crate) fn writes(&self) -> usize {
        let counts = self.vikunja.counts();
        let writes = counts.iter().filter(|(method, _)| method.as_str() != "GET");
        writes.map(|(_, count)| count).sum()
    }

    /// Makes tasks in both, equal in title.
    pub(crate) async fn make_on_both_sides(&self, titles: &[&str]) {
        for title in titles {
            self.task(&["add", title]);
            self.make_there(json!({ "title": title })).await;
        }
    }
}

/// What a file or directory lets whom do.
pub(crate) fn mode(path: &Path) -> u32 {
    std::fs::metadata(path)
        .expect("it is there")
        .permissions()
        .mode()
        & 0o777
}

/// The error of an account in a reply.
pub(crate) fn code(reply: &SyncReply, name: &str) -> String {
    let account = reply.accounts.iter().find(|account| account.name == name);
    let error = account.and_then(|account| account.error.as_ref());
    error.map(|error| error.code.clone()).unwrap_or_default()
}
