//! Takes out of a text what must not be in it: whatever the hub knows of tasks, the secrets of this
//! instance, the home directory, and what looks like an id.

use instep_api::Failure;
use instep_model::Value;
use instep_store::TaskFilter;
use secrecy::ExposeSecret;

use crate::Places;
use crate::app::App;
use crate::{say, secret};

/// Shorter texts of tasks are words like any others.
const LEAST_CHARS: usize = 4;

/// Ids that are shorter are no more than numbers.
const LEAST_ID_CHARS: usize = 8;

/// What is to be taken out, the longest first.
#[derive(Debug)]
pub(super) struct Scrub {
    home: String,
    known: Vec<String>,
}

impl Scrub {
    pub(super) fn new(places: &Places) -> Self {
        Self {
            home: places.home().display().to_string(),
            known: Vec::new(),
        }
    }

    /// Learns what the tasks of a hub say, their ids, and the secrets of its accounts.
    pub(super) async fn learn(&mut self, app: &App) -> Result<(), Failure> {
        let failed = |error| say::from_store(&error);
        let tasks = app.hub.list_tasks(&TaskFilter::default()).await;
        for task in tasks.map_err(failed)? {
            for (_, value) in task.fields.iter() {
                self.learn_value(value);
            }
        }
        for pair in app.hub.mappings(None).await.map_err(failed)? {
            let ids = [
                pair.remote.map(|id| id.to_string()),
                pair.collection.map(|id| id.to_string()),
            ];
            let long = ids.into_iter().flatten();
            self.known
                .extend(long.filter(|id| id.len() >= LEAST_ID_CHARS));
        }
        for entry in &app.config.accounts {
            if let Some(source) = entry.reach.secret()
                && let Ok(secret) = secret::read(source).await
            {
                self.known.push(secret.expose_secret().to_owned());
            }
        }
        self.known.sort_by_key(|text| std::cmp::Reverse(text.len()));
        self.known.dedup();
        Ok(())
    }

    fn learn_value(&mut self, value: &Value) {
        let texts: Vec<String> = match value {
            Value::Text(text) => text.lines().map(str::to_owned).collect(),
            Value::Tags(tags) => tags.iter().cloned().collect(),
            Value::Path(path) => {
                let whole = path.to_string();
                let parts = whole.split('.').map(str::to_owned).collect::<Vec<_>>();
                parts.into_iter().chain([whole]).collect()
            }
            Value::Annotations(notes) => notes.values().map(|note| note.text.clone()).collect(),
            _ => return,
        };
        let texts = texts.into_iter().map(|text| text.trim().to_owned());
        self.known
            .extend(texts.filter(|text| text.chars().count() >= LEAST_CHARS));
    }

    /// The text without any of it.
    pub(super) fn clean(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for known in &self.known {
            if clean.contains(known.as_str()) {
                clean = clean.replace(known.as_str(), "<text>");
            }
        }
        if self.home.len() > 1 {
            clean = clean.replace(&self.home, "~");
        }
        let words = clean.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        let words = words.map(|word| {
            let plain = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            match is_id(plain) {
                true => format!("<id>{}", &word[plain.len()..]),
                false => word.to_owned(),
            }
        });
        numbered(&words.collect::<String>())
    }
}

/// Whether a word is a UUID, or as long and as random as a token.
fn is_id(word: &str) -> bool {
    let is_hex = |word: &str| word.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let digits = word.chars().filter(char::is_ascii_digit).count();
    (word.len() >= 32 && is_hex(word)) || (word.len() >= 24 && digits >= 4)
}

/// A path without the numbers of items in it: `/tasks/17` is `/tasks/<id>`.
fn numbered(text: &str) -> String {
    let parts = text.split('/').enumerate().map(|(at, part)| {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let ends = part[digits..]
            .chars()
            .next()
            .is_none_or(|c| !c.is_alphanumeric());
        match at > 0 && digits > 0 && ends {
            true => format!("<id>{}", &part[digits..]),
            false => part.to_owned(),
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_known_texts_are_taken_out() {
        let scrub = Scrub {
            home: "/srv/ann".to_owned(),
            known: vec!["Call the bank".to_owned()],
        };
        let check = |text: &str, clean: &str| assert_eq!(scrub.clean(text), clean);
        check("pushed \"Call the bank\" now", "pushed \"<text>\" now");
        check(
            "GET /api/v2/tasks/17?page=2",
            "GET /api/v2/tasks/<id>?page=2",
        );
        check("in /srv/ann/.local", "in ~/.local");
        check(
            "task.id=3f2a1c52-7b5e-4b0e-9d2f-6f0d3b1f9a10, 3 calls",
            "task.id=<id>, 3 calls",
        );
        check(
            "bearer tk_0123456789abcdef0123456789abcdef01234567",
            "bearer tk_<id>",
        );
        check(
            "2026-11-22T03:45:17.123456Z INFO",
            "2026-11-22T03:45:17.123456Z INFO",
        );
    }
}
