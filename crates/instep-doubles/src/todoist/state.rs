//! What the double remembers: plain structs in memory. No HTTP and no rules; those are in the
//! modules named after what they answer.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

use super::activities::Activities;
use super::due::{Due, Moment};
use super::fault::CommandFault;
use super::hooks::Hooks;
use super::id;
use super::rates::Rates;
use super::refusal::{Kind, Refusal};
use super::{Options, Plan};

/// A last day that is not a due date.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Deadline {
    pub(crate) date: Date,
    pub(crate) lang: String,
}

/// How long a task takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Takes {
    pub(crate) amount: i64,
    /// `minute` or `day`.
    pub(crate) unit: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) content: String,
    pub(crate) description: String,
    pub(crate) project: String,
    pub(crate) section: Option<String>,
    pub(crate) parent: Option<String>,
    /// Names, of personal and shared labels alike.
    pub(crate) labels: Vec<String>,
    pub(crate) due: Option<Due>,
    pub(crate) deadline: Option<Deadline>,
    pub(crate) takes: Option<Takes>,
    pub(crate) priority: i64,
    pub(crate) child_order: i64,
    pub(crate) order_key: Option<String>,
    pub(crate) day_order: i64,
    pub(crate) is_collapsed: bool,
    pub(crate) responsible: Option<String>,
    pub(crate) assigned_by: Option<String>,
    pub(crate) checked: bool,
    pub(crate) is_deleted: bool,
    pub(crate) added_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) completed_at: Option<Timestamp>,
    pub(crate) completed_count: i64,
    /// The change that made it what it is.
    pub(crate) version: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) color: String,
    pub(crate) parent: Option<String>,
    pub(crate) child_order: i64,
    pub(crate) is_inbox: bool,
    pub(crate) is_favorite: bool,
    pub(crate) is_collapsed: bool,
    pub(crate) is_archived: bool,
    pub(crate) is_deleted: bool,
    pub(crate) view_style: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) version: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub(crate) id: String,
    pub(crate) project: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) section_order: i64,
    pub(crate) is_collapsed: bool,
    pub(crate) is_archived: bool,
    pub(crate) is_deleted: bool,
    pub(crate) added_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) archived_at: Option<Timestamp>,
    pub(crate) version: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) color: String,
    pub(crate) order: i64,
    pub(crate) is_favorite: bool,
    pub(crate) is_deleted: bool,
    pub(crate) version: u64,
}

/// What a comment stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Task(String),
    Project(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Comment {
    pub(crate) id: String,
    pub(crate) place: Place,
    pub(crate) content: String,
    pub(crate) attachment: Value,
    pub(crate) notified: Value,
    pub(crate) is_deleted: bool,
    pub(crate) posted_at: Timestamp,
    pub(crate) version: u64,
}

/// When a reminder fires.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Alarm {
    /// Minutes before the task is due.
    Relative(i64),
    Absolute(Due),
    /// The keys of a location, as they were sent.
    Location(serde_json::Map<String, Value>),
}

#[derive(Clone, Debug)]
pub(crate) struct Reminder {
    pub(crate) id: String,
    pub(crate) task: String,
    pub(crate) alarm: Alarm,
    pub(crate) is_urgent: bool,
    pub(crate) is_deleted: bool,
    pub(crate) version: u64,
}

/// Something that webhooks may hear of.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) name: &'static str,
    pub(crate) data: Value,
    pub(crate) extra: Option<Value>,
}

/// Everything of one user, as one snapshot of the service would hold it.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    /// The time of the call being served.
    pub(crate) moment: Moment,
    pub(crate) plan: Plan,
    pub(crate) user: String,
    pub(crate) inbox: String,
    pub(crate) joined_at: Timestamp,
    /// Change of the user's own object and plan.
    pub(crate) user_version: u64,
    pub(crate) tasks: BTreeMap<String, Task>,
    pub(crate) projects: BTreeMap<String, Project>,
    pub(crate) sections: BTreeMap<String, Section>,
    pub(crate) labels: BTreeMap<String, Label>,
    pub(crate) comments: BTreeMap<String, Comment>,
    pub(crate) reminders: BTreeMap<String, Reminder>,
    /// Kind of object and old id to the id of today.
    pub(crate) mappings: BTreeMap<(String, String), String>,
    /// Whether what goes with a deleted thing is told of too.
    pub(crate) tells_of_children: bool,
    /// Events of the call being served.
    pub(crate) events: Vec<Event>,
    pub(crate) version: u64,
    made: u64,
}

/// What a token lets its bearer do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scopes {
    All,
    Named(BTreeSet<String>),
}

#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) scopes: Scopes,
    /// The app that was given it; `None` for a personal token.
    pub(crate) app: Option<String>,
    pub(crate) expires: Option<Timestamp>,
}

/// A command that was carried out.
#[derive(Clone, Debug)]
pub(crate) struct Executed {
    /// Its temporary id and what that became.
    pub(crate) made: Option<(String, String)>,
}

/// Everything of one server.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) store: Store,
    /// What full syncs are answered from while the service lags behind.
    pub(crate) snapshot: Option<Box<Store>>,
    pub(crate) grants: HashMap<String, Grant>,
    pub(crate) oauth: super::oauth::Apps,
    /// By uuid.
    pub(crate) executed: HashMap<String, Executed>,
    pub(crate) command_faults: Vec<CommandFault>,
    pub(crate) activities: Activities,
    pub(crate) rates: Rates,
    pub(crate) hooks: Hooks,
    pub(crate) options: Options,
}

