//! Cases about work: its order, its generations, and when it is due.

use std::future::Future;

use instep_model::{AccountId, Evidence, MappingState, Provenance, TaskId};

use super::Inspect;
use super::sample::*;
use crate::{Later, Lease, MergeStep, PushStep, Store, StoreError, Work};

async fn waiting<S: Store>(store: &S, owner: &AccountId) -> Vec<Work> {
    store
        .pending_work(owner, 0, 100, at(9))
        .await
        .expect("read")
}

async fn waiting_tasks<S: Store>(store: &S, owner: &AccountId) -> Vec<TaskId> {
    let work = waiting(store, owner).await;
    work.iter().map(|work| work.task).collect()
}

async fn wake<S: Store>(store: &S, lease: &Lease, number: u128) {
    let step = PushStep {
        wake: vec![(lease.account.clone(), id(number))],
        ..PushStep::default()
    };
    store
        .commit_push(lease, &[step], at(2))
        .await
        .expect("stored");
}

async fn finish<S: Store>(store: &S, lease: &Lease, work: &Work) {
    let step = PushStep {
        done: Some(work.clone()),
        ..PushStep::default()
    };
    store
        .commit_push(lease, &[step], at(2))
        .await
        .expect("stored");
}

/// First woken, first served; `after` and `limit` cut pages out of it.
pub async fn work_comes_in_order_of_place<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let steps = [5, 3, 4].map(|number| woken(&vik, number));
    merge(&store, &lease, &steps).await;
    merge(&store, &lease, &[woken(&vik, 1)]).await;
    assert_eq!(waiting_tasks(&store, &vik).await, [5, 3, 4, 1].map(id));

    let page = store.pending_work(&vik, 0, 2, at(9)).await.expect("read");
    assert_eq!(page.len(), 2);
    let rest = store
        .pending_work(&vik, page[1].place, 9, at(9))
        .await
        .expect("read");
    let tasks: Vec<TaskId> = rest.iter().map(|work| work.task).collect();
    assert_eq!(tasks, [id(4), id(1)]);
    let last = store.last_place(&vik).await.expect("read");
    assert_eq!(Some(last), rest.last().map(|work| work.place));
    let tw = account("tw");
    assert!(waiting(&store, &tw).await.is_empty());
    assert_eq!(store.last_place(&tw).await.expect("read"), 0);
}

/// Waking what waits already raises its generation and leaves it where it stands.
pub async fn woken_work_keeps_its_place<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    merge(&store, &lease, &[woken(&vik, 1), woken(&vik, 2)]).await;
    let before = waiting(&store, &vik).await;
    let step = MergeStep {
        wake: vec![vik.clone(), vik.clone()],
        ..write(1, task(1))
    };
    merge(&store, &lease, &[step]).await;
    let after = waiting(&store, &vik).await;
    assert_eq!(after[0].place, before[0].place);
    assert!(after[0].generation > before[0].generation);
    assert_eq!(after[1], before[1]);
}

/// Work that is done no longer waits.
pub async fn done_work_is_gone<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    merge(&store, &lease, &[woken(&vik, 1), woken(&vik, 2)]).await;
    let work = waiting(&store, &vik).await;
    finish(&store, &lease, &work[0]).await;
    assert_eq!(waiting(&store, &vik).await, work[1..]);
}

/// A change that came while the work was in hand keeps it waiting.
pub async fn work_woken_meanwhile_is_not_done<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    merge(&store, &lease, &[woken(&vik, 1)]).await;
    let work = waiting(&store, &vik).await;
    wake(&store, &lease, 1).await;
    finish(&store, &lease, &work[0]).await;
    assert_eq!(waiting_tasks(&store, &vik).await, [id(1)]);
}

/// Generations are never used twice: what was done and woken again is new work.
pub async fn old_work_cannot_finish_new_work<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    merge(&store, &lease, &[woken(&vik, 1)]).await;
    let old = waiting(&store, &vik).await;
    finish(&store, &lease, &old[0]).await;
    wake(&store, &lease, 1).await;
    finish(&store, &lease, &old[0]).await;
    let new = waiting(&store, &vik).await;
    assert_eq!(new.len(), 1);
    assert!(new[0].generation > old[0].generation);
    assert!(new[0].place > old[0].place);
}

/// A step may finish its own work and have the task looked at again.
pub async fn a_wake_outlives_a_done_beside_it<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    merge(&store, &lease, &[woken(&vik, 1)]).await;
    let work = waiting(&store, &vik).await;
    let step = PushStep {
        done: Some(work[0].clone()),
        wake: vec![(vik.clone(), id(1)), (account("tw"), id(1))],
        ..PushStep::default()
    };
    store
        .commit_push(&lease, &[step], at(2))
        .await
        .expect("stored");
    assert_eq!(waiting_tasks(&store, &vik).await, [id(1)]);
    assert_eq!(waiting_tasks(&store, &account("tw")).await, [id(1)]);
}

/// Work that failed is left out until its next try; a clock that was set back to before the failure
/// does not make it wait for longer.
pub async fn work_waits_for_its_next_attempt<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    merge(&store, &lease, &[woken(&vik, 1), woken(&vik, 2)]).await;
    let work = waiting(&store, &vik).await;
    delay(&store, &lease, &work[0]).await;
    let cases = [
        (9, vec![1, 2]),
        (10, vec![2]),
        (29, vec![2]),
        (30, vec![1, 2]),
    ];
    for (seconds, expected) in cases {
        let work = store
            .pending_work(&vik, 0, 9, at(seconds))
            .await
            .expect("read");
        let tasks: Vec<TaskId> = work.iter().map(|work| work.task).collect();
        let expected: Vec<TaskId> = expected.into_iter().map(id).collect();
        assert_eq!(tasks, expected, "at {seconds} s");
    }
}

