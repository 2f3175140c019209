//! Remarks that go with an answer: what to know, and the command that goes with it.

use instep_api::{Failure, NotesLine};

/// A remark without a command.
pub(crate) fn remark(text: impl Into<String>) -> NotesLine {
    NotesLine {
        text: text.into(),
        command: None,
    }
}

/// A remark with a command.
pub(crate) fn advice(text: impl Into<String>, command: impl Into<String>) -> NotesLine {
    NotesLine {
        text: text.into(),
        command: Some(command.into()),
    }
}

/// A failure that did not stop the rest.
pub(crate) fn failed(failure: &Failure) -> NotesLine {
    advice(
        format!("{}: {}", failure.what, failure.why),
        failure.help.clone(),
    )
}
