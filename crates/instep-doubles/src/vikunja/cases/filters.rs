//! Cases: the filter language.

use serde_json::json;

use super::target::{Target, holds, same};
use super::{Outcome, Stop};

/// An instant some seconds before another, as a filter takes it.
fn earlier(stamp: &serde_json::Value, secs: i64) -> Result<String, Stop> {
    let text = stamp.as_str().unwrap_or_default();
    let at: jiff::Timestamp = text
        .parse()
        .map_err(|_| Stop::Failed(format!("not a date: {text}")))?;
    Ok((at - jiff::SignedDuration::from_secs(secs)).to_string())
}

pub(super) async fn since_finds_done_ones_and_no_archived(t: &Target) -> Outcome {
    let (open, shelved) = (t.project("open").await?, t.project("shelved").await?);
    let old = t.task(open, json!({"title": "old"})).await?;
    let hidden = t.task(shelved, json!({"title": "hidden"})).await?;
    let since = t.read(old).await?["updated"].clone();
    t.next_second().await?;
    let new = t.task(open, json!({"title": "new"})).await?;
    let done = t.task(open, json!({"title": "done", "done": true})).await?;
    t.edit(hidden, json!({"priority": 2})).await?;
    let path = format!("/api/v1/projects/{shelved}");
    t.post(&path, json!({"title": "shelved", "is_archived": true}))
        .await?
        .want(200)?;
    let since = since.as_str().unwrap_or_default();
    let filter = format!("(updated > '{since}') && id > {}", old - 1);
    let found = t.filtered("/api/v1/tasks", &filter).await?.want(200)?.ids();
    holds(
        format!("wanted {new} and {done} alone, got {found:?}"),
        found == [new, done],
    )
}

pub(super) async fn the_boundary_second(t: &Target) -> Outcome {
    let sqlite = t.is_sqlite().await?;
    let project = t.project("boundary").await?;
    let task = t
        .task(
            project,
            json!({"title": "x", "due_date": "2031-01-10T16:00:00Z"}),
        )
        .await?;
    let stamp = t.read(task).await?["updated"].clone();
    for (field, at) in [
        ("updated", stamp),
        ("due_date", json!("2031-01-10T16:00:00Z")),
    ] {
        let at = at.as_str().unwrap_or_default();
        let inclusive = !sqlite;
        for (op, wanted) in [
            (">", false),
            (">=", inclusive),
            ("=", inclusive),
            ("<", sqlite),
            ("<=", true),
        ] {
            let path = format!("/api/v1/projects/{project}/tasks");
            let filter = format!("{field} {op} '{at}'");
            let found = t.filtered(&path, &filter).await?.want(200)?.ids();
            holds(
                format!("{filter} gave {found:?}"),
                found.contains(&task) == wanted,
            )?;
        }
    }
    Ok(())
}

pub(super) async fn a_bad_filter_is_refused(t: &Target) -> Outcome {
    let table = [
        ("foo = 1", 4016),
        ("uid = 'x'", 4019),
        ("updated > 'garbage'", 4019),
        ("updated >", 4024),
        ("done = maybe", 4019),
        ("id = abc", 4019),
        ("(id > 0", 4024),
        ("id > 0 &&", 4024),
    ];
    for (filter, code) in table {
        t.filtered("/api/v1/tasks", filter)
            .await?
            .refused(400, code)?;
        t.filtered("/api/v2/tasks", filter)
            .await?
            .refused(400, code)?;
    }
    t.get("/api/v1/tasks?sort_by=id&order_by=up")
        .await?
        .refused(400, 4014)?;
    t.get("/api/v1/tasks?order_by=up").await?.want(200)?;
    t.get("/api/v1/tasks?sort_by=nope")
        .await?
        .refused(400, 4016)?;
    t.get("/api/v1/tasks?page=-1").await?.want(400).map(drop)
}

