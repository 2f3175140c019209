//! Which id of the double stands for which recorded one.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::recording::{Exchange, NOWHERE};

/// The tasks of the recorded crowd, all in one project.
const CROWD: std::ops::RangeInclusive<i64> = 1218..=1277;

/// Recorded ids and what they are here.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    pub(crate) user: i64,
    pub(crate) projects: HashMap<i64, i64>,
    pub(crate) tasks: HashMap<i64, i64>,
    labels: HashMap<i64, i64>,
    comments: HashMap<i64, i64>,
    views: HashMap<i64, i64>,
    buckets: HashMap<i64, i64>,
}

/// The recorded project a task was in before anything was recorded of it.
pub(crate) fn home_of(task: i64) -> i64 {
    match task {
        1209 => 116,
        1280 => 115,
        task if CROWD.contains(&task) => 117,
        _ => 114,
    }
}

/// A task of which nothing whole was recorded before it was used.
pub(crate) fn made_up(task: i64) -> Value {
    if !CROWD.contains(&task) {
        return json!({"title": format!("task {task}")});
    }
    let number = task - CROWD.start();
    json!({"title": format!("item {number}"), "priority": number % 6})
}

/// The project ids a path names.
pub(crate) fn projects_in(path: &str) -> Vec<i64> {
    numbers_after(path, "projects")
}

/// The task ids an exchange takes for granted.
pub(crate) fn tasks_in(exchange: &Exchange) -> Vec<i64> {
    let mut ids = numbers_after(&exchange.path, "tasks");
    ids.extend(numbers_after(&exchange.path, "subtask"));
    let body = exchange.body.as_ref();
    for key in ["task_id", "other_task_id"] {
        ids.extend(body.and_then(|body| body[key].as_i64()));
    }
    if let Some(many) = body.and_then(|body| body["task_ids"].as_array()) {
        ids.extend(many.iter().filter_map(Value::as_i64));
    }
    if exchange.path.starts_with("/api/v1/tasks/") {
        ids.extend(
            body.and_then(|body| body["id"].as_i64())
                .filter(|id| *id > 0),
        );
    }
    // Lists are recorded of the crowd.
    if projects_in(&exchange.path).contains(&117) {
        ids.extend(CROWD);
    }
    ids
}

fn numbers_after(path: &str, word: &str) -> Vec<i64> {
    let parts: Vec<&str> = path
        .split('?')
        .next()
        .unwrap_or_default()
        .split('/')
        .collect();
    let pairs = parts.windows(2).filter(|pair| pair[0] == word);
    pairs.filter_map(|pair| pair[1].parse().ok()).collect()
}

fn known(map: &HashMap<i64, i64>, recorded: i64) -> i64 {
    map.get(&recorded).copied().unwrap_or(recorded)
}

impl Ids {
    /// A recorded path with the ids of here.
    pub(crate) fn in_path(&self, path: &str) -> String {
        let (path, query) = path
            .split_once('?')
            .map_or((path, None), |(p, q)| (p, Some(q)));
        let mut parts: Vec<String> = path.split('/').map(ToOwned::to_owned).collect();
        for at in 1..parts.len() {
            let Ok(recorded) = parts[at].parse::<i64>() else {
                continue;
            };
            let map = match parts[at - 1].as_str() {
                "projects" => &self.projects,
                "tasks" | "subtask" => &self.tasks,
                "labels" => &self.labels,
                "comments" => &self.comments,
                "views" => &self.views,
                "buckets" => &self.buckets,
                _ => continue,
            };
            parts[at] = known(map, recorded).to_string();
        }
        let path = parts.join("/");
        let Some(query) = query else { return path };
        // A filter names a task of the crowd as the last of its words.
        let (start, last) = query.rsplit_once("%20").unwrap_or((query, ""));
        match last.parse().ok().filter(|task| CROWD.contains(task)) {
            Some(task) => format!("{path}?{start}%20{}", known(&self.tasks, task)),
            None => format!("{path}?{query}"),
        }
    }

    /// A recorded body, sent to this recorded path, with the ids of here.
    pub(crate) fn in_body(&self, body: &Value, path: &str) -> Value {
        let own = match path {
            path if path.contains("/tasks") => &self.tasks,
            path if path.contains("/projects") => &self.projects,
            _ => &self.labels,
        };
        self.translated(body, own)
    }

    fn translated(&self, value: &Value, own: &HashMap<i64, i64>) -> Value {
        match value {
            Value::Object(map) => map
                .iter()
                .map(|(key, value)| (key.clone(), self.member(key, value, own)))
                .collect(),
            Value::Array(items) => items
                .iter()
                .map(|item| self.translated(item, own))
                .collect(),
            other => other.clone(),
        }
    }

    fn member(&self, key: &str, value: &Value, own: &HashMap<i64, i64>) -> Value {
        let users = HashMap::from([(15, self.user)]);
        let map = match key {
            "id" => own,
            "project_id" | "parent_project_id" => &self.projects,
            "task_id" | "other_task_id" => &self.tasks,
            "label_id" => &self.labels,
            "labels" => return self.translated(value, &self.labels),
            "assignees" | "created_by" | "owner" => return self.translated(value, &users),
            "task_ids" => {
                let ids = value
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_i64);
                return ids.map(|id| known(&self.tasks, id)).collect();
            }
            _ => return self.translated(value, own),
        };
        match value.as_i64() {
            Some(id) if id < NOWHERE => known(map, id).into(),
            _ => value.clone(),
        }
    }

    /// Takes over the ids of a new project, its views and its done bucket.
    pub(crate) fn learn_project(&mut self, recorded: i64, got: &Value) {
        let id = got["id"]
            .as_i64()
            .unwrap_or_else(|| panic!("project {recorded}: {got}"));
        self.projects.insert(recorded, id);
    }

    /// Takes over the ids that an answer brought.
    pub(crate) fn learn(&mut self, exchange: &Exchange, got: &Value) {
        let path = exchange.path.split('?').next().unwrap_or_default();
        if path.ends_with("/buckets") {
            learn_all(&mut self.buckets, &exchange.answer, got);
        }
        learn_all(&mut self.views, &exchange.answer["views"], &got["views"]);
        let (Some(recorded), Some(id)) = (exchange.answer["id"].as_i64(), got["id"].as_i64())
        else {
            return;
        };
        if exchange.status != 201 {
            return;
        }
        let map = match path.rsplit('/').next().unwrap_or_default() {
            "projects" => &mut self.projects,
            "tasks" => &mut self.tasks,
            "labels" => &mut self.labels,
            "comments" => &mut self.comments,
            _ => return,
        };
        map.insert(recorded, id);
    }
}

/// Pairs two lists by place.
fn learn_all(map: &mut HashMap<i64, i64>, recorded: &Value, got: &Value) {
    let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
    for (recorded, got) in items(recorded).iter().zip(items(got)) {
        if let (Some(recorded), Some(id)) = (recorded["id"].as_i64(), got["id"].as_i64()) {
            map.insert(recorded, id);
        }
    }
}
