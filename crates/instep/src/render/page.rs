//! Lines of tinted text. Whatever gets into a line is cleaned on its way in.

use std::cell::LazyCell;
use std::fmt::Write;

use console::{measure_text_width, truncate_str};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::clean::clean;

/// Where it is shown.
pub(crate) struct Screen {
    colour: bool,
    /// Columns; `None` cuts nothing.
    columns: Option<usize>,
    /// For relative times.
    pub(super) now: Timestamp,
    /// For days and hours; found out when the first is shown.
    pub(super) zone: LazyCell<TimeZone>,
}

impl Screen {
    /// A screen of so many columns, at this moment.
    pub(crate) fn new(colour: bool, columns: Option<usize>) -> Self {
        Self {
            colour,
            columns,
            now: Timestamp::now(),
            zone: LazyCell::new(TimeZone::system),
        }
    }

    /// How wide the widest of some texts may be shown, where `rest` columns stand beside it.
    pub(super) fn fit(&self, widest: usize, most: usize, rest: usize) -> usize {
        let room = match self.columns {
            Some(columns) => columns.saturating_sub(rest).max(12),
            None => usize::MAX,
        };
        widest.min(most).min(room)
    }
}

/// What a text is to look like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tint {
    Plain,
    Strong,
    Faint,
    Good,
    Warn,
    Bad,
}

impl Tint {
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Strong => Some("1"),
            Self::Faint => Some("2"),
            Self::Good => Some("32"),
            Self::Warn => Some("33"),
            Self::Bad => Some("31"),
        }
    }
}

/// One line.
#[derive(Default)]
pub(super) struct Line {
    spans: Vec<(Tint, String)>,
}

impl Line {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds text as it is.
    pub(super) fn text(self, text: impl AsRef<str>) -> Self {
        self.tint(Tint::Plain, text)
    }

    /// Adds tinted text.
    pub(super) fn tint(mut self, tint: Tint, text: impl AsRef<str>) -> Self {
        self.spans.push((tint, clean(text.as_ref())));
        self
    }

    /// Adds text that takes `width` columns: cut or filled up with blanks.
    pub(super) fn cell(self, tint: Tint, text: impl AsRef<str>, width: usize) -> Self {
        let text = clean(text.as_ref());
        let cut = truncate_str(&text, width, "…");
        let blanks = width.saturating_sub(measure_text_width(&cut));
        self.tint(tint, &*cut).text(" ".repeat(blanks))
    }

    /// Adds text between quotation marks, cut after `most` columns.
    pub(super) fn quoted(self, text: &str, most: usize) -> Self {
        let text = clean(text);
        self.text(format!("\"{}\"", truncate_str(&text, most, "…")))
    }

    /// Adds what comes of each part, two blanks apart.
    pub(super) fn parts<T: AsRef<str>>(mut self, parts: impl IntoIterator<Item = T>) -> Self {
        for part in parts {
            if !part.as_ref().is_empty() {
                self = self.text("  ").text(part);
            }
        }
        self
    }
}

/// Lines, one under the other.
#[derive(Default)]
pub(crate) struct Page {
    lines: Vec<Line>,
}

impl Page {
    pub(super) fn line(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// A text that may have several lines, behind a label; nothing where it is empty.
    pub(super) fn paragraph(&mut self, label: &str, text: &str) {
        let mut before = label.to_owned();
        for part in text.lines().filter(|part| !part.trim().is_empty()) {
            self.line(Line::new().tint(Tint::Faint, &before).text(part));
            before = " ".repeat(measure_text_width(label));
        }
    }

    /// A command that helps.
    pub(super) fn command(&mut self, indent: &str, command: &str) {
        for part in command.lines() {
            self.line(
                Line::new()
                    .text(indent)
                    .tint(Tint::Strong, format!("→ {part}")),
            );
        }
    }

    /// The page as it goes to the terminal.
    pub(crate) fn draw(&self, screen: &Screen) -> String {
        let mut out = String::new();
        for line in &self.lines {
            draw_line(line, screen, &mut out);
        }
        out
    }
}

fn draw_line(line: &Line, screen: &Screen, out: &mut String) {
    // Blanks at the end of a line would only show when it is copied.
    let full: String = line.spans.iter().map(|(_, text)| text.as_str()).collect();
    let mut left = full.trim_end().len();
    for (tint, text) in &line.spans {
        let text = &text[..text.len().min(left)];
        left -= text.len();
        match tint.code() {
            Some(code) if screen.colour && !text.is_empty() => {
                write!(out, "\u{1b}[{code}m{text}\u{1b}[0m").expect("a String takes any text");
            }
            _ => out.push_str(text),
        }
    }
    out.push('\n');
}

/// The width of the widest text.
pub(super) fn widest<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> usize {
    let widths = texts
        .into_iter()
        .map(|text| measure_text_width(&clean(text.as_ref())));
    widths.max().unwrap_or(0)
}
