//! What a service can hold and how it takes writes, as data.
//!
//! The projection of a task into a service's terms and the way back are both computed
//! from this record alone (S2), and `instep map` prints it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use jiff::Timestamp;

use crate::{Field, Status};

/// How a service holds one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// Not at all: the hub keeps its value, a round trip never touches it.
    No,
    /// As it is.
    Whole,
    /// On a grid: several hub values look the same there.
    Coarse(Grid),
    /// Taken at creation and at first sight, never merged afterwards.
    Once,
    /// Set by the service itself when the named field moves; read together with it,
    /// never written on its own.
    Follows(Field),
}

/// The grid on which a service holds a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grid {
    /// Priority: for each hub number 0–5, the number that stands for it.
    Bands([u8; 6]),
    /// Status: for each of [`Status::ALL`], the one that stands for it.
    Statuses([Status; 4]),
    /// Dates and times as instants, cut to this many milliseconds; a date is local midnight. What
    /// lies outside of the range is not held at all.
    Instants {
        /// The step; 1000 for whole seconds.
        millis: i64,
        /// The instants that the service can hold.
        within: RangeInclusive<Timestamp>,
    },
    /// Only the day.
    Days,
    /// Text with rules.
    Text(TextRule),
    /// Tags with rules.
    Tags(TagRule),
    /// Per cent in steps of this many.
    Steps(u32),
}

impl Grid {
    /// Instants of any time, cut to this many milliseconds.
    pub fn instants(millis: i64) -> Self {
        Self::Instants {
            millis,
            within: Timestamp::MIN..=Timestamp::MAX,
        }
    }
}

/// What becomes of a text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextRule {
    /// Line ends become spaces.
    pub one_line: bool,
    /// Control characters other than line end and tab are left out.
    pub no_controls: bool,
    /// White space at both ends is left out.
    pub trimmed: bool,
    /// Cut after this many characters; 0 for no limit.
    pub max_chars: usize,
}

/// Which tags a service can hold; others stay in the hub (S2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TagRule {
    /// A tag with any of these characters is not held.
    pub forbidden: Vec<char>,
    /// A longer one is not held; 0 for no limit.
    pub max_chars: usize,
}

/// How a service takes a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WriteShape {
    /// With the task itself, in its create and its update.
    #[default]
    Body,
    /// By one call for each element; on a task that we just made, the whole set at once.
    Elements,
    /// By one call for each element, always.
    EachElement,
}

/// Who chooses the id of a new task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ids {
    /// We do: the hub's id. Creating twice is creating once.
    Chosen,
    /// The service does: a lost answer leaves doubt (S13, S14).
    Given,
}

/// How many operations one call carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BatchRule {
    /// Creates of tasks in one call, all or nothing where `mixed` is 1.
    pub creates: usize,
    /// Operations of any kind in one call; 1 where each is a call of its own.
    pub mixed: usize,
}

/// The record that a connector declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// How each field is held; a field that is not listed is not held.
    pub holds: BTreeMap<Field, Hold>,
    /// How fields are written where that is not with the task's body.
    pub shapes: BTreeMap<Field, WriteShape>,
    /// Who chooses ids.
    pub ids: Ids,
    /// How operations are grouped into calls.
    pub batch: BatchRule,
    /// Whether tasks can carry our markers.
    pub markers: bool,
    /// Whether tasks lie in collections that have to exist first.
    pub collections: bool,
    /// Whether tags are things of their own that have to exist first.
    pub tag_records: bool,
    /// Whether a deleted task can be opened again under its old id.
    pub revives: bool,
}

impl Capabilities {
    /// How `field` is held.
    pub fn hold(&self, field: Field) -> &Hold {
        self.holds.get(&field).unwrap_or(&Hold::No)
    }

    /// How `field` is written.
    pub fn shape(&self, field: Field) -> WriteShape {
        self.shapes.get(&field).copied().unwrap_or_default()
    }
}
