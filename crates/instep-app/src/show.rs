//! Tasks and accounts as replies show them: listing, one task, what an account can hold.

use std::collections::{BTreeMap, HashMap};

use instep_api::{
    AccountShown, Failure, HoldView, ListReply, ListRequest, SCHEMA_VERSION, TaskView,
};
use instep_contract::Connector;
use instep_model::{
    AccountId, Field, Fields, Grid, Hold, Mapping, MappingState, NextTry, Scope, Status, Task,
    TaskId, TimeZone, Timestamp, Value,
};
use instep_store::{Refused, TaskFilter};
use serde_json::{Map, Value as Json, json};

use crate::app::App;
use crate::config::{Entry, policy_text};
use crate::{say, wiring};

/// When what an account refused is tried again there.
type Retries = HashMap<(TaskId, AccountId), NextTry>;

impl App {
    /// Living tasks that pass the filter, oldest first.
    ///
    /// # Errors
    /// When the account is unknown, the project is none, or the hub fails.
    pub async fn list(&self, request: &ListRequest) -> Result<ListReply, Failure> {
        let project = match request.project.as_deref() {
            Some(text) => Some(text.parse().map_err(|error: instep_model::ParseError| {
                say::usage(
                    "bad_project",
                    format!("`{text}` is not a project"),
                    error.to_string(),
                    "instep list --project Work.Garden",
                )
            })?),
            None => None,
        };
        let account = match request.account.as_deref() {
            Some(name) => Some(self.entry(name)?.account.id.clone()),
            None => None,
        };
        let statuses = if request.all {
            Vec::new()
        } else {
            vec![Status::Open, Status::Blocked]
        };
        let filter = TaskFilter {
            statuses,
            project,
            tag: request.tag.clone(),
            account: account.clone(),
        };
        let failed = |error| say::from_store(&error);
        let tasks = self.hub.list_tasks(&filter).await.map_err(failed)?;
        let pairs = self.hub.mappings(None).await.map_err(failed)?;
        let mut by_task: HashMap<TaskId, Vec<Mapping>> = HashMap::new();
        for pair in pairs {
            by_task.entry(pair.task).or_default().push(pair);
        }
        let refused = self.refused().await?;
        let views = tasks.iter().map(|task| {
            let pairs = by_task.get(&task.id).map_or(&[][..], Vec::as_slice);
            self.view(task, pairs, &refused)
        });
        Ok(ListReply {
            schema_version: SCHEMA_VERSION,
            tasks: views.collect(),
        })
    }

    /// One task, by the beginning of its id.
    ///
    /// # Errors
    /// When that names none or several.
    pub async fn show(&self, id_prefix: &str) -> Result<ListReply, Failure> {
        let task = self.find_task(id_prefix).await?;
        Ok(ListReply {
            schema_version: SCHEMA_VERSION,
            tasks: vec![self.view_of(&task).await?],
        })
    }

    /// A task with where it lives.
    pub(crate) async fn view_of(&self, task: &Task) -> Result<TaskView, Failure> {
        use instep_contract::Store;
        let pairs = self.hub.mappings_of_tasks(&[task.id]).await;
        let pairs = pairs.map_err(|error| say::from_store(&error))?;
        Ok(self.view(task, &pairs, &self.refused().await?))
    }

    /// When each task that an account refused is tried again there.
    async fn refused(&self) -> Result<Retries, Failure> {
        let refused = self.hub.refused(None, usize::MAX).await;
        let refused = refused.map_err(|error| say::from_store(&error))?;
        let key = |one: Refused| ((one.pair.task, one.pair.account), one.next);
        Ok(refused.into_iter().map(key).collect())
    }

    fn view(&self, task: &Task, pairs: &[Mapping], refused: &Retries) -> TaskView {
        let mut fields = fields_of(&task.fields);
        fields.retain(|name, _| name != Field::Title.name() && name != Field::Status.name());
        let mut accounts = BTreeMap::new();
        let mut errors = BTreeMap::new();
        let mut retry_at = BTreeMap::new();
        let mut left_out = BTreeMap::new();
        for pair in pairs {
            let name = self.name_of(&pair.account).to_owned();
            if let (Some(remote), None) = (&pair.remote, &pair.gone) {
                accounts.insert(name.clone(), remote.to_string());
            }
            if !pair.left_out.is_empty() {
                let fields = pair.left_out.iter().map(Field::to_string);
                left_out.insert(name.clone(), fields.collect());
            }
            if let (MappingState::Error, Some(reason)) = (pair.state, &pair.last_error) {
                let next = refused.get(&(task.id, pair.account.clone()));
                let at = match next {
                    Some(NextTry::At(at)) => Some(*at),
                    Some(NextTry::Sync) => Some(Timestamp::now()),
                    Some(NextTry::Parked) | None => None,
                };
                retry_at.extend(at.map(|at| (name.clone(), at.to_string())));
                errors.insert(name, reason.clone());
            }
        }
        TaskView {
            id: task.id.to_string(),
            title: task.fields.title().to_owned(),
            status: task.fields.status().to_string(),
            fields,
            modified: task.modified.to_string(),
            accounts,
            errors,
            retry_at,
            left_out,
        }
    }

