//! What a person does in the hub itself.

use instep_api::{Exit, ListRequest, LogRequest, TaskEdit};

use instep_app::exit_of_sync;
use instep_doubles::vikunja::Fault;

use super::world::{World, code};

fn titled(title: &str) -> TaskEdit {
    TaskEdit {
        title: Some(title.to_owned()),
        ..TaskEdit::default()
    }
}

#[tokio::test]
// tidy: long because it follows one task through its life
async fn a_task_of_the_hub_travels_and_its_edits_do() {
    let world = World::paired(2).await;
    let app = world.open().await;
    let edit = TaskEdit {
        project: Some("Work.Garden".to_owned()),
        tags: vec!["green".to_owned()],
        priority: Some(3),
        due: Some("2030-11-27".to_owned()),
        notes: Some("Two *beds*".to_owned()),
        ..titled("Dig")
    };
    world.sync().await;
    world.task(&["add", "Not asked for"]);
    let made = app.add(&edit, Some("vikunja")).await.expect("made");
    assert_eq!(made.action, "create");
    assert!(made.task.accounts.contains_key("vikunja"), "{made:#?}");
    assert!(
        world.in_vikunja("Dig").await.is_some(),
        "--to carries it at once"
    );
    assert!(world.in_vikunja("Not asked for").await.is_none());
    let carried = made.carried.expect("what became of it");
    assert_eq!(carried.outcome, "in_step", "{carried:#?}");
    let listed = app.list(&ListRequest::default()).await.expect("a list");
    let json = serde_json::to_value(&listed.tasks[0]).expect("json");
    assert_eq!(
        (&json["priority"], &json["due"], &json["tags"][0]),
        (&3.into(), &"2030-11-27".into(), &"green".into())
    );

    let id = made.task.id.clone();
    let edit = TaskEdit {
        tags: vec!["soil".to_owned()],
        untags: vec!["green".to_owned()],
        due: Some("none".to_owned()),
        ..TaskEdit::default()
    };
    let edited = app.edit(&id[..8], &edit).await.expect("edited");
    assert_eq!(edited.action, "update");
    app.close().await;
    world.sync().await;
    let here = world.in_taskwarrior("Dig").expect("it arrived");
    assert_eq!(
        (&here["tags"], &here["project"], &here["uuid"]),
        (
            &serde_json::json!(["soil"]),
            &"Work.Garden".into(),
            &id.clone().into()
        )
    );
    assert!(here["due"].is_null());

    let app = world.open().await;
    assert_eq!(app.done(&id).await.expect("done").action, "complete");
    assert_eq!(app.done(&id).await.expect("done already").action, "nothing");
    app.close().await;
    world.sync().await;
    assert_eq!(
        world.in_taskwarrior("Dig").expect("a task")["status"],
        "completed"
    );
    let app = world.open().await;
    assert_eq!(app.remove(&id).await.expect("removed").action, "delete");
    let log = app
        .log(&LogRequest {
            task: Some(id.clone()),
            ..LogRequest::default()
        })
        .await;
    let actions: Vec<String> = log
        .expect("a log")
        .into_iter()
        .map(|line| line.action)
        .collect();
    assert!(
        actions.contains(&"create".to_owned()) && actions.contains(&"delete".to_owned()),
        "{actions:?}"
    );
    app.close().await;
    world.sync().await;
    assert!(world.in_vikunja("Dig").await.is_none());
    assert!(world.in_taskwarrior("Dig").is_none());
}

