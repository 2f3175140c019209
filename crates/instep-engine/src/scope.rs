//! Pairs that an account's scope leaves out, and those that come back into it (S27).

use instep_contract::{Connector, MergeStep, Store, Work};
use instep_model::{Fields, Mapping, MappingState, RemoteId, Task, TaskId};
use instep_sync::has_returned;

use crate::context::Context;
use crate::pass::Pass;
use crate::round::Engine;
use crate::stop::Stop;
use crate::{Clock, Rng};

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Whether what happened to the item of this pair is none of the account's, and the hub leaves it
    /// alone; with it the task would be `merged`.
    pub(crate) fn stays_outside<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        context: &Context,
        task: &Task,
        mapping: &Mapping,
        merged: &Fields,
    ) -> bool {
        let projection = context.projection(pass, &self.zone);
        let scope = &pass.account.scope;
        (self.decisions.stays_outside)(scope, &projection, mapping, task, merged)
    }

    /// Reads the items of tasks that came back into the scope. What was changed there meanwhile was
    /// left alone and is merged before anything is written over it; what was deleted is made anew.
    pub(crate) async fn read_returned<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        work: &[Work],
    ) -> Result<(), Stop> {
        let ids: Vec<TaskId> = work.iter().map(|work| work.task).collect();
        let pairs = self.store.mappings_by_task(&pass.account.id, &ids).await?;
        let left: Vec<Mapping> = pairs.into_iter().filter(is_outside).collect();
        if left.is_empty() {
            return Ok(());
        }
        let ids: Vec<TaskId> = left.iter().map(|pair| pair.task).collect();
        let tasks = self.store.tasks(&ids).await?;
        let is_back = |pair: &&Mapping| {
            let mut own = tasks.iter().filter(|task| task.id == pair.task);
            own.any(|task| has_returned(&pass.account.scope, pair, task))
        };
        let back: Vec<(&Mapping, RemoteId)> = left
            .iter()
            .filter(is_back)
            .filter_map(|pair| Some((pair, pair.remote.clone()?)))
            .collect();
        if back.is_empty() {
            return Ok(());
        }
        let ids: Vec<RemoteId> = back.iter().map(|(_, id)| id.clone()).collect();
        let found = self.read(pass, &ids).await?;
        let (mut there, mut losses) = (Vec::new(), Vec::new());
        for ((pair, _), found) in back.into_iter().zip(found) {
            match found.filter(|remote| pair.is_of(remote.born)) {
                Some(remote) => there.push((pair.task, remote)),
                None => losses.push(self.not_found(pair.task)),
            }
        }
        self.take_losses(pass, &losses).await?;
        self.merge_chunk(pass, &there, None).await
    }
}

/// Whether a pair was left where it is.
pub(crate) fn is_outside(pair: &Mapping) -> bool {
    pair.state == MappingState::OutOfScope && pair.gone.is_none()
}

/// The step that notes that a pair is none of the account's; `None` where that is known.
pub(crate) fn left_step(mapping: &Mapping) -> Option<MergeStep> {
    let left = left(mapping);
    (left != *mapping).then(|| MergeStep {
        mapping: Some(left),
        ..MergeStep::default()
    })
}

/// The pair of a task that is none of the account's: its item is left as it is, made or gone.
pub(crate) fn left(mapping: &Mapping) -> Mapping {
    let mut left = mapping.clone();
    // What waits for a person goes on waiting.
    let waits =
        matches!(left.state, MappingState::Held | MappingState::Error) && left.gone.is_some();
    if !waits {
        left.state = MappingState::OutOfScope;
    }
    left
}
