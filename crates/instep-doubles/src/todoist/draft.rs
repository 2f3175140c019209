//! What a client says about a task: the same fields from a REST body and from a sync command, so
//! that everything behind this is written once. Nothing is stored here.

use serde_json::Value;

use super::Plan;
use super::args::{Args, Given};
use super::due::{self, Due};
use super::refusal::Refusal;
use super::state::{Deadline, Store, Takes, Task};

/// Longest `content`.
const LONGEST_CONTENT: usize = 500;
/// Longest `description`.
const LONGEST_DESCRIPTION: usize = 16_383;
/// Labels on a task.
const MOST_LABELS: usize = 100;
/// Longest name of a label on a task.
const LONGEST_LABEL: usize = 128;
/// Highest order and amount.
const MOST_ORDER: i64 = i32::MAX as i64;

/// Fields of a task; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    pub(crate) content: Option<String>,
    description: Option<String>,
    labels: Option<Vec<String>>,
    priority: Option<i64>,
    due: Given<Due>,
    deadline: Given<Deadline>,
    takes: Given<Takes>,
    responsible: Given<String>,
    pub(crate) child_order: Option<i64>,
    order_key: Given<String>,
    day_order: Option<i64>,
    is_collapsed: Option<bool>,
}

impl Draft {
    /// The fields of a REST body. A creation calls the order `order`, an update `child_order`.
    pub(crate) fn from_rest(store: &Store, args: Args<'_>, order: &str) -> Result<Self, Refusal> {
        let mut draft = Self::shared(args)?;
        draft.child_order = args.number(order, -MOST_ORDER, MOST_ORDER)?.flatten();
        draft.due = due::from_rest(args, &store.moment)?;
        draft.deadline = match args.text("deadline_date")? {
            Some(Some(text)) => Some(Some(deadline(
                &text,
                args.text("deadline_lang")?.flatten(),
            )?)),
            Some(None) => Some(None),
            None => None,
        };
        let amount = args.number("duration", 1, MOST_ORDER)?;
        let unit = args.text("duration_unit")?;
        draft.takes = match (amount, unit) {
            (Some(Some(amount)), Some(Some(unit))) => Some(Some(takes(amount, unit)?)),
            (Some(Some(_)), _) => return Err(Refusal::invalid("duration_unit", "minute or day")),
            (_, Some(Some(_))) => return Err(Refusal::invalid("duration", "integer")),
            (None, None) => None,
            _ => Some(None),
        };
        draft.responsible = args.digits("assignee_id")?;
        draft.allowed(store.plan)
    }

    /// The fields of a sync command.
    pub(crate) fn from_sync(store: &Store, args: Args<'_>) -> Result<Self, Refusal> {
        let mut draft = Self::shared(args)?;
        draft.child_order = args
            .number("child_order", -MOST_ORDER, MOST_ORDER)?
            .flatten();
        draft.order_key = args.text("order_key")?;
        draft.due = due::from_sync(args, &store.moment)?;
        draft.deadline = match args.object("deadline")? {
            Some(Some(object)) => {
                let object = Args(&object);
                let date = object.needed("date", LONGEST_CONTENT)?;
                Some(Some(deadline(&date, object.text("lang")?.flatten())?))
            }
            Some(None) => Some(None),
            None => None,
        };
        draft.takes = match args.object("duration")? {
            Some(Some(object)) => {
                let object = Args(&object);
                let amount = object.number("amount", 1, MOST_ORDER)?.flatten();
                let amount = amount.ok_or_else(|| Refusal::required("amount"))?;
                Some(Some(takes(amount, object.needed("unit", LONGEST_LABEL)?)?))
            }
            Some(None) => Some(None),
            None => None,
        };
        let responsible = args.digits("responsible_uid")?;
        draft.responsible = responsible.map(|id| id.filter(|id| !id.is_empty()));
        draft.allowed(store.plan)
    }

    fn shared(args: Args<'_>) -> Result<Self, Refusal> {
        let labels = args.texts("labels")?;
        if let Some(labels) = &labels {
            let too_long = |name: &String| name.is_empty() || name.chars().count() > LONGEST_LABEL;
            if labels.len() > MOST_LABELS || labels.iter().any(too_long) {
                return Err(Refusal::invalid("labels", "at most 100 names"));
            }
        }
        Ok(Self {
            content: args.filled("content", LONGEST_CONTENT)?,
            description: args
                .text_up_to("description", LONGEST_DESCRIPTION)?
                .flatten(),
            labels,
            priority: args.number("priority", 1, 4)?.flatten(),
            day_order: args.number("day_order", -1, MOST_ORDER)?.flatten(),
            is_collapsed: args.flag("is_collapsed")?,
            ..Self::default()
        })
    }

