//! The contents of a fake service and how each of its rows moves. Never fails by chance:
//! faults belong to the connector in front of it.

use std::collections::{BTreeMap, BTreeSet};

use instep_model::{
    Collection, CollectionId, Field, Fields, Hold, Identity, Ids, Operation, ProjectPath, RemoteId,
    RemoteNote, RemoteNoteId, RemoteTask, SetSince, Timestamp, Value,
};

use super::hold::{cut, stored};
use super::profile::Profile;

/// One task, alive or remembered.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Counts the tasks of this service; stands for the id in cursors.
    pub(super) number: u32,
    pub(super) task: RemoteTask,
    /// The service's version at its last change.
    pub(super) version: u64,
    pub(super) created: Timestamp,
    pub(super) deleted: Option<Timestamp>,
    /// What was set in it, and when; oldest first.
    pub(super) journal: Vec<(Timestamp, SetSince)>,
}

/// One collection.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) path: Option<ProjectPath>,
    pub(super) archived: bool,
    pub(super) created: Timestamp,
}

/// A write that was accepted and will be carried out later.
#[derive(Debug, Clone)]
pub(super) struct Late {
    pub(super) at: Timestamp,
    pub(super) batch: Vec<Operation>,
}

/// A write that a connector carried out, in the order in which it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// When, by the service's clock.
    pub at: Timestamp,
    /// What was asked for.
    pub operation: Operation,
    /// The task, tag or collection it touched.
    pub id: RemoteId,
    /// Whether it changed anything.
    pub changed: bool,
    /// Whether nobody waited for its answer any more.
    pub late: bool,
}

#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) profile: Profile,
    pub(super) identity: Identity,
    /// Grows with every reinstallation.
    pub(super) epoch: u32,
    /// Grows with every copy that is put back.
    pub(super) copies: u32,
    pub(super) version: u64,
    pub(super) collections_version: u64,
    next: u64,
    pub(super) items: BTreeMap<RemoteId, Item>,
    /// By an item's number less one, its id.
    pub(super) numbered: Vec<RemoteId>,
    pub(super) collections: BTreeMap<CollectionId, Row>,
    pub(super) tags: BTreeSet<String>,
    /// Whose rows were removed for good.
    pub(super) purged: BTreeSet<RemoteId>,
    pub(super) effects: Vec<Effect>,
    pub(super) late: Vec<Late>,
}

impl State {
    pub(super) fn new(profile: Profile, identity: Identity) -> Self {
        let mut state = Self {
            profile,
            identity,
            epoch: 0,
            copies: 0,
            version: 0,
            collections_version: 0,
            next: 0,
            items: BTreeMap::new(),
            numbered: Vec::new(),
            collections: BTreeMap::new(),
            tags: BTreeSet::new(),
            purged: BTreeSet::new(),
            effects: Vec::new(),
            late: Vec::new(),
        };
        state.start_over();
        state
    }

    /// Begins as a new installation does: with nothing but, where there are collections, the
    /// inbox, and with ids that may have meant something else before.
    pub(super) fn start_over(&mut self) {
        self.next = 0;
        self.items.clear();
        self.numbered.clear();
        self.collections.clear();
        self.tags.clear();
        self.late.clear();
        self.version += 1;
        self.collections_version = self.version;
        if self.profile.capabilities.collections {
            self.collection(None, Timestamp::UNIX_EPOCH);
        }
    }

    /// Holds what it held when `copy` was made, and gives out again the ids it has given out since.
    pub(super) fn put_back(&mut self, copy: &Self) {
        self.next = copy.next;
        self.items.clone_from(&copy.items);
        self.numbered.clone_from(&copy.numbered);
        self.collections.clone_from(&copy.collections);
        self.tags.clone_from(&copy.tags);
        self.purged.clone_from(&copy.purged);
        // What comes from now on is news to everyone.
        self.version += 1;
        self.collections_version = self.version;
    }

    /// As when a person undid all that was done since `copy` was made.
    pub(super) fn undo(&mut self, copy: &Self) {
        let (next, numbered) = (self.next, self.numbered.clone());
        self.put_back(copy);
        // No id is given out a second time.
        (self.next, self.numbered) = (next, numbered);
        for item in self.items.values_mut() {
            item.version = self.version;
        }
    }

    pub(super) fn fresh_id(&mut self) -> RemoteId {
        RemoteId::new(self.number().to_string())
    }

    pub(super) fn fresh_note_id(&mut self) -> RemoteNoteId {
        RemoteNoteId::new(format!("n{}", self.number()))
    }

    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn alive(&self, id: &RemoteId) -> Option<&Item> {
        self.items.get(id).filter(|item| item.deleted.is_none())
    }

    pub(super) fn is_refused(&self, fields: &Fields) -> bool {
        let refuses = self.profile.refuses.as_ref();
        refuses.is_some_and(|part| fields.title().contains(part.as_str()))
    }

    /// Makes a collection and answers its id.
    pub(super) fn collection(&mut self, path: Option<ProjectPath>, now: Timestamp) -> CollectionId {
        let id = CollectionId::new(format!("c{}", self.number()));
        self.version += 1;
        self.collections_version = self.version;
        let row = Row {
            path,
            archived: false,
            created: now,
        };
        self.collections.insert(id.clone(), row);
        id
    }

