//! Fields as a line of text and back, for tables: `title=milk; tags=a,b`.

use std::fmt::Write;

use instep_model::{Base, Change, Edit, Field, Fields, Operation, Value};
use instep_sync::{FieldConflict, Planned};

pub(crate) fn fields(line: &str) -> Fields {
    let parts = line.split("; ").filter(|part| !part.is_empty());
    let parsed = parts.map(|part| {
        let (name, text) = part.split_once('=').expect("field=value");
        let field: Field = name.parse().expect("a field");
        (field, Value::parse(field, text).expect("a value"))
    });
    parsed.collect()
}

pub(crate) fn line(fields: &Fields) -> String {
    let parts = fields
        .iter()
        .map(|(field, value)| format!("{field}={value}"));
    parts.collect::<Vec<_>>().join("; ")
}

pub(crate) fn base(base: &Base) -> String {
    let mut told = line(&base.fields);
    for (field, shown) in &base.held_as {
        let _ = write!(told, " (shows {field}={})", value(shown.as_ref()));
    }
    told
}

fn value(value: Option<&Value>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}

pub(crate) fn conflict(conflict: &FieldConflict) -> String {
    format!(
        "conflict {}: {} | hub {} | remote {} -> {}",
        conflict.field,
        value(conflict.base.as_ref()),
        value(conflict.hub.as_ref()),
        value(conflict.remote.as_ref()),
        conflict
            .winner
            .map_or_else(|| "waits".to_owned(), |side| format!("{side:?}")),
    )
}

/// One line for each write, with what it settles.
pub(crate) fn plan(planned: &[Planned]) -> String {
    let mut told = String::new();
    for one in planned {
        let settles = one.confirms.iter();
        let settles = settles.map(|(field, sent)| format!("{field}={}", value(sent.as_ref())));
        let settles = settles.collect::<Vec<_>>().join("; ");
        let _ = writeln!(told, "{} => {settles}", operation(&one.operation));
    }
    told
}

fn operation(operation: &Operation) -> String {
    match operation {
        Operation::Create(draft) => {
            let mut told = format!("create [{}]", line(&draft.fields));
            for note in &draft.notes {
                let _ = write!(told, " note {:?}", note.text);
            }
            for id in &draft.depends {
                let _ = write!(told, " after {id}");
            }
            if let Some(id) = &draft.parent {
                let _ = write!(told, " part of {id}");
            }
            if let Some(collection) = &draft.collection {
                let _ = write!(told, " in {collection}");
            }
            for (name, id) in &draft.markers {
                let _ = write!(told, " {name}:{id}");
            }
            told
        }
        Operation::Update { edit, .. } => format!("update [{}]", update(edit)),
        Operation::SetTags { tags, .. } => format!("tags {tags:?}"),
        Operation::AddTag { tag, .. } => format!("tag {tag:?}"),
        Operation::RemoveTag { tag, .. } => format!("untag {tag:?}"),
        Operation::AddNote { note, .. } => format!("note {:?}", note.text),
        Operation::EditNote { note, .. } => {
            let id = note.remote.as_ref().expect("its id");
            format!("note {id} becomes {:?}", note.text)
        }
        Operation::RemoveNote { note, .. } => format!("remove note {note}"),
        Operation::AddLink { link, other, .. } => format!("link {link:?} {other}"),
        Operation::RemoveLink { link, other, .. } => format!("unlink {link:?} {other}"),
        other => format!("{other:?}"),
    }
}

fn update(edit: &Edit) -> String {
    let mut told: Vec<String> = edit.fields.iter().map(change).collect();
    told.extend(edit.collection.iter().map(|id| format!("move to {id}")));
    told.extend(
        edit.add_notes
            .iter()
            .map(|note| format!("+note {:?}", note.text)),
    );
    told.extend(edit.edit_notes.iter().map(|note| {
        let id = note.remote.as_ref().expect("its id");
        format!("note {id} {:?}", note.text)
    }));
    told.extend(edit.remove_notes.iter().map(|id| format!("-note {id}")));
    told.extend(edit.add_depends.iter().map(|id| format!("+after {id}")));
    told.extend(edit.remove_depends.iter().map(|id| format!("-after {id}")));
    told.extend(edit.parent.iter().map(|id| match id {
        Some(id) => format!("part of {id}"),
        None => "part of nothing".to_owned(),
    }));
    told.extend(edit.markers.iter().map(|(name, id)| match id {
        Some(id) => format!("+{name}:{id}"),
        None => format!("-{name}"),
    }));
    told.join(", ")
}

fn change(change: &Change) -> String {
    let (from, to) = (value(change.from.as_ref()), value(change.to.as_ref()));
    format!("{}: {from} -> {to}", change.field)
}
