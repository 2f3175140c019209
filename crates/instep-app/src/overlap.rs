//! Two accounts that cover one place would carry each change twice (S7): they are found here,
//! from what is known without asking a service.

use std::collections::BTreeSet;

use instep_api::Failure;
use instep_contract::Store;
use instep_model::{Account, AccountId, Collection, CollectionId, Identity, Scope, Timestamp};

use crate::app::App;
use crate::config::{Entry, Reach};
use crate::connector::{AnyConnector, AnyService};
use crate::say;

/// What an account is known to cover.
#[derive(Debug, Clone)]
pub(crate) struct Covered {
    pub(crate) entry: Entry,
    pub(crate) identity: Option<Identity>,
    pub(crate) collections: Vec<Collection>,
}

/// An account that was removed, and is remembered still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeftBehind {
    pub(crate) id: AccountId,
    /// What it was called.
    pub(crate) name: String,
    /// How many tasks it had on both sides.
    pub(crate) pairs: usize,
}

impl Covered {
    /// Whether both would see a task of one place.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        let (one, two) = (&self.entry.account, &other.entry.account);
        if one.kind != two.kind || !scopes_meet(&one.scope, &two.scope) {
            return false;
        }
        if self.identity.is_some() && self.identity == other.identity {
            return true;
        }
        match (&self.entry.reach, &other.entry.reach) {
            (Reach::Vikunja { url: here, .. }, Reach::Vikunja { url: there, .. }) => {
                host(here) == host(there) && self.shares_collection(other)
            }
            (Reach::File { path: here, .. }, Reach::File { path: there, .. }) => {
                same_file(here, there)
            }
            _ => false,
        }
    }

    fn shares_collection(&self, other: &Self) -> bool {
        let (here, there) = (self.admitted(), other.admitted());
        here.intersection(&there).next().is_some()
    }

    /// The collections that the account's scope reaches into.
    fn admitted(&self) -> BTreeSet<&CollectionId> {
        let Account { scope, .. } = &self.entry.account;
        let within = |collection: &&Collection| {
            let path = collection.path.as_ref();
            scope.projects.is_empty()
                || path.is_some_and(|path| scope.projects.iter().any(|root| path.is_within(root)))
        };
        let admitted = self.collections.iter().filter(within);
        admitted.map(|collection| &collection.id).collect()
    }
}

/// Whether a task can belong to both, as far as their projects go.
fn scopes_meet(one: &Scope, two: &Scope) -> bool {
    let apart = |a: &instep_model::ProjectPath, b: &instep_model::ProjectPath| {
        !a.is_within(b) && !b.is_within(a)
    };
    let (here, there) = (&one.projects, &two.projects);
    let projects_apart = !here.is_empty()
        && !there.is_empty()
        && here.iter().all(|a| there.iter().all(|b| apart(a, b)));
    !projects_apart
}

/// The address of a server without what follows it in the address of its API.
pub(crate) fn host(url: &str) -> &str {
    let url = url.trim().trim_end_matches('/');
    let url = url.strip_suffix("/api/v1").unwrap_or(url);
    url.strip_suffix("/api/v2").unwrap_or(url)
}

fn same_file(here: &std::path::Path, there: &std::path::Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let real = |path: &std::path::Path| std::fs::canonicalize(path).ok();
    let inode = |path: &std::path::Path| {
        let found = std::fs::metadata(path).ok()?;
        Some((found.dev(), found.ino()))
    };
    here == there
        || (real(here).is_some() && real(here) == real(there))
        || (inode(here).is_some() && inode(here) == inode(there))
}

impl App {
    /// What an account covered when it was last seen.
    pub(crate) async fn covered(&self, entry: &Entry) -> Covered {
        // A hub that cannot be read is reported by whoever needs it.
        let state = self.hub.account_state(&entry.account.id).await;
        let state = state.unwrap_or_default();
        Covered {
            entry: entry.clone(),
            identity: state.identity,
            collections: state.collections,
        }
    }

    /// The account that was removed from this place and is remembered still, if one was (S6): the
    /// one of the same scope, else the one that was removed last.
    pub(crate) async fn left_behind(
        &self,
        entry: &Entry,
        identity: &Identity,
    ) -> Result<Option<LeftBehind>, Failure> {
        let failed = |error| say::from_store(&error);
        let summaries = self.hub.summary().await.map_err(failed)?;
        let scope = &entry.account.scope;
        let removed = summaries
            .into_iter()
            .filter(|summary| summary.state.identity.as_ref() == Some(identity))
            .filter_map(|summary| Some((summary.dormant_since?, summary.config?)))
            .filter(|(_, known)| {
                known.kind == entry.account.kind && scopes_meet(&known.scope, scope)
            });
        let Some((_, known)) = removed.max_by_key(|(at, known)| (known.scope == *scope, *at))
        else {
            return Ok(None);
        };
        let tally = self.hub.tally(&known.id, Timestamp::now()).await;
        Ok(Some(LeftBehind {
            pairs: tally.map_err(failed)?.alive.values().sum(),
            id: known.id,
            name: known.name,
        }))
    }

    /// The first account before `entry` in the config that covers the same place.
    pub(crate) async fn twin_of(&self, entry: &Entry) -> Option<&Entry> {
        let alike: Vec<&Entry> = self
            .config
            .accounts
            .iter()
            .take_while(|other| other.account.id != entry.account.id)
            .filter(|other| other.account.kind == entry.account.kind)
            .collect();
        if alike.is_empty() {
            return None;
        }
        let covered = self.covered(entry).await;
        for other in alike {
            if covered.meets(&self.covered(other).await) {
                return Some(other);
            }
        }
        None
    }
}

/// The real file behind a connector, where it is one.
pub(crate) fn file_exists(connector: &AnyConnector) -> Option<bool> {
    match &connector.service {
        AnyService::File(file) => Some(file.exists().unwrap_or(false)),
        AnyService::Taskwarrior(_) | AnyService::Vikunja(_) => None,
    }
}
