//! One account's turn by itself: what was told of single items is read, or the account is looked at,
//! and what is due for it is carried. What that makes due elsewhere is for the others' turns.

use std::collections::BTreeMap;
use std::time::Duration;

use instep_contract::{AccountState, Connector, Store, Work};
use instep_model::{Mapping, RemoteId, RemoteTask, TaskId, Trouble};

use crate::push::PAGE;
use crate::report::RoundReport;
use crate::round::{Engine, Member, Pass, RoundOptions, Stop};
use crate::sight::Seen;
use crate::single::is_current;
use crate::{Clock, Rng};

/// What a turn begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// Nothing: what is due is carried.
    Work,
    /// These items, read by their ids.
    Items(Vec<RemoteId>),
    /// A look, as closely as the options say.
    Look,
}

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Gives one account its turn. An account that has not met the hub yet is left alone: its first
    /// meeting needs a whole round.
    pub async fn run_turn<C: Connector>(
        &self,
        member: &mut Member<C>,
        begin: &Begin,
        options: &RoundOptions,
    ) -> RoundReport {
        let members = std::slice::from_mut(member);
        self.with_leases(members, options, async |passes| {
            let mut changes = Vec::new();
            for (_, pass) in passes.iter_mut() {
                let began = self.clock.now();
                if let Err(stop) = self.turn(pass, begin).await {
                    pass.report.trouble = Some(stop.into_trouble());
                }
                let took = self.clock.now().duration_since(began);
                pass.report.duration = Duration::try_from(took).unwrap_or_default();
                changes.append(&mut pass.changes);
            }
            changes
        })
        .await
    }

    async fn turn<C: Connector>(&self, pass: &mut Pass<'_, C>, begin: &Begin) -> Result<(), Stop> {
        let state = self.store.account_state(&pass.account.id).await?;
        match begin {
            _ if !state.joined => {
                pass.report.unmet = true;
                return Ok(());
            }
            Begin::Look => self.look(pass, true).await?,
            // An older hub cannot tell what it does not know from what it made since (I9).
            _ if !is_current(&state) => return Err(Stop::Trouble(Trouble::Behind)),
            Begin::Work => {}
            Begin::Items(items) => {
                self.read_items(pass, &state, items).await?;
                self.put_back_lost(pass, items).await?;
                // Of all others nobody knows what became there.
                pass.looked = false;
            }
        }
        if *begin != Begin::Look {
            let now = self.clock.now();
            let account = &pass.account.id;
            let due = self.store.pending_work(account, 0, PAGE, now).await?;
            if due.is_empty() || !self.is_as_known(pass, &state).await? {
                return Ok(());
            }
            // While a create is in doubt none is sent (S14).
            let count = self.settle_doubts(pass).await?;
            if count > 0 {
                return Err(Stop::Trouble(Trouble::InDoubt { count }));
            }
            self.read_reworded(pass, &state, &due).await?;
        }
        // Whoever waits meanwhile is not kept waiting: what is due has its own turn then.
        let rest = pass.connector.ready_in();
        if !rest.is_zero() {
            pass.report.rest = Some(rest);
            return Ok(());
        }
        self.push(pass).await
    }

    /// Reads the items whose notes are to be changed or taken away. A note is written by its id
    /// alone, so that nothing would refuse to write over what a person changed in it (S17).
    pub(crate) async fn read_reworded<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        state: &AccountState,
        due: &[Work],
    ) -> Result<(), Stop> {
        let ids: Vec<TaskId> = due.iter().map(|work| work.task).collect();
        let pairs = self.store.mappings_by_task(&pass.account.id, &ids).await?;
        let has_notes = |pair: &&Mapping| !pair.base.fields.annotations().is_empty();
        let noted: BTreeMap<TaskId, Mapping> = pairs
            .into_iter()
            .filter(|pair| has_notes(&pair) && pair.gone.is_none())
            .map(|pair| (pair.task, pair))
            .collect();
        if noted.is_empty() {
            return Ok(());
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
        Ok(())
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
        let mut seen = Seen {
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
