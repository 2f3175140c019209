//! When a write is wise: on 2.6 every command that changes a task writes the whole file back as it
//! had read it, so that what another one writes at that moment is lost. A moment is quiet when
//! nobody wrote for a while and no command runs (S32). Nothing is waited for here.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use instep_model::Timestamp;

use super::place::{Stamp, data_stamps};

/// How long nobody may have written.
const CALM: Duration = Duration::from_millis(300);
/// How long a write waits at most. A command that runs for longer than this waits for a person, or
/// for a server, and is not waited for again.
const PATIENCE: Duration = Duration::from_secs(2);
/// When to look again while a command runs.
const AGAIN: Duration = Duration::from_millis(20);
/// Where Linux lists its processes; elsewhere only the files tell.
const PROCESSES: &str = "/proc";

/// What is remembered of others' doings.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    /// The files as our own last write left them: that one is over.
    ours: Vec<Stamp>,
    /// Whether the write that goes on has imported anything.
    imported: bool,
    /// Since when a write has been waiting.
    waiting: Option<Instant>,
    /// Running commands, and when each was first seen.
    running: HashMap<u32, Instant>,
}

/// One instant by both clocks: that of the files, and one that nobody sets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) wall_nanos: i64,
    pub(super) instant: Instant,
}

impl Moment {
    pub(super) fn now() -> Self {
        Self {
            wall_nanos: i64::try_from(Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX),
            instant: Instant::now(),
        }
    }
}

impl Quiet {
    /// A write begins.
    pub(super) fn begin(&mut self) {
        self.imported = false;
    }

    /// It starts an import.
    pub(super) fn importing(&mut self) {
        self.imported = true;
    }

    /// It is through, and what it imported was looked back at: nothing is waiting any more, and the
    /// files are as it left them.
    pub(super) fn end(&mut self, data: &Path) {
        if std::mem::take(&mut self.imported) {
            self.ours = data_stamps(data);
            self.waiting = None;
        }
    }

    /// Whether nobody else can still be writing to more than one of the files.
    pub(super) fn is_settled(&self, data: &Path, now: Moment) -> bool {
        self.since_written(data, now).is_none()
    }

    /// How long to wait before the next write: not at all once it is quiet, or has not been for so
    /// long that waiting is of no use.
    pub(super) fn wait(&mut self, data: &Path, program: &Path, now: Moment) -> Duration {
        let calm_in = self.since_written(data, now).map(|since| CALM - since);
        let running = self.is_running(program, now.instant).then_some(AGAIN);
        let Some(wait) = calm_in.max(running) else {
            self.waiting = None;
            return Duration::ZERO;
        };
        let waiting = *self.waiting.get_or_insert(now.instant);
        let patience = PATIENCE.saturating_sub(now.instant.saturating_duration_since(waiting));
        wait.min(patience)
    }

    /// How long ago somebody else wrote, where that is not long ago.
    fn since_written(&self, data: &Path, now: Moment) -> Option<Duration> {
        let stamps = data_stamps(data);
        if stamps == self.ours {
            return None;
        }
        let written = stamps.iter().filter_map(|stamp| stamp.state);
        let last = written.map(|(_, _, nanos)| nanos).max()?;
        // The time of a file may be a little ahead of ours; one that is far ahead tells nothing.
        let since = now.wall_nanos.saturating_sub(last);
        let calm = i64::try_from(CALM.as_nanos()).unwrap_or(i64::MAX);
        (since.abs() < calm).then(|| Duration::from_nanos(u64::try_from(since).unwrap_or(0)))
    }

    /// Whether a command runs that has not been running for long.
    fn is_running(&mut self, program: &Path, now: Instant) -> bool {
        let found = processes(program);
        self.running.retain(|process, _| found.contains(process));
        for process in found {
            self.running.entry(process).or_insert(now);
        }
        let mut since = self.running.values();
        since.any(|first| now.saturating_duration_since(*first) < PATIENCE)
    }
}

