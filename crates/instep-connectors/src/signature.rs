//! Whether a body was signed with one of the secrets that count: an HMAC-SHA256 over the body as it
//! was sent. It takes the same work whether there is any secret or not, and however much of a
//! signature is right. Where a service puts its signature, and how it writes it, is not known here.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Bytes of a signature.
pub(crate) const BYTES: usize = 32;

/// Signatures that are computed for each body, secrets there or not: while one is replaced, two count.
const COMPARED: usize = 2;

/// Stands in where there is no secret. What it signs is refused all the same.
const NOBODY: &[u8] = b"nobody signs with this";

/// Whether one of these secrets signed the body. `sent` is `None` where nothing came that could be a
/// signature.
pub(crate) fn holds(sent: Option<[u8; BYTES]>, body: &[u8], secrets: &[SecretString]) -> bool {
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
        let fits = mac.verify_slice(&sent.unwrap_or_default()).is_ok();
        holds |= fits & sent.is_some() & secret.is_some();
    }
    holds
}
