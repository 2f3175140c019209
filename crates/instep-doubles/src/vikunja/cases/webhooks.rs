//! Cases: which action announces what, and to whom.

use serde_json::{Value, json};

use super::receiver::Receiver;
use super::target::{Target, holds, same};
use super::{Outcome, Stop};

const ALL: &[&str] = &[
    "project.deleted",
    "project.updated",
    "task.assignee.created",
    "task.assignee.deleted",
    "task.attachment.created",
    "task.attachment.deleted",
    "task.comment.created",
    "task.comment.deleted",
    "task.comment.edited",
    "task.created",
    "task.deleted",
    "task.relation.created",
    "task.relation.deleted",
    "task.updated",
];

/// A project with a receiver for everything; skips where hooks do not reach this host.
async fn hooked(t: &Target) -> Result<(i64, Receiver), Stop> {
    let project = t.project("hooked").await?;
    let receiver = Receiver::start(&[]).await?;
    receiver.hook(t, project, ALL, "").await?;
    t.task(project, json!({"title": "probe"})).await?;
    match receiver.wait_for_count("a first event", 1).await {
        Ok(_) => {
            receiver.clear();
            Ok((project, receiver))
        }
        Err(_) => Err(Stop::Skipped("webhooks do not reach this host".to_owned())),
    }
}

pub(super) async fn task_events_carry_the_whole_task(t: &Target) -> Outcome {
    let (project, receiver) = hooked(t).await?;
    let body = json!({"title": "a <b> & c", "due_date": "2031-01-10T16:00:00Z"});
    let task = t.task(project, body).await?;
    let got = receiver.wait_for_events(&["task.created"]).await?;
    let data = &got[0].body["data"];
    let keys: Vec<&String> = data
        .as_object()
        .map(|map| map.keys().collect())
        .unwrap_or_default();
    same("keys", &json!(keys), json!(["doer", "project", "task"]))?;
    same("task", &data["task"]["id"], json!(task))?;
    same("project", &data["project"]["id"], json!(project))?;
    same("doer", &data["doer"]["id"], t.me().await?["id"].clone())?;
    same(
        "bucket",
        &data["task"]["buckets"][0]["title"],
        json!("To-Do"),
    )?;
    let raw = String::from_utf8_lossy(&got[0].raw).into_owned();
    holds(
        "escaped as Go does",
        raw.contains("a \\u003cb\\u003e \\u0026 c"),
    )?;
    holds("the raw title is absent", !raw.contains("<b>"))?;
    let label = t.label("hooked").await?;
    t.attach(task, label).await?;
    let got = receiver.wait_for_events(&["task.updated"]).await?;
    same(
        "label",
        &got[0].body["data"]["task"]["labels"][0]["id"],
        json!(label),
    )?;
    t.update(task, json!({})).await?;
    receiver.wait_for_events(&["task.updated"]).await?;
    t.edit(task, json!({})).await?;
    receiver.wait_for_events(&["task.updated"]).await?;
    t.delete(&format!("/api/v1/tasks/{task}"))
        .await?
        .want(200)?;
    let got = receiver.wait_for_events(&["task.deleted"]).await?;
    let gone = &got[0].body["data"]["task"];
    same("the deleted title", &gone["title"], json!("a <b> & c"))?;
    same("its label", &gone["labels"][0]["id"], json!(label))
}

