//! One task, now: read it where it lives, and carry it to the others (`push`, `pull`).

use instep_contract::{Connector, Store};
use instep_model::{Evidence, Ids, RemoteId, TaskId};

use crate::gone::Loss;
use crate::look::Seen;
use crate::report::{RoundReport, Trouble};
use crate::round::{Engine, Member, RoundOptions, Stop};
use crate::{Clock, Rng};

/// What a single-task round begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// This hub task, as it is.
    Task(TaskId),
    /// This item of the member at this position.
    Item(usize, RemoteId),
}

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Reads one task where it lives and carries it to every other member. An account that has
    /// not met the hub yet is left out: its first meeting needs a whole round.
    pub async fn run_single<C: Connector>(
        &self,
        members: &mut [Member<C>],
        start: &Start,
        options: &RoundOptions,
    ) -> RoundReport {
        self.with_leases(members, options, async |passes| {
            let mut changes = Vec::new();
            let mut tasks = Vec::new();
            for (at, pass) in passes.iter_mut() {
                let read = match start {
                    Start::Item(member, item) if member == at => self.read_item(pass, item).await,
                    Start::Task(task) => self.read_task(pass, *task).await,
                    Start::Item(..) => Ok(None),
                };
                match read {
                    Ok(task) => tasks.extend(task),
                    Err(stop) => pass.report.trouble = Some(stop.into_trouble()),
                }
                changes.append(&mut pass.changes);
            }
            if let Start::Task(task) = start {
                tasks.push(*task);
            }
            for (_, pass) in passes.iter_mut() {
                if pass.report.trouble.is_none()
                    && let Err(stop) = self.push_only(pass, &tasks).await
                {
                    pass.report.trouble = Some(stop.into_trouble());
                }
                changes.append(&mut pass.changes);
            }
            changes
        })
        .await
    }

    /// Reads the item of a hub task, where the account has one or would know it by our id.
    async fn read_task<C: Connector>(
        &self,
        pass: &mut crate::round::Pass<'_, C>,
        task: TaskId,
    ) -> Result<Option<TaskId>, Stop> {
        let known = self
            .store
            .mappings_by_task(&pass.account.id, &[task])
            .await?;
        let remote = known.into_iter().find_map(|mapping| mapping.remote);
        let chosen = pass.capabilities.ids == Ids::Chosen;
        match remote.or_else(|| chosen.then(|| RemoteId::new(task.to_string()))) {
            Some(remote) => self.read_item(pass, &remote).await,
            None => Ok(None),
        }
    }

    async fn read_item<C: Connector>(
        &self,
        pass: &mut crate::round::Pass<'_, C>,
        item: &RemoteId,
    ) -> Result<Option<TaskId>, Stop> {
        let account = &pass.account.id;
        let state = self.store.account_state(account).await?;
        let Some(identity) = state.identity.clone().filter(|_| state.joined) else {
            return Ok(None);
        };
        let in_doubt = self.settle_doubts(pass).await? > 0;
        let ids = [item.clone()];
        let connector = &mut *pass.connector;
        let found = self
            .unless_busy(async || connector.read(&ids).await)
            .await?;
        let known = self
            .store
            .mappings_by_remote(account, &ids)
            .await?
            .into_iter()
            .next();
        match (found.into_iter().next().flatten(), known) {
            (Some(remote), Some(mapping)) => {
                self.merge_chunk(pass, &[(mapping.task, remote)], state.last_pass_at)
                    .await?;
                Ok(Some(mapping.task))
            }
            (Some(remote), None) => {
                let mut seen = Seen {
                    state,
                    identity,
                    trust: instep_sync::Trust::SameServer,
                    complete: false,
                    in_doubt,
                    reviews: Vec::new(),
                };
                self.meet(pass, &mut seen, vec![remote]).await?;
                let known = self.store.mappings_by_remote(account, &ids).await?;
                Ok(known.into_iter().next().map(|mapping| mapping.task))
            }
            (None, Some(mapping)) if mapping.gone.is_none() => {
                let at = self.clock.now();
                let loss = Loss {
                    task: mapping.task,
                    evidence: Evidence::NotFound,
                    at,
                };
                self.take_losses(pass, &[loss]).await?;
                Ok(Some(mapping.task))
            }
            (None, known) => Ok(known.map(|mapping| mapping.task)),
        }
    }
}

impl Stop {
    /// The trouble that it is to the account.
    pub(crate) fn into_trouble(self) -> Trouble {
        match self {
            Self::Trouble(trouble) | Self::Lost(trouble) => trouble,
            Self::Again => Trouble::Failed {
                reason: "tasks kept changing while they were synced".to_owned(),
            },
        }
    }
}
