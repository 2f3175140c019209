//! Cases about what is remembered of an account, and about the guard (S28).

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use instep_model::{
    Account, Collection, CollectionId, Evidence, Hint, MappingState, Need, ProjectPath, Provenance,
    Review, ReviewReason, TaskId, Trouble,
};

use super::Inspect;
use super::sample::*;
use crate::{AccountState, CommitObservation, MergeStep, StoreError, Tally};

/// Nothing is known of an account before its first pass, mirrored or not.
pub async fn an_account_starts_with_nothing<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let mirror = [mirrored("vik")];
    store.mirror_accounts(&mirror, at(0)).await.expect("stored");
    for name in ["vik", "unknown"] {
        let state = store.account_state(&account(name)).await.expect("read");
        assert_eq!(state, AccountState::default(), "{name}");
        let tally = store.tally(&account(name), at(0)).await.expect("read");
        assert_eq!(tally, Tally::default(), "{name}");
    }
}

/// Cursor, identity, collections and times; what an observation did not read stays as it was.
pub async fn an_observation_is_remembered<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let collections = vec![
        Collection {
            id: CollectionId::new("1"),
            path: None,
            archived: false,
        },
        Collection {
            id: CollectionId::new("2"),
            path: ProjectPath::new(["a.b", "c"]),
            archived: true,
        },
    ];
    let mut first = observation(2);
    first.collections = Some(collections.clone());
    first.sweep = true;
    first.joined = true;
    store
        .commit_observation(&lease, &first)
        .await
        .expect("stored");
    let mut second = observation(5);
    second.cursor.0.push(1);
    store
        .commit_observation(&lease, &second)
        .await
        .expect("stored");

    let expected = AccountState {
        identity: Some(second.identity),
        cursor: Some(second.cursor),
        joined: true,
        collections,
        reviews: Vec::new(),
        held: 0,
        unseen: 0,
        guard_since: None,
        last_pass_at: Some(at(5)),
        last_sweep_at: Some(at(2)),
        trouble: None,
    };
    assert_eq!(store.account_state(&vik).await.expect("read"), expected);
}

/// A full look replaces the matters for review, any other adds to them.
pub async fn reviews_are_added_and_replaced<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let review = |task: Option<TaskId>, item: Option<u128>, reason| Review {
        account: vik.clone(),
        task,
        remote: item.map(remote),
        title: "twice".to_owned(),
        reason,
    };
    let ours = review(Some(id(1)), None, ReviewReason::EqualTitle);
    let theirs = review(None, Some(1), ReviewReason::EqualTitle);
    let again = review(None, Some(1), ReviewReason::MarkerOfGone);
    let both = review(Some(id(1)), Some(1), ReviewReason::DeletedHere);
    let looks = [
        (false, vec![ours.clone()], vec![ours.clone()]),
        (false, vec![theirs.clone()], vec![ours.clone(), theirs]),
        (
            false,
            vec![again.clone()],
            vec![ours.clone(), again.clone()],
        ),
        (false, vec![both.clone()], vec![ours.clone(), again, both]),
        (true, vec![ours.clone()], vec![ours]),
        (true, vec![], vec![]),
    ];
    for (sweep, reviews, mut expected) in looks {
        let mut look = observation(2);
        (look.sweep, look.reviews) = (sweep, reviews);
        store
            .commit_observation(&lease, &look)
            .await
            .expect("stored");
        let mut found = store.open_reviews(&vik).await.expect("read");
        let order = |review: &Review| (review.task, review.remote.clone());
        found.sort_by_key(order);
        expected.sort_by_key(order);
        assert_eq!(found, expected);
    }
}

/// What a person decided is forgotten; the matters beside it stay, here and in other accounts.
pub async fn a_decided_review_is_forgotten<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let review = |task: Option<u128>, item: Option<u128>| Review {
        account: vik.clone(),
        task: task.map(id),
        remote: item.map(remote),
        title: "twice".to_owned(),
        reason: ReviewReason::EqualTitle,
    };
    let all = [
        review(Some(1), None),
        review(None, Some(1)),
        review(Some(1), Some(1)),
    ];
    let mut look = observation(2);
    look.reviews = all.to_vec();
    store
        .commit_observation(&lease, &look)
        .await
        .expect("stored");
    let elsewhere = Review {
        account: account("tw"),
        ..all[1].clone()
    };
    for decided in [&elsewhere, &all[2], &all[2], &all[0]] {
        store.drop_review(decided).await.expect("stored");
    }
    let state = store.account_state(&vik).await.expect("read");
    assert_eq!(state.reviews, all[1..2]);
}

