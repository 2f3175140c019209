//! A task as clients send it. Absent and `null` mean the same throughout; nothing is stored here.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::state::{Reminder, Stored};
use super::wire::{self, NO_DATE};

/// Longest `repeat_after`: ten years of seconds.
const MOST_REPEAT: i64 = 315_360_000;
/// Longest colour that is accepted, with its `#`.
const MOST_COLOUR: usize = 7;
/// Seconds of the zero time.
const ZERO_SECOND: i64 = -62_135_596_800;

/// A date as it was sent: what is stored, and the text that is echoed.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Stored,
    pub(crate) text: String,
}

impl Default for Sent {
    fn default() -> Self {
        Self {
            at: None,
            text: NO_DATE.to_owned(),
        }
    }
}

impl<'de> Deserialize<'de> for Sent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else {
            return Ok(Self::default());
        };
        // Only RFC 3339 with a time and an offset is a date here.
        let shaped = text.len() >= NO_DATE.len() && text.as_bytes().get(10) == Some(&b'T');
        let at: Timestamp = match text.parse() {
            Ok(at) if shaped => at,
            _ => return Err(serde::de::Error::custom("not an RFC 3339 date")),
        };
        let second = at.as_nanosecond().div_euclid(1_000_000_000);
        let second = i64::try_from(second).unwrap_or(ZERO_SECOND);
        Ok(Self {
            at: (second != ZERO_SECOND).then_some(second),
            text,
        })
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentReminder {
    pub(crate) reminder: Sent,
    pub(crate) relative_period: Option<i64>,
    pub(crate) relative_to: Option<String>,
}

/// An object of which only the id matters.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct IdOnly {
    #[serde(default)]
    pub(crate) id: i64,
}

/// A task in a request body.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TaskBody {
    pub(crate) id: Option<i64>,
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) done: Option<bool>,
    pub(crate) done_at: Sent,
    pub(crate) due_date: Sent,
    pub(crate) start_date: Sent,
    pub(crate) end_date: Sent,
    pub(crate) reminders: Option<Vec<SentReminder>>,
    pub(crate) project_id: Option<i64>,
    pub(crate) repeat_after: Option<i64>,
    pub(crate) repeat_mode: Option<i64>,
    pub(crate) priority: Option<i64>,
    pub(crate) assignees: Option<Vec<IdOnly>>,
    pub(crate) labels: Option<Vec<Value>>,
    pub(crate) hex_color: Option<String>,
    pub(crate) percent_done: Option<f64>,
    pub(crate) identifier: Option<String>,
    pub(crate) index: Option<i64>,
    pub(crate) related_tasks: Option<Value>,
    pub(crate) attachments: Option<Value>,
    pub(crate) cover_image_attachment_id: Option<i64>,
    pub(crate) is_favorite: Option<bool>,
    pub(crate) subscription: Option<Value>,
    pub(crate) created: Sent,
    pub(crate) updated: Sent,
    pub(crate) bucket_id: Option<i64>,
    pub(crate) position: Option<f64>,
    pub(crate) reactions: Option<Value>,
    pub(crate) created_by: Option<Value>,
}

impl TaskBody {
    /// The assignees' ids, each once.
    pub(crate) fn assignee_ids(&self) -> Vec<i64> {
        let mut ids = Vec::new();
        for assignee in self.assignees.iter().flatten() {
            if !ids.contains(&assignee.id) {
                ids.push(assignee.id);
            }
        }
        ids
    }

    /// Rules that hold for create and update alike, apart from title and reminders.
    pub(crate) fn check(&self, v2: bool) -> Result<(), Refusal> {
        let repeat_after = self.repeat_after.unwrap_or(0);
        if repeat_after < 0 {
            let why = format!("{repeat_after} does not validate as range(0|9223372036854775807)");
            return Err(Refusal::invalid("repeat_after", &why, v2));
        }
        if repeat_after > MOST_REPEAT {
            let text =
                "The task repeat interval must be between 0 and 315360000 seconds (10 years).";
            return Err(Refusal::new(400, 4029, text));
        }
        let colour = self.hex_color.as_deref().unwrap_or_default();
        if colour.chars().count() > MOST_COLOUR {
            let why = format!("{colour} does not validate as runelength(0|7)");
            return Err(Refusal::invalid("hex_color", &why, v2));
        }
        Ok(())
    }

    /// Refuses reminders that hang on nothing.
    pub(crate) fn check_reminders(&self) -> Result<(), Refusal> {
        self.reminders
            .iter()
            .flatten()
            .try_for_each(|reminder| self.date_of(reminder).map(drop))
    }

    /// When a reminder rings, by the dates of this body.
    fn date_of(&self, reminder: &SentReminder) -> Result<Stored, Refusal> {
        let relative_to = reminder.relative_to.as_deref().unwrap_or_default();
        let period = reminder.relative_period.unwrap_or(0);
        let base = match relative_to {
            "due_date" => &self.due_date,
            "start_date" => &self.start_date,
            "end_date" => &self.end_date,
            _ if period != 0 => {
                let text = "Please provide what the reminder date is relative to";
                return Err(Refusal::new(400, 4022, text));
            }
            _ => return Ok(reminder.reminder.at),
        };
        Ok(base.at.map(|at| at + period))
    }

    /// The reminders to store: resolved, one per second, sorted.
    pub(crate) fn resolved_reminders(&self) -> Result<Vec<Reminder>, Refusal> {
        let mut resolved: Vec<Reminder> = Vec::new();
        for sent in self.reminders.iter().flatten() {
            let at = self.date_of(sent)?;
            resolved.retain(|other| other.at != at);
            resolved.push(Reminder {
                at,
                relative_period: sent.relative_period.unwrap_or(0),
                relative_to: sent.relative_to.clone().unwrap_or_default(),
            });
        }
        resolved.sort_by_key(|reminder| reminder.at);
        Ok(resolved)
    }

    /// The labels of the body as responses to writes echo them.
    pub(crate) fn echoed_labels(&self) -> Value {
        let Some(labels) = &self.labels else {
            return Value::Null;
        };
        labels
            .iter()
            .map(|label| with_defaults(label_shell(0), label))
            .collect()
    }

    /// The assignees of the body as responses to writes echo them, given the raw body.
    pub(crate) fn echoed_assignees(raw: &Value) -> Value {
        let Some(Value::Array(users)) = raw.get("assignees") else {
            return Value::Null;
        };
        users
            .iter()
            .map(|user| with_defaults(wire::user_shell(0), user))
            .collect()
    }
}

/// A label of which only the id is known.
pub(crate) fn label_shell(id: i64) -> Value {
    json!({"id": id, "title": "", "description": "", "hex_color": "", "created_by": null,
           "created": NO_DATE, "updated": NO_DATE})
}

/// `shell` with the values of `sent` for the keys that both have.
pub(crate) fn with_defaults(mut shell: Value, sent: &Value) -> Value {
    if let (Value::Object(shell), Value::Object(sent)) = (&mut shell, sent) {
        for (key, value) in shell.iter_mut() {
            if let Some(sent) = sent.get(key).filter(|value| !value.is_null()) {
                *value = sent.clone();
            }
        }
    }
    shell
}
