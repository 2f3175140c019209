//! The one door to a service: every call that goes to one from here passes it. It repeats what a
//! busy service refused, and it is the place to ask whether a call may be made at all. Nothing here
//! knows what a call is for.

use instep_contract::{Connector, ConnectorError, Store};
use instep_model::{RemoteId, RemoteTask};

use crate::round::{Engine, Pass, Stop};
use crate::{Clock, Rng};

/// How often a busy service is asked again within one step.
const MOST_BUSY_TRIES: usize = 8;

/// What came of a call that was made.
pub(crate) type Called<T> = Result<T, ConnectorError>;

/// The repeats that one step has left.
pub(crate) struct Tries {
    left: usize,
}

impl Tries {
    /// For what a service refuses while it is busy.
    pub(crate) fn while_busy() -> Self {
        Self {
            left: MOST_BUSY_TRIES,
        }
    }

    /// At most this many repeats.
    pub(crate) fn of(most: usize) -> Self {
        Self { left: most }
    }
}

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Calls the service until it is no longer busy with another writer. `Err` where no call may be
    /// made, so that nothing was sent.
    pub(crate) async fn call<C: Connector, T>(
        &self,
        pass: &mut Pass<'_, C>,
        mut action: impl AsyncFnMut(&mut C) -> Called<T>,
    ) -> Result<Called<T>, Stop> {
        let mut tries = Tries::while_busy();
        loop {
            match self.attempt(pass, &mut action).await? {
                Err(error) if error.asks_for_repeat() && self.may_repeat(&mut tries).await => {}
                outcome => return Ok(outcome),
            }
        }
    }

    /// Makes one call. `Err` where none may be made.
    pub(crate) async fn attempt<C: Connector, T>(
        &self,
        pass: &mut Pass<'_, C>,
        mut action: impl AsyncFnMut(&mut C) -> Called<T>,
    ) -> Result<Called<T>, Stop> {
        Ok(action(pass.connector).await)
    }

    /// Whether a call that failed may be made once more; waits a moment before it may.
    pub(crate) async fn may_repeat(&self, tries: &mut Tries) -> bool {
        if tries.left == 0 {
            return false;
        }
        tries.left -= 1;
        let pause = instep_sync::busy_pause(self.rng.next_u64());
        self.clock.sleep(pause).await;
        true
    }

    /// Asks the service for these items by their ids.
    pub(crate) async fn read<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        ids: &[RemoteId],
    ) -> Result<Vec<Option<RemoteTask>>, Stop> {
        let found = self.call(pass, async |connector: &mut C| connector.read(ids).await);
        Ok(found.await??)
    }
}
