//! The two laws of a projection (S2), for every grid, field, value and zone.

use std::collections::BTreeSet;

use instep_model::{
    Capabilities, Field, Fields, Grid, Hold, Reminder, Status, TagRule, TextRule, Value, When,
};
use instep_sync::Projection;
use proptest::prelude::*;

use crate::draw::{self, Bytes, bytes};
use crate::services::{self, CALENDAR, DATABASE, FILE, SERVER, SERVICES, ZONES, service};
use crate::sync::{reach, text};

fn with<T>(
    capabilities: &Capabilities,
    zone: usize,
    reachable: u8,
    check: impl FnOnce(Projection) -> T,
) -> T {
    check(Projection {
        capabilities,
        zone: services::zone(zone),
        reachable: &reach(reachable),
    })
}

/// Every grid on which a field of its kind can be held, beyond those that the services use.
fn grids(field: Field) -> Vec<Hold> {
    let text = |one_line, no_controls, trimmed, max_chars| {
        Grid::Text(TextRule {
            one_line,
            no_controls,
            trimmed,
            max_chars,
        })
    };
    let grids = match field {
        Field::Title | Field::Notes | Field::Recurrence | Field::Series => vec![
            text(true, false, false, 0),
            text(false, true, true, 0),
            text(true, true, true, 7),
            text(false, false, false, 3),
        ],
        Field::Status => {
            use Status::{Blocked, Cancelled, Done, Open};
            vec![
                Grid::Statuses([Open, Open, Done, Done]),
                Grid::Statuses([Open, Blocked, Done, Done]),
                Grid::Statuses([Open, Open, Done, Cancelled]),
            ]
        }
        Field::Priority => vec![
            Grid::Bands([0, 1, 1, 3, 5, 5]),
            Grid::Bands([0, 0, 3, 3, 3, 5]),
        ],
        Field::Due
        | Field::Deadline
        | Field::Wait
        | Field::Start
        | Field::End
        | Field::Occurrence => vec![
            Grid::Days,
            Grid::instants(1),
            Grid::instants(1_000),
            Grid::instants(60_000),
        ],
        Field::StartedAt | Field::CompletedAt | Field::Created | Field::Reminders => {
            vec![Grid::instants(1_000), Grid::instants(60_000)]
        }
        Field::PercentDone => vec![Grid::Steps(10), Grid::Steps(100), Grid::Steps(1)],
        Field::Tags => vec![
            Grid::Tags(TagRule::default()),
            Grid::Tags(TagRule {
                forbidden: vec![' ', ','],
                max_chars: 5,
            }),
        ],
        _ => Vec::new(),
    };
    grids
        .into_iter()
        .map(Hold::Coarse)
        .chain([Hold::Whole])
        .collect()
}

#[derive(Debug, Clone)]
struct Case {
    field: Field,
    hold: Hold,
    zone: usize,
    reachable: u8,
    hub: u8,
    remote: u8,
}

fn case() -> impl Strategy<Value = Case> {
    let numbers = (0..Field::ALL.len(), any::<usize>(), 0..ZONES);
    (numbers, any::<(u8, u8, u8)>()).prop_map(|((field, grid, zone), (reachable, hub, remote))| {
        let field = Field::ALL[field];
        let grids = grids(field);
        Case {
            field,
            hold: grids[grid % grids.len()].clone(),
            zone,
            reachable,
            hub,
            remote,
        }
    })
}

/// `project` of one value.
fn projected(projection: &Projection, field: Field, value: Option<&Value>) -> Option<Value> {
    let alone = Fields::new().with(field, value.cloned());
    projection.project(&alone).get(field).cloned()
}

fn whole(value: Option<Value>) -> Option<Value> {
    value.filter(|value| !value.is_empty())
}

