//! The text files of the workspace, as far as `.gitignore` lets them in. Judges nothing.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use ignore::WalkBuilder;

use super::Finding;

/// A file that holds UTF-8 text.
#[derive(Debug)]
pub(super) struct TextFile {
    /// From the workspace's root, with forward slashes.
    pub(super) path: String,
    pub(super) text: String,
}

impl TextFile {
    /// A breach in this file; `line` is 0 for the file as a whole.
    pub(super) fn finding(&self, line: usize, message: impl Into<String>) -> Finding {
        Finding {
            path: self.path.clone(),
            line,
            message: message.into(),
        }
    }

    /// The crate whose folder holds the file.
    pub(super) fn package(&self) -> Option<&str> {
        match self.path.split_once('/')? {
            ("crates", rest) => rest.split('/').next(),
            ("xtask", _) => Some("xtask"),
            _ => None,
        }
    }

    /// Whether the whole file is compiled for tests only.
    pub(super) fn is_test(&self) -> bool {
        self.path.split('/').any(|part| part == "tests") || self.path.ends_with("/tests.rs")
    }
}

/// Reads every text file below `root`. Git itself need not be installed, nor its folder be there.
pub(super) fn read(root: &Path) -> Result<Vec<TextFile>> {
    let mut walk = WalkBuilder::new(root);
    walk.standard_filters(false)
        .git_ignore(true)
        .require_git(false);
    walk.filter_entry(|entry| entry.file_name() != ".git");
    let mut files = Vec::new();
    for entry in walk.build() {
        let entry = entry?;
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let path = entry.path();
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        if let Ok(text) = String::from_utf8(bytes) {
            let parts = path
                .strip_prefix(root)?
                .iter()
                .map(|part| part.to_string_lossy());
            files.push(TextFile {
                path: parts.collect::<Vec<_>>().join("/"),
                text,
            });
        }
    }
    Ok(files)
}
