//! Calls that are no part of a pass, such as those that look after webhooks, through the same door as
//! all others (S33). What they are for is not known here.

use instep_contract::{Connector, Store};
use instep_model::{AccountId, Trouble};

use crate::door::{Answer, Called, Counted, Door, Tries};
use crate::round::Engine;
use crate::{Clock, Rng};

/// The way to one account's service, for calls that somebody else makes.
#[derive(Debug)]
pub struct Gate {
    door: Door,
}

/// An answer of which only whether there was one counts.
struct Whole<T>(T);

impl<T> Answer for Whole<T> {}

impl Gate {
    /// The way to this account's service by way of this connector.
    pub fn new<C: Connector>(account: AccountId, connector: &C) -> Self {
        Self {
            door: Door::new(account, connector),
        }
    }
}

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Makes one call, again while the service is busy with another writer. What comes of it counts
    /// for the breaker and the rate as that of any other call does. The connector's own answer is
    /// handed on as it is.
    ///
    /// # Errors
    /// Why no call may be made now; nothing was sent then.
    pub async fn call_through<C: Connector, T>(
        &self,
        gate: &mut Gate,
        connector: &mut C,
        mut action: impl AsyncFnMut(&mut C) -> Called<T>,
    ) -> Result<Called<T>, Trouble> {
        let door = &mut gate.door;
        let mut tries = Tries::while_busy();
        loop {
            let entered = Box::pin(self.enter(door, connector)).await;
            entered.map_err(crate::stop::Stop::into_trouble)?;
            let counted = Counted::Unless(!tries.are_over());
            let ask = async |connector: &mut C| action(connector).await.map(Whole);
            match Box::pin(self.pass_through(door, connector, counted, ask)).await {
                Err(error) if error.asks_for_repeat() && self.may_repeat(&mut tries).await => {}
                outcome => return Ok(outcome.map(|Whole(answer)| answer)),
            }
        }
    }
}
