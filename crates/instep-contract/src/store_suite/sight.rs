//! What a look has shown, and what an older hub can no longer rely on.

use std::future::Future;

use instep_model::{
    Change, ConflictState, Evidence, Field, Mapping, Provenance, Unanswered, Value,
};

use super::Inspect;
use super::sample::{
    account, adopt, adopted, at, claim, conflict, id, mapped, merge, observation, pair, remote,
    task, write,
};
use crate::{AccountState, CommitObservation, Cursor, Lease, MergeStep, PushStep, StoreError};

/// A pair that no look has shown is named until a look says that it showed everything, or its item
/// is gone; another account's is nobody else's.
pub async fn what_no_look_has_shown_is_named<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let unseen = |name: &str, number| {
        let mut step = adopt(&account(name), number);
        if let Some(mapping) = &mut step.mapping {
            mapping.unseen = true;
        }
        step
    };
    let steps = [
        unseen("vik", 1),
        unseen("vik", 2),
        adopt(&vik, 3),
        unseen("tw", 4),
    ];
    merge(&store, &lease, &steps).await;
    let named = async || {
        let mut named = store.unseen(&vik).await.expect("read");
        named.sort();
        let state = store.account_state(&vik).await.expect("read");
        assert_eq!(state.unseen, named.len());
        named
    };
    assert_eq!(named().await, [(remote(1), id(1)), (remote(2), id(2))]);

    let mut gone = pair(&vik, 2);
    gone.unseen = true;
    gone.gone = Some((Evidence::NotFound, at(2)));
    merge(&store, &lease, &[mapped(gone)]).await;
    assert_eq!(named().await, [(remote(1), id(1))]);

    for (shows_all, left) in [(false, 1), (true, 0)] {
        let end = CommitObservation {
            shows_all,
            ..observation(3)
        };
        store
            .commit_observation(&lease, &end)
            .await
            .expect("stored");
        assert_eq!(named().await.len(), left);
    }
    let pairs = store.mappings_by_task(&vik, &[id(1)]).await.expect("read");
    assert!(!pairs[0].unseen);
    let other = store.unseen(&account("tw")).await.expect("read");
    assert_eq!(other, [(remote(4), id(4))]);
}

/// Of these tasks, with this account, and only while they wait.
pub async fn conflicts_that_wait_are_found_by_their_pair<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let waiting = |number, name: &str| {
        let one = conflict(number, name);
        assert_eq!((&one.account, one.state), (&vik, ConflictState::Open));
        one
    };
    let mut settled = waiting(1, "c2");
    settled.state = ConflictState::Closed;
    let mut elsewhere = waiting(1, "c3");
    elsewhere.account = account("tw");
    let with = |number, conflicts| MergeStep {
        conflicts,
        ..adopt(&vik, number)
    };
    let steps = [
        with(1, vec![waiting(1, "c1"), settled, elsewhere]),
        with(2, vec![waiting(2, "c4")]),
    ];
    merge(&store, &lease, &steps).await;
    let found = store.open_conflicts(&vik, &[id(1), id(3)]).await;
    assert_eq!(found.expect("read"), [waiting(1, "c1")]);
    let none = store.open_conflicts(&vik, &[]).await.expect("read");
    assert!(none.is_empty());
    let mut all = store.conflicts_of(&[id(1), id(3)]).await.expect("read");
    all.sort_by_key(|one| one.id.clone());
    assert!(all.contains(&waiting(1, "c1")), "{all:?}");
    assert!(all.iter().all(|one| one.task == id(1)), "{all:?}");
    let known = store.known_conflicts().await.expect("read");
    let of_one = known.iter().filter(|one| one.task == id(1)).count();
    assert_eq!(all.len(), of_one, "whatever became of them");
}

