//! One Taskwarrior task in one shape, read from and written as either of its two encodings:
//! the JSON of `export` and `import`, and TaskChampion's map of strings.
//!
//! What is not understood is kept as it stands and never rewritten. Nothing here knows the hub.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

/// Attributes that are plain text.
pub(super) const TEXTS: [&str; 4] = ["description", "project", "priority", "parent"];
/// Attributes that are whole seconds.
pub(super) const TIMES: [&str; 8] = [
    "entry",
    "modified",
    "start",
    "end",
    "due",
    "wait",
    "scheduled",
    "until",
];
/// What carries the repetition of Taskwarrior itself; never copied onto another task (S25).
pub(super) const REPETITION: [&str; 5] = ["recur", "rtype", "mask", "imask", "parent"];

/// The status attribute. `waiting` is a pending task with a future `wait`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Pending,
    Completed,
    Deleted,
    Recurring,
}

impl State {
    fn read(text: &str) -> Self {
        match text {
            "completed" => Self::Completed,
            "deleted" => Self::Deleted,
            "recurring" => Self::Recurring,
            _ => Self::Pending,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Deleted => "deleted",
            Self::Recurring => "recurring",
        }
    }
}

/// Properties that somebody set, or took away.
pub(super) type Edits = BTreeMap<String, Option<String>>;

/// One task as Taskwarrior holds it. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) uuid: Uuid,
    /// The uuid as it is spelt there: 2.6 keeps upper case and takes lower case for another task.
    pub(super) name: String,
    pub(super) state: State,
    pub(super) texts: BTreeMap<&'static str, String>,
    pub(super) times: BTreeMap<&'static str, i64>,
    pub(super) tags: BTreeSet<String>,
    /// Annotations by the second of their entry, which is their id.
    pub(super) notes: BTreeMap<i64, String>,
    pub(super) depends: BTreeSet<Uuid>,
    /// Every other attribute: user-defined ones and the machinery of repetition.
    pub(super) extra: BTreeMap<String, Json>,
}

impl Row {
    /// A pending task with nothing in it.
    pub(super) fn empty(uuid: Uuid) -> Self {
        Self {
            uuid,
            name: uuid.to_string(),
            state: State::Pending,
            texts: BTreeMap::new(),
            times: BTreeMap::new(),
            tags: BTreeSet::new(),
            notes: BTreeMap::new(),
            depends: BTreeSet::new(),
            extra: BTreeMap::new(),
        }
    }

    pub(super) fn text(&self, key: &str) -> &str {
        self.texts.get(key).map_or("", String::as_str)
    }

    /// Sets a text attribute; an empty text clears it.
    pub(super) fn set_text(&mut self, key: &'static str, text: String) {
        if text.is_empty() {
            self.texts.remove(key);
        } else {
            self.texts.insert(key, text);
        }
    }

    pub(super) fn set_time(&mut self, key: &'static str, second: Option<i64>) {
        match second {
            Some(second) => self.times.insert(key, second),
            None => self.times.remove(key),
        };
    }

    /// Whether this makes instances instead of being one (S25).
    pub(super) fn is_template(&self) -> bool {
        self.state == State::Recurring
            || (self.state != State::Pending
                && self.extra.contains_key("recur")
                && !self.texts.contains_key("parent"))
    }

    /// Reads one object of an export; the error says what is wrong with it.
    pub(super) fn from_export(object: &Map<String, Json>) -> Result<Self, String> {
        let name = object
            .get("uuid")
            .and_then(Json::as_str)
            .ok_or("a task without a uuid")?;
        let uuid = Uuid::parse_str(name).map_err(|_| format!("`{name}` is no uuid"))?;
        let mut row = Self::empty(uuid);
        name.clone_into(&mut row.name);
        for (key, value) in object {
            row.take_json(key, value);
        }
        Ok(row)
    }

    fn take_json(&mut self, key: &str, value: &Json) {
        match key {
            "id" | "urgency" | "uuid" => {}
            "status" => self.state = State::read(value.as_str().unwrap_or_default()),
            "tags" => self.tags = strings(value).collect(),
            "depends" => {
                self.depends = strings(value)
                    .filter_map(|text| Uuid::parse_str(&text).ok())
                    .collect();
            }
            "annotations" => {
                self.notes = value
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(note)
                    .collect();
            }
            _ => {
                if let Some(key) = known(&TEXTS, key) {
                    self.set_text(key, plain(value));
                } else if let Some(key) = known(&TIMES, key) {
                    self.set_time(key, value.as_str().and_then(second));
                } else if !key.starts_with("tags_") {
                    self.extra.insert(key.to_owned(), value.clone());
                }
            }
        }
    }

    /// Reads the string map that TaskChampion stores.
    pub(super) fn from_properties(uuid: Uuid, properties: &HashMap<String, String>) -> Self {
        let mut row = Self::empty(uuid);
        for (key, value) in properties {
            row.take_property(key, value);
        }
        row
    }

