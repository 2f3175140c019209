//! One task, now: read it where it lives, and carry it to the others (`push`, `pull`).

use std::collections::{BTreeMap, BTreeSet};

use instep_contract::{AccountState, Connector, Store, Work};
use instep_model::{Direction, Evidence, Ids, RemoteId, TaskId};

use crate::gone::Loss;
use crate::look::Seen;
use crate::push::PAGE;
use crate::report::{Need, RoundReport, Trouble};
use crate::round::{Engine, Member, Pass, RoundOptions, Stop};
use crate::{Clock, Rng};

/// What a single-task round begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// This hub task, as it is.
    Task(TaskId),
    /// This item of the member at this position.
    Item(usize, RemoteId),
}

/// The task that was read, and the markers on its item.
struct Met {
    task: TaskId,
    markers: BTreeMap<String, String>,
}

impl Met {
    fn gone(task: TaskId) -> Self {
        let markers = BTreeMap::new();
        Self { task, markers }
    }
}

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Reads one task where it lives and carries it to every other member. Where something is to be
    /// written, the item there is read and merged before (S17). An account that has not met the hub
    /// yet is left out: its first meeting needs a whole round.
    // tidy: long because the order of the steps is what it says
    pub async fn run_single<C: Connector>(
        &self,
        members: &mut [Member<C>],
        start: &Start,
        options: &RoundOptions,
    ) -> RoundReport {
        self.with_leases(members, options, async |passes| {
            let mut changes = Vec::new();
            let mut tasks = Vec::new();
            let mut marked = BTreeMap::new();
            for (at, pass) in passes.iter_mut() {
                let read = match start {
                    Start::Item(member, item) if member == at => self.read_item(pass, item).await,
                    Start::Task(task) => self.read_task(pass, *task).await,
                    Start::Item(..) => Ok(None),
                };
                match read {
                    Ok(None) => {}
                    Ok(Some(met)) => {
                        tasks.push(met.task);
                        marked.extend(met.markers);
                    }
                    Err(stop) => pass.report.trouble = Some(stop.into_trouble()),
                }
                changes.append(&mut pass.changes);
            }
            if let Start::Task(task) = start {
                tasks.push(*task);
            }
            for (at, pass) in passes.iter_mut() {
                let is_read = !matches!(start, Start::Item(member, _) if member != at);
                if is_read || pass.report.trouble.is_some() {
                    continue;
                }
                match self.read_before_writing(pass, &tasks).await {
                    Ok(met) => marked.extend(met.into_iter().flat_map(|met| met.markers)),
                    Err(stop) => pass.report.trouble = Some(stop.into_trouble()),
                }
                changes.append(&mut pass.changes);
            }
            for (_, pass) in passes.iter_mut() {
                if pass.report.trouble.is_some() {
                    continue;
                }
                let pushed = match self.may_be_there(pass, &tasks, &marked).await {
                    Ok(false) => self.push_only(pass, &tasks).await,
                    // Only a whole look can tell who it is.
                    Ok(true) => Ok(()),
                    Err(stop) => Err(stop),
                };
                if let Err(stop) = pushed {
                    pass.report.trouble = Some(stop.into_trouble());
                }
                changes.append(&mut pass.changes);
            }
            changes
        })
        .await
    }

    /// Whether a marker of a task that has no item in this account names one that nobody has: the
    /// hub may have forgotten it, and must not make it again (I9).
    async fn may_be_there<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        tasks: &[TaskId],
        marked: &BTreeMap<String, String>,
    ) -> Result<bool, Stop> {
        let account = &pass.account.id;
        let marker = self.marker_of(account);
        let Some(named) = marker.and_then(|marker| marked.get(marker)) else {
            return Ok(false);
        };
        let named = [RemoteId::new(named.clone())];
        let taken = self.store.mappings_by_remote(account, &named).await?;
        let pairs = self.store.mappings_by_task(account, tasks).await?;
        Ok(taken.is_empty() && pairs.iter().all(|pair| pair.remote.is_none()))
    }

    async fn read_before_writing<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        tasks: &[TaskId],
    ) -> Result<Option<Met>, Stop> {
        let mut met = None;
        if !self.work_of(pass, tasks).await?.is_empty() {
            for task in tasks {
                met = self.read_task(pass, *task).await?.or(met);
            }
        }
        Ok(met)
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
            wanted.extend(work.into_iter().filter(|work| asked.contains(&work.task)));
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
        let connector = &mut *pass.connector;
        let identity = self
            .unless_busy(async || connector.identity().await)
            .await?;
        if state.identity.as_ref() == Some(&identity) {
            pass.recognised = true;
            return Ok(true);
        }
        let tally = self.store.tally(&pass.account.id, self.clock.now()).await?;
        match tally.alive.values().sum() {
            0 => Ok(false),
            pairs => Err(Stop::Trouble(Trouble::NeedsYou(Need::NewServer { pairs }))),
        }
    }

    /// Reads the item of a hub task, where the account has one or would know it by our id.
    async fn read_task<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        task: TaskId,
    ) -> Result<Option<Met>, Stop> {
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
        pass: &mut Pass<'_, C>,
        item: &RemoteId,
    ) -> Result<Option<Met>, Stop> {
        let account = &pass.account.id;
        let state = self.store.account_state(account).await?;
        let Some(identity) = state.identity.clone().filter(|_| is_current(&state)) else {
            return Ok(None);
        };
        if !self.is_as_known(pass, &state).await? {
            return Ok(None);
        }
        let in_doubt = self.settle_doubts(pass).await? > 0;
        let ids = [item.clone()];
        let connector = &mut *pass.connector;
        let found = self
            .unless_busy(async || connector.read(&ids).await)
            .await?;
        pass.looked = true;
        let account = &pass.account.id;
        let known = self
            .store
            .mappings_by_remote(account, &ids)
            .await?
            .into_iter()
            .next();
        match (found.into_iter().next().flatten(), known) {
            (Some(remote), Some(mapping)) => {
                let markers = remote.markers.clone();
                self.merge_chunk(pass, &[(mapping.task, remote)], state.last_pass_at)
                    .await?;
                Ok(Some(Met {
                    task: mapping.task,
                    markers,
                }))
            }
            (Some(remote), None) => {
                let markers = remote.markers.clone();
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
                let task = known.into_iter().next().map(|mapping| mapping.task);
                Ok(task.map(|task| Met { task, markers }))
            }
            (None, Some(mapping)) if mapping.gone.is_none() => {
                let at = self.clock.now();
                let loss = Loss {
                    task: mapping.task,
                    evidence: Evidence::NotFound,
                    at,
                };
                self.take_losses(pass, &[loss]).await?;
                Ok(Some(Met::gone(mapping.task)))
            }
            (None, known) => Ok(known.map(|mapping| Met::gone(mapping.task))),
        }
    }
}

/// Whether the hub knows the account well enough to go by single items: not before the first
/// meeting, nor where it has forgotten how far it had come (I9).
pub(crate) fn is_current(state: &AccountState) -> bool {
    state.joined && state.cursor.is_some()
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
