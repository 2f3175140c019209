//! Cases: completing tasks that repeat.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::target::{Target, holds, same};
use super::{Outcome, Stop};

const DAY_SECS: i64 = 86_400;
const NO_DATE: &str = "0001-01-01T00:00:00Z";

fn second(value: &Value) -> Result<i64, Stop> {
    let text = value.as_str().unwrap_or_default();
    let parsed: Result<Timestamp, _> = text.parse();
    parsed
        .map(Timestamp::as_second)
        .map_err(|_| Stop::Failed(format!("not a date: {value}")))
}

fn text(second: i64) -> String {
    Timestamp::from_second(second).map_or_else(|_| NO_DATE.to_owned(), |at| at.to_string())
}

/// A daily task that was due three days ago, a little earlier in the day, with its due second.
async fn daily(t: &Target) -> Result<(i64, i64), Stop> {
    let project = t.project("daily").await?;
    let due = t.server_second().await? - 3 * DAY_SECS - 600;
    let body = json!({"title": "Water plants", "repeat_after": DAY_SECS, "due_date": text(due),
        "description": "<li data-checked=\"true\" data-type=\"taskItem\">pot</li>",
        "reminders": [{"relative_to": "due_date", "relative_period": -3600}]});
    Ok((t.task(project, body).await?, due))
}

fn rolled(task: &Value, due: i64) -> Outcome {
    same("done", &task["done"], json!(false))?;
    same(
        "due_date",
        &task["due_date"],
        json!(text(due + 4 * DAY_SECS)),
    )
}

pub(super) async fn an_interval_rolls_to_the_future(t: &Target) -> Outcome {
    let (task, due) = daily(t).await?;
    t.edit(task, json!({"done": true})).await?;
    let stored = t.read(task).await?;
    rolled(&stored, due)?;
    same("repeat_after", &stored["repeat_after"], json!(DAY_SECS))?;
    holds("done_at is set", stored["done_at"] != json!(NO_DATE))?;
    let reminder = text(due + 4 * DAY_SECS - 3600);
    same(
        "reminder",
        &stored["reminders"][0]["reminder"],
        json!(reminder),
    )?;
    let description = stored["description"].as_str().unwrap_or_default();
    holds(
        "the checklist is reset",
        description.contains("data-checked=\"false\""),
    )
}

pub(super) async fn a_partial_completion_ends_the_recurrence(t: &Target) -> Outcome {
    let (task, due) = daily(t).await?;
    t.update(task, json!({"done": true})).await?;
    let stored = t.read(task).await?;
    rolled(&stored, due)?;
    same("repeat_after", &stored["repeat_after"], json!(0))
}

pub(super) async fn monthly_keeps_the_day(t: &Target) -> Outcome {
    let project = t.project("monthly").await?;
    for (due, next) in [
        ("2026-01-15T09:30:00Z", "2026-02-15T09:30:00Z"),
        ("2026-01-31T09:00:00Z", "2026-03-03T09:00:00Z"),
        ("2025-12-05T00:00:00Z", "2026-01-05T00:00:00Z"),
    ] {
        let body = json!({"title": "Pay rent", "repeat_mode": 1, "due_date": due});
        let task = t.task(project, body).await?;
        t.edit(task, json!({"done": true})).await?;
        let stored = t.read(task).await?;
        same("done", &stored["done"], json!(false))?;
        same("due_date", &stored["due_date"], json!(next))?;
        same("repeat_mode", &stored["repeat_mode"], json!(1))?;
    }
    Ok(())
}

pub(super) async fn from_now_starts_at_completion(t: &Target) -> Outcome {
    let project = t.project("from now").await?;
    let body = json!({"title": "x", "repeat_mode": 2, "repeat_after": 3600,
                      "due_date": "2026-01-15T09:30:00Z", "start_date": "2026-01-15T09:00:00Z"});
    let task = t.task(project, body).await?;
    let before = t.server_second().await?;
    t.edit(task, json!({"done": true})).await?;
    let stored = t.read(task).await?;
    same("done", &stored["done"], json!(false))?;
    let due = second(&stored["due_date"])?;
    let window = before + 3600..=before + 3600 + 60;
    holds(
        format!("due {due} lies in {window:?}"),
        window.contains(&due),
    )?;
    same(
        "start",
        &json!(second(&stored["start_date"])?),
        json!(due - 1800),
    )
}

pub(super) async fn bucket_and_bulk_completion_roll_too(t: &Target) -> Outcome {
    let (task, due) = daily(t).await?;
    let project = t.read(task).await?["project_id"]
        .as_i64()
        .unwrap_or_default();
    let whole = t
        .get(&format!("/api/v1/projects/{project}"))
        .await?
        .want(200)?
        .body;
    let views = whole["views"].as_array().cloned().unwrap_or_default();
    let kanban = views
        .iter()
        .find(|view| view["view_kind"] == json!("kanban"));
    let kanban = kanban.ok_or_else(|| Stop::Failed("no kanban view".to_owned()))?;
    let (view, done) = (&kanban["id"], &kanban["done_bucket_id"]);
    let path = format!("/api/v1/projects/{project}/views/{view}/buckets/{done}/tasks");
    t.post(&path, json!({"task_id": task})).await?.want(200)?;
    let stored = t.read(task).await?;
    rolled(&stored, due)?;
    same("repeat_after", &stored["repeat_after"], json!(DAY_SECS))?;
    same("done_at", &stored["done_at"], json!(NO_DATE))?;

    let (task, due) = daily(t).await?;
    let body = json!({"task_ids": [task], "fields": ["done"], "values": {"done": true}});
    t.post("/api/v1/tasks/bulk", body).await?.want(200)?;
    let stored = t.read(task).await?;
    rolled(&stored, due)?;
    same("repeat_after", &stored["repeat_after"], json!(DAY_SECS))?;
    holds("done_at is set", stored["done_at"] != json!(NO_DATE))
}