    /// Sets one property of the string map.
    fn take_property(&mut self, key: &str, value: &str) {
        if let Some(tag) = key.strip_prefix("tag_") {
            self.tags.insert(tag.to_owned());
        } else if let Some(other) = key.strip_prefix("dep_") {
            self.depends.extend(Uuid::parse_str(other).ok());
        } else if let Some(Ok(at)) = key.strip_prefix("annotation_").map(str::parse) {
            self.notes.insert(at, value.to_owned());
        } else if let Some(key) = known(&TEXTS, key) {
            self.set_text(key, value.to_owned());
        } else if let Some(key) = known(&TIMES, key) {
            self.set_time(key, value.parse().ok());
        } else if key == "status" {
            self.state = State::read(value);
        } else if !matches!(key, "tags" | "depends") && !key.starts_with("tags_") {
            self.extra.insert(key.to_owned(), Json::from(value));
        }
    }

    /// Everything that a person can have set, as properties: without when it was last changed,
    /// and without the comma lists, which say nothing that other keys do not.
    pub(super) fn properties(&self) -> BTreeMap<String, String> {
        let all = self.property_changes(&Self::empty(self.uuid));
        let mut all: BTreeMap<String, String> = all
            .into_iter()
            .filter(|(key, _)| !matches!(key.as_str(), "modified" | "tags" | "depends"))
            .filter_map(|(key, value)| {
                let value = canonical(&key, &value?);
                Some((key, value))
            })
            .collect();
        all.insert("status".into(), self.state.name().to_owned());
        all
    }

    /// Sets one property, or takes it away.
    pub(super) fn put_property(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.take_property(key, value);
        } else if let Some(tag) = key.strip_prefix("tag_") {
            self.tags.remove(tag);
        } else if let Some(other) = key.strip_prefix("dep_") {
            self.depends.retain(|known| known.to_string() != other);
        } else if let Some(Ok(at)) = key.strip_prefix("annotation_").map(str::parse::<i64>) {
            self.notes.remove(&at);
        } else {
            self.texts.remove(key);
            self.times.remove(key);
            self.extra.remove(key);
        }
    }

    /// Writes into an exported object what distinguishes `self` from `before`, and nothing else.
    pub(super) fn patch_export(&self, before: &Self, object: &mut Map<String, Json>) {
        object.remove("id");
        object.remove("urgency");
        object.insert("uuid".into(), Json::from(self.name.as_str()));
        object.insert("status".into(), Json::from(self.state.name()));
        let mut set = |key: &str, value: Option<Json>| match value {
            Some(value) => {
                object.insert(key.to_owned(), value);
            }
            None => {
                object.remove(key);
            }
        };
        for (key, text) in differing(&before.texts, &self.texts) {
            set(key, text.map(|text| Json::from(text.as_str())));
        }
        for (key, at) in differing(&before.times, &self.times) {
            set(key, at.and_then(|at| date(*at)).map(Json::from));
        }
        for (key, value) in differing(&before.extra, &self.extra) {
            set(key, value.cloned());
        }
        if self.tags != before.tags {
            let tags: Vec<_> = self.tags.iter().map(String::as_str).collect();
            set("tags", (!tags.is_empty()).then(|| Json::from(tags)));
        }
        if self.depends != before.depends {
            let others: Vec<_> = self.depends.iter().map(Uuid::to_string).collect();
            set("depends", (!others.is_empty()).then(|| Json::from(others)));
        }
        if self.notes != before.notes {
            let notes: Vec<_> = self.notes.iter().filter_map(note_json).collect();
            set("annotations", (!notes.is_empty()).then(|| notes.into()));
        }
    }

    /// The properties that distinguish `self` from `before`, as TaskChampion names them, with the
    /// comma lists that Taskwarrior keeps beside its tag and dependency keys.
    pub(super) fn property_changes(&self, before: &Self) -> Vec<(String, Option<String>)> {
        let mut changes = Vec::new();
        let mut set = |key: String, value: Option<String>| changes.push((key, value));
        for (key, text) in differing(&before.texts, &self.texts) {
            set((*key).to_owned(), text.cloned());
        }
        for (key, at) in differing(&before.times, &self.times) {
            set((*key).to_owned(), at.map(i64::to_string));
        }
        for (key, value) in differing(&before.extra, &self.extra) {
            set(key.clone(), value.map(property));
        }
        for (at, text) in differing(&before.notes, &self.notes) {
            set(format!("annotation_{at}"), text.cloned());
        }
        if self.tags != before.tags {
            for tag in self.tags.symmetric_difference(&before.tags) {
                set(format!("tag_{tag}"), mark(self.tags.contains(tag)));
            }
            set("tags".into(), list(self.tags.iter().cloned()));
        }
        if self.depends != before.depends {
            for other in self.depends.symmetric_difference(&before.depends) {
                set(format!("dep_{other}"), mark(self.depends.contains(other)));
            }
            set(
                "depends".into(),
                list(self.depends.iter().map(Uuid::to_string)),
            );
        }
        if self.state != before.state {
            set("status".into(), Some(self.state.name().to_owned()));
        }
        changes
    }

    /// Whether `self`, read after a write that should have turned `before` into `wanted`, lacks
    /// any of it. What was turned into a third value is there: normalised, or edited since.
    pub(super) fn lacks(&self, before: &Self, wanted: &Self) -> bool {
        lacks(&before.texts, &wanted.texts, &self.texts)
            || differing(&before.times, &wanted.times)
                .filter(|(key, _)| **key != "modified")
                .any(|(key, _)| self.times.get(key) == before.times.get(key))
            || lacks(&before.extra, &wanted.extra, &self.extra)
            || lacks(&before.notes, &wanted.notes, &self.notes)
            || (before.state != wanted.state && self.state == before.state)
            || moved(&before.tags, &wanted.tags)
                .any(|tag| self.tags.contains(tag) != wanted.tags.contains(tag))
            || moved(&before.depends, &wanted.depends)
                .any(|other| self.depends.contains(other) != wanted.depends.contains(other))
    }
}

