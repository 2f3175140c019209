//! A task in a service's own terms, and what a service's value means for the hub (S2).
//!
//! Both directions are computed from the capability record alone. Two laws hold:
//! `lift(h, project(h)) = h`, and `project(lift(h, r)) = r` for every `r` on the grid.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use instep_model::{
    Annotation, AnnotationId, Capabilities, Field, Fields, Grid, Hold, Reminder, Status, TagRule,
    TaskId, TextRule, TimeZone, Timestamp, Value, When, midnight,
};

/// How one service sees tasks of one person.
#[derive(Debug, Clone, Copy)]
pub struct Projection<'a> {
    /// What the service holds.
    pub capabilities: &'a Capabilities,
    /// The person's time zone (S21).
    pub zone: &'a TimeZone,
    /// The tasks that exist in the service; a link to any other is not in the projection (S23).
    pub reachable: &'a BTreeSet<TaskId>,
}

impl Projection<'_> {
    /// Whether both sides can change this field, so that it takes part in merges.
    pub fn merges(&self, field: Field) -> bool {
        matches!(self.capabilities.hold(field), Hold::Whole | Hold::Coarse(_))
    }

    /// What the service would hold of `fields`: the fields that merge.
    pub fn project(&self, fields: &Fields) -> Fields {
        fields
            .iter()
            .filter(|(field, _)| self.merges(*field))
            .filter_map(|(field, value)| Some((field, self.project_value(field, value)?)))
            .collect()
    }

    /// What a new item in the service would hold: also what is taken only at creation,
    /// and what follows another field.
    pub fn project_new(&self, fields: &Fields) -> Fields {
        fields
            .iter()
            .filter_map(|(field, value)| Some((field, self.project_value(field, value)?)))
            .collect()
    }

    fn project_value(&self, field: Field, value: &Value) -> Option<Value> {
        let value = match (field, value) {
            (Field::Depends, Value::Tasks(tasks)) => {
                Value::Tasks(tasks.intersection(self.reachable).copied().collect())
            }
            (Field::Parent, Value::Task(task)) if !self.reachable.contains(task) => return None,
            _ => value.clone(),
        };
        match self.capabilities.hold(field) {
            Hold::No => None,
            Hold::Whole => Some(value),
            Hold::Coarse(grid) => self.snap(&value, grid),
            Hold::Once | Hold::Follows(_) => self.snap(&value, &Grid::instants(1000)),
        }
        .filter(|value| field != Field::Title || !is_blank(value))
    }

    /// Fields of which the service can hold nothing of what `fields` hold, although it holds others
    /// like it. No service holds a task without a title.
    pub fn left_out(&self, fields: &Fields) -> BTreeSet<Field> {
        let lost = fields.iter().filter(|(field, value)| {
            let coarse = matches!(self.capabilities.hold(*field), Hold::Coarse(_));
            coarse && self.project_value(*field, value).is_none()
        });
        let mut left_out: BTreeSet<Field> = lost.map(|(field, _)| field).collect();
        if !self.holds_title(fields) {
            left_out.insert(Field::Title);
        }
        left_out
    }

    /// Whether the service can hold the title of a task with these fields, and with it the task.
    pub fn holds_title(&self, fields: &Fields) -> bool {
        let title = fields.get(Field::Title);
        let held = title.and_then(|title| self.project_value(Field::Title, title));
        held.is_some() || !self.merges(Field::Title)
    }

    /// What `remote`, seen where the hub holds `hub`, means for the hub.
    pub fn lift(&self, field: Field, hub: Option<&Value>, remote: Option<&Value>) -> Option<Value> {
        let projected = hub
            .and_then(|hub| self.project_value(field, hub))
            .filter(|v| !v.is_empty());
        if projected.as_ref() == remote {
            return hub.cloned();
        }
        match (hub, remote) {
            (Some(Value::Tags(_) | Value::Tasks(_)), _) => {
                lift_set(hub, projected.as_ref(), remote)
            }
            (Some(Value::Reminders(hub)), Some(Value::Reminders(remote))) => {
                Some(Value::Reminders(self.lift_reminders(field, hub, remote)))
            }
            (_, Some(Value::When(remote))) => {
                Some(Value::When(self.lift_when(field, hub, *remote)))
            }
            _ => remote.cloned(),
        }
    }

    /// A reminder that is still shown keeps the way in which the hub means it.
    fn lift_reminders(
        &self,
        field: Field,
        hub: &BTreeSet<Reminder>,
        remote: &BTreeSet<Reminder>,
    ) -> BTreeSet<Reminder> {
        let mut new = remote.clone();
        let mut lifted = BTreeSet::new();
        for reminder in hub {
            let alone = Value::Reminders(BTreeSet::from([*reminder]));
            let Some(Value::Reminders(shown)) = self.project_value(field, &alone) else {
                continue;
            };
            if shown.is_subset(remote) {
                new.retain(|reminder| !shown.contains(reminder));
                lifted.insert(*reminder);
            }
        }
        lifted.extend(new);
        lifted
    }

    fn lift_when(&self, field: Field, hub: Option<&Value>, remote: When) -> When {
        let hub = match hub {
            Some(Value::When(hub)) => Some(*hub),
            _ => None,
        };
        match (self.capabilities.hold(field), hub, remote) {
            (Hold::Coarse(Grid::Days), Some(When::Floating(time)), When::Date(day)) => {
                When::Floating(day.to_datetime(time.time()))
            }
            (Hold::Coarse(Grid::Days), Some(When::At(at)), When::Date(day)) => {
                let time = self.zone.to_datetime(at).time();
                let moved = When::At(When::Floating(day.to_datetime(time)).instant(self.zone));
                if moved.date(self.zone) == day {
                    moved
                } else {
                    remote
                }
            }
            (Hold::Coarse(Grid::Instants { .. }), Some(When::Floating(_)), When::At(at)) => {
                let civil = When::Floating(self.zone.to_datetime(at));
                if civil.instant(self.zone) == at {
                    civil
                } else {
                    remote
                }
            }
            (Hold::Coarse(Grid::Instants { .. }), _, When::At(at)) => {
                midnight(at, self.zone).map_or(remote, When::Date)
            }
            _ => remote,
        }
    }

    /// The value on the grid; `None` where it cannot be brought on it.
    fn snap(&self, value: &Value, grid: &Grid) -> Option<Value> {
        let snapped = match (grid, value) {
            (Grid::Bands(bands), Value::Number(number)) => {
                Value::Number(u32::from(bands[(*number).min(5) as usize]))
            }
            (Grid::Statuses(statuses), Value::Status(status)) => {
                Value::Status(snap_status(statuses, *status))
            }
            (Grid::Instants { millis, within }, Value::When(when)) => {
                Value::When(When::At(held(when.instant(self.zone), *millis, within)?))
            }
            (Grid::Instants { millis, within }, Value::Instant(at)) => {
                Value::Instant(held(*at, *millis, within)?)
            }
            (Grid::Instants { millis, within }, Value::Reminders(reminders)) => Value::Reminders(
                reminders
                    .iter()
                    .filter_map(|reminder| self.snap_reminder(reminder, *millis, within))
                    .collect(),
            ),
            (Grid::Days, Value::When(when)) => Value::When(When::Date(when.date(self.zone))),
            (Grid::Text(rule), Value::Text(text)) => Value::Text(snap_text(rule, text)),
            (Grid::Tags(rule), Value::Tags(tags)) => Value::Tags(
                tags.iter()
                    .filter(|tag| holds_tag(rule, tag))
                    .cloned()
                    .collect(),
            ),
            (Grid::Steps(step), Value::Number(number)) => {
                Value::Number(number - number % (*step).max(1))
            }
            _ => value.clone(),
        };
        Some(snapped)
    }

    fn snap_reminder(
        &self,
        reminder: &Reminder,
        millis: i64,
        within: &RangeInclusive<Timestamp>,
    ) -> Option<Reminder> {
        Some(match reminder {
            Reminder::At(when) => {
                Reminder::At(When::At(held(when.instant(self.zone), millis, within)?))
            }
            relative @ Reminder::Relative { .. } => *relative,
        })
    }
}

