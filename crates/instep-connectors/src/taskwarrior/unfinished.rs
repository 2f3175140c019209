//! Edits that an import took back and that were not put back, because the program ended between
//! the two. The journals hold what was set, but not by whom: an import shows by what it does, which
//! is to set something and to take back, in the same breath, all that was set in the seconds before.
//!
//! Pure, and asked only about what was set since a write of ours began, in tasks that it may have
//! written: what we take back on purpose was set before.

use std::collections::BTreeMap;

use super::wire::Edits;

/// How much earlier than an import an edit can have been made that it did not know, with journals
/// that tell whole seconds.
const UNKNOWN_SECS: i64 = 2;
/// What Taskwarrior takes back by itself, when a task that was begun is done.
const BY_ITSELF: &str = "start";

/// What one command set in one task.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) at_secs: i64,
    /// Each property before and after it.
    pub(super) sets: BTreeMap<String, Set>,
}

/// A property before and after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Set {
    pub(super) old: Option<String>,
    pub(super) new: Option<String>,
}

impl Command {
    /// What turned the properties `old` into `new`.
    pub(super) fn between(
        at_secs: i64,
        old: &BTreeMap<String, String>,
        new: &BTreeMap<String, String>,
    ) -> Self {
        let set = |key: &String| Set {
            old: old.get(key).cloned(),
            new: new.get(key).cloned(),
        };
        let keys = old.keys().chain(new.keys());
        let sets = keys.map(|key| (key.clone(), set(key)));
        Self {
            at_secs,
            sets: sets.filter(|(_, set)| set.old != set.new).collect(),
        }
    }

    /// What has to be set again if this took all of `edits` back and did something of its own.
    fn took_back(&self, edits: &BTreeMap<String, Set>) -> Option<Edits> {
        let went = |key: &String| self.sets.get(key).map(|set| &set.new);
        let undid = |(key, edit): (&String, &Set)| went(key).is_some_and(|new| *new != edit.new);
        let restored = |(key, edit): (&String, &Set)| {
            key != BY_ITSELF && went(key).is_some_and(|new| *new == edit.old)
        };
        let own =
            |(key, set): (&String, &Set)| edits.get(key).is_none_or(|edit| set.new != edit.old);
        let found =
            edits.iter().all(undid) && edits.iter().any(restored) && self.sets.iter().any(own);
        if !found {
            return None;
        }
        let mut again: Edits = edits
            .iter()
            .map(|(key, edit)| (key.clone(), edit.new.clone()))
            .collect();
        let deleted = |set: &&Set| set.new.as_deref() == Some("deleted");
        if let Some(alive) = self.sets.get("status").filter(deleted)
            && !again.contains_key("status")
        {
            // An edit beats a deletion that did not know it.
            again.insert("status".to_owned(), alive.old.clone());
            let end = self.sets.get("end").and_then(|end| end.old.clone());
            again.insert("end".to_owned(), end);
        }
        Some(again)
    }
}

/// What has to be set again in a task that these commands wrote to, oldest first.
pub(super) fn taken_back(commands: &[Command]) -> Option<Edits> {
    for (at, import) in commands.iter().enumerate().rev() {
        let near = |command: &Command| command.at_secs >= import.at_secs - UNKNOWN_SECS;
        let before = &commands[..at];
        let first = before.iter().rposition(|command| !near(command));
        for first in first.map_or(0, |far| far + 1)..at {
            let Some(mut again) = import.took_back(&together(&commands[first..at])) else {
                continue;
            };
            // What was set since is newer.
            again.retain(|key, _| {
                let since = &commands[at + 1..];
                !since.iter().any(|command| command.sets.contains_key(key))
            });
            return Some(again).filter(|again| !again.is_empty());
        }
    }
    None
}

/// What all of these made of each property.
fn together(commands: &[Command]) -> BTreeMap<String, Set> {
    let mut all: BTreeMap<String, Set> = BTreeMap::new();
    for (key, set) in commands.iter().flat_map(|command| &command.sets) {
        let whole = all.entry(key.clone()).or_insert_with(|| set.clone());
        whole.new.clone_from(&set.new);
    }
    all.retain(|_, set| set.old != set.new);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One command: when it ran, and what it set, as `key:old>new`, with nothing for none.
    fn command(at_secs: i64, sets: &str) -> Command {
        let value = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let set = |text: &str| {
            let (key, values) = text.split_once(':').unwrap();
            let (old, new) = values.split_once('>').unwrap();
            let set = Set {
                old: value(old),
                new: value(new),
            };
            (key.to_owned(), set)
        };
        Command {
            at_secs,
            sets: sets.split_whitespace().map(set).collect(),
        }
    }

    fn check(commands: &[(i64, &str)], again: &str) {
        let told: Vec<Command> = commands
            .iter()
            .map(|(at_secs, sets)| command(*at_secs, sets))
            .collect();
        let found = taken_back(&told).unwrap_or_default();
        let found: Vec<String> = found
            .iter()
            .map(|(key, value)| format!("{key}:{}", value.as_deref().unwrap_or_default()))
            .collect();
        assert_eq!(found.join(" "), again, "{commands:?}");
    }

    #[test]
    fn what_an_import_took_back_is_told_from_what_a_person_did() {
        // An edit, and an import of a due date that did not know it.
        check(
            &[(10, "priority:>H"), (10, "priority:H> due:>7")],
            "priority:H",
        );
        check(
            &[
                (9, "tag_a:>x"),
                (10, "tag_b:>x"),
                (11, "tag_a:x> tag_b:x> due:>7"),
            ],
            "tag_a:x tag_b:x",
        );
        // One that was made before the import read the task stays, and one is of the same thing.
        check(
            &[(9, "tag_a:>x"), (10, "tag_b:>x"), (10, "tag_b:x> due:>7")],
            "tag_b:x",
        );
        check(
            &[(10, "priority:>H due:>6"), (10, "priority:H> due:6>7")],
            "due:6 priority:H",
        );
        // A deletion that did not know it.
        check(
            &[
                (10, "priority:>H"),
                (11, "priority:H> status:pending>deleted end:>11"),
            ],
            "end: priority:H status:pending",
        );
        // It was done, which the import did not know.
        check(
            &[
                (10, "status:pending>completed end:>10"),
                (10, "status:completed>pending end:10> due:>7"),
            ],
            "end:10 status:completed",
        );
        // Put back already, or set to something else since.
        check(
            &[
                (10, "priority:>H"),
                (10, "priority:H> due:>7"),
                (11, "priority:>H"),
            ],
            "",
        );
        check(
            &[
                (10, "tag_a:>x tag_b:>x"),
                (10, "tag_a:x> tag_b:x> due:>7"),
                (30, "tag_a:>x"),
            ],
            "tag_b:x",
        );
        // A person who took it back, at once or later, or went on.
        check(&[(10, "priority:>H"), (11, "priority:H>")], "");
        check(&[(10, "priority:>H"), (20, "priority:H> due:>7")], "");
        check(&[(10, "priority:>H"), (10, "due:>7")], "");
        check(
            &[
                (10, "start:>10"),
                (11, "start:10> status:pending>completed end:>11"),
            ],
            "",
        );
        check(&[], "");
    }
}
