//! Writes of ours that a person's undo took along: what is seen of them there is nobody's edit (S31).

use instep_model::{Base, Change, Timestamp, Written};

use crate::links::Translated;
use crate::unanswered::is_taken;

/// Whether something that was written at a moment may have been undone since: an undo leaves an item
/// the time of its last change before. Of what was written after `now` nothing can be told: the clock
/// went back since.
pub fn may_be_undone(written_at: Timestamp, changed_at: Timestamp, now: Timestamp) -> bool {
    // Times there may be whole seconds.
    written_at.as_second() > changed_at.as_second() && written_at <= now
}

/// Takes into the base what `seen` shows of writes that an undo took back, so that it is not taken for
/// the edit of the person who undid a step of their own. Answers what was taken back, as it went.
pub fn take_undone(
    base: &mut Base,
    written: &mut Vec<Written>,
    seen: &mut Translated,
    changed_at: Timestamp,
    now: Timestamp,
) -> Vec<Change> {
    let mut undone = Vec::new();
    for at in (0..written.len()).rev() {
        let Written {
            at: sent_at,
            change,
        } = &written[at];
        let mut back = Change {
            field: change.field,
            from: change.to.clone(),
            to: change.from.clone(),
        };
        if may_be_undone(*sent_at, changed_at, now) && is_back(base, &mut back, seen) {
            written.remove(at);
            undone.push(back);
        }
    }
    undone
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
