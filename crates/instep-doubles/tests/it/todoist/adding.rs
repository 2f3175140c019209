//! Cases: creating and reading tasks.

use instep_doubles::todoist::{Effect, Fault, Options, Plan};
use serde_json::{Value, json};

use super::client::{Api, command, id};

async fn free() -> Api {
    Api::start(Options {
        plan: Plan::Free,
        ..Options::default()
    })
    .await
}

/// A new task with these fields besides its content.
async fn with(api: &Api, fields: Value) -> Value {
    let mut body = json!({"content": "x"});
    for (key, value) in fields.as_object().expect("fields") {
        body[key] = value.clone();
    }
    api.task(body).await
}

#[tokio::test]
async fn t_add_1_a_task_has_defaults() {
    let api = Api::fresh().await;
    let task = api.task(json!({"content": "x"})).await;
    assert!(task["id"].is_string());
    let wanted = json!({
        "project_id": api.double.inbox(), "priority": 1, "labels": [], "due": null,
        "deadline": null, "duration": null, "description": "", "checked": false,
        "is_deleted": false, "completed_at": null, "section_id": null, "parent_id": null,
        "content": "x", "day_order": -1, "completed_count": 0,
    });
    for (key, value) in wanted.as_object().expect("fields") {
        assert_eq!(&task[key], value, "{key}");
    }
    assert_eq!(api.read(&id(&task)).await, task);
}

#[tokio::test]
async fn t_add_2_content_is_required() {
    let api = Api::fresh().await;
    let answer = api.post("/tasks", json!({})).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.body["error_extra"]["argument"], "content");
}

#[tokio::test]
async fn t_add_3_content_is_not_empty() {
    let api = Api::fresh().await;
    let answer = api.post("/tasks", json!({"content": ""})).await;
    answer.refused(400, "INVALID_ARGUMENT_VALUE");
}

#[tokio::test]
async fn t_add_4_a_date_is_a_whole_day() {
    let api = Api::fresh().await;
    let task = with(&api, json!({"due_date": "2026-12-01"})).await;
    let due = &task["due"];
    assert_eq!(due["date"], "2026-12-01");
    assert_eq!(due["is_recurring"], false);
    assert_eq!(due["timezone"], Value::Null);
    assert!(due["string"].as_str().is_some_and(|it| !it.is_empty()));
    assert!(due["lang"].as_str().is_some_and(|it| !it.is_empty()));
}

#[tokio::test]
async fn t_add_5_a_time_in_utc_is_fixed() {
    let api = Api::fresh().await;
    let task = with(&api, json!({"due_datetime": "2026-12-01T07:00:00Z"})).await;
    assert_eq!(task["due"]["date"], "2026-12-01T07:00:00Z");
    assert_eq!(task["due"]["timezone"], "UTC");
}

#[tokio::test]
async fn t_add_6_a_naive_time_floats() {
    let api = Api::fresh().await;
    let task = with(&api, json!({"due_datetime": "2026-12-01T09:00:00"})).await;
    assert_eq!(task["due"]["date"], "2026-12-01T09:00:00");
    assert_eq!(task["due"]["timezone"], Value::Null);
}

#[tokio::test]
async fn t_add_7_words_can_recur() {
    let api = Api::fresh().await;
    let task = with(&api, json!({"due_string": "every day"})).await;
    assert_eq!(task["due"]["is_recurring"], true);
    assert_eq!(task["due"]["string"], "every day");
}

#[tokio::test]
async fn t_add_8_words_that_are_no_date_are_refused() {
    let api = Api::fresh().await;
    let body = json!({"content": "x", "due_string": "ev ryday 99"});
    let body = api.post("/tasks", body).await.refused(400, "BAD_REQUEST");
    assert_eq!(body["error_code"], 42);
    assert_eq!(api.count("x").await, 0);
}

#[tokio::test]
async fn t_add_9_four_is_urgent() {
    let api = Api::fresh().await;
    assert_eq!(with(&api, json!({"priority": 4})).await["priority"], 4);
}

#[tokio::test]
async fn t_add_10_five_is_no_priority() {
    let api = Api::fresh().await;
    let answer = api.post("/tasks", json!({"content": "x", "priority": 5}));
    answer.await.refused(400, "INVALID_ARGUMENT_VALUE");
}

#[tokio::test]
async fn t_add_11_order_is_shown_as_child_order() {
    let api = Api::fresh().await;
    let task = with(&api, json!({"order": 7})).await;
    assert_eq!(task["child_order"], 7);
    assert!(task.get("order").is_none());
}

