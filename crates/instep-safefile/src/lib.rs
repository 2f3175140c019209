//! Files that are always one complete version: locks, atomic replace, backups, recovery.
//!
//! Programs that keep a person's data in a plain file lose it in three ways: two of them save at
//! once, the power fails in the middle, or the file no longer parses and is overwritten. A
//! [`SafeFile`] rules these out, and works beside programs that know nothing of it.
//!
//! ```
//! use instep_safefile::{Error, Options, SafeFile};
//!
//! # let dir = tempfile::tempdir().unwrap();
//! # let path = dir.path().join("visits.txt");
//! // Tells a whole file from a damaged one.
//! let is_number = |bytes: &[u8]| {
//!     let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
//!     text.trim().parse::<u64>().map(|_| ()).map_err(|error| error.to_string())
//! };
//! let file = SafeFile::open(&path, Options::default().verify(is_number))?;
//!
//! // The lock is held from the read to the end of the save; empty means "no file yet".
//! let saved = file.update::<Error>(|old| {
//!     let visits: u64 = String::from_utf8_lossy(old).trim().parse().unwrap_or(0);
//!     Ok(format!("{}\n", visits + 1).into_bytes())
//! })?;
//! if let Some(recovered) = &saved.recovered {
//!     eprintln!("{recovered}"); // which backup it came from, where the damaged file is now
//! }
//! assert_eq!(file.read()?.bytes, b"1\n");
//! # Ok::<(), Error>(())
//! ```
//!
//! # What lies beside a file
//!
//! | Name | What |
//! |---|---|
//! | `NAME.lock` | the lock, 0600; **never delete it**: two programs could then both hold it |
//! | `NAME.backup`, `.backup.1`, `.backup.2` | former contents, newest first; gzip when long |
//! | `NAME.damaged-…Z` | a file that did not verify, moved aside with the time |
//! | `NAME.late-…Z` | what another program wrote too late to become part of the file |
//! | `.safefile-…` | a save under way; cleared by the next save when it was cut short |
//!
//! Backups keep their plain names when packed, so that they are found by one pattern; whether one
//! is packed is seen from its first two bytes (`zcat -f NAME.backup` shows either). Names longer
//! than the file system takes are cut, with a hash in place of the rest.
//!
//! # What is kept, and what is not
//!
//! - A **symbolic link** stays one: its target is replaced, lock and backups lie beside the target.
//! - **Mode, owner and ACL** go over to the new version as far as the rights allow.
//! - A **read-only** file, which nobody may write by its mode, is not replaced: that is
//!   [`Error::PermissionDenied`].
//! - A **hard-linked** file parts from its other names at the first save: this name has the new
//!   content, the others keep the former one, complete. Writing in place would keep them together,
//!   and a crash in the middle would tear all of them.
//! - **Other programs that do not lock** are noticed before and after the exchange and their
//!   version is taken in. What cannot be noticed is a program that opened the file before a save
//!   and writes into the old version after it; a program that locks the file itself is waited for.
//! - A **missing file** comes back from a backup only if its directory is there. To delete a file
//!   for good, delete its backups as well.
//!
//! The crate blocks the calling thread. It knows no runtime, no format and no tasks. Linux is what
//! it is tested on; other Unix systems lack only the exchange where the file system does.

mod backup;
mod bases;
mod content;
mod dir;
mod error;
mod lock;
mod names;
mod options;
mod private;
mod recover;
mod safefile;
mod save;
mod space;
mod stamp;
mod turn;

pub use backup::Backup;
pub use bases::{Base, Bases, Slot};
pub use error::{Error, Tried};
pub use lock::{FileLock, Holder, LockError};
pub use options::{OnFailedBackup, Options, Recovery};
pub use private::{create_private_dir, write_private};
pub use recover::Recovered;
pub use safefile::{Read, SafeFile, Saved};
pub use space::free_bytes;
pub use stamp::Stamp;
