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
use super::cursor::Beginning;
use super::edit::Terms;
use super::fetch::{Trust, fetch};
use super::mend::{Losses, Span, Watch};
#[cfg(feature = "taskchampion")]
use super::operations;
use super::place::Place;
use super::quiet::{Moment, Quiet};
use super::race::{Import, Told};
use super::stored::Exported;
use super::unfinished::{Command, Sent, taken_back};
use super::wire::{Edits, Row, State};
use super::{edit, undo};

/// How often edits that an import overwrote are put back, where a person goes on editing.
const MOST_MENDS: usize = 5;

/// Carries out a batch. What an earlier one left `open` is ended first; what this one leaves open,
/// the next one ends.
pub(super) async fn apply(
    mut writing: Writing<'_>,
    place: &Place,
    batch: &[Operation],
    terms: Terms<'_>,
) -> Result<Vec<Result<Applied, ConnectorError>>, ConnectorError> {
    writing.quiet.begin();
    writing.end_open().await?;
    writing.mend(place).await?;
    let targets: Vec<Uuid> = batch.iter().flat_map(edit::target).collect();
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let mark = Mark::now(place, &targets).await?;
    let (before, vanished) = writing.read_before(place, batch, &targets).await?;
    let mut plan = Plan::new(batch, (&before, &vanished), terms);
    let import = Open {
        place: place.clone(),
        mark,
        started_micros: Timestamp::now().as_microsecond(),
        before: before.clone(),
        wanted: plan.wanted.clone(),
        is_mend: false,
    };
    let stored = writing.import(import).await?;
    let first = writing.look_back().await?;
    plan.contested = first.contested.clone();
    let results = plan.results(batch, (&before, &first), &stored, terms.rules);
    if writing.put_back(first).await.is_err() {
        // Our own writes are known by now; what remains open is ended by the next write.
        tracing::warn!("edits that were made while we wrote are still to be put back");
    }
    if writing.open.is_none() {
        writing.quiet.end(&place.data);
    }
    Ok(results)
}

/// An import that was not looked back at to the end. It outlives a write that failed half-way, so
/// that no edit that it overwrote counts as having been so before.
#[derive(Debug)]
pub(super) struct Open {
    place: Place,
    /// Where the journal ended before it.
    mark: Mark,
    started_micros: i64,
    /// What was there before it.
    before: HashMap<Uuid, Exported>,
    /// What was imported.
    wanted: BTreeMap<Uuid, Row>,
    /// Whether it puts back what an import overwrote, and so has to arrive.
    is_mend: bool,
}

impl Open {
    /// An import that has to arrive, and is still to be made.
    fn mend(
        place: &Place,
        mark: Mark,
        before: HashMap<Uuid, Exported>,
        wanted: BTreeMap<Uuid, Row>,
    ) -> Self {
        Self {
            place: place.clone(),
            mark,
            started_micros: Timestamp::now().as_microsecond(),
            before,
            wanted,
            is_mend: true,
        }
    }

    /// The tasks that were imported.
    pub(super) fn tasks(&self) -> impl Iterator<Item = Uuid> {
        self.wanted.keys().copied()
    }
}

/// What an import that was to set what was `sent`, since writes `began`, took back and left so, as the
/// next write has to put it back.
pub(super) async fn unfinished(
    program: &mut Program,
    place: &Place,
    sent: &BTreeMap<String, Sent>,
    began: Beginning,
) -> Result<Option<Open>, ConnectorError> {
    let named = |(name, sent): (&String, &Sent)| Some((Uuid::parse_str(name).ok()?, sent.clone()));
    let sent: BTreeMap<Uuid, Sent> = sent.iter().filter_map(named).collect();
    let written = sent.keys().copied().collect();
    let mut edits: BTreeMap<Uuid, Edits> = BTreeMap::new();
    for (uuid, commands) in recent(place, &written, began).await? {
        edits.extend(taken_back(&commands, &sent[&uuid]).map(|edits| (uuid, edits)));
    }
    if edits.is_empty() {
        return Ok(None);
    }
    let uuids: Vec<Uuid> = edits.keys().copied().collect();
    let mark = Mark::now(place, &uuids).await?;
    let before = fetch(program, place, &uuids, Trust::Program).await?;
    let mut wanted = BTreeMap::new();
    for (uuid, edits) in edits {
        let held = before.get(&uuid).map(|(row, _)| row);
        if let Some(held) = held.filter(|row| !row.is_template()) {
            let mut row = held.clone();
            for (key, value) in edits {
                row.put_property(&key, value.as_deref());
            }
            wanted.insert(uuid, row);
        }
    }
    Ok(Some(Open::mend(place, mark, before, wanted)))
}

