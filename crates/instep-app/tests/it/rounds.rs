//! Round trips: what is made, changed or deleted on one side arrives on the other, once.

use instep_api::{SyncReply, SyncRequest};
use serde_json::json;

use super::world::World;

async fn on_both_versions(case: impl AsyncFn(&World)) {
    for major in [2, 3] {
        let world = World::paired(major).await;
        case(&world).await;
        let plan = world.plan().await;
        assert_eq!(
            plan.plan,
            Some(Vec::new()),
            "after a sync there is nothing to do"
        );
    }
}

#[tokio::test]
async fn what_is_made_arrives_on_the_other_side() {
    on_both_versions(async |world| {
        let here = [
            "add",
            "Call the bank",
            "project:Work",
            "+phone",
            "priority:H",
        ];
        world.task(&here);
        world.sync().await;
        let there = world.in_vikunja("Call the bank").await.expect("it arrived");
        assert_eq!(there["labels"][0]["title"], "phone");
        let here = world.in_taskwarrior("Call the bank").expect("it stays");
        assert_eq!(here["vikunja_id"], there["id"].to_string());

        world
            .make_there(json!({ "title": "Rent", "due_date": "2030-11-27T09:00:00Z" }))
            .await;
        world.sync().await;
        let rent = world.in_taskwarrior("Rent").expect("it arrived");
        assert_eq!(rent["due"], "20301127T090000Z");
        assert_eq!((world.exported().len(), world.listed().await.len()), (2, 2));
    })
    .await;
}

/// Labels and relations are calls of their own, and still part of making the task.
#[tokio::test]
async fn a_new_task_is_one_change_on_each_side() {
    let world = World::paired(2).await;
    world.task(&["add", "Call the bank", "+phone"]);
    world.task(&["add", "Pay", "+money", "depends:1"]);
    let steps = |reply: &SyncReply| {
        let plan = reply.plan.as_ref().expect("a plan").iter();
        plan.map(|step| format!("{} {} {}", step.side, step.action, step.title))
            .collect::<Vec<_>>()
    };
    let expected = ["hub", "remote"]
        .map(|side| ["Call the bank", "Pay"].map(|title| format!("{side} create {title}")))
        .concat();
    assert_eq!(steps(&world.plan().await), expected);
    let reply = world.sync().await;
    let vikunja = reply.accounts.iter().find(|one| one.name == "vikunja");
    let remote = &vikunja.expect("it").remote;
    assert_eq!((remote.created, remote.updated), (2, 0));
}

#[tokio::test]
async fn edits_of_both_sides_are_kept() {
    on_both_versions(async |world| {
        world.task(&["add", "Rent"]);
        world.sync().await;
        let id = world.in_vikunja("Rent").await.expect("a task")["id"]
            .as_i64()
            .expect("an id");
        world.task(&["rc.hooks=off", "Rent", "modify", "+home", "priority:H"]);
        world
            .change_there(id, json!({ "due_date": "2030-12-01T10:00:00Z" }))
            .await;
        world.sync().await;
        let here = world.in_taskwarrior("Rent").expect("a task");
        let there = world.in_vikunja("Rent").await.expect("a task");
        assert_eq!(here["due"], "20301201T100000Z");
        assert_eq!(here["tags"], json!(["home"]));
        assert_eq!(there["labels"][0]["title"], "home");
        assert_eq!(there["due_date"], "2030-12-01T10:00:00Z");
    })
    .await;
}

