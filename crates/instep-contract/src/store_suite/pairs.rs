//! Cases about pairs: how they are found, and that they stay unique.

use std::collections::BTreeMap;
use std::future::Future;

use instep_model::{
    AnnotationId, Base, Change, CollectionId, Evidence, Field, Fields, Mapping, MappingState,
    Provenance, RemoteId, RemoteNote, RemoteNoteId, RemoteTask, TaskId, Unanswered, Value, Written,
};

use super::Inspect;
use super::sample::*;
use crate::{MergeStep, StoreError};

/// By remote id, by task, and over all accounts; ids that are not paired are left out.
pub async fn a_pair_is_found_by_either_id<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    adopted(&store, &lease, 3).await;
    let other = Mapping::new(account("tw"), id(1), None);
    merge(&store, &lease, &[mapped(other.clone())]).await;

    let by_remote = store
        .mappings_by_remote(&vik, &[remote(2), remote(9), remote(2)])
        .await
        .expect("read");
    assert_eq!(by_remote, [pair(&vik, 2)]);
    let by_task = store
        .mappings_by_task(&vik, &[id(3), id(9)])
        .await
        .expect("read");
    assert_eq!(by_task, [pair(&vik, 3)]);
    let mut everywhere = store.mappings_of_tasks(&[id(1)]).await.expect("read");
    everywhere.sort_by(|a, b| a.account.cmp(&b.account));
    assert_eq!(everywhere, [other, pair(&vik, 1)]);

    assert!(
        store
            .mappings_by_remote(&vik, &[])
            .await
            .expect("read")
            .is_empty()
    );
    assert!(
        store
            .mappings_by_task(&vik, &[])
            .await
            .expect("read")
            .is_empty()
    );
    assert!(store.mappings_of_tasks(&[]).await.expect("read").is_empty());
    assert!(store.tasks(&[]).await.expect("read").is_empty());
}

/// Everything that a pair carries comes back.
pub async fn a_pair_is_stored_whole<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let full = full_pair();
    merge(
        &store,
        &lease,
        &[MergeStep {
            mapping: Some(full.clone()),
            ..write(0, task(1))
        }],
    )
    .await;
    let found = store.mappings_by_task(&vik, &[id(1)]).await.expect("read");
    assert_eq!(found, [full]);

    // A later state of the pair takes the place of the earlier one, field by field.
    let bare = Mapping::new(vik.clone(), id(1), None);
    merge(&store, &lease, &[mapped(bare.clone())]).await;
    let found = store.mappings_by_task(&vik, &[id(1)]).await.expect("read");
    assert_eq!(found, [bare]);
}

fn full_pair() -> Mapping {
    let title = Value::Text("task 1".to_owned());
    let note = AnnotationId(id(77).0);
    let observed = RemoteTask {
        collection: Some(CollectionId::new("c 2")),
        notes: vec![RemoteNote {
            id: RemoteNoteId::new("n1"),
            at: at(3),
            text: "seen, \"there\"\n".to_owned(),
        }],
        depends: [remote(5), remote(6)].into(),
        parent: Some(remote(7)),
        markers: BTreeMap::from([("vik_id".to_owned(), "r1".to_owned())]),
        changed_at: Some(at(4)),
        revision: Some("v4".to_owned()),
        shadow: Some("{\"x\":1}".to_owned()),
        born: Some(at(7)),
        ..RemoteTask::new(remote(1), Fields::new().with(Field::Title, title.clone()))
    };
    Mapping {
        collection: Some(CollectionId::new("c 1")),
        state: MappingState::Held,
        base: Base {
            fields: Fields::new()
                .with(Field::Title, title)
                .with(Field::Priority, Value::Number(3)),
            undecided: [Field::Status].into(),
            held_as: BTreeMap::from([
                (Field::Priority, Some(Value::Number(4))),
                (Field::Tags, None),
            ]),
            notes: BTreeMap::from([(note, RemoteNoteId::new("n1"))]),
            markers: BTreeMap::from([("vik_id".to_owned(), "r1".to_owned())]),
        },
        unanswered: vec![Unanswered {
            at: at(6),
            timed_out: true,
            change: Change {
                field: Field::Title,
                from: None,
                to: Some(Value::Text("sent".to_owned())),
            },
        }],
        written: vec![Written {
            at: at(5),
            change: Change {
                field: Field::Priority,
                from: Some(Value::Number(1)),
                to: Some(Value::Number(3)),
            },
        }],
        hub_version: 9,
        unseen: true,
        observed: Some(observed),
        left_out: [Field::Due].into(),
        gone: Some((Evidence::Unlisted, at(5))),
        contested: true,
        shadow: Some("{}".to_owned()),
        born: Some(at(8)),
        attempts: 4,
        failing_since: Some(at(6)),
        last_error: Some("refused".to_owned()),
        last_synced_at: Some(at(2)),
        ..pair(&account("vik"), 1)
    }
}

