//! What a service cannot hold of a task: told once, and no failure (S2).

use std::collections::BTreeSet;

use instep_contract::{Connector, Store};
use instep_model::{Field, Fields, Mapping, MappingState, Task};

use crate::context::Context;
use crate::pass::Pass;
use crate::report::LeftOut;
use crate::round::Engine;
use crate::{Clock, Rng};

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Notes in the pair of a task with these fields of which of them the service can hold nothing;
    /// what is new is told.
    pub(crate) fn note_left_out<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        context: &Context,
        fields: &Fields,
        mapping: &mut Mapping,
    ) {
        let title = fields.title().to_owned();
        let left_out = context.projection(pass, &self.zone).left_out(fields);
        let fields: BTreeSet<Field> = left_out.difference(&mapping.left_out).copied().collect();
        mapping.left_out = left_out;
        if !fields.is_empty() {
            pass.report.left_out.push(LeftOut {
                task: mapping.task,
                title,
                fields,
                is_there: mapping.remote.is_some(),
            });
        }
    }

    /// The pair of a task whose title was taken away: there is no item without, so what it shows stays
    /// and stands for none. `None` where there is nothing to settle.
    pub(crate) fn keeping_title<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        context: &Context,
        task: &Task,
        mapping: &Mapping,
    ) -> Option<Mapping> {
        let projection = context.projection(pass, &self.zone);
        let agreed = mapping.base.fields.get(Field::Title).is_none();
        if agreed || projection.holds_title(&task.fields) {
            return None;
        }
        let shown = mapping.base.shown(Field::Title).cloned();
        let mut kept = mapping.clone();
        kept.base.confirm(Field::Title, None, shown);
        Some(kept)
    }

    /// The pair of a task that the service cannot hold at all: it stays out, as one beyond the scope
    /// does, until it changes.
    pub(crate) fn held_out<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        context: &Context,
        task: &Task,
        known: Option<&Mapping>,
    ) -> Mapping {
        let new = || Mapping::new(pass.account.id.clone(), task.id, None);
        let mut mapping = known.cloned().unwrap_or_else(new);
        self.stamp(&mut mapping, task, false);
        mapping.state = MappingState::OutOfScope;
        self.note_left_out(pass, context, &task.fields, &mut mapping);
        mapping
    }
}
