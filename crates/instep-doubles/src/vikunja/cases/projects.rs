//! Cases: projects, archiving, pseudo projects.

use serde_json::{Value, json};

use super::target::{Target, holds, same};
use super::{Outcome, Stop};

async fn listed(t: &Target, query: &str) -> Result<Vec<i64>, Stop> {
    let mut all = Vec::new();
    for page in 1..50 {
        let ids = t
            .get(&format!("/api/v1/projects?page={page}{query}"))
            .await?
            .want(200)?
            .ids();
        let real = ids.iter().any(|id| *id > 0);
        all.extend(ids);
        if !real {
            break;
        }
    }
    Ok(all)
}

pub(super) async fn an_archive_hides_its_tasks(t: &Target) -> Outcome {
    let project = t.project("attic").await?;
    let child = t
        .project_with(json!({"title": "box", "parent_project_id": project}))
        .await?;
    let task = t.task(project, json!({"title": "x"})).await?;
    let path = format!("/api/v1/projects/{project}");
    t.post(&path, json!({"title": "attic", "is_archived": true}))
        .await?
        .want(200)?;
    let found = t
        .filtered("/api/v1/tasks", &format!("id = {task}"))
        .await?
        .ids();
    holds("not in /tasks", found.is_empty())?;
    let inside = t.get(&format!("{path}/tasks")).await?.want(200)?.ids();
    holds("still in its project", inside == [task])?;
    t.read(task).await?;
    t.post(&format!("/api/v1/tasks/{task}"), json!({"title": "y"}))
        .await?
        .refused(412, 3008)?;
    t.put(&format!("{path}/tasks"), json!({"title": "y"}))
        .await?
        .refused(412, 3008)?;
    let plain = listed(t, "").await?;
    holds(
        "both left the list",
        !plain.contains(&project) && !plain.contains(&child),
    )?;
    let all = listed(t, "&is_archived=true").await?;
    holds(
        "both are in the whole list",
        all.contains(&project) && all.contains(&child),
    )?;
    let v2 = t
        .get("/api/v2/projects?is_archived=true&per_page=1000")
        .await?
        .want(200)?;
    let shown = v2
        .items()
        .into_iter()
        .find(|item| item["id"] == json!(child));
    same(
        "a child counts as archived",
        &shown.unwrap_or_default()["is_archived"],
        json!(true),
    )?;
    t.post(&path, json!({"title": "attic", "is_archived": false}))
        .await?
        .want(200)?;
    let found = t
        .filtered("/api/v1/tasks", &format!("id = {task}"))
        .await?
        .ids();
    holds("back again", found == [task])
}

pub(super) async fn pseudo_projects_have_negative_ids(t: &Target) -> Outcome {
    let project = t.project("favourites").await?;
    let task = t
        .task(project, json!({"title": "x", "is_favorite": true}))
        .await?;
    let listed = listed(t, "").await?;
    holds("favourites", listed.contains(&-1))?;
    holds("a saved filter", listed.iter().any(|id| *id < -1))?;
    let inside = t.get("/api/v1/projects/-1/tasks").await?.want(200)?.ids();
    holds("its tasks", inside.contains(&task))?;
    let v2 = t.get("/api/v2/projects?per_page=1000").await?.want(200)?;
    holds("in v2 as well", v2.ids().contains(&-1))
}

pub(super) async fn pseudo_projects_are_on_every_page(t: &Target) -> Outcome {
    for path in [
        "/api/v1/projects?page=900",
        "/api/v2/projects?page=900&per_page=1000",
    ] {
        let ids = t.get(path).await?.want(200)?.ids();
        holds(
            format!("{path} gave {ids:?}"),
            !ids.is_empty() && ids.iter().all(|id| *id < 0),
        )?;
    }
    Ok(())
}

pub(super) async fn a_description_cannot_be_emptied(t: &Target) -> Outcome {
    let body = json!({"title": "x", "description": "kept", "hex_color": "1973ff"});
    let project = t.project_with(body).await?;
    let path = format!("/api/v1/projects/{project}");
    for body in [
        json!({"title": "y"}),
        json!({"title": "z", "description": ""}),
    ] {
        t.post(&path, body).await?.want(200)?;
        let stored = t.get(&path).await?.want(200)?.body;
        same("description", &stored["description"], json!("kept"))?;
        same("hex_color", &stored["hex_color"], json!(""))?;
    }
    let empty = t.put("/api/v1/projects", json!({"title": ""})).await?;
    empty.refused(412, 2002)?;
    t.post("/api/v2/projects", json!({"title": ""}))
        .await?
        .want(422)
        .map(drop)
}

pub(super) async fn an_identifier_is_unique(t: &Target) -> Outcome {
    let digits = t.server_second().await? % 10_000_000;
    let identifier = format!("T{digits}");
    t.project_with(json!({"title": "x", "identifier": identifier}))
        .await?;
    let body = json!({"title": "y", "identifier": identifier.to_lowercase()});
    t.put("/api/v1/projects", body).await?.refused(400, 3007)
}

pub(super) async fn a_task_change_stamps_its_project(t: &Target) -> Outcome {
    let project = t.project("stamps").await?;
    let task = t.task(project, json!({"title": "x"})).await?;
    let mut stamp = t.project_stamp(project).await?;
    let path = format!("/api/v1/tasks/{task}");
    let changes: [(&str, Value); 2] = [("POST", json!({"title": "y"})), ("DELETE", Value::Null)];
    for (method, body) in changes {
        t.next_second().await?;
        let body = (!body.is_null()).then_some(body);
        t.ask(method, &path, body).await?.want(200)?;
        let now = t.project_stamp(project).await?;
        holds(format!("{method} moves the project"), now != stamp)?;
        stamp = now;
    }
    Ok(())
}

pub(super) async fn deleting_takes_tasks_and_children(t: &Target) -> Outcome {
    let project = t.project("parent").await?;
    let child = t
        .project_with(json!({"title": "child", "parent_project_id": project}))
        .await?;
    let task = t.task(child, json!({"title": "x"})).await?;
    t.delete(&format!("/api/v2/projects/{project}"))
        .await?
        .want(204)?;
    t.get(&format!("/api/v1/projects/{project}"))
        .await?
        .refused(404, 3001)?;
    t.get(&format!("/api/v1/projects/{child}"))
        .await?
        .refused(404, 3001)?;
    t.get(&format!("/api/v1/tasks/{task}"))
        .await?
        .refused(404, 4002)
}
