//! One entry of the list as text: what it says, and the same text with one value moved. Bytes
//! that do not belong to that value are copied as they are.

use instep_model::{Fields, RemoteId, RemoteTask};

use super::convert::{Key, Style, decode, read};
use super::scan::{self, Found, Kind, Member};

/// One entry and what could be made of it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) text: String,
    pub(super) reading: Reading,
}

/// What an entry is to us.
#[derive(Debug, Clone)]
pub(super) enum Reading {
    /// A task.
    Task(Content),
    /// Something that is left alone.
    Alone {
        /// Its id, where that much can be read.
        id: Option<i64>,
        /// Why, without any of its text.
        reason: String,
    },
}

/// A task as its entry says it.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) id: i64,
    pub(super) fields: Fields,
    /// The members that the hub has no field for, as an object.
    pub(super) shadow: Option<String>,
    keys: Vec<Key>,
}

impl Content {
    pub(super) fn has(&self, key: Key) -> bool {
        self.keys.contains(&key)
    }

    pub(super) fn remote(&self) -> RemoteTask {
        let mut task = RemoteTask::new(RemoteId::new(self.id.to_string()), self.fields.clone());
        task.shadow.clone_from(&self.shadow);
        task
    }
}

impl Entry {
    pub(super) fn read(text: String, kind: Kind, style: Style) -> Self {
        let reading = match kind {
            Kind::Object => read_object(&text, style),
            _ => Reading::Alone {
                id: None,
                reason: "it is not an object".to_owned(),
            },
        };
        Self { text, reading }
    }

    pub(super) fn id(&self) -> Option<i64> {
        match &self.reading {
            Reading::Task(content) => Some(content.id),
            Reading::Alone { id, .. } => *id,
        }
    }

    pub(super) fn task(&self) -> Option<&Content> {
        match &self.reading {
            Reading::Task(content) => Some(content),
            Reading::Alone { .. } => None,
        }
    }

    /// Leaves it alone from now on.
    pub(super) fn leave_alone(&mut self, reason: &str) {
        self.reading = Reading::Alone {
            id: self.id(),
            reason: reason.to_owned(),
        };
    }
}

fn read_object(text: &str, style: Style) -> Reading {
    let members = scan::members(text).unwrap_or_default();
    let named: Vec<(Option<Key>, &Member)> = members
        .iter()
        .map(|member| (key_of(text, member), member))
        .collect();
    let mut ids = named.iter().filter(|(key, _)| *key == Some(Key::Id));
    let id = ids
        .next()
        .and_then(|(_, member)| id_in(text, &member.value));
    match read_members(text, &named, id, style) {
        Ok(content) => Reading::Task(content),
        Err(reason) => Reading::Alone { id, reason },
    }
}

fn read_members(
    text: &str,
    named: &[(Option<Key>, &Member)],
    id: Option<i64>,
    style: Style,
) -> Result<Content, String> {
    let mut content = Content {
        id: id.ok_or("it has no `id` that is an integer")?,
        fields: Fields::new(),
        shadow: None,
        keys: Vec::new(),
    };
    let mut shadow = Vec::new();
    for (key, member) in named {
        if let Some(key) = key {
            if content.has(*key) {
                return Err(format!("it has `{}` more than once", key.name()));
            }
            content.keys.push(*key);
        }
        match key.map(|key| (key, key.field())) {
            Some((key, Some(field))) => {
                let raw = &text[member.value.span.clone()];
                content
                    .fields
                    .set(field, read(key, member.value.kind, raw, style)?);
            }
            Some((Key::Id, None)) => {}
            _ => shadow.push(&text[member.key.start..member.value.span.end]),
        }
    }
    if !content.has(Key::Name) {
        return Err("it has no `name`".to_owned());
    }
    if !shadow.is_empty() {
        content.shadow = Some(format!("{{{}}}", shadow.join(",")));
    }
    Ok(content)
}

fn key_of(text: &str, member: &Member) -> Option<Key> {
    Key::of_name(&decode(&text[member.key.clone()])?)
}

fn id_in(text: &str, value: &Found) -> Option<i64> {
    let raw = &text[value.span.clone()];
    raw.parse().ok().filter(|id: &i64| id.to_string() == raw)
}

/// The members of an object by name, each with its value's text; those with an unreadable name
/// are left out.
pub(super) fn values(text: &str) -> Vec<(String, Kind, &str)> {
    scan::members(text)
        .unwrap_or_default()
        .iter()
        .filter_map(|member| {
            let name = decode(&text[member.key.clone()])?;
            let raw = &text[member.value.span.clone()];
            Some((name, member.value.kind, raw))
        })
        .collect()
}

/// `text` with the value of `name` replaced; `None` where it has no such member.
pub(super) fn replace(text: &str, name: &str, raw: &str) -> Option<String> {
    let members = scan::members(text).ok()?;
    let member = members
        .iter()
        .find(|member| decode(&text[member.key.clone()]).as_deref() == Some(name))?;
    let span = &member.value.span;
    Some([&text[..span.start], raw, &text[span.end..]].concat())
}

/// `text` without the member `name`, and without what parted it from its neighbour.
pub(super) fn remove(text: &str, name: &str) -> Option<String> {
    let members = scan::members(text).ok()?;
    let at = members
        .iter()
        .position(|member| decode(&text[member.key.clone()]).as_deref() == Some(name))?;
    let member = &members[at];
    let (start, end) = match (at.checked_sub(1), members.get(at + 1)) {
        (Some(before), _) => (members[before].value.span.end, member.value.span.end),
        (None, Some(next)) => (member.key.start, next.key.start),
        (None, None) => (member.key.start, member.value.span.end),
    };
    Some([&text[..start], &text[end..]].concat())
}

/// `text` with every value replaced by what `value` makes of its name and kind.
pub(super) fn replace_all(
    text: &str,
    mut value: impl FnMut(Option<&str>, Kind) -> String,
) -> String {
    let mut fresh = String::with_capacity(text.len());
    let mut done = 0;
    for member in scan::members(text).unwrap_or_default() {
        fresh.push_str(&text[done..member.value.span.start]);
        let name = decode(&text[member.key.clone()]);
        fresh.push_str(&value(name.as_deref(), member.value.kind));
        done = member.value.span.end;
    }
    fresh.push_str(&text[done..]);
    fresh
}

/// `text` with one more member at the end, spaced as the last two are.
pub(super) fn append(text: &str, name: &str, raw: &str, style: Style) -> String {
    let members = scan::members(text).unwrap_or_default();
    let key = super::convert::encode(name, style);
    let Some(last) = members.last() else {
        return format!("{{{key}: {raw}}}");
    };
    let colon = &text[last.key.end..last.value.span.start];
    let gap = match members.len() {
        1 => {
            let lead = &text[1..last.key.start];
            format!(",{}", if lead.is_empty() { " " } else { lead })
        }
        count => text[members[count - 2].value.span.end..last.key.start].to_owned(),
    };
    let (before, after) = text.split_at(last.value.span.end);
    format!("{before}{gap}{key}{colon}{raw}{after}")
}
