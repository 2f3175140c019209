//! The secret that a service signs its webhooks with: made here, kept in a file of its own that
//! only its owner can read, and shown nowhere. While it is replaced the one before counts as well,
//! since webhooks that were made with it still speak.

use std::fmt::Write as _;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use instep_api::{Exit, Failure};
use instep_safefile::{create_private_dir, write_private};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::say;

/// Random bytes of a secret.
const BYTES: usize = 32;

/// The secrets of one account.
#[derive(Debug, Clone)]
pub(crate) struct HookSecrets {
    /// What new webhooks are signed with.
    pub(crate) current: SecretString,
    /// What older ones may still be signed with.
    pub(crate) previous: Option<SecretString>,
}

impl HookSecrets {
    /// The secrets in a file; `None` where there is none that could be trusted: it is missing, not
    /// as it was written, or others can read it.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let is_private = std::fs::metadata(path).ok()?.mode() & 0o077 == 0;
        let text = std::fs::read_to_string(path).ok()?;
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let current = lines.next().filter(|line| is_private && is_secret(line))?;
        let previous = lines.next().filter(|line| is_secret(line));
        Some(Self {
            current: current.into(),
            previous: previous.map(SecretString::from),
        })
    }

    /// A first secret.
    pub(crate) fn fresh() -> Result<Self, Failure> {
        Ok(Self {
            current: make()?,
            previous: None,
        })
    }

    /// Keeps them, so that a power cut does not take them.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let failed = |error| say::from_safefile("the webhook secret could not be written", &error);
        if let Some(dir) = path.parent() {
            create_private_dir(dir).map_err(failed)?;
        }
        let mut text = String::new();
        for secret in [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
        {
            text.push_str(secret.expose_secret());
            text.push('\n');
        }
        write_private(path, text.as_bytes()).map_err(failed)
    }
}

/// Names a secret without telling it: 64 bits of a hash of 256 random bits.
pub(crate) fn key_of(secret: &SecretString) -> String {
    let digest = Sha256::digest(format!("instep webhook {}", secret.expose_secret()));
    hex(&digest[..8])
}

fn make() -> Result<SecretString, Failure> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::new(
            Exit::Failed,
            "no_randomness",
            "no webhook secret could be made",
            format!("the system gives no random bytes: {error}"),
            "try again",
        )
    })?;
    Ok(hex(&bytes).into())
}

fn is_secret(text: &str) -> bool {
    text.len() == 2 * BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
