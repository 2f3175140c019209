//! Cases about what hooks and webhooks tell: accepted once, kept in order, over when it was looked at.

use std::future::Future;

use instep_model::{Account, RemoteId, Timestamp};

use super::Inspect;
use super::sample::*;
use crate::{Delivery, Event, Store};

/// Far more events than a case makes.
const ALL: usize = 100;

fn told(owner: &str, id: Option<&str>, items: &[&str]) -> Delivery {
    Delivery {
        account: account(owner),
        id: id.map(str::to_owned),
        items: items.iter().map(|item| RemoteId::new(*item)).collect(),
    }
}

async fn known<S: Store>(store: &S, owners: &[&str]) {
    let accounts: Vec<Account> = owners.iter().map(|owner| mirrored(owner)).collect();
    store
        .mirror_accounts(&accounts, at(1))
        .await
        .expect("known");
}

async fn accept<S: Store>(store: &S, deliveries: &[Delivery], now: Timestamp) -> usize {
    store.accept(deliveries, now).await.expect("accepted")
}

async fn waiting<S: Store>(store: &S, owner: &str) -> Vec<Event> {
    store.events(&account(owner), ALL).await.expect("read")
}

/// The items that wait; `*` for the account as a whole.
async fn names<S: Store>(store: &S, owner: &str) -> Vec<String> {
    let name = |event: &Event| {
        assert_eq!(event.account, account(owner));
        event.item.as_ref().map_or("*", RemoteId::as_str).to_owned()
    };
    waiting(store, owner).await.iter().map(name).collect()
}

/// First told, first served; a limit cuts the rest off.
pub async fn events_come_in_the_order_in_which_they_were_told<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    known(&store, &["tw", "vik"]).await;
    assert!(names(&store, "vik").await.is_empty());
    let first = [told("vik", None, &["7", "3"]), told("tw", None, &[])];
    assert_eq!(accept(&store, &first, at(2)).await, 2);
    assert_eq!(accept(&store, &[told("vik", None, &["5"])], at(3)).await, 1);
    assert_eq!(names(&store, "vik").await, ["7", "3", "5"]);
    assert_eq!(names(&store, "tw").await, ["*"]);
    let events = waiting(&store, "vik").await;
    assert_eq!([events[0].at, events[2].at], [at(2), at(3)]);
    let page = store.events(&account("vik"), 2).await.expect("read");
    assert_eq!(page, events[..2]);
}

/// An item that is told again keeps its place, and is not over with what was read before.
pub async fn an_event_told_again_is_one_and_outlives_its_end<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    known(&store, &["vik"]).await;
    accept(&store, &[told("vik", None, &["7", "3"])], at(2)).await;
    let read = waiting(&store, "vik").await;
    accept(&store, &[told("vik", None, &["7"])], at(3)).await;
    assert_eq!(names(&store, "vik").await, ["7", "3"]);
    let again = waiting(&store, "vik").await;
    assert!(again[0].generation > read[0].generation);
    assert_eq!(again[0].at, at(2), "it waits since it was told first");

    store.finish_events(&read).await.expect("ended");
    assert_eq!(names(&store, "vik").await, ["7"]);
    store.finish_events(&again).await.expect("ended");
    assert!(names(&store, "vik").await.is_empty());
    store.finish_events(&again).await.expect("ended twice");
}

/// The same delivery counts once in 7 days, for each account apart, whatever came in between.
pub async fn a_delivery_counts_once<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    known(&store, &["tw", "vik"]).await;
    let same = told("vik", Some("d1"), &["7"]);
    assert_eq!(
        accept(&store, &[same.clone(), same.clone()], at(2)).await,
        1
    );
    let other = [
        told("vik", Some("d2"), &["7"]),
        told("tw", Some("d1"), &["7"]),
    ];
    assert_eq!(accept(&store, &other, at(2)).await, 2);
    store
        .finish_events(&waiting(&store, "vik").await)
        .await
        .expect("ended");
    assert_eq!(accept(&store, std::slice::from_ref(&same), at(9)).await, 0);
    assert!(names(&store, "vik").await.is_empty());

    let day = std::time::Duration::from_secs(24 * 60 * 60);
    let soon = at(2) + 6 * day;
    assert_eq!(accept(&store, std::slice::from_ref(&same), soon).await, 0);
    let late = at(2) + 7 * day;
    assert_eq!(accept(&store, &[same], late).await, 1);
    assert_eq!(names(&store, "vik").await, ["7"]);
}

/// A delivery from before the clock was set back cannot make later ones old for ever.
pub async fn a_delivery_from_the_future_is_no_longer_known<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    known(&store, &["vik"]).await;
    let same = [told("vik", Some("d1"), &["7"])];
    let year = std::time::Duration::from_secs(365 * 24 * 60 * 60);
    assert_eq!(accept(&store, &same, at(2) + year).await, 1);
    assert_eq!(accept(&store, &same, at(2)).await, 1);
    assert_eq!(accept(&store, &same, at(3)).await, 0);
}

/// What is told of an account that nobody knows, or that left the config, is dropped.
pub async fn only_known_accounts_are_told_of<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    known(&store, &["tw", "vik"]).await;
    known(&store, &["tw"]).await;
    let of = [told("vik", None, &["7"]), told("nobody", None, &["7"])];
    assert_eq!(accept(&store, &of, at(2)).await, 0);
    assert!(names(&store, "vik").await.is_empty());
}

/// The ids of a server that another took the place of mean nothing any more.
pub async fn events_end_with_their_epoch<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    known(&store, &["tw", "vik"]).await;
    let same = told("vik", Some("d1"), &["7"]);
    accept(&store, &[same.clone(), told("tw", None, &["7"])], at(2)).await;
    let lease = claim(&store, &account("vik")).await;
    store.end_epoch(&lease, None, at(3)).await.expect("ended");
    assert!(names(&store, "vik").await.is_empty());
    assert_eq!(names(&store, "tw").await, ["7"]);
    assert_eq!(accept(&store, &[same], at(4)).await, 1);
}
