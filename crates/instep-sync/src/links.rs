//! A remote item in the hub's ids: its links and its notes.

use std::collections::{BTreeMap, BTreeSet};

use instep_model::{
    AccountId, Annotation, AnnotationId, Base, Field, Fields, RemoteId, RemoteNoteId, RemoteTask,
    TaskId, Value,
};

/// A remote item with every id translated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translated {
    /// All its values.
    pub fields: Fields,
    /// Which remote note each annotation is.
    pub notes: BTreeMap<AnnotationId, RemoteNoteId>,
}

/// Translates `remote`. `paired` answers which hub task a remote id is; links to others are not
/// in the projection (S2). A note that is not known yet is the unpaired annotation of the same
/// text, if the hub has one (S19), and otherwise a new one.
pub fn translate(
    remote: &RemoteTask,
    task: TaskId,
    account: &AccountId,
    base: &Base,
    hub: &Fields,
    paired: impl Fn(&RemoteId) -> Option<TaskId>,
) -> Translated {
    let mut fields = remote.fields.clone();
    let depends: BTreeSet<TaskId> = remote.depends.iter().filter_map(&paired).collect();
    fields.set(Field::Depends, Value::Tasks(depends));
    fields.set(
        Field::Parent,
        remote.parent.as_ref().and_then(&paired).map(Value::Task),
    );

    let known: BTreeMap<&RemoteNoteId, AnnotationId> =
        base.notes.iter().map(|(id, note)| (note, *id)).collect();
    let hub_notes = hub.annotations();
    let base_notes = base.fields.annotations();
    let mut free: Vec<(AnnotationId, &Annotation)> = hub_notes
        .iter()
        .filter(|(id, _)| !base.notes.contains_key(id))
        .map(|(id, note)| (*id, note))
        .collect();
    let mut notes = BTreeMap::new();
    let mut annotations = BTreeMap::new();
    for note in &remote.notes {
        let id = known.get(&note.id).copied().unwrap_or_else(|| {
            let same_text = free.iter().position(|(_, hub)| hub.text == note.text);
            match same_text {
                Some(at) => free.remove(at).0,
                None => AnnotationId::derived(account, task, &note.id),
            }
        });
        // Its time is set once: whoever knew it first.
        let at = hub_notes
            .get(&id)
            .or_else(|| base_notes.get(&id))
            .map_or(note.at, |known| known.at);
        annotations.insert(
            id,
            Annotation {
                at,
                text: note.text.clone(),
            },
        );
        notes.insert(id, note.id.clone());
    }
    fields.set(Field::Annotations, Value::Annotations(annotations));
    Translated { fields, notes }
}
