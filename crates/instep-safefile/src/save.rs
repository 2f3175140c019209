//! The steps of one save, in the only order that loses nothing: temp, sync, backup, check,
//! exchange, check, directory sync, clear up. Runs only under the exclusive lock; no step is
//! skipped because an earlier one "cannot fail".

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;

use crate::backup;
use crate::content::{self, Content, Temp};
use crate::dir::Dir;
use crate::error::Error;
use crate::names::swap_of;
use crate::options::{OnFailedBackup, Options};
use crate::recover::move_aside;
use crate::stamp::{Stamp, sha256};

/// Who may write a file. One that nobody may write is replaced by nobody either, although the
/// directory would allow it: its owner meant it.
const WRITABLE: u32 = 0o222;

/// How one attempt to replace the file ended.
pub(crate) enum Attempt {
    /// The content was what is wanted already; nothing was written.
    Unchanged(Stamp),
    /// The new content is in place and safe.
    Replaced {
        stamp: Stamp,
        backup_skipped: Option<String>,
    },
    /// Somebody else wrote; their version stands and must be read first.
    Foreign {
        /// Something nobody has read yet that could not stay under the file's name.
        late: Option<PathBuf>,
    },
}

/// Replaces `base` with `fresh`, unless the file is no longer `base`.
pub(crate) fn replace(
    dir: &Dir,
    name: &OsStr,
    options: &Options,
    base: Option<&Content>,
    fresh: &[u8],
) -> Result<Attempt, Error> {
    if let Some(base) = base.filter(|base| base.bytes == fresh) {
        return Ok(Attempt::Unchanged(base.stamp.clone()));
    }
    if fresh.len() as u64 > options.max_bytes {
        return Err(Error::TooLarge {
            path: dir.path_of(name),
            limit_bytes: options.max_bytes,
        });
    }
    options.judge(fresh).map_err(|reason| Error::Rejected {
        path: dir.path_of(name),
        reason,
    })?;
    if let Some(base) = base.filter(|base| base.facts.mode & WRITABLE == 0) {
        return Err(Error::PermissionDenied {
            path: dir.path_of(name),
            source: io::Error::other(format!("its mode is {:03o}", base.facts.mode)),
        });
    }
    let temp = Temp::write(dir, name, fresh, base, options.mode)?;
    if !is_still(dir, name, options, base)? {
        return Ok(Attempt::Foreign { late: None });
    }
    let backup_skipped = match base {
        Some(base) => back_up(dir, name, options, base)?,
        None => None,
    };
    if !is_still(dir, name, options, base)? {
        return Ok(Attempt::Foreign { late: None });
    }
    let fresh_hash = sha256(fresh);
    let placed = match base {
        Some(base) => put_in_place(dir, name, options, base, temp, &fresh_hash)?,
        None => put_new(dir, name, temp)?,
    };
    let displaced = match placed {
        Placed::Done { displaced } => displaced,
        Placed::Foreign { late } => return Ok(Attempt::Foreign { late }),
    };
    let unknown = |source| Error::OutcomeUnknown {
        path: dir.path_of(name),
        source,
    };
    dir.sync().map_err(unknown)?;
    if let Some(displaced) = displaced {
        // A left-over is cleared by the next start; the save itself stands.
        let _ = dir.unlink(&displaced);
    }
    let facts = dir.facts(name).map_err(unknown)?;
    let facts = facts.ok_or_else(|| unknown(io::ErrorKind::NotFound.into()))?;
    let stamp = Stamp {
        identity: facts.identity,
        sha256: fresh_hash,
    };
    Ok(Attempt::Replaced {
        stamp,
        backup_skipped,
    })
}

enum Placed {
    Done { displaced: Option<OsString> },
    Foreign { late: Option<PathBuf> },
}

