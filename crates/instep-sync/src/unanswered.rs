//! Writes of ours whose answer never came: what is seen of them there is nobody's edit.

use std::collections::{BTreeMap, BTreeSet};

use instep_model::{
    Annotation, AnnotationId, Base, Change, Field, Fields, Timestamp, Unanswered, Value,
};

use crate::projection::{tags_of, tasks_of};

/// Takes into the base what `seen` shows of writes that went unanswered, so that a person who took
/// such a change back meanwhile is not overruled by it. Those from before `since` have been looked for
/// since, in vain: whoever writes the same there now is somebody else.
pub fn take_unanswered(
    base: &mut Base,
    unanswered: &mut Vec<Unanswered>,
    seen: &Fields,
    since: Timestamp,
) {
    unanswered.retain(|one| one.at >= since);
    unanswered.retain(|one| !is_taken(base, &one.change, seen));
}

/// Whether the remote shows what of this change the base lacks; the base holds it then.
fn is_taken(base: &mut Base, change: &Change, seen: &Fields) -> bool {
    let Change { field, from, to } = change;
    let (from, to) = (from.as_ref(), to.as_ref());
    let (shown, seen) = (base.shown(*field), seen.get(*field));
    let taken = match field {
        Field::Tags => {
            let [from, to, shown, seen] = [from, to, shown, seen].map(tags_of);
            elements(&from, &to, shown, &seen).map(Value::Tags)
        }
        Field::Depends => {
            let [from, to, shown, seen] = [from, to, shown, seen].map(tasks_of);
            elements(&from, &to, shown, &seen).map(Value::Tasks)
        }
        Field::Annotations => return are_notes_taken(base, change, seen),
        _ if seen == to && seen != shown => {
            let seen = seen.cloned();
            base.confirm(*field, seen.clone(), seen);
            return true;
        }
        _ => None,
    };
    let is_taken = taken.is_some();
    if is_taken {
        base.confirm(*field, taken.clone(), taken);
    }
    is_taken
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

/// The same of notes, each of which is known by its id. One that was added is found by what is
/// remembered of it before it is sent (S13).
fn are_notes_taken(base: &mut Base, change: &Change, seen: Option<&Value>) -> bool {
    let (from, to) = (notes_of(change.from.as_ref()), notes_of(change.to.as_ref()));
    let seen = notes_of(seen);
    let (mut held, mut shown) = (
        base.fields.annotations(),
        notes_of(base.shown(Field::Annotations)),
    );
    let mut taken = false;
    for (id, _) in from.iter().filter(|(id, note)| to.get(id) != Some(note)) {
        let text = |notes: &BTreeMap<AnnotationId, Annotation>| {
            notes.get(id).map(|note| note.text.clone())
        };
        if text(&seen) != text(&to) || text(&shown) == text(&seen) {
            continue;
        }
        for base in [&mut held, &mut shown] {
            match to.get(id) {
                Some(note) => base.insert(*id, note.clone()),
                None => base.remove(id),
            };
        }
        taken = true;
    }
    if taken {
        base.notes.retain(|id, _| held.contains_key(id));
        let (held, shown) = (Value::Annotations(held), Value::Annotations(shown));
        base.confirm(Field::Annotations, Some(held), Some(shown));
    }
    taken
}

fn notes_of(value: Option<&Value>) -> BTreeMap<AnnotationId, Annotation> {
    match value {
        Some(Value::Annotations(notes)) => notes.clone(),
        _ => BTreeMap::new(),
    }
}
