//! A pair: its ids and state in columns of its own, the rest in its body.

use std::collections::{BTreeMap, BTreeSet};

use instep_contract::StoreError;
use instep_model::{
    AnnotationId, Base, CollectionId, Evidence, Field, Mapping, RemoteId, RemoteNote, RemoteNoteId,
    RemoteTask, Timestamp, Unanswered, Written,
};
use serde::{Deserialize, Serialize};

use super::text::{StoredChange, StoredFields, StoredOverrides, Text};
use super::{read, write};

#[derive(Serialize, Deserialize)]
struct MappingBody {
    #[serde(default, skip_serializing_if = "StoredFields::is_empty")]
    base: StoredFields,
    #[serde(default, skip_serializing_if = "StoredOverrides::is_empty")]
    held_as: StoredOverrides,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    undecided: BTreeSet<Text<Field>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    notes: BTreeMap<Text<AnnotationId>, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    markers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unanswered: Vec<UnansweredRow>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    written: Vec<WrittenRow>,
    hub_version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    observed: Option<RemoteTaskRow>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    left_out: BTreeSet<Text<Field>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gone: Option<GoneRow>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    contested: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shadow: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    born: Option<Text<Timestamp>>,
    attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failing_since: Option<Text<Timestamp>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_synced_at: Option<Text<Timestamp>>,
}

#[derive(Serialize, Deserialize)]
struct UnansweredRow {
    at: Text<Timestamp>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    timed_out: bool,
    change: StoredChange,
}

#[derive(Serialize, Deserialize)]
struct WrittenRow {
    at: Text<Timestamp>,
    change: StoredChange,
}

#[derive(Serialize, Deserialize)]
struct GoneRow {
    evidence: EvidenceRow,
    at: Text<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EvidenceRow {
    Flagged,
    NotFound,
    Unlisted,
}

#[derive(Serialize, Deserialize)]
struct RemoteTaskRow {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    collection: Option<String>,
    fields: StoredFields,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<RemoteNoteRow>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    depends: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    markers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    changed_at: Option<Text<Timestamp>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shadow: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    born: Option<Text<Timestamp>>,
}

#[derive(Serialize, Deserialize)]
struct RemoteNoteRow {
    id: String,
    at: Text<Timestamp>,
    text: String,
}

impl UnansweredRow {
    fn new(one: &Unanswered) -> Self {
        Self {
            at: Text(one.at),
            timed_out: one.timed_out,
            change: StoredChange(one.change.clone()),
        }
    }

    fn unanswered(self) -> Unanswered {
        Unanswered {
            at: self.at.0,
            timed_out: self.timed_out,
            change: self.change.0,
        }
    }
}

impl WrittenRow {
    fn new(one: &Written) -> Self {
        Self {
            at: Text(one.at),
            change: StoredChange(one.change.clone()),
        }
    }

    fn written(self) -> Written {
        Written {
            at: self.at.0,
            change: self.change.0,
        }
    }
}

impl GoneRow {
    fn new((evidence, at): (Evidence, Timestamp)) -> Self {
        let evidence = match evidence {
            Evidence::Flagged => EvidenceRow::Flagged,
            Evidence::NotFound => EvidenceRow::NotFound,
            Evidence::Unlisted => EvidenceRow::Unlisted,
        };
        let at = Text(at);
        Self { evidence, at }
    }

    fn gone(self) -> (Evidence, Timestamp) {
        let evidence = match self.evidence {
            EvidenceRow::Flagged => Evidence::Flagged,
            EvidenceRow::NotFound => Evidence::NotFound,
            EvidenceRow::Unlisted => Evidence::Unlisted,
        };
        (evidence, self.at.0)
    }
}

impl RemoteTaskRow {
    fn new(task: &RemoteTask) -> Self {
        let text = |id: &RemoteId| id.as_str().to_owned();
        let note = |note: &RemoteNote| RemoteNoteRow {
            id: note.id.as_str().to_owned(),
            at: Text(note.at),
            text: note.text.clone(),
        };
        let collection = task.collection.as_ref();
        Self {
            id: text(&task.id),
            collection: collection.map(|id| id.as_str().to_owned()),
            fields: StoredFields(task.fields.clone()),
            notes: task.notes.iter().map(note).collect(),
            depends: task.depends.iter().map(text).collect(),
            parent: task.parent.as_ref().map(text),
            markers: task.markers.clone(),
            changed_at: task.changed_at.map(Text),
            revision: task.revision.clone(),
            shadow: task.shadow.clone(),
            born: task.born.map(Text),
        }
    }