pub(super) async fn a_second_edit_in_the_same_second_is_not_seen(t: &Target) -> Outcome {
    let project = t.project("one second").await?;
    let task = t.task(project, json!({"title": "x"})).await?;
    for _ in 0..20 {
        t.next_second().await?;
        t.edit(task, json!({"priority": 1})).await?;
        let cursor = t.read(task).await?["updated"].clone();
        t.edit(task, json!({"priority": 2})).await?;
        let after = t.read(task).await?;
        if after["updated"] != cursor {
            // The second turned between the two edits.
            continue;
        }
        let filter = format!("updated > '{}'", cursor.as_str().unwrap_or_default());
        let path = format!("/api/v1/projects/{project}/tasks");
        let found = t.filtered(&path, &filter).await?.ids();
        holds("the second edit hides", found.is_empty())?;
        let filter = format!("updated > '{}'", earlier(&cursor, 1)?);
        let found = t.filtered(&path, &filter).await?.ids();
        return holds("an overlap finds it", found == [task]);
    }
    Err(Stop::Failed(
        "two edits never fell into one second".to_owned(),
    ))
}

pub(super) async fn quotes_do_not_protect(t: &Target) -> Outcome {
    let table = [
        ("title = 'a && b'", 4024),
        ("id in '1','2'", 4024),
        ("updated > '2026-01-01 10:00:00'", 4019),
    ];
    for (filter, code) in table {
        t.filtered("/api/v1/tasks", filter)
            .await?
            .refused(400, code)?;
    }
    Ok(())
}

pub(super) async fn every_operator(t: &Target) -> Outcome {
    let project = t.project("operators").await?;
    let label = t.label("filtered").await?;
    let me = t.me().await?;
    let name = me["username"].as_str().unwrap_or_default().to_owned();
    let a = t
        .task(project, json!({"title": "Alpha one", "priority": 1}))
        .await?;
    let b = t
        .task(
            project,
            json!({"title": "beta 50%", "priority": 3, "percent_done": 0.5,
                              "due_date": "2031-01-10T16:00:00Z", "assignees": [{"id": me["id"]}]}),
        )
        .await?;
    let c = t
        .task(
            project,
            json!({"title": "gamma", "priority": 5, "done": true}),
        )
        .await?;
    t.attach(c, label).await?;
    let table: Vec<(String, Vec<i64>)> = vec![
        ("priority = 3".into(), vec![b]),
        ("priority != 3".into(), vec![a, c]),
        ("priority > 1".into(), vec![b, c]),
        ("priority >= 3 && done = false".into(), vec![b]),
        ("priority < 3 || done = true".into(), vec![a, c]),
        (
            "(priority = 1 || priority = 5) && done = false".into(),
            vec![a],
        ),
        (format!("id in {a},{c}"), vec![a, c]),
        (format!("id in '{a}, {b}'"), vec![a, b]),
        (format!("id not in {a}"), vec![b, c]),
        ("title like 'ALPHA'".into(), vec![a]),
        ("title like alpha one".into(), vec![a]),
        ("title = 'alpha one'".into(), vec![]),
        ("percent_done = 0.5".into(), vec![b]),
        ("due_date > '2031-01-01'".into(), vec![b]),
        ("due_date > 2031-01-10T15:00:00Z".into(), vec![b]),
        ("due_date < '2031-01-10 15:00'".into(), vec![]),
        ("created > now-1h".into(), vec![a, b, c]),
        (format!("labels = {label}"), vec![c]),
        (format!("labels in {label}"), vec![c]),
        (format!("assignees = {name}"), vec![b]),
        (format!("project = {project} && done = true"), vec![c]),
    ];
    let path = format!("/api/v1/projects/{project}/tasks");
    for (filter, wanted) in table {
        let found = t.filtered(&path, &filter).await?.want(200)?;
        same(&filter, &json!(found.ids()), json!(wanted))?;
    }
    let query = format!("{path}?filter=due_date%20%3C%20now&filter_include_nulls=true");
    let found = t.get(&query).await?.want(200)?;
    same("nulls included", &json!(found.ids()), json!([a, c]))
}
