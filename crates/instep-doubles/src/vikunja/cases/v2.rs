//! Cases: what only `/api/v2` does.

use serde_json::{Value, json};

use super::Outcome;
use super::target::{Target, holds, same};

pub(super) async fn a_patch_changes_one_field(t: &Target) -> Outcome {
    let project = t.project("patch").await?;
    let body = json!({"title": "x", "description": "<p>kept</p>", "priority": 3,
                      "due_date": "2031-01-10T16:00:00Z", "is_favorite": true,
                      "reminders": [{"reminder": "2031-01-09T08:00:00Z"}]});
    let task = t.task(project, body).await?;
    let label = t.label("kept").await?;
    t.attach(task, label).await?;
    let before = t.read(task).await?;
    t.next_second().await?;
    let path = format!("/api/v2/tasks/{task}");
    let answer = t.patch(&path, json!({"title": "y"})).await?.want(200)?;
    same("answer", &answer.body["title"], json!("y"))?;
    let mut after = t.read(task).await?;
    holds("updated moved", after["updated"] != before["updated"])?;
    after["title"] = json!("x");
    after["updated"] = before["updated"].clone();
    same("the rest", &after, before)?;
    t.patch(&path, json!({"due_date": null, "reminders": null}))
        .await?
        .want(200)?;
    let cleared = t.read(task).await?;
    same(
        "due_date",
        &cleared["due_date"],
        json!("0001-01-01T00:00:00Z"),
    )?;
    same("reminders", &cleared["reminders"], Value::Null)?;
    same("priority", &cleared["priority"], json!(3))?;
    t.patch("/api/v2/tasks/99999999", json!({"title": "y"}))
        .await?
        .refused(404, 4002)
}

pub(super) async fn a_patch_without_change_writes_nothing(t: &Target) -> Outcome {
    let project = t.project("patch").await?;
    let task = t
        .task(project, json!({"title": "x", "priority": 3}))
        .await?;
    let before = t.read(task).await?;
    t.next_second().await?;
    let answer = t
        .patch(&format!("/api/v2/tasks/{task}"), json!({"priority": 3}))
        .await?
        .want(304)?;
    same("body", &answer.body, Value::Null)?;
    t.unmoved(task, &before).await.map(drop)
}

pub(super) async fn an_etag_saves_the_body(t: &Target) -> Outcome {
    let project = t.project("etag").await?;
    let task = t.task(project, json!({"title": "x"})).await?;
    let path = format!("/api/v2/tasks/{task}");
    let first = t.get(&path).await?.want(200)?;
    let etag = first.header("etag").to_owned();
    holds(
        format!("an etag of the owner: {etag}"),
        etag.ends_with("000000000-2\""),
    )?;
    same("max_permission", &first.body["max_permission"], json!(2))?;
    let known = [("if-none-match", etag.as_str())];
    let again = t.send("GET", &path, &known, None).await?.want(304)?;
    same("body", &again.body, Value::Null)?;
    t.next_second().await?;
    t.edit(task, json!({"priority": 1})).await?;
    t.send("GET", &path, &known, None)
        .await?
        .want(200)
        .map(drop)
}

pub(super) async fn unknown_keys_are_refused(t: &Target) -> Outcome {
    let project = t.project("schema").await?;
    let path = format!("/api/v2/projects/{project}/tasks");
    let task = t
        .post(&path, json!({"title": "x"}))
        .await?
        .want(201)?
        .id()?;
    let table = [
        (
            json!({"title": "x", "bogus": 1}),
            "unexpected property",
            "body.bogus",
        ),
        (json!({"title": ""}), "expected length >= 1", "body.title"),
        (
            json!({"title": "x", "priority": "3"}),
            "expected integer",
            "body.priority",
        ),
        (
            json!({"title": "x", "due_date": "2026-08-10"}),
            "expected string to be RFC 3339 date-time",
            "body.due_date",
        ),
    ];
    for (body, message, location) in table {
        for (method, path) in [
            ("POST", path.clone()),
            ("PUT", format!("/api/v2/tasks/{task}")),
        ] {
            let answer = t.ask(method, &path, Some(body.clone())).await?.want(422)?;
            same("detail", &answer.body["detail"], json!("validation failed"))?;
            same(
                "message",
                &answer.body["errors"][0]["message"],
                json!(message),
            )?;
            same(
                "location",
                &answer.body["errors"][0]["location"],
                json!(location),
            )?;
        }
    }
    t.put(
        &format!("/api/v1/projects/{project}/tasks"),
        json!({"title": "x", "bogus": 1}),
    )
    .await?
    .want(201)
    .map(drop)
}

pub(super) async fn if_match_is_ignored(t: &Target) -> Outcome {
    let project = t.project("if-match").await?;
    let task = t
        .task(project, json!({"title": "x", "priority": 1}))
        .await?;
    let path = format!("/api/v2/tasks/{task}");
    for (at, (name, value)) in [
        ("if-match", "\"stale\""),
        ("if-unmodified-since", "Thu, 01 Jan 2015 00:00:00 GMT"),
    ]
    .into_iter()
    .enumerate()
    {
        let headers = [
            ("content-type", "application/merge-patch+json"),
            (name, value),
        ];
        let body = json!({"priority": at + 2}).to_string().into_bytes();
        t.send("PATCH", &path, &headers, Some(body))
            .await?
            .want(200)?;
        same("priority", &t.read(task).await?["priority"], json!(at + 2))?;
    }
    Ok(())
}

pub(super) async fn projects_can_be_patched(t: &Target) -> Outcome {
    let body = json!({"title": "x", "hex_color": "1973ff", "description": "d"});
    let project = t.project_with(body).await?;
    let path = format!("/api/v2/projects/{project}");
    t.patch(&path, json!({"title": "y"})).await?.want(200)?;
    let stored = t.get(&path).await?.want(200)?.body;
    same("title", &stored["title"], json!("y"))?;
    same("hex_color", &stored["hex_color"], json!("1973ff"))?;
    same("max_permission", &stored["max_permission"], json!(2))?;
    t.patch(&path, json!({"title": "y"}))
        .await?
        .want(304)
        .map(drop)
}
