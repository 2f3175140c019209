//! What is remembered between two looks: stamps that prove files untouched, and one digest for
//! each task. It reads the state of files and never their content.

use std::collections::BTreeMap;
use std::path::Path;

use instep_contract::{ConnectorError, Cursor};
use instep_model::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::age::Age;
use super::place::{DATABASE, JOURNAL, Place, Stamp};
use super::trail::Trail;
use super::unfinished::Sent;

/// Two changes this close together may share a time stamp.
const SETTLED_NANOS: i64 = 2_000_000_000;
const VERSION: u32 = 1;
const ENTRY: usize = 24;

/// Through which door digests were taken: those of one mean nothing to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Door {
    Program,
    Library,
}

/// Everything of a cursor but the digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    format: u32,
    pub(super) place: Place,
    pub(super) identity: String,
    pub(super) door: Door,
    pub(super) data: Vec<Stamp>,
    /// When the stamps were taken, in nanoseconds since 1970.
    pub(super) taken_nanos: i64,
    /// The second at which Taskwarrior next deletes a task by itself.
    pub(super) next_expiry: Option<i64>,
    /// How far the database had come when the stamps were taken, where anything tells.
    #[serde(default)]
    pub(super) trail: Option<Trail>,
    /// Where the first write began since then; for as long as one is not ended, where that began.
    #[serde(default)]
    pub(super) writes: Option<Beginning>,
    /// What those writes were to set in each task, which is known by its uuid.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) sent: BTreeMap<String, Sent>,
}

/// A moment right before a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Beginning {
    /// How long the journal of 2.6 was.
    pub(super) journal_bytes: u64,
    pub(super) at_micros: i64,
}

impl Beginning {
    /// Now, with the data in this directory.
    pub(super) fn now(data: &Path) -> Self {
        let journal = Stamp::of(&data.join(JOURNAL));
        Self {
            journal_bytes: journal.state.map_or(0, |(_, bytes, _)| bytes),
            at_micros: Timestamp::now().as_microsecond(),
        }
    }
}

impl Header {
    /// A header for stamps taken just before a look through `door`.
    pub(super) fn new(
        place: Place,
        identity: String,
        door: Door,
        data: Vec<Stamp>,
        taken_nanos: i64,
    ) -> Self {
        Self {
            format: VERSION,
            place,
            identity,
            door,
            data,
            taken_nanos,
            next_expiry: None,
            trail: None,
            writes: None,
            sent: BTreeMap::new(),
        }
    }

    /// When the stamps were taken, in seconds since 1970.
    pub(super) fn taken_secs(&self) -> i64 {
        self.taken_nanos / 1_000_000_000
    }

    /// Whether nothing can have changed since (S10), so that looking again is needless.
    pub(super) fn is_untouched(&self, now_secs: i64) -> bool {
        let settled = |stamp: &Stamp| {
            stamp.state.is_none_or(|(_, _, written)| {
                written.saturating_add(SETTLED_NANOS) <= self.taken_nanos
            })
        };
        self.next_expiry.is_none_or(|at| at > now_secs)
            && self.data.iter().chain(&self.place.origin).all(settled)
            && self.data.iter().all(Stamp::holds)
            && self.place.holds()
    }

    /// Whether an older copy took the place of the files of `before`, where tasks of this `age` are
    /// less than there were.
    pub(super) fn is_older(&self, before: &Self, age: &Age) -> bool {
        let trails = self.trail.as_ref().zip(before.trail.as_ref());
        trails.is_some_and(|(now, before)| now.is_behind(before, age.missing))
            || self.written_earlier(before).is_some_and(|at| age.fits(at))
    }

    /// When the files were last written, in seconds, if they look as if an older copy had taken the
    /// place of those of `before`: the database of 3 is another file, or was last written earlier;
    /// the journal of 2.6 is shorter, and was last written earlier. An undo makes it shorter too,
    /// and writes it now.
    fn written_earlier(&self, before: &Self) -> Option<i64> {
        if self.door != before.door || self.taken_nanos < before.taken_nanos {
            return None;
        }
        let is_older = |stamp: &Stamp| {
            let known = before.data.iter().find(|known| known.path == stamp.path);
            let (Some(now), Some(known)) = (stamp.state, known.and_then(|known| known.state))
            else {
                return false;
            };
            let (earlier, shorter) = (
                now.2.saturating_add(SETTLED_NANOS) < known.2,
                now.1 < known.1,
            );
            let name = stamp.path.file_name().and_then(|name| name.to_str());
            match name {
                Some(DATABASE) => earlier || now.0 != known.0,
                Some(JOURNAL) => earlier && shorter,
                _ => false,
            }
        };
        let older = self.data.iter().any(is_older);
        let written = self.data.iter().filter_map(|stamp| stamp.state);
        let last = written.map(|(.., nanos)| nanos / 1_000_000_000).max();
        last.filter(|_| older)
    }

