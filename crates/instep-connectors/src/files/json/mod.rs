//! A list of tasks as JSON text, taken apart into its entries and put together again byte for
//! byte. No file is opened here, and what was not asked to change never does.

mod convert;
mod layout;
mod rebase;
mod scan;
mod wire;

use std::collections::BTreeMap;

use instep_model::{Capabilities, Change, Draft, Edit, Field, Fields, RemoteId, RemoteTask, Value};

use crate::files::notice::LeftAlone;
use convert::{Key, Style};
use layout::Layout;
pub(super) use rebase::{Rebased, complete, distance, rebase, rejoin, reverts};
use wire::{Content, Entry, Reading};

/// The mark that some editors put before a text.
const BOM: char = '\u{feff}';

/// What a file of this kind can hold.
pub(super) fn capabilities() -> Capabilities {
    convert::capabilities()
}

/// Whether `bytes` are a whole list of this kind; `Err` says what is wrong.
pub(super) fn verify(bytes: &[u8]) -> Result<(), String> {
    let text = text_of(bytes)?;
    let found = scan::list(text).map_err(|broken| explain(text, &broken))?;
    let tasks = found.iter().any(|found| found.kind == scan::Kind::Object);
    if found.is_empty() || tasks {
        Ok(())
    } else {
        Err("it is a list, but of no tasks".to_owned())
    }
}

fn text_of(bytes: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("it is not UTF-8 after byte {}", error.valid_up_to()))?;
    Ok(text.strip_prefix(BOM).unwrap_or(text))
}

fn explain(text: &str, broken: &scan::Broken) -> String {
    let before = &text.as_bytes()[..broken.at];
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    format!("{} (line {line})", broken.what)
}

/// Why an operation on one entry was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no such entry.
    Gone,
    /// A field holds neither what the change starts from nor what it leads to.
    Stale,
    /// It cannot be stored.
    Rejected {
        /// The field, where it is one.
        field: Option<Field>,
        /// Why.
        reason: String,
    },
}

impl Refusal {
    fn rejected(field: Option<Field>, reason: impl Into<String>) -> Self {
        Self::Rejected {
            field,
            reason: reason.into(),
        }
    }
}

/// A whole file.
#[derive(Debug, Clone)]
pub(super) struct Document {
    layout: Layout,
    entries: Vec<Entry>,
    style: Style,
}

impl Document {
    /// Reads a file; no bytes at all are a file that is still to be made.
    pub(super) fn parse(bytes: &[u8], high_is_one: bool) -> Result<Self, String> {
        if bytes.is_empty() {
            return Self::parse(b"[]\n", high_is_one);
        }
        verify(bytes)?;
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let start = text.len() - text.trim_start_matches(BOM).len();
        let found = scan::list(&text[start..]).map_err(|broken| explain(text, &broken))?;
        let spans = found
            .iter()
            .map(|found| found.span.start + start..found.span.end + start);
        let layout = Layout::around(text, spans);
        let mut style = Style {
            high_is_one,
            ascii: text[start..].is_ascii() && text.contains("\\u"),
            null_priority: false,
        };
        style.null_priority = found.iter().any(|found| {
            let entry = &text[found.span.start + start..found.span.end + start];
            entry.contains("null")
                && wire::values(entry).iter().any(|(name, kind, _)| {
                    name == Key::Priority.name() && *kind == scan::Kind::Null
                })
        });
        let entries = found.into_iter().map(|found| {
            let span = found.span.start + start..found.span.end + start;
            Entry::read(text[span].to_owned(), found.kind, style)
        });
        let mut document = Self {
            layout,
            entries: entries.collect(),
            style,
        };
        document.leave_repeated_alone();
        Ok(document)
    }

    fn leave_repeated_alone(&mut self) {
        let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
        for id in self.entries.iter().filter_map(Entry::id) {
            *counts.entry(id).or_default() += 1;
        }
        for entry in &mut self.entries {
            if let Some(id) = entry.id().filter(|id| counts[id] > 1) {
                entry.leave_alone(&format!("{} entries have the id {id}", counts[&id]));
            }
        }
    }

    /// The whole text.
    pub(super) fn text(&self) -> String {
        self.layout
            .join(self.entries.iter().map(|entry| entry.text.as_str()))
    }

    /// Whether `text` falls into exactly these entries again.
    pub(super) fn reads_back(&self, text: &str) -> bool {
        let start = text.len() - text.trim_start_matches(BOM).len();
        let text = &text[start..];
        scan::list(text).is_ok_and(|found| {
            let texts = found.iter().map(|found| &text[found.span.clone()]);
            texts.eq(self.entries.iter().map(|entry| entry.text.as_str()))
        })
    }

