//! Quick add: a task from one line of text. It always adds; what is not understood stays text.

use serde_json::{Map, Value, json};

use super::args::Args;
use super::draft::{Draft, Spot};
use super::due_text::{self, Said};
use super::refusal::Refusal;
use super::state::Store;
use super::tasks;

/// Most words that are looked at for a date.
const MOST_WORDS: usize = 60;

/// Adds the task that the text describes; gives its id.
pub(crate) fn add(store: &mut Store, text: &str) -> Result<String, Refusal> {
    let mut fields = Map::new();
    let mut labels: Vec<String> = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    let mut spot = Spot::default();
    for word in text.split_whitespace() {
        match word {
            "p1" => fields.insert("priority".to_owned(), 4.into()),
            "p2" => fields.insert("priority".to_owned(), 3.into()),
            "p3" => fields.insert("priority".to_owned(), 2.into()),
            "p4" => fields.insert("priority".to_owned(), 1.into()),
            _ => {
                match (word.strip_prefix('@'), word.strip_prefix('#')) {
                    (Some(label), _) if !label.is_empty() => labels.push(label.to_owned()),
                    (_, Some(name)) if project(store, name).is_some() => {
                        spot.project = project(store, name);
                    }
                    _ => words.push(word),
                }
                None
            }
        };
    }
    if let Some((from, to)) = date_in(store, &words) {
        let said = words[from..to].join(" ");
        fields.insert("due".to_owned(), json!({"string": said}));
        words.drain(from..to);
    }
    let content = words.join(" ");
    let content = if content.is_empty() { text } else { &content };
    fields.insert("content".to_owned(), content.into());
    fields.insert("labels".to_owned(), Value::from(labels));
    let draft = Draft::from_sync(store, Args(&fields))?;
    tasks::add(store, draft, spot)
}

fn project(store: &Store, name: &str) -> Option<String> {
    let live = store.projects.values();
    let mut live = live.filter(|it| !it.is_deleted && !it.is_archived);
    let found = live.find(|it| it.name.to_lowercase() == name.to_lowercase());
    found.map(|it| it.id.clone())
}

/// The longest run of words that says a date, as indices.
fn date_in(store: &Store, words: &[&str]) -> Option<(usize, usize)> {
    let count = words.len().min(MOST_WORDS);
    let spans = (1..=count).rev();
    let mut spans = spans.flat_map(|length| (0..=count - length).map(move |at| (at, at + length)));
    spans.find(|(from, to)| {
        let said = due_text::read(&words[*from..*to].join(" "), &store.moment);
        matches!(said, Some(Said::Date(..)))
    })
}