    fn task(self) -> RemoteTask {
        let note = |row: RemoteNoteRow| RemoteNote {
            id: RemoteNoteId::new(row.id),
            at: row.at.0,
            text: row.text,
        };
        RemoteTask {
            id: RemoteId::new(self.id),
            collection: self.collection.map(CollectionId::new),
            fields: self.fields.0,
            notes: self.notes.into_iter().map(note).collect(),
            depends: self.depends.into_iter().map(RemoteId::new).collect(),
            parent: self.parent.map(RemoteId::new),
            markers: self.markers,
            changed_at: self.changed_at.map(|at| at.0),
            revision: self.revision,
            shadow: self.shadow,
            born: self.born.map(|at| at.0),
        }
    }
}

pub(crate) fn mapping_body(mapping: &Mapping) -> String {
    let base = &mapping.base;
    let notes = base.notes.iter();
    write(&MappingBody {
        base: StoredFields(base.fields.clone()),
        held_as: StoredOverrides(base.held_as.clone()),
        undecided: base.undecided.iter().copied().map(Text).collect(),
        notes: notes
            .map(|(id, remote)| (Text(*id), remote.as_str().to_owned()))
            .collect(),
        markers: base.markers.clone(),
        unanswered: mapping.unanswered.iter().map(UnansweredRow::new).collect(),
        written: mapping.written.iter().map(WrittenRow::new).collect(),
        hub_version: mapping.hub_version,
        observed: mapping.observed.as_ref().map(RemoteTaskRow::new),
        left_out: mapping.left_out.iter().copied().map(Text).collect(),
        gone: mapping.gone.map(GoneRow::new),
        contested: mapping.contested,
        shadow: mapping.shadow.clone(),
        born: mapping.born.map(Text),
        attempts: mapping.attempts,
        failing_since: mapping.failing_since.map(Text),
        last_error: mapping.last_error.clone(),
        last_synced_at: mapping.last_synced_at.map(Text),
    })
}

/// Fills in what the body of a pair holds; the columns are in `columns` already.
pub(crate) fn read_mapping_body(columns: Mapping, body: &str) -> Result<Mapping, StoreError> {
    let row = || format!("the pair of {} in {}", columns.task, columns.account);
    let body: MappingBody = read(row, body)?;
    let notes = body.notes.into_iter();
    Ok(Mapping {
        base: Base {
            fields: body.base.0,
            held_as: body.held_as.0,
            undecided: body.undecided.into_iter().map(|field| field.0).collect(),
            notes: notes
                .map(|(id, remote)| (id.0, RemoteNoteId::new(remote)))
                .collect(),
            markers: body.markers,
        },
        unanswered: body
            .unanswered
            .into_iter()
            .map(UnansweredRow::unanswered)
            .collect(),
        written: body.written.into_iter().map(WrittenRow::written).collect(),
        hub_version: body.hub_version,
        observed: body.observed.map(RemoteTaskRow::task),
        left_out: body.left_out.into_iter().map(|field| field.0).collect(),
        gone: body.gone.map(GoneRow::gone),
        contested: body.contested,
        shadow: body.shadow,
        born: body.born.map(|at| at.0),
        attempts: body.attempts,
        failing_since: body.failing_since.map(|at| at.0),
        last_error: body.last_error,
        last_synced_at: body.last_synced_at.map(|at| at.0),
        ..columns
    })
}
