//! Whatever the model can hold comes back as it was.

use std::collections::{BTreeMap, BTreeSet};

use instep_contract::Store;
use instep_model::{
    Action, Anchor, Annotation, AnnotationId, Change, Draft, DraftNote, Edit, Field, Fields,
    JournalEntry, Mapping, Operation, OperationId, ProjectPath, Provenance, Reminder, RemoteId,
    RemoteNote, RemoteNoteId, RemoteTask, Side, Status, Task, Timestamp, Value, When,
};
use instep_store::{HubStore, JournalFilter};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::samples::{adopted, at, claim, fresh, numbered, put, step, vik};

fn instants() -> impl Strategy<Value = Timestamp> {
    let range = Timestamp::MIN.as_second() + 1..Timestamp::MAX.as_second();
    (range, 0..1_000_000_000).prop_map(|(seconds, nanos)| {
        Timestamp::new(seconds, nanos).expect("a second and its nanoseconds")
    })
}

fn whens() -> impl Strategy<Value = When> {
    let utc = instep_model::TimeZone::UTC;
    (instants(), 0..3).prop_map(move |(at, kind)| match kind {
        0 => When::Date(utc.to_datetime(at).date()),
        1 => When::Floating(utc.to_datetime(at)),
        _ => When::At(at),
    })
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z ,.\\\\\n\r\t\"'{}\u{0}\u{fe0f}-]{1,12}"
    ]
}

fn uuids() -> impl Strategy<Value = uuid::Uuid> {
    any::<u128>().prop_map(uuid::Uuid::from_u128)
}

fn reminders() -> impl Strategy<Value = Reminder> {
    let anchors = prop_oneof![Just(Anchor::Due), Just(Anchor::Start), Just(Anchor::End)];
    prop_oneof![
        whens().prop_map(Reminder::At),
        (anchors, any::<i64>()).prop_map(|(anchor, offset_secs)| Reminder::Relative {
            anchor,
            offset_secs
        }),
    ]
}

/// Any value, also ones that no field of ours takes.
fn values() -> impl Strategy<Value = Value> {
    let annotation = (instants(), texts()).prop_map(|(at, text)| Annotation { at, text });
    let tags = btree_set(texts().prop_filter("a tag", |tag| !tag.is_empty()), 0..4);
    let paths = vec(texts(), 1..4).prop_filter_map("a path", ProjectPath::new);
    prop_oneof![
        texts().prop_map(Value::Text),
        (0..4usize).prop_map(|n| Value::Status(Status::ALL[n])),
        any::<bool>().prop_map(Value::Flag),
        any::<u32>().prop_map(Value::Number),
        whens().prop_map(Value::When),
        instants().prop_map(Value::Instant),
        paths.prop_map(Value::Path),
        tags.prop_map(Value::Tags),
        btree_map(uuids().prop_map(AnnotationId), annotation, 0..3).prop_map(Value::Annotations),
        btree_set(uuids().prop_map(instep_model::TaskId), 0..3).prop_map(Value::Tasks),
        uuids().prop_map(|id| Value::Task(instep_model::TaskId(id))),
        btree_set(reminders(), 0..3).prop_map(Value::Reminders),
    ]
}

fn any_field() -> impl Strategy<Value = Field> {
    (0..Field::ALL.len()).prop_map(|n| Field::ALL[n])
}

fn field_sets() -> impl Strategy<Value = Fields> {
    vec((any_field(), values()), 0..8).prop_map(Fields::from_iter)
}

fn remote_tasks() -> impl Strategy<Value = RemoteTask> {
    let note = (texts(), instants(), texts()).prop_map(|(id, at, text)| RemoteNote {
        id: RemoteNoteId::new(id),
        at,
        text,
    });
    let opaque = (
        option::of(instants()),
        option::of(texts()),
        option::of(texts()),
        option::of(instants()),
    );
    let markers = btree_map(texts(), texts(), 0..3);
    (field_sets(), vec(note, 0..3), links(), markers, opaque).prop_map(
        |(fields, notes, depends, markers, (changed_at, revision, shadow, born))| RemoteTask {
            notes,
            parent: depends.first().cloned(),
            depends,
            markers,
            changed_at,
            revision,
            shadow,
            born,
            ..RemoteTask::new(RemoteId::new("r1"), fields)
        },
    )
}

