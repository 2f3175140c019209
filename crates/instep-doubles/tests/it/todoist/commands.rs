//! Cases: commands of `/sync`.

use instep_doubles::todoist::{Effect, Fault, Options};
use serde_json::{Value, json};

use super::client::{Api, command, fresh, id};

/// An `item_add` with a temporary id.
fn adding(content: &str) -> Value {
    let mut command = command("item_add", json!({"content": content}));
    command["temp_id"] = fresh("temp").into();
    command
}

fn text<'a>(command: &'a Value, key: &str) -> &'a str {
    command[key].as_str().expect("text")
}

/// The status of a command, and what its temporary id became.
fn outcome(answer: &Value, command: &Value) -> (Value, Value) {
    let status = answer["sync_status"][text(command, "uuid")].clone();
    let id = &answer["temp_id_mapping"];
    let id = command["temp_id"].as_str().map(|temp| id[temp].clone());
    (status, id.unwrap_or(Value::Null))
}

#[tokio::test]
async fn t_cmd_1_a_command_makes_a_task() {
    let api = Api::fresh().await;
    let add = adding("x");
    let (status, made) = outcome(&api.commands(std::slice::from_ref(&add)).await, &add);
    assert_eq!(status, "ok");
    let task = api.read(made.as_str().expect("an id")).await;
    assert_eq!(task["content"], "x");
}

#[tokio::test]
async fn t_cmd_2_a_repeated_command_makes_none() {
    let api = Api::fresh().await;
    let add = [adding("x")];
    let first = outcome(&api.commands(&add).await, &add[0]);
    assert!(first.1.is_string());
    assert_eq!(outcome(&api.commands(&add).await, &add[0]), first);
    assert_eq!(api.count("x").await, 1);
    // Until the service forgets it, after a time that it does not tell.
    api.double.forget_commands();
    api.commands(&add).await;
    assert_eq!(api.count("x").await, 2);
}

#[tokio::test]
async fn t_cmd_3_a_repeated_command_may_not_tell_the_id() {
    let options = Options {
        dedupe_mapping: false,
        ..Options::default()
    };
    let api = Api::start(options).await;
    let add = [adding("x")];
    assert!(outcome(&api.commands(&add).await, &add[0]).1.is_string());
    let again = api.commands(&add).await;
    assert_eq!(again["sync_status"][text(&add[0], "uuid")], "ok");
    assert_eq!(again["temp_id_mapping"], json!({}));
    assert_eq!(api.count("x").await, 1);
}

#[tokio::test]
async fn t_cmd_4_the_uuid_counts_and_not_the_arguments() {
    let api = Api::fresh().await;
    let mut add = adding("x");
    api.commands(std::slice::from_ref(&add)).await;
    add["args"]["content"] = "y".into();
    let again = api.commands(std::slice::from_ref(&add)).await;
    assert_eq!(outcome(&again, &add).0, "ok");
    assert_eq!((api.count("x").await, api.count("y").await), (1, 0));
}

#[tokio::test]
async fn t_cmd_5_a_temporary_id_serves_later_commands() {
    let api = Api::fresh().await;
    let mut project = command("project_add", json!({"name": "new"}));
    project["temp_id"] = "X".into();
    let mut add = adding("X");
    add["args"]["project_id"] = "X".into();
    let answer = api.commands(&[project.clone(), add.clone()]).await;
    let (status, project) = outcome(&answer, &project);
    assert_eq!(status, "ok");
    let (status, task) = outcome(&answer, &add);
    assert_eq!(status, "ok");
    let task = api.read(task.as_str().expect("an id")).await;
    assert_eq!(task["project_id"], project);
    assert_eq!(task["content"], "X");
}

#[tokio::test]
async fn t_cmd_6_each_command_has_its_own_outcome() {
    let api = Api::fresh().await;
    let (bad, good) = (command("item_add", json!({})), adding("x"));
    let answer = api.commands(&[bad.clone(), good.clone()]).await;
    let (failed, _) = outcome(&answer, &bad);
    for key in [
        "error_tag",
        "error_code",
        "error",
        "http_code",
        "error_extra",
    ] {
        assert!(failed.get(key).is_some(), "{key}");
    }
    assert_eq!(failed["http_code"], 400);
    assert_eq!(outcome(&answer, &good).0, "ok");
    assert_eq!(api.count("x").await, 1);
}

#[tokio::test]
async fn t_cmd_7_an_unknown_temporary_id_is_refused() {
    let api = Api::fresh().await;
    let args = json!({"content": "x", "project_id": "0b9e1c58-unknown"});
    let status = api.command("item_add", args).await;
    assert_eq!(status["error_code"], 15);
    assert_eq!(status["error"], "Invalid temporary id");
    assert_eq!(api.count("x").await, 0);
}

#[tokio::test]
async fn t_cmd_8_what_is_gone_is_a_400_in_a_command() {
    let api = Api::fresh().await;
    let task = api.task_id(json!({"content": "x"})).await;
    api.delete(&format!("/tasks/{task}")).await.done();
    let args = json!({"id": task, "content": "y"});
    let status = api.command("item_update", args).await;
    assert_eq!(status["error_tag"], "ITEM_NOT_FOUND");
    assert_eq!(status["http_code"], 400);
}

/// A recurring task that is due on a Sunday, on a double where it is that Sunday.
async fn daily() -> (Api, String) {
    let api = Api::fresh().await;
    let noon = "2026-11-22T12:00:00Z".parse().expect("a time");
    api.double.clock().freeze(noon);
    let body = json!({"content": "daily", "due_string": "every day"});
    let task = api.task_id(body).await;
    (api, task)
}

