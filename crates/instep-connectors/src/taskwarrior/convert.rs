//! Between a Taskwarrior row and the hub's fields, both ways. What Taskwarrior holds and the hub
//! has no field for becomes the shadow. Nothing here looks at a process, a file or a clock.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use instep_contract::ConnectorError;
use instep_model::{
    BatchRule, Capabilities, Field, Fields, Grid, Hold, Ids, RemoteId, RemoteNote, RemoteNoteId,
    RemoteTask, Status, TagRule, TextRule, TimeZone, Timestamp, Value, When,
};
use serde_json::{Map, Value as Json};

use super::wire::{REPETITION, Row, State, plain};

/// Dates and times, and the attribute that holds each.
pub(super) const WHENS: [(Field, &str); 3] = [
    (Field::Due, "due"),
    (Field::Wait, "wait"),
    (Field::Start, "scheduled"),
];
/// Instants, and the attribute that holds each.
pub(super) const INSTANTS: [(Field, &str); 3] = [
    (Field::StartedAt, "start"),
    (Field::CompletedAt, "end"),
    (Field::Created, "entry"),
];

/// How this account's Taskwarrior holds things.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// Where a date without a time begins.
    pub(super) zone: TimeZone,
    /// User-defined attributes that are our markers.
    pub(super) markers: Vec<String>,
    /// Characters that would break a tag.
    pub(super) forbidden: Vec<char>,
    /// Whether `&open;` and `&close;` turn into brackets, as 2.6 does with them.
    pub(super) brackets: bool,
}

impl Rules {
    /// The record the connector declares.
    pub(super) fn capabilities(&self) -> Capabilities {
        let seconds = || {
            Hold::Coarse(Grid::Instants {
                millis: 1000,
                within: readable(),
            })
        };
        let statuses = [Status::Open, Status::Open, Status::Done, Status::Done];
        let title = TextRule {
            no_controls: true,
            ..TextRule::default()
        };
        let tags = TagRule {
            forbidden: self.forbidden.clone(),
            max_chars: 0,
        };
        Capabilities {
            holds: BTreeMap::from([
                (Field::Title, Hold::Coarse(Grid::Text(title))),
                (Field::Status, Hold::Coarse(Grid::Statuses(statuses))),
                (
                    Field::Priority,
                    Hold::Coarse(Grid::Bands([0, 1, 2, 3, 3, 3])),
                ),
                (Field::Due, seconds()),
                (Field::Wait, seconds()),
                (Field::Start, seconds()),
                (Field::StartedAt, seconds()),
                (Field::CompletedAt, seconds()),
                (Field::Created, Hold::Once),
                (Field::Project, Hold::Whole),
                (Field::Tags, Hold::Coarse(Grid::Tags(tags))),
                (Field::Annotations, Hold::Whole),
                (Field::Depends, Hold::Whole),
                (Field::Series, Hold::Once),
            ]),
            shapes: BTreeMap::new(),
            ids: Ids::Chosen,
            batch: BatchRule {
                creates: 500,
                mixed: 500,
            },
            markers: true,
            collections: false,
            tag_records: false,
            revives: true,
        }
    }

    /// A text as it will be stored: what Taskwarrior would drop or turn into something else is
    /// turned here, so that reading it back gives the same.
    pub(super) fn text(&self, text: &str) -> String {
        let kept = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
        let text: String = text.chars().filter(kept).collect();
        if self.brackets {
            text.replace("&open;", "[").replace("&close;", "]")
        } else {
            text
        }
    }

    /// Whether Taskwarrior can hold this tag.
    pub(super) fn holds_tag(&self, tag: &str) -> bool {
        !tag.is_empty() && !tag.contains(|c: char| c.is_control() || self.forbidden.contains(&c))
    }

    /// The hub's view of a row.
    pub(super) fn fields(&self, row: &Row) -> Fields {
        let mut fields = Fields::new();
        let title = self.text(row.text("description"));
        fields.set(Field::Title, Value::Text(title));
        fields.set(Field::Status, Value::Status(status(row.state)));
        fields.set(
            Field::Priority,
            Value::Number(priority(row.text("priority"))),
        );
        for (field, key) in WHENS {
            fields.set(field, instant(row, key).map(|at| Value::When(When::At(at))));
        }
        for (field, key) in INSTANTS {
            let shown = field != Field::CompletedAt || row.state == State::Completed;
            let at = instant(row, key).filter(|_| shown);
            fields.set(field, at.map(Value::Instant));
        }
        fields.set(
            Field::Project,
            self.text(row.text("project")).parse().ok().map(Value::Path),
        );
        let tags: BTreeSet<_> = row
            .tags
            .iter()
            .filter(|tag| self.holds_tag(tag))
            .cloned()
            .collect();
        fields.set(Field::Tags, Value::Tags(tags));
        fields.set(Field::Series, Value::Text(row.text("parent").to_owned()));
        fields
    }

