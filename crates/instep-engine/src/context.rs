//! What has to be loaded to decide about some tasks: they, their pairs, and where their links lead.

use std::collections::{BTreeMap, BTreeSet};

use instep_contract::{Connector, Store, StoreError};
use instep_model::{
    Account, AccountId, Base, CollectionId, Conflict, Fields, Mapping, OperationId, ProjectPath,
    RemoteId, RemoteTask, Task, TaskId, TimeZone,
};
use instep_sync::{Projection, Translated, translate};

use crate::pass::Pass;
use crate::round::Engine;
use crate::{Clock, Rng};

/// Tasks and pairs of one account, and the ids that their links translate to.
#[derive(Debug, Default)]
pub(crate) struct Context {
    pub(crate) tasks: BTreeMap<TaskId, Task>,
    pub(crate) mappings: BTreeMap<TaskId, Mapping>,
    /// Hub tasks by the account's ids, tombstones and held pairs included.
    pub(crate) by_remote: BTreeMap<RemoteId, TaskId>,
    /// The account's ids of tasks that live on both sides.
    pub(crate) remotes: BTreeMap<TaskId, RemoteId>,
    /// The keys of `remotes`.
    pub(crate) reachable: BTreeSet<TaskId>,
    /// Linked tasks that belong into the account and are not there yet.
    pub(crate) awaited: BTreeSet<TaskId>,
    /// What of these pairs waits for a person.
    open_conflicts: BTreeMap<TaskId, Vec<Conflict>>,
    /// The other accounts that hold a task, where sides meet for the first time.
    pub(crate) holders: BTreeMap<TaskId, BTreeSet<AccountId>>,
}