/// Nobody has to decide about what is deleted.
pub async fn a_deleted_task_leaves_nothing_to_decide<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let with = |number, name: &str| MergeStep {
        conflicts: vec![conflict(number, name)],
        ..adopt(&vik, number)
    };
    merge(&store, &lease, &[with(1, "c1"), with(2, "c2")]).await;
    let mut dead = write(1, task(1));
    if let Some(write) = &mut dead.task {
        write.task.deleted = Some(Provenance {
            at: at(5),
            account: None,
        });
    }
    merge(&store, &lease, &[dead]).await;
    let open = store.open_conflicts(&vik, &[id(1), id(2)]).await;
    assert_eq!(open.expect("read"), [conflict(2, "c2")]);
    let known = store.known_conflicts().await.expect("read");
    let closed = known.iter().find(|one| one.task == id(1));
    assert_eq!(
        closed.map(|one| one.state),
        Some(ConflictState::Closed),
        "it is remembered"
    );
}

/// A cursor takes the place of another, and of nothing; all else stays.
pub async fn a_cursor_is_replaced_where_there_is_one<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let other = Cursor(b"another".to_vec());
    let replace = async || {
        let replaced = store.commit_sending(&lease, &[], Some(&other), at(4)).await;
        replaced.expect("stored");
        store.account_state(&vik).await.expect("read")
    };
    assert_eq!(replace().await.cursor, None);
    let end = observation(3);
    let stored = store.commit_observation(&lease, &end).await;
    stored.expect("stored");
    let before = store.account_state(&vik).await.expect("read");
    let expected = AccountState {
        cursor: Some(other.clone()),
        ..before
    };
    assert_eq!(replace().await, expected);
    let old = Lease {
        token: lease.token - 1,
        ..lease.clone()
    };
    let refused = store.commit_sending(&old, &[], Some(&other), at(4)).await;
    assert!(
        matches!(refused, Err(StoreError::Fenced { .. })),
        "{refused:?}"
    );
}

/// What is about to be written is known of its pair, as the end of the write is afterwards.
pub async fn what_is_about_to_be_sent_is_known_of_its_pair<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    adopted(&store, &lease, 2).await;
    let sending = Mapping {
        unanswered: vec![Unanswered {
            at: at(4),
            timed_out: true,
            change: Change {
                field: Field::Tags,
                from: None,
                to: Some(Value::Tags(["home".to_owned()].into())),
            },
        }],
        ..pair(&vik, 1)
    };
    let commit = async |lease: &Lease, pair: &Mapping| {
        let pairs = std::slice::from_ref(pair);
        store.commit_sending(lease, pairs, None, at(4)).await
    };
    commit(&lease, &sending).await.expect("stored");
    let read = async || {
        let read = store.mappings_by_task(&vik, &[id(1), id(2)]).await;
        read.expect("read")
    };
    assert_eq!(read().await, [sending.clone(), pair(&vik, 2)]);
    let old = Lease {
        token: lease.token - 1,
        ..lease.clone()
    };
    let refused = commit(&old, &pair(&vik, 1)).await;
    assert!(
        matches!(refused, Err(StoreError::Fenced { .. })),
        "{refused:?}"
    );
    let refused = commit(&lease, &pair(&vik, 9)).await;
    assert!(
        matches!(refused, Err(StoreError::Stale { .. })),
        "{refused:?}"
    );
    assert_eq!(read().await, [sending, pair(&vik, 2)]);
    let answered = PushStep {
        mapping: Some(pair(&vik, 1)),
        ..PushStep::default()
    };
    let stored = store.commit_push(&lease, &[answered], at(5)).await;
    stored.expect("stored");
    assert_eq!(read().await, [pair(&vik, 1), pair(&vik, 2)]);
}

/// Only how far accounts were looked at is forgotten: who they are and what they hold stays.
pub async fn cursors_are_forgotten_and_nothing_else<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    merge(&store, &lease, &[adopt(&vik, 1)]).await;
    let end = CommitObservation {
        joined: true,
        ..observation(3)
    };
    store
        .commit_observation(&lease, &end)
        .await
        .expect("stored");
    let mut state = store.account_state(&vik).await.expect("read");
    assert!(state.cursor.take().is_some());
    store.forget_cursors().await.expect("stored");
    assert_eq!(store.account_state(&vik).await.expect("read"), state);
    let pairs = store.mappings_by_task(&vik, &[id(1)]).await.expect("read");
    assert_eq!(pairs.len(), 1);
}
