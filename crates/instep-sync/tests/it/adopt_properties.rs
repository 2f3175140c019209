//! Adoption of any two lists: nothing is paired twice, or both paired and made, or made on both
//! sides though it is one; and a lost hub finds everything again by its markers.

use std::collections::BTreeMap;

use instep_model::{Field, Fields, ProjectPath, Value};
use instep_sync::{Adoption, Trust};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::adopt::{Here, How, There, run};
use crate::draw;
use crate::sync::text;

fn fields(byte: u8) -> Fields {
    let path = |path: &str| path.parse::<ProjectPath>().ok().map(Value::Path);
    let due = "2026-01-05T00:00:00Z".parse().ok().map(Value::When);
    Fields::new()
        .with(Field::Title, text(["a", "b", "c"][usize::from(byte % 3)]))
        .with(Field::Project, (byte & 8 == 8).then(|| path("P")).flatten())
        .with(Field::Due, (byte & 16 == 16).then_some(due).flatten())
        .with(Field::Priority, Value::Number(u32::from(byte >> 6)))
}

fn lists() -> impl Strategy<Value = (Vec<Here>, Vec<There>)> {
    let here = (any::<u8>(), prop::option::of(0u8..8), 0u8..8);
    let there = (any::<u8>(), prop::option::weighted(0.2, 0u8..10));
    (vec(here, 0..8), vec(there, 0..8)).prop_map(|(hub, remote)| {
        let hub = hub
            .into_iter()
            .zip(0u128..)
            .map(|((byte, hint, alive), id)| Here {
                id,
                fields: fields(byte),
                hint: hint.map(|id| format!("r{id}")),
                deleted: alive == 0,
                held: false,
                former: Vec::new(),
            });
        let mut taken = Vec::new();
        let remote = remote.into_iter().enumerate().map(|(id, (byte, chosen))| {
            let chosen = chosen.map(u128::from).filter(|id| !taken.contains(id));
            taken.extend(chosen);
            There {
                id: format!("r{id}"),
                fields: fields(byte),
                chosen,
            }
        });
        (hub.collect(), remote.collect())
    })
}

fn how() -> impl Strategy<Value = How> {
    let trust = prop::sample::select(vec![Trust::Unknown, Trust::OtherServer]);
    (any::<bool>(), any::<bool>(), trust).prop_map(|(first, complete, trust)| How {
        vouched: 0,
        first,
        complete,
        trust,
    })
}

/// How often each hub task and each remote item was disposed of.
fn disposals(adoption: &Adoption) -> (BTreeMap<usize, usize>, BTreeMap<usize, usize>) {
    let (mut hub, mut remote) = (BTreeMap::new(), BTreeMap::new());
    for (here, there) in &adoption.pairs {
        *hub.entry(*here).or_default() += 1;
        *remote.entry(*there).or_default() += 1;
    }
    for there in &adoption.new {
        *remote.entry(*there).or_default() += 1;
    }
    for (here, there, _) in &adoption.reviews {
        here.iter()
            .for_each(|here| *hub.entry(*here).or_default() += 1);
        there
            .iter()
            .for_each(|there| *remote.entry(*there).or_default() += 1);
    }
    (hub, remote)
}

fn to_be_sent(adoption: &Adoption, hub: &[Here]) -> Vec<usize> {
    let (known, _) = disposals(adoption);
    let alive = (0..hub.len()).filter(|at| !hub[*at].deleted);
    alive.filter(|at| !known.contains_key(at)).collect()
}

