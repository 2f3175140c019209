//! One pair, both sides perturbed: the sides come together, keep every edit, and then rest.

use std::collections::BTreeSet;

use instep_model::{
    AccountId, Annotation, ConflictPolicy, Field, Fields, Hold, Provenance, Side, Status, Task,
    Value,
};
use instep_sync::FieldConflict;
use proptest::prelude::*;

use crate::draw::{self, Bytes, at, bytes, mask};
use crate::edits::edit_remote;
use crate::services::{SERVICES, TRIMMING_SERVER, service, zone};
use crate::sync::{Crash, Pair, hub_task, reach, set_hub};

/// One task, agreed on, and what became of it on either side.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) service: usize,
    pub(crate) zone: usize,
    pub(crate) reachable: u8,
    pub(crate) task: Bytes,
    pub(crate) hub: Bytes,
    pub(crate) hub_mask: u32,
    pub(crate) remote: Bytes,
    pub(crate) remote_mask: u32,
    /// The hub's edits were made a thousand seconds after the base, the remote's this many
    /// milliseconds later.
    pub(crate) remote_is_later_millis: i64,
    pub(crate) policy: u8,
    /// Whether the hub's edits came from the account named `other`.
    pub(crate) from_other: bool,
}

pub(crate) fn scene() -> impl Strategy<Value = Scene> {
    let place = (0..SERVICES, 0..crate::services::ZONES, any::<u8>());
    let sides = (bytes(), bytes(), mask(), bytes(), mask());
    let times = prop_oneof![
        Just(1_999i64),
        Just(2_000),
        Just(0),
        Just(-100_000),
        Just(100_000)
    ];
    (place, sides, times, 0u8..4, any::<bool>()).prop_map(|(place, sides, later, policy, from)| {
        Scene {
            service: place.0,
            zone: place.1,
            reachable: place.2,
            task: sides.0,
            hub: sides.1,
            hub_mask: sides.2,
            remote: sides.3,
            remote_mask: sides.4,
            remote_is_later_millis: later,
            policy,
            from_other: from,
        }
    })
}

/// The two sides as they are before the pass that a property is about.
pub(crate) struct Sides {
    pub(crate) pair: Pair,
    pub(crate) hub: Task,
    /// The hub as both had agreed on it.
    pub(crate) agreed: Fields,
    /// What the remote showed of that.
    pub(crate) agreed_shown: Fields,
    /// What the remote shows now.
    pub(crate) shown: Fields,
    pub(crate) seen_at: jiff::Timestamp,
}

pub(crate) fn policy(scene: &Scene) -> ConflictPolicy {
    match scene.policy {
        0 => ConflictPolicy::Newest,
        1 => ConflictPolicy::Prefer(AccountId::new("account")),
        2 => ConflictPolicy::Prefer(AccountId::new("other")),
        _ => ConflictPolicy::Ask,
    }
}

pub(crate) fn sides(scene: &Scene) -> Sides {
    let (service, zone) = (service(scene.service), zone(scene.zone));
    let mut pair = Pair::new("account", service, zone, reach(scene.reachable));
    pair.policy = policy(scene);
    let mut hub = hub_task(draw::fields(&scene.task));
    pair.create(&hub.fields);
    let agreed = hub.fields.clone();
    let agreed_shown = pair.shown(&hub.fields);
    let edited = draw::perturbed(&agreed, &scene.hub, scene.hub_mask);
    let origin = Provenance {
        at: at(1_000),
        account: scene.from_other.then(|| AccountId::new("other")),
    };
    set_hub(&mut hub, edited, &origin);
    edit_remote(&mut pair, &scene.remote, scene.remote_mask, 1_000);
    let shown = pair.shown(&hub.fields);
    let seen_at = at(1_000) + jiff::SignedDuration::from_millis(scene.remote_is_later_millis);
    Sides {
        pair,
        hub,
        agreed,
        agreed_shown,
        shown,
        seen_at,
    }
}

/// Who has to win when both sides changed `field` differently.
fn expected_winner(scene: &Scene) -> Option<Side> {
    let newest = if scene.remote_is_later_millis >= 2_000 {
        Side::Remote
    } else {
        Side::Hub
    };
    match scene.policy {
        0 => Some(newest),
        1 => Some(Side::Remote),
        2 if scene.from_other => Some(Side::Hub),
        2 => Some(newest),
        _ => None,
    }
}

const SETS: [Field; 3] = [Field::Tags, Field::Annotations, Field::Depends];