impl Context {
    /// How the account sees tasks.
    pub(crate) fn projection<'a, C: Connector>(
        &'a self,
        pass: &'a Pass<'_, C>,
        zone: &'a TimeZone,
    ) -> Projection<'a> {
        Projection {
            capabilities: &pass.capabilities,
            zone,
            reachable: &self.reachable,
        }
    }

    /// A remote item in the hub's ids. A link keeps its end even where that is deleted: it may come
    /// back.
    pub(crate) fn translate(
        &self,
        account: &AccountId,
        remote: &RemoteTask,
        task: TaskId,
        base: &Base,
        hub: &Fields,
    ) -> Translated {
        translate(remote, task, account, base, hub, |id| {
            self.by_remote.get(id).copied()
        })
    }

    /// What of this task's pair waits for a person.
    pub(crate) fn waiting(&self, task: TaskId) -> &[Conflict] {
        self.open_conflicts.get(&task).map_or(&[], Vec::as_slice)
    }

    /// Notes that a task and a remote item live on both sides from now on.
    pub(crate) fn pair(&mut self, task: TaskId, remote: &RemoteId) {
        self.by_remote.insert(remote.clone(), task);
        self.remotes.insert(task, remote.clone());
        self.reachable.insert(task);
    }
}

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Loads `tasks`, their pairs in the account, and everything that they or `seen` link to.
    pub(crate) async fn context(
        &self,
        owner: &Account,
        tasks: &[TaskId],
        seen: &[RemoteTask],
    ) -> Result<Context, StoreError> {
        let account = &owner.id;
        let mut context = Context::default();
        // Pairs before tasks: where another process comes in between, a task that is newer than its
        // base is carried once more, and one that is older would undo what was carried.
        for mapping in self.store.mappings_by_task(account, tasks).await? {
            context.mappings.insert(mapping.task, mapping);
        }
        for task in self.store.tasks(tasks).await? {
            context.tasks.insert(task.id, task);
        }
        self.find_waiting(account, &mut context).await?;
        let mut linked: BTreeSet<TaskId> = BTreeSet::new();
        linked.extend(context.tasks.values().flat_map(|task| task.fields.links()));
        linked.extend(
            context
                .mappings
                .values()
                .flat_map(|mapping| mapping.base.fields.links()),
        );
        let remotes: BTreeSet<&RemoteId> = seen
            .iter()
            .flat_map(|task| task.depends.iter().chain(&task.parent))
            .collect();
        let remotes: Vec<RemoteId> = remotes.into_iter().cloned().collect();
        let by_remote = self.store.mappings_by_remote(account, &remotes).await?;
        linked.extend(by_remote.iter().map(|mapping| mapping.task));
        linked.retain(|task| !context.tasks.contains_key(task));

        let linked: Vec<TaskId> = linked.into_iter().collect();
        let far_tasks = self.store.tasks(&linked).await?;
        let far_mappings = self.store.mappings_by_task(account, &linked).await?;
        let alive: BTreeSet<TaskId> = far_tasks
            .iter()
            .chain(context.tasks.values())
            .filter(|task| task.is_alive())
            .map(|task| task.id)
            .collect();
        let own: Vec<Mapping> = context.mappings.values().cloned().collect();
        for mapping in by_remote.iter().chain(&far_mappings).chain(&own) {
            let Some(remote) = &mapping.remote else {
                continue;
            };
            context.by_remote.insert(remote.clone(), mapping.task);
            if mapping.gone.is_none() && alive.contains(&mapping.task) {
                context.pair(mapping.task, remote);
            }
        }
        context.awaited = far_tasks
            .iter()
            .chain(context.tasks.values())
            .filter(|task| task.is_alive() && owner.scope.admits(&task.fields))
            .map(|task| task.id)
            .filter(|task| !context.reachable.contains(task))
            .collect();
        Ok(context)
    }

    /// Loads what of these pairs waits for a person; most rounds have nothing of the kind.
    async fn find_waiting(
        &self,
        account: &AccountId,
        context: &mut Context,
    ) -> Result<(), StoreError> {
        let waits = |pair: &&Mapping| pair.observed.is_some();
        let waiting: Vec<TaskId> = context
            .mappings
            .values()
            .filter(waits)
            .map(|one| one.task)
            .collect();
        if waiting.is_empty() {
            return Ok(());
        }
        for conflict in self.store.open_conflicts(account, &waiting).await? {
            let own = context.open_conflicts.entry(conflict.task).or_default();
            own.push(conflict);
        }
        Ok(())
    }

    /// Notes which other accounts hold the tasks of `context`.
    pub(crate) async fn find_holders(
        &self,
        account: &AccountId,
        context: &mut Context,
    ) -> Result<(), StoreError> {
        let tasks: Vec<TaskId> = context.tasks.keys().copied().collect();
        let pairs = self.store.mappings_of_tasks(&tasks).await?;
        let living = pairs.into_iter().filter(|pair| {
            pair.account != *account && pair.remote.is_some() && pair.gone.is_none()
        });
        for pair in living {
            let holders = context.holders.entry(pair.task).or_default();
            holders.insert(pair.account);
        }
        Ok(())
    }

    /// A name for one step, by which its journal lines find each other. What differs most comes
    /// first, so that its beginning is a name for it too.
    pub(crate) fn operation_id(&self) -> OperationId {
        let millis = self.clock.now().as_millisecond();
        OperationId::new(format!(
            "{:08x}{millis:012x}",
            self.rng.next_u64() & 0xffff_ffff
        ))
    }
}

/// The collection that a task with this project belongs in: where it is now, if that is one of
/// that path (S20), otherwise the first that takes writes. `Err` when there is none yet.
pub(crate) fn collection_for<'a>(
    collections: &'a [instep_model::Collection],
    project: Option<&ProjectPath>,
    now_in: Option<&CollectionId>,
) -> Result<Option<&'a CollectionId>, ()> {
    let fits = |collection: &&instep_model::Collection| collection.path.as_ref() == project;
    let here = collections
        .iter()
        .filter(fits)
        .find(|collection| Some(&collection.id) == now_in);
    let first = || {
        let mut open: Vec<_> = collections.iter().filter(fits).collect();
        open.sort_by_key(|collection| {
            (
                collection.archived,
                collection.id.as_str().len(),
                &collection.id,
            )
        });
        open.into_iter().next()
    };
    match here.or_else(first) {
        Some(collection) => Ok(Some(&collection.id)),
        None if project.is_none() => Ok(None),
        None => Err(()),
    }
}
