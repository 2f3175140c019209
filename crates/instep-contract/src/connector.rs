//! The seam to one service.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use instep_model::{
    Capabilities, Collection, CollectionId, Gone, Identity, Operation, RemoteId, RemoteNoteId,
    RemoteTask, SetSince, Timestamp,
};

use crate::ConnectorError;

/// A place in a remote's change feed. Opaque: only the connector that made it reads it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cursor(pub Vec<u8>);

/// How closely to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Look {
    /// Only what changed since the cursor, as cheaply as the service allows (S9, S10).
    Changes,
    /// Everything, so that what the cheap way cannot see is found.
    Everything,
}

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Who answered (S5).
    pub identity: Identity,
    /// Who answered at `since`, where that was another name of the same: its tasks show that it is
    /// no other service, as when a directory was copied.
    pub known_as: Option<Identity>,
    /// Tasks that are new or may have changed; more than changed is allowed, less is not.
    pub tasks: Vec<RemoteTask>,
    /// Tasks known to be gone, each with its evidence (I6). Ids that were never known are allowed.
    pub gone: Vec<Gone>,
    /// All collections, when any of them may have changed.
    pub collections: Option<Vec<Collection>>,
    /// Whether `tasks` is every task there is: ids that are known and not in it were
    /// reported in `gone` as unlisted.
    pub complete: bool,
    /// Whether the service shows an older state than at `since`: a copy of it was put back. Nobody
    /// deleted what it lacks then, and its old values are nobody's edits. Told on strong evidence
    /// alone, for as long as the cursor is not replaced by this observation's.
    pub went_back: bool,
    /// Where to go on from, once what was found has been stored.
    pub cursor: Cursor,
}

/// What a confirmed write left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The task that was made or written; for a collection or tag, its id there.
    pub id: RemoteId,
    /// The collection it lies in, or that was made.
    pub collection: Option<CollectionId>,
    /// The remote's id of a note that was written.
    pub note: Option<RemoteNoteId>,
    /// What the write itself stored, where its own answer told or it is certain, so that the
    /// service's normalisation can be told from an edit (S1). Never what a later read found:
    /// that is an observation, and may hold somebody's edit.
    pub held: Option<RemoteTask>,
    /// When the task was made, as [`RemoteTask::born`].
    pub born: Option<Timestamp>,
}

impl Applied {
    /// A write whose answer told no more than that it was done.
    pub fn done(id: RemoteId) -> Self {
        Self {
            id,
            collection: None,
            note: None,
            held: None,
            born: None,
        }
    }
}

/// What somebody made and the service has lost since, though nobody took it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The task.
    pub id: RemoteId,
    /// The task as it has to be; `None` where it was deleted, and is there again.
    pub task: Option<RemoteTask>,
    /// What of it stands there; `None` where the whole task is gone.
    pub left: Option<RemoteTask>,
}

/// One service as seen through one account.
///
/// A connector never merges, retries, sleeps or keeps state of its own beyond a connection
/// and caches of what it read. Each call of [`apply`](Self::apply) is one effect on the remote.
/// It never writes through any other method.
pub trait Connector: Send {
    /// What the service can hold and how it takes writes. Never changes within a run.
    fn capabilities(&self) -> &Capabilities;

    /// Who answers now, past every cache: what [`observe`](Self::observe) would call it (S5).
    fn identity(&mut self) -> impl Future<Output = Result<Identity, ConnectorError>> + Send;

    /// Looks for changes since `since`; without a cursor, at everything. Completes or fails:
    /// a listing that was cut short is an error, never a short observation.
    ///
    /// # Errors
    /// [`ConnectorError::CursorInvalid`] when `since` cannot be used any more.
    fn observe(
        &mut self,
        since: Option<&Cursor>,
        look: Look,
    ) -> impl Future<Output = Result<Observation, ConnectorError>> + Send;

    /// Reads these items now, past every cache, in the same order; `None` where the service says
    /// that the item does not exist (by-id evidence: its collection answers).
    fn read(
        &mut self,
        ids: &[RemoteId],
    ) -> impl Future<Output = Result<Vec<Option<RemoteTask>>, ConnectorError>> + Send;

    /// Whether looks know a change by what an item held at the last one. Then an item that was
    /// written since and changed back looks as if nothing had happened, unless it is
    /// [forgotten](Self::forget_seen).
    fn compares(&self) -> bool {
        false
    }

    /// Whether a person's undo takes back what we wrote since their last step together with that step
    /// (S31). The service keeps a journal of what was set in its items, then.
    fn undo_takes_ours(&self) -> bool {
        false
    }

