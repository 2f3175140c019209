//! Hook reports that no daemon took, one file for each, until somebody commits what they say.
//!
//! A report is in the spool when it would survive a power cut, and leaves it only once it was
//! carried into the hub. No report is ever changed here, and what cannot be read is never dropped
//! in silence: it stands for a look at everything.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use instep_api::socket::HookReport;
use instep_safefile::create_private_dir;
use uuid::Uuid;

use crate::Places;

/// As many reports are kept; whatever comes on top is one file that says "everything".
const MAX_FILES: usize = 10_000;

/// The longest file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// As many unreadable files are kept for a person to look at.
const MAX_BAD: usize = 100;

/// A temporary file that is older was left by a process that was killed.
const STALE: Duration = Duration::from_secs(60);

/// Directory of files that could not be read.
const BAD: &str = "bad";

/// Stands for all reports that found no room.
const OVERFLOW: &str = "everything";

/// How often a file is written anew that was cleared away under us, or had no directory yet.
const ATTEMPTS: usize = 3;

const FILE_MODE: u32 = 0o600;

/// The directory of reports that wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spool {
    dir: PathBuf,
}

/// What a file of the spool says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// What a hook reported.
    Report(HookReport),
    /// That any task of any Taskwarrior account may have changed.
    Everything,
}

/// A file of the spool that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spooled {
    /// What it says.
    pub told: Told,
    name: OsString,
    unreadable: bool,
}

impl Spool {
    /// The spool of an instance; nothing is made yet.
    pub fn of(places: &Places) -> Self {
        Self {
            dir: places.data().join("spool"),
        }
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Stores a report; returns when it would survive a power cut.
    ///
    /// # Errors
    /// When the drive is full, gone or may not be written to. Nothing is left behind then.
    pub fn put(&self, report: &HookReport) -> io::Result<()> {
        let id = plain(&report.id);
        let (name, text) = match self.is_full() {
            true => (
                OVERFLOW.to_owned(),
                serde_json::to_vec(&everything(report))?,
            ),
            false => (name_of(report.at_ms, &id), serde_json::to_vec(report)?),
        };
        let mut last = io::Error::from(ErrorKind::NotFound);
        for _ in 0..ATTEMPTS {
            match self.write(&id, &name, &text) {
                Err(error) if error.kind() == ErrorKind::NotFound => last = error,
                other => return other,
            }
            create_private_dir(&self.dir).map_err(io::Error::other)?;
        }
        Err(last)
    }

    /// The names of what waits, in the order in which it was reported. Removes what killed
    /// processes left half-written.
    ///
    /// # Errors
    /// When the directory is there and cannot be read.
    pub fn list(&self) -> io::Result<Vec<OsString>> {
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut names = Vec::new();
        let mut overflows = false;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            if is_temporary(&name) {
                let age = entry.metadata().and_then(|file| file.modified());
                if age.is_ok_and(is_stale) {
                    let _ = fs::remove_file(entry.path());
                }
            } else if name == OVERFLOW {
                overflows = true;
            } else if name != BAD {
                names.push(name);
            }
        }
        if overflows {
            // From here on it is a file like any other: who finds no room makes a new one, so that
            // the one which is removed later never says more than what was carried out. Not within
            // the loop, which could meet it again under its new name.
            let taken = name_of(now_ms(), &Uuid::new_v4().simple().to_string());
            fs::rename(self.dir.join(OVERFLOW), self.dir.join(&taken))?;
            names.push(taken.into());
        }
        names.sort();
        Ok(names)
    }

    /// The directory of files that could not be read, and how many there are.
    pub(crate) fn unreadable(&self) -> (PathBuf, usize) {
        let bad = self.dir.join(BAD);
        let count = fs::read_dir(&bad).map_or(0, Iterator::count);
        (bad, count)
    }

    /// How much waits, and for how long the oldest has; changes nothing.
    pub(crate) fn waiting(&self) -> (usize, Option<Duration>) {
        let Ok(entries) = fs::read_dir(&self.dir) else {
            return (0, None);
        };
        let entries = entries.flatten().filter(|entry| {
            let name = entry.file_name();
            name != BAD && !is_temporary(&name)
        });
        let age = |entry: fs::DirEntry| {
            let changed = entry.metadata().and_then(|file| file.modified()).ok()?;
            SystemTime::now().duration_since(changed).ok()
        };
        let ages: Vec<Option<Duration>> = entries.map(age).collect();
        (ages.len(), ages.into_iter().flatten().max())
    }

