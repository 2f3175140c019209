//! Carrying out operations on a fake's state, each whole or not at all. Faults are not made here.

use instep_model::{
    Change, CollectionId, Draft, Edit, Field, Fields, Hold, Link, Operation, RemoteId, RemoteTask,
    Timestamp, Value, WriteShape,
};

use super::hold::{cut, stored};
use super::profile::Profile;
use super::state::{Effect, Item, State};
use crate::{Applied, ConnectorError};

type Carried = Result<Applied, ConnectorError>;

fn rejected(field: Option<Field>, reason: &str) -> ConnectorError {
    ConnectorError::Rejected {
        field,
        reason: reason.to_owned(),
    }
}

impl State {
    /// Carries out what was accepted earlier and is due by now.
    pub(super) fn land(&mut self, now: Timestamp) {
        if self.late.is_empty() {
            return;
        }
        let (due, later) = std::mem::take(&mut self.late)
            .into_iter()
            .partition(|late| late.at <= now);
        self.late = later;
        for late in due {
            for operation in &late.batch {
                // Nobody waits for this answer any more.
                let before = self.effects.len();
                let _ = self.carry_out(late.at, operation);
                for effect in self.effects.iter_mut().skip(before) {
                    effect.late = true;
                }
            }
        }
    }

    /// Carries out one operation.
    pub(super) fn carry_out(&mut self, now: Timestamp, operation: &Operation) -> Carried {
        let version = self.version;
        let applied = match operation {
            Operation::Create(draft) => self.create(now, draft),
            Operation::Update { id, edit } => self.update(now, id, edit),
            Operation::CreateCollection { path } => match self.at_path(path) {
                Some(id) => Err(ConnectorError::AlreadyExists {
                    id: RemoteId::new(id.as_str()),
                }),
                None => {
                    let id = self.collection(Some(path.clone()), now);
                    let mut applied = Applied::done(RemoteId::new(id.as_str()));
                    applied.collection = Some(id);
                    Ok(applied)
                }
            },
            Operation::CreateTag { tag } => {
                if self.tags.insert(tag.clone()) {
                    self.version += 1;
                    Ok(Applied::done(RemoteId::new(tag)))
                } else {
                    Err(ConnectorError::AlreadyExists {
                        id: RemoteId::new(tag),
                    })
                }
            }
            Operation::Delete { id } => {
                let place = self.alive(id).and_then(|item| item.task.collection.clone());
                match self.open_collection(place.as_ref()) {
                    Some(closed) => Err(closed),
                    None => {
                        self.delete(now, id);
                        Ok(Applied::done(id.clone()))
                    }
                }
            }
            element => self.element(now, element),
        }?;
        self.effects.push(Effect {
            at: now,
            operation: operation.clone(),
            id: applied.id.clone(),
            changed: self.version != version,
            late: false,
        });
        Ok(applied)
    }

    /// What would keep this from being stored, as far as that shows beforehand.
    pub(super) fn objection(&self, operation: &Operation) -> Option<ConnectorError> {
        let Operation::Create(draft) = operation else {
            return None;
        };
        if draft.fields.title().trim().is_empty() || self.is_refused(&draft.fields) {
            return Some(rejected(Some(Field::Title), "this title cannot be stored"));
        }
        self.open_collection(draft.collection.as_ref())
            .or_else(|| self.misplaced(draft.fields.iter().map(|(field, _)| field), true))
    }

    fn open_collection(&self, id: Option<&CollectionId>) -> Option<ConnectorError> {
        let id = id?;
        match self.collections.get(id) {
            None => Some(ConnectorError::CollectionGone { id: id.clone() }),
            Some(row) if row.archived => Some(ConnectorError::ReadOnly {
                reason: "the project is archived".to_owned(),
            }),
            Some(_) => None,
        }
    }

    /// A field that a body cannot carry here.
    fn misplaced(
        &self,
        fields: impl Iterator<Item = Field>,
        is_new: bool,
    ) -> Option<ConnectorError> {
        let capabilities = &self.profile.capabilities;
        let mut wrong = fields.filter(|field| {
            capabilities.shape(*field) != WriteShape::Body
                || match capabilities.hold(*field) {
                    Hold::No => true,
                    Hold::Once | Hold::Follows(_) => !is_new,
                    Hold::Whole | Hold::Coarse(_) => false,
                }
        });
        let field = wrong.next()?;
        Some(rejected(Some(field), "a body cannot carry this field here"))
    }

