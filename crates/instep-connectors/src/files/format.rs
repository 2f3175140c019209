//! Which kinds of files there are. What a kind looks like is its own folder's business.

use instep_model::Capabilities;

use super::json;

pub(super) use super::json::{
    Document, Rebased, Refusal, complete, distance, rebase, rejoin, reverts,
};

/// How tasks are written in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// A JSON list of objects with `id`, `name`, `comment`, `description`, `priority`, `tag` and
    /// `done`.
    #[default]
    Json,
}

impl Format {
    /// What a file of this format can hold.
    pub(super) fn capabilities(self) -> Capabilities {
        match self {
            Self::Json => json::capabilities(),
        }
    }

    /// Whether `bytes` are a whole file of this format; `Err` says what is wrong.
    pub(super) fn verify(self, bytes: &[u8]) -> Result<(), String> {
        match self {
            Self::Json => json::verify(bytes),
        }
    }

    /// Reads a whole file; no bytes at all are a file that is still to be made.
    pub(super) fn parse(self, bytes: &[u8], high_is_one: bool) -> Result<Document, String> {
        match self {
            Self::Json => Document::parse(bytes, high_is_one),
        }
    }
}
