//! A repeating task that moved on at the remote (S24).

use expect_test::expect;
use instep_model::ConflictPolicy;

use crate::pair::{Setting, setting, with};
use crate::services::CALENDAR;

/// What completing such a task here leaves beside its date.
const DONE: &str = "; status=done; completed_at=2026-01-05T09:00:00Z";

fn calendar() -> Setting {
    Setting {
        service: CALENDAR,
        ..setting()
    }
}

/// A daily task of one title, as a table writes it.
fn repeats(due: &str, rest: &str) -> String {
    format!("title=a; recurrence=FREQ=DAILY; due={due}{rest}")
}

#[test]
fn s24_a_repeating_task_that_moved_on_there_was_completed_there() {
    let calendar = calendar();
    let (base, rolled) = (repeats("2026-01-05", ""), repeats("2026-01-06", ""));
    let completed = repeats("2026-01-05T18:00:00", DONE);
    with(
        &calendar,
        &base,
        &completed,
        &rolled,
        expect![[r#"
        hub: title=a; due=2026-01-06T18:00:00; recurrence=FREQ=DAILY; occurrence=2026-01-05T18:00:00
        base: title=a; due=2026-01-06; recurrence=FREQ=DAILY
    "#]],
    );
    // It did not move on, moved back, or does not repeat: it is still to be closed there.
    with(
        &calendar,
        &base,
        &completed,
        &base,
        expect![[r#"
        hub: title=a; status=done; due=2026-01-05T18:00:00; recurrence=FREQ=DAILY; completed_at=2026-01-05T09:00:00Z
        base: title=a; due=2026-01-05; recurrence=FREQ=DAILY
    "#]],
    );
    with(
        &calendar,
        &base,
        &completed,
        &repeats("2026-01-04", ""),
        expect![[r#"
            hub: title=a; status=done; due=2026-01-04T18:00:00; recurrence=FREQ=DAILY; completed_at=2026-01-05T09:00:00Z
            base: title=a; due=2026-01-04; recurrence=FREQ=DAILY
        "#]],
    );
    let once = |due: &str, rest: &str| format!("title=a; due={due}{rest}");
    with(
        &calendar,
        &once("2026-01-05", ""),
        &once("2026-01-05", DONE),
        &once("2026-01-06", ""),
        expect![[r#"
            hub: title=a; status=done; due=2026-01-06; completed_at=2026-01-05T09:00:00Z
            base: title=a; due=2026-01-06
        "#]],
    );
}

#[test]
fn s24_what_was_closed_there_put_off_or_waits_has_not_moved_on() {
    let calendar = calendar();
    let (base, rolled) = (repeats("2026-01-05", ""), repeats("2026-01-06", ""));
    let completed = repeats("2026-01-05T18:00:00", DONE);
    // Closed there as well: nothing moved on.
    with(
        &calendar,
        &base,
        &completed,
        &repeats("2026-01-06", "; status=done"),
        expect![[r#"
            hub: title=a; status=done; due=2026-01-06T18:00:00; recurrence=FREQ=DAILY; completed_at=2026-01-05T09:00:00Z
            base: title=a; status=done; due=2026-01-06; recurrence=FREQ=DAILY
        "#]],
    );
    // Not completed here: it was only put off.
    with(
        &calendar,
        &base,
        &base,
        &rolled,
        expect![[r#"
        hub: title=a; due=2026-01-06; recurrence=FREQ=DAILY
        base: title=a; due=2026-01-06; recurrence=FREQ=DAILY
    "#]],
    );
    let ask = Setting {
        policy: ConflictPolicy::Ask,
        ..calendar
    };
    with(
        &ask,
        &base,
        &completed,
        &repeats("2026-01-06", "; status=blocked"),
        expect![[r#"
            hub: title=a; status=done; due=2026-01-06T18:00:00; recurrence=FREQ=DAILY; completed_at=2026-01-05T09:00:00Z
            base: title=a; due=2026-01-06; recurrence=FREQ=DAILY
            carried: title=a; due=2026-01-06T18:00:00; recurrence=FREQ=DAILY
            conflict status: - | hub done | remote blocked -> waits
        "#]],
    );
}

#[test]
fn s24_what_waits_elsewhere_in_the_task_does_not_keep_it_from_moving_on() {
    let ask = Setting {
        policy: ConflictPolicy::Ask,
        ..calendar()
    };
    let titled =
        |title: &str, due: &str| format!("title={title}; recurrence=FREQ=DAILY; due={due}");
    with(
        &ask,
        &titled("a", "2026-01-05"),
        &(titled("b", "2026-01-05") + DONE),
        &titled("c", "2026-01-06"),
        expect![[r#"
            hub: title=b; due=2026-01-06; recurrence=FREQ=DAILY; occurrence=2026-01-05
            base: title=a; due=2026-01-06; recurrence=FREQ=DAILY
            carried: title=a; due=2026-01-06; recurrence=FREQ=DAILY; occurrence=2026-01-05
            conflict title: a | hub b | remote c -> waits
        "#]],
    );
}

#[test]
fn s24_an_occurrence_that_the_remote_tells_is_believed() {
    let calendar = calendar();
    with(
        &calendar,
        &repeats("2026-01-05", ""),
        &repeats("2026-01-05", DONE),
        &repeats("2026-01-06", "; occurrence=2026-01-04"),
        expect![[r#"
            hub: title=a; due=2026-01-06; recurrence=FREQ=DAILY; occurrence=2026-01-04
            base: title=a; due=2026-01-06; recurrence=FREQ=DAILY; occurrence=2026-01-04
        "#]],
    );
}
