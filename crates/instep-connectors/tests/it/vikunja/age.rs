//! A server whose database was put back from a copy.

use instep_contract::{Connector, Look};
use serde_json::json;

use super::server::{Server, Watch, on_double, on_each};

/// Some time goes by, in which the account comes to rest.
async fn rest(watch: &mut Watch, server: &Server) {
    watch.settle(server).await;
    server.pass(60).await;
}

/// I6: it is told in a look for changes, until a look at everything has been taken over.
#[tokio::test]
async fn i6_a_copy_that_was_put_back_is_told() {
    let server = on_double().await;
    let double = server.double.as_ref().expect("a double");
    let inbox = server.inbox().await;
    server.make_task(inbox, json!({ "title": "a" })).await;
    let (mut watch, seen) = Watch::start(&server).await;
    assert!(!seen.went_back);
    rest(&mut watch, &server).await;
    let copy = double.copy();
    server.make_task(inbox, json!({ "title": "later" })).await;
    let (seen, _) = watch.look().await;
    assert!(!seen.went_back);
    rest(&mut watch, &server).await;
    double.put_back(&copy);
    for _ in 0..2 {
        let (seen, _) = watch.look().await;
        assert!(seen.went_back && seen.tasks.is_empty() && seen.gone.is_empty());
    }
    let cursor = watch.cursor.clone();
    let everything = watch.connector.observe(Some(&cursor), Look::Everything);
    let seen = everything.await.expect("a look");
    assert!(seen.went_back);
    assert_eq!(seen.gone.len(), 1);
    watch.cursor = seen.cursor;
    assert!(!watch.look().await.0.went_back);
}

/// What was only edited since the copy was made is told too: nothing is missing then.
#[tokio::test]
async fn i6_a_copy_that_lacks_edits_alone_is_told() {
    let server = on_double().await;
    let double = server.double.as_ref().expect("a double");
    let task = server
        .make_task(server.inbox().await, json!({ "title": "a" }))
        .await;
    let (mut watch, _) = Watch::start(&server).await;
    rest(&mut watch, &server).await;
    let copy = double.copy();
    server.patch_task(task, json!({ "title": "b" })).await;
    watch.look().await;
    rest(&mut watch, &server).await;
    double.put_back(&copy);
    assert!(watch.look().await.0.went_back);
}

/// No false alarm: whatever a person does, time goes forward.
#[tokio::test]
async fn what_a_person_does_is_no_older_copy() {
    on_each(async |server| {
        let inbox = server.inbox().await;
        let home = server.make_project("Home", 0).await;
        let mut ids = Vec::new();
        for title in ["a", "b", "c"] {
            ids.push(server.make_task(inbox, json!({ "title": title })).await);
        }
        let (mut watch, _) = Watch::start(server).await;
        server.pass(3).await;
        server.delete_task(ids[2]).await;
        assert!(!watch.look().await.0.went_back);
        server.pass(3).await;
        let moved = json!({ "project_id": home });
        server.patch_task(ids[1], moved).await;
        assert!(!watch.look().await.0.went_back);
        server.pass(3).await;
        let archived = json!({ "is_archived": true });
        server.patch_project(home, archived).await;
        assert!(!watch.look().await.0.went_back);
        server.pass(3).await;
        server.delete_task(ids[0]).await;
        let cursor = watch.cursor.clone();
        let everything = watch.connector.observe(Some(&cursor), Look::Everything);
        assert!(!everything.await.expect("a look").went_back);
    })
    .await;
}

/// No false alarm: the server's clock was ahead, and is right again.
#[tokio::test]
async fn a_clock_that_was_set_right_is_no_older_copy() {
    for look in [Look::Changes, Look::Everything] {
        let server = on_double().await;
        let clock = server.double.as_ref().expect("a double").clock();
        let inbox = server.inbox().await;
        let task = server.make_task(inbox, json!({ "title": "a" })).await;
        let (mut watch, _) = Watch::start(&server).await;
        rest(&mut watch, &server).await;
        clock.shift(7200);
        server.make_task(inbox, json!({ "title": "ahead" })).await;
        watch.look().await;
        clock.shift(-7200);
        server.patch_task(task, json!({ "title": "b" })).await;
        let cursor = watch.cursor.clone();
        let early = watch.connector.observe(Some(&cursor), look).await;
        assert!(!early.expect("a look").went_back, "{look:?}");
        // Nobody looked until the clock had come that far again.
        clock.shift(7300);
        let late = watch.connector.observe(Some(&cursor), look).await;
        assert!(!late.expect("a look").went_back, "{look:?}");
    }
}
