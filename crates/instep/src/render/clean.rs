//! Takes away what could move a cursor, ring a bell or turn text round.

/// Whether a character may never reach a terminal: controls, and what changes the direction in
/// which its neighbours are shown.
pub(crate) fn is_unsafe(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}')
}

/// One line of text that is safe to show: escape sequences go, line ends and tabs become blanks.
pub(crate) fn clean(text: &str) -> String {
    let text = console::strip_ansi_codes(text);
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\n' | '\t' | '\u{2028}' | '\u{2029}') {
            safe.push(' ');
        } else if !is_unsafe(c) {
            safe.push(c);
        }
    }
    safe
}

/// The same for a line of a file, whose tabs mean something.
pub(super) fn clean_keeping_tabs(line: &str) -> String {
    let parts: Vec<String> = line.split('\t').map(clean).collect();
    parts.join("\t")
}
