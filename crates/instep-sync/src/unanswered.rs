//! Writes of ours whose answer never came: what is seen of them there is nobody's edit.

use std::collections::{BTreeMap, BTreeSet};

use instep_model::{Annotation, AnnotationId, Base, Change, Field, Fields, Unanswered, Value};

use crate::links::Translated;
use crate::projection::{notes_of, tags_of, tasks_of};

/// Takes into the base what `seen` shows of writes that went unanswered, so that a person who took
/// such a change back meanwhile is not overruled by it. Where it shows something else again, and `hub`
/// went on from what was sent, both have moved since.
pub fn take_unanswered(
    base: &mut Base,
    unanswered: &mut Vec<Unanswered>,
    seen: &mut Translated,
    hub: &Fields,
) {
    unanswered.retain(|one| !is_taken(base, &one.change, seen, Some(hub)));
}

/// Whether a write that was answered says all there is to say of an earlier one that was not.
pub fn supersedes(answered: &Change, earlier: &Change) -> bool {
    fn within<T: Ord>(earlier: [BTreeSet<T>; 2], answered: [BTreeSet<T>; 2]) -> bool {
        let [answered_from, answered_to] = answered;
        let moved: BTreeSet<&T> = answered_from.symmetric_difference(&answered_to).collect();
        let [from, to] = earlier;
        from.symmetric_difference(&to)
            .all(|one| moved.contains(one))
    }
    let both = |change: &Change| [change.from.clone(), change.to.clone()];
    let (one, other) = (both(earlier), both(answered));
    answered.field == earlier.field
        && match answered.field {
            Field::Tags => {
                let tags = |value: Option<Value>| tags_of(value.as_ref());
                within(one.map(tags), other.map(tags))
            }
            Field::Depends => {
                let tasks = |value: Option<Value>| tasks_of(value.as_ref());
                within(one.map(tasks), other.map(tasks))
            }
            Field::Annotations => {
                let notes = |value: Option<Value>| -> BTreeSet<(AnnotationId, String)> {
                    let notes = notes_of(value.as_ref()).into_iter();
                    notes.map(|(id, note)| (id, note.text)).collect()
                };
                within(one.map(notes), other.map(notes))
            }
            _ => true,
        }
}

/// Whether the remote shows what of this change the base lacks; the base holds it then. So it does
/// where the remote shows something else again and `hub` went on from what was sent.
pub(crate) fn is_taken(
    base: &mut Base,
    change: &Change,
    seen: &mut Translated,
    hub: Option<&Fields>,
) -> bool {
    let Change { field, from, to } = change;
    if *field == Field::Annotations {
        return are_notes_taken(base, change, seen, hub);
    }
    let (from, to) = (from.as_ref(), to.as_ref());
    let (shown, seen) = (base.shown(*field), seen.fields.get(*field));
    let taken = match field {
        Field::Tags => {
            let [from, to, shown, seen] = [from, to, shown, seen].map(tags_of);
            elements(&from, &to, shown, &seen).map(|tags| Some(Value::Tags(tags)))
        }
        Field::Depends => {
            let [from, to, shown, seen] = [from, to, shown, seen].map(tasks_of);
            elements(&from, &to, shown, &seen).map(|tasks| Some(Value::Tasks(tasks)))
        }
        _ if seen == shown => None,
        _ if seen == to || hub.is_some_and(|hub| hub.get(*field) != to) => Some(to.cloned()),
        _ => None,
    };
    let Some(taken) = taken else { return false };
    base.confirm(*field, taken.clone(), taken);
    true
}

/// What is shown with those elements that the change moved and that are seen so; `None` where that
/// is what was shown.
fn elements<T: Ord + Clone>(
    from: &BTreeSet<T>,
    to: &BTreeSet<T>,
    mut shown: BTreeSet<T>,
    seen: &BTreeSet<T>,
) -> Option<BTreeSet<T>> {
    let mut taken = false;
    for one in from.symmetric_difference(to) {
        if seen.contains(one) == to.contains(one) {
            taken |= match seen.contains(one) {
                true => shown.insert(one.clone()),
                false => shown.remove(one),
            };
        }
    }
    taken.then_some(shown)
}

/// The same of notes, each of which is known by its id. One that was added is known by its text: what
/// was seen gets its id.
fn are_notes_taken(
    base: &mut Base,
    change: &Change,
    seen: &mut Translated,
    hub: Option<&Fields>,
) -> bool {
    let hub = hub.map(Fields::annotations);
    let (from, to) = (notes_of(change.from.as_ref()), notes_of(change.to.as_ref()));
    let mut held = base.fields.annotations();
    let mut shown = notes_of(base.shown(Field::Annotations));
    let mut there = seen.fields.annotations();
    let mut taken = false;
    let moved = from.keys().chain(to.keys());
    for id in moved.filter(|id| from.get(id) != to.get(id)) {
        let sent = to.get(id);
        if !from.contains_key(id)
            && let Some(sent) = sent
            && let Some(found) = unknown_of(&there, &shown, &sent.text)
        {
            let note = there.remove(&found);
            there.extend(note.map(|note| (*id, note)));
            let remote = seen.notes.remove(&found);
            seen.notes.extend(remote.map(|remote| (*id, remote)));
        }
        let text = |note: Option<&Annotation>| note.map(|note| note.text.clone());
        let [sent_text, seen_text, shown_text] = [sent, there.get(id), shown.get(id)].map(text);
        let is_seen = seen_text == sent_text;
        let reworded = sent.is_some() && seen_text.is_some();
        let went_on = |hub: &BTreeMap<_, _>| text(hub.get(id)) != sent_text;
        let both_moved = reworded && hub.as_ref().is_some_and(went_on);
        if shown_text == seen_text || !is_seen && !both_moved {
            continue;
        }
        // With its time as well, which is set once.
        let seen_too = Some(&mut there).filter(|_| is_seen);
        for notes in [&mut held, &mut shown].into_iter().chain(seen_too) {
            match sent {
                Some(note) => notes.insert(*id, note.clone()),
                None => notes.remove(id),
            };
        }
        taken = true;
    }
    if taken {
        base.notes.retain(|id, _| held.contains_key(id));
        let known = seen.notes.iter().filter(|(id, _)| held.contains_key(id));
        base.notes
            .extend(known.map(|(id, remote)| (*id, remote.clone())));
        seen.fields
            .set(Field::Annotations, Value::Annotations(there));
        let (held, shown) = (Value::Annotations(held), Value::Annotations(shown));
        base.confirm(Field::Annotations, Some(held), Some(shown));
    }
    taken
}

/// A note of this text that the base does not show.
fn unknown_of(
    there: &BTreeMap<AnnotationId, Annotation>,
    shown: &BTreeMap<AnnotationId, Annotation>,
    text: &str,
) -> Option<AnnotationId> {
    let mut unknown = there.iter().filter(|(id, _)| !shown.contains_key(id));
    unknown
        .find(|(_, note)| note.text == text)
        .map(|(id, _)| *id)
}
