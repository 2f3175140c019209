//! S2: what one service holds less finely does not stand against what another holds more finely.

use std::collections::BTreeSet;

use instep_model::{AccountId, Field, Fields, Provenance, Task, TaskId, Timestamp, Value};
use instep_sync::{Holder, Projection, finer};

use crate::services::{DATABASE, SERVER, service, zone};

fn projection(index: usize) -> Projection<'static> {
    static NOTHING: BTreeSet<TaskId> = BTreeSet::new();
    Projection {
        capabilities: &service(index).capabilities,
        zone: zone(0),
        reachable: &NOTHING,
    }
}

fn hub(priority: u32, from: Option<&AccountId>) -> Task {
    let at = Timestamp::UNIX_EPOCH;
    let origin = Provenance {
        at,
        account: from.cloned(),
    };
    Task {
        id: TaskId::derived(&AccountId::new("tw"), "", &instep_model::RemoteId::new("1")),
        version: 1,
        fields: Fields::new().with(Field::Priority, Value::Number(priority)),
        provenance: [(Field::Priority, origin)].into(),
        modified: at,
        deleted: None,
    }
}

fn taken(hub: &Task, remote: u32, holders: &[Holder]) -> bool {
    let remote = Fields::new().with(Field::Priority, Value::Number(remote));
    !finer(&projection(SERVER), hub, &remote, holders).is_empty()
}

#[test]
fn s2_only_what_every_holder_shows_alike_is_taken() {
    let (coarse, fine) = (AccountId::new("tw"), AccountId::new("other"));
    let band = Holder {
        account: &coarse,
        projection: projection(DATABASE),
    };
    let whole = Holder {
        account: &fine,
        projection: projection(SERVER),
    };
    let snapped = |number| {
        let fields = Fields::new().with(Field::Priority, Value::Number(number));
        let shown = projection(DATABASE).project(&fields);
        shown.get(Field::Priority).cloned()
    };
    let mut alike = 0;
    for number in 1..=5 {
        let given = snapped(number).and_then(|value| match value {
            Value::Number(given) => Some(given),
            _ => None,
        });
        let given = given.expect("a band is a number");
        let known = hub(given, Some(&coarse));
        for other in 1..=5 {
            let same = snapped(other) == snapped(number) && other != given;
            alike += usize::from(same);
            assert_eq!(taken(&known, other, &[band]), same, "{given} {other}");
            // Another service could have told them apart, and did not.
            assert!(!taken(&known, other, &[band, whole]), "{given} {other}");
            // A person said so, or an account that does not hold the task any more.
            assert!(!taken(&hub(given, None), other, &[band]));
            assert!(!taken(&known, other, &[]));
        }
    }
    assert!(alike > 0, "the database has no bands");
}
