//! Cases about writes in flight (S13, S14) and how they end.

use std::collections::BTreeMap;
use std::future::Future;

use instep_model::{
    AnnotationId, Change, Collection, CollectionId, Draft, DraftNote, Edit, Field, Fields, Link,
    Mapping, Operation, ProjectPath, RemoteId, RemoteNoteId, Value,
};

use super::Inspect;
use super::sample::*;
use crate::{Intent, PushStep, StoreError};

fn tag(name: &str) -> Operation {
    Operation::CreateTag {
        tag: name.to_owned(),
    }
}

/// Numbers grow, the oldest comes first, and accounts do not see each other's.
pub async fn intents_are_numbered_and_listed_in_order<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let mut ids = Vec::new();
    for names in [vec!["a", "b"], vec![], vec!["c"]] {
        let intents: Vec<_> = names.into_iter().map(|name| (None, tag(name))).collect();
        ids.extend(
            store
                .commit_intents(&lease, &intents, at(3))
                .await
                .expect("stored"),
        );
    }
    assert_eq!(ids.len(), 3);
    assert!(
        ids.is_sorted() && ids[0] != ids[1] && ids[1] != ids[2],
        "{ids:?}"
    );
    let open = store.open_intents(&vik).await.expect("read");
    let expected: Vec<Intent> = ["a", "b", "c"]
        .into_iter()
        .zip(ids)
        .map(|(name, id)| Intent {
            id,
            task: None,
            operation: tag(name),
            sent_at: at(3),
            timed_out: false,
            missed_at: None,
        })
        .collect();
    assert_eq!(open, expected);
    let other = store.open_intents(&account("tw")).await.expect("read");
    assert!(other.is_empty());
}

/// Every kind of operation comes back as it was.
pub async fn an_intent_carries_exactly_what_is_sent<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    adopted(&store, &lease, 1).await;
    let intents: Vec<_> = operations()
        .into_iter()
        .map(|operation| (Some(id(1)), operation))
        .collect();
    store
        .commit_intents(&lease, &intents, at(3))
        .await
        .expect("stored");
    let open = store.open_intents(&vik).await.expect("read");
    let found: Vec<_> = open
        .into_iter()
        .map(|intent| (intent.task, intent.operation))
        .collect();
    assert_eq!(found, intents);
}

fn note() -> DraftNote {
    DraftNote {
        id: AnnotationId(id(8).0),
        remote: Some(RemoteNoteId::new("n8")),
        at: at(8),
        text: "one,\ntwo \\".to_owned(),
    }
}

fn draft() -> Draft {
    Draft {
        task: id(1),
        collection: Some(CollectionId::new("c")),
        fields: Fields::new().with(Field::Title, Value::Text("t".to_owned())),
        notes: vec![note()],
        depends: [remote(2)].into(),
        parent: Some(remote(3)),
        markers: BTreeMap::from([("vik_id".to_owned(), "1".to_owned())]),
        shadow: Some("{}".to_owned()),
    }
}

/// Edits that differ in what they do to the parent; the first does everything else as well.
fn edits() -> [Edit; 3] {
    let full = Edit {
        fields: vec![Change {
            field: Field::Priority,
            from: None,
            to: Some(Value::Number(3)),
        }],
        collection: Some(CollectionId::new("d")),
        add_notes: vec![note()],
        edit_notes: vec![note()],
        remove_notes: vec![RemoteNoteId::new("n9")],
        add_depends: [remote(4)].into(),
        remove_depends: [remote(5)].into(),
        parent: Some(None),
        markers: BTreeMap::from([
            ("a".to_owned(), None),
            ("b".to_owned(), Some("c".to_owned())),
        ]),
    };
    let moved = Edit {
        parent: Some(Some(remote(6))),
        ..Edit::default()
    };
    [full, moved, Edit::default()]
}

/// One of every kind.
fn operations() -> Vec<Operation> {
    let (id, other, note) = (remote(1), remote(2), note());
    let tag = "with, comma".to_owned();
    let updates = edits().map(|edit| Operation::Update {
        id: remote(1),
        edit,
    });
    let mut operations = vec![Operation::Create(draft())];
    operations.extend(updates);
    operations.extend(links(&id, &other));
    operations.extend([
        Operation::SetTags {
            id: id.clone(),
            tags: [tag.clone()].into(),
        },
        Operation::AddTag {
            id: id.clone(),
            tag: tag.clone(),
        },
        Operation::RemoveTag {
            id: id.clone(),
            tag: tag.clone(),
        },
        Operation::AddNote {
            id: id.clone(),
            note: note.clone(),
        },
        Operation::EditNote {
            id: id.clone(),
            note: note.clone(),
        },
        Operation::RemoveNote {
            id: id.clone(),
            annotation: note.id,
            note: RemoteNoteId::new("n"),
        },
        Operation::Delete { id },
        Operation::CreateCollection {
            path: ProjectPath::new(["a.b", "c"]).expect("a path"),
        },
        Operation::CreateTag { tag },
    ]);
    operations
}

fn links(id: &RemoteId, other: &RemoteId) -> [Operation; 2] {
    [
        Operation::AddLink {
            id: id.clone(),
            link: Link::DependsOn,
            other: other.clone(),
        },
        Operation::RemoveLink {
            id: id.clone(),
            link: Link::PartOf,
            other: other.clone(),
        },
    ]
}

