//! Links seen from their other end: what has to be sent again when an item is made anew, and whom
//! a task concerns that has come back (S23).
//!
//! A link lives as long as the hub holds it, whether its other end is alive or not. What a base says
//! of it is true only of the two items that it was confirmed for.

use instep_contract::{Connector, MergeStep, PushStep, Store};
use instep_model::{Field, Ids, Mapping, Scope, Task, TaskId, Value};

use crate::context::Context;
use crate::pass::Pass;
use crate::round::Engine;
use crate::stop::Stop;
use crate::{Clock, Rng};

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// The pairs of these tasks end: whatever items take their place, nothing links to them yet, unless
    /// they bear the same ids. The steps drop the links from the bases of those that have them, and
    /// make all that link to them work, so that links are sent again.
    pub(crate) async fn unlink_steps<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        ended: &[TaskId],
    ) -> Result<Vec<MergeStep>, Stop> {
        let account = &pass.account.id;
        let dependents = self.store.dependents(ended).await?;
        let pairs = self.store.mappings_by_task(account, &dependents).await?;
        let step = |mut pair: Mapping| {
            // One that ends too is made with all its links, and one that is gone stays what it was.
            let stays = !ended.contains(&pair.task) && pair.gone.is_none();
            if pass.capabilities.ids == Ids::Given {
                forget_links(&mut pair, ended);
            }
            stays.then(|| MergeStep {
                mapping: Some(pair),
                wake: vec![account.clone()],
                ..MergeStep::default()
            })
        };
        Ok(pairs.into_iter().filter_map(step).collect())
    }

    /// What has just been made in an account that does not take every task: links to it were left out
    /// while it was none of the account's (S23, S27).
    pub(crate) async fn wake_linked<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        steps: &mut [PushStep],
    ) -> Result<(), Stop> {
        if pass.account.scope == Scope::default() {
            return Ok(());
        }
        for step in steps {
            let Some(made) = step.mapping.as_ref().filter(|pair| pair.remote.is_some()) else {
                continue;
            };
            let dependents = self.store.dependents(&[made.task]).await?;
            let account = &pass.account.id;
            let woken = dependents.into_iter().map(|task| (account.clone(), task));
            step.wake.extend(woken);
        }
        Ok(())
    }

    /// Tasks that these steps bring back concern every task that links to them: the link may have
    /// been left out where the task was missing.
    pub(crate) async fn wake_dependents(
        &self,
        context: &Context,
        steps: &mut [MergeStep],
    ) -> Result<(), Stop> {
        for step in steps {
            let written = step.task.as_ref().map(|write| &write.task);
            let was_dead = |task: &&Task| {
                let before = context.tasks.get(&task.id);
                before.is_some_and(|before| !before.is_alive())
            };
            let Some(back) = written.filter(|task| task.is_alive()).filter(was_dead) else {
                continue;
            };
            let dependents = self.store.dependents(&[back.id]).await?;
            let everywhere = self.peers.iter().map(|peer| &peer.account);
            step.wake_dependents = everywhere
                .flat_map(|account| dependents.iter().map(|task| (account.clone(), *task)))
                .collect();
        }
        Ok(())
    }
}

/// Drops what a base says of links to these tasks.
fn forget_links(pair: &mut Mapping, ends: &[TaskId]) {
    let keep = |value: Option<&Value>| match value {
        Some(Value::Tasks(tasks)) => {
            let mut tasks = tasks.clone();
            tasks.retain(|task| !ends.contains(task));
            Some(Value::Tasks(tasks))
        }
        Some(Value::Task(task)) if ends.contains(task) => None,
        other => other.cloned(),
    };
    for field in [Field::Depends, Field::Parent] {
        let sent = keep(pair.base.fields.get(field));
        let shown = keep(pair.base.shown(field));
        pair.base.confirm(field, sent, shown);
    }
}
