//! Cases: relations and comments.

use serde_json::{Value, json};

use super::Outcome;
use super::target::{Target, holds, same};

pub(super) async fn a_subtask_is_seen_from_both_ends(t: &Target) -> Outcome {
    let project = t.project("relations").await?;
    let a = t.task(project, json!({"title": "parent"})).await?;
    let b = t.task(project, json!({"title": "child"})).await?;
    let (before_a, before_b) = (t.read(a).await?, t.read(b).await?);
    t.next_second().await?;
    let path = format!("/api/v1/tasks/{a}/relations");
    let body = json!({"other_task_id": b, "relation_kind": "subtask"});
    let made = t.put(&path, body.clone()).await?.want(201)?;
    same("base", &made.body["task_id"], json!(a))?;
    let after = t.moved(a, &before_a).await?;
    same(
        "subtask",
        &after["related_tasks"]["subtask"][0]["id"],
        json!(b),
    )?;
    same(
        "thin",
        &after["related_tasks"]["subtask"][0]["identifier"],
        json!(""),
    )?;
    let far = t.unmoved(b, &before_b).await?;
    same(
        "parenttask",
        &far["related_tasks"]["parenttask"][0]["id"],
        json!(a),
    )?;
    t.put(&path, body).await?.refused(409, 4008)?;
    let back = json!({"other_task_id": a, "relation_kind": "subtask"});
    t.put(&format!("/api/v1/tasks/{b}/relations"), back)
        .await?
        .refused(409, 4023)?;
    let own = json!({"other_task_id": a, "relation_kind": "related"});
    t.put(&path, own).await?.refused(400, 4010)?;
    let unknown = json!({"other_task_id": b, "relation_kind": "nope"});
    t.put(&path, unknown).await?.refused(400, 4007)?;
    t.delete(&format!("{path}/subtask/{b}")).await?.want(200)?;
    t.delete(&format!("{path}/subtask/{b}"))
        .await?
        .refused(404, 4009)?;
    same(
        "nothing related",
        &t.read(b).await?["related_tasks"],
        json!({}),
    )
}

pub(super) async fn a_comment_moves_the_stamp_later(t: &Target) -> Outcome {
    let project = t.project("comments").await?;
    let task = t.task(project, json!({"title": "x"})).await?;
    let path = format!("/api/v1/tasks/{task}/comments");
    let before = t.read(task).await?;
    t.next_second().await?;
    let made = t
        .put(&path, json!({"comment": "<p>hello</p>"}))
        .await?
        .want(201)?;
    let id = made.id()?;
    let after = t.moved(task, &before).await?;
    t.next_second().await?;
    t.post(&format!("{path}/{id}"), json!({"comment": "<p>edited</p>"}))
        .await?
        .want(200)?;
    let edited = t.moved(task, &after).await?;
    let listed = t.get(&path).await?.want(200)?;
    same("text", &listed.body[0]["comment"], json!("<p>edited</p>"))?;
    same("reactions", &listed.body[0]["reactions"], Value::Null)?;
    t.next_second().await?;
    t.delete(&format!("{path}/{id}")).await?.want(200)?;
    t.moved(task, &edited).await?;
    holds("none left", t.get(&path).await?.items().is_empty())?;
    t.delete(&format!("{path}/{id}")).await?.refused(404, 4015)
}
