//! Cases about tasks and what is committed together with them.

use std::collections::BTreeSet;
use std::future::Future;

use instep_model::{ConflictState, Field, Hint, Mapping, Provenance, Side, Task, Value};

use super::Inspect;
use super::sample::*;
use crate::{MergeStep, Store, StoreError};

async fn stored<S: Store>(store: &S, number: u128) -> Option<Task> {
    let mut found = store.tasks(&[id(number)]).await.expect("read");
    assert!(found.len() < 2, "one id, {} tasks", found.len());
    found.pop()
}

/// What was given comes back: values, provenance, time and tombstone, version 1.
pub async fn a_new_task_is_stored_whole<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    let lease = claim(&store, &account("vik")).await;
    let mut new = task(1);
    new.fields
        .set(Field::Notes, Value::Text("a\nb \u{0}\u{1f600}".to_owned()));
    new.modified = "2026-11-27T08:00:00.123456789Z"
        .parse()
        .expect("an instant");
    let origin = Provenance {
        at: new.modified,
        account: Some(account("vik")),
    };
    new.provenance.insert(Field::Title, origin);
    new.deleted = Some(Provenance {
        at: at(5),
        account: None,
    });
    merge(&store, &lease, &[write(0, new.clone())]).await;
    new.version = 1;
    assert_eq!(stored(&store, 1).await, Some(new));
    assert_eq!(stored(&store, 2).await, None);
}

/// Each write makes the version one more than what it was planned from.
pub async fn a_write_counts_the_version<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    let lease = claim(&store, &account("vik")).await;
    for from in 0..3 {
        merge(&store, &lease, &[write(from, task(1))]).await;
        assert_eq!(
            stored(&store, 1).await.map(|task| task.version),
            Some(from + 1)
        );
    }
}

/// A write planned from anything but the stored version is refused.
pub async fn a_write_from_another_version_is_stale<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let lease = claim(&store, &account("vik")).await;
    merge(&store, &lease, &[write(0, task(1))]).await;
    for (number, from) in [(1, 0), (1, 2), (2, 1)] {
        let answer = store
            .commit_merge(Some(&lease), &[write(from, task(number))], at(2))
            .await;
        assert!(
            matches!(answer, Err(StoreError::Stale { task }) if task == id(number)),
            "task {number} from {from}: {answer:?}"
        );
    }
    assert_eq!(stored(&store, 1).await.map(|task| task.version), Some(1));
}

/// A task that shall be new must not be there, not even as a tombstone.
pub async fn a_new_task_that_exists_is_stale<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let lease = claim(&store, &account("vik")).await;
    let mut dead = task(1);
    dead.deleted = Some(Provenance {
        at: at(1),
        account: None,
    });
    merge(&store, &lease, &[write(0, dead)]).await;
    let answer = store
        .commit_merge(Some(&lease), &[write(0, task(1))], at(2))
        .await;
    assert!(
        matches!(answer, Err(StoreError::Stale { .. })),
        "{answer:?}"
    );
    assert!(stored(&store, 1).await.is_some_and(|task| !task.is_alive()));
}

/// Within a batch a later step sees what an earlier one wrote.
pub async fn two_writes_of_one_task_in_a_batch_follow_each_other<
    S: Inspect,
    F: Future<Output = S>,
>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let lease = claim(&store, &account("vik")).await;
    let mut second = task(1);
    second
        .fields
        .set(Field::Title, Value::Text("later".to_owned()));
    merge(&store, &lease, &[write(0, task(1)), write(1, second)]).await;
    let found = stored(&store, 1).await.expect("stored");
    assert_eq!((found.version, found.fields.title()), (2, "later"));

    let twice = [write(2, task(1)), write(2, task(1))];
    let answer = store.commit_merge(Some(&lease), &twice, at(2)).await;
    assert!(
        matches!(answer, Err(StoreError::Stale { .. })),
        "{answer:?}"
    );
    assert_eq!(stored(&store, 1).await.map(|task| task.version), Some(2));
}

/// One refused step refuses the whole batch: no task, pair, line, conflict, hint or work stays.
pub async fn a_batch_with_a_failing_step_stores_nothing<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let good = MergeStep {
        conflicts: vec![conflict(1, "c1")],
        journal: vec![line(1, "first")],
        hints: Some(vec![hint(1, "vik_id", 1)]),
        deletion: Some(None),
        wake: vec![vik.clone()],
        ..adopt(&vik, 1)
    };
    let bad = write(7, task(2));
    let answer = store.commit_merge(Some(&lease), &[good, bad], at(1)).await;
    assert!(
        matches!(answer, Err(StoreError::Stale { .. })),
        "{answer:?}"
    );

    assert_eq!(stored(&store, 1).await, None);
    let pairs = store.mappings_by_task(&vik, &[id(1)]).await.expect("read");
    assert!(pairs.is_empty());
    assert!(store.journal_lines().await.expect("read").is_empty());
    assert!(store.known_conflicts().await.expect("read").is_empty());
    assert!(store.hints("vik_id").await.expect("read").is_empty());
    let work = store.pending_work(&vik, 0, 9, at(9)).await.expect("read");
    assert!(work.is_empty());
    let tally = store.tally(&vik, at(0)).await.expect("read");
    assert!(tally.deleted.is_empty());
}

