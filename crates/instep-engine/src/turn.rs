//! One account's turn by itself: what was told of single items is read, or the account is looked at,
//! and what is due for it is carried. What that makes due elsewhere is for the others' turns.

use instep_contract::{AccountState, Connector, Store};
use instep_model::{RemoteId, Trouble};

use crate::pass::{Pass, Passes};
use crate::push::PAGE;
use crate::report::RoundReport;
use crate::round::{Engine, Member, RoundOptions};
use crate::single::is_current;
use crate::stop::Stop;
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
            let Passes { all, changes } = passes;
            for (_, pass) in all {
                let turn = async |pass: &mut Pass<'_, C>| self.turn(pass, begin).await;
                self.step(pass, changes, turn).await;
            }
        })
        .await
    }

    async fn turn<C: Connector>(&self, pass: &mut Pass<'_, C>, begin: &Begin) -> Result<(), Stop> {
        let state = self.store.account_state(&pass.account.id).await?;
        let calls = pass.connector.calls();
        let trouble = state.trouble.clone();
        self.turn_of(pass, begin, state).await?;
        if pass.connector.calls() > calls && trouble.as_ref().is_some_and(Trouble::is_outage) {
            // What stood in the way before does no longer.
            pass.known_trouble = Some(trouble);
        }
        Ok(())
    }

    async fn turn_of<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        begin: &Begin,
        state: AccountState,
    ) -> Result<(), Stop> {
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
        let mut known = None;
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
            let reworded = self.read_reworded(pass, &state, &due).await?;
            known = (!reworded).then_some(due);
        }
        // Whoever waits meanwhile is not kept waiting: what is due has its own turn then.
        let rest = pass.connector.ready_in();
        if !rest.is_zero() {
            pass.report.rest = Some(rest);
            return Ok(());
        }
        self.push(pass, known).await
    }
}