    /// Every account of the config.
    ///
    /// # Errors
    /// None today; a hub that is asked may fail.
    pub async fn accounts(&self) -> Result<Vec<AccountShown>, Failure> {
        let shown = self.config.accounts.iter().map(|entry| self.shown(entry));
        Ok(shown.collect())
    }

    /// One account, with what it can hold.
    ///
    /// # Errors
    /// When there is no such account, or its connector cannot be set up.
    pub async fn account_show(&self, name: &str) -> Result<AccountShown, Failure> {
        let entry = self.entry(name)?;
        let state = self.places.state();
        let connector =
            wiring::connect(&self.places, &self.config, &self.secrets, entry, state).await?;
        let mut shown = self.shown(entry);
        let capabilities = connector.capabilities();
        shown.holds = Field::ALL
            .into_iter()
            .map(|field| hold_view(field, capabilities.hold(field)))
            .collect();
        Ok(shown)
    }

    fn shown(&self, entry: &Entry) -> AccountShown {
        let account = &entry.account;
        let mut scope = scope_text(&account.scope);
        let policy = policy_text(&account.policy, &self.config.accounts());
        if policy != "newest" {
            let parts = [scope, format!("conflicts {policy}")];
            scope = parts
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(", ");
        }
        AccountShown {
            schema_version: SCHEMA_VERSION,
            id: account.id.to_string(),
            name: account.name.clone(),
            kind: account.kind.to_string(),
            place: entry.reach.place(),
            direction: account.direction.to_string(),
            scope,
            holds: Vec::new(),
        }
    }
}

/// Every field that is set, by name.
pub(crate) fn fields_of(fields: &Fields) -> Map<String, Json> {
    fields
        .iter()
        .map(|(field, value)| (field.name().to_owned(), json_of(value)))
        .collect()
}

/// A value as JSON: numbers, flags and lists as such, everything else in canonical text.
fn json_of(value: &Value) -> Json {
    match value {
        Value::Number(number) => json!(number),
        Value::Flag(flag) => json!(flag),
        Value::Tags(tags) => json!(tags),
        Value::Tasks(tasks) => {
            json!(tasks.iter().map(ToString::to_string).collect::<Vec<_>>())
        }
        Value::Reminders(reminders) => {
            json!(reminders.iter().map(ToString::to_string).collect::<Vec<_>>())
        }
        Value::Annotations(notes) => notes
            .iter()
            .map(|(id, note)| json!({ "id": id.to_string(), "at": note.at.to_string(), "text": note.text }))
            .collect(),
        other => json!(other.to_string()),
    }
}

fn scope_text(scope: &Scope) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(scope.projects.iter().map(|path| format!("project {path}")));
    parts.extend(scope.tags.iter().map(|tag| format!("tag {tag}")));
    parts.extend(scope.not_tags.iter().map(|tag| format!("not tag {tag}")));
    parts.join(", ")
}

fn hold_view(field: Field, hold: &Hold) -> HoldView {
    let (holds, how) = match hold {
        Hold::No => ("no", "stays in the hub".to_owned()),
        Hold::Whole => ("whole", "as it is".to_owned()),
        Hold::Once => ("once", "set when the task is made".to_owned()),
        Hold::Follows(other) => ("follows", format!("set by the service with {other}")),
        Hold::Coarse(grid) => ("coarse", grid_text(grid)),
    };
    HoldView {
        field: field.name().to_owned(),
        holds: holds.to_owned(),
        how,
    }
}

fn grid_text(grid: &Grid) -> String {
    match grid {
        Grid::Bands(bands) => {
            let mut steps: Vec<u8> = bands.to_vec();
            steps.dedup();
            format!("{} steps", steps.len())
        }
        Grid::Statuses(statuses) => {
            let mut words: Vec<String> = Vec::new();
            for status in statuses {
                let word = status.to_string();
                if !words.contains(&word) {
                    words.push(word);
                }
            }
            format!("only {}", words.join(" and "))
        }
        Grid::Instants { millis, within } => {
            let mut how = match millis {
                1000 => "to the second".to_owned(),
                millis => format!("in steps of {millis} ms"),
            };
            if *within != (Timestamp::MIN..=Timestamp::MAX) {
                let year = |at: &Timestamp| at.to_zoned(TimeZone::UTC).year();
                how += &format!(", {} to {}", year(within.start()), year(within.end()));
            }
            how
        }
        Grid::Days => "only the day".to_owned(),
        Grid::Text(rule) => {
            let mut parts = Vec::new();
            if rule.one_line {
                parts.push("on one line".to_owned());
            }
            if rule.no_controls {
                parts.push("without control characters".to_owned());
            }
            if rule.trimmed {
                parts.push("without blanks at its ends".to_owned());
            }
            if rule.max_chars > 0 {
                parts.push(format!("up to {} characters", rule.max_chars));
            }
            parts.join(", ")
        }
        Grid::Tags(rule) => {
            let mut parts = Vec::new();
            if !rule.forbidden.is_empty() {
                let forbidden: Vec<String> = rule
                    .forbidden
                    .iter()
                    .map(|c| format!("`{}`", c.escape_default()))
                    .collect();
                parts.push(format!("not with {}", forbidden.join(" or ")));
            }
            if rule.max_chars > 0 {
                parts.push(format!("up to {} characters", rule.max_chars));
            }
            parts.join(", ")
        }
        Grid::Steps(step) => format!("in steps of {step}"),
    }
}
