//! The last versions of a file that a program worked from, kept in a private directory so that a
//! stale overwrite can be told from deletions. Decides nothing about merging, and never touches
//! the file itself.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::content;
use crate::dir::Dir;
use crate::error::Error;
use crate::private::{create_private_dir, write_private};
use crate::stamp::{hex, sha256};

/// How many versions are kept.
const KEPT: usize = 16;

/// Longer versions are not kept: sixteen of them would fill a disk.
const MAX_BASE_BYTES: u64 = 64 << 20;

/// One remembered version.
#[derive(Clone, PartialEq, Eq)]
pub struct Base {
    /// Its content.
    pub bytes: Vec<u8>,
    /// How many newer ones are remembered; 0 is the version last worked from.
    pub age: usize,
}

/// One remembered version by name, its content not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    name: String,
    /// How many newer ones are remembered.
    pub age: usize,
}

impl Slot {
    /// SHA-256 of its content, in lower-case hexadecimal.
    pub fn sha256(&self) -> &str {
        hash_in(&self.name)
    }
}

/// The last 16 versions of one file. A program that read version 3 and writes while version 5
/// stands takes back 4 and 5 without meaning to; merged against version 3, its save loses
/// nothing. For files whose owner would not like a `generation` key in them.
///
/// Remember a version when it has been dealt with, under the same lock as the work on it.
///
/// ```
/// # let dir = tempfile::tempdir().unwrap();
/// let bases = instep_safefile::Bases::open(dir.path().join("bases"))?;
/// for version in ["a\nb\n", "a\nb\nc\n"] {
///     bases.remember(version.as_bytes())?;
/// }
/// // Somebody saved what they read before `c` was added, with a line of their own.
/// let base = bases.closest(b"a\nb\nmine\n")?.expect("there are some");
/// assert_eq!((base.age, &base.bytes[..]), (1, &b"a\nb\n"[..]));
/// # Ok::<(), instep_safefile::Error>(())
/// ```
#[derive(Debug)]
pub struct Bases {
    path: PathBuf,
}

impl Bases {
    /// Opens the store in the directory `path`, which is created (0700) if need be and must
    /// serve no other purpose.
    ///
    /// # Errors
    /// Those of [`create_private_dir`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        create_private_dir(&path)?;
        Ok(Self {
            path: path.as_ref().to_path_buf(),
        })
    }

    /// Makes `bytes` the newest version and forgets what is more than 16 back. A version that was
    /// there already is moved to the front. More than 64 MiB are not kept.
    ///
    /// # Errors
    /// `DiskFull`, `PermissionDenied` and the like; the older versions are still there then.
    pub fn remember(&self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.len() as u64 > MAX_BASE_BYTES {
            return Ok(());
        }
        let (dir, slots) = self.slots()?;
        let hash = hex(&sha256(bytes));
        if slots
            .last_key_value()
            .is_some_and(|(_, name)| hash_in(name) == hash)
        {
            return Ok(());
        }
        let number = slots.last_key_value().map_or(0, |(number, _)| number + 1);
        write_private(self.path.join(format!("{number:020}-{hash}")), bytes)?;
        let repeated = slots.values().filter(|name| hash_in(name) == hash);
        let rest: Vec<_> = slots
            .values()
            .filter(|name| hash_in(name) != hash)
            .collect();
        let outdated = rest.iter().rev().skip(KEPT - 1).copied();
        for name in repeated.chain(outdated) {
            dir.unlink(&OsString::from(name))
                .map_err(|source| Error::at(&self.path, source))?;
        }
        Ok(())
    }

    /// Every version, newest first, without its content: sixteen long ones at once are a lot of
    /// memory.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub fn list(&self) -> Result<Vec<Slot>, Error> {
        let (_, slots) = self.slots()?;
        let named = slots.into_values().rev().enumerate();
        Ok(named.map(|(age, name)| Slot { name, age }).collect())
    }

    /// The content of one version; `None` when it is damaged, or forgotten since.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub fn read(&self, slot: &Slot) -> Result<Option<Vec<u8>>, Error> {
        let dir = Dir::open(&self.path).map_err(|source| Error::at(&self.path, source))?;
        let name = OsString::from(&slot.name);
        let found = content::read(&dir, &name, MAX_BASE_BYTES, None)?;
        let whole = found.filter(|found| hex(&found.stamp.sha256) == slot.sha256());
        Ok(whole.map(|found| found.bytes))
    }

    /// Every version that is whole, newest first.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like; a damaged version is passed over.
    pub fn recent(&self) -> Result<Vec<Base>, Error> {
        let mut bases = Vec::new();
        for slot in self.list()? {
            let age = slot.age;
            bases.extend(self.read(&slot)?.map(|bytes| Base { bytes, age }));
        }
        Ok(bases)
    }

    /// The version from which `bytes` was most likely made: the one that differs in the fewest
    /// lines, and of several such the newest. `None` when nothing is remembered.
    ///
    /// An [`age`](Base::age) above 0 means a stale overwrite: merge against this base.
    ///
    /// # Errors
    /// As [`recent`](Self::recent).
    pub fn closest(&self, bytes: &[u8]) -> Result<Option<Base>, Error> {
        let bases = self.recent()?;
        Ok(bases
            .into_iter()
            .min_by_key(|base| differing_lines(&base.bytes, bytes)))
    }

    /// The versions by number, oldest first.
    fn slots(&self) -> Result<(Dir, BTreeMap<u64, String>), Error> {
        let fault = |source| Error::at(&self.path, source);
        let dir = Dir::open(&self.path).map_err(fault)?;
        let names = dir.names().map_err(fault)?;
        let numbered = names.into_iter().filter_map(|name| {
            let name = name.into_string().ok()?;
            let number = name.split_once('-')?.0.parse().ok()?;
            Some((number, name))
        });
        Ok((dir, numbered.collect()))
    }
}

impl std::fmt::Debug for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Base")
            .field("len", &self.bytes.len())
            .field("age", &self.age)
            .finish()
    }
}

fn hash_in(name: &str) -> &str {
    name.split_once('-').map_or("", |(_, hash)| hash)
}

/// How many lines only one of the two has, counting repeated lines as often as they occur.
fn differing_lines(one: &[u8], other: &[u8]) -> u64 {
    let mut balance: BTreeMap<&[u8], i64> = BTreeMap::new();
    for line in one.split(|byte| *byte == b'\n') {
        *balance.entry(line).or_default() += 1;
    }
    for line in other.split(|byte| *byte == b'\n') {
        *balance.entry(line).or_default() -= 1;
    }
    balance.values().map(|count| count.unsigned_abs()).sum()
}