    fn create(&mut self, now: Timestamp, draft: &Draft) -> Carried {
        let id = if self.chooses_ids() {
            None
        } else {
            Some(RemoteId::new(draft.task.to_string()))
        };
        if let Some(id) = id.as_ref().filter(|id| self.alive(id).is_some()) {
            return Err(ConnectorError::AlreadyExists { id: id.clone() });
        }
        if let Some(objection) = self.objection(&Operation::Create(draft.clone())) {
            return Err(objection);
        }
        let id = id.unwrap_or_else(|| self.fresh_id());
        let mut task = RemoteTask::new(id, self.stored_fields(&draft.fields));
        task.collection.clone_from(&draft.collection);
        task.depends.clone_from(&draft.depends);
        task.parent.clone_from(&draft.parent);
        task.shadow.clone_from(&draft.shadow);
        if self.profile.capabilities.markers {
            task.markers.clone_from(&draft.markers);
        }
        let id = self.insert(now, task);
        for note in &draft.notes {
            self.note(now, &id, note.at, &note.text);
        }
        Ok(self.answer(&id))
    }

    /// What the answer to a write tells.
    fn answer(&self, id: &RemoteId) -> Applied {
        let item = self.items.get(id);
        Applied {
            id: id.clone(),
            collection: item.and_then(|item| item.task.collection.clone()),
            note: None,
            held: item
                .filter(|_| self.profile.tells)
                .map(|item| item.task.clone()),
            born: item.and_then(|item| item.task.born),
        }
    }

    fn living(&self, id: &RemoteId) -> Result<&Item, ConnectorError> {
        self.alive(id)
            .ok_or_else(|| ConnectorError::Gone { id: id.clone() })
    }

    /// What keeps an update from being stored; nothing of it is stored then.
    fn refusal(&self, id: &RemoteId, edit: &Edit) -> Option<ConnectorError> {
        let item = match self.living(id) {
            Ok(item) => item,
            Err(gone) => return Some(gone),
        };
        let body = edit.fields.iter().map(|change| change.field);
        let objection = self
            .misplaced(body, false)
            .or_else(|| self.open_collection(item.task.collection.as_ref()))
            .or_else(|| self.open_collection(edit.collection.as_ref()));
        if objection.is_some() {
            return objection;
        }
        let moves_nowhere = self.profile.capabilities.collections && edit.collection.is_none();
        for change in &edit.fields {
            if change.field != Field::Tags && !self.fits(&item.task, change) {
                return Some(ConnectorError::Stale { id: id.clone() });
            }
            let title = Fields::new().with(Field::Title, change.to.clone());
            let is_title = change.field == Field::Title;
            if is_title && (title.title().trim().is_empty() || self.is_refused(&title)) {
                return Some(rejected(Some(Field::Title), "this title cannot be stored"));
            }
            if change.field == Field::Project && moves_nowhere {
                return Some(rejected(Some(Field::Project), "no collection is named"));
            }
        }
        None
    }

    fn update(&mut self, now: Timestamp, id: &RemoteId, edit: &Edit) -> Carried {
        if let Some(refusal) = self.refusal(id, edit) {
            return Err(refusal);
        }
        if !self.holds_notes(id, &edit.edit_notes) {
            return Err(ConnectorError::Stale { id: id.clone() });
        }
        let profile = self.profile.clone();
        self.change(now, id, |task| {
            put_fields(&profile, task, edit);
            put_notes(task, edit);
            task.depends.extend(edit.add_depends.iter().cloned());
            task.depends
                .retain(|other| !edit.remove_depends.contains(other));
            if let Some(parent) = &edit.parent {
                task.parent.clone_from(parent);
            }
        });
        for note in &edit.add_notes {
            // A note in a body is known by its time and text: it cannot be written twice.
            let at = cut(note.at, 1000);
            let is_there = self.items.get(id).is_some_and(|item| {
                let mut notes = item.task.notes.iter();
                notes.any(|one| one.at == at && one.text == note.text)
            });
            if !is_there {
                self.note(now, id, note.at, &note.text);
            }
        }
        Ok(self.answer(id))
    }