/// A remote item that is paired cannot be paired with another task.
pub async fn a_remote_item_is_paired_once<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    adopted(&store, &lease, 1).await;
    let second = MergeStep {
        mapping: Some(Mapping::new(vik.clone(), id(2), Some(remote(1)))),
        ..write(0, task(2))
    };
    let answer = store.commit_merge(Some(&lease), &[second], at(2)).await;
    assert!(
        matches!(answer, Err(StoreError::AlreadyPaired { task }) if task == id(2)),
        "{answer:?}"
    );
    assert!(store.tasks(&[id(2)]).await.expect("read").is_empty());
    // The same pair again is no second one.
    merge(&store, &lease, &[mapped(pair(&vik, 1))]).await;
}

/// Nor can one batch pair it twice.
pub async fn two_new_pairs_of_one_item_are_refused<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let second = MergeStep {
        mapping: Some(Mapping::new(vik.clone(), id(2), Some(remote(1)))),
        ..write(0, task(2))
    };
    let answer = store
        .commit_merge(Some(&lease), &[adopt(&vik, 1), second], at(2))
        .await;
    assert!(
        matches!(answer, Err(StoreError::AlreadyPaired { .. })),
        "{answer:?}"
    );
    assert!(store.tasks(&[id(1), id(2)]).await.expect("read").is_empty());
}

/// What counts is how the batch leaves the pairs.
pub async fn pairs_can_swap_in_one_batch<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    adopted(&store, &lease, 2).await;
    let crossed = |task, item| mapped(Mapping::new(vik.clone(), id(task), Some(remote(item))));
    merge(&store, &lease, &[crossed(1, 2), crossed(2, 1)]).await;
    for (item, task) in [(1, 2), (2, 1)] {
        let found = store
            .mappings_by_remote(&vik, &[remote(item)])
            .await
            .expect("read");
        let tasks: Vec<TaskId> = found.iter().map(|mapping| mapping.task).collect();
        assert_eq!(tasks, [id(task)], "item {item}");
    }
}

/// Dropping a pair frees both ids, in the step itself already.
pub async fn an_unpaired_item_can_be_paired_again<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    adopted(&store, &lease, 2).await;
    let dropped = MergeStep {
        unpair: Some((vik.clone(), id(1))),
        ..MergeStep::default()
    };
    merge(&store, &lease, &[dropped]).await;
    let found = store.mappings_by_remote(&vik, &[remote(1)]).await;
    assert!(found.expect("read").is_empty());

    let moved = MergeStep {
        unpair: Some((vik.clone(), id(2))),
        mapping: Some(Mapping::new(vik.clone(), id(1), Some(remote(2)))),
        ..MergeStep::default()
    };
    merge(&store, &lease, &[moved]).await;
    let found = store.mappings_by_task(&vik, &[id(1), id(2)]).await;
    let remotes: Vec<Option<RemoteId>> = found
        .expect("read")
        .into_iter()
        .map(|mapping| mapping.remote)
        .collect();
    assert_eq!(remotes, [Some(remote(2))]);

    let renewed = MergeStep {
        unpair: Some((vik.clone(), id(1))),
        mapping: Some(Mapping::new(vik.clone(), id(1), Some(remote(3)))),
        ..MergeStep::default()
    };
    merge(&store, &lease, &[renewed]).await;
    let found = store
        .mappings_by_remote(&vik, &[remote(3), remote(2)])
        .await;
    assert_eq!(found.expect("read").len(), 1);
}

/// Two accounts know nothing of each other's ids.
pub async fn accounts_pair_the_same_ids_apart<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let (vik, work) = (account("vik"), account("work"));
    let lease = claim(&store, &vik).await;
    adopted(&store, &lease, 1).await;
    merge(
        &store,
        &lease,
        &[MergeStep {
            mapping: Some(Mapping::new(work.clone(), id(2), Some(remote(1)))),
            ..write(0, task(2))
        }],
    )
    .await;
    let found = store.mappings_by_remote(&work, &[remote(1)]).await;
    assert_eq!(
        found.expect("read").first().map(|pair| pair.task),
        Some(id(2))
    );
}