    /// Everything the hub takes from a row.
    pub(super) fn task(&self, row: &Row) -> RemoteTask {
        let mut task = RemoteTask::new(RemoteId::new(row.uuid.to_string()), self.fields(row));
        task.notes = row
            .notes
            .iter()
            .filter_map(|note| self.note(note))
            .collect();
        let others = row.depends.iter();
        task.depends = others.map(|id| RemoteId::new(id.to_string())).collect();
        task.markers = self.marked(row);
        task.changed_at = instant(row, "modified");
        task.shadow = self.shadow(row);
        task
    }

    fn note(&self, (at, text): (&i64, &String)) -> Option<RemoteNote> {
        Some(RemoteNote {
            id: RemoteNoteId::new(at.to_string()),
            at: Timestamp::from_second(*at).ok()?,
            text: self.text(text),
        })
    }

    fn marked(&self, row: &Row) -> BTreeMap<String, String> {
        let held = |name: &String| {
            let value = plain(row.extra.get(name)?);
            (!value.is_empty()).then(|| (name.clone(), value))
        };
        self.markers.iter().filter_map(held).collect()
    }

    fn shadow(&self, row: &Row) -> Option<String> {
        let copied = |key: &str| {
            !REPETITION.contains(&key) && !self.markers.iter().any(|marker| marker == key)
        };
        let mut object: Map<String, Json> = row
            .extra
            .iter()
            .filter(|(key, _)| copied(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if let Some(until) = row.times.get("until") {
            object.insert("until".into(), Json::from(*until));
        }
        (!object.is_empty()).then(|| Json::from(object).to_string())
    }

    /// Puts back what an earlier row of the same task held. An expiry that has passed is left out:
    /// Taskwarrior would delete the task again.
    pub(super) fn restore_shadow(row: &mut Row, shadow: &str, now_secs: i64) {
        let Ok(Json::Object(object)) = serde_json::from_str(shadow) else {
            tracing::warn!("what was kept of a Taskwarrior task cannot be read and is left out");
            return;
        };
        for (key, value) in object {
            if key == "until" {
                row.set_time("until", value.as_i64().filter(|at| *at > now_secs));
            } else {
                row.extra.entry(key).or_insert(value);
            }
        }
    }

    /// Sets one field of a row, as Taskwarrior itself would.
    pub(super) fn set(
        &self,
        row: &mut Row,
        field: Field,
        value: Option<&Value>,
        now_secs: i64,
    ) -> Result<(), ConnectorError> {
        match (field, value) {
            (Field::Title, value) => row.set_text("description", self.of_text(field, value)?),
            (Field::Status, None) => open(row),
            (Field::Status, Some(Value::Status(status))) if !status.is_closed() => open(row),
            (Field::Status, Some(Value::Status(_))) => {
                row.state = State::Completed;
                row.times.entry("end").or_insert(now_secs);
            }
            (Field::Priority, value) => row.set_text("priority", letter(field, value)?.to_owned()),
            (Field::Project, None) => row.set_text("project", String::new()),
            (Field::Project, Some(Value::Path(path))) => {
                row.set_text("project", self.text(&path.to_string()));
            }
            (Field::Tags, None) => row.tags.retain(|tag| !self.holds_tag(tag)),
            (Field::Tags, Some(Value::Tags(tags))) => {
                row.tags.retain(|tag| !self.holds_tag(tag));
                row.tags.extend(tags.iter().cloned());
            }
            // The parent of an instance is Taskwarrior's to set (S25); notes and links travel
            // beside the fields.
            (Field::Series | Field::Annotations | Field::Depends, _) => {}
            _ => self.set_time(row, field, value)?,
        }
        Ok(())
    }

    fn set_time(
        &self,
        row: &mut Row,
        field: Field,
        value: Option<&Value>,
    ) -> Result<(), ConnectorError> {
        let mut attributes = WHENS.iter().chain(&INSTANTS);
        let Some((_, key)) = attributes.find(|(known, _)| *known == field) else {
            return Err(rejected(field, "Taskwarrior has no place for it"));
        };
        let at = match value {
            None => None,
            Some(Value::When(when)) => Some(when.instant(&self.zone)),
            // It is taken only where it can be: a task without it was made when it came here.
            Some(Value::Instant(at)) if field == Field::Created => {
                Some(*at).filter(|at| readable().contains(at))
            }
            Some(Value::Instant(at)) => Some(*at),
            Some(_) => return Err(rejected(field, "it is no date")),
        };
        row.set_time(key, at.map(|at| second_of(field, at)).transpose()?);
        Ok(())
    }

    fn of_text(&self, field: Field, value: Option<&Value>) -> Result<String, ConnectorError> {
        match value {
            Some(Value::Text(text)) if !self.text(text).is_empty() => Ok(self.text(text)),
            _ => Err(rejected(field, "Taskwarrior needs a description")),
        }
    }

    /// What the service shows for a value once it holds it.
    pub(super) fn held_form(&self, field: Field, value: Option<&Value>) -> Option<Value> {
        let mut row = Row::empty(uuid::Uuid::nil());
        if field == Field::CompletedAt {
            row.state = State::Completed;
        }
        // A value that cannot be held is shown as nothing.
        let _ = self.set(&mut row, field, value, 0);
        self.fields(&row).get(field).cloned()
    }
}

/// What Taskwarrior can read back, in seconds since 1970: 1980 to the last day of 9999. It stores
/// other times without a word, and then refuses every command, for all tasks.
pub(super) const READABLE: RangeInclusive<i64> = 315_532_800..=253_402_293_598;

/// The same as instants, as far as there are any.
fn readable() -> RangeInclusive<Timestamp> {
    let at = |second: i64| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
    at(*READABLE.start())..=at(*READABLE.end())
}

/// The whole second at or before an instant, in seconds since 1970, where Taskwarrior can read it.
pub(super) fn second_of(field: Field, at: Timestamp) -> Result<i64, ConnectorError> {
    // `as_second` cuts towards zero, which before 1970 is upwards.
    let second = at.as_second() - i64::from(at.subsec_nanosecond() < 0);
    if READABLE.contains(&second) {
        Ok(second)
    } else {
        Err(rejected(
            field,
            "Taskwarrior has only the years 1980 to 9999",
        ))
    }
}

/// This task cannot be stored as it is.
pub(super) fn rejected(field: Field, reason: &str) -> ConnectorError {
    ConnectorError::Rejected {
        field: Some(field),
        reason: reason.to_owned(),
    }
}

fn open(row: &mut Row) {
    row.state = State::Pending;
    row.times.remove("end");
}

fn status(state: State) -> Status {
    match state {
        State::Pending | State::Recurring => Status::Open,
        State::Completed | State::Deleted => Status::Done,
    }
}

/// A value other than the three letters is a person's own and stands for none.
fn priority(letter: &str) -> u32 {
    match letter {
        "L" => 1,
        "M" => 2,
        "H" => 3,
        _ => 0,
    }
}

fn letter(field: Field, value: Option<&Value>) -> Result<&'static str, ConnectorError> {
    match value {
        None | Some(Value::Number(0)) => Ok(""),
        Some(Value::Number(1)) => Ok("L"),
        Some(Value::Number(2)) => Ok("M"),
        Some(Value::Number(_)) => Ok("H"),
        Some(_) => Err(rejected(field, "it is no number")),
    }
}

fn instant(row: &Row, key: &str) -> Option<Timestamp> {
    Timestamp::from_second(*row.times.get(key)?).ok()
}

#[cfg(test)]
mod tests {
    use instep_model::ProjectPath;
    use proptest::collection::{btree_map, btree_set};
    use proptest::option;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const NOW_SECS: i64 = 1_800_000_000;

