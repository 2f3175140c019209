//! What is remembered of the webhooks that were registered: beside the secret they were made with,
//! since a service shows neither. Losing it loses nothing: what is ours is known by its address, and
//! is made anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use instep_api::Failure;
use instep_model::AccountId;
use instep_safefile::{create_private_dir, write_private};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Places, say};

/// The files of one account.
#[derive(Debug, Clone)]
pub(crate) struct HookFiles {
    /// What it is signed with.
    pub(crate) secret: PathBuf,
    /// What is registered.
    pub(crate) memory: PathBuf,
}

impl HookFiles {
    pub(crate) fn of(places: &Places, account: &AccountId) -> Self {
        let dir = places.data().join("webhooks");
        let name = file_name(account.as_str());
        Self {
            secret: dir.join(format!("{name}.secret")),
            memory: dir.join(format!("{name}.json")),
        }
    }

    /// Whether webhooks were installed for the account.
    pub(crate) fn is_installed(&self) -> bool {
        self.memory.exists() || self.secret.exists()
    }

    /// Takes both away.
    pub(crate) fn remove(&self) -> Result<(), Failure> {
        for path in [&self.memory, &self.secret] {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Failure::new(
                        instep_api::Exit::Failed,
                        "not_removed",
                        format!("{} could not be removed", path.display()),
                        error.to_string(),
                        format!("rm {}", say::quoted(path)),
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// An id comes from the config, and may be no name of a file.
fn file_name(id: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    match !id.is_empty() && id.len() < 200 && id.chars().all(plain) {
        true => id.to_owned(),
        false => {
            let digest = Sha256::digest(id.as_bytes());
            digest[..16]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect()
        }
    }
}

/// What is registered for one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Memory {
    /// Where the service posts to.
    pub(crate) target: String,
    /// Where it was to post before; what still does is ours too, and goes.
    pub(crate) former: BTreeSet<String>,
    /// By project.
    pub(crate) hooks: BTreeMap<i64, Registered>,
    /// Creates whose answer has not come, by project (S13).
    pub(crate) intents: BTreeMap<i64, Intent>,
    /// The account's projects when all this was last compared with the service.
    pub(crate) seen: Option<String>,
    /// When that was, in Unix seconds.
    pub(crate) checked_at: i64,
}

/// A webhook of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Registered {
    pub(crate) id: i64,
    /// The name of the secret that it was made with.
    pub(crate) key: String,
}

/// A webhook that was about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Intent {
    pub(crate) target: String,
    pub(crate) key: String,
    /// Those of ours that the project had before.
    pub(crate) before: BTreeSet<i64>,
    /// In Unix milliseconds.
    pub(crate) sent_at: i64,
    /// Whether the service may still be working on it.
    pub(crate) timed_out: bool,
}

impl Memory {
    /// What the file says; nothing where it cannot be read.
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read(path).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let what = "what is known of webhooks could not be written";
        let failed = |error| say::from_safefile(what, &error);
        if let Some(dir) = path.parent() {
            create_private_dir(dir).map_err(failed)?;
        }
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        write_private(path, text.as_bytes()).map_err(failed)
    }

    /// From now on ours are to post to `target`.
    pub(crate) fn aim(&mut self, target: &str) {
        if self.target != target {
            let before = std::mem::replace(&mut self.target, target.to_owned());
            self.former.remove(target);
            if !before.is_empty() {
                self.former.insert(before);
            }
            self.seen = None;
        }
    }

    /// Whether a webhook that posts there is one of ours.
    pub(crate) fn is_ours(&self, target: &str) -> bool {
        self.target == target || self.former.contains(target)
    }

    /// What an account was called by an address that may still be posted to.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let targets = std::iter::once(&self.target).chain(&self.former);
        targets.filter_map(|target| target.rsplit('/').next().filter(|name| !name.is_empty()))
    }
}
