//! Sending webhooks: signature, redelivery by the double's clock, giving up. What is sent is
//! decided in `hooks`.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::hooks::Delivery;
use super::server::Shared;

/// How long at most the worker waits before it looks at the clock again.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The symbols of base64 (RFC 4648, section 4).
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 of the HMAC-SHA256 of `body` under `secret`, as `X-Todoist-Hmac-SHA256` carries it.
pub fn signature(secret: &str, body: &[u8]) -> String {
    // HMAC takes keys of any length, so this cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(body);
    base64(&mac.finalize().into_bytes())
}

/// Base64 with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let symbol = bits >> (18 - 6 * place) & 63;
            let symbol = BASE64[usize::try_from(symbol).unwrap_or(0)];
            let is_padding = place > chunk.len();
            text.push(if is_padding { '=' } else { char::from(symbol) });
        }
    }
    text
}

/// Sends what is due, whenever something is, until the task is aborted.
pub(crate) async fn work(shared: Arc<Shared>) {
    let mut settings = shared.clock.settings();
    loop {
        settings.mark_unchanged();
        let (due, now) = {
            let mut state = shared.state();
            let now = state.store.now();
            (state.hooks.take_due(now), now)
        };
        for delivery in due {
            if !is_taken(&shared, &delivery).await
                && let Some(later) = delivery.again(now)
            {
                shared.state().hooks.put_back(later);
            }
        }
        let wait = wait(&shared);
        if wait.is_zero() {
            continue;
        }
        tokio::select! {
            () = shared.to_send.notified() => {}
            // The clock lives in what we hold, so this ends only with a change.
            _ = settings.changed() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// How long until the next delivery is due, as far as the clock runs by itself.
fn wait(shared: &Shared) -> Duration {
    let state = shared.state();
    let until = state.hooks.next_due();
    let until = until.map(|due| due.duration_since(state.store.now()));
    let wait = until.map_or(LONGEST_WAIT, |until| {
        Duration::try_from(until).unwrap_or(Duration::ZERO)
    });
    wait.min(LONGEST_WAIT)
}

/// One try; only 200 counts.
async fn is_taken(shared: &Shared, delivery: &Delivery) -> bool {
    let signature = signature(&delivery.client_secret, delivery.body.as_bytes());
    let request = shared
        .client
        .post(&delivery.url)
        .header("User-Agent", "Todoist-Webhooks")
        .header("Content-Type", "application/json")
        .header("X-Todoist-Delivery-ID", &delivery.id)
        .header("X-Todoist-Hmac-SHA256", signature)
        .body(delivery.body.clone());
    match request.send().await {
        Ok(response) => response.status().as_u16() == 200,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_as_the_rfc_has_it() {
        let cases = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ];
        for (plain, encoded) in cases {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }
}