    fn rules(brackets: bool) -> Rules {
        Rules {
            zone: TimeZone::UTC,
            markers: vec!["vikunja_id".into()],
            forbidden: vec![',', ':'],
            brackets,
        }
    }

    fn at() -> impl Strategy<Value = Timestamp> {
        (315_532_800_i64..4_000_000_000).prop_map(|second| Timestamp::from_second(second).unwrap())
    }

    fn when() -> impl Strategy<Value = Option<Value>> {
        option::of(at().prop_map(|at| Value::When(When::At(at))))
    }

    fn moment() -> impl Strategy<Value = Option<Value>> {
        option::of(at().prop_map(Value::Instant))
    }

    fn text() -> impl Strategy<Value = String> {
        "[^\\p{Cc}&]{1,12}|[a-z&;.\\\\\n\t\"]{1,8}"
    }

    /// Values as the projection hands them over.
    fn projected() -> impl Strategy<Value = Fields> {
        let dates = (when(), when(), when(), moment(), moment(), moment());
        let path = option::of(proptest::collection::vec("[^\\p{Cc}&]{1,6}", 1..4));
        let tags = btree_set("[^\\p{Cc},:]{1,6}", 0..4);
        (text(), any::<bool>(), 0_u32..4, dates, path, tags).prop_map(
            |(title, done, priority, (due, wait, start, started, end, created), path, tags)| {
                let mut fields = Fields::new()
                    .with(Field::Title, Value::Text(title))
                    .with(Field::Priority, Value::Number(priority))
                    .with(Field::Due, due)
                    .with(Field::Wait, wait)
                    .with(Field::Start, start)
                    .with(Field::StartedAt, started)
                    .with(Field::Created, created)
                    .with(Field::Tags, Value::Tags(tags))
                    .with(
                        Field::Project,
                        path.and_then(ProjectPath::new).map(Value::Path),
                    );
                if let (true, Some(end)) = (done, end) {
                    fields.set(Field::Status, Value::Status(Status::Done));
                    fields.set(Field::CompletedAt, end);
                }
                fields
            },
        )
    }

