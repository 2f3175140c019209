//! Hubs, tasks and pairs that the tests fill in.

use std::ops::Deref;
use std::time::Duration;

use instep_contract::{Lease, MergeStep, Store, TaskWrite};
use instep_model::{
    AccountId, Action, Field, Fields, JournalEntry, Mapping, OperationId, RemoteId, Side, Task,
    TaskId, Timestamp, UserId, Value,
};
use instep_store::HubStore;
use tempfile::TempDir;

/// A hub in a directory that goes when the hub does.
pub(crate) struct Fresh {
    pub(crate) store: HubStore,
    pub(crate) dir: TempDir,
}

impl Deref for Fresh {
    type Target = HubStore;

    fn deref(&self) -> &HubStore {
        &self.store
    }
}

pub(crate) async fn fresh() -> Fresh {
    let dir = tempfile::tempdir().expect("a directory");
    let store = HubStore::open(&dir.path().join("hub.db"), UserId::new("me"))
        .await
        .expect("a new hub opens");
    Fresh { store, dir }
}

pub(crate) fn vik() -> AccountId {
    AccountId::new("vik")
}

/// A moment, in seconds after an arbitrary beginning.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).expect("a moment of this century")
}

pub(crate) fn numbered(number: u32) -> TaskId {
    let text = format!("{number:08x}-0000-4000-8000-{number:012}");
    text.parse().expect("a UUID")
}

pub(crate) fn task(number: u32) -> Task {
    let fields = Fields::new()
        .with(Field::Title, Value::Text(format!("task {number}")))
        .with(Field::Created, Value::Instant(at(i64::from(number))));
    Task {
        id: numbered(number),
        version: 0,
        fields,
        provenance: Default::default(),
        modified: at(0),
        deleted: None,
    }
}

pub(crate) fn step(task: Task) -> MergeStep {
    MergeStep {
        task: Some(TaskWrite {
            from_version: task.version,
            task,
        }),
        ..MergeStep::default()
    }
}

/// A new task, paired in `vik`, with a line of the journal, and work for `tw`.
pub(crate) fn adopted(number: u32) -> MergeStep {
    let task = task(number);
    let mut mapping = Mapping::new(vik(), task.id, Some(RemoteId::new(format!("r{number}"))));
    mapping.base.fields = task.fields.clone();
    let line = JournalEntry {
        operation: OperationId::new(format!("op-{number}")),
        at: at(i64::from(number)),
        side: Side::Hub,
        account: Some(vik()),
        task: Some(task.id),
        action: Action::Create,
        field: None,
        from: None,
        to: None,
        cause: "new there".to_owned(),
    };
    MergeStep {
        mapping: Some(mapping),
        journal: vec![line],
        wake: vec![AccountId::new("tw")],
        ..step(task)
    }
}

pub(crate) async fn claim(store: &HubStore) -> Lease {
    store
        .claim_lease(&vik(), "tests", Duration::from_secs(60), at(0))
        .await
        .expect("the lease is free")
}

pub(crate) async fn put(store: &HubStore, steps: &[MergeStep]) {
    store
        .commit_merge(None, steps, at(0))
        .await
        .expect("stored");
}

/// Stores the tasks `1..=count` as [`adopted`] makes them.
pub(crate) async fn filled(store: &HubStore, count: u32) {
    let steps: Vec<MergeStep> = (1..=count).map(adopted).collect();
    put(store, &steps).await;
}
