//! Both directions between Vikunja's task and ours, field by field. Nothing here sends anything.
//!
//! What [`fields`] reads lies on the grid that [`capabilities`] declares, and what [`body`] writes
//! reads back as what was written (S2). A rule that Vikunja cannot express is written as none.

use std::collections::{BTreeMap, BTreeSet};

use instep_model::{
    Anchor, BatchRule, Capabilities, Field, Fields, Grid, Hold, Ids, Reminder, RemoteId,
    RemoteNote, RemoteNoteId, RemoteTask, Status, TagRule, TextRule, TimeZone, Timestamp, Value,
    When, WriteShape,
};
use serde_json::{Map, Value as Json, json};

use super::markdown::{to_html, to_markdown};
use super::projects::{Projects, collection_id};
use super::wire::{self, NO_DATE};

/// The relation of a task to those that come first; its counterpart is `blocking`.
/// Vikunja's own pages call it "Blocked By".
pub(super) const WAITS_FOR: &str = "blocked";
/// The counterpart of [`WAITS_FOR`].
pub(super) const HOLDS_UP: &str = "blocking";
/// The relation of a task to the one that it is a part of; its counterpart is `subtask`.
pub(super) const PART_OF: &str = "parenttask";
/// The counterpart of [`PART_OF`].
pub(super) const HAS_PART: &str = "subtask";

/// Longest title of a label and of a project.
const MAX_TITLE_CHARS: usize = 250;
/// Ten years: the longest interval that Vikunja takes.
const MAX_REPEAT_SECS: i64 = 315_360_000;
/// Creates that one call carries.
pub(super) const MAX_BULK: usize = 100;

/// What Vikunja can hold and how it takes writes.
pub fn capabilities() -> Capabilities {
    let instants = Hold::Coarse(Grid::instants(1000));
    let text = |one_line| {
        Hold::Coarse(Grid::Text(TextRule {
            one_line,
            no_controls: true,
            trimmed: true,
            max_chars: 0,
        }))
    };
    let tags = TagRule {
        forbidden: Vec::new(),
        max_chars: MAX_TITLE_CHARS,
    };
    Capabilities {
        holds: BTreeMap::from([
            (Field::Title, text(true)),
            (Field::Notes, text(false)),
            (
                Field::Status,
                Hold::Coarse(Grid::Statuses([
                    Status::Open,
                    Status::Open,
                    Status::Done,
                    Status::Done,
                ])),
            ),
            (Field::CompletedAt, Hold::Follows(Field::Status)),
            (Field::Priority, Hold::Whole),
            (Field::Due, instants.clone()),
            (Field::Start, instants.clone()),
            (Field::End, instants.clone()),
            (Field::PercentDone, Hold::Whole),
            (Field::Reminders, instants),
            (Field::Recurrence, Hold::Whole),
            (Field::Project, Hold::Whole),
            (Field::Tags, Hold::Coarse(Grid::Tags(tags))),
            (Field::Annotations, Hold::Whole),
            (Field::Depends, Hold::Whole),
            (Field::Parent, Hold::Whole),
            (Field::Created, Hold::Once),
        ]),
        shapes: BTreeMap::from([
            (Field::Tags, WriteShape::Elements),
            (Field::Annotations, WriteShape::EachElement),
            (Field::Depends, WriteShape::EachElement),
            (Field::Parent, WriteShape::EachElement),
        ]),
        ids: Ids::Given,
        batch: BatchRule {
            creates: MAX_BULK,
            mixed: 1,
        },
        markers: false,
        collections: true,
        tag_records: true,
        revives: false,
    }
}

/// A task as the engine sees it; `offset_ms` is how far the server's clock is ahead.
pub(super) fn remote_task(task: &wire::Task, projects: &Projects, offset_ms: i64) -> RemoteTask {
    let mut fields = fields(task);
    fields.set(
        Field::Project,
        projects.path(task.project_id).map(Value::Path),
    );
    let mut notes: Vec<RemoteNote> = task.comments.iter().filter_map(note).collect();
    notes.sort();
    RemoteTask {
        id: remote_id(task.id),
        collection: Some(collection_id(task.project_id)),
        fields,
        notes,
        depends: task.related(WAITS_FOR).map(remote_id).collect(),
        parent: task.related(PART_OF).min().map(remote_id),
        markers: BTreeMap::new(),
        changed_at: task.updated.map(|at| corrected(at, offset_ms)),
        revision: None,
        shadow: shadow(task),
        born: task.created,
    }
}

