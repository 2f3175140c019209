//! Tasks of 2.6 read by their uuid from its own files, without a process: `pending.data` and
//! `completed.data`, one task to a line, as the journal writes them too.
//!
//! An answer is either exactly what an export of that task would say, or none at all: whatever is
//! not understood with certainty is left to the program. Nothing is waited for or written.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{Error, Read};
use std::path::Path;

use memchr::memmem;
use rustix::fs::{FlockOperation, fcntl_lock};
use serde_json::{Map, Number, Value as Json, json};
use uuid::Uuid;

use super::convert::READABLE;
use super::place::{Stamp, TASKS};
use super::scan::closing_quote;
use super::wire::{REPETITION, Row, TEXTS, TIMES, date};

/// The values of `status` that are exported as they are stored.
const STATES: [&str; 4] = ["pending", "completed", "deleted", "recurring"];
/// How far ahead of us Taskwarrior's clock may be when it looks at an expiry, in seconds.
const SLACK_SECS: i64 = 2;
/// Names that are renamed or computed when Taskwarrior reads them.
const NOT_STORED: [&str; 7] = [
    "id",
    "urgency",
    "modification",
    "last",
    "rlast",
    "template",
    "waiting",
];

/// A task as exported, and as understood.
pub(super) type Exported = (Row, Map<String, Json>);

/// How Taskwarrior shows an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Date,
    /// Shown as it is stored where it is stored in the form that is shown.
    Duration,
}

/// A person's own attributes, as the configuration declares them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Kinds(HashMap<String, Kind>);

impl Kinds {
    /// Reads the answer to `task _show`.
    pub(super) fn from_show(text: &str) -> Self {
        let kind = |line: &str| {
            let (key, value) = line.split_once('=')?;
            let name = key.strip_prefix("uda.")?.strip_suffix(".type")?;
            let kind = match value.trim() {
                "numeric" => Kind::Number,
                "date" => Kind::Date,
                "duration" => Kind::Duration,
                _ => Kind::Text,
            };
            Some((name.to_owned(), kind))
        };
        Self(text.lines().filter_map(kind).collect())
    }
}

/// What the files say of one task.
#[derive(Debug)]
pub(super) enum Answer {
    /// What an export of it says, without its number and its urgency.
    Task(Box<Exported>),
    Absent,
    /// It takes [`Kinds`] to say.
    Undeclared,
    /// Only the program can say.
    Unsure,
}

/// What answers are given by.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    /// Attributes that are ours, which every command of ours declares as text.
    pub(super) markers: &'a [String],
    /// All others, where they were asked for.
    pub(super) kinds: Option<&'a Kinds>,
    pub(super) now_secs: i64,
}

/// The files of one moment, in which no command was writing to them.
#[derive(Debug)]
pub(super) struct Files(Vec<Vec<u8>>);

impl Files {
    /// Reads them; `None` where they are not there, or somebody is at them.
    pub(super) fn read(data: &Path) -> Option<Self> {
        let stamps = || TASKS.map(|name| Stamp::of(&data.join(name)));
        let before = stamps();
        // Both stay locked until both are read, as Taskwarrior itself locks them, so that nobody
        // moves a task from one to the other meanwhile.
        let mut open = Vec::with_capacity(TASKS.len());
        for name in TASKS {
            let path = data.join(name);
            let file = locked(&path)
                .inspect_err(|error| {
                    tracing::debug!(path = %path.display(), %error, "left a file to Taskwarrior");
                })
                .ok()?;
            open.push(file);
        }
        let mut contents = Vec::with_capacity(TASKS.len());
        for file in &mut open {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).ok()?;
            if bytes.last().is_some_and(|last| *last != b'\n') {
                return None;
            }
            contents.push(bytes);
        }
        // Locks can be turned off in the configuration; then the times tell.
        (stamps() == before).then_some(Self(contents))
    }

    /// What they say of a task.
    pub(super) fn answer(&self, uuid: Uuid, terms: Terms<'_>) -> Answer {
        let name = uuid.to_string();
        // 2.6 keeps a uuid as somebody typed it.
        let spellings = HashSet::from([name.to_uppercase(), name]);
        let mut lines = Vec::new();
        for spelling in &spellings {
            let key = format!("uuid:\"{spelling}\"");
            let found = |bytes| memmem::find_iter(bytes, key.as_bytes()).map(move |at| (bytes, at));
            let all = self.0.iter().flat_map(|bytes| found(bytes.as_slice()));
            lines.extend(all.map(|(bytes, at)| line_at(bytes, at)));
        }
        match lines.as_slice() {
            [] => Answer::Absent,
            [line] => task(line, &spellings, terms),
            _ => Answer::Unsure,
        }
    }
}

fn locked(path: &Path) -> Result<File, Error> {
    let file = File::open(path)?;
    fcntl_lock(&file, FlockOperation::NonBlockingLockShared)?;
    Ok(file)
}

/// The line of which `at` is a place.
fn line_at(bytes: &[u8], at: usize) -> &[u8] {
    let start = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |end| end + 1);
    let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end);
    &bytes[start..end]
}

fn task(line: &[u8], spellings: &HashSet<String>, terms: Terms<'_>) -> Answer {
    let Some(attributes) = attributes(line) else {
        return Answer::Unsure;
    };
    let named = attributes.get("uuid");
    if named.is_none_or(|name| !spellings.contains(name)) {
        return Answer::Unsure;
    }
    let object = match object(&attributes, terms) {
        Ok(object) => object,
        Err(unsure) => return unsure,
    };
    match Row::from_export(&object) {
        Ok(row) => Answer::Task(Box::new((row, object))),
        Err(_) => Answer::Unsure,
    }
}

