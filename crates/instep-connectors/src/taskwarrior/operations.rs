//! The journal of 3, read for what was written to some tasks: since a moment that was noted, or
//! lately. The program's own imports ask it, and whoever wants to tell an undo from an edit; the
//! library's writes check what they find.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use instep_contract::ConnectorError;
use instep_model::{Field, RemoteId, RemoteNoteId, SetSince, Timestamp};
use taskchampion::Operation;
use taskchampion::storage::Storage;
use uuid::Uuid;

use super::convert::{INSTANTS, WHENS};
use super::race::{Import, Told};
use super::replica::{open_to_read, unstored};
use super::unfinished::{self, Command};
use super::wire::{Row, canonical};

/// What one command sets in a task it sets in less time than lies between two commands, each of
/// which is a process of its own.
const APART_MICROS: u64 = 1_000;

/// How many operations each of some tasks had at a moment.
pub(super) type Mark = HashMap<Uuid, usize>;

/// The journal of these tasks as it is now; nothing where there is no database yet.
///
/// # Errors
/// When it cannot be read: without it no edit would be seen.
pub(super) async fn mark(data: &Path, uuids: &[Uuid]) -> Result<Mark, ConnectorError> {
    let journal = read(data, uuids).await?;
    let counts = journal
        .into_iter()
        .map(|(uuid, operations)| (uuid, operations.len()));
    Ok(counts.collect())
}

/// What the journal tells since `mark` of imports that began at `started_micros`.
///
/// # Errors
/// As [`mark`].
pub(super) async fn told(
    data: &Path,
    mark: &Mark,
    imports: &HashMap<Uuid, Import<'_>>,
    started_micros: i64,
) -> Result<Told, ConnectorError> {
    let mut told = Told::default();
    let uuids: Vec<Uuid> = imports.keys().copied().collect();
    for (uuid, operations) in read(data, &uuids).await? {
        let Some(known) = mark.get(&uuid).copied() else {
            continue;
        };
        let import = &imports[&uuid];
        match operations.get(known..) {
            Some(fresh) => {
                let sets = sets_of(fresh, import, started_micros);
                take(&mut told, uuid, sets);
                if fresh.iter().any(is_removal) {
                    let edits = told.edits.entry(uuid).or_default();
                    edits.insert("status".into(), Some("deleted".into()));
                }
            }
            None => {
                let sets = sets_of(&operations, import, started_micros);
                take_undone(&mut told, uuid, import, sets);
            }
        }
    }
    Ok(told)
}

/// The commands that wrote to each of `wanted` since `began_micros`, oldest first.
///
/// # Errors
/// As [`mark`].
pub(super) async fn recent(
    data: &Path,
    wanted: &HashSet<Uuid>,
    began_micros: i64,
) -> Result<HashMap<Uuid, Vec<Command>>, ConnectorError> {
    let uuids: Vec<Uuid> = wanted.iter().copied().collect();
    let journal = read(data, &uuids).await?;
    let commands = |operations: &[Operation]| {
        let mut commands: BTreeMap<usize, Command> = BTreeMap::new();
        let sets = sets(operations, |_, _, _| false).into_iter();
        for set in sets.filter(|set| set.at_micros >= began_micros) {
            let command = commands.entry(set.command).or_insert_with(|| Command {
                at_secs: set.at_micros.div_euclid(1_000_000),
                sets: BTreeMap::new(),
            });
            let of_key = command.sets.entry(set.key);
            let whole = of_key.or_insert(unfinished::Set {
                old: set.old,
                new: None,
            });
            whole.new = set.value;
        }
        commands.into_values().collect()
    };
    Ok(journal
        .into_iter()
        .map(|(uuid, operations)| (uuid, commands(&operations)))
        .collect())
}

/// What was set in these tasks since each of these moments, our own writes among it; an undo takes
/// what it undoes out of the journal. `None` of a task whose making is not in it: the journal of such
/// a task was cut, as a database that was filled from elsewhere has none.
///
/// # Errors
/// As [`mark`].
pub(super) async fn set_since(
    data: &Path,
    asked: &[(Uuid, Timestamp)],
) -> Result<Vec<Option<SetSince>>, ConnectorError> {
    let mut storage = open_to_read(data).await?;
    let mut transaction = storage.txn().await.map_err(unstored)?;
    let mut journal: HashMap<Uuid, Option<Vec<Operation>>> = HashMap::new();
    for (uuid, _) in asked {
        if journal.contains_key(uuid) {
            continue;
        }
        let operations = transaction.get_task_operations(*uuid).await;
        let operations = operations.map_err(unstored)?;
        let row = transaction.get_task(*uuid).await.map_err(unstored)?;
        let is_cut = row.is_some() && !operations.iter().any(is_making);
        journal.insert(*uuid, (!is_cut).then_some(operations));
    }
    let since = |(uuid, at): &(Uuid, Timestamp)| {
        let operations = journal.get(uuid)?.as_ref()?;
        Some(told_since(operations, at.as_microsecond()))
    };
    Ok(asked.iter().map(since).collect())
}

