//! Two full sides meet without ever having agreed: values join, and only differences conflict.

use std::collections::BTreeSet;

use instep_model::{Field, Fields};
use proptest::prelude::*;

use crate::converge::{Scene, Sides, scene, sides};
use crate::draw::{self, at};
use crate::services::TRIMMING_SERVER;

/// Both sides as they are, with nothing agreed on.
fn strangers(scene: &Scene) -> Sides {
    let mut sides = sides(scene);
    sides.pair.base = None;
    sides.shown = sides.pair.shown(&sides.hub.fields);
    sides
}

fn union<T: Ord + Clone>(one: &BTreeSet<T>, other: &BTreeSet<T>) -> BTreeSet<T> {
    one.union(other).cloned().collect()
}

fn check_union(sides: &Sides, after: &Fields) {
    let merges = |field| sides.pair.projection().merges(field);
    let before = &sides.hub.fields;
    if merges(Field::Tags) {
        assert_eq!(after.tags(), union(&before.tags(), &sides.shown.tags()));
    }
    if merges(Field::Depends) {
        assert_eq!(
            after.depends(),
            union(&before.depends(), &sides.shown.depends())
        );
    }
    if merges(Field::Annotations) {
        let (after, shown) = (after.annotations(), sides.shown.annotations());
        for (id, note) in before.annotations().iter().chain(&shown) {
            assert_eq!(
                after.get(id),
                Some(note),
                "notes are adopted by text, or are added"
            );
        }
    }
}

proptest! {
    #![proptest_config(draw::tries(2_000))]

    #[test]
    fn first_meetings_join_values_and_conflict_only_over_different_ones(scene in scene()) {
        let scene = Scene { policy: scene.policy % 3, ..scene };
        let mut sides = strangers(&scene);
        let mut hub = sides.hub.clone();
        let conflicts = sides.pair.pass(&mut hub, sides.seen_at);
        let told: BTreeSet<Field> = conflicts.iter().map(|conflict| conflict.field).collect();
        let held = sides.pair.projection().project(&sides.hub.fields);
        let sets = [Field::Tags, Field::Depends, Field::Annotations];
        for field in sides.pair.merging() {
            if sets.contains(&field) || matches!(field, Field::CompletedAt | Field::StartedAt) {
                continue;
            }
            let (hub_held, seen) = (held.get(field), sides.shown.get(field));
            let both = hub_held.is_some() && seen.is_some() || field == Field::Status;
            prop_assert_eq!(told.contains(&field), both && hub_held != seen, "{}", field);
            let now = sides.pair.projection().project(&hub.fields);
            if !both {
                prop_assert_eq!(now.get(field), hub_held.or(seen), "{}", field);
            } else if hub_held == seen {
                prop_assert_eq!(hub.fields.get(field), sides.hub.fields.get(field));
            }
        }
        check_union(&sides, &hub.fields);
        prop_assert_eq!(told.len(), conflicts.len());
        prop_assert!(conflicts.iter().all(|conflict| conflict.base.is_none()));
        sides.pair.assert_settled(&hub);
    }

    #[test]
    fn equal_sides_meet_without_a_word(scene in scene()) {
        let service = if scene.service == TRIMMING_SERVER { 0 } else { scene.service };
        let scene = Scene { hub_mask: 0, remote_mask: 0, service, ..scene };
        let mut sides = strangers(&scene);
        let mut hub = sides.hub.clone();
        let writes = sides.pair.remote.writes;
        prop_assert_eq!(sides.pair.pass(&mut hub, at(3_000)), vec![]);
        prop_assert_eq!(&hub, &sides.hub);
        prop_assert_eq!(sides.pair.remote.writes, writes);
        sides.pair.assert_settled(&hub);
    }
}
