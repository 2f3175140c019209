//! Faults that are planted in the hub itself, by way of the store.

use std::time::Duration;

use instep_contract::{CommitObservation, Delivery, Lease, MergeStep, PushStep, Store};
use instep_model::{
    AccountId, Action, JournalEntry, Mapping, OperationId, RemoteId, Side, TaskId, Timestamp,
    UserId,
};
use instep_store::HubStore;

use crate::world::World;

/// The hub behind the app's back.
pub(crate) struct Hub {
    pub(crate) store: HubStore,
}

impl Hub {
    pub(crate) async fn of(world: &World) -> Self {
        let store = HubStore::open(&world.places.hub(), UserId::new("me")).await;
        Self {
            store: store.expect("the hub opens"),
        }
    }

    /// The id of the account of this name.
    pub(crate) async fn account(&self, name: &str) -> AccountId {
        let summary = self.store.summary().await.expect("a summary");
        let named = |config: &instep_model::Account| config.name == name;
        let found = summary
            .into_iter()
            .find(|one| one.config.as_ref().is_some_and(named));
        found.expect("the account is known").account
    }

    async fn lease(&self, account: &AccountId) -> Lease {
        let ttl = Duration::from_secs(60);
        let lease = self
            .store
            .claim_lease(account, "test", ttl, Timestamp::now());
        lease.await.expect("nobody has it")
    }

    /// The pairs of an account.
    pub(crate) async fn pairs(&self, account: &AccountId) -> Vec<Mapping> {
        let pairs = self.store.mappings(Some(account)).await;
        pairs.expect("pairs")
    }

    async fn merge(&self, account: &AccountId, steps: &[MergeStep]) {
        let lease = self.lease(account).await;
        let done = self
            .store
            .commit_merge(Some(&lease), steps, Timestamp::now());
        done.await.expect("stored");
        self.store.release_lease(lease).await.expect("given back");
    }

    /// Loses the pairs of these tasks.
    pub(crate) async fn lose(&self, account: &AccountId, tasks: &[TaskId]) {
        let step = |task: &TaskId| MergeStep {
            unpair: Some((account.clone(), *task)),
            ..MergeStep::default()
        };
        let steps: Vec<MergeStep> = tasks.iter().map(step).collect();
        self.merge(account, &steps).await;
    }

    /// Gives two pairs each other's items.
    pub(crate) async fn mix_up(&self, one: &Mapping, two: &Mapping) {
        let account = &one.account;
        self.lose(account, &[one.task, two.task]).await;
        let step = |pair: &Mapping, remote: &Option<RemoteId>| MergeStep {
            mapping: Some(Mapping {
                remote: remote.clone(),
                ..pair.clone()
            }),
            ..MergeStep::default()
        };
        let steps = [step(one, &two.remote), step(two, &one.remote)];
        self.merge(account, &steps).await;
    }

    /// Parks whatever the account refused.
    pub(crate) async fn park(&self, account: &AccountId) {
        let refused = self.store.refused(Some(account), 100).await;
        let refused = refused.expect("what was refused");
        let later = Timestamp::now() + Duration::from_secs(30 * 24 * 3600);
        let work = self.store.pending_work(account, 0, 100, later).await;
        let work = work.expect("its work");
        let step = |work: instep_contract::Work| PushStep {
            done: Some(work),
            ..PushStep::default()
        };
        let of_refused = |work: &instep_contract::Work| {
            let mut all = refused.iter();
            all.any(|one| one.pair.task == work.task)
        };
        let steps: Vec<PushStep> = work.into_iter().filter(of_refused).map(step).collect();
        let lease = self.lease(account).await;
        let done = self.store.commit_push(&lease, &steps, Timestamp::now());
        done.await.expect("stored");
        self.store.release_lease(lease).await.expect("given back");
    }

    /// Makes the last pass over an account so old.
    pub(crate) async fn set_back(&self, account: &AccountId, age: Duration) {
        self.set_pass(account, Timestamp::now() - age).await;
    }

    /// Makes the last pass over an account one of the future.
    pub(crate) async fn set_ahead(&self, account: &AccountId, span: Duration) {
        self.set_pass(account, Timestamp::now() + span).await;
    }

    async fn set_pass(&self, account: &AccountId, at: Timestamp) {
        let lease = self.lease(account).await;
        let state = self.store.account_state(account).await.expect("its state");
        let end = CommitObservation {
            identity: state.identity.expect("it has answered"),
            cursor: state.cursor.expect("it was looked at"),
            collections: None,
            sweep: false,
            joined: true,
            shows_all: false,
            reviews: Vec::new(),
            at,
        };
        let done = self.store.commit_observation(&lease, &end).await;
        done.expect("stored");
        self.store.release_lease(lease).await.expect("given back");
    }

    /// Work that was made so long ago, and that nobody took.
    pub(crate) async fn old_work(&self, pair: &Mapping, age: Duration) {
        let at = Timestamp::now() - age;
        let line = JournalEntry {
            operation: OperationId::new("planted"),
            at,
            side: Side::Hub,
            account: None,
            task: Some(pair.task),
            action: Action::Update,
            field: None,
            from: None,
            to: None,
            cause: "planted".to_owned(),
        };
        let step = MergeStep {
            mapping: Some(pair.clone()),
            journal: vec![line],
            wake: vec![pair.account.clone()],
            ..MergeStep::default()
        };
        self.merge(&pair.account, &[step]).await;
    }

    /// Something that was told so long ago, and that nobody looked at.
    pub(crate) async fn old_event(&self, account: &AccountId, age: Duration) {
        let told = Delivery {
            account: account.clone(),
            id: None,
            items: Vec::new(),
        };
        let told = self.store.accept(&[told], Timestamp::now() - age).await;
        assert_eq!(told.expect("stored"), 1);
    }
}
