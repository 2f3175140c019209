//! Writes of ours that a person's undo took along: what is seen of them there is nobody's edit (S31).

use std::collections::BTreeSet;

use instep_model::{
    Annotation, AnnotationId, Base, Change, Field, Fields, RemoteId, SetSince, TaskId, Timestamp,
    Value, Written,
};

use crate::links::Translated;
use crate::projection::{Projection, notes_of, tags_of, tasks_of};
use crate::unanswered::is_taken;

/// What an undo took along.
#[derive(Debug, Default)]
pub struct Undone {
    /// Of what was written, as it went; the base is as if it had never been.
    pub taken: Vec<Change>,
    /// What the person had made of it since and undid as well, back to what was written: nobody else's
    /// edit of it stands in the way where the hub still holds what they had made.
    pub wanted: Vec<Change>,
}

impl Undone {
    /// Whether there is nothing of the kind.
    pub fn is_nothing(&self) -> bool {
        self.taken.is_empty() && self.wanted.is_empty()
    }
}

/// Takes into the base what `seen` shows of writes that an undo took back, so that it is not taken for
/// the edit of the person who undid a step of their own: what is not as such a write left it, though
/// nobody set it since. `touched` has what was set there since a moment; `remote_of`, which item there a
/// task is.
pub fn take_undone<'a>(
    base: &mut Base,
    written: &mut Vec<Written>,
    seen: &mut Translated,
    touched: impl Fn(Timestamp) -> Option<&'a SetSince>,
    remote_of: impl Fn(TaskId) -> Option<&'a RemoteId>,
) -> Undone {
    let mut undone = Undone::default();
    for at in (0..written.len()).rev() {
        let Some(touched) = touched(written[at].at) else {
            continue;
        };
        let untouched = untouched(&written[at].change, touched, base, seen, &remote_of);
        let Some(change) = untouched else {
            continue;
        };
        let wanted = wanted(base, &change, seen);
        let mut back = Change {
            field: change.field,
            from: change.to,
            to: change.from,
        };
        let is_back = is_back(base, &mut back, seen);
        if is_back || wanted.is_some() {
            written.remove(at);
        }
        undone.taken.extend(is_back.then_some(back));
        undone.wanted.extend(wanted);
    }
    undone
}

/// Leaves out of an earlier change the elements that a later one of the same field moved: that one says
/// all there is to say of them.
pub fn forget_moved(earlier: &mut Change, later: &Change) {
    let sides = [&mut earlier.from, &mut earlier.to];
    let (from, to) = (later.from.as_ref(), later.to.as_ref());
    match later.field {
        Field::Tags => {
            let (from, to) = (tags_of(from), tags_of(to));
            for side in sides {
                let mut tags = tags_of(side.as_ref());
                tags.retain(|tag| from.contains(tag) == to.contains(tag));
                *side = Some(Value::Tags(tags));
            }
        }
        Field::Depends => {
            let (from, to) = (tasks_of(from), tasks_of(to));
            for side in sides {
                let mut tasks = tasks_of(side.as_ref());
                tasks.retain(|task| from.contains(task) == to.contains(task));
                *side = Some(Value::Tasks(tasks));
            }
        }
        Field::Annotations => {
            let (from, to) = (notes_of(from), notes_of(to));
            for side in sides {
                let mut notes = notes_of(side.as_ref());
                notes.retain(|id, _| from.get(id) == to.get(id));
                *side = Some(Value::Annotations(notes));
            }
        }
        _ => {}
    }
}

/// Sets what an undo went back to in the fields of the hub, as far as these still hold what the person
/// had made of it.
pub fn restore(projection: &Projection<'_>, fields: &mut Fields, wanted: &[Change]) {
    for Change { field, from, to } in wanted {
        let (from, to) = (from.as_ref(), to.as_ref());
        let held = fields.get(*field);
        let value = match field {
            Field::Tags => {
                let tags = moved(tags_of(held), &tags_of(from), &tags_of(to));
                Some(Value::Tags(tags))
            }
            Field::Depends => {
                let tasks = moved(tasks_of(held), &tasks_of(from), &tasks_of(to));
                Some(Value::Tasks(tasks))
            }
            Field::Annotations => {
                let mut notes = notes_of(held);
                notes.extend(notes_of(to));
                Some(Value::Annotations(notes))
            }
            _ if projection.project(fields).get(*field) != from => continue,
            _ => projection.lift(*field, held, to),
        };
        fields.set(*field, value);
    }
}

/// The elements with those that are moved and still where they were moved from.
fn moved<T: Ord + Clone>(
    mut held: BTreeSet<T>,
    from: &BTreeSet<T>,
    to: &BTreeSet<T>,
) -> BTreeSet<T> {
    for one in from.symmetric_difference(to) {
        match to.contains(one) {
            true => held.insert(one.clone()),
            false => held.remove(one),
        };
    }
    held
}

