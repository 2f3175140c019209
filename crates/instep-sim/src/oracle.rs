//! What has to be true, judged from what people entered and what the places show.
//!
//! Of the product's own memory only conflicts are read, as the one place where a losing value
//! may be, and bases, as the thing that is judged.

use std::collections::{BTreeMap, BTreeSet};

use instep_model::{
    Conflict, ConflictState, Direction, Field, Hold, Mapping, MappingState, RemoteTask, Scope,
    Task, TaskId, Value,
};

use crate::ledger::{Entry, Key, Slot, numbers, read, read_title, texts};
use crate::stage::{Breach, NAMES, Stage, breach};

/// What a place must agree on with the hub, field by field.
const AGREED: [Field; 9] = [
    Field::Title,
    Field::Notes,
    Field::Status,
    Field::Priority,
    Field::Due,
    Field::Start,
    Field::Project,
    Field::Tags,
    Field::Wait,
];

impl Stage {
    /// What must hold after every step, whatever fails.
    pub(crate) fn check_always(&self) -> Result<(), Breach> {
        self.no_doubles()?;
        self.bases_were_shown()?;
        self.no_lost_tasks()
    }

    /// I2: at most one living item for a task in each place.
    fn no_doubles(&self) -> Result<(), Breach> {
        for (key, places) in self.titles() {
            let most = places.iter().map(Vec::len).max().unwrap_or_default();
            if most > 1 && !self.ledger.fluid.contains(&key) {
                return breach("I2", format!("t{key} is there more than once: {places:?}"));
            }
        }
        Ok(())
    }

    /// I8: a base holds only what the remote has shown at some time.
    fn bases_were_shown(&self) -> Result<(), Breach> {
        for mapping in self.store.all_mappings() {
            let Some(remote) = self
                .accounts
                .iter()
                .position(|one| one.id == mapping.account)
            else {
                continue;
            };
            let (Some(id), Some(number)) = (
                &mapping.remote,
                read(Slot::Title, mapping.base.shown(Field::Title)),
            ) else {
                continue;
            };
            if !self.ledger.shown.contains(&(remote, id.clone(), number)) {
                let what = format!("the base of {id} in {} says v{number}", NAMES[remote]);
                return breach("I8", what);
            }
        }
        Ok(())
    }

    /// I6: no task of the hub is deleted unless somebody deleted it.
    fn no_lost_tasks(&self) -> Result<(), Breach> {
        for task in self.store.all_tasks() {
            let Some((key, _)) = read_title(task.fields.title()) else {
                continue;
            };
            let dropped = self.had_disaster && self.ledger.dropped.contains(&key);
            if !task.is_alive() && !self.ledger.deaths.contains_key(&key) && !dropped {
                return breach("I6", format!("t{key} was deleted in the hub by nobody"));
            }
        }
        Ok(())
    }

    /// What must hold once everything is quiet.
    pub(crate) fn check_quiet(&self) -> Result<(), Breach> {
        let mut hub: BTreeMap<Key, Vec<Task>> = BTreeMap::new();
        for task in self.store.all_tasks() {
            if let Some((key, _)) = read_title(task.fields.title())
                && task.is_alive()
            {
                hub.entry(key).or_default().push(task);
            }
        }
        let conflicts = self.conflicts();
        for key in self.ledger.keys() {
            match hub.get(&key).and_then(|tasks| tasks.first()) {
                Some(task) => self.check_alive(key, task, &hub[&key], &conflicts)?,
                None => self.check_dead(key, &conflicts)?,
            }
        }
        self.check_sides(&hub)
    }

    fn conflicts(&self) -> Vec<Conflict> {
        let mut conflicts = self.store.all_conflicts();
        conflicts.extend(self.archive.iter().cloned());
        conflicts
    }

