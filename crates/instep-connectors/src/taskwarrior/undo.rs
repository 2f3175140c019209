//! The journal of 2.6, `undo.data`, read for two questions: was a task that vanished removed by
//! a person, or lost when two commands rewrote the file at once? And what was written to the tasks
//! since a moment that was noted? It is never written.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use instep_contract::ConnectorError;
use uuid::Uuid;

use super::place::{JOURNAL, Stamp, TASKS};
use super::scan::closing_quote;
use super::unfinished::Command;
use super::wire::Row;

/// What ends each entry.
const END: &[u8] = b"---\n";
/// How much before its end is looked through for the end of an entry.
const LAST_BYTES: u64 = 64 * 1024;
/// How much before a place has to be as it was for the place to be the same.
const KNOWN_BYTES: usize = 512;

/// A place between two entries.
#[derive(Debug, Default)]
pub(super) struct Mark {
    length: u64,
    /// What stood right before it.
    known: Vec<u8>,
}

impl Mark {
    /// How long the journal was, in bytes.
    pub(super) fn length(&self) -> u64 {
        self.length
    }
}

/// One change of one task.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) at_secs: i64,
    /// The task before; `None` where it was added.
    pub(super) old: Option<Row>,
    pub(super) new: Row,
}

/// What the journal tells since a mark.
#[derive(Debug, Default)]
pub(super) struct Since {
    /// In the order in which they were written.
    pub(super) steps: Vec<Step>,
    /// Whether they are exactly those since the mark. When somebody undid what stood before it,
    /// older steps are among them.
    pub(super) exact: bool,
}

/// The end of the journal as it is now; its beginning where there is none yet.
///
/// # Errors
/// [`ConnectorError::Setup`] when it cannot be read: without it no edit would be seen.
pub(super) fn mark(data: &Path) -> Result<Mark, ConnectorError> {
    let Some((start, bytes)) = read_from(data, |length| length.saturating_sub(LAST_BYTES))? else {
        return Ok(Mark::default());
    };
    // Behind the last whole entry: somebody may be writing one.
    let end = bytes
        .windows(END.len())
        .rposition(|part| part == END)
        .map_or(bytes.len(), |at| at + END.len());
    Ok(Mark {
        length: start + end as u64,
        known: bytes[end.saturating_sub(KNOWN_BYTES)..end].to_vec(),
    })
}

/// Whether tasks were written later than the journal: a command writes it after them, and one that
/// only moves tasks between the files does not.
pub(super) fn is_behind(data: &Path) -> bool {
    let written = |name: &str| Stamp::of(&data.join(name)).state.map(|(.., nanos)| nanos);
    TASKS.into_iter().map(written).max() > Some(written(JOURNAL))
}

/// Whether there is no task in the files that hold them.
pub(super) fn is_empty(data: &Path) -> bool {
    let holds = |name| Stamp::of(&data.join(name)).state.is_some();
    !TASKS.into_iter().any(holds)
}

/// What was written since `mark`.
///
/// # Errors
/// As [`mark`].
pub(super) fn since(data: &Path, mark: &Mark) -> Result<Since, ConnectorError> {
    let place = mark.length - mark.known.len() as u64;
    let read = read_from(data, |length| place.min(length))?;
    let Some((start, bytes)) = read else {
        return Ok(Since::default());
    };
    if let Some(fresh) = bytes
        .strip_prefix(mark.known.as_slice())
        .filter(|_| start == place)
    {
        let steps = steps(fresh);
        return Ok(Since { steps, exact: true });
    }
    let last = read_from(data, |length| length.saturating_sub(LAST_BYTES))?;
    Ok(Since {
        steps: last.map(|(_, bytes)| steps(&bytes)).unwrap_or_default(),
        exact: false,
    })
}

/// The commands that wrote to each of `wanted` since the journal was `bytes` long, oldest first.
///
/// # Errors
/// As [`mark`].
pub(super) fn recent(
    data: &Path,
    wanted: &HashSet<Uuid>,
    bytes: u64,
) -> Result<HashMap<Uuid, Vec<Command>>, ConnectorError> {
    let mut commands: HashMap<Uuid, Vec<Command>> = HashMap::new();
    let read = read_from(data, |length| bytes.min(length))?;
    let steps = read.map(|(_, bytes)| steps(&bytes)).unwrap_or_default();
    for step in steps {
        if wanted.contains(&step.new.uuid) {
            let old = step.old.as_ref().map(Row::properties).unwrap_or_default();
            let command = Command::between(step.at_secs, &old, &step.new.properties());
            commands.entry(step.new.uuid).or_default().push(command);
        }
    }
    Ok(commands)
}

/// Whether nothing but additions happened to the journal since `mark`: an undo takes entries away.
///
/// # Errors
/// As [`mark`].
pub(super) fn holds(data: &Path, mark: &Mark) -> Result<bool, ConnectorError> {
    let place = mark.length - mark.known.len() as u64;
    let read = read_from(data, |length| place.min(length))?;
    let (start, bytes) = read.unwrap_or_default();
    Ok(start == place && bytes.starts_with(&mark.known))
}

/// The journal from a place on.
#[derive(Debug, Default)]
pub(super) struct Tail {
    pub(super) steps: Vec<Step>,
    /// Tasks with an entry that cannot be understood.
    pub(super) unread: HashSet<Uuid>,
}