/// A pair, a wake or a conflict needs its task.
pub async fn a_pair_of_an_unknown_task_is_refused<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let answer = store
        .commit_merge(Some(&lease), &[mapped(pair(&vik, 1))], at(1))
        .await;
    assert!(
        matches!(answer, Err(StoreError::Stale { task }) if task == id(1)),
        "{answer:?}"
    );
    // In one batch the order does not matter.
    merge(&store, &lease, &[mapped(pair(&vik, 1)), write(0, task(1))]).await;
    let pairs = store.mappings_by_task(&vik, &[id(1)]).await.expect("read");
    assert_eq!(pairs.len(), 1);
}

/// A person's change needs no lease, even while somebody holds one.
pub async fn a_merge_without_a_lease_is_a_persons<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    store
        .commit_merge(None, &[woken(&vik, 1)], at(1))
        .await
        .expect("stored");
    assert!(stored(&store, 1).await.is_some());
    merge(&store, &lease, &[write(1, task(1))]).await;
    let work = store.pending_work(&vik, 0, 9, at(9)).await.expect("read");
    assert_eq!(work.len(), 1);
}

/// A batch of the size that a first sync commits, with everything that comes with each task.
pub async fn many_tasks_in_one_batch_are_all_stored<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    const COUNT: u128 = 777;
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let steps: Vec<MergeStep> = (1..=COUNT)
        .map(|number| MergeStep {
            journal: vec![line(number, "many")],
            wake: vec![account("tw")],
            hints: Some(vec![hint(number, "tw_id", number)]),
            ..adopt(&vik, number)
        })
        .collect();
    merge(&store, &lease, &steps).await;

    let ids: Vec<_> = (1..=COUNT + 1).map(id).collect();
    let tasks = store.tasks(&ids).await.expect("read");
    let found: BTreeSet<_> = tasks.iter().map(|task| task.id).collect();
    assert_eq!((tasks.len(), found.len()), (777, 777));
    let remotes: Vec<_> = (0..=COUNT).map(remote).collect();
    let pairs = store
        .mappings_by_remote(&vik, &remotes)
        .await
        .expect("read");
    assert_eq!(pairs.len(), 777);
    assert_eq!(store.hints("tw_id").await.expect("read").len(), 777);
    assert_eq!(store.journal_lines().await.expect("read").len(), 777);
    let work = store.pending_work(&account("tw"), 0, 1000, at(9)).await;
    let order: Vec<_> = work.expect("read").iter().map(|work| work.task).collect();
    assert_eq!(order, ids[..777]);
}

/// Journal lines keep their order; a conflict comes back whole, and is known by its id.
pub async fn conflicts_and_journal_are_kept_in_order<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let step = MergeStep {
        conflicts: vec![conflict(1, "c1"), conflict(1, "c2")],
        journal: vec![line(1, "first"), line(1, "second")],
        ..adopt(&vik, 1)
    };
    merge(&store, &lease, &[step]).await;
    let mut settled = conflict(1, "c1");
    settled.state = ConflictState::Settled(Side::Hub);
    let step = MergeStep {
        conflicts: vec![settled.clone()],
        journal: vec![line(1, "third")],
        ..MergeStep::default()
    };
    merge(&store, &lease, &[step]).await;

    let journal = store.journal_lines().await.expect("read");
    let expected = ["first", "second", "third"].map(|cause| line(1, cause));
    assert_eq!(journal, expected);
    let mut conflicts = store.known_conflicts().await.expect("read");
    conflicts.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(conflicts, [settled, conflict(1, "c2")]);
}

/// Hints of a step replace what was known of its task, and of no other; `None` leaves them.
pub async fn hints_are_replaced_for_each_task<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let lease = claim(&store, &account("tw")).await;
    let hinted = |from, number, hints: &[Hint]| MergeStep {
        hints: Some(hints.to_vec()),
        ..write(from, task(number))
    };
    let first = [hint(1, "vik_id", 1), hint(1, "todo_id", 1)];
    merge(
        &store,
        &lease,
        &[hinted(0, 1, &first), hinted(0, 2, &[hint(2, "vik_id", 2)])],
    )
    .await;
    merge(
        &store,
        &lease,
        &[hinted(1, 1, &[hint(1, "vik_id", 7)]), write(1, task(2))],
    )
    .await;
    let mut hints = store.hints("vik_id").await.expect("read");
    hints.sort();
    assert_eq!(hints, [hint(1, "vik_id", 7), hint(2, "vik_id", 2)]);
    assert!(store.hints("todo_id").await.expect("read").is_empty());

    let cleared = MergeStep {
        mapping: Some(Mapping::new(account("tw"), id(1), None)),
        hints: Some(Vec::new()),
        ..MergeStep::default()
    };
    merge(&store, &lease, &[cleared]).await;
    let hints = store.hints("vik_id").await.expect("read");
    assert_eq!(hints, [hint(2, "vik_id", 2)]);
}

fn hint(number: u128, marker: &str, item: u128) -> Hint {
    Hint {
        task: id(number),
        marker: marker.to_owned(),
        remote: remote(item),
    }
}