#[tokio::test]
async fn what_is_done_or_deleted_goes_from_the_other_side() {
    on_both_versions(async |world| {
        for title in ["One", "Two", "Three", "Four", "Five", "Six"] {
            world.task(&["add", title]);
        }
        world.sync().await;
        let id = async |title| {
            world.in_vikunja(title).await.expect("a task")["id"]
                .as_i64()
                .expect("an id")
        };
        world.task(&["One", "delete"]);
        world.delete_there(id("Two").await).await;
        world.task(&["Three", "done"]);
        world
            .change_there(id("Four").await, json!({ "done": true }))
            .await;
        world.sync().await;
        assert!(world.in_vikunja("One").await.is_none());
        assert!(world.in_taskwarrior("Two").is_none());
        assert_eq!(
            world.in_vikunja("Three").await.expect("a task")["done"],
            true
        );
        assert_eq!(
            world.in_taskwarrior("Four").expect("a task")["status"],
            "completed"
        );
        assert_eq!(
            world.in_taskwarrior("Five").expect("a task")["status"],
            "pending"
        );
    })
    .await;
}

#[tokio::test]
async fn three_accounts_converge() {
    let world = World::paired(2).await;
    std::fs::write(
        world.path("tasks.json"),
        r#"[
  {"id": 4, "name": "From the file", "comment": "", "description": "", "priority": 2, "tag": "", "done": false, "colour": "red"}
]
"#,
    )
    .expect("a file");
    instep_app::account_add(&world.places, &world.file())
        .await
        .expect("the file is added");
    world.task(&["add", "From the terminal", "+x"]);
    let first = world
        .ask(SyncRequest {
            yes: true,
            ..SyncRequest::default()
        })
        .await;
    assert_eq!(first.outcome, "in_step", "{first:#?}");
    world.make_there(json!({ "title": "From the web" })).await;
    world.sync().await;
    let text = std::fs::read_to_string(world.path("tasks.json")).expect("the file");
    let tasks: serde_json::Value = serde_json::from_str(&text).expect("a list");
    let names: Vec<_> = tasks
        .as_array()
        .expect("a list")
        .iter()
        .map(|task| &task["name"])
        .collect();
    assert_eq!(
        names,
        ["From the file", "From the terminal", "From the web"],
        "{text}"
    );
    assert_eq!(tasks[0]["colour"], "red");
    for title in ["From the file", "From the terminal", "From the web"] {
        assert!(world.in_taskwarrior(title).is_some(), "{title}");
        assert!(world.in_vikunja(title).await.is_some(), "{title}");
    }
    assert_eq!(world.plan().await.plan, Some(Vec::new()));
}

#[tokio::test]
async fn a_quiet_pair_costs_one_call_and_one_connection() {
    let world = World::paired(2).await;
    world.task(&["add", "Rent"]);
    world.sync().await;
    world.vikunja.clock().shift(3);
    world.sync().await;
    world.vikunja.forget_requests();
    let connections = world.vikunja.connections_opened();
    let reply = world.sync().await;
    let vikunja = reply
        .accounts
        .iter()
        .find(|account| account.name == "vikunja");
    assert_eq!(vikunja.map(|account| account.remote_calls), Some(1));
    assert_eq!(world.vikunja.requests().len(), 1);
    assert_eq!(world.vikunja.connections_opened() - connections, 1);
    assert!(reply.shown.changes.is_empty());
}

/// S5: the same tasks in another directory are the same database, for one task as for a sync.
#[tokio::test]
async fn s5_one_task_is_carried_from_a_directory_that_was_moved() {
    for major in [2, 3] {
        let world = World::paired(major).await;
        world.task(&["add", "Rent"]);
        world.sync().await;
        std::fs::rename(world.path("tasks"), world.path("moved")).expect("moved");
        let taskrc = format!("data.location={}\n", world.path("moved").display());
        std::fs::write(world.path(".taskrc"), taskrc).expect("a taskrc");
        world.task(&["Rent", "modify", "Rent in March"]);
        let row = world.in_taskwarrior("Rent in March").expect("a row");
        let app = world.open().await;
        let pushed = app.push(row["uuid"].as_str().expect("an id")).await;
        app.close().await;
        let pushed = pushed.expect("pushed");
        assert_eq!(pushed.outcome, "in_step", "{major}: {pushed:#?}");
        assert!(world.in_vikunja("Rent in March").await.is_some(), "{major}");
        world.sync().await;
        assert_eq!(world.plan().await.plan, Some(Vec::new()), "{major}");
    }
}
