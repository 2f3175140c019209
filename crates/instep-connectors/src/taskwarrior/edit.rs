//! What an operation makes of a row, or why it must not. Pure: both doors decide here.

use std::collections::{BTreeSet, HashMap};

use instep_contract::ConnectorError;
use instep_model::{
    Change, Draft, DraftNote, Edit, Field, Operation, RemoteId, RemoteNoteId, Value,
};
use serde_json::Value as Json;
use uuid::Uuid;

use super::convert::{Rules, rejected, second_of};
use super::race::changes;
use super::wire::{Edits, Row, State};

/// The uuid of the row that an operation writes.
pub(super) fn target(operation: &Operation) -> Result<Uuid, ConnectorError> {
    match operation {
        Operation::Create(draft) => Ok(draft.task.0),
        Operation::Update { id, .. } | Operation::Delete { id } => {
            uuid_of(id).ok_or_else(|| ConnectorError::Gone { id: id.clone() })
        }
        _ => Err(ConnectorError::Rejected {
            field: None,
            reason: "Taskwarrior takes everything with the task itself".into(),
        }),
    }
}

/// A remote id as the uuid it has to be.
pub(super) fn uuid_of(id: &RemoteId) -> Option<Uuid> {
    Uuid::parse_str(id.as_str()).ok()
}

/// What operations are judged by.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(super) rules: &'a Rules,
    /// The rows that the caller read last: a deletion is decided by what they say.
    pub(super) read: &'a HashMap<Uuid, Row>,
    pub(super) now_secs: i64,
}

/// The row that `operation` wants in place of `current`; `None` when it wants nothing there and
/// nothing is. A result equal to `current` means that there is nothing to write.
pub(super) fn outcome(
    operation: &Operation,
    current: Option<&Row>,
    terms: Terms<'_>,
) -> Result<Option<Row>, ConnectorError> {
    let Terms {
        rules,
        read,
        now_secs,
    } = terms;
    let alive = current.filter(|row| row.state != State::Deleted);
    if alive.is_some_and(Row::is_template) {
        return Err(ConnectorError::Rejected {
            field: None,
            reason: "it is a template from which Taskwarrior makes repeated tasks".into(),
        });
    }
    match operation {
        Operation::Create(draft) => match alive {
            Some(row) => Err(ConnectorError::AlreadyExists {
                id: RemoteId::new(row.uuid.to_string()),
            }),
            None => made(draft, current, rules, now_secs).map(Some),
        },
        Operation::Update { id, edit } => match alive {
            Some(row) => edited(id, edit, row, rules, now_secs).map(Some),
            None => Err(ConnectorError::Gone { id: id.clone() }),
        },
        Operation::Delete { id } => {
            // An edit that came after the reading beats a deletion that did not know it (S16).
            let edited = |row: &&Row| {
                let read = read.get(&row.uuid);
                read.is_some_and(|read| !rules.task(read).same_content(&rules.task(row)))
            };
            if alive.as_ref().is_some_and(edited) {
                return Err(ConnectorError::Stale { id: id.clone() });
            }
            Ok(alive.map(|row| {
                let mut row = row.clone();
                row.state = State::Deleted;
                row.times.entry("end").or_insert(now_secs);
                row
            }))
        }
        other => target(other).map(|_| None),
    }
}

