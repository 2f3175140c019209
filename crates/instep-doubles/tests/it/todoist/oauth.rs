//! Cases: OAuth with refresh tokens.

use serde_json::Value;

use super::client::{Answer, Api};

const APP: (&str, &str) = ("app", "app-secret");

async fn token_call(api: &Api, fields: &[(&str, &str)]) -> Answer {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("client_id", APP.0)
        .append_pair("client_secret", APP.1)
        .extend_pairs(fields);
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let answer = api.send("POST", "/oauth/access_token", &headers, Some(form.finish()));
    answer.await.expect("an answer")
}

async fn refresh(api: &Api, token: &Value) -> Answer {
    let token = token.as_str().expect("a token");
    let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
    token_call(api, &fields).await
}

/// A double on which an app was given its first tokens.
async fn connected(scope: &str) -> (Api, Value) {
    let api = Api::fresh().await;
    api.double.add_app(APP.0, APP.1);
    let code = api.double.authorize(APP.0, scope);
    let fields = [("grant_type", "authorization_code"), ("code", &code)];
    let tokens = token_call(&api, &fields).await.ok();
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 3600);
    assert_eq!(tokens["scope"], scope);
    (api, tokens)
}

async fn status(api: &Api, access: &Value, method: &str, path: &str) -> u16 {
    let token = access.as_str().expect("a token");
    let answer = api.call_as(token, method, path, None).await;
    answer.expect("an answer").status
}

const SCOPE: &str = "data:read_write,data:delete";

#[tokio::test]
async fn t_oau_1_a_used_refresh_token_is_good_for_a_minute() {
    let (api, first) = connected(SCOPE).await;
    let second = refresh(&api, &first["refresh_token"]).await.ok();
    assert_ne!(second["access_token"], first["access_token"]);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    api.double.clock().shift(50);
    let again = refresh(&api, &first["refresh_token"]).await.ok();
    assert_eq!(again["access_token"], second["access_token"]);
    assert!(again.get("refresh_token").is_none());
    assert_eq!(
        status(&api, &again["access_token"], "GET", "/user").await,
        200
    );
    refresh(&api, &second["refresh_token"]).await.ok();
}

#[tokio::test]
async fn t_oau_2_after_that_every_token_is_revoked() {
    let (api, first) = connected(SCOPE).await;
    let second = refresh(&api, &first["refresh_token"]).await.ok();
    api.double.clock().shift(61);
    let access = &second["access_token"];
    assert_eq!(status(&api, access, "GET", "/user").await, 200);
    let replay = refresh(&api, &first["refresh_token"]).await;
    assert_eq!(
        (replay.status, &replay.body["error"]),
        (400, &"invalid_grant".into())
    );
    assert_eq!(status(&api, access, "GET", "/user").await, 401);
    let next = refresh(&api, &second["refresh_token"]).await;
    assert_eq!(
        (next.status, &next.body["error"]),
        (400, &"invalid_grant".into())
    );
    api.get("/user").await.ok();
}

#[tokio::test]
async fn an_access_token_lasts_an_hour() {
    let (api, tokens) = connected(SCOPE).await;
    let access = &tokens["access_token"];
    api.double.clock().shift(3590);
    assert_eq!(status(&api, access, "GET", "/tasks").await, 200);
    api.double.clock().shift(20);
    assert_eq!(status(&api, access, "GET", "/tasks").await, 401);
}

#[tokio::test]
async fn a_scope_allows_what_it_says() {
    let (api, tokens) = connected("data:read").await;
    let access = &tokens["access_token"];
    let task = api.task_id(serde_json::json!({"content": "x"})).await;
    let path = format!("/tasks/{task}");
    assert_eq!(status(&api, access, "GET", &path).await, 200);
    assert_eq!(status(&api, access, "DELETE", &path).await, 403);
    let path = format!("{path}/close");
    assert_eq!(status(&api, access, "POST", &path).await, 403);
}

#[tokio::test]
async fn a_person_is_sent_back_with_a_code() {
    let api = Api::fresh().await;
    api.double.add_app(APP.0, APP.1);
    let back = "http%3A%2F%2F127.0.0.1%3A9%2Fback";
    let path = format!("/oauth/authorize?client_id=app&scope={SCOPE}&state=s&redirect_uri={back}");
    let answer = api.send("GET", &path, &[], None).await.expect("an answer");
    assert_eq!(answer.status, 302);
    let to = url::Url::parse(answer.header("location")).expect("an address");
    let pairs: std::collections::HashMap<_, _> = to.query_pairs().into_owned().collect();
    assert_eq!(pairs["state"], "s");
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", pairs["code"].as_str()),
    ];
    token_call(&api, &fields).await.ok();
    let spent = token_call(&api, &fields).await;
    assert_eq!(spent.body["error"], "bad_authorization_code");
}
