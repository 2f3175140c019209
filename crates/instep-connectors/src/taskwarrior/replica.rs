//! The library's door to a Taskwarrior 3 database: reads it whole or by uuid, and writes exactly
//! the properties that change, each batch in one transaction that also checked what it found.
//!
//! No hook runs here, no undo point is set (S31), and no row is ever removed.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use instep_contract::{Applied, ConnectorError, Doubt};
use instep_model::{Operation as Write, RemoteId};
use taskchampion::chrono::Utc;
use taskchampion::storage::{AccessMode, Storage, StorageTxn, TaskMap};
use taskchampion::{Error, Operation, SqliteStorage};
use uuid::Uuid;

use super::client::failure;
use super::edit::{self, Terms};
use super::wire::{Row, State};

/// Hands every task to `each`, in no order.
pub(super) async fn read_all(
    data: &Path,
    mut each: impl FnMut(Uuid, &HashMap<String, String>) + Send,
) -> Result<(), ConnectorError> {
    let mut storage = open_to_read(data).await?;
    let mut transaction = storage.txn().await.map_err(unstored)?;
    for (uuid, properties) in transaction.all_tasks().await.map_err(unstored)? {
        each(uuid, &properties);
    }
    Ok(())
}

/// Reads the rows of these uuids, in their order.
pub(super) async fn read_some(
    data: &Path,
    uuids: &[Uuid],
) -> Result<Vec<Option<Row>>, ConnectorError> {
    let mut storage = open_to_read(data).await?;
    let mut transaction = storage.txn().await.map_err(unstored)?;
    let mut rows = Vec::with_capacity(uuids.len());
    for uuid in uuids {
        let properties = transaction.get_task(*uuid).await.map_err(unstored)?;
        rows.push(properties.map(|properties| Row::from_properties(*uuid, &properties)));
    }
    Ok(rows)
}

/// Whether there is no task at all.
pub(super) async fn is_empty(data: &Path) -> Result<bool, ConnectorError> {
    let mut storage = open_to_read(data).await?;
    let mut transaction = storage.txn().await.map_err(unstored)?;
    let uuids = transaction.all_task_uuids().await.map_err(unstored)?;
    Ok(uuids.is_empty())
}

/// Carries out a batch: what is refused is left out, all the rest is committed together.
pub(super) async fn apply(
    data: &Path,
    batch: &[Write],
    terms: Terms<'_>,
) -> Result<Vec<Result<Applied, ConnectorError>>, ConnectorError> {
    let mut storage = SqliteStorage::new(data, AccessMode::ReadWrite, true)
        .await
        .map_err(unstored)?;
    let transaction = storage.txn().await.map_err(unstored)?;
    let mut writing = Writing {
        transaction,
        opened: Vec::new(),
        written: false,
    };
    let mut results = Vec::with_capacity(batch.len());
    for operation in batch {
        results.push(writing.carry_out(operation, terms).await?);
    }
    writing.finish().await?;
    Ok(results)
}

struct Writing<'a> {
    transaction: Box<dyn StorageTxn + Send + 'a>,
    /// Tasks that became pending, which Taskwarrior wants to have a number.
    opened: Vec<Uuid>,
    written: bool,
}

impl Writing<'_> {
    /// One operation; the outer error is about the database and ends the batch.
    async fn carry_out(
        &mut self,
        operation: &Write,
        terms: Terms<'_>,
    ) -> Result<Result<Applied, ConnectorError>, ConnectorError> {
        let uuid = match edit::target(operation) {
            Ok(uuid) => uuid,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let properties = self.transaction.get_task(uuid).await.map_err(unstored)?;
        let current = properties
            .as_ref()
            .map(|properties| Row::from_properties(uuid, properties));
        let wanted = match edit::outcome(operation, current.as_ref(), terms) {
            Ok(wanted) => wanted,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut applied = Applied::done(RemoteId::new(uuid.to_string()));
        if let Some(row) = wanted {
            self.store(&row, current.as_ref(), properties).await?;
            applied.held = (row.state != State::Deleted).then(|| terms.rules.task(&row));
        }
        Ok(Ok(applied))
    }

    async fn store(
        &mut self,
        row: &Row,
        current: Option<&Row>,
        properties: Option<TaskMap>,
    ) -> Result<(), ConnectorError> {
        if current == Some(row) {
            return Ok(());
        }
        self.written = true;
        let uuid = row.uuid;
        let empty = Row::empty(uuid);
        if current.is_none() {
            self.transaction.create_task(uuid).await.map_err(unstored)?;
            self.note(Operation::Create { uuid }).await?;
        }
        let mut changes = row.property_changes(current.unwrap_or(&empty));
        if current.is_none() && row.state == State::Pending {
            changes.push(("status".into(), Some("pending".into())));
        }
        let mut properties = properties.unwrap_or_default();
        for (property, value) in changes {
            let old_value = match &value {
                Some(value) => properties.insert(property.clone(), value.clone()),
                None => properties.remove(&property),
            };
            self.note(Operation::Update {
                uuid,
                property,
                old_value,
                value,
                timestamp: Utc::now(),
            })
            .await?;
        }
        self.transaction
            .set_task(uuid, properties)
            .await
            .map_err(unstored)?;
        if row.state == State::Pending && current.is_none_or(|row| row.state != State::Pending) {
            self.opened.push(uuid);
        }
        Ok(())
    }

    async fn note(&mut self, operation: Operation) -> Result<(), ConnectorError> {
        self.transaction
            .add_operation(operation)
            .await
            .map_err(unstored)
    }

    async fn finish(mut self) -> Result<(), ConnectorError> {
        if !self.opened.is_empty() {
            let numbered = self.transaction.get_working_set().await.map_err(unstored)?;
            let mut numbered: HashSet<Uuid> = numbered.into_iter().flatten().collect();
            for uuid in std::mem::take(&mut self.opened) {
                if numbered.insert(uuid) {
                    self.transaction
                        .add_to_working_set(uuid)
                        .await
                        .map_err(unstored)?;
                }
            }
        }
        if !self.written {
            return Ok(());
        }
        self.transaction.commit().await.map_err(|error| {
            let text = chain(&error);
            failure(&text).unwrap_or(ConnectorError::OutcomeUnknown {
                source: text.into(),
                doubt: Doubt::Lost,
            })
        })
    }
}

/// Opens a database to read it and no more.
pub(super) async fn open_to_read(data: &Path) -> Result<SqliteStorage, ConnectorError> {
    // Reading must not upgrade the layout or wait for a writer. A database from before 3.2 that
    // still keeps a rollback journal cannot be opened so; opening it to write converts it.
    match SqliteStorage::new(data, AccessMode::ReadOnly, false).await {
        Ok(storage) => Ok(storage),
        Err(_) => SqliteStorage::new(data, AccessMode::ReadWrite, false)
            .await
            .map_err(unstored),
    }
}

/// An error before the commit: nothing was stored.
pub(super) fn unstored(error: Error) -> ConnectorError {
    let reason = chain(&error);
    failure(&reason).unwrap_or(ConnectorError::Unavailable { reason })
}

fn chain(error: &Error) -> String {
    // The alternate form carries the causes, which name SQLite's own error.
    format!("{error:#}")
}
