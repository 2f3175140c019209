//! How far a database had come, by what Taskwarrior itself only ever adds to. A person who takes
//! steps back leaves more of it; only an older copy in the place of the files has less (I6). The
//! times of files, which a copy may keep or lose, have no say in it.

use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::place::{BACKLOG, DATABASE, Place};
#[cfg(feature = "taskchampion")]
use super::sequence::last_operation;

/// A place on the way of one database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Trail {
    /// Of 2.6: the lines of its backlog, and a digest of the first, which a sync exchanges. Each
    /// task is noted there after each change, whether there is a server or not. An undo notes the
    /// task as it is then, and only one that takes an addition back takes a line away.
    Backlog { lines: usize, first: u64 },
    /// Of 3: the number of the last operation.
    Operations(i64),
}

impl Trail {
    /// Where a database is now; `None` where nothing tells.
    pub(super) fn of(place: &Place) -> Option<Self> {
        if place.major() >= 3 {
            return last_operation(&place.data.join(DATABASE)).map(Self::Operations);
        }
        backlog(&place.data.join(BACKLOG))
    }

    /// Whether this cannot come after `before`, when `missing` tasks of then are not there.
    pub(super) fn is_behind(&self, before: &Self, missing: usize) -> bool {
        match (self, before) {
            (Self::Operations(now), Self::Operations(before)) => now < before,
            (
                Self::Backlog { lines, first },
                Self::Backlog {
                    lines: before,
                    first: known,
                },
            ) => first == known && lines + missing < *before,
            _ => false,
        }
    }
}

/// Only the library's own database says so.
#[cfg(not(feature = "taskchampion"))]
fn last_operation(_: &Path) -> Option<i64> {
    None
}

fn backlog(path: &Path) -> Option<Trail> {
    let mut file = BufReader::new(File::open(path).ok()?);
    let mut line = Vec::new();
    file.read_until(b'\n', &mut line).ok()?;
    let mut digest = DefaultHasher::new();
    digest.write(&line);
    let mut lines = usize::from(!line.is_empty());
    loop {
        let read = file.fill_buf().ok()?;
        if read.is_empty() {
            break;
        }
        lines += read.iter().filter(|byte| **byte == b'\n').count();
        let length = read.len();
        file.consume(length);
    }
    Some(Trail::Backlog {
        lines,
        first: digest.finish(),
    })
}
