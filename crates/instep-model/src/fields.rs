//! A set of field values in which "absent" and "empty" are one thing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{Annotation, AnnotationId, Field, ProjectPath, Status, TaskId, Value, When};

/// The values of a task or of a side of it. A value that says nothing is not kept,
/// so that two sets are equal exactly when they mean the same.
///
/// The values lie in the order of [`Field`]: there are never more than a few dozen, and sets are
/// copied and compared far more often than they are changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct Fields(Vec<(Field, Value)>);

impl Fields {
    /// No values at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of `field`, if it has one.
    pub fn get(&self, field: Field) -> Option<&Value> {
        let at = self.place(field).ok()?;
        Some(&self.0[at].1)
    }

    /// Sets `field`; an empty value or `None` clears it.
    pub fn set(&mut self, field: Field, value: impl Into<Option<Value>>) {
        let value = value.into().filter(|value| !value.is_empty());
        match (self.place(field), value) {
            (Ok(at), Some(value)) => self.0[at].1 = value,
            (Ok(at), None) => {
                self.0.remove(at);
            }
            (Err(at), Some(value)) => self.0.insert(at, (field, value)),
            (Err(_), None) => {}
        }
    }

    /// Where `field` stands, or where it would.
    fn place(&self, field: Field) -> Result<usize, usize> {
        self.0.binary_search_by_key(&field, |(field, _)| *field)
    }

    /// The same with one more value set.
    #[must_use]
    pub fn with(mut self, field: Field, value: impl Into<Option<Value>>) -> Self {
        self.set(field, value);
        self
    }

    /// All values, in the order of [`Field`].
    pub fn iter(&self) -> impl Iterator<Item = (Field, &Value)> {
        self.0.iter().map(|(field, value)| (*field, value))
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields in which `self` and `other` differ.
    pub fn differences(&self, other: &Self) -> Vec<Field> {
        Field::ALL
            .into_iter()
            .filter(|field| self.get(*field) != other.get(*field))
            .collect()
    }

    /// The title, empty if there is none.
    pub fn title(&self) -> &str {
        self.text(Field::Title)
    }

    /// A text field, empty if it has no value.
    pub fn text(&self, field: Field) -> &str {
        match self.get(field) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// The status; open unless set.
    pub fn status(&self) -> Status {
        match self.get(Field::Status) {
            Some(Value::Status(status)) => *status,
            _ => Status::Open,
        }
    }

    /// A number, zero unless set.
    pub fn number(&self, field: Field) -> u32 {
        match self.get(field) {
            Some(Value::Number(number)) => *number,
            _ => 0,
        }
    }

    /// A date or time, if set.
    pub fn when(&self, field: Field) -> Option<When> {
        match self.get(field) {
            Some(Value::When(when)) => Some(*when),
            _ => None,
        }
    }

    /// An instant, if set.
    pub fn instant(&self, field: Field) -> Option<Timestamp> {
        match self.get(field) {
            Some(Value::Instant(at)) => Some(*at),
            _ => None,
        }
    }

    /// The project, if any.
    pub fn project(&self) -> Option<&ProjectPath> {
        match self.get(Field::Project) {
            Some(Value::Path(path)) => Some(path),
            _ => None,
        }
    }

    /// The tags.
    pub fn tags(&self) -> BTreeSet<String> {
        match self.get(Field::Tags) {
            Some(Value::Tags(tags)) => tags.clone(),
            _ => BTreeSet::new(),
        }
    }

    /// The annotations.
    pub fn annotations(&self) -> BTreeMap<AnnotationId, Annotation> {
        match self.get(Field::Annotations) {
            Some(Value::Annotations(notes)) => notes.clone(),
            _ => BTreeMap::new(),
        }
    }

    /// The tasks that come first.
    pub fn depends(&self) -> BTreeSet<TaskId> {
        match self.get(Field::Depends) {
            Some(Value::Tasks(tasks)) => tasks.clone(),
            _ => BTreeSet::new(),
        }
    }

    /// The task this is a part of.
    pub fn parent(&self) -> Option<TaskId> {
        match self.get(Field::Parent) {
            Some(Value::Task(task)) => Some(*task),
            _ => None,
        }
    }

    /// Every task that this one links to: what comes first, and what it is a part of.
    pub fn links(&self) -> impl Iterator<Item = TaskId> {
        self.depends().into_iter().chain(self.parent())
    }
}

impl FromIterator<(Field, Value)> for Fields {
    fn from_iter<I: IntoIterator<Item = (Field, Value)>>(values: I) -> Self {
        let mut fields = Self::new();
        for (field, value) in values {
            fields.set(field, value);
        }
        fields
    }
}
