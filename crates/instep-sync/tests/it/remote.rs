//! A service with one task in it that carries operations out to the letter. It refuses, by
//! panicking, whatever a real one would: values off its grid, unknown notes, stale changes.

use std::collections::{BTreeMap, BTreeSet};

use instep_model::{
    AnnotationId, Draft, DraftNote, Edit, Field, Fields, Hold, Link, Operation, RemoteId,
    RemoteNote, RemoteNoteId, RemoteTask, TaskId, TimeZone, Timestamp, Value,
};
use instep_sync::Projection;

use crate::draw::{self, at};
use crate::services::Service;

pub(crate) struct Remote {
    pub(crate) service: &'static Service,
    pub(crate) zone: &'static TimeZone,
    pub(crate) item: Option<RemoteTask>,
    /// How many writes were carried out.
    pub(crate) writes: usize,
    pub(crate) now: Timestamp,
    next_note: u32,
}

/// The remote id of any task, if it were there.
pub(crate) fn remote_id(task: TaskId) -> RemoteId {
    RemoteId::new(format!("r{}", task.0.as_u128()))
}

impl Remote {
    pub(crate) fn new(service: &'static Service, zone: &'static TimeZone) -> Self {
        Self {
            service,
            zone,
            item: None,
            writes: 0,
            now: at(0),
            next_note: 0,
        }
    }

    pub(crate) fn item(&self) -> &RemoteTask {
        self.item.as_ref().expect("the task was made")
    }

    fn item_mut(&mut self) -> &mut RemoteTask {
        self.item.as_mut().expect("the task was made")
    }

    /// Carries `operation` out; answers the ids of notes that it wrote.
    pub(crate) fn apply(&mut self, operation: &Operation) -> BTreeMap<AnnotationId, RemoteNoteId> {
        self.writes += 1;
        if let Some(target) = operation.target() {
            assert_eq!(*target, self.item().id);
        }
        match operation {
            Operation::Create(draft) => return self.create(draft),
            Operation::Update { edit, .. } => return self.update(edit),
            Operation::SetTags { tags, .. } => {
                assert!(self.item().fields.tags().is_empty(), "only on a new task");
                self.store(Field::Tags, Some(Value::Tags(tags.clone())));
            }
            Operation::AddTag { tag, .. } => self.tag(tag, true),
            Operation::RemoveTag { tag, .. } => self.tag(tag, false),
            Operation::AddNote { note, .. } => return self.add_notes(std::slice::from_ref(note)),
            Operation::EditNote { note, .. } => self.edit_note(note),
            Operation::RemoveNote { note, .. } => self.remove_note(note),
            Operation::AddLink { link, other, .. } => self.link(*link, other, true),
            Operation::RemoveLink { link, other, .. } => self.link(*link, other, false),
            other => panic!("not for a planner of one task: {other:?}"),
        }
        BTreeMap::new()
    }

    fn create(&mut self, draft: &Draft) -> BTreeMap<AnnotationId, RemoteNoteId> {
        assert!(self.item.is_none(), "made twice");
        let mut task = RemoteTask::new(remote_id(draft.task), Fields::new());
        task.depends = draft.depends.clone();
        task.parent = draft.parent.clone();
        task.markers = draft.markers.clone();
        self.item = Some(task);
        for (field, value) in draft.fields.iter() {
            self.store(field, Some(value.clone()));
        }
        self.add_notes(&draft.notes)
    }

    fn update(&mut self, edit: &Edit) -> BTreeMap<AnnotationId, RemoteNoteId> {
        assert!(!edit.is_empty(), "an update of nothing");
        for change in &edit.fields {
            let stored = self.item().fields.get(change.field).cloned();
            if let (Field::Tags, Some(Value::Tags(now))) = (change.field, &stored) {
                let tags = |value: &Option<Value>| match value {
                    Some(Value::Tags(tags)) => tags.clone(),
                    _ => BTreeSet::new(),
                };
                let (from, to) = (tags(&change.from), tags(&change.to));
                let kept = now
                    .iter()
                    .filter(|tag| !from.contains(*tag) || to.contains(*tag));
                let tags = kept.cloned().chain(to.difference(&from).cloned()).collect();
                self.store(Field::Tags, Some(Value::Tags(tags)));
                continue;
            }
            assert!(
                stored == change.from || stored == change.to,
                "stale: {change:?} where {stored:?} is stored"
            );
            self.store(change.field, change.to.clone());
        }
        for note in &edit.remove_notes {
            self.remove_note(note);
        }
        for note in &edit.edit_notes {
            self.edit_note(note);
        }
        let item = self.item_mut();
        item.depends.extend(edit.add_depends.iter().cloned());
        item.depends.retain(|id| !edit.remove_depends.contains(id));
        if let Some(parent) = &edit.parent {
            item.parent.clone_from(parent);
        }
        for (name, id) in &edit.markers {
            match id {
                Some(id) => item.markers.insert(name.clone(), id.clone()),
                None => item.markers.remove(name),
            };
        }
        self.add_notes(&edit.add_notes)
    }

