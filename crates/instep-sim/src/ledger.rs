//! Everything that a person ever entered, kept apart from whatever the product remembers.
//!
//! Each value bears a number of its own, so that loss and doubling can be decided by reading it
//! back. What a person could see when entering it is kept with it: only that is superseded.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use instep_model::{Field, Fields, RemoteId, RemoteNote, Timestamp, Value, When};

/// A task as people know it, whatever ids it has where.
pub(crate) type Key = u32;

/// Where a person works: in the hub, or with a client of one of the remotes.
#[derive(
    Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub(crate) enum Place {
    /// The hub itself.
    #[default]
    Hub,
    /// A remote, by its index.
    Remote(usize),
}

/// What a numbered value was entered into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Slot {
    Title,
    Notes,
    Due,
    Start,
    /// One tag.
    Tag,
    /// One note beside the task.
    Note,
}

impl Slot {
    pub(crate) fn field(self) -> Field {
        match self {
            Self::Title => Field::Title,
            Self::Notes => Field::Notes,
            Self::Due => Field::Due,
            Self::Start => Field::Start,
            Self::Tag => Field::Tags,
            Self::Note => Field::Annotations,
        }
    }
}

/// One value that was entered.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) slot: Slot,
    pub(crate) number: u32,
    pub(crate) at: u64,
    /// Where it was entered.
    pub(crate) place: Place,
    /// Whether the task was in step when it was entered.
    pub(crate) was_in_step: bool,
    /// Somebody who saw this one entered a later value, or none.
    pub(crate) superseded: bool,
    /// When somebody who saw it took it away.
    pub(crate) removed: Option<u64>,
    /// Whether it must not come back: it had been everywhere before it was taken away, or whoever
    /// entered it took it away before anybody else did anything, and we alone carried it about.
    pub(crate) stays_away: bool,
    /// Somebody who saw it, or could not, deleted the task.
    pub(crate) died: bool,
    /// It went down with the only place that had it.
    pub(crate) wrecked: bool,
    /// It was entered where the hub never reads (S29).
    pub(crate) foreign: bool,
    /// It was entered into an item that is none of its account's, and nothing has brought that back
    /// since (S27).
    pub(crate) outside: bool,
}

/// What a person last wrote beside the hub's fields, on one item.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shade {
    pub(crate) number: u32,
    pub(crate) at: u64,
}

/// One deletion by a person.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Death {
    pub(crate) at: u64,
    /// Whether everything was in step when it happened, so that nothing beats it.
    pub(crate) clean: bool,
}

/// How surely an item is none of its account's (S27).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outside {
    /// It may have been the account's when the hub looked last, so that it may still be heard.
    Perhaps,
    /// Nothing that happens to it alone is heard.
    Surely,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) entries: Vec<Entry>,
    pub(crate) deaths: BTreeMap<Key, Vec<Death>>,
    /// The last time that a task was touched in any way.
    pub(crate) touched: BTreeMap<Key, u64>,
    /// When a task was closed last.
    pub(crate) closed: BTreeMap<Key, u64>,
    pub(crate) reopened: BTreeSet<Key>,
    /// Tasks whose sides differed when a disaster came, or moved before it was over: what is
    /// the same can no longer be told by content.
    pub(crate) fluid: BTreeSet<Key>,
    /// Titles that each remote item has ever shown.
    pub(crate) shown: BTreeSet<(usize, RemoteId, u32)>,
    /// Counts what people did.
    pub(crate) clock: u64,
    /// When everything was last in step.
    pub(crate) in_step: Option<u64>,
    /// When the round began that may be running.
    pub(crate) round_began: u64,
    /// The task that somebody touched last.
    pub(crate) last: Option<Key>,
    /// Where whoever acts now does so.
    pub(crate) place: Place,
    /// Whether the hub never reads there.
    pub(crate) abroad: bool,
    /// What whoever acts now does to an item that is none of its account's.
    pub(crate) outside: Option<Outside>,
    /// Tasks of which an item outside its account's scope was deleted: a hub that has lost its memory
    /// since may take it for the account's.
    pub(crate) dropped: BTreeSet<Key>,
    /// When a task was last moved in or out of a scope, or deleted.
    pub(crate) shifted: BTreeMap<Key, u64>,
    /// When a round last came through that nobody disturbed.
    pub(crate) settled: u64,
    /// Tasks that somebody deleted in an account that the hub never reads.
    pub(crate) refused: BTreeSet<(usize, Key)>,
    /// The scalar that was entered last, and what stood there before.
    pub(crate) former: Option<(u32, Option<Value>)>,
    /// What each item has to show beside the hub's fields.
    pub(crate) shades: BTreeMap<(usize, Key), Shade>,
    numbers: u32,
    keys: Key,
}

