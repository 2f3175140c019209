//! Cases: labels, projects, sections, comments, reminders, ids of earlier generations.

use instep_doubles::todoist::{Options, Plan};
use serde_json::{Value, json};

use super::client::{Api, id};

/// Renames the shared label `a` in one of two ways.
async fn renamed(path: &str, body: Value) {
    let api = Api::fresh().await;
    let task = json!({"content": "x", "labels": ["a", "other"]});
    let task = api.task_id(task).await;
    api.post(path, body).await.done();
    assert_eq!(api.read(&task).await["labels"], json!(["b", "other"]));
    api.post("/labels/shared/remove", json!({"name": "b"}))
        .await
        .done();
    assert_eq!(api.read(&task).await["labels"], json!(["other"]));
}

#[tokio::test]
async fn t_lab_1_the_old_name_in_the_query() {
    let path = "/labels/shared/rename?name=a";
    renamed(path, json!({"new_name": "b"})).await;
}

#[tokio::test]
async fn t_lab_2_the_old_name_in_the_body() {
    let path = "/labels/shared/rename";
    renamed(path, json!({"name": "a", "new_name": "b"})).await;
}

#[tokio::test]
async fn a_renamed_label_is_renamed_on_its_tasks() {
    let api = Api::fresh().await;
    let label = id(&api.post("/labels", json!({"name": "a"})).await.ok());
    let task = api.task_id(json!({"content": "x", "labels": ["a"]})).await;
    let path = format!("/labels/{label}");
    let body = api.post(&path, json!({"name": "b"})).await.ok();
    assert_eq!((&body["name"], id(&body)), (&json!("b"), label));
    assert_eq!(api.read(&task).await["labels"], json!(["b"]));
    api.delete(&path).await.done();
    assert_eq!(api.read(&task).await["labels"], json!([]));
}

#[tokio::test]
async fn orders_are_set_for_several_at_once() {
    let api = Api::fresh().await;
    let label = id(&api.post("/labels", json!({"name": "a"})).await.ok());
    let task = api.task_id(json!({"content": "x"})).await;
    let project = api.project().await;
    let section = api.section(&project).await;
    let commands = [
        (
            "label_update_orders",
            json!({"id_order_mapping": {(label.clone()): 7}}),
        ),
        (
            "item_reorder",
            json!({"items": [{"id": task, "child_order": 7}]}),
        ),
        (
            "item_update_day_orders",
            json!({"ids_to_orders": {(task.clone()): 7}}),
        ),
        (
            "project_reorder",
            json!({"projects": [{"id": project, "child_order": 7}]}),
        ),
        (
            "section_reorder",
            json!({"sections": [{"id": section, "section_order": 7}]}),
        ),
    ];
    for (kind, args) in commands {
        assert_eq!(api.command(kind, args).await, "ok", "{kind}");
    }
    let shown = [
        (format!("/labels/{label}"), "order"),
        (format!("/tasks/{task}"), "child_order"),
        (format!("/tasks/{task}"), "day_order"),
        (format!("/projects/{project}"), "child_order"),
        (format!("/sections/{section}"), "section_order"),
    ];
    for (path, key) in shown {
        assert_eq!(api.get(&path).await.ok()[key], 7, "{path} {key}");
    }
    let huge = json!({"id_order_mapping": {label: i64::MAX}});
    let status = api.command("label_update_orders", huge).await;
    assert_eq!(status["http_code"], 400);
}

#[tokio::test]
async fn t_prj_1_null_leaves_a_description() {
    let api = Api::fresh().await;
    let path = format!("/projects/{}", api.project().await);
    api.post(&path, json!({"description": "d"})).await.ok();
    let shown = api.post(&path, json!({"description": null})).await.ok();
    assert_eq!(shown["description"], "d");
    let shown = api.post(&path, json!({"description": ""})).await.ok();
    assert_eq!(shown["description"], "");
}

#[tokio::test]
async fn a_free_user_has_five_projects() {
    let options = Options {
        plan: Plan::Free,
        ..Options::default()
    };
    let api = Api::start(options).await;
    for _ in 0..5 {
        api.project().await;
    }
    let answer = api.post("/projects", json!({"name": "sixth"})).await;
    answer.refused(403, "MAX_PROJECTS_LIMIT_REACHED");
    api.double.set_plan(Plan::Pro);
    api.project().await;
}

