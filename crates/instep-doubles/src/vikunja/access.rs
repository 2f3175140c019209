//! Who may do what on a project: ownership, shares, inheritance, archiving. Nothing is answered
//! here; handlers turn these facts into refusals.

use super::refusal::Refusal;
use super::state::{Project, Right, State};

/// How deep projects may nest before the walk up gives in.
const MAX_DEPTH: usize = 64;

impl State {
    /// A project and its ancestors, nearest first.
    pub(crate) fn lineage(&self, id: i64) -> impl Iterator<Item = &Project> {
        let start = self.projects.get(&id);
        std::iter::successors(start, |project| self.projects.get(&project.parent)).take(MAX_DEPTH)
    }

    /// The right a user has on a project, its own or inherited; `None` for no access.
    pub(crate) fn right(&self, user: i64, project: i64) -> Option<Right> {
        self.lineage(project)
            .filter_map(|project| {
                if project.owner == user {
                    return Some(Right::Admin);
                }
                project.shares.get(&user).copied()
            })
            .max()
    }

    /// Whether a project or one of its ancestors is archived.
    pub(crate) fn is_archived(&self, project: i64) -> bool {
        self.lineage(project).any(|project| project.is_archived)
    }

    /// A project the user may read.
    pub(crate) fn readable_project(&self, user: i64, id: i64) -> Result<&Project, Refusal> {
        let project = self.projects.get(&id).ok_or_else(Refusal::no_project)?;
        match self.right(user, id) {
            Some(_) => Ok(project),
            None => Err(Refusal::unreadable()),
        }
    }

    /// Checks that the user may change things in a project and that it is not archived.
    pub(crate) fn check_writable(&self, user: i64, id: i64) -> Result<(), Refusal> {
        if !self.projects.contains_key(&id) {
            return Err(Refusal::no_project());
        }
        if self.is_archived(id) {
            return Err(Refusal::archived());
        }
        match self.right(user, id) {
            Some(right) if right >= Right::Write => Ok(()),
            _ => Err(Refusal::forbidden()),
        }
    }

    /// Checks that a task exists and the user may read it.
    pub(crate) fn check_task_readable(&self, user: i64, id: i64) -> Result<(), Refusal> {
        let task = self.live_task(id).ok_or_else(Refusal::no_task)?;
        match self.right(user, task.project) {
            Some(_) => Ok(()),
            None => Err(Refusal::unreadable()),
        }
    }

    /// Checks that a task exists and the user may change it.
    pub(crate) fn check_task_writable(&self, user: i64, id: i64) -> Result<(), Refusal> {
        let task = self.live_task(id).ok_or_else(Refusal::no_task)?;
        self.check_writable(user, task.project)
    }

    /// Ids of the projects a user can read, archived ones only when asked for.
    pub(crate) fn readable_projects(&self, user: i64, archived: bool) -> Vec<i64> {
        let ids = self.projects.keys().copied();
        ids.filter(|id| archived || !self.is_archived(*id))
            .filter(|id| self.right(user, *id).is_some())
            .collect()
    }
}
