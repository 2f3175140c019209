//! Cases: creating, replacing, moving and deleting single tasks.

use serde_json::{Value, json};

use super::target::{Answer, Target, holds, same};
use super::{Outcome, Stop};

const NO_DATE: &str = "0001-01-01T00:00:00Z";

/// A task with everything set, and its label.
async fn full_task(t: &Target, project: i64) -> Result<(i64, i64), Stop> {
    let me = t.me().await?["id"].clone();
    let body = json!({
        "title": "Paint fence", "description": "<p>two coats</p>", "priority": 3,
        "due_date": "2031-01-10T16:00:00Z", "start_date": "2031-01-08T08:00:00Z",
        "end_date": "2031-01-10T18:00:00Z", "percent_done": 0.25, "hex_color": "#00ff88",
        "is_favorite": true, "assignees": [{"id": me}],
        "reminders": [{"reminder": "2031-01-09T08:00:00Z"}],
    });
    let task = t.task(project, body).await?;
    let label = t.label("fence").await?;
    t.attach(task, label).await?;
    Ok((task, label))
}

fn has_label(task: &Value, label: i64) -> Result<(), Stop> {
    let ids: Vec<i64> = task["labels"]
        .as_array()
        .map(|labels| {
            labels
                .iter()
                .filter_map(|label| label["id"].as_i64())
                .collect()
        })
        .unwrap_or_default();
    holds(format!("wanted label {label}, got {ids:?}"), ids == [label])
}

fn is_reset(task: &Value) -> Outcome {
    same("description", &task["description"], json!(""))?;
    same("priority", &task["priority"], json!(0))?;
    for date in ["due_date", "start_date", "end_date"] {
        same(date, &task[date], json!(NO_DATE))?;
    }
    for list in ["reminders", "assignees"] {
        same(list, &task[list], Value::Null)?;
    }
    same("hex_color", &task["hex_color"], json!(""))?;
    same("percent_done", &task["percent_done"], json!(0))?;
    same("is_favorite", &task["is_favorite"], json!(false))
}

pub(super) async fn a_partial_update_resets_the_rest(t: &Target) -> Outcome {
    let project = t.project("partial").await?;
    let (task, label) = full_task(t, project).await?;
    t.update(task, json!({"done": true})).await?;
    let stored = t.read(task).await?;
    same("title", &stored["title"], json!("Paint fence"))?;
    same("project", &stored["project_id"], json!(project))?;
    same("done", &stored["done"], json!(true))?;
    holds("done_at is set", stored["done_at"] != json!(NO_DATE))?;
    has_label(&stored, label)?;
    is_reset(&stored)
}

pub(super) async fn an_empty_update_resets_all_but_title_and_project(t: &Target) -> Outcome {
    let project = t.project("empty").await?;
    let (task, label) = full_task(t, project).await?;
    let before = t.read(task).await?;
    t.next_second().await?;
    t.update(task, json!({})).await?;
    let stored = t.read(task).await?;
    same("title", &stored["title"], json!("Paint fence"))?;
    holds("updated moved", stored["updated"] != before["updated"])?;
    has_label(&stored, label)?;
    is_reset(&stored)
}

pub(super) async fn dates_clear_by_null_and_zero_time_and_refuse_the_rest(t: &Target) -> Outcome {
    let project = t.project("dates").await?;
    let dated = json!({"title": "dated", "due_date": "2031-01-10T16:00:00Z"});
    let task = t.task(project, dated.clone()).await?;
    for clear in [Value::Null, json!(NO_DATE)] {
        t.update(task, dated.clone()).await?;
        t.update(task, json!({"due_date": clear})).await?;
        same("due_date", &t.read(task).await?["due_date"], json!(NO_DATE))?;
    }
    t.update(task, dated).await?;
    for bad in ["2026-08-10", ""] {
        let answer = t
            .post(&format!("/api/v1/tasks/{task}"), json!({"due_date": bad}))
            .await?;
        answer.refused(400, 2004)?;
    }
    same(
        "due_date",
        &t.read(task).await?["due_date"],
        json!("2031-01-10T16:00:00Z"),
    )
}

