//! A connector that only plays writing: reads go through, writes are answered as if they had been
//! done. The engine can then plan a whole round on a copy of the hub, and nothing is written.

use std::collections::BTreeSet;
use std::time::Duration;

use instep_contract::{Applied, Connector, ConnectorError, Cursor, Look, Observation};
use instep_model::{
    Capabilities, CollectionId, Identity, Operation, RemoteId, RemoteNoteId, RemoteTask, SetSince,
    Timestamp,
};

/// What the ids of things that were never made begin with.
const INVENTED: &str = "new-";

/// Wraps a connector so that it writes nothing (I19).
#[derive(Debug)]
pub struct Rehearsal<C> {
    inner: C,
    identity: Option<Identity>,
    tags: BTreeSet<String>,
    made: u64,
    wrote: bool,
}

impl<C> Rehearsal<C> {
    /// Plays writing in front of `inner`.
    pub fn new(inner: C) -> Self {
        Self {
            inner,
            identity: None,
            tags: BTreeSet::new(),
            made: 0,
            wrote: false,
        }
    }

    /// The connector behind it.
    pub fn inner_mut(&mut self) -> &mut C {
        &mut self.inner
    }

    fn invent(&mut self) -> String {
        self.made += 1;
        format!("{INVENTED}{}", self.made)
    }

    fn play(&mut self, operation: &Operation) -> Applied {
        match operation {
            Operation::Create(draft) => Applied {
                collection: draft.collection.clone(),
                ..Applied::done(RemoteId::new(self.invent()))
            },
            Operation::CreateCollection { .. } => {
                let id = self.invent();
                Applied {
                    collection: Some(CollectionId::new(id.clone())),
                    ..Applied::done(RemoteId::new(id))
                }
            }
            Operation::CreateTag { tag } => {
                self.tags.insert(tag.clone());
                Applied::done(RemoteId::new(self.invent()))
            }
            Operation::AddNote { id, .. } => Applied {
                note: Some(RemoteNoteId::new(self.invent())),
                ..Applied::done(id.clone())
            },
            Operation::Update { id, edit } => Applied {
                collection: edit.collection.clone(),
                ..Applied::done(id.clone())
            },
            other => Applied::done(other.target().cloned().unwrap_or_else(|| RemoteId::new(""))),
        }
    }
}

/// Whether an id names something that was never made.
pub fn is_invented(id: &RemoteId) -> bool {
    id.as_str().starts_with(INVENTED)
}

impl<C: Connector> Connector for Rehearsal<C> {
    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    async fn identity(&mut self) -> Result<Identity, ConnectorError> {
        self.inner.identity().await
    }

    /// Looks as long as nothing was played; afterwards the service could only show a state in
    /// which it was not, so that there is nothing new.
    async fn observe(
        &mut self,
        since: Option<&Cursor>,
        look: Look,
    ) -> Result<Observation, ConnectorError> {
        if let (true, Some(identity), Some(cursor)) = (self.wrote, &self.identity, since) {
            return Ok(Observation {
                identity: identity.clone(),
                known_as: None,
                tasks: Vec::new(),
                gone: Vec::new(),
                collections: None,
                complete: false,
                went_back: false,
                cursor: cursor.clone(),
            });
        }
        let seen = self.inner.observe(since, look).await?;
        self.identity = Some(seen.identity.clone());
        Ok(seen)
    }

    async fn read(&mut self, ids: &[RemoteId]) -> Result<Vec<Option<RemoteTask>>, ConnectorError> {
        let real: Vec<RemoteId> = ids.iter().filter(|id| !is_invented(id)).cloned().collect();
        let mut found = self.inner.read(&real).await?.into_iter();
        let answer = |id: &RemoteId| match is_invented(id) {
            true => None,
            false => found.next().flatten(),
        };
        Ok(ids.iter().map(answer).collect())
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
        let mut missing = self.inner.missing_tags(tags).await?;
        missing.retain(|tag| !self.tags.contains(tag));
        Ok(missing)
    }

    async fn apply(
        &mut self,
        batch: &[Operation],
    ) -> Result<Vec<Result<Applied, ConnectorError>>, ConnectorError> {
        self.wrote = true;
        Ok(batch
            .iter()
            .map(|operation| Ok(self.play(operation)))
            .collect())
    }

    async fn find(
        &mut self,
        sent: &[Operation],
        since: Timestamp,
    ) -> Result<Vec<Vec<Applied>>, ConnectorError> {
        self.inner.find(sent, since).await
    }

    fn host(&self) -> Option<&str> {
        self.inner.host()
    }

    fn calls(&self) -> u64 {
        self.inner.calls()
    }

    fn waited(&self) -> Duration {
        self.inner.waited()
    }
}
