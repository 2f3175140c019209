//! Cases: how webhooks are signed, sent and given up.

use std::time::Duration;

use serde_json::json;

use super::super::delivery::signature;
use super::receiver::Receiver;
use super::target::{Target, holds, same};
use super::{Outcome, Stop};

/// Longer than all retries take.
const GIVEN_UP: Duration = Duration::from_secs(6);

/// A project with this receiver on `task.created` and `task.updated`.
async fn hooked(t: &Target, receiver: &Receiver, secret: &str) -> Result<(i64, i64), Stop> {
    let project = t.project("delivery").await?;
    let probe = Receiver::start(&[]).await?;
    let hook = probe.hook(t, project, &["task.created"], "").await?;
    t.task(project, json!({"title": "probe"})).await?;
    if probe.wait_for_count("a first event", 1).await.is_err() {
        return Err(Stop::Skipped("webhooks do not reach this host".to_owned()));
    }
    t.delete(&format!("/api/v1/projects/{project}/webhooks/{hook}"))
        .await?
        .want(200)?;
    let hook = receiver
        .hook(t, project, &["task.created", "task.updated"], secret)
        .await?;
    Ok((project, hook))
}

pub(super) async fn the_signature_covers_the_raw_body(t: &Target) -> Outcome {
    let receiver = Receiver::start(&[]).await?;
    let (project, _) = hooked(t, &receiver, "s3cret-for-tests").await?;
    t.task(project, json!({"title": "<sign> & seal"})).await?;
    let got = receiver.wait_for_count("a signed event", 1).await?;
    let sent = got[0].header("x-vikunja-signature");
    same(
        "signature",
        &json!(sent),
        json!(signature("s3cret-for-tests", &got[0].raw)),
    )?;
    let mut forged = got[0].raw.clone();
    if let Some(last) = forged.last_mut() {
        *last ^= 1;
    }
    holds(
        "one byte matters",
        signature("s3cret-for-tests", &forged) != sent,
    )?;
    same(
        "media type",
        &json!(got[0].header("content-type")),
        json!("application/json"),
    )?;
    holds(
        "User-Agent",
        got[0].header("user-agent").starts_with("Vikunja/"),
    )
}

pub(super) async fn failures_are_retried_five_times(t: &Target) -> Outcome {
    let receiver = Receiver::start(&[500, 404, 429, 500, 500, 500, 500, 500]).await?;
    let (project, _) = hooked(t, &receiver, "").await?;
    t.task(project, json!({"title": "x"})).await?;
    let got = receiver.wait_for_count("six tries", 6).await?;
    holds(
        "byte-identical",
        got.iter().all(|other| other.raw == got[0].raw),
    )?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    same("no seventh", &json!(receiver.got().len()), json!(6))
}

pub(super) async fn the_last_try_may_succeed(t: &Target) -> Outcome {
    let receiver = Receiver::start(&[500, 500, 500, 500]).await?;
    let (project, _) = hooked(t, &receiver, "").await?;
    t.task(project, json!({"title": "x"})).await?;
    receiver.wait_for_count("five tries", 5).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    same("no sixth", &json!(receiver.got().len()), json!(5))?;
    let redirect = Receiver::start(&[302]).await?;
    redirect.hook(t, project, &["task.created"], "").await?;
    t.task(project, json!({"title": "y"})).await?;
    redirect.wait_for_events(&["task.created"]).await.map(drop)
}

pub(super) async fn fast_updates_all_arrive(t: &Target) -> Outcome {
    let receiver = Receiver::start(&[]).await?;
    let (project, _) = hooked(t, &receiver, "").await?;
    let task = t.task(project, json!({"title": "x"})).await?;
    receiver.wait_for_events(&["task.created"]).await?;
    for priority in 1..=20 {
        t.update(task, json!({"title": "x", "priority": priority}))
            .await?;
    }
    let got = receiver.wait_for_count("20 events", 20).await?;
    // An event is filled when it is handled, so it may hold a later state, never an earlier one.
    let states: Vec<i64> = got
        .iter()
        .filter_map(|d| d.body["data"]["task"]["priority"].as_i64())
        .collect();
    holds(
        format!("the last state is among {states:?}"),
        states.contains(&20),
    )?;
    same("events", &json!(got.len()), json!(20))
}

pub(super) async fn a_long_outage_loses_the_event(t: &Target) -> Outcome {
    let receiver = Receiver::start(&[]).await?;
    let (project, _) = hooked(t, &receiver, "").await?;
    let port = url::Url::parse(receiver.url())
        .ok()
        .and_then(|url| url.port())
        .unwrap_or_default();
    drop(receiver);
    t.task(project, json!({"title": "lost"})).await?;
    tokio::time::sleep(GIVEN_UP).await;
    let receiver = Receiver::start_on(port, &[]).await?;
    t.task(project, json!({"title": "heard"})).await?;
    let got = receiver.wait_for_events(&["task.created"]).await?;
    same(
        "the next one",
        &got[0].body["data"]["task"]["title"],
        json!("heard"),
    )
}

pub(super) async fn a_deleted_hook_is_silent(t: &Target) -> Outcome {
    let receiver = Receiver::start(&[]).await?;
    let (project, hook) = hooked(t, &receiver, "").await?;
    t.delete(&format!("/api/v1/projects/{project}/webhooks/{hook}"))
        .await?
        .want(200)?;
    t.task(project, json!({"title": "x"})).await?;
    receiver.wait_for_events(&[]).await.map(drop)
}
