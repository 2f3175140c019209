//! What Taskwarrior tells its on-exit hook on stdin: one object a line, read for its uuid alone.
//!
//! It is not always strict JSON: control characters and bytes that are no UTF-8 stand in it as they
//! are. So nothing is parsed that is not needed, no more than a uuid is ever kept, and a line that
//! makes no sense means that any task may have changed.

use std::collections::HashSet;
use std::io::{ErrorKind, Read};

/// With more tasks than this one look at all of them costs less.
const MAX_TASKS: usize = 1000;

/// More than this is not read.
const MAX_BYTES: usize = 16 << 20;

/// How long a uuid is as text.
const UUID_BYTES: usize = 36;

/// What was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Changed {
    /// Nothing changed.
    Nothing,
    /// These tasks, each once.
    Tasks(Vec<String>),
    /// Too much to list, or something that made no sense.
    Anything,
}

/// Reads to the end, or to where it is too much.
pub(crate) fn told(input: &mut impl Read) -> Changed {
    let mut scan = Scan::default();
    let mut buffer = [0; 64 * 1024];
    let mut total = 0;
    loop {
        match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                total += read;
                buffer[..read].iter().for_each(|byte| scan.byte(*byte));
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => {
                scan.anything |= total > 0;
                break;
            }
        }
        if total > MAX_BYTES {
            return Changed::Anything;
        }
    }
    scan.end()
}

/// All lines so far.
#[derive(Debug, Default)]
struct Scan {
    line: Line,
    tasks: Vec<String>,
    known: HashSet<String>,
    anything: bool,
}

impl Scan {
    fn byte(&mut self, byte: u8) {
        if byte == b'\n' {
            self.end_line();
        } else {
            self.line.byte(byte);
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty {
            return;
        }
        match line.uuid.filter(|_| line.depth == 0 && !line.in_string) {
            Some(uuid) if self.tasks.len() < MAX_TASKS => {
                if self.known.insert(uuid.clone()) {
                    self.tasks.push(uuid);
                }
            }
            _ => self.anything = true,
        }
    }

    fn end(mut self) -> Changed {
        self.end_line();
        match (self.anything, self.tasks.is_empty()) {
            (true, _) => Changed::Anything,
            (false, true) => Changed::Nothing,
            (false, false) => Changed::Tasks(self.tasks),
        }
    }
}

/// One line as far as it was read: just enough of JSON to tell a key of the object itself from
/// anything inside its values.
#[derive(Debug)]
struct Line {
    is_empty: bool,
    /// How many brackets are open.
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The last string, cut where it is longer than any that matters.
    text: Vec<u8>,
    /// Whether the value that comes is the uuid's.
    is_uuid: bool,
    uuid: Option<String>,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            is_empty: true,
            depth: 0,
            in_string: false,
            escaped: false,
            text: Vec::new(),
            is_uuid: false,
            uuid: None,
        }
    }
}

impl Line {
    fn byte(&mut self, byte: u8) {
        if self.in_string {
            return self.byte_of_string(byte);
        }
        if byte.is_ascii_whitespace() {
            return;
        }
        self.is_empty = false;
        match byte {
            b'"' => {
                self.in_string = true;
                self.text.clear();
            }
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                // A bracket too many leaves the line unbalanced, which is what it is.
                self.depth = self.depth.checked_sub(1).unwrap_or(usize::MAX / 2);
            }
            b':' if self.depth == 1 => self.is_uuid = self.text == b"uuid",
            b',' if self.depth == 1 => self.is_uuid = false,
            _ => {}
        }
    }

    fn byte_of_string(&mut self, byte: u8) {
        let ends = byte == b'"' && !self.escaped;
        if ends {
            self.in_string = false;
            if self.is_uuid && self.depth == 1 {
                self.uuid = uuid(&self.text);
            }
            return;
        }
        self.escaped = byte == b'\\' && !self.escaped;
        if self.text.len() <= UUID_BYTES {
            self.text.push(byte);
        }
    }
}

/// A uuid as it was written: an older Taskwarrior takes the two cases for two tasks.
fn uuid(text: &[u8]) -> Option<String> {
    let is_dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    let fits = |(at, byte): (usize, &u8)| match is_dash(at) {
        true => *byte == b'-',
        false => byte.is_ascii_hexdigit(),
    };
    let is_uuid = text.len() == UUID_BYTES && text.iter().enumerate().all(fits);
    let text = std::str::from_utf8(text).ok()?;
    is_uuid.then(|| text.to_owned())
}