/// The instant of an exported date, in seconds.
pub(super) fn second(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(|at| at.as_second())
}

/// A date as it is exported and imported.
pub(super) fn date(second: i64) -> Option<String> {
    let at = Timestamp::from_second(second).ok()?;
    Some(at.strftime("%Y%m%dT%H%M%SZ").to_string())
}

fn known(keys: &[&'static str], key: &str) -> Option<&'static str> {
    keys.iter().copied().find(|known| *known == key)
}

/// A scalar as text; numbers that are whole lose the zeros Taskwarrior prints after them.
pub(super) fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 => format!("{float:.0}"),
            _ => number.to_string(),
        },
        Json::Null => String::new(),
        other => other.to_string(),
    }
}

fn strings(value: &Json) -> impl Iterator<Item = String> {
    // 2.5 and older wrote dependencies as one string with commas.
    let split = value.as_str().unwrap_or_default().split(',');
    let listed = value.as_array().into_iter().flatten().map(plain);
    listed
        .chain(split.map(str::to_owned))
        .filter(|text| !text.is_empty())
}

fn note(value: &Json) -> Option<(i64, String)> {
    let at = second(value.get("entry")?.as_str()?)?;
    let text = value.get("description").map(plain).unwrap_or_default();
    Some((at, text))
}

fn note_json((at, text): (&i64, &String)) -> Option<Json> {
    let entry = date(*at)?;
    Some(serde_json::json!({ "entry": entry, "description": text }))
}

/// A property as [`Row::properties`] has it: a number of a person's own attribute is stored with
/// six digits behind its point, and loses those that are zeros when it is exported and read.
pub(super) fn canonical(key: &str, value: &str) -> String {
    let ours = |prefix| key.starts_with(prefix);
    let is_own = !ours("tag_")
        && !ours("dep_")
        && !ours("annotation_")
        && known(&TEXTS, key).is_none()
        && known(&TIMES, key).is_none();
    let number = value
        .split_once('.')
        .filter(|(_, digits)| is_own && digits.len() == 6)
        .and_then(|_| value.parse::<f64>().ok());
    number.map_or_else(|| value.to_owned(), |number| number.to_string())
}

fn mark(set: bool) -> Option<String> {
    // The value Taskwarrior itself writes; readers ignore it.
    set.then(|| "x".to_owned())
}

fn list(parts: impl Iterator<Item = String>) -> Option<String> {
    let joined = parts.collect::<Vec<_>>().join(",");
    (!joined.is_empty()).then_some(joined)
}

/// A user-defined value as both versions store it; an export's dates become seconds.
fn property(value: &Json) -> String {
    let text = plain(value);
    let is_date = text.len() == 16 && text.as_bytes()[8] == b'T' && text.ends_with('Z');
    match second(&text).filter(|_| is_date) {
        Some(at) => at.to_string(),
        None => text,
    }
}

/// Every key whose value differs, with the new one.
fn differing<'a, K: Ord, V: PartialEq>(
    before: &'a BTreeMap<K, V>,
    after: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = (&'a K, Option<&'a V>)> {
    let gone = before.keys().filter(|key| !after.contains_key(key));
    let set = after
        .iter()
        .filter(|(key, value)| before.get(key) != Some(value));
    gone.map(|key| (key, None))
        .chain(set.map(|(key, value)| (key, Some(value))))
}

fn lacks<K: Ord, V: PartialEq>(
    before: &BTreeMap<K, V>,
    wanted: &BTreeMap<K, V>,
    now: &BTreeMap<K, V>,
) -> bool {
    differing(before, wanted).any(|(key, _)| now.get(key) == before.get(key))
}

fn moved<'a, T: Ord>(
    before: &'a BTreeSet<T>,
    wanted: &'a BTreeSet<T>,
) -> impl Iterator<Item = &'a T> {
    before.symmetric_difference(wanted)
}