/// An action on a task: method, path below the task, body, and what it announces.
type Action = (&'static str, String, Option<Value>, &'static [&'static str]);

/// Every action that has events of its own, on a task that has none of it yet.
fn actions(label: i64, other: i64, me: &Value) -> Vec<Action> {
    let relation = json!({"other_task_id": other, "relation_kind": "subtask"});
    let labels = json!({"labels": [{"id": label}]});
    let assigned: &[&str] = &["task.assignee.created", "task.updated"];
    let unassigned: &[&str] = &["task.assignee.deleted", "task.updated"];
    let comment = json!({"comment": "<p>hi</p>"});
    let unrelated = format!("/relations/subtask/{other}");
    let of = |path: &str| path.to_owned();
    vec![
        (
            "PUT",
            of("/labels"),
            Some(json!({"label_id": label})),
            &["task.updated"],
        ),
        ("POST", of("/labels/bulk"), Some(labels), &["task.updated"]),
        ("POST", of("/labels/bulk"), Some(json!({"labels": []})), &[]),
        (
            "PUT",
            of("/relations"),
            Some(relation),
            &["task.relation.created"],
        ),
        ("DELETE", unrelated, None, &["task.relation.deleted"]),
        (
            "PUT",
            of("/comments"),
            Some(comment),
            &["task.comment.created"],
        ),
        (
            "PUT",
            of("/assignees"),
            Some(json!({"user_id": me})),
            assigned,
        ),
        ("DELETE", format!("/assignees/{me}"), None, unassigned),
    ]
}

pub(super) async fn each_action_has_its_events(t: &Target) -> Outcome {
    let (project, receiver) = hooked(t).await?;
    let me = t.me().await?["id"].clone();
    let a = t.task(project, json!({"title": "a"})).await?;
    let b = t.task(project, json!({"title": "b"})).await?;
    receiver
        .wait_for_events(&["task.created", "task.created"])
        .await?;
    let label = t.label("events").await?;
    for (method, path, body, events) in actions(label, b, &me) {
        let answer = t
            .ask(method, &format!("/api/v1/tasks/{a}{path}"), body)
            .await?;
        holds(
            format!("{method} {path}: {}", answer.status),
            answer.status < 300,
        )?;
        let got = receiver.wait_for_events(events).await?;
        let about = got.iter().all(|d| d.body["data"]["task"]["id"] == json!(a));
        holds(format!("{method} {path} is about the base task"), about)?;
    }
    t.patch(&format!("/api/v2/tasks/{a}"), json!({"title": "a"}))
        .await?
        .want(304)?;
    t.post(&format!("/api/v1/labels/{label}"), json!({"title": "new"}))
        .await?
        .want(200)?;
    receiver.wait_for_events(&[]).await.map(drop)
}

pub(super) async fn a_moved_task_is_announced_in_its_new_project(t: &Target) -> Outcome {
    let (from, left) = hooked(t).await?;
    let (to, entered) = hooked(t).await?;
    let task = t.task(from, json!({"title": "mover"})).await?;
    left.wait_for_events(&["task.created"]).await?;
    t.edit(task, json!({"project_id": to})).await?;
    let got = entered.wait_for_events(&["task.updated"]).await?;
    same(
        "project",
        &got[0].body["data"]["task"]["project_id"],
        json!(to),
    )?;
    left.wait_for_events(&[]).await.map(drop)
}

pub(super) async fn a_project_delete_is_announced_on_its_own_hooks(t: &Target) -> Outcome {
    let (parent, above) = hooked(t).await?;
    let child = t
        .project_with(json!({"title": "child", "parent_project_id": parent}))
        .await?;
    let below = Receiver::start(&[]).await?;
    below.hook(t, child, ALL, "").await?;
    t.task(parent, json!({"title": "a"})).await?;
    above.wait_for_events(&["task.created"]).await?;
    t.delete(&format!("/api/v1/projects/{parent}"))
        .await?
        .want(200)?;
    let got = above.wait_for_events(&["project.deleted"]).await?;
    same(
        "parent",
        &got[0].body["data"]["project"]["id"],
        json!(parent),
    )?;
    let got = below.wait_for_events(&["project.deleted"]).await?;
    same("child", &got[0].body["data"]["project"]["id"], json!(child))
}

pub(super) async fn a_parent_hook_hears_the_child(t: &Target) -> Outcome {
    let (parent, receiver) = hooked(t).await?;
    let child = t
        .project_with(json!({"title": "child", "parent_project_id": parent}))
        .await?;
    t.task(child, json!({"title": "x"})).await?;
    let got = receiver.wait_for_events(&["task.created"]).await?;
    same(
        "hooked project",
        &got[0].body["data"]["project"]["id"],
        json!(parent),
    )?;
    same(
        "task's project",
        &got[0].body["data"]["task"]["project_id"],
        json!(child),
    )
}

pub(super) async fn secrets_are_never_shown(t: &Target) -> Outcome {
    let project = t.project("hooks").await?;
    let path = format!("/api/v1/projects/{project}/webhooks");
    let body = json!({"target_url": "https://hub.test/hook", "events": ["task.created"],
                      "secret": "s3cret", "basic_auth_user": "u", "basic_auth_password": "p"});
    let made = t.put(&path, body).await?.want(201)?;
    let listed = t.get(&path).await?.want(200)?;
    for shown in [&made.body, &listed.body[0]] {
        for key in ["secret", "basic_auth_user", "basic_auth_password"] {
            same(key, &shown[key], json!(""))?;
        }
    }
    let bad = |url: &str, events: Value| json!({"target_url": url, "events": events});
    for body in [
        bad("https://hub.test/hook", json!(["bogus"])),
        bad("https://hub.test/hook", json!([])),
        bad("ftp://hub.test/hook", json!(["task.created"])),
        json!({}),
    ] {
        t.put(&path, body).await?.refused(412, 2002)?;
    }
    let one = format!("{path}/{}", made.id()?);
    t.post(&one, json!({"events": ["task.deleted"]}))
        .await?
        .refused(412, 2002)?;
    let change = bad("https://elsewhere.test/", json!(["task.deleted"]));
    t.post(&one, change).await?.want(200)?;
    let listed = t.get(&path).await?.want(200)?.body;
    same("events", &listed[0]["events"], json!(["task.deleted"]))?;
    same(
        "address",
        &listed[0]["target_url"],
        json!("https://hub.test/hook"),
    )?;
    t.delete(&one).await?.want(200)?;
    t.delete(&one).await?.want(403)?;
    let names = t.get("/api/v1/webhooks/events").await?.want(200)?;
    same("event names", &json!(names.items().len()), json!(19))
}

pub(super) async fn the_second_api_manages_them_too(t: &Target) -> Outcome {
    let project = t.project("hooks").await?;
    let path = format!("/api/v2/projects/{project}/webhooks");
    let body = |events: Value| json!({"target_url": "https://hub.test/hook", "events": events});
    let mut new = body(json!(["task.created"]));
    new["secret"] = json!("s3cret");
    let made = t.post(&path, new).await?.want(201)?;
    same("secret", &made.body["secret"], json!(""))?;
    let one = format!("{path}/{}", made.id()?);
    let changed = t
        .put(&one, body(json!(["task.deleted"])))
        .await?
        .want(200)?;
    same("id", &changed.body["id"], made.body["id"].clone())?;
    let listed = t.get(&path).await?.want(200)?.body;
    same("total", &listed["total"], json!(1))?;
    let stored = &listed["items"][0];
    same("events", &stored["events"], json!(["task.deleted"]))?;
    same(
        "address",
        &stored["target_url"],
        json!("https://hub.test/hook"),
    )?;
    for body in [body(json!(["bogus"])), body(json!([])), json!({})] {
        t.post(&path, body).await?.refused(422, 2002)?;
    }
    let unknown = json!({"target_url": "https://hub.test/", "events": ["task.created"], "x": 1});
    t.post(&path, unknown).await?.want(422)?;
    t.delete(&one).await?.want(204)?;
    t.delete(&one).await?.want(403)?;
    t.put(&one, body(json!(["task.created"])))
        .await?
        .want(403)?;
    t.get("/api/v2/projects/99999999/webhooks")
        .await?
        .refused(404, 3001)?;
    let names = t.get("/api/v2/webhooks/events").await?.want(200)?;
    same(
        "event names",
        &json!(names.body.as_array().map(Vec::len)),
        json!(19),
    )
}

/// An archived project takes webhooks, and tells by them that it is archived no more.
pub(super) async fn an_archived_project_takes_webhooks(t: &Target) -> Outcome {
    let (project, probe) = hooked(t).await?;
    let path = format!("/api/v2/projects/{project}");
    t.patch(&path, json!({"is_archived": true}))
        .await?
        .want(200)?;
    probe.wait_for_events(&["project.updated"]).await?;
    let receiver = Receiver::start(&[]).await?;
    receiver.hook(t, project, &["project.updated"], "").await?;
    t.patch(&path, json!({"is_archived": false}))
        .await?
        .want(200)?;
    receiver
        .wait_for_events(&["project.updated"])
        .await
        .map(drop)
}

pub(super) async fn a_bot_is_its_own_doer(t: &Target) -> Outcome {
    let (ann, name) = t.stranger("ann").await?;
    let (project, receiver) = hooked(&ann).await?;
    let bot = json!({"username": format!("bot-{name}")});
    let bot = ann.put("/api/v1/user/bots", bot).await?.want(201)?.body;
    let share = json!({"username": bot["username"], "permission": 1});
    ann.put(&format!("/api/v1/projects/{project}/users"), share)
        .await?
        .want(201)?;
    let token = json!({"title": "bot", "expires_at": "2099-01-01T00:00:00Z",
                       "permissions": {"tasks": ["create"]}, "owner_id": bot["id"]});
    let token = ann.put("/api/v1/tokens", token).await?.want(201)?;
    let as_bot = t.with_token(token.body["token"].as_str().unwrap_or_default());
    as_bot.task(project, json!({"title": "x"})).await?;
    let got = receiver.wait_for_events(&["task.created"]).await?;
    let doer = &got[0].body["data"]["doer"];
    same("doer", &doer["id"], bot["id"].clone())?;
    same(
        "its owner",
        &doer["bot_owner_id"],
        ann.me().await?["id"].clone(),
    )?;
    ann.clean_up().await;
    Ok(())
}

pub(super) async fn a_lost_share_keeps_the_hook(t: &Target) -> Outcome {
    let (bob, bob_name) = t.stranger("bob").await?;
    let (project, own) = hooked(t).await?;
    let shares = format!("/api/v1/projects/{project}/users");
    t.put(&shares, json!({"username": bob_name, "permission": 1}))
        .await?
        .want(201)?;
    let receiver = Receiver::start(&[]).await?;
    receiver.hook(&bob, project, &["task.created"], "").await?;
    t.delete(&format!("{shares}/{bob_name}")).await?.want(200)?;
    t.task(project, json!({"title": "x"})).await?;
    receiver.wait_for_events(&["task.created"]).await?;
    own.wait_for_events(&["task.created"]).await.map(drop)
}
