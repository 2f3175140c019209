//! One task, now: read it where it lives, and carry it to the others (`push`, `pull`).

use std::collections::BTreeSet;

use instep_contract::{AccountState, Connector, ConnectorError, Look, Store, Work};
use instep_model::{Direction, Need, RemoteId, TaskId, Trouble};

use crate::look::answers_as;
use crate::pass::{Pass, Passes};
use crate::push::PAGE;
use crate::report::RoundReport;
use crate::round::{Engine, Member, RoundOptions};
use crate::stop::Stop;
use crate::{Clock, Rng};

/// What a single-task round begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// This hub task, as it is.
    Task(TaskId),
    /// This item of the member at this position.
    Item(usize, RemoteId),
}

impl Start {
    /// Whether the member at this position is read to begin with.
    fn is_read_at(&self, at: usize) -> bool {
        match self {
            Self::Task(_) => true,
            Self::Item(member, _) => *member == at,
        }
    }
}

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Reads one task where it lives and carries it to every other member. Where something is to be
    /// written, the item there is read and merged before (S17). An account that has not met the hub
    /// yet is left out: its first meeting needs a whole round.
    pub async fn run_single<C: Connector>(
        &self,
        members: &mut [Member<C>],
        start: &Start,
        options: &RoundOptions,
    ) -> RoundReport {
        self.with_leases(members, options, async |passes| {
            let Passes { all, changes } = passes;
            for (_, pass) in all.iter_mut() {
                let check = async |pass: &mut Pass<'_, C>| self.is_up_to_date(pass).await;
                self.step(pass, changes, check).await;
            }
            let mut tasks = Vec::new();
            for (_, pass) in all.iter_mut().filter(|(at, _)| start.is_read_at(*at)) {
                let read = async |pass: &mut Pass<'_, C>| {
                    tasks.extend(self.read_start(pass, start).await?);
                    Ok(())
                };
                self.step(pass, changes, read).await;
            }
            if let Start::Task(task) = start {
                tasks.push(*task);
            }
            for (_, pass) in all.iter_mut().filter(|(at, _)| !start.is_read_at(*at)) {
                let read =
                    async |pass: &mut Pass<'_, C>| self.read_before_writing(pass, &tasks).await;
                self.step(pass, changes, read).await;
            }
            for (_, pass) in all.iter_mut() {
                let push = async |pass: &mut Pass<'_, C>| self.push_only(pass, &tasks).await;
                self.step(pass, changes, push).await;
            }
        })
        .await
    }

    /// An older hub cannot tell what it does not know from what it made since (I9).
    async fn is_up_to_date<C: Connector>(&self, pass: &Pass<'_, C>) -> Result<(), Stop> {
        let state = self.store.account_state(&pass.account.id).await?;
        match state.joined && state.cursor.is_none() {
            true => Err(Stop::Trouble(Trouble::Behind)),
            false => Ok(()),
        }
    }

    async fn read_before_writing<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        tasks: &[TaskId],
    ) -> Result<(), Stop> {
        if !self.work_of(pass, tasks).await?.is_empty() {
            for task in tasks {
                self.read_task(pass, *task).await?;
            }
        }
        Ok(())
    }

    /// Works through what is due for these tasks only.
    async fn push_only<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        tasks: &[TaskId],
    ) -> Result<(), Stop> {
        let state = self.store.account_state(&pass.account.id).await?;
        if !is_current(&state) || self.work_of(pass, tasks).await?.is_empty() {
            return Ok(());
        }
        if !self.is_as_known(pass, &state).await? {
            return Ok(());
        }
        self.settle_for(pass, tasks).await?;
        // Settling may have done some of it.
        let work = self.work_of(pass, tasks).await?;
        if work.is_empty() {
            return Ok(());
        }
        self.read_returned(pass, &work).await?;
        let page = self.page(pass, work, state.collections).await?;
        self.push_page(pass, page).await?;
        Ok(())
    }

    /// What of these tasks is to be carried to the account.
    pub(crate) async fn work_of<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        tasks: &[TaskId],
    ) -> Result<Vec<Work>, Stop> {
        let mut wanted = Vec::new();
        if pass.account.direction == Direction::FromRemote {
            return Ok(wanted);
        }
        let asked: BTreeSet<&TaskId> = tasks.iter().collect();
        let account = &pass.account.id;
        let mut after = 0;
        while wanted.len() < asked.len() {
            let now = self.clock.now();
            let work = self.store.pending_work(account, after, PAGE, now).await?;
            let Some(last) = work.last() else {
                break;
            };
            after = last.place;
            let asked_for = |work: &Work| {
                asked.contains(&work.task) && !pass.refused.contains(&work.generation)
            };
            wanted.extend(work.into_iter().filter(asked_for));
        }
        Ok(wanted)
    }

    /// Whether the server that answers is the one that the account's pairs belong to (S5). Another
    /// one is met by a whole round, which asks a person.
    pub(crate) async fn is_as_known<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        state: &AccountState,
    ) -> Result<bool, Stop> {
        if pass.recognised {
            return Ok(true);
        }
        let ask = async |connector: &mut C| connector.identity().await;
        let identity = self.call(pass, ask).await??;
        if state.identity.as_ref() == Some(&identity) {
            pass.recognised = true;
            return Ok(true);
        }
        let tally = self.store.tally(&pass.account.id, self.clock.now()).await?;
        let pairs = tally.alive.values().sum();
        if pairs == 0 {
            return Ok(false);
        }
        pass.recognised = self.is_at_another_place(pass, state, pairs).await?;
        match pass.recognised {
            true => Ok(true),
            false => Err(Stop::Trouble(Trouble::NeedsYou(Need::NewServer { pairs }))),
        }
    }

    /// Whether it is the same service at another place, such as a directory that was moved. Only a
    /// look tells; nothing else is taken from it, and the next round remembers the place.
    async fn is_at_another_place<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        state: &AccountState,
        pairs: usize,
    ) -> Result<bool, Stop> {
        let (Some(known), Some(cursor)) = (&state.identity, &state.cursor) else {
            return Ok(false);
        };
        let look = async |connector: &mut C| connector.observe(Some(cursor), Look::Changes).await;
        match self.call(pass, look).await? {
            Ok(seen) if answers_as(&seen, known) && seen.went_back => {
                Err(Stop::Trouble(Trouble::NeedsYou(Need::OlderState { pairs })))
            }
            Ok(seen) => Ok(answers_as(&seen, known)),
            Err(ConnectorError::CursorInvalid) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads the item that is asked for, or that of the hub task. What was refused of a task that a
    /// person asks for is tried again.
    async fn read_start<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        start: &Start,
    ) -> Result<Option<TaskId>, Stop> {
        match start {
            Start::Item(_, item) => self.read_item(pass, item).await,
            Start::Task(task) => {
                self.try_again(pass, *task).await?;
                self.read_task(pass, *task).await
            }
        }
    }
}

/// Whether the hub knows the account well enough to go by single items: not before the first
/// meeting, nor where it has forgotten how far it had come (I9).
pub(crate) fn is_current(state: &AccountState) -> bool {
    state.joined && state.cursor.is_some()
}
