//! What the double remembers: plain structs in memory. No HTTP and no rules; those are in the
//! modules named after what they answer.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::events::Pending;

/// A stored date: whole seconds since 1970, `None` for "no date".
pub(crate) type Stored = Option<i64>;

/// Rights on a project, in Vikunja's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Right {
    Read = 0,
    Write = 1,
    Admin = 2,
}

#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) username: String,
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) bot_owner: Option<i64>,
    pub(crate) default_project: i64,
    pub(crate) saved_filter: Option<i64>,
    /// The views of the saved filter's pseudo project.
    pub(crate) filter_views: Vec<View>,
    pub(crate) created: i64,
}

/// What a token lets its bearer do.
#[derive(Clone, Debug)]
pub(crate) enum Scopes {
    /// A login: every route.
    Login,
    /// An API token: group to permissions.
    Named(BTreeMap<String, Vec<String>>),
}

#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) id: i64,
    pub(crate) title: String,
    pub(crate) user: i64,
    pub(crate) scopes: Scopes,
    pub(crate) created: i64,
    pub(crate) expires: i64,
    pub(crate) expires_text: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    pub(crate) id: i64,
    pub(crate) title: &'static str,
    pub(crate) position: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) id: i64,
    pub(crate) title: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) position: i64,
    pub(crate) buckets: Vec<Bucket>,
}

impl View {
    /// The bucket new tasks land in (kanban only).
    pub(crate) fn default_bucket(&self) -> i64 {
        self.buckets.first().map_or(0, |bucket| bucket.id)
    }

    /// The bucket of done tasks (kanban only).
    pub(crate) fn done_bucket(&self) -> i64 {
        self.buckets.last().map_or(0, |bucket| bucket.id)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) id: i64,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) identifier: String,
    pub(crate) hex_color: String,
    pub(crate) parent: i64,
    pub(crate) owner: i64,
    pub(crate) is_archived: bool,
    pub(crate) favourite_of: BTreeSet<i64>,
    pub(crate) position: f64,
    pub(crate) views: Vec<View>,
    pub(crate) shares: BTreeMap<i64, Right>,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    /// The highest task index given out here.
    pub(crate) last_index: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reminder {
    pub(crate) at: Stored,
    pub(crate) relative_period: i64,
    pub(crate) relative_to: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) id: i64,
    pub(crate) user: i64,
    pub(crate) created: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Comment {
    pub(crate) id: i64,
    pub(crate) text: String,
    pub(crate) author: i64,
    pub(crate) created: i64,
    pub(crate) updated: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    pub(crate) id: i64,
    pub(crate) file_id: i64,
    pub(crate) name: String,
    pub(crate) mime: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) author: i64,
    pub(crate) created: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: i64,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) done: bool,
    pub(crate) done_at: Stored,
    pub(crate) due: Stored,
    pub(crate) start: Stored,
    pub(crate) end: Stored,
    pub(crate) reminders: Vec<Reminder>,
    pub(crate) project: i64,
    pub(crate) repeat_after: i64,
    pub(crate) repeat_mode: i64,
    pub(crate) priority: i64,
    pub(crate) percent_done: f64,
    pub(crate) hex_color: String,
    pub(crate) index: i64,
    pub(crate) cover_image: i64,
    pub(crate) created_by: i64,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) deleted: bool,
    pub(crate) assignees: Vec<i64>,
    /// Label ids in the order they were attached.
    pub(crate) labels: Vec<i64>,
    /// Kind and the other task, in the order of making.
    pub(crate) relations: Vec<(String, i64)>,
    pub(crate) favourite_of: BTreeSet<i64>,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) attachments: Vec<Attachment>,
    /// View to bucket.
    pub(crate) buckets: BTreeMap<i64, i64>,
}

impl Task {
    /// Whether completing it moves it on instead of closing it.
    pub(crate) fn repeats(&self) -> bool {
        self.repeat_after > 0 || self.repeat_mode == super::repeat::MONTHLY
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) id: i64,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) hex_color: String,
    pub(crate) created_by: i64,
    pub(crate) created: i64,
    pub(crate) updated: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(crate) id: i64,
    pub(crate) project: i64,
    pub(crate) target_url: String,
    pub(crate) events: Vec<String>,
    pub(crate) secret: String,
    pub(crate) basic_auth: Option<(String, String)>,
    pub(crate) created_by: i64,
    pub(crate) created: i64,
    pub(crate) updated: i64,
}

/// Everything of one server.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) zone: TimeZone,
    pub(crate) concurrent_writes: bool,
    pub(crate) loopback_webhooks: bool,
    pub(crate) noauth_limit: u64,
    pub(crate) base_url: String,
    /// The time of the call being served.
    pub(crate) now: Timestamp,
    pub(crate) users: BTreeMap<i64, User>,
    pub(crate) grants: HashMap<String, Grant>,
    pub(crate) projects: BTreeMap<i64, Project>,
    pub(crate) tasks: BTreeMap<i64, Task>,
    pub(crate) labels: BTreeMap<i64, Label>,
    pub(crate) hooks: BTreeMap<i64, Hook>,
    /// Starts of the pre-auth calls of the running minute.
    pub(crate) noauth_calls: Vec<i64>,
    /// Events and late time stamps of the call being served.
    pub(crate) pending: Vec<Pending>,
    ids: HashMap<&'static str, i64>,
}

impl State {
    pub(crate) fn new(zone: TimeZone, concurrent_writes: bool, base_url: String) -> Self {
        Self {
            zone,
            concurrent_writes,
            loopback_webhooks: true,
            noauth_limit: u64::MAX,
            base_url,
            now: Timestamp::now(),
            users: BTreeMap::new(),
            grants: HashMap::new(),
            projects: BTreeMap::new(),
            tasks: BTreeMap::new(),
            labels: BTreeMap::new(),
            hooks: BTreeMap::new(),
            noauth_calls: Vec::new(),
            pending: Vec::new(),
            ids: HashMap::new(),
        }
    }

    /// The next id of a kind of thing, counted from 1.
    pub(crate) fn next_id(&mut self, kind: &'static str) -> i64 {
        let id = self.ids.entry(kind).or_insert(0);
        *id += 1;
        *id
    }

    /// The current second.
    pub(crate) fn second(&self) -> i64 {
        self.now.as_second()
    }

    /// A task that is not deleted.
    pub(crate) fn live_task(&self, id: i64) -> Option<&Task> {
        self.tasks.get(&id).filter(|task| !task.deleted)
    }

    /// Stamps a project with the current second.
    pub(crate) fn touch_project(&mut self, id: i64) {
        let second = self.second();
        if let Some(project) = self.projects.get_mut(&id) {
            project.updated = second;
        }
    }

    /// Stamps a task and its project with the current second.
    pub(crate) fn touch_task(&mut self, id: i64) {
        let second = self.second();
        let Some(task) = self.tasks.get_mut(&id) else {
            return;
        };
        task.updated = second;
        let project = task.project;
        self.touch_project(project);
    }

    /// Queues an event; its listeners run after the call.
    pub(crate) fn emit(&mut self, event: Pending) {
        self.pending.push(event);
    }

    /// A JSON view of a user, for payloads that outlive the call.
    pub(crate) fn user_json(&self, id: i64) -> Value {
        super::wire::user(self, id)
    }
}
