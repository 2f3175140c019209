//! What the double makes of words: due dates, recurrence, quick add, filters.

use instep_doubles::todoist::Options;
use serde_json::{Value, json};

use super::client::{Api, id};

/// A double on which it is noon of a Sunday.
async fn at_noon() -> Api {
    let api = Api::fresh().await;
    let noon = "2026-11-22T12:00:00Z".parse().expect("a time");
    api.double.clock().freeze(noon);
    api
}

/// Words, the first date, and the dates after closing once and twice.
#[tokio::test]
async fn words_recur_as_they_say() {
    let cases = [
        ("every day", "2026-11-22", "2026-11-23", "2026-11-24"),
        ("every other day", "2026-11-22", "2026-11-24", "2026-11-26"),
        ("every 3 days", "2026-11-22", "2026-11-25", "2026-11-28"),
        ("ev week", "2026-11-22", "2026-11-29", "2026-12-06"),
        ("every monday", "2026-11-23", "2026-11-30", "2026-12-07"),
        (
            "every mon, wed and fri",
            "2026-11-23",
            "2026-11-25",
            "2026-11-27",
        ),
        ("every weekday", "2026-11-23", "2026-11-24", "2026-11-25"),
        ("every month", "2026-11-22", "2026-12-22", "2027-01-22"),
        ("every 31st", "2026-12-31", "2027-01-31", "2027-03-31"),
        ("every last day", "2026-11-30", "2026-12-31", "2027-01-31"),
        (
            "every 2nd tuesday",
            "2026-12-08",
            "2027-01-12",
            "2027-02-09",
        ),
        ("every year", "2026-11-22", "2027-11-22", "2028-11-22"),
        ("every 29 feb", "2028-02-29", "2032-02-29", "2036-02-29"),
        ("every! 10 days", "2026-11-22", "2026-12-02", "2026-12-02"),
        (
            "every day at 9am",
            "2026-11-23T09:00:00",
            "2026-11-24T09:00:00",
            "2026-11-25T09:00:00",
        ),
        (
            "every day at 18:30",
            "2026-11-22T18:30:00",
            "2026-11-23T18:30:00",
            "2026-11-24T18:30:00",
        ),
        (
            "every 2 hours",
            "2026-11-22T14:00:00",
            "2026-11-22T16:00:00",
            "2026-11-22T18:00:00",
        ),
        (
            "every day starting dec 1",
            "2026-11-22",
            "2026-11-22",
            "2026-11-22",
        ),
    ];
    let api = at_noon().await;
    for (words, first, second, third) in cases {
        let task = api.task(json!({"content": "x", "due_string": words})).await;
        assert_eq!(task["due"]["string"], words);
        assert_eq!(task["due"]["is_recurring"], true, "{words}");
        let mut dates = vec![task["due"]["date"].clone()];
        for _ in 0..2 {
            let close = format!("/tasks/{}/close", id(&task));
            api.act(&close).await.done();
            dates.push(api.read(&id(&task)).await["due"]["date"].clone());
        }
        assert_eq!(dates, [first, second, third], "{words}");
    }
}

#[tokio::test]
async fn words_say_a_date() {
    let cases = [
        ("today", "2026-11-22"),
        ("Tomorrow", "2026-11-23"),
        ("friday", "2026-11-27"),
        ("next week", "2026-11-23"),
        ("in 3 days", "2026-11-25"),
        ("2 weeks", "2026-12-06"),
        ("dec 24", "2026-12-24"),
        ("1st march", "2027-03-01"),
        ("24 December 2027", "2027-12-24"),
        ("2026-12-01", "2026-12-01"),
        ("2026-12-01 at 9", "2026-12-01T09:00:00"),
        ("tomorrow 9:30pm", "2026-11-23T21:30:00"),
        ("at 11:00", "2026-11-23T11:00:00"),
        ("at noon", "2026-11-23T12:00:00"),
        ("in 90 minutes", "2026-11-22T13:30:00"),
    ];
    let api = at_noon().await;
    for (words, date) in cases {
        let task = api.task(json!({"content": "x", "due_string": words})).await;
        assert_eq!(task["due"]["date"], date, "{words}");
        assert_eq!(task["due"]["is_recurring"], false, "{words}");
    }
}