    /// What that journal tells was set in each of these items since a moment, our own writes among
    /// it; in the same order. `None` where it cannot tell, as it does not reach back that far. Only
    /// asked where an undo takes ours.
    fn set_since(
        &mut self,
        asked: &[(RemoteId, Timestamp)],
    ) -> impl Future<Output = Result<Vec<Option<SetSince>>, ConnectorError>> + Send {
        std::future::ready(Ok(vec![None; asked.len()]))
    }

    /// `cursor` without what it holds of these items, so that the next look shows them whatever they
    /// hold then.
    ///
    /// # Errors
    /// [`ConnectorError::CursorInvalid`] when the cursor cannot be read.
    fn forget_seen(&self, cursor: &Cursor, items: &[RemoteId]) -> Result<Cursor, ConnectorError> {
        let _ = items;
        Ok(cursor.clone())
    }

    /// `cursor` as it has to be before this batch goes out: its items are
    /// [forgotten](Self::forget_seen), and what a later look needs in order to know our own writes
    /// again is remembered.
    ///
    /// # Errors
    /// As [`forget_seen`](Self::forget_seen).
    fn note_sending(&self, cursor: &Cursor, batch: &[Operation]) -> Result<Cursor, ConnectorError> {
        let items: Vec<RemoteId> = batch
            .iter()
            .filter_map(Operation::target)
            .cloned()
            .collect();
        self.forget_seen(cursor, &items)
    }

    /// Which of these tags do not exist there yet. Only asked where tags are things of their own.
    fn missing_tags(
        &mut self,
        tags: &[String],
    ) -> impl Future<Output = Result<Vec<String>, ConnectorError>> + Send;

    /// Carries out one batch, grouped by the declared [`BatchRule`](instep_model::BatchRule):
    /// one result for each operation, in order. An `Err` for the whole says that the service failed,
    /// not the items; with [`ConnectorError::OutcomeUnknown`], any part of it may have been stored.
    /// A batch of one fails as a whole unless the error
    /// [is about the item](ConnectorError::is_about_item).
    ///
    /// An empty batch is sent at the end of a pass that wrote nothing, so that a connector can
    /// finish what only a write may do; mostly it does nothing and costs nothing.
    ///
    /// An update reads the item just before it writes, refuses with [`ConnectorError::Stale`]
    /// where a field that it would overwrite holds neither the change's `from` nor its `to`, and
    /// writes nothing beside what changes (S17); what holds the new values already is success.
    /// A create of an id that exists already and is alive answers
    /// [`ConnectorError::AlreadyExists`]; a delete of what is gone answers success.
    fn apply(
        &mut self,
        batch: &[Operation],
    ) -> impl Future<Output = Result<Vec<Result<Applied, ConnectorError>>, ConnectorError>> + Send;

    /// Looks for what these operations, sent at or after `since` and of unknown outcome, may have
    /// left: for each, every item there that has its content as sent, whoever made it. Extra tags,
    /// notes and links on a candidate do not matter (S14). The engine leaves out what is paired.
    fn find(
        &mut self,
        sent: &[Operation],
        since: Timestamp,
    ) -> impl Future<Output = Result<Vec<Vec<Applied>>, ConnectorError>> + Send;

    /// How long the next write had better wait, so that it meets nobody else's in a service whose
    /// writers lose each other's work (S32). Zero elsewhere, and after a few seconds of asking: what
    /// does not come to rest is written to all the same.
    fn ready_in(&mut self) -> Duration {
        Duration::ZERO
    }

    /// Looks for what somebody made and such a service lost since: in these items, of which
    /// somebody was told that they changed, and in what was written lately. The next
    /// [`apply`](Self::apply), even an empty one, puts it back; it may lose it again, so that one
    /// has to ask until there is nothing.
    ///
    /// # Errors
    /// [`ConnectorError::Busy`] while somebody is writing.
    fn lost(
        &mut self,
        reported: &[RemoteId],
    ) -> impl Future<Output = Result<Vec<Lost>, ConnectorError>> + Send {
        let _ = reported;
        std::future::ready(Ok(Vec::new()))
    }

    /// Another connector to the same account, for single items while this one is busy with a long
    /// look: with the connection and what is known already, and nothing of the look. What is learnt
    /// or written through it this one learns by its next look. `None` where looks are short, or go by
    /// what only this one knows.
    fn beside(&self) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }

    /// The files that hold the items, where they are files of this computer: when one of them
    /// changes, appears, or goes, a look is due. Complete once an identity was told.
    fn watched(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// The host, and its port where that is not the usual one, that the calls go to; `None` for what
    /// is on this computer, which is never left alone because it failed (S33).
    fn host(&self) -> Option<&str> {
        None
    }

    /// How many calls went to the service so far: requests, or processes started.
    fn calls(&self) -> u64;

    /// How long it waited for the service so far: for answers to requests, for processes from their
    /// start until they had ended, and for a service's own library.
    fn waited(&self) -> Duration {
        Duration::ZERO
    }
}
