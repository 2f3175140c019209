//! Cases: buckets.

use serde_json::json;

use super::target::{Target, holds, same};
use super::{Outcome, Stop};

pub(super) async fn a_plain_bucket_move_stamps_nothing(t: &Target) -> Outcome {
    let project = t.project("kanban").await?;
    let task = t.task(project, json!({"title": "x"})).await?;
    let whole = t
        .get(&format!("/api/v1/projects/{project}"))
        .await?
        .want(200)?
        .body;
    let views = whole["views"].as_array().cloned().unwrap_or_default();
    let view = views
        .iter()
        .find(|view| view["view_kind"] == json!("kanban"));
    let view = view.ok_or_else(|| Stop::Failed("no kanban view".to_owned()))?["id"].clone();
    let base = format!("/api/v1/projects/{project}/views/{view}/buckets");
    let buckets = t.get(&base).await?.want(200)?.ids();
    same("buckets", &json!(buckets.len()), json!(3))?;
    let drop_into = |bucket: i64| (format!("{base}/{bucket}/tasks"), json!({"task_id": task}));

    let before = t.read(task).await?;
    let stamp = t.project_stamp(project).await?;
    t.next_second().await?;
    let (path, body) = drop_into(buckets[1]);
    t.post(&path, body).await?.want(200)?;
    t.unmoved(task, &before).await?;
    same(
        "the project",
        &t.project_stamp(project).await?,
        stamp.clone(),
    )?;

    let (path, body) = drop_into(buckets[2]);
    t.post(&path, body).await?.want(200)?;
    let done = t.moved(task, &before).await?;
    same("done", &done["done"], json!(true))?;
    holds("done_at is set", done["done_at"] != before["done_at"])?;
    holds(
        "the project moved",
        t.project_stamp(project).await? != stamp,
    )?;

    let (path, body) = drop_into(buckets[0]);
    t.post(&path, body).await?.want(200)?;
    let open = t.read(task).await?;
    same("done", &open["done"], json!(false))?;
    same("done_at", &open["done_at"], before["done_at"].clone())
}
