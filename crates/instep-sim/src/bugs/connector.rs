//! A connector with a planted bug, or none.

use std::collections::BTreeSet;

use instep_contract::{
    Applied, Connector, ConnectorError, Cursor, FakeConnector, Look, Observation,
};
use instep_model::{
    Capabilities, Change, Evidence, Field, Fields, Gone, Identity, Operation, RemoteId, RemoteTask,
    SetSince, Timestamp,
};

use super::Bug;
use crate::owners::{Owners, Process};
use crate::world::RemoteWorld;

/// A client of one of the remotes.
pub(crate) struct SimConnector {
    inner: FakeConnector<RemoteWorld>,
    bug: Option<Bug>,
    process: Process,
    host: Option<&'static str>,
}

impl SimConnector {
    pub(crate) fn new(
        inner: FakeConnector<RemoteWorld>,
        bug: Option<Bug>,
        process: Process,
    ) -> Self {
        Self {
            inner,
            bug,
            process,
            host: None,
        }
    }

    /// The same at this host.
    pub(crate) fn at(self, host: Option<&'static str>) -> Self {
        Self { host, ..self }
    }
}

impl Connector for SimConnector {
    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    async fn identity(&mut self) -> Result<Identity, ConnectorError> {
        self.inner.identity().await
    }

    async fn observe(
        &mut self,
        since: Option<&Cursor>,
        look: Look,
    ) -> Result<Observation, ConnectorError> {
        let seen = self.inner.observe(since, look).await;
        match (self.bug, seen) {
            (Some(Bug::ShortListingWhole), Err(ConnectorError::Malformed { .. })) => {
                let mut whole = self.inner.observe(since, Look::Everything).await?;
                let cut = whole.tasks.len().saturating_sub(1);
                let rest = whole.tasks.split_off(cut);
                whole.gone.extend(rest.iter().map(|task| missing(&task.id)));
                Ok(whole)
            }
            (Some(Bug::CursorFirst), Ok(seen)) => {
                let here = self.inner.world();
                here.world.handed_out(here.remote, &seen.cursor);
                Ok(seen)
            }
            (_, seen) => seen.map(|seen| self.spoilt(seen)),
        }
    }

    async fn read(&mut self, ids: &[RemoteId]) -> Result<Vec<Option<RemoteTask>>, ConnectorError> {
        let read = self.inner.read(ids).await?;
        if self.bug != Some(Bug::OldCopyBelieved) {
            return Ok(read);
        }
        let here = self.inner.world();
        let believed = ids
            .iter()
            .zip(read)
            .map(|(id, read)| here.world.first_read(here.remote, id, read));
        Ok(believed.collect())
    }

    fn undo_takes_ours(&self) -> bool {
        self.inner.undo_takes_ours()
    }

    async fn set_since(
        &mut self,
        asked: &[(RemoteId, Timestamp)],
    ) -> Result<Vec<Option<SetSince>>, ConnectorError> {
        self.inner.set_since(asked).await
    }

    async fn missing_tags(&mut self, tags: &[String]) -> Result<Vec<String>, ConnectorError> {
        self.inner.missing_tags(tags).await
    }

    async fn apply(
        &mut self,
        batch: &[Operation],
    ) -> Result<Vec<Result<Applied, ConnectorError>>, ConnectorError> {
        let answer = self.apply_as_planted(batch).await;
        if !batch.is_empty() {
            let here = self.inner.world();
            let wrote = |owners: &mut Owners, _| owners.wrote(here.remote, self.process, batch);
            here.world.owners(wrote);
        }
        answer
    }

    async fn find(
        &mut self,
        sent: &[Operation],
        since: Timestamp,
    ) -> Result<Vec<Vec<Applied>>, ConnectorError> {
        let found = self.inner.find(sent, since).await?;
        Ok(match self.bug {
            Some(Bug::NothingFound) => vec![Vec::new(); sent.len()],
            _ => found,
        })
    }

    fn beside(&self) -> Option<Self> {
        let inner = self.inner.beside()?;
        Some(Self::new(inner, self.bug, self.process).at(self.host))
    }

    fn host(&self) -> Option<&str> {
        self.host
    }

    fn calls(&self) -> u64 {
        self.inner.calls()
    }
}

