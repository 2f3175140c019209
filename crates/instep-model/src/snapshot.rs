//! A remote as it was observed, in the remote's own ids.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{CollectionId, Fields, ProjectPath, RemoteId, RemoteNoteId};

/// One task as a remote holds it.
///
/// `fields` never holds annotations, depends or parent: those carry the remote's own ids
/// and stand beside it until the engine has found the hub's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteTask {
    /// The remote's id.
    pub id: RemoteId,
    /// The collection it lies in, where there are any.
    pub collection: Option<CollectionId>,
    /// Values in canonical form, as coarse as the remote holds them.
    pub fields: Fields,
    /// Notes or comments.
    pub notes: Vec<RemoteNote>,
    /// Tasks that come first.
    pub depends: BTreeSet<RemoteId>,
    /// The task this is a part of.
    pub parent: Option<RemoteId>,
    /// Markers of ours that it carries: name to remote id.
    pub markers: BTreeMap<String, String>,
    /// When it was last changed, by the remote's own time corrected to ours (S18).
    pub changed_at: Option<Timestamp>,
    /// The remote's version of it, where it has one.
    pub revision: Option<String>,
    /// What the hub has no field for, opaque to everyone but the connector (S3).
    pub shadow: Option<String>,
    /// When it was made, by the remote's own clock, where the remote may give one id out twice: after
    /// an older copy of it was put back, the id can be another item's.
    pub born: Option<Timestamp>,
}

impl RemoteTask {
    /// A task with nothing but an id and fields.
    pub fn new(id: RemoteId, fields: Fields) -> Self {
        Self {
            id,
            collection: None,
            fields,
            notes: Vec::new(),
            depends: BTreeSet::new(),
            parent: None,
            markers: BTreeMap::new(),
            changed_at: None,
            revision: None,
            shadow: None,
            born: None,
        }
    }

    /// Whether both hold the same for a person: everything but times, revision and shadow.
    pub fn same_content(&self, other: &Self) -> bool {
        self.collection == other.collection
            && self.fields == other.fields
            && self.notes == other.notes
            && self.depends == other.depends
            && self.parent == other.parent
            && self.markers == other.markers
    }
}

/// One note of a remote task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RemoteNote {
    /// The remote's id for it.
    pub id: RemoteNoteId,
    /// When it was made.
    pub at: Timestamp,
    /// Markdown.
    pub text: String,
}

/// Why a task is known to be gone (I6). There is no value for "it was not in the answer".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// The remote says so: a deleted flag, a tombstone.
    Flagged,
    /// Asked for by id, it was not found while its collection answers.
    NotFound,
    /// Missing from a complete, unfiltered listing of the same collection of the same identity.
    Unlisted,
}

/// A task that is known to be gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Its id.
    pub id: RemoteId,
    /// How that is known.
    pub evidence: Evidence,
    /// When it was deleted, where the remote tells.
    pub at: Option<Timestamp>,
    /// What its last state held, where the remote still shows it (a deleted row).
    pub last: Option<RemoteTask>,
}

/// A container of tasks as observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// The remote's id for it.
    pub id: CollectionId,
    /// Where it stands in the tree; `None` for the inbox, which is no project (S20).
    pub path: Option<ProjectPath>,
    /// Whether it refuses writes because it is archived.
    pub archived: bool,
}
