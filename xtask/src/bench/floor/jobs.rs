//! Each job as the shortest list of calls that could do it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use reqwest::Method;
use serde_json::{Value, json};

use super::Parts;
use super::client::Client;
use super::taskwarrior;

/// Tasks of one bulk create.
const BULK: usize = 100;

/// What every project and label that the benchmark makes begins with.
const MARK: &str = "bench_";

/// Pages of one listing.
const MAX_PAGES: usize = 100;

const PROJECTS: &str = "api/v2/projects?is_archived=true&per_page=1000&page=1";
const TASKS: &str = "api/v2/tasks?expand=comments&expand=comment_count";

pub(crate) fn nothing(parts: &mut Parts) -> Result<Value> {
    parts.time("calls", || {
        let mut client = Client::new()?;
        client.get(PROJECTS)?;
        Ok((Value::Null, client.calls()))
    })
}

pub(crate) fn first(parts: &mut Parts) -> Result<Value> {
    let tasks = export(parts)?;
    parts.time("calls", || {
        let mut client = Client::new()?;
        create(&mut client, &tasks)?;
        Ok((Value::Null, client.calls()))
    })
}

pub(crate) fn one_there(parts: &mut Parts, task: u64) -> Result<Value> {
    export(parts)?;
    parts.time("calls", || {
        let mut client = Client::new()?;
        client.get(PROJECTS)?;
        patch(&mut client, &json!(task), &new_title()?)?;
        Ok((Value::Null, client.calls()))
    })
}

pub(crate) fn one_here(parts: &mut Parts, uuid: &str) -> Result<Value> {
    parts.time("calls", || {
        let mut client = Client::new()?;
        client.get(PROJECTS)?;
        let newest = "sort_by=updated&order_by=desc&per_page=50";
        client.get(&format!("{TASKS}&{newest}"))?;
        Ok(((), client.calls()))
    })?;
    parts.time("task modify", || {
        taskwarrior::modify(uuid, &new_title()?)?;
        Ok((Value::Null, 0))
    })
}

pub(crate) fn full(parts: &mut Parts) -> Result<Value> {
    export(parts)?;
    parts.time("calls", || {
        let mut client = Client::new()?;
        client.get(PROJECTS)?;
        for page in 1..=MAX_PAGES {
            let path = format!("{TASKS}&sort_by=id&order_by=asc&per_page=1000&page={page}");
            let answer = client.get(&path)?;
            if rows(&answer).len() < 1000 {
                break;
            }
        }
        Ok((Value::Null, client.calls()))
    })
}

pub(crate) fn read(parts: &mut Parts) -> Result<Value> {
    export(parts)?;
    Ok(Value::Null)
}

fn export(parts: &mut Parts) -> Result<Vec<Value>> {
    let text = parts.time("task export", || Ok((taskwarrior::export()?, 0)))?;
    parts.time("parse", || Ok((taskwarrior::parse(&text)?, 0)))
}

fn create(client: &mut Client, tasks: &[Value]) -> Result<()> {
    let mut by_project: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for task in tasks {
        let project = task["project"].as_str().unwrap_or_default();
        by_project.entry(project).or_default().push(task);
    }
    let titles: BTreeSet<&str> = tasks.iter().flat_map(tags).collect();
    let mut labels = BTreeMap::new();
    for tag in titles {
        let label = client.post("api/v2/labels", json!({ "title": tag }))?;
        labels.insert(tag, label["id"].clone());
    }
    for (project, tasks) in by_project {
        // Not the title that the real program uses: both may lie on one server.
        let title = format!("{project}_floor");
        let made = client.post("api/v2/projects", json!({ "title": title }))?;
        for tasks in tasks.chunks(BULK) {
            let path = format!("api/v2/projects/{}/tasks/bulk", made["id"]);
            let bodies: Vec<Value> = tasks.iter().map(|task| body(task)).collect();
            let made = client.post(&path, json!({ "tasks": bodies }))?;
            let made = made["tasks"].as_array().context("no tasks came back")?;
            if made.len() != tasks.len() {
                bail!("{} of {} tasks came back", made.len(), tasks.len());
            }
            for (task, made) in tasks.iter().zip(made) {
                let ids: Vec<Value> = tags(task).map(|tag| json!({ "id": labels[tag] })).collect();
                if !ids.is_empty() {
                    let path = format!("api/v2/tasks/{}/labels/bulk", made["id"]);
                    client.call(Method::PUT, &path, Some(json!({ "labels": ids })))?;
                }
            }
        }
    }
    Ok(())
}

fn tags(task: &Value) -> impl Iterator<Item = &str> {
    let tags = task["tags"].as_array().into_iter().flatten();
    tags.filter_map(Value::as_str)
}

fn body(task: &Value) -> Value {
    let due = task["due"].as_str().unwrap_or_default();
    let due = match due.as_bytes() {
        // 20270101T100000Z
        [_, _, _, _, _, _, _, _, b'T', ..] if due.len() == 16 && due.is_ascii() => format!(
            "{}-{}-{}T{}:{}:{}Z",
            &due[..4],
            &due[4..6],
            &due[6..8],
            &due[9..11],
            &due[11..13],
            &due[13..15]
        ),
        _ => String::new(),
    };
    json!({ "title": task["description"], "priority": 3, "due_date": due })
}

fn rows(page: &Value) -> &[Value] {
    page["items"].as_array().map_or(&[], Vec::as_slice)
}

/// A title that nothing has yet.
fn new_title() -> Result<String> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(format!("bench task at {}", now.as_nanos()))
}

fn patch(client: &mut Client, task: &Value, title: &str) -> Result<Value> {
    let path = format!("api/v2/tasks/{task}");
    client.call(Method::PATCH, &path, Some(json!({ "title": title })))
}

pub(crate) fn count() -> Result<Value> {
    let mut client = Client::new()?;
    let page = client.get("api/v2/tasks?sort_by=id&order_by=asc&per_page=1")?;
    let oldest = rows(&page).first().map(|task| &task["id"]);
    let info = client.get("api/v1/info")?;
    let projects = client.get(PROJECTS)?;
    let left = rows(&projects).iter().filter(|row| is_ours(row)).count();
    Ok(
        json!({ "tasks": page["total"], "oldest": oldest, "left": left, "version": info["version"] }),
    )
}

fn is_ours(row: &Value) -> bool {
    let title = row["title"].as_str().unwrap_or_default();
    title.starts_with(MARK)
}

pub(crate) fn clear() -> Result<Value> {
    let mut client = Client::new()?;
    let mut removed = 0;
    for (list, one) in [
        (PROJECTS, "api/v2/projects"),
        ("api/v2/labels?per_page=1000", "api/v2/labels"),
    ] {
        let page = client.get(list)?;
        for row in rows(&page).iter().filter(|row| is_ours(row)) {
            client.call(Method::DELETE, &format!("{one}/{}", row["id"]), None)?;
            removed += 1;
        }
    }
    Ok(json!({ "removed": removed }))
}

pub(crate) fn rename(task: u64) -> Result<Value> {
    let mut client = Client::new()?;
    patch(&mut client, &json!(task), &new_title()?)?;
    Ok(json!({ "id": task }))
}
