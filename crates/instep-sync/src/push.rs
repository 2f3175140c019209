//! What has to be written so that a remote holds what the hub holds: derived from base and hub.

use std::collections::{BTreeMap, BTreeSet};

use instep_model::{
    AnnotationId, Base, Change, CollectionId, Draft, DraftNote, Edit, Field, Fields, Link,
    Operation, RemoteId, RemoteNoteId, TaskId, Value, WriteShape,
};

use crate::pair::within_reach;
use crate::projection::{Projection, tags_of, tasks_of};

/// A write, and what the base holds once it is confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The write.
    pub operation: Operation,
    /// Each field that it settles, with the value that was sent.
    pub confirms: Vec<(Field, Option<Value>)>,
}

/// Where the hub's ids stand in the remote.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// Remote ids of the tasks that this one links to, or did.
    pub remotes: &'a BTreeMap<TaskId, RemoteId>,
    /// The collection that the task belongs in, where there are any.
    pub collection: Option<&'a CollectionId>,
    /// The markers that the remote item shall carry; empty where it cannot.
    pub markers: &'a BTreeMap<String, String>,
}

/// The draft of a task that the remote does not have, with what travels with its body;
/// the rest follows by [`plan_update`].
pub fn plan_create(
    projection: &Projection,
    task: TaskId,
    hub: &Fields,
    places: &Places,
    shadow: Option<String>,
) -> Planned {
    let placed = placed(projection, places, &[hub]);
    let projection = &within(projection, &placed);
    let capabilities = projection.capabilities;
    let mut draft = Draft {
        task,
        collection: places.collection.cloned(),
        fields: Fields::new(),
        notes: Vec::new(),
        depends: BTreeSet::new(),
        parent: None,
        markers: places.markers.clone(),
        shadow,
    };
    let mut confirms = Vec::new();
    for (field, value) in projection.project_new(hub).iter() {
        if capabilities.shape(field) != WriteShape::Body {
            continue;
        }
        match (field, value) {
            (Field::Annotations, _) => draft.notes = draft_notes(&BTreeMap::new(), hub),
            (Field::Depends, _) => draft.depends = remotes(places, &tasks_of(Some(value))),
            (Field::Parent, Value::Task(parent)) => {
                draft.parent = places.remotes.get(parent).cloned()
            }
            _ => draft.fields.set(field, value.clone()),
        }
        if projection.merges(field) {
            confirms.push((field, Some(value.clone())));
        }
    }
    Planned {
        operation: Operation::Create(draft),
        confirms,
    }
}

/// The writes that carry `hub` to the remote item `id`, in order; none when it holds it already.
/// `fresh` says that this pass made the item, so that sets may be written whole.
pub fn plan_update(
    projection: &Projection,
    id: &RemoteId,
    base: &Base,
    hub: &Fields,
    places: &Places,
    fresh: bool,
) -> Vec<Planned> {
    let placed = placed(projection, places, &[hub, &base.fields]);
    let projection = &within(projection, &placed);
    let mut update = Update {
        projection,
        id,
        base,
        places,
        fresh,
        edit: Edit::default(),
        confirms: Vec::new(),
        elements: Vec::new(),
    };
    let want = projection.project(hub);
    for field in Field::ALL
        .into_iter()
        .filter(|field| projection.merges(*field))
    {
        let have = within_reach(projection, base.fields.get(field));
        if have.as_ref() != want.get(field) {
            update.field(field, have, want.get(field).cloned());
        }
    }
    update.markers();
    let mut planned = Vec::new();
    if !update.edit.is_empty() {
        let operation = Operation::Update {
            id: id.clone(),
            edit: update.edit,
        };
        planned.push(Planned {
            operation,
            confirms: update.confirms,
        });
    }
    planned.append(&mut update.elements);
    planned
}

/// The tasks that either side links to and that a link can be written to: in reach, and their
/// remote ids known. What cannot be written must not be confirmed either, or its absence would
/// later look like a removal (S23). Others do not matter here, and there may be very many.
fn placed(projection: &Projection, places: &Places, sides: &[&Fields]) -> BTreeSet<TaskId> {
    let links = |fields: &&Fields| fields.depends().into_iter().chain(fields.parent());
    let linked = sides.iter().flat_map(links);
    let can_be_written =
        |task: &TaskId| projection.reachable.contains(task) && places.remotes.contains_key(task);
    linked.filter(can_be_written).collect()
}

fn within<'a>(projection: &Projection<'a>, reachable: &'a BTreeSet<TaskId>) -> Projection<'a> {
    Projection {
        reachable,
        ..*projection
    }
}

struct Update<'a> {
    projection: &'a Projection<'a>,
    id: &'a RemoteId,
    base: &'a Base,
    places: &'a Places<'a>,
    fresh: bool,
    edit: Edit,
    confirms: Vec<(Field, Option<Value>)>,
    elements: Vec<Planned>,
}