/// What the last `most` bytes of the journal tell, as far as they stand behind `from`.
///
/// # Errors
/// As [`mark`].
pub(super) fn tail(data: &Path, from: u64, most: u64) -> Result<Tail, ConnectorError> {
    let read = read_from(data, |length| {
        length.saturating_sub(most).max(from.min(length))
    })?;
    let (_, bytes) = read.unwrap_or_default();
    let entries = bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.strip_prefix(b"new ").or(line.strip_prefix(b"old ")));
    let unread = entries
        .filter(|entry| row_of(entry).is_none())
        .filter_map(|entry| Uuid::try_parse_ascii(attribute(entry, b"uuid:\"")?).ok());
    Ok(Tail {
        unread: unread.collect(),
        steps: steps(&bytes),
    })
}

/// The file from where `start` says, given its length; `None` where there is none.
fn read_from(
    data: &Path,
    start: impl Fn(u64) -> u64,
) -> Result<Option<(u64, Vec<u8>)>, ConnectorError> {
    let path = data.join(JOURNAL);
    let read = || {
        let mut file = File::open(&path)?;
        let start = start(file.metadata()?.len());
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok::<_, Error>((start, bytes))
    };
    match read() {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(&path, &error)),
    }
}

/// Every whole entry that can be understood.
fn steps(bytes: &[u8]) -> Vec<Step> {
    let mut steps = Vec::new();
    let (mut at_secs, mut old, mut new) = (None, None, None);
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Some(time) = line.strip_prefix(b"time ") {
            at_secs = std::str::from_utf8(time)
                .ok()
                .and_then(|time| time.parse().ok());
            (old, new) = (None, None);
        } else if let Some(row) = line.strip_prefix(b"old ") {
            old = Some(row_of(row));
        } else if let Some(row) = line.strip_prefix(b"new ") {
            new = row_of(row);
        } else if line == b"---"
            && let (Some(at_secs), Some(new)) = (at_secs.take(), new.take())
            // A step from something that cannot be read would look like an addition.
            && !matches!(old, Some(None))
        {
            steps.push(Step {
                at_secs,
                old: old.take().flatten(),
                new,
            });
        }
    }
    steps
}

/// A task as the journal writes it; `None` where any of it cannot be understood.
fn row_of(entry: &[u8]) -> Option<Row> {
    let mut rest = std::str::from_utf8(entry).ok()?;
    rest = rest.trim().strip_prefix('[')?.strip_suffix(']')?;
    let mut properties: HashMap<String, String> = HashMap::new();
    while let Some((key, quoted)) = rest.split_once(":\"") {
        let end = closing_quote(quoted)?;
        properties.insert(key.trim().to_owned(), value_of(&quoted[..end])?);
        rest = &quoted[end + 1..];
    }
    let uuid = Uuid::parse_str(properties.get("uuid")?).ok()?;
    let mut listed = Row::from_properties(uuid, &properties);
    // Beside the lists stand keys that say the same, but not in every release.
    let list = |key: &str| properties.get(key).map_or("", String::as_str).split(',');
    let tags = list("tags").filter(|tag| !tag.is_empty());
    listed.tags.extend(tags.map(str::to_owned));
    let others = list("depends").filter_map(|other| Uuid::parse_str(other).ok());
    listed.depends.extend(others);
    listed.extra.remove("uuid");
    Some(listed)
}

fn value_of(raw: &str) -> Option<String> {
    let mut strict = String::with_capacity(raw.len() + 2);
    strict.push('"');
    for c in raw.chars() {
        if c.is_control() {
            strict.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            strict.push(c);
        }
    }
    strict.push('"');
    let text: String = serde_json::from_str(&strict).ok()?;
    Some(text.replace("&open;", "[").replace("&close;", "]"))
}

/// Those of `missing` that nobody removed. Purging works on deleted tasks only and leaves no
/// entry, undoing takes its entry away: a task that its last entry still shows alive was lost.
///
/// # Errors
/// As [`mark`]: what cannot be read says of no task that somebody removed it.
pub(super) fn lost(data: &Path, missing: &HashSet<Uuid>) -> Result<HashSet<Uuid>, ConnectorError> {
    let path = data.join(JOURNAL);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(HashSet::new()),
        Err(error) => return Err(unreadable(&path, &error)),
    };
    let mut alive: HashMap<Uuid, bool> = HashMap::new();
    for line in BufReader::new(file).split(b'\n') {
        let line = line.map_err(|error| unreadable(&path, &error))?;
        let Some(entry) = line.strip_prefix(b"new [") else {
            continue;
        };
        let named = attribute(entry, b" uuid:\"").and_then(|text| Uuid::try_parse_ascii(text).ok());
        if let Some(uuid) = named.filter(|uuid| missing.contains(uuid)) {
            let status = attribute(entry, b" status:\"");
            let lives = status
                .is_some_and(|status| matches!(status, b"pending" | b"waiting" | b"completed"));
            alive.insert(uuid, lives);
        }
    }
    let lost = alive.into_iter().filter(|(_, alive)| *alive);
    Ok(lost.map(|(uuid, _)| uuid).collect())
}

fn unreadable(path: &Path, error: &Error) -> ConnectorError {
    ConnectorError::Setup {
        what: format!(
            "Taskwarrior's journal {} cannot be read: {error}",
            path.display()
        ),
        help: "check who owns it and whether it can be read".to_owned(),
    }
}

/// The value after the last `key`: attributes are sorted, and both that are asked for come late.
/// Quotes inside a value are escaped, so that no value can contain a key of this form.
fn attribute<'a>(entry: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let at = entry.windows(key.len()).rposition(|part| part == key)?;
    let value = &entry[at + key.len()..];
    let end = value.iter().position(|byte| *byte == b'"')?;
    Some(&value[..end])
}