/// From second 10 to second 30.
async fn delay<S: Store>(store: &S, lease: &Lease, work: &Work) {
    let step = PushStep {
        later: Some(Later {
            work: work.clone(),
            until: at(30),
        }),
        ..PushStep::default()
    };
    store
        .commit_push(lease, &[step], at(10))
        .await
        .expect("stored");
}

async fn due<S: Store>(store: &S, owner: &AccountId, seconds: i64) -> Vec<TaskId> {
    let work = store.pending_work(owner, 0, 100, at(seconds)).await;
    let work = work.expect("read").into_iter();
    work.map(|work| work.task).collect()
}

/// Whoever changes a task does not wait for it, whether the change comes before the failure is
/// stored or after.
pub async fn a_wake_ends_the_wait<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    merge(&store, &lease, &[woken(&vik, 1), woken(&vik, 2)]).await;
    let work = waiting(&store, &vik).await;
    wake(&store, &lease, 1).await;
    delay(&store, &lease, &work[0]).await;
    delay(&store, &lease, &work[1]).await;
    assert_eq!(due(&store, &vik, 20).await, [id(1)]);
    wake(&store, &lease, 2).await;
    assert_eq!(due(&store, &vik, 20).await, [1, 2].map(id));
    let woken = waiting(&store, &vik).await;
    assert_eq!(woken[1].place, work[1].place);
    delay(&store, &lease, &woken[0]).await;
    store.wake_all(&lease, at(11)).await.expect("stored");
    assert_eq!(due(&store, &vik, 20).await, [1, 2].map(id));
}

/// What was refused is tried again, whether it waits or is parked; what is gone is not, and nothing
/// of another account.
pub async fn wake_refused_takes_what_waits_and_what_is_parked<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let refused = |owner: &AccountId, number: u128, gone: bool| {
        let mut mapping = pair(owner, number);
        mapping.state = MappingState::Error;
        mapping.gone = gone.then(|| (Evidence::NotFound, at(1)));
        MergeStep {
            mapping: Some(mapping),
            ..woken(&vik, number)
        }
    };
    let mut unmade = refused(&vik, 4, false);
    if let Some(mapping) = &mut unmade.mapping {
        mapping.remote = None;
    }
    let steps = [
        refused(&vik, 1, false),
        refused(&vik, 2, false),
        refused(&vik, 3, true),
        unmade,
        refused(&account("tw"), 5, false),
        adopt(&vik, 6),
    ];
    merge(&store, &lease, &steps).await;
    let work = waiting(&store, &vik).await;
    delay(&store, &lease, &work[0]).await;
    for parked in &work[1..] {
        finish(&store, &lease, parked).await;
    }
    assert!(due(&store, &vik, 20).await.is_empty());
    store.wake_refused(&lease, at(11)).await.expect("stored");
    let mut woken = due(&store, &vik, 20).await;
    woken.sort();
    assert_eq!(woken, [1, 2, 4].map(id));
    assert!(due(&store, &account("tw"), 20).await.is_empty());
}

/// Everything alive, and tombstones whose remote item has still to go.
pub async fn wake_all_takes_the_living_and_the_paired<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let dead = |mut step: MergeStep| {
        if let Some(write) = &mut step.task {
            write.task.deleted = Some(Provenance {
                at: at(1),
                account: None,
            });
        }
        step
    };
    let steps = [
        adopt(&vik, 1),
        write(0, task(2)),
        dead(adopt(&vik, 3)),
        dead(write(0, task(4))),
        dead(adopt(&account("tw"), 5)),
        woken(&vik, 6),
    ];
    merge(&store, &lease, &steps).await;
    let place = waiting(&store, &vik).await[0].place;
    store.wake_all(&lease, at(2)).await.expect("stored");
    let mut work = waiting(&store, &vik).await;
    assert_eq!((work[0].task, work[0].place), (id(6), place));
    work.sort_by_key(|work| work.task);
    let tasks: Vec<TaskId> = work.iter().map(|work| work.task).collect();
    assert_eq!(tasks, [1, 2, 3, 6].map(id));
    assert!(waiting(&store, &account("tw")).await.is_empty());
}

/// A step about one task can make others work, for any account; one that is not there is refused
/// with the whole step.
pub async fn a_merge_can_wake_dependents<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    let (vik, tw) = (account("vik"), account("tw"));
    let lease = claim(&store, &vik).await;
    let steps: Vec<MergeStep> = (1..=3).map(|number| write(0, task(number))).collect();
    merge(&store, &lease, &steps).await;
    let back = |dependents: &[(&AccountId, u128)]| MergeStep {
        wake: vec![vik.clone()],
        wake_dependents: dependents
            .iter()
            .map(|(owner, number)| ((*owner).clone(), id(*number)))
            .collect(),
        ..write(1, task(1))
    };
    merge(&store, &lease, &[back(&[(&vik, 2), (&tw, 3)])]).await;
    assert_eq!(waiting_tasks(&store, &vik).await, [id(1), id(2)]);
    assert_eq!(waiting_tasks(&store, &tw).await, [id(3)]);

    let stray = MergeStep {
        wake_dependents: vec![(vik.clone(), id(9))],
        ..write(2, task(1))
    };
    let refused = store.commit_merge(Some(&lease), &[stray], at(3)).await;
    assert!(
        matches!(refused, Err(StoreError::Stale { task }) if task == id(9)),
        "{refused:?}"
    );
    assert_eq!(store.tasks(&[id(1)]).await.expect("read")[0].version, 2);
}
