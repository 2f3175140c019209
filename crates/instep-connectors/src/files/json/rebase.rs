//! What a file would be if its last writer had started from our newest version instead of an
//! older one, or if a backup that was brought back had everything since. Only texts go in and
//! come out; which versions there are is known elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use super::Document;
use super::convert::{Key, Style};
use super::wire::{self, Entry};

/// Beyond this many different entries, taking a version apart costs less than looking for each.
const MAX_NEEDLES: usize = 64;

/// What sets a file right.
pub(in crate::files) struct Rebased {
    steps: Vec<Step>,
    /// How many things of the newest version come back.
    pub(in crate::files) put_back: usize,
    /// Whether the file is an older version as it was, in which nobody changed anything.
    pub(in crate::files) older: bool,
}

/// One step towards it.
enum Step {
    Set(i64, String),
    Remove(i64),
    Push(String),
}

impl Rebased {
    /// The file that it was worked out for, with its writer's own changes on the newest version.
    pub(in crate::files) fn apply(self, mut found: Document) -> Document {
        for step in self.steps {
            match step {
                Step::Set(id, text) => {
                    if let Some(at) = position(&found, id) {
                        found.entries[at] =
                            Entry::read(text, super::scan::Kind::Object, found.style);
                    }
                }
                Step::Remove(id) => {
                    if let Some(at) = position(&found, id) {
                        found.remove(at);
                    }
                }
                Step::Push(text) => found.push_text(text),
            }
        }
        found.leave_repeated_alone();
        found
    }
}

fn position(document: &Document, id: i64) -> Option<usize> {
    let mut entries = document.entries.iter();
    entries.position(|entry| entry.id() == Some(id))
}

/// How many values and entries differ from `base` to `found`.
pub(in crate::files) fn distance(base: &Document, found: &Document) -> usize {
    let (base, found) = (by_id(base), by_id(found));
    let moved: usize = found
        .iter()
        .map(|(id, entry)| match base.get(id) {
            Some(before) => moved_values(before, entry),
            None => 1,
        })
        .sum();
    moved + base.keys().filter(|id| !found.contains_key(id)).count()
}

/// What `found` lacks or moved of `newest`: the traces by which an older version is known that
/// could have led to it. Cheap to look for, so that most versions need not be taken apart.
pub(in crate::files) struct Reverts {
    /// Entries that the origin did not have.
    lacking: Vec<String>,
    /// Entries that the origin may have had.
    having: Vec<String>,
}

/// Compares `found` with our newest version.
pub(in crate::files) fn reverts(found: &Document, newest: &Document) -> Reverts {
    let (found, newest) = (by_id(found), by_id(newest));
    let moved = newest
        .iter()
        .filter(|(id, entry)| found.get(*id).is_none_or(|found| found.text != entry.text));
    let unknown = found.iter().filter(|(id, _)| !newest.contains_key(*id));
    // One more than are looked for says that there are too many.
    let text = |(_, entry): (&i64, &&Entry)| entry.text.clone();
    Reverts {
        lacking: moved.map(text).take(MAX_NEEDLES + 1).collect(),
        having: unknown.map(text).take(MAX_NEEDLES + 1).collect(),
    }
}

impl Reverts {
    /// Whether something would have to be put back if `found` came from the version `base`.
    pub(in crate::files) fn may_come_from(&self, base: &[u8]) -> bool {
        let base = String::from_utf8_lossy(base);
        self.lacking.len() + self.having.len() > MAX_NEEDLES
            || self
                .lacking
                .iter()
                .any(|text| !base.contains(text.as_str()))
            || self.having.iter().any(|text| base.contains(text.as_str()))
    }
}

/// The three-way merge of what the writer did since `base` into `newest`, entry by entry and
/// value by value; where both moved the same value, the writer's stands. `None` when the writer
/// took nothing back, or changed nothing of its own: then its file means what it says.
pub(in crate::files) fn rebase(
    found: &Document,
    base: &Document,
    newest: &Document,
) -> Option<Rebased> {
    let merge = Merge::of(found, base, newest, Origin::Writer);
    let stale = merge.put_back > 0 && merge.edits > 0;
    stale.then(|| merge.with_left_alone(found, base, newest))
}

/// The same merge for content that a backup brought back. Nobody wrote it just now, so that what
/// it lacks of `newest` always comes back, and nothing counts as deleted by it.
pub(in crate::files) fn rejoin(found: &Document, base: &Document, newest: &Document) -> Rebased {
    Merge::of(found, base, newest, Origin::Backup).with_left_alone(found, base, newest)
}

