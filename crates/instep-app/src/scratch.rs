//! A stage for what only looks: a directory that is thrown away, with copies of what is remembered,
//! so that a look leaves no trace in the memory of the real passes.

use std::path::Path;

use instep_api::{Exit, Failure};
use instep_contract::with_causes;

use crate::{Places, say};

/// A directory for what is thrown away at the end.
pub(crate) fn scratch(places: &Places) -> Result<tempfile::TempDir, Failure> {
    let failed = |why: String| {
        Failure::new(
            Exit::Failed,
            "no_scratch",
            "no temporary directory could be made",
            why,
            format!("ls -ld {}", say::quoted(places.state())),
        )
    };
    instep_safefile::create_private_dir(places.state())
        .map_err(|error| failed(with_causes(&error)))?;
    tempfile::Builder::new()
        .prefix("scratch-")
        .tempdir_in(places.state())
        .map_err(|error| failed(error.to_string()))
}

/// One with a copy of what is remembered about task files; `what` is what fails without it.
pub(crate) fn scratch_copy(places: &Places, what: &str) -> Result<tempfile::TempDir, Failure> {
    let dir = scratch(places)?;
    let (from, to) = (places.state().join("files"), dir.path().join("files"));
    copy_files(&from, &to).map_err(|error| copy_failed(what, error.to_string()))?;
    Ok(dir)
}

/// A copy of what is remembered that could not be made.
pub(crate) fn copy_failed(what: &str, why: String) -> Failure {
    Failure::new(
        Exit::Failed,
        "no_copy",
        format!("{what}: no copy of the hub"),
        why,
        "instep doctor",
    )
}

/// Copies a directory of files, where there is one.
fn copy_files(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(to)?;
    for item in std::fs::read_dir(from)? {
        let item = item?;
        let target = to.join(item.file_name());
        match item.file_type()? {
            kind if kind.is_dir() => copy_files(&item.path(), &target)?,
            kind if kind.is_file() => std::fs::copy(item.path(), target).map(|_| ())?,
            _ => {}
        }
    }
    Ok(())
}
