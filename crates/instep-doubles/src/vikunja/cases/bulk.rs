//! Cases: several tasks in one call.

use serde_json::{Value, json};

use super::Outcome;
use super::receiver::Receiver;
use super::target::{Target, holds, same};

pub(super) async fn one_field_still_wipes_reminders_and_assignees(t: &Target) -> Outcome {
    let me = t.me().await?["id"].clone();
    let project = t.project("bulk").await?;
    for (method, path) in [
        ("POST", "/api/v1/tasks/bulk"),
        ("PUT", "/api/v2/tasks/bulk"),
    ] {
        let body = json!({"title": "x", "description": "<p>kept</p>", "is_favorite": true,
                          "due_date": "2031-01-10T16:00:00Z", "assignees": [{"id": me}],
                          "reminders": [{"reminder": "2031-01-09T08:00:00Z"}]});
        let task = t.task(project, body).await?;
        let change = json!({"task_ids": [task], "fields": ["priority"], "values": {"priority": 2}});
        let answer = t.ask(method, path, Some(change)).await?.want(200)?;
        same("answered", &answer.body["tasks"][0]["priority"], json!(2))?;
        let stored = t.read(task).await?;
        same("priority", &stored["priority"], json!(2))?;
        same("description", &stored["description"], json!("<p>kept</p>"))?;
        same(
            "due_date",
            &stored["due_date"],
            json!("2031-01-10T16:00:00Z"),
        )?;
        same("reminders", &stored["reminders"], Value::Null)?;
        same("assignees", &stored["assignees"], Value::Null)?;
        same("is_favorite", &stored["is_favorite"], json!(false))?;
    }
    Ok(())
}

pub(super) async fn an_unknown_field_changes_nothing(t: &Target) -> Outcome {
    let project = t.project("bulk").await?;
    let task = t
        .task(project, json!({"title": "x", "priority": 1}))
        .await?;
    let path = "/api/v1/tasks/bulk";
    let change = |ids: Value, field: &str| json!({"task_ids": ids, "fields": [field], "values": {"priority": 5}});
    t.post(path, change(json!([task]), "labels"))
        .await?
        .refused(400, 4027)?;
    t.post(path, change(json!([task, 99_999_999]), "priority"))
        .await?
        .refused(404, 4002)?;
    t.post(path, change(json!([]), "priority"))
        .await?
        .refused(400, 4004)?;
    same("priority", &t.read(task).await?["priority"], json!(1))
}

pub(super) async fn creation_is_atomic(t: &Target) -> Outcome {
    let project = t.project("bulk").await?;
    let path = format!("/api/v2/projects/{project}/tasks/bulk");
    let good = json!({"title": "good"});
    let refused = t.post(&path, json!({"tasks": [good, {}]})).await?;
    refused.refused(400, 4031)?;
    let none = json!({"title": "x", "reminders": [{"relative_period": -60}]});
    t.post(&path, json!({"tasks": [good, none]}))
        .await?
        .refused(400, 4022)?;
    let many: Vec<Value> = (0..101).map(|n| json!({"title": format!("{n}")})).collect();
    t.post(&path, json!({"tasks": many})).await?.want(422)?;
    t.post(&path, json!({"tasks": []})).await?.want(422)?;
    let listed = t.get(&format!("/api/v1/projects/{project}/tasks")).await?;
    holds("nothing was stored", listed.items().is_empty())?;
    let made = t
        .post(&path, json!({"tasks": many[..100]}))
        .await?
        .want(201)?;
    let made = made.body["tasks"].as_array().cloned().unwrap_or_default();
    same("made", &json!(made.len()), json!(100))?;
    let indices: Vec<i64> = made
        .iter()
        .filter_map(|task| task["index"].as_i64())
        .collect();
    holds(
        "indices in order",
        indices == (1..=100).collect::<Vec<i64>>(),
    )
}

pub(super) async fn a_bulk_update_is_one_event_per_task(t: &Target) -> Outcome {
    let project = t.project("bulk events").await?;
    let path = format!("/api/v2/projects/{project}/tasks/bulk");
    let many: Vec<Value> = (0..100).map(|n| json!({"title": format!("{n}")})).collect();
    let made = t.post(&path, json!({"tasks": many})).await?.want(201)?;
    let ids: Vec<Value> = made.body["tasks"]
        .as_array()
        .map(|tasks| tasks.iter().map(|task| task["id"].clone()).collect())
        .unwrap_or_default();
    let receiver = Receiver::start(&[]).await?;
    receiver.hook(t, project, &["task.updated"], "").await?;
    let change = json!({"task_ids": ids, "fields": ["priority"], "values": {"priority": 2}});
    t.post("/api/v1/tasks/bulk", change).await?.want(200)?;
    let got = receiver.wait_for_count("100 events", 100).await?;
    let mut seen: Vec<i64> = got
        .iter()
        .filter_map(|d| d.body["data"]["task"]["id"].as_i64())
        .collect();
    seen.sort_unstable();
    seen.dedup();
    same("tasks heard of", &json!(seen.len()), json!(100))
}