fn told_since(operations: &[Operation], since_micros: i64) -> SetSince {
    let is_since = |operation: &Operation| match operation {
        Operation::Update { timestamp, .. } => timestamp.timestamp_micros() >= since_micros,
        _ => false,
    };
    let mut set = SetSince::default();
    // By their order from there on: while what was written then stands in it, what was set since
    // does so behind it, whatever the clock did.
    let from = operations.iter().position(is_since);
    for operation in from.map_or(&[][..], |from| &operations[from..]) {
        if let Operation::Update { property, .. } = operation {
            add(&mut set, property);
        }
    }
    let mut last = operations.iter().rev();
    let last = last.find(|operation| is_removal(operation) || is_making(operation));
    set.removed = last.is_some_and(is_removal);
    set
}

fn is_making(operation: &Operation) -> bool {
    matches!(operation, Operation::Create { .. })
}

/// Adds what it means that this property was set.
fn add(set: &mut SetSince, property: &str) {
    let mut times = WHENS.iter().chain(&INSTANTS);
    let field = match property {
        "description" => Some(Field::Title),
        "status" => Some(Field::Status),
        "priority" => Some(Field::Priority),
        "project" => Some(Field::Project),
        "parent" => Some(Field::Series),
        _ => times
            .find(|(_, key)| *key == property)
            .map(|(field, _)| *field),
    };
    set.fields.extend(field);
    if let Some(tag) = property.strip_prefix("tag_") {
        set.tags.insert(tag.to_owned());
    } else if let Some(other) = property.strip_prefix("dep_") {
        set.depends.insert(RemoteId::new(other));
    } else if let Some(note) = property.strip_prefix("annotation_") {
        set.notes.insert(RemoteNoteId::new(note));
    }
}

