//! Scripted faults and what a test can see of the traffic.

use std::time::{Duration, Instant};

use instep_doubles::todoist::{CommandFault, Effect, Fault, Options};
use serde_json::json;

use super::client::{Api, command, id};

#[tokio::test]
async fn a_status_comes_before_or_after_the_commit() {
    let busy = || Effect::Status {
        status: 429,
        retry_after: Some(7),
    };
    let faults = [
        (Fault::before_commit(busy()), 0),
        (Fault::after_commit(busy()), 1),
    ];
    for (fault, applied) in faults {
        let api = Api::fresh().await;
        api.double
            .set_fault(fault.method("POST").path("/tasks").first(1));
        let answer = api.post("/tasks", json!({"content": "x"})).await;
        assert_eq!(answer.header("retry-after"), "7");
        let body = answer.refused(429, "LIMITS_REACHED");
        assert_eq!(body["error_extra"]["retry_after"], 7);
        assert_eq!(api.count("x").await, applied);
    }
}

#[tokio::test]
async fn a_server_error_has_no_json() {
    let api = Api::fresh().await;
    let effect = Effect::Status {
        status: 503,
        retry_after: None,
    };
    api.double.set_fault(Fault::before_commit(effect).first(1));
    let answer = api.get("/tasks").await;
    assert_eq!((answer.status, answer.body.is_null()), (503, true));
    let seen = api.double.requests();
    let seen: Vec<Option<u16>> = seen.iter().map(|request| request.status).collect();
    assert_eq!(seen, [Some(503)]);
    assert_eq!(api.double.count("GET", "/tasks"), 1);
}

#[tokio::test]
async fn an_answer_can_be_late() {
    let api = Api::fresh().await;
    let wait = Duration::from_millis(120);
    api.double
        .set_fault(Fault::before_commit(Effect::Delay(wait)).first(1));
    let start = Instant::now();
    api.get("/tasks").await.ok();
    assert!(start.elapsed() >= wait);
}

#[tokio::test]
async fn every_answer_can_be_late() {
    let latency = Duration::from_millis(60);
    let options = Options {
        latency,
        ..Options::default()
    };
    let api = Api::start(options).await;
    let start = Instant::now();
    api.get("/tasks").await.ok();
    assert!(start.elapsed() >= latency);
}

#[tokio::test]
async fn bodies_can_be_wrong() {
    let api = Api::fresh().await;
    api.double
        .set_fault(Fault::before_commit(Effect::NotJson).first(1));
    let answer = api.get("/user").await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(answer.body.is_null());
    api.double
        .set_fault(Fault::after_commit(Effect::Html).first(1));
    assert!(api.get("/user").await.text.starts_with("<!DOCTYPE html>"));
    api.double
        .set_fault(Fault::after_commit(Effect::TruncatedBody).first(1));
    assert!(api.call("GET", "/user", None).await.is_err());
}

#[tokio::test]
async fn connections_can_be_refused() {
    let api = Api::fresh().await;
    api.get("/user").await.ok();
    api.double.refuse_connections().await;
    assert!(api.call("GET", "/user", None).await.is_err());
    api.double.accept_connections().await;
    api.get("/user").await.ok();
}

#[tokio::test]
async fn rest_calls_can_be_limited() {
    let options = Options {
        rest_calls: Some(3),
        ..Options::default()
    };
    let api = Api::start(options).await;
    let task = id(&api.task(json!({"content": "x"})).await);
    api.read(&task).await;
    api.read(&task).await;
    api.get("/tasks").await.refused(429, "LIMITS_REACHED");
    api.full(&["items"]).await;
    api.double.clock().shift(15 * 60);
    api.get("/tasks").await.ok();
}

#[tokio::test]
async fn a_token_can_be_revoked() {
    let api = Api::fresh().await;
    api.double.revoke_tokens();
    api.get("/user").await.refused(401, "UNAUTHORIZED");
    api.double.restore_token();
    api.get("/user").await.ok();
}

#[tokio::test]
async fn one_command_of_several_can_be_put_off() {
    let api = Api::fresh().await;
    api.double.set_command_fault(CommandFault {
        kind: "item_add".to_owned(),
        status: 429,
        retry_after: Some(5),
        times: 1,
    });
    let both = ["x", "y"].map(|content| command("item_add", json!({"content": content})));
    let status = |answer: &serde_json::Value, at: usize| {
        let uuid = both[at]["uuid"].as_str().expect("a uuid");
        answer["sync_status"][uuid].clone()
    };
    let first = api.commands(&both).await;
    assert_eq!(status(&first, 0)["http_code"], 429);
    assert_eq!(status(&first, 0)["error_extra"]["retry_after"], 5);
    assert_eq!(status(&first, 1), "ok");
    let again = api.commands(&both).await;
    assert_eq!(
        (status(&again, 0), status(&again, 1)),
        ("ok".into(), "ok".into())
    );
    assert_eq!((api.count("x").await, api.count("y").await), (1, 1));
}