    pub(super) fn inbox(&self) -> Option<CollectionId> {
        let inbox = self.collections.iter().find(|(_, row)| row.path.is_none());
        inbox.map(|(id, _)| id.clone())
    }

    pub(super) fn at_path(&self, path: &ProjectPath) -> Option<CollectionId> {
        let row = self
            .collections
            .iter()
            .find(|(_, row)| row.path.as_ref() == Some(path));
        row.map(|(id, _)| id.clone())
    }

    pub(super) fn listed_collections(&self) -> Vec<Collection> {
        let rows = self.collections.iter();
        rows.map(|(id, row)| Collection {
            id: id.clone(),
            path: row.path.clone(),
            archived: row.archived,
        })
        .collect()
    }

    /// Puts a new task, or one that comes back, among the others.
    pub(super) fn insert(&mut self, now: Timestamp, mut task: RemoteTask) -> RemoteId {
        let id = task.id.clone();
        self.version += 1;
        if self.profile.capabilities.collections && task.collection.is_none() {
            task.collection = self.inbox();
        }
        self.place(&mut task);
        self.touch_times(now, &mut task);
        task.born = self.chooses_ids().then(|| cut(now, 1000));
        if let Some(completed) = self.completion(now, &task.fields)
            && task.fields.get(Field::CompletedAt).is_none()
        {
            task.fields.set(Field::CompletedAt, completed);
        }
        let (number, mut journal) = match self.items.get(&id) {
            Some(item) => (item.number, item.journal.clone()),
            None => {
                self.numbered.push(id.clone());
                let number = u32::try_from(self.numbered.len());
                (number.expect("a fake holds few tasks"), Vec::new())
            }
        };
        if self.profile.undo_takes_ours {
            journal.push((now, with_status()));
        }
        let item = Item {
            number,
            task,
            version: self.version,
            created: now,
            deleted: None,
            journal,
        };
        self.purged.remove(&id);
        self.items.insert(id.clone(), item);
        id
    }

    /// What stands in `fields` when this service is given `wanted` for a new task.
    pub(super) fn stored_fields(&self, wanted: &Fields) -> Fields {
        let is_apart = |field| {
            matches!(field, Field::Annotations | Field::Depends | Field::Parent)
                || field == Field::Project && self.profile.capabilities.collections
        };
        wanted
            .iter()
            .filter(|(field, _)| !is_apart(*field))
            .filter_map(|(field, value)| {
                let value = match (self.profile.capabilities.hold(field), value) {
                    // Beside the field that it follows, a service takes it as it is told.
                    (Hold::Follows(_), Value::Instant(at)) => Value::Instant(cut(*at, 1000)),
                    _ => stored(&self.profile, field, value)?,
                };
                Some((field, value))
            })
            .collect()
    }

    /// Changes a living task; answers whether that made a difference.
    pub(super) fn change(
        &mut self,
        now: Timestamp,
        id: &RemoteId,
        edit: impl FnOnce(&mut RemoteTask),
    ) -> bool {
        let Some(item) = self.items.get(id).filter(|item| item.deleted.is_none()) else {
            return false;
        };
        let before = item.task.clone();
        let mut task = before.clone();
        edit(&mut task);
        self.place(&mut task);
        if task.fields.status() != before.fields.status() {
            let closed = task.fields.status().is_closed();
            if closed != before.fields.status().is_closed() {
                let completed = self.completion(now, &task.fields);
                if self.follows_status() {
                    task.fields.set(Field::CompletedAt, completed);
                }
            }
        }
        if task.same_content(&before) && task.shadow == before.shadow {
            return false;
        }
        self.version += 1;
        self.touch_times(now, &mut task);
        if let Some(item) = self.items.get_mut(id) {
            if self.profile.undo_takes_ours {
                item.journal.push((now, between(&before, &task)));
            }
            item.task = task;
            item.version = self.version;
        }
        true
    }

    /// What was set in an item since a moment and not undone.
    pub(super) fn set_since(&self, id: &RemoteId, since: Timestamp) -> SetSince {
        let mut all = SetSince {
            removed: self.purged.contains(id),
            ..SetSince::default()
        };
        let Some(item) = self.items.get(id) else {
            return all;
        };
        let from = item.journal.iter().position(|(at, _)| *at >= since);
        for (_, set) in from.map_or(&[][..], |from| &item.journal[from..]) {
            all.fields.extend(&set.fields);
            all.tags.extend(set.tags.iter().cloned());
            all.depends.extend(set.depends.iter().cloned());
            all.notes.extend(set.notes.iter().cloned());
        }
        all
    }

    /// Deletes a task; answers whether it was alive.
    pub(super) fn delete(&mut self, now: Timestamp, id: &RemoteId) -> bool {
        if self.alive(id).is_none() {
            return false;
        }
        self.version += 1;
        let version = self.version;
        if let Some(item) = self.items.get_mut(id) {
            if self.profile.undo_takes_ours {
                item.journal.push((now, with_status()));
            }
            item.deleted = Some(now);
            item.version = version;
        }
        if !self.profile.flags_deleted {
            self.drop_links_to(now, id);
        }
        true
    }

