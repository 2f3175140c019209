//! Cases: what `/sync` tells.

use instep_doubles::todoist::{BadToken, Options};
use serde_json::{Value, json};

use super::client::{Api, id};

/// Both ways to send the same request.
async fn asked(form: bool) -> Value {
    let api = Api::fresh().await;
    api.task(json!({"content": "x"})).await;
    let bearer = format!("Bearer {}", api.double.token());
    let (kind, body) = if form {
        let body = "sync_token=*&resource_types=%5B%22items%22%5D".to_owned();
        ("application/x-www-form-urlencoded", body)
    } else {
        let body = json!({"sync_token": "*", "resource_types": ["items"]});
        ("application/json", body.to_string())
    };
    let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
    let answer = api.send("POST", "/api/v1/sync", &headers, Some(body)).await;
    answer.expect("an answer").ok()
}

fn check_full(body: &Value) {
    assert_eq!(body["full_sync"], true);
    assert!(body["sync_token"].is_string());
    assert!(body["full_sync_date_utc"].is_string());
    assert_eq!(body["temp_id_mapping"], json!({}));
    assert_eq!(body["items"].as_array().expect("items").len(), 1);
    assert!(body.get("projects").is_none());
}

#[tokio::test]
async fn t_syn_1_a_form_is_read() {
    check_full(&asked(true).await);
}

#[tokio::test]
async fn t_syn_2_json_is_read() {
    check_full(&asked(false).await);
}

#[tokio::test]
async fn t_syn_3_a_full_sync_has_what_is_active() {
    let api = Api::fresh().await;
    let task = || json!({"content": "x"});
    let (done, deleted) = (api.task_id(task()).await, api.task_id(task()).await);
    let stays = api.task_id(task()).await;
    api.act(&format!("/tasks/{done}/close")).await.done();
    api.delete(&format!("/tasks/{deleted}")).await.done();
    let items = api.full(&["items"]).await["items"].clone();
    let ids: Vec<String> = items.as_array().expect("items").iter().map(id).collect();
    assert_eq!(ids, [stays]);
}

/// A task, a token, something done, and the only task of the delta.
async fn delta(done: &str) -> (Value, Value) {
    let api = Api::fresh().await;
    api.task(json!({"content": "other"})).await;
    let task = api.task(json!({"content": "x"})).await;
    let path = format!("/tasks/{}", id(&task));
    if done == "reopen" {
        api.act(&format!("{path}/close")).await.done();
    }
    let token = api.sync_token().await;
    match done {
        "delete" => api.delete(&path).await.done(),
        done => api.act(&format!("{path}/{done}")).await.done(),
    }
    let mut changed = api.changed(&token).await;
    assert_eq!(changed.len(), 1);
    let changed = changed.remove(0);
    assert_eq!(changed["id"], task["id"]);
    let keys = |task: &Value| task.as_object().expect("a task").len();
    assert_eq!(keys(&changed), keys(&task));
    (task, changed)
}

#[tokio::test]
async fn t_syn_4_a_completed_task_is_in_the_delta() {
    let (before, after) = delta("close").await;
    assert_eq!(after["checked"], true);
    assert!(after["completed_at"].is_string());
    assert_eq!(after["content"], before["content"]);
}

#[tokio::test]
async fn t_syn_5_a_deleted_task_is_in_the_delta() {
    let (before, after) = delta("delete").await;
    assert_eq!(after["is_deleted"], true);
    assert_eq!(after["content"], before["content"]);
}

#[tokio::test]
async fn t_syn_6_a_reopened_task_is_in_the_delta() {
    let (_, after) = delta("reopen").await;
    assert_eq!(after["checked"], false);
}

#[tokio::test]
async fn t_syn_7_without_a_change_there_is_no_delta() {
    let api = Api::fresh().await;
    api.task(json!({"content": "x"})).await;
    let token = api.sync_token().await;
    for _ in 0..2 {
        assert_eq!(api.changed(&token).await, [Value::Null; 0]);
    }
}

