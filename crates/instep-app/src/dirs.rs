//! The directories of an instance, made where they are missing: nobody else may look into them.

use std::io;
use std::os::unix::fs::MetadataExt;

use instep_api::Failure;
use instep_safefile::create_private_dir;

use crate::{Places, say};

impl Places {
    /// Makes the directories for data and state, which nobody else may look into.
    ///
    /// # Errors
    /// When one cannot be made.
    pub fn make_private_dirs(&self) -> Result<(), Failure> {
        for dir in [self.data(), self.state()] {
            create_private_dir(dir)
                .map_err(|error| say::from_safefile("a directory could not be made", &error))?;
        }
        Ok(())
    }

    /// Makes the directory for the socket, which nobody else may reach into.
    ///
    /// # Errors
    /// When it cannot be made, or is somebody else's.
    pub fn make_runtime_dir(&self) -> io::Result<()> {
        let dir = self.runtime();
        create_private_dir(&dir).map_err(io::Error::other)?;
        let found = std::fs::symlink_metadata(&dir)?;
        let others = found.mode() & 0o077 != 0;
        if found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() && !others {
            return Ok(());
        }
        let why = format!(
            "{} has to be a directory that only you can use",
            dir.display()
        );
        Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
    }
}