/// The fields that a task's body holds, and its tags. The project depends on the tree around it.
pub fn fields(task: &wire::Task) -> Fields {
    let status = if task.done {
        Status::Done
    } else {
        Status::Open
    };
    let completed = task.done_at.filter(|_| task.done);
    let when = |at: Option<Timestamp>| at.map(|at| Value::When(When::At(at)));
    Fields::new()
        .with(Field::Title, Value::Text(one_line(&task.title)))
        .with(Field::Notes, Value::Text(notes(&task.description)))
        .with(Field::Status, Value::Status(status))
        .with(Field::CompletedAt, completed.map(Value::Instant))
        .with(
            Field::Priority,
            Value::Number(task.priority.clamp(0, 5) as u32),
        )
        .with(Field::Due, when(task.due_date))
        .with(Field::Start, when(task.start_date))
        .with(Field::End, when(task.end_date))
        .with(
            Field::PercentDone,
            Value::Number(percent(task.percent_done)),
        )
        .with(Field::Reminders, Value::Reminders(reminders(task)))
        .with(
            Field::Recurrence,
            rule(task.repeat_after, task.repeat_mode).map(Value::Text),
        )
        .with(Field::Tags, Value::Tags(tags(task)))
        .with(Field::Created, task.created.map(Value::Instant))
}

/// What a create or a patch sends for these values; `None` clears a field. Fields that do not
/// travel with the body are left out.
pub fn body<'a>(
    values: impl IntoIterator<Item = (Field, Option<&'a Value>)>,
    zone: &TimeZone,
) -> Map<String, Json> {
    let mut body = Map::new();
    for (field, value) in values {
        write_field(&mut body, field, value, zone);
    }
    body
}

fn write_field(body: &mut Map<String, Json>, field: Field, value: Option<&Value>, zone: &TimeZone) {
    let text = match value {
        Some(Value::Text(text)) => text.as_str(),
        _ => "",
    };
    let number = match value {
        Some(Value::Number(number)) => *number,
        _ => 0,
    };
    let date = || match value {
        Some(Value::When(when)) => json!(second(when.instant(zone))),
        _ => json!(NO_DATE),
    };
    let mut put = |key: &str, value: Json| body.insert(key.to_owned(), value);
    match field {
        Field::Title => put("title", json!(text)),
        Field::Notes => put("description", json!(to_html(text))),
        Field::Status => {
            let done = matches!(value, Some(Value::Status(status)) if status.is_closed());
            put("done", json!(done))
        }
        Field::Priority => put("priority", json!(number)),
        Field::Due => put("due_date", date()),
        Field::Start => put("start_date", date()),
        Field::End => put("end_date", date()),
        Field::PercentDone => put("percent_done", json!(f64::from(number) / 100.0)),
        Field::Reminders => {
            let list = match value {
                Some(Value::Reminders(list)) => list.iter().map(|r| reminder(r, zone)).collect(),
                _ => Vec::new(),
            };
            put("reminders", Json::Array(list))
        }
        Field::Recurrence => {
            let (after, mode) = repetition(text).unwrap_or((0, 0));
            put("repeat_after", json!(after));
            put("repeat_mode", json!(mode))
        }
        _ => None,
    };
}

/// The whole body of a new task: its values, and what its shadow remembers (S3).
pub(super) fn new_body(
    fields: &Fields,
    shadow: Option<&str>,
    zone: &TimeZone,
) -> Map<String, Json> {
    let mut body = body(
        fields.iter().map(|(field, value)| (field, Some(value))),
        zone,
    );
    if let (true, Some(at)) = (
        fields.status().is_closed(),
        fields.instant(Field::CompletedAt),
    ) {
        body.insert("done_at".into(), json!(second(at)));
    }
    let kept: Option<Map<String, Json>> = shadow.and_then(|text| serde_json::from_str(text).ok());
    for (key, value) in kept.unwrap_or_default() {
        if SHADOWED.contains(&key.as_str()) {
            body.entry(key).or_insert(value);
        }
    }
    body
}

/// What a create can give back of what the hub has no field for.
const SHADOWED: [&str; 3] = ["hex_color", "is_favorite", "assignees"];

fn shadow(task: &wire::Task) -> Option<String> {
    let mut kept = Map::new();
    if !task.hex_color.is_empty() {
        kept.insert("hex_color".into(), json!(task.hex_color));
    }
    if task.is_favorite {
        kept.insert("is_favorite".into(), json!(true));
    }
    if !task.assignees.is_empty() {
        let users = task.assignees.iter().map(|user| json!({ "id": user.id }));
        kept.insert("assignees".into(), users.collect());
    }
    (!kept.is_empty()).then(|| Json::Object(kept).to_string())
}

fn note(comment: &wire::Comment) -> Option<RemoteNote> {
    Some(RemoteNote {
        id: RemoteNoteId::new(comment.id.to_string()),
        at: comment.created?,
        text: notes(&comment.comment),
    })
}

/// A description or comment on the grid of notes.
pub(super) fn notes(html: &str) -> String {
    let clean = to_markdown(&no_controls(html));
    clean.trim().to_owned()
}

fn one_line(title: &str) -> String {
    let flat = title.replace(['\n', '\r'], " ");
    no_controls(&flat).trim().to_owned()
}

fn no_controls(text: &str) -> String {
    text.chars()
        .filter(|c| matches!(c, '\n' | '\t') || !c.is_control())
        .collect()
}