impl Ledger {
    pub(crate) fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    pub(crate) fn number(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }

    pub(crate) fn key(&mut self) -> Key {
        self.keys += 1;
        self.keys
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = Key> + use<> {
        1..=self.keys
    }

    pub(crate) fn of(&self, key: Key) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.key == key)
    }

    /// Records a value; whoever entered it saw `seen` in its place.
    pub(crate) fn enter(&mut self, key: Key, slot: Slot, number: u32, seen: Option<u32>) {
        let was_in_step = self.in_step > self.touched.get(&key).copied();
        let at = self.tick();
        let foreign = self.abroad;
        if let Some(seen) = seen.filter(|_| !foreign) {
            let old = self
                .entries
                .iter_mut()
                .find(|entry| entry.slot == slot && entry.number == seen);
            if let Some(old) = old {
                old.superseded = true;
            }
        }
        if !foreign {
            self.touched.insert(key, at);
        }
        self.entries.push(Entry {
            key,
            slot,
            number,
            at,
            place: self.place,
            was_in_step,
            superseded: false,
            removed: None,
            stays_away: false,
            died: false,
            wrecked: foreign,
            foreign,
            outside: self.outside == Some(Outside::Surely),
        });
    }

    /// What was entered last, while it is what anybody did to its task last.
    pub(crate) fn latest(&self) -> Option<&Entry> {
        let entry = self.entries.last()?;
        let is_last = self.touched.get(&entry.key) == Some(&entry.at);
        Some(entry).filter(|_| is_last)
    }

    /// Records that a value was taken away.
    pub(crate) fn remove(&mut self, key: Key, slot: Slot, number: u32) {
        if self.abroad {
            return;
        }
        let before = self.touched.get(&key).copied();
        let at = self.tick();
        self.touched.insert(key, at);
        let (in_step, place) = (self.in_step, self.place);
        let entry = self
            .entries
            .iter_mut()
            .find(|entry| entry.slot == slot && entry.number == number);
        if let Some(entry) = entry {
            entry.removed = Some(at);
            // It stays in the hub while the item is none of the account's.
            let heard = self.outside.is_none();
            let was_everywhere = in_step.is_some_and(|moment| moment > entry.at);
            let is_taken_back =
                entry.was_in_step && entry.place == place && before == Some(entry.at);
            entry.stays_away = heard && (was_everywhere || is_taken_back);
        }
    }

    /// Records that a value gave way to none, or to the one before it.
    pub(crate) fn supersede(&mut self, key: Key, slot: Slot, number: u32) {
        self.remove(key, slot, number);
        let mut entries = self.entries.iter_mut();
        let found = entries.find(|entry| entry.slot == slot && entry.number == number);
        if let Some(entry) = found.filter(|_| !self.abroad) {
            entry.superseded = true;
        }
    }

    /// Records that a value stands again where it had given way, whoever took it away elsewhere.
    pub(crate) fn enter_again(&mut self, slot: Slot, number: u32) {
        let mut entries = self.entries.iter_mut();
        if let Some(entry) = entries.find(|entry| entry.slot == slot && entry.number == number) {
            entry.stays_away = false;
        }
    }

    /// Records a change of something that bears no number.
    pub(crate) fn touch(&mut self, key: Key) {
        if self.abroad {
            return;
        }
        let at = self.tick();
        self.touched.insert(key, at);
    }

    /// Records that somebody deleted the task, seeing these values; `holds` says which slots
    /// the place can show at all, `spared` whether something lives elsewhere that it is never given.
    pub(crate) fn bury(
        &mut self,
        key: Key,
        seen: &BTreeSet<(Slot, u32)>,
        holds: impl Fn(Slot) -> bool,
        spared: bool,
    ) {
        let at = self.tick();
        for entry in self.entries.iter_mut().filter(|entry| entry.key == key) {
            entry.died |= !holds(entry.slot) || seen.contains(&(entry.slot, entry.number));
        }
        self.forget_unheard(key);
        let touched = self.touched.get(&key).copied().unwrap_or_default();
        let clean = self.in_step.is_some_and(|moment| moment > touched) && !spared;
        let deaths = self.deaths.entry(key).or_default();
        deaths.push(Death { at, clean });
    }

    /// Records that the task was moved in or out of a scope, or deleted: what was entered outside may
    /// be heard from here on.
    pub(crate) fn shift(&mut self, key: Key) {
        let at = self.tick();
        self.shifted.insert(key, at);
        for entry in self.entries.iter_mut().filter(|entry| entry.key == key) {
            entry.outside = false;
        }
    }

    /// Records that somebody deleted an item that is none of its account's: what it alone had is gone
    /// with it, and nothing else is (S27).
    pub(crate) fn drop_outside(
        &mut self,
        key: Key,
        seen: &BTreeSet<(Slot, u32)>,
        elsewhere: &BTreeSet<(Slot, u32)>,
    ) {
        for entry in self.entries.iter_mut().filter(|entry| entry.key == key) {
            let value = (entry.slot, entry.number);
            entry.died |= seen.contains(&value) && !elsewhere.contains(&value);
        }
        self.dropped.insert(key);
        self.forget_unheard(key);
    }

    /// What was taken away or closed in the place of a deletion alone may have gone with it.
    fn forget_unheard(&mut self, key: Key) {
        let in_step = self.in_step;
        let is_known = |moment: u64| in_step.is_some_and(|in_step| in_step > moment);
        for entry in self.entries.iter_mut().filter(|entry| entry.key == key) {
            entry.stays_away &= entry.removed.is_some_and(is_known);
        }
        let closed = self.closed.get(&key);
        if closed.is_some_and(|moment| !is_known(*moment)) {
            self.closed.remove(&key);
        }
    }

    /// An item goes away: what a hub that was in step knows of it has to come back with it.
    pub(crate) fn shade_off(&mut self, remote: usize, key: Key) {
        let known = self.in_step;
        let is_known = |shade: &mut Shade| known.is_some_and(|in_step| in_step > shade.at);
        if let Some(shade) = self.shades.get_mut(&(remote, key))
            && !is_known(shade)
        {
            self.shades.remove(&(remote, key));
        }
    }

    /// Whether somebody touched the task while the round ran.
    pub(crate) fn touched_since_round(&self, title: Option<(Key, u32)>) -> bool {
        title.is_none_or(|(key, _)| {
            let touched = self.touched.get(&key);
            touched.is_some_and(|at| *at > self.round_began)
        })
    }

    /// The engine wrote these elements where it had just read or made them: what somebody entered
    /// between the two is overwritten, as they are written without a condition (S17).
    pub(crate) fn overwrite(&mut self, key: Key, slot: Slot) {
        let began = self.round_began;
        for entry in self.entries.iter_mut() {
            entry.died |= entry.key == key && entry.slot == slot && entry.at > began;
        }
    }

    /// The engine deleted the task where it had just read it. What somebody entered between the
    /// two went with it: that window stays open where writes have no conditions (S17).
    pub(crate) fn cut_off(&mut self, key: Key) {
        let began = self.round_began;
        for entry in self.entries.iter_mut() {
            entry.died |= entry.key == key && entry.at > began;
        }
    }

    /// Whether nothing can have beaten the deletion of `key`.
    pub(crate) fn must_be_dead(&self, key: Key) -> bool {
        let touched = self.touched.get(&key).copied().unwrap_or_default();
        let deaths = self.deaths.get(&key).into_iter().flatten();
        deaths
            .into_iter()
            .any(|death| death.clean && touched < death.at)
    }

    /// After a disaster a memory of deletions and removals may be gone.
    pub(crate) fn forget_deaths(&mut self) {
        for death in self.deaths.values_mut().flatten() {
            death.clean = false;
        }
        for entry in &mut self.entries {
            entry.stays_away = false;
            entry.outside = false;
        }
        let in_step = self.in_step.take();
        self.closed.retain(|_, moment| in_step > Some(*moment));
    }
}