/// Every kind of trouble comes back as it was. It needs no lease, and touches nothing else.
pub async fn trouble_is_set_and_cleared<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    let vik = account("vik");
    let troubles = troubles();
    for trouble in troubles.iter().map(Some).chain([None]) {
        store.set_trouble(&vik, trouble).await.expect("stored");
        let expected = AccountState {
            trouble: trouble.cloned(),
            ..AccountState::default()
        };
        assert_eq!(store.account_state(&vik).await.expect("read"), expected);
    }
}

/// One of each kind.
fn troubles() -> Vec<Trouble> {
    let text = || "it said \"no\"".to_owned();
    let needs = [
        Need::Guard { held: 1 },
        Need::FirstMeeting {
            pairs: 2,
            new_in_hub: 3,
            new_in_remote: 4,
            reviews: 5,
        },
        Need::NewServer { pairs: 6 },
        Need::OlderState { pairs: 7 },
        Need::Review { count: 7 },
    ];
    let waits = [None, Some(Duration::from_millis(1_500))];
    let mut troubles = vec![
        Trouble::LeaseHeld { holder: text() },
        Trouble::NeedsLogin { reason: text() },
        Trouble::Unreachable { reason: text() },
        Trouble::Setup {
            what: text(),
            help: "mend it".to_owned(),
        },
        Trouble::HeldOff { until: at(7) },
        Trouble::CircuitOpen {
            retry_at: at(8),
            failures: 3,
            reason: text(),
        },
        Trouble::Paused { until: None },
        Trouble::Paused { until: Some(at(9)) },
        Trouble::InDoubt { count: 8 },
        Trouble::Behind,
        Trouble::Failed { reason: text() },
    ];
    troubles.extend(needs.map(Trouble::NeedsYou));
    troubles.extend(waits.map(|retry_after| Trouble::Throttled { retry_after }));
    troubles
}

/// Living pairs, those held among them, and deletions from a moment on, by collection.
pub async fn the_guard_counts_by_collection_and_since<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let home = Some(CollectionId::new("home"));
    let placed = |number, collection: &Option<CollectionId>| {
        let mut step = adopt(&vik, number);
        if let Some(mapping) = &mut step.mapping {
            mapping.collection.clone_from(collection);
        }
        step
    };
    let mut steps: Vec<MergeStep> = (1..=5).map(|number| placed(number, &home)).collect();
    if let Some(mapping) = &mut steps[3].mapping {
        mapping.unseen = true;
    }
    steps.extend((6..=7).map(|number| placed(number, &None)));
    // One that left the scope is none of those that could be lost.
    let mut left = placed(8, &home);
    if let Some(mapping) = &mut left.mapping {
        mapping.state = MappingState::OutOfScope;
    }
    steps.push(left);
    merge(&store, &lease, &steps).await;

    for (number, seconds) in [(1, 10), (2, 20)] {
        let mut gone = pair(&vik, number);
        gone.collection.clone_from(&home);
        gone.gone = Some((Evidence::Flagged, at(seconds)));
        let mut dead = write(1, task(number));
        if let Some(write) = &mut dead.task {
            write.task.deleted = Some(Provenance {
                at: at(seconds),
                account: Some(vik.clone()),
            });
        }
        dead.mapping = Some(gone);
        dead.deletion = Some(home.clone());
        store
            .commit_merge(Some(&lease), &[dead], at(seconds))
            .await
            .expect("stored");
    }
    let mut stopped = pair(&vik, 3);
    stopped.collection.clone_from(&home);
    stopped.gone = Some((Evidence::Unlisted, at(20)));
    stopped.state = MappingState::Held;
    merge(&store, &lease, &[mapped(stopped)]).await;
    let alive = BTreeMap::from([(home.clone(), 3), (None, 2)]);
    for (since, deleted) in [(10, 2), (11, 1), (20, 1), (21, 0)] {
        let tally = store.tally(&vik, at(since)).await.expect("read");
        let deleted = (deleted > 0).then(|| (home.clone(), deleted));
        let expected = Tally {
            alive: alive.clone(),
            unseen: BTreeMap::from([(home.clone(), 1)]),
            deleted: deleted.into_iter().collect(),
            held: BTreeMap::from([(home.clone(), 1)]),
        };
        assert_eq!(tally, expected, "since {since}");
    }
    let other = store.tally(&account("tw"), at(0)).await.expect("read");
    assert_eq!(other, Tally::default());
}

