//! Both directions of a task: what is read is on the grid, what is written reads back (S2).

use expect_test::{Expect, expect};
use instep_connectors::vikunja::{convert, wire};
use instep_model::{Field, Fields, TimeZone, Value};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

fn task(body: Map<String, Json>) -> wire::Task {
    let mut whole =
        json!({ "id": 1, "title": "t", "project_id": 1, "updated": "2026-01-01T00:00:00Z" });
    let known = whole.as_object_mut().expect("an object");
    known.extend(body);
    serde_json::from_value(whole).expect("a task")
}

fn written(fields: &Fields) -> wire::Task {
    let values = Field::ALL.map(|field| (field, fields.get(field)));
    task(convert::body(values, &TimeZone::UTC))
}

/// One value of the wire, and how it reads here.
#[track_caller]
fn check(body: Json, field: Field, value: Expect) {
    let Json::Object(body) = body else {
        panic!("not an object");
    };
    let read = convert::fields(&task(body));
    value.assert_eq(&read.get(field).map_or("-".into(), ToString::to_string));
}

#[test]
// tidy: long because it is a table
fn odd_values_are_read_onto_the_grid() {
    check(
        json!({ "title": " a\nb\u{0} " }),
        Field::Title,
        expect!["a b"],
    );
    check(json!({ "priority": -3 }), Field::Priority, expect!["-"]);
    check(json!({ "priority": 99 }), Field::Priority, expect!["5"]);
    check(
        json!({ "percent_done": 0.57 }),
        Field::PercentDone,
        expect!["57"],
    );
    check(
        json!({ "percent_done": 7 }),
        Field::PercentDone,
        expect!["100"],
    );
    check(
        json!({ "due_date": "2026-08-10T18:00:00.5+02:00" }),
        Field::Due,
        expect!["2026-08-10T16:00:00Z"],
    );
    check(
        json!({ "due_date": "0001-01-01T00:53:28+00:53" }),
        Field::Due,
        expect!["-"],
    );
    check(json!({ "due_date": null }), Field::Due, expect!["-"]);
    // Later than an instant can be; it must not make its listing unreadable.
    check(
        json!({ "due_date": "9999-12-31T23:59:59Z" }),
        Field::Due,
        expect!["9999-12-30T22:00:00Z"],
    );
    check(
        json!({ "repeat_after": 86_400 }),
        Field::Recurrence,
        expect!["FREQ=DAILY"],
    );
    check(
        json!({ "repeat_after": 1_209_600 }),
        Field::Recurrence,
        expect!["FREQ=WEEKLY;INTERVAL=2"],
    );
    check(
        json!({ "repeat_after": 5400 }),
        Field::Recurrence,
        expect!["FREQ=MINUTELY;INTERVAL=90"],
    );
    check(
        json!({ "repeat_after": 3600, "repeat_mode": 2 }),
        Field::Recurrence,
        expect!["FREQ=HOURLY;X-FROM=COMPLETION"],
    );
    check(
        json!({ "repeat_mode": 1 }),
        Field::Recurrence,
        expect!["FREQ=MONTHLY"],
    );
    check(json!({ "repeat_mode": 2 }), Field::Recurrence, expect!["-"]);
    check(
        json!({ "done": false, "done_at": "2026-08-10T18:00:00Z" }),
        Field::CompletedAt,
        expect!["-"],
    );
    check(
        json!({ "labels": [{ "id": 1, "title": "" }, { "id": 2, "title": "a, b" }] }),
        Field::Tags,
        expect!["a\\, b"],
    );
    check(
        json!({ "reminders": [
            { "reminder": "2026-08-10T15:00:00Z", "relative_period": -3600, "relative_to": "due_date" },
            { "reminder": "2026-08-10T15:00:00Z", "relative_period": 0, "relative_to": "" },
        ] }),
        Field::Reminders,
        expect!["2026-08-10T15:00:00Z,due-3600"],
    );
}

fn second() -> impl Strategy<Value = String> {
    (0_i64..4_000_000_000).prop_map(|at| {
        jiff::Timestamp::from_second(at)
            .expect("a second")
            .to_string()
    })
}

prop_compose! {
    fn body()(
        title in ".{0,20}",
        description in r"(<p>|</p>|<li>|<ul>|</ul>|<strong>|</strong>|&amp;|[a-z*_#> \n-]{0,6}){0,8}",
        done in any::<bool>(),
        priority in -2_i64..8,
        percent in 0.0_f64..1.2,
        due in prop::option::of(second()),
        repeat_after in 0_i64..2_000_000,
        repeat_mode in 0_i64..3,
        reminder in prop::option::of(second()),
        offset in -100_000_i64..100_000,
    ) -> Map<String, Json> {
        let mut reminders = vec![json!({ "relative_period": offset, "relative_to": "start_date" })];
        reminders.extend(reminder.map(|at| json!({ "reminder": at })));
        let body = json!({
            "title": title, "description": description, "done": done, "priority": priority,
            "percent_done": percent, "due_date": due, "repeat_after": repeat_after,
            "repeat_mode": repeat_mode, "reminders": reminders,
        });
        body.as_object().cloned().unwrap_or_default()
    }
}

proptest! {
    #[test]
    fn what_is_read_can_be_written_as_it_is(body in body()) {
        let read = convert::fields(&task(body));
        let again = convert::fields(&written(&read));
        for field in convert::capabilities().holds.into_keys() {
            let follows = matches!(field, Field::CompletedAt | Field::Created | Field::Tags);
            // An empty title cannot be written; the wire brings one only in jest.
            let blank = field == Field::Title && read.title().is_empty();
            if !follows && !blank {
                prop_assert_eq!(again.get(field), read.get(field), "{}", field);
            }
        }
    }

    #[test]
    fn plain_text_survives(words in "[A-Za-zäöü][A-Za-z0-9äöü.,!?-]{0,7}( [A-Za-z0-9äöü.,!?]{1,8}){0,5}") {
        let fields = Fields::new().with(Field::Notes, Value::Text(words.clone()));
        let read = convert::fields(&written(&fields));
        prop_assert_eq!(read.text(Field::Notes), words);
    }
}