impl Update<'_> {
    fn field(&mut self, field: Field, have: Option<Value>, want: Option<Value>) {
        let shape = self.projection.capabilities.shape(field);
        match (field, shape) {
            (Field::Tags, WriteShape::Elements | WriteShape::EachElement) => {
                self.tags(shape, &tags_of(have.as_ref()), tags_of(want.as_ref()));
            }
            (Field::Annotations, _) => self.notes(shape, want),
            (Field::Depends, _) => self.depends(shape, &have, want),
            (Field::Parent, _) => self.parent(shape, &have, want),
            _ => {
                if field == Field::Project {
                    self.edit.collection = self.places.collection.cloned();
                }
                let from = self.base.shown(field).cloned();
                self.edit.fields.push(Change {
                    field,
                    from,
                    to: want.clone(),
                });
                self.confirms.push((field, want));
            }
        }
    }

    fn tags(&mut self, shape: WriteShape, have: &BTreeSet<String>, want: BTreeSet<String>) {
        let id = self.id.clone();
        if self.fresh && shape == WriteShape::Elements && have.is_empty() {
            let confirms = vec![(Field::Tags, Some(Value::Tags(want.clone())))];
            self.elements.push(Planned {
                operation: Operation::SetTags { id, tags: want },
                confirms,
            });
            return;
        }
        let mut now = have.clone();
        for tag in have.difference(&want) {
            now.remove(tag);
            let operation = Operation::RemoveTag {
                id: id.clone(),
                tag: tag.clone(),
            };
            self.element(operation, Field::Tags, Value::Tags(now.clone()));
        }
        for tag in want.difference(have) {
            now.insert(tag.clone());
            let operation = Operation::AddTag {
                id: id.clone(),
                tag: tag.clone(),
            };
            self.element(operation, Field::Tags, Value::Tags(now.clone()));
        }
    }

    fn element(&mut self, operation: Operation, field: Field, value: impl Into<Option<Value>>) {
        self.elements.push(Planned {
            operation,
            confirms: vec![(field, value.into())],
        });
    }

    fn notes(&mut self, shape: WriteShape, want: Option<Value>) {
        let have = self.base.fields.annotations();
        let wanted = match &want {
            Some(Value::Annotations(notes)) => notes.clone(),
            _ => BTreeMap::new(),
        };
        let draft = |id: &AnnotationId| DraftNote {
            id: *id,
            remote: self.base.notes.get(id).cloned(),
            at: wanted[id].at,
            text: wanted[id].text.clone(),
        };
        let added: Vec<DraftNote> = wanted
            .keys()
            .filter(|id| !self.base.notes.contains_key(id))
            .map(draft)
            .collect();
        let edited: Vec<DraftNote> = wanted
            .iter()
            .filter(|(id, note)| {
                self.base.notes.contains_key(id)
                    && have.get(id).is_none_or(|known| known.text != note.text)
            })
            .map(|(id, _)| draft(id))
            .collect();
        let removed: Vec<(AnnotationId, RemoteNoteId)> = self
            .base
            .notes
            .iter()
            .filter(|(id, _)| !wanted.contains_key(id))
            .map(|(id, note)| (*id, note.clone()))
            .collect();
        if shape == WriteShape::Body {
            self.edit.add_notes = added;
            self.edit.edit_notes = edited;
            self.edit.remove_notes = removed.into_iter().map(|(_, note)| note).collect();
            self.confirms.push((Field::Annotations, want));
            return;
        }
        let mut now = have;
        for (annotation, note) in removed {
            now.remove(&annotation);
            let operation = Operation::RemoveNote {
                id: self.id.clone(),
                annotation,
                note,
            };
            self.element(
                operation,
                Field::Annotations,
                Value::Annotations(now.clone()),
            );
        }
        for note in edited.into_iter().chain(added) {
            now.insert(note.id, wanted[&note.id].clone());
            let id = self.id.clone();
            let operation = match note.remote {
                Some(_) => Operation::EditNote { id, note },
                None => Operation::AddNote { id, note },
            };
            self.element(
                operation,
                Field::Annotations,
                Value::Annotations(now.clone()),
            );
        }
    }

    fn depends(&mut self, shape: WriteShape, have: &Option<Value>, want: Option<Value>) {
        let (have, wanted) = (tasks_of(have.as_ref()), tasks_of(want.as_ref()));
        // A link whose other end is not there may still be shown: no write of ours touches it.
        let shown = tasks_of(self.base.fields.get(Field::Depends));
        let beyond: BTreeSet<TaskId> = shown
            .difference(self.projection.reachable)
            .copied()
            .collect();
        let sent =
            |now: &BTreeSet<TaskId>| Some(Value::Tasks(now.union(&beyond).copied().collect()));
        let added: BTreeSet<TaskId> = wanted.difference(&have).copied().collect();
        let removed: BTreeSet<TaskId> = have.difference(&wanted).copied().collect();
        if shape == WriteShape::Body {
            self.edit.add_depends = remotes(self.places, &added);
            self.edit.remove_depends = remotes(self.places, &removed);
            let all = sent(&wanted).filter(|tasks| !tasks.is_empty());
            self.confirms.push((Field::Depends, all));
            return;
        }
        let mut now = have;
        for task in removed {
            now.remove(&task);
            self.link(task, Link::DependsOn, false, Field::Depends, sent(&now));
        }
        for task in added {
            now.insert(task);
            self.link(task, Link::DependsOn, true, Field::Depends, sent(&now));
        }
    }

    fn parent(&mut self, shape: WriteShape, have: &Option<Value>, want: Option<Value>) {
        let remote = |value: &Option<Value>| match value {
            Some(Value::Task(task)) => self.places.remotes.get(task).cloned(),
            _ => None,
        };
        if shape == WriteShape::Body {
            self.edit.parent = Some(remote(&want));
            self.confirms.push((Field::Parent, want));
            return;
        }
        if let Some(Value::Task(task)) = have {
            self.link(*task, Link::PartOf, false, Field::Parent, None);
        }
        if let Some(Value::Task(task)) = want {
            self.link(
                task,
                Link::PartOf,
                true,
                Field::Parent,
                Some(Value::Task(task)),
            );
        }
    }

    fn link(&mut self, task: TaskId, link: Link, add: bool, field: Field, value: Option<Value>) {
        let Some(other) = self.places.remotes.get(&task).cloned() else {
            return;
        };
        let id = self.id.clone();
        let operation = if add {
            Operation::AddLink { id, link, other }
        } else {
            Operation::RemoveLink { id, link, other }
        };
        self.element(operation, field, value);
    }

    fn markers(&mut self) {
        for (name, remote) in self.places.markers {
            if self.base.markers.get(name) != Some(remote) {
                self.edit.markers.insert(name.clone(), Some(remote.clone()));
            }
        }
    }
}

