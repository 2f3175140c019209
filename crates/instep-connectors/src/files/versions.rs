//! What an account remembers about its file in a private directory: the last versions, which of
//! them it wrote itself, and the ids it gave. From these a stale overwrite is told from edits.
//!
//! The file itself is never touched here, and nothing here is needed to read it: without this
//! memory a stale overwrite looks like an edit, and nothing worse.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use instep_safefile::{Base, Bases, Error, FileLock, create_private_dir, write_private};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::format::{Document, Rebased, distance, rebase, reverts};

/// How many versions of ours are told from those of others.
const OURS_KEPT: usize = 16;

/// How long another instance of ours is waited for.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// What is remembered beside the versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Ledger {
    /// The highest id that was ever given or seen.
    pub(super) highest: i64,
    /// Ids that were given and that no cursor has told of yet.
    pub(super) created: BTreeSet<String>,
    /// Hashes of versions that we wrote, oldest first.
    ours: Vec<String>,
}

impl Ledger {
    /// Takes note of an id, so that it is never given again.
    pub(super) fn see(&mut self, id: i64) {
        self.highest = self.highest.max(id);
    }
}

/// The memory of one account.
#[derive(Debug)]
pub(super) struct Versions {
    dir: PathBuf,
    bases: Bases,
    _lock: FileLock,
}

impl Versions {
    /// Opens the memory in `dir`, made if need be, for one caller at a time: the versions have
    /// to be remembered in the order in which they stood.
    pub(super) fn open(dir: &Path) -> Result<Self, Error> {
        create_private_dir(dir)?;
        let lock = FileLock::acquire(dir.join("lock"), LOCK_TIMEOUT)?;
        Ok(Self {
            dir: dir.to_path_buf(),
            bases: Bases::open(dir.join("versions"))?,
            _lock: lock,
        })
    }

    /// A ledger that cannot be read is begun anew.
    pub(super) fn ledger(&self) -> Ledger {
        std::fs::read(self.ledger_path())
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    pub(super) fn set_ledger(&self, ledger: &Ledger) -> Result<(), Error> {
        let text = serde_json::to_vec(ledger).unwrap_or_default();
        write_private(self.ledger_path(), &text)
    }

    fn ledger_path(&self) -> PathBuf {
        self.dir.join("ledger.json")
    }

    /// Whether any version was ever seen.
    pub(super) fn any(&self) -> bool {
        self.bases.recent().is_ok_and(|recent| !recent.is_empty())
    }

    /// A version that was found as it is.
    pub(super) fn remember(&self, bytes: &[u8]) -> Result<(), Error> {
        self.bases.remember(bytes)
    }

    /// A version that we have just put in the place of `before`.
    pub(super) fn remember_ours(
        &self,
        ledger: &mut Ledger,
        before: &[u8],
        bytes: &[u8],
    ) -> Result<(), Error> {
        if !before.is_empty() {
            self.bases.remember(before)?;
        }
        self.bases.remember(bytes)?;
        ledger.ours.push(hash(bytes));
        let outdated = ledger.ours.len().saturating_sub(OURS_KEPT);
        ledger.ours.drain(..outdated);
        Ok(())
    }

    /// What the file would be had its writer not started from a version older than our last
    /// writes; `None` when it did not.
    ///
    /// Only what *we* wrote in between can be taken back without meaning to: a person's own
    /// versions may come and go. And only a writer who changes something of its own can be
    /// told from a person who takes back what we wrote; the latter is believed.
    pub(super) fn rebased(
        &self,
        ledger: &Ledger,
        bytes: &[u8],
        found: &Document,
        parse: impl Fn(&[u8]) -> Option<Document>,
    ) -> Result<Option<Rebased>, Error> {
        // Most files are as we left them; then no older version need be looked at.
        let Some(last) = ledger.ours.last() else {
            return Ok(None);
        };
        if *last == hash(bytes) {
            return Ok(None);
        }
        let recent = self.bases.recent()?;
        let ours = |base: &Base| ledger.ours.contains(&hash(&base.bytes));
        let (Some(newest), Some(last_ours)) = (recent.first(), recent.iter().position(ours)) else {
            return Ok(None);
        };
        let Some(newest) = Some(newest)
            .filter(|newest| newest.bytes != bytes)
            .and_then(|newest| parse(&newest.bytes))
        else {
            return Ok(None);
        };
        let reverts = reverts(found, &newest);
        let candidates = recent
            .iter()
            .skip(last_ours + 1)
            .filter(|base| reverts.may_come_from(&base.bytes))
            .filter_map(|base| parse(&base.bytes));
        let closest = candidates
            .map(|base| (distance(&base, found), base))
            .min_by_key(|(distance, _)| *distance);
        let Some((own_edits, base)) = closest else {
            return Ok(None);
        };
        let nearer = recent.iter().take(last_ours + 1);
        let mut nearer = nearer.filter_map(|base| parse(&base.bytes));
        if nearer.any(|base| distance(&base, found) <= own_edits) {
            return Ok(None);
        }
        Ok(rebase(found, &base, &newest))
    }
}

fn hash(bytes: &[u8]) -> String {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    hash.iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
