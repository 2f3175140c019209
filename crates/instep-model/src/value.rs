//! What a field holds, with one canonical text for each kind of value.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::text::{escape, split_escaped};
use crate::{
    Annotation, AnnotationId, Field, ParseError, ProjectPath, Reminder, Status, TaskId, When,
};

/// A value. Which kind belongs to which field is fixed: see [`Value::parse`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Title, notes, recurrence, series.
    Text(String),
    /// Status.
    Status(Status),
    /// Archived.
    Flag(bool),
    /// Priority (0–5), per cent done (0–100), duration in seconds.
    Number(u32),
    /// Due, deadline, wait, start, end, occurrence.
    When(When),
    /// Started, completed, created.
    Instant(Timestamp),
    /// Project.
    Path(ProjectPath),
    /// Tags.
    Tags(BTreeSet<String>),
    /// Annotations.
    Annotations(BTreeMap<AnnotationId, Annotation>),
    /// Depends.
    Tasks(BTreeSet<TaskId>),
    /// Parent.
    Task(TaskId),
    /// Reminders.
    Reminders(BTreeSet<Reminder>),
}

impl Value {
    /// Whether this says no more than an absent value does.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Status(status) => *status == Status::Open,
            Self::Flag(flag) => !flag,
            Self::Number(number) => *number == 0,
            Self::Tags(tags) => tags.iter().all(String::is_empty),
            Self::Annotations(notes) => notes.is_empty(),
            Self::Tasks(tasks) => tasks.is_empty(),
            Self::Reminders(reminders) => reminders.is_empty(),
            Self::When(_) | Self::Instant(_) | Self::Path(_) | Self::Task(_) => false,
        }
    }

    /// Reads the canonical text of a value of `field`.
    ///
    /// # Errors
    /// When the text is no such value; the error names what was expected.
    pub fn parse(field: Field, text: &str) -> Result<Self, ParseError> {
        match field {
            Field::Title | Field::Notes | Field::Recurrence | Field::Series => {
                Ok(Self::Text(text.to_owned()))
            }
            Field::Status => text.parse().map(Self::Status),
            Field::Archived => text
                .parse()
                .map(Self::Flag)
                .map_err(|_| ParseError::new("true or false", text)),
            Field::Priority => number(text, 5, "a number from 0 to 5"),
            Field::PercentDone => number(text, 100, "a number from 0 to 100"),
            Field::Duration => number(text, u32::MAX, "a number of seconds"),
            Field::Due
            | Field::Deadline
            | Field::Wait
            | Field::Start
            | Field::End
            | Field::Occurrence => text.parse().map(Self::When),
            Field::StartedAt | Field::CompletedAt | Field::Created => {
                instant(text).map(Self::Instant)
            }
            Field::Project => text.parse().map(Self::Path),
            Field::Tags => Ok(Self::Tags(
                elements(text).filter(|tag| !tag.is_empty()).collect(),
            )),
            Field::Annotations => elements(text)
                .map(|line| annotation(&line))
                .collect::<Result<_, _>>()
                .map(Self::Annotations),
            Field::Depends => parse_elements(text).map(Self::Tasks),
            Field::Parent => text.parse().map(Self::Task),
            Field::Reminders => parse_elements(text).map(Self::Reminders),
        }
    }
}

fn number(text: &str, max: u32, expected: &'static str) -> Result<Value, ParseError> {
    match text.parse() {
        Ok(number) if number <= max => Ok(Value::Number(number)),
        _ => Err(ParseError::new(expected, text)),
    }
}

fn instant(text: &str) -> Result<Timestamp, ParseError> {
    text.parse()
        .map_err(|_| ParseError::new("an instant", text))
}

fn elements(text: &str) -> impl Iterator<Item = String> {
    let parts = if text.is_empty() {
        Vec::new()
    } else {
        split_escaped(text, ',')
    };
    parts.into_iter()
}

fn parse_elements<T: FromStr<Err = ParseError> + Ord>(
    text: &str,
) -> Result<BTreeSet<T>, ParseError> {
    elements(text).map(|part| part.parse()).collect()
}

/// An annotation is written `id time text`; the text is the rest.
fn annotation(line: &str) -> Result<(AnnotationId, Annotation), ParseError> {
    let mut parts = line.splitn(3, ' ');
    let (Some(id), Some(at)) = (parts.next(), parts.next()) else {
        return Err(ParseError::new("an annotation", line));
    };
    let text = parts.next().unwrap_or_default().to_owned();
    Ok((
        id.parse()?,
        Annotation {
            at: instant(at)?,
            text,
        },
    ))
}

fn join<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    parts: impl Iterator<Item = T>,
) -> fmt::Result {
    let mut first = true;
    for part in parts {
        if !first {
            f.write_str(",")?;
        }
        first = false;
        f.write_str(&escape(&part.to_string(), ','))?;
    }
    Ok(())
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Status(status) => status.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::When(when) => when.fmt(f),
            Self::Instant(at) => at.fmt(f),
            Self::Path(path) => path.fmt(f),
            Self::Tags(tags) => join(f, tags.iter()),
            Self::Annotations(notes) => join(
                f,
                notes
                    .iter()
                    .map(|(id, note)| format!("{id} {} {}", note.at, note.text)),
            ),
            Self::Tasks(tasks) => join(f, tasks.iter()),
            Self::Task(task) => task.fmt(f),
            Self::Reminders(reminders) => join(f, reminders.iter()),
        }
    }
}