pub(super) async fn labels_in_an_update_are_echoed_and_not_stored(t: &Target) -> Outcome {
    let project = t.project("labels").await?;
    let (task, label) = full_task(t, project).await?;
    let other = t.label("other").await?;
    let answer = t
        .update(task, json!({"title": "x", "labels": [{"id": other}]}))
        .await?;
    same("echo", &answer["labels"][0]["id"], json!(other))?;
    has_label(&t.read(task).await?, label)
}

pub(super) async fn labels_in_a_creation_are_not_stored(t: &Target) -> Outcome {
    let project = t.project("labels").await?;
    let label = t.label("kept out").await?;
    let task = t
        .task(project, json!({"title": "x", "labels": [{"id": label}]}))
        .await?;
    same("labels", &t.read(task).await?["labels"], Value::Null)
}

pub(super) async fn a_task_needs_a_title(t: &Target) -> Outcome {
    let project = t.project("titles").await?;
    let path = format!("/api/v1/projects/{project}/tasks");
    for body in [json!({}), json!({"title": ""})] {
        t.put(&path, body).await?.refused(400, 4001)?;
    }
    let path = format!("/api/v2/projects/{project}/tasks");
    t.post(&path, json!({})).await?.refused(400, 4001)?;
    t.post(&path, json!({"title": ""}))
        .await?
        .want(422)
        .map(drop)
}

pub(super) async fn the_whole_object_sent_back_changes_nothing(t: &Target) -> Outcome {
    let project = t.project("round trip").await?;
    let (task, _) = full_task(t, project).await?;
    let before = t.read(task).await?;
    t.next_second().await?;
    t.update(task, before.clone()).await?;
    let mut after = t.read(task).await?;
    holds("updated moved", after["updated"] != before["updated"])?;
    after["updated"] = before["updated"].clone();
    same("the task", &after, before)
}

pub(super) async fn reopening_clears_done_at(t: &Target) -> Outcome {
    let project = t.project("reopen").await?;
    let task = t.task(project, json!({"title": "x"})).await?;
    t.edit(task, json!({"done": true})).await?;
    holds(
        "done_at is set",
        t.read(task).await?["done_at"] != json!(NO_DATE),
    )?;
    t.edit(task, json!({"done": false})).await?;
    same("done_at", &t.read(task).await?["done_at"], json!(NO_DATE))
}

pub(super) async fn staying_done_keeps_done_at(t: &Target) -> Outcome {
    let project = t.project("stay done").await?;
    let task = t.task(project, json!({"title": "x"})).await?;
    t.edit(task, json!({"done": true})).await?;
    let before = t.read(task).await?;
    t.next_second().await?;
    let answer = t.update(task, json!({"title": "x", "done": true})).await?;
    same(
        "done_at in the response",
        &answer["done_at"],
        json!(NO_DATE),
    )?;
    same(
        "stored done_at",
        &t.read(task).await?["done_at"],
        before["done_at"].clone(),
    )
}

pub(super) async fn moving_gives_a_new_index(t: &Target) -> Outcome {
    let (from, to) = (t.project("from").await?, t.project("to").await?);
    t.task(to, json!({"title": "first there"})).await?;
    let task = t.task(from, json!({"title": "mover"})).await?;
    let label = t.label("stays").await?;
    t.attach(task, label).await?;
    t.edit(task, json!({"project_id": to})).await?;
    let stored = t.read(task).await?;
    same("project", &stored["project_id"], json!(to))?;
    same("index", &stored["index"], json!(2))?;
    same("identifier", &stored["identifier"], json!("#2"))?;
    has_label(&stored, label)?;
    let left = t
        .get(&format!("/api/v1/projects/{from}/tasks"))
        .await?
        .ids();
    holds("it left its project", left.is_empty())
}

