//! Files of this computer that hold tasks: whoever changes one behind the back of a hook is noticed. A
//! change says no more than that a look is due.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use instep_contract::Connector;
use instep_model::AccountId;
use notify::event::{EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use crate::app::App;
use crate::newest::Newest;

/// The files of each account.
type Files = BTreeMap<PathBuf, BTreeSet<AccountId>>;

/// Files that are watched until this is dropped.
#[derive(Debug)]
pub struct Watch {
    /// However often a file changes, its account is to be looked at once.
    changed: Newest<AccountId, ()>,
    /// Watches for as long as it is there; none where nothing can be watched.
    watcher: Option<RecommendedWatcher>,
}

impl Watch {
    /// The next account whose files changed; `None` where none is watched.
    pub async fn next(&mut self) -> Option<AccountId> {
        self.watcher.as_ref()?;
        let (account, ()) = self.changed.next().await;
        Some(account)
    }
}

impl App {
    /// Watches the files of every account that has some. What cannot be watched is looked at now and
    /// then all the same.
    pub async fn watch(&self) -> Watch {
        let changed = Newest::default();
        let teller = changed.clone();
        let files = self.watched().await;
        let folders: BTreeSet<PathBuf> = files
            .keys()
            .filter_map(|file| file.parent())
            .map(Path::to_owned)
            .collect();
        let tell = move |event: notify::Result<notify::Event>| {
            for account in about(&files, event) {
                teller.tell(account, ());
            }
        };
        let mut watcher = match notify::recommended_watcher(tell) {
            Ok(watcher) => watcher,
            Err(error) => {
                tracing::warn!(%error, "files cannot be watched, and are looked at now and then");
                return Watch {
                    changed,
                    watcher: None,
                };
            }
        };
        for folder in folders {
            if let Err(error) = watcher.watch(&folder, RecursiveMode::NonRecursive) {
                tracing::warn!(%error, "a folder cannot be watched, and is looked at now and then");
            }
        }
        Watch {
            changed,
            watcher: Some(watcher),
        }
    }

    async fn watched(&self) -> Files {
        let mut files = Files::new();
        for entry in &self.config.accounts {
            let Ok(mut connector) = self.connector(entry).await else {
                continue;
            };
            if connector.is_local() && connector.identity().await.is_ok() {
                for file in connector.watched() {
                    let accounts = files.entry(file).or_default();
                    accounts.insert(entry.account.id.clone());
                }
            }
            self.keep(entry, connector, None);
        }
        files
    }
}

/// Whose files an event is about. Reading is none, and where events were lost every account is.
fn about(files: &Files, event: notify::Result<notify::Event>) -> BTreeSet<AccountId> {
    let everybody = || files.values().flatten().cloned().collect();
    let Ok(event) = event else {
        return everybody();
    };
    if event.need_rescan() {
        return everybody();
    }
    let reads = matches!(
        event.kind,
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_))
    );
    if reads {
        return BTreeSet::new();
    }
    let named = event.paths.iter().filter_map(|path| files.get(path));
    named.flatten().cloned().collect()
}