    /// How many files wait.
    pub fn count(&self) -> usize {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let waits = |name: OsString| !is_temporary(&name) && name != BAD;
        entries.filter(|entry| waits(entry.file_name())).count()
    }

    /// Reads one of the files; `None` when somebody else was faster.
    pub fn read(&self, name: &OsStr) -> Option<Spooled> {
        let read = self.report(name);
        let is_gone = matches!(&read, Err(error) if error.kind() == ErrorKind::NotFound);
        let unreadable = read.is_err();
        let told = match read {
            // The overflow, or a report of a hook that could not say where it was.
            Ok(report) if report.tasks.is_empty() && report.data.is_empty() => Told::Everything,
            Ok(report) => Told::Report(report),
            Err(_) => Told::Everything,
        };
        (!is_gone).then(|| Spooled {
            told,
            name: name.to_owned(),
            unreadable,
        })
    }

    /// Takes a file out of the spool, once what it says was committed. One that could not be read
    /// goes to `bad/`.
    ///
    /// # Errors
    /// When it can neither be moved nor removed; it will be listed again.
    pub fn remove(&self, spooled: &Spooled) -> io::Result<()> {
        let path = self.dir.join(&spooled.name);
        if spooled.unreadable && self.keep_bad(&path, &spooled.name).is_ok() {
            tracing::warn!(
                "a file of the hook's spool could not be read; everything is looked at in its place"
            );
            return Ok(());
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn report(&self, name: &OsStr) -> io::Result<HookReport> {
        let path = self.dir.join(name);
        // Anything else could be followed out of the directory, or read for ever.
        if !fs::symlink_metadata(&path)?.is_file() {
            return Err(io::Error::from(ErrorKind::InvalidData));
        }
        let mut text = Vec::new();
        let file = File::open(&path)?;
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut text)?;
        if text.len() as u64 > MAX_FILE_BYTES {
            return Err(io::Error::from(ErrorKind::InvalidData));
        }
        Ok(serde_json::from_slice(&text)?)
    }

    fn write(&self, id: &str, name: &str, text: &[u8]) -> io::Result<()> {
        let temporary = self.dir.join(format!(".{id}.tmp"));
        let written = write_new(&temporary, text).and_then(|()| {
            fs::rename(&temporary, self.dir.join(name))?;
            File::open(&self.dir)?.sync_all()
        });
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    fn is_full(&self) -> bool {
        fs::read_dir(&self.dir).is_ok_and(|entries| entries.take(MAX_FILES).count() == MAX_FILES)
    }

    fn keep_bad(&self, path: &Path, name: &OsStr) -> io::Result<()> {
        let bad = self.dir.join(BAD);
        create_private_dir(&bad).map_err(io::Error::other)?;
        if fs::read_dir(&bad)?.take(MAX_BAD).count() == MAX_BAD {
            return Err(io::Error::from(ErrorKind::QuotaExceeded));
        }
        fs::rename(path, bad.join(name))
    }
}

/// A report in the place of all that found no room.
fn everything(last: &HookReport) -> HookReport {
    HookReport {
        data: String::new(),
        tasks: Vec::new(),
        ..last.clone()
    }
}

fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(FILE_MODE);
    let mut file = options.open(path)?;
    // A umask may have taken away what its owner needs.
    if file.metadata()?.permissions().mode() & 0o777 != FILE_MODE {
        file.set_permissions(fs::Permissions::from_mode(FILE_MODE))?;
    }
    file.write_all(text)?;
    file.sync_all()
}

/// Sorts by time as text does.
fn name_of(at_ms: i64, id: &str) -> String {
    format!("{:013}-{id}.json", at_ms.clamp(0, 9_999_999_999_999))
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0))
}

/// An id as part of a file's name.
fn plain(id: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    id.chars().filter(plain).take(64).collect()
}

fn is_temporary(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b".") && name.ends_with(b".tmp")
}

/// Whether something was last written so long ago, or that far in the future: a clock went back.
fn is_stale(written: SystemTime) -> bool {
    match SystemTime::now().duration_since(written) {
        Ok(age) => age > STALE,
        Err(ahead) => ahead.duration() > STALE,
    }
}