proptest! {
    #![proptest_config(draw::tries(25_000))]

    #[test]
    fn s2_what_is_projected_lifts_back_and_what_is_lifted_projects_back(case in case()) {
        let mut capabilities = service(SERVER).capabilities.clone();
        capabilities.holds.insert(case.field, case.hold.clone());
        with(&capabilities, case.zone, case.reachable, |projection| {
            let field = case.field;
            let hub = whole(draw::value(field, case.hub));
            let on_grid = |value: Option<&Value>| projected(&projection, field, value);
            let shown = on_grid(hub.as_ref());
            prop_assert_eq!(
                projection.lift(field, hub.as_ref(), shown.as_ref()),
                hub.clone(),
                "lift(h, project(h)) = h"
            );
            let remote = on_grid(whole(draw::value(field, case.remote)).as_ref());
            prop_assert_eq!(&on_grid(remote.as_ref()), &remote, "a grid maps itself to itself");
            let lifted = projection.lift(field, hub.as_ref(), remote.as_ref());
            prop_assert_eq!(&on_grid(lifted.as_ref()), &remote, "project(lift(h, r)) = r");
            prop_assert_eq!(
                projection.lift(field, lifted.as_ref(), remote.as_ref()),
                lifted,
                "lifting again changes nothing"
            );
            Ok(())
        })?;
    }

    #[test]
    fn s2_whole_tasks_obey_the_laws_in_every_service(
        index in 0..SERVICES, zone in 0..ZONES, reachable in any::<u8>(),
        hub in bytes(), remote in bytes(),
    ) {
        with(&service(index).capabilities, zone, reachable, |projection| {
            let hub = draw::fields(&hub);
            let remote = projection.project(&draw::fields(&remote));
            prop_assert_eq!(&projection.project(&remote), &remote);
            let mut lifted = hub.clone();
            for field in Field::ALL.into_iter().filter(|field| projection.merges(*field)) {
                lifted.set(field, projection.lift(field, hub.get(field), remote.get(field)));
            }
            prop_assert_eq!(projection.project(&lifted), remote);
            for field in Field::ALL.into_iter().filter(|field| !projection.merges(*field)) {
                prop_assert_eq!(lifted.get(field), hub.get(field));
            }
            Ok(())
        })?;
    }

    #[test]
    fn s2_a_new_item_holds_what_merges_and_what_is_taken_once(
        index in 0..SERVICES, zone in 0..ZONES, hub in bytes(),
    ) {
        let hub: Bytes = hub;
        with(&service(index).capabilities, zone, 15, |projection| {
            let hub = draw::fields(&hub);
            let (all, merging) = (projection.project_new(&hub), projection.project(&hub));
            for field in Field::ALL {
                if projection.merges(field) {
                    prop_assert_eq!(all.get(field), merging.get(field));
                } else {
                    prop_assert_eq!(merging.get(field), None);
                    let held = *projection.capabilities.hold(field) != Hold::No;
                    prop_assert_eq!(all.get(field).is_some(), held && hub.get(field).is_some());
                }
            }
            Ok(())
        })?;
    }
}

/// `service zone field: hub + remote = lifted`
#[track_caller]
fn check(index: usize, zone: usize, field: Field, hub: &str, remote: &str, lifted: &str) {
    let value = |text: &str| {
        let parse = |text| Value::parse(field, text).expect("a value");
        (!text.is_empty()).then(|| parse(text))
    };
    with(&service(index).capabilities, zone, 0b0001, |projection| {
        let answer = projection.lift(field, value(hub).as_ref(), value(remote).as_ref());
        assert_eq!(
            answer.map(|value| value.to_string()).unwrap_or_default(),
            lifted
        );
    });
}

#[test]
fn s2_a_day_that_moves_keeps_the_time_of_day() {
    let due = Field::Due;
    check(
        CALENDAR,
        1,
        due,
        "2026-03-28T02:30:00",
        "2026-03-29",
        "2026-03-29T02:30:00",
    );
    check(
        CALENDAR,
        1,
        due,
        "2026-03-28T08:00:00Z",
        "2026-03-29",
        "2026-03-29T07:00:00Z",
    );
    check(
        CALENDAR,
        0,
        due,
        "2026-03-28T08:00:00Z",
        "2026-03-28",
        "2026-03-28T08:00:00Z",
    );
    check(CALENDAR, 0, due, "2026-03-28", "2026-03-29", "2026-03-29");
    check(CALENDAR, 0, due, "", "2026-03-29", "2026-03-29");
    check(CALENDAR, 0, due, "2026-03-28T08:00:00Z", "", "");
    // That day has no time of day at all: the zone leaves it out.
    check(
        CALENDAR,
        5,
        due,
        "2026-12-29T20:00:00Z",
        "2026-12-30",
        "2026-12-30",
    );
}

#[test]
fn s21_a_service_of_instants_means_days_by_local_midnight() {
    let due = Field::Due;
    check(
        SERVER,
        1,
        due,
        "2026-03-28",
        "2026-03-28T23:00:00Z",
        "2026-03-29",
    );
    check(SERVER, 1, due, "", "2026-03-28T23:00:00Z", "2026-03-29");
    check(
        SERVER,
        1,
        due,
        "",
        "2026-03-28T22:00:00Z",
        "2026-03-28T22:00:00Z",
    );
    check(
        SERVER,
        1,
        due,
        "2026-03-28T09:00:00",
        "2026-03-28T10:00:00Z",
        "2026-03-28T11:00:00",
    );
    check(
        SERVER,
        1,
        due,
        "2026-03-28T09:00:00",
        "2026-03-28T23:00:00Z",
        "2026-03-29T00:00:00",
    );
    // The second of two half past twos has no local name of its own.
    let second = "2026-10-25T01:30:00Z";
    check(SERVER, 1, due, "2026-10-25T09:00:00", second, second);
    check(
        SERVER,
        0,
        due,
        "2026-03-28T09:00:00.5Z",
        "2026-03-28T09:00:00Z",
        "2026-03-28T09:00:00.5Z",
    );
}