#[tokio::test]
async fn t_cmd_9_a_repeated_close_moves_once() {
    let (api, task) = daily().await;
    let close = [command("item_close", json!({"id": task}))];
    for _ in 0..2 {
        api.commands(&close).await;
        assert_eq!(api.read(&task).await["due"]["date"], "2026-11-23");
    }
    api.commands(&[command("item_close", json!({"id": task}))])
        .await;
    assert_eq!(api.read(&task).await["due"]["date"], "2026-11-24");
}

#[tokio::test]
async fn t_cmd_10_one_occurrence_can_be_moved() {
    let (api, task) = daily().await;
    let due = json!({"date": "2026-12-24", "string": "every day", "is_recurring": true});
    let status = api.command("item_update", json!({"id": task, "due": due}));
    assert_eq!(status.await, "ok");
    let due = api.read(&task).await["due"].clone();
    assert_eq!(due["date"], "2026-12-24");
    assert_eq!(due["is_recurring"], true);
    assert_eq!(due["string"], "every day");
    assert_eq!(api.command("item_close", json!({"id": task})).await, "ok");
    assert_eq!(api.read(&task).await["due"]["date"], "2026-12-25");
}

#[tokio::test]
async fn t_cmd_11_null_clears() {
    let api = Api::fresh().await;
    let body = json!({"content": "x", "due_date": "2026-12-01", "deadline_date": "2026-12-02",
                      "duration": 1, "duration_unit": "day"});
    let task = api.task(body).await;
    for key in ["due", "deadline", "duration"] {
        assert!(task[key].is_object(), "{key}");
        let mut args = json!({"id": task["id"]});
        args[key] = Value::Null;
        assert_eq!(api.command("item_update", args).await, "ok", "{key}");
        assert_eq!(api.read(&id(&task)).await[key], Value::Null, "{key}");
    }
}

#[tokio::test]
async fn t_cmd_12_the_time_of_completion_can_be_given() {
    let api = Api::fresh().await;
    let at = "2026-11-20T10:30:00.000000Z";
    for key in ["date_completed", "completed_at"] {
        let task = api.task_id(json!({"content": "x"})).await;
        let mut args = json!({"id": task});
        args[key] = at.into();
        assert_eq!(api.command("item_complete", args).await, "ok");
        let task = api.read(&task).await;
        assert_eq!(task["checked"], true, "{key}");
        assert_eq!(task["completed_at"], at, "{key}");
    }
}

#[tokio::test]
async fn t_cmd_13_a_move_has_one_target() {
    let api = Api::fresh().await;
    let task = api.task(json!({"content": "x"})).await;
    let project = api.project().await;
    let section = api.section(&project).await;
    let args = json!({"id": task["id"], "project_id": project, "section_id": section});
    let status = api.command("item_move", args).await;
    assert_eq!(status["http_code"], 400);
    assert_eq!(api.read(&id(&task)).await, task);
}

#[tokio::test]
async fn t_cmd_14_a_label_can_stay_on_its_tasks() {
    for (cascade, wanted) in [("none", json!(["errand"])), ("all", json!([]))] {
        let api = Api::fresh().await;
        let body = json!({"name": "errand"});
        let label = id(&api.post("/labels", body).await.ok());
        let body = json!({"content": "x", "labels": ["errand"]});
        let task = api.task_id(body).await;
        let args = json!({"id": label, "cascade": cascade});
        assert_eq!(api.command("label_delete", args).await, "ok");
        let gone = api.get(&format!("/labels/{label}")).await;
        gone.refused(404, "NOT_FOUND");
        assert_eq!(api.read(&task).await["labels"], wanted, "{cascade}");
    }
}

#[tokio::test]
async fn t_cmd_15_own_writes_are_in_the_delta() {
    let api = Api::fresh().await;
    let token = api.sync_token().await;
    let add = adding("x");
    let body = json!({"sync_token": token, "resource_types": ["items"], "commands": [add]});
    let answer = api.sync(body).await;
    let (status, made) = outcome(&answer, &add);
    assert_eq!((status, &answer["full_sync"]), (json!("ok"), &json!(false)));
    let items = answer["items"].as_array().expect("items");
    assert_eq!((items.len(), &items[0]["id"]), (1, &made));
    assert_eq!(api.changed(&answer["sync_token"]).await, [Value::Null; 0]);
}

/// Sends a command into a fault, then the same command again: one task, and its id is told.
async fn survives(fault: Fault, applied: usize) {
    let api = Api::fresh().await;
    let add = [adding("x")];
    let body = json!({"commands": add});
    api.double.set_fault(fault.path("/sync"));
    let first = api.call("POST", "/sync", Some(body.clone())).await;
    assert!(!first.is_ok_and(|answer| answer.status == 200));
    api.double.clear_faults();
    assert_eq!(api.count("x").await, applied);
    let again = api.sync(body).await;
    let (status, made) = outcome(&again, &add[0]);
    assert_eq!(status, "ok");
    assert_eq!(
        api.read(made.as_str().expect("an id")).await["content"],
        "x"
    );
    assert_eq!(api.count("x").await, 1);
}

#[tokio::test]
async fn t_cmd_16_a_lost_answer_makes_no_second_task() {
    survives(Fault::after_commit(Effect::Drop), 1).await;
}

#[tokio::test]
async fn t_cmd_17_a_lost_request_makes_one_task() {
    survives(Fault::before_commit(Effect::Drop), 0).await;
}

#[tokio::test]
async fn t_cmd_18_an_error_after_the_commit_makes_no_second_task() {
    let effect = Effect::Status {
        status: 503,
        retry_after: None,
    };
    survives(Fault::after_commit(effect), 1).await;
}
