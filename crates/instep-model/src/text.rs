//! How canonical texts are escaped and what a text that cannot be read is answered with.

/// A text is not the canonical form of what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found `{found}`")]
pub struct ParseError {
    /// What a reader was looking for, with its article: "a date".
    pub expected: &'static str,
    /// The text, cut to 80 characters.
    pub found: String,
}

impl ParseError {
    /// Says that `found` is not `expected`.
    pub fn new(expected: &'static str, found: &str) -> Self {
        Self {
            expected,
            found: found.chars().take(80).collect(),
        }
    }
}

/// Escapes `separator`, line ends and the backslash, so that joined parts can be split again.
pub(crate) fn escape(part: &str, separator: char) -> String {
    let mut out = String::with_capacity(part.len());
    for c in part.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\\' => out.push_str("\\\\"),
            c if c == separator => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// Splits at every unescaped `separator` and undoes [`escape`] in the parts.
pub(crate) fn split_escaped(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let part = parts
            .last_mut()
            .expect("there is always a part being filled");
        if c == separator {
            parts.push(String::new());
        } else if c == '\\' {
            match chars.next() {
                Some('n') => part.push('\n'),
                Some(escaped) => part.push(escaped),
                None => part.push('\\'),
            }
        } else {
            part.push(c);
        }
    }
    parts
}
