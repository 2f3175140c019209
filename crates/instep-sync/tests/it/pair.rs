//! Three states of one pair and what becomes of them, as a table.

use expect_test::{Expect, expect};
use instep_model::{AccountId, Base, ConflictPolicy, Field, Provenance, Value};
use instep_sync::{Projection, Rules, Seen, merge_pair};

use crate::draw::at;
use crate::services::{CALENDAR, DATABASE, FILE, SERVER, service, zone};
use crate::spoken;
use crate::sync::{hub_task, person, reach};

/// What a case goes by, unless it says otherwise: a server, the newest wins, the hub's values
/// were set at 0 s and the remote's changed a hundred seconds later.
#[derive(Clone)]
pub(crate) struct Setting {
    pub(crate) service: usize,
    pub(crate) policy: ConflictPolicy,
    pub(crate) hub: Provenance,
    pub(crate) seen_millis: i64,
}

pub(crate) fn setting() -> Setting {
    Setting {
        service: SERVER,
        policy: ConflictPolicy::Newest,
        hub: person(at(0)),
        seen_millis: 100_000,
    }
}

fn account() -> AccountId {
    AccountId::new("account")
}

pub(crate) fn told(setting: &Setting, base: Option<&Base>, hub: &str, seen: &str) -> String {
    let reachable = reach(0b0011);
    let projection = Projection {
        capabilities: &service(setting.service).capabilities,
        zone: zone(0),
        reachable: &reachable,
    };
    let rules = Rules {
        projection,
        policy: &setting.policy,
        account: &account(),
    };
    let mut hub = hub_task(spoken::fields(hub));
    hub.provenance = Field::ALL
        .into_iter()
        .map(|field| (field, setting.hub.clone()))
        .collect();
    let changed_at = at(0) + jiff::SignedDuration::from_millis(setting.seen_millis);
    let seen = Seen {
        fields: &spoken::fields(seen),
        changed_at,
    };
    let merged = merge_pair(&rules, base, &hub, &seen);
    assert_eq!(
        merged.waits(),
        merged.conflicts.iter().any(|one| one.winner.is_none())
    );
    let mut told = format!(
        "hub: {}\nbase: {}\n",
        spoken::line(&merged.hub),
        spoken::base(&merged.base)
    );
    if merged.waits() {
        told += &format!("carried: {}\n", spoken::line(&merged.carried()));
    } else {
        assert_eq!(merged.carried(), merged.hub);
    }
    for conflict in &merged.conflicts {
        told += &spoken::conflict(conflict);
        told.push('\n');
    }
    told
}

pub(crate) fn with(setting: &Setting, base: &str, hub: &str, seen: &str, expected: Expect) {
    let base = Base {
        fields: spoken::fields(base),
        ..Base::default()
    };
    expected.assert_eq(&told(setting, Some(&base), hub, seen));
}

pub(crate) fn check(base: &str, hub: &str, seen: &str, expected: Expect) {
    with(&setting(), base, hub, seen, expected);
}

fn check_first(hub: &str, seen: &str, expected: Expect) {
    expected.assert_eq(&told(&setting(), None, hub, seen));
}

