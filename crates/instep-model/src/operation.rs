//! One write to a remote: what a plan is made of, and what an outbox remembers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    AnnotationId, Change, CollectionId, Fields, ProjectPath, RemoteId, RemoteNoteId, TaskId,
};

/// A task to be made in a remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The hub task; also its id there, where we choose.
    pub task: TaskId,
    /// The collection to make it in; the inbox if there is none.
    pub collection: Option<CollectionId>,
    /// Everything that travels with the body, in the remote's projection.
    pub fields: Fields,
    /// Notes that travel with the body.
    pub notes: Vec<DraftNote>,
    /// Links that travel with the body.
    pub depends: BTreeSet<RemoteId>,
    /// The parent, where it travels with the body.
    pub parent: Option<RemoteId>,
    /// Markers to carry.
    pub markers: BTreeMap<String, String>,
    /// What an earlier item of this task held beyond the hub's fields (S3).
    pub shadow: Option<String>,
}

/// A note to be written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DraftNote {
    /// The hub's id for it.
    pub id: AnnotationId,
    /// The remote's, if it is there already.
    pub remote: Option<RemoteNoteId>,
    /// When it was made.
    pub at: Timestamp,
    /// Markdown.
    pub text: String,
}

/// What an update changes, and nothing beside it.
///
/// A field whose stored value is neither `from` nor `to` of its change was moved by somebody
/// else meanwhile: the update is refused as stale. Sets are written by element, so that what
/// others added or removed beside ours stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edit {
    /// Fields that move; for tags, only the difference between the two sets is written.
    pub fields: Vec<Change>,
    /// The collection to move to, when the project changed and the service has collections.
    pub collection: Option<CollectionId>,
    /// Notes to add.
    pub add_notes: Vec<DraftNote>,
    /// Notes whose text changes; the remote's id is set.
    pub edit_notes: Vec<DraftNote>,
    /// Notes to remove.
    pub remove_notes: Vec<RemoteNoteId>,
    /// Tasks that now come first.
    pub add_depends: BTreeSet<RemoteId>,
    /// Tasks that no longer come first.
    pub remove_depends: BTreeSet<RemoteId>,
    /// The parent; the inner `None` takes it away.
    pub parent: Option<Option<RemoteId>>,
    /// Markers of ours; `None` takes one away.
    pub markers: BTreeMap<String, Option<String>>,
}

impl Edit {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The kind of a link between two tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link {
    /// The other comes first.
    DependsOn,
    /// This one is a part of the other.
    PartOf,
}

/// One write. Carrying it out is one effect on the remote, so that a crash falls
/// before it or after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Makes a task.
    Create(Draft),
    /// Changes what travels with the body.
    Update {
        /// The task.
        id: RemoteId,
        /// What to change.
        edit: Edit,
    },
    /// Gives a task exactly these tags; only on a task that this pass made (S17).
    SetTags {
        /// The task.
        id: RemoteId,
        /// All its tags.
        tags: BTreeSet<String>,
    },
    /// Adds one tag.
    AddTag {
        /// The task.
        id: RemoteId,
        /// The tag.
        tag: String,
    },
    /// Takes one tag away.
    RemoveTag {
        /// The task.
        id: RemoteId,
        /// The tag.
        tag: String,
    },
    /// Writes a new note.
    AddNote {
        /// The task.
        id: RemoteId,
        /// The note.
        note: DraftNote,
    },
    /// Changes a note's text.
    EditNote {
        /// The task.
        id: RemoteId,
        /// The note, with the remote's id set.
        note: DraftNote,
    },
    /// Removes a note.
    RemoveNote {
        /// The task.
        id: RemoteId,
        /// The hub's id for the note.
        annotation: AnnotationId,
        /// The note.
        note: RemoteNoteId,
    },
    /// Links two tasks.
    AddLink {
        /// The task.
        id: RemoteId,
        /// What the other is to it.
        link: Link,
        /// The other task.
        other: RemoteId,
    },
    /// Unlinks two tasks.
    RemoveLink {
        /// The task.
        id: RemoteId,
        /// What the other is to it.
        link: Link,
        /// The other task.
        other: RemoteId,
    },
    /// Deletes a task.
    Delete {
        /// The task.
        id: RemoteId,
    },
    /// Makes a collection; its parent exists.
    CreateCollection {
        /// Where it shall stand.
        path: ProjectPath,
    },
    /// Makes a tag where tags are things of their own.
    CreateTag {
        /// The tag.
        tag: String,
    },
}

impl Operation {
    /// The remote task that is written, if it exists already.
    pub fn target(&self) -> Option<&RemoteId> {
        match self {
            Self::Create(_) | Self::CreateCollection { .. } | Self::CreateTag { .. } => None,
            Self::Update { id, .. }
            | Self::SetTags { id, .. }
            | Self::AddTag { id, .. }
            | Self::RemoveTag { id, .. }
            | Self::AddNote { id, .. }
            | Self::EditNote { id, .. }
            | Self::RemoveNote { id, .. }
            | Self::AddLink { id, .. }
            | Self::RemoveLink { id, .. }
            | Self::Delete { id } => Some(id),
        }
    }

    /// Whether sending it twice could leave something twice (S13), so that it needs
    /// an outbox entry where the service chooses ids.
    pub fn can_double(&self) -> bool {
        matches!(
            self,
            Self::Create(_)
                | Self::AddNote { .. }
                | Self::CreateCollection { .. }
                | Self::CreateTag { .. }
        )
    }
}