/// From what the base holds to what was written, where the person had made something else of it since
/// and that is gone from there as well.
fn wanted(base: &Base, change: &Change, seen: &Translated) -> Option<Change> {
    fn elements<T: Ord + Clone>(
        [from, to, shown, seen]: [BTreeSet<T>; 4],
    ) -> Option<[BTreeSet<T>; 2]> {
        let is_wanted = |one: &&T| {
            let want = to.contains(one);
            seen.contains(one) != want && shown.contains(one) != want
        };
        let wanted: BTreeSet<T> = from
            .symmetric_difference(&to)
            .filter(is_wanted)
            .cloned()
            .collect();
        let side = |all: &BTreeSet<T>| all.intersection(&wanted).cloned().collect();
        (!wanted.is_empty()).then(|| [side(&shown), side(&to)])
    }
    let field = change.field;
    let (from, to) = (change.from.as_ref(), change.to.as_ref());
    let (held, shown, there) = (
        base.fields.get(field),
        base.shown(field),
        seen.fields.get(field),
    );
    let (from, to) = match field {
        Field::Tags => {
            let [from, to] = elements([from, to, shown, there].map(tags_of))?.map(Value::Tags);
            (Some(from), Some(to))
        }
        Field::Depends => {
            let [from, to] = elements([from, to, shown, there].map(tasks_of))?.map(Value::Tasks);
            (Some(from), Some(to))
        }
        Field::Annotations => {
            let (from, shown, there) = (notes_of(from), notes_of(shown), notes_of(there));
            let texts: BTreeSet<&str> = shown
                .values()
                .chain(there.values())
                .map(|note| &*note.text)
                .collect();
            let mut notes = notes_of(to);
            notes.retain(|id, note| !from.contains_key(id) && !texts.contains(&*note.text));
            (!notes.is_empty()).then_some((None, Some(Value::Annotations(notes))))?
        }
        _ if held == to || there == to => return None,
        _ => (held.cloned(), to.cloned()),
    };
    Some(Change { field, from, to })
}

/// What of a change nobody touched since.
fn untouched<'a>(
    change: &Change,
    touched: &SetSince,
    base: &Base,
    seen: &Translated,
    remote_of: &impl Fn(TaskId) -> Option<&'a RemoteId>,
) -> Option<Change> {
    let mut left = change.clone();
    match change.field {
        field if touched.fields.contains(&field) => return None,
        // The making of the item itself.
        Field::Created => return None,
        Field::Tags => {
            for side in [&mut left.from, &mut left.to] {
                let mut tags = tags_of(side.as_ref());
                tags.retain(|tag| !touched.tags.contains(tag));
                *side = Some(Value::Tags(tags));
            }
        }
        Field::Depends => {
            let is_touched = |task| match remote_of(task) {
                Some(it) => touched.depends.contains(it),
                // Which item it is there is not known any more: it may be any of those.
                None => !touched.depends.is_empty(),
            };
            for side in [&mut left.from, &mut left.to] {
                let mut tasks = tasks_of(side.as_ref());
                tasks.retain(|task| !is_touched(*task));
                *side = Some(Value::Tasks(tasks));
            }
        }
        Field::Annotations => {
            let there = seen.fields.annotations();
            let is_touched = |id: &AnnotationId| {
                let mut known = [base.notes.get(id), seen.notes.get(id)]
                    .into_iter()
                    .flatten()
                    .peekable();
                match known.peek() {
                    Some(_) => known.any(|it| touched.notes.contains(it)),
                    // Which note there it was is not known any more: it may be any of those.
                    None => !touched.notes.is_empty(),
                }
            };
            // One that was written anew is known by its text.
            let fresh = there.iter().filter(|(id, _)| is_touched(id));
            let texts: BTreeSet<&str> = fresh.map(|(_, note)| &*note.text).collect();
            // What the person took away and an undo brought back has another id since.
            let known = base.fields.annotations();
            let named = |(id, note): (AnnotationId, Annotation)| {
                let mut same = known.iter().filter(|(_, one)| one.text == note.text);
                match same.next().filter(|_| !known.contains_key(&id)) {
                    Some((other, _)) => (*other, note),
                    None => (id, note),
                }
            };
            for side in [&mut left.from, &mut left.to] {
                let notes = notes_of(side.as_ref()).into_iter().map(named);
                let untouched =
                    notes.filter(|(id, note)| !is_touched(id) && !texts.contains(&*note.text));
                *side = Some(Value::Annotations(untouched.collect()));
            }
        }
        _ => {}
    }
    Some(left)
}

/// Whether the remote shows that this change was made there; the base is as if it had been, then. A
/// value that is neither that from before our write nor ours is what the undo left of an earlier step,
/// and what it went back to.
fn is_back(base: &mut Base, back: &mut Change, seen: &mut Translated) -> bool {
    let field = back.field;
    if field.has_elements() {
        let is_back = is_taken(base, back, seen, None);
        return is_back | (field == Field::Annotations && has_vanished(base, back, seen));
    }
    let found = seen.fields.get(field);
    if found == base.shown(field) || found == back.from.as_ref() {
        return false;
    }
    back.from = base.fields.get(field).cloned();
    back.to = found.cloned();
    base.confirm(field, found.cloned(), found.cloned());
    true
}

/// Whether a note that was reworded is gone altogether: the step in which it was written was undone too.
/// The base has none such, then.
fn has_vanished(base: &mut Base, back: &Change, seen: &Translated) -> bool {
    let there = seen.fields.annotations();
    let (mut held, mut shown) = (
        base.fields.annotations(),
        notes_of(base.shown(Field::Annotations)),
    );
    let before = held.len();
    for (id, note) in notes_of(back.from.as_ref()) {
        let is_ours = held.get(&id).is_some_and(|one| one.text == note.text);
        if is_ours && !there.contains_key(&id) {
            held.remove(&id);
            shown.remove(&id);
            base.notes.remove(&id);
        }
    }
    let vanished = held.len() < before;
    if vanished {
        let (held, shown) = (Value::Annotations(held), Value::Annotations(shown));
        base.confirm(Field::Annotations, Some(held), Some(shown));
    }
    vanished
}