/// Fields in which both sides changed one value, each to another.
fn contested(sides: &Sides) -> BTreeSet<Field> {
    let hub = sides.pair.projection().project(&sides.hub.fields);
    let base = sides.pair.base();
    let moved_apart = |field: &Field| {
        let (hub, remote) = (hub.get(*field), sides.shown.get(*field));
        let reached = sides.agreed_shown.get(*field);
        let named = sides.hub.fields.get(*field).is_some() && remote.is_some();
        let replaced = *field == Field::Parent && !named;
        hub != base.fields.get(*field) && remote != reached && hub != remote && !replaced
    };
    let merging = sides.pair.merging().into_iter();
    merging
        .filter(|field| !SETS.contains(field))
        .filter(moved_apart)
        .collect()
}

/// Conflicts that must be reported, and those that may be.
fn check_conflicts(scene: &Scene, sides: &Sides, found: &[FieldConflict]) {
    let contested = contested(sides);
    let quiet = [Field::CompletedAt, Field::StartedAt, Field::Notes];
    for field in &contested {
        let of_field = found
            .iter()
            .filter(|conflict| conflict.field == *field)
            .count();
        if quiet.contains(field) {
            assert!(of_field <= 1, "{field}");
        } else {
            assert_eq!(of_field, 1, "{field}");
        }
    }
    for conflict in found
        .iter()
        .filter(|conflict| conflict.field != Field::Annotations)
    {
        let field = conflict.field;
        assert!(contested.contains(&field), "{field} is contested by nobody");
        assert_eq!(
            conflict.hub.as_ref(),
            sides.hub.fields.get(field),
            "{field}"
        );
        assert_eq!(
            conflict.base.as_ref(),
            sides.pair.base().fields.get(field),
            "{field}"
        );
        let remote = Fields::new().with(field, conflict.remote.clone());
        let remote = sides.pair.projection().project(&remote);
        assert_eq!(remote.get(field), sides.shown.get(field), "{field}");
        assert_eq!(conflict.winner, expected_winner(scene), "{field}");
    }
}

/// Whether the remote took a completion of the hub's for a step to the next date (S24).
fn rolled_over(sides: &Sides, after: &Task) -> bool {
    let zone = sides.pair.projection().zone;
    let due = |fields: &Fields| fields.when(Field::Due).map(|due| due.instant(zone));
    let (before, now) = (due(&sides.hub.fields), due(&after.fields));
    let repeats = |fields: &Fields| fields.get(Field::Recurrence).is_some();
    let completed = sides.hub.fields.status().is_closed() && !sides.shown.status().is_closed();
    let agreed = &sides.pair.base().fields;
    let may = completed && before.is_some() && now > before;
    let may = may && (repeats(agreed) || repeats(&sides.shown));
    let closed_for_good = after.fields.status().is_closed();
    let must = may && repeats(agreed) && repeats(&sides.shown);
    assert!(!must || !closed_for_good, "it moved on there");
    may && !closed_for_good
}

/// What a person finds in the hub afterwards, field by field.
fn check_scalars(scene: &Scene, sides: &Sides, after: &Task) {
    let projection = sides.pair.projection();
    let contested = contested(sides);
    let waits = scene.policy == 3 && contested.contains(&Field::Status);
    let rolled = !waits && rolled_over(sides, after);
    for field in Field::ALL {
        if SETS.contains(&field) || field == Field::CompletedAt {
            continue;
        }
        if rolled && matches!(field, Field::Status | Field::Occurrence) {
            continue;
        }
        let (was, is) = (sides.hub.fields.get(field), after.fields.get(field));
        if !projection.merges(field) {
            assert_eq!(is, was, "{field}: the remote cannot hold it");
            continue;
        }
        let held = projection.project(&after.fields);
        let remote_moved = sides.shown.get(field) != sides.agreed_shown.get(field);
        if !remote_moved {
            assert_eq!(is, was, "{field}: the hub's alone");
        } else if !contested.contains(&field) {
            let seen = sides.shown.get(field);
            let back_to_sent = seen == sides.pair.base().fields.get(field);
            let kept = projection.project(&sides.hub.fields);
            let moved = kept.get(field) != sides.pair.base().fields.get(field);
            let replaced = field == Field::Parent && moved && seen.is_none();
            let expected = if back_to_sent || replaced {
                kept.get(field)
            } else {
                seen
            };
            assert_eq!(held.get(field), expected, "{field}: the remote's alone");
        } else if !matches!(field, Field::Notes | Field::StartedAt) {
            match expected_winner(scene) {
                Some(Side::Remote) => assert_eq!(held.get(field), sides.shown.get(field)),
                Some(Side::Hub) | None => assert_eq!(is, was, "{field}"),
            }
        }
    }
}