#[tokio::test]
async fn t_syn_8_a_token_can_be_used_again() {
    let api = Api::fresh().await;
    let token = api.sync_token().await;
    api.task(json!({"content": "x"})).await;
    let first = api.changed(&token).await;
    assert_eq!(first.len(), 1);
    assert_eq!(api.changed(&token).await, first);
}

#[tokio::test]
async fn t_syn_9_a_type_can_be_left_out() {
    let api = Api::fresh().await;
    let all = api.full(&["all"]).await;
    assert!(all["projects"].is_array());
    let some = api.full(&["all", "-projects"]).await;
    assert!(some.get("projects").is_none());
    assert!(some["items"].is_array() && some["user"].is_object());
    assert_eq!(some["user_plan_limits"]["current"]["max_tasks"], 300);
}

#[tokio::test]
async fn t_syn_10_what_changed_twice_comes_once() {
    let api = Api::fresh().await;
    let token = api.sync_token().await;
    let task = api.task_id(json!({"content": "x"})).await;
    for content in ["y", "z"] {
        let path = format!("/tasks/{task}");
        api.post(&path, json!({"content": content})).await.ok();
    }
    let changed = api.changed(&token).await;
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0]["content"], "z");
}

#[tokio::test]
async fn t_syn_11_a_bad_token() {
    let bad = json!({"sync_token": "bad_1", "resource_types": ["items"]});
    let api = Api::fresh().await;
    api.task(json!({"content": "x"})).await;
    check_full(&api.sync(bad.clone()).await);
    let options = Options {
        bad_token: BadToken::Refuse,
        ..Options::default()
    };
    let api = Api::start(options).await;
    let body = api.post("/sync", bad).await;
    let body = body.refused(400, "INVALID_ARGUMENT_VALUE");
    assert_eq!(body["error_extra"]["argument"], "sync_token");
}

#[tokio::test]
async fn t_syn_12_a_shared_label_is_no_object() {
    let api = Api::fresh().await;
    let body = json!({"content": "x", "labels": ["shared"]});
    api.task(body).await;
    assert_eq!(api.full(&["labels"]).await["labels"], json!([]));
    let shared = api.get("/labels/shared?omit_personal=true").await.ok();
    assert_eq!(shared["results"], json!(["shared"]));
}

#[tokio::test]
async fn t_syn_13_an_archived_project_says_so() {
    let api = Api::fresh().await;
    let project = api.project().await;
    let types = json!(["projects", "items"]);
    let full = api.sync(json!({"sync_token": "*", "resource_types": types}));
    let token = full.await["sync_token"].clone();
    let path = format!("/projects/{project}/archive");
    assert_eq!(id(&api.act(&path).await.ok()), project);
    let delta = json!({"sync_token": token, "resource_types": types});
    let delta = api.sync(delta).await;
    assert_eq!(delta["projects"][0]["id"], project);
    assert_eq!(delta["projects"][0]["is_archived"], true);
    assert_eq!(delta["projects"].as_array().expect("projects").len(), 1);
}

#[tokio::test]
async fn t_syn_14_an_old_snapshot_is_caught_up_by_the_delta() {
    let api = Api::fresh().await;
    let noon = "2026-11-22T12:00:00Z".parse().expect("a time");
    api.double.clock().freeze(noon);
    let known = api.task_id(json!({"content": "known"})).await;
    api.double.lag_behind();
    api.double.clock().shift(3600);
    let missing = api.task_id(json!({"content": "missing"})).await;
    let full = api.full(&["items"]).await;
    assert_eq!(full["full_sync_date_utc"], "2026-11-22T12:00:00.000000Z");
    let items = full["items"].as_array().expect("items");
    assert_eq!(items.iter().map(id).collect::<Vec<_>>(), [known]);
    let changed = api.changed(&full["sync_token"]).await;
    assert_eq!(changed.iter().map(id).collect::<Vec<_>>(), [missing]);
    api.double.catch_up();
    let full = api.full(&["items"]).await;
    assert_eq!(full["items"].as_array().expect("items").len(), 2);
}
