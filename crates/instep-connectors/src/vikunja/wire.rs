//! Vikunja's own shapes, as its second API sends them. Nothing here knows what they mean to us;
//! times are cut to whole seconds, because answers to writes carry fractions that are not stored.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZone;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

/// One page of a list.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub struct Page<T> {
    /// The rows; `null` for none.
    #[serde(deserialize_with = "rows")]
    pub items: Vec<T>,
    /// How many rows the whole query has.
    pub total: u64,
}

/// What a bulk create answers.
#[derive(Debug, Deserialize)]
pub struct Made {
    /// The new tasks, in the order they were sent.
    pub tasks: Vec<Task>,
}

/// What the server says about itself.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Info {
    /// Its version, such as `v2.5.0`.
    pub version: String,
    /// Whether it sends webhooks.
    #[serde(default)]
    pub webhooks_enabled: Option<bool>,
}

/// A webhook of a project.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Webhook {
    /// Number of the webhook.
    pub id: i64,
    /// Where it posts to.
    #[serde(default)]
    pub target_url: String,
    /// What it tells.
    #[serde(default, deserialize_with = "rows")]
    pub events: Vec<String>,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct User {
    /// Number of the user.
    pub id: i64,
    /// When the user was made.
    #[serde(default, deserialize_with = "moment")]
    pub created: Option<Timestamp>,
    /// Settings, only of the user who asks.
    #[serde(default)]
    pub settings: Option<UserSettings>,
}

/// The part of a user's settings that matters here.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct UserSettings {
    /// The user's inbox.
    #[serde(default)]
    pub default_project_id: i64,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Project {
    /// Number of the project; negative for saved filters and favourites.
    pub id: i64,
    /// Its title.
    pub title: String,
    /// The project that it lies in; 0 for none.
    #[serde(default)]
    pub parent_project_id: i64,
    /// Who owns it.
    #[serde(default)]
    pub owner: Option<User>,
    /// Whether it or one above it is archived.
    #[serde(default)]
    pub is_archived: bool,
    /// When it was made.
    #[serde(default, deserialize_with = "moment")]
    pub created: Option<Timestamp>,
    /// When it or anything in it last changed.
    #[serde(deserialize_with = "moment")]
    pub updated: Option<Timestamp>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Task {
    /// Number of the task.
    pub id: i64,
    /// Title, verbatim.
    pub title: String,
    /// HTML.
    #[serde(default)]
    pub description: String,
    /// Whether it is done.
    #[serde(default)]
    pub done: bool,
    /// When it was last marked done.
    #[serde(default, deserialize_with = "moment")]
    pub done_at: Option<Timestamp>,
    /// When it is due.
    #[serde(default, deserialize_with = "moment")]
    pub due_date: Option<Timestamp>,
    /// Planned start.
    #[serde(default, deserialize_with = "moment")]
    pub start_date: Option<Timestamp>,
    /// Planned end.
    #[serde(default, deserialize_with = "moment")]
    pub end_date: Option<Timestamp>,
    /// Reminders.
    #[serde(default, deserialize_with = "rows")]
    pub reminders: Vec<Reminder>,
    /// The project it lies in.
    pub project_id: i64,
    /// Seconds between two occurrences.
    #[serde(default)]
    pub repeat_after: i64,
    /// 0: every `repeat_after`; 1: monthly; 2: `repeat_after` from completion.
    #[serde(default)]
    pub repeat_mode: i64,
    /// Any integer; 0 to 5 are meant.
    #[serde(default)]
    pub priority: i64,
    /// Who works on it.
    #[serde(default, deserialize_with = "rows")]
    pub assignees: Vec<User>,
    /// Its labels.
    #[serde(default, deserialize_with = "rows")]
    pub labels: Vec<Label>,
    /// Colour, six hexadecimal digits.
    #[serde(default)]
    pub hex_color: String,
    /// A share from 0 to 1.
    #[serde(default)]
    pub percent_done: f64,
    /// Related tasks by kind of relation.
    #[serde(default, deserialize_with = "relations")]
    pub related_tasks: BTreeMap<String, Vec<Related>>,
    /// Whether it is a favourite of the user who asks.
    #[serde(default)]
    pub is_favorite: bool,
    /// Who made it.
    #[serde(default)]
    pub created_by: Option<User>,
    /// When it was made.
    #[serde(default, deserialize_with = "moment")]
    pub created: Option<Timestamp>,
    /// When it last changed.
    #[serde(deserialize_with = "moment")]
    pub updated: Option<Timestamp>,
    /// The first comments, where they were asked for. A list sends 50 for all its rows together.
    #[serde(default, deserialize_with = "rows")]
    pub comments: Vec<Comment>,
    /// How many comments there are, where it was asked for.
    #[serde(default)]
    pub comment_count: Option<usize>,
}

/// A reminder.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Reminder {
    /// The moment, computed by the server for a relative one.
    #[serde(default, deserialize_with = "moment")]
    pub reminder: Option<Timestamp>,
    /// Seconds from the date that it hangs on.
    #[serde(default)]
    pub relative_period: i64,
    /// `due_date`, `start_date`, `end_date`, or empty.
    #[serde(default)]
    pub relative_to: String,
}

