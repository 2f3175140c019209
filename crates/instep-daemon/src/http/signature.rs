//! Whether a body was signed with one of the secrets that count. It takes the same work whether
//! there is such an account or not, and however much of a signature is right.

use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Carries the signature: lower-case hex of an HMAC-SHA256 over the body as it was sent.
const HEADER: &str = "x-vikunja-signature";

/// Signatures that are computed for each body, secrets there or not.
const COMPARED: usize = 2;

/// Stands in where there is no secret. What it signs is refused all the same.
const NOBODY: &[u8] = b"nobody signs with this";

/// Whether one of these secrets signed the body.
pub(super) fn holds(headers: &HeaderMap, body: &[u8], secrets: &[SecretString]) -> bool {
    let sent = sent(headers);
    let mut holds = false;
    for place in 0..COMPARED {
        let secret = secrets.get(place).map(ExposeSecret::expose_secret);
        let secret = secret.filter(|secret| !secret.is_empty());
        let key = secret.map_or(NOBODY, str::as_bytes);
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
            continue;
        };
        mac.update(body);
        let fits = mac.verify_slice(&sent.bytes).is_ok();
        holds |= fits & sent.is_one & secret.is_some();
    }
    holds
}

/// What a request bears as its signature.
struct Sent {
    bytes: [u8; 32],
    /// Whether it is one signature, and nothing else.
    is_one: bool,
}

fn sent(headers: &HeaderMap) -> Sent {
    let mut bytes = [0; 32];
    let mut all = headers.get_all(HEADER).iter();
    let (first, more) = (all.next(), all.next());
    let text = first.map_or(&b""[..], |value| value.as_bytes());
    let mut is_one = first.is_some() && more.is_none() && text.len() == 2 * bytes.len();
    for (byte, pair) in bytes.iter_mut().zip(text.chunks(2)) {
        match (digit(pair.first()), digit(pair.get(1))) {
            (Some(high), Some(low)) => *byte = high << 4 | low,
            _ => is_one = false,
        }
    }
    Sent { bytes, is_one }
}

fn digit(byte: Option<&u8>) -> Option<u8> {
    match byte? {
        byte @ b'0'..=b'9' => Some(byte - b'0'),
        byte @ b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}
