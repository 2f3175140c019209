//! Writing through the command line: read, decide, import whole objects, read again. An import
//! replaces a task entirely, so every attribute that was read travels back with what changes.
//!
//! Nothing here decides what a task should hold; a write that is not there afterwards is reported.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use instep_contract::{Applied, ConnectorError};
use instep_model::{Operation, RemoteId};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::client::{Imported, Program};
use super::convert::Rules;
use super::wire::{Row, State};
use super::{edit, scan};

/// A task as exported, and as understood.
type Exported = (Row, Map<String, Json>);

/// Exports these tasks now.
pub(super) async fn fetch(
    program: &mut Program,
    data: &Path,
    uuids: &[Uuid],
) -> Result<HashMap<Uuid, Exported>, ConnectorError> {
    let wanted: HashSet<Uuid> = uuids.iter().copied().collect();
    // 2.6 keeps a uuid as somebody typed it, and finds it only when asked for in that spelling.
    let spellings = |uuid: &Uuid| [uuid.to_string(), uuid.to_string().to_uppercase()];
    let names: Vec<String> = wanted.iter().flat_map(spellings).collect();
    let mut found = HashMap::with_capacity(wanted.len());
    program
        .export(data, Some(&names), |line| {
            let known = scan::scan(line).map(|scan| scan.uuid);
            if known.is_none_or(|uuid| wanted.contains(&uuid)) {
                let (row, object) = read(line)?;
                found.insert(row.uuid, (row, object));
            }
            Ok(())
        })
        .await?;
    Ok(found)
}

/// Reads one exported line.
pub(super) fn read(line: &[u8]) -> Result<Exported, ConnectorError> {
    let malformed = |what| ConnectorError::Malformed { what };
    let object = scan::parse(line).map_err(malformed)?;
    let row = Row::from_export(&object).map_err(malformed)?;
    Ok((row, object))
}

/// Carries out a batch.
pub(super) async fn apply(
    program: &mut Program,
    data: &Path,
    batch: &[Operation],
    rules: &Rules,
    now_secs: i64,
) -> Result<Vec<Result<Applied, ConnectorError>>, ConnectorError> {
    let targets: Vec<Uuid> = batch.iter().flat_map(edit::target).collect();
    let before = fetch(program, data, &targets).await?;
    let plan = Plan::new(batch, &before, rules, now_secs);
    let stored = plan.store(program, data, &before).await?;
    let changed: Vec<Uuid> = plan.wanted.keys().copied().collect();
    let after = fetch(program, data, &changed).await?;
    Ok(plan.results(&before, &after, &stored, rules))
}

/// What a batch makes of the rows that were read.
struct Plan {
    /// For each operation: the row it writes, nothing, or why it is refused.
    steps: Vec<Result<Uuid, ConnectorError>>,
    /// The rows that have to become different; two operations on one row end in one write.
    wanted: BTreeMap<Uuid, Row>,
}

/// How far the imports came.
#[derive(Default)]
struct Stored {
    refused: HashMap<Uuid, String>,
}

impl Plan {
    fn new(
        batch: &[Operation],
        before: &HashMap<Uuid, Exported>,
        rules: &Rules,
        now_secs: i64,
    ) -> Self {
        let mut wanted: BTreeMap<Uuid, Row> = BTreeMap::new();
        let step = |operation: &Operation| {
            let uuid = edit::target(operation)?;
            let held = before.get(&uuid).map(|(row, _)| row);
            let current = wanted.get(&uuid).or(held);
            let outcome = edit::outcome(operation, current, rules, now_secs)?;
            if let Some(row) = outcome.filter(|row| Some(row) != current) {
                wanted.insert(uuid, row);
            }
            Ok(uuid)
        };
        let steps = batch.iter().map(step).collect();
        Self { steps, wanted }
    }

    /// Imports what is wanted: new tasks apart, which 2.6 appends without rewriting its file, so
    /// that they cannot overwrite what a person does at the same moment.
    async fn store(
        &self,
        program: &mut Program,
        data: &Path,
        before: &HashMap<Uuid, Exported>,
    ) -> Result<Stored, ConnectorError> {
        let mut stored = Stored::default();
        let (known, new): (Vec<&Row>, Vec<&Row>) = self
            .wanted
            .values()
            .partition(|row| before.contains_key(&row.uuid));
        for rows in [new, known] {
            let lines: Vec<_> = rows
                .iter()
                .map(|row| (row.uuid, line(row, before)))
                .collect();
            match import(program, data, &lines, &mut stored).await {
                Ok(()) => {}
                // Part of it may be in: reading again tells which.
                Err(ConnectorError::Busy) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(stored)
    }

    fn results(
        self,
        before: &HashMap<Uuid, Exported>,
        after: &HashMap<Uuid, Exported>,
        stored: &Stored,
        rules: &Rules,
    ) -> Vec<Result<Applied, ConnectorError>> {
        let result = |step: Result<Uuid, ConnectorError>| {
            let uuid = step?;
            let mut applied = Applied::done(RemoteId::new(uuid.to_string()));
            let held = before.get(&uuid).map(|(row, _)| row);
            let Some(wanted) = self.wanted.get(&uuid) else {
                applied.held = held
                    .filter(|row| row.state != State::Deleted)
                    .map(|row| rules.task(row));
                return Ok(applied);
            };
            let empty = Row::empty(uuid);
            let now = after.get(&uuid).map(|(row, _)| row);
            match now.filter(|now| !now.lacks(held.unwrap_or(&empty), wanted)) {
                Some(now) => {
                    applied.held = (now.state != State::Deleted).then(|| rules.task(now));
                    Ok(applied)
                }
                None => Err(match stored.refused.get(&uuid) {
                    Some(reason) => ConnectorError::Rejected {
                        field: None,
                        reason: reason.clone(),
                    },
                    // Nobody refused it, and yet it is not there: another process wrote back
                    // what it had read before (2.6), or held the lock (3).
                    None => ConnectorError::Busy,
                }),
            }
        };
        self.steps.into_iter().map(result).collect()
    }
}

/// The object to import for `row`: all that was exported, with what changes.
fn line(row: &Row, before: &HashMap<Uuid, Exported>) -> Vec<u8> {
    let empty = Row::empty(row.uuid);
    let (held, mut object) = match before.get(&row.uuid) {
        Some((held, object)) => (held, object.clone()),
        None => (&empty, Map::new()),
    };
    row.patch_export(held, &mut object);
    let mut line = Json::from(object).to_string().into_bytes();
    line.push(b'\n');
    line
}

/// Imports the lines; when something among them is refused, halves them until it is found.
async fn import(
    program: &mut Program,
    data: &Path,
    lines: &[(Uuid, Vec<u8>)],
    stored: &mut Stored,
) -> Result<(), ConnectorError> {
    let mut parts = vec![lines];
    while let Some(part) = parts.pop() {
        if part.is_empty() {
            continue;
        }
        let text = part.iter().flat_map(|(_, line)| line).copied().collect();
        match program.import(data, text).await? {
            Imported::All => {}
            Imported::Refused(reason) => match part {
                [(uuid, _)] => {
                    stored.refused.insert(*uuid, reason);
                }
                part => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
            },
        }
    }
    Ok(())
}
