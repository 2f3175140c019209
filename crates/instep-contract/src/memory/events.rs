//! What waits to be looked at, and what was told already.

use std::collections::BTreeMap;
use std::time::Duration;

use instep_model::{AccountId, RemoteId, Timestamp};

use super::state::State;
use crate::{Delivery, Event};

/// How long a delivery is known again.
const KNOWN_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Everything that was told and is not over.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Told {
    /// By account and item: its place in the queue, and the event.
    events: BTreeMap<(AccountId, Option<RemoteId>), (u64, Event)>,
    /// When each delivery came.
    known: BTreeMap<(AccountId, String), Timestamp>,
}

impl State {
    pub(super) fn accept(&mut self, deliveries: &[Delivery], now: Timestamp) -> usize {
        let mut news = 0;
        for delivery in deliveries {
            let account = self.accounts.get(&delivery.account);
            if account.is_none_or(|known| known.dormant_since.is_some()) {
                continue;
            }
            if let Some(id) = &delivery.id {
                let key = (delivery.account.clone(), id.clone());
                let since = now.checked_sub(KNOWN_FOR).unwrap_or(Timestamp::MIN);
                // One from the future was stored before the clock was set back.
                let counts = |at: &Timestamp| since < *at && *at <= now;
                if self.told.known.get(&key).is_some_and(counts) {
                    continue;
                }
                self.told.known.insert(key, now);
            }
            news += 1;
            self.note(delivery, now);
        }
        news
    }

    fn note(&mut self, delivery: &Delivery, now: Timestamp) {
        let whole = delivery.items.is_empty().then_some(None);
        let items = delivery.items.iter().cloned().map(Some);
        for item in whole.into_iter().chain(items) {
            self.tick += 1;
            let event = Event {
                account: delivery.account.clone(),
                item: item.clone(),
                generation: self.tick,
                at: now,
            };
            let key = (delivery.account.clone(), item);
            let known = self.told.events.entry(key).or_insert((self.tick, event));
            known.1.generation = self.tick;
        }
    }

    pub(super) fn events(&self, account: &AccountId, limit: usize) -> Vec<Event> {
        let events = self.told.events.values();
        let mut events: Vec<_> = events.filter(|(_, one)| one.account == *account).collect();
        events.sort_by_key(|(place, _)| *place);
        let events = events.into_iter().take(limit);
        events.map(|(_, event)| event.clone()).collect()
    }

    /// Forgets everything that was told about an account.
    pub(super) fn forget_events(&mut self, account: &AccountId) {
        self.told.events.retain(|(of, _), _| of != account);
        self.told.known.retain(|(of, _), _| of != account);
    }

    pub(super) fn finish_events(&mut self, events: &[Event]) {
        for event in events {
            let key = (event.account.clone(), event.item.clone());
            let known = self.told.events.get(&key);
            if known.is_some_and(|(_, known)| known.generation == event.generation) {
                self.told.events.remove(&key);
            }
        }
    }
}