    fn check_alive(
        &self,
        key: Key,
        task: &Task,
        all: &[Task],
        conflicts: &[Conflict],
    ) -> Result<(), Breach> {
        let doubled = self.ledger.fluid.contains(&key);
        if self.ledger.must_be_dead(key) && !self.had_disaster && !doubled {
            return breach("I5", format!("t{key} came back"));
        }
        let mut there = BTreeSet::new();
        for task in all {
            let notes = task.fields.annotations();
            there.extend(numbers(
                &task.fields,
                notes.values().map(|note| note.text.as_str()),
            ));
        }
        let mut texts: Vec<String> = task
            .fields
            .annotations()
            .into_values()
            .map(|note| note.text)
            .collect();
        let all_texts = texts.len();
        texts.sort_unstable();
        texts.dedup();
        if texts.len() < all_texts && !self.ledger.fluid.contains(&key) {
            return breach("I2", format!("a note of t{key} is there more than once"));
        }
        for entry in self.ledger.of(key) {
            let found = there.contains(&(entry.slot, entry.number));
            if found && entry.foreign {
                let what = format!("t{key} took {:?} {} over", entry.slot, entry.number);
                return breach("S29", what);
            }
            if found && entry.outside {
                let what = format!(
                    "t{key} took {:?} {} from outside the scope",
                    entry.slot, entry.number
                );
                return breach("S27", what);
            }
            if !found && self.is_owed(entry, conflicts) && !self.shown_somewhere(entry) {
                let what = format!("{:?} {} of t{key} is lost", entry.slot, entry.number);
                return breach("I1", what);
            }
            if found && entry.stays_away && !self.ledger.fluid.contains(&key) {
                let what = format!("{:?} {} of t{key} came back", entry.slot, entry.number);
                return breach("I5", what);
            }
        }
        let finished =
            self.ledger.closed.contains_key(&key) && !self.ledger.reopened.contains(&key);
        if finished && !task.fields.status().is_closed() && !self.ledger.fluid.contains(&key) {
            let asked = conflicts
                .iter()
                .any(|one| one.field == Field::Status && one.task == task.id);
            if !asked {
                return breach("I15", format!("t{key} was finished and is open again"));
            }
        }
        Ok(())
    }

    fn check_dead(&self, key: Key, conflicts: &[Conflict]) -> Result<(), Breach> {
        let owed = self
            .ledger
            .of(key)
            .find(|entry| self.is_owed(entry, conflicts) && !self.shown_somewhere(entry));
        match owed {
            Some(entry) if self.ledger.deaths.contains_key(&key) => {
                let what = format!(
                    "t{key} was deleted although {:?} {} was entered meanwhile",
                    entry.slot, entry.number
                );
                breach("I1", what)
            }
            Some(entry) => breach("I1", format!("t{key} is lost with {:?}", entry.slot)),
            None => Ok(()),
        }
    }

    /// Whether the value must still be somewhere.
    fn is_owed(&self, entry: &Entry, conflicts: &[Conflict]) -> bool {
        let given_up = entry.superseded || entry.removed.is_some() || entry.died || entry.wrecked;
        !given_up && !conflicts.iter().any(|conflict| remembers(conflict, entry))
    }

    /// Where a task cannot be told from another, waits for a person, or lies outside an account's
    /// scope, a value may stand in its own place alone.
    fn shown_somewhere(&self, entry: &Entry) -> bool {
        let apart = self.ledger.fluid.contains(&entry.key);
        self.remotes.iter().enumerate().any(|(index, remote)| {
            if !apart && self.accounts[index].scope == Scope::default() && !self.has_reviews(index)
            {
                return false;
            }
            let mut found = false;
            remote.for_each(|task| {
                found |= read_title(task.fields.title()).is_some_and(|(key, _)| key == entry.key)
                    && numbers(&task.fields, texts(&task.notes))
                        .contains(&(entry.slot, entry.number));
            });
            found
        })
    }

    fn has_reviews(&self, remote: usize) -> bool {
        !self.store.all_reviews(&self.accounts[remote].id).is_empty()
    }

    /// I3: all sides agree on what they can hold.
    fn check_sides(&self, hub: &BTreeMap<Key, Vec<Task>>) -> Result<(), Breach> {
        let undecided: BTreeSet<(TaskId, Field)> = self
            .store
            .all_conflicts()
            .into_iter()
            .filter(|conflict| conflict.state == ConflictState::Open)
            .map(|conflict| (conflict.task, conflict.field))
            .collect();
        let names: BTreeMap<TaskId, Key> = hub
            .iter()
            .flat_map(|(key, tasks)| tasks.iter().map(|task| (task.id, *key)))
            .collect();
        for remote in 0..self.remotes.len() {
            self.check_shades(remote)?;
            if self.accounts[remote].direction != Direction::FromRemote {
                self.check_side(remote, hub, &names, &undecided)?;
            }
        }
        Ok(())
    }

