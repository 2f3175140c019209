//! What must be equal between Taskwarrior and Vikunja, in the test's own words: nothing of the
//! program's own tables is used here, so that a mistake there cannot hide itself.
//!
//! Tasks are paired by `vikunja_id`, which every row must carry, and every task of Vikunja must
//! have exactly one row. Then, field by field:
//!
//! | Taskwarrior | Vikunja | how |
//! |---|---|---|
//! | `description` | `title` | the same text |
//! | `status`, `end` | `done`, `done_at` | the same; the same second where Vikunja took the time |
//! | `priority` | `priority` | none 0, L 1, M 2, H 3 and above |
//! | `due` | `due_date` | the same second |
//! | `scheduled` | `start_date` | the same second |
//! | `project` | the project's titles from the top, a dot in one escaped | none is the inbox |
//! | `tags` | labels | the same set |
//! | `annotations` | comments | the same texts, by what the HTML says |
//! | `depends` | relations `blocked` | the same pairs |
//!
//! Vikunja has no place (vikunja contract 2.4, 2.5, 3) for `wait`, `until`, `start` (begun),
//! `entry`, the time of an annotation, and user-defined attributes; a task has one project and no
//! priority by letter. `done_at` is taken with a create and set by the server itself when `done`
//! flips. Taskwarrior has no place (taskwarrior contract 1.1, 8) for a description, an end date,
//! percent, reminders, colour, favourites, attachments, other relations, for priorities 4 and 5,
//! for a comma in a tag, and in 2.6 for a colon in one. What one side has no place for must stay
//! as it is on the other: [`Before`] holds that.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use crate::server::id_of;
use crate::world::{Row, Version, World, text};

/// What moves by itself in an export and is nobody's edit.
const RESTLESS: [&str; 4] = ["id", "modified", "urgency", "vikunja_id"];

/// A date of Taskwarrior (`20261224T230000Z`) as an instant.
pub(crate) fn taskwarrior_time(text: &str) -> Option<Timestamp> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let date = format!("{}-{}-{}", date.get(..4)?, date.get(4..6)?, date.get(6..)?);
    let time = format!("{}:{}:{}", time.get(..2)?, time.get(2..4)?, time.get(4..)?);
    format!("{date}T{time}Z").parse().ok()
}

/// A date of Vikunja to the second; its zero time is none.
pub(crate) fn vikunja_time(value: &Value) -> Option<Timestamp> {
    let at: Timestamp = value.as_str()?.parse().ok()?;
    (at.as_second() > 0).then(|| Timestamp::from_second(at.as_second()).unwrap_or(at))
}

/// What a comment's HTML says, without its marks.
pub(crate) fn says(html: &str) -> String {
    let mut said = String::new();
    let mut rest = html.trim();
    while let Some(start) = rest.find('<') {
        said.push_str(&rest[..start]);
        let end = rest[start..]
            .find('>')
            .map_or(rest.len(), |end| start + end + 1);
        if rest[start..end].starts_with("<br") {
            said.push('\n');
        }
        rest = &rest[end..];
    }
    said.push_str(rest);
    let named = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ];
    let plain = |said: String, (name, character): (&str, &str)| said.replace(name, character);
    named.into_iter().fold(said, plain)
}

/// The part of a task that both sides can hold.
#[derive(Debug, PartialEq)]
struct Shared {
    title: String,
    done: bool,
    priority: i64,
    due: Option<Timestamp>,
    scheduled: Option<Timestamp>,
    project: Vec<String>,
    tags: BTreeSet<String>,
    notes: Vec<String>,
    depends: BTreeSet<i64>,
}

/// Both sides, read through their own doors.
pub(crate) struct Sides {
    version: Version,
    pub(crate) rows: Vec<Row>,
    pub(crate) tasks: BTreeMap<i64, Value>,
    comments: BTreeMap<i64, Vec<String>>,
    paths: BTreeMap<i64, Vec<String>>,
}

impl Sides {
    /// Reads both. Comments are asked for task by task.
    pub(crate) fn read(world: &World) -> Self {
        let tasks: BTreeMap<i64, Value> = world
            .server
            .tasks()
            .into_iter()
            .map(|task| (id_of(&task), task))
            .collect();
        let said = |id: &i64| {
            let comments = world.server.comments(*id);
            (*id, comments.iter().map(|(html, _)| says(html)).collect())
        };
        let projects = world.server.projects();
        let path = |id: &i64| (*id, world.server.path(&projects, *id));
        Self {
            version: world.version,
            rows: world.rows(),
            comments: tasks.keys().map(said).collect(),
            tasks,
            paths: projects.keys().map(path).collect(),
        }
    }

