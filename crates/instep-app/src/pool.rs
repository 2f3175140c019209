//! Connectors between two turns: with them stay the connection, and what is known of who answers. A
//! connector is used by one turn at a time, and nothing is ever asked of it here. Two at work for one
//! account at once each have their own, and the one that comes back last is kept.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use instep_model::AccountId;

use crate::connector::AnyConnector;

/// The connectors that nobody uses at the moment, one for an account.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    idle: Mutex<BTreeMap<AccountId, AnyConnector>>,
}

impl Pool {
    /// The account's connector, where one waits.
    pub(crate) fn take(&self, account: &AccountId) -> Option<AnyConnector> {
        let mut connector = self.lock().remove(account)?;
        connector.begin();
        Some(connector)
    }

    /// Keeps a connector for the next turn.
    pub(crate) fn give_back(&self, account: AccountId, connector: AnyConnector) {
        self.lock().insert(account, connector);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AccountId, AnyConnector>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
