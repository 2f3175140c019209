//! The activity log, the only list that tells of completed occurrences of recurring tasks.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Plan;
use super::call::{Call, Reply};
use super::refusal::Refusal;
use super::state::Event;
use super::wire;

/// How many entries are kept.
const MOST_ENTRIES: usize = 10_000;
/// How far back a user sees who does not pay.
const FREE_LOG: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The objects that have a log.
const LOGGED: [&str; 3] = ["item", "note", "project"];

#[derive(Clone, Debug)]
struct Entry {
    object: &'static str,
    event: &'static str,
    at: Timestamp,
    /// The object as it was then.
    data: Value,
}

/// What was done, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activities(Vec<Entry>);

impl Activities {
    /// Notes what a call did.
    pub(crate) fn note(&mut self, events: &[Event], at: Timestamp) {
        for event in events {
            let Some((object, name)) = event.name.split_once(':') else {
                continue;
            };
            if !LOGGED.contains(&object) || self.0.len() >= MOST_ENTRIES {
                continue;
            }
            let intent = event.extra.as_ref().map(|extra| &extra["update_intent"]);
            let event_name = match intent.and_then(Value::as_str) {
                Some("item_completed") => "completed",
                Some("item_uncompleted") => "uncompleted",
                _ => name,
            };
            self.0.push(Entry {
                object,
                event: event_name,
                at,
                data: event.data.clone(),
            });
        }
    }
}

impl Entry {
    fn shown(&self, number: usize, user: &str) -> Value {
        let project = match self.object {
            "project" => Value::Null,
            _ => self.data["project_id"].clone(),
        };
        let item = match self.object {
            "item" => self.data["parent_id"].clone(),
            _ => self.data["item_id"].clone(),
        };
        let text = match self.object {
            "project" => "name",
            _ => "content",
        };
        json!({
            "id": number.to_string(), "object_type": self.object, "object_id": self.data["id"],
            "event_type": self.event, "event_date": wire::stamp(self.at),
            "parent_project_id": project, "parent_item_id": item, "initiator_id": user,
            "extra_data": {text: self.data[text]},
        })
    }
}

/// Whether `object:event` is wanted; either half of a wanted pair may be missing.
fn is_wanted(wanted: &[String], entry: &Entry) -> bool {
    wanted.is_empty()
        || wanted.iter().any(|pair| {
            let (object, event) = pair.split_once(':').unwrap_or((pair, ""));
            (object.is_empty() || object == entry.object)
                && (event.is_empty() || event == entry.event)
        })
}

fn day(call: &Call<'_>, key: &str) -> Result<Option<Date>, Refusal> {
    match call.request.query(key) {
        None => Ok(None),
        Some(text) => match text.parse() {
            Ok(day) => Ok(Some(day)),
            Err(_) => Err(Refusal::invalid(key, "YYYY-MM-DD")),
        },
    }
}

/// The wanted pairs: a JSON list, as the official SDK sends it, or one or several pairs.
fn wanted(call: &Call<'_>) -> Vec<String> {
    let mut wanted = Vec::new();
    for text in call.request.query_all("object_event_types") {
        match serde_json::from_str::<Vec<String>>(text) {
            Ok(list) => wanted.extend(list),
            Err(_) => wanted.extend(text.split(',').map(str::to_owned)),
        }
    }
    wanted
}

/// `GET /activities`: latest first.
pub(crate) fn list(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let (from, to) = (day(call, "date_from")?, day(call, "date_to")?);
    let wanted = wanted(call);
    let store = &call.state.store;
    let is_seen = |entry: &Entry| {
        let day = entry.at.to_zoned(store.moment.zone.clone()).date();
        let is_old = store.now().duration_since(entry.at) > FREE_LOG;
        from.is_none_or(|from| day >= from)
            && to.is_none_or(|to| day <= to)
            && !(is_old && store.plan == Plan::Free)
            && is_wanted(&wanted, entry)
    };
    let keys = ["object_id", "parent_project_id", "parent_item_id"];
    let asked = keys.map(|key| (key, call.request.query(key)));
    let entries = (1..).zip(&call.state.activities.0);
    let entries = entries.filter(|(_, entry)| is_seen(entry));
    let entries = entries.map(|(number, entry)| entry.shown(number, &store.user));
    let mut rows: Vec<Value> = entries
        .filter(|row| {
            let fits = |(key, id): &(&str, Option<&str>)| id.is_none_or(|id| row[*key] == id);
            asked.iter().all(fits)
        })
        .collect();
    rows.reverse();
    call.page(rows)
}