/// What `found`, an older version as it was, cannot know: the keys that its entries got later. Any
/// other difference is what the person wants who brought it back. `None` without such keys.
pub(in crate::files) fn complete(found: &Document, newest: &Document) -> Option<Rebased> {
    let ours = by_id(newest);
    let mut steps = Vec::new();
    let mut put_back = 0;
    for (id, theirs) in by_id(found) {
        let Some(ours) = ours.get(&id) else { continue };
        let mut text = theirs.text.clone();
        for (name, raw) in lacking(theirs, ours) {
            let field = Key::of_name(&name).and_then(Key::field);
            let says = |field| {
                ours.task()
                    .is_some_and(|task| task.fields.get(field).is_some())
            };
            if field.is_some_and(says) {
                put_back += 1;
                text = wire::append(&text, &name, &raw, found.style);
            }
        }
        if text != theirs.text {
            steps.push(Step::Set(id, text));
        }
    }
    (put_back > 0).then_some(Rebased {
        steps,
        put_back,
        older: true,
    })
}

/// Where the file that is set right came from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Writer,
    Backup,
}

struct Merge {
    steps: Vec<Step>,
    /// No id at or below this is free.
    highest: i64,
    style: Style,
    origin: Origin,
    /// Ids of entries that the newest version leaves alone.
    alone: BTreeSet<i64>,
    /// Whether the newest version has an entry without an id that was not there before: any task
    /// that it lacks may be that one.
    lost_an_id: bool,
    put_back: usize,
    edits: usize,
}

impl Merge {
    fn of(found: &Document, base: &Document, newest: &Document, origin: Origin) -> Self {
        let mut merge = Self {
            steps: Vec::new(),
            highest: found.highest().max(newest.highest()),
            style: found.style,
            origin,
            alone: left_alone(newest).filter_map(Entry::id).collect(),
            lost_an_id: left_alone(newest)
                .any(|entry| entry.id().is_none() && !has_text(base, &entry.text)),
            put_back: 0,
            edits: 0,
        };
        let (before, ours) = (by_id(base), by_id(newest));
        let theirs = by_id(found);
        for (id, entry) in &theirs {
            merge.present(*id, entry, before.get(id).copied(), ours.get(id).copied());
        }
        for (id, entry) in &ours {
            if !theirs.contains_key(id) {
                merge.absent(found, *id, entry, before.get(id).copied());
            }
        }
        merge
    }

    /// An entry that the writer left in the file.
    fn present(&mut self, id: i64, theirs: &Entry, base: Option<&Entry>, ours: Option<&Entry>) {
        match (base, ours) {
            (Some(base), Some(ours)) => self.values(id, theirs, base, ours),
            (Some(base), None) if moved_values(base, theirs) == 0 => {
                // An entry that cannot be read any more is still there: no deletion to repeat.
                if !self.lost_an_id && !self.alone.contains(&id) {
                    // We deleted it, and the writer never looked at it.
                    self.put_back += 1;
                    self.steps.push(Step::Remove(id));
                }
            }
            (None, Some(ours)) if moved_values(ours, theirs) > 0 => {
                if self.origin == Origin::Backup {
                    // The same task, as it was before its later changes.
                    self.put_back += 1;
                    return self.set(id, ours.text.clone());
                }
                // Both gave the same id to a task of their own: ours had it first.
                self.put_back += 1;
                self.edits += 1;
                self.highest = self.highest.saturating_add(1);
                let id_above = self.highest.to_string();
                let moved = wire::replace(&theirs.text, Key::Id.name(), &id_above);
                self.set(id, ours.text.clone());
                self.steps.extend(moved.map(Step::Push));
            }
            (None, Some(_)) => {}
            (_, None) => self.edits += 1,
        }
    }

    /// An entry of ours that is not in the file.
    fn absent(&mut self, found: &Document, id: i64, ours: &Entry, base: Option<&Entry>) {
        let taken = found.entries.iter().any(|entry| entry.id() == Some(id));
        match base {
            _ if taken => {}
            // Deleting is no sign of a writer's own work: an emptied file looks like that too.
            Some(base) if self.origin == Origin::Writer && moved_values(base, ours) == 0 => {}
            // It was made, or edited, where the writer could not see it.
            _ => {
                self.put_back += 1;
                self.steps.push(Step::Push(ours.text.clone()));
            }
        }
    }