/// Elements that the service cannot hold stay beside those it shows.
fn lift_set(
    hub: Option<&Value>,
    projected: Option<&Value>,
    remote: Option<&Value>,
) -> Option<Value> {
    fn join<T: Ord + Clone>(
        hub: &BTreeSet<T>,
        projected: &BTreeSet<T>,
        remote: &BTreeSet<T>,
    ) -> BTreeSet<T> {
        hub.difference(projected).chain(remote).cloned().collect()
    }
    let lifted = match hub? {
        Value::Tags(hub) => {
            let (projected, remote) = (tags_of(projected), tags_of(remote));
            Value::Tags(join(hub, &projected, &remote))
        }
        Value::Tasks(hub) => {
            let (projected, remote) = (tasks_of(projected), tasks_of(remote));
            Value::Tasks(join(hub, &projected, &remote))
        }
        _ => return remote.cloned(),
    };
    (!lifted.is_empty()).then_some(lifted)
}

pub(crate) fn tags_of(value: Option<&Value>) -> BTreeSet<String> {
    match value {
        Some(Value::Tags(tags)) => tags.clone(),
        _ => BTreeSet::new(),
    }
}

pub(crate) fn tasks_of(value: Option<&Value>) -> BTreeSet<TaskId> {
    match value {
        Some(Value::Tasks(tasks)) => tasks.clone(),
        _ => BTreeSet::new(),
    }
}