    /// Stores a value, which has to be one that this service can hold, and what follows from it.
    pub(crate) fn store(&mut self, field: Field, value: Option<Value>) {
        let all = (0..draw::OTHERS).map(draw::other).collect();
        let projection = Projection {
            capabilities: &self.service.capabilities,
            zone: self.zone,
            reachable: &all,
        };
        if let Some(value) = &value {
            let alone = Fields::new().with(field, value.clone());
            assert_eq!(projection.project_new(&alone), alone, "off the grid");
        }
        let value = match value {
            Some(Value::Text(text)) => Some(Value::Text(self.kept(text, field))),
            value => value,
        };
        let hold = self.service.capabilities.hold(Field::CompletedAt);
        let now = Value::Instant(self.now);
        let item = self.item_mut();
        item.fields.set(field, value);
        if field == Field::Status && *hold == Hold::Follows(Field::Status) {
            let closed = item.fields.status().is_closed();
            item.fields.set(Field::CompletedAt, closed.then_some(now));
        }
    }

    fn kept(&self, text: String, field: Field) -> String {
        if self.service.trims && matches!(field, Field::Notes | Field::Annotations) {
            text.trim_end().to_owned()
        } else {
            text
        }
    }

    fn tag(&mut self, tag: &str, add: bool) {
        let mut tags = self.item().fields.tags();
        if add {
            assert!(tags.insert(tag.to_owned()), "the tag is there");
        } else {
            assert!(tags.remove(tag), "the tag is not there");
        }
        self.store(Field::Tags, Some(Value::Tags(tags)));
    }

    fn add_notes(&mut self, notes: &[DraftNote]) -> BTreeMap<AnnotationId, RemoteNoteId> {
        let add = |note: &DraftNote| {
            assert_eq!(note.remote, None, "the note is there already");
            (note.id, self.write_note(note.at, note.text.clone()))
        };
        notes.iter().map(add).collect()
    }

    /// Writes a note under a new id.
    pub(crate) fn write_note(&mut self, at: Timestamp, text: String) -> RemoteNoteId {
        self.next_note += 1;
        let id = RemoteNoteId::new(format!("n{}", self.next_note));
        let text = self.kept(text, Field::Annotations);
        self.item_mut().notes.push(RemoteNote {
            id: id.clone(),
            at,
            text,
        });
        id
    }

    fn edit_note(&mut self, note: &DraftNote) {
        let id = note.remote.clone().expect("the remote's id is set");
        let text = self.kept(note.text.clone(), Field::Annotations);
        let mut notes = self.item_mut().notes.iter_mut();
        notes
            .find(|note| note.id == id)
            .expect("the note is there")
            .text = text;
    }

    fn remove_note(&mut self, id: &RemoteNoteId) {
        let notes = &mut self.item_mut().notes;
        let at = notes.iter().position(|note| note.id == *id);
        notes.remove(at.expect("the note is there"));
    }

    fn link(&mut self, link: Link, other: &RemoteId, add: bool) {
        let item = self.item_mut();
        match (link, add) {
            (Link::DependsOn, true) => assert!(item.depends.insert(other.clone())),
            (Link::DependsOn, false) => assert!(item.depends.remove(other)),
            (Link::PartOf, true) => {
                assert_eq!(item.parent.replace(other.clone()), None, "has one parent");
            }
            (Link::PartOf, false) => assert_eq!(item.parent.take().as_ref(), Some(other)),
        }
    }
}
