//! Items under an id that named another one before: an older copy of the service was put back, and
//! it gives its ids out anew. Whoever was paired with the id has lost its item, and nobody deleted
//! it: it is made again. The item itself is met like any other that is new.

use std::collections::BTreeMap;

use instep_contract::{AccountState, Applied, Connector, MergeStep, PushStep, Store};
use instep_model::{Ids, Mapping, MappingState, RemoteTask, Task, TaskId};

use crate::pass::Pass;
use crate::round::Engine;
use crate::stop::Stop;
use crate::{Clock, Rng};

/// Pairs that are read together.
const CHUNK: usize = 500;

/// How far the clocks of a service and of this computer may be apart.
const CLOCKS_APART_HOURS: i64 = 24;

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Whether an id of a pair that lives names another item now, which shows that the service went
    /// back. Such an item was made since the last look.
    pub(crate) async fn shows_strangers<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        state: &AccountState,
        tasks: &[RemoteTask],
    ) -> Result<bool, Stop> {
        let Some(looked_at) = state.last_pass_at else {
            return Ok(false);
        };
        let is_young = |born| looked_at.duration_since(born).as_hours() < CLOCKS_APART_HOURS;
        let young = tasks.iter().filter(|task| task.born.is_some_and(is_young));
        let born: BTreeMap<_, _> = young.map(|task| (task.id.clone(), task.born)).collect();
        let ids: Vec<_> = born.keys().cloned().collect();
        for ids in ids.chunks(CHUNK) {
            let pairs = self.store.mappings_by_remote(&pass.account.id, ids).await?;
            let mut living = pairs.iter().filter(|pair| pair.gone.is_none());
            let is_stranger = |pair: &Mapping| {
                let found = pair.remote.as_ref().and_then(|id| born.get(id));
                found.is_some_and(|born| !pair.is_of(*born))
            };
            if living.any(is_stranger) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Ends these pairs, whose ids name other items now.
    pub(crate) async fn end_pairs<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        strangers: &[Mapping],
    ) -> Result<(), Stop> {
        let ended: Vec<TaskId> = strangers.iter().map(|pair| pair.task).collect();
        if ended.is_empty() {
            return Ok(());
        }
        let tasks = self.store.tasks(&ended).await?;
        let mut steps = Vec::new();
        for pair in strangers {
            let task = tasks.iter().find(|task| task.id == pair.task);
            let mut step = match task.filter(|task| is_made_again(task, pair)) {
                Some(task) => self.survival_step(pass, task, pair),
                None => MergeStep {
                    unpair: Some((pair.account.clone(), pair.task)),
                    ..MergeStep::default()
                },
            };
            if task.is_some() {
                step.hints = Some(self.other_hints(pass, pair.task).await?);
            }
            steps.push(step);
        }
        steps.extend(self.unlink_steps(pass, &ended).await?);
        tracing::warn!(
            account.id = %pass.account.id,
            count = ended.len(),
            "ids name other items than before: an older copy was put back there"
        );
        self.commit(pass, &steps).await
    }

    /// Ends pairs whose ids were just given to items that we made: the steps belong before those
    /// that pair these items.
    pub(crate) async fn displaced<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        made: &[(TaskId, &Applied)],
    ) -> Result<Vec<PushStep>, Stop> {
        if made.is_empty() {
            return Ok(Vec::new());
        }
        // An id that we chose is another's only until its item is gone.
        let chosen = pass.capabilities.ids == Ids::Chosen;
        let account = &pass.account.id;
        let ids: Vec<_> = made.iter().map(|(_, applied)| applied.id.clone()).collect();
        let taken = self.store.mappings_by_remote(account, &ids).await?;
        let owner = |pair: &Mapping| made.iter().any(|(task, _)| *task == pair.task);
        let is_free = |pair: &Mapping| !chosen || pair.gone.is_some();
        let taken = taken
            .into_iter()
            .filter(|pair| !owner(pair) && is_free(pair));
        let taken: Vec<Mapping> = taken.collect();
        if taken.is_empty() {
            return Ok(Vec::new());
        }
        let ended: Vec<TaskId> = taken.iter().map(|pair| pair.task).collect();
        let tasks = self.store.tasks(&ended).await?;
        let step = |pair: &Mapping| {
            let task = tasks.iter().find(|task| task.id == pair.task);
            match task.filter(|task| is_made_again(task, pair)) {
                Some(_) => PushStep {
                    mapping: Some(without_item(pair)),
                    wake: vec![(account.clone(), pair.task)],
                    ..PushStep::default()
                },
                None => PushStep {
                    unpair: Some((account.clone(), pair.task)),
                    ..PushStep::default()
                },
            }
        };
        Ok(taken.iter().map(step).collect())
    }
}

/// The pair of a task whose item has to be made again.
pub(crate) fn without_item(pair: &Mapping) -> Mapping {
    let mut anew = Mapping::new(pair.account.clone(), pair.task, None);
    anew.shadow = pair.shadow.clone();
    anew
}

fn is_made_again(task: &Task, pair: &Mapping) -> bool {
    task.is_alive() && pair.state != MappingState::OutOfScope
}
