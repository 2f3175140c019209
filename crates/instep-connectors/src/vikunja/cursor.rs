//! The place in Vikunja's change feed, which has none: what was last seen, so that what moved
//! shows. Nothing here sends anything; a digest is only ever compared, never trusted.
//!
//! Vikunja stamps changes with whole seconds. A project's `updated` moves with nearly every change
//! in it, so one listing of projects tells where to look. That leaves three holes, closed here:
//!
//! * *Same second.* A change in the second in which we looked leaves `updated` as we saw it. While
//!   any project's `updated` was younger than [`SETTLE_SECS`] by the server's own clock, the mark
//!   keeps the start of the `unsettled` time. The next look then compares the newest tasks with the
//!   digests in `recent`, and the number of all tasks with the number known: an edit in that time
//!   shows as another digest, a new or moved task as an unknown one, a deletion in the number.
//!   When nothing shows and the time is over, that one call was the whole look. It cannot show a
//!   renamed or archived project without tasks; those were not looked at, so that their recorded
//!   `updated` stays, and the next look finds them.
//! * *Late stamps.* A change is stamped before it is committed, and servers of one database differ
//!   in their clocks. What is read when a project moved therefore starts [`OVERLAP_SECS`] before
//!   the last look; tasks in the overlap whose digest did not change are not reported again. After
//!   a flood of changes the overlap shrinks to what one page shows, but not below the unsettled
//!   time: a task that such a flood made shows in the number of tasks anyway.
//! * *Far ends.* A relation moves `updated` at one of its two tasks. The mark knows all relations,
//!   so that the other task is read again when a relation of the first one came or went.
//!
//! A label that is renamed or deleted, and labels that are cleared in bulk, move no `updated` at all,
//! neither of a task nor of a project: only a look at everything shows them.
//!
//! Deletions leave no trace but the number of tasks. The mark holds every id by project; only when
//! the numbers do not meet are the ids of the projects that moved listed.

use std::collections::{BTreeMap, BTreeSet};

use instep_contract::{ConnectorError, Cursor};
use instep_model::{Identity, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::convert::{HAS_PART, HOLDS_UP, PART_OF, WAITS_FOR};
use super::projects::{Node, Projects};
use super::wire;

/// A change stamped less than this before the server answered may not be the last of its second.
pub(super) const SETTLE_SECS: i64 = 2;

/// How long before the last look reading starts, as long as one page shows it all.
pub(super) const OVERLAP_SECS: i64 = 60;

/// Tasks of one page.
pub(super) const PAGE: usize = 1000;

/// Tasks of one page, with room for new ones.
pub(super) const MAX_RECENT: usize = 990;

/// The form of the cursor; any other is looked at from the beginning.
const VERSION: u32 = 1;

/// Everything a look needs of the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    version: u32,
    /// Base address, user and the user's creation (S5).
    pub owner: Owner,
    /// The user's default project.
    pub inbox: i64,
    /// The server's time of the last look at all projects, in Unix seconds.
    pub looked_at: i64,
    /// Reading starts here: `recent` holds every task changed from this second on.
    pub floor: i64,
    /// Changes stamped from this second on may have come after they were looked for.
    pub unsettled: Option<i64>,
    pub projects: BTreeMap<i64, Known>,
    /// Digests of the tasks changed shortly before the last look.
    pub recent: BTreeMap<i64, Seen>,
    pub links: Links,
}

/// Who looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owner {
    pub base: String,
    pub user: i64,
    /// Unix seconds.
    pub created: i64,
}

impl Owner {
    pub(super) fn identity(&self) -> Identity {
        let made = Timestamp::from_second(self.created).unwrap_or(Timestamp::UNIX_EPOCH);
        Identity(format!("{} user {} of {made}", self.base, self.user))
    }
}

/// A project as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub title: String,
    pub parent: i64,
    pub archived: bool,
    /// Unix seconds.
    pub updated: i64,
    /// The tasks in it.
    pub tasks: Ids,
}

/// A task as it was last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    /// Unix seconds.
    pub updated: i64,
    pub digest: u64,
}

/// Relations between tasks, each as (the one that waits or is a part, the other).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Links {
    waits: BTreeSet<(i64, i64)>,
    parts: BTreeSet<(i64, i64)>,
}

impl Links {
    /// Takes over what `task` shows of its relations; answers which other tasks show another
    /// value than before, although they were not changed themselves.
    pub(super) fn take(&mut self, task: &wire::Task) -> BTreeSet<i64> {
        let mut far = swap(&mut self.waits, task, WAITS_FOR, HOLDS_UP);
        far.extend(swap(&mut self.parts, task, PART_OF, HAS_PART));
        far
    }

    pub(super) fn forget(&mut self, id: i64) {
        self.waits.retain(|(near, far)| *near != id && *far != id);
        self.parts.retain(|(near, far)| *near != id && *far != id);
    }
}

fn swap(
    links: &mut BTreeSet<(i64, i64)>,
    task: &wire::Task,
    forward: &str,
    inverse: &str,
) -> BTreeSet<i64> {
    let id = task.id;
    let touching = |(near, far): &(i64, i64)| *near == id || *far == id;
    let before: BTreeSet<_> = links.iter().copied().filter(touching).collect();
    let mut now: BTreeSet<_> = task.related(forward).map(|other| (id, other)).collect();
    now.extend(task.related(inverse).map(|other| (other, id)));
    let far = before
        .symmetric_difference(&now)
        .filter(|(near, _)| *near != id)
        .map(|(near, _)| *near)
        .collect();
    links.retain(|link| !touching(link));
    links.extend(now);
    far
}

/// A set of task numbers, written as ranges: `1-40,52`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) struct Ids(pub BTreeSet<i64>);

