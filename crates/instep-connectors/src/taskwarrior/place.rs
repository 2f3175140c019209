//! Where a database lies, which files it has, and the state of each: what proves without a look into
//! them that nobody wrote there.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The database of 3.
pub(super) const DATABASE: &str = "taskchampion.sqlite3";
/// The journal of 2.6.
pub(super) const JOURNAL: &str = "undo.data";
/// The files of 2.6 that hold tasks, in the order in which it locks and writes them.
pub(super) const TASKS: [&str; 2] = ["pending.data", "completed.data"];
/// What 2.6 notes for a sync server.
pub(super) const BACKLOG: &str = "backlog.data";
/// What 3 wrote and has not taken into its database yet.
const DATABASE_LOG: &str = "taskchampion.sqlite3-wal";
/// The files of a database: those of 2.6, and those of 3.
const DATA_FILES: [&str; 5] = [TASKS[0], TASKS[1], JOURNAL, DATABASE, DATABASE_LOG];

/// The state of one file; a missing and an empty one are alike, as an emptied write-ahead log is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    pub(super) path: PathBuf,
    /// Inode, size in bytes, and time of the last write in nanoseconds since 1970.
    pub(super) state: Option<(u64, u64, i64)>,
}

impl Stamp {
    pub(super) fn of(path: &Path) -> Self {
        let state = std::fs::metadata(path)
            .ok()
            .filter(|file| file.len() > 0)
            .map(|file| {
                let whole = file.mtime().saturating_mul(1_000_000_000);
                let written = whole.saturating_add(file.mtime_nsec());
                (file.ino(), file.len(), written)
            });
        Self {
            path: path.to_owned(),
            state,
        }
    }

    /// Whether the file is as it was.
    pub(super) fn holds(&self) -> bool {
        Self::of(&self.path) == *self
    }
}

/// Stamps of every data file in `directory`.
pub(super) fn data_stamps(directory: &Path) -> Vec<Stamp> {
    DATA_FILES
        .iter()
        .map(|name| Stamp::of(&directory.join(name)))
        .collect()
}

/// The files whose change means that tasks may have changed.
pub(super) fn watched(place: &Place) -> Vec<PathBuf> {
    let names: &[&str] = match place.major() {
        ..3 => &[TASKS[0], TASKS[1], JOURNAL, BACKLOG],
        _ => &[DATABASE, DATABASE_LOG],
    };
    names.iter().map(|name| place.data.join(name)).collect()
}

/// Where the database lies, as the program told, and the files that could make it tell otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) version: String,
    pub(super) data: PathBuf,
    /// The data directory that the account names, if it does.
    pub(super) named: Option<PathBuf>,
    /// The program, the taskrc and what it includes.
    pub(super) origin: Vec<Stamp>,
}

impl Place {
    /// Whether this was told by `program` with `taskrc` for an account that names `data`.
    pub(super) fn is_of(&self, program: &Path, taskrc: &Path, data: Option<&Path>) -> bool {
        let asked: Vec<&Path> = self
            .origin
            .iter()
            .map(|stamp| &*stamp.path)
            .take(2)
            .collect();
        asked == [program, taskrc] && self.named.as_deref() == data
    }

    /// Whether the program would tell the same again.
    pub(super) fn holds(&self) -> bool {
        self.origin.iter().all(Stamp::holds)
    }

    /// The first part of the version.
    pub(super) fn major(&self) -> u32 {
        self.version
            .split('.')
            .next()
            .and_then(|part| part.parse().ok())
            .unwrap_or(0)
    }
}
