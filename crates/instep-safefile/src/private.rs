//! Files and directories that nobody but their owner may look into: state, configuration,
//! secrets. No locks and no backups here; that is [`SafeFile`](crate::SafeFile)'s.

use std::ffi::OsStr;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use crate::content::{Temp, clear_abandoned};
use crate::dir::{Dir, facts_of_open, is_ours, resolve, set_mode, trusted_owner};
use crate::error::Error;

const DIR_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// How often a temp that was cleared away under us is written anew.
const MAX_ATTEMPTS: usize = 8;

/// Replaces the file `path` with `bytes` in one step, readable by its owner alone (0600), and
/// returns when it would survive a power cut. Missing directories above are created with 0700;
/// existing ones are left as they are. A symbolic link stays one, its target is replaced.
///
/// # Errors
/// `DiskFull`, `PermissionDenied` and the like leave the old file in place;
/// [`Error::OutcomeUnknown`] means that the new one is there but may not survive a power cut.
pub fn write_private(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), Error> {
    let path = path.as_ref();
    if let Some(parent) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        && !parent
            .try_exists()
            .map_err(|source| Error::at(parent, source))?
    {
        create_private_dir(parent)?;
    }
    let (dir, name) = resolve(path)?;
    let facts = dir
        .facts(&name)
        .map_err(|source| dir.fault(&name, source))?;
    if let Some(found) = facts.and_then(|facts| facts.oddity) {
        return Err(Error::NotAFile {
            path: dir.path_of(&name),
            found,
        });
    }
    replace(&dir, &name, bytes)?;
    // The file is written; whether an older left-over goes now or the next time matters little.
    let _ = clear_abandoned(&dir, &name);
    dir.sync().map_err(|source| Error::OutcomeUnknown {
        path: dir.path_of(&name),
        source,
    })
}

fn replace(dir: &Dir, name: &OsStr, bytes: &[u8]) -> Result<(), Error> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for _ in 0..MAX_ATTEMPTS {
        let temp = Temp::write(dir, name, bytes, None, FILE_MODE)?;
        match dir.rename(temp.name(), name) {
            Ok(()) => {
                temp.keep();
                return Ok(());
            }
            // Another writer took it for abandoned in the moment before it was locked.
            Err(error) if error.kind() == io::ErrorKind::NotFound => last = error,
            Err(error) => return Err(dir.fault(name, error)),
        }
    }
    Err(dir.fault(name, last))
}

/// Makes sure that `path` is a directory of ours with mode 0700, whatever the umask. Missing
/// parents are created with 0700 too and synced; an existing directory of ours that others may
/// look into is closed to them.
///
/// # Errors
/// [`Error::PermissionDenied`] when it belongs to somebody else, or is reached by a link that
/// somebody else planted; [`Error::NotAFile`] when something else bears the name.
pub fn create_private_dir(path: impl AsRef<Path>) -> Result<(), Error> {
    let path = path.as_ref();
    let path = std::path::absolute(path).map_err(|source| Error::at(path, source))?;
    for level in path.ancestors().collect::<Vec<_>>().into_iter().rev() {
        create_level(level)?;
    }
    let fault = |source| Error::at(&path, source);
    if let (Some(parent), Some(name)) = (path.parent(), path.file_name()) {
        let link = Dir::open(parent)
            .and_then(|dir| dir.facts(name))
            .map_err(fault)?;
        if link.is_some_and(|facts| !trusted_owner(&facts)) {
            return Err(not_ours(&path));
        }
    }
    let file = File::open(&path).map_err(fault)?;
    let facts = facts_of_open(&file).map_err(fault)?;
    if facts.oddity != Some("a directory") {
        return Err(Error::NotAFile {
            path,
            found: "something that is no directory",
        });
    }
    if !is_ours(&facts) {
        return Err(not_ours(&path));
    }
    if facts.mode != DIR_MODE {
        set_mode(&file, DIR_MODE).map_err(fault)?;
    }
    Ok(())
}

/// Creates one directory, unless it is there, and makes its name safe in the one above.
fn create_level(level: &Path) -> Result<(), Error> {
    match DirBuilder::new().mode(DIR_MODE).create(level) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        // A level that is there may still refuse, on a read-only drive for one.
        Err(_) if level.is_dir() => return Ok(()),
        Err(error) => return Err(Error::at(level, error)),
    }
    match (level.parent(), level.file_name()) {
        (Some(parent), Some(_)) => Dir::open(parent)
            .and_then(|dir| dir.sync())
            .map_err(|source| Error::at(parent, source)),
        _ => Ok(()),
    }
}

fn not_ours(path: &Path) -> Error {
    let source = io::Error::new(
        io::ErrorKind::PermissionDenied,
        "it belongs to another user",
    );
    Error::PermissionDenied {
        path: path.to_path_buf(),
        source,
    }
}