#[tokio::test]
async fn a_wrong_word_is_answered_with_the_right_one() {
    let world = World::new(2).await;
    world.add_taskwarrior().await;
    let app = world.open().await;
    let made = app.add(&titled("Call the bank"), None).await.expect("made");
    let code = |outcome: Result<_, instep_api::Failure>| {
        outcome
            .map(|_: instep_api::TouchedReply| ())
            .expect_err("a failure")
    };
    for short in ["b", &made.task.id[..3], " a "] {
        let refused = code(app.done(short).await);
        assert_eq!(refused.code, "short_id", "{refused:?}");
        assert!(refused.why.contains("first 4 characters"), "{refused:?}");
    }
    let unknown = code(app.done("bank").await);
    assert_eq!(unknown.code, "unknown_task");
    assert!(unknown.why.contains(&made.task.id[..8]), "{}", unknown.why);
    assert_eq!(
        code(app.add(&titled("  \n"), None).await).code,
        "empty_title"
    );
    let due = TaskEdit {
        due: Some("someday".to_owned()),
        ..titled("x")
    };
    assert_eq!(code(app.add(&due, None).await).code, "bad_date");
    let priority = TaskEdit {
        priority: Some(9),
        ..titled("x")
    };
    assert_eq!(code(app.add(&priority, None).await).code, "bad_priority");
    let to = code(app.add(&titled("x"), Some("twx")).await);
    assert_eq!(
        (to.code.as_str(), to.why.as_str()),
        ("unknown_account", "did you mean `tw`?")
    );
    assert_eq!(
        app.list(&ListRequest::default())
            .await
            .expect("a list")
            .tasks
            .len(),
        1
    );
    app.close().await;
}

/// What is not there is no success, and what is out of reach is not said to be missing.
#[tokio::test]
async fn one_task_that_is_not_there_is_an_error() {
    let world = World::paired(2).await;
    world.task(&["add", "First"]);
    world.sync().await;
    let app = world.open().await;
    let code = |outcome: Result<instep_api::SyncReply, instep_api::Failure>| {
        let failure = outcome.expect_err("a failure");
        (failure.exit, failure.code)
    };
    let nobody = "3f2a1c52-7b5e-4b0e-9d2f-6f0d3b1f9a10";
    let unknown = (Exit::Usage, "unknown_task".to_owned());
    assert_eq!(code(app.push(nobody).await), unknown);
    assert_eq!(code(app.push("3f2a1c52").await), unknown);
    let unknown = (Exit::Usage, "unknown_item".to_owned());
    for (account, id) in [
        ("vikunja", "4711"),
        ("vikunja", "no number"),
        ("tw", nobody),
    ] {
        assert_eq!(code(app.pull(account, id).await), unknown, "{account} {id}");
    }
    let there = world.in_vikunja("First").await.expect("a task")["id"].clone();
    app.pull("vikunja", &there.to_string())
        .await
        .expect("known");

    // One that was there has gone: that is news, and taken.
    world.delete_there(there.as_i64().expect("an id")).await;
    app.pull("vikunja", &there.to_string()).await.expect("gone");
    assert!(world.in_taskwarrior("First").is_none());

    world.vikunja.refuse_connections().await;
    let reply = app.pull("vikunja", "4711").await.expect("a reply");
    assert_eq!(reply.outcome, "unreachable");
    app.close().await;
}

/// A connection that is lost on the last look says nothing about the item.
#[tokio::test]
async fn an_item_that_could_not_be_looked_for_is_not_said_to_be_missing() {
    let world = World::paired(2).await;
    world.sync().await;
    let app = world.open().await;
    let before = world.vikunja.count("GET", "/tasks/4711");
    app.pull("vikunja", "4711").await.expect_err("not there");
    let last = world.vikunja.count("GET", "/tasks/4711") - before;
    let lost = Fault::status(503).path("/tasks/4711").nth(last as u64);
    world.vikunja.set_fault(lost);
    let failure = app.pull("vikunja", "4711").await.expect_err("no answer");
    assert_eq!(failure.exit, Exit::Unreachable, "{failure:?}");
    app.close().await;
}

/// Before a first sync, or after the hub was lost, nobody knows what one task is: all are to be met.
#[tokio::test]
async fn one_task_waits_for_the_first_sync() {
    let world = World::paired(2).await;
    world.task(&["add", "First"]);
    let uuid = world.in_taskwarrior("First").expect("a task")["uuid"].clone();
    let id = world
        .make_there(serde_json::json!({ "title": "Second" }))
        .await;
    let app = world.open().await;
    let push = app.push(uuid.as_str().expect("a uuid")).await;
    let pull = app.pull("vikunja", &id.to_string()).await;
    let told = [push, pull].map(|outcome| {
        let failure = outcome.expect_err("a failure");
        (failure.code, failure.help)
    });
    let told = told.each_ref().map(|(code, help)| (&**code, &**help));
    let expected = [
        ("unknown_task", "instep sync"),
        ("not_taken", "instep sync vikunja"),
    ];
    assert_eq!(told, expected);
    app.close().await;
    assert_eq!((world.exported().len(), world.listed().await.len()), (1, 1));
}