    /// Every entry that is a task.
    pub(super) fn tasks(&self) -> impl Iterator<Item = RemoteTask> {
        self.entries
            .iter()
            .filter_map(Entry::task)
            .map(Content::remote)
    }

    /// Every entry that is left alone.
    pub(super) fn left_alone(&self) -> Vec<LeftAlone> {
        let entries = self.entries.iter().zip(1..);
        entries
            .filter_map(|(entry, number)| match &entry.reading {
                Reading::Task(_) => None,
                Reading::Alone { id, reason } => Some(LeftAlone {
                    entry: number,
                    id: id.map(|id| RemoteId::new(id.to_string())),
                    reason: reason.clone(),
                }),
            })
            .collect()
    }

    /// The highest id there is; 0 without any.
    pub(super) fn highest(&self) -> i64 {
        let ids = self.entries.iter().filter_map(Entry::id);
        ids.max().unwrap_or(0)
    }

    /// The task with this id.
    pub(super) fn get(&self, id: &RemoteId) -> Result<RemoteTask, Refusal> {
        let (_, content) = self.find(id)?;
        Ok(content.remote())
    }

    fn find(&self, id: &RemoteId) -> Result<(usize, &Content), Refusal> {
        let number: i64 = id.as_str().parse().map_err(|_| Refusal::Gone)?;
        let at = self
            .entries
            .iter()
            .position(|entry| entry.id() == Some(number))
            .ok_or(Refusal::Gone)?;
        match &self.entries[at].reading {
            Reading::Task(content) => Ok((at, content)),
            Reading::Alone { reason, .. } => {
                let reason = format!("its entry is left alone: {reason}");
                Err(Refusal::rejected(None, reason))
            }
        }
    }

    /// Every task that has what `sent` says.
    pub(super) fn with_content(&self, sent: &Fields) -> Vec<RemoteTask> {
        self.entries
            .iter()
            .filter_map(Entry::task)
            .filter(|held| convert::has_content(&held.fields, |key| held.has(key), sent))
            .map(Content::remote)
            .collect()
    }

    /// Makes a task behind the last one, with an id above `floor` and above all there are.
    pub(super) fn create(&mut self, draft: &Draft, floor: i64) -> Result<RemoteTask, Refusal> {
        for (field, _) in draft.fields.iter() {
            held_key(field)?;
        }
        titled(draft.fields.get(Field::Title))?;
        let id = self.highest().max(floor).checked_add(1);
        let id = id.ok_or_else(|| Refusal::rejected(None, "there is no higher id"))?;
        let shadow = draft.shadow.as_deref().unwrap_or_default();
        let text = self.new_text(id, &draft.fields, &wire::values(shadow));
        let entry = Entry::read(text, scan::Kind::Object, self.style);
        let made = entry.task().map(Content::remote);
        let made = made.ok_or_else(|| Refusal::rejected(None, "its entry would be unreadable"))?;
        self.layout.push();
        self.entries.push(entry);
        Ok(made)
    }

    /// An entry with the keys of the last task, without its owner's own where they would be empty;
    /// without any task, with the seven that all know.
    fn new_text(&self, id: i64, fields: &Fields, shadow: &[(String, scan::Kind, &str)]) -> String {
        let style = self.style;
        let neighbour = self
            .entries
            .iter()
            .rfind(|entry| entry.task().is_some())
            .map_or_else(|| self.layout.plain_entry(), |entry| entry.text.clone());
        let value_of = |key: Key, beside: Option<scan::Kind>| {
            let field = key.field();
            let value = field.and_then(|field| convert::on_grid(field, fields.get(field)));
            convert::write(key, value.as_ref(), beside, style)
        };
        let kept = |name: &str| shadow.iter().find(|(shadowed, ..)| shadowed == name);
        let mut text = neighbour;
        let own: Vec<String> = wire::values(&text)
            .into_iter()
            .map(|(name, ..)| name)
            .filter(|name| Key::of_name(name).is_none() && kept(name).is_none())
            .collect();
        for name in own {
            text = wire::remove(&text, &name).unwrap_or(text);
        }
        text = wire::replace_all(&text, |name, kind| {
            match (name.and_then(Key::of_name), name.and_then(kept)) {
                (Some(Key::Id), _) => id.to_string(),
                (None | Some(Key::Comment), Some((_, _, raw))) => (*raw).to_owned(),
                (None | Some(Key::Comment), None) => convert::blank(kind).to_owned(),
                (Some(key), _) => value_of(key, Some(kind)),
            }
        });
        let names: Vec<String> = wire::values(&text)
            .into_iter()
            .map(|(name, ..)| name)
            .collect();
        for key in Key::ALL {
            let says = key
                .field()
                .is_some_and(|field| convert::on_grid(field, fields.get(field)).is_some());
            if says && !names.iter().any(|name| name == key.name()) {
                text = wire::append(&text, key.name(), &value_of(key, None), style);
            }
        }
        for (name, _, raw) in shadow {
            let is_shadow = matches!(Key::of_name(name), None | Some(Key::Comment));
            if is_shadow && !names.contains(name) {
                text = wire::append(&text, name, raw, style);
            }
        }
        text
    }

