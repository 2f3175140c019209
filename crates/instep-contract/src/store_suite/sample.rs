//! Small tasks, pairs and steps for the cases.

use std::time::Duration;

use instep_model::{
    Account, AccountId, Action, Conflict, ConflictId, ConflictPolicy, ConflictState, Direction,
    Field, Fields, Identity, JournalEntry, Kind, Mapping, OperationId, RemoteId, Scope, Side, Task,
    TaskId, Timestamp, Value,
};

use crate::{CommitObservation, Cursor, Lease, MergeStep, Store, TaskWrite};

pub(super) const TTL: Duration = Duration::from_secs(60);

/// A moment, in seconds after an arbitrary beginning.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).expect("a moment of this century")
}

pub(super) fn account(name: &str) -> AccountId {
    AccountId::new(name)
}

/// The task with this number.
pub(super) fn id(number: u128) -> TaskId {
    let text = format!("00000000-0000-4000-8000-{number:012x}");
    text.parse().expect("a UUID")
}

pub(super) fn remote(number: u128) -> RemoteId {
    RemoteId::new(format!("r{number}"))
}

/// A task that is not stored yet.
pub(super) fn task(number: u128) -> Task {
    let title = Value::Text(format!("task {number}"));
    Task {
        id: id(number),
        version: 0,
        fields: Fields::new().with(Field::Title, title),
        provenance: Default::default(),
        modified: at(0),
        deleted: None,
    }
}

pub(super) fn pair(owner: &AccountId, number: u128) -> Mapping {
    Mapping::new(owner.clone(), id(number), Some(remote(number)))
}

pub(super) fn write(from_version: u64, task: Task) -> MergeStep {
    MergeStep {
        task: Some(TaskWrite { from_version, task }),
        ..MergeStep::default()
    }
}

/// A new task with its pair.
pub(super) fn adopt(owner: &AccountId, number: u128) -> MergeStep {
    MergeStep {
        mapping: Some(pair(owner, number)),
        ..write(0, task(number))
    }
}

pub(super) fn mapped(mapping: Mapping) -> MergeStep {
    MergeStep {
        mapping: Some(mapping),
        ..MergeStep::default()
    }
}

/// A new task that is work for `owner`.
pub(super) fn woken(owner: &AccountId, number: u128) -> MergeStep {
    MergeStep {
        wake: vec![owner.clone()],
        ..write(0, task(number))
    }
}

pub(super) fn line(number: u128, cause: &str) -> JournalEntry {
    JournalEntry {
        operation: OperationId::new("op-1"),
        at: at(1),
        side: Side::Hub,
        account: Some(account("vik")),
        task: Some(id(number)),
        action: Action::Update,
        field: Some(Field::Title),
        from: None,
        to: Some("b".to_owned()),
        cause: cause.to_owned(),
    }
}

/// One that waits, about the title, with the account `vik`.
pub(super) fn conflict(number: u128, name: &str) -> Conflict {
    Conflict {
        id: ConflictId::new(name),
        task: id(number),
        account: account("vik"),
        field: Field::Title,
        base: None,
        hub: Some(Value::Text("ours".to_owned())),
        remote: Some(Value::Text("theirs".to_owned())),
        state: ConflictState::Open,
        at: at(1),
    }
}

pub(super) fn mirrored(name: &str) -> Account {
    Account {
        id: account(name),
        name: name.to_owned(),
        kind: Kind::Vikunja,
        direction: Direction::Both,
        scope: Scope::default(),
        policy: ConflictPolicy::Newest,
    }
}

pub(super) fn observation(seconds: i64) -> CommitObservation {
    CommitObservation {
        identity: Identity("https://tasks.example 1".to_owned()),
        cursor: Cursor(vec![0, 159, 146, 150, 255]),
        collections: None,
        sweep: false,
        shows_all: false,
        joined: false,
        reviews: Vec::new(),
        at: at(seconds),
    }
}

pub(super) async fn claim<S: Store>(store: &S, owner: &AccountId) -> Lease {
    store
        .claim_lease(owner, "suite", TTL, at(0))
        .await
        .expect("the lease is free")
}

/// Another holder claims it once its term is long over.
pub(super) async fn take_over<S: Store>(store: &S, owner: &AccountId) -> Lease {
    let claimed = store.claim_lease(owner, "another", TTL, at(999)).await;
    claimed.expect("its term is over")
}

pub(super) async fn merge<S: Store>(store: &S, lease: &Lease, steps: &[MergeStep]) {
    store
        .commit_merge(Some(lease), steps, at(1))
        .await
        .expect("the merge is stored");
}

/// Stores the tasks `1..=count`, paired in the account of the lease.
pub(super) async fn adopted<S: Store>(store: &S, lease: &Lease, count: u128) {
    let steps: Vec<MergeStep> = (1..=count)
        .map(|number| adopt(&lease.account, number))
        .collect();
    merge(store, lease, &steps).await;
}