async fn recent(
    place: &Place,
    written: &HashSet<Uuid>,
    began: Beginning,
) -> Result<HashMap<Uuid, Vec<Command>>, ConnectorError> {
    if place.major() < 3 {
        return undo::recent(&place.data, written, began.journal_bytes);
    }
    #[cfg(feature = "taskchampion")]
    return operations::recent(&place.data, written, began.at_micros).await;
    #[cfg(not(feature = "taskchampion"))]
    {
        let _ = (written, began);
        Ok(HashMap::new())
    }
}

/// Imports, and the one among them that is not ended.
pub(super) struct Writing<'a> {
    pub(super) program: &'a mut Program,
    pub(super) open: &'a mut Option<Open>,
    pub(super) quiet: &'a mut Quiet,
    pub(super) watch: &'a mut Watch,
}

/// How far the journal went that tells what others write.
#[derive(Debug)]
enum Mark {
    Two(undo::Mark),
    #[cfg(feature = "taskchampion")]
    Three(operations::Mark),
    /// Without the library nothing tells what an import of 3 overwrote.
    #[cfg(not(feature = "taskchampion"))]
    Unknown,
}

impl Mark {
    async fn now(place: &Place, uuids: &[Uuid]) -> Result<Self, ConnectorError> {
        if place.major() < 3 {
            return undo::mark(&place.data).map(Self::Two);
        }
        #[cfg(feature = "taskchampion")]
        return operations::mark(&place.data, uuids).await.map(Self::Three);
        #[cfg(not(feature = "taskchampion"))]
        {
            let _ = uuids;
            Ok(Self::Unknown)
        }
    }

    /// What others wrote since, beside imports that began at `started_micros`.
    async fn told(
        &self,
        data: &Path,
        imports: &HashMap<Uuid, Import<'_>>,
        started_micros: i64,
    ) -> Result<Told, ConnectorError> {
        match self {
            Self::Two(mark) => {
                let since = undo::since(data, mark)?;
                Ok(Told::by_journal(since, imports, started_micros))
            }
            #[cfg(feature = "taskchampion")]
            Self::Three(mark) => operations::told(data, mark, imports, started_micros).await,
            #[cfg(not(feature = "taskchampion"))]
            Self::Unknown => Ok(Told::default()),
        }
    }
}

/// What is found after an import.
#[derive(Default)]
struct LookBack {
    after: HashMap<Uuid, Exported>,
    told: Told,
    /// Rows that lost an edit to the import, as they have to be.
    overwritten: BTreeMap<Uuid, Row>,
    contested: HashSet<Uuid>,
    /// Until where the journal was read; `None` where there was nothing to look back at.
    mark: Option<Mark>,
}

