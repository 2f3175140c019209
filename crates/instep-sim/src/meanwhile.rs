//! A person acts while the server is looked at, and that is told at once: it is carried beside the
//! look, by a turn of the account that it happened in, or by the one that looks (S11).

use std::collections::BTreeMap;
use std::pin::pin;

use instep_contract::{Delivery, Store};
use instep_engine::Begin;
use instep_model::{RemoteId, RemoteTask};

use crate::executor::poll;
use crate::ledger::Place;
use crate::schedule::Deed;
use crate::stage::{Breach, Plan, Stage};
use crate::world::SERVER;

impl Stage {
    /// A round whose look at the server stands still while somebody acts and is told of.
    pub(crate) fn meanwhile(
        &mut self,
        look: Plan,
        (place, deed, pick): (Place, Deed, u64),
        salt: u64,
    ) -> Result<(), Breach> {
        self.world.reseed(salt);
        self.ledger.round_began = self.ledger.clock;
        let mut outcome = Ok(());
        let report = self.round(look, |stage| {
            outcome = stage.settle();
            let before = stage.items_of(place);
            stage.act(place, deed, pick);
            stage.tell_of(place, &before);
            let told = stage.settle();
            outcome = outcome.clone().and(told);
        });
        outcome?;
        self.settle()?;
        self.after(report.as_ref(), true);
        self.ledger.in_step = None;
        Ok(())
    }

    fn items_of(&self, place: Place) -> BTreeMap<RemoteId, RemoteTask> {
        let tasks = match place {
            Place::Hub => Vec::new(),
            Place::Remote(remote) => self.remotes[remote].tasks(),
        };
        tasks
            .into_iter()
            .map(|task| (task.id.clone(), task))
            .collect()
    }

    /// Tells of what moved in a place since `before`, as a webhook or a hook would.
    fn tell_of(&mut self, place: Place, before: &BTreeMap<RemoteId, RemoteTask>) {
        let Place::Remote(remote) = place else {
            return;
        };
        let now = self.items_of(place);
        let ids = before.keys().chain(now.keys());
        let moved = ids.filter(|id| before.get(*id) != now.get(*id));
        let mut moved: Vec<RemoteId> = moved.cloned().collect();
        moved.sort();
        moved.dedup();
        if moved.is_empty() {
            return;
        }
        if remote != SERVER {
            self.turn(remote, &Begin::Items(moved));
            return;
        }
        let delivery = Delivery {
            account: self.accounts[remote].id.clone(),
            id: None,
            items: moved,
        };
        // What is about an account that is not known yet is dropped.
        let (deliveries, now) = ([delivery], self.world.now());
        let accepted = poll(pin!(self.store.accept(&deliveries, now)));
        debug_assert!(matches!(accepted, Some(Ok(_))));
    }
}