    /// Changes one task, all of the edit or nothing of it.
    pub(super) fn update(&mut self, id: &RemoteId, edit: &Edit) -> Result<RemoteTask, Refusal> {
        let (at, content) = self.find(id)?;
        let only_fields = Edit {
            fields: edit.fields.clone(),
            ..Edit::default()
        };
        if only_fields != *edit {
            return Err(Refusal::rejected(
                None,
                "this file holds no notes, links, markers or collections",
            ));
        }
        for change in &edit.fields {
            check(content, change)?;
        }
        let mut text = self.entries[at].text.clone();
        for change in &edit.fields {
            let content = self.entries[at].task();
            if let Some(moved) = content.and_then(|content| self.moved(&text, content, change)) {
                text = moved;
            }
        }
        let entry = Entry::read(text, scan::Kind::Object, self.style);
        let Some(stored) = entry.task().map(Content::remote) else {
            return Err(Refusal::rejected(None, "its entry would be unreadable"));
        };
        self.entries[at] = entry;
        Ok(stored)
    }

    /// The entry's text with one field moved; `None` where it stands already. A key that the entry
    /// did not have is added to it: its absence would say that the value was taken away.
    fn moved(&self, text: &str, content: &Content, change: &Change) -> Option<String> {
        let key = Key::of_field(change.field)?;
        let to = convert::on_grid(change.field, change.to.as_ref());
        let raw = match (key, content.has(key)) {
            (Key::Tag, true) => {
                let present = wire::values(text)
                    .into_iter()
                    .find(|(name, ..)| name == key.name())
                    .and_then(|(_, _, raw)| convert::decode(raw))
                    .unwrap_or_default();
                let from = tags(convert::on_grid(change.field, change.from.as_ref()));
                let to = tags(to);
                let removed = from.difference(&to).cloned().collect();
                let added = to.difference(&from).cloned().collect();
                let fresh = convert::retag(&present, &removed, &added);
                if fresh == present {
                    return None;
                }
                convert::encode(&fresh, self.style)
            }
            _ if content.fields.get(change.field) == to.as_ref() => return None,
            _ => convert::write(key, to.as_ref(), None, self.style),
        };
        if content.has(key) {
            wire::replace(text, key.name(), &raw)
        } else {
            Some(wire::append(text, key.name(), &raw, self.style))
        }
    }

    /// Removes one task and what parts it from its neighbour.
    pub(super) fn delete(&mut self, id: &RemoteId) -> Result<(), Refusal> {
        let (at, _) = self.find(id)?;
        self.remove(at);
        Ok(())
    }

    fn remove(&mut self, at: usize) {
        self.entries.remove(at);
        self.layout.remove(at);
    }

    fn push_text(&mut self, text: String) {
        let entry = Entry::read(text, scan::Kind::Object, self.style);
        self.layout.push();
        self.entries.push(entry);
    }
}

fn tags(value: Option<Value>) -> std::collections::BTreeSet<String> {
    match value {
        Some(Value::Tags(tags)) => tags,
        _ => std::collections::BTreeSet::new(),
    }
}

fn held_key(field: Field) -> Result<Key, Refusal> {
    Key::of_field(field)
        .ok_or_else(|| Refusal::rejected(Some(field), "this file has no place for it"))
}

fn titled(title: Option<&Value>) -> Result<(), Refusal> {
    match title {
        Some(Value::Text(text)) if !text.trim().is_empty() => Ok(()),
        _ => Err(Refusal::rejected(Some(Field::Title), "a task needs a name")),
    }
}

/// Whether a change can be made to what the entry holds now.
fn check(content: &Content, change: &Change) -> Result<(), Refusal> {
    held_key(change.field)?;
    if change.field == Field::Title {
        titled(change.to.as_ref())?;
    }
    let held = content.fields.get(change.field);
    let is =
        |value: &Option<Value>| held == convert::on_grid(change.field, value.as_ref()).as_ref();
    // Tags are a set: what others added or removed beside ours stays.
    if change.field == Field::Tags || is(&change.from) || is(&change.to) {
        Ok(())
    } else {
        Err(Refusal::Stale)
    }
}
