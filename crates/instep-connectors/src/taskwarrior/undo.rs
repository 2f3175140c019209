//! The journal of 2.6, `undo.data`, read for one question: was a task that vanished removed by
//! a person, or lost when two commands rewrote the file at once? It is never written.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use uuid::Uuid;

/// Those of `missing` that nobody removed. Purging works on deleted tasks only and leaves no
/// entry, undoing takes its entry away: a task that its last entry still shows alive was lost.
pub(super) fn lost(data: &Path, missing: &[(Uuid, u64)]) -> HashSet<Uuid> {
    let Ok(file) = File::open(data.join("undo.data")) else {
        return HashSet::new();
    };
    let wanted: HashSet<Uuid> = missing.iter().map(|(uuid, _)| *uuid).collect();
    let mut alive: HashMap<Uuid, bool> = HashMap::new();
    for line in BufReader::new(file).split(b'\n').map_while(Result::ok) {
        let Some(entry) = line.strip_prefix(b"new [") else {
            continue;
        };
        let named = attribute(entry, b" uuid:\"").and_then(|text| Uuid::try_parse_ascii(text).ok());
        if let Some(uuid) = named.filter(|uuid| wanted.contains(uuid)) {
            let status = attribute(entry, b" status:\"");
            let lives = status
                .is_some_and(|status| matches!(status, b"pending" | b"waiting" | b"completed"));
            alive.insert(uuid, lives);
        }
    }
    let lost = alive.into_iter().filter(|(_, alive)| *alive);
    lost.map(|(uuid, _)| uuid).collect()
}

/// The value after the last `key`: attributes are sorted, and both that are asked for come late.
/// Quotes inside a value are escaped, so that no value can contain a key of this form.
fn attribute<'a>(entry: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let at = entry.windows(key.len()).rposition(|part| part == key)?;
    let value = &entry[at + key.len()..];
    let end = value.iter().position(|byte| *byte == b'"')?;
    Some(&value[..end])
}