    fn row() -> impl Strategy<Value = Row> {
        let states = prop_oneof![Just(State::Pending), Just(State::Completed)];
        let texts = (".{0,10}", option::of(".{1,10}"), option::of("[LMHX]"));
        let times = btree_map(
            proptest::sample::select(vec!["entry", "due", "wait", "scheduled", "start", "end"]),
            315_532_800_i64..4_000_000_000,
            0..6,
        );
        let tags = btree_set("\\PC{1,6}", 0..4);
        (states, texts, times, tags).prop_map(|(state, texts, times, tags)| {
            let mut row = Row::empty(Uuid::from_u128(7));
            row.state = state;
            row.set_text("description", texts.0);
            row.set_text("project", texts.1.unwrap_or_default());
            row.set_text("priority", texts.2.unwrap_or_default());
            row.times = times;
            if state == State::Pending {
                row.times.remove("end");
            }
            row.tags = tags;
            row
        })
    }

    fn put(rules: &Rules, row: &mut Row, fields: &Fields) {
        for field in Field::ALL {
            if !matches!(rules.capabilities().hold(field), Hold::No) {
                let value = fields.get(field);
                if (field, value) != (Field::Title, None) {
                    rules.set(row, field, value, NOW_SECS).unwrap();
                }
            }
        }
    }

    proptest! {
        /// What is put into any row is what is got out of it.
        #[test]
        fn put_then_get(fields in projected(), mut row in row(), brackets: bool) {
            let rules = rules(brackets);
            let mut fields = fields;
            let title = rules.text(fields.title());
            fields.set(Field::Title, Value::Text(title));
            put(&rules, &mut row, &fields);
            prop_assert_eq!(rules.fields(&row), fields);
        }

        /// Putting back what was got shows the same again, and loses no tag it cannot show.
        #[test]
        fn get_then_put(row in row(), brackets: bool) {
            let rules = rules(brackets);
            let fields = rules.fields(&row);
            let mut after = row.clone();
            put(&rules, &mut after, &fields);
            prop_assert_eq!(rules.fields(&after).differences(&fields)
                .into_iter().filter(|field| *field != Field::CompletedAt).count(), 0);
            prop_assert_eq!(after.tags, row.tags);
        }

        /// Both encodings carry a row whole.
        #[test]
        fn encodings(row in row(), notes in btree_map(0_i64..4_000_000_000, ".{1,9}", 0..3)) {
            let mut row = row;
            row.notes = notes;
            let empty = Row::empty(row.uuid);
            let mut object = Map::new();
            row.patch_export(&empty, &mut object);
            prop_assert_eq!(&Row::from_export(&object).unwrap(), &row);
            let line = Json::from(object).to_string();
            let scanned = super::super::scan::scan(line.as_bytes()).unwrap();
            prop_assert_eq!(scanned.uuid, row.uuid);
            #[cfg(feature = "taskchampion")]
            {
                let changes = row.property_changes(&empty).into_iter();
                let stored = changes.filter_map(|(key, value)| Some((key, value?))).collect();
                prop_assert_eq!(&Row::from_properties(row.uuid, &stored), &row);
            }
        }
    }
}
