//! Cases about the capability record and about what a task holds after it was made.

use instep_model::{
    Capabilities, Field, Fields, Grid, Hold, Status, TimeZone, Timestamp, Value, When, WriteShape,
};

use super::Outcome;
use super::client::{Client, task};
use crate::{Connector, Look};

pub(super) async fn record<C: Connector>(one: &mut Client<C>, two: &mut Client<C>) -> Outcome {
    let record = one.capabilities();
    assert_eq!(record, two.capabilities(), "every client declares the same");
    assert!(
        matches!(record.hold(Field::Title), Hold::Whole | Hold::Coarse(_)),
        "a service of tasks holds titles"
    );
    assert_eq!(record.shape(Field::Title), WriteShape::Body);
    assert!(record.batch.creates >= 1 && record.batch.mixed >= 1);
    for (field, hold) in &record.holds {
        check_hold(&record, *field, hold);
    }
    for field in record.shapes.keys() {
        assert_ne!(
            *record.hold(*field),
            Hold::No,
            "{field} is written, so held"
        );
    }
    if record.collections {
        assert_ne!(*record.hold(Field::Project), Hold::No);
    }
    Outcome::Held
}

/// A grid is of the field's kind, and what it makes of a value it leaves alone (S2).
fn check_hold(record: &Capabilities, field: Field, hold: &Hold) {
    match hold {
        Hold::Follows(leader) => {
            assert_ne!(*leader, field, "{field} follows another field");
            assert_ne!(*record.hold(*leader), Hold::No, "{leader} is held");
        }
        Hold::Coarse(Grid::Bands(bands)) => {
            assert_eq!(field, Field::Priority);
            for band in bands {
                assert_eq!(bands[usize::from(*band)], *band, "{band} stands for itself");
            }
        }
        Hold::Coarse(Grid::Statuses(statuses)) => {
            assert_eq!(field, Field::Status);
            for status in statuses {
                let at = Status::ALL.iter().position(|one| one == status);
                assert_eq!(at.map(|at| statuses[at]), Some(*status));
            }
        }
        Hold::Coarse(Grid::Instants { millis, within }) => {
            assert!(*millis > 0 && !within.is_empty(), "{field}");
        }
        Hold::Coarse(Grid::Steps(step)) => assert!(*step > 0, "{field}"),
        Hold::No | Hold::Whole | Hold::Once | Hold::Coarse(_) => {}
    }
}

pub(super) async fn roundtrip<C: Connector>(one: &mut Client<C>, two: &mut Client<C>) -> Outcome {
    let record = one.capabilities();
    let mut fields = Fields::new().with(Field::Title, Value::Text(one.text("whole")));
    for field in Field::ALL {
        if let Some((value, _)) = samples(&record, field, &one.zone) {
            fields.set(field, value);
        }
    }
    let draft = one.draft(fields.clone());
    let made = one.create(draft).await;
    let seen = two.look(None, Look::Everything).await;
    let observed = task(&seen, &made.id).expect("what was made is observed");
    let read = two.see(&made.id).await;
    for (field, value) in fields.iter() {
        assert_eq!(observed.fields.get(field), Some(value), "{field} observed");
        assert_eq!(read.fields.get(field), Some(value), "{field} read");
    }
    assert!(read.same_content(observed), "a look and a read agree");
    if let Some(held) = made.held {
        assert!(held.same_content(&read), "the answer told what is stored");
    }
    for field in [Field::Annotations, Field::Depends, Field::Parent] {
        assert_eq!(read.fields.get(field), None, "{field} stands beside");
    }
    Outcome::Held
}

/// Two different values of `field` that a body can carry and that the service holds exactly.
pub(super) fn samples(
    record: &Capabilities,
    field: Field,
    zone: &TimeZone,
) -> Option<(Value, Value)> {
    let hold = record.hold(field);
    if record.shape(field) != WriteShape::Body || !matches!(hold, Hold::Whole | Hold::Coarse(_)) {
        return None;
    }
    Some(match field {
        Field::Notes => (
            Value::Text("one line\nand another".to_owned()),
            Value::Text("one line".to_owned()),
        ),
        Field::Status => {
            let done = Value::Status(Status::Done);
            let holds_done = match hold {
                Hold::Coarse(Grid::Statuses(statuses)) => statuses[2] == Status::Done,
                _ => true,
            };
            return holds_done.then_some((Value::Status(Status::Open), done));
        }
        Field::Priority => match hold {
            Hold::Coarse(Grid::Bands(bands)) => {
                let low = *bands.iter().find(|band| **band > 0)?;
                let high = *bands.iter().max()?;
                if low == high {
                    return None;
                }
                (Value::Number(low.into()), Value::Number(high.into()))
            }
            _ => (Value::Number(1), Value::Number(3)),
        },
        Field::PercentDone => match hold {
            Hold::Coarse(Grid::Steps(step)) => (Value::Number(*step), Value::Number(2 * step)),
            _ => (Value::Number(25), Value::Number(50)),
        },
        Field::Due => moments(hold, "2033-05-06T10:00:00Z", "2033-05-09T11:30:00Z", zone),
        Field::Deadline => moments(hold, "2033-06-06T10:00:00Z", "2033-06-09T11:30:00Z", zone),
        Field::Wait => moments(hold, "2033-03-06T10:00:00Z", "2033-03-09T11:30:00Z", zone),
        Field::Start => moments(hold, "2033-04-06T10:00:00Z", "2033-04-09T11:30:00Z", zone),
        Field::End => moments(hold, "2033-04-16T10:00:00Z", "2033-04-19T11:30:00Z", zone),
        _ => return None,
    })
}

fn moments(hold: &Hold, first: &str, second: &str, zone: &TimeZone) -> (Value, Value) {
    let moment = |text: &str| {
        let at: Timestamp = text.parse().expect("a time of the suite's own");
        let at = When::At(at);
        Value::When(match hold {
            Hold::Coarse(Grid::Days) => When::Date(at.date(zone)),
            _ => at,
        })
    };
    (moment(first), moment(second))
}
