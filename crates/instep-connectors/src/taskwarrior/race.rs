//! What a person did to the tasks while we wrote them, and what that takes: an import replaces a
//! task as a whole, so that an edit made between our reading and our import is overwritten by
//! it, and one that was made at the very moment of it can take other tasks back as well.
//!
//! Pure: what was written comes from a journal, and nothing is imported here.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use super::undo::{Since, Step};
use super::wire::{Edits, Row, State};

/// What others wrote beside our import, and what became of our own.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// For each task, what others made of its properties.
    pub(super) edits: BTreeMap<Uuid, Edits>,
    /// The properties that those edits began with, where a task is none of ours.
    pub(super) began: BTreeMap<Uuid, BTreeMap<String, String>>,
    /// Our tasks exactly as the import stored them.
    pub(super) stored: HashMap<Uuid, Row>,
    /// Tasks that were edited after our import and on top of it.
    pub(super) built_on: HashSet<Uuid>,
}

/// Our side of it.
#[derive(Clone, Copy)]
pub(super) struct Import<'a> {
    /// A row as it was read before; `None` where there was none.
    pub(super) before: Option<&'a Row>,
    /// The row that was imported.
    pub(super) wanted: &'a Row,
}

impl Told {
    /// What the journal of 2.6 tells of these imports, which began at `started_micros`.
    pub(super) fn by_journal(
        since: Since,
        imports: &HashMap<Uuid, Import<'_>>,
        started_micros: i64,
    ) -> Self {
        let mut told = Self::default();
        let mut by_task: BTreeMap<Uuid, Vec<Step>> = BTreeMap::new();
        for step in since.steps {
            by_task.entry(step.new.uuid).or_default().push(step);
        }
        for (uuid, steps) in by_task {
            match imports.get(&uuid) {
                Some(import) if since.exact => told.take_steps(uuid, steps, import),
                Some(import) => {
                    let fresh = |step: &Step| step.at_secs >= started_micros.div_euclid(1_000_000);
                    told.take_last(uuid, steps.into_iter().filter(fresh).collect(), import);
                }
                None if since.exact => told.take_strange(uuid, &steps),
                None => {}
            }
        }
        told
    }

    /// All steps of a task that we imported: one is ours, the others are edits.
    fn take_steps(&mut self, uuid: Uuid, steps: Vec<Step>, import: &Import<'_>) {
        let ours = ours(&steps, import);
        let mut edits = Edits::new();
        for (at, step) in steps.iter().enumerate() {
            if Some(at) == ours {
                if step.old.is_none() && import.before.is_some() {
                    // It was purged before, of which the journal says nothing.
                    edits.insert("status".into(), Some("deleted".into()));
                }
                continue;
            }
            edits.extend(changes(step.old.as_ref(), &step.new));
            let follows = ours.is_some_and(|ours| ours < at);
            if follows && step.old.as_ref().is_some_and(|old| import.is_in(old)) {
                self.built_on.insert(uuid);
            }
        }
        self.edits.insert(uuid, edits);
        let stored = ours.and_then(|at| steps.into_iter().nth(at));
        self.stored.extend(stored.map(|step| (uuid, step.new)));
    }

    /// The last steps of a task that we imported, when an undo made it unsure which they are: what
    /// our import found says what happened before it.
    fn take_last(&mut self, uuid: Uuid, steps: Vec<Step>, import: &Import<'_>) {
        let Some(step) = ours(&steps, import).and_then(|at| steps.into_iter().nth(at)) else {
            return;
        };
        if let (Some(before), Some(old)) = (import.before, &step.old) {
            self.edits.insert(uuid, changes(Some(before), old));
        }
        self.stored.insert(uuid, step.new);
    }

    /// The steps of a task that is none of ours.
    fn take_strange(&mut self, uuid: Uuid, steps: &[Step]) {
        let mut edits = Edits::new();
        for step in steps {
            edits.extend(changes(step.old.as_ref(), &step.new));
        }
        let first = steps.first().and_then(|step| step.old.as_ref());
        self.began
            .insert(uuid, first.map(Row::properties).unwrap_or_default());
        self.edits.insert(uuid, edits);
    }

    /// The rows to import because edits were overwritten, and those of them in which a person and
    /// we changed the same thing: there the person's value stays, for a merge to find.
    pub(super) fn overwritten(
        &self,
        imports: &HashMap<Uuid, Import<'_>>,
        after: &HashMap<Uuid, &Row>,
    ) -> (BTreeMap<Uuid, Row>, HashSet<Uuid>) {
        let mut rows = BTreeMap::new();
        let mut contested = HashSet::new();
        for (uuid, edits) in &self.edits {
            let now = after.get(uuid).copied();
            match imports.get(uuid) {
                Some(import) => {
                    let mend = import.mend(edits, now);
                    if mend.contested {
                        contested.insert(*uuid);
                    }
                    rows.extend(mend.row.map(|row| (*uuid, row)));
                }
                None => {
                    let row = put_back(*uuid, edits, &self.began[uuid], now);
                    rows.extend(row.map(|row| (*uuid, row)));
                }
            }
        }
        (rows, contested)
    }

