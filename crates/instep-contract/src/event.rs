//! What hooks, webhooks and watchers tell: reasons to look at an item, never facts about it.

use instep_model::{AccountId, RemoteId, Timestamp};

/// Something that was told, as it is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Delivery {
    /// The account that it is about.
    pub account: AccountId,
    /// Names it, where the same may be told again: then it counts once in 7 days.
    pub id: Option<String>,
    /// The items to look at; none for the account as a whole.
    pub items: Vec<RemoteId>,
}

/// An item, or a whole account, that waits to be looked at. Told again before that, it is still one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Event {
    /// The account.
    pub account: AccountId,
    /// The item; `None` for the account as a whole.
    pub item: Option<RemoteId>,
    /// Grows each time it is told; it is over only if it has not grown meanwhile.
    pub generation: u64,
    /// When it was told first.
    pub at: Timestamp,
}
