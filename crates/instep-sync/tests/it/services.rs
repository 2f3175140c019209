//! Services of four kinds, as capability records, and zones whose clocks jump. Only data.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use instep_model::{
    BatchRule, Capabilities, Field, Grid, Hold, Ids, Status, TagRule, TextRule, TimeZone,
    WriteShape,
};

/// A service, and what it does that its record does not tell.
pub(crate) struct Service {
    pub(crate) capabilities: Capabilities,
    /// Cuts white space off the end of notes and comments.
    pub(crate) trims: bool,
    /// Answers a write with what it stored.
    pub(crate) tells: bool,
}

/// How many services there are.
pub(crate) const SERVICES: usize = 5;
pub(crate) const SERVER: usize = 0;
pub(crate) const DATABASE: usize = 1;
pub(crate) const CALENDAR: usize = 2;
pub(crate) const FILE: usize = 3;
pub(crate) const TRIMMING_SERVER: usize = 4;

static ALL: LazyLock<[Service; SERVICES]> =
    LazyLock::new(|| [server(false), database(), calendar(), file(), server(true)]);

pub(crate) fn service(index: usize) -> &'static Service {
    &ALL[index]
}

fn seconds() -> Hold {
    Hold::Coarse(Grid::instants(1000))
}
const DAYS: Hold = Hold::Coarse(Grid::Days);
const BANDS: Hold = Hold::Coarse(Grid::Bands([0, 1, 1, 3, 5, 5]));
const OPEN_OR_DONE: Hold = Hold::Coarse(Grid::Statuses([
    Status::Open,
    Status::Open,
    Status::Done,
    Status::Done,
]));

fn one_line(trimmed: bool, max_chars: usize) -> Hold {
    Hold::Coarse(Grid::Text(TextRule {
        one_line: true,
        no_controls: true,
        trimmed,
        max_chars,
    }))
}

fn tags(forbidden: &[char], max_chars: usize) -> Hold {
    Hold::Coarse(Grid::Tags(TagRule {
        forbidden: forbidden.to_vec(),
        max_chars,
    }))
}

fn record(
    holds: impl IntoIterator<Item = (Field, Hold)>,
    shapes: impl IntoIterator<Item = (Field, WriteShape)>,
) -> Capabilities {
    Capabilities {
        holds: BTreeMap::from_iter(holds),
        shapes: BTreeMap::from_iter(shapes),
        ids: Ids::Given,
        batch: BatchRule {
            creates: 1,
            mixed: 1,
        },
        markers: false,
        collections: false,
        tag_records: false,
        revives: false,
    }
}

/// Gives ids, takes tags, notes and links one by one, knows only instants.
fn server(trims: bool) -> Service {
    let holds = [
        (Field::Title, one_line(true, 0)),
        (Field::Notes, Hold::Whole),
        (Field::Status, OPEN_OR_DONE),
        (Field::Priority, Hold::Whole),
        (Field::Due, seconds()),
        (Field::Start, seconds()),
        (Field::End, seconds()),
        (Field::Project, Hold::Whole),
        (Field::Tags, tags(&[], 20)),
        (Field::Annotations, Hold::Whole),
        (Field::Depends, Hold::Whole),
        (Field::Parent, Hold::Whole),
        (Field::Reminders, seconds()),
        (Field::PercentDone, Hold::Whole),
        (Field::CompletedAt, Hold::Follows(Field::Status)),
    ];
    let shapes = [
        (Field::Tags, WriteShape::Elements),
        (Field::Annotations, WriteShape::EachElement),
        (Field::Depends, WriteShape::EachElement),
        (Field::Parent, WriteShape::EachElement),
    ];
    Service {
        capabilities: Capabilities {
            collections: true,
            tag_records: true,
            ..record(holds, shapes)
        },
        trims,
        tells: true,
    }
}

/// Takes our ids and whole bodies, holds completion on its own.
fn database() -> Service {
    let holds = [
        (Field::Title, one_line(false, 0)),
        (Field::Status, OPEN_OR_DONE),
        (Field::Priority, BANDS),
        (Field::Due, seconds()),
        (Field::Wait, seconds()),
        (Field::Start, seconds()),
        (Field::Project, Hold::Whole),
        (Field::Tags, tags(&[' ', ',', '+'], 0)),
        (Field::Annotations, Hold::Whole),
        (Field::Depends, Hold::Whole),
        (Field::Series, Hold::Whole),
        (Field::StartedAt, seconds()),
        (Field::CompletedAt, seconds()),
        (Field::Created, Hold::Once),
    ];
    Service {
        capabilities: Capabilities {
            ids: Ids::Chosen,
            markers: true,
            revives: true,
            ..record(holds, [])
        },
        trims: false,
        tells: true,
    }
}

/// Knows days only, and every status; takes whole bodies, but tags one by one.
fn calendar() -> Service {
    let holds = [
        (Field::Title, Hold::Whole),
        (Field::Notes, Hold::Whole),
        (Field::Status, Hold::Whole),
        (Field::Priority, BANDS),
        (Field::Due, DAYS),
        (Field::Deadline, DAYS),
        (Field::Start, DAYS),
        (Field::Duration, Hold::Whole),
        (Field::Tags, Hold::Whole),
        (Field::Annotations, Hold::Whole),
        (Field::Parent, Hold::Whole),
        (Field::Recurrence, Hold::Whole),
        (Field::Occurrence, Hold::Whole),
        (Field::Reminders, Hold::Whole),
        (Field::PercentDone, Hold::Whole),
        (Field::CompletedAt, Hold::Follows(Field::Status)),
    ];
    Service {
        capabilities: Capabilities {
            ids: Ids::Chosen,
            ..record(holds, [(Field::Tags, WriteShape::EachElement)])
        },
        trims: false,
        tells: true,
    }
}

/// Few fields, and no answer to a write.
fn file() -> Service {
    let holds = [
        (Field::Title, one_line(true, 12)),
        (
            Field::Notes,
            Hold::Coarse(Grid::Text(TextRule {
                no_controls: true,
                max_chars: 12,
                ..TextRule::default()
            })),
        ),
        (Field::Status, OPEN_OR_DONE),
        (Field::Archived, Hold::Whole),
        (Field::Priority, BANDS),
        (Field::Due, DAYS),
        (Field::Project, Hold::Whole),
        (Field::Tags, tags(&[' ', ','], 0)),
        (Field::PercentDone, Hold::Coarse(Grid::Steps(10))),
    ];
    Service {
        capabilities: record(holds, []),
        trims: false,
        tells: false,
    }
}

/// Zones by their rules, so that no table of zones is needed.
const RULES: [&str; 6] = [
    "UTC0",
    "CET-1CEST,M3.5.0,M10.5.0/3",
    // From midnight to one, and from midnight back to eleven.
    "<-03>3<-02>,M11.1.0/0,M2.3.0/0",
    // Midnight comes twice on the first Sunday of November.
    "CST5CDT,M3.2.0/0,M11.1.0/1",
    "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
    // The last Wednesday of the year is left out.
    "<-11>11<+13>-13,M12.5.3/0,M6.3.1/0",
];

/// How many zones there are.
pub(crate) const ZONES: usize = RULES.len();

static ZONE: LazyLock<Vec<TimeZone>> = LazyLock::new(|| {
    let zone = |rule| TimeZone::posix(rule).expect("a rule for a zone");
    RULES.into_iter().map(zone).collect()
});

pub(crate) fn zone(index: usize) -> &'static TimeZone {
    &ZONE[index]
}
