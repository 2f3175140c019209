//! What the daemon stands on: its lock and the hub, as the paths to them lead there. Once they lead
//! elsewhere, because somebody moved, removed or replaced them, nothing that it stores is found again,
//! and another daemon may stand on what is there now: this one stops.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use instep_api::{Exit, Failure};
use instep_app::Places;

/// A file and where it was.
#[derive(Debug)]
struct Stone {
    path: PathBuf,
    is: (u64, u64),
}

/// The files that have to stay where they are.
#[derive(Debug)]
pub(crate) struct Ground {
    stones: Vec<Stone>,
}

impl Ground {
    /// The ground as it is now, below the lock that is held.
    pub(crate) fn of(places: &Places, lock: &File, lock_path: &Path) -> io::Result<Self> {
        let hub = places.hub();
        Ok(Self {
            stones: vec![
                Stone {
                    path: lock_path.to_owned(),
                    is: identity(&lock.metadata()?),
                },
                Stone {
                    is: identity(&std::fs::metadata(&hub)?),
                    path: hub,
                },
            ],
        })
    }

    /// Whether all of it is where it was.
    pub(crate) fn holds(&self) -> bool {
        let is_there = |stone: &Stone| {
            let found = std::fs::metadata(&stone.path);
            found.is_ok_and(|found| identity(&found) == stone.is)
        };
        self.stones.iter().all(is_there)
    }
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Why the daemon stops.
pub(crate) fn moved() -> Failure {
    Failure::new(
        Exit::Failed,
        "data_moved",
        "the daemon stopped: its data directory is not the one that it opened",
        "the directory, the hub database or the lock in it was moved, removed or replaced meanwhile",
        "instep serve",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_way_when_the_hub_or_the_lock_is_another_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let places = Places::under(dir.path());
        std::fs::create_dir_all(places.data()).expect("a directory");
        let lock_path = places.daemon_lock();
        for moved in [places.hub(), lock_path.clone(), places.data().to_owned()] {
            std::fs::write(places.hub(), "hub").expect("a file");
            let lock = File::create(&lock_path).expect("a file");
            let ground = Ground::of(&places, &lock, &lock_path).expect("it is there");
            assert!(ground.holds());
            let aside = dir.path().join("aside");
            std::fs::rename(&moved, &aside).expect("moved");
            assert!(!ground.holds(), "{} is gone", moved.display());
            match aside.is_dir() {
                true => std::fs::create_dir_all(places.data()).expect("a directory"),
                false => std::fs::write(&moved, "another").map(drop).expect("a file"),
            }
            assert!(!ground.holds(), "{} is another", moved.display());
            let _ = std::fs::remove_dir_all(&aside);
            let _ = std::fs::remove_file(&aside);
        }
    }
}
