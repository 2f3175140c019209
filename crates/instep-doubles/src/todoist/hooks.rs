//! Webhooks: who hears of what, and what is waiting to be sent. Sending is the business of
//! `delivery`.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::state::{Event, Store};
use super::{account, wire};

/// How long after a failed try the next one comes.
const REDELIVERY_AFTER: SignedDuration = SignedDuration::from_mins(15);
/// How often a delivery is tried again.
const MOST_REDELIVERIES: u32 = 3;
/// How many deliveries wait at most; what comes after is lost, as it may be on the service.
const MOST_WAITING: usize = 10_000;
/// The version of the payload.
const VERSION: &str = "10";

/// An app's webhook for this user.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Where it listens.
    pub url: String,
    /// The app's secret, which signs each delivery.
    pub client_secret: String,
    /// The events it hears, such as `item:added`; all when empty.
    pub events: Vec<String>,
}

/// What becomes of deliveries on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Chaos {
    /// Each arrives once, in order.
    #[default]
    Calm,
    /// None arrives.
    Drop,
    /// Each arrives twice, with the same delivery id.
    Duplicate,
    /// Each waits for the next one and arrives after it.
    Swap,
}

/// One delivery on its way.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) client_secret: String,
    pub(crate) body: String,
    due: Timestamp,
    redeliveries: u32,
}

impl Delivery {
    /// The next try after this one, which was made at `at` and failed, if there is one.
    pub(crate) fn again(mut self, at: Timestamp) -> Option<Self> {
        self.redeliveries += 1;
        self.due = at.saturating_add(REDELIVERY_AFTER).ok()?;
        (self.redeliveries <= MOST_REDELIVERIES).then_some(self)
    }
}

/// Who listens, and what is on its way to them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hooks {
    listeners: Vec<Webhook>,
    chaos: Chaos,
    waiting: Vec<Delivery>,
    held: Option<Delivery>,
    made: u64,
}

impl Hooks {
    pub(crate) fn listen(&mut self, hook: Webhook) {
        self.listeners.push(hook);
    }

    /// What becomes of deliveries from now on; one that is held back is let go.
    pub(crate) fn set_chaos(&mut self, chaos: Chaos) {
        self.chaos = chaos;
        self.waiting.extend(self.held.take());
    }

    /// Hears of what a call did; tells whether there is something to send.
    pub(crate) fn hear(&mut self, events: &[Event], store: &Store) -> bool {
        for event in events {
            let listeners = self.listeners.iter();
            let hears = |hook: &&Webhook| {
                hook.events.is_empty() || hook.events.iter().any(|name| name == event.name)
            };
            let listeners: Vec<Webhook> = listeners.filter(hears).cloned().collect();
            for hook in listeners {
                self.made += 1;
                let delivery = Delivery {
                    id: delivery_id(self.made),
                    url: hook.url,
                    client_secret: hook.client_secret,
                    body: body(store, event).to_string(),
                    due: store.now(),
                    redeliveries: 0,
                };
                self.send(delivery);
            }
        }
        !self.waiting.is_empty()
    }

    fn send(&mut self, delivery: Delivery) {
        if self.waiting.len() >= MOST_WAITING {
            return;
        }
        match self.chaos {
            Chaos::Calm => self.waiting.push(delivery),
            Chaos::Drop => {}
            Chaos::Duplicate => self.waiting.extend([delivery.clone(), delivery]),
            Chaos::Swap => match self.held.take() {
                Some(earlier) => self.waiting.extend([delivery, earlier]),
                None => self.held = Some(delivery),
            },
        }
    }

    /// The deliveries that are due.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Vec<Delivery> {
        let (due, later) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|delivery| delivery.due <= now);
        self.waiting = later;
        due
    }

    /// Puts a delivery back for a later try.
    pub(crate) fn put_back(&mut self, delivery: Delivery) {
        self.waiting.push(delivery);
    }

    /// When the next delivery is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.waiting.iter().map(|delivery| delivery.due).min()
    }
}

fn delivery_id(number: u64) -> String {
    let digest = Sha256::digest(format!("delivery {number}"));
    digest.iter().take(16).map(|b| format!("{b:02x}")).collect()
}

fn body(store: &Store, event: &Event) -> Value {
    let initiator = json!({
        "id": store.user, "full_name": account::FULL_NAME, "email": account::EMAIL,
        "image_id": null, "is_premium": account::is_premium(store),
    });
    let mut body = json!({
        "event_name": event.name, "user_id": store.user, "event_data": event.data,
        "initiator": initiator, "triggered_at": wire::stamp(store.now()), "version": VERSION,
    });
    if let Some(extra) = &event.extra {
        body["event_data_extra"] = extra.clone();
    }
    body
}
