//! From whoever tells much to whoever is slower: of each thing the newest word is kept, and what it
//! stands in the place of is let go. It never holds more than there are things, and nobody waits to tell.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The newest word of each thing; clones are ends of the same.
#[derive(Debug)]
pub struct Newest<K, V>(Arc<Inner<K, V>>);

#[derive(Debug)]
struct Inner<K, V> {
    told: Mutex<BTreeMap<K, V>>,
    is_new: Notify,
}

impl<K, V> Clone for Newest<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Ord, V> Default for Newest<K, V> {
    fn default() -> Self {
        Self(Arc::new(Inner {
            told: Mutex::default(),
            is_new: Notify::new(),
        }))
    }
}

impl<K: Ord, V> Newest<K, V> {
    /// Tells the newest of a thing, from any thread.
    pub fn tell(&self, of: K, word: V) {
        self.told().insert(of, word);
        self.0.is_new.notify_one();
    }

    fn told(&self) -> MutexGuard<'_, BTreeMap<K, V>> {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next word that nobody has heard; one at a time has to listen.
    pub async fn next(&self) -> (K, V) {
        loop {
            if let Some(next) = self.told().pop_first() {
                return next;
            }
            self.0.is_new.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_newest_of_each_is_heard() {
        let newest = Newest::default();
        let teller = newest.clone();
        let told = std::thread::spawn(move || {
            for number in 0..10_000 {
                teller.tell("tw", number);
                teller.tell("vikunja", -number);
            }
        });
        told.join().expect("it tells");
        assert_eq!(newest.next().await, ("tw", 9_999));
        assert_eq!(newest.next().await, ("vikunja", -9_999));
        newest.tell("tw", 0);
        assert_eq!(newest.next().await, ("tw", 0));
        let more = tokio::time::timeout(std::time::Duration::ZERO, newest.next()).await;
        assert!(more.is_err(), "{more:?}");
    }
}