/// The processes of this program that we may know of. Which database each of them is at cannot be
/// told from outside, so that all count.
fn processes(program: &Path) -> Vec<u32> {
    let program: PathBuf = std::fs::canonicalize(program).unwrap_or_else(|_| program.to_owned());
    let Ok(entries) = std::fs::read_dir(PROCESSES) else {
        return Vec::new();
    };
    let of_program = |entry: std::fs::DirEntry| {
        let process = entry.file_name().to_str()?.parse::<u32>().ok()?;
        let file = std::fs::read_link(entry.path().join("exe")).ok()?;
        (file == program).then_some(process)
    };
    entries.flatten().filter_map(of_program).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory whose journal was last written `written_ms` after a beginning, and how long a
    /// write waits at each of some moments after it.
    fn check(written_ms: u64, waits: &[(u64, u64)]) {
        let data = tempfile::tempdir().unwrap();
        let journal = std::fs::File::create(data.path().join("undo.data")).unwrap();
        std::io::Write::write_all(&mut &journal, b"x").unwrap();
        let began = std::time::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let written = began + Duration::from_millis(written_ms);
        journal.set_modified(written).unwrap();
        let instant = Instant::now();
        let mut quiet = Quiet::default();
        for (at_ms, wait_ms) in waits {
            let at = Duration::from_millis(*at_ms);
            let now = Moment {
                wall_nanos: 1_800_000_000_000_000_000 + i64::try_from(at.as_nanos()).unwrap(),
                instant: instant + at,
            };
            let wait = quiet.wait(data.path(), Path::new("/nonexistent/task"), now);
            assert_eq!(wait, Duration::from_millis(*wait_ms), "at {at_ms}");
            assert_eq!(
                quiet.is_settled(data.path(), now),
                now_is_calm(written_ms, *at_ms)
            );
        }
    }

    fn now_is_calm(written_ms: u64, at_ms: u64) -> bool {
        written_ms.abs_diff(at_ms) >= 300
    }

    #[test]
    fn a_write_waits_for_calm_and_not_for_ever() {
        check(
            1_000,
            &[
                (1_000, 300),
                (1_100, 200),
                (1_299, 1),
                (1_300, 0),
                (9_000, 0),
            ],
        );
        // A clock that is a little behind that of the file, and one that was set back.
        check(1_000, &[(900, 300)]);
        check(5_000, &[(1_000, 0)]);
    }

    #[test]
    fn who_never_rests_is_not_waited_for() {
        let data = tempfile::tempdir().unwrap();
        let instant = Instant::now();
        let mut quiet = Quiet::default();
        let mut waits = Vec::new();
        for at_ms in (0..3_000).step_by(250) {
            // Written just before each look.
            std::fs::write(data.path().join("undo.data"), "x").unwrap();
            let now = Moment {
                instant: instant + Duration::from_millis(at_ms),
                ..Moment::now()
            };
            let wait = quiet.wait(data.path(), Path::new("/nonexistent/task"), now);
            waits.push(!wait.is_zero());
        }
        let waiting = waits.iter().filter(|waits| **waits).count();
        assert_eq!(waiting, 8, "for two seconds: {waits:?}");
        // Once it was written, the next one has its own patience.
        quiet.importing();
        quiet.end(data.path());
        std::fs::write(data.path().join("undo.data"), "xy").unwrap();
        let now = Moment {
            instant: instant + Duration::from_secs(3),
            ..Moment::now()
        };
        let program = Path::new("/nonexistent/task");
        assert!(!quiet.wait(data.path(), program, now).is_zero());
    }

    #[test]
    fn a_command_that_runs_for_long_is_not_waited_for() {
        let data = tempfile::tempdir().unwrap();
        // This process is a running command, to itself.
        let program = std::env::current_exe().unwrap();
        let instant = Instant::now();
        let mut quiet = Quiet::default();
        let mut wait = |at_ms| {
            let now = Moment {
                instant: instant + Duration::from_millis(at_ms),
                ..Moment::now()
            };
            quiet.wait(data.path(), &program, now)
        };
        assert_eq!(wait(0), AGAIN);
        assert_eq!(wait(1_900), AGAIN);
        assert_eq!(wait(2_000), Duration::ZERO);
        assert_eq!(wait(60_000), Duration::ZERO);
    }
}
