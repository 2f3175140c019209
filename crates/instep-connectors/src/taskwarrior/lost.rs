//! What commands of 2.6 lost to each other: each writes its whole file back as it had read it, and
//! what another one wrote meanwhile is gone from the file, while the journal still holds it. A
//! deletion is in the journal as well, and an undo takes its entry out of it, so that what the
//! journal shows last is what somebody wanted (S32).
//!
//! Pure: the journal and the tasks are handed in, and nothing is put back here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use super::race::changes;
use super::undo::Step;
use super::wire::{Edits, Row, State};

/// How the name of a note begins; the second in which it was written follows.
const NOTE: &str = "annotation_";

/// What the journal tells of one task.
#[derive(Debug)]
pub(super) struct Story {
    /// The task before the first step; `None` where that added it.
    began: Option<Row>,
    /// What became of each property that was touched.
    edits: Edits,
    /// The values that each of them had on the way, its last one included.
    values: BTreeMap<String, BTreeSet<Option<String>>>,
    /// The second of the last step.
    pub(super) last_secs: i64,
}

impl Story {
    /// The stories of all tasks that these steps touched, which are in the order of the journal.
    pub(super) fn all(steps: Vec<Step>) -> HashMap<Uuid, Self> {
        let mut stories: HashMap<Uuid, Self> = HashMap::new();
        for step in steps {
            let story = stories.entry(step.new.uuid).or_insert_with(|| Self {
                began: step.old.clone(),
                edits: Edits::new(),
                values: BTreeMap::new(),
                last_secs: step.at_secs,
            });
            story.take(&step);
        }
        stories
    }

    fn take(&mut self, step: &Step) {
        self.last_secs = step.at_secs;
        let old = step.old.as_ref().map(Row::properties).unwrap_or_default();
        for (key, value) in changes(step.old.as_ref(), &step.new) {
            self.keep_note(&key, value.as_deref(), &old, &step.new);
            let values = self.values.entry(key.clone()).or_default();
            values.insert(old.get(&key).cloned());
            values.insert(value.clone());
            self.edits.insert(key, value);
        }
    }

    /// Two commands that knew nothing of each other name their notes by the same second. The earlier one
    /// stays, under the next second that is free.
    fn keep_note(
        &mut self,
        key: &str,
        value: Option<&str>,
        old: &BTreeMap<String, String>,
        new: &Row,
    ) {
        let (Some(second), Some(value), Some(Some(earlier))) = (
            key.strip_prefix(NOTE),
            value,
            self.edits.get(key).filter(|_| !old.contains_key(key)),
        ) else {
            return;
        };
        let (Ok(second), false) = (second.parse::<i64>(), earlier == value) else {
            return;
        };
        let (earlier, taken) = (earlier.clone(), new.properties());
        let free = (second.saturating_add(1)..)
            .map(|second| format!("{NOTE}{second}"))
            .find(|free| !taken.contains_key(free) && !self.edits.contains_key(free));
        if let Some(free) = free {
            let values = self.values.entry(free.clone()).or_default();
            values.insert(None);
            values.insert(Some(earlier.clone()));
            self.edits.insert(free, Some(earlier));
        }
    }

    /// The task as it has to be, if `now` has lost any of it.
    pub(super) fn restored(&self, uuid: Uuid, now: Option<&Row>, now_secs: i64) -> Option<Row> {
        let row = match now {
            Some(now) => self.over(now),
            None => self.whole(uuid),
        };
        // One that was deleted last was purged: nothing else takes a task away.
        let purged = now.is_none() && row.state == State::Deleted;
        let until = row.times.get("until");
        let stays = !purged && !row.is_template() && until.is_none_or(|at| *at > now_secs);
        Some(row).filter(|row| stays && Some(row) != now)
    }

    /// What stands there, with what it lost. A value that it never had on the way is newer.
    fn over(&self, now: &Row) -> Row {
        let current = now.properties();
        let mut row = now.clone();
        for (key, value) in &self.edits {
            let held = current.get(key);
            let was = |values: &BTreeSet<Option<String>>| values.contains(&held.cloned());
            if held != value.as_ref() && self.values.get(key).is_some_and(was) {
                row.put_property(key, value.as_deref());
            }
        }
        row
    }

    /// The whole task.
    fn whole(&self, uuid: Uuid) -> Row {
        let mut row = self.began.clone().unwrap_or_else(|| Row::empty(uuid));
        for (key, value) in &self.edits {
            row.put_property(key, value.as_deref());
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row, as `key:value` words; `None` for no words.
    fn row(words: &str) -> Option<Row> {
        let mut words = words.split_whitespace().peekable();
        words.peek()?;
        let mut row = Row::empty(Uuid::from_u128(1));
        for (key, value) in words.filter_map(|word| word.split_once(':')) {
            row.put_property(key, Some(value));
        }
        Some(row)
    }

    /// Steps `old > new`, what is there now, and what has to be put back.
    fn check(steps: &[(&str, &str)], now: &str, restored: &str) {
        let steps = steps.iter().map(|(old, new)| Step {
            at_secs: 10,
            old: row(old),
            new: row(new).unwrap(),
        });
        let uuid = Uuid::from_u128(1);
        let story = &Story::all(steps.collect())[&uuid];
        let found = story.restored(uuid, row(now).as_ref(), 1_000);
        assert_eq!(found, row(restored), "{now}");
    }

    #[test]
    fn what_was_lost_is_told_from_what_somebody_did() {
        let task = "description:x status:pending";
        let with = |more: &str| format!("{task} {more}");
        // All of it is there.
        check(&[(task, &with("tag_a:x"))], &with("tag_a:x"), "");
        check(&[("", task)], task, "");
        // An edit, two that did not know each other, and one after another.
        check(&[(task, &with("tag_a:x"))], task, &with("tag_a:x"));
        check(
            &[(task, &with("tag_a:x")), (task, &with("tag_b:x"))],
            &with("tag_b:x"),
            &with("tag_a:x tag_b:x"),
        );
        check(
            &[
                (task, &with("priority:L")),
                (&with("priority:L"), &with("priority:H")),
            ],
            &with("priority:L"),
            &with("priority:H"),
        );
        // What was taken away and came back.
        check(&[(&with("due:5"), task)], &with("due:5"), task);
        check(
            &[(task, "description:x status:deleted end:9")],
            task,
            "description:x status:deleted end:9",
        );
        // A value that nobody of these set is newer.
        check(&[(task, &with("priority:L"))], &with("priority:H"), "");
        // What was added, and edited since; what was deleted may have been purged.
        check(&[("", task)], "", task);
        check(
            &[("", task), (task, &with("tag_a:x"))],
            "",
            &with("tag_a:x"),
        );
        check(&[(task, "description:x status:deleted")], "", "");
        // Two notes of one second that did not know each other, whichever of them is left.
        for left in ["one", "two"] {
            check(
                &[
                    (task, &with("annotation_7:one")),
                    (task, &with("annotation_7:two")),
                ],
                &with(&format!("annotation_7:{left}")),
                &with("annotation_7:two annotation_8:one"),
            );
        }
        // One that was reworded.
        check(
            &[
                (task, &with("annotation_7:one")),
                (&with("annotation_7:one"), &with("annotation_7:two")),
            ],
            &with("annotation_7:two"),
            "",
        );
        // What Taskwarrior takes away by itself, and what it makes itself.
        check(&[("", &with("until:900"))], "", "");
        check(
            &[("", "description:x status:recurring recur:weekly")],
            "",
            "",
        );
    }
}
