//! The directories, the database and the drives below them.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::checks::Checks;
use crate::Places;
use crate::app::App;
use crate::config::{Looseness, loose};
use crate::say;

/// Below this there is not even room for the copies that a pass makes.
const LITTLE_SPACE_BYTES: u64 = 50_000_000;

/// What our temporary files and directories are called.
const TEMPORARY: [&str; 2] = ["scratch-", ".tmp"];

/// A temporary file that is older was left by a process that was killed.
const LEFT_BEHIND: Duration = Duration::from_secs(24 * 60 * 60);

/// Who else may look into what is ours.
pub(super) fn modes(places: &Places, checks: &mut Checks) {
    let mut fine = true;
    for (path, mode) in too_open(places) {
        fine = false;
        let message = format!("{} is open to others", path.display());
        let fix = format!("chmod {mode:o} {}", say::quoted(&path));
        checks.problem("storage", "storage.modes", message, fix);
    }
    if fine {
        checks.ok("storage", "storage.modes", "modes are private".to_owned());
    }
}

pub(super) async fn storage(app: &App, checks: &mut Checks) {
    for note in app
        .notes()
        .iter()
        .filter(|note| !note.starts_with("config:"))
    {
        checks.note(
            "storage",
            "storage.hub_new",
            note.clone(),
            "instep sync -n".to_owned(),
        );
    }
    space(&app.places, checks);
    leftovers(&app.places, checks);
    let size = std::fs::metadata(app.places.hub()).map_or(0, |file| file.len());
    match app.hub.integrity().await {
        Ok(found) if found.is_empty() => {
            let message = format!("database ok, {:.1} MB", size as f64 / 1e6);
            checks.ok("storage", "storage.hub", message);
        }
        Ok(found) => {
            let path = say::quoted(&app.places.hub());
            let fix = format!("mv {path} {path}.damaged && instep sync -n");
            checks.problem(
                "storage",
                "storage.hub",
                format!("the database is damaged: {}", found.join("; ")),
                fix,
            );
        }
        Err(error) => checks.failure("storage", "storage.hub", &say::from_store(&error)),
    }
}

/// Whether the drives of the hub and of the state have room for the next pass.
pub(super) fn space(places: &Places, checks: &mut Checks) {
    match little_room(places) {
        Some((message, fix)) => checks.problem("storage", "storage.space", message, fix),
        None => checks.ok(
            "storage",
            "storage.space",
            "enough room on the drive".to_owned(),
        ),
    }
}

/// What is said where one of those drives has too little room, and the command that shows more.
pub(crate) fn little_room(places: &Places) -> Option<(String, String)> {
    let dirs = [places.data(), places.state()].into_iter();
    let mut full = dirs.filter_map(|dir| too_full(dir, instep_safefile::free_bytes(dir).ok()?));
    full.next()
}

/// What is said of a drive that has too little room.
fn too_full(dir: &Path, free: u64) -> Option<(String, String)> {
    (free < LITTLE_SPACE_BYTES).then(|| {
        let message = format!(
            "only {:.1} MB are left on the drive of {}",
            free as f64 / 1e6,
            dir.display()
        );
        (message, format!("df -h {}", say::quoted(dir)))
    })
}

/// What of ours others can look into, and the mode that it should have.
pub(super) fn too_open(places: &Places) -> Vec<(PathBuf, u32)> {
    let config_dir = places.config().parent().map(ToOwned::to_owned);
    let data = places.data();
    let dirs = [
        Some(data.to_owned()),
        Some(places.state().to_owned()),
        Some(places.runtime()),
        Some(data.join("spool")),
        Some(data.join("webhooks")),
        config_dir,
    ];
    let hub = places.hub();
    let beside = |end: &str| hub.with_file_name(format!("hub.db{end}"));
    let files = [
        Some(hub.clone()),
        Some(beside("-wal")),
        Some(beside("-shm")),
    ];
    let mut found = Vec::new();
    for (paths, mode) in [(&dirs[..], 0o700), (&files[..], 0o600)] {
        for path in paths.iter().flatten() {
            let Some(looseness) = loose(path) else {
                continue;
            };
            // The directory above a config of one's own choice may be anybody's.
            let is_config_dir = Some(path.as_path()) == places.config().parent();
            if is_config_dir && looseness == Looseness::Readable {
                continue;
            }
            found.push((path.clone(), mode));
        }
    }
    found
}

/// Whether killed processes left something behind.
fn leftovers(places: &Places, checks: &mut Checks) {
    let left = left_behind(places).len();
    if left > 0 {
        let left = say::count(left, "temporary file");
        let message = format!("{left} of killed processes in {}", places.state().display());
        let fix = "instep doctor --fix".to_owned();
        checks.note("storage", "storage.leftovers", message, fix);
    }
}

/// What killed processes left in the state directory.
pub(super) fn left_behind(places: &Places) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(places.state()) else {
        return Vec::new();
    };
    let is_ours = |name: &std::ffi::OsStr| {
        let name = name.to_string_lossy();
        TEMPORARY.iter().any(|start| name.starts_with(start))
    };
    let is_old = |entry: &std::fs::DirEntry| {
        let changed = entry.metadata().and_then(|file| file.modified());
        let age = changed.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
        age.is_ok_and(|age| age > LEFT_BEHIND)
    };
    let entries = entries.flatten();
    let old = entries.filter(|entry| is_ours(&entry.file_name()) && is_old(entry));
    old.map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The few bytes that are left are told with the command that shows who takes the others.
    #[test]
    fn a_drive_that_is_nearly_full_is_told() {
        let dir = Path::new("/srv/ann/.local/share/instep");
        let (message, fix) = too_full(dir, 1_250_000).expect("too little");
        assert_eq!(
            message,
            format!("only 1.2 MB are left on the drive of {}", dir.display())
        );
        assert_eq!(fix, format!("df -h {}", dir.display()));
        assert_eq!(too_full(dir, LITTLE_SPACE_BYTES), None);
    }
}
