//! Keys of the config that mean nothing: where they stand, and which one was probably meant.

use toml_edit::{Document, Table, TableLike};

/// The keys of the whole file.
pub(super) const TOP: [&str; 6] = [
    "timezone",
    "conflicts",
    "calls_per_sec",
    "daemon",
    "breaker",
    "account",
];

/// The keys of the daemon and the hook.
pub(super) const DAEMON: [&str; 7] = [
    "hook_pass",
    "poll_secs",
    "parallel_reads",
    "listen",
    "public_url",
    "alarm_command",
    "log",
];

/// The keys of `[breaker]`.
pub(super) const BREAKER: [&str; 3] = ["failures", "open_secs", "off"];

/// The keys that every account may have.
pub(super) const ACCOUNT: [&str; 8] = [
    "id",
    "name",
    "kind",
    "direction",
    "project",
    "tag",
    "not_tag",
    "conflicts",
];

/// The keys of a secret.
const SECRET: [&str; 3] = ["file", "env", "command"];

/// The keys that only accounts of this kind have.
pub(super) fn own_keys(kind: &str) -> &'static [&'static str] {
    match kind {
        "taskwarrior" => &["program", "taskrc", "data", "run_hooks"],
        "vikunja" => &["url", "secret"],
        "file" => &["path", "format", "priority_high_is_one"],
        _ => &[],
    }
}

/// A key that means nothing here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unknown {
    /// The key.
    pub(crate) key: String,
    /// Its line, counted from 1.
    pub(crate) line: usize,
    /// The key that was probably meant.
    pub(crate) meant: Option<&'static str>,
    /// The table that it belongs into, where it stands in none.
    pub(crate) table: Option<&'static str>,
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "unknown key `{}`, line {}", self.key, self.line)?;
        match (self.meant, self.table) {
            (Some(meant), None) => write!(f, ": did you mean `{meant}`?"),
            (Some(meant), Some(table)) => write!(f, ": did you mean `{meant}` in `[{table}]`?"),
            (None, _) => Ok(()),
        }
    }
}

/// Every key of the file that means nothing.
pub(crate) fn unknown_keys(text: &str) -> Vec<Unknown> {
    let Ok(document) = Document::parse(text) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    look(text, document.as_table(), &TOP, &mut found);
    for unknown in found.iter_mut().filter(|one| one.meant.is_none()) {
        let tables = [("daemon", &DAEMON[..]), ("breaker", &BREAKER[..])].into_iter();
        let near = tables.filter_map(|(table, keys)| Some((table, nearest(&unknown.key, keys)?)));
        let near = near.min_by_key(|(_, meant)| strsim::damerau_levenshtein(&unknown.key, meant));
        (unknown.table, unknown.meant) = near.unzip();
    }
    if let Some(daemon) = document.get("daemon").and_then(|item| item.as_table_like()) {
        look(text, daemon, &DAEMON, &mut found);
    }
    let breaker = document.get("breaker");
    if let Some(breaker) = breaker.and_then(|item| item.as_table_like()) {
        look(text, breaker, &BREAKER, &mut found);
    }
    let accounts = document
        .get("account")
        .and_then(|item| item.as_array_of_tables());
    for account in accounts.into_iter().flat_map(|accounts| accounts.iter()) {
        look_at_account(text, account, &mut found);
    }
    found
}

fn look_at_account(text: &str, account: &Table, found: &mut Vec<Unknown>) {
    let kind = account.get("kind").and_then(|kind| kind.as_str());
    let mut keys = ACCOUNT.to_vec();
    keys.extend(own_keys(kind.unwrap_or_default()));
    look(text, account, &keys, found);
    if let Some(secret) = account.get("secret").and_then(|item| item.as_table_like()) {
        look(text, secret, &SECRET, found);
    }
}

fn look(text: &str, table: &dyn TableLike, keys: &[&'static str], found: &mut Vec<Unknown>) {
    for (name, item) in table.iter() {
        if keys.contains(&name) {
            continue;
        }
        let key = table.key(name).and_then(|key| key.span());
        let at = key.or_else(|| item.span()).map_or(0, |span| span.start);
        found.push(Unknown {
            key: name.to_owned(),
            line: line_of(text, at),
            meant: nearest(name, keys),
            table: None,
        });
    }
}

/// The line of a byte, counted from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    let before = &text.as_bytes()[..at.min(text.len())];
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// The word that was probably meant, if any is near enough.
pub(crate) fn nearest<'a>(typed: &str, words: &[&'a str]) -> Option<&'a str> {
    let near = words
        .iter()
        .map(|word| (strsim::damerau_levenshtein(typed, word), *word));
    let (distance, word) = near.min()?;
    (distance <= 1 + word.len() / 4).then_some(word)
}
