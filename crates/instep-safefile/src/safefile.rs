//! [`SafeFile`]: what a program does with a safe file. The order of the steps lives in the
//! modules below; here is only who locks when, and how often.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::backup::{self, Backup};
use crate::content::{self, Content};
use crate::dir::{Dir, resolve};
use crate::error::{Error, Tried};
use crate::lock::{Deadline, FileLock};
use crate::names::{backup_of, lock_of};
use crate::options::{Options, Recovery};
use crate::recover::{self, Recovered};
use crate::save::{Attempt, replace};
use crate::stamp::{Stamp, sha256};
use crate::turn::Kind;

/// How often a change is made anew because another program wrote in between.
const MAX_ATTEMPTS: usize = 8;

/// What [`SafeFile::read`] found.
#[derive(Clone, PartialEq, Eq)]
pub struct Read {
    /// The whole content.
    pub bytes: Vec<u8>,
    /// Which version this is.
    pub stamp: Stamp,
    /// Set when the file was damaged or missing and came back from a backup just now, or in an
    /// earlier call that failed and so could not say it.
    pub recovered: Option<Recovered>,
    /// Writes of other programs that came too late to be part of the file, each complete under
    /// its own name beside it.
    pub late: Vec<PathBuf>,
}

/// What a successful save did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The version that now stands.
    pub stamp: Stamp,
    /// `false` when the content was what was wanted already: nothing written, nothing rotated.
    pub written: bool,
    /// Why there is no backup of the former content; only with
    /// [`OnFailedBackup::SaveAnyway`](crate::OnFailedBackup::SaveAnyway).
    pub backup_skipped: Option<String>,
    /// As in [`Read::recovered`]: the change was made on the recovered content.
    pub recovered: Option<Recovered>,
    /// As in [`Read::late`].
    pub late: Vec<PathBuf>,
}

/// A file that is always one complete version. Cheap to make; any number of them, in any number
/// of processes, may stand for the same file.
pub struct SafeFile {
    path: PathBuf,
    options: Options,
    swept: AtomicBool,
    news: Mutex<News>,
}

/// What has to be told with the next success.
#[derive(Debug, Default)]
struct News {
    recovered: Option<Recovered>,
    late: Vec<PathBuf>,
}

/// The file's real place, exclusively locked.
struct Held {
    dir: Dir,
    name: std::ffi::OsString,
    deadline: Deadline,
    _lock: FileLock,
}

