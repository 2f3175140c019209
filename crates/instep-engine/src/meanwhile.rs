//! What does not wait for a long step to end: items of which something was told, and work that became
//! due since the step began, are carried between any two of its calls, so that a sweep never delays
//! a hook (S11). What was due before is the step's own, and is never hurried here.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use instep_contract::{
    AccountState, Connector, ConnectorError, Cursor, Event, Look, Observation, Store,
};
use instep_model::{Collection, RemoteId, Timestamp, Trouble};
use instep_sync::Trust;

use crate::door::{Called, Door};
use crate::pass::Pass;
use crate::push::PAGE;
use crate::report::AccountReport;
use crate::round::Engine;
use crate::stop::Stop;
use crate::{Clock, Rng};

/// How often a long step asks whether anything waits.
const EVERY: Duration = Duration::from_millis(20);

/// How long nothing is carried beside a look after that has failed.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// Items and tasks that are taken at a time.
const MOST: usize = 100;

/// How far a long step has come with what waits beside it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Newer {
    /// Work after this place became due since.
    after: u64,
    asked_at: Timestamp,
    /// Whether the step has made way for what waits.
    made_way: bool,
}

/// What a look says nothing of, because it was touched while the look went on.
#[derive(Default)]
pub(crate) struct Touched {
    pub(crate) items: BTreeSet<RemoteId>,
    /// Writes of unknown outcome that are open after the look.
    pub(crate) doubts: usize,
}

/// What a look found, and of whom.
pub(crate) struct Found {
    pub(crate) observation: Observation,
    pub(crate) state: AccountState,
    pub(crate) trust: Trust,
    pub(crate) touched: Touched,
}