pub(crate) fn notes_of(value: Option<&Value>) -> BTreeMap<AnnotationId, Annotation> {
    match value {
        Some(Value::Annotations(notes)) => notes.clone(),
        _ => BTreeMap::new(),
    }
}

fn snap_status(statuses: &[Status; 4], status: Status) -> Status {
    Status::ALL
        .into_iter()
        .zip(statuses)
        .find_map(|(from, to)| (from == status).then_some(*to))
        .unwrap_or(status)
}

fn cut(at: Timestamp, millis: i64) -> Timestamp {
    let step = i128::from(millis.max(1)) * 1_000_000;
    let nanos = at.as_nanosecond();
    Timestamp::from_nanosecond(nanos - nanos.rem_euclid(step)).unwrap_or(at)
}

/// An instant on its grid, where that reaches so far.
fn held(at: Timestamp, millis: i64, within: &RangeInclusive<Timestamp>) -> Option<Timestamp> {
    Some(cut(at, millis)).filter(|at| within.contains(at))
}

fn is_blank(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.trim().is_empty())
}

fn snap_text(rule: &TextRule, text: &str) -> String {
    let mut snapped: String = text
        .chars()
        .filter_map(|c| match c {
            '\n' | '\r' if rule.one_line => Some(' '),
            '\n' | '\t' => Some(c),
            c if rule.no_controls && c.is_control() => None,
            c => Some(c),
        })
        .collect();
    if rule.trimmed {
        snapped = snapped.trim().to_owned();
    }
    if rule.max_chars > 0 {
        snapped = snapped.chars().take(rule.max_chars).collect();
    }
    if rule.trimmed {
        // The cut may have laid a blank bare.
        snapped.truncate(snapped.trim_end().len());
    }
    snapped
}

fn holds_tag(rule: &TagRule, tag: &str) -> bool {
    !tag.contains(|c| rule.forbidden.contains(&c))
        && (rule.max_chars == 0 || tag.chars().count() <= rule.max_chars)
}
