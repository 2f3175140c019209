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

/// What somebody posted, as it came. Until its signature holds nobody knows who that was.
#[derive(Debug, Clone, Copy)]
pub struct Post<'a> {
    /// The headers, their names in lower case; one that came twice is here twice.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body, byte for byte: that is what is signed.
    pub body: &'a [u8],
}

impl<'a> Post<'a> {
    /// The value of a header that came once. What came twice says nothing.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        let mut all = self.headers.iter().filter(|(known, _)| *known == name);
        match (all.next(), all.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }
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
