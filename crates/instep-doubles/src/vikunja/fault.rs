//! What a scripted fault does to a request. Nothing here touches a socket.

use std::time::Duration;

/// What a [`Fault`] does to the requests it hits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Answers with this status and Vikunja's usual error body, without applying the request.
    Status {
        /// The HTTP status.
        status: u16,
        /// The value of a `Retry-After` header, seconds or an HTTP date.
        retry_after: Option<String>,
    },
    /// Answers as if the comment that is to be removed were not there: what a locked SQLite makes of it.
    NoComment,
    /// Answers 200 with a body that is announced as JSON and is not.
    NotJson,
    /// Answers 200 with a web page, as a captive portal or a misled proxy does.
    Html,
    /// Applies the request, announces the whole body and cuts the connection half-way through it.
    TruncatedBody,
    /// Answers a list request with an empty list of one page.
    EmptyList,
    /// Answers a list request with only its first `keep` items, all totals untouched.
    CutPage {
        /// How many items stay.
        keep: usize,
    },
    /// Applies the request and cuts the connection before a byte of the answer is sent.
    LostReply,
    /// Cuts the connection without applying the request.
    LostRequest,
    /// Waits before the request is applied.
    Delay(Duration),
    /// Never answers; the request is not applied.
    Hang,
}

/// A scripted fault. Without conditions it hits every request until it is cleared.
pub type Fault = crate::fault::Fault<Effect>;

impl Fault {
    /// Short for [`Effect::Status`] without `Retry-After`.
    pub fn status(status: u16) -> Self {
        Self::new(Effect::Status {
            status,
            retry_after: None,
        })
    }
}
