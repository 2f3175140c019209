//! The Vikunja of a case: a real one where the environment names it, else a double of its own;
//! and its API as the cases use it, past the program under test.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

use instep_doubles::vikunja::{Copy, Fault, Options, Vikunja};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::http::{self, Wire};
use crate::proxy::beat;

/// How often a write that met another of the server's own is sent again: one on SQLite answers
/// such with 500 and stores nothing.
const BUSY_TRIES: usize = 40;
/// Tasks in one call.
const BULK: usize = 100;

/// A real server holds one user, so its cases take turns.
static TURN: Mutex<()> = Mutex::new(());

/// A Vikunja with nothing in it but the inbox.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) token: String,
    double: Option<(Arc<Vikunja>, oneshot::Sender<()>, JoinHandle<()>)>,
    _turn: Option<MutexGuard<'static, ()>>,
}

impl Server {
    /// The real one that the environment names, emptied; a fresh double where it names none.
    pub(crate) fn start() -> Self {
        let named = (
            env::var("INSTEP_TEST_VIKUNJA_URL"),
            env::var("INSTEP_TEST_VIKUNJA_TOKEN"),
        );
        let (Ok(url), Ok(token)) = named else {
            return Self::double();
        };
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let server = Self {
            url,
            token,
            double: None,
            _turn: Some(turn),
        };
        server.wipe();
        server
    }

