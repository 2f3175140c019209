//! Writing through the command line: read, decide, import whole objects, read again. An import
//! replaces a task entirely, so every attribute that was read travels back with what changes.
//!
//! Nothing here decides what a task should hold; a write that is not there afterwards is reported,
//! and an edit that an import overwrote is put back at once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use instep_contract::{Applied, ConnectorError};
use instep_model::{Operation, RemoteId, Timestamp};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::client::{Imported, Program};
use super::convert::Rules;
use super::cursor::Place;
use super::edit::Terms;
#[cfg(feature = "taskchampion")]
use super::operations;
use super::race::{Import, Told};
use super::wire::{Row, State};
use super::{edit, scan, undo};

/// How often edits that an import overwrote are put back, where a person goes on editing.
const MOST_MENDS: usize = 5;

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
    place: &Place,
    batch: &[Operation],
    terms: Terms<'_>,
) -> Result<Vec<Result<Applied, ConnectorError>>, ConnectorError> {
    let data = place.data.as_path();
    let targets: Vec<Uuid> = batch.iter().flat_map(edit::target).collect();
    let mark = Mark::now(place, &targets).await;
    let before = fetch(program, data, &targets).await?;
    let mut plan = Plan::new(batch, &before, terms);
    let mut stored = Stored::default();
    let started_micros = Timestamp::now().as_microsecond();
    import_rows(program, data, &plan.wanted, &before, &mut stored).await?;
    let mut writing = Writing { program, place };
    let first = writing
        .look_back((&mark, started_micros), &plan.wanted, before)
        .await?;
    plan.contested = first.contested.clone();
    let results = plan.results(batch, &first, &stored, terms.rules);
    writing.put_back(first).await?;
    Ok(results)
}

/// A batch that is being carried out.
struct Writing<'a> {
    program: &'a mut Program,
    place: &'a Place,
}

/// How far the journal went that tells what others write.
enum Mark {
    Two(undo::Mark),
    #[cfg(feature = "taskchampion")]
    Three(operations::Mark),
    /// Without the library nothing tells what an import of 3 overwrote.
    #[cfg(not(feature = "taskchampion"))]
    Unknown,
}

impl Mark {
    async fn now(place: &Place, uuids: &[Uuid]) -> Self {
        if place.major() < 3 {
            return Self::Two(undo::mark(&place.data));
        }
        #[cfg(feature = "taskchampion")]
        return Self::Three(operations::mark(&place.data, uuids).await);
        #[cfg(not(feature = "taskchampion"))]
        {
            let _ = uuids;
            Self::Unknown
        }
    }

    /// What others wrote since, beside imports that began at `started_micros`.
    async fn told(
        &self,
        data: &Path,
        imports: &HashMap<Uuid, Import<'_>>,
        started_micros: i64,
    ) -> Told {
        match self {
            Self::Two(mark) => Told::by_journal(undo::since(data, mark), imports, started_micros),
            #[cfg(feature = "taskchampion")]
            Self::Three(mark) => operations::told(data, mark, imports, started_micros).await,
            #[cfg(not(feature = "taskchampion"))]
            Self::Unknown => Told::default(),
        }
    }
}

/// What is found after an import.
struct LookBack {
    before: HashMap<Uuid, Exported>,
    after: HashMap<Uuid, Exported>,
    told: Told,
    /// Rows that lost an edit to the import, as they have to be.
    overwritten: BTreeMap<Uuid, Row>,
    contested: HashSet<Uuid>,
    /// Until where the journal was read.
    mark: Mark,
}

impl Writing<'_> {
    /// Reads what became of the rows that were imported since `mark`, and what others did to them
    /// and to other rows at the same time.
    async fn look_back(
        &mut self,
        (mark, started_micros): (&Mark, i64),
        wanted: &BTreeMap<Uuid, Row>,
        before: HashMap<Uuid, Exported>,
    ) -> Result<LookBack, ConnectorError> {
        let data = self.place.data.as_path();
        // Noted before the journal is read, so that nothing is written between the two.
        let uuids: Vec<Uuid> = wanted.keys().copied().collect();
        let next = Mark::now(self.place, &uuids).await;
        let imports: HashMap<Uuid, Import<'_>> = wanted
            .iter()
            .map(|(uuid, wanted)| {
                let before = before.get(uuid).map(|(row, _)| row);
                (*uuid, Import { before, wanted })
            })
            .collect();
        let mut told = mark.told(data, &imports, started_micros).await;
        let mut after = HashMap::new();
        for _ in 0..MOST_MENDS {
            let touched = wanted.keys().chain(told.edits.keys());
            let touched: Vec<Uuid> = touched.copied().collect();
            after = fetch(self.program, data, &touched).await?;
            // 2.6 writes its tasks before its journal, and a command may have been between the two.
            let known = told;
            told = mark.told(data, &imports, started_micros).await;
            if told.edits == known.edits {
                break;
            }
        }
        let rows = after.iter().map(|(uuid, (row, _))| (*uuid, row)).collect();
        let (overwritten, contested) = told.overwritten(&imports, &rows);
        Ok(LookBack {
            before,
            after,
            told,
            overwritten,
            contested,
            mark: next,
        })
    }

    /// Imports what was overwritten, and looks back again: the person may still be at it.
    async fn put_back(&mut self, mut found: LookBack) -> Result<(), ConnectorError> {
        for _ in 0..MOST_MENDS {
            if found.overwritten.is_empty() {
                return Ok(());
            }
            let rows = found.overwritten;
            tracing::info!(
                tasks = rows.len(),
                "put back edits that were made while we wrote"
            );
            let mut stored = Stored::default();
            let data = self.place.data.as_path();
            let started_micros = Timestamp::now().as_microsecond();
            import_rows(self.program, data, &rows, &found.after, &mut stored).await?;
            let since = (&found.mark, started_micros);
            found = self.look_back(since, &rows, found.after).await?;
        }
        if !found.overwritten.is_empty() {
            tracing::warn!(
                tasks = found.overwritten.len(),
                "edits that were made while we wrote may be lost"
            );
        }
        Ok(())
    }
}