impl SafeFile {
    /// Names a file; the disk is not touched yet. A relative path is meant from where the
    /// process stands now.
    ///
    /// # Errors
    /// [`Error::NotAFile`] when the path has no file name, [`Error::Io`] when the process stands
    /// in a directory that is gone.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<SafeFile, Error> {
        let path = path.as_ref();
        let path = std::path::absolute(path).map_err(|source| Error::at(path, source))?;
        if path.file_name().is_none() {
            return Err(Error::NotAFile {
                path,
                found: "a directory",
            });
        }
        Ok(SafeFile {
            path,
            options,
            swept: AtomicBool::new(false),
            news: Mutex::default(),
        })
    }

    /// The path it was opened with, made absolute; links in it are not followed.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the whole file, waiting for a writer to finish. A damaged or missing file is first
    /// brought back from the newest backup that verifies, which [`Read::recovered`] reports.
    ///
    /// # Errors
    /// [`Error::Missing`] without file and backups, [`Error::Corrupt`] when neither the file nor
    /// any backup verifies, [`Error::Damaged`] where it comes back only
    /// [when asked](Recovery::WhenAsked); further those of locking and reading.
    pub fn read(&self) -> Result<Read, Error> {
        let deadline = Deadline::after(self.options.lock_timeout);
        let (dir, name) = resolve(&self.path)?;
        let lock = FileLock::share_in(&dir, &lock_of(&name), &deadline)?;
        let shared = Some((Kind::Shared, &deadline));
        if self.options.recovery == Recovery::WhenAsked {
            let content = recover::look(&dir, &name, &self.options, shared)?;
            let path = dir.path_of(&name);
            return content.map_or(
                Err(Error::Missing { path }),
                |found| Ok(self.read_of(found)),
            );
        }
        if let Some(content) = content::read(&dir, &name, self.options.max_bytes, shared)?
            && self.options.judge(&content.bytes).is_ok()
        {
            return Ok(self.read_of(content));
        }
        drop(lock);
        self.read_damaged(&dir, &name)
    }

    /// Reads under the exclusive lock, which a recovery needs.
    fn read_damaged(&self, dir: &Dir, name: &std::ffi::OsStr) -> Result<Read, Error> {
        let gone = dir
            .facts(name)
            .map_err(|source| dir.fault(name, source))?
            .is_none();
        if gone && !backup::any(dir, name, &self.options)? {
            return Err(Error::Missing {
                path: dir.path_of(name),
            });
        }
        let held = self.hold()?;
        match self.load(&held)? {
            Some(content) => Ok(self.read_of(content)),
            None => Err(Error::Missing {
                path: held.dir.path_of(&held.name),
            }),
        }
    }

    /// Changes the file: hands the present content to `change` (empty when there is no file yet)
    /// and saves what it returns. The lock is held from before the read until the new version is
    /// safe on the disk, so no update of a program that locks is ever lost.
    ///
    /// A program that does not lock may write in between; then `change` is called again with
    /// what it wrote. So `change` must work from what it is given each time, and may run more
    /// than once. It must not call this file's methods: it would wait for itself.
    ///
    /// # Errors
    /// What `change` returned; [`Error::Damaged`] as in [`read`](Self::read);
    /// [`Error::Rejected`] when its result does not verify;
    /// [`Error::Changed`] when others kept writing for 8 attempts; further those of locking,
    /// reading and writing. After [`Error::OutcomeUnknown`] read again. In all other cases the
    /// file is as it was.
    pub fn update<E: From<Error>>(
        &self,
        mut change: impl FnMut(&[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<Saved, E> {
        let held = self.hold()?;
        for _ in 0..MAX_ATTEMPTS {
            let base = self.load(&held)?;
            let fresh = change(base.as_ref().map_or(&[], |base| &base.bytes))?;
            if let Some(saved) = self.attempt(&held, base.as_ref(), &fresh)? {
                return Ok(saved);
            }
        }
        Err(Error::Changed {
            path: held.dir.path_of(&held.name),
        }
        .into())
    }

    /// Saves `bytes`, whatever the file holds now; that becomes the newest backup.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub fn save(&self, bytes: &[u8]) -> Result<Saved, Error> {
        self.update::<Error>(|_| Ok(bytes.to_vec()))
    }

    /// Saves `bytes` if the file still holds what it held at `expected`; `None` expects no file.
    ///
    /// # Errors
    /// [`Error::Changed`] when it does not; otherwise as [`update`](Self::update).
    pub fn save_if_unchanged(
        &self,
        expected: Option<&Stamp>,
        bytes: &[u8],
    ) -> Result<Saved, Error> {
        let held = self.hold()?;
        let changed = || Error::Changed {
            path: held.dir.path_of(&held.name),
        };
        let base = self.load(&held)?;
        let same = match (expected, &base) {
            (Some(expected), Some(base)) => base.stamp.same_content(expected),
            (None, None) => true,
            _ => false,
        };
        if !same {
            return Err(changed());
        }
        self.attempt(&held, base.as_ref(), bytes)?
            .ok_or_else(changed)
    }

    /// Every backup beside the file, newest first, each one read and judged. An empty list when
    /// there are none.
    ///
    /// # Errors
    /// [`Error::Unreachable`] without the directory, and those of reading.
    pub fn backups(&self) -> Result<Vec<Backup>, Error> {
        let (dir, name) = resolve(&self.path)?;
        let deadline = Deadline::after(self.options.lock_timeout);
        let _lock = FileLock::share_in(&dir, &lock_of(&name), &deadline)?;
        backup::list(&dir, &name, &self.options)
    }

    /// The unpacked content of one backup, to be shown before [`restore`](Self::restore).
    ///
    /// # Errors
    /// [`Error::BackupGone`] when it was rotated out since, [`Error::Corrupt`] when it does not
    /// verify.
    pub fn read_backup(&self, backup: &Backup) -> Result<Vec<u8>, Error> {
        let (dir, name) = resolve(&self.path)?;
        let deadline = Deadline::after(self.options.lock_timeout);
        let _lock = FileLock::share_in(&dir, &lock_of(&name), &deadline)?;
        self.find_backup(&dir, &name, backup)
    }

    /// What a recovery would bring back: where the newest backup that verifies lies, and its
    /// unpacked content. Only looks.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when no backup verifies; further those of locking and reading.
    pub fn newest_backup(&self) -> Result<(PathBuf, Vec<u8>), Error> {
        let (dir, name) = resolve(&self.path)?;
        let deadline = Deadline::after(self.options.lock_timeout);
        let _lock = FileLock::share_in(&dir, &lock_of(&name), &deadline)?;
        let path = dir.path_of(&name);
        let content = content::read(&dir, &name, self.options.max_bytes, None)?;
        let damage = content.map_or(Err("it is missing".to_owned()), |content| {
            self.options.judge(&content.bytes)
        });
        let mut tried: Vec<Tried> = damage
            .err()
            .map(|reason| Tried {
                path: path.clone(),
                reason,
            })
            .into_iter()
            .collect();
        backup::newest_good(&dir, &name, &self.options, &mut tried)?
            .ok_or(Error::Corrupt { path, tried })
    }

    /// Brings a damaged or missing file back from the newest backup that verifies, which the next
    /// successful call reports as well. `None` when there was no need.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when no backup verifies; further those of locking, reading and writing.
    pub fn recover(&self) -> Result<Option<Recovered>, Error> {
        let held = self.hold()?;
        let ready = recover::load(&held.dir, &held.name, &self.options, &held.deadline)?;
        if ready.recovered.is_some() {
            self.news().recovered.clone_from(&ready.recovered);
        }
        Ok(ready.recovered)
    }

    /// Puts one backup in the place of the file. The present content becomes the newest backup;
    /// if it is damaged, it is moved aside first.
    ///
    /// # Errors
    /// As [`read_backup`](Self::read_backup) and [`update`](Self::update).
    pub fn restore(&self, backup: &Backup) -> Result<Saved, Error> {
        let held = self.hold()?;
        let bytes = self.find_backup(&held.dir, &held.name, backup)?;
        for _ in 0..MAX_ATTEMPTS {
            let base = self.bring_back(&held)?;
            if let Some(saved) = self.attempt(&held, base.as_ref(), &bytes)? {
                return Ok(saved);
            }
        }
        Err(Error::Changed {
            path: held.dir.path_of(&held.name),
        })
    }

    /// Whether the file lies on a network drive, where locks are emulated and can be lost.
    /// Updates still compare and merge there; a program should say so once.
    ///
    /// # Errors
    /// [`Error::Unreachable`] without the directory.
    pub fn is_on_network_drive(&self) -> Result<bool, Error> {
        let (dir, name) = resolve(&self.path)?;
        dir.is_remote().map_err(|source| dir.fault(&name, source))
    }

    /// A backup is known by its content: its number may have changed since it was listed.
    fn find_backup(
        &self,
        dir: &Dir,
        name: &std::ffi::OsStr,
        wanted: &Backup,
    ) -> Result<Vec<u8>, Error> {
        let path = wanted.path.clone();
        let verified = wanted.verdict.as_ref().map_err(|reason| {
            let tried = vec![Tried {
                path: path.clone(),
                reason: reason.clone(),
            }];
            Error::Corrupt {
                path: path.clone(),
                tried,
            }
        })?;
        let mut numbers = vec![wanted.number];
        numbers.extend(
            backup::list(dir, name, &self.options)?
                .iter()
                .map(Backup::number),
        );
        numbers
            .into_iter()
            .filter_map(|number| backup::open(dir, &backup_of(name, number), &self.options).ok())
            .find(|bytes| sha256(bytes) == verified.sha256)
            .ok_or(Error::BackupGone { path })
    }

    fn hold(&self) -> Result<Held, Error> {
        let deadline = Deadline::after(self.options.lock_timeout);
        let (dir, name) = resolve(&self.path)?;
        let lock = FileLock::acquire_in(&dir, &lock_of(&name), Kind::Exclusive, &deadline)?;
        Ok(Held {
            dir,
            name,
            deadline,
            _lock: lock,
        })
    }

    /// The content to work on, recovered if need be and wanted; left-overs are cleared the first
    /// time.
    fn load(&self, held: &Held) -> Result<Option<Content>, Error> {
        match self.options.recovery {
            Recovery::ByItself => self.bring_back(held),
            Recovery::WhenAsked => {
                let lock = Some((Kind::Exclusive, &held.deadline));
                let content = recover::look(&held.dir, &held.name, &self.options, lock)?;
                self.sweep(held)?;
                Ok(content)
            }
        }
    }

    fn bring_back(&self, held: &Held) -> Result<Option<Content>, Error> {
        let ready = recover::load(&held.dir, &held.name, &self.options, &held.deadline)?;
        if let Some(recovered) = ready.recovered {
            self.news().recovered = Some(recovered);
        }
        self.sweep(held)?;
        Ok(ready.content)
    }

    fn sweep(&self, held: &Held) -> Result<(), Error> {
        if !self.swept.load(Ordering::Acquire) {
            let late = recover::sweep(&held.dir, &held.name, &self.options)?;
            self.news().late.extend(late);
            self.swept.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// One try to save; `None` when another program wrote first.
    fn attempt(
        &self,
        held: &Held,
        base: Option<&Content>,
        fresh: &[u8],
    ) -> Result<Option<Saved>, Error> {
        let (stamp, written, backup_skipped) =
            match replace(&held.dir, &held.name, &self.options, base, fresh)? {
                Attempt::Unchanged(stamp) => (stamp, false, None),
                Attempt::Replaced {
                    stamp,
                    backup_skipped,
                } => (stamp, true, backup_skipped),
                Attempt::Foreign { late } => {
                    self.news().late.extend(late);
                    return Ok(None);
                }
            };
        let News { recovered, late } = std::mem::take(&mut *self.news());
        Ok(Some(Saved {
            stamp,
            written,
            backup_skipped,
            recovered,
            late,
        }))
    }

    fn read_of(&self, content: Content) -> Read {
        let News { recovered, late } = std::mem::take(&mut *self.news());
        Read {
            bytes: content.bytes,
            stamp: content.stamp,
            recovered,
            late,
        }
    }

    fn news(&self) -> std::sync::MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Read")
            .field("len", &self.bytes.len())
            .field("stamp", &self.stamp)
            .field("recovered", &self.recovered)
            .field("late", &self.late)
            .finish()
    }
}

impl fmt::Debug for SafeFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SafeFile")
            .field("path", &self.path)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
