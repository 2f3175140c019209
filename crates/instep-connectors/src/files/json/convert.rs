//! Between the values of an entry and the hub's, both directions. Nothing is placed in a text here.

use std::collections::{BTreeMap, BTreeSet};

use instep_model::{
    BatchRule, Capabilities, Field, Fields, Grid, Hold, Ids, Status, TagRule, Value,
};

use super::scan::Kind;

/// Highest priority that a file knows.
const TOP_PRIORITY: u32 = 3;

/// How many operations one save carries.
const BATCH: usize = 1_000;

/// The keys that every reader of such a file knows, in the order of a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Id,
    Name,
    Comment,
    Description,
    Priority,
    Tag,
    Done,
}

impl Key {
    pub(super) const ALL: [Self; 7] = [
        Self::Id,
        Self::Name,
        Self::Comment,
        Self::Description,
        Self::Priority,
        Self::Tag,
        Self::Done,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name",
            Self::Comment => "comment",
            Self::Description => "description",
            Self::Priority => "priority",
            Self::Tag => "tag",
            Self::Done => "done",
        }
    }

    pub(super) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    /// The field that the hub has for it.
    pub(super) fn field(self) -> Option<Field> {
        match self {
            Self::Name => Some(Field::Title),
            Self::Description => Some(Field::Notes),
            Self::Priority => Some(Field::Priority),
            Self::Tag => Some(Field::Tags),
            Self::Done => Some(Field::Status),
            Self::Id | Self::Comment => None,
        }
    }

    pub(super) fn of_field(field: Field) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.field() == Some(field))
    }
}

/// How one file writes its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    /// Whether 1 is the highest priority.
    pub(super) high_is_one: bool,
    /// Whether letters beyond ASCII are escaped.
    pub(super) ascii: bool,
    /// Whether "no priority" is null instead of 0.
    pub(super) null_priority: bool,
}

/// What a file of this kind can hold.
pub(super) fn capabilities() -> Capabilities {
    let tags = TagRule {
        forbidden: vec![','],
        max_chars: 0,
    };
    let statuses = [Status::Open, Status::Open, Status::Done, Status::Done];
    Capabilities {
        holds: BTreeMap::from([
            (Field::Title, Hold::Whole),
            (Field::Notes, Hold::Whole),
            (Field::Status, Hold::Coarse(Grid::Statuses(statuses))),
            (
                Field::Priority,
                Hold::Coarse(Grid::Bands([0, 1, 2, 3, 3, 3])),
            ),
            (Field::Tags, Hold::Coarse(Grid::Tags(tags))),
        ]),
        shapes: BTreeMap::new(),
        ids: Ids::Given,
        batch: BatchRule {
            creates: BATCH,
            mixed: BATCH,
        },
        markers: false,
        collections: false,
        tag_records: false,
        revives: false,
    }
}

/// Reads the value of `key`; `Err` says what was expected. Null and nothing are the same.
pub(super) fn read(key: Key, kind: Kind, raw: &str, style: Style) -> Result<Option<Value>, String> {
    let expected = |what: &str| Err(format!("`{}` is not {what}", key.name()));
    let value = match (key, kind) {
        (Key::Id | Key::Comment, _) => None,
        (Key::Name, Kind::Null) => return expected("a text"),
        (_, Kind::Null) => None,
        (Key::Name | Key::Description, Kind::Text) => match decode(raw) {
            Some(text) if key == Key::Name && text.trim().is_empty() => {
                return Err("`name` is empty".to_owned());
            }
            Some(text) => Some(Value::Text(text)),
            None => return expected("a whole text"),
        },
        (Key::Name | Key::Description, _) => return expected("a text"),
        (Key::Priority, Kind::Number) => match raw.parse::<f64>() {
            Ok(number) if number.fract() == 0.0 => Some(priority_of(number, style)),
            _ => return expected("a whole number"),
        },
        (Key::Priority, _) => return expected("a number"),
        (Key::Tag, Kind::Text) => match decode(raw) {
            Some(text) => Some(Value::Tags(tags_in(&text))),
            None => return expected("a whole text"),
        },
        (Key::Tag, _) => return expected("a text"),
        (Key::Done, Kind::Flag) if raw == "true" => Some(Value::Status(Status::Done)),
        (Key::Done, Kind::Flag) => Some(Value::Status(Status::Open)),
        (Key::Done, _) => return expected("true or false"),
    };
    Ok(value.filter(|value| !value.is_empty()))
}

/// Beyond the three there is no more than the highest, or the lowest.
fn priority_of(number: f64, style: Style) -> Value {
    if number < 1.0 {
        return Value::Number(0);
    }
    let top = f64::from(TOP_PRIORITY);
    let step = [1.0, 2.0, 3.0]
        .into_iter()
        .zip(1..)
        .find_map(|(bound, step)| (number.min(top) <= bound).then_some(step))
        .unwrap_or(TOP_PRIORITY);
    Value::Number(turned(step, style))
}

