//! The place of a task in a tree of projects.

use std::fmt;
use std::str::FromStr;

use crate::ParseError;
use crate::text::{escape, split_escaped};

/// A path of project titles from the root down; never empty, and no title is.
///
/// Canonical text: titles joined by dots, a dot inside a title written `\.` (S20).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectPath(Vec<String>);

impl ProjectPath {
    /// A path of these titles; blank ones are left out. `None` when nothing is left.
    pub fn new(titles: impl IntoIterator<Item = impl Into<String>>) -> Option<Self> {
        let titles: Vec<String> = titles
            .into_iter()
            .map(Into::into)
            .filter(|title| !title.trim().is_empty())
            .collect();
        (!titles.is_empty()).then_some(Self(titles))
    }

    /// The titles, root first.
    pub fn titles(&self) -> &[String] {
        &self.0
    }

    /// The title of the project itself.
    pub fn title(&self) -> &str {
        self.0.last().expect("a path is never empty")
    }

    /// The project that this one lies in, if any.
    pub fn parent(&self) -> Option<Self> {
        Self::new(self.0[..self.0.len() - 1].iter().cloned())
    }

    /// Whether this is `other` or lies inside it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

impl fmt::Display for ProjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped: Vec<String> = self.0.iter().map(|title| escape(title, '.')).collect();
        f.write_str(&escaped.join("."))
    }
}

impl FromStr for ProjectPath {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::new(split_escaped(text, '.')).ok_or_else(|| ParseError::new("a project path", text))
    }
}