#[test]
fn s2_bands_states_and_steps_keep_the_finer_value() {
    check(DATABASE, 0, Field::Priority, "2", "1", "2");
    check(DATABASE, 0, Field::Priority, "4", "5", "4");
    check(DATABASE, 0, Field::Priority, "4", "3", "3");
    check(DATABASE, 0, Field::Priority, "4", "", "");
    check(SERVER, 0, Field::Status, "cancelled", "done", "cancelled");
    check(SERVER, 0, Field::Status, "blocked", "", "blocked");
    check(SERVER, 0, Field::Status, "blocked", "done", "done");
    check(SERVER, 0, Field::Status, "cancelled", "", "");
    check(FILE, 0, Field::PercentDone, "57", "50", "57");
    check(FILE, 0, Field::PercentDone, "57", "60", "60");
    check(FILE, 0, Field::PercentDone, "7", "", "7");
    check(
        FILE,
        0,
        Field::Title,
        "a title that is too long",
        "a title that",
        "a title that is too long",
    );
}

#[test]
fn s2_elements_that_cannot_be_held_stay_beside_the_others() {
    check(FILE, 0, Field::Tags, "a,b c", "a,d", "a,b c,d");
    check(FILE, 0, Field::Tags, "a,b c", "", "b c");
    check(FILE, 0, Field::Tags, "a", "", "");
    check(FILE, 0, Field::Tags, "", "d", "d");
    let (near, far) = (draw::other(0), draw::other(1));
    check(
        SERVER,
        0,
        Field::Depends,
        &format!("{near},{far}"),
        "",
        &far.to_string(),
    );
    check(
        SERVER,
        0,
        Field::Depends,
        &far.to_string(),
        &near.to_string(),
        &format!("{near},{far}"),
    );
    check(
        SERVER,
        0,
        Field::Parent,
        &far.to_string(),
        "",
        &far.to_string(),
    );
    check(SERVER, 0, Field::Parent, &near.to_string(), "", "");
}

#[test]
fn s2_reminders_keep_how_they_were_meant() {
    let both = "2026-03-28T09:00:00,due-600";
    check(
        SERVER,
        1,
        Field::Reminders,
        both,
        "2026-03-28T08:00:00Z",
        "2026-03-28T09:00:00",
    );
    check(
        SERVER,
        1,
        Field::Reminders,
        both,
        "2026-03-28T08:00:00Z,2026-03-28T10:00:00Z,due-600",
        "2026-03-28T09:00:00,2026-03-28T10:00:00Z,due-600",
    );
    check(SERVER, 1, Field::Reminders, both, "", "");
}

#[test]
fn instants_are_cut_towards_the_past() {
    let held = |when: When| {
        with(&service(SERVER).capabilities, 0, 0, |projection| {
            let reminders = BTreeSet::from([Reminder::At(when)]);
            let fields = Fields::new()
                .with(Field::Due, Value::When(when))
                .with(Field::Reminders, Value::Reminders(reminders));
            let held = projection.project(&fields);
            let texts = held.iter().map(|(_, value)| value.to_string());
            texts.collect::<Vec<_>>()
        })
    };
    let at = |text: &str| text.parse::<When>().expect("a time");
    assert_eq!(
        held(at("2026-03-28T09:00:00.999Z")),
        ["2026-03-28T09:00:00Z"; 2]
    );
    assert_eq!(
        held(at("1969-12-31T23:59:59.5Z")),
        ["1969-12-31T23:59:59Z"; 2]
    );
}

#[test]
fn texts_lose_what_their_rule_leaves_out() {
    let held = |index, field, title: &str| {
        with(&service(index).capabilities, 0, 0, |projection| {
            projected(&projection, field, Some(&text(title)))
        })
    };
    let server = |title| held(SERVER, Field::Title, title);
    assert_eq!(server(" a\nb\r\tc\u{7} "), Some(text("a b \tc")));
    assert_eq!(server(" \n "), None);
    assert_eq!(held(DATABASE, Field::Title, " a\n"), Some(text(" a ")));
    assert_eq!(
        held(FILE, Field::Title, "  123456789012345"),
        Some(text("123456789012"))
    );
    assert_eq!(
        held(FILE, Field::Title, "12345678901  345"),
        Some(text("12345678901"))
    );
    assert_eq!(
        held(FILE, Field::Notes, "a\nb\u{7}\tc\rd"),
        Some(text("a\nb\tcd"))
    );
    assert_eq!(
        held(CALENDAR, Field::Title, " a\u{7}\n"),
        Some(text(" a\u{7}\n"))
    );
}