impl From<Ids> for String {
    fn from(ids: Ids) -> Self {
        let mut text = String::new();
        let mut ids = ids.0.into_iter().peekable();
        while let Some(first) = ids.next() {
            let mut last = first;
            while let Some(next) = ids.next_if_eq(&(last + 1)) {
                last = next;
            }
            if !text.is_empty() {
                text.push(',');
            }
            text.push_str(&first.to_string());
            if last != first {
                text.push('-');
                text.push_str(&last.to_string());
            }
        }
        text
    }
}

impl TryFrom<String> for Ids {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut ids = BTreeSet::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            ids.extend(first.parse::<i64>()?..=last.parse()?);
        }
        Ok(Self(ids))
    }
}

impl Mark {
    /// A mark that has seen these projects and nothing in them.
    pub(super) fn new(owner: Owner, inbox: i64, looked_at: i64) -> Self {
        Self {
            version: VERSION,
            owner,
            inbox,
            looked_at,
            floor: looked_at - OVERLAP_SECS,
            unsettled: None,
            projects: BTreeMap::new(),
            recent: BTreeMap::new(),
            links: Links::default(),
        }
    }

    pub(super) fn encode(&self) -> Result<Cursor, ConnectorError> {
        serde_json::to_vec(self)
            .map(Cursor)
            .map_err(|error| ConnectorError::Malformed {
                what: error.to_string(),
            })
    }

    pub(super) fn decode(cursor: &Cursor) -> Result<Self, ConnectorError> {
        serde_json::from_slice::<Self>(&cursor.0)
            .ok()
            .filter(|mark| mark.version == VERSION)
            .ok_or(ConnectorError::CursorInvalid)
    }

    pub(super) fn tree(&self) -> Projects {
        let nodes = self.projects.iter().map(|(id, known)| {
            let node = Node {
                title: known.title.clone(),
                parent: known.parent,
                archived: known.archived,
            };
            (*id, node)
        });
        Projects::new(nodes, self.inbox)
    }

    /// How many tasks a listing of all projects that are not archived has to show.
    pub(super) fn visible(&self) -> u64 {
        let open = self.projects.values().filter(|known| !known.archived);
        open.map(|known| known.tasks.0.len() as u64).sum()
    }

    /// Files a task under the project that it lies in now.
    pub(super) fn file(&mut self, task: &wire::Task) {
        for (id, known) in &mut self.projects {
            if *id != task.project_id {
                known.tasks.0.remove(&task.id);
            }
        }
        if let Some(known) = self.projects.get_mut(&task.project_id) {
            known.tasks.0.insert(task.id);
        }
    }

    /// Whether any project knows this task.
    pub(super) fn knows(&self, id: i64) -> bool {
        self.projects
            .values()
            .any(|known| known.tasks.0.contains(&id))
    }

    /// Takes a task out of everything.
    pub(super) fn forget(&mut self, id: i64) {
        for known in self.projects.values_mut() {
            known.tasks.0.remove(&id);
        }
        self.recent.remove(&id);
        self.links.forget(id);
    }

    /// Remembers a task that was changed shortly before the look; answers whether it had been
    /// seen just so.
    pub(super) fn see(&mut self, task: &wire::Task) -> bool {
        let seen = Seen::of(task);
        self.recent.insert(task.id, seen) == Some(seen)
    }

    /// Ends a look at all projects at `looked_at` that read tasks at `date`: what is unsettled,
    /// and which digests the next look needs.
    pub(super) fn finish(&mut self, looked_at: i64, date: i64) {
        let newest = self.projects.values().map(|known| known.updated).max();
        let fresh = newest.is_some_and(|updated| date - updated < SETTLE_SECS);
        self.unsettled = fresh.then_some(date - SETTLE_SECS);
        self.rest(looked_at);
    }

    /// Moves the floor up behind a look at `looked_at`.
    pub(super) fn rest(&mut self, looked_at: i64) {
        self.looked_at = looked_at;
        let settled = looked_at - SETTLE_SECS;
        let latest = self.unsettled.map_or(settled, |from| from.min(settled));
        let mut changes: Vec<i64> = self.recent.values().map(|seen| seen.updated).collect();
        changes.sort_unstable_by(|one, next| next.cmp(one));
        let crowded = changes
            .get(MAX_RECENT)
            .map_or(i64::MIN, |updated| updated + 1);
        // Below the old floor the digests are gone already.
        let wanted = (looked_at - OVERLAP_SECS).max(self.floor);
        self.floor = wanted.max(crowded).min(latest);
        let floor = self.floor;
        self.recent.retain(|_, seen| seen.updated >= floor);
    }

    /// The tasks that a listing must show from second `from` on, newest first.
    pub(super) fn recent_since(&self, from: i64) -> BTreeMap<i64, Seen> {
        let archived: BTreeSet<i64> = self
            .projects
            .values()
            .filter(|known| known.archived)
            .flat_map(|known| known.tasks.0.iter().copied())
            .collect();
        self.recent
            .iter()
            .filter(|(id, seen)| seen.updated >= from && !archived.contains(id))
            .map(|(id, seen)| (*id, *seen))
            .collect()
    }
}

impl Seen {
    pub(super) fn of(task: &wire::Task) -> Self {
        // The text of the whole row: whatever field Vikunja changed shows in it.
        let hash = Sha256::digest(format!("{task:?}").as_bytes());
        let mut digest = [0; 8];
        digest.copy_from_slice(&hash[..8]);
        Self {
            updated: updated(task),
            digest: u64::from_be_bytes(digest),
        }
    }
}

/// When a task last changed, in Unix seconds.
pub(super) fn updated(task: &wire::Task) -> i64 {
    task.updated.map_or(i64::MAX, Timestamp::as_second)
}
