//! Who may post webhooks here, and what they sign with, as the files of the moment say: a command
//! may install or rotate while a daemon listens. What a post looks like, each connector knows.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use instep_connectors::vikunja;
use instep_contract::Post;
use instep_model::{Account, AccountId, Kind, RemoteId};
use secrecy::SecretString;

use super::memory::{HookFiles, Memory};
use super::secret::HookSecrets;
use crate::Places;

/// An account that a service may post for.
#[derive(Debug, Clone)]
pub struct HookAccount {
    /// The account's id, which stays when it is renamed.
    pub id: AccountId,
    /// The kind of service that posts.
    pub kind: Kind,
    /// What posts may be signed with: the current secret, and while that is replaced the one
    /// before. Never empty.
    pub secrets: Vec<SecretString>,
}

impl HookAccount {
    /// The items that a post is about, none of them where it is about the account as a whole;
    /// `None` where nobody signed it who may post for this account. It takes the same work where
    /// there is no such account.
    pub fn read(account: Option<&Self>, post: &Post<'_>) -> Option<Vec<RemoteId>> {
        let secrets = account.map_or(&[][..], |account| &account.secrets);
        match account.map_or(Kind::Vikunja, |account| account.kind) {
            Kind::Vikunja => vikunja::posted(post, secrets),
            Kind::Taskwarrior | Kind::Todoist | Kind::Caldav | Kind::File => None,
        }
    }
}

/// The accounts that have webhooks. Files are read again when they have changed.
#[derive(Debug)]
pub struct HookKeys {
    accounts: Vec<(Account, HookFiles)>,
    known: Mutex<HashMap<AccountId, Known>>,
}

/// What was read of an account's files, and when they had last changed then.
#[derive(Debug, Clone)]
struct Known {
    stamps: [Option<(SystemTime, u64)>; 2],
    /// Names under which services post beside the account's own.
    names: Vec<String>,
    secrets: Vec<SecretString>,
}

impl HookKeys {
    pub(crate) fn new(places: &Places, accounts: impl Iterator<Item = Account>) -> Self {
        let with_files = |account: Account| {
            let files = HookFiles::of(places, &account.id);
            (account, files)
        };
        Self {
            accounts: accounts.map(with_files).collect(),
            known: Mutex::default(),
        }
    }

    /// The account that is posted for under this name: its own, or one that it had before and that
    /// services still use.
    pub fn account(&self, name: &str) -> Option<HookAccount> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut by_former_name = None;
        for (account, files) in &self.accounts {
            let stamps = [stamp(&files.secret), stamp(&files.memory)];
            let entry = known.entry(account.id.clone());
            let read = entry.or_insert_with(|| Known::read(files, stamps));
            if read.stamps != stamps {
                *read = Known::read(files, stamps);
            }
            if read.secrets.is_empty() {
                continue;
            }
            let found = || HookAccount {
                id: account.id.clone(),
                kind: account.kind,
                secrets: read.secrets.clone(),
            };
            if account.name == name {
                return Some(found());
            }
            if read.names.iter().any(|known| known == name) {
                by_former_name = Some(found());
            }
        }
        by_former_name
    }
}

impl Known {
    fn read(files: &HookFiles, stamps: [Option<(SystemTime, u64)>; 2]) -> Self {
        let secrets = HookSecrets::read(&files.secret);
        let secrets = secrets.map(|found| {
            let previous = found.previous;
            std::iter::once(found.current).chain(previous).collect()
        });
        Self {
            stamps,
            names: Memory::read(&files.memory)
                .names()
                .map(str::to_owned)
                .collect(),
            secrets: secrets.unwrap_or_default(),
        }
    }
}

/// Tells two versions of a file apart: each is a file of its own, and they follow each other by more
/// than the clock's grain.
fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(path).ok()?;
    Some((found.modified().ok()?, found.ino()))
}
