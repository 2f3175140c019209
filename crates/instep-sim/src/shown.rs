//! What people see of tasks, place by place, and which one they pick.

use std::collections::BTreeSet;

use instep_model::{Fields, RemoteTask, Task};

use crate::ledger::{Key, Place, Slot, numbers, read_title, texts};
use crate::schedule::LAST;
use crate::stage::Stage;

/// A task as one place shows it.
pub(crate) struct Shown {
    pub(crate) key: Key,
    pub(crate) body: Body,
}

pub(crate) enum Body {
    Hub(Task),
    Remote(usize, RemoteTask),
}

impl Shown {
    pub(crate) fn place(&self) -> Place {
        match &self.body {
            Body::Hub(_) => Place::Hub,
            Body::Remote(remote, _) => Place::Remote(*remote),
        }
    }

    pub(crate) fn fields(&self) -> &Fields {
        match &self.body {
            Body::Hub(task) => &task.fields,
            Body::Remote(_, task) => &task.fields,
        }
    }

    pub(crate) fn numbers(&self) -> BTreeSet<(Slot, u32)> {
        match &self.body {
            Body::Hub(task) => {
                let notes = task.fields.annotations();
                numbers(&task.fields, notes.values().map(|note| note.text.as_str()))
            }
            Body::Remote(_, task) => numbers(&task.fields, texts(&task.notes)),
        }
    }
}

impl Stage {
    /// The task that a person picks in a place.
    pub(crate) fn task_of(&self, place: Place, pick: u64) -> Option<Shown> {
        let hot = self.ledger.last.filter(|_| pick >= LAST);
        let shown = self.all_shown(place);
        let at = match shown.iter().position(|one| Some(one.key) == hot) {
            Some(at) => at,
            None => index(low(pick), shown.len())?,
        };
        shown.into_iter().nth(at)
    }

    /// What is shown to a person in a place.
    pub(crate) fn all_shown(&self, place: Place) -> Vec<Shown> {
        match place {
            Place::Hub => {
                let tasks = self.store.all_tasks();
                let alive = tasks.into_iter().filter(Task::is_alive);
                alive
                    .filter_map(|task| {
                        let (key, _) = read_title(task.fields.title())?;
                        let body = Body::Hub(task);
                        Some(Shown { key, body })
                    })
                    .collect()
            }
            Place::Remote(remote) => {
                let tasks = self.remotes[remote].tasks();
                tasks
                    .into_iter()
                    .filter_map(|task| {
                        let (key, _) = read_title(task.fields.title())?;
                        let body = Body::Remote(remote, task);
                        Some(Shown { key, body })
                    })
                    .collect()
            }
        }
    }
}

/// The number in a pick.
pub(crate) fn low(pick: u64) -> u32 {
    u32::try_from(pick % LAST).unwrap_or_default()
}

pub(crate) fn index(pick: u32, len: usize) -> Option<usize> {
    let len = u32::try_from(len).ok().filter(|len| *len > 0)?;
    usize::try_from(pick % len).ok()
}