fn check_tags(sides: &Sides, after: &Task) {
    let projection = sides.pair.projection();
    if !projection.merges(Field::Tags) {
        return assert_eq!(after.fields.tags(), sides.hub.fields.tags());
    }
    let holdable = projection.project(&sides.hub.fields).tags();
    let (base, remote) = (sides.agreed_shown.tags(), sides.shown.tags());
    for tag in sides
        .hub
        .fields
        .tags()
        .union(&remote.union(&base).cloned().collect())
    {
        let kept = if sides.hub.fields.tags().contains(tag) && !holdable.contains(tag) {
            true
        } else if base.contains(tag) {
            holdable.contains(tag) && remote.contains(tag)
        } else {
            holdable.contains(tag) || remote.contains(tag)
        };
        assert_eq!(after.fields.tags().contains(tag), kept, "{tag}");
    }
}

fn check_depends(sides: &Sides, after: &Task) {
    let reachable = &sides.pair.reachable;
    let hub = sides.hub.fields.depends();
    if !sides.pair.projection().merges(Field::Depends) {
        return assert_eq!(after.fields.depends(), hub);
    }
    let (base, remote) = (sides.agreed_shown.depends(), sides.shown.depends());
    for index in 0..draw::OTHERS {
        let task = draw::other(index);
        let kept = if !reachable.contains(&task) {
            hub.contains(&task)
        } else if base.contains(&task) {
            hub.contains(&task) && remote.contains(&task)
        } else {
            hub.contains(&task) || remote.contains(&task)
        };
        assert_eq!(after.fields.depends().contains(&task), kept, "{task}");
    }
}

fn check_annotations(sides: &Sides, after: &Task, conflicts: &[FieldConflict]) {
    let after = after.fields.annotations();
    let hub = sides.hub.fields.annotations();
    if !sides.pair.projection().merges(Field::Annotations) {
        return assert_eq!(after, hub);
    }
    let (sent, base) = (sides.agreed.annotations(), sides.agreed_shown.annotations());
    let remote = sides.shown.annotations();
    let text = |note: Option<&Annotation>| note.map(|note| note.text.clone());
    for id in hub.keys().chain(remote.keys()).chain(base.keys()) {
        let (hub, remote) = (text(hub.get(id)), text(remote.get(id)));
        let hub_moved = hub != text(sent.get(id));
        let remote_moved = remote != text(base.get(id));
        let kept = text(after.get(id));
        match (hub_moved, remote_moved) {
            (_, false) => assert_eq!(kept, hub, "{id}: the hub's alone"),
            (false, true) => assert_eq!(kept, remote, "{id}: the remote's alone"),
            (true, true) if hub.is_none() || remote.is_none() => {
                assert_eq!(kept, hub.or(remote), "{id}: an edit beats a deletion");
            }
            (true, true) => {
                assert!(kept == hub || kept == remote, "{id}");
                let loses = |value: &Option<Value>, text: &Option<String>| {
                    matches!((value, text), (Some(Value::Annotations(notes)), Some(text))
                        if notes.get(id).is_some_and(|note| note.text == *text))
                };
                let told = conflicts.iter().filter(|conflict| {
                    loses(&conflict.hub, &hub) && loses(&conflict.remote, &remote)
                });
                assert_eq!(told.count(), usize::from(hub != remote), "{id}");
            }
        }
    }
}

/// Every line that one side alone brought in is there, and every line that both kept.
fn check_notes(sides: &Sides, after: &Task, conflicts: &[FieldConflict]) {
    if !contested(sides).contains(&Field::Notes)
        || conflicts
            .iter()
            .any(|conflict| conflict.field == Field::Notes)
    {
        return;
    }
    let lines = |fields: &Fields| -> BTreeSet<String> {
        fields
            .text(Field::Notes)
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect()
    };
    let (base, merged) = (lines(&sides.agreed_shown), lines(&after.fields));
    let (hub, remote) = (lines(&sides.hub.fields), lines(&sides.shown));
    for added in hub.union(&remote).filter(|line| !base.contains(*line)) {
        assert!(merged.contains(added), "{added:?} was lost");
    }
    for kept in hub.intersection(&remote) {
        assert!(merged.contains(kept), "{kept:?} was lost");
    }
}

fn check_completion(after: &Task) {
    let closed = after.fields.status().is_closed();
    assert_eq!(closed, after.fields.get(Field::CompletedAt).is_some());
}