#[tokio::test]
async fn t_add_12_an_unknown_label_is_taken() {
    let api = Api::fresh().await;
    let task = with(&api, json!({"labels": ["brandnew"]})).await;
    assert_eq!(task["labels"], json!(["brandnew"]));
}

#[tokio::test]
async fn t_add_13_a_deadline_costs_money() {
    let api = free().await;
    let body = json!({"content": "x", "deadline_date": "2026-12-01"});
    let body = api.post("/tasks", body).await.refused(403, "PREMIUM_ONLY");
    assert_eq!(body["error_code"], 32);
    assert_eq!(api.count("x").await, 0);
}

#[tokio::test]
async fn t_add_14_a_duration_is_dropped_on_a_free_plan() {
    let api = free().await;
    let task = with(&api, json!({"duration": 30, "duration_unit": "minute"})).await;
    assert_eq!(task["duration"], Value::Null);
}

#[tokio::test]
async fn t_add_15_a_paying_user_has_both() {
    let api = Api::fresh().await;
    let fields = json!({"duration": 30, "duration_unit": "minute", "deadline_date": "2026-12-01"});
    let task = with(&api, fields).await;
    assert_eq!(task["duration"], json!({"amount": 30, "unit": "minute"}));
    assert_eq!(task["deadline"]["date"], "2026-12-01");
    assert!(task["deadline"]["lang"].is_string());
}

#[tokio::test]
async fn t_add_16_a_project_holds_three_hundred() {
    let api = Api::fresh().await;
    let project = api.project().await;
    let args = json!({"content": "x", "project_id": project});
    for _ in 0..3 {
        let batch: Vec<Value> = (0..100)
            .map(|_| command("item_add", args.clone()))
            .collect();
        let answer = api.commands(&batch).await;
        let status = answer["sync_status"].as_object().expect("statuses");
        assert!(status.values().all(|status| status == "ok"));
    }
    let answer = api.post("/tasks", args).await;
    answer.refused(403, "MAX_ITEMS_LIMIT_REACHED");
    with(&api, json!({})).await;
}

/// Two tasks by a POST sent twice with one `X-Request-Id`; one where the double heeds it.
#[tokio::test]
async fn t_add_17_a_request_id_means_nothing() {
    for (heeds_request_ids, wanted) in [(false, 2), (true, 1)] {
        let options = Options {
            heeds_request_ids,
            ..Options::default()
        };
        let api = Api::start(options).await;
        let bearer = format!("Bearer {}", api.double.token());
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("x-request-id", "c6c1f0b2"),
        ];
        for _ in 0..2 {
            let body = json!({"content": "twice"}).to_string();
            let answer = api.send("POST", "/api/v1/tasks", &headers, Some(body));
            answer.await.expect("an answer").ok();
        }
        assert_eq!(api.count("twice").await, wanted, "{heeds_request_ids}");
    }
}

/// What the official TypeScript SDK does when a connection ends: it sends the task again.
#[tokio::test]
async fn t_add_18_a_lost_answer_doubles_a_task() {
    let api = Api::fresh().await;
    let lost = Fault::after_commit(Effect::Drop).method("POST");
    api.double.set_fault(lost.path("/tasks").first(1));
    let body = json!({"content": "again"});
    let first = api.call("POST", "/tasks", Some(body.clone())).await;
    // The client's pool may have tried once more by itself.
    if first.is_err() {
        api.task(body).await;
    }
    assert_eq!(api.count("again").await, 2);
}

#[tokio::test]
async fn t_get_1_a_completed_task_is_shown() {
    let api = Api::fresh().await;
    let task = api.task_id(json!({"content": "x"})).await;
    api.act(&format!("/tasks/{task}/close")).await.done();
    let shown = api.read(&task).await;
    assert_eq!(shown["checked"], true);
    assert!(shown["completed_at"].is_string());
}

#[tokio::test]
async fn t_get_2_a_deleted_task_is_gone() {
    let api = Api::fresh().await;
    let task = api.task_id(json!({"content": "x"})).await;
    api.delete(&format!("/tasks/{task}")).await.done();
    let answer = api.get(&format!("/tasks/{task}")).await;
    answer.refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn t_get_3_a_placeholder_is_no_id() {
    let api = Api::fresh().await;
    let answer = api.get("/tasks/tmp-abc").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.body["error"], "Non-base32 digit found");
}

#[tokio::test]
async fn t_get_4_a_legacy_id_is_no_id() {
    let api = Api::fresh().await;
    for old in ["12345", "23456"] {
        let status = api.get(&format!("/tasks/{old}")).await.status;
        assert!(matches!(status, 400 | 404), "{old}: {status}");
    }
}