/// An item is called by the beginning of a long id, or by the address of its page.
#[tokio::test]
async fn an_item_is_pulled_by_what_a_person_has_of_its_id() {
    let world = World::paired(2).await;
    world.sync().await;
    for (title, uuid) in [("One", "3f2a1c52-0001"), ("Two", "3f2a1c52-0002")] {
        let task = serde_json::json!({
            "description": title, "uuid": format!("{uuid}-4000-8000-000000000000"),
        });
        std::fs::write(world.path("new.json"), task.to_string()).expect("a file");
        world.task(&["import", &world.path("new.json").display().to_string()]);
    }
    let app = world.open().await;
    let code = async |account: &str, id: &str| {
        let failure = app.pull(account, id).await.expect_err("a failure");
        assert_eq!(failure.exit, Exit::Usage);
        failure.code
    };
    assert_eq!(code("tw", "3f2").await, "short_id");
    assert_eq!(code("tw", "3f2a1c52").await, "ambiguous_item");
    assert_eq!(code("tw", "3f2a1c53").await, "unknown_item");
    app.pause(Some("tw"), None).await.expect("paused");
    let paused = app.pull("tw", "3f2a1c53").await;
    assert_eq!(paused.expect_err("nobody is asked").code, "paused");
    app.resume(Some("tw")).await.expect("resumed");
    app.pull("tw", "3F2A1C52-0002").await.expect("a reply");
    assert!(world.in_vikunja("Two").await.is_some());
    assert!(world.in_vikunja("One").await.is_none());

    let id = world
        .make_there(serde_json::json!({ "title": "Three" }))
        .await;
    let url = world.vikunja.url().trim_end_matches('/');
    for wrong in ["#1", "http://elsewhere.example/tasks/1", ""] {
        assert_eq!(code("vikunja", wrong).await, "unknown_item", "{wrong}");
    }
    let page = format!("{url}/tasks/{id}");
    app.pull("vikunja", &page).await.expect("a reply");
    assert!(world.in_taskwarrior("Three").is_some());
    app.close().await;
}

#[tokio::test]
async fn one_task_can_be_carried_now() {
    let world = World::paired(2).await;
    world.task(&["add", "First"]);
    world.sync().await;
    world.task(&["add", "Second"]);
    let uuid = world.in_taskwarrior("Second").expect("a task")["uuid"].clone();
    let app = world.open().await;
    let reply = app
        .push(uuid.as_str().expect("a uuid"))
        .await
        .expect("a reply");
    assert_eq!(reply.outcome, "in_step", "{reply:#?}");
    assert!(world.in_vikunja("Second").await.is_some());
    let id = world
        .make_there(serde_json::json!({ "title": "Third" }))
        .await;
    app.pull("vikunja", &id.to_string()).await.expect("a reply");
    assert!(world.in_taskwarrior("Third").is_some());
    app.close().await;
    world.sync().await;
    assert_eq!((world.exported().len(), world.listed().await.len()), (3, 3));
}

/// What `add --to` could not carry is in the hub, and said to be there alone.
#[tokio::test]
async fn a_task_that_did_not_arrive_is_said_to_wait() {
    let world = World::paired(2).await;
    let app = world.open().await;
    let check = async |title: &str, expected: &str, exit: Exit| {
        let made = app.add(&titled(title), Some("vikunja")).await;
        let made = made.expect("it is in the hub");
        assert_eq!(made.action, "create");
        let carried = made.carried.expect("what became of it");
        assert_eq!(code(&carried, "vikunja"), expected);
        assert_eq!(exit_of_sync(&carried), exit, "{carried:#?}");
    };
    check("Too early", "not_carried", Exit::Partial).await;
    world.sync().await;
    world.vikunja.refuse_connections().await;
    check("Out of reach", "unreachable", Exit::Unreachable).await;
    app.close().await;
}