proptest! {
    #![proptest_config(draw::tries(2_000))]

    #[test]
    fn s1_what_was_just_made_is_settled_and_an_echo_moves_nothing(scene in scene()) {
        let scene = Scene { hub_mask: 0, remote_mask: 0, ..scene };
        let mut sides = sides(&scene);
        let hub = sides.hub.clone();
        sides.pair.assert_settled(&hub);
    }

    #[test]
    fn both_sides_come_together_lose_nothing_and_rest(scene in scene()) {
        let before = sides(&scene);
        let mut sides = sides(&scene);
        let mut hub = sides.hub.clone();
        let conflicts = sides.pair.pass(&mut hub, sides.seen_at);
        check_conflicts(&scene, &before, &conflicts);
        check_scalars(&scene, &before, &hub);
        check_tags(&before, &hub);
        check_depends(&before, &hub);
        check_annotations(&before, &hub, &conflicts);
        check_notes(&before, &hub, &conflicts);
        check_completion(&hub);
        if scene.policy != 3 {
            sides.pair.assert_settled(&hub);
        }
    }

    #[test]
    fn a_pass_that_dies_anywhere_ends_as_one_that_did_not(
        scene in scene(), writes in 1usize..5, confirmed in any::<bool>(),
    ) {
        let policy = scene.policy % 3;
        // Notes that a service trims are found again by the outbox, not by the planner.
        let service = if scene.service == TRIMMING_SERVER { 0 } else { scene.service };
        let scene = Scene { policy, service, ..scene };
        let mut whole = sides(&scene);
        let mut expected = whole.hub.clone();
        whole.pair.pass(&mut expected, whole.seen_at);

        let mut killed = sides(&scene);
        let mut hub = killed.hub.clone();
        let (carried, _) = killed.pair.merge(&mut hub, killed.seen_at);
        let crash = Crash { writes, confirmed };
        killed.pair.push(&carried, Some(crash));
        let again = killed.pair.pass(&mut hub, at(5_000));
        prop_assert_eq!(again, vec![]);
        prop_assert_eq!(&hub.fields, &expected.fields);
        let (one, other) = (killed.pair.shown(&hub.fields), whole.pair.shown(&hub.fields));
        prop_assert_eq!(one, other);
        killed.pair.assert_settled(&hub);
    }

    #[test]
    fn ask_leaves_both_sides_of_a_conflict_alone_until_a_person_decides(scene in scene()) {
        let scene = Scene { policy: 3, ..scene };
        let before = sides(&scene);
        let mut sides = sides(&scene);
        let mut hub = sides.hub.clone();
        let conflicts = sides.pair.pass(&mut hub, sides.seen_at);
        let waiting = conflicts.iter().filter(|conflict| conflict.winner.is_none());
        let waiting: BTreeSet<Field> = waiting.map(|conflict| conflict.field).collect();
        let shown = sides.pair.shown(&hub.fields);
        for field in &waiting {
            prop_assert_eq!(hub.fields.get(*field), before.hub.fields.get(*field));
            prop_assert_eq!(shown.get(*field), before.shown.get(*field));
            prop_assert_eq!(sides.pair.base().shown(*field), before.pair.base().shown(*field));
        }
        let follows = sides.pair.projection().capabilities.hold(Field::CompletedAt).clone();
        if waiting.contains(&Field::Status) && !matches!(follows, Hold::Follows(_)) {
            let done = Field::CompletedAt;
            prop_assert_eq!(shown.get(done), before.shown.get(done));
        }
        // A second look finds the same, and does nothing about it.
        let writes = sides.pair.remote.writes;
        let (held, base) = (hub.clone(), sides.pair.base().clone());
        let again = sides.pair.pass(&mut hub, at(9_000));
        let again: BTreeSet<Field> = again.iter().map(|conflict| conflict.field).collect();
        prop_assert_eq!(again, waiting);
        prop_assert_eq!(&hub, &held);
        prop_assert_eq!(sides.pair.base(), &base);
        prop_assert_eq!(sides.pair.remote.writes, writes);
        // The person takes the remote's side.
        sides.pair.policy = ConflictPolicy::Prefer(AccountId::new("account"));
        sides.pair.pass(&mut hub, at(9_100));
        sides.pair.assert_settled(&hub);
    }

    #[test]
    fn s1_what_a_service_makes_of_a_write_is_no_edit(scene in scene()) {
        let scene = Scene { service: TRIMMING_SERVER, remote_mask: 0, ..scene };
        let mut sides = sides(&scene);
        let mut hub = sides.hub.clone();
        let conflicts = sides.pair.pass(&mut hub, sides.seen_at);
        prop_assert_eq!(conflicts, vec![]);
        prop_assert_eq!(&hub, &sides.hub, "the hub keeps what it sent");
        sides.pair.assert_settled(&hub);
    }
}

#[test]
fn s22_done_there_is_cancelled_here_where_both_are_one() {
    let mut pair = Pair::new("account", service(0), zone(0), reach(0));
    let mut hub = hub_task(Fields::new().with(Field::Title, crate::sync::text("milk")));
    pair.create(&hub.fields);
    let cancelled = hub
        .fields
        .clone()
        .with(Field::Status, Value::Status(Status::Cancelled));
    set_hub(
        &mut hub,
        draw::consistent(cancelled),
        &crate::sync::person(at(10)),
    );
    crate::edits::close(&mut pair, 20);
    let conflicts = pair.pass(&mut hub, at(20));
    assert_eq!(conflicts, []);
    assert_eq!(hub.fields.status(), Status::Cancelled);
    pair.assert_settled(&hub);
}
