//! Reading a few tasks by their uuid: from the files of 2.6 where those are certain, else by an
//! export. Nothing is remembered here, and nothing is decided about what was read.

use std::collections::{HashMap, HashSet};

use instep_contract::ConnectorError;
use instep_model::Timestamp;
use uuid::Uuid;

use super::client::Program;
use super::place::Place;
use super::scan;
use super::stored::{Answer, Exported, Files, Terms};
use super::wire::Row;

/// For more tasks than this an export is quicker than looking each of them up.
const FEW: usize = 16;

/// How far the files are trusted.
#[derive(Clone, Copy)]
pub(super) enum Trust<'a> {
    /// What they hold, and that these tasks are not there where they hold none of them. Of others
    /// the program has the last word: a command may be moving one from file to file.
    Files { absent: &'a HashSet<Uuid> },
    /// Not at all.
    Program,
}

/// Reads these tasks now.
pub(super) async fn fetch(
    program: &mut Program,
    place: &Place,
    uuids: &[Uuid],
    trust: Trust<'_>,
) -> Result<HashMap<Uuid, Exported>, ConnectorError> {
    let mut left: HashSet<Uuid> = uuids.iter().copied().collect();
    let mut found = HashMap::with_capacity(left.len());
    if let Trust::Files { absent } = trust
        && place.major() < 3
        && left.len() <= FEW
        && let Some(files) = Files::read(&place.data)
    {
        take_stored(program, place, &files, (&mut left, absent), &mut found).await?;
    }
    export(program, place, &left, &mut found).await?;
    Ok(found)
}

/// Takes out of `left` what the files tell.
async fn take_stored(
    program: &mut Program,
    place: &Place,
    files: &Files,
    (left, absent): (&mut HashSet<Uuid>, &HashSet<Uuid>),
    found: &mut HashMap<Uuid, Exported>,
) -> Result<(), ConnectorError> {
    for uuid in left.clone() {
        let mut answer = files.answer(uuid, terms(program, place));
        if matches!(answer, Answer::Undeclared) {
            program.learn_kinds(place).await?;
            answer = files.answer(uuid, terms(program, place));
        }
        match answer {
            Answer::Task(task) => {
                found.insert(uuid, *task);
                left.remove(&uuid);
            }
            Answer::Absent if absent.contains(&uuid) => {
                left.remove(&uuid);
            }
            Answer::Absent | Answer::Undeclared | Answer::Unsure => {}
        }
    }
    Ok(())
}

fn terms<'a>(program: &'a Program, place: &Place) -> Terms<'a> {
    Terms {
        markers: &program.markers,
        kinds: program.kinds(place),
        now_secs: Timestamp::now().as_second(),
    }
}

/// Exports these tasks now.
async fn export(
    program: &mut Program,
    place: &Place,
    wanted: &HashSet<Uuid>,
    found: &mut HashMap<Uuid, Exported>,
) -> Result<(), ConnectorError> {
    // 2.6 keeps a uuid as somebody typed it, and finds it only when asked for in that spelling.
    let spellings = |uuid: &Uuid| [uuid.to_string(), uuid.to_string().to_uppercase()];
    let names: Vec<String> = wanted.iter().flat_map(spellings).collect();
    program
        .export(&place.data, Some(&names), |line| {
            let known = scan::scan(line).map(|scan| scan.uuid);
            if known.is_none_or(|uuid| wanted.contains(&uuid)) {
                let (row, object) = read(line)?;
                found.insert(row.uuid, (row, object));
            }
            Ok(())
        })
        .await
}

/// Reads one exported line.
pub(super) fn read(line: &[u8]) -> Result<Exported, ConnectorError> {
    let malformed = |what| ConnectorError::Malformed { what };
    let object = scan::parse(line).map_err(malformed)?;
    let row = Row::from_export(&object).map_err(malformed)?;
    Ok((row, object))
}