impl<'a, C: Connector> Pass<'a, C> {
    /// The same pass through another connector. What it has come to goes along, and is to be
    /// [taken back](Self::take_back_from).
    fn lend<'s>(&mut self, connector: &'s mut C) -> Pass<'s, C>
    where
        'a: 's,
    {
        let report = AccountReport::new(self.account.id.clone());
        Pass {
            account: self.account,
            capabilities: self.capabilities.clone(),
            calls_before: connector.calls(),
            door: Door::new(self.account.id.clone(), connector),
            connector,
            services: Arc::clone(&self.services),
            lease: self.lease.clone(),
            tenure: self.tenure,
            options: self.options,
            calls_beside: self.calls_beside,
            report: std::mem::replace(&mut self.report, report),
            changes: std::mem::take(&mut self.changes),
            made: std::mem::take(&mut self.made),
            contested: std::mem::take(&mut self.contested),
            refused: std::mem::take(&mut self.refused),
            touched: BTreeSet::new(),
            newer: None,
            looked: false,
            wrote: self.wrote,
            stirred: self.stirred,
            needs: None,
            recognised: self.recognised,
            older: None,
            takes_older: false,
            known_trouble: None,
        }
    }

    /// Takes back what a pass [lent](Self::lend) to another connector has come to.
    fn take_back_from(&mut self, lent: Pass<'_, C>) {
        self.calls_beside = lent.calls_beside + lent.connector.calls() - lent.calls_before;
        self.report = lent.report;
        self.changes = lent.changes;
        self.made = lent.made;
        self.contested = lent.contested;
        self.refused = lent.refused;
        self.touched = lent.touched;
        self.wrote = lent.wrote;
        self.stirred = lent.stirred;
    }
}

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// From here on, what is told of single items and what becomes due is news to a push.
    pub(crate) async fn newer_from_here<C>(&self, pass: &Pass<'_, C>) -> Result<Newer, Stop> {
        Ok(Newer {
            after: self.store.last_place(&pass.account.id).await?,
            asked_at: self.clock.now(),
            made_way: false,
        })
    }

    /// Whether the push that is under way has to make way: something waits that is newer than it. Not
    /// asked before every call, since an answer takes about as long as a short one.
    pub(crate) async fn makes_way<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
    ) -> Result<bool, Stop> {
        let now = self.clock.now();
        let Some(mut newer) = pass.newer else {
            return Ok(false);
        };
        let since = Duration::try_from(now.duration_since(newer.asked_at)).unwrap_or(EVERY);
        if newer.made_way || since < EVERY {
            return Ok(newer.made_way);
        }
        newer.asked_at = now;
        newer.made_way = self.is_anything_newer(pass, newer.after).await?;
        pass.newer = Some(newer);
        Ok(newer.made_way)
    }

    async fn is_anything_newer<C>(&self, pass: &Pass<'_, C>, after: u64) -> Result<bool, Stop> {
        let (account, now) = (&pass.account.id, self.clock.now());
        let work = self.store.pending_work(account, after, 1, now).await?;
        Ok(!work.is_empty() || !self.told(pass, &pass.touched).await?.is_empty())
    }

    /// What was told of single items but these.
    async fn told<C>(
        &self,
        pass: &Pass<'_, C>,
        but: &BTreeSet<RemoteId>,
    ) -> Result<Vec<Event>, Stop> {
        let mut told = self.store.events(&pass.account.id, MOST).await?;
        told.retain(|event| event.item.as_ref().is_some_and(|item| !but.contains(item)));
        Ok(told)
    }

    /// Reads what was `told` of single items, and carries what became due after this place. Answers
    /// up to which place that was.
    async fn carry_newer<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        told: &[Event],
        after: u64,
    ) -> Result<u64, Stop> {
        let state = self.store.account_state(&pass.account.id).await?;
        let looked = pass.looked;
        if !told.is_empty() {
            let items: Vec<RemoteId> = told.iter().filter_map(|one| one.item.clone()).collect();
            self.read_items(pass, &state, &items).await?;
            self.put_back_lost(pass, &items).await?;
            // Of all others it says nothing.
            pass.looked = looked;
            self.store.finish_events(told).await?;
        }
        let (account, now) = (&pass.account.id, self.clock.now());
        let work = self.store.pending_work(account, after, MOST, now).await?;
        let Some(last) = work.last() else {
            return Ok(after);
        };
        let last = last.place;
        if !pass.connector.ready_in().is_zero() || !self.is_as_known(pass, &state).await? {
            return Ok(last);
        }
        // While a create is in doubt none is sent (S14).
        let count = self.settle_doubts(pass).await?;
        if count > 0 {
            return Err(Stop::Trouble(Trouble::InDoubt { count }));
        }
        self.read_reworded(pass, &state, &work).await?;
        pass.looked = looked;
        self.push_work(pass, work, None).await?;
        Ok(last)
    }

    /// Carries what waits beside a look; answers whether there was anything.
    async fn carry_beside<C: Connector>(
        &self,
        aside: &mut Pass<'_, C>,
        after: &mut u64,
    ) -> Result<bool, Stop> {
        let told = self.told(aside, &BTreeSet::new()).await?;
        let (account, now) = (&aside.account.id, self.clock.now());
        let work = self.store.pending_work(account, *after, 1, now);
        if told.is_empty() && work.await?.is_empty() {
            return Ok(false);
        }
        *after = self.carry_newer(aside, &told, *after).await?;
        Ok(true)
    }

    /// Lets what waits go first, where a push has made way for it; answers whether it has. What was
    /// told of items that the push itself touched is mostly an echo, and waits for its end.
    pub(crate) async fn let_pass<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
    ) -> Result<bool, Stop> {
        let Some(newer) = pass.newer.take_if(|newer| newer.made_way) else {
            return Ok(false);
        };
        let told = self.told(pass, &pass.touched).await?;
        pass.newer = Some(Newer {
            after: self.carry_newer(pass, &told, newer.after).await?,
            asked_at: self.clock.now(),
            made_way: false,
        });
        Ok(true)
    }

    /// Looks while what waits is carried beside the look, and leaves out what was touched by that.
    pub(crate) async fn ask_meanwhile<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        state: AccountState,
        (look, touched): (Look, Touched),
    ) -> Result<Found, Stop> {
        let looked = self.look_meanwhile(pass, state.cursor.as_ref(), look);
        let (outcome, items) = looked.await?;
        let (mut observation, items) = match outcome {
            Err(ConnectorError::CursorInvalid) => {
                // What was done beside the first look is older than this one.
                let everything = self.ask(pass, None, Look::Everything).await?;
                (everything, items.map(|_| BTreeSet::new()))
            }
            outcome => (outcome?, items),
        };
        let (touched, state) = match items {
            None => (touched, state),
            Some(items) => {
                let told = (items, &state);
                self.without_touched(pass, told, &mut observation).await?
            }
        };
        Ok(Found {
            observation,
            state,
            trust: Trust::Unknown,
            touched,
        })
    }

    /// Looks, and carries what waits while the look goes on, through a second connector under the same
    /// lease. Answers what was touched by that beside what was found, if anything was done.
    async fn look_meanwhile<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        cursor: Option<&Cursor>,
        look: Look,
    ) -> Result<(Called<Observation>, Option<BTreeSet<RemoteId>>), Stop> {
        pass.touched.clear();
        let observe = async |connector: &mut C| connector.observe(cursor, look).await;
        // What is compared with the last look must not be written while one goes on.
        let second = match pass.connector.compares() {
            true => None,
            false => pass.connector.beside(),
        };
        let Some(mut second) = second else {
            return Ok((self.call(pass, observe).await?, None));
        };
        let mut after = self.store.last_place(&pass.account.id).await?;
        let mut aside = pass.lend(&mut second);
        let mut did = false;
        let outcome = {
            let mut look = pin!(self.call(pass, observe));
            let mut wait = EVERY;
            loop {
                let moment = pin!(self.clock.sleep(wait));
                if let Either::Left((outcome, _)) = select(look.as_mut(), moment).await {
                    break outcome;
                }
                let carry = pin!(self.carry_beside(&mut aside, &mut after));
                // What has begun is not left half done.
                let (ended, carried) = match select(look.as_mut(), carry).await {
                    Either::Left((outcome, carry)) => (Some(outcome), carry.await),
                    Either::Right((carried, _)) => (None, carried),
                };
                did |= !matches!(carried, Ok(false));
                // Whatever failed, the look will meet it too, and say so.
                wait = if carried.is_ok() {
                    EVERY
                } else {
                    AFTER_FAILURE
                };
                if let Some(outcome) = ended {
                    break outcome;
                }
            }
        };
        pass.take_back_from(aside);
        Ok((outcome?, did.then(|| std::mem::take(&mut pass.touched))))
    }

    /// Takes out of what a look found all that may be older than what was done meanwhile; answers
    /// which items those are, and where the account stands by now.
    async fn without_touched<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        (touched, before): (BTreeSet<RemoteId>, &AccountState),
        seen: &mut Observation,
    ) -> Result<(Touched, AccountState), Stop> {
        // What became of a write whose answer was lost is known before anything is met.
        pass.touched = touched;
        let doubts = self.settle_doubts(pass).await?;
        let items = std::mem::take(&mut pass.touched);
        self.check_gone(pass, &items, seen).await?;
        seen.tasks.retain(|task| !items.contains(&task.id));
        seen.gone.retain(|gone| !items.contains(&gone.id));
        let state = self.store.account_state(&pass.account.id).await?;
        if let Some(collections) = &mut seen.collections {
            let has = |known: &[Collection], made: &Collection| {
                known.iter().any(|known| known.id == made.id)
            };
            let mut made = state.collections.clone();
            made.retain(|made| !has(&before.collections, made) && !has(collections, made));
            collections.extend(made);
        }
        Ok((Touched { items, doubts }, state))
    }

    /// What was touched stood there while the look went on. A look that lacks it although it stands
    /// there still says nothing of what else it lacks (I6).
    async fn check_gone<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        touched: &BTreeSet<RemoteId>,
        seen: &Observation,
    ) -> Result<(), Stop> {
        let gone = seen.gone.iter().map(|gone| &gone.id);
        let lacking: Vec<RemoteId> = gone.filter(|id| touched.contains(*id)).cloned().collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let found = self.read(pass, &lacking).await?;
        let Some(there) = found.into_iter().flatten().next() else {
            return Ok(());
        };
        tracing::warn!(account.id = %pass.account.id, item = %there.id, "a look lacks an item");
        let reason = "what it lists lacks a task that it has; the next sync looks again".to_owned();
        Err(Stop::Trouble(Trouble::Failed { reason }))
    }

    /// Reads what was touched while a look went on, of which that may show an older state.
    pub(crate) async fn read_touched<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        touched: &BTreeSet<RemoteId>,
    ) -> Result<(), Stop> {
        if touched.is_empty() {
            return Ok(());
        }
        let state = self.store.account_state(&pass.account.id).await?;
        let items: Vec<RemoteId> = touched.iter().cloned().collect();
        for items in items.chunks(PAGE) {
            self.read_items(pass, &state, items).await?;
        }
        Ok(())
    }
}
