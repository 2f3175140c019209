//! The tests of `instep-safefile`, through its public API alone.

mod backups;
mod bases;
mod contention;
mod foreign;
mod odd_files;
mod private;
mod random;
mod recovery;
mod saving;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use instep_safefile::{Options, SafeFile};
use tempfile::TempDir;

/// A version is whole when it begins with `begin` and ends with `end`, each on its own line.
fn whole(bytes: &[u8]) -> Result<(), String> {
    match bytes.starts_with(b"begin\n") && bytes.ends_with(b"end\n") {
        true => Ok(()),
        false => Err("it has no begin or no end".to_owned()),
    }
}

fn version(text: &str) -> Vec<u8> {
    format!("begin\n{text}\nend\n").into_bytes()
}

fn options() -> Options {
    Options::default()
        .verify(whole)
        .lock_timeout(Duration::from_secs(30))
}

/// A directory with a safe file `tasks.txt` in it.
struct Place {
    dir: TempDir,
    file: SafeFile,
}

impl Place {
    fn new(options: Options) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = SafeFile::open(dir.path().join("tasks.txt"), options).expect("a file name");
        Self { dir, file }
    }

    /// With one version saved for each text.
    fn saved(texts: &[&str]) -> Self {
        let place = Self::new(options());
        for text in texts {
            place.file.save(&version(text)).expect("a save");
        }
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.at(name), bytes).expect("a plain write");
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.at(name)).expect("a plain read")
    }

    /// What lies in the directory, sorted, the lock left out.
    fn names(&self) -> Vec<String> {
        names_in(self.dir.path())
    }
}

fn names_in(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .expect("a directory")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| !name.ends_with(".lock"))
        .collect();
    names.sort();
    names
}

/// Says on the real standard error, past the capture of passing tests, that a case was left out.
fn skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {what}");
}