/// A look-up that found nothing, and an answer that took too long.
pub async fn doubt_is_remembered<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    store
        .commit_intents(&lease, &[(None, tag("a")), (None, tag("b"))], at(3))
        .await
        .expect("stored");
    let mut open = store.open_intents(&vik).await.expect("read");
    open[0].timed_out = true;
    open[1].missed_at = Some(at(7));
    store.commit_doubt(&lease, &open).await.expect("stored");
    assert_eq!(store.open_intents(&vik).await.expect("read"), open);

    open[1].missed_at = Some(at(9));
    open[1].sent_at = at(8);
    store
        .commit_doubt(&lease, &open[1..])
        .await
        .expect("stored");
    assert_eq!(store.open_intents(&vik).await.expect("read"), open);
}

/// A confirmed write ends its outbox entry, stores its pair and its lines; doubt about what is
/// settled is nothing.
pub async fn a_settled_intent_is_gone<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    merge(&store, &lease, &[woken(&vik, 1)]).await;
    let ids = store
        .commit_intents(&lease, &[(Some(id(1)), tag("a")), (None, tag("b"))], at(3))
        .await
        .expect("stored");
    let before = store.open_intents(&vik).await.expect("read");
    let step = PushStep {
        mapping: Some(pair(&vik, 1)),
        settled: Some(ids[0]),
        journal: vec![line(1, "made")],
        ..PushStep::default()
    };
    store
        .commit_push(&lease, &[step], at(4))
        .await
        .expect("stored");
    store.commit_doubt(&lease, &before).await.expect("stored");
    let open = store.open_intents(&vik).await.expect("read");
    assert_eq!(open, before[1..]);
    let pairs = store.mappings_by_remote(&vik, &[remote(1)]).await;
    assert_eq!(pairs.expect("read"), [pair(&vik, 1)]);
    assert_eq!(
        store.journal_lines().await.expect("read"),
        [line(1, "made")]
    );

    let dropped = PushStep {
        unpair: Some((vik.clone(), id(1))),
        ..PushStep::default()
    };
    store
        .commit_push(&lease, &[dropped], at(5))
        .await
        .expect("stored");
    let pairs = store.mappings_by_task(&vik, &[id(1)]).await;
    assert!(pairs.expect("read").is_empty());
}

/// A batch of ends in which one cannot be stored leaves all outbox entries open.
pub async fn a_failing_push_settles_nothing<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    adopted(&store, &lease, 1).await;
    merge(&store, &lease, &[woken(&vik, 2)]).await;
    let ids = store
        .commit_intents(&lease, &[(None, tag("a"))], at(3))
        .await
        .expect("stored");
    let work = store.pending_work(&vik, 0, 9, at(9)).await.expect("read");
    let settled = PushStep {
        settled: Some(ids[0]),
        done: Some(work[0].clone()),
        journal: vec![line(1, "made")],
        ..PushStep::default()
    };
    let doubled = PushStep {
        mapping: Some(Mapping::new(vik.clone(), id(2), Some(remote(1)))),
        ..PushStep::default()
    };
    let answer = store.commit_push(&lease, &[settled, doubled], at(4)).await;
    assert!(
        matches!(answer, Err(StoreError::AlreadyPaired { task }) if task == id(2)),
        "{answer:?}"
    );
    assert_eq!(store.open_intents(&vik).await.expect("read").len(), 1);
    let left = store.pending_work(&vik, 0, 9, at(9)).await.expect("read");
    assert_eq!(left, work);
    assert!(store.journal_lines().await.expect("read").is_empty());
}

/// A collection that a write made is known at once, and known once.
pub async fn a_collection_that_was_made_is_known<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let made = |name: &str, title: &str| Collection {
        id: CollectionId::new(name),
        path: ProjectPath::new([title]),
        archived: false,
    };
    let mut seen = observation(2);
    seen.collections = Some(vec![made("1", "Home")]);
    store
        .commit_observation(&lease, &seen)
        .await
        .expect("stored");
    let steps = [made("2", "Work"), made("1", "House")].map(|collection| PushStep {
        collection: Some(collection),
        ..PushStep::default()
    });
    store
        .commit_push(&lease, &steps, at(3))
        .await
        .expect("stored");
    let state = store.account_state(&vik).await.expect("read");
    assert_eq!(state.collections, [made("1", "House"), made("2", "Work")]);
}

/// As many ends as a first sync commits at once: pairs, outbox entries and work.
pub async fn many_ends_in_one_push_are_all_stored<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    const COUNT: u128 = 333;
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let steps: Vec<_> = (1..=COUNT).map(|number| woken(&vik, number)).collect();
    merge(&store, &lease, &steps).await;
    let work = store.pending_work(&vik, 0, 999, at(9)).await.expect("read");
    let intents: Vec<_> = work
        .iter()
        .map(|work| (Some(work.task), tag("a")))
        .collect();
    let ids = store
        .commit_intents(&lease, &intents, at(3))
        .await
        .expect("stored");
    // One is woken again meanwhile, and stays.
    let again = PushStep {
        wake: vec![(vik.clone(), id(7))],
        ..PushStep::default()
    };
    store
        .commit_push(&lease, &[again], at(3))
        .await
        .expect("stored");
    let ends: Vec<PushStep> = work
        .iter()
        .zip(ids)
        .zip(1..)
        .map(|((work, intent), number)| PushStep {
            mapping: Some(pair(&vik, number)),
            settled: Some(intent),
            done: Some(work.clone()),
            ..PushStep::default()
        })
        .collect();
    store
        .commit_push(&lease, &ends, at(4))
        .await
        .expect("stored");
    assert!(store.open_intents(&vik).await.expect("read").is_empty());
    assert_eq!(store.paired(&vik).await.expect("read").len(), 333);
    let left = store.pending_work(&vik, 0, 999, at(9)).await.expect("read");
    let left: Vec<_> = left.iter().map(|work| work.task).collect();
    assert_eq!(left, [id(7)]);
}