fn remotes(places: &Places, tasks: &BTreeSet<TaskId>) -> BTreeSet<RemoteId> {
    tasks
        .iter()
        .filter_map(|task| places.remotes.get(task).cloned())
        .collect()
}

fn draft_notes(known: &BTreeMap<AnnotationId, RemoteNoteId>, hub: &Fields) -> Vec<DraftNote> {
    hub.annotations()
        .into_iter()
        .map(|(id, note)| DraftNote {
            id,
            remote: known.get(&id).cloned(),
            at: note.at,
            text: note.text,
        })
        .collect()
}

/// Takes a confirmed write into the base (S1). `held` is what the answer says was stored, in the
/// hub's ids: where a single value differs from what was sent, that is the remote's normalisation.
/// `notes` are the remote's ids of notes that were written.
pub fn confirm(
    base: &mut Base,
    planned: &Planned,
    held: Option<&Fields>,
    notes: &BTreeMap<AnnotationId, RemoteNoteId>,
) {
    for (field, sent) in &planned.confirms {
        let shown = match (field, held) {
            (Field::Tags | Field::Depends | Field::Parent, _) | (_, None) => sent.clone(),
            (Field::Annotations, Some(held)) => held_notes(sent.clone(), held),
            (field, Some(held)) => held.get(*field).cloned(),
        };
        base.confirm(*field, sent.clone(), shown);
    }
    let kept = base.fields.annotations();
    base.notes
        .extend(notes.iter().map(|(id, note)| (*id, note.clone())));
    base.notes.retain(|id, _| kept.contains_key(id));
    let markers = match &planned.operation {
        Operation::Create(draft) => draft
            .markers
            .iter()
            .map(|(name, id)| (name.clone(), Some(id.clone())))
            .collect(),
        Operation::Update { edit, .. } => edit.markers.clone(),
        _ => BTreeMap::new(),
    };
    for (name, id) in markers {
        match id {
            Some(id) => base.markers.insert(name, id),
            None => base.markers.remove(&name),
        };
    }
}

/// The notes as sent, with the texts that the answer shows for them.
fn held_notes(sent: Option<Value>, held: &Fields) -> Option<Value> {
    let Some(Value::Annotations(mut notes)) = sent else {
        return sent;
    };
    let held = held.annotations();
    for (id, note) in &mut notes {
        if let Some(shown) = held.get(id) {
            note.text.clone_from(&shown.text);
        }
    }
    Some(Value::Annotations(notes))
}

/// Whether an update closes a repeating task, which must not be sent twice (S13).
pub fn completes_repeating(base: &Base, operation: &Operation) -> bool {
    let repeats = base.fields.get(Field::Recurrence).is_some();
    let closes = |change: &Change| {
        change.field == Field::Status
            && matches!(change.to, Some(Value::Status(status)) if status.is_closed())
    };
    repeats && matches!(operation, Operation::Update { edit, .. } if edit.fields.iter().any(closes))
}
