//! Lines of tinted text. Whatever gets into a line is cleaned on its way in.

use std::cell::LazyCell;
use std::fmt::Write;
use std::ops::Range;

use console::{measure_text_width, truncate_str};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::clean::clean;

/// Columns of a screen that does not say how wide it is.
pub(crate) const USUAL_COLUMNS: usize = 80;

/// Where it is shown.
pub(crate) struct Screen {
    colour: bool,
    columns: usize,
    /// For relative times.
    pub(super) now: Timestamp,
    /// For days and hours; found out when the first is shown.
    pub(super) zone: LazyCell<TimeZone, Box<dyn FnOnce() -> TimeZone>>,
}

impl Screen {
    /// A screen of so many columns, at this moment, in the time zone that `zone` finds out.
    pub(crate) fn new(
        colour: bool,
        columns: usize,
        zone: impl FnOnce() -> TimeZone + 'static,
    ) -> Self {
        Self {
            colour,
            columns,
            now: Timestamp::now(),
            zone: LazyCell::new(Box::new(zone)),
        }
    }

    /// How wide the widest of some texts may be shown, where `rest` columns stand beside it.
    pub(super) fn fit(&self, widest: usize, most: usize, rest: usize) -> usize {
        const LEAST: usize = 20;
        let room = self.columns.saturating_sub(rest).max(LEAST);
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

/// One line; where it is wider than the screen it goes on below, between two words.
#[derive(Default)]
pub(super) struct Line {
    spans: Vec<(Tint, String)>,
    /// Blanks before what goes on below; else a little more than before the line itself.
    hang: Option<usize>,
    /// Never broken: a command is copied as a whole.
    whole: bool,
}

impl Line {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Goes on so many columns from the left where it is too long.
    pub(super) fn hang(mut self, columns: usize) -> Self {
        self.hang = Some(columns);
        self
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
        let width = measure_text_width(label);
        let mut before = label.to_owned();
        for part in text.lines().filter(|part| !part.trim().is_empty()) {
            let line = Line::new().tint(Tint::Faint, &before).text(part);
            self.line(line.hang(width));
            before = " ".repeat(width);
        }
    }

    /// A command that helps.
    pub(super) fn command(&mut self, indent: &str, command: &str) {
        for part in command.lines() {
            let line = Line::new()
                .text(indent)
                .tint(Tint::Strong, format!("→ {part}"));
            self.line(Line {
                whole: true,
                ..line
            });
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
    let full: String = line.spans.iter().map(|(_, text)| text.as_str()).collect();
    // Blanks at the end of a line would only show when it is copied.
    let full = full.trim_end();
    let before = full.len() - full.trim_start().len();
    let hang = line.hang.unwrap_or(before + 2).min(screen.columns / 2);
    let columns = if line.whole {
        usize::MAX
    } else {
        screen.columns
    };
    for (at, part) in folded(full, columns, hang).into_iter().enumerate() {
        if at > 0 {
            out.push_str(&" ".repeat(hang));
        }
        draw_part(line, part, screen, out);
        out.push('\n');
    }
}

/// The bytes of a line from `part.start` to `part.end`, each span in its tint.
fn draw_part(line: &Line, part: Range<usize>, screen: &Screen, out: &mut String) {
    let mut start = 0;
    for (tint, text) in &line.spans {
        let span = start..start + text.len();
        start = span.end;
        let shown = span.start.max(part.start)..span.end.min(part.end);
        if shown.is_empty() {
            continue;
        }
        let text = &text[shown.start - span.start..shown.end - span.start];
        match tint.code() {
            Some(code) if screen.colour => {
                write!(out, "\u{1b}[{code}m{text}\u{1b}[0m").expect("a String takes any text");
            }
            _ => out.push_str(text),
        }
    }
}

/// Where a text is broken, between words, so that each part fits; all but the first have `hang`
/// columns less. A command at the end stays in one piece, and so does a word that is too long.
fn folded(text: &str, columns: usize, hang: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    if text.is_empty() || measure_text_width(text) <= columns {
        parts.push(0..text.len());
        return parts;
    }
    let (mut start, mut end, mut room) = (0, 0, columns);
    for word in words(text) {
        let fits = measure_text_width(&text[start..word.end]) <= room;
        if !fits && end > start {
            parts.push(start..end);
            start = word.start;
            room = columns.saturating_sub(hang);
        }
        end = word.end;
    }
    parts.push(start..end);
    parts
}

/// The words of a text, and a command at its end as one of them.
fn words(text: &str) -> Vec<Range<usize>> {
    let command = ["→ instep ", ": instep "]
        .into_iter()
        .filter_map(|before| Some(text.find(before)? + before.len() - "instep ".len()))
        .min();
    let prose = command.unwrap_or(text.len());
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text[..prose].char_indices() {
        match (c == ' ', start) {
            (true, Some(from)) => {
                words.push(from..at);
                start = None;
            }
            (false, None) => start = Some(at),
            _ => {}
        }
    }
    words.extend(start.map(|from| from..prose));
    words.extend(command.map(|from| from..text.len()));
    words
}

/// The width of the widest text.
pub(super) fn widest<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> usize {
    let widths = texts
        .into_iter()
        .map(|text| measure_text_width(&clean(text.as_ref())));
    widths.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, columns: usize, hang: usize, expected: &[&str]) {
        let parts = folded(text, columns, hang);
        let parts: Vec<&str> = parts.into_iter().map(|part| &text[part]).collect();
        assert_eq!(parts, expected, "{text}");
    }

    #[test]
    fn long_lines_go_on_below_between_words() {
        check("", 10, 2, &[""]);
        check("ten columns", 11, 2, &["ten columns"]);
        check("one two three four", 9, 2, &["one two", "three", "four"]);
        check("  one two three", 9, 4, &["  one two", "three"]);
        check(
            "a verylongwordindeed b",
            8,
            2,
            &["a", "verylongwordindeed", "b"],
        );
        check("äöü äöü äöü", 7, 0, &["äöü äöü", "äöü"]);
        check(
            "to accept it: instep sync file --yes",
            20,
            2,
            &["to accept it:", "instep sync file --yes"],
        );
        check(
            "2 changes → instep sync",
            12,
            2,
            &["2 changes →", "instep sync"],
        );
    }
}
