//! Every refusal the double speaks, in one place. No decision is made here.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::exchange::reason;

/// Kinds of things that can be missing, with what a sync command says then: tag and code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Task,
    Project,
    Section,
    Label,
    Comment,
    Reminder,
}

impl Kind {
    fn in_command(self) -> (&'static str, i64, &'static str) {
        match self {
            Self::Task => ("ITEM_NOT_FOUND", 22, "Item not found"),
            Self::Project => ("PROJECT_NOT_FOUND", 21, "Project not found"),
            Self::Section => ("SECTION_NOT_FOUND", 27, "Section not found"),
            Self::Label => ("LABEL_NOT_FOUND", 23, "Label not found"),
            Self::Comment => ("NOTE_NOT_FOUND", 24, "Note not found"),
            Self::Reminder => ("REMINDER_NOT_FOUND", 25, "Reminder not found"),
        }
    }
}

/// Why a call or a command was refused.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    what: Box<What>,
}

#[derive(Clone, Debug)]
struct What {
    tag: &'static str,
    code: i64,
    text: String,
    extra: Map<String, Value>,
    headers: Vec<(&'static str, String)>,
    /// Tag, code and text of a sync command, which says some things its own way, with status 400.
    command: Option<(&'static str, i64, &'static str)>,
}

impl Refusal {
    pub(crate) fn new(status: u16, tag: &'static str, code: i64, text: &str) -> Self {
        let what = What {
            tag,
            code,
            text: text.to_owned(),
            extra: Map::new(),
            headers: Vec::new(),
            command: None,
        };
        Self {
            status,
            what: Box::new(what),
        }
    }

    /// Adds a key to `error_extra`.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.what.extra.insert(key.to_owned(), value.into());
        self
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.what.headers.push((name, value));
        self
    }

    pub(crate) fn headers(&self) -> &[(&'static str, String)] {
        &self.what.headers
    }

    /// A key whose value cannot be taken.
    pub(crate) fn invalid(argument: &str, expected: &str) -> Self {
        Self::new(400, "INVALID_ARGUMENT_VALUE", 20, "Invalid argument value")
            .with("argument", argument)
            .with("expected", expected)
    }

    /// A key that must be there.
    pub(crate) fn required(argument: &str) -> Self {
        Self::new(400, "ARGUMENT_MISSING", 19, "Required argument is missing")
            .with("argument", argument)
    }

    /// A body that cannot be read.
    pub(crate) fn malformed(why: &str) -> Self {
        Self::new(400, "BAD_REQUEST", 42, "Bad request").with("explanation", why)
    }

    pub(crate) fn bad_date() -> Self {
        Self::new(400, "BAD_REQUEST", 42, "Invalid date format")
    }

    /// An id that cannot be one.
    pub(crate) fn bad_id(argument: &str) -> Self {
        let text = "Non-base32 digit found";
        let mut refusal = Self::new(400, "INVALID_ARGUMENT_VALUE", 20, text);
        refusal.what.command = Some(("INVALID_TEMPID", 15, "Invalid temporary id"));
        refusal.with("argument", argument)
    }

    /// Something unknown or deleted.
    pub(crate) fn missing(kind: Kind) -> Self {
        let (_, _, text) = kind.in_command();
        let mut refusal = Self::new(404, "NOT_FOUND", 478, text);
        refusal.what.command = Some(kind.in_command());
        refusal
    }

    /// A path that leads nowhere.
    pub(crate) fn nowhere() -> Self {
        Self::new(404, "NOT_FOUND", 478, "Not found")
    }

    pub(crate) fn unauthorized() -> Self {
        let challenge = "Bearer error=\"invalid_token\", error_description=\"Invalid token\"";
        Self::new(401, "UNAUTHORIZED", 477, "Unauthorized")
            .with_header("www-authenticate", challenge.to_owned())
    }

    pub(crate) fn no_scope() -> Self {
        Self::new(403, "FORBIDDEN", 403, "Insufficient token scope")
    }

    pub(crate) fn premium_only() -> Self {
        Self::new(403, "PREMIUM_ONLY", 32, "Premium only feature")
    }

    /// The plan's limit of something is used up.
    pub(crate) fn full(tag: &'static str, most: usize) -> Self {
        Self::new(403, tag, 49, "Maximum number reached").with("max_count", most)
    }

    /// The caller asks too often.
    pub(crate) fn too_often(retry_after_secs: i64) -> Self {
        let secs = retry_after_secs.unsigned_abs();
        Self::scripted(429, Some(secs)).with_header("retry-after", secs.to_string())
    }

    /// What a test asked for.
    pub(crate) fn scripted(status: u16, retry_after_secs: Option<u64>) -> Self {
        let refusal = match status {
            429 => {
                let text = "Too many requests. Limits reached. Try again later";
                Self::new(429, "LIMITS_REACHED", 35, text)
            }
            status => Self::new(status, "SCRIPTED", i64::from(status), reason(status)),
        };
        match retry_after_secs {
            Some(secs) => refusal.with("retry_after", secs),
            None => refusal,
        }
    }

    pub(crate) fn too_large() -> Self {
        Self::new(413, "REQUEST_TOO_LARGE", 413, "Request entity too large")
    }

    pub(crate) fn wrong_method(allowed: String) -> Self {
        Self::new(405, "METHOD_NOT_ALLOWED", 405, "Method not allowed")
            .with_header("allow", allowed)
    }

    /// The body of a refused request.
    pub(crate) fn body(&self) -> Value {
        let what = &self.what;
        self.shown(self.status, what.tag, what.code, &what.text)
    }

    /// The status of a refused sync command.
    pub(crate) fn in_command(&self) -> Value {
        let what = &self.what;
        match what.command {
            Some((tag, code, text)) => self.shown(400, tag, code, text),
            None => self.shown(self.status, what.tag, what.code, &what.text),
        }
    }

    fn shown(&self, status: u16, tag: &str, code: i64, text: &str) -> Value {
        let digest = Sha256::digest(format!("{status} {tag} {text}"));
        let event: String = digest.iter().take(16).map(|b| format!("{b:02x}")).collect();
        let mut extra = Map::new();
        extra.insert("event_id".to_owned(), event.into());
        extra.extend(self.what.extra.clone());
        json!({"error": text, "error_code": code, "error_tag": tag, "http_code": status,
               "error_extra": extra})
    }
}
