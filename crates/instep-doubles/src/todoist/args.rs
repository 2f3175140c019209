//! Reading the arguments of a REST body or a sync command. `None` means absent, `Some(None)` means
//! `null`; what either leads to is each caller's decision.

use serde_json::{Map, Value};

use super::id;
use super::refusal::Refusal;

/// A value as it was sent: absent, `null`, or there.
pub(crate) type Given<T> = Option<Option<T>>;

/// The arguments of one call or command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Args<'a>(pub(crate) &'a Map<String, Value>);

impl Args<'_> {
    fn given<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Given<T>, Refusal> {
        match self.0.get(key) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(value) => match read(value) {
                Some(value) => Ok(Some(Some(value))),
                None => Err(Refusal::invalid(key, expected)),
            },
        }
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    pub(crate) fn text(&self, key: &str) -> Result<Given<String>, Refusal> {
        self.given(key, "string", |value| value.as_str().map(str::to_owned))
    }

    /// A text of at most `most` characters.
    pub(crate) fn text_up_to(&self, key: &str, most: usize) -> Result<Given<String>, Refusal> {
        let text = self.text(key)?;
        match &text {
            Some(Some(text)) if text.chars().count() > most => {
                let expected = format!("at most {most} characters");
                Err(Refusal::invalid(key, &expected).with("max_count", most))
            }
            _ => Ok(text),
        }
    }

    /// A text that may not be empty; `None` when it is absent or `null`.
    pub(crate) fn filled(&self, key: &str, most: usize) -> Result<Option<String>, Refusal> {
        match self.text_up_to(key, most)?.flatten() {
            Some(text) if text.is_empty() => {
                Err(Refusal::invalid(key, "string of at least 1 character"))
            }
            text => Ok(text),
        }
    }

    /// A text that must be there and not empty.
    pub(crate) fn needed(&self, key: &str, most: usize) -> Result<String, Refusal> {
        if !self.has(key) {
            return Err(Refusal::required(key).with("expected", "string"));
        }
        self.filled(key, most)?
            .ok_or_else(|| Refusal::invalid(key, "string"))
    }

    /// `true`, `false`, 1 or 0; `None` when it is absent or `null`.
    pub(crate) fn flag(&self, key: &str) -> Result<Option<bool>, Refusal> {
        let read = |value: &Value| match value {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) => match number.as_i64() {
                Some(0) => Some(false),
                Some(1) => Some(true),
                _ => None,
            },
            _ => None,
        };
        Ok(self.given(key, "bool", read)?.flatten())
    }

    /// A whole number from `least` to `most`.
    pub(crate) fn number(&self, key: &str, least: i64, most: i64) -> Result<Given<i64>, Refusal> {
        let expected = format!("integer from {least} to {most}");
        self.given(key, &expected, |value| {
            value.as_i64().filter(|n| (least..=most).contains(n))
        })
    }

    /// A list of texts; `None` when it is absent or `null`.
    pub(crate) fn texts(&self, key: &str) -> Result<Option<Vec<String>>, Refusal> {
        let read = |value: &Value| {
            let texts = value.as_array()?.iter();
            texts.map(|text| text.as_str().map(str::to_owned)).collect()
        };
        Ok(self.given(key, "list of strings", read)?.flatten())
    }

    /// An object.
    pub(crate) fn object(&self, key: &str) -> Result<Given<Map<String, Value>>, Refusal> {
        self.given(key, "object", |value| value.as_object().cloned())
    }

    /// An id of a task, project, section, comment or reminder.
    pub(crate) fn id(&self, key: &str) -> Result<Given<String>, Refusal> {
        let text = self.given(key, "string", |value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })?;
        match &text {
            Some(Some(text)) if !id::is_well_formed(text) => Err(Refusal::bad_id(key)),
            _ => Ok(text),
        }
    }

    /// Like [`Args::id`], and it must be there.
    pub(crate) fn needed_id(&self, key: &str) -> Result<String, Refusal> {
        self.id(key)?
            .flatten()
            .ok_or_else(|| Refusal::required(key).with("expected", "id"))
    }

    /// The id of a user or a label: digits, as a text or a number.
    pub(crate) fn digits(&self, key: &str) -> Result<Given<String>, Refusal> {
        self.given(key, "id", |value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    }
}
