//! What happens just after a call: late time stamps and webhook events, as Vikunja's in-process
//! listeners do them. Nothing here answers a request.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::state::State;
use super::{projects, wire};

/// The events a webhook may ask for.
pub(crate) const NAMES: &[&str] = &[
    "project.deleted",
    "project.shared.team",
    "project.shared.user",
    "project.updated",
    "task.assignee.created",
    "task.assignee.deleted",
    "task.attachment.created",
    "task.attachment.deleted",
    "task.comment.created",
    "task.comment.deleted",
    "task.comment.edited",
    "task.created",
    "task.deleted",
    "task.overdue",
    "task.relation.created",
    "task.relation.deleted",
    "task.reminder.fired",
    "task.updated",
    "tasks.overdue",
];

/// What an event is about.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// A task, read again when the event is handled.
    Task(i64),
    /// A task as it was; it is gone.
    GoneTask(Value),
    /// A project, read again when the event is handled.
    Project,
    /// Only what the event carries itself.
    Nothing,
}

/// Something to do after the call.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    name: &'static str,
    subject: Subject,
    project: i64,
    doer: i64,
    extra: Vec<(&'static str, Value)>,
    /// A task whose `updated` moves when this is handled.
    touch: Option<i64>,
}

impl Pending {
    pub(crate) fn event(name: &'static str, subject: Subject, project: i64, doer: i64) -> Self {
        Self {
            name,
            subject,
            project,
            doer,
            extra: Vec::new(),
            touch: None,
        }
    }

    /// An event about a task that stays.
    pub(crate) fn task(name: &'static str, task: i64, project: i64, doer: i64) -> Self {
        Self::event(name, Subject::Task(task), project, doer)
    }

    /// An event about a project that stays.
    pub(crate) fn project(name: &'static str, project: i64, doer: i64) -> Self {
        Self::event(name, Subject::Project, project, doer)
    }

    /// Adds a key to the event's data.
    pub(crate) fn with(mut self, key: &'static str, value: Value) -> Self {
        self.extra.push((key, value));
        self
    }

    /// Handling the event also moves `updated` of this task and its project.
    pub(crate) fn touching(mut self, task: i64) -> Self {
        self.touch = Some(task);
        self
    }

    /// Moves the late time stamp, if the event carries one.
    pub(crate) fn settle(&self, state: &mut State) {
        if let Some(task) = self.touch
            && state.live_task(task).is_some()
        {
            state.touch_task(task);
        }
    }

    /// The requests to send: hook ids and bodies, all with the same `time`.
    pub(crate) fn deliveries(&self, state: &State, time: Timestamp) -> Vec<(i64, String)> {
        let own_only = self.name == "project.deleted";
        let projects: BTreeSet<i64> = if own_only {
            BTreeSet::from([self.project])
        } else {
            state
                .lineage(self.project)
                .map(|project| project.id)
                .collect()
        };
        let hooks = state.hooks.values().filter(|hook| {
            projects.contains(&hook.project) && hook.events.iter().any(|name| name == self.name)
        });
        hooks
            .map(|hook| (hook.id, self.body(state, hook.project, time)))
            .collect()
    }

    /// The body for a hook registered on `project`.
    fn body(&self, state: &State, project: i64, time: Timestamp) -> String {
        let mut data = Map::new();
        for (key, value) in &self.extra {
            data.insert((*key).to_owned(), value.clone());
        }
        data.insert("doer".to_owned(), wire::user(state, self.doer));
        if !data.contains_key("project") {
            let shown = projects::show(state, project, self.doer, json!(0));
            data.insert("project".to_owned(), shown);
        }
        match &self.subject {
            Subject::Task(id) => {
                data.insert("task".to_owned(), task_in_event(state, *id, self.doer));
            }
            Subject::GoneTask(task) => {
                data.insert("task".to_owned(), task.clone());
            }
            Subject::Project | Subject::Nothing => {}
        }
        let body = json!({
            "event_name": self.name,
            "time": wire::precise(&state.zone, time),
            "data": sorted(Value::Object(data)),
        });
        escaped(&body.to_string())
    }
}

/// The full task as the doer sees it, with its buckets.
fn task_in_event(state: &State, id: i64, doer: i64) -> Value {
    let Some(task) = state.tasks.get(&id) else {
        return Value::Null;
    };
    if task.deleted {
        return Value::Object(wire::bare_task(state, task, doer));
    }
    let mut shown = wire::with_subscription(state, task, doer, wire::task(state, task, doer));
    let Some(project) = state.projects.get(&task.project) else {
        return Value::Object(shown);
    };
    let buckets = task.buckets.iter();
    let buckets = buckets.map(|(view, id)| wire::bucket(state, project, *view, *id, Value::Null));
    shown.insert("buckets".to_owned(), buckets.collect());
    Value::Object(shown)
}

/// The value with the keys of every object in alphabetical order.
pub(crate) fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<(String, Value)> = map.into_iter().collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(
                pairs
                    .into_iter()
                    .map(|(key, value)| (key, sorted(value)))
                    .collect(),
            )
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// JSON text with the characters escaped that Go's encoder escapes. They occur in strings only.
pub(crate) fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
    out
}