    /// What the plan makes of it: a deadline is refused on a free one, a duration is dropped.
    fn allowed(mut self, plan: Plan) -> Result<Self, Refusal> {
        if plan == Plan::Free {
            if matches!(self.deadline, Some(Some(_))) {
                return Err(Refusal::premium_only());
            }
            self.takes = self.takes.map(|_| None);
        }
        Ok(self)
    }

    /// Writes the fields into a task.
    pub(crate) fn apply(self, task: &mut Task, user: &str) {
        if let Some(content) = self.content {
            task.content = content;
        }
        if let Some(description) = self.description {
            task.description = description;
        }
        if let Some(labels) = self.labels {
            task.labels.clear();
            for name in labels {
                if !task.labels.contains(&name) {
                    task.labels.push(name);
                }
            }
        }
        task.priority = self.priority.unwrap_or(task.priority);
        task.child_order = self.child_order.unwrap_or(task.child_order);
        task.day_order = self.day_order.unwrap_or(task.day_order);
        task.is_collapsed = self.is_collapsed.unwrap_or(task.is_collapsed);
        task.due = self.due.unwrap_or_else(|| task.due.take());
        task.deadline = self.deadline.unwrap_or_else(|| task.deadline.take());
        task.takes = self.takes.unwrap_or_else(|| task.takes.take());
        task.order_key = self.order_key.unwrap_or_else(|| task.order_key.take());
        if let Some(responsible) = self.responsible {
            task.assigned_by = responsible.as_ref().map(|_| user.to_owned());
            task.responsible = responsible;
        }
    }
}

fn deadline(text: &str, lang: Option<String>) -> Result<Deadline, Refusal> {
    let is_day = text.len() == "2026-12-01".len();
    let date = is_day.then(|| text.parse().ok()).flatten();
    Ok(Deadline {
        date: date.ok_or_else(Refusal::bad_date)?,
        lang: lang.unwrap_or_else(|| "en".to_owned()),
    })
}

fn takes(amount: i64, unit: String) -> Result<Takes, Refusal> {
    if !matches!(unit.as_str(), "minute" | "day") {
        return Err(Refusal::invalid("duration_unit", "minute or day"));
    }
    Ok(Takes { amount, unit })
}

/// Where a task is to stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spot {
    pub(crate) project: Option<String>,
    pub(crate) section: Option<String>,
    pub(crate) parent: Option<String>,
}

impl Spot {
    pub(crate) fn read(args: Args<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            project: args.id("project_id")?.flatten(),
            section: args.id("section_id")?.flatten(),
            parent: args.id("parent_id")?.flatten(),
        })
    }

    /// The one place that a move names.
    pub(crate) fn only_one(self) -> Result<Self, Refusal> {
        let named = [&self.project, &self.section, &self.parent];
        match named.iter().filter(|id| id.is_some()).count() {
            1 => Ok(self),
            _ => Err(Refusal::invalid(
                "project_id",
                "exactly one of project_id, section_id, parent_id",
            )),
        }
    }

    /// Project, section and parent that this comes to.
    pub(crate) fn resolve(
        self,
        store: &Store,
    ) -> Result<(String, Option<String>, Option<String>), Refusal> {
        if let Some(parent) = self.parent {
            let task = store.task(&parent)?;
            return Ok((task.project.clone(), task.section.clone(), Some(parent)));
        }
        if let Some(section) = self.section {
            let project = store.section(&section)?.project.clone();
            return Ok((project, Some(section), None));
        }
        let project = self.project.unwrap_or_else(|| store.inbox.clone());
        store.project(&project)?;
        Ok((project, None, None))
    }
}

/// The object that a value is; `null` is an empty one.
pub(crate) fn object(value: Value) -> Result<serde_json::Map<String, Value>, Refusal> {
    match value {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(serde_json::Map::new()),
        _ => Err(Refusal::malformed("the body is no object")),
    }
}