    /// Whether every note that is to be reworded is still there.
    fn holds_notes(&self, id: &RemoteId, edited: &[instep_model::DraftNote]) -> bool {
        let there = |note: &instep_model::DraftNote| {
            let item = self.items.get(id)?;
            item.task
                .notes
                .iter()
                .find(|one| Some(&one.id) == note.remote.as_ref())
        };
        edited.iter().all(|note| there(note).is_some())
    }

    /// Whether a field holds what the change starts from, or already what it leads to.
    fn fits(&self, task: &RemoteTask, change: &Change) -> bool {
        let held = task.fields.get(change.field);
        let is = |value: &Option<Value>| {
            let value = value.as_ref().filter(|value| !value.is_empty());
            let kept = value.and_then(|value| stored(&self.profile, change.field, value));
            held == value || held == kept.as_ref()
        };
        is(&change.from) || is(&change.to)
    }

    fn element(&mut self, now: Timestamp, operation: &Operation) -> Carried {
        let Some(id) = operation.target() else {
            return Err(rejected(None, "this is no change of a task"));
        };
        self.living(id)?;
        let mut note = None;
        match operation {
            Operation::SetTags { tags, .. } => {
                for tag in tags {
                    self.known_tag(tag)?;
                }
                let tags = stored(&self.profile, Field::Tags, &Value::Tags(tags.clone()));
                self.change(now, id, |task| task.fields.set(Field::Tags, tags));
            }
            Operation::AddTag { tag, .. } => {
                self.known_tag(tag)?;
                self.retag(now, id, |tags| {
                    tags.insert(tag.clone());
                });
            }
            Operation::RemoveTag { tag, .. } => self.retag(now, id, |tags| {
                tags.remove(tag);
            }),
            Operation::AddNote { note: added, .. } => {
                note = Some(self.note(now, id, added.at, &added.text));
            }
            Operation::EditNote { note: edited, .. } => {
                note.clone_from(&edited.remote);
                self.edit_note(now, id, edited)?;
            }
            Operation::RemoveNote { note: removed, .. } => {
                self.change(now, id, |task| {
                    task.notes.retain(|note| note.id != *removed)
                });
            }
            Operation::AddLink { link, other, .. } => {
                self.living(other)?;
                self.change(now, id, |task| match link {
                    Link::DependsOn => {
                        task.depends.insert(other.clone());
                    }
                    Link::PartOf => task.parent = Some(other.clone()),
                });
            }
            Operation::RemoveLink { link, other, .. } => {
                self.change(now, id, |task| match link {
                    Link::DependsOn => {
                        task.depends.remove(other);
                    }
                    Link::PartOf => {
                        task.parent.take_if(|parent| parent == other);
                    }
                });
            }
            _ => return Err(rejected(None, "this is no change of an element")),
        }
        let mut applied = self.answer(id);
        applied.note = note;
        Ok(applied)
    }

    fn known_tag(&self, tag: &str) -> Result<(), ConnectorError> {
        if self.profile.capabilities.tag_records && !self.tags.contains(tag) {
            return Err(rejected(Some(Field::Tags), "this tag does not exist"));
        }
        Ok(())
    }

    fn retag(
        &mut self,
        now: Timestamp,
        id: &RemoteId,
        edit: impl FnOnce(&mut std::collections::BTreeSet<String>),
    ) {
        self.change(now, id, |task| {
            let mut tags = task.fields.tags();
            edit(&mut tags);
            task.fields.set(Field::Tags, Value::Tags(tags));
        });
    }

    fn edit_note(
        &mut self,
        now: Timestamp,
        id: &RemoteId,
        edited: &instep_model::DraftNote,
    ) -> Result<(), ConnectorError> {
        let mut found = false;
        self.change(now, id, |task| {
            for note in &mut task.notes {
                if Some(&note.id) == edited.remote.as_ref() {
                    note.text.clone_from(&edited.text);
                    found = true;
                }
            }
        });
        if found {
            Ok(())
        } else {
            Err(ConnectorError::Stale { id: id.clone() })
        }
    }

