//! What one reading of the file says, compared with a cursor: what changed, what is gone, and
//! what cannot be said. Nothing is read or written here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use instep_contract::{Look, Observation};
use instep_model::{Evidence, Gone, Identity, RemoteId, RemoteTask, Timestamp};

use super::client::Seen;
use super::cursor::{Look as FileLook, Place, TaskDigest, digest};
use super::notice::{LeftAlone, Notice};

/// What one reading of the file says, compared with a cursor.
pub(super) struct Report {
    tasks: Vec<RemoteTask>,
    gone: Vec<RemoteId>,
    complete: bool,
    place: Place,
    /// Given ids that cursors tell of from now on.
    pub(super) forgotten: BTreeSet<String>,
    /// Ids that we took out and that nobody has to be told of any more.
    pub(super) settled: BTreeSet<String>,
    pub(super) news: Vec<Notice>,
}

impl Report {
    pub(super) fn of(seen: &Seen, since: Option<&Place>, look: Look) -> Self {
        let changed_at = seen.look.as_ref().and_then(changed_at);
        let alone = seen.document.left_alone();
        let before: BTreeMap<_, _> = since.map(|place| place.known.clone()).unwrap_or_default();
        let everything = since.is_none() || look == Look::Everything;
        let mut known = BTreeMap::new();
        let mut tasks = Vec::new();
        for task in seen.document.tasks() {
            let digest = digest(&task);
            if everything || before.get(&task.id) != Some(&digest) {
                tasks.push(RemoteTask {
                    changed_at,
                    ..task.clone()
                });
            }
            known.insert(task.id, digest);
        }
        for id in alone.iter().filter_map(|entry| entry.id.as_ref()) {
            if let Some(digest) = before.get(id) {
                known.insert(id.clone(), *digest);
            }
        }
        let told: BTreeSet<&str> = since
            .map(|place| place.told.iter().map(RemoteId::as_str).collect())
            .unwrap_or_default();
        let forgotten: BTreeSet<String> = seen
            .ledger
            .created
            .iter()
            .filter(|id| {
                told.contains(id.as_str()) || before.contains_key(&RemoteId::new(id.as_str()))
            })
            .cloned()
            .collect();
        let mut report = Self {
            tasks,
            gone: Vec::new(),
            complete: everything && alone.is_empty(),
            place: Place {
                look: seen.look,
                settled: seen.settled && !seen.behind,
                identity: String::new(),
                highest: 0,
                known,
                told: Vec::new(),
            },
            forgotten,
            settled: BTreeSet::new(),
            news: Vec::new(),
        };
        // One that is there again is somebody else's; one that the cursor does not know was told.
        let deleted = seen.ledger.deleted.iter();
        let is_over = |id: &&String| {
            let id = RemoteId::new(id.as_str());
            report.place.known.contains_key(&id) || since.is_some() && !before.contains_key(&id)
        };
        report.settled = deleted.filter(is_over).cloned().collect();
        report.missing(seen, &before, &alone);
        report
    }

    /// Works out what is gone; an entry whose id cannot be read may be any of it.
    fn missing(
        &mut self,
        seen: &Seen,
        before: &BTreeMap<RemoteId, TaskDigest>,
        alone: &[LeftAlone],
    ) {
        let given = seen.ledger.created.iter();
        let given = given
            .filter(|id| !self.forgotten.contains(*id))
            .map(RemoteId::new);
        let given: BTreeSet<RemoteId> = given.collect();
        let is_alone = |id: &RemoteId| alone.iter().any(|entry| entry.id.as_ref() == Some(id));
        let missing: BTreeSet<RemoteId> = before
            .keys()
            .chain(&given)
            .filter(|id| !self.place.known.contains_key(*id) && !is_alone(id))
            .cloned()
            .collect();
        // What we took out ourselves is gone for certain.
        let certain = |id: &RemoteId| seen.ledger.deleted.contains(id.as_str());
        let doubtful = alone.iter().any(|entry| entry.id.is_none());
        let (gone, waiting): (BTreeSet<_>, BTreeSet<_>) =
            missing.into_iter().partition(|id| !doubtful || certain(id));
        if !waiting.is_empty() {
            self.news.push(Notice::DeletionsWait {
                path: PathBuf::new(),
                missing: waiting.len(),
            });
        }
        for id in waiting {
            if let Some(digest) = before.get(&id) {
                self.place.known.insert(id, *digest);
            }
        }
        self.place.told = gone.intersection(&given).cloned().collect();
        self.gone = gone.into_iter().collect();
        let left_alone = alone.iter().map(|entry| Notice::LeftAlone {
            path: PathBuf::new(),
            entry: entry.clone(),
        });
        self.news.extend(left_alone);
    }

    /// Says in every piece of news which file it is about.
    pub(super) fn name_file(&mut self, file: &Path) {
        for notice in &mut self.news {
            if let Notice::LeftAlone { path, .. } | Notice::DeletionsWait { path, .. } = notice {
                file.clone_into(path);
            }
        }
    }

    pub(super) fn into_observation(mut self, identity: Identity, highest: i64) -> Observation {
        self.place.identity.clone_from(&identity.0);
        self.place.highest = highest;
        let unlisted = |id| Gone {
            id,
            evidence: Evidence::Unlisted,
            at: None,
            last: None,
        };
        Observation {
            identity,
            tasks: self.tasks,
            gone: self.gone.into_iter().map(unlisted).collect(),
            collections: None,
            complete: self.complete,
            known_as: None,
            went_back: false,
            cursor: self.place.encode(),
        }
    }
}

/// The last write of the file: no later than the look, no earlier than any edit in it (S18).
pub(super) fn changed_at(look: &FileLook) -> Option<Timestamp> {
    Timestamp::from_nanosecond(look.mtime_ns).ok()
}