    /// A fresh double.
    pub(crate) fn double() -> Self {
        let (tell, told) = mpsc::channel();
        let (end, ended) = oneshot::channel::<()>();
        let serving = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let double = Arc::new(Vikunja::start(Options::default()).await);
                tell.send(double).expect("somebody waits");
                // Sent or dropped, the case is over.
                let _ = ended.await;
            });
        });
        let double = told.recv().expect("the double starts");
        Self {
            url: double.url().to_owned(),
            token: double.token().to_owned(),
            double: Some((double, end, serving)),
            _turn: None,
        }
    }

    fn only_double(&self) -> &Vikunja {
        let (double, ..) = self.double.as_ref().expect("a double");
        double
    }

    /// A copy of all that it holds.
    pub(crate) fn copy(&self) -> Copy {
        self.only_double().copy()
    }

    /// Puts a copy back, some time after it was made.
    pub(crate) fn put_back(&self, copy: &Copy) {
        self.only_double().put_back(copy);
    }

    /// Lets a minute pass there.
    pub(crate) fn pass_minute(&self) {
        self.only_double().clock().shift(60);
    }

    /// From now on it has this fault as well.
    pub(crate) fn fail(&self, fault: Fault) {
        self.only_double().set_fault(fault);
    }

    /// It has no fault any more.
    pub(crate) fn recover(&self) {
        self.only_double().clear_faults();
    }

    /// Deletes everything that the user has, but the inbox itself.
    fn wipe(&self) {
        let inbox = self.inbox();
        for id in self.projects().into_keys().filter(|id| *id != inbox) {
            self.call("DELETE", &format!("/api/v1/projects/{id}"), None);
        }
        for task in self.tasks() {
            self.delete(id_of(&task));
        }
        for label in self.listed("/api/v2/labels") {
            // Another user's label stays.
            self.call("DELETE", &format!("/api/v1/labels/{}", id_of(&label)), None);
        }
    }

    /// One call; its status and its answer.
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let host = http::address(&self.url);
        let request = http::request(method, path, &host, &self.token, body.as_ref());
        for _ in 0..BUSY_TRIES {
            let mut wire = Wire::connect(&host).expect("the server takes connections");
            wire.send(&request).expect("the server reads");
            let answer = wire.read().expect("the server answers").expect("an answer");
            let status = answer.word(1).parse().expect("a status");
            if status != 500 {
                let body = serde_json::from_slice(&answer.body).unwrap_or_default();
                return (status, body);
            }
            beat();
        }
        panic!("{method} {path}: 500 again and again");
    }

    fn good(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.call(method, path, body);
        assert!(status < 400, "{method} {path}: {status} {answer}");
        answer
    }

    /// Reads one thing.
    pub(crate) fn get(&self, path: &str) -> Value {
        self.good("GET", path, None)
    }

    /// All items of a list of the second API.
    fn listed(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        for page in 1.. {
            let joint = if path.contains('?') { '&' } else { '?' };
            let answer = self.get(&format!("{path}{joint}per_page=1000&page={page}"));
            let found = answer["items"].as_array().cloned().unwrap_or_default();
            let is_last = answer["total_pages"].as_i64().unwrap_or(0) <= page;
            items.extend(found);
            if is_last {
                break;
            }
        }
        items
    }

    /// All tasks.
    pub(crate) fn tasks(&self) -> Vec<Value> {
        self.listed("/api/v2/tasks?sort_by=id&order_by=asc")
    }

    /// One task.
    pub(crate) fn task(&self, id: i64) -> Option<Value> {
        let (status, task) = self.call("GET", &format!("/api/v1/tasks/{id}"), None);
        (status == 200).then_some(task)
    }

    /// The HTML of a task's comments, oldest first, each with the time it was made.
    pub(crate) fn comments(&self, task: i64) -> Vec<(String, String)> {
        let comments = self.get(&format!("/api/v1/tasks/{task}/comments?per_page=1000"));
        let text =
            |comment: &Value, key: &str| comment[key].as_str().unwrap_or_default().to_owned();
        let comments = comments.as_array().cloned().unwrap_or_default();
        let told = |comment| (text(comment, "comment"), text(comment, "created"));
        comments.iter().map(told).collect()
    }

    /// The project that a task without one lives in.
    pub(crate) fn inbox(&self) -> i64 {
        let user = self.get("/api/v1/user");
        user["settings"]["default_project_id"]
            .as_i64()
            .expect("an inbox")
    }

    /// All projects that are some, with title and parent.
    pub(crate) fn projects(&self) -> BTreeMap<i64, (String, i64)> {
        let known = |project: Value| {
            let title = project["title"].as_str().unwrap_or_default().to_owned();
            let parent = project["parent_project_id"].as_i64().unwrap_or(0);
            (id_of(&project), (title, parent))
        };
        let projects = self.listed("/api/v2/projects?is_archived=true");
        let projects = projects.into_iter().map(known);
        projects.filter(|(id, _)| *id > 0).collect()
    }

    /// Titles from the top down to a project; none for the inbox.
    pub(crate) fn path(&self, projects: &BTreeMap<i64, (String, i64)>, id: i64) -> Vec<String> {
        if id == self.inbox() {
            return Vec::new();
        }
        let (mut path, mut at) = (Vec::new(), id);
        while let Some((title, parent)) = projects.get(&at) {
            path.insert(0, title.clone());
            at = *parent;
        }
        path
    }

    /// Makes a project below another (0: at the top); its id.
    pub(crate) fn make_project(&self, title: &str, parent: i64) -> i64 {
        let body = json!({"title": title, "parent_project_id": parent});
        id_of(&self.good("PUT", "/api/v1/projects", Some(body)))
    }

    /// Archives a project, or opens it again.
    pub(crate) fn archive(&self, project: i64, archived: bool) {
        let body = json!({ "is_archived": archived });
        self.good("PATCH", &format!("/api/v2/projects/{project}"), Some(body));
    }

    /// Makes tasks in a project; their ids, in order.
    pub(crate) fn make_all(&self, project: i64, tasks: &[Value]) -> Vec<i64> {
        let path = format!("/api/v2/projects/{project}/tasks/bulk");
        let made = tasks.chunks(BULK).map(|tasks| {
            let body = json!({ "tasks": tasks });
            self.good("POST", &path, Some(body))
        });
        let made = made.flat_map(|made| made["tasks"].as_array().cloned().unwrap_or_default());
        let ids: Vec<i64> = made.map(|task| id_of(&task)).collect();
        assert_eq!(ids.len(), tasks.len(), "{path} made them all");
        ids
    }

    /// Makes one task in the inbox.
    pub(crate) fn make(&self, task: Value) -> i64 {
        self.make_all(self.inbox(), &[task])[0]
    }

    /// Changes fields of a task.
    pub(crate) fn patch(&self, id: i64, fields: Value) {
        self.good("PATCH", &format!("/api/v2/tasks/{id}"), Some(fields));
    }

    /// Deletes a task; one that is gone may be.
    pub(crate) fn delete(&self, id: i64) {
        let (status, answer) = self.call("DELETE", &format!("/api/v1/tasks/{id}"), None);
        assert!(matches!(status, 200 | 404), "{id}: {status} {answer}");
    }

    /// The label of this title, made where there is none.
    pub(crate) fn label(&self, title: &str) -> i64 {
        let labels = self.listed("/api/v2/labels");
        let known = labels.iter().find(|label| label["title"] == title);
        known.map_or_else(
            || id_of(&self.good("PUT", "/api/v1/labels", Some(json!({ "title": title })))),
            id_of,
        )
    }

    /// Gives a label another title.
    pub(crate) fn rename_label(&self, label: i64, title: &str) {
        let path = format!("/api/v1/labels/{label}");
        self.good("POST", &path, Some(json!({ "title": title })));
    }

    /// Deletes a label.
    pub(crate) fn delete_label(&self, label: i64) {
        self.good("DELETE", &format!("/api/v1/labels/{label}"), None);
    }

    /// Gives a task exactly these labels.
    pub(crate) fn set_labels(&self, task: i64, labels: &BTreeSet<i64>) {
        let labels: Vec<Value> = labels.iter().map(|id| json!({ "id": id })).collect();
        let path = format!("/api/v1/tasks/{task}/labels/bulk");
        self.good("POST", &path, Some(json!({ "labels": labels })));
    }

    /// Puts a label on a task, as a click does.
    pub(crate) fn add_label(&self, task: i64, label: i64) {
        let path = format!("/api/v1/tasks/{task}/labels");
        self.good("PUT", &path, Some(json!({ "label_id": label })));
    }

    /// Takes a label off a task.
    pub(crate) fn remove_label(&self, task: i64, label: i64) {
        self.good(
            "DELETE",
            &format!("/api/v1/tasks/{task}/labels/{label}"),
            None,
        );
    }

    /// Adds a comment.
    pub(crate) fn comment(&self, task: i64, html: &str) {
        let path = format!("/api/v1/tasks/{task}/comments");
        self.good("PUT", &path, Some(json!({ "comment": html })));
    }

    /// Makes `task` wait for `first`.
    pub(crate) fn wait_for(&self, task: i64, first: i64) {
        let path = format!("/api/v1/tasks/{task}/relations");
        let body = json!({"other_task_id": first, "relation_kind": "blocked"});
        self.good("PUT", &path, Some(body));
    }

    /// Lets `task` wait for `first` no longer.
    pub(crate) fn no_longer_wait_for(&self, task: i64, first: i64) {
        let path = format!("/api/v1/tasks/{task}/relations/blocked/{first}");
        self.good("DELETE", &path, None);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((_, end, serving)) = self.double.take() {
            drop(end);
            // A double that panicked has failed its case already.
            let _ = serving.join();
        }
    }
}

/// The `id` of an answer.
pub(crate) fn id_of(answer: &Value) -> i64 {
    answer["id"]
        .as_i64()
        .unwrap_or_else(|| panic!("no id in {answer}"))
}