/// Pairs that still wait for their remote item are none; tombstones come only when asked for.
pub async fn unpaired_tasks_have_no_remote_item<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    adopted(&store, &lease, 1).await;
    let waiting = MergeStep {
        mapping: Some(Mapping::new(vik.clone(), id(2), None)),
        ..write(0, task(2))
    };
    let mut dead = task(3);
    dead.deleted = Some(Provenance {
        at: at(1),
        account: None,
    });
    merge(
        &store,
        &lease,
        &[waiting, write(0, dead), write(0, task(4))],
    )
    .await;
    for (deleted, expected) in [(false, vec![2, 4]), (true, vec![2, 3, 4])] {
        let mut found: Vec<TaskId> = store
            .unpaired_tasks(&vik, deleted)
            .await
            .expect("read")
            .iter()
            .map(|task| task.id)
            .collect();
        found.sort();
        let expected: Vec<TaskId> = expected.into_iter().map(id).collect();
        assert_eq!(found, expected, "deleted: {deleted}");
    }
}

/// Every pair with a remote item that is not known to be gone, tombstones' too, and no other
/// account's.
pub async fn paired_names_what_is_not_gone<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let mut gone = pair(&vik, 2);
    gone.gone = Some((Evidence::Flagged, at(1)));
    let waiting = Mapping::new(vik.clone(), id(3), None);
    let mut dead = adopt(&vik, 4);
    if let Some(write) = &mut dead.task {
        write.task.deleted = Some(Provenance {
            at: at(1),
            account: None,
        });
    }
    let with = |number, mapping| MergeStep {
        mapping: Some(mapping),
        ..write(0, task(number))
    };
    let steps = [
        adopt(&vik, 1),
        with(2, gone),
        with(3, waiting),
        dead,
        adopt(&account("tw"), 5),
    ];
    merge(&store, &lease, &steps).await;
    let mut paired = store.paired(&vik).await.expect("read");
    paired.sort();
    assert_eq!(paired, [(remote(1), id(1)), (remote(4), id(4))]);
}

/// By what they depend on, by what they are part of, and by either in the base of a pair;
/// tombstones too, each once. An edit that unlinks them is seen.
pub async fn dependents_are_found_from_the_other_end<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let lease = claim(&store, &account("vik")).await;
    let linked = |number, field, value| {
        let mut task = task(number);
        task.fields.set(field, value);
        task
    };
    let after = |ends: &[u128]| Value::Tasks(ends.iter().map(|end| id(*end)).collect());
    let mut dead = linked(5, Field::Depends, after(&[1]));
    dead.deleted = Some(Provenance {
        at: at(1),
        account: None,
    });
    let tasks = [
        task(1),
        task(2),
        linked(3, Field::Depends, after(&[1, 2])),
        linked(4, Field::Parent, Value::Task(id(2))),
        dead,
    ];
    let steps: Vec<MergeStep> = tasks.into_iter().map(|task| write(0, task)).collect();
    merge(&store, &lease, &steps).await;
    let found = async |ends: &[u128]| {
        let ends: Vec<TaskId> = ends.iter().map(|end| id(*end)).collect();
        let mut found = store.dependents(&ends).await.expect("read");
        found.sort();
        found
    };
    assert_eq!(found(&[1]).await, [id(3), id(5)]);
    assert_eq!(found(&[2]).await, [id(3), id(4)]);
    assert_eq!(found(&[1, 2]).await, [id(3), id(4), id(5)]);
    assert!(found(&[3, 4, 5]).await.is_empty());
    assert!(found(&[]).await.is_empty());

    merge(&store, &lease, &[write(1, task(4))]).await;
    assert_eq!(found(&[2]).await, [id(3)]);

    let mut shown = pair(&account("vik"), 4);
    shown.base.fields.set(Field::Parent, Value::Task(id(2)));
    merge(&store, &lease, &[mapped(shown)]).await;
    assert_eq!(found(&[2]).await, [id(3), id(4)]);
    merge(&store, &lease, &[mapped(pair(&account("vik"), 4))]).await;
    assert_eq!(found(&[2]).await, [id(3)]);
}
