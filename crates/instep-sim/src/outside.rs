//! Items that are none of their account's (S27): what people do to them concerns nobody else.

use std::collections::BTreeSet;

use instep_model::{Field, Fields, Mapping, MappingState, Scope, Value};

use crate::ledger::{Key, Outside, Slot, numbers, read_title, texts};
use crate::setting::AWAY;
use crate::shown::{Body, Shown};
use crate::stage::Stage;

impl Stage {
    /// How surely what happens to this item is not heard.
    pub(crate) fn outside(&self, shown: &Shown) -> Option<Outside> {
        let (pair, left) = self.standing(shown)?;
        let Body::Remote(_, item) = &shown.body else {
            return None;
        };
        let noted = pair.state == MappingState::OutOfScope;
        // What moved since the hub looked last may take it out or bring it back, and so may a
        // disaster.
        let shifted = self.ledger.shifted.get(&shown.key).copied();
        let shifting = shifted.is_some_and(|at| at >= self.ledger.settled);
        if !left && !noted && !shifting {
            return None;
        }
        // Where it was moved while it was outside, one more edit may win that over the hub's.
        let moved = [Field::Project, Field::Tags].into_iter().any(|field| {
            let (agreed, shown) = (pair.base.fields.get(field), item.fields.get(field));
            agreed != shown && moves_scope(&pair.base.fields, field, shown)
        });
        let moving = shifting || moved || self.recovering;
        let sure = left && noted && !moving && !self.ledger.fluid.contains(&shown.key);
        Some(if sure {
            Outside::Surely
        } else {
            Outside::Perhaps
        })
    }

    /// Whether this item is none of its account's, as far as the hub has heard.
    pub(crate) fn is_outside(&self, shown: &Shown) -> bool {
        self.standing(shown)
            .is_some_and(|(pair, left)| left || pair.state == MappingState::OutOfScope)
    }

    /// The pair of an item whose account is limited, and whether the hub's task has left the scope.
    fn standing(&self, shown: &Shown) -> Option<(Mapping, bool)> {
        let Body::Remote(remote, item) = &shown.body else {
            return None;
        };
        let scope = &self.accounts[*remote].scope;
        if *scope == Scope::default() {
            return None;
        }
        let account = &self.accounts[*remote].id;
        let pairs = self.store.all_mappings();
        let mut own = pairs
            .into_iter()
            .filter(|pair| pair.account == *account && pair.remote.as_ref() == Some(&item.id));
        let pair = own.next()?;
        let tasks = self.store.all_tasks();
        let mut own = tasks.iter().filter(|task| task.id == pair.task);
        let left = own.any(|task| !scope.admits(&task.fields));
        Some((pair, left))
    }

    /// Every value of a task that any place shows.
    pub(crate) fn values_of(&self, key: Key) -> BTreeSet<(Slot, u32)> {
        let is_its = |title: &str| read_title(title).is_some_and(|(one, _)| one == key);
        let mut values = BTreeSet::new();
        for task in self.store.all_tasks() {
            if is_its(task.fields.title()) {
                let notes = task.fields.annotations();
                values.extend(numbers(
                    &task.fields,
                    notes.values().map(|note| note.text.as_str()),
                ));
            }
        }
        for remote in &self.remotes {
            remote.for_each(|task| {
                if is_its(task.fields.title()) {
                    values.extend(numbers(&task.fields, texts(&task.notes)));
                }
            });
        }
        values
    }
}

/// Whether this edit may put a task in or out of an account's scope.
pub(crate) fn moves_scope(before: &Fields, field: Field, value: Option<&Value>) -> bool {
    let is_away = |value: Option<&Value>| match value {
        Some(Value::Tags(tags)) => tags.contains(AWAY),
        _ => false,
    };
    match field {
        Field::Project => true,
        Field::Tags => is_away(before.get(Field::Tags)) != is_away(value),
        _ => false,
    }
}
