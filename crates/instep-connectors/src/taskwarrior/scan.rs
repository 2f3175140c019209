//! The cheap look at one line of an export: whose it is and whether it changed, without parsing
//! it, and the lenient parse of a line that did. Nothing here interprets an attribute.

use std::hash::Hasher;

use serde_json::{Map, Value as Json};
use uuid::Uuid;

/// What a line tells without being parsed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scan {
    pub(super) uuid: Uuid,
    /// Over everything that a person can change; equal digests mean an equal task.
    pub(super) digest: u64,
    /// The raw value of `until`, at which Taskwarrior deletes the task.
    pub(super) until: Option<i64>,
    /// The second at which the task says that it was last changed.
    pub(super) modified: Option<i64>,
    /// Whether it is the template of a repetition.
    pub(super) template: bool,
}

/// The hash of a task's attributes, fed in a fixed order.
///
/// The algorithm may change with the compiler. Then every task looks changed once, and the next
/// cursor carries the new digests: more than changed may always be reported.
#[derive(Default)]
pub(super) struct Digest(std::hash::DefaultHasher);

impl Digest {
    /// Takes in one attribute, unless it moves without anybody changing the task.
    pub(super) fn attribute(&mut self, key: &[u8], value: &[u8]) {
        if matches!(key, b"id" | b"urgency" | b"modified") {
            return;
        }
        self.any_attribute(key, value);
    }

    /// The same of whatever attribute.
    pub(super) fn any_attribute(&mut self, key: &[u8], value: &[u8]) {
        for part in [key, value] {
            self.0.write(part);
            self.0.write_u8(0xff);
        }
    }

    pub(super) fn finish(&self) -> u64 {
        self.0.finish()
    }
}

/// Scans one exported object; `None` when it is none or names no task.
pub(super) fn scan(line: &[u8]) -> Option<Scan> {
    let mut rest = line.strip_prefix(b"{")?;
    let mut digest = Digest::default();
    let (mut uuid, mut until, mut modified, mut template) = (None, None, None, false);
    loop {
        rest = rest.strip_prefix(b"\"")?;
        let end = string_end(rest)?;
        let key = &rest[..end];
        rest = rest[end + 1..].strip_prefix(b":")?;
        let end = value_end(rest)?;
        let value = &rest[..end];
        digest.attribute(key, value);
        match key {
            b"uuid" => uuid = text(value).and_then(|text| Uuid::parse_str(text).ok()),
            b"until" => until = text(value).and_then(super::wire::second),
            b"modified" => modified = text(value).and_then(super::wire::second),
            b"status" => template = value == b"\"recurring\"",
            _ => {}
        }
        match rest.get(end)? {
            b',' => rest = &rest[end + 1..],
            b'}' => break,
            _ => return None,
        }
    }
    Some(Scan {
        uuid: uuid?,
        digest: digest.finish(),
        until,
        modified,
        template,
    })
}

fn text(value: &[u8]) -> Option<&str> {
    let inner = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    std::str::from_utf8(inner).ok()
}

/// Where the string that `bytes` begins inside of ends: the index of its closing quote.
fn string_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

/// Where the value that `bytes` begins with ends.
fn value_end(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_u32);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at += string_end(&bytes[at + 1..])? + 1,
            b'[' | b'{' => depth += 1,
            b',' | b'}' | b']' if depth == 0 => return Some(at),
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    None
}

/// Parses one exported object. Both versions print some control characters raw and 2.6 prints
/// invalid UTF-8: what strict JSON refuses is escaped or replaced first.
pub(super) fn parse(line: &[u8]) -> Result<Map<String, Json>, String> {
    if let Ok(object) = serde_json::from_slice(line) {
        return Ok(object);
    }
    let text = String::from_utf8_lossy(line);
    let mut strict = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c.is_control() {
            strict.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            strict.push(c);
        }
    }
    serde_json::from_str(&strict).map_err(|error| error.to_string())
}

/// Where a quoted value ends: the place of the quote after it.
pub(super) fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}
