//! `cargo xtask tidy`: the house rules that neither rustfmt nor clippy know.
//!
//! Each rule is a pure function from text to findings; only [`tree`] reads files. CONTRIBUTING.md
//! says the rules in words.

mod edges;
mod rooms;
mod size;
mod source;
mod tree;
mod words;

use std::fmt;
use std::path::Path;

use anyhow::Result;

use source::Source;
use tree::TextFile;

/// One breach of a house rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    /// Counted from 1; 0 where the finding is about the file as a whole.
    line: usize,
    message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Prints every breach in the workspace and says whether there was none.
pub(crate) fn run(root: &Path) -> Result<bool> {
    let files = tree::read(root)?;
    let mut findings: Vec<Finding> = files.iter().flat_map(check_file).collect();
    findings.extend(edges::check(&files));
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {} files, {} findings", files.len(), findings.len());
    Ok(findings.is_empty())
}

fn check_file(file: &TextFile) -> Vec<Finding> {
    let mut findings = words::check_text(file);
    if !file.path.ends_with(".rs") {
        return findings;
    }
    match Source::lex(file) {
        Ok(source) => {
            findings.extend(size::check(&source));
            findings.extend(words::check_source(&source));
            findings.extend(rooms::check(&source));
        }
        Err(line) => findings.push(file.finding(line, "is not lexically valid Rust")),
    }
    findings
}

/// Runs every rule for one file over `text` as if it stood at `path`, for the rules' own tests.
#[cfg(test)]
fn findings_in(path: &str, text: &str) -> Vec<String> {
    let file = TextFile {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    check_file(&file).iter().map(ToString::to_string).collect()
}
