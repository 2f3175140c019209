//! Changes that a person makes in the hub itself. Those that concern a pair are made under the lease of
//! its account: whoever runs it has read the pair, and would write over them (S11).

use instep_contract::{Lease, MergeStep, Store, StoreError, TaskWrite};
use instep_model::{
    AccountId, Action, Conflict, Field, Fields, Mapping, MappingState, Provenance, Review,
    ReviewReason, Side, Status, Task, TaskId, Value,
};

use crate::journal::{Event, action_of, changes_between};
use crate::merge::new_task;
use crate::round::Engine;
use crate::{Clock, Rng};

/// How often an edit is made again because the task moved meanwhile.
const MOST_TRIES: usize = 5;

/// Why a person's change was not stored.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// There is no such task, or it is deleted.
    #[error("there is no task {0}")]
    Unknown(TaskId),
    /// The two are not a task of the hub and an item of one account.
    #[error("these two cannot be one: it takes a task of the hub and an item of one account")]
    NoPair,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A change that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The task as it is now.
    pub task: Task,
    /// What was done; `None` when nothing changed.
    pub action: Option<Action>,
}

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Makes a task with these values.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_task(&self, id: TaskId, mut fields: Fields) -> Result<Edited, EditError> {
        let now = self.clock.now();
        if fields.get(Field::Created).is_none() {
            fields.set(Field::Created, Value::Instant(now));
        }
        let task = new_task(
            id,
            fields,
            &Provenance {
                at: now,
                account: None,
            },
        );
        self.store_edit(None, task, Action::Create).await
    }

    /// Changes a living task.
    ///
    /// # Errors
    /// When there is none, or the database fails.
    pub async fn edit_task(
        &self,
        id: TaskId,
        change: impl Fn(&mut Fields),
    ) -> Result<Edited, EditError> {
        self.change(id, |task, now| {
            let before = task.fields.clone();
            change(&mut task.fields);
            keep_completion(&before, &mut task.fields, now);
            let changes = changes_between(&before, &task.fields);
            for change in &changes {
                task.provenance.insert(
                    change.field,
                    Provenance {
                        at: now,
                        account: None,
                    },
                );
            }
            (!changes.is_empty()).then(|| action_of(&changes))
        })
        .await
    }

    /// Deletes a living task.
    ///
    /// # Errors
    /// When there is none, or the database fails.
    pub async fn delete_task(&self, id: TaskId) -> Result<Edited, EditError> {
        self.change(id, |task, now| {
            task.deleted = Some(Provenance {
                at: now,
                account: None,
            });
            Some(Action::Delete)
        })
        .await
    }

    /// Ends an open conflict (S4): the task gets `value`, and what the remote shows counts as
    /// known, so that the value is carried there.
    ///
    /// # Errors
    /// When there is no such task, or the database fails.
    pub async fn settle_conflict(
        &self,
        lease: &Lease,
        conflict: &Conflict,
        value: Option<Value>,
    ) -> Result<Edited, EditError> {
        let edited = self
            .edit_task(conflict.task, |fields| {
                fields.set(conflict.field, value.clone())
            })
            .await?;
        let pairs = self
            .store
            .mappings_by_task(&conflict.account, &[conflict.task])
            .await?;
        let Some(mut pair) = pairs.into_iter().find(|pair| pair.observed.is_some()) else {
            return Ok(edited);
        };
        let shown = pair
            .observed
            .as_ref()
            .and_then(|seen| seen.fields.get(conflict.field))
            .cloned();
        pair.base.confirm(conflict.field, shown.clone(), shown);
        let differs = |seen: &instep_model::RemoteTask| {
            seen.fields
                .iter()
                .any(|(field, value)| pair.base.shown(field) != Some(value))
        };
        let asked = self
            .store
            .open_conflicts(&conflict.account, &[conflict.task])
            .await?;
        let is_last = asked.iter().all(|one| one.field == conflict.field);
        if is_last && !pair.observed.as_ref().is_some_and(differs) {
            pair.observed = None;
        }
        let wake = vec![conflict.account.clone()];
        let step = MergeStep {
            mapping: Some(pair),
            wake,
            ..MergeStep::default()
        };
        self.store
            .commit_merge(Some(lease), &[step], self.clock.now())
            .await?;
        Ok(edited)
    }

    /// Decides a matter of adoption (S26) for one side. The other side's item is free again: a
    /// remote one is taken by [`run_single`](Self::run_single) or the next full look.
    ///
    /// # Errors
    /// When the task is gone, or the database fails.
    pub async fn decide_review(
        &self,
        lease: &Lease,
        review: &Review,
        keep: Side,
    ) -> Result<(), EditError> {
        let account = &review.account;
        match (review.task, review.reason, keep) {
            (Some(task), ReviewReason::MarkerOfGone, Side::Remote) => {
                self.delete_task(task).await?;
            }
            (Some(task), ReviewReason::DeletedHere, Side::Hub) => {
                let pair = Mapping::new(account.clone(), task, review.remote.clone());
                self.wake_pair(lease, pair).await?;
            }
            (Some(task), ReviewReason::EqualTitle | ReviewReason::MarkerOfGone, Side::Hub) => {
                self.wake_pair(lease, Mapping::new(account.clone(), task, None))
                    .await?;
            }
            _ => {}
        }
        Ok(self.store.drop_review(review).await?)
    }

    /// Decides that a hub task and an item that wait for a look are one. What they hold is merged
    /// when the item is read next, by [`run_single`](Self::run_single) or a pass.
    ///
    /// # Errors
    /// [`EditError::NoPair`] unless one review is about a living hub task and the other about an
    /// item of the same account.
    pub async fn pair_reviews(
        &self,
        lease: &Lease,
        one: &Review,
        other: &Review,
    ) -> Result<(), EditError> {
        let (hub, there) = if one.task.is_some() {
            (one, other)
        } else {
            (other, one)
        };
        let (Some(task), None, Some(item), None) =
            (hub.task, &hub.remote, &there.remote, there.task)
        else {
            return Err(EditError::NoPair);
        };
        if hub.account != there.account {
            return Err(EditError::NoPair);
        }
        let known = self.store.tasks(&[task]).await?;
        if !known.iter().any(Task::is_alive) {
            return Err(EditError::Unknown(task));
        }
        self.wake_pair(
            lease,
            Mapping::new(hub.account.clone(), task, Some(item.clone())),
        )
        .await?;
        self.store.drop_review(hub).await?;
        Ok(self.store.drop_review(there).await?)
    }

    /// Refuses deletions of these tasks that the guard holds for the account (S28): they are made
    /// there again. Those that it does not hold are left as they are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn refuse_deletions(&self, lease: &Lease, tasks: &[TaskId]) -> Result<(), EditError> {
        let account = &lease.account;
        let pairs = self.store.mappings_by_task(account, tasks).await?;
        let held = pairs.iter().filter(|pair| pair.is_guarded());
        let steps: Vec<MergeStep> = held
            .map(|pair| MergeStep {
                mapping: Some(Mapping {
                    state: MappingState::Pending,
                    contested: true,
                    ..pair.clone()
                }),
                wake: vec![account.clone()],
                ..MergeStep::default()
            })
            .collect();
        let now = self.clock.now();
        Ok(self.store.commit_merge(Some(lease), &steps, now).await?)
    }

    async fn wake_pair(&self, lease: &Lease, pair: Mapping) -> Result<(), EditError> {
        let wake = vec![pair.account.clone()];
        let step = MergeStep {
            mapping: Some(pair),
            wake,
            ..MergeStep::default()
        };
        Ok(self
            .store
            .commit_merge(Some(lease), &[step], self.clock.now())
            .await?)
    }

    async fn change(
        &self,
        id: TaskId,
        change: impl Fn(&mut Task, instep_model::Timestamp) -> Option<Action>,
    ) -> Result<Edited, EditError> {
        let mut tries = 0;
        loop {
            let known = self.store.tasks(&[id]).await?;
            let Some(before) = known.into_iter().next().filter(Task::is_alive) else {
                return Err(EditError::Unknown(id));
            };
            let now = self.clock.now();
            let mut task = before.clone();
            let Some(action) = change(&mut task, now) else {
                return Ok(Edited { task, action: None });
            };
            task.modified = task.modified.max(now);
            match self.store_edit(Some(&before), task, action).await {
                Err(EditError::Store(StoreError::Stale { .. })) if tries < MOST_TRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    async fn store_edit(
        &self,
        before: Option<&Task>,
        mut task: Task,
        action: Action,
    ) -> Result<Edited, EditError> {
        let nothing = Fields::new();
        let from = before.map_or(&nothing, |task| &task.fields);
        let changes = match action {
            Action::Create | Action::Delete => Vec::new(),
            _ => changes_between(from, &task.fields),
        };
        let journal = Event {
            operation: &self.operation_id(),
            at: self.clock.now(),
            side: Side::Hub,
            account: None,
            task: task.id,
            action,
            changes: &changes,
            cause: "by hand",
        }
        .lines();
        let wake: Vec<AccountId> = self.peers.iter().map(|peer| peer.account.clone()).collect();
        let from_version = before.map_or(0, |task| task.version);
        let write = TaskWrite {
            from_version,
            task: task.clone(),
        };
        let step = MergeStep {
            task: Some(write),
            journal,
            wake,
            ..MergeStep::default()
        };
        self.store
            .commit_merge(None, &[step], self.clock.now())
            .await?;
        task.version = from_version + 1;
        Ok(Edited {
            task,
            action: Some(action),
        })
    }
}

/// Closing stamps the time of it, opening takes it away.
fn keep_completion(before: &Fields, after: &mut Fields, now: instep_model::Timestamp) {
    let closed = |status: Status| status.is_closed();
    match (closed(before.status()), closed(after.status())) {
        (_, false) => after.set(Field::CompletedAt, None),
        (false, true) if after.get(Field::CompletedAt) == before.get(Field::CompletedAt) => {
            after.set(Field::CompletedAt, Value::Instant(now));
        }
        _ => {}
    }
}
