//! What a person does to a fake with another client, and what a test may look at.
//!
//! Values are stored as coarsely as the service holds them, as if its own form had been used.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use instep_model::{
    Capabilities, Collection, CollectionId, Field, Fields, Identity, Link, Operation, ProjectPath,
    RemoteId, RemoteNoteId, RemoteTask, Timestamp, Value,
};

use super::connector::FakeConnector;
use super::hold::stored;
use super::profile::Profile;
use super::state::{Effect, State};
use super::world::World;

/// A service in memory. Clones are the same service.
#[derive(Debug, Clone)]
pub struct FakeRemote {
    state: Arc<Mutex<State>>,
}

/// What a service held at one moment.
#[derive(Debug, Clone)]
pub struct Copy(State);

/// What a server holds after it was set up anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reinstall {
    /// Nothing.
    Empty,
    /// The same tasks; where the service gives ids, under new ones.
    Imported,
}

impl FakeRemote {
    /// An empty service.
    pub fn new(profile: Profile, identity: Identity) -> Self {
        let state = State::new(profile, identity);
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens one more client.
    pub fn connect<W: World>(&self, world: W) -> FakeConnector<W> {
        FakeConnector {
            state: Arc::clone(&self.state),
            capabilities: self.capabilities(),
            host: self.state().profile.host,
            world,
            calls: 0,
        }
    }

    /// What its connectors declare.
    pub fn capabilities(&self) -> Capabilities {
        self.state().profile.capabilities.clone()
    }

    /// What is left of a value of `field` when this service is given it.
    pub fn stored(&self, field: Field, value: &Value) -> Option<Value> {
        stored(&self.state().profile, field, value)
    }

    /// Makes a task; its id is `chosen` where clients choose ids. A collection is made for the
    /// project where that takes one. Links and notes are added afterwards.
    pub fn create(&self, now: Timestamp, chosen: &RemoteId, fields: &Fields) -> RemoteId {
        let mut state = self.state();
        let id = if state.chooses_ids() {
            state.fresh_id()
        } else {
            chosen.clone()
        };
        let mut task = RemoteTask::new(id, state.stored_fields(fields));
        if state.profile.capabilities.collections {
            task.collection = fields.project().map(|path| state.ensure(now, path));
        }
        state.remember_tags(&fields.tags());
        state.insert(now, task)
    }

    /// Gives one field of a task another value; answers whether that made a difference.
    pub fn edit(&self, now: Timestamp, id: &RemoteId, field: Field, value: Option<&Value>) -> bool {
        let mut state = self.state();
        if let Some(Value::Tags(tags)) = value {
            state.remember_tags(tags);
        }
        if field == Field::Project && state.profile.capabilities.collections {
            let collection = match value {
                Some(Value::Path(path)) => Some(state.ensure(now, path)),
                _ => state.inbox(),
            };
            return state.change(now, id, |task| task.collection = collection);
        }
        let kept = value.and_then(|value| stored(&state.profile, field, value));
        state.change(now, id, |task| task.fields.set(field, kept))
    }

    /// Deletes a task; answers whether it was alive.
    pub fn delete(&self, now: Timestamp, id: &RemoteId) -> bool {
        self.state().delete(now, id)
    }

    /// Takes a task away without a trace, as an undo of its creation does; answers whether it was
    /// there.
    pub fn unmake(&self, id: &RemoteId) -> bool {
        self.state().unmake(id)
    }

    /// Removes a task's row for good, as a person does who empties the bin; answers whether there was one.
    pub fn purge(&self, id: &RemoteId) -> bool {
        self.state().purge(id)
    }

    /// Opens a deleted task again where its row was kept; answers whether there was one.
    pub fn restore(&self, now: Timestamp, id: &RemoteId) -> bool {
        self.state().restore(now, id)
    }

    /// Writes a note under a task.
    pub fn add_note(&self, now: Timestamp, id: &RemoteId, text: &str) -> RemoteNoteId {
        self.state().note(now, id, now, text)
    }

    /// Changes a note's text.
    pub fn edit_note(
        &self,
        now: Timestamp,
        id: &RemoteId,
        note: &RemoteNoteId,
        text: &str,
    ) -> bool {
        self.state().change(now, id, |task| {
            for one in task.notes.iter_mut().filter(|one| one.id == *note) {
                text.clone_into(&mut one.text);
            }
        })
    }

    /// Removes a note.
    pub fn remove_note(&self, now: Timestamp, id: &RemoteId, note: &RemoteNoteId) -> bool {
        self.state()
            .change(now, id, |task| task.notes.retain(|one| one.id != *note))
    }

    /// Links a task to another.
    pub fn link(&self, now: Timestamp, id: &RemoteId, link: Link, other: &RemoteId) -> bool {
        self.state().change(now, id, |task| match link {
            Link::DependsOn => {
                task.depends.insert(other.clone());
            }
            Link::PartOf => task.parent = Some(other.clone()),
        })
    }

    /// Takes a link away.
    pub fn unlink(&self, now: Timestamp, id: &RemoteId, link: Link, other: &RemoteId) -> bool {
        self.state().change(now, id, |task| match link {
            Link::DependsOn => {
                task.depends.remove(other);
            }
            Link::PartOf => {
                task.parent.take_if(|parent| parent == other);
            }
        })
    }

    /// Sets a marker, or takes it away, as an undo by the person would.
    pub fn mark(&self, now: Timestamp, id: &RemoteId, name: &str, value: Option<&str>) -> bool {
        self.state().change(now, id, |task| {
            match value {
                Some(value) => task.markers.insert(name.to_owned(), value.to_owned()),
                None => task.markers.remove(name),
            };
        })
    }

    /// Changes what a task holds beyond the hub's fields.
    pub fn shade(&self, now: Timestamp, id: &RemoteId, shadow: Option<&str>) -> bool {
        self.state().change(now, id, |task| {
            task.shadow = shadow.map(ToOwned::to_owned);
        })
    }

    /// Makes a collection, or answers the one that is there.
    pub fn collection(&self, now: Timestamp, path: &ProjectPath) -> CollectionId {
        self.state().ensure(now, path)
    }

    /// Renames a collection.
    pub fn rename(&self, now: Timestamp, id: &CollectionId, path: ProjectPath) -> bool {
        self.state().rename(now, id, path)
    }

    /// Archives a collection or opens it again.
    pub fn archive(&self, id: &CollectionId, archived: bool) {
        let mut state = self.state();
        state.version += 1;
        state.collections_version = state.version;
        if let Some(row) = state.collections.get_mut(id) {
            row.archived = archived;
        }
    }

    /// Refuses every title with this in it from now on.
    pub fn refuse(&self, part: Option<&str>) {
        self.state().profile.refuses = part.map(ToOwned::to_owned);
    }

    /// Sets the service up anew under another identity.
    pub fn reinstall(&self, now: Timestamp, identity: Identity, how: Reinstall) {
        let mut state = self.state();
        let kept: Vec<RemoteTask> = state
            .items
            .values()
            .filter(|item| item.deleted.is_none() && how == Reinstall::Imported)
            .map(|item| item.task.clone())
            .collect();
        let tags = state.tags.clone();
        state.identity = identity;
        state.epoch += 1;
        state.start_over();
        state.remember_tags(&tags);
        state.import(now, kept);
    }

    /// A copy of everything in it.
    pub fn copy(&self) -> Copy {
        Copy(self.state().clone())
    }

    /// Puts a copy back, as its owner does with a backup: what came since is gone without a trace,
    /// and its ids are given out anew. Its connectors tell that it went back.
    pub fn put_back(&self, copy: &Copy) {
        self.put_back_unseen(copy);
        self.state().copies += 1;
    }

    /// The same, where nothing gives it away.
    pub fn put_back_unseen(&self, copy: &Copy) {
        self.state().put_back(&copy.0);
    }

    /// Undoes all that was done since the copy was made: each item is as it was, the time of its last
    /// change as well.
    pub fn undo(&self, copy: &Copy) {
        self.state().undo(&copy.0);
    }

    /// Every living task, by id.
    pub fn tasks(&self) -> Vec<RemoteTask> {
        let state = self.state();
        let alive = state.items.values().filter(|item| item.deleted.is_none());
        alive.map(|item| item.task.clone()).collect()
    }

    /// Calls `see` with every living task.
    pub fn for_each(&self, mut see: impl FnMut(&RemoteTask)) {
        let state = self.state();
        for item in state.items.values().filter(|item| item.deleted.is_none()) {
            see(&item.task);
        }
    }

    /// The ids of the living tasks.
    pub fn ids(&self) -> Vec<RemoteId> {
        let state = self.state();
        let alive = state.items.values().filter(|item| item.deleted.is_none());
        alive.map(|item| item.task.id.clone()).collect()
    }

    /// The ids of all tasks, living and remembered ones.
    pub fn all_ids(&self) -> Vec<RemoteId> {
        self.state().items.keys().cloned().collect()
    }

    /// One living task.
    pub fn task(&self, id: &RemoteId) -> Option<RemoteTask> {
        self.state().alive(id).map(|item| item.task.clone())
    }

    /// One task, alive or deleted, as it was last.
    pub fn remembered(&self, id: &RemoteId) -> Option<RemoteTask> {
        let state = self.state();
        state.items.get(id).map(|item| item.task.clone())
    }

    /// Its collections.
    pub fn collections(&self) -> Vec<Collection> {
        self.state().listed_collections()
    }

    /// Who answers.
    pub fn identity(&self) -> Identity {
        self.state().identity.clone()
    }

    /// Grows with every change of anything.
    pub fn version(&self) -> u64 {
        self.state().version
    }

    /// Carries out what was accepted earlier and is due by now.
    pub fn land(&self, now: Timestamp) {
        self.state().land(now);
    }

    /// All clocks are set back by so much. What was accepted takes as long as it takes.
    pub fn clocks_set_back(&self, by: Duration) {
        for late in &mut self.state().late {
            late.at = late.at.checked_sub(by).unwrap_or(late.at);
        }
    }

    /// Whether an accepted write has still to be carried out.
    pub fn is_working(&self) -> bool {
        !self.state().late.is_empty()
    }

    /// What was accepted and has still to be carried out.
    pub fn accepted(&self) -> Vec<Operation> {
        let state = self.state();
        state
            .late
            .iter()
            .flat_map(|late| late.batch.iter().cloned())
            .collect()
    }

    /// What connectors wrote and nobody has taken out.
    pub fn peek_effects(&self) -> Vec<Effect> {
        self.state().effects.clone()
    }

    /// Takes out what connectors wrote since the last time.
    pub fn take_effects(&self) -> Vec<Effect> {
        std::mem::take(&mut self.state().effects)
    }
}

impl State {
    /// The collection at `path`; it and its parents are made where they are missing.
    fn ensure(&mut self, now: Timestamp, path: &ProjectPath) -> CollectionId {
        if let Some(parent) = path.parent() {
            self.ensure(now, &parent);
        }
        self.at_path(path)
            .unwrap_or_else(|| self.collection(Some(path.clone()), now))
    }

    fn remember_tags(&mut self, tags: &std::collections::BTreeSet<String>) {
        if self.profile.capabilities.tag_records {
            self.tags.extend(tags.iter().cloned());
        }
    }

    /// Puts tasks of an earlier installation back, with their links.
    fn import(&mut self, now: Timestamp, tasks: Vec<RemoteTask>) {
        let mut new_ids = BTreeMap::new();
        for task in &tasks {
            let id = if self.chooses_ids() {
                self.fresh_id()
            } else {
                task.id.clone()
            };
            new_ids.insert(task.id.clone(), id);
        }
        for mut task in tasks {
            let new = |old: &RemoteId| new_ids.get(old).cloned();
            let Some(id) = new(&task.id) else { continue };
            task.id = id;
            let project = task.fields.project().cloned();
            task.collection = match project {
                Some(path) if self.profile.capabilities.collections => {
                    Some(self.ensure(now, &path))
                }
                _ => None,
            };
            task.depends = task.depends.iter().filter_map(new).collect();
            task.parent = task.parent.as_ref().and_then(new);
            for note in &mut task.notes {
                note.id = self.fresh_note_id();
            }
            self.insert(now, task);
        }
    }
}
