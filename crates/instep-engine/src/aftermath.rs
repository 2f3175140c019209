//! What becomes of a write that failed: set it aside, read it again, or stop the account.

use instep_contract::{Connector, ConnectorError, Doubt, IntentId, PushStep, Store};
use instep_model::{Base, Mapping, MappingState, NextTry, RemoteId, RemoteTask, Task, TaskId};

use crate::merge::Sighting;
use crate::pass::Pass;
use crate::push::Page;
use crate::report::Problem;
use crate::round::Engine;
use crate::send::stored_nothing;
use crate::stop::Stop;
use crate::{Clock, Rng};

/// What the outcomes of a batch lead to, beside the steps that are committed.
#[derive(Default)]
pub(crate) struct Aftermath {
    /// Items that changed under us: to be read and merged.
    pub(crate) stale: Vec<(TaskId, RemoteId)>,
    /// The first error that says something about the service.
    pub(crate) trouble: Option<ConnectorError>,
    /// Writes of which something is known though their outcome is not.
    pub(crate) doubts: Vec<(IntentId, Doubt)>,
    /// What was sent must not be sent again before a look told whether it was done (S13).
    pub(crate) once: bool,
}

impl Aftermath {
    /// Whether all went well.
    pub(crate) fn is_nothing(&self) -> bool {
        self.stale.is_empty() && self.trouble.is_none()
    }
}

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// What becomes of a task whose write failed.
    pub(crate) fn failed<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &Page,
        id: TaskId,
        error: ConnectorError,
        settled: Option<IntentId>,
        aftermath: &mut Aftermath,
    ) -> Vec<PushStep> {
        let settle = PushStep {
            settled,
            ..PushStep::default()
        };
        match error {
            ConnectorError::Rejected { .. } | ConnectorError::ReadOnly { .. } => {
                let mut step = self.refuse(pass, page, id, &error.to_string());
                step.settled = settled;
                vec![step]
            }
            ConnectorError::Stale { id: remote } | ConnectorError::Gone { id: remote } => {
                aftermath.stale.push((id, remote));
                pass.contested.insert(id);
                vec![settle]
            }
            // Lost to somebody else's rewrite: it stays work, and the next push tries again.
            ConnectorError::Busy | ConnectorError::Overtaken => {
                pass.contested.insert(id);
                vec![settle]
            }
            error => {
                let certain = stored_nothing(&error);
                if let (ConnectorError::OutcomeUnknown { doubt, .. }, Some(intent)) =
                    (&error, settled)
                {
                    aftermath.doubts.push((intent, *doubt));
                }
                aftermath.trouble.get_or_insert(error);
                if certain { vec![settle] } else { Vec::new() }
            }
        }
    }

    /// Says which tasks lost the race to the end of the round; they stay work (I14).
    pub(crate) async fn tell_contested<C: Connector>(&self, pass: &mut Pass<'_, C>) {
        let ids: Vec<TaskId> = std::mem::take(&mut pass.contested).into_iter().collect();
        if ids.is_empty() || pass.report.trouble.is_some() {
            return;
        }
        let account = &pass.account.id;
        let pairs = self.store.mappings_by_task(account, &ids).await;
        let tasks = self.store.tasks(&ids).await;
        // Where the database fails the next round says so.
        let (Ok(pairs), Ok(tasks)) = (pairs, tasks) else {
            return;
        };
        let waits = |task: &Task| {
            let pair = pairs.iter().find(|pair| pair.task == task.id);
            pair.filter(|pair| pair.gone.is_none()).is_some_and(|pair| {
                pair.state == MappingState::Pending || pair.hub_version != task.version
            })
        };
        let problems = tasks.iter().filter(|task| waits(task)).map(|task| Problem {
            task: task.id,
            title: task.fields.title().to_owned(),
            reason: "it kept changing there while it was synced; the next sync tries again"
                .to_owned(),
            next: NextTry::Sync,
        });
        pass.report.problems.extend(problems);
    }

    /// Reads what changed under us and takes it into the hub; then says what is wrong, if anything.
    pub(crate) async fn follow_up<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &Page,
        aftermath: Aftermath,
    ) -> Result<(), Stop> {
        self.remember_doubts(pass, &aftermath.doubts).await?;
        if let Some(error) = aftermath.trouble {
            return Err(Stop::after(error, aftermath.once));
        }
        if aftermath.stale.is_empty() {
            return Ok(());
        }
        let ids: Vec<RemoteId> = aftermath
            .stale
            .iter()
            .map(|(_, remote)| remote.clone())
            .collect();
        let found = self.read(pass, &ids).await?;
        let mut changed = Vec::new();
        let mut losses = Vec::new();
        let mut existing = Vec::new();
        for ((task, asked), found) in aftermath.stale.into_iter().zip(found) {
            let Some(task) = whose(page, task, &asked) else {
                continue;
            };
            let known = page.context.mappings.get(&task);
            let paired = known.is_some_and(|pair| pair.remote.is_some())
                || page.context.remotes.contains_key(&task);
            match found {
                Some(remote) if paired => changed.push((task, remote)),
                Some(remote) => existing.push((task, remote)),
                None if paired => losses.push(self.not_found(task)),
                None => {}
            }
        }
        self.merge_chunk(pass, &changed, None).await?;
        self.take_losses(pass, &losses).await?;
        self.pair_existing(pass, page, existing).await
    }

    /// Items that stood there already under the id that we chose.
    pub(crate) async fn pair_existing<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &Page,
        existing: Vec<(TaskId, RemoteTask)>,
    ) -> Result<(), Stop> {
        if existing.is_empty() {
            return Ok(());
        }
        let wanted: Vec<RemoteId> = existing
            .iter()
            .map(|(_, remote)| remote.id.clone())
            .collect();
        let taken = self
            .store
            .mappings_by_remote(&pass.account.id, &wanted)
            .await?;
        let is_taken = |task: TaskId, remote: &RemoteTask| {
            taken
                .iter()
                .any(|m| m.remote.as_ref() == Some(&remote.id) && m.task != task)
        };
        let (taken, existing): (Vec<_>, Vec<_>) = existing
            .into_iter()
            .partition(|(task, remote)| is_taken(*task, remote));
        let reason = "its id belongs to another task there";
        let parked: Vec<PushStep> = taken
            .iter()
            .map(|(task, _)| self.refuse(pass, page, *task, reason))
            .collect();
        if !parked.is_empty() {
            self.store
                .commit_push(&pass.lease, &parked, self.clock.now())
                .await?;
        }
        let ids: Vec<TaskId> = existing.iter().map(|(task, _)| *task).collect();
        let remotes: Vec<RemoteTask> = existing.iter().map(|(_, remote)| remote.clone()).collect();
        let mut context = self.context(pass.account, &ids, &remotes).await?;
        self.find_holders(&pass.account.id, &mut context).await?;
        let mut steps = Vec::new();
        for (id, remote) in &existing {
            context.pair(*id, &remote.id);
        }
        for (id, remote) in &existing {
            let Some(task) = context.tasks.get(id) else {
                continue;
            };
            let mut mapping = Mapping::new(pass.account.id.clone(), *id, Some(remote.id.clone()));
            mapping.base = Base::default();
            mapping.unseen = true;
            let sighting = Sighting {
                task,
                mapping: &mapping,
                agreed: false,
                remote,
                floor: None,
                looked_at: None,
                waiting: context.waiting(*id),
                told: None,
            };
            steps.extend(self.merge_step(pass, &context, &sighting));
        }
        self.commit(pass, &steps).await
    }
}

/// Whose item this is that a write of `task` met: its own, unless it stands under the id of another,
/// to which it is linked. `None` for one that is nobody's.
fn whose(page: &Page, task: TaskId, item: &RemoteId) -> Option<TaskId> {
    let pair = page.context.mappings.get(&task);
    match pair.and_then(|pair| pair.remote.as_ref()) {
        Some(own) if own != item => {
            let other = *page.context.by_remote.get(item)?;
            (page.context.remotes.get(&other) == Some(item)).then_some(other)
        }
        _ => Some(task),
    }
}
