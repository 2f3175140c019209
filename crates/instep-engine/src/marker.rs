//! Markers: the ids of an account's items that another service keeps on its own (S26).
//!
//! What they say is weighed here and decided on in `instep-sync`; none is ever written here.

use std::collections::{BTreeMap, BTreeSet};

use instep_contract::{Connector, Store};
use instep_model::{AccountId, Hint, MappingState, RemoteId, RemoteTask, Task, TaskId};

use crate::pass::Pass;
use crate::round::Engine;
use crate::sight::Sight;
use crate::stop::Stop;
use crate::{Clock, Rng};

/// Pairs that are read together.
const CHUNK: usize = 500;

/// What markers say of tasks that have no item in an account.
#[derive(Default)]
pub(crate) struct Markers {
    /// The items they name, where these are nobody's.
    pub(crate) named: BTreeMap<TaskId, RemoteId>,
    /// How many more of the other markers are known to be right than wrong.
    pub(crate) vouched: usize,
    /// Tasks whose marker was not believed before: they wait for review.
    pub(crate) held: BTreeSet<TaskId>,
}

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// The marker of `account`, where it has one.
    pub(crate) fn marker_of(&self, account: &AccountId) -> Option<&str> {
        self.peers
            .iter()
            .find(|peer| peer.account == *account)?
            .marker
            .as_deref()
    }

    /// Accounts whose items carry markers, if `account` is worth marking.
    pub(crate) fn marker_holders(&self, account: &AccountId) -> Vec<AccountId> {
        if self.marker_of(account).is_none() {
            return Vec::new();
        }
        let holders = self.peers.iter().filter(|peer| peer.holds_markers);
        holders
            .map(|peer| peer.account.clone())
            .filter(|id| id != account)
            .collect()
    }

    /// The markers on a remote item; `None` where the service has none and so says nothing.
    pub(crate) fn hints_from<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        task: TaskId,
        remote: &RemoteTask,
    ) -> Option<Vec<Hint>> {
        let hint = |(marker, id): (&String, &String)| Hint {
            task,
            marker: marker.clone(),
            remote: RemoteId::new(id.clone()),
        };
        pass.capabilities
            .markers
            .then(|| remote.markers.iter().map(hint).collect())
    }

    /// What markers say of a task beside the one that names its item in this account.
    pub(crate) async fn other_hints<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        task: TaskId,
    ) -> Result<Vec<Hint>, Stop> {
        let mut others = Vec::new();
        for account in self.others(&pass.account.id) {
            if let Some(marker) = self.marker_of(&account) {
                let hints = self.store.hints(marker).await?;
                others.extend(hints.into_iter().filter(|hint| hint.task == task));
            }
        }
        Ok(others)
    }

    /// What markers say of tasks that have no item here.
    pub(crate) async fn markers<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        seen: &Sight,
        hub: &[Task],
    ) -> Result<Markers, Stop> {
        let account = &pass.account.id;
        let Some(marker) = self.marker_of(account) else {
            return Ok(Markers::default());
        };
        let hints = self.store.hints(marker).await?;
        let ids: Vec<RemoteId> = hints.iter().map(|hint| hint.remote.clone()).collect();
        let taken = self.store.mappings_by_remote(account, &ids).await?;
        let taken: BTreeSet<RemoteId> = taken.into_iter().filter_map(|pair| pair.remote).collect();
        // A marker of an item that is somebody's already came with a copy: it says nothing (S26).
        let named: BTreeMap<TaskId, RemoteId> = hints
            .into_iter()
            .filter(|hint| !taken.contains(&hint.remote))
            .map(|hint| (hint.task, hint.remote))
            .collect();
        // An older hub was put back: it has not seen what it made since, but its pairs show whose
        // markers these are.
        let is_older = seen.state.joined && seen.state.cursor.is_none();
        if named.is_empty() || !is_older {
            let markers = Markers {
                named,
                ..Markers::default()
            };
            return Ok(markers);
        }
        let ids: Vec<TaskId> = hub.iter().map(|task| task.id).collect();
        let known = self.store.mappings_by_task(account, &ids).await?;
        let held = known
            .into_iter()
            .filter(|pair| pair.state == MappingState::Held);
        Ok(Markers {
            named,
            vouched: self.vouched(account, marker).await?,
            held: held.map(|pair| pair.task).collect(),
        })
    }

    /// How many more pairs of the account bear its marker rightly than wrongly.
    async fn vouched(&self, account: &AccountId, marker: &str) -> Result<usize, Stop> {
        let paired: Vec<(RemoteId, TaskId)> = self.store.paired(account).await?;
        let (mut right, mut wrong) = (0usize, 0usize);
        for holder in self.marker_holders(account) {
            for pairs in paired.chunks(CHUNK) {
                let ids: Vec<TaskId> = pairs.iter().map(|(_, task)| *task).collect();
                let marked = self.store.mappings_by_task(&holder, &ids).await?;
                let named: BTreeMap<TaskId, &str> = marked
                    .iter()
                    .filter_map(|pair| Some((pair.task, pair.base.markers.get(marker)?.as_str())))
                    .collect();
                for (remote, task) in pairs {
                    match named.get(task) {
                        Some(id) if *id == remote.as_str() => right += 1,
                        Some(_) => wrong += 1,
                        None => {}
                    }
                }
            }
        }
        Ok(right.saturating_sub(wrong))
    }
}