impl SimConnector {
    async fn apply_as_planted(
        &mut self,
        batch: &[Operation],
    ) -> Result<Vec<Result<Applied, ConnectorError>>, ConnectorError> {
        if self.bug.is_none() {
            return self.inner.apply(batch).await;
        }
        if let Some(answer) = self.swallowed(batch) {
            return answer;
        }
        let sent = self.rewritten(batch).await?;
        let answer = self.inner.apply(&sent).await;
        match (self.bug, &answer) {
            (Some(Bug::SentAgain), Err(ConnectorError::OutcomeUnknown { .. })) => {
                self.inner.apply(&sent).await
            }
            (Some(Bug::LostIsNotSent), Err(ConnectorError::OutcomeUnknown { .. })) => {
                Err(ConnectorError::NotSent {
                    source: "or so it seems".into(),
                })
            }
            (Some(Bug::FailureConfirmed), Err(ConnectorError::Unavailable { .. })) => {
                Ok(sent.iter().map(confirmed).collect())
            }
            (Some(Bug::CreatedTwice), Ok(_)) if creates(&sent) => {
                // The first answer is the one that is believed.
                let _ = self.inner.apply(&sent).await;
                answer
            }
            (Some(Bug::NoteTwice), Ok(_)) if matches!(sent[..], [Operation::AddNote { .. }]) => {
                let _ = self.inner.apply(&sent).await;
                answer
            }
            _ => answer,
        }
    }

    fn spoilt(&self, mut seen: Observation) -> Observation {
        match self.bug {
            Some(Bug::ChangeSkipped) => {
                seen.tasks.pop();
            }
            Some(Bug::DeletionsHidden) => seen.gone.clear(),
            Some(Bug::ClosedHidden) => {
                let is_closed = |task: &RemoteTask| task.fields.status().is_closed();
                let closed = seen.tasks.iter().filter(|task| is_closed(task));
                let gone: Vec<Gone> = closed.map(|task| missing(&task.id)).collect();
                seen.gone.extend(gone);
                seen.tasks.retain(|task| !is_closed(task));
            }
            _ => {}
        }
        seen
    }

    /// The answer to a batch that is not carried out at all.
    fn swallowed(
        &self,
        batch: &[Operation],
    ) -> Option<Result<Vec<Result<Applied, ConnectorError>>, ConnectorError>> {
        let swallows = |operation: &Operation| match self.bug {
            Some(Bug::DeleteSwallowed) => matches!(operation, Operation::Delete { .. }),
            Some(Bug::UpdateSwallowed) => matches!(operation, Operation::Update { .. }),
            _ => false,
        };
        batch
            .iter()
            .any(swallows)
            .then(|| Ok(batch.iter().map(confirmed).collect()))
    }

    /// The batch as a planted bug sends it.
    async fn rewritten(&mut self, batch: &[Operation]) -> Result<Vec<Operation>, ConnectorError> {
        let mut sent = batch.to_vec();
        for operation in &mut sent {
            match (self.bug, &mut *operation) {
                (Some(Bug::StaleOverwritten), Operation::Update { id, edit }) => {
                    let there = self.there(id).await?;
                    for change in &mut edit.fields {
                        change.from = there.get(change.field).cloned();
                    }
                }
                (Some(Bug::UpdateReopens), Operation::Update { id, edit }) => {
                    let status = self.there(id).await?.get(Field::Status).cloned();
                    let is_moved = |change: &Change| change.field == Field::Status;
                    if status.is_some() && !edit.fields.iter().any(is_moved) {
                        edit.fields.push(Change {
                            field: Field::Status,
                            from: status,
                            to: None,
                        });
                    }
                }
                (Some(Bug::ShadowDropped), Operation::Create(draft)) => draft.shadow = None,
                (Some(Bug::LinksStay), Operation::RemoveLink { id, link, other }) => {
                    *operation = Operation::AddLink {
                        id: id.clone(),
                        link: *link,
                        other: other.clone(),
                    };
                }
                (Some(Bug::AllTagsRemoved), Operation::RemoveTag { id, .. }) => {
                    *operation = Operation::SetTags {
                        id: id.clone(),
                        tags: BTreeSet::new(),
                    };
                }
                _ => {}
            }
        }
        Ok(sent)
    }

    async fn there(&mut self, id: &RemoteId) -> Result<Fields, ConnectorError> {
        let read = self.inner.read(std::slice::from_ref(id)).await?;
        let task = read.into_iter().next().flatten();
        Ok(task.map_or_else(Fields::new, |task| task.fields))
    }
}

fn missing(id: &RemoteId) -> Gone {
    Gone {
        id: id.clone(),
        evidence: Evidence::Unlisted,
        at: None,
        last: None,
    }
}

fn creates(batch: &[Operation]) -> bool {
    matches!(batch.first(), Some(Operation::Create(_)))
}

fn confirmed(operation: &Operation) -> Result<Applied, ConnectorError> {
    let nobody = RemoteId::new("0");
    Ok(Applied::done(operation.target().cloned().unwrap_or(nobody)))
}
