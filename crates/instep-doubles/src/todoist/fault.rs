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
