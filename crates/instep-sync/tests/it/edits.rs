//! What a person does at the service: the remote side of a perturbed task.

use instep_model::{Field, Fields, Status, Value};

use crate::draw::{self, Bytes, at};
use crate::sync::Pair;

/// Perturbs the remote item: the fields of `mask` become what `drawn` holds, as coarse as the
/// service keeps it. `hub` is only asked for the names of links and notes.
pub(crate) fn edit_remote(pair: &mut Pair, drawn: &Bytes, mask: u32, secs: i64) {
    pair.remote.now = at(secs);
    let wanted = draw::perturbed(&Fields::new(), drawn, mask);
    let wanted = pair.projection().project(&wanted);
    for (index, field) in Field::ALL.into_iter().enumerate() {
        if mask >> index & 1 == 0 || !pair.projection().merges(field) {
            continue;
        }
        match field {
            Field::Annotations => edit_notes(pair, drawn[index], secs),
            Field::Depends | Field::Parent => edit_links(pair, &wanted, field),
            // It moves with the status, as services see to.
            Field::CompletedAt => {}
            _ => pair.remote.store(field, wanted.get(field).cloned()),
        }
    }
    complete(pair);
}

/// What is closed has a time of completion where the service holds one.
fn complete(pair: &mut Pair) {
    if !pair.projection().merges(Field::CompletedAt) {
        return;
    }
    let now = Value::Instant(pair.remote.now);
    let fields = &pair.remote.item().fields;
    let closed = fields.status().is_closed();
    let known = fields.get(Field::CompletedAt).is_some();
    if closed != known {
        pair.remote.store(Field::CompletedAt, closed.then_some(now));
    }
}

/// Two bits for each of four notes: leave it, change it, remove it, write another.
fn edit_notes(pair: &mut Pair, byte: u8, secs: i64) {
    for index in (0..4u8).rev() {
        let item = pair.remote.item.as_mut().expect("the task was made");
        let there = usize::from(index) < item.notes.len();
        match byte >> (2 * index) & 3 {
            1 if there => item.notes[usize::from(index)].text = format!("changed {index}"),
            2 if there => {
                item.notes.remove(usize::from(index));
            }
            3 => {
                let text = if byte & 1 == 0 { "called" } else { "added" };
                pair.remote.write_note(at(secs), text.to_owned());
            }
            _ => {}
        }
    }
}

fn edit_links(pair: &mut Pair, wanted: &Fields, field: Field) {
    let depends = wanted
        .depends()
        .into_iter()
        .map(crate::remote::remote_id)
        .collect();
    let parent = wanted.parent().map(crate::remote::remote_id);
    let item = pair.remote.item.as_mut().expect("the task was made");
    if field == Field::Depends {
        item.depends = depends;
        // A task that the hub does not know.
        item.depends.insert(instep_model::RemoteId::new("foreign"));
    } else {
        item.parent = parent;
    }
}

/// Closes the remote item as a person would.
pub(crate) fn close(pair: &mut Pair, secs: i64) {
    pair.remote.now = at(secs);
    pair.remote
        .store(Field::Status, Some(Value::Status(Status::Done)));
    complete(pair);
}