/// A label.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Label {
    /// Number of the label.
    pub id: i64,
    /// Its title; not unique.
    pub title: String,
    /// Who made it.
    #[serde(default)]
    pub created_by: Option<User>,
}

/// What attaching a label answers.
#[derive(Debug, Deserialize)]
pub struct LabelOnTask {
    /// Number of the label.
    pub label_id: i64,
}

/// What replacing a task's labels answers: the labels that it has now.
#[derive(Debug, Deserialize)]
pub struct LabelsOnTask {
    /// The labels, as they were sent.
    #[serde(deserialize_with = "rows")]
    pub labels: Vec<Json>,
}

/// What relating two tasks answers.
#[derive(Debug, Deserialize)]
pub struct Relation {
    /// Number of the other task.
    pub other_task_id: i64,
}

/// A task at the other end of a relation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Related {
    /// Number of the task.
    pub id: i64,
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Comment {
    /// Number of the comment.
    pub id: i64,
    /// HTML.
    #[serde(default)]
    pub comment: String,
    /// When it was made.
    #[serde(default, deserialize_with = "moment")]
    pub created: Option<Timestamp>,
}

/// What an error answer says.
#[derive(Debug, Default, Deserialize)]
pub struct Problem {
    /// Vikunja's own number of the error; 0 where it gives none.
    #[serde(default)]
    pub code: i64,
    /// What happened, in the second API.
    #[serde(default)]
    pub detail: String,
    /// What happened, in the first API and in errors of its framework.
    #[serde(default)]
    pub message: String,
    /// What a validation found, field by field.
    #[serde(default, deserialize_with = "rows")]
    pub errors: Vec<Finding>,
}

/// One finding of a validation.
#[derive(Debug, Deserialize)]
pub struct Finding {
    /// What is wrong.
    #[serde(default)]
    pub message: String,
    /// Where: `body.title`, `body.tasks[3].title`.
    #[serde(default)]
    pub location: String,
}

impl User {
    /// The user's default project; 0 for none.
    pub fn inbox(&self) -> i64 {
        let settings = self.settings.as_ref();
        settings.map_or(0, |settings| settings.default_project_id)
    }
}

impl Task {
    /// The tasks that stand in this relation to it.
    pub fn related(&self, kind: &str) -> impl Iterator<Item = i64> {
        self.related_tasks
            .get(kind)
            .into_iter()
            .flatten()
            .map(|task| task.id)
    }
}

/// The zero time, which means "no date".
pub(super) const NO_DATE: &str = "0001-01-01T00:00:00Z";

fn rows<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(from)?.unwrap_or_default())
}

fn relations<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<BTreeMap<String, Vec<Related>>, D::Error> {
    let kinds = Option::<BTreeMap<String, Option<Vec<Related>>>>::deserialize(from)?;
    Ok(kinds
        .unwrap_or_default()
        .into_iter()
        .map(|(kind, tasks)| (kind, tasks.unwrap_or_default()))
        .collect())
}

/// A time of year 1 or before means "no date": some of those are zero times in odd zones.
fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(from)? else {
        return Ok(None);
    };
    if text.is_empty() {
        return Ok(None);
    }
    let at = instant(&text).map_err(D::Error::custom)?;
    let dated = at.as_second() >= YEAR_TWO;
    Ok(dated.then(|| Timestamp::from_second(at.as_second()).unwrap_or(at)))
}

/// Vikunja stores times up to the last second of year 9999, which is later than an instant can be:
/// one such date must not make the whole listing unreadable, and stands for the end of time.
fn instant(text: &str) -> Result<Timestamp, jiff::Error> {
    text.parse().or_else(|error| {
        let pieces = DateTimeParser::new().parse_pieces(text)?;
        match pieces.date() >= Timestamp::MAX.to_zoned(TimeZone::UTC).date() {
            true => Ok(Timestamp::MAX),
            false => Err(error),
        }
    })
}

/// 0002-01-01T00:00:00Z in Unix seconds.
const YEAR_TWO: i64 = -62_104_060_800;
