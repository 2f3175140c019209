//! How the projects differ from those of the last look, from which it follows what has to be read. Nothing
//! is read here.

use std::collections::BTreeSet;

use instep_model::Timestamp;

use super::cursor::{Ids, Known, Mark};
use super::wire;

/// How the projects differ from those of the last look.
#[derive(Default)]
pub(super) struct Moves {
    /// Moved, listed before, not archived.
    pub(super) open: BTreeSet<i64>,
    /// Moved or just archived: only its own listing shows its tasks.
    pub(super) archived: BTreeSet<i64>,
    /// Not listed before, and older than what the newest tasks show.
    pub(super) unknown: BTreeSet<i64>,
    /// Listed before, and not any more.
    pub(super) vanished: BTreeSet<i64>,
    /// Whether the tree of projects looks different.
    pub(super) tree: bool,
}

impl Moves {
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
            && self.archived.is_empty()
            && self.unknown.is_empty()
            && self.vanished.is_empty()
            && !self.tree
    }
}

/// The next mark before anything was read: today's projects with yesterday's tasks.
pub(super) fn carried_over(mark: &Mark, projects: &[wire::Project]) -> Mark {
    let mut next = mark.clone();
    next.projects = projects
        .iter()
        .map(|project| {
            let tasks = mark
                .projects
                .get(&project.id)
                .map(|known| known.tasks.clone());
            (project.id, known(project, tasks.unwrap_or_default()))
        })
        .collect();
    next
}

/// What is remembered of a project that holds these tasks.
pub(super) fn known(project: &wire::Project, tasks: Ids) -> Known {
    Known {
        title: project.title.clone(),
        parent: project.parent_project_id,
        archived: project.is_archived,
        updated: project.updated.map_or(0, Timestamp::as_second),
        tasks,
    }
}

/// What moved since the last look.
pub(super) fn compare(mark: &Mark, projects: &[wire::Project]) -> Moves {
    let mut moves = Moves::default();
    for project in projects {
        let now = known(project, Ids::default());
        let Some(before) = mark.projects.get(&project.id) else {
            moves.tree = true;
            let made = project.created.map_or(0, Timestamp::as_second);
            // All tasks of a project that was just made are new themselves.
            if project.is_archived || made < mark.floor {
                moves.unknown.insert(project.id);
            } else {
                moves.open.insert(project.id);
            }
            continue;
        };
        moves.tree |= before.title != now.title
            || before.parent != now.parent
            || before.archived != now.archived;
        let moved = before.updated != now.updated;
        if now.archived && (moved || !before.archived) {
            moves.archived.insert(project.id);
        } else if !now.archived && (moved || before.archived) {
            moves.open.insert(project.id);
        }
    }
    let listed: BTreeSet<i64> = projects.iter().map(|project| project.id).collect();
    let known = mark.projects.keys().copied();
    moves.vanished = known.filter(|id| !listed.contains(id)).collect();
    moves.tree |= !moves.vanished.is_empty();
    moves
}