/// A task and its pair with everything that they can carry.
fn sides() -> impl Strategy<Value = (Task, Mapping)> {
    let origins = btree_map(any_field(), (instants(), any::<bool>()), 0..4);
    let overrides = btree_map(any_field(), option::of(values()), 0..3);
    let observed = option::of(remote_tasks());
    let times = (instants(), option::of(instants()), option::of(instants()));
    (field_sets(), origins, overrides, observed, times).prop_map(
        |(fields, origins, held_as, observed, (modified, next, synced))| {
            let provenance = origins.into_iter().map(|(field, (at, ours))| {
                let account = (!ours).then(vik);
                (field, Provenance { at, account })
            });
            let mut mapping = Mapping::new(vik(), numbered(1), Some(RemoteId::new("r1")));
            mapping.base.fields = fields.clone();
            mapping.base.held_as = held_as;
            mapping.born = observed.as_ref().and_then(|seen| seen.born);
            mapping.observed = observed;
            mapping.failing_since = next;
            mapping.last_synced_at = synced;
            mapping.attempts = u32::MAX;
            let task = Task {
                id: numbered(1),
                version: 0,
                fields,
                provenance: provenance.collect(),
                modified,
                deleted: None,
            };
            (task, mapping)
        },
    )
}

fn draft_notes() -> impl Strategy<Value = Vec<DraftNote>> {
    let note = (uuids(), option::of(texts()), instants(), texts());
    let note = note.prop_map(|(id, remote, at, text)| DraftNote {
        id: AnnotationId(id),
        remote: remote.map(RemoteNoteId::new),
        at,
        text,
    });
    vec(note, 0..3)
}

fn links() -> impl Strategy<Value = BTreeSet<RemoteId>> {
    btree_set(texts().prop_map(RemoteId::new), 0..3)
}

fn operations() -> impl Strategy<Value = Operation> {
    let changes = (any_field(), option::of(values()), option::of(values()));
    let changes = changes.prop_map(|(field, from, to)| Change { field, from, to });
    let create = (field_sets(), draft_notes(), links(), option::of(texts())).prop_map(
        |(fields, notes, depends, shadow)| {
            Operation::Create(Draft {
                task: numbered(1),
                collection: None,
                fields,
                notes,
                depends,
                parent: None,
                markers: BTreeMap::new(),
                shadow,
            })
        },
    );
    let markers = btree_map(texts(), option::of(texts()), 0..3);
    let update = (vec(changes, 0..4), draft_notes(), links(), markers).prop_map(
        |(fields, add_notes, remove_depends, markers)| Operation::Update {
            id: RemoteId::new("r1"),
            edit: Edit {
                fields,
                add_notes,
                remove_depends,
                markers,
                ..Edit::default()
            },
        },
    );
    prop_oneof![create, update]
}

/// Runs an async check over many generated values, on one hub.
fn check<T: std::fmt::Debug>(
    strategy: impl Strategy<Value = T>,
    holds: impl AsyncFn(&HubStore, T) -> Result<(), TestCaseError>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let hub = runtime.block_on(fresh());
    let config = Config {
        cases: 128,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&strategy, |value| {
        runtime.block_on(holds(&hub.store, value))
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn tasks_and_pairs_come_back_as_they_were() {
    check(sides(), async |hub, (mut task, mapping)| {
        let known = hub.tasks(&[task.id]).await.expect("read");
        task.version = known.first().map_or(0, |known| known.version);
        let mut both = step(task.clone());
        both.mapping = Some(mapping.clone());
        put(hub, &[both]).await;
        task.version += 1;
        prop_assert_eq!(hub.tasks(&[task.id]).await.expect("read"), vec![task]);
        let found = hub.mappings(Some(&vik())).await.expect("read");
        prop_assert_eq!(found, vec![mapping]);
        Ok(())
    });
}

#[test]
fn writes_in_flight_come_back_as_they_were() {
    check(operations(), async |hub, operation| {
        let lease = claim(hub).await;
        let intents = [(None, operation.clone())];
        let ids = hub
            .commit_intents(&lease, &intents, at(1))
            .await
            .expect("stored");
        let open = hub.open_intents(&vik()).await.expect("read");
        let found = open.into_iter().find(|intent| intent.id == ids[0]);
        hub.end_epoch(&lease, None, at(1)).await.expect("stored");
        hub.release_lease(lease).await.expect("released");
        prop_assert_eq!(found.map(|intent| intent.operation), Some(operation));
        Ok(())
    });
}

#[test]
fn journal_lines_come_back_as_they_were() {
    let lines = (
        any_field(),
        option::of(texts()),
        texts(),
        instants(),
        0..Action::ALL.len(),
    );
    check(lines, async |hub, (field, from, cause, at, action)| {
        let line = JournalEntry {
            operation: OperationId::new(cause.clone()),
            at,
            side: Side::Remote,
            account: None,
            task: None,
            action: Action::ALL[action],
            field: Some(field),
            to: from.clone(),
            from,
            cause,
        };
        let mut step = adopted(1);
        (step.task, step.mapping, step.wake) = (None, None, Vec::new());
        step.journal = vec![line.clone()];
        put(hub, &[step]).await;
        let newest = JournalFilter {
            limit: Some(1),
            ..JournalFilter::default()
        };
        prop_assert_eq!(hub.journal(&newest).await.expect("read"), vec![line]);
        Ok(())
    });
}