/// A new row, or a deleted one opened again with the draft's content (S16).
fn made(
    draft: &Draft,
    deleted: Option<&Row>,
    rules: &Rules,
    now_secs: i64,
) -> Result<Row, ConnectorError> {
    let mut row = Row::empty(draft.task.0);
    row.set_time("entry", Some(now_secs));
    row.set_time("modified", Some(now_secs));
    if let Some(old) = deleted {
        keep_own(&mut row, old, rules, now_secs);
    }
    if let Some(shadow) = &draft.shadow {
        Rules::restore_shadow(&mut row, shadow, now_secs);
    }
    if draft.fields.title().is_empty() {
        return Err(rejected(Field::Title, "Taskwarrior needs a description"));
    }
    for (field, value) in draft.fields.iter() {
        rules.set(&mut row, field, Some(value), now_secs)?;
    }
    if row.state == State::Pending {
        row.times.remove("end");
    }
    let mut taken = BTreeSet::new();
    for note in &draft.notes {
        add_note(&mut row, &mut taken, note, rules)?;
    }
    link(&mut row, &draft.depends, &BTreeSet::new())?;
    for (name, value) in &draft.markers {
        mark(&mut row, name, Some(value), rules)?;
    }
    Ok(row)
}

/// What a re-opened row keeps: all that the hub has no field for, and its instance's series.
fn keep_own(row: &mut Row, old: &Row, rules: &Rules, now_secs: i64) {
    old.name.clone_into(&mut row.name);
    row.extra.clone_from(&old.extra);
    row.extra.retain(|key, _| !rules.markers.contains(key));
    if let Some(parent) = old.texts.get("parent") {
        row.set_text("parent", parent.clone());
    } else {
        row.extra.remove("recur");
    }
    row.tags
        .extend(old.tags.iter().filter(|tag| !rules.holds_tag(tag)).cloned());
    if let Some(entry) = old.times.get("entry") {
        row.set_time("entry", Some(*entry));
    }
    let until = old.times.get("until").copied();
    row.set_time("until", until.filter(|at| *at > now_secs));
}

fn edited(
    id: &RemoteId,
    edit: &Edit,
    current: &Row,
    rules: &Rules,
    now_secs: i64,
) -> Result<Row, ConnectorError> {
    let stale = || ConnectorError::Stale { id: id.clone() };
    let mut row = current.clone();
    let mut changes: Vec<&Change> = edit.fields.iter().collect();
    // Closing sets an end of its own, which the time that is sent along then replaces.
    changes.sort_by_key(|change| change.field);
    for change in changes {
        if change.field == Field::Tags {
            move_tags(&mut row, change, rules);
            continue;
        }
        let shown = rules.fields(current).get(change.field).cloned();
        if shown == rules.held_form(change.field, change.to.as_ref()) {
            // A change to what it shows already may still carry a title that is refused.
            if change.field != Field::Title {
                continue;
            }
        } else if shown != rules.held_form(change.field, change.from.as_ref()) {
            return Err(stale());
        }
        rules.set(&mut row, change.field, change.to.as_ref(), now_secs)?;
    }
    if row.state == State::Pending {
        row.times.remove("end");
    }
    set_beside(id, edit, &mut row, rules)?;
    if row != *current {
        // Taskwarrior itself never lets it stand still, so neither door may.
        row.set_time("modified", Some(now_secs));
    }
    Ok(row)
}

/// What an operation is to set in a task, whatever else it holds. What cannot be set is not told.
pub(super) fn sent(operation: &Operation, rules: &Rules) -> Edits {
    let mut before = Row::empty(Uuid::nil());
    let mut after = before.clone();
    match operation {
        Operation::Update { id, edit } => {
            let mut changes: Vec<&Change> = edit.fields.iter().collect();
            changes.sort_by_key(|change| change.field);
            for Change { field, from, to } in changes {
                for (row, value) in [(&mut before, from), (&mut after, to)] {
                    // What is refused is not imported either.
                    rules.set(row, *field, value.as_ref(), 0).ok();
                }
            }
            let reworded = edit
                .edit_notes
                .iter()
                .filter_map(|note| note.remote.as_ref());
            let there = edit.remove_notes.iter().chain(reworded);
            let there = there.filter_map(second_named).map(|at| (at, String::new()));
            before.notes.extend(there);
            before
                .depends
                .extend(edit.remove_depends.iter().filter_map(uuid_of));
            after.notes.clone_from(&before.notes);
            after.depends.clone_from(&before.depends);
            for name in edit.markers.keys() {
                before.extra.insert(name.clone(), Json::from(""));
            }
            set_beside(id, edit, &mut after, rules).ok();
        }
        Operation::Delete { .. } => after.state = State::Deleted,
        _ => {}
    }
    changes(Some(&before), &after)
}