#[tokio::test]
async fn a_project_takes_all_in_it_along() {
    let api = Api::fresh().await;
    let project = api.project().await;
    let section = api.section(&project).await;
    let body = json!({"content": "x", "section_id": section});
    let task = api.task_id(body).await;
    let token = api.sync_token().await;
    api.delete(&format!("/projects/{project}")).await.done();
    for path in [
        format!("/projects/{project}"),
        format!("/sections/{section}"),
        format!("/tasks/{task}"),
    ] {
        api.get(&path).await.refused(404, "NOT_FOUND");
    }
    let changed = api.changed(&token).await;
    assert_eq!(
        (changed.len(), &changed[0]["is_deleted"]),
        (1, &json!(true))
    );
}

#[tokio::test]
async fn a_double_may_not_tell_of_what_goes_along() {
    let options = Options {
        tells_of_children: false,
        ..Options::default()
    };
    let api = Api::start(options).await;
    let project = api.project().await;
    let body = json!({"content": "x", "project_id": project});
    let task = api.task_id(body).await;
    let token = api.sync_token().await;
    api.delete(&format!("/projects/{project}")).await.done();
    assert_eq!(api.changed(&token).await, [Value::Null; 0]);
    let answer = api.get(&format!("/tasks/{task}")).await;
    answer.refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn t_sec_1_null_clears_a_description() {
    let api = Api::fresh().await;
    let project = api.project().await;
    let path = format!("/sections/{}", api.section(&project).await);
    let shown = api.post(&path, json!({"description": "d"})).await.ok();
    assert_eq!(shown["description"], "d");
    let shown = api.post(&path, json!({"name": "n"})).await.ok();
    assert_eq!(shown["description"], "d");
    let shown = api.post(&path, json!({"description": null})).await.ok();
    assert_eq!(shown["description"], Value::Null);
}

#[tokio::test]
async fn t_com_1_a_comment_has_one_place() {
    let api = Api::fresh().await;
    let (task, project) = (
        api.task_id(json!({"content": "x"})).await,
        api.project().await,
    );
    let both = json!({"content": "c", "task_id": task, "project_id": project});
    assert_eq!(api.post("/comments", both).await.status, 400);
    assert_eq!(
        api.post("/comments", json!({"content": "c"})).await.status,
        400
    );
    let path = format!("/comments?task_id={task}");
    assert_eq!(api.ids(&path).await, [""; 0]);
    let body = json!({"content": "c", "task_id": task});
    let comment = id(&api.post("/comments", body).await.ok());
    assert_eq!(api.ids(&path).await, std::slice::from_ref(&comment));
    let own = format!("/comments/{comment}");
    let body = json!({"content": "d"});
    assert_eq!(api.post(&own, body).await.ok()["content"], "d");
    api.delete(&own).await.done();
    api.get(&own).await.refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn reminders_come_and_go() {
    let api = Api::fresh().await;
    let body = json!({"content": "x", "due_datetime": "2026-12-01T09:00:00"});
    let task = api.task_id(body).await;
    let relative = json!({"task_id": task, "minute_offset": 30});
    let relative = api.post("/reminders", relative).await.ok();
    assert_eq!(relative["type"], "relative");
    assert_eq!(relative["due"]["date"], "2026-12-01T09:00:00");
    let place = json!({"task_id": task, "name": "home", "loc_lat": "1", "loc_long": "2",
                       "loc_trigger": "on_enter"});
    let place = api.post("/location_reminders", place).await.ok();
    assert_eq!(place["type"], "location");
    let path = format!("/reminders?task_id={task}");
    assert_eq!(api.ids(&path).await, [id(&relative)]);
    let synced = api.full(&["reminders", "reminders_location"]).await;
    assert_eq!(id(&synced["reminders"][0]), id(&relative));
    assert_eq!(id(&synced["reminders_location"][0]), id(&place));
    let own = format!("/reminders/{}", id(&relative));
    api.delete(&own).await.done();
    assert_eq!(api.ids(&path).await, [""; 0]);
}

#[tokio::test]
async fn t_idm_1_an_old_id_has_a_new_one() {
    let api = Api::fresh().await;
    let path = "/id_mappings/tasks/918273645";
    assert_eq!(api.get(path).await.ok(), json!([]));
    let task = api.task_id(json!({"content": "x"})).await;
    api.double.map_old_id("tasks", "918273645", &task);
    let pair = json!([{"old_id": "918273645", "new_id": task}]);
    assert_eq!(api.get(path).await.ok(), pair);
    let other = api.get("/id_mappings/projects/918273645").await;
    assert_eq!(other.ok(), json!([]));
}