fn turned(step: u32, style: Style) -> u32 {
    if style.high_is_one && step > 0 {
        TOP_PRIORITY + 1 - step
    } else {
        step
    }
}

fn tags_in(text: &str) -> BTreeSet<String> {
    text.split(',')
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The value as the file would hold it; what it cannot hold at all is `None`.
pub(super) fn on_grid(field: Field, value: Option<&Value>) -> Option<Value> {
    let held = match (field, value?) {
        (Field::Title | Field::Notes, Value::Text(text)) => Value::Text(text.clone()),
        (Field::Priority, Value::Number(number)) => Value::Number((*number).min(TOP_PRIORITY)),
        (Field::Status, Value::Status(status)) if status.is_closed() => Value::Status(Status::Done),
        (Field::Tags, Value::Tags(tags)) => Value::Tags(
            tags.iter()
                .filter(|tag| !tag.contains(','))
                .map(|tag| tag.trim().to_owned())
                .filter(|tag| !tag.is_empty())
                .collect(),
        ),
        _ => return None,
    };
    Some(held).filter(|value| !value.is_empty())
}

/// The text of a value on the grid that was not there before. `beside` is the kind that a
/// neighbour has under the same key, so that nothing stays as empty as it is there.
pub(super) fn write(key: Key, value: Option<&Value>, beside: Option<Kind>, style: Style) -> String {
    if value.is_none() && beside == Some(Kind::Null) && key != Key::Name {
        return "null".to_owned();
    }
    match (key, value) {
        (Key::Priority, None) if style.null_priority => "null".to_owned(),
        (Key::Priority, Some(Value::Number(step))) => turned(*step, style).to_string(),
        (Key::Priority, _) => "0".to_owned(),
        (Key::Done, Some(Value::Status(status))) => status.is_closed().to_string(),
        (Key::Done, _) => "false".to_owned(),
        (_, Some(Value::Text(text))) => encode(text, style),
        (_, Some(Value::Tags(tags))) => {
            let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
            encode(&tags.join(","), style)
        }
        _ => "\"\"".to_owned(),
    }
}

/// The text of a list of tags after some came and some went; the others stay as they stand.
pub(super) fn retag(present: &str, removed: &BTreeSet<String>, added: &BTreeSet<String>) -> String {
    let mut parts: Vec<&str> = present
        .split(',')
        .filter(|part| !part.trim().is_empty() && !removed.contains(part.trim()))
        .collect();
    let gap = if present.contains(", ") { " " } else { "" };
    let held: BTreeSet<&str> = parts.iter().map(|part| part.trim()).collect();
    let new: Vec<String> = added
        .iter()
        .filter(|tag| !held.contains(tag.as_str()))
        .map(|tag| format!("{gap}{tag}"))
        .collect();
    parts.extend(new.iter().map(String::as_str));
    parts.join(",").trim_start().to_owned()
}

/// What stands for "nothing" where a neighbour has a value of this kind.
pub(super) fn blank(kind: Kind) -> &'static str {
    match kind {
        Kind::Object => "{}",
        Kind::List => "[]",
        Kind::Text => "\"\"",
        Kind::Number => "0",
        Kind::Flag => "false",
        Kind::Null => "null",
    }
}

/// The text that a JSON text means; `None` where no text can hold it (half a surrogate pair).
pub(super) fn decode(raw: &str) -> Option<String> {
    match raw.strip_prefix('"')?.strip_suffix('"') {
        Some(plain) if !plain.contains('\\') => Some(plain.to_owned()),
        _ => serde_json::from_str(raw).ok(),
    }
}

/// `text` as a JSON text, in the file's style.
pub(super) fn encode(text: &str, style: Style) -> String {
    let raw = serde_json::Value::String(text.to_owned()).to_string();
    if !style.ascii {
        return raw;
    }
    let mut escaped = String::with_capacity(raw.len());
    for letter in raw.chars() {
        if letter.is_ascii() {
            escaped.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    escaped
}

/// Whether `held` has all that `sent` says, as far as its entry has the keys for it; extra tags
/// do not matter.
pub(super) fn has_content(held: &Fields, has: impl Fn(Key) -> bool, sent: &Fields) -> bool {
    Key::ALL.into_iter().all(|key| {
        let Some(field) = key.field() else {
            return true;
        };
        let wanted = on_grid(field, sent.get(field));
        match (field, &wanted) {
            _ if key != Key::Name && !has(key) => true,
            (Field::Tags, Some(Value::Tags(wanted))) => wanted.is_subset(&held.tags()),
            (Field::Tags, _) => true,
            _ => held.get(field) == wanted.as_ref(),
        }
    })
}