    /// Remembers the earliest expiry still to come.
    pub(super) fn note_expiry(&mut self, until: Option<i64>) {
        let now_secs = self.taken_secs();
        if let Some(at) = until.filter(|at| *at > now_secs) {
            self.next_expiry = Some(self.next_expiry.map_or(at, |next| next.min(at)));
        }
    }
}

/// The digests of all tasks, sorted by uuid.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Table(Vec<(Uuid, u64)>);

/// The digest of no task.
pub(super) const FORGOTTEN: u64 = 0;

impl Table {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Where `uuid` stands, and its digest.
    pub(super) fn find(&self, uuid: Uuid) -> Option<(usize, u64)> {
        let at = self.0.binary_search_by_key(&uuid, |entry| entry.0).ok()?;
        Some((at, self.0[at].1))
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (Uuid, u64)> {
        self.0.iter().copied()
    }

    pub(super) fn push(&mut self, uuid: Uuid, digest: u64) {
        self.0.push((uuid, digest));
    }

    /// Has the next look take this task for a changed one.
    pub(super) fn forget(&mut self, uuid: Uuid) {
        if let Some((at, _)) = self.find(uuid) {
            self.0[at].1 = FORGOTTEN;
        }
    }

    /// Sorts what was pushed; has to be called before anything is looked up.
    pub(super) fn sort(&mut self) {
        self.0.sort_unstable_by_key(|entry| entry.0);
        self.0.dedup_by_key(|entry| entry.0);
    }
}

/// Joins both parts: a line of JSON, then 24 bytes for each task.
pub(super) fn encode(header: &Header, table: &Table) -> Result<Cursor, ConnectorError> {
    let mut bytes = serde_json::to_vec(header).map_err(|error| ConnectorError::Malformed {
        what: format!("a path that cannot be remembered: {error}"),
    })?;
    bytes.push(b'\n');
    bytes.reserve(table.0.len() * ENTRY);
    for (uuid, digest) in &table.0 {
        bytes.extend_from_slice(uuid.as_bytes());
        bytes.extend_from_slice(&digest.to_le_bytes());
    }
    Ok(Cursor(bytes))
}

/// Reads the header and hands out the bytes of the table.
pub(super) fn decode(cursor: &Cursor) -> Result<(Header, &[u8]), ConnectorError> {
    let end = cursor.0.iter().position(|byte| *byte == b'\n');
    let end = end.ok_or(ConnectorError::CursorInvalid)?;
    let header: Header =
        serde_json::from_slice(&cursor.0[..end]).map_err(|_| ConnectorError::CursorInvalid)?;
    let table = &cursor.0[end + 1..];
    if header.format != VERSION || !table.len().is_multiple_of(ENTRY) {
        return Err(ConnectorError::CursorInvalid);
    }
    Ok((header, table))
}

/// Whether the bytes that [`decode`] handed out name a task that the next look has to show.
pub(super) fn has_forgotten(bytes: &[u8]) -> bool {
    let mut digests = bytes.chunks_exact(ENTRY).map(|entry| &entry[16..]);
    digests.any(|digest| digest == FORGOTTEN.to_le_bytes())
}

/// Reads the table out of the bytes that [`decode`] handed out.
pub(super) fn decode_table(bytes: &[u8]) -> Table {
    let entry = |chunk: &[u8]| {
        let (id, digest) = chunk.split_at(16);
        let id = Uuid::from_slice(id).unwrap_or_default();
        let digest = digest.try_into().map_or(0, u64::from_le_bytes);
        (id, digest)
    };
    let mut table = Table(bytes.chunks_exact(ENTRY).map(entry).collect());
    table.sort();
    table
}
