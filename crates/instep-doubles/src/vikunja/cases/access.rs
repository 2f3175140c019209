//! Cases: tokens, shares, limits, parallel writers.

use serde_json::{Value, json};

use super::target::{Target, holds, same};
use super::{Outcome, Stop};

pub(super) async fn a_missing_scope_looks_like_a_bad_token(t: &Target) -> Outcome {
    let (ann, _) = t.stranger("ann").await?;
    let project = ann.project("scopes").await?;
    let task = ann.task(project, json!({"title": "x"})).await?;
    let reader = ann
        .limited(json!({"tasks": ["read_all", "read_one"]}))
        .await?;
    let path = format!("/api/v1/tasks/{task}");
    reader.get(&path).await?.want(200)?;
    reader
        .post(&path, json!({"title": "y"}))
        .await?
        .refused(401, 11)?;
    let test = reader.get("/api/v1/token/test").await?.want(200)?;
    same("message", &test.body["message"], json!("ok"))?;
    t.with_token("")
        .get("/api/v1/tasks")
        .await?
        .refused(401, 11)?;
    let v2 = t.with_token("tk_0000").get("/api/v2/tasks").await?;
    v2.refused(401, 11)?;
    let bad = json!({"title": "x", "expires_at": "2099-01-01T00:00:00Z",
                     "permissions": {"tasks": ["nope"]}});
    ann.put("/api/v1/tokens", bad).await?.refused(400, 14002)?;
    let open = json!({"title": "x", "permissions": {"tasks": ["read_all"]}});
    ann.put("/api/v1/tokens", open).await?.refused(412, 2002)?;
    let past = json!({"title": "x", "expires_at": "2020-01-01T00:00:00Z",
                      "permissions": {"tasks": ["read_all"]}});
    let dead = ann.put("/api/v1/tokens", past).await?.want(201)?;
    let dead = t.with_token(dead.body["token"].as_str().unwrap_or_default());
    dead.get("/api/v1/tasks").await?.refused(401, 11)?;
    ann.clean_up().await;
    Ok(())
}

pub(super) async fn patch_needs_read_one(t: &Target) -> Outcome {
    let (ann, _) = t.stranger("ann").await?;
    let project = ann.project("patch").await?;
    let task = ann.task(project, json!({"title": "x"})).await?;
    let path = format!("/api/v2/tasks/{task}");
    let writer = ann.limited(json!({"tasks": ["update"]})).await?;
    writer
        .patch(&path, json!({"title": "y"}))
        .await?
        .want(401)?;
    let both = ann
        .limited(json!({"tasks": ["update", "read_one"]}))
        .await?;
    both.patch(&path, json!({"title": "y"})).await?.want(200)?;
    ann.clean_up().await;
    Ok(())
}

pub(super) async fn the_pre_auth_limit(t: &Target) -> Outcome {
    let nobody = t.with_token("");
    let wrong = json!({"username": "nobody", "password": "wrong-password"});
    let answer = nobody.post("/api/v1/login", wrong.clone()).await?;
    let limit: u64 = answer
        .header("x-ratelimit-limit")
        .parse()
        .unwrap_or(u64::MAX);
    if limit > 50 {
        return Err(Stop::Skipped(format!("the pre-auth limit is {limit}")));
    }
    for _ in 0..=limit {
        let answer = nobody.post("/api/v1/login", wrong.clone()).await?;
        if answer.status == 429 {
            same(
                "remaining",
                &json!(answer.header("x-ratelimit-remaining")),
                json!("0"),
            )?;
            holds("no Retry-After", answer.header("retry-after").is_empty())?;
            return same(
                "message",
                &answer.body["message"],
                json!("Too Many Requests"),
            );
        }
        answer.refused(403, 1011)?;
    }
    Err(Stop::Failed("the limit never came".to_owned()))
}

pub(super) async fn losing_a_share_is_403(t: &Target) -> Outcome {
    let (bob, bob_name) = t.stranger("bob").await?;
    let (ann, _) = t.stranger("ann").await?;
    let project = ann.project("shared").await?;
    let task = ann.task(project, json!({"title": "x"})).await?;
    let path = format!("/api/v1/tasks/{task}");
    bob.get(&path).await?.want(403)?;
    bob.post(&path, json!({"title": "y"})).await?.want(403)?;
    let shares = format!("/api/v1/projects/{project}/users");
    ann.put(&shares, json!({"username": bob_name, "permission": 0}))
        .await?
        .want(201)?;
    let before = bob.read(task).await?;
    bob.post(&path, json!({"title": "y"})).await?.want(403)?;
    ann.next_second().await?;
    ann.delete(&format!("{shares}/{bob_name}"))
        .await?
        .want(200)?;
    let refused = bob.get(&path).await?.want(403)?;
    same("code", &refused.body["code"], json!(0))?;
    ann.unmoved(task, &before).await?;
    ann.clean_up().await;
    Ok(())
}

