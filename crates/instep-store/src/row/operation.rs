//! A write as the outbox remembers it.

use std::collections::{BTreeMap, BTreeSet};

use instep_contract::StoreError;
use instep_model::{
    AnnotationId, CollectionId, Draft, DraftNote, Edit, Link, Operation, ProjectPath, RemoteId,
    RemoteNoteId, TaskId, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::text::{StoredChange, StoredFields, Text};
use super::{read, write};

#[derive(Serialize, Deserialize)]
#[serde(tag = "write", rename_all = "snake_case")]
enum OperationRow {
    Create(DraftRow),
    Update {
        id: String,
        edit: EditRow,
    },
    SetTags {
        id: String,
        tags: BTreeSet<String>,
    },
    AddTag {
        id: String,
        tag: String,
    },
    RemoveTag {
        id: String,
        tag: String,
    },
    AddNote {
        id: String,
        note: NoteRow,
    },
    EditNote {
        id: String,
        note: NoteRow,
    },
    RemoveNote {
        id: String,
        annotation: Text<AnnotationId>,
        note: String,
    },
    AddLink {
        id: String,
        link: LinkRow,
        other: String,
    },
    RemoveLink {
        id: String,
        link: LinkRow,
        other: String,
    },
    Delete {
        id: String,
    },
    CreateCollection {
        path: Text<ProjectPath>,
    },
    CreateTag {
        tag: String,
    },
}

#[derive(Serialize, Deserialize)]
struct DraftRow {
    task: Text<TaskId>,
    collection: Option<String>,
    fields: StoredFields,
    notes: Vec<NoteRow>,
    depends: BTreeSet<String>,
    parent: Option<String>,
    markers: BTreeMap<String, String>,
    shadow: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct NoteRow {
    id: Text<AnnotationId>,
    remote: Option<String>,
    at: Text<Timestamp>,
    text: String,
}

#[derive(Serialize, Deserialize)]
struct EditRow {
    fields: Vec<StoredChange>,
    collection: Option<String>,
    add_notes: Vec<NoteRow>,
    edit_notes: Vec<NoteRow>,
    remove_notes: Vec<String>,
    add_depends: BTreeSet<String>,
    remove_depends: BTreeSet<String>,
    parent: ParentRow,
    markers: BTreeMap<String, Option<String>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ParentRow {
    Stays,
    Leaves,
    Becomes(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LinkRow {
    DependsOn,
    PartOf,
}

pub(crate) fn operation_body(operation: &Operation) -> String {
    write(&OperationRow::new(operation))
}

pub(crate) fn read_operation(id: u64, body: &str) -> Result<Operation, StoreError> {
    let row: OperationRow = read(|| format!("the outbox entry {id}"), body)?;
    Ok(row.operation())
}

fn text(id: &RemoteId) -> String {
    id.as_str().to_owned()
}

fn texts<'a>(ids: impl IntoIterator<Item = &'a RemoteId>) -> BTreeSet<String> {
    ids.into_iter().map(text).collect()
}

fn ids(texts: BTreeSet<String>) -> BTreeSet<RemoteId> {
    texts.into_iter().map(RemoteId::new).collect()
}

fn note_rows(notes: &[DraftNote]) -> Vec<NoteRow> {
    notes.iter().map(NoteRow::new).collect()
}

fn notes(rows: Vec<NoteRow>) -> Vec<DraftNote> {
    rows.into_iter().map(NoteRow::note).collect()
}

impl OperationRow {
    fn new(operation: &Operation) -> Self {
        match operation {
            Operation::Create(draft) => Self::Create(DraftRow::new(draft)),
            Operation::Update { id, edit } => Self::Update {
                id: text(id),
                edit: EditRow::new(edit),
            },
            Operation::SetTags { id, tags } => Self::SetTags {
                id: text(id),
                tags: tags.clone(),
            },
            Operation::AddTag { id, tag } => Self::AddTag {
                id: text(id),
                tag: tag.clone(),
            },
            Operation::RemoveTag { id, tag } => Self::RemoveTag {
                id: text(id),
                tag: tag.clone(),
            },
            Operation::AddNote { id, note } => Self::AddNote {
                id: text(id),
                note: NoteRow::new(note),
            },
            Operation::EditNote { id, note } => Self::EditNote {
                id: text(id),
                note: NoteRow::new(note),
            },
            Operation::RemoveNote {
                id,
                annotation,
                note,
            } => Self::RemoveNote {
                id: text(id),
                annotation: Text(*annotation),
                note: note.as_str().to_owned(),
            },
            Operation::AddLink { id, link, other } => Self::AddLink {
                id: text(id),
                link: LinkRow::new(*link),
                other: text(other),
            },
            Operation::RemoveLink { id, link, other } => Self::RemoveLink {
                id: text(id),
                link: LinkRow::new(*link),
                other: text(other),
            },
            Operation::Delete { id } => Self::Delete { id: text(id) },
            Operation::CreateCollection { path } => Self::CreateCollection {
                path: Text(path.clone()),
            },
            Operation::CreateTag { tag } => Self::CreateTag { tag: tag.clone() },
        }
    }

    fn operation(self) -> Operation {
        let item = RemoteId::new;
        match self {
            Self::Create(draft) => Operation::Create(draft.draft()),
            Self::Update { id, edit } => Operation::Update {
                id: item(id),
                edit: edit.edit(),
            },
            Self::SetTags { id, tags } => Operation::SetTags { id: item(id), tags },
            Self::AddTag { id, tag } => Operation::AddTag { id: item(id), tag },
            Self::RemoveTag { id, tag } => Operation::RemoveTag { id: item(id), tag },
            Self::AddNote { id, note } => Operation::AddNote {
                id: item(id),
                note: note.note(),
            },
            Self::EditNote { id, note } => Operation::EditNote {
                id: item(id),
                note: note.note(),
            },
            Self::RemoveNote {
                id,
                annotation,
                note,
            } => Operation::RemoveNote {
                id: item(id),
                annotation: annotation.0,
                note: RemoteNoteId::new(note),
            },
            Self::AddLink { id, link, other } => Operation::AddLink {
                id: item(id),
                link: link.link(),
                other: item(other),
            },
            Self::RemoveLink { id, link, other } => Operation::RemoveLink {
                id: item(id),
                link: link.link(),
                other: item(other),
            },
            Self::Delete { id } => Operation::Delete { id: item(id) },
            Self::CreateCollection { path } => Operation::CreateCollection { path: path.0 },
            Self::CreateTag { tag } => Operation::CreateTag { tag },
        }
    }
}

impl DraftRow {
    fn new(draft: &Draft) -> Self {
        let collection = draft.collection.as_ref();
        Self {
            task: Text(draft.task),
            collection: collection.map(|id| id.as_str().to_owned()),
            fields: StoredFields(draft.fields.clone()),
            notes: note_rows(&draft.notes),
            depends: texts(&draft.depends),
            parent: draft.parent.as_ref().map(text),
            markers: draft.markers.clone(),
            shadow: draft.shadow.clone(),
        }
    }

    fn draft(self) -> Draft {
        Draft {
            task: self.task.0,
            collection: self.collection.map(CollectionId::new),
            fields: self.fields.0,
            notes: notes(self.notes),
            depends: ids(self.depends),
            parent: self.parent.map(RemoteId::new),
            markers: self.markers,
            shadow: self.shadow,
        }
    }
}

impl NoteRow {
    fn new(note: &DraftNote) -> Self {
        let remote = note.remote.as_ref();
        Self {
            id: Text(note.id),
            remote: remote.map(|id| id.as_str().to_owned()),
            at: Text(note.at),
            text: note.text.clone(),
        }
    }

    fn note(self) -> DraftNote {
        DraftNote {
            id: self.id.0,
            remote: self.remote.map(RemoteNoteId::new),
            at: self.at.0,
            text: self.text,
        }
    }
}

impl EditRow {
    fn new(edit: &Edit) -> Self {
        let collection = edit.collection.as_ref();
        let removed = edit.remove_notes.iter();
        Self {
            fields: edit.fields.iter().cloned().map(StoredChange).collect(),
            collection: collection.map(|id| id.as_str().to_owned()),
            add_notes: note_rows(&edit.add_notes),
            edit_notes: note_rows(&edit.edit_notes),
            remove_notes: removed.map(|id| id.as_str().to_owned()).collect(),
            add_depends: texts(&edit.add_depends),
            remove_depends: texts(&edit.remove_depends),
            parent: match &edit.parent {
                None => ParentRow::Stays,
                Some(None) => ParentRow::Leaves,
                Some(Some(parent)) => ParentRow::Becomes(text(parent)),
            },
            markers: edit.markers.clone(),
        }
    }

    fn edit(self) -> Edit {
        let removed = self.remove_notes.into_iter();
        Edit {
            fields: self.fields.into_iter().map(|change| change.0).collect(),
            collection: self.collection.map(CollectionId::new),
            add_notes: notes(self.add_notes),
            edit_notes: notes(self.edit_notes),
            remove_notes: removed.map(RemoteNoteId::new).collect(),
            add_depends: ids(self.add_depends),
            remove_depends: ids(self.remove_depends),
            parent: match self.parent {
                ParentRow::Stays => None,
                ParentRow::Leaves => Some(None),
                ParentRow::Becomes(parent) => Some(Some(RemoteId::new(parent))),
            },
            markers: self.markers,
        }
    }
}

impl LinkRow {
    fn new(link: Link) -> Self {
        match link {
            Link::DependsOn => Self::DependsOn,
            Link::PartOf => Self::PartOf,
        }
    }

    fn link(self) -> Link {
        match self {
            Self::DependsOn => Link::DependsOn,
            Self::PartOf => Link::PartOf,
        }
    }
}
