//! Cases: labels and labels on tasks.

use serde_json::{Value, json};

use super::target::{Target, holds, same};
use super::{Outcome, Stop};

fn label_ids(task: &Value) -> Vec<i64> {
    let labels = task["labels"].as_array().cloned().unwrap_or_default();
    labels
        .iter()
        .filter_map(|label| label["id"].as_i64())
        .collect()
}

async fn labelled(t: &Target) -> Result<(i64, i64), Stop> {
    let project = t.project("labels").await?;
    let task = t.task(project, json!({"title": "x"})).await?;
    let label = t.label("shop").await?;
    t.attach(task, label).await?;
    Ok((task, label))
}

pub(super) async fn adding_twice_is_refused(t: &Target) -> Outcome {
    let project = t.project("twice").await?;
    let task = t.task(project, json!({"title": "x"})).await?;
    let label = t.label("shop").await?;
    let before = t.read(task).await?;
    t.next_second().await?;
    t.attach(task, label).await?;
    let after = t.read(task).await?;
    holds(
        "adding moves updated",
        after["updated"] != before["updated"],
    )?;
    t.next_second().await?;
    let path = format!("/api/v1/tasks/{task}/labels");
    t.put(&path, json!({"label_id": label}))
        .await?
        .refused(400, 8001)?;
    t.put(&path, json!({"label_id": 99_999_999}))
        .await?
        .refused(404, 8002)?;
    let after_twice = t.unmoved(task, &after).await?;
    holds("one label", label_ids(&after_twice) == [label])?;
    t.delete(&format!("{path}/{label}")).await?.want(200)?;
    let removed = t.read(task).await?;
    holds(
        "removing moves updated",
        removed["updated"] != after["updated"],
    )?;
    same("labels", &removed["labels"], Value::Null)
}

pub(super) async fn bulk_replace_stamps_the_project_alone(t: &Target) -> Outcome {
    let (task, old) = labelled(t).await?;
    let new = t.label("urgent").await?;
    let before = t.read(task).await?;
    let project = before["project_id"].as_i64().unwrap_or_default();
    let stamp = t.project_stamp(project).await?;
    t.next_second().await?;
    let path = format!("/api/v1/tasks/{task}/labels/bulk");
    let answer = t
        .post(&path, json!({"labels": [{"id": old}, {"id": new}]}))
        .await?
        .want(201)?;
    same("echo", &answer.body["labels"][1]["id"], json!(new))?;
    let after = t.unmoved(task, &before).await?;
    let mut ids = label_ids(&after);
    ids.sort_unstable();
    holds("the set is stored", ids == [old, new])?;
    holds(
        "the project moved",
        t.project_stamp(project).await? != stamp,
    )?;
    let path = format!("/api/v2/tasks/{task}/labels/bulk");
    t.put(&path, json!({"labels": [{"id": new}]}))
        .await?
        .want(200)?;
    holds("v2 replaces too", label_ids(&t.read(task).await?) == [new])
}

pub(super) async fn bulk_clear_is_silent(t: &Target) -> Outcome {
    for body in [json!({"labels": []}), json!({"wrong": [{"id": 1}]})] {
        let (task, _) = labelled(t).await?;
        let before = t.read(task).await?;
        let project = before["project_id"].as_i64().unwrap_or_default();
        let stamp = t.project_stamp(project).await?;
        t.next_second().await?;
        t.post(&format!("/api/v1/tasks/{task}/labels/bulk"), body)
            .await?
            .want(201)?;
        let after = t.unmoved(task, &before).await?;
        same("labels", &after["labels"], Value::Null)?;
        same("the project", &t.project_stamp(project).await?, stamp)?;
    }
    Ok(())
}

pub(super) async fn detaching_what_is_not_attached_is_forbidden(t: &Target) -> Outcome {
    let (task, _) = labelled(t).await?;
    let other = t.label("elsewhere").await?;
    t.delete(&format!("/api/v1/tasks/{task}/labels/{other}"))
        .await?
        .want(403)
        .map(drop)
}

pub(super) async fn titles_are_not_unique_across_users(t: &Target) -> Outcome {
    let (ann, _) = t.stranger("ann").await?;
    let (bob, bob_name) = t.stranger("bob").await?;
    let project = ann.project("shared").await?;
    let share = json!({"username": bob_name, "permission": 1});
    ann.put(&format!("/api/v1/projects/{project}/users"), share)
        .await?
        .want(201)?;
    let task = ann.task(project, json!({"title": "x"})).await?;
    let (hers, his) = (ann.label("same").await?, bob.label("same").await?);
    bob.attach(task, his).await?;
    let seen = ann.get("/api/v1/labels").await?.want(200)?.ids();
    holds("ann sees both", seen == [hers, his])?;
    let seen = bob.get("/api/v1/labels").await?.want(200)?.ids();
    holds("bob sees his own alone", seen == [his])?;
    let again = ann.label("same").await?;
    holds("a third of that title", again != hers)?;
    ann.post(&format!("/api/v1/labels/{his}"), json!({"title": "mine"}))
        .await?
        .want(403)?;
    ann.clean_up().await;
    Ok(())
}

pub(super) async fn renaming_and_deleting_touch_no_task(t: &Target) -> Outcome {
    let (task, label) = labelled(t).await?;
    let before = t.read(task).await?;
    t.next_second().await?;
    let path = format!("/api/v1/labels/{label}");
    t.post(&path, json!({"title": "renamed"}))
        .await?
        .want(200)?;
    let after = t.unmoved(task, &before).await?;
    same(
        "the new name",
        &after["labels"][0]["title"],
        json!("renamed"),
    )?;
    t.delete(&path).await?.want(200)?;
    let after = t.unmoved(task, &before).await?;
    same("labels", &after["labels"], Value::Null)
}
