//! Items that are read by their ids, and taken into the hub as they are found. Why these are read is
//! not known here; a look at the whole account is another matter (`look.rs`).

use std::collections::BTreeMap;

use instep_contract::{AccountState, Connector, Store, Work};
use instep_model::{Ids, Mapping, RemoteId, RemoteTask, TaskId, Trouble};

use crate::pass::Pass;
use crate::round::Engine;
use crate::sight::Sight;
use crate::single::is_current;
use crate::stop::Stop;
use crate::{Clock, Rng};

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Reads the item of a hub task, where the account has one or would know it by our id.
    pub(crate) async fn read_task<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
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

    pub(crate) async fn read_item<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        item: &RemoteId,
    ) -> Result<Option<TaskId>, Stop> {
        let state = self.store.account_state(&pass.account.id).await?;
        let items = std::slice::from_ref(item);
        let met = self.read_items(pass, &state, items).await?;
        Ok(met.into_iter().next())
    }

    /// Reads the items whose notes are to be changed or taken away. A note is written by its id
    /// alone, so that nothing would refuse to write over what a person changed in it (S17). Answers
    /// whether there were any.
    pub(crate) async fn read_reworded<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        state: &AccountState,
        due: &[Work],
    ) -> Result<bool, Stop> {
        let ids: Vec<TaskId> = due.iter().map(|work| work.task).collect();
        let pairs = self.store.mappings_by_task(&pass.account.id, &ids).await?;
        let has_notes = |pair: &&Mapping| !pair.base.fields.annotations().is_empty();
        let noted: BTreeMap<TaskId, Mapping> = pairs
            .into_iter()
            .filter(|pair| has_notes(&pair) && pair.gone.is_none())
            .map(|pair| (pair.task, pair))
            .collect();
        if noted.is_empty() {
            return Ok(false);
        }
        let ids: Vec<TaskId> = noted.keys().copied().collect();
        let tasks = self.store.tasks(&ids).await?;
        let reworded = tasks.iter().filter_map(|task| {
            let (pair, now) = (&noted[&task.id], task.fields.annotations());
            let before = pair.base.fields.annotations();
            let moved = before.iter().any(|(id, note)| now.get(id) != Some(note));
            pair.remote.clone().filter(|_| moved)
        });
        let reworded: Vec<RemoteId> = reworded.collect();
        if !reworded.is_empty() {
            self.read_items(pass, state, &reworded).await?;
            pass.looked = false;
        }
        Ok(!reworded.is_empty())
    }

    /// Reads these items now and takes what they show into the hub; answers the tasks that they are.
    pub(crate) async fn read_items<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        state: &AccountState,
        items: &[RemoteId],
    ) -> Result<Vec<TaskId>, Stop> {
        let Some(identity) = state.identity.clone().filter(|_| is_current(state)) else {
            return Ok(Vec::new());
        };
        if !self.is_as_known(pass, state).await? {
            return Ok(Vec::new());
        }
        let doubts = self.settle_doubts(pass).await?;
        self.look_again_at(pass, items).await?;
        let found = self.read_what_may(pass, items).await?;
        pass.looked = true;
        let mut known = self.by_remote(pass, items).await?;
        let (mut paired, mut ended, mut losses) = (Vec::new(), Vec::new(), Vec::new());
        let (mut unknown, mut met) = (Vec::new(), Vec::new());
        for (item, found) in found {
            let pair = known.remove(item);
            met.extend(pair.as_ref().map(|pair| pair.task));
            match (found, pair) {
                (Some(remote), Some(pair)) if pair.is_of(remote.born) => {
                    paired.push((pair.task, remote));
                }
                (Some(remote), pair) => {
                    ended.extend(pair);
                    unknown.push(remote);
                }
                (None, Some(pair)) if pair.gone.is_none() => {
                    losses.push(self.not_found(pair.task));
                }
                (None, _) => {}
            }
        }
        self.end_pairs(pass, &ended).await?;
        self.take_losses(pass, &losses).await?;
        if !paired.is_empty() {
            self.merge_chunk(pass, &paired, state.last_pass_at).await?;
        }
        if unknown.is_empty() {
            return Ok(met);
        }
        let mut seen = Sight {
            state: state.clone(),
            identity,
            trust: instep_sync::Trust::Unknown,
            complete: false,
            in_doubt: doubts > 0,
            reviews: Vec::new(),
        };
        let new: Vec<RemoteId> = unknown.iter().map(|remote| remote.id.clone()).collect();
        self.meet(pass, &mut seen, unknown).await?;
        let pairs = self.by_remote(pass, &new).await?;
        met.extend(pairs.into_values().map(|pair| pair.task));
        if doubts > 0 {
            // What is unknown may be our own, its answer lost: it is met once that is known (S15).
            return Err(Stop::Trouble(Trouble::InDoubt { count: doubts }));
        }
        Ok(met)
    }

    /// Reads these items. One that the service refuses to show is left out: it may be anybody's, and
    /// says nothing of the others.
    async fn read_what_may<'i, C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        items: &'i [RemoteId],
    ) -> Result<Vec<(&'i RemoteId, Option<RemoteTask>)>, Stop> {
        pass.touched.extend(items.iter().cloned());
        let all = async |connector: &mut C| connector.read(items).await;
        match self.call(pass, all).await? {
            Ok(found) => return Ok(items.iter().zip(found).collect()),
            Err(error) if error.is_about_item() => {}
            Err(error) => return Err(error.into()),
        }
        let mut read = Vec::new();
        for item in items {
            let one = std::slice::from_ref(item);
            let found = self.call(pass, async |connector: &mut C| connector.read(one).await);
            match found.await? {
                Ok(found) => read.extend(found.into_iter().map(|found| (item, found))),
                Err(error) if error.is_about_item() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(read)
    }

    async fn by_remote<C>(
        &self,
        pass: &Pass<'_, C>,
        items: &[RemoteId],
    ) -> Result<BTreeMap<RemoteId, Mapping>, Stop> {
        let account = &pass.account.id;
        let pairs = self.store.mappings_by_remote(account, items).await?;
        let named = pairs.into_iter().filter_map(|pair| {
            let remote = pair.remote.clone()?;
            Some((remote, pair))
        });
        Ok(named.collect())
    }
}
