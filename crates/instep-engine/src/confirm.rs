//! A confirmed write becomes part of the base, and what is then left to write (S1, S12).

use std::collections::BTreeMap;

use instep_contract::{Applied, Connector, Store};
use instep_model::{
    Action, AnnotationId, Change, Field, Fields, Mapping, MappingState, Operation, Side, Task,
    TaskId, Value,
};
use instep_sync::{Places, Planned};

use crate::gone::counted_by_project;
use crate::journal::Event;
use crate::pass::Pass;
use crate::push::Page;
use crate::round::Engine;
use crate::{Clock, Rng};

/// Why something changed there.
pub(crate) const CARRIED: &str = "carried there";

/// The same after a write of it that had no answer: what the item showed since then, which may be what
/// somebody made of that write, is written over.
pub(crate) const CARRIED_AGAIN: &str = "carried there again, as an earlier try was not answered";

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    pub(crate) fn remote_event<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        task: TaskId,
        action: Action,
        changes: &[Change],
        cause: &str,
    ) -> Vec<instep_model::JournalEntry> {
        Event {
            operation: &self.operation_id(),
            at: self.clock.now(),
            side: Side::Remote,
            account: Some(&pass.account.id),
            task,
            action,
            changes,
            cause,
        }
        .lines()
    }

    /// Marks a pair as far as it has come.
    pub(crate) fn stamp(&self, mapping: &mut Mapping, task: &Task, finished: bool) {
        mapping.attempts = 0;
        mapping.failing_since = None;
        mapping.last_error = None;
        mapping.hub_version = task.version;
        mapping.state = if finished {
            MappingState::Synced
        } else {
            MappingState::Pending
        };
        if finished {
            mapping.last_synced_at = Some(self.clock.now());
        }
    }

    /// Takes a confirmed write into the pair's base.
    pub(crate) fn take_confirmation<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        page: &Page,
        task: &Task,
        mapping: &mut Mapping,
        plan: &Planned,
        applied: &Applied,
    ) {
        let mut notes = BTreeMap::new();
        if let Operation::AddNote { note, .. } | Operation::EditNote { note, .. } = &plan.operation
        {
            let remote = applied.note.clone().or(note.remote.clone());
            notes.extend(remote.map(|remote| (note.id, remote)));
        }
        let held = applied.held.as_ref().map(|held| {
            let confirmed = plan
                .confirms
                .iter()
                .find(|(field, _)| *field == Field::Annotations);
            let sent = confirmed.and_then(|(_, value)| value.clone());
            let sent = Fields::new().with(Field::Annotations, sent);
            // A note just written is known by its id, whatever has become of its text.
            let mut base = mapping.base.clone();
            base.notes.extend(notes.clone());
            let seen = page
                .context
                .translate(&pass.account.id, held, task.id, &base, &sent);
            notes.extend(seen.notes);
            only_written(seen.fields, &plan.operation)
        });
        (self.decisions.confirm)(&mut mapping.base, plan, held.as_ref(), &notes);
        if let (Some(collection), Operation::Update { .. }) = (&applied.collection, &plan.operation)
        {
            mapping.collection = Some(collection.clone());
        }
        if !pass.capabilities.collections {
            mapping.collection = counted_by_project(&mapping.base.fields);
        }
    }

    pub(crate) fn plan_rest<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        page: &Page,
        task: &Task,
        mapping: &Mapping,
        fresh: bool,
    ) -> Vec<Planned> {
        let Some(remote) = &mapping.remote else {
            return Vec::new();
        };
        let nothing = BTreeMap::new();
        let collection = self.place(page, task, Some(mapping)).ok().flatten();
        let places = Places {
            remotes: &page.context.remotes,
            collection,
            markers: page.markers.get(&task.id).unwrap_or(&nothing),
        };
        let projection = page.context.projection(pass, &self.zone);
        let fields = self.carried(pass, &page.context, task, mapping);
        (self.decisions.plan_update)(&projection, remote, &mapping.base, &fields, &places, fresh)
    }

    /// Whether a link of the task leads to one that is still to be made there (S23).
    pub(crate) fn awaits_links<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        page: &Page,
        task: &Task,
    ) -> bool {
        let awaited =
            |id: &TaskId| page.context.awaited.contains(id) && !page.context.reachable.contains(id);
        (pass.merges(Field::Depends) && task.fields.depends().iter().any(awaited))
            || (pass.merges(Field::Parent) && task.fields.parent().as_ref().is_some_and(awaited))
    }
}

/// What the answer shows, without notes that the write did not touch: their texts are anybody's.
fn only_written(mut held: Fields, operation: &Operation) -> Fields {
    let written: Vec<AnnotationId> = match operation {
        Operation::Create(draft) => draft.notes.iter().map(|note| note.id).collect(),
        Operation::Update { edit, .. } => edit
            .add_notes
            .iter()
            .chain(&edit.edit_notes)
            .map(|note| note.id)
            .collect(),
        Operation::AddNote { note, .. } | Operation::EditNote { note, .. } => vec![note.id],
        _ => Vec::new(),
    };
    let mut notes = held.annotations();
    notes.retain(|id, _| written.contains(id));
    held.set(Field::Annotations, Value::Annotations(notes));
    held
}
