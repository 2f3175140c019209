//! What an account remembers about its file in a private directory: the last versions, which of
//! them it wrote itself, and the ids it gave. From these a stale overwrite is told from edits.
//!
//! The file itself is never touched here, and nothing here is needed to read it: without this
//! memory a stale overwrite looks like an edit, and nothing worse.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use instep_safefile::{Bases, Error, FileLock, Slot, create_private_dir, write_private};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::format::{Document, Rebased, complete, distance, rebase, rejoin, reverts};

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
    /// Ids that we took out of the file and that a cursor may still know.
    pub(super) deleted: BTreeSet<String>,
    /// Hashes of versions that we wrote, oldest first.
    ours: Vec<String>,
    /// Hash of what was brought back from a backup and has not been set right yet.
    recovered: Option<String>,
    /// Hash of an older version that the last save gave the keys of later ones: whoever brings it
    /// back once more means it.
    completed: Option<String>,
}

impl Ledger {
    /// Takes note of an id, so that it is never given again.
    pub(super) fn see(&mut self, id: i64) {
        self.highest = self.highest.max(id);
    }

    /// Takes note of what a recovery is about to bring back, before it does: whoever finds the
    /// file like that must not take it for somebody's work.
    pub(super) fn expect_recovered(&mut self, bytes: &[u8]) {
        self.recovered = Some(hash(bytes));
    }

    /// Whether `bytes` came from a backup.
    pub(super) fn is_recovered(&self, bytes: &[u8]) -> bool {
        let known = self.recovered.as_ref();
        known.is_some_and(|recovered| *recovered == hash(bytes))
    }

    /// Takes note of an older version that was completed by the last save, or that there was none.
    pub(super) fn note_completed(&mut self, older: Option<&[u8]>) {
        self.completed = older.map(hash);
    }

    /// Forgets a recovery once the file holds something else; answers whether there was one.
    pub(super) fn leave_recovery(&mut self) -> bool {
        self.recovered.take().is_some()
    }
}

/// The file as it was found.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) document: &'a Document,
    /// Whether it came from a backup, so that nobody wrote it just now.
    pub(super) recovered: bool,
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
        self.bases.list().is_ok_and(|known| !known.is_empty())
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

    /// What the file would be had its writer started from our newest version; `None` when it did.
    ///
    /// Only what *we* wrote in between can be taken back without meaning to: a person's own
    /// versions may come and go. And only a writer who changes something of its own can be
    /// told from a person who takes back what we wrote; the latter is believed, but for keys that
    /// an older version cannot have. A backup takes back everything since, and nobody meant any of
    /// it.
    pub(super) fn rebased(
        &self,
        ledger: &Ledger,
        found: Found<'_>,
        parse: impl Fn(&[u8]) -> Option<Document>,
    ) -> Result<Option<Rebased>, Error> {
        let known = Known {
            bases: &self.bases,
            slots: self.bases.list()?,
            parse,
        };
        if found.recovered {
            known.after_recovery(found)
        } else {
            known.after_writer(ledger, found)
        }
    }
}

/// The versions that are known, read and taken apart one at a time: all of them at once would be
/// many times the file.
struct Known<'a, P> {
    bases: &'a Bases,
    /// Newest first.
    slots: Vec<Slot>,
    parse: P,
}

impl<P: Fn(&[u8]) -> Option<Document>> Known<'_, P> {
    fn after_recovery(&self, found: Found<'_>) -> Result<Option<Rebased>, Error> {
        let Some(newest) = self.newest()? else {
            return Ok(None);
        };
        let base = match self.closest(found.document, 0, |_| true)? {
            Some((_, at)) => self.document(at)?,
            None => None,
        };
        let base = base.unwrap_or_else(|| newest.clone());
        Ok(Some(rejoin(found.document, &base, &newest)))
    }

    fn after_writer(&self, ledger: &Ledger, found: Found<'_>) -> Result<Option<Rebased>, Error> {
        let ours = |slot: &Slot| ledger.ours.iter().any(|ours| ours == slot.sha256());
        let as_found = hash(found.bytes);
        // Most files are as we left them; then no older version need be looked at.
        let untouched = ledger.ours.last().is_none_or(|last| *last == as_found)
            || self
                .slots
                .first()
                .is_none_or(|slot| slot.sha256() == as_found);
        let Some(last_ours) = self.slots.iter().position(ours).filter(|_| !untouched) else {
            return Ok(None);
        };
        let Some(newest) = self.newest()? else {
            return Ok(None);
        };
        let reverts = reverts(found.document, &newest);
        let older = self.closest(found.document, last_ours + 1, |bytes| {
            reverts.may_come_from(bytes)
        })?;
        let Some((own_edits, at)) = older else {
            return Ok(None);
        };
        for newer in 0..=last_ours {
            let newer = self.document(newer)?;
            if newer.is_some_and(|newer| distance(&newer, found.document) <= own_edits) {
                return Ok(None);
            }
        }
        let base = self.document(at)?;
        let rebased = base.and_then(|base| rebase(found.document, &base, &newest));
        let again = ledger.completed.as_ref() == Some(&as_found);
        if rebased.is_none() && own_edits == 0 && !again {
            return Ok(complete(found.document, &newest));
        }
        Ok(rebased)
    }

    /// The version from which `found` was most likely made, of those from `first` on that do; of
    /// several such the newest, with how far they are apart.
    fn closest(
        &self,
        found: &Document,
        first: usize,
        may_do: impl Fn(&[u8]) -> bool,
    ) -> Result<Option<(usize, usize)>, Error> {
        let mut closest = None;
        for at in first..self.slots.len() {
            let bytes = self
                .bases
                .read(&self.slots[at])?
                .filter(|bytes| may_do(bytes));
            let Some(version) = bytes.and_then(|bytes| (self.parse)(&bytes)) else {
                continue;
            };
            let apart = distance(&version, found);
            if closest.is_none_or(|(nearest, _)| apart < nearest) {
                closest = Some((apart, at));
            }
            if apart == 0 {
                break;
            }
        }
        Ok(closest)
    }

    /// The newest version that is whole.
    fn newest(&self) -> Result<Option<Document>, Error> {
        for at in 0..self.slots.len() {
            if let Some(newest) = self.document(at)? {
                return Ok(Some(newest));
            }
        }
        Ok(None)
    }

    fn document(&self, at: usize) -> Result<Option<Document>, Error> {
        let Some(slot) = self.slots.get(at) else {
            return Ok(None);
        };
        Ok(self
            .bases
            .read(slot)?
            .and_then(|bytes| (self.parse)(&bytes)))
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
