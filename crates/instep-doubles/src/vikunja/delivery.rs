//! Sending webhooks: signature, retries, giving up. What is sent is decided in `events`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::meta::VERSION;
use super::state::{Hook, State};

/// Retries after the first try.
const RETRIES: u32 = 5;
/// The first pause; each further one is twice as long, and each by up to half longer or shorter.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Lower-case hex HMAC-SHA256 of `body` under `secret`, as `X-Vikunja-Signature` carries it.
pub fn signature(secret: &str, body: &[u8]) -> String {
    // HMAC takes keys of any length, so this cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(body);
    mac.finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Sends `body` to a hook until it is taken or the tries are used up. The hook's address and
/// secret are read before each try; a deleted hook ends it.
pub(crate) async fn deliver(
    client: reqwest::Client,
    state: Arc<Mutex<State>>,
    hook: i64,
    body: String,
) {
    let mut pause = FIRST_PAUSE;
    for attempt in 0..=RETRIES {
        let current = {
            let state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state
                .hooks
                .get(&hook)
                .filter(|hook| reachable(&state, hook))
                .cloned()
        };
        let Some(current) = current else { return };
        if attempt_once(&client, &current, &body).await || attempt == RETRIES {
            return;
        }
        tokio::time::sleep(pause.mul_f64(jitter(&body, hook, attempt))).await;
        pause *= 2;
    }
}

/// From 0.5 to 1.5, the same in each run for the same delivery.
fn jitter(body: &str, hook: i64, attempt: u32) -> f64 {
    let mut hasher = DefaultHasher::new();
    (body, hook, attempt).hash(&mut hasher);
    0.5 + f64::from(hasher.finish() as u16) / f64::from(u16::MAX)
}

/// Whether the double may connect there: loopback addresses only when it was told so.
fn reachable(state: &State, hook: &Hook) -> bool {
    let host = url::Url::parse(&hook.target_url).ok();
    let host = host
        .as_ref()
        .and_then(|url| url.host_str())
        .unwrap_or_default();
    state.loopback_webhooks || !(host == "localhost" || host.starts_with("127.") || host == "[::1]")
}

async fn attempt_once(client: &reqwest::Client, hook: &Hook, body: &str) -> bool {
    let mut request = client
        .post(&hook.target_url)
        .header("User-Agent", format!("Vikunja/{VERSION}"))
        .header("Content-Type", "application/json");
    if !hook.secret.is_empty() {
        request = request.header(
            "X-Vikunja-Signature",
            signature(&hook.secret, body.as_bytes()),
        );
    }
    if let Some((user, password)) = &hook.basic_auth {
        request = request.basic_auth(user, Some(password));
    }
    match request.body(body.to_owned()).send().await {
        Ok(response) => response.status().as_u16() < 400,
        Err(_) => false,
    }
}