proptest! {
    #![proptest_config(draw::tries(8_000))]

    #[test]
    fn s26_everything_is_disposed_of_once_and_nothing_is_made_on_both_sides(
        (hub, remote) in lists(), how in how(),
    ) {
        let adoption = run(how, &hub, &remote);
        let (here, there) = disposals(&adoption);
        prop_assert!(here.values().all(|count| *count == 1), "{adoption:?}");
        prop_assert_eq!(there.len(), remote.len(), "every item has one fate: {:?}", adoption);
        prop_assert!(there.values().all(|count| *count == 1), "{adoption:?}");
        for (here, _) in &adoption.pairs {
            prop_assert!(!hub[*here].deleted);
        }
        for sent in to_be_sent(&adoption, &hub) {
            for new in &adoption.new {
                prop_assert_ne!(&hub[sent].fields, &remote[*new].fields, "one task, made twice");
                let titles = hub[sent].fields.title() == remote[*new].fields.title();
                prop_assert!(!(how.first && titles), "an equal title is for review");
            }
        }
        for (here, there) in &adoption.pairs {
            let chosen = remote[*there].chosen == Some(hub[*here].id);
            let marked = hub[*here].hint.as_deref() == Some(&*remote[*there].id);
            let titled = hub[*here].fields.title() == remote[*there].fields.title();
            prop_assert!(chosen || titled || (marked && how.trust != Trust::OtherServer));
            let equal = hub[*here].fields == remote[*there].fields;
            prop_assert!(how.first || chosen || marked || equal, "only what is certain");
        }
    }

    #[test]
    fn s26_markers_of_another_server_say_nothing((hub, remote) in lists(), how in how()) {
        let how = How { trust: Trust::OtherServer, ..how };
        let unmarked: Vec<Here> =
            hub.iter().cloned().map(|one| Here { hint: None, ..one }).collect();
        prop_assert_eq!(run(how, &hub, &remote), run(how, &unmarked, &remote));
    }

    #[test]
    fn s26_a_lost_hub_finds_everything_again_by_its_markers(
        tasks in vec(any::<u8>(), 1..10), edited in any::<usize>(), shift in any::<usize>(),
        first in any::<bool>(), complete in any::<bool>(),
    ) {
        let count = tasks.len();
        let hub: Vec<Here> = tasks.iter().zip(0u128..).map(|(byte, id)| Here {
            id,
            fields: fields(*byte),
            hint: Some(format!("r{id}")),
            deleted: false,
            held: false,
 former: Vec::new(),
        }).collect();
        // One title in three or more may have changed while nobody looked.
        let remote: Vec<There> = (0..count).map(|at| (at + shift % count) % count).map(|at| {
            let changed = count > 2 && at == edited % count;
            let fields = fields(tasks[at]);
            There {
                id: format!("r{at}"),
                fields: if changed { fields.with(Field::Title, text("changed")) } else { fields },
                chosen: None,
            }
        }).collect();
        let adoption = run(How { first, complete, trust: Trust::Unknown, vouched: 0 }, &hub, &remote);
        prop_assert_eq!(adoption.pairs.len(), count);
        for (here, there) in adoption.pairs {
            prop_assert_eq!(hub[here].hint.as_ref(), Some(&remote[there].id));
        }
    }

    #[test]
    fn s26_the_order_of_the_lists_does_not_matter(
        (hub, remote) in lists(), how in how(), turn in any::<usize>(),
    ) {
        let adoption = run(how, &hub, &remote);
        let mut turned = (hub.clone(), remote.clone());
        turned.0.rotate_left(turn % hub.len().max(1));
        turned.1.rotate_left(turn / 7 % remote.len().max(1));
        turned.1.reverse();
        let again = run(how, &turned.0, &turned.1);
        // Twins may change places, so contents are compared and not names.
        let contents = |adoption: &Adoption, hub: &[Here], remote: &[There]| {
            let pairs = adoption.pairs.iter();
            let mut pairs: Vec<String> = pairs
                .map(|(here, there)| format!("{:?} {:?}", hub[*here].fields, remote[*there].fields))
                .collect();
            pairs.sort();
            pairs
        };
        prop_assert_eq!(contents(&adoption, &hub, &remote), contents(&again, &turned.0, &turned.1));
    }
}
