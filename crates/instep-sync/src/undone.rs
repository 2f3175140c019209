//! Writes of ours that a person's undo took along: what is seen of them there is nobody's edit (S31).

use std::collections::BTreeSet;

use instep_model::{
    AnnotationId, Base, Change, Field, RemoteId, SetSince, TaskId, Timestamp, Value, Written,
};

use crate::links::Translated;
use crate::projection::{notes_of, tags_of, tasks_of};
use crate::unanswered::is_taken;

/// Takes into the base what `seen` shows of writes that an undo took back, so that it is not taken for
/// the edit of the person who undid a step of their own: what is not as such a write left it, though
/// nobody set it since. `touched` has what was set there since a moment; `remote_of`, which item there a
/// task is. Answers what was taken back, as it went.
pub fn take_undone<'a>(
    base: &mut Base,
    written: &mut Vec<Written>,
    seen: &mut Translated,
    touched: impl Fn(Timestamp) -> Option<&'a SetSince>,
    remote_of: impl Fn(TaskId) -> Option<&'a RemoteId>,
) -> Vec<Change> {
    let mut undone = Vec::new();
    for at in (0..written.len()).rev() {
        let Some(touched) = touched(written[at].at) else {
            continue;
        };
        let untouched = untouched(&written[at].change, touched, base, seen, &remote_of);
        let Some(Change { field, from, to }) = untouched else {
            continue;
        };
        let mut back = Change {
            field,
            from: to,
            to: from,
        };
        if is_back(base, &mut back, seen) {
            written.remove(at);
            undone.push(back);
        }
    }
    undone
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
            let is_touched = |task| remote_of(task).is_some_and(|it| touched.depends.contains(it));
            for side in [&mut left.from, &mut left.to] {
                let mut tasks = tasks_of(side.as_ref());
                tasks.retain(|task| !is_touched(*task));
                *side = Some(Value::Tasks(tasks));
            }
        }
        Field::Annotations => {
            let there = seen.fields.annotations();
            let is_touched = |id: &AnnotationId| {
                let known = [base.notes.get(id), seen.notes.get(id)]
                    .into_iter()
                    .flatten();
                known.into_iter().any(|it| touched.notes.contains(it))
            };
            // One that was written anew is known by its text.
            let fresh = there.iter().filter(|(id, _)| is_touched(id));
            let texts: BTreeSet<&str> = fresh.map(|(_, note)| &*note.text).collect();
            for side in [&mut left.from, &mut left.to] {
                let mut notes = notes_of(side.as_ref());
                notes.retain(|id, note| !is_touched(id) && !texts.contains(&*note.text));
                *side = Some(Value::Annotations(notes));
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
        return is_taken(base, back, seen, None);
    }
    let stands = base.fields.get(field) == back.from.as_ref();
    let found = seen.fields.get(field);
    if !stands || found == base.shown(field) {
        return false;
    }
    back.to = found.cloned();
    base.confirm(field, found.cloned(), found.cloned());
    true
}
