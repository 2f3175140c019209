//! Leases of a holder that gives up half-way: nobody waits for what nobody does any more.

use std::time::Duration;

use instep_contract::{Store, StoreError};
use instep_store::HubStore;

use crate::samples::*;

const TTL: Duration = Duration::from_secs(60);

#[tokio::test]
async fn one_is_free_once_the_handle_that_claimed_it_is_gone() {
    let fresh = fresh().await;
    let hub: &HubStore = &fresh;
    let step = hub.clone();
    let lease = claim(&step).await;
    let again = hub.claim_lease(&vik(), "tests", TTL, at(1)).await;
    assert!(
        matches!(again, Err(StoreError::LeaseHeld { .. })),
        "{again:?}"
    );
    drop(step);
    let next = claim(hub).await;
    assert!(next.token > lease.token, "its token is not used again");
    let late = hub.release_lease(lease).await;
    late.expect("no error");
    let again = hub.claim_lease(&vik(), "tests", TTL, at(1)).await;
    assert!(
        matches!(again, Err(StoreError::LeaseHeld { .. })),
        "{again:?}"
    );
}

#[tokio::test]
async fn one_that_was_given_back_is_not_freed_for_the_next_holder() {
    let fresh = fresh().await;
    let hub: &HubStore = &fresh;
    let step = hub.clone();
    let lease = claim(&step).await;
    step.release_lease(lease).await.expect("given back");
    let next = claim(hub).await;
    drop(step);
    let again = hub.claim_lease(&vik(), "tests", TTL, at(1)).await;
    assert!(
        matches!(again, Err(StoreError::LeaseHeld { .. })),
        "{again:?}"
    );
    hub.release_lease(next).await.expect("given back");
    claim(hub).await;
}
