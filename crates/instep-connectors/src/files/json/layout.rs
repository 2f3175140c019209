//! What stands around and between the entries of a list: brackets, commas, white space. The
//! entries themselves are no business of this room.

use std::ops::Range;

/// Everything of a text but its entries.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// Up to the first entry, or to the end of the opening bracket without any.
    head: String,
    /// Between two entries each.
    seams: Vec<String>,
    /// From behind the last entry.
    tail: String,
    count: usize,
    /// How this file ends a line.
    line_end: &'static str,
}

impl Layout {
    /// The layout of `text`, whose entries stand at `spans`.
    pub(super) fn around(text: &str, spans: impl Iterator<Item = Range<usize>>) -> Self {
        let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let mut layout = Self {
            head: String::new(),
            seams: Vec::new(),
            tail: String::new(),
            count: 0,
            line_end,
        };
        let mut done = 0;
        for span in spans {
            let gap = &text[done..span.start];
            if layout.count == 0 {
                layout.head = gap.to_owned();
            } else {
                layout.seams.push(gap.to_owned());
            }
            layout.count += 1;
            done = span.end;
        }
        if layout.count == 0 {
            done = text.find('[').map_or(text.len(), |at| at + 1);
            layout.head = text[..done].to_owned();
        }
        layout.tail = text[done..].to_owned();
        layout
    }

    /// The whole text with these entries.
    pub(super) fn join<'a>(&self, entries: impl Iterator<Item = &'a str>) -> String {
        let mut text = self.head.clone();
        for (at, entry) in entries.enumerate() {
            if at > 0 {
                text.push_str(self.seams.get(at - 1).map_or(",", String::as_str));
            }
            text.push_str(entry);
        }
        text.push_str(&self.tail);
        text
    }

    /// The white space behind the opening bracket.
    fn lead(&self) -> &str {
        self.head.rfind('[').map_or("", |at| &self.head[at + 1..])
    }

    /// Makes room for one more entry at the end, parted as the last two are.
    pub(super) fn push(&mut self) {
        if self.count == 0 {
            let rest = self.tail.trim_start().to_owned();
            self.head = format!("{}{}  ", self.head.trim_end(), self.line_end);
            self.tail = format!("{}{rest}", self.line_end);
        } else {
            let lead = self.lead();
            let fresh = format!(",{}", if lead.is_empty() { " " } else { lead });
            self.seams.push(self.seams.last().cloned().unwrap_or(fresh));
        }
        self.count += 1;
    }

    /// Takes away the room of entry `at` and what parted it from the next, or, at the end, from
    /// the one before.
    pub(super) fn remove(&mut self, at: usize) {
        if self.seams.is_empty() {
            let bracket = self.head.rfind('[').map_or(0, |at| at + 1);
            self.head.truncate(bracket);
            self.tail = self.tail.trim_start().to_owned();
        } else {
            self.seams.remove(at.min(self.seams.len() - 1));
        }
        self.count -= 1;
    }

    /// An entry with every known key and no values, as the first one of a file is laid out.
    pub(super) fn plain_entry(&self) -> String {
        let members = [
            "\"id\": 0",
            "\"name\": \"\"",
            "\"comment\": \"\"",
            "\"description\": \"\"",
            "\"priority\": 0",
            "\"tag\": \"\"",
            "\"done\": false",
        ];
        let line = self.line_end;
        let inner = members.map(|member| format!("{line}    {member}"));
        format!("{{{}{line}  }}", inner.join(","))
    }
}