    /// What there is that has the content of `operation`, made at or after `since`.
    pub(super) fn traces(&self, operation: &Operation, since: Timestamp) -> Vec<Applied> {
        let since = cut(since, self.profile.changed_millis.unwrap_or(1));
        match operation {
            Operation::Create(draft) => self
                .items
                .values()
                .filter(|item| item.deleted.is_none())
                .filter(|item| self.is_trace(item, draft, since))
                .map(|item| self.answer(&item.task.id))
                .collect(),
            Operation::AddNote { id, note } => {
                let notes = self.alive(id).map(|item| item.task.notes.as_slice());
                let same = notes
                    .unwrap_or_default()
                    .iter()
                    .filter(|one| one.text == note.text);
                same.map(|one| {
                    let mut applied = self.answer(id);
                    applied.note = Some(one.id.clone());
                    applied
                })
                .collect()
            }
            Operation::CreateCollection { path } => {
                let rows = self.collections.iter();
                rows.filter(|(_, row)| row.path.as_ref() == Some(path) && row.created >= since)
                    .map(|(id, _)| {
                        let mut applied = Applied::done(RemoteId::new(id.as_str()));
                        applied.collection = Some(id.clone());
                        applied
                    })
                    .collect()
            }
            Operation::CreateTag { tag } if self.tags.contains(tag) => {
                vec![Applied::done(RemoteId::new(tag))]
            }
            _ => Vec::new(),
        }
    }

    fn is_trace(&self, item: &Item, draft: &Draft, since: Timestamp) -> bool {
        if !self.chooses_ids() {
            return item.task.id.as_str() == draft.task.to_string();
        }
        let sent = self.stored_fields(&draft.fields);
        let capabilities = &self.profile.capabilities;
        let counts = |field: Field| {
            capabilities.shape(field) == WriteShape::Body
                && !matches!(capabilities.hold(field), Hold::Follows(_))
                && !(field == Field::Project && capabilities.collections)
        };
        let collection = draft.collection.clone().or_else(|| self.inbox());
        item.created >= since
            && item.task.collection == collection
            && sent
                .differences(&item.task.fields)
                .into_iter()
                .all(|field| !counts(field))
    }
}

fn put_fields(profile: &Profile, task: &mut RemoteTask, edit: &Edit) {
    for change in &edit.fields {
        let value = match (change.field, &change.to) {
            (Field::Tags, _) => merged_tags(task, change),
            (Field::Project, _) if profile.capabilities.collections => continue,
            (_, to) => to.clone(),
        };
        let value = value.and_then(|value| stored(profile, change.field, &value));
        task.fields.set(change.field, value);
    }
    if edit.collection.is_some() {
        task.collection.clone_from(&edit.collection);
    }
    if profile.capabilities.markers {
        for (name, value) in &edit.markers {
            match value {
                Some(value) => task.markers.insert(name.clone(), value.clone()),
                None => task.markers.remove(name),
            };
        }
    }
}

/// Changes and removes notes; new ones follow with ids of their own.
fn put_notes(task: &mut RemoteTask, edit: &Edit) {
    task.notes
        .retain(|note| !edit.remove_notes.contains(&note.id));
    for written in &edit.edit_notes {
        let mut notes = task.notes.iter_mut();
        let note = notes.find(|note| Some(&note.id) == written.remote.as_ref());
        if let Some(note) = note {
            note.text.clone_from(&written.text);
        }
    }
}

/// Only the difference between the two sets of the change is made.
fn merged_tags(task: &RemoteTask, change: &Change) -> Option<Value> {
    let set = |value: &Option<Value>| match value {
        Some(Value::Tags(tags)) => tags.clone(),
        _ => std::collections::BTreeSet::new(),
    };
    let (from, to) = (set(&change.from), set(&change.to));
    let mut tags = task.fields.tags();
    tags.retain(|tag| to.contains(tag) || !from.contains(tag));
    tags.extend(to.difference(&from).cloned());
    Some(Value::Tags(tags))
}
