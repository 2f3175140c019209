//! Watches Taskwarrior's files for a text that somebody else writes there, by looking at them alone:
//! no `task` is started and nothing is opened for writing.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::super::home::Home;
use super::moment::Moment;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_micros(500);

/// The files that hold pending tasks, those of both Taskwarriors.
const FILES: [&str; 3] = [
    "pending.data",
    "taskchampion.sqlite3-wal",
    "taskchampion.sqlite3",
];

/// When each file was written last, and its size.
pub(crate) type Stamps = [Option<(i64, i64, u64)>; 3];

/// The files of one Taskwarrior.
pub(crate) struct Sight {
    files: [PathBuf; 3],
}

impl Sight {
    pub(crate) fn of(home: &Home<'_>) -> Self {
        Self {
            files: FILES.map(|name| home.path("data").join(name)),
        }
    }

    pub(crate) fn stamps(&self) -> Stamps {
        let stamp = |file: &PathBuf| {
            let found = fs::metadata(file).ok()?;
            Some((found.mtime(), found.mtime_nsec(), found.size()))
        };
        let [first, second, third] = &self.files;
        [stamp(first), stamp(second), stamp(third)]
    }

    /// Whether the text stands in any of the files.
    pub(crate) fn shows(&self, text: &str) -> bool {
        let holds = |file: &PathBuf| {
            let bytes = fs::read(file).unwrap_or_default();
            String::from_utf8_lossy(&bytes).contains(text)
        };
        self.files.iter().any(holds)
    }

    /// When the text came to stand there; `None` when it did not within the time. From the first
    /// change of the files on they are read each time: the system's stamps are coarser than a look.
    pub(crate) fn wait(
        &self,
        before: &Stamps,
        text: &str,
        within: Duration,
    ) -> Result<Option<Moment>> {
        let began = Moment::now()?;
        let longest = within.as_secs_f64() * 1e3;
        let mut changed = false;
        loop {
            changed = changed || self.stamps() != *before;
            let shown = changed && self.shows(text);
            let now = Moment::now()?;
            if shown {
                return Ok(Some(now));
            }
            if now.ms_since(began) > longest {
                return Ok(None);
            }
            thread::sleep(EVERY);
        }
    }
}
