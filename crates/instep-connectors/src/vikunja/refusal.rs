//! What an error answer means for the caller. Nothing here sends anything.

use std::time::Duration;

use instep_contract::{ConnectorError, Doubt};
use instep_model::{CollectionId, Field, RemoteId};

use super::wire::Problem;

/// What a call changes there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Read,
    /// Once or twice is the same.
    Write,
    /// Twice makes two.
    Make,
}

/// Why a project that was archived takes no write; a reason ends in it.
pub const ARCHIVED: &str = "the project is archived";

/// Vikunja's error numbers that decide something.
pub(super) mod code {
    /// The project does not exist.
    pub(crate) const NO_PROJECT: i64 = 3001;
    /// The project is archived.
    pub(crate) const ARCHIVED: i64 = 3008;
    /// The task does not exist.
    pub(crate) const NO_TASK: i64 = 4002;
    /// The relation exists already.
    pub(crate) const RELATION_EXISTS: i64 = 4008;
    /// The relation does not exist.
    pub(crate) const NO_RELATION: i64 = 4009;
    /// The comment does not exist.
    pub(crate) const NO_COMMENT: i64 = 4015;
    /// The relation would close a circle.
    pub(crate) const CYCLE: i64 = 4023;
    /// The label is on the task already.
    pub(crate) const LABEL_THERE: i64 = 8001;
    /// The label does not exist.
    pub(crate) const NO_LABEL: i64 = 8002;
}

/// Why a call came to nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// It failed on the way.
    Error(ConnectorError),
    /// The server answered, and said no.
    Refused(Box<Refusal>),
}

impl From<ConnectorError> for Failure {
    fn from(error: ConnectorError) -> Self {
        Self::Error(error)
    }
}

impl From<Failure> for ConnectorError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Error(error) => error,
            Failure::Refused(refusal) => refusal.into_error(),
        }
    }
}

impl Failure {
    /// Vikunja's number of the error, 0 without one.
    pub(super) fn code(&self) -> i64 {
        match self {
            Self::Refused(refusal) => refusal.problem.code,
            Self::Error(_) => 0,
        }
    }

    /// Whether Vikunja itself answered with this status.
    pub(super) fn has_status(&self, status: u16) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.is_json && refusal.status == status)
    }

    /// Whether the server does not know the address that was asked for, whatever it is about.
    pub(super) fn is_unknown_route(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.status == 404 && refusal.problem.code == 0)
    }

    /// The error, where it is about this task.
    pub(super) fn about(self, id: &RemoteId) -> ConnectorError {
        match self {
            Self::Refused(refusal) if refusal.problem.code == code::NO_TASK => {
                ConnectorError::Gone { id: id.clone() }
            }
            other => other.into(),
        }
    }

    /// The error, where a project was named that may be gone.
    pub(super) fn within(self, project: i64) -> ConnectorError {
        match self {
            Self::Refused(refusal) if refusal.problem.code == code::NO_PROJECT => {
                ConnectorError::CollectionGone {
                    id: CollectionId::new(project.to_string()),
                }
            }
            other => other.into(),
        }
    }
}

/// An error answer.
#[derive(Debug)]
pub(super) struct Refusal {
    pub status: u16,
    pub problem: Problem,
    is_json: bool,
    opening: String,
    wait: Option<Duration>,
    effect: Effect,
}

impl Refusal {
    pub(super) fn new(status: u16, body: &[u8], wait: Option<Duration>, effect: Effect) -> Self {
        let problem = serde_json::from_slice::<Problem>(body);
        Self {
            status,
            is_json: problem.is_ok(),
            problem: problem.unwrap_or_default(),
            opening: opening(body),
            wait,
            effect,
        }
    }

    /// The caller's next move.
    pub(super) fn into_error(self) -> ConnectorError {
        match self.status {
            429 => ConnectorError::Throttled {
                retry_after: self.wait,
            },
            413 => self.rejected(),
            502..=504 => self.failed(),
            _ if !self.is_json => self.failed(),
            // A plain 500 is what SQLite's refused second writer looks like, which stores nothing. Only
            // what may be sent twice is taken for that: something on the way may say it as well.
            500 if self.effect == Effect::Write => ConnectorError::Busy,
            500.. => self.failed(),
            403 => ConnectorError::ReadOnly {
                reason: self.reason(),
            },
            404 if self.problem.code == 0 => ConnectorError::Setup {
                what: "the server does not know this part of Vikunja's API".into(),
                help: "Instep needs Vikunja 2.4 or newer; check its version and the account's url"
                    .into(),
            },
            _ if self.problem.code == code::ARCHIVED => ConnectorError::ReadOnly {
                reason: ARCHIVED.to_owned(),
            },
            _ => self.rejected(),
        }
    }

    /// A gateway's answer, or nobody's: only reads can be sure that nothing was stored.
    fn failed(self) -> ConnectorError {
        let reason = format!("HTTP {} {}", self.status, self.opening);
        match self.effect {
            Effect::Read => ConnectorError::Unavailable { reason },
            Effect::Write | Effect::Make => ConnectorError::OutcomeUnknown {
                source: reason.into(),
                doubt: match self.status {
                    // Vikunja's own word, in its own form.
                    500 if self.is_json => Doubt::Failed,
                    504 => Doubt::TimedOut,
                    _ => Doubt::Lost,
                },
            },
        }
    }

    fn rejected(self) -> ConnectorError {
        ConnectorError::Rejected {
            field: self.field(),
            reason: self.reason(),
        }
    }

    fn field(&self) -> Option<Field> {
        let place = self.problem.errors.first().map(|found| &found.location);
        let key = place
            .and_then(|place| place.rsplit('.').next())
            .unwrap_or("");
        match (key, self.problem.code) {
            ("title", _) | (_, 4001) => Some(Field::Title),
            ("description", _) => Some(Field::Notes),
            ("priority", _) => Some(Field::Priority),
            ("due_date", _) => Some(Field::Due),
            ("start_date", _) => Some(Field::Start),
            ("end_date", _) => Some(Field::End),
            ("percent_done", _) => Some(Field::PercentDone),
            ("reminders", _) | (_, 4022) => Some(Field::Reminders),
            ("repeat_after" | "repeat_mode", _) | (_, 4029) => Some(Field::Recurrence),
            (_, code::CYCLE) => Some(Field::Parent),
            (_, 8000..=8999) => Some(Field::Tags),
            _ => None,
        }
    }

    fn reason(&self) -> String {
        let said = match self.problem.errors.first() {
            Some(found) => &found.message,
            None if !self.problem.detail.is_empty() => &self.problem.detail,
            None if !self.problem.message.is_empty() => &self.problem.message,
            None => &self.opening,
        };
        // It becomes a part of a sentence of ours.
        let said: String = said.chars().take(200).collect();
        said.trim_end_matches('.').to_owned()
    }
}

/// The first words of an answer, without line ends.
fn opening(body: &[u8]) -> String {
    let start = &body[..body.len().min(400)];
    let text = String::from_utf8_lossy(start);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(80).collect()
}
