//! Cases: tokens, paths, error bodies, limits.

use serde_json::{Value, json};

use super::client::{Api, command};

#[tokio::test]
async fn t_auth_1_no_token_is_refused() {
    let api = Api::fresh().await;
    let answer = api.send("GET", "/api/v1/tasks", &[], None).await;
    let answer = answer.expect("an answer");
    assert!(answer.header("www-authenticate").starts_with("Bearer "));
    let body = answer.refused(401, "UNAUTHORIZED");
    assert_eq!(body["error_code"], 477);
}

#[tokio::test]
async fn t_auth_2_an_unknown_token_is_refused() {
    let api = Api::fresh().await;
    let body = json!({"sync_token": "*", "resource_types": ["items"]});
    let answer = api.call_as("unknown", "POST", "/sync", Some(body)).await;
    answer.expect("an answer").refused(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn t_path_1_paths_are_lower_case() {
    let api = Api::fresh().await;
    api.get("/Tasks").await.refused(404, "NOT_FOUND");
    api.get("/tasks").await.ok();
}

#[tokio::test]
async fn t_path_2_earlier_generations_are_gone() {
    let api = Api::fresh().await;
    for path in ["/rest/v2/tasks", "/sync/v9/sync", "/api/v9/sync"] {
        let answer = api.send("GET", path, &[], None).await.expect("an answer");
        assert_eq!(answer.status, 410, "{path}");
        assert!(answer.header("content-type").starts_with("text/plain"));
        assert!(answer.text.starts_with("This endpoint is deprecated"));
    }
}

#[tokio::test]
async fn t_path_3_sync_is_posted() {
    let api = Api::fresh().await;
    assert_eq!(api.get("/sync").await.status, 405);
}

#[tokio::test]
async fn t_err_1_an_error_body_has_every_key() {
    let api = Api::fresh().await;
    let body = api.get("/tasks/6fXXXXXXXXXXXXXX").await;
    let body = body.refused(404, "NOT_FOUND");
    assert_eq!(body["error_code"], 478);
    let keys = [
        "error",
        "error_code",
        "error_tag",
        "http_code",
        "error_extra",
    ];
    assert!(keys.iter().all(|key| !body[key].is_null()), "{body}");
}

#[tokio::test]
async fn t_lim_1_a_large_body_is_refused() {
    let api = Api::fresh().await;
    let large = "x".repeat(1 << 20);
    let answer = api.post("/tasks", json!({"content": large})).await;
    assert_eq!(answer.status, 413);
    assert_eq!(api.get("/tasks").await.ok()["results"], json!([]));
}

async fn partial(api: &Api, token: &Value) -> super::client::Answer {
    let body = json!({"sync_token": token, "resource_types": ["labels"]});
    api.post("/sync", body).await
}

#[tokio::test]
async fn t_lim_2_partial_syncs_are_limited() {
    let api = Api::fresh().await;
    let token = api.sync_token().await;
    for _ in 0..1000 {
        partial(&api, &token).await.ok();
    }
    assert_eq!(api.double.syncs_used(), (1000, 1));
    let answer = partial(&api, &token).await;
    let wait: i64 = answer.header("retry-after").parse().expect("seconds");
    let body = answer.refused(429, "LIMITS_REACHED");
    assert_eq!(body["error_code"], 35);
    assert!(wait > 0);
    assert_eq!(body["error_extra"]["retry_after"], wait);
    api.full(&["labels"]).await;
    api.double.clock().shift(wait);
    partial(&api, &token).await.ok();
}

#[tokio::test]
async fn t_lim_3_full_syncs_are_limited_apart() {
    let api = Api::fresh().await;
    let token = api.sync_token().await;
    for _ in 1..100 {
        api.full(&["labels"]).await;
    }
    let body = json!({"sync_token": "*", "resource_types": ["labels"]});
    let answer = api.post("/sync", body).await;
    answer.refused(429, "LIMITS_REACHED");
    partial(&api, &token).await.ok();
    assert_eq!(api.double.syncs_used(), (1, 100));
}

#[tokio::test]
async fn t_lim_4_a_hundred_and_one_commands_are_none() {
    let api = Api::fresh().await;
    let add = |_| command("item_add", json!({"content": "x"}));
    let commands: Vec<Value> = (0..101).map(add).collect();
    let answer = api.post("/sync", json!({"commands": commands})).await;
    assert_eq!(answer.status, 400);
    assert_eq!(api.count("x").await, 0);
    api.commands(&commands[..100]).await;
    assert_eq!(api.count("x").await, 100);
}