/// The title of a task with a numbered value.
pub(crate) fn title(key: Key, number: u32) -> String {
    format!("t{key} v{number}")
}

/// The key and the number in a title.
pub(crate) fn read_title(title: &str) -> Option<(Key, u32)> {
    let (key, number) = title.strip_prefix('t')?.split_once(" v")?;
    Some((key.parse().ok()?, number.parse().ok()?))
}

fn tagged(text: &str, start: char) -> Option<u32> {
    text.strip_prefix(start)?.parse().ok()
}

/// Midnight, as a start for days that can be told apart.
const FIRST_DAY_SECS: i64 = 2_100_038_400;

/// The value that bears `number`; dues are spread over the day where `time` is set.
pub(crate) fn value(key: Key, slot: Slot, number: u32, time: bool) -> Value {
    let moment = |secs: i64| Timestamp::from_second(secs).unwrap_or_default();
    let day = FIRST_DAY_SECS + i64::from(number) * 86_400;
    match slot {
        Slot::Title => Value::Text(title(key, number)),
        Slot::Notes => Value::Text(format!("n{number}")),
        Slot::Due if time => Value::When(When::At(moment(day + 9 * 3600))),
        Slot::Due => Value::When(When::Date(
            When::At(moment(day)).date(&instep_model::TimeZone::UTC),
        )),
        Slot::Start => Value::When(When::At(moment(day + 3600))),
        Slot::Tag => Value::Tags(BTreeSet::from([tag(number)])),
        Slot::Note => Value::Text(note(number)),
    }
}