impl Writing<'_> {
    /// Puts back what commands of others lost to each other, once none of them is at the files.
    async fn mend(&mut self, place: &Place) -> Result<(), ConnectorError> {
        if self.watch.due.is_none() || !self.quiet.is_settled(&place.data, Moment::now()) {
            return Ok(());
        }
        let due = self.watch.due.take().unwrap_or_default();
        let look = self.watch.look(self.program, place, &due, Span::Whole);
        let Losses { left, wanted, .. } = look.await?;
        if wanted.is_empty() {
            return Ok(());
        }
        let uuids: Vec<Uuid> = wanted.keys().copied().collect();
        let mark = Mark::now(place, &uuids).await?;
        *self.open = Some(Open::mend(place, mark, left, wanted));
        self.end_open().await
    }

    /// Reads what is to be written, and tells what of it is lost. Where nobody else is at the files,
    /// what is to be made and is in neither of them is not there.
    async fn read_before(
        &mut self,
        place: &Place,
        batch: &[Operation],
        targets: &[Uuid],
    ) -> Result<(HashMap<Uuid, Exported>, HashSet<Uuid>), ConnectorError> {
        let made = |operation: &Operation| match operation {
            Operation::Create(draft) => Some(draft.task.0),
            _ => None,
        };
        let made: HashSet<Uuid> = batch.iter().filter_map(made).collect();
        let nowhere = HashSet::new();
        let absent = match self.quiet.is_settled(&place.data, Moment::now()) {
            true => &made,
            false => &nowhere,
        };
        let trust = Trust::Files { absent };
        let before = fetch(self.program, place, targets, trust).await?;
        let is_missing = |uuid: &&Uuid| !before.contains_key(uuid) && !made.contains(uuid);
        let missing = targets.iter().filter(is_missing).copied().collect();
        let vanished = self.watch.vanished(self.program, place, &missing).await?;
        Ok((before, vanished))
    }

    /// Imports rows; from now on they are to be looked back at.
    async fn import(&mut self, import: Open) -> Result<Stored, ConnectorError> {
        let mut stored = Stored::default();
        if !import.wanted.is_empty() {
            self.quiet.importing();
        }
        let open = self.open.insert(import);
        let data = open.place.data.as_path();
        import_rows(self.program, data, &open.wanted, &open.before, &mut stored).await?;
        Ok(stored)
    }

    /// Ends what an earlier write left open.
    async fn end_open(&mut self) -> Result<(), ConnectorError> {
        let Some(open) = self.open.as_ref() else {
            return Ok(());
        };
        let data = open.place.data.clone();
        let found = self.look_back().await?;
        self.put_back(found).await?;
        self.quiet.end(&data);
        Ok(())
    }

    /// Reads what became of the rows that were imported, and what others did to them and to other
    /// rows at the same time.
    async fn look_back(&mut self) -> Result<LookBack, ConnectorError> {
        let Some(open) = self.open.as_ref() else {
            return Ok(LookBack::default());
        };
        let data = open.place.data.as_path();
        // Noted before the journal is read, so that nothing is written between the two.
        let uuids: Vec<Uuid> = open.wanted.keys().copied().collect();
        let next = Mark::now(&open.place, &uuids).await?;
        let imports: HashMap<Uuid, Import<'_>> = open
            .wanted
            .iter()
            .map(|(uuid, wanted)| {
                let before = open.before.get(uuid).map(|(row, _)| row);
                (*uuid, Import { before, wanted })
            })
            .collect();
        let told = || open.mark.told(data, &imports, open.started_micros);
        let mut told_last = told().await?;
        let mut after = HashMap::new();
        for _ in 0..MOST_MENDS {
            let touched = open.wanted.keys().chain(told_last.edits.keys());
            let touched: Vec<Uuid> = touched.copied().collect();
            // A command that has written its tasks and not yet its journal is through by the time
            // the program has read them.
            let trust = match undo::is_behind(data) {
                false => Trust::Files {
                    absent: &HashSet::new(),
                },
                true => Trust::Program,
            };
            after = fetch(self.program, &open.place, &touched, trust).await?;
            // 2.6 writes its tasks before its journal, and a command may have been between the two.
            let known = std::mem::replace(&mut told_last, told().await?);
            if told_last.edits == known.edits {
                break;
            }
        }
        let rows = after.iter().map(|(uuid, (row, _))| (*uuid, row)).collect();
        let (mut overwritten, contested) = told_last.overwritten(&imports, &rows);
        if open.is_mend {
            let missed = told_last.missed(&imports, &rows, &overwritten);
            overwritten.extend(missed);
        }
        Ok(LookBack {
            after,
            told: told_last,
            overwritten,
            contested,
            mark: Some(next),
        })
    }

    /// Imports what was overwritten, and looks back again: the person may still be at it, and what
    /// did not arrive has to go again.
    async fn put_back(&mut self, mut found: LookBack) -> Result<(), ConnectorError> {
        let mut stored = Stored::default();
        for _ in 0..MOST_MENDS {
            let (Some(open), Some(mark)) = (self.open.as_ref(), found.mark.take()) else {
                return Ok(());
            };
            if found.overwritten.is_empty() {
                *self.open = None;
                return Ok(());
            }
            let place = open.place.clone();
            tracing::info!(
                tasks = found.overwritten.len(),
                "put back edits that were made while we wrote"
            );
            let import = Open::mend(&place, mark, found.after, found.overwritten);
            stored = self.import(import).await?;
            found = self.look_back().await?;
        }
        if found.overwritten.is_empty() {
            *self.open = None;
            return Ok(());
        }
        if stored.was_locked_out {
            return Err(ConnectorError::Busy);
        }
        *self.open = None;
        tracing::warn!(
            tasks = found.overwritten.len(),
            refused = stored.refused.len(),
            "edits that were made while we wrote may be lost"
        );
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
    /// Whether another writer kept the rest out.
    was_locked_out: bool,
}

impl Plan {
    fn new(
        batch: &[Operation],
        (before, vanished): (&HashMap<Uuid, Exported>, &HashSet<Uuid>),
        terms: Terms<'_>,
    ) -> Self {
        let mut wanted: BTreeMap<Uuid, Row> = BTreeMap::new();
        let step = |operation: &Operation| {
            let uuid = edit::target(operation)?;
            if vanished.contains(&uuid) {
                // Nobody removed it, and it will be put back.
                return Err(ConnectorError::Busy);
            }
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
        (before, found): (&HashMap<Uuid, Exported>, &LookBack),
        stored: &Stored,
        rules: &Rules,
    ) -> Vec<Result<Applied, ConnectorError>> {
        let result = |(step, operation): (Result<Uuid, ConnectorError>, &Operation)| {
            let uuid = step?;
            let id = RemoteId::new(uuid.to_string());
            let held = before.get(&uuid).map(|(row, _)| row);
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
            Err(ConnectorError::Busy) => {
                stored.was_locked_out = true;
                break;
            }
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
