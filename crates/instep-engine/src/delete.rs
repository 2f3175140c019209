//! Deleting items, each only while it is what its base says (S16).

use instep_contract::{Connector, ConnectorError, PushStep, Store};
use instep_model::{Action, Evidence, Operation, RemoteId, RemoteTask, Side, TaskId, Timestamp};

use crate::aftermath::Aftermath;
use crate::confirm::CARRIED;
use crate::pass::Pass;
use crate::push::Page;
use crate::round::Engine;
use crate::send::Marked;
use crate::stop::Stop;
use crate::{Clock, Rng};

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Deletes these items, each only if it still is what its base says (S16).
    pub(crate) async fn delete_all<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &Page,
        tasks: &[TaskId],
    ) -> Result<(), Stop> {
        for batch in tasks.chunks(pass.capabilities.batch.mixed.max(1)) {
            let remotes: Vec<RemoteId> = batch
                .iter()
                .filter_map(|id| page.context.mappings.get(id)?.remote.clone())
                .collect();
            let found = self.read(pass, &remotes).await?;
            let mut edited: Vec<(TaskId, RemoteTask)> = Vec::new();
            let mut steps = Vec::new();
            let mut to_delete = Vec::new();
            for (id, found) in batch.iter().zip(found) {
                // Another item under the id says what none would: this one is gone.
                let pair = page.context.mappings.get(id);
                let found = found.filter(|remote| pair.is_none_or(|pair| pair.is_of(remote.born)));
                match found {
                    None => steps.push(self.deleted(pass, page, *id, None)),
                    Some(remote) if self.is_as_agreed(pass, page, *id, &remote) => {
                        to_delete.push(*id)
                    }
                    Some(remote) => edited.push((*id, remote)),
                }
            }
            steps.extend(self.delete_batch(pass, page, &to_delete).await?);
            self.store
                .commit_push(&pass.lease, &steps, self.clock.now())
                .await?;
            if !edited.is_empty() {
                self.merge_chunk(pass, &edited, None).await?;
                pass.wrote = true;
            }
            if self.makes_way(pass).await? {
                break;
            }
        }
        Ok(())
    }

    async fn delete_batch<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &Page,
        tasks: &[TaskId],
    ) -> Result<Vec<PushStep>, Stop> {
        let operations: Vec<Operation> = tasks
            .iter()
            .filter_map(|id| page.context.mappings.get(id)?.remote.clone())
            .map(|id| Operation::Delete { id })
            .collect();
        if operations.is_empty() {
            return Ok(Vec::new());
        }
        let nothing = Marked::default();
        // What the service's journal tells of it is no older.
        let at = self.clock.now();
        let sent = self.send(pass, &operations, &[], &nothing, false).await?;
        let results = match sent {
            Err(error) if error.is_about_item() && tasks.len() == 1 => vec![Err(error)],
            outcome => outcome?,
        };
        let mut steps = Vec::new();
        let mut aftermath = Aftermath::default();
        for (id, result) in tasks.iter().zip(results) {
            match result {
                Ok(_) | Err(ConnectorError::Gone { .. }) => {
                    steps.push(self.deleted(pass, page, *id, Some(at)));
                }
                Err(error) => {
                    steps.extend(self.failed(pass, page, *id, error, None, &mut aftermath))
                }
            }
        }
        match aftermath.trouble {
            Some(error) => {
                self.store
                    .commit_push(&pass.lease, &steps, self.clock.now())
                    .await?;
                Err(error.into())
            }
            None => Ok(steps),
        }
    }

    fn is_as_agreed<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        page: &Page,
        id: TaskId,
        remote: &RemoteTask,
    ) -> bool {
        let (Some(task), Some(mapping)) =
            (page.context.tasks.get(&id), page.context.mappings.get(&id))
        else {
            return false;
        };
        let account = &pass.account.id;
        let projection = page.context.projection(pass, &self.zone);
        let seen = page
            .context
            .translate(account, remote, id, &mapping.base, &task.fields);
        !(self.decisions.remote_was_edited)(&projection, &mapping.base, &seen.fields)
    }

    /// An item that is gone; `sent_at` where we deleted it just now.
    fn deleted<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &Page,
        id: TaskId,
        sent_at: Option<Timestamp>,
    ) -> PushStep {
        let task = page.context.tasks[&id].clone();
        let mut mapping = page.context.mappings[&id].clone();
        // A row that is kept can be opened again by a person, and is then no leftover of ours.
        let evidence = if pass.capabilities.revives {
            Evidence::Flagged
        } else {
            Evidence::NotFound
        };
        mapping.gone = Some((evidence, sent_at.unwrap_or(self.clock.now())));
        mapping.observed = None;
        self.stamp(&mut mapping, &task, true);
        let mut journal = Vec::new();
        if sent_at.is_some() {
            pass.tell(
                Side::Remote,
                Action::Delete,
                &task,
                mapping.remote.clone(),
                Vec::new(),
            );
            journal = self.remote_event(pass, id, Action::Delete, &[], CARRIED);
        }
        PushStep {
            mapping: Some(mapping),
            done: page.work.get(&id).cloned(),
            journal,
            ..PushStep::default()
        }
    }
}
