//! Finding what a write of unknown outcome left.

use instep_contract::{Applied, Connector};
use instep_model::{
    AnnotationId, CollectionId, DraftNote, Field, Operation, ProjectPath, RemoteId, Timestamp,
    Value, When,
};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::server::{Watch, at, draft, on_each, remote, titled};

#[tokio::test]
async fn a_create_is_found_by_its_content() {
    on_each(async |server| {
        let since = Timestamp::now();
        let (mut watch, _) = Watch::start(server).await;
        let when = Value::When(When::At(at("2027-01-02T08:00:00Z")));
        let fields = titled("lost")
            .with(Field::Notes, Value::Text("two\n\n- a\n- b".into()))
            .with(Field::Due, when)
            .with(Field::Priority, Value::Number(3));
        let sent = Operation::Create(draft(fields));
        let other = Operation::Create(draft(titled("lost")));
        let mut made = Vec::new();
        for _ in 0..2 {
            made.push(watch.apply(sent.clone()).await.expect("made").id);
        }
        watch
            .apply(Operation::Create(draft(titled("other"))))
            .await
            .expect("made");
        // Labels and comments that came since do not matter.
        let comment = json!({ "comment": "<p>late</p>" });
        server
            .done(
                Method::POST,
                &format!("api/v2/tasks/{}/comments", made[0]),
                comment,
            )
            .await;
        let found = watch
            .connector
            .find(&[sent, other], since)
            .await
            .expect("an answer");
        let ids: Vec<RemoteId> = found[0].iter().map(|found| found.id.clone()).collect();
        assert_eq!(ids, made);
        assert!(found[1].is_empty());
    })
    .await;
}

/// S14, I2: the answer was lost, and a person edited what the create had left before we looked.
#[tokio::test]
async fn a_create_is_found_although_it_was_edited_since() {
    on_each(async |server| {
        let since = Timestamp::now();
        let (mut watch, _) = Watch::start(server).await;
        let low = titled("lost").with(Field::Priority, Value::Number(1));
        let high = titled("lost").with(Field::Priority, Value::Number(3));
        let sent = [low, high].map(|fields| Operation::Create(draft(fields)));
        let mut made = Vec::new();
        for operation in &sent {
            made.push(watch.apply(operation.clone()).await.expect("made").id);
        }
        let edited = made[0].as_str().parse().expect("a number");
        server
            .patch_task(edited, json!({ "due_date": "2027-01-02T08:00:00Z" }))
            .await;
        let found = watch.connector.find(&sent, since).await.expect("an answer");
        let ids: Vec<Vec<RemoteId>> = found
            .iter()
            .map(|found| found.iter().map(|one| one.id.clone()).collect())
            .collect();
        assert_eq!(ids, [vec![made[0].clone()], vec![made[1].clone()]]);
    })
    .await;
}

/// The ids that were found for each operation.
async fn found(watch: &mut Watch, sent: &[Operation], since: Timestamp) -> Vec<Vec<RemoteId>> {
    let found = watch.connector.find(sent, since).await.expect("an answer");
    let ids = |found: &Vec<Applied>| found.iter().map(|one| one.id.clone()).collect();
    found.iter().map(ids).collect()
}

fn number(id: &RemoteId) -> i64 {
    id.as_str().parse().expect("a number")
}

/// S14, I2: the same where it was moved; what lies where another create was sent is that one's.
#[tokio::test]
async fn s14_a_create_is_found_in_whatever_project_it_lies_now() {
    on_each(async |server| {
        let home = server.make_project("Home", 0).await;
        let since = Timestamp::now();
        let (mut watch, _) = Watch::start(server).await;
        let mut there = draft(titled("lost"));
        there.collection = Some(CollectionId::new(home.to_string()));
        let sent = [draft(titled("lost")), there].map(Operation::Create);
        let inside = watch.apply(sent[1].clone()).await.expect("made").id;
        let ids = found(&mut watch, &sent, since).await;
        assert_eq!(ids, [vec![], vec![inside.clone()]]);
        let moved = watch.apply(sent[0].clone()).await.expect("made").id;
        let away = server.make_project("Away", 0).await;
        let elsewhere = json!({ "project_id": away });
        server.patch_task(number(&moved), elsewhere).await;
        let ids = found(&mut watch, &sent, since).await;
        assert_eq!(
            ids,
            [vec![moved.clone()], vec![inside.clone(), moved.clone()]]
        );
        server.delete_task(number(&inside)).await;
        server
            .patch_task(number(&moved), json!({ "priority": 3 }))
            .await;
        let ids = found(&mut watch, &sent[..1], since).await;
        assert_eq!(ids, [vec![moved]]);
    })
    .await;
}

/// S14, I2: the same where its title was added to, as long as nothing else can be meant.
#[tokio::test]
async fn s14_a_create_is_found_under_a_title_grown_out_of_its_own() {
    on_each(async |server| {
        let since = Timestamp::now();
        let (mut watch, _) = Watch::start(server).await;
        let inbox = server.inbox().await;
        let sent = [Operation::Create(draft(titled("buy milk")))];
        server.make_task(inbox, json!({ "title": "milk" })).await;
        let ids = found(&mut watch, &sent, since).await;
        assert_eq!(ids, [vec![]], "a task of its own");
        let made = watch.apply(sent[0].clone()).await.expect("made").id;
        let grown = json!({ "title": "buy milk and bread", "priority": 1 });
        server.patch_task(number(&made), grown).await;
        let ids = found(&mut watch, &sent, since).await;
        assert_eq!(ids, [vec![made]]);
        server
            .make_task(inbox, json!({ "title": "buy milk again" }))
            .await;
        let ids = found(&mut watch, &sent, since).await;
        assert_eq!(ids, [vec![]], "either of two could be meant");
    })
    .await;
}

#[tokio::test]
async fn comments_projects_and_tags_are_found_too() {
    on_each(async |server| {
        let since = Timestamp::now();
        let id = server
            .make_task(server.inbox().await, json!({ "title": "t" }))
            .await;
        let (mut watch, _) = Watch::start(server).await;
        let note = |text: &str| Operation::AddNote {
            id: remote(id),
            note: DraftNote {
                id: AnnotationId(Uuid::nil()),
                remote: None,
                at: at("2026-01-01T00:00:00Z"),
                text: text.into(),
            },
        };
        let path = |title: &str| ProjectPath::new([title]).expect("a path");
        let project = |title: &str| Operation::CreateCollection { path: path(title) };
        let tag = |tag: &str| Operation::CreateTag { tag: tag.into() };
        let sent = [note("said *so*"), project("New"), tag("red")];
        let mut made = Vec::new();
        for operation in &sent {
            made.push(watch.apply(operation.clone()).await.expect("made"));
        }
        let found = watch.connector.find(&sent, since).await.expect("an answer");
        let found: Vec<_> = found.into_iter().map(|mut one| one.remove(0)).collect();
        for (found, made) in found.iter().zip(&made) {
            assert_eq!((&found.id, &found.note), (&made.id, &made.note));
            assert_eq!(found.collection, made.collection);
        }
        let never = [note("unsaid"), project("Nowhere"), tag("blue")];
        let found = watch
            .connector
            .find(&never, since)
            .await
            .expect("an answer");
        assert!(found.iter().all(Vec::is_empty), "{found:?}");
    })
    .await;
}