pub(super) async fn deleting_is_final(t: &Target) -> Outcome {
    let project = t.project("delete").await?;
    let task = t.task(project, json!({"title": "x"})).await?;
    let path = format!("/api/v1/tasks/{task}");
    let answer = t.delete(&path).await?.want(200)?;
    same(
        "message",
        &answer.body["message"],
        json!("Successfully deleted."),
    )?;
    t.get(&path).await?.refused(404, 4002)?;
    t.delete(&path).await?.refused(404, 4002)?;
    t.post(&path, json!({"title": "y"}))
        .await?
        .refused(404, 4002)?;
    let listed = t
        .get(&format!("/api/v1/projects/{project}/tasks"))
        .await?
        .ids();
    holds("it is not listed", listed.is_empty())?;
    let next = t.task(project, json!({"title": "next"})).await?;
    same(
        "the index is not used again",
        &t.read(next).await?["index"],
        json!(2),
    )
}

pub(super) async fn reminders_follow_their_date(t: &Target) -> Outcome {
    let project = t.project("reminders").await?;
    let body = json!({"title": "x", "due_date": "2031-02-01T10:00:00Z", "reminders": [
        {"relative_to": "due_date", "relative_period": -3600},
        {"reminder": "2031-01-31T18:00:00Z"},
    ]});
    let task = t.task(project, body).await?;
    let stored = t.read(task).await?;
    let absolute = json!({"reminder": "2031-01-31T18:00:00Z", "relative_period": 0,
                          "relative_to": ""});
    let relative =
        |at: &str| json!({"reminder": at, "relative_period": -3600, "relative_to": "due_date"});
    let wanted = json!([absolute, relative("2031-02-01T09:00:00Z")]);
    same("reminders", &stored["reminders"], wanted)?;
    t.edit(task, json!({"due_date": "2031-02-02T10:00:00Z"}))
        .await?;
    let wanted = json!([absolute, relative("2031-02-02T09:00:00Z")]);
    same("reminders", &t.read(task).await?["reminders"], wanted)
}

pub(super) async fn a_reminder_needs_its_reference(t: &Target) -> Outcome {
    let project = t.project("reminders").await?;
    let path = format!("/api/v1/projects/{project}/tasks");
    let body = json!({"title": "x", "reminders": [{"relative_period": -60}]});
    t.put(&path, body).await?.refused(400, 4022)
}

pub(super) async fn stamps_are_whole_seconds_except_in_responses_to_creation(
    t: &Target,
) -> Outcome {
    let project = t.project("stamps").await?;
    let body = json!({"title": "x", "due_date": "2031-01-10T16:00:00.5+02:00"});
    let path = format!("/api/v1/projects/{project}/tasks");
    let made = t.put(&path, body).await?.want(201)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    holds(
        "nanoseconds in a creation",
        text(&made.body["created"]).contains('.'),
    )?;
    same(
        "the sent date is echoed",
        &made.body["due_date"],
        json!("2031-01-10T16:00:00.5+02:00"),
    )?;
    let task = made.id()?;
    let stored = t.read(task).await?;
    for stamp in ["created", "updated", "due_date"] {
        holds(
            format!("whole seconds in {stamp}"),
            !text(&stored[stamp]).contains('.'),
        )?;
    }
    let answer = t.edit(task, json!({"done": true})).await?;
    holds(
        "nanoseconds of done_at",
        text(&answer["done_at"]).contains('.'),
    )?;
    holds(
        "whole seconds of updated",
        !text(&answer["updated"]).contains('.'),
    )
}

pub(super) async fn dates_come_in_the_service_zone(t: &Target) -> Outcome {
    let project = t.project("zone").await?;
    if t.project_stamp(project)
        .await?
        .as_str()
        .is_none_or(|text| text.ends_with('Z'))
    {
        return Err(Stop::Skipped("the service runs in UTC".to_owned()));
    }
    let body = json!({"title": "x", "due_date": "2031-07-01T10:00:00Z"});
    let task = t.task(project, body).await?;
    let before = t.read(task).await?;
    let due = before["due_date"].as_str().unwrap_or_default();
    let instant: jiff::Timestamp = due
        .parse()
        .map_err(|_| Stop::Failed(format!("due_date is {due}")))?;
    holds("an offset", !due.ends_with('Z'))?;
    same(
        "the instant",
        &json!(instant.to_string()),
        json!("2031-07-01T10:00:00Z"),
    )?;
    same("no date", &before["start_date"], json!(NO_DATE))?;
    t.update(task, before.clone()).await?;
    let after = t.read(task).await?;
    same("due_date", &after["due_date"], before["due_date"].clone())?;
    same("start_date", &after["start_date"], json!(NO_DATE))
}

