//! The parts of rows: canonical texts, and values beside the field that explains them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use instep_model::{Change, Field, Fields, Value};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Anything that has a canonical text, stored as that text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text<T>(pub(super) T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

/// A value: its canonical text, which its field explains.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum StoredValue {
    Plain(String),
    /// One that its field would not read back (a number out of its range, say), with a field
    /// that does: what a remote held once must not make the row unreadable for ever.
    Odd {
        like: Text<Field>,
        text: String,
    },
}

impl StoredValue {
    pub(super) fn new(field: Field, value: &Value) -> Self {
        let text = value.to_string();
        if Value::parse(field, &text).is_ok_and(|read| read == *value) {
            return Self::Plain(text);
        }
        let like = Text(natural_field(value));
        Self::Odd { like, text }
    }

    pub(super) fn value<E: Error>(&self, field: Field) -> Result<Value, E> {
        match self {
            Self::Plain(text) => Value::parse(field, text),
            Self::Odd { like, text } => Value::parse(like.0, text),
        }
        .map_err(|error| E::custom(format_args!("{field}: {error}")))
    }
}

/// A field that reads every value of this kind.
fn natural_field(value: &Value) -> Field {
    match value {
        Value::Text(_) => Field::Title,
        Value::Status(_) => Field::Status,
        Value::Flag(_) => Field::Archived,
        Value::Number(_) => Field::Duration,
        Value::When(_) => Field::Due,
        Value::Instant(_) => Field::Created,
        Value::Path(_) => Field::Project,
        Value::Tags(_) => Field::Tags,
        Value::Annotations(_) => Field::Annotations,
        Value::Tasks(_) => Field::Depends,
        Value::Task(_) => Field::Parent,
        Value::Reminders(_) => Field::Reminders,
    }
}

/// A set of values, as an object from field to text.
#[derive(Debug, Clone, Default)]
pub(super) struct StoredFields(pub(super) Fields);

impl StoredFields {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for StoredFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = self.0.iter();
        serializer.collect_map(
            values.map(|(field, value)| (field.name(), StoredValue::new(field, value))),
        )
    }
}

impl<'de> Deserialize<'de> for StoredFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored: BTreeMap<Text<Field>, StoredValue> = BTreeMap::deserialize(deserializer)?;
        let mut fields = Fields::new();
        for (field, value) in stored {
            fields.set(field.0, value.value::<D::Error>(field.0)?);
        }
        Ok(Self(fields))
    }
}

/// Values that may say expressly that there is none.
#[derive(Debug, Clone, Default)]
pub(super) struct StoredOverrides(pub(super) BTreeMap<Field, Option<Value>>);

impl StoredOverrides {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for StoredOverrides {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(field, value)| {
            let stored = value.as_ref().map(|value| StoredValue::new(*field, value));
            (field.name(), stored)
        }))
    }
}

impl<'de> Deserialize<'de> for StoredOverrides {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored: BTreeMap<Text<Field>, Option<StoredValue>> =
            BTreeMap::deserialize(deserializer)?;
        let mut values = BTreeMap::new();
        for (field, value) in stored {
            let value = value.map(|value| value.value::<D::Error>(field.0));
            values.insert(field.0, value.transpose()?);
        }
        Ok(Self(values))
    }
}

/// A field that moves.
#[derive(Debug, Clone)]
pub(super) struct StoredChange(pub(super) Change);

#[derive(Serialize, Deserialize)]
struct ChangeRow {
    field: Text<Field>,
    from: Option<StoredValue>,
    to: Option<StoredValue>,
}

impl Serialize for StoredChange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Change { field, from, to } = &self.0;
        let stored = |value: &Option<Value>| {
            let value = value.as_ref();
            value.map(|value| StoredValue::new(*field, value))
        };
        let row = ChangeRow {
            field: Text(*field),
            from: stored(from),
            to: stored(to),
        };
        row.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for StoredChange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let row = ChangeRow::deserialize(deserializer)?;
        let field = row.field.0;
        let read = |value: Option<StoredValue>| {
            let value = value.map(|value| value.value::<D::Error>(field));
            value.transpose()
        };
        Ok(Self(Change {
            field,
            from: read(row.from)?,
            to: read(row.to)?,
        }))
    }
}
