//! What kinds of service a fake can be. A profile is data; nothing here acts.

use std::collections::BTreeMap;

use instep_model::{
    BatchRule, Capabilities, Field, Grid, Hold, Ids, Status, TagRule, TextRule, TimeZone,
    Timestamp, WriteShape,
};

/// How a fake service behaves beyond what its capability record says.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The record that its connectors declare.
    pub capabilities: Capabilities,
    /// The zone in which dates become instants and back.
    pub zone: TimeZone,
    /// Whether deleted tasks stay as flagged rows that listings show.
    pub flags_deleted: bool,
    /// Whether the answer to a write tells what is stored now.
    pub tells: bool,
    /// Whether a person's undo takes what we wrote since along.
    pub undo_takes_ours: bool,
    /// Steps of `changed_at` in milliseconds; `None` where the service tells no times.
    pub changed_millis: Option<i64>,
    /// Texts that the service trims without saying so in its record.
    pub trims: Vec<Field>,
    /// A title with this in it is refused.
    pub refuses: Option<String>,
    /// Where it is, if not on this computer.
    pub host: Option<&'static str>,
}

const STATUSES: [Status; 4] = [Status::Open, Status::Open, Status::Done, Status::Done];
fn seconds() -> Hold {
    Hold::Coarse(Grid::instants(1000))
}

/// Seconds of the years that a database can read back.
fn years() -> Hold {
    let second = |text: &str| text.parse().unwrap_or(Timestamp::MAX);
    Hold::Coarse(Grid::Instants {
        millis: 1000,
        within: second("1980-01-01T00:00:00Z")..=Timestamp::MAX,
    })
}

fn one_line(trimmed: bool) -> Hold {
    Hold::Coarse(Grid::Text(TextRule {
        one_line: true,
        no_controls: true,
        trimmed,
        max_chars: 0,
    }))
}

fn tags(forbidden: &[char]) -> Hold {
    Hold::Coarse(Grid::Tags(TagRule {
        forbidden: forbidden.to_vec(),
        max_chars: 0,
    }))
}

impl Profile {
    /// A server that gives ids, takes tags, notes and links one by one, keeps tasks in
    /// collections, and knows a deletion only by the task's absence.
    pub fn server() -> Self {
        let holds = BTreeMap::from([
            (Field::Title, one_line(true)),
            (Field::Notes, Hold::Whole),
            (Field::Status, Hold::Coarse(Grid::Statuses(STATUSES))),
            (Field::Priority, Hold::Whole),
            (Field::Due, seconds()),
            (Field::Start, seconds()),
            (Field::End, seconds()),
            (Field::Project, Hold::Whole),
            (Field::Tags, Hold::Coarse(Grid::Tags(TagRule::default()))),
            (Field::Annotations, Hold::Whole),
            (Field::Depends, Hold::Whole),
            (Field::Parent, Hold::Whole),
            (Field::PercentDone, Hold::Whole),
            (Field::CompletedAt, Hold::Follows(Field::Status)),
        ]);
        Self {
            capabilities: Capabilities {
                holds,
                shapes: BTreeMap::from([
                    (Field::Tags, WriteShape::Elements),
                    (Field::Annotations, WriteShape::EachElement),
                    (Field::Depends, WriteShape::EachElement),
                    (Field::Parent, WriteShape::EachElement),
                ]),
                ids: Ids::Given,
                batch: BatchRule {
                    creates: 3,
                    mixed: 1,
                },
                markers: false,
                collections: true,
                tag_records: true,
                revives: false,
            },
            zone: TimeZone::UTC,
            flags_deleted: false,
            tells: true,
            undo_takes_ours: false,
            changed_millis: Some(1000),
            trims: vec![Field::Notes],
            refuses: None,
            host: None,
        }
    }

    /// A local database that takes our ids and whole bodies, carries markers, and keeps
    /// deleted rows that can be opened again.
    pub fn database() -> Self {
        let holds = BTreeMap::from([
            (Field::Title, one_line(false)),
            (Field::Status, Hold::Coarse(Grid::Statuses(STATUSES))),
            (
                Field::Priority,
                Hold::Coarse(Grid::Bands([0, 1, 1, 3, 5, 5])),
            ),
            (Field::Due, years()),
            (Field::Wait, years()),
            (Field::Start, years()),
            (Field::Project, Hold::Whole),
            (Field::Tags, tags(&[' ', ',', '+', '-'])),
            (Field::Annotations, Hold::Whole),
            (Field::Depends, Hold::Whole),
            (Field::StartedAt, years()),
            (Field::CompletedAt, Hold::Follows(Field::Status)),
            (Field::Created, Hold::Once),
        ]);
        Self {
            capabilities: Capabilities {
                holds,
                shapes: BTreeMap::new(),
                ids: Ids::Chosen,
                batch: BatchRule {
                    creates: 100,
                    mixed: 100,
                },
                markers: true,
                collections: false,
                tag_records: false,
                revives: true,
            },
            flags_deleted: true,
            tells: true,
            changed_millis: Some(1000),
            trims: Vec::new(),
            ..Self::server()
        }
    }

    /// A plain file of few fields that tells neither times nor what a write left.
    pub fn file() -> Self {
        let holds = BTreeMap::from([
            (Field::Title, one_line(true)),
            (Field::Status, Hold::Coarse(Grid::Statuses(STATUSES))),
            (
                Field::Priority,
                Hold::Coarse(Grid::Bands([0, 1, 1, 3, 5, 5])),
            ),
            (Field::Due, Hold::Coarse(Grid::Days)),
            (Field::Project, Hold::Whole),
            (Field::Tags, tags(&[' ', ','])),
        ]);
        let mut database = Self::database();
        database.capabilities.holds = holds;
        database.capabilities.markers = false;
        database.capabilities.revives = false;
        Self {
            flags_deleted: false,
            tells: false,
            changed_millis: None,
            ..database
        }
    }
}