#[test]
fn one_sided_edits_are_taken() {
    check(
        "title=a",
        "title=a",
        "title=b",
        expect![[r#"
        hub: title=b
        base: title=b
    "#]],
    );
    check(
        "title=a",
        "title=b",
        "title=a",
        expect![[r#"
        hub: title=b
        base: title=a
    "#]],
    );
    check(
        "title=a",
        "title=b",
        "title=b",
        expect![[r#"
        hub: title=b
        base: title=b
    "#]],
    );
    check(
        "title=a; priority=3",
        "title=a; priority=3",
        "title=a",
        expect![[r#"
            hub: title=a
            base: title=a
        "#]],
    );
    check(
        "title=a",
        "title=a; wait=2026-01-05",
        "title=a",
        expect![[r#"
            hub: title=a; wait=2026-01-05
            base: title=a
        "#]],
    );
}

#[test]
fn s18_the_later_of_two_edits_wins_and_under_two_seconds_the_hub() {
    let later = |seen_millis| Setting {
        seen_millis,
        ..setting()
    };
    with(
        &later(2_000),
        "title=a",
        "title=b",
        "title=c",
        expect![[r#"
        hub: title=c
        base: title=c
        conflict title: a | hub b | remote c -> Remote
    "#]],
    );
    with(
        &later(1_999),
        "title=a",
        "title=b",
        "title=c",
        expect![[r#"
        hub: title=b
        base: title=c
        conflict title: a | hub b | remote c -> Hub
    "#]],
    );
    with(
        &later(-60_000),
        "title=a",
        "title=b",
        "title=c",
        expect![[r#"
            hub: title=b
            base: title=c
            conflict title: a | hub b | remote c -> Hub
        "#]],
    );
}

#[test]
fn s18_a_preferred_account_wins_wherever_its_value_is() {
    let prefer = |name: &str, from: Option<&str>| Setting {
        policy: ConflictPolicy::Prefer(AccountId::new(name)),
        hub: Provenance {
            at: at(0),
            account: from.map(AccountId::new),
        },
        ..setting()
    };
    let early = |setting: Setting| Setting {
        seen_millis: -60_000,
        ..setting
    };
    with(
        &early(prefer("account", None)),
        "title=a",
        "title=b",
        "title=c",
        expect![[r#"
            hub: title=c
            base: title=c
            conflict title: a | hub b | remote c -> Remote
        "#]],
    );
    with(
        &prefer("other", Some("other")),
        "title=a",
        "title=b",
        "title=c",
        expect![[r#"
            hub: title=b
            base: title=c
            conflict title: a | hub b | remote c -> Hub
        "#]],
    );
    with(
        &prefer("other", None),
        "title=a",
        "title=b",
        "title=c",
        expect![[r#"
            hub: title=c
            base: title=c
            conflict title: a | hub b | remote c -> Remote
        "#]],
    );
    with(
        &early(prefer("other", Some("third"))),
        "title=a",
        "title=b",
        "title=c",
        expect![[r#"
            hub: title=b
            base: title=c
            conflict title: a | hub b | remote c -> Hub
        "#]],
    );
}

#[test]
fn ask_leaves_a_conflict_and_what_hangs_on_it() {
    let ask = |service| Setting {
        service,
        policy: ConflictPolicy::Ask,
        ..setting()
    };
    with(
        &ask(SERVER),
        "title=a",
        "title=b; priority=1",
        "title=c; due=2026-01-05T00:00:00Z",
        expect![[r#"
            hub: title=b; priority=1; due=2026-01-05
            base: title=a; due=2026-01-05T00:00:00Z
            carried: title=a; priority=1; due=2026-01-05
            conflict title: a | hub b | remote c -> waits
        "#]],
    );
    let done = "status=done; completed_at=2026-01-03T00:00:00Z";
    // Nothing else hangs on a title.
    let closed = format!("title=c; {done}");
    with(
        &ask(DATABASE),
        "title=a",
        "title=b",
        &closed,
        expect![[r#"
        hub: title=b; status=done; completed_at=2026-01-03T00:00:00Z
        base: title=a; status=done; completed_at=2026-01-03T00:00:00Z
        carried: title=a; status=done; completed_at=2026-01-03T00:00:00Z
        conflict title: a | hub b | remote c -> waits
    "#]],
    );
    with(
        &ask(CALENDAR),
        "title=a",
        "title=a; status=blocked",
        "title=a; status=done",
        expect![[r#"
            hub: title=a; status=blocked
            base: title=a
            carried: title=a
            conflict status: - | hub blocked | remote done -> waits
        "#]],
    );
    expect![[r#"
        hub: title=a; status=done; completed_at=2026-01-03T00:00:00Z
        base: title=a
        carried: title=a
        conflict status: - | hub done | remote - -> waits
    "#]]
    .assert_eq(&told(&ask(DATABASE), None, done, "title=a"));
    with(
        &ask(DATABASE),
        "status=done; completed_at=2026-01-01T00:00:00Z",
        "",
        done,
        expect![[r#"
            hub: 
            base: status=done; completed_at=2026-01-03T00:00:00Z
        "#]],
    );
}

#[test]
fn notes_merge_by_line_or_conflict_whole() {
    check(
        "notes=one\\ntwo",
        "notes=one\\ntwo",
        "notes=x",
        expect![[r#"
        hub: notes=x
        base: notes=x
    "#]],
    );
    let three = |a: &str, b: &str, c: &str| format!("notes={a}\n{b}\n{c}\n");
    let base = three("one", "two", "three");
    check(
        &base,
        &three("ONE", "two", "three"),
        &three("one", "two", "THREE"),
        expect![[r#"
            hub: notes=ONE
            two
            THREE

            base: notes=one
            two
            THREE

        "#]],
    );
    check(
        &base,
        &three("ONE", "two", "three"),
        &three("UNO", "two", "three"),
        expect![[r#"
            hub: notes=UNO
            two
            three

            base: notes=UNO
            two
            three

            conflict notes: one
            two
            three
             | hub ONE
            two
            three
             | remote UNO
            two
            three
             -> Remote
        "#]],
    );
    check(
        "",
        "notes=mine\n",
        "notes=theirs\n",
        expect![[r#"
        hub: notes=theirs

        base: notes=theirs

        conflict notes: - | hub mine
         | remote theirs
         -> Remote
    "#]],
    );
}

#[test]
fn s22_completion_stays_beside_its_status() {
    let done = "status=done; completed_at=2026-01-03T00:00:00Z";
    check(
        "title=a",
        "title=a",
        &format!("title=a; {done}"),
        expect![[r#"
            hub: title=a; status=done; completed_at=2026-01-03T00:00:00Z
            base: title=a; status=done
        "#]],
    );
    check(
        "title=a",
        "title=a",
        "title=a; status=done",
        expect![[r#"
        hub: title=a; status=done; completed_at=2026-01-01T00:01:40Z
        base: title=a; status=done
    "#]],
    );
    check(
        "title=a; status=done",
        &format!("title=a; {done}"),
        "title=a",
        expect![[r#"
            hub: title=a
            base: title=a
        "#]],
    );
}

#[test]
fn s22_where_both_closed_or_began_it_the_hub_time_stands() {
    let done = "status=done; completed_at=2026-01-03T00:00:00Z";
    check(
        "title=a",
        "status=done; completed_at=2026-01-02T00:00:00Z",
        done,
        expect![[r#"
            hub: status=done; completed_at=2026-01-02T00:00:00Z
            base: status=done
        "#]],
    );
    let database = Setting {
        service: DATABASE,
        ..setting()
    };
    with(
        &database,
        "",
        "status=done; completed_at=2026-01-02T00:00:00Z",
        done,
        expect![[r#"
            hub: status=done; completed_at=2026-01-02T00:00:00Z
            base: status=done; completed_at=2026-01-03T00:00:00Z
        "#]],
    );
    with(
        &database,
        "",
        "started_at=2026-01-02T00:00:00Z",
        "started_at=2026-01-04T00:00:00Z",
        expect![[r#"
            hub: started_at=2026-01-02T00:00:00Z
            base: started_at=2026-01-04T00:00:00Z
        "#]],
    );
    let file = Setting {
        service: FILE,
        ..setting()
    };
    with(
        &file,
        "",
        "",
        "status=done",
        expect![[r#"
        hub: status=done; completed_at=2026-01-01T00:01:40Z
        base: status=done
    "#]],
    );
}

#[test]
fn s1_what_was_made_of_a_value_is_no_edit() {
    let mut base = Base::default();
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    base.confirm(Field::Notes, text("a "), text("a"));
    let check = |hub: &str, seen: &str, expected: Expect| {
        expected.assert_eq(&told(&setting(), Some(&base), hub, seen));
    };
    check(
        "notes=a ",
        "notes=a",
        expect![[r#"
        hub: notes=a 
        base: notes=a  (shows notes=a)
    "#]],
    );
    check(
        "notes=b",
        "notes=a",
        expect![[r#"
        hub: notes=b
        base: notes=a  (shows notes=a)
    "#]],
    );
    check(
        "notes=a ",
        "notes=b",
        expect![[r#"
        hub: notes=b
        base: notes=b
    "#]],
    );
    // It came back to what we sent, while the hub moved on.
    check(
        "notes=c",
        "notes=a ",
        expect![[r#"
        hub: notes=c
        base: notes=a 
    "#]],
    );
}

#[test]
fn first_meetings_join_and_conflict_only_over_two_different_values() {
    check_first(
        "title=a; priority=2",
        "title=a; due=2026-01-05T00:00:00Z",
        expect![[r#"
            hub: title=a; priority=2; due=2026-01-05
            base: title=a; due=2026-01-05T00:00:00Z
        "#]],
    );
    check_first(
        "title=a; tags=x",
        "title=b; tags=y",
        expect![[r#"
        hub: title=b; tags=x,y
        base: title=b; tags=y
        conflict title: - | hub a | remote b -> Remote
    "#]],
    );
    check_first(
        "status=done; completed_at=2026-01-02T00:00:00Z",
        "",
        expect![[r#"
            hub: 
            base: 
            conflict status: - | hub done | remote - -> Remote
        "#]],
    );
    check_first(
        "",
        "status=done; completed_at=2026-01-02T00:00:00Z",
        expect![[r#"
            hub: status=done; completed_at=2026-01-02T00:00:00Z
            base: status=done
            conflict status: - | hub - | remote done -> Remote
        "#]],
    );
    check_first(
        "notes=a\n",
        "notes=b\n",
        expect![[r#"
        hub: notes=b

        base: notes=b

        conflict notes: - | hub a
         | remote b
         -> Remote
    "#]],
    );
}