    /// The rows of an import of edits that have not arrived and that nobody has changed since,
    /// beside what has to be `mended` in them anyway.
    pub(super) fn missed(
        &self,
        imports: &HashMap<Uuid, Import<'_>>,
        after: &HashMap<Uuid, &Row>,
        mended: &BTreeMap<Uuid, Row>,
    ) -> BTreeMap<Uuid, Row> {
        let row = |(uuid, import): (&Uuid, &Import<'_>)| {
            let now = mended.get(uuid).or(after.get(uuid).copied());
            let arrived = self.built_on.contains(uuid) || now.is_some_and(|now| import.is_in(now));
            if arrived {
                return None;
            }
            let mut edits = changes(import.before, import.wanted);
            if let Some(newer) = self.edits.get(uuid) {
                edits.retain(|key, _| !newer.contains_key(key));
            }
            let began = import.before.map(Row::properties).unwrap_or_default();
            Some((*uuid, put_back(*uuid, &edits, &began, now)?))
        };
        imports.iter().filter_map(row).collect()
    }
}

/// What becomes of one task that we imported.
struct Mend {
    /// The row to import, if it has to be another one.
    row: Option<Row>,
    /// Whether a person's edit stands against our write.
    contested: bool,
}

impl Import<'_> {
    /// Whether `row` has what was to be changed.
    fn is_in(&self, row: &Row) -> bool {
        let empty = Row::empty(self.wanted.uuid);
        !row.lacks(self.before.unwrap_or(&empty), self.wanted)
    }

    fn mend(&self, edits: &Edits, now: Option<&Row>) -> Mend {
        let empty = Row::empty(self.wanted.uuid);
        let before = self.before.map(Row::properties).unwrap_or_default();
        let wanted = self.wanted.properties();
        let current = now.map(Row::properties).unwrap_or_default();
        let mut row = now.unwrap_or(&empty).clone();
        let mut edited = false;
        let mut contested = false;
        for (key, value) in edits {
            if before.get(key) == value.as_ref() {
                // It was read before, or taken back again.
                continue;
            }
            edited = true;
            if current.get(key) == value.as_ref() {
                continue;
            }
            contested |= before.get(key) != wanted.get(key) && wanted.get(key) != value.as_ref();
            row.put_property(key, value.as_deref());
        }
        let was_alive = self.before.is_some_and(|row| row.state != State::Deleted);
        if was_alive && self.wanted.state == State::Deleted && edited {
            // An edit beats a deletion that did not know it.
            contested = true;
            if row.state == State::Deleted {
                row.put_property("status", before.get("status").map(String::as_str));
                row.put_property("end", before.get("end").map(String::as_str));
            }
        }
        // A deletion of theirs that we did not know stands against every edit of ours.
        contested |= was_alive && row.state == State::Deleted && self.wanted.state != row.state;
        Mend {
            row: Some(row).filter(|row| now.is_some_and(|now| now != row)),
            contested,
        }
    }
}

/// A row of another task that lost edits to our rewriting of the file, with them. What it holds
/// that is neither is newer.
fn put_back(
    uuid: Uuid,
    edits: &Edits,
    began: &BTreeMap<String, String>,
    now: Option<&Row>,
) -> Option<Row> {
    let current = now.map(Row::properties).unwrap_or_default();
    let mut row = now.cloned().unwrap_or_else(|| Row::empty(uuid));
    for (key, value) in edits {
        let (held, old) = (current.get(key), began.get(key));
        if held != value.as_ref() && held == old {
            row.put_property(key, value.as_deref());
        }
    }
    let missing = now.is_none();
    // What vanished and was not added meanwhile is none of a rewriting's: it was purged.
    let purged = missing && (!began.is_empty() || row.state == State::Deleted);
    let differs = now.is_none_or(|now| *now != row);
    Some(row).filter(|row| differs && !purged && !row.is_template())
}

/// Which of these steps is our import: of those that hold what was to be changed the one that is
/// nearest to what was sent.
fn ours(steps: &[Step], import: &Import<'_>) -> Option<usize> {
    let sent = import.wanted.properties();
    let apart = |step: &Step| differing(&sent, &step.new.properties()).len();
    let candidates = steps.iter().enumerate();
    candidates
        .filter(|(_, step)| import.is_in(&step.new))
        .min_by_key(|(_, step)| apart(step))
        .map(|(at, _)| at)
}

/// What turned `old` into `new`.
pub(super) fn changes(old: Option<&Row>, new: &Row) -> Edits {
    let old = old.map(Row::properties).unwrap_or_default();
    differing(&old, &new.properties())
}

fn differing(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Edits {
    let gone = old.keys().filter(|key| !new.contains_key(*key));
    let set = new
        .iter()
        .filter(|(key, value)| old.get(*key) != Some(value));
    gone.map(|key| (key.clone(), None))
        .chain(set.map(|(key, value)| (key.clone(), Some(value.clone()))))
        .collect()
}
