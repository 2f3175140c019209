//! Cases: changing and moving tasks.

use serde_json::{Value, json};

use super::client::{Api, id};

/// A task made with one body and updated with another.
async fn updated(made: Value, update: Value) -> (Value, Value) {
    let api = Api::fresh().await;
    let task = api.task(made).await;
    let path = format!("/tasks/{}", id(&task));
    let answer = api.post(&path, update).await.ok();
    assert_eq!(api.get(&path).await.ok(), answer);
    (task, answer)
}

#[tokio::test]
async fn t_upd_1_what_is_not_sent_stays() {
    let made = json!({"content": "x", "description": "d", "priority": 3, "labels": ["l"],
                      "due_date": "2026-12-01", "deadline_date": "2026-12-02"});
    let (before, mut after) = updated(made, json!({"content": "y"})).await;
    assert_eq!(after["content"], "y");
    let stamp = |task: &Value| task["updated_at"].as_str().expect("a stamp").to_owned();
    assert!(stamp(&after) > stamp(&before));
    for key in ["content", "updated_at"] {
        after[key] = before[key].clone();
    }
    assert_eq!(after, before);
}

#[tokio::test]
async fn t_upd_2_no_date_clears_the_due_date() {
    let made = json!({"content": "x", "due_date": "2026-12-01"});
    let (_, after) = updated(made, json!({"due_string": "no date"})).await;
    assert_eq!(after["due"], Value::Null);
}

#[tokio::test]
async fn t_upd_3_null_clears_the_deadline() {
    let made = json!({"content": "x", "deadline_date": "2026-12-01"});
    let (before, after) = updated(made, json!({"deadline_date": null})).await;
    assert!(before["deadline"].is_object());
    assert_eq!(after["deadline"], Value::Null);
}

#[tokio::test]
async fn t_upd_4_null_clears_the_duration() {
    let made = json!({"content": "x", "duration": 1, "duration_unit": "day"});
    let update = json!({"duration": null, "duration_unit": null});
    let (before, after) = updated(made, update).await;
    assert!(before["duration"].is_object());
    assert_eq!(after["duration"], Value::Null);
}

#[tokio::test]
async fn t_upd_5_an_empty_list_clears_the_labels() {
    let made = json!({"content": "x", "labels": ["a", "b"]});
    let (_, after) = updated(made, json!({"labels": []})).await;
    assert_eq!(after["labels"], json!([]));
}

#[tokio::test]
async fn t_upd_6_an_update_moves_nothing() {
    let api = Api::fresh().await;
    let (task, project) = (api.task(json!({"content": "x"})).await, api.project().await);
    let path = format!("/tasks/{}", id(&task));
    api.post(&path, json!({"project_id": project})).await;
    assert_eq!(api.get(&path).await.ok()["project_id"], task["project_id"]);
}

#[tokio::test]
async fn t_upd_7_a_date_alone_ends_the_recurrence() {
    let made = json!({"content": "x", "due_string": "every day"});
    let (_, after) = updated(made, json!({"due_date": "2026-12-24"})).await;
    assert_eq!(after["due"]["is_recurring"], false);
    assert_eq!(after["due"]["date"], "2026-12-24");
}

#[tokio::test]
async fn t_upd_8_a_date_with_the_words_keeps_it() {
    let made = json!({"content": "x", "due_string": "every day"});
    let update = json!({"due_date": "2026-12-24", "due_string": "every day"});
    let (_, after) = updated(made, update).await;
    assert_eq!(after["due"]["is_recurring"], true);
    assert_eq!(after["due"]["date"], "2026-12-24");
    assert_eq!(after["due"]["string"], "every day");
}

#[tokio::test]
async fn t_upd_9_orders_and_the_fold_change() {
    let update = json!({"child_order": 3, "is_collapsed": true, "day_order": 2});
    let (_, after) = updated(json!({"content": "x"}), update.clone()).await;
    for (key, value) in update.as_object().expect("fields") {
        assert_eq!(&after[key], value, "{key}");
    }
}

#[tokio::test]
async fn t_upd_10_a_deleted_task_does_not_change() {
    let api = Api::fresh().await;
    let task = api.task_id(json!({"content": "x"})).await;
    let path = format!("/tasks/{task}");
    api.delete(&path).await.done();
    let answer = api.post(&path, json!({"content": "y"})).await;
    answer.refused(404, "NOT_FOUND");
}

/// Moves a subtask, which has a child, and tells where both are then.
async fn moved(api: &Api, spot: Value) -> (Value, Value) {
    let parent = api.task_id(json!({"content": "parent"})).await;
    let task = api.task(json!({"content": "x", "parent_id": parent})).await;
    let child = json!({"content": "child", "parent_id": task["id"]});
    let child = api.task_id(child).await;
    let path = format!("/tasks/{}/move", id(&task));
    let moved = api.post(&path, spot).await.ok();
    assert_eq!(moved["id"], task["id"]);
    (moved, api.read(&child).await)
}

#[tokio::test]
async fn t_mov_1_to_a_project() {
    let api = Api::fresh().await;
    let project = api.project().await;
    let (task, child) = moved(&api, json!({"project_id": project})).await;
    assert_eq!(task["project_id"], project);
    assert_eq!(task["section_id"], Value::Null);
    assert_eq!(task["parent_id"], Value::Null);
    assert_eq!(child["project_id"], project);
    assert_eq!(child["parent_id"], task["id"]);
}

#[tokio::test]
async fn t_mov_2_to_a_section() {
    let api = Api::fresh().await;
    let project = api.project().await;
    let section = api.section(&project).await;
    let (task, child) = moved(&api, json!({"section_id": section})).await;
    assert_eq!(task["section_id"], section);
    assert_eq!(task["project_id"], project);
    assert_eq!(task["parent_id"], Value::Null);
    assert_eq!(child["section_id"], section);
}

#[tokio::test]
async fn t_mov_3_below_a_task() {
    let api = Api::fresh().await;
    let project = api.project().await;
    let body = json!({"content": "other", "project_id": project});
    let other = api.task_id(body).await;
    let (task, _) = moved(&api, json!({"parent_id": other})).await;
    assert_eq!(task["parent_id"], other);
    assert_eq!(task["project_id"], project);
    let path = format!("/tasks/{other}/move");
    let circle = api.post(&path, json!({"parent_id": task["id"]})).await;
    assert_eq!(circle.status, 400);
}