impl Store {
    pub(crate) fn new(options: &Options, moment: Moment) -> Self {
        let mut store = Self {
            joined_at: moment.now,
            moment,
            plan: options.plan,
            user: super::USER_ID.to_owned(),
            inbox: String::new(),
            user_version: 1,
            tasks: BTreeMap::new(),
            projects: BTreeMap::new(),
            sections: BTreeMap::new(),
            labels: BTreeMap::new(),
            comments: BTreeMap::new(),
            reminders: BTreeMap::new(),
            mappings: BTreeMap::new(),
            tells_of_children: options.tells_of_children,
            events: Vec::new(),
            version: 1,
            made: 0,
        };
        store.inbox = super::projects::make_inbox(&mut store);
        store
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.moment.now
    }

    /// An id that nothing has yet.
    pub(crate) fn next_id(&mut self) -> String {
        self.made += 1;
        id::numbered(self.made)
    }

    /// An id that no label has yet.
    pub(crate) fn next_label_id(&mut self) -> String {
        self.made += 1;
        id::label(self.made)
    }

    /// The version of the next change.
    pub(crate) fn next_version(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    pub(crate) fn task(&self, id: &str) -> Result<&Task, Refusal> {
        let task = self.tasks.get(id).filter(|task| !task.is_deleted);
        task.ok_or_else(|| Refusal::missing(Kind::Task))
    }

    pub(crate) fn project(&self, id: &str) -> Result<&Project, Refusal> {
        let project = self.projects.get(id).filter(|project| !project.is_deleted);
        project.ok_or_else(|| Refusal::missing(Kind::Project))
    }

    pub(crate) fn section(&self, id: &str) -> Result<&Section, Refusal> {
        let section = self.sections.get(id).filter(|section| !section.is_deleted);
        section.ok_or_else(|| Refusal::missing(Kind::Section))
    }

    pub(crate) fn label(&self, id: &str) -> Result<&Label, Refusal> {
        let label = self.labels.get(id).filter(|label| !label.is_deleted);
        label.ok_or_else(|| Refusal::missing(Kind::Label))
    }

    pub(crate) fn comment(&self, id: &str) -> Result<&Comment, Refusal> {
        let comment = self.comments.get(id).filter(|comment| !comment.is_deleted);
        comment.ok_or_else(|| Refusal::missing(Kind::Comment))
    }

    pub(crate) fn reminder(&self, id: &str) -> Result<&Reminder, Refusal> {
        let reminder = self.reminders.get(id).filter(|it| !it.is_deleted);
        reminder.ok_or_else(|| Refusal::missing(Kind::Reminder))
    }

    /// Changes a task and stamps it.
    pub(crate) fn edit_task(&mut self, id: &str, edit: impl FnOnce(&mut Task)) {
        let (version, now) = (self.next_version(), self.now());
        if let Some(task) = self.tasks.get_mut(id) {
            edit(task);
            task.updated_at = now;
            task.version = version;
        }
    }

    /// Changes a project and stamps it.
    pub(crate) fn edit_project(&mut self, id: &str, edit: impl FnOnce(&mut Project)) {
        let (version, now) = (self.next_version(), self.now());
        if let Some(project) = self.projects.get_mut(id) {
            edit(project);
            project.updated_at = now;
            project.version = version;
        }
    }

    /// Changes a section and stamps it.
    pub(crate) fn edit_section(&mut self, id: &str, edit: impl FnOnce(&mut Section)) {
        let (version, now) = (self.next_version(), self.now());
        if let Some(section) = self.sections.get_mut(id) {
            edit(section);
            section.updated_at = now;
            section.version = version;
        }
    }

    /// Changes a label.
    pub(crate) fn edit_label(&mut self, id: &str, edit: impl FnOnce(&mut Label)) {
        let version = self.next_version();
        if let Some(label) = self.labels.get_mut(id) {
            edit(label);
            label.version = version;
        }
    }

    /// Changes a comment.
    pub(crate) fn edit_comment(&mut self, id: &str, edit: impl FnOnce(&mut Comment)) {
        let version = self.next_version();
        if let Some(comment) = self.comments.get_mut(id) {
            edit(comment);
            comment.version = version;
        }
    }

    /// Changes a reminder.
    pub(crate) fn edit_reminder(&mut self, id: &str, edit: impl FnOnce(&mut Reminder)) {
        let version = self.next_version();
        if let Some(reminder) = self.reminders.get_mut(id) {
            edit(reminder);
            reminder.version = version;
        }
    }

    /// Whether a task is on the active lists.
    pub(crate) fn is_active(&self, task: &Task) -> bool {
        !task.is_deleted && !task.checked && self.is_open(task)
    }

    /// Whether the project and the section of a task are there and not archived.
    pub(crate) fn is_open(&self, task: &Task) -> bool {
        let section = task.section.as_deref().map(|id| self.section(id));
        self.project(&task.project).is_ok_and(|it| !it.is_archived)
            && section.is_none_or(|section| section.is_ok_and(|it| !it.is_archived))
    }

    /// The tasks below a task, at any depth, that are not deleted.
    pub(crate) fn below(&self, id: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut from = vec![id.to_owned()];
        while let Some(parent) = from.pop() {
            let children = self.tasks.values();
            let children =
                children.filter(|it| it.parent.as_deref() == Some(&parent) && !it.is_deleted);
            for child in children {
                found.push(child.id.clone());
                from.push(child.id.clone());
            }
        }
        found
    }

    /// Remembers an event for the webhooks.
    pub(crate) fn tell(&mut self, name: &'static str, data: Value) {
        self.events.push(Event {
            name,
            data,
            extra: None,
        });
    }
}
