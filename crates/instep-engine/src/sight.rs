//! What the parts of one look share; it decides nothing and stores nothing.

use instep_contract::AccountState;
use instep_model::{Identity, Review};
use instep_sync::Trust;

/// What the parts of one look share.
pub(crate) struct Sight {
    pub(crate) state: AccountState,
    pub(crate) identity: Identity,
    pub(crate) trust: Trust,
    pub(crate) complete: bool,
    /// Creates of unknown outcome are open: what is unknown may be our own (S15).
    pub(crate) in_doubt: bool,
    pub(crate) reviews: Vec<Review>,
}