/// What a batch makes of the rows that were read.
struct Plan {
    /// For each operation: the row it writes, nothing, or why it is refused.
    steps: Vec<Result<Uuid, ConnectorError>>,
    /// The rows that have to become different; two operations on one row end in one write.
    wanted: BTreeMap<Uuid, Row>,
    /// Rows in which a person changed the same thing meanwhile: the person's value stands.
    contested: HashSet<Uuid>,
}

/// How far the imports came.
#[derive(Default)]
struct Stored {
    refused: HashMap<Uuid, String>,
}

impl Plan {
    fn new(batch: &[Operation], before: &HashMap<Uuid, Exported>, terms: Terms<'_>) -> Self {
        let mut wanted: BTreeMap<Uuid, Row> = BTreeMap::new();
        let step = |operation: &Operation| {
            let uuid = edit::target(operation)?;
            let held = before.get(&uuid).map(|(row, _)| row);
            let current = wanted.get(&uuid).or(held);
            let outcome = edit::outcome(operation, current, terms)?;
            if let Some(row) = outcome.filter(|row| Some(row) != current) {
                wanted.insert(uuid, row);
            }
            Ok(uuid)
        };
        let steps = batch.iter().map(step).collect();
        Self {
            steps,
            wanted,
            contested: HashSet::new(),
        }
    }

    fn results(
        self,
        batch: &[Operation],
        found: &LookBack,
        stored: &Stored,
        rules: &Rules,
    ) -> Vec<Result<Applied, ConnectorError>> {
        let result = |(step, operation): (Result<Uuid, ConnectorError>, &Operation)| {
            let uuid = step?;
            let id = RemoteId::new(uuid.to_string());
            let held = found.before.get(&uuid).map(|(row, _)| row);
            let Some(wanted) = self.wanted.get(&uuid) else {
                let mut applied = Applied::done(id);
                applied.held = held
                    .filter(|row| row.state != State::Deleted)
                    .map(|row| rules.task(row));
                return Ok(applied);
            };
            // A new task has no state before from which to merge: there the edit is found next.
            if self.contested.contains(&uuid) && !matches!(operation, Operation::Create(_)) {
                return Err(ConnectorError::Stale { id });
            }
            let empty = Row::empty(uuid);
            let now = found.after.get(&uuid).map(|(row, _)| row);
            let is_there = found.told.built_on.contains(&uuid)
                || now.is_some_and(|now| !now.lacks(held.unwrap_or(&empty), wanted));
            match stored.refused.get(&uuid) {
                _ if is_there => {
                    let mut applied = Applied::done(id);
                    applied.held = (wanted.state != State::Deleted)
                        .then(|| rules.task(&as_stored(wanted, found.told.stored.get(&uuid))));
                    Ok(applied)
                }
                Some(reason) => Err(ConnectorError::Rejected {
                    field: None,
                    reason: reason.clone(),
                }),
                // Nobody refused it, and yet it is not there: another process wrote back what it
                // had read before (2.6), or held the lock (3).
                None => Err(ConnectorError::Busy),
            }
        };
        self.steps.into_iter().zip(batch).map(result).collect()
    }
}

/// What our write alone left: as the journal tells, or else as it was sent. What a later reading
/// shows may be somebody's edit (S1). Other attributes are kept as they were exported.
fn as_stored(wanted: &Row, stored: Option<&Row>) -> Row {
    let mut row = stored.unwrap_or(wanted).clone();
    row.name.clone_from(&wanted.name);
    row.extra.clone_from(&wanted.extra);
    row
}

/// Imports these rows: new tasks apart, which 2.6 appends without rewriting its file, so that they
/// cannot overwrite what a person does at the same moment.
async fn import_rows(
    program: &mut Program,
    data: &Path,
    rows: &BTreeMap<Uuid, Row>,
    before: &HashMap<Uuid, Exported>,
    stored: &mut Stored,
) -> Result<(), ConnectorError> {
    let (known, new): (Vec<&Row>, Vec<&Row>) = rows
        .values()
        .partition(|row| before.contains_key(&row.uuid));
    for rows in [new, known] {
        let lines: Vec<_> = rows
            .iter()
            .map(|row| (row.uuid, line(row, before)))
            .collect();
        match import(program, data, &lines, stored).await {
            Ok(()) => {}
            // Part of it may be in: reading again tells which.
            Err(ConnectorError::Busy) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
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
