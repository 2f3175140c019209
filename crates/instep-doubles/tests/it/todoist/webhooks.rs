//! Cases: webhooks and their way.

use std::collections::BTreeSet;

use instep_doubles::todoist::{Chaos, Webhook, signature};
use serde_json::{Value, json};

use super::client::{Api, id};
use super::receiver::Receiver;

const SECRET: &str = "client-secret-for-tests";
/// Seconds until a failed delivery is tried again.
const REDELIVERY: i64 = 15 * 60;

/// A double that tells a receiver of these events.
async fn hooked(answers: &[u16], events: &[&str]) -> (Api, Receiver) {
    let api = Api::fresh().await;
    let noon = "2026-11-22T12:00:00Z".parse().expect("a time");
    api.double.clock().freeze(noon);
    let receiver = Receiver::start(answers).await;
    api.double.add_webhook(Webhook {
        url: receiver.url.clone(),
        client_secret: SECRET.to_owned(),
        events: events.iter().map(|name| (*name).to_owned()).collect(),
    });
    (api, receiver)
}

#[tokio::test]
async fn t_wh_1_a_delivery_is_signed() {
    let (api, receiver) = hooked(&[], &[]).await;
    let task = api.task(json!({"content": "ä <b> & \"c\""})).await;
    let got = receiver.wait_for(1).await.remove(0);
    assert_eq!(got.method, "POST");
    assert_eq!(got.header("user-agent"), "Todoist-Webhooks");
    assert_ne!(got.header("x-todoist-delivery-id"), "");
    let signed = signature(SECRET, &got.raw);
    assert_eq!(got.header("x-todoist-hmac-sha256"), signed);
    // RFC 4231, test case 2.
    let known = signature("Jefe", b"what do ya want for nothing?");
    assert_eq!(known, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
    assert_eq!(got.body["event_name"], "item:added");
    assert_eq!(got.body["event_data"], task);
    assert_eq!(got.body["user_id"], task["user_id"]);
    assert!(got.body["initiator"]["email"].is_string());
}

#[tokio::test]
async fn t_wh_2_a_failed_delivery_comes_again_three_times() {
    let (api, receiver) = hooked(&[500, 204, 302, 500, 500], &["item:added"]).await;
    api.task(json!({"content": "x"})).await;
    for tries in 1..=4 {
        let got = receiver.wait_for(tries).await;
        assert_eq!(got.len(), tries, "it came too early");
        api.double.clock().shift(REDELIVERY);
    }
    // A fifth would come before this one, which is taken at the second try.
    api.double.clock().shift(REDELIVERY);
    api.task(json!({"content": "y"})).await;
    let got = receiver.wait_for(5).await;
    assert_eq!(got[4].body["event_data"]["content"], "y");
    let ids: BTreeSet<&str> = got[..4]
        .iter()
        .map(|delivery| delivery.header("x-todoist-delivery-id"))
        .collect();
    assert_eq!(ids.len(), 1);
    assert!(got[..4].iter().all(|delivery| delivery.raw == got[0].raw));
    assert_ne!(
        got[4].header("x-todoist-delivery-id"),
        ids.into_iter().next().expect("an id")
    );
}

#[tokio::test]
async fn t_wh_3_a_recurring_completion_is_an_update() {
    let (api, receiver) = hooked(&[], &["item:updated", "item:completed"]).await;
    let body = json!({"content": "daily", "due_string": "every day"});
    let before = api.task(body).await;
    let path = format!("/tasks/{}", id(&before));
    api.act(&format!("{path}/close")).await.done();
    let got = receiver.wait_for(1).await.remove(0);
    assert_eq!(got.body["event_name"], "item:updated");
    let extra = &got.body["event_data_extra"];
    assert_eq!(extra["update_intent"], "item_completed");
    assert_eq!(extra["old_item"], before);
    assert_eq!(got.body["event_data"]["due"]["date"], "2026-11-23");
    api.post(&path, json!({"content": "other"})).await.ok();
    let got = receiver.wait_for(2).await.remove(1);
    let extra = &got.body["event_data_extra"];
    assert_eq!(extra["update_intent"], "item_updated");
}

/// What a client knows that pulls whenever it hears something, and once at the end.
#[derive(Default)]
struct Known {
    token: Value,
    contents: BTreeSet<String>,
}

impl Known {
    async fn pull(&mut self, api: &Api) {
        for task in api.changed(&self.token.clone()).await {
            let content = task["content"].as_str().expect("text");
            self.contents.insert(content.to_owned());
        }
        self.token = api.sync_token().await;
    }
}

/// Adds two tasks under some chaos; gives the contents in the order they arrived.
async fn arrivals(chaos: Chaos, wanted: usize) -> Vec<String> {
    let (api, receiver) = hooked(&[], &["item:added"]).await;
    let mut known = Known {
        token: api.sync_token().await,
        ..Known::default()
    };
    api.double.set_chaos(chaos);
    for content in ["first", "second"] {
        api.task(json!({"content": content})).await;
    }
    let mut got = Vec::new();
    if wanted > 0 {
        got = receiver.wait_for(wanted).await;
        known.pull(&api).await;
    }
    // What says that nothing else was on its way.
    api.double.set_chaos(Chaos::Calm);
    api.task(json!({"content": "last"})).await;
    let all = receiver.wait_for(wanted + 1).await;
    assert_eq!(all[wanted].body["event_data"]["content"], "last");
    known.pull(&api).await;
    let wanted = ["first", "last", "second"].map(str::to_owned);
    assert_eq!(known.contents, BTreeSet::from(wanted));
    let content = |it: &super::receiver::Delivery| it.body["event_data"]["content"].clone();
    let contents = got.iter().map(content);
    contents
        .map(|content| content.as_str().expect("text").to_owned())
        .collect()
}

#[tokio::test]
async fn t_wh_4_whatever_arrives_a_pull_knows_all() {
    assert_eq!(arrivals(Chaos::Drop, 0).await, [""; 0]);
    let twice = ["first", "first", "second", "second"];
    assert_eq!(arrivals(Chaos::Duplicate, 4).await, twice);
    assert_eq!(arrivals(Chaos::Swap, 2).await, ["second", "first"]);
}
