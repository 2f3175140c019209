//! The settings of a safe file and their defaults. Nothing is carried out here.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Judges whether bytes are a whole, usable version of the file.
type Verifier = dyn Fn(&[u8]) -> Result<(), String> + Send + Sync;

/// What a save does when the backup of the present content cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailedBackup {
    /// Nothing is replaced; the save fails with [`Error::BackupFailed`](crate::Error::BackupFailed)
    /// (or `DiskFull`).
    #[default]
    Refuse,
    /// The save goes on and [`Saved::backup_skipped`](crate::Saved::backup_skipped) says why
    /// there is no backup.
    SaveAnyway,
}

/// When a damaged or missing file is brought back from a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Recovery {
    /// At once, by whatever call meets it.
    #[default]
    ByItself,
    /// Only by [`SafeFile::recover`](crate::SafeFile::recover) and
    /// [`SafeFile::restore`](crate::SafeFile::restore): every other call fails with
    /// [`Error::Damaged`](crate::Error::Damaged) and moves nothing. For programs that have to
    /// hold an old copy against something newer before it counts, or that must only look.
    WhenAsked,
}

/// How a [`SafeFile`](crate::SafeFile) behaves. [`Options::default`] suits most files.
///
/// | Setting | Default |
/// |---|---|
/// | [`verify`](Self::verify) | everything is good |
/// | [`lock_timeout`](Self::lock_timeout) | 5 s |
/// | [`backups`](Self::backups) | 3 |
/// | [`gzip_above`](Self::gzip_above) | 1 MiB |
/// | [`on_failed_backup`](Self::on_failed_backup) | refuse |
/// | [`recovery`](Self::recovery) | by itself |
/// | [`mode`](Self::mode) of a new file | 0600 |
/// | [`allow_empty`](Self::allow_empty) | no |
/// | [`max_bytes`](Self::max_bytes) | 1 GiB |
#[derive(Clone)]
pub struct Options {
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) lock_timeout: Duration,
    pub(crate) backups: usize,
    pub(crate) gzip_above: u64,
    pub(crate) on_failed_backup: OnFailedBackup,
    pub(crate) recovery: Recovery,
    pub(crate) mode: u32,
    pub(crate) allow_empty: bool,
    pub(crate) max_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            verifier: Arc::new(|_| Ok(())),
            lock_timeout: Duration::from_secs(5),
            backups: 3,
            gzip_above: 1 << 20,
            on_failed_backup: OnFailedBackup::Refuse,
            recovery: Recovery::ByItself,
            mode: 0o600,
            allow_empty: false,
            max_bytes: 1 << 30,
        }
    }
}

impl Options {
    /// Tells a good version from a damaged one; `Err` carries the reason in words. Asked before
    /// anything is replaced, and of every copy that a recovery considers. It must judge the
    /// bytes alone: a verdict that changes with time makes good files look damaged.
    #[must_use]
    pub fn verify<F>(mut self, verifier: F) -> Self
    where
        F: Fn(&[u8]) -> Result<(), String> + Send + Sync + 'static,
    {
        self.verifier = Arc::new(verifier);
        self
    }

    /// How long to wait for another program's lock.
    #[must_use]
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// How many backups to keep beside the file. 0 keeps none and leaves those there are.
    #[must_use]
    pub fn backups(mut self, count: usize) -> Self {
        self.backups = count;
        self
    }

    /// Content longer than this many bytes is compressed in backups.
    #[must_use]
    pub fn gzip_above(mut self, bytes: u64) -> Self {
        self.gzip_above = bytes;
        self
    }

    /// What to do when no backup can be made.
    #[must_use]
    pub fn on_failed_backup(mut self, choice: OnFailedBackup) -> Self {
        self.on_failed_backup = choice;
        self
    }

    /// When a damaged or missing file comes back.
    #[must_use]
    pub fn recovery(mut self, when: Recovery) -> Self {
        self.recovery = when;
        self
    }

    /// The rights of a file that does not exist yet. An existing file keeps its own.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode & 0o777;
        self
    }

    /// Whether a file of 0 bytes can be good. By default it counts as damaged, since an emptied
    /// file is what a crash of a careless writer leaves; then the verifier is not even asked.
    #[must_use]
    pub fn allow_empty(mut self, allow: bool) -> Self {
        self.allow_empty = allow;
        self
    }

    /// The longest content that is read or saved, in bytes; longer is [`Error::TooLarge`](crate::Error).
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    pub(crate) fn judge(&self, bytes: &[u8]) -> Result<(), String> {
        if bytes.is_empty() && !self.allow_empty {
            return Err("it is empty".to_owned());
        }
        (self.verifier)(bytes)
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("lock_timeout", &self.lock_timeout)
            .field("backups", &self.backups)
            .field("gzip_above", &self.gzip_above)
            .field("on_failed_backup", &self.on_failed_backup)
            .field("recovery", &self.recovery)
            .field("mode", &format_args!("{:04o}", self.mode))
            .field("allow_empty", &self.allow_empty)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}