    /// Forgets a row altogether; answers whether there was one.
    pub(super) fn unmake(&mut self, id: &RemoteId) -> bool {
        self.version += 1;
        self.items.remove(id).is_some()
    }

    /// Removes a row for good; answers whether there was one.
    pub(super) fn purge(&mut self, id: &RemoteId) -> bool {
        self.purged.insert(id.clone());
        self.unmake(id)
    }

    /// Opens a flagged row again; answers whether there was one.
    pub(super) fn restore(&mut self, now: Timestamp, id: &RemoteId) -> bool {
        let flagged = self.profile.flags_deleted.then(|| self.items.get(id));
        let Some(mut task) = flagged
            .flatten()
            .filter(|item| item.deleted.is_some())
            .map(|item| item.task.clone())
        else {
            return false;
        };
        self.version += 1;
        self.touch_times(now, &mut task);
        if let Some(item) = self.items.get_mut(id) {
            if self.profile.undo_takes_ours {
                item.journal.push((now, with_status()));
            }
            item.deleted = None;
            item.task = task;
            item.version = self.version;
        }
        true
    }

    fn drop_links_to(&mut self, now: Timestamp, gone: &RemoteId) {
        let points_there = |item: &&Item| {
            item.task.depends.contains(gone) || item.task.parent.as_ref() == Some(gone)
        };
        let linked: Vec<RemoteId> = self
            .items
            .values()
            .filter(points_there)
            .map(|item| item.task.id.clone())
            .collect();
        for id in linked {
            self.change(now, &id, |task| {
                task.depends.remove(gone);
                task.parent.take_if(|parent| parent == gone);
            });
        }
    }

    /// Renames a collection, and with it the project of everything inside.
    pub(super) fn rename(&mut self, now: Timestamp, id: &CollectionId, path: ProjectPath) -> bool {
        let Some(row) = self.collections.get_mut(id) else {
            return false;
        };
        row.path = Some(path);
        self.version += 1;
        self.collections_version = self.version;
        let inside: Vec<RemoteId> = self
            .items
            .values()
            .filter(|item| item.task.collection.as_ref() == Some(id))
            .map(|item| item.task.id.clone())
            .collect();
        for task in inside {
            self.change(now, &task, |_| {});
        }
        true
    }

    /// Adds a note and answers its id.
    pub(super) fn note(
        &mut self,
        now: Timestamp,
        id: &RemoteId,
        at: Timestamp,
        text: &str,
    ) -> RemoteNoteId {
        let note = RemoteNote {
            id: self.fresh_note_id(),
            at: cut(at, 1000),
            text: text.to_owned(),
        };
        let answer = note.id.clone();
        self.change(now, id, |task| task.notes.push(note));
        answer
    }

    pub(super) fn chooses_ids(&self) -> bool {
        self.profile.capabilities.ids == Ids::Given
    }

    fn follows_status(&self) -> bool {
        *self.profile.capabilities.hold(Field::CompletedAt) == Hold::Follows(Field::Status)
    }

    fn completion(&self, now: Timestamp, fields: &Fields) -> Option<Value> {
        let is_closed = self.follows_status() && fields.status().is_closed();
        is_closed.then(|| Value::Instant(cut(now, 1000)))
    }

    /// Where there are collections, the project is the path of the task's.
    fn place(&self, task: &mut RemoteTask) {
        if self.profile.capabilities.collections {
            let row = task
                .collection
                .as_ref()
                .and_then(|id| self.collections.get(id));
            let path = row.and_then(|row| row.path.clone());
            task.fields.set(Field::Project, path.map(Value::Path));
        }
    }

    fn touch_times(&self, now: Timestamp, task: &mut RemoteTask) {
        task.changed_at = self.profile.changed_millis.map(|millis| cut(now, millis));
        task.revision = Some(self.version.to_string());
    }
}

/// What somebody set who made the one of the other.
fn between(before: &RemoteTask, after: &RemoteTask) -> SetSince {
    let fields = before.fields.differences(&after.fields).into_iter();
    let (old, new) = (before.fields.tags(), after.fields.tags());
    let noted = |one: &RemoteTask, other: &RemoteTask| -> Vec<RemoteNoteId> {
        let notes = one.notes.iter().filter(|note| !other.notes.contains(note));
        notes.map(|note| note.id.clone()).collect()
    };
    let mut notes = noted(before, after);
    notes.extend(noted(after, before));
    SetSince {
        fields: fields.filter(|field| !field.has_elements()).collect(),
        tags: old.symmetric_difference(&new).cloned().collect(),
        depends: before
            .depends
            .symmetric_difference(&after.depends)
            .cloned()
            .collect(),
        notes: notes.into_iter().collect(),
        removed: false,
    }
}

/// What is set where an item is deleted, or opened again.
fn with_status() -> SetSince {
    SetSince {
        fields: BTreeSet::from([Field::Status]),
        ..SetSince::default()
    }
}
