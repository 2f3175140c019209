//! The push of an account that is only read: edits in the hub stay in the hub (S29).

use instep_contract::{Connector, PushStep, Store, Work};
use instep_model::{Mapping, MappingState, Task, TaskId};
use instep_sync::differs;

use crate::gone::Loss;
use crate::pass::Pass;
use crate::push::done;
use crate::round::Engine;
use crate::stop::Stop;
use crate::{Clock, Rng};

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Works off what is due without a write: each pair has now taken the hub into account, so that
    /// a later deletion there is news. What a person let go is deleted here.
    pub(crate) async fn keep_here<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        work: Vec<Work>,
    ) -> Result<(), Stop> {
        let ids: Vec<TaskId> = work.iter().map(|work| work.task).collect();
        let context = self.context(pass.account, &ids, &[]).await?;
        let mut merges = Vec::new();
        let mut steps: Vec<PushStep> = Vec::new();
        let projection = context.projection(pass, &self.zone);
        let mut approved = Vec::new();
        for work in work {
            let task = context.tasks.get(&work.task);
            let pair = context.mappings.get(&work.task);
            let (Some(task), Some(pair)) = (task, pair.filter(|pair| pair.remote.is_some())) else {
                steps.push(done(work, None));
                continue;
            };
            // What the hub holds beyond the base was never there to be deleted.
            let beyond = differs(&projection, &pair.base.fields, &task.fields);
            match let_go(task, pair).filter(|_| !beyond) {
                Some(loss) => {
                    approved.push((task, pair, loss));
                    steps.push(done(work, None));
                }
                None => steps.push(done(work, kept(task, pair))),
            }
        }
        for (task, pair, loss) in approved {
            merges.push(self.deletion_step(pass, task, pair, &loss));
        }
        self.commit(pass, &merges).await?;
        let now = self.clock.now();
        Ok(self.store.commit_push(&pass.lease, &steps, now).await?)
    }
}

/// A deletion there that the guard held and a person let go.
fn let_go(task: &Task, pair: &Mapping) -> Option<Loss> {
    let (evidence, at) = pair.gone?;
    let waits =
        pair.state == MappingState::Pending && task.version == pair.hub_version && !pair.contested;
    (waits && task.is_alive()).then_some(Loss {
        task: task.id,
        evidence,
        at,
    })
}

/// The pair once it has taken the hub into account; `None` where the guard holds it.
fn kept(task: &Task, pair: &Mapping) -> Option<Mapping> {
    let state = match pair.state {
        MappingState::Held if task.version == pair.hub_version => return None,
        MappingState::Held | MappingState::Pending => MappingState::Synced,
        other => other,
    };
    Some(Mapping {
        hub_version: task.version,
        state,
        ..pair.clone()
    })
}