/// Approved pairs are work again, and the count starts anew; what is under review is not approved
/// by that (S26, S28).
pub async fn approval_wakes_what_was_held<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let held = |number: u128, by_guard: bool| {
        let mut mapping = pair(&vik, number);
        mapping.state = MappingState::Held;
        mapping.gone = by_guard.then(|| (Evidence::Unlisted, at(20)));
        mapping
    };
    let pairs = [held(1, true), held(2, true), held(3, false)];
    let steps: Vec<MergeStep> = (1..)
        .zip(&pairs)
        .map(|(number, mapping)| MergeStep {
            mapping: Some(mapping.clone()),
            ..adopt(&vik, number)
        })
        .collect();
    merge(&store, &lease, &steps).await;
    assert_eq!(store.approve_held(&lease, at(40)).await.expect("stored"), 2);

    let work = store.pending_work(&vik, 0, 9, at(41)).await.expect("read");
    let tasks: Vec<TaskId> = work.iter().map(|work| work.task).collect();
    assert_eq!(tasks, [id(1), id(2)]);
    let mut expected = pairs;
    for approved in &mut expected[..2] {
        approved.state = MappingState::Pending;
    }
    let mut found = store
        .mappings_by_task(&vik, &[id(1), id(2), id(3)])
        .await
        .expect("read");
    found.sort_by_key(|pair| pair.task);
    assert_eq!(found, expected);
    let state = store.account_state(&vik).await.expect("read");
    assert_eq!(state.guard_since, Some(at(40)));
    assert_eq!(store.approve_held(&lease, at(50)).await.expect("stored"), 0);
}

/// Pairs, outbox, work, reviews and cursor go; tasks, trouble and other accounts stay.
pub async fn an_epoch_ends_with_its_pairs<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    let (vik, tw) = (account("vik"), account("tw"));
    let lease = claim(&store, &vik).await;
    let hint = |marker: &str| Hint {
        task: id(1),
        marker: marker.to_owned(),
        remote: remote(1),
    };
    let step = MergeStep {
        wake: vec![vik.clone(), tw.clone()],
        deletion: Some(None),
        hints: Some(vec![hint("vik_id"), hint("work_id")]),
        ..adopt(&vik, 1)
    };
    merge(&store, &lease, &[step, adopt(&tw, 2)]).await;
    let mut look = observation(2);
    (look.sweep, look.joined) = (true, true);
    store
        .commit_observation(&lease, &look)
        .await
        .expect("stored");
    let delete = instep_model::Operation::Delete { id: remote(1) };
    store
        .commit_intents(&lease, &[(None, delete)], at(3))
        .await
        .expect("stored");
    let moved = Trouble::NeedsYou(Need::NewServer { pairs: 3 });
    store.set_trouble(&vik, Some(&moved)).await.expect("stored");

    store
        .end_epoch(&lease, Some("vik_id"), at(4))
        .await
        .expect("stored");
    assert!(store.hints("vik_id").await.expect("read").is_empty());
    assert_eq!(store.hints("work_id").await.expect("read").len(), 1);
    let state = store.account_state(&vik).await.expect("read");
    let expected = AccountState {
        last_pass_at: Some(at(2)),
        trouble: Some(moved),
        ..AccountState::default()
    };
    assert_eq!(state, expected);
    let pairs = store
        .mappings_of_tasks(&[id(1), id(2)])
        .await
        .expect("read");
    assert_eq!(pairs, [pair(&tw, 2)]);
    assert!(store.open_intents(&vik).await.expect("read").is_empty());
    let work = store.pending_work(&vik, 0, 9, at(9)).await.expect("read");
    assert!(work.is_empty());
    let tally = store.tally(&vik, at(0)).await.expect("read");
    assert_eq!(tally, Tally::default());
    assert_eq!(store.tasks(&[id(1), id(2)]).await.expect("read").len(), 2);
    let other = store.pending_work(&tw, 0, 9, at(9)).await.expect("read");
    assert_eq!(other.len(), 1);
    // The lease goes on, and the ids can be paired afresh.
    merge(&store, &lease, &[mapped(pair(&vik, 1))]).await;
}

