//! Edits that an import took back and that were not put back, because the program ended between
//! the two. The journals hold what was set, but not by whom: an import shows by what it does, which
//! is to set what was sent and to take back, in the same breath, all that was set in the seconds
//! before.
//!
//! Pure, and asked only about what was set since a write of ours began, in tasks that it may have
//! written: what we take back on purpose was set before.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::scan::Digest;
use super::wire::Edits;

/// How much earlier than an import an edit can have been made that it did not know, with journals
/// that tell whole seconds.
const UNKNOWN_SECS: i64 = 2;
/// What Taskwarrior takes back by itself, when a task that was begun is done.
const BY_ITSELF: &str = "start";

/// What writes of ours were to set in one task: enough to know it again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sent(BTreeSet<u64>);

impl Sent {
    pub(super) fn add(&mut self, edits: &Edits) {
        let digests = edits
            .iter()
            .map(|(key, value)| digest(key, value.as_deref()));
        self.0.extend(digests);
    }

    /// Whether this command set any of it.
    fn is_in(&self, command: &Command) -> bool {
        let holds = |(key, set): (&String, &Set)| self.0.contains(&digest(key, set.new.as_deref()));
        command.sets.iter().any(holds)
    }
}

fn digest(key: &str, value: Option<&str>) -> u64 {
    let mut digest = Digest::default();
    digest.attribute(key.as_bytes(), value.unwrap_or_default().as_bytes());
    digest.finish()
}

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

/// What has to be set again in a task that these commands wrote to, oldest first, where ours were to
/// set what was `sent`. A person who takes back what we wrote does not set it.
pub(super) fn taken_back(commands: &[Command], sent: &Sent) -> Option<Edits> {
    let mut again = Edits::new();
    for (at, command) in commands.iter().enumerate() {
        let puts_back = |(key, set): (&String, &Set)| again.get(key) == Some(&set.new);
        let is_ours = command.sets.iter().any(puts_back) || sent.is_in(command);
        // What was set since is newer.
        again.retain(|key, _| !command.sets.contains_key(key));
        if !is_ours {
            continue;
        }
        let is_far = |earlier: &Command| earlier.at_secs < command.at_secs - UNKNOWN_SECS;
        let far = commands[..at].iter().rposition(is_far);
        let firsts = far.map_or(0, |far| far + 1)..at;
        let mut found = firsts.map(|first| command.took_back(&together(&commands[first..at])));
        again.extend(found.find_map(|edits| edits).unwrap_or_default());
    }
    Some(again).filter(|again| !again.is_empty())
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

    /// What has to be set again after these commands, of which ours were to set what was `sent`.
    fn check(commands: &[(i64, &str)], sent: &str, again: &str) {
        let told: Vec<Command> = commands
            .iter()
            .map(|(at_secs, sets)| command(*at_secs, sets))
            .collect();
        let of_ours = command(0, sent).sets.into_iter();
        let of_ours: Edits = of_ours.map(|(key, set)| (key, set.new)).collect();
        let mut sent = Sent::default();
        sent.add(&of_ours);
        let found = taken_back(&told, &sent).unwrap_or_default();
        let found: Vec<String> = found
            .iter()
            .map(|(key, value)| format!("{key}:{}", value.as_deref().unwrap_or_default()))
            .collect();
        assert_eq!(found.join(" "), again, "{commands:?}");
    }

    #[test]
    fn what_an_import_took_back_is_told_from_what_a_person_did() {
        let due = "due:>7";
        // An edit, and an import of a due date that did not know it.
        check(
            &[(10, "priority:>H"), (10, "priority:H> due:>7")],
            due,
            "priority:H",
        );
        check(
            &[
                (9, "tag_a:>x"),
                (10, "tag_b:>x"),
                (11, "tag_a:x> tag_b:x> due:>7"),
            ],
            due,
            "tag_a:x tag_b:x",
        );
        // One that was made before the import read the task stays, and one is of the same thing.
        check(
            &[(9, "tag_a:>x"), (10, "tag_b:>x"), (10, "tag_b:x> due:>7")],
            due,
            "tag_b:x",
        );
        check(
            &[(10, "priority:>H due:>6"), (10, "priority:H> due:6>7")],
            due,
            "due:6 priority:H",
        );
        // A deletion that did not know it.
        check(
            &[
                (10, "priority:>H"),
                (11, "priority:H> status:pending>deleted end:>11"),
            ],
            "status:>deleted",
            "end: priority:H status:pending",
        );
        // It was done, which the import did not know.
        check(
            &[
                (10, "status:pending>completed end:>10"),
                (10, "status:completed>pending end:10> due:>7"),
            ],
            due,
            "end:10 status:completed",
        );
    }

    #[test]
    fn what_was_put_back_or_set_since_is_left_out() {
        let due = "due:>7";
        // Put back already, or set to something else since.
        check(
            &[
                (10, "priority:>H"),
                (10, "priority:H> due:>7"),
                (11, "priority:>H"),
            ],
            due,
            "",
        );
        check(
            &[
                (10, "tag_a:>x tag_b:>x"),
                (10, "tag_a:x> tag_b:x> due:>7"),
                (30, "tag_a:>x"),
            ],
            due,
            "tag_b:x",
        );
        // What was put back took something back as well.
        check(
            &[
                (10, "priority:>H"),
                (10, "priority:H> due:>7"),
                (11, "tag_a:>x"),
                (11, "tag_a:x> priority:>H"),
            ],
            due,
            "tag_a:x",
        );
    }

    #[test]
    fn what_a_person_takes_back_is_left_so() {
        let due = "due:>7";
        // At once or later, or going on.
        check(&[(10, "priority:>H"), (11, "priority:H>")], due, "");
        check(&[(10, "priority:>H"), (20, "priority:H> due:>7")], due, "");
        check(&[(10, "priority:>H"), (10, "due:>7")], due, "");
        check(
            &[
                (10, "start:>10"),
                (11, "start:10> status:pending>completed end:>11"),
            ],
            due,
            "",
        );
        // What our import set, beside something else.
        check(
            &[(10, "tag_b:>x"), (11, "tag_b:x> tag_c:x> tag_a:>x")],
            "tag_b:>x",
            "",
        );
        // An own edit, with our import before it.
        check(
            &[(10, due), (11, "priority:>H"), (11, "priority:H> tag_a:>x")],
            due,
            "",
        );
        check(&[], due, "");
    }
}