pub(super) async fn favourites_are_per_user(t: &Target) -> Outcome {
    let (bob, bob_name) = t.stranger("bob").await?;
    let (ann, _) = t.stranger("ann").await?;
    let project = ann.project("shared").await?;
    let task = ann
        .task(project, json!({"title": "x", "is_favorite": true}))
        .await?;
    let share = json!({"username": bob_name, "permission": 1});
    ann.put(&format!("/api/v1/projects/{project}/users"), share)
        .await?
        .want(201)?;
    let his = bob.read(task).await?;
    same("bob's view", &his["is_favorite"], json!(false))?;
    bob.update(task, his).await?;
    same(
        "ann's view",
        &ann.read(task).await?["is_favorite"],
        json!(true),
    )?;
    ann.clean_up().await;
    Ok(())
}

pub(super) async fn parallel_writers_fail_on_sqlite(t: &Target) -> Outcome {
    let sqlite = t.is_sqlite().await?;
    let project = t.project("writers").await?;
    let path = format!("/api/v2/projects/{project}/tasks/bulk");
    let many: Vec<Value> = (0..16).map(|n| json!({"title": format!("{n}")})).collect();
    let made = t.post(&path, json!({"tasks": many})).await?.want(201)?;
    let made = made.body["tasks"].as_array().cloned().unwrap_or_default();
    let ids: Vec<i64> = made.iter().filter_map(|task| task["id"].as_i64()).collect();
    let mut failures = 0;
    for round in 0..4 {
        let writes = ids
            .iter()
            .map(|id| write_once(t, *id, format!("round {round}")));
        let outcomes = join(writes.collect()).await;
        for (id, outcome) in ids.iter().zip(outcomes) {
            let stored = t.read(*id).await?["title"] == json!(format!("round {round}"));
            match outcome? {
                200 => holds("an accepted write is stored", stored)?,
                500 if sqlite => {
                    failures += 1;
                    holds("a refused write is not stored", !stored)?;
                }
                status => return Err(Stop::Failed(format!("a write was answered {status}"))),
            }
        }
    }
    holds("some writes were refused", !sqlite || failures > 0)
}

async fn write_once(t: &Target, id: i64, title: String) -> Result<u16, Stop> {
    let body = json!({"title": title}).to_string().into_bytes();
    let kind = [("content-type", "application/json")];
    Ok(
        t.send("POST", &format!("/api/v1/tasks/{id}"), &kind, Some(body))
            .await?
            .status,
    )
}

/// Runs all futures at once and gives their outputs in order.
async fn join<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(|f| (Box::pin(f), None)).collect();
    std::future::poll_fn(move |cx| {
        for (future, output) in &mut running {
            if output.is_none()
                && let std::task::Poll::Ready(done) = future.as_mut().poll(cx)
            {
                *output = Some(done);
            }
        }
        if running.iter().any(|(_, output)| output.is_none()) {
            return std::task::Poll::Pending;
        }
        let outputs = running.iter_mut().filter_map(|(_, output)| output.take());
        std::task::Poll::Ready(outputs.collect())
    })
    .await
}

pub(super) async fn unknown_routes_and_methods(t: &Target) -> Outcome {
    for path in ["/api/v1/nosuchroute", "/api/v2/nosuchroute"] {
        let answer = t.get(path).await?.want(404)?;
        same("body", &answer.body, json!({"message": "Not Found"}))?;
    }
    let project = t.project("methods").await?;
    let path = format!("/api/v1/projects/{project}/tasks");
    let answer = t.post(&path, json!({"title": "x"})).await?.want(405)?;
    same(
        "body",
        &answer.body,
        json!({"message": "Method Not Allowed"}),
    )?;
    t.get("/api/v1/tasks/abc").await?.refused(400, 2004)?;
    t.get("/api/v2/tasks/abc").await?.want(422).map(drop)
}