    /// I16: what the hub has no field for is what a person wrote there last.
    fn check_shades(&self, remote: usize) -> Result<(), Breach> {
        let items = self.remotes[remote].tasks();
        for item in &items {
            let Some((key, _)) = read_title(item.fields.title()) else {
                continue;
            };
            let Some(shade) = self.ledger.shades.get(&(remote, key)) else {
                continue;
            };
            let wanted = crate::ledger::shade(shade.number);
            if item.shadow.as_deref() != Some(&wanted) && !self.ledger.fluid.contains(&key) {
                let what = format!(
                    "t{key} in {} has {:?}, not {wanted}",
                    NAMES[remote], item.shadow
                );
                return breach("I16", what);
            }
        }
        Ok(())
    }

    /// Tasks that stand on one side alone for a reason: they wait for a person (S26), lie outside
    /// the scope (S27), or belong to an account that is never read (S29).
    fn apart(
        &self,
        remote: usize,
        hub: &BTreeMap<Key, Vec<Task>>,
        items: &[RemoteTask],
    ) -> BTreeSet<Key> {
        let account = &self.accounts[remote];
        let never_read = account.direction == Direction::ToRemote;
        let mut apart = BTreeSet::new();
        let reviews = self.store.all_reviews(&account.id);
        let waits = |task: TaskId| reviews.iter().any(|one| one.task == Some(task));
        let pairs = self.store.all_mappings();
        let own = || pairs.iter().filter(|pair| pair.account == account.id);
        for (key, tasks) in hub {
            let task = &tasks[0];
            let outside = !account.scope.admits(&task.fields);
            let held = own().any(|pair| {
                pair.task == task.id && pair.state == MappingState::Held && pair.remote.is_none()
            });
            // Where a deletion of our own was never noted, it looks like a person's, and is told.
            let told = |pair: &&Mapping| pair.task == task.id && pair.state == MappingState::Error;
            let refused = never_read
                && (self.ledger.refused.contains(&(remote, *key)) || own().any(|pair| told(&pair)));
            if outside || held || refused || waits(task.id) {
                apart.insert(*key);
            }
        }
        for item in items {
            let Some((key, _)) = read_title(item.fields.title()) else {
                continue;
            };
            let outside = !account.scope.admits(&item.fields);
            let stranger = never_read && !hub.contains_key(&key);
            let reviewed = reviews
                .iter()
                .any(|one| one.remote.as_ref() == Some(&item.id));
            let left = own().any(|pair| {
                pair.remote.as_ref() == Some(&item.id) && pair.state == MappingState::OutOfScope
            });
            if outside || stranger || reviewed || left {
                apart.insert(key);
            }
        }
        apart
    }

    fn check_side(
        &self,
        remote: usize,
        hub: &BTreeMap<Key, Vec<Task>>,
        names: &BTreeMap<TaskId, Key>,
        undecided: &BTreeSet<(TaskId, Field)>,
    ) -> Result<(), Breach> {
        let items = self.remotes[remote].tasks();
        let mut by_key = BTreeMap::new();
        let mut keys = BTreeMap::new();
        for item in &items {
            if let Some((key, _)) = read_title(item.fields.title()) {
                by_key.insert(key, item);
                keys.insert(item.id.clone(), key);
            }
        }
        let held = |field| {
            let capabilities = self.remotes[remote].capabilities();
            matches!(capabilities.hold(field), Hold::Whole | Hold::Coarse(_))
        };
        let links_held = held(Field::Depends);
        let apart = self.apart(remote, hub, &items);
        for key in self.ledger.keys() {
            if self.ledger.fluid.contains(&key) || apart.contains(&key) {
                continue;
            }
            let name = NAMES[remote];
            let (task, item) = match (hub.get(&key), by_key.get(&key)) {
                (None, None) => continue,
                (Some(_), None) => return breach("I3", format!("t{key} is missing in {name}")),
                (None, Some(_)) => return breach("I3", format!("t{key} is in {name} alone")),
                (Some(tasks), Some(item)) => (&tasks[0], item),
            };
            let settled = |field| !undecided.contains(&(task.id, field));
            if let Some(what) = self.difference(remote, task, item, settled) {
                return breach("I3", format!("t{key} in {name}: {what}"));
            }
            if links_held {
                // An edge counts where both ends are alive and here (S23).
                let wanted: BTreeSet<Key> = task
                    .fields
                    .depends()
                    .iter()
                    .filter_map(|id| names.get(id).copied())
                    .filter(|key| by_key.contains_key(key) && !apart.contains(key))
                    .collect();
                let there: BTreeSet<Key> = item
                    .depends
                    .iter()
                    .filter_map(|id| keys.get(id).copied())
                    .filter(|key| !apart.contains(key))
                    .collect();
                let moving = wanted
                    .union(&there)
                    .any(|key| self.ledger.fluid.contains(key));
                if wanted != there && !moving {
                    let what = format!("depends of t{key}: {wanted:?}, in {name} {there:?}");
                    return breach("I3", what);
                }
            }
        }
        Ok(())
    }
}

