//! A note beside a task: an annotation here, a comment there.

use jiff::Timestamp;

/// A dated remark. Its time is set once and is never merged (S19).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Annotation {
    /// When it was made.
    pub at: Timestamp,
    /// Markdown.
    pub text: String,
}