/// Labels without a title, and such as are too long for the grid, are not ours to see.
fn tags(task: &wire::Task) -> BTreeSet<String> {
    task.labels
        .iter()
        .map(|label| label.title.clone())
        .filter(|title| !title.is_empty() && title.chars().count() <= MAX_TITLE_CHARS)
        .collect()
}

fn percent(share: f64) -> u32 {
    // NaN and what lies outside end at a bound, so the cast cannot surprise.
    (share * 100.0).round().clamp(0.0, 100.0) as u32
}

fn reminders(task: &wire::Task) -> BTreeSet<Reminder> {
    task.reminders
        .iter()
        .filter_map(|reminder| {
            let anchor = match reminder.relative_to.as_str() {
                "due_date" => Anchor::Due,
                "start_date" => Anchor::Start,
                "end_date" => Anchor::End,
                _ => return reminder.reminder.map(|at| Reminder::At(When::At(at))),
            };
            Some(Reminder::Relative {
                anchor,
                offset_secs: reminder.relative_period,
            })
        })
        .collect()
}

fn reminder(reminder: &Reminder, zone: &TimeZone) -> Json {
    match reminder {
        Reminder::At(when) => json!({ "reminder": second(when.instant(zone)) }),
        Reminder::Relative {
            anchor,
            offset_secs,
        } => {
            let to = match anchor {
                Anchor::Due => "due_date",
                Anchor::Start => "start_date",
                Anchor::End => "end_date",
            };
            json!({ "relative_period": offset_secs, "relative_to": to })
        }
    }
}

/// Seconds of each frequency that has a fixed length, longest first.
const FREQUENCIES: [(&str, i64); 5] = [
    ("WEEKLY", 604_800),
    ("DAILY", 86_400),
    ("HOURLY", 3_600),
    ("MINUTELY", 60),
    ("SECONDLY", 1),
];

/// Marks a rule that counts from the day of completion.
const FROM_COMPLETION: &str = "X-FROM=COMPLETION";

/// The rule that Vikunja's two numbers stand for.
fn rule(after: i64, mode: i64) -> Option<String> {
    if mode == 1 {
        return Some("FREQ=MONTHLY".into());
    }
    if after <= 0 {
        return None;
    }
    let (name, step) = FREQUENCIES
        .into_iter()
        .find(|(_, step)| after % step == 0)?;
    let mut rule = format!("FREQ={name}");
    if after != step {
        rule.push_str(&format!(";INTERVAL={}", after / step));
    }
    if mode == 2 {
        rule.push(';');
        rule.push_str(FROM_COMPLETION);
    }
    Some(rule)
}

/// The two numbers that stand for a rule, where it says no more than they can.
pub(super) fn repetition(rule: &str) -> Option<(i64, i64)> {
    let rule = rule.strip_prefix("RRULE:").unwrap_or(rule);
    let (mut frequency, mut interval, mut mode) = ("", 1_i64, 0);
    for part in rule.split(';').filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some(("FREQ", name)) => frequency = name,
            Some(("INTERVAL", count)) => interval = count.parse().ok().filter(|n| *n > 0)?,
            _ if part == FROM_COMPLETION => mode = 2,
            _ => return None,
        }
    }
    if frequency == "MONTHLY" && interval == 1 && mode == 0 {
        return Some((0, 1));
    }
    let (_, step) = FREQUENCIES
        .into_iter()
        .find(|(name, _)| *name == frequency)?;
    let after = step.checked_mul(interval)?;
    (after <= MAX_REPEAT_SECS).then_some((after, mode))
}

/// Cut to the whole second that Vikunja stores.
fn second(at: Timestamp) -> String {
    let floor = at.as_millisecond().div_euclid(1000);
    Timestamp::from_second(floor).unwrap_or(at).to_string()
}

fn corrected(at: Timestamp, offset_ms: i64) -> Timestamp {
    at.checked_sub(jiff::SignedDuration::from_millis(offset_ms))
        .unwrap_or(at)
}

/// Whether a stored value of `field` is this one: dates as instants, rules by what they say.
pub(super) fn same(
    field: Field,
    stored: Option<&Value>,
    value: Option<&Value>,
    zone: &TimeZone,
) -> bool {
    let empty = |value: Option<&Value>| value.is_none_or(Value::is_empty);
    if empty(stored) && empty(value) {
        return true;
    }
    match (stored, value) {
        (Some(Value::When(stored)), Some(Value::When(value))) => {
            second(stored.instant(zone)) == second(value.instant(zone))
        }
        (Some(Value::Status(stored)), Some(Value::Status(value))) => {
            stored.is_closed() == value.is_closed()
        }
        (Some(Value::Text(stored)), Some(Value::Text(value))) if field == Field::Recurrence => {
            stored == value || repetition(stored).is_some_and(|r| repetition(value) == Some(r))
        }
        _ => stored == value,
    }
}

/// The engine's name for a task.
pub(super) fn remote_id(id: i64) -> RemoteId {
    RemoteId::new(id.to_string())
}
