//! What a scripted fault does to a request, and whether before or after it is applied. Nothing
//! here touches a socket.

use std::time::Duration;

/// On which side of the service's own commit a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// The request is not applied, unless the effect is only a delay.
    BeforeCommit,
    /// The request is applied, whatever is answered.
    AfterCommit,
}

/// What a [`Fault`] does to the requests it hits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Cuts the connection before a byte of an answer is sent.
    Drop,
    /// Answers with this status: below 500 with the usual error body, from 500 on without JSON.
    Status {
        /// The HTTP status.
        status: u16,
        /// Seconds to wait, told in the header and, where there is a body, in `error_extra`.
        retry_after: Option<u64>,
    },
    /// Waits, then goes on.
    Delay(Duration),
    /// Never answers.
    Hang,
    /// Answers 200 with a body that is announced as JSON and is not.
    NotJson,
    /// Answers 200 with a web page, as a captive portal or a misled proxy does.
    Html,
    /// Announces the whole body and cuts the connection half-way through it.
    TruncatedBody,
}

/// An effect at its point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scripted {
    pub(crate) point: Point,
    pub(crate) effect: Effect,
}

/// A scripted fault. Without conditions it hits every request until it is cleared.
pub type Fault = crate::fault::Fault<Scripted>;

impl Fault {
    /// A fault on every request that keeps it from being applied, or delays that.
    pub fn before_commit(effect: Effect) -> Self {
        Self::new(Scripted {
            point: Point::BeforeCommit,
            effect,
        })
    }

    /// A fault on every request after it was applied.
    pub fn after_commit(effect: Effect) -> Self {
        Self::new(Scripted {
            point: Point::AfterCommit,
            effect,
        })
    }
}

/// A refusal of single commands of `/sync`, while the request itself goes well.
#[derive(Clone, Debug)]
pub struct CommandFault {
    /// The command's type, such as `item_add`.
    pub kind: String,
    /// `http_code` of its error object.
    pub status: u16,
    /// Seconds to wait, in `error_extra`.
    pub retry_after: Option<u64>,
    /// How many commands it hits; none of them is carried out.
    pub times: usize,
}

impl CommandFault {
    /// Counts a command and tells whether it is hit.
    pub(crate) fn hits(&mut self, kind: &str) -> bool {
        let hits = self.kind == kind && self.times > 0;
        self.times -= usize::from(hits);
        hits
    }
}
