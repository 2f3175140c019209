//! Several services around one hub: edits reach all of them, in whatever order they are asked.

use instep_model::{Field, Provenance, Task};
use proptest::prelude::*;

use crate::draw::{self, Bytes, at, bytes, mask};
use crate::edits::edit_remote;
use crate::services::{SERVICES, ZONES, service, zone};
use crate::sync::{Pair, hub_task, person, reach, set_hub};

/// Rounds after which nothing may be left to do.
const ROUNDS: usize = 2;

fn pairs(services: &[usize], zone_index: usize, hub: &Task) -> Vec<Pair> {
    let made = services.iter().enumerate().map(|(at, index)| {
        let name = format!("account {at}");
        let mut pair = Pair::new(&name, service(*index), zone(zone_index), reach(15));
        pair.create(&hub.fields);
        pair
    });
    made.collect()
}

fn rounds(pairs: &mut [Pair], hub: &mut Task) {
    for round in 0..ROUNDS {
        for pair in pairs.iter_mut() {
            pair.pass(hub, at(2_000 + i64::try_from(round).expect("few rounds")));
        }
    }
}

fn assert_all_settled(pairs: &mut [Pair], hub: &Task) {
    for pair in pairs {
        pair.assert_settled(hub);
    }
}

proptest! {
    #![proptest_config(draw::tries(1_000))]

    #[test]
    fn three_services_and_the_hub_come_together(
        services in prop::array::uniform3(0..SERVICES), zone in 0..ZONES, task in bytes(),
        hub_edit in (bytes(), mask()), edits in prop::array::uniform3((bytes(), mask())),
    ) {
        let mut hub = hub_task(draw::fields(&task));
        let mut pairs = pairs(&services, zone, &hub);
        let edited = draw::perturbed(&hub.fields, &hub_edit.0, hub_edit.1);
        set_hub(&mut hub, edited, &person(at(1_000)));
        for (secs, (pair, (drawn, mask))) in (1_000i64..).zip(pairs.iter_mut().zip(&edits)) {
            edit_remote(pair, drawn, *mask, secs);
        }
        rounds(&mut pairs, &mut hub);
        assert_all_settled(&mut pairs, &hub);
    }

    #[test]
    fn edits_of_different_fields_arrive_alike_in_any_order(
        services in prop::array::uniform3(0..SERVICES), zone in 0..ZONES, task in bytes(),
        drawn in prop::array::uniform3(bytes()), masks in prop::array::uniform3(mask()),
        order in Just(vec![0usize, 1, 2]).prop_shuffle(),
    ) {
        // Completion travels with the status, and notes' texts may be told apart by nobody.
        let shared = 1 << (Field::CompletedAt as u32) | 1 << (Field::Annotations as u32);
        let mut taken = shared;
        // A repeating task that is closed here while its date moves there has moved on (S24).
        let mut task = task;
        task[Field::Recurrence as usize] = 0;
        taken |= 1 << (Field::Recurrence as u32);
        let masks = masks.map(|mask| {
            let own = mask & !taken;
            taken |= own;
            own
        });
        let ends = [vec![0, 1, 2], order].map(|order| ending(&services, zone, &task, &drawn, &masks, &order));
        prop_assert_eq!(&ends[0], &ends[1]);
    }
}

fn ending(
    services: &[usize],
    zone: usize,
    task: &Bytes,
    drawn: &[Bytes; 3],
    masks: &[u32; 3],
    order: &[usize],
) -> instep_model::Fields {
    let mut hub = hub_task(draw::fields(task));
    let mut pairs = pairs(services, zone, &hub);
    for (index, pair) in pairs.iter_mut().enumerate() {
        edit_remote(pair, &drawn[index], masks[index], 1_000);
    }
    for _ in 0..ROUNDS {
        for index in order {
            pairs[*index].pass(&mut hub, at(2_000));
        }
    }
    assert_all_settled(&mut pairs, &hub);
    hub.fields.clone()
}

#[test]
fn an_edit_at_one_service_reaches_the_others_and_its_origin_is_kept() {
    let mut hub = hub_task(draw::fields(&[1; 24]));
    let mut pairs = pairs(&[0, 1, 2], 0, &hub);
    let title = Some(crate::sync::text("bread"));
    pairs[0].remote.store(Field::Title, title.clone());
    rounds(&mut pairs, &mut hub);
    for pair in &pairs {
        assert_eq!(pair.remote.item().fields.get(Field::Title), title.as_ref());
    }
    let origin = Provenance {
        at: at(2_000),
        account: Some(pairs[0].account.clone()),
    };
    assert_eq!(hub.provenance.get(&Field::Title), Some(&origin));
    assert_eq!(hub.provenance.get(&Field::Status), Some(&person(at(0))));
}
