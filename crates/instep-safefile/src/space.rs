//! How much room a drive has left. Nothing is written here.

use std::path::Path;

use crate::error::Error;

/// How many bytes this user may still write on the drive of `path`.
///
/// ```
/// assert!(instep_safefile::free_bytes("/")? > 0);
/// # Ok::<(), instep_safefile::Error>(())
/// ```
///
/// # Errors
/// [`Error::Unreachable`] and the like when there is no such path.
pub fn free_bytes(path: impl AsRef<Path>) -> Result<u64, Error> {
    let path = path.as_ref();
    let space = rustix::fs::statvfs(path).map_err(|source| Error::at(path, source.into()))?;
    Ok(space.f_bavail.saturating_mul(space.f_frsize))
}