/// Exchanges the new file for the old one and looks at what came out. If it is not what was
/// read, it goes back in, and the change is made anew from there.
fn put_in_place(
    dir: &Dir,
    name: &OsStr,
    options: &Options,
    base: &Content,
    mut temp: Temp<'_>,
    fresh_hash: &[u8; 32],
) -> Result<Placed, Error> {
    let fault = |source| dir.fault(name, source);
    let swap = swap_of(name, fresh_hash, &base.stamp.sha256);
    temp.rename(swap.clone()).map_err(fault)?;
    match dir.exchange(&swap, name) {
        Ok(true) => {}
        Ok(false) => return put_by_rename(dir, name, options, base, temp),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Placed::Foreign { late: None });
        }
        Err(error) => return Err(fault(error)),
    }
    // From here on the name in `temp` bears what was displaced: never removed unseen.
    temp.keep();
    look_at_displaced(dir, name, options, base, &swap, fresh_hash).map_err(|error| {
        // The new version stands, unconfirmed; "nothing was replaced" would be a lie.
        Error::OutcomeUnknown {
            path: dir.path_of(name),
            source: io::Error::other(error),
        }
    })
}

fn look_at_displaced(
    dir: &Dir,
    name: &OsStr,
    options: &Options,
    base: &Content,
    swap: &OsStr,
    fresh_hash: &[u8; 32],
) -> Result<Placed, Error> {
    let fault = |source| dir.fault(name, source);
    if hash_of(dir, swap, options)? == Some(base.stamp.sha256) {
        return Ok(Placed::Done {
            displaced: Some(swap.to_os_string()),
        });
    }
    if !dir.exchange(swap, name).map_err(fault)? {
        return Err(fault(io::Error::other(
            "the file system exchanged once and then no more",
        )));
    }
    if hash_of(dir, swap, options)? == Some(*fresh_hash) {
        dir.unlink(swap).map_err(fault)?;
        return Ok(Placed::Foreign { late: None });
    }
    let late = move_aside(dir, name, swap, "late")?;
    Ok(Placed::Foreign {
        late: Some(dir.path_of(&late)),
    })
}

/// The way where files cannot be exchanged: compare whole contents, then rename. What is written
/// between the two is lost; that is the floor on such a file system.
fn put_by_rename(
    dir: &Dir,
    name: &OsStr,
    options: &Options,
    base: &Content,
    temp: Temp<'_>,
) -> Result<Placed, Error> {
    if hash_of(dir, name, options)? != Some(base.stamp.sha256) {
        return Ok(Placed::Foreign { late: None });
    }
    dir.rename(temp.name(), name)
        .map_err(|source| dir.fault(name, source))?;
    temp.keep();
    Ok(Placed::Done { displaced: None })
}

/// Places the first version of a file; one that appeared meanwhile is left alone.
fn put_new(dir: &Dir, name: &OsStr, temp: Temp<'_>) -> Result<Placed, Error> {
    match dir.rename_new(temp.name(), name) {
        Ok(()) => {
            temp.keep();
            Ok(Placed::Done { displaced: None })
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Ok(Placed::Foreign { late: None })
        }
        Err(error) => Err(dir.fault(name, error)),
    }
}

fn back_up(
    dir: &Dir,
    name: &OsStr,
    options: &Options,
    base: &Content,
) -> Result<Option<String>, Error> {
    match (
        backup::rotate(dir, name, base, options),
        options.on_failed_backup,
    ) {
        (Ok(()), _) => Ok(None),
        (Err(error), OnFailedBackup::Refuse) => Err(error),
        (Err(error), OnFailedBackup::SaveAnyway) => Ok(Some(backup::with_source(&error))),
    }
}

/// Whether the file is still the version that was read. A look that differs is no change yet:
/// what counts is the content.
fn is_still(
    dir: &Dir,
    name: &OsStr,
    options: &Options,
    base: Option<&Content>,
) -> Result<bool, Error> {
    let now = dir.facts(name).map_err(|source| dir.fault(name, source))?;
    match (now, base) {
        (None, None) => Ok(true),
        (Some(now), Some(base)) if now.identity == base.stamp.identity => Ok(true),
        (Some(_), Some(base)) => Ok(hash_of(dir, name, options)? == Some(base.stamp.sha256)),
        _ => Ok(false),
    }
}

fn hash_of(dir: &Dir, name: &OsStr, options: &Options) -> Result<Option<[u8; 32]>, Error> {
    match content::read(dir, name, options.max_bytes, None) {
        Ok(content) => Ok(content.map(|content| content.stamp.sha256)),
        // Neither can be what was read.
        Err(Error::TooLarge { .. } | Error::NotAFile { .. } | Error::Changed { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
