//! Whether either side was edited, and what a task holds that only a remote knew.

use expect_test::{Expect, expect};
use instep_model::{Status, Task};
use instep_sync::{
    Projection, Seen, base_of, differs, hub_was_edited, remote_was_edited, task_from_remote,
};

use crate::draw::{self, at};
use crate::services::{DATABASE, FILE, SERVER, service, zone};
use crate::spoken;
use crate::sync::{hub_task, reach};

fn projection_of(index: usize) -> Projection<'static> {
    static REACHABLE: std::sync::LazyLock<std::collections::BTreeSet<instep_model::TaskId>> =
        std::sync::LazyLock::new(|| reach(0b0011));
    Projection {
        capabilities: &service(index).capabilities,
        zone: zone(0),
        reachable: &REACHABLE,
    }
}

#[test]
fn a_task_from_a_remote_has_everything_it_holds_and_is_whole() {
    let check = |index, seen: &str, expected: Expect| {
        let seen = Seen {
            fields: &spoken::fields(seen),
            changed_at: at(60),
        };
        expected.assert_eq(&spoken::line(&task_from_remote(
            &projection_of(index),
            &seen,
        )));
    };
    check(
        SERVER,
        "title=a; due=2026-01-05T00:00:00Z; wait=2026-01-04",
        expect!["title=a; due=2026-01-05; created=2026-01-01T00:01:00Z"],
    );
    check(
        DATABASE,
        "title=a; created=2026-01-01T00:00:00Z",
        expect!["title=a; created=2026-01-01T00:00:00Z"],
    );
    check(
        SERVER,
        "title=a; status=done; completed_at=2026-01-02T00:00:00Z",
        expect![
            "title=a; status=done; completed_at=2026-01-02T00:00:00Z; created=2026-01-01T00:01:00Z"
        ],
    );
    check(
        FILE,
        "title=a; status=done",
        expect![
            "title=a; status=done; completed_at=2026-01-01T00:01:00Z; created=2026-01-01T00:01:00Z"
        ],
    );
}

#[test]
fn s23_edges_count_only_where_both_ends_are_alive() {
    let (near, far) = (draw::other(0), draw::other(2));
    let projection = projection_of(SERVER);
    let base = base_of(
        &projection,
        &spoken::fields(&format!(
            "title=a; wait=2026-01-04; depends={near},{far}; parent={far}"
        )),
    );
    assert_eq!(
        spoken::base(&base),
        format!("title=a; depends={near},{far}; parent={far}")
    );
    let near_only = spoken::fields(&format!("title=a; depends={near}"));
    assert!(!differs(&projection, &base.fields, &near_only));
    assert!(!remote_was_edited(&projection, &base, &near_only));
    assert!(!remote_was_edited(&projection, &base, &base.fields));
    for edited in [
        "title=a",
        "title=b; depends=",
        &format!("title=a; depends={near}; parent={near}"),
    ] {
        let edited = spoken::fields(edited.trim_end_matches("; depends="));
        assert!(differs(&projection, &base.fields, &edited), "{edited:?}");
        assert!(remote_was_edited(&projection, &base, &edited), "{edited:?}");
    }
}

#[test]
fn s23_a_new_link_counts_wherever_it_leads() {
    let (near, far) = (draw::other(0), draw::other(2));
    let projection = projection_of(SERVER);
    let base = base_of(&projection, &spoken::fields("title=a"));
    for edited in [
        format!("title=a; depends={far}"),
        format!("title=a; parent={far}"),
        format!("title=a; parent={near}"),
    ] {
        let edited = spoken::fields(&edited);
        assert!(remote_was_edited(&projection, &base, &edited), "{edited:?}");
    }
}

#[test]
fn an_edit_in_the_hub_is_seen_by_value_or_by_version() {
    let projection = projection_of(SERVER);
    let base = base_of(&projection, &spoken::fields("title=a"));
    let hub = |fields: &str, version| Task {
        version,
        ..hub_task(spoken::fields(fields))
    };
    assert!(!hub_was_edited(&projection, &base, 1, &hub("title=a", 1)));
    assert!(hub_was_edited(&projection, &base, 1, &hub("title=b", 1)));
    assert!(hub_was_edited(
        &projection,
        &base,
        1,
        &hub("title=a; wait=2026-01-04", 2)
    ));
    assert_eq!(hub("title=a", 1).fields.status(), Status::Open);
}