async fn read(
    data: &Path,
    uuids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Operation>>, ConnectorError> {
    let mut found = HashMap::new();
    if !super::has_database(data) {
        return Ok(found);
    }
    let mut storage = open_to_read(data).await?;
    let mut transaction = storage.txn().await.map_err(unstored)?;
    for uuid in uuids {
        let operations = transaction.get_task_operations(*uuid).await;
        found.insert(*uuid, operations.map_err(unstored)?);
    }
    Ok(found)
}

/// A property that was set, as [`Row::properties`] has it.
struct Set {
    key: String,
    old: Option<String>,
    value: Option<String>,
    /// Whether it is one that our import set.
    ours: bool,
    /// Which of the commands set it, counted from the first.
    command: usize,
    at_micros: i64,
}

/// Everything that these operations set and a person can have set, beside an import of ours that
/// began at `started_micros`.
fn sets_of(operations: &[Operation], import: &Import<'_>, started_micros: i64) -> Vec<Set> {
    let wanted = import.wanted.properties();
    sets(operations, |key, value, at_micros| {
        wanted.get(key) == value && at_micros >= started_micros
    })
}

/// Everything that these operations set and a person can have set; `is_ours` is asked of each.
fn sets(
    operations: &[Operation],
    is_ours: impl Fn(&str, Option<&String>, i64) -> bool,
) -> Vec<Set> {
    let mut command = 0;
    let mut in_command = HashSet::new();
    let mut last_micros = i64::MIN;
    let set = |operation: &Operation| {
        let Operation::Update {
            property,
            old_value,
            value,
            timestamp,
            ..
        } = operation
        else {
            return None;
        };
        let at_micros = timestamp.timestamp_micros();
        let goes_on = at_micros.abs_diff(last_micros) < APART_MICROS;
        last_micros = at_micros;
        // A command sets each property once, but for the time of the change, which stands before
        // all others and, in an import, among them again.
        let is_again = property == "modified" || !in_command.insert(property.clone());
        if is_again && !goes_on {
            command += 1;
            in_command = HashSet::from([property.clone()]);
        }
        let is_beside = matches!(property.as_str(), "modified" | "tags" | "depends")
            || property.starts_with("tags_");
        let as_read = |value: &Option<String>| Some(canonical(property, value.as_ref()?));
        let value = as_read(value);
        (!is_beside).then(|| Set {
            key: property.clone(),
            old: as_read(old_value),
            ours: is_ours(property, value.as_ref(), at_micros),
            value,
            command,
            at_micros,
        })
    };
    operations.iter().filter_map(set).collect()
}

fn is_removal(operation: &Operation) -> bool {
    matches!(operation, Operation::Delete { .. })
}

/// All that was set since the mark: what our import did not set is an edit, but for what a
/// person's hooks made of it on the way.
fn take(told: &mut Told, uuid: Uuid, sets: Vec<Set>) {
    let edits = told.edits.entry(uuid).or_default();
    let import = import_among(&sets);
    let mut ours_later: HashSet<String> = HashSet::new();
    let mut foreign = Vec::new();
    let mut imported_at = None;
    for (at, set) in sets.into_iter().enumerate().rev() {
        if set.ours {
            imported_at = Some(at);
            ours_later.insert(set.key);
        } else if Some(set.command) != import || ours_later.contains(&set.key) {
            // What we overwrote afterwards is none of our own import's.
            foreign.push((at, set));
        }
    }
    for (at, set) in foreign.into_iter().rev() {
        if imported_at.is_some_and(|ours| ours < at) {
            told.built_on.insert(uuid);
        }
        edits.insert(set.key, set.value);
    }
}

/// The command that is our import: the last of those that set most of what we sent.
fn import_among(sets: &[Set]) -> Option<usize> {
    let ours = || sets.iter().filter(|set| set.ours).map(|set| set.command);
    ours().max_by_key(|command| ours().filter(|other| other == command).count())
}

/// All that was set, after an undo took some of it away: what our import found says what happened
/// before it.
fn take_undone(told: &mut Told, uuid: Uuid, import: &Import<'_>, sets: Vec<Set>) {
    let before = import.before.map(Row::properties).unwrap_or_default();
    let found = sets
        .into_iter()
        .filter(|set| set.ours && before.get(&set.key) != set.old.as_ref());
    let edits = told.edits.entry(uuid).or_default();
    edits.extend(found.map(|set| (set.key, set.old)));
}

#[cfg(test)]
mod tests {
    use instep_model::{ProjectPath, Status, TimeZone, Value, When};
    use taskchampion::chrono::DateTime;

    use super::super::convert::Rules;
    use super::*;

    fn set_at(second: i64, property: &str) -> Operation {
        Operation::Update {
            uuid: Uuid::nil(),
            property: property.to_owned(),
            old_value: None,
            value: Some("value".to_owned()),
            timestamp: DateTime::from_timestamp(second, 0).expect("in range"),
        }
    }

    /// A field that can be set and is not told would be taken for undone wherever it was edited.
    #[test]
    fn each_field_that_can_be_set_is_told() {
        let rules = Rules {
            zone: TimeZone::UTC,
            markers: Vec::new(),
            forbidden: Vec::new(),
            brackets: false,
        };
        let at = Timestamp::from_second(1_700_000_000).expect("in range");
        for field in rules.capabilities().holds.into_keys() {
            let value = match field {
                Field::Title => Value::Text("title".to_owned()),
                Field::Status => Value::Status(Status::Done),
                Field::Priority => Value::Number(3),
                Field::Due | Field::Wait | Field::Start => Value::When(When::At(at)),
                Field::Project => "Home"
                    .parse()
                    .map(|path: ProjectPath| Value::Path(path))
                    .expect("a path"),
                Field::StartedAt | Field::CompletedAt | Field::Created => Value::Instant(at),
                // Told by their elements, or set by Taskwarrior alone.
                Field::Tags | Field::Annotations | Field::Depends | Field::Series => continue,
                other => panic!("say how {other} is set"),
            };
            let empty = Row::empty(Uuid::nil());
            let mut row = empty.clone();
            rules
                .set(&mut row, field, Some(&value), 0)
                .expect("it can be set");
            let mut set = SetSince::default();
            for (property, _) in row.property_changes(&empty) {
                add(&mut set, &property);
            }
            assert!(set.fields.contains(&field), "{field}: {set:?}");
        }
    }

    #[test]
    fn what_stands_behind_a_moment_is_told_whatever_its_time() {
        let ours = set_at(100, "project");
        let cases = [
            (vec![set_at(50, "due"), ours.clone()], vec![Field::Project]),
            // The clock went back after what was written then.
            (
                vec![ours.clone(), set_at(50, "due")],
                vec![Field::Due, Field::Project],
            ),
            (vec![set_at(50, "due")], vec![]),
            (vec![set_at(150, "due")], vec![Field::Due]),
        ];
        for (operations, wanted) in cases {
            let set = told_since(&operations, 100_000_000);
            assert_eq!(set.fields, wanted.into_iter().collect(), "{operations:?}");
        }
    }
}