pub(super) async fn the_body_id_wins_in_v1(t: &Target) -> Outcome {
    let (one, two) = (t.project("one").await?, t.project("two").await?);
    let first = t.task(one, json!({"title": "first"})).await?;
    let second = t.task(one, json!({"title": "second"})).await?;
    t.update(first, json!({"id": second, "title": "by body"}))
        .await?;
    same("first", &t.read(first).await?["title"], json!("first"))?;
    same("second", &t.read(second).await?["title"], json!("by body"))?;
    let path = format!("/api/v1/tasks/{first}");
    t.post(&path, json!({"id": 0, "title": "x"}))
        .await?
        .refused(404, 4002)?;
    let body = json!({"id": second, "title": "by address"});
    t.put(&format!("/api/v2/tasks/{first}"), body)
        .await?
        .want(200)?;
    same("first", &t.read(first).await?["title"], json!("by address"))?;
    let landed = |answer: Answer| answer.body["project_id"].clone();
    let body = json!({"title": "x", "project_id": two});
    let v1 = t
        .put(&format!("/api/v1/projects/{one}/tasks"), body.clone())
        .await?
        .want(201)?;
    same("v1 creation", &landed(v1), json!(two))?;
    let v2 = t
        .post(&format!("/api/v2/projects/{one}/tasks"), body)
        .await?
        .want(201)?;
    same("v2 creation", &landed(v2), json!(one))
}

pub(super) async fn a_stale_write_wins_without_a_conflict(t: &Target) -> Outcome {
    let project = t.project("stale").await?;
    let task = t
        .task(project, json!({"title": "x", "priority": 1}))
        .await?;
    let stale = t.read(task).await?;
    t.edit(task, json!({"priority": 4})).await?;
    let mut late = stale;
    late["title"] = json!("late");
    t.update(task, late).await?;
    let stored = t.read(task).await?;
    same("title", &stored["title"], json!("late"))?;
    same("priority", &stored["priority"], json!(1))
}

pub(super) async fn a_description_is_stored_verbatim(t: &Target) -> Outcome {
    let project = t.project("verbatim").await?;
    let marker = format!("ref-{}", jiff::Timestamp::now().as_nanosecond());
    let text = format!("<!-- {marker} --><script>alert(1)</script><p>a &amp; b</p>");
    let task = t
        .task(project, json!({"title": "x", "description": text}))
        .await?;
    same(
        "description",
        &t.read(task).await?["description"],
        json!(text),
    )?;
    let found = t
        .filtered("/api/v1/tasks", &format!("description like '{marker}'"))
        .await?;
    holds("the marker finds it", found.ids() == [task])
}

pub(super) async fn attachments_are_added_silently(t: &Target) -> Outcome {
    let project = t.project("attachments").await?;
    let task = t.task(project, json!({"title": "x"})).await?;
    let before = t.read(task).await?;
    t.next_second().await?;
    let form = "--mark\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.txt\"\r\n\
                Content-Type: text/plain\r\n\r\nhello\r\n--mark--\r\n";
    let kind = [("content-type", "multipart/form-data; boundary=mark")];
    let path = format!("/api/v1/tasks/{task}/attachments");
    let sent = t
        .send("PUT", &path, &kind, Some(form.into()))
        .await?
        .want(200)?;
    let id = sent.body["success"][0]["id"].as_i64().unwrap_or_default();
    let after = t.unmoved(task, &before).await?;
    same(
        "name",
        &after["attachments"][0]["file"]["name"],
        json!("a.txt"),
    )?;
    same("size", &after["attachments"][0]["file"]["size"], json!(5))?;
    t.delete(&format!("{path}/{id}")).await?.want(200)?;
    same(
        "attachments",
        &t.moved(task, &before).await?["attachments"],
        Value::Null,
    )
}