    /// Everything that is not equal, in sentences; empty when the sides are.
    pub(crate) fn differences(&self) -> Vec<String> {
        let mut told = Vec::new();
        let mut ids = BTreeMap::new();
        for row in &self.rows {
            let (uuid, id) = (text(row, "uuid"), text(row, "vikunja_id").parse::<i64>());
            match id {
                Ok(id) if !self.tasks.contains_key(&id) => {
                    told.push(format!("{} is paired with {id}, which is gone", title(row)));
                }
                Ok(id) => {
                    ids.insert(uuid, id);
                }
                Err(_) => told.push(format!("{} carries no vikunja_id", title(row))),
            }
        }
        let mut owners: BTreeMap<i64, usize> = BTreeMap::new();
        for id in ids.values() {
            *owners.entry(*id).or_default() += 1;
        }
        for (id, task) in &self.tasks {
            let count = owners.get(id).copied().unwrap_or_default();
            if count != 1 {
                told.push(format!("{id} {} has {count} rows", task["title"]));
            }
        }
        for row in &self.rows {
            let id = ids.get(text(row, "uuid"));
            let Some((id, task)) = id.and_then(|id| self.tasks.get_key_value(id)) else {
                continue;
            };
            let (here, there) = (self.of_row(row, &ids), self.of_task(*id, task));
            if here != there {
                told.push(format!(
                    "{id}: in Taskwarrior {here:#?}\nin Vikunja {there:#?}"
                ));
            }
        }
        told
    }

    fn of_row(&self, row: &Row, ids: &BTreeMap<&str, i64>) -> Shared {
        let time = |key: &str| taskwarrior_time(text(row, key));
        let priority = match text(row, "priority") {
            "L" => 1,
            "M" => 2,
            "H" => 3,
            _ => 0,
        };
        let all = |key: &str| {
            row.get(key)
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default()
        };
        let mut notes: Vec<String> = all("annotations")
            .iter()
            .map(|note| note["description"].as_str().unwrap_or_default().to_owned())
            .collect();
        notes.sort();
        let depends = all("depends");
        let depends = depends
            .iter()
            .filter_map(|id| ids.get(id.as_str()?).copied());
        Shared {
            title: text(row, "description").to_owned(),
            done: text(row, "status") == "completed",
            priority,
            due: time("due"),
            scheduled: time("scheduled"),
            project: unescaped(text(row, "project")),
            tags: all("tags")
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            notes,
            depends: depends.collect(),
        }
    }

    fn of_task(&self, id: i64, task: &Value) -> Shared {
        let all = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let forbidden: &[char] = match self.version {
            Version::Two => &[',', ':'],
            Version::Three => &[','],
        };
        let labels = all(&task["labels"]);
        let tags = labels.iter().filter_map(|label| label["title"].as_str());
        let tags = tags
            .filter(|tag| !tag.contains(forbidden))
            .map(str::to_owned);
        let mut notes = self.comments.get(&id).cloned().unwrap_or_default();
        notes.sort();
        let project = task["project_id"].as_i64().unwrap_or_default();
        Shared {
            title: task["title"].as_str().unwrap_or_default().to_owned(),
            done: task["done"] == true,
            priority: task["priority"].as_i64().unwrap_or_default().min(3),
            due: vikunja_time(&task["due_date"]),
            scheduled: vikunja_time(&task["start_date"]),
            project: self.paths.get(&project).cloned().unwrap_or_default(),
            tags: tags.collect(),
            notes,
            depends: all(&task["related_tasks"]["blocked"])
                .iter()
                .map(id_of)
                .collect(),
        }
    }

    /// How many comments there are in Vikunja.
    pub(crate) fn comments(&self) -> usize {
        self.comments.values().map(Vec::len).sum()
    }

