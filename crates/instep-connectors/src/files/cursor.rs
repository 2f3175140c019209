//! The place in a file's history: how the file looked, and a digest of each task in it. It is
//! written and read back here, and compared elsewhere.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use instep_contract::Cursor;
use instep_model::{RemoteId, RemoteTask};
use sha2::{Digest, Sha256};

const VERSION: u8 = 1;

/// A file that was written less than this before it was read may be written again without
/// looking any different (S10).
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// How a file looks without being opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) dev: u64,
    pub(super) inode: u64,
    pub(super) size: u64,
    pub(super) mtime_ns: i128,
}

impl Look {
    pub(super) fn of(file: &Metadata) -> Self {
        Self {
            dev: file.dev(),
            inode: file.ino(),
            size: file.size(),
            mtime_ns: i128::from(file.mtime()) * 1_000_000_000 + i128::from(file.mtime_nsec()),
        }
    }

    /// Whether the file was left in peace long enough before `now`.
    pub(super) fn is_settled(&self, now: SystemTime) -> bool {
        let now = now
            .duration_since(UNIX_EPOCH)
            .map_or(0, |now| now.as_nanos());
        let settled = SETTLED_AFTER.as_nanos().cast_signed();
        now.cast_signed() - self.mtime_ns >= settled
    }
}

/// First bytes of the hash of what a task says.
pub(super) type TaskDigest = [u8; 8];

/// What a cursor says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The file that was read, with its identity's text; `None` where there was no file yet.
    pub(super) look: Option<Look>,
    /// Whether an equal look proves an untouched file.
    pub(super) settled: bool,
    /// The identity that the digests belong to.
    pub(super) identity: String,
    /// The highest id that was ever seen.
    pub(super) highest: i64,
    /// Every task that is known.
    pub(super) known: BTreeMap<RemoteId, TaskDigest>,
    /// Ids that were reported as gone without being known.
    pub(super) told: Vec<RemoteId>,
}

impl Place {
    pub(super) fn encode(&self) -> Cursor {
        let mut bytes = vec![
            VERSION,
            u8::from(self.settled),
            u8::from(self.look.is_some()),
        ];
        if let Some(look) = self.look {
            bytes.extend(look.dev.to_le_bytes());
            bytes.extend(look.inode.to_le_bytes());
            bytes.extend(look.size.to_le_bytes());
            bytes.extend(look.mtime_ns.to_le_bytes());
        }
        bytes.extend(self.highest.to_le_bytes());
        put_text(&mut bytes, &self.identity);
        put_count(&mut bytes, self.known.len());
        for (id, digest) in &self.known {
            put_text(&mut bytes, id.as_str());
            bytes.extend(digest);
        }
        put_count(&mut bytes, self.told.len());
        for id in &self.told {
            put_text(&mut bytes, id.as_str());
        }
        Cursor(bytes)
    }

    /// Reads a cursor of ours; `None` for any other.
    pub(super) fn decode(cursor: &Cursor) -> Option<Self> {
        let mut rest = cursor.0.as_slice();
        let [version, settled, seen] = take(&mut rest)?;
        if version != VERSION {
            return None;
        }
        let look = match seen {
            0 => None,
            _ => Some(Look {
                dev: u64::from_le_bytes(take(&mut rest)?),
                inode: u64::from_le_bytes(take(&mut rest)?),
                size: u64::from_le_bytes(take(&mut rest)?),
                mtime_ns: i128::from_le_bytes(take(&mut rest)?),
            }),
        };
        let highest = i64::from_le_bytes(take(&mut rest)?);
        let identity = take_text(&mut rest)?;
        let mut known = BTreeMap::new();
        for _ in 0..u32::from_le_bytes(take(&mut rest)?) {
            known.insert(RemoteId::new(take_text(&mut rest)?), take(&mut rest)?);
        }
        let mut told = Vec::new();
        for _ in 0..u32::from_le_bytes(take(&mut rest)?) {
            told.push(RemoteId::new(take_text(&mut rest)?));
        }
        rest.is_empty().then_some(Self {
            look,
            settled: settled != 0,
            identity,
            highest,
            known,
            told,
        })
    }
}

/// The digest of all that a task says, and of what we only carry for it.
pub(super) fn digest(task: &RemoteTask) -> TaskDigest {
    let mut hash = Sha256::new();
    for (field, value) in task.fields.iter() {
        let value = value.to_string();
        hash.update(field.name());
        hash.update((value.len() as u64).to_le_bytes());
        hash.update(value);
    }
    hash.update(task.shadow.as_deref().unwrap_or_default());
    let whole: [u8; 32] = hash.finalize().into();
    let mut digest = TaskDigest::default();
    digest.copy_from_slice(&whole[..8]);
    digest
}

fn put_count(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend(u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_count(bytes, text.len());
    bytes.extend(text.as_bytes());
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(*taken)
}

fn take_text(rest: &mut &[u8]) -> Option<String> {
    let len = u32::from_le_bytes(take(rest)?) as usize;
    let (text, left) = rest.split_at_checked(len)?;
    *rest = left;
    String::from_utf8(text.to_vec()).ok()
}