/// Whatever lay outside an account's scope becomes work, and is looked at, once the scope is another
/// (S27); another name changes nothing.
pub async fn another_scope_makes_everything_work<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let all = mirrored("vik");
    let named = Account {
        name: "another".to_owned(),
        ..all.clone()
    };
    let mut limited = named.clone();
    limited.scope.tags.insert("work".to_owned());
    store.mirror_accounts(&[all], at(0)).await.expect("stored");
    let lease = claim(&store, &vik).await;
    merge(&store, &lease, &[adopt(&vik, 1)]).await;
    let sweep = CommitObservation {
        sweep: true,
        ..observation(2)
    };
    let stored = store.commit_observation(&lease, &sweep).await;
    stored.expect("stored");
    for (account, woken) in [(named, 0), (limited, 1)] {
        let mirror = store.mirror_accounts(&[account], at(3)).await;
        mirror.expect("stored");
        let work = store.pending_work(&vik, 0, 9, at(9)).await.expect("read");
        assert_eq!(work.len(), woken);
        let state = store.account_state(&vik).await.expect("read");
        assert_eq!(state.last_sweep_at.is_none(), woken == 1);
    }
}

/// An account that left the config keeps its pairs out of sight, and finds them when it is back.
pub async fn a_dormant_account_counts_for_nothing_and_returns<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let (vik, tw) = (account("vik"), account("tw"));
    let both = [mirrored("vik"), mirrored("tw")];
    store.mirror_accounts(&both, at(0)).await.expect("stored");
    let lease = claim(&store, &vik).await;
    let step = MergeStep {
        mapping: Some(pair(&tw, 1)),
        ..MergeStep::default()
    };
    merge(&store, &lease, &[adopt(&vik, 1), step]).await;
    let sweep = CommitObservation {
        sweep: true,
        ..observation(2)
    };
    store
        .commit_observation(&lease, &sweep)
        .await
        .expect("stored");
    let state = store.account_state(&vik).await.expect("read");

    store
        .mirror_accounts(&both[1..], at(3))
        .await
        .expect("stored");
    let pairs = store.mappings_of_tasks(&[id(1)]).await.expect("read");
    assert_eq!(pairs, [pair(&tw, 1)]);
    store
        .mirror_accounts(&both[1..], at(4))
        .await
        .expect("stored");

    store.mirror_accounts(&both, at(5)).await.expect("stored");
    let pairs = store.mappings_of_tasks(&[id(1)]).await.expect("read");
    assert_eq!(pairs.len(), 2);
    let expected = AccountState {
        last_sweep_at: None,
        ..state
    };
    assert_eq!(store.account_state(&vik).await.expect("read"), expected);
    for (owner, woken) in [(&vik, 1), (&tw, 0)] {
        let work = store.pending_work(owner, 0, 9, at(9)).await.expect("read");
        assert_eq!(work.len(), woken, "{owner}");
    }
}

/// The identity alone: the account has still to meet the hub.
pub async fn who_answers_is_known_before_the_first_look_ends<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let identity = observation(1).identity;
    store
        .recognise(&lease, &identity, at(1))
        .await
        .expect("stored");
    let expected = AccountState {
        identity: Some(identity.clone()),
        ..AccountState::default()
    };
    assert_eq!(store.account_state(&vik).await.expect("read"), expected);

    take_over(&store, &vik).await;
    let late = store.recognise(&lease, &identity, at(2)).await;
    assert!(matches!(late, Err(StoreError::Fenced { .. })), "{late:?}");
}