/// Everything in one line; `None` unless all of it is understood.
fn attributes(line: &[u8]) -> Option<BTreeMap<String, String>> {
    let line = std::str::from_utf8(line).ok()?;
    let mut rest = line.strip_prefix('[')?.strip_suffix(']')?;
    let mut attributes = BTreeMap::new();
    while !rest.is_empty() {
        let (key, value) = rest.split_once(':')?;
        let quoted = value.strip_prefix('"')?;
        let end = closing_quote(quoted)?;
        let text = decoded(&quoted[..end])?;
        if !is_name(key) || attributes.insert(key.to_owned(), text).is_some() {
            return None;
        }
        rest = &quoted[end + 1..];
        if !rest.is_empty() {
            rest = rest.strip_prefix(' ')?;
        }
    }
    Some(attributes)
}

/// Whether a name is stored and shown as it is: names are never escaped, those of tags neither.
fn is_name(key: &str) -> bool {
    let breaks = |c: char| c.is_control() || matches!(c, '"' | '\\');
    let spaced = !key.starts_with("tags_") && key.contains(char::is_whitespace);
    !key.is_empty() && !spaced && !key.contains(breaks)
}

/// A text without its escapes.
fn decoded(raw: &str) -> Option<String> {
    let mut text = String::with_capacity(raw.len());
    let mut characters = raw.chars();
    while let Some(c) = characters.next() {
        let plain = match c {
            '\\' => match characters.next()? {
                c @ ('"' | '\\' | '/') => c,
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                _ => return None,
            },
            c => c,
        };
        text.push(plain);
    }
    Some(text.replace("&open;", "[").replace("&close;", "]"))
}

/// The object that an export shows.
fn object(
    attributes: &BTreeMap<String, String>,
    terms: Terms<'_>,
) -> Result<Map<String, Json>, Answer> {
    let mut object = Map::new();
    let (mut tags, mut others, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for (key, value) in attributes {
        if let Some(tag) = key.strip_prefix("tags_") {
            tags.push(tag);
        } else if let Some(other) = key.strip_prefix("dep_") {
            others.push(other);
        } else if let Some(at) = key.strip_prefix("annotation_") {
            let entry = shown_date(at).ok_or(Answer::Unsure)?;
            notes.push(json!({ "entry": entry, "description": value }));
        } else if !value.is_empty() && !matches!(key.as_str(), "tags" | "depends") {
            object.insert(key.clone(), shown(key, value, terms)?);
        }
    }
    if !is_listed(&tags, attributes.get("tags")) || !is_listed(&others, attributes.get("depends")) {
        return Err(Answer::Unsure);
    }
    let needed = ["description", "status", "entry", "modified"];
    if needed.iter().any(|key| !object.contains_key(*key)) || expires(attributes, terms.now_secs) {
        return Err(Answer::Unsure);
    }
    for (key, list) in [("tags", tags), ("depends", others)] {
        if !list.is_empty() {
            object.insert(key.to_owned(), Json::from(list));
        }
    }
    if !notes.is_empty() {
        object.insert("annotations".to_owned(), Json::from(notes));
    }
    Ok(object)
}

/// Whether Taskwarrior deletes it when it reads it, or adds to it what an older release left out.
fn expires(attributes: &BTreeMap<String, String>, now_secs: i64) -> bool {
    let until = attributes.get("until").map(|at| at.parse::<i64>());
    until.is_some_and(|at| at.is_ok_and(|at| at <= now_secs + SLACK_SECS))
        || (attributes.contains_key("recur") && !attributes.contains_key("rtype"))
}

/// Whether the keys of a set say the same as the list beside them.
fn is_listed(keys: &[&str], list: Option<&String>) -> bool {
    let listed: HashSet<&str> = list
        .map_or("", String::as_str)
        .split(',')
        .filter(|part| !part.is_empty())
        .collect();
    listed.len() == keys.len() && keys.iter().all(|key| listed.contains(key))
}

/// One attribute as an export shows it.
fn shown(key: &str, value: &str, terms: Terms<'_>) -> Result<Json, Answer> {
    let text = || Some(Json::from(value));
    let is_ours = || terms.markers.iter().any(|marker| marker == key);
    let shown = match key {
        "status" => text().filter(|_| STATES.contains(&value)),
        "imask" => shown_number(value),
        // Declared by Taskwarrior itself, unless a person declares it anew.
        "priority" => terms
            .kinds
            .map_or_else(text, |kinds| kinds.shown(key, value)),
        _ if NOT_STORED.contains(&key) => None,
        _ if TIMES.contains(&key) => shown_date(value).map(Json::from),
        _ if key == "uuid" || TEXTS.contains(&key) || REPETITION.contains(&key) => text(),
        _ if is_ours() => text(),
        _ => match terms.kinds {
            Some(kinds) => kinds.shown(key, value),
            None => return Err(Answer::Undeclared),
        },
    };
    shown.ok_or(Answer::Unsure)
}

impl Kinds {
    fn shown(&self, key: &str, value: &str) -> Option<Json> {
        match self.0.get(key) {
            // What nobody declares is text.
            None | Some(Kind::Text) => Some(Json::from(value)),
            Some(Kind::Number) => shown_number(value),
            Some(Kind::Date) => shown_date(value).map(Json::from),
            Some(Kind::Duration) => value.starts_with('P').then(|| Json::from(value)),
        }
    }
}

fn shown_date(seconds: &str) -> Option<String> {
    let digits = seconds.bytes().all(|byte| byte.is_ascii_digit());
    let at = seconds.parse().ok().filter(|_| digits)?;
    READABLE.contains(&at).then(|| date(at)).flatten()
}

fn shown_number(text: &str) -> Option<Json> {
    let number: Number = serde_json::from_str(text).ok()?;
    Some(Json::from(number))
}

#[cfg(test)]
mod tests;
