//! The HTTP client of webhooks and cases. What is sent is decided elsewhere.

use std::time::Duration;

/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A client for webhooks, or for the cases.
pub(crate) fn http_client(follow_redirects: bool) -> Result<reqwest::Client, reqwest::Error> {
    // Fails only when a provider is installed already, which is just as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let policy = match follow_redirects {
        true => reqwest::redirect::Policy::default(),
        false => reqwest::redirect::Policy::none(),
    };
    reqwest::Client::builder()
        .redirect(policy)
        .timeout(TIMEOUT)
        .no_proxy()
        .build()
}