    /// Titles that stand more than once on a side.
    pub(crate) fn doubled(&self) -> Vec<String> {
        let mut here = BTreeMap::new();
        let mut there = BTreeMap::new();
        for row in &self.rows {
            *here.entry(title(row).to_owned()).or_insert(0) += 1;
        }
        for task in self.tasks.values() {
            *there.entry(task["title"].to_string()).or_insert(0) += 1;
        }
        let counted = here.into_iter().chain(there);
        counted
            .filter(|(_, count)| *count > 1)
            .map(|(title, _)| title)
            .collect()
    }
}

/// Both sides hold the same tasks.
pub(crate) fn alike(world: &World) -> Sides {
    let sides = Sides::read(world);
    let told = sides.differences();
    let (count, some) = (told.len(), &told[..told.len().min(5)]);
    assert!(
        told.is_empty(),
        "{count} differences, of them:\n{}",
        some.join("\n")
    );
    sides
}

/// Both sides hold the same tasks, none twice, where no two of them share a title.
pub(crate) fn equal(world: &World) -> Sides {
    let sides = alike(world);
    assert_eq!(sides.doubled(), Vec::<String>::new(), "doubled");
    sides
}

fn title(row: &Row) -> &str {
    text(row, "description")
}

/// The titles of a project's path; a backslash makes the next character plain.
fn unescaped(path: &str) -> Vec<String> {
    let mut titles = Vec::new();
    let mut title = String::new();
    let mut characters = path.chars();
    while let Some(character) = characters.next() {
        match character {
            '.' => titles.push(std::mem::take(&mut title)),
            '\\' => title.extend(characters.next()),
            _ => title.push(character),
        }
    }
    titles.push(title);
    titles.retain(|title| !title.is_empty());
    titles
}

/// A side as it was before a sync that has no business with it.
pub(crate) struct Before {
    rows: BTreeMap<String, Row>,
    tasks: Vec<Value>,
}

impl Before {
    /// Notes both sides.
    pub(crate) fn note(world: &World) -> Self {
        Self {
            rows: settled(world.all_rows()),
            tasks: world.server.tasks(),
        }
    }

    /// No row of then has changed, but for its marker.
    pub(crate) fn rows_are_untouched(&self, world: &World) {
        let now = settled(world.all_rows());
        for (uuid, row) in &self.rows {
            assert_eq!(now.get(uuid), Some(row), "{uuid} changed");
        }
    }

    /// No task of then has changed, not even its time stamp.
    pub(crate) fn tasks_are_untouched(&self, world: &World) {
        let now = world.server.tasks();
        for task in &self.tasks {
            let found = now.iter().find(|now| now["id"] == task["id"]);
            assert_eq!(found, Some(task), "it changed");
        }
    }
}

/// What became of the tasks of a side, by their titles.
#[derive(Debug, PartialEq)]
pub(crate) struct Happened {
    pub(crate) made: BTreeSet<String>,
    pub(crate) changed: BTreeSet<String>,
}

impl Before {
    /// What has happened in Taskwarrior since.
    pub(crate) fn happened_here(&self, world: &World) -> Happened {
        let now = settled(world.all_rows());
        let titles = |pick: &dyn Fn(Option<&Row>, &Row) -> bool| {
            let picked = now
                .iter()
                .filter(|(uuid, row)| pick(self.rows.get(*uuid), row));
            picked.map(|(_, row)| title(row).to_owned()).collect()
        };
        Happened {
            made: titles(&|before, _| before.is_none()),
            changed: titles(&|before, row| before.is_some_and(|before| before != row)),
        }
    }

    /// What has happened in Vikunja since.
    pub(crate) fn happened_there(&self, world: &World) -> Happened {
        let before: BTreeMap<i64, &Value> =
            self.tasks.iter().map(|task| (id_of(task), task)).collect();
        let now = world.server.tasks();
        let titles = |pick: &dyn Fn(Option<&&Value>, &Value) -> bool| {
            let picked = now
                .iter()
                .filter(|task| pick(before.get(&id_of(task)), task));
            picked
                .filter_map(|task| Some(task["title"].as_str()?.to_owned()))
                .collect()
        };
        Happened {
            made: titles(&|before, _| before.is_none()),
            changed: titles(&|before, task| before.is_some_and(|before| *before != task)),
        }
    }
}

fn settled(rows: Vec<Row>) -> BTreeMap<String, Row> {
    let still = |mut row: Row| {
        for key in RESTLESS {
            row.remove(key);
        }
        (text(&row, "uuid").to_owned(), row)
    };
    rows.into_iter().map(still).collect()
}
