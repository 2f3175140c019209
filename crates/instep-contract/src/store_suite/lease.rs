//! Cases about the sole right to run an account (S11).

use std::future::Future;

use super::Inspect;
use super::sample::*;
use crate::{MergeStep, PushStep, StoreError};

/// A second claim is refused while the first holds, and names the holder.
pub async fn a_lease_is_held_by_one<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    let vik = account("vik");
    claim(&store, &vik).await;
    match store.claim_lease(&vik, "other", TTL, at(1)).await {
        Err(StoreError::LeaseHeld { account, holder }) => {
            assert_eq!(account, vik);
            assert!(holder.contains("suite"), "the holder is `{holder}`");
        }
        answer => panic!("a second claim answered {answer:?}"),
    }
}

/// After a release the next claim succeeds, with a token that is no older.
pub async fn a_released_lease_can_be_claimed<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let first = claim(&store, &vik).await;
    let token = first.token;
    store.release_lease(first).await.expect("released");
    assert!(claim(&store, &vik).await.token >= token);
}

/// A holder that has not been heard of for its whole term loses the lease, and is fenced.
pub async fn a_lease_that_ran_out_is_taken_over<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let first = claim(&store, &vik).await;
    let second = store
        .claim_lease(&vik, "other", TTL, at(60))
        .await
        .expect("the first one ran out");
    assert!(second.token > first.token);
    let answer = store
        .commit_merge(Some(&first), &[adopt(&vik, 1)], at(61))
        .await;
    assert!(
        matches!(answer, Err(StoreError::Fenced { .. })),
        "{answer:?}"
    );
}

/// A commit under the lease starts its term anew.
pub async fn a_commit_renews_its_lease<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    store
        .commit_merge(Some(&lease), &[adopt(&vik, 1)], at(59))
        .await
        .expect("the lease holds");
    let answer = store.claim_lease(&vik, "other", TTL, at(100)).await;
    assert!(
        matches!(answer, Err(StoreError::LeaseHeld { .. })),
        "{answer:?}"
    );
}

/// No commit of a fenced holder leaves anything behind.
pub async fn a_lease_taken_over_commits_nothing<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let old = claim(&store, &vik).await;
    let new = take_over(&store, &vik).await;
    adopted(&store, &new, 1).await;

    let settled = PushStep {
        journal: vec![line(1, "late")],
        ..PushStep::default()
    };
    let fenced = [
        store
            .commit_merge(Some(&old), &[adopt(&vik, 2)], at(2))
            .await,
        store.commit_observation(&old, &observation(2)).await,
        store.end_epoch(&old, None, at(2)).await,
        store.wake_all(&old, at(2)).await,
        store.wake_refused(&old, at(2)).await,
        store.commit_push(&old, &[settled], at(2)).await,
        store.approve_held(&old, at(2)).await.map(drop),
    ];
    for answer in fenced {
        assert!(
            matches!(answer, Err(StoreError::Fenced { .. })),
            "{answer:?}"
        );
    }
    assert_eq!(store.tasks(&[id(1), id(2)]).await.expect("read").len(), 1);
    let pairs = store.mappings_by_task(&vik, &[id(1)]).await.expect("read");
    assert_eq!(pairs, vec![pair(&vik, 1)]);
    let state = store.account_state(&vik).await.expect("read");
    assert_eq!(state.cursor, None);
    assert!(store.journal_lines().await.expect("read").is_empty());
    let work = store.pending_work(&vik, 0, 9, at(9)).await.expect("read");
    assert!(work.is_empty(), "{work:?}");
}

/// Releasing what was taken over is no error, and does not free the new holder's lease.
pub async fn releasing_a_lost_lease_changes_nothing<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let old = claim(&store, &vik).await;
    let new = take_over(&store, &vik).await;
    store.release_lease(old).await.expect("no error");
    let answer = store.claim_lease(&vik, "other", TTL, at(1)).await;
    assert!(
        matches!(answer, Err(StoreError::LeaseHeld { .. })),
        "{answer:?}"
    );
    store
        .commit_merge(Some(&new), &[MergeStep::default()], at(1))
        .await
        .expect("the new holder still holds");
}

/// A lease on one account is none on another, whatever their ids look like.
pub async fn leases_of_two_accounts_are_apart<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let odd = ["vik", "VIK", "../vik", "a/b", "a b", "ü", "", ".", "a%2Fb"];
    for name in odd {
        claim(&store, &account(name)).await;
    }
    for name in odd {
        let answer = store.claim_lease(&account(name), "other", TTL, at(1)).await;
        assert!(
            matches!(answer, Err(StoreError::LeaseHeld { .. })),
            "`{name}`: {answer:?}"
        );
    }
}
