//! What went wrong, as RFC 9457 says it. Nothing of a request is ever sent back.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Why a request was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// Nobody who may post here signed this, whatever the reason.
    Unsigned,
    /// The body is larger than allowed.
    TooLarge,
    /// The body took too long, or never came whole.
    TooSlow,
    /// Too many refused requests from one address.
    TooMany,
    /// It could not be kept; sent again it may be.
    NotKept,
    /// Not asked by a name that this computer goes by here.
    WrongHost,
    /// There is nothing here.
    NotFound,
    /// Something is here, and cannot be used like this.
    WrongMethod,
}

impl Problem {
    fn status(self) -> StatusCode {
        match self {
            Self::Unsigned => StatusCode::UNAUTHORIZED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::NotKept => StatusCode::SERVICE_UNAVAILABLE,
            Self::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    fn detail(self) -> &'static str {
        match self {
            Self::Unsigned => "the signature does not hold for anybody who may post here",
            Self::TooLarge => "the body is larger than is taken here",
            Self::TooSlow => "the body did not come in time",
            Self::TooMany => "too many requests from this address were refused; wait a little",
            Self::NotKept => "it could not be kept; send it again",
            Self::WrongHost => "ask by the name of this computer itself, such as 127.0.0.1",
            Self::NotFound => "there is nothing here",
            Self::WrongMethod => "this cannot be used like that",
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or_default(),
            "status": status.as_u16(),
            "detail": self.detail(),
        });
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(CONTENT_TYPE, kind);
        if matches!(self, Self::TooMany | Self::NotKept) {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

pub(super) async fn not_found() -> Problem {
    Problem::NotFound
}

pub(super) async fn wrong_method() -> Problem {
    Problem::WrongMethod
}
