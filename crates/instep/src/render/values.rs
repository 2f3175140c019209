//! Times, days and values of fields as people say them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

use super::page::Screen;

/// How long ago an instant of RFC 3339 is, or how far ahead.
pub(super) fn relative(at: &str, screen: &Screen) -> String {
    let Ok(at) = at.parse::<Timestamp>() else {
        return at.to_owned();
    };
    let secs = screen.now.as_second() - at.as_second();
    let span = match secs.unsigned_abs() {
        0..=1 => return "just now".to_owned(),
        secs @ 2..=89 => format!("{secs} s"),
        secs @ 90..=5399 => format!("{} min", (secs + 30) / 60),
        secs @ 5400..=129_599 => format!("{} h", (secs + 1800) / 3600),
        secs @ 129_600..=2_591_999 => format!("{} days", (secs + 43_200) / 86_400),
        _ => return day(at.to_zoned(screen.zone.clone()).date(), screen),
    };
    if secs > 0 {
        format!("{span} ago")
    } else {
        format!("in {span}")
    }
}

/// When something falls that is still to come.
pub(super) fn ahead(at: &str, screen: &Screen) -> String {
    match at.parse::<Timestamp>() {
        Ok(at) if at.as_second() <= screen.now.as_second() + 1 => "by the next sync".to_owned(),
        _ => relative(at, screen),
    }
}

/// `Fri 27 Nov`, with the year where it is not this one.
fn day(date: Date, screen: &Screen) -> String {
    let this_year = screen.now.to_zoned(screen.zone.clone()).year() == date.year();
    let format = if this_year {
        "%a %-d %b"
    } else {
        "%a %-d %b %Y"
    };
    date.strftime(format).to_string()
}

fn moment(at: DateTime, screen: &Screen) -> String {
    let mut text = day(at.date(), screen);
    let second = if at.second() == 0 { "" } else { ":%S" };
    text.push_str(&at.strftime(&format!(" %H:%M{second}")).to_string());
    text
}

/// A date, a local time or an instant, in its canonical text.
pub(super) fn when(text: &str, screen: &Screen) -> String {
    if !text.contains('T') {
        let date = text.parse::<Date>();
        return date.map_or_else(|_| text.to_owned(), |date| day(date, screen));
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return moment(at.to_zoned(screen.zone.clone()).datetime(), screen);
    }
    let local = text.parse::<DateTime>();
    local.map_or_else(|_| text.to_owned(), |local| moment(local, screen))
}

/// The value of a field, in its canonical text, as a person says it.
pub(super) fn value(field: &str, text: Option<&str>, screen: &Screen) -> String {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return "none".to_owned();
    };
    match field {
        "due" | "deadline" | "wait" | "start" | "end" | "occurrence" | "started_at"
        | "completed_at" | "created" => when(text, screen),
        "tags" => elements(text)
            .iter()
            .map(|tag| tag_word(tag))
            .collect::<Vec<_>>()
            .join(" "),
        "percent_done" => format!("{text} %"),
        "title" | "notes" => short(text),
        "depends" | "parent" => text
            .split(',')
            .map(|id| short_id(id.trim()))
            .collect::<Vec<_>>()
            .join(" "),
        "annotations" => short(&annotations(text)),
        _ => text.to_owned(),
    }
}

/// A tag; between quotation marks where it could be taken for several.
pub(super) fn tag_word(tag: &str) -> String {
    let is_odd = |c: char| c.is_whitespace() || matches!(c, ',' | '"' | '#');
    match tag.contains(is_odd) {
        true => format!("#\"{tag}\""),
        false => format!("#{tag}"),
    }
}

/// The parts of a list in canonical text, where a backslash makes the next character plain.
fn elements(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let plain = match c {
            ',' => {
                parts.push(String::new());
                None
            }
            '\\' => chars.next().map(|c| if c == 'n' { '\n' } else { c }),
            c => Some(c),
        };
        if let Some(part) = parts.last_mut() {
            part.extend(plain);
        }
    }
    parts
}

/// The words of annotations without their ids and times, which nobody reads.
fn annotations(text: &str) -> String {
    let mut said = String::new();
    let mut rest = text;
    while let Some(at) = rest.char_indices().find_map(|(at, _)| words_at(rest, at)) {
        said.push_str(rest[..at.start].trim_end_matches([',', ' ']));
        if !said.is_empty() {
            said.push_str(" · ");
        }
        rest = &rest[at.end..];
    }
    said + rest
}

/// An id and a time at `at`, as they stand before each annotation.
fn words_at(text: &str, at: usize) -> Option<std::ops::Range<usize>> {
    const ID: usize = 36;
    let id = text.get(at..at + ID)?;
    let is_id = id.char_indices().all(|(place, c)| match place {
        8 | 13 | 18 | 23 => c == '-',
        _ => c.is_ascii_hexdigit(),
    });
    let rest = text.get(at + ID..)?.strip_prefix(' ')?;
    let (time, _) = rest.split_once(' ')?;
    time.parse::<Timestamp>().ok().filter(|_| is_id)?;
    Some(at..at + ID + 1 + time.len() + 1)
}

/// The first words of a long text.
fn short(text: &str) -> String {
    let text = super::clean::clean(text);
    format!("\"{}\"", console::truncate_str(&text, 40, "…"))
}

/// The shortest beginnings, of at least eight characters, that tell these ids apart.
pub(super) fn short_ids<'a>(ids: &[&'a str]) -> Vec<&'a str> {
    const LEAST: usize = 8;
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    ids.iter()
        .map(|id| {
            let at = sorted.binary_search(id).unwrap_or(0);
            let neighbours = [at.checked_sub(1), Some(at + 1)];
            let shared = neighbours
                .into_iter()
                .flatten()
                .filter_map(|at| sorted.get(at))
                .map(|other| shared_start(id, other))
                .max()
                .unwrap_or(0);
            let end = id.len().min(LEAST.max(shared + 1));
            id.get(..end).unwrap_or(id)
        })
        .collect()
}

fn shared_start(one: &str, other: &str) -> usize {
    one.bytes()
        .zip(other.bytes())
        .take_while(|(a, b)| a == b)
        .count()
}

/// The beginning of one id, where the others are not known.
pub(super) fn short_id(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_never_taken_for_two() {
        let screen = Screen::new(false, 80, || jiff::tz::TimeZone::UTC);
        let check = |text: &str, words: &str| {
            assert_eq!(value("tags", Some(text), &screen), words, "{text}");
        };
        check("a,b", "#a #b");
        check(r"a\,b", "#\"a,b\"");
        check(r"two words,back\\slash", "#\"two words\" #back\\slash");
    }

    #[test]
    fn annotations_are_told_by_their_words() {
        let check = |text: &str, words: &str| assert_eq!(annotations(text), words, "{text}");
        let id = "3f2a1c52-7b5e-4b0e-9d2f-6f0d3b1f9a10";
        let one = format!("{id} 2026-11-21T10:00:00Z call, then wait");
        check(&one, "call, then wait");
        check(&format!("{one},{one}"), "call, then wait · call, then wait");
        check("nothing of the kind", "nothing of the kind");
        check(&format!("{id} soon"), &format!("{id} soon"));
    }
}