#[tokio::test]
async fn what_says_no_date_is_refused() {
    let api = at_noon().await;
    for words in [
        "",
        "soon",
        "every",
        "every blue moon",
        "32 dec",
        "at 25:00",
        "every 0 days",
    ] {
        let body = json!({"content": "x", "due_string": words});
        let answer = api.post("/tasks", body).await;
        answer.refused(400, "BAD_REQUEST");
    }
}

#[tokio::test]
async fn today_is_where_the_user_is() {
    let options = Options {
        timezone: "Asia/Tokyo".to_owned(),
        ..Options::default()
    };
    let api = Api::start(options).await;
    let late = "2026-11-22T20:00:00Z".parse().expect("a time");
    api.double.clock().freeze(late);
    let task = json!({"content": "x", "due_string": "every day"});
    let task = id(&api.task(task).await);
    let date = async || api.read(&task).await["due"]["date"].clone();
    assert_eq!(date().await, "2026-11-23");
    api.act(&format!("/tasks/{task}/close")).await.done();
    assert_eq!(date().await, "2026-11-24");
    let fixed = json!({"content": "x", "due_datetime": "2026-12-01T07:00:00Z"});
    assert_eq!(api.task(fixed).await["due"]["timezone"], "Asia/Tokyo");
}

#[tokio::test]
async fn a_fixed_time_recurs_on_its_own_clock() {
    let api = at_noon().await;
    let due = json!({"date": "2026-03-28T09:00:00", "timezone": "Europe/Berlin",
                     "string": "every day at 9:00", "is_recurring": true});
    let task = api.task_id(json!({"content": "x"})).await;
    let noon = "2026-03-28T12:00:00Z".parse().expect("a time");
    api.double.clock().freeze(noon);
    let args = json!({"id": task, "due": due});
    assert_eq!(api.command("item_update", args).await, "ok");
    assert_eq!(api.read(&task).await["due"]["date"], "2026-03-28T08:00:00Z");
    api.act(&format!("/tasks/{task}/close")).await.done();
    let due = api.read(&task).await["due"].clone();
    assert_eq!(due["date"], "2026-03-29T07:00:00Z");
    assert_eq!(due["timezone"], "Europe/Berlin");
}

#[tokio::test]
async fn quick_add_takes_a_line_apart() {
    let api = at_noon().await;
    let project = api.post("/projects", json!({"name": "Home"})).await.ok();
    let text = "Water plants every monday at 9 @green p1 #home";
    let body = json!({"text": text, "meta": true, "auto_reminder": true});
    let task = api.post("/tasks/quick", body).await.ok();
    assert_eq!(task["content"], "Water plants");
    assert_eq!(task["due"]["string"], "every monday at 9");
    assert_eq!(task["due"]["date"], "2026-11-23T09:00:00");
    assert_eq!(task["labels"], json!(["green"]));
    assert_eq!(task["priority"], 4);
    assert_eq!(task["project_id"], project["id"]);
    let plain = json!({"text": "no meaning #nowhere"});
    let plain = api.post("/tasks/quick", plain).await.ok();
    assert_eq!(plain["content"], "no meaning #nowhere");
    assert_eq!(plain["due"], Value::Null);
}

#[tokio::test]
async fn a_filter_picks_tasks() {
    let api = at_noon().await;
    let tasks = [
        json!({"content": "now", "due_string": "today", "priority": 4}),
        json!({"content": "late", "due_date": "2026-11-01", "labels": ["Errand"]}),
        json!({"content": "soon", "due_string": "in 3 days"}),
        json!({"content": "whenever"}),
    ];
    for task in tasks {
        api.task(task).await;
    }
    let cases = [
        ("today", "now"),
        ("today | overdue", "now late"),
        ("no date", "whenever"),
        ("!no date & !p1", "late soon"),
        ("@errand", "late"),
        ("7 days & (p1 | p4)", "now soon"),
        ("search: EVER & #inbox", "whenever"),
        ("all", "now late soon whenever"),
    ];
    for (query, wanted) in cases {
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let page = api.get(&format!("/tasks/filter?query={query}")).await.ok();
        let found = page["results"].as_array().expect("results").iter();
        let found: Vec<&str> = found.filter_map(|task| task["content"].as_str()).collect();
        assert_eq!(found.join(" "), wanted, "{query}");
    }
    let bad = api.get("/tasks/filter?query=today+%26").await;
    bad.refused(400, "INVALID_ARGUMENT_VALUE");
}