/// What an edit sets beside the fields.
fn set_beside(
    id: &RemoteId,
    edit: &Edit,
    row: &mut Row,
    rules: &Rules,
) -> Result<(), ConnectorError> {
    let stale = || ConnectorError::Stale { id: id.clone() };
    for note in &edit.remove_notes {
        row.notes.remove(&second_named(note).ok_or_else(stale)?);
    }
    for note in &edit.edit_notes {
        let at = note.remote.as_ref().and_then(second_named);
        let text = note_text(note, rules)?;
        let held = at.and_then(|at| row.notes.get_mut(&at)).ok_or_else(stale)?;
        *held = text;
    }
    let mut taken = BTreeSet::new();
    for note in &edit.add_notes {
        add_note(row, &mut taken, note, rules)?;
    }
    link(row, &edit.add_depends, &edit.remove_depends)?;
    for (name, value) in &edit.markers {
        mark(row, name, value.as_ref(), rules)?;
    }
    Ok(())
}

fn move_tags(row: &mut Row, change: &Change, rules: &Rules) {
    let set = |value: &Option<Value>| match value {
        Some(Value::Tags(tags)) => tags.clone(),
        _ => BTreeSet::new(),
    };
    let (from, to) = (set(&change.from), set(&change.to));
    row.tags
        .retain(|tag| to.contains(tag) || !from.contains(tag));
    let added = to.difference(&from).filter(|tag| rules.holds_tag(tag));
    row.tags.extend(added.cloned());
}

fn second_named(note: &RemoteNoteId) -> Option<i64> {
    note.as_str().parse().ok()
}

fn note_text(note: &DraftNote, rules: &Rules) -> Result<String, ConnectorError> {
    let text = rules.text(&note.text);
    if text.is_empty() {
        return Err(rejected(
            Field::Annotations,
            "Taskwarrior drops an empty annotation",
        ));
    }
    Ok(text)
}

/// Adds an annotation at its second, or the next one that is free: one second holds only one. What
/// stands there already is ours from an earlier try, unless this write has just put it there.
fn add_note(
    row: &mut Row,
    taken: &mut BTreeSet<i64>,
    note: &DraftNote,
    rules: &Rules,
) -> Result<(), ConnectorError> {
    let text = note_text(note, rules)?;
    let mut at = second_of(Field::Annotations, note.at)?;
    while let Some(held) = row.notes.get(&at)
        && (*held != text || taken.contains(&at))
    {
        at += 1;
    }
    taken.insert(at);
    row.notes.insert(at, text);
    Ok(())
}

fn link(
    row: &mut Row,
    add: &BTreeSet<RemoteId>,
    remove: &BTreeSet<RemoteId>,
) -> Result<(), ConnectorError> {
    for id in remove {
        if let Some(other) = uuid_of(id) {
            row.depends.remove(&other);
        }
    }
    for id in add {
        let other = uuid_of(id).ok_or_else(|| rejected(Field::Depends, "it names no task"))?;
        row.depends.insert(other);
    }
    Ok(())
}

fn mark(
    row: &mut Row,
    name: &str,
    value: Option<&String>,
    rules: &Rules,
) -> Result<(), ConnectorError> {
    if !rules.markers.iter().any(|known| known == name) {
        return Err(ConnectorError::Rejected {
            field: None,
            reason: format!("the marker {name} was not set up"),
        });
    }
    match value {
        // Always text: a number would come back with zeros behind it.
        Some(value) => row
            .extra
            .insert(name.to_owned(), Json::from(value.as_str())),
        None => row.extra.remove(name),
    };
    Ok(())
}
