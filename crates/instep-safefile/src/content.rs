//! Reading a whole file so that the bytes and their stamp belong together, and writing a new one
//! beside it. Nothing under the file's own name is changed here.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::time::Duration;

use crate::dir::{Dir, Facts, dress_like, facts_of_open, set_mode};
use crate::error::Error;
use crate::lock::{Deadline, wait_for};
use crate::names::{Leftover, leftover_of, temp_of};
use crate::stamp::{Stamp, sha256};
use crate::turn::Kind;

/// How often a file that changes while it is read is read again.
const MAX_READS: usize = 20;

const READ_PAUSE: Duration = Duration::from_millis(10);

/// How many random names are tried before the directory is given up.
const MAX_NAMES: usize = 8;

/// One version of the file, with the descriptor that it came from; a lock on the file itself is
/// held as long as this lives.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    pub(crate) stamp: Stamp,
    pub(crate) facts: Facts,
    file: File,
}

/// Reads `name`; `None` when there is no such file.
///
/// With a lock wanted, the file's own lock is taken as well: programs that know nothing of the
/// sidecar may lock the file they write.
pub(crate) fn read(
    dir: &Dir,
    name: &OsStr,
    max_bytes: u64,
    lock: Option<(Kind, &Deadline)>,
) -> Result<Option<Content>, Error> {
    let fault = |source| dir.fault(name, source);
    for _ in 0..MAX_READS {
        let Some(before) = dir.facts(name).map_err(fault)? else {
            return Ok(None);
        };
        if let Some(found) = before.oddity {
            return Err(Error::NotAFile {
                path: dir.path_of(name),
                found,
            });
        }
        if before.identity.size > max_bytes {
            return Err(Error::TooLarge {
                path: dir.path_of(name),
                limit_bytes: max_bytes,
            });
        }
        let file = match dir.open_read(name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(fault(error)),
        };
        if let Some((kind, deadline)) = lock {
            lock_itself(dir, name, &file, kind, deadline)?;
        }
        let start = facts_of_open(&file).map_err(fault)?;
        if start.oddity.is_some() {
            continue;
        }
        let bytes = read_open(&file, max_bytes).map_err(fault)?;
        let end = facts_of_open(&file).map_err(fault)?;
        let named = dir.facts(name).map_err(fault)?;
        let steady = start.identity == end.identity
            && named.is_some_and(|named| named.identity == end.identity)
            && bytes.len() as u64 == end.identity.size;
        if steady {
            let stamp = Stamp {
                identity: end.identity,
                sha256: sha256(&bytes),
            };
            return Ok(Some(Content {
                bytes,
                stamp,
                facts: end,
                file,
            }));
        }
        std::thread::sleep(READ_PAUSE);
    }
    Err(Error::Changed {
        path: dir.path_of(name),
    })
}

fn lock_itself(
    dir: &Dir,
    name: &OsStr,
    file: &File,
    kind: Kind,
    deadline: &Deadline,
) -> Result<(), Error> {
    match wait_for(file, kind, deadline) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::LockTimeout {
            path: dir.path_of(name),
            holder: None,
            waited: deadline.waited(),
        }),
        // Where such locks do not exist, nobody else can hold one either.
        Err(_) => Ok(()),
    }
}

fn read_open(file: &File, max_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(max_bytes.saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A complete, synced file under a random name; removed again unless it is [kept](Self::keep).
#[derive(Debug)]
pub(crate) struct Temp<'a> {
    dir: &'a Dir,
    name: OsString,
    // Locked while its writer lives, which tells it from a left-over.
    file: File,
    kept: bool,
}

impl<'a> Temp<'a> {
    /// Writes `bytes` beside `name`, dressed like `like` or else with `mode`, and syncs them.
    /// When that fails the whole is tried once more from the start: a descriptor whose sync
    /// failed must never be trusted again.
    pub(crate) fn write(
        dir: &'a Dir,
        name: &OsStr,
        bytes: &[u8],
        like: Option<&Content>,
        mode: u32,
    ) -> Result<Self, Error> {
        let once = || Self::write_once(dir, name, bytes, like, mode);
        once()
            .or_else(|_| once())
            .map_err(|source| dir.fault(name, source))
    }

    fn write_once(
        dir: &'a Dir,
        name: &OsStr,
        bytes: &[u8],
        like: Option<&Content>,
        mode: u32,
    ) -> io::Result<Self> {
        let mut temp = Self::create(dir, name)?;
        temp.file.write_all(bytes)?;
        match like {
            Some(content) => dress_like(&temp.file, &content.file, &content.facts)?,
            None => set_mode(&temp.file, mode)?,
        }
        temp.file.sync_all()?;
        Ok(temp)
    }

    fn create(dir: &'a Dir, name: &OsStr) -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
        for _ in 0..MAX_NAMES {
            let temp = temp_of(name);
            match dir.create_new(&temp) {
                Ok(file) => {
                    // Where locks do not exist, the left-over of a crash has to stay.
                    let _ = file.try_lock();
                    return Ok(Temp {
                        dir,
                        name: temp,
                        file,
                        kept: false,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    pub(crate) fn name(&self) -> &OsStr {
        &self.name
    }

    /// Gives the file another of our own names.
    pub(crate) fn rename(&mut self, to: OsString) -> io::Result<()> {
        self.dir.rename_new(&self.name, &to)?;
        self.name = to;
        Ok(())
    }

    /// Leaves the file where it is.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Temp<'_> {
    fn drop(&mut self) {
        if !self.kept {
            let _ = self.dir.unlink(&self.name);
        }
    }
}

/// Clears temps of `name` whose writers are gone, without any lock on the file itself.
pub(crate) fn clear_abandoned(dir: &Dir, name: &OsStr) -> io::Result<()> {
    for entry in dir.names()? {
        if leftover_of(name, &entry) == Some(Leftover::Temp)
            && dir
                .open_read(&entry)
                .is_ok_and(|file| file.try_lock().is_ok())
        {
            dir.unlink(&entry)?;
        }
    }
    Ok(())
}