impl Stage {
    /// The first thing in which a remote item differs from the hub's task, links apart.
    fn difference(
        &self,
        remote: usize,
        task: &Task,
        item: &RemoteTask,
        counts: impl Fn(Field) -> bool,
    ) -> Option<String> {
        let capabilities = self.remotes[remote].capabilities();
        let held = |field| matches!(capabilities.hold(field), Hold::Whole | Hold::Coarse(_));
        let differs = |field: &Field| {
            let wanted = task.fields.get(*field);
            let wanted = wanted.and_then(|value| self.remotes[remote].stored(*field, value));
            wanted.as_ref() != item.fields.get(*field)
        };
        let mut shown = AGREED
            .into_iter()
            .filter(|field| held(*field) && counts(*field));
        if let Some(field) = shown.find(differs) {
            let (wanted, there) = (task.fields.get(field), item.fields.get(field));
            return Some(format!("{field} {there:?}, not {wanted:?}"));
        }
        if !held(Field::Annotations) || !counts(Field::Annotations) {
            return None;
        }
        let notes = task.fields.annotations();
        let mut wanted: Vec<&str> = notes.values().map(|one| one.text.as_str()).collect();
        let mut there: Vec<&str> = texts(&item.notes).collect();
        wanted.sort_unstable();
        there.sort_unstable();
        (wanted != there).then(|| format!("notes {there:?}, not {wanted:?}"))
    }

    /// Tasks that any place lacks or shows otherwise than the hub.
    pub(crate) fn out_of_step(&self) -> BTreeSet<Key> {
        let mut hub = BTreeMap::new();
        for task in self.store.all_tasks() {
            if let Some((key, _)) = read_title(task.fields.title())
                && task.is_alive()
            {
                hub.insert(key, task);
            }
        }
        let mut out: BTreeSet<Key> = BTreeSet::new();
        for remote in 0..self.remotes.len() {
            let mut there = BTreeSet::new();
            for item in self.remotes[remote].tasks() {
                let Some((key, _)) = read_title(item.fields.title()) else {
                    continue;
                };
                there.insert(key);
                let differs = hub
                    .get(&key)
                    .is_none_or(|task| self.difference(remote, task, &item, |_| true).is_some());
                if differs {
                    out.insert(key);
                }
            }
            out.extend(hub.keys().filter(|key| !there.contains(key)));
        }
        out
    }
}

/// Whether a conflict names the value on one of its sides.
fn remembers(conflict: &Conflict, entry: &Entry) -> bool {
    if conflict.field != entry.slot.field() {
        return false;
    }
    let names = |value: &Option<Value>| match (entry.slot, value) {
        (_, None) => false,
        (Slot::Tag, Some(Value::Tags(tags))) => tags
            .iter()
            .any(|tag| crate::ledger::read_tag(tag) == Some(entry.number)),
        (Slot::Note, Some(Value::Annotations(notes))) => notes
            .values()
            .any(|note| crate::ledger::read_note(&note.text) == Some(entry.number)),
        (Slot::Note, Some(Value::Text(text))) => {
            crate::ledger::read_note(text) == Some(entry.number)
        }
        (slot, value) => read(slot, value.as_ref()) == Some(entry.number),
    };
    names(&conflict.hub) || names(&conflict.remote)
}