    fn values(&mut self, id: i64, theirs: &Entry, base: &Entry, ours: &Entry) {
        let (before, newest) = (values(base), values(ours));
        let mut text = theirs.text.clone();
        for (name, held) in values(theirs) {
            let (before, newest) = (before.get(&name), newest.get(&name));
            if before.is_none_or(|before| !same(before, &held)) {
                self.edits += usize::from(newest.is_none_or(|newest| !same(newest, &held)));
                continue;
            }
            let fresh = match newest {
                Some(newest) if same(newest, &held) => continue,
                Some(newest) => wire::replace(&text, &name, newest),
                // It was taken out since.
                None => wire::remove(&text, &name),
            };
            self.put_back += 1;
            text = fresh.unwrap_or(text);
        }
        for (name, newest) in lacking(theirs, ours) {
            if self.origin == Origin::Writer && before.contains_key(&name) {
                // The writer knew it and took it out.
                self.edits += 1;
            } else {
                self.put_back += 1;
                text = wire::append(&text, &name, &newest, self.style);
            }
        }
        if text != theirs.text {
            self.set(id, text);
        }
    }

    fn set(&mut self, id: i64, text: String) {
        self.steps.push(Step::Set(id, text));
    }

    /// Puts back what the newest version leaves alone and `found` lacks: it is as somebody left
    /// it, and no other copy of it is anywhere.
    fn with_left_alone(mut self, found: &Document, base: &Document, newest: &Document) -> Rebased {
        let (before, theirs, ours) = (by_id(base), by_id(found), by_id(newest));
        for entry in left_alone(newest) {
            let removed = self.origin == Origin::Writer && has_text(base, &entry.text);
            if removed || has_text(found, &entry.text) {
                continue;
            }
            let step = match entry.id() {
                Some(id) if repeats(newest, id) => Some(Step::Push(entry.text.clone())),
                Some(id) => match (theirs.get(&id), before.get(&id)) {
                    (None, _) => Some(Step::Push(entry.text.clone())),
                    (Some(there), Some(before)) if moved_values(before, there) == 0 => {
                        Some(Step::Set(id, entry.text.clone()))
                    }
                    // The writer has changed it as well, and can be read.
                    _ => None,
                },
                None => {
                    let mut unmatched = theirs.iter().filter(|(id, _)| !ours.contains_key(*id));
                    let there = unmatched.any(|(_, task)| is_without_id(entry, task));
                    (!there).then(|| Step::Push(entry.text.clone()))
                }
            };
            self.put_back += usize::from(step.is_some());
            self.steps.extend(step);
        }
        Rebased {
            steps: self.steps,
            put_back: self.put_back,
            older: false,
        }
    }
}

fn left_alone(document: &Document) -> impl Iterator<Item = &Entry> {
    document
        .entries
        .iter()
        .filter(|entry| entry.task().is_none())
}

fn repeats(document: &Document, id: i64) -> bool {
    let entries = document.entries.iter();
    entries.filter(|entry| entry.id() == Some(id)).count() > 1
}

fn has_text(document: &Document, text: &str) -> bool {
    document.entries.iter().any(|entry| same(&entry.text, text))
}

/// Whether `entry` is the task, but for the id that it lost.
fn is_without_id(entry: &Entry, task: &Entry) -> bool {
    let (entry, mut task) = (values(entry), values(task));
    task.remove(Key::Id.name());
    let known = |(name, held): (&String, &String)| {
        let there = task.get(name);
        there.is_some_and(|there| same(held, there))
    };
    entry.len() == task.len() && entry.iter().all(known)
}

fn by_id(document: &Document) -> BTreeMap<i64, &Entry> {
    document
        .entries
        .iter()
        .filter_map(|entry| Some((entry.task()?.id, entry)))
        .collect()
}

fn values(entry: &Entry) -> BTreeMap<String, String> {
    wire::values(&entry.text)
        .into_iter()
        .map(|(name, _, raw)| (name, raw.to_owned()))
        .collect()
}

/// The members of `ours` that `theirs` does not have, in their order.
fn lacking(theirs: &Entry, ours: &Entry) -> Vec<(String, String)> {
    let held = values(theirs);
    wire::values(&ours.text)
        .into_iter()
        .filter(|(name, ..)| !held.contains_key(name))
        .map(|(name, _, raw)| (name, raw.to_owned()))
        .collect()
}

/// How many members differ, in presence or in meaning.
fn moved_values(one: &Entry, other: &Entry) -> usize {
    if one.text == other.text {
        return 0;
    }
    let (one, other) = (values(one), values(other));
    let moved = one
        .iter()
        .filter(|(name, held)| other.get(*name).is_none_or(|other| !same(held, other)))
        .count();
    moved + other.keys().filter(|name| !one.contains_key(*name)).count()
}

/// Whether two texts say the same value; a program may write it in another way.
fn same(one: &str, other: &str) -> bool {
    one == other
        || match (
            serde_json::from_str::<serde_json::Value>(one),
            serde_json::from_str::<serde_json::Value>(other),
        ) {
            (Ok(one), Ok(other)) => one == other,
            _ => false,
        }
}