pub(crate) fn tag(number: u32) -> String {
    format!("g{number}")
}

pub(crate) fn note(number: u32) -> String {
    format!("c{number}")
}

/// The text that a person writes where the hub has no field.
pub(crate) fn shade(number: u32) -> String {
    format!("s{number}")
}

pub(crate) fn read_tag(tag: &str) -> Option<u32> {
    tagged(tag, 'g')
}

pub(crate) fn read_note(text: &str) -> Option<u32> {
    tagged(text, 'c')
}

/// The number that a value of a scalar slot bears.
pub(crate) fn read(slot: Slot, value: Option<&Value>) -> Option<u32> {
    match (slot, value?) {
        (Slot::Title, Value::Text(text)) => read_title(text).map(|(_, number)| number),
        (Slot::Notes, Value::Text(text)) => tagged(text.trim_end(), 'n'),
        (Slot::Due | Slot::Start, Value::When(when)) => {
            let at = when.instant(&instep_model::TimeZone::UTC).as_second();
            u32::try_from((at - FIRST_DAY_SECS).div_euclid(86_400)).ok()
        }
        _ => None,
    }
}

/// Scalar slots.
pub(crate) const SCALARS: [Slot; 4] = [Slot::Title, Slot::Notes, Slot::Due, Slot::Start];

/// Every numbered value among these.
pub(crate) fn numbers<'a>(
    fields: &Fields,
    notes: impl Iterator<Item = &'a str>,
) -> BTreeSet<(Slot, u32)> {
    let mut found: BTreeSet<(Slot, u32)> = SCALARS
        .into_iter()
        .filter_map(|slot| Some((slot, read(slot, fields.get(slot.field()))?)))
        .collect();
    if let Some(Value::Tags(tags)) = fields.get(Field::Tags) {
        let tags = tags.iter().filter_map(|tag| read_tag(tag));
        found.extend(tags.map(|number| (Slot::Tag, number)));
    }
    found.extend(
        notes
            .filter_map(read_note)
            .map(|number| (Slot::Note, number)),
    );
    found
}

pub(crate) fn texts(notes: &[RemoteNote]) -> impl Iterator<Item = &str> {
    notes.iter().map(|note| note.text.as_str())
}
