//! Cases: closing, reopening, deleting, and the lists of what is completed.

use instep_doubles::todoist::{Options, Plan};
use serde_json::{Value, json};

use super::client::{Api, id};

/// A double whose clock stands still at noon of a Sunday.
async fn at_noon() -> Api {
    let api = Api::fresh().await;
    let noon = "2026-11-22T12:00:00Z".parse().expect("a time");
    api.double.clock().freeze(noon);
    api
}

async fn close(api: &Api, task: &str) {
    api.act(&format!("/tasks/{task}/close")).await.done();
}

async fn reopen(api: &Api, task: &str) {
    api.act(&format!("/tasks/{task}/reopen")).await.done();
}

#[tokio::test]
async fn t_clo_1_closing_says_nothing() {
    let api = Api::fresh().await;
    let task = api.task_id(json!({"content": "x"})).await;
    close(&api, &task).await;
    let options = Options {
        done_status: 200,
        ..Options::default()
    };
    let api = Api::start(options).await;
    let task = api.task_id(json!({"content": "x"})).await;
    let answer = api.act(&format!("/tasks/{task}/close")).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "null"));
}

#[tokio::test]
async fn t_clo_2_a_closed_task_leaves_the_lists() {
    let api = Api::fresh().await;
    let project = api.project().await;
    let task = json!({"content": "x", "project_id": project});
    let (gone, stays) = (api.task_id(task.clone()).await, api.task_id(task).await);
    close(&api, &gone).await;
    let path = format!("/tasks?project_id={project}");
    assert_eq!(api.ids(&path).await, [stays]);
}

#[tokio::test]
async fn t_clo_3_subtasks_are_closed_too() {
    let api = Api::fresh().await;
    let parent = api.task_id(json!({"content": "x"})).await;
    let child = json!({"content": "y", "parent_id": parent});
    let child = api.task_id(child).await;
    let deep = json!({"content": "z", "parent_id": child});
    let deep = api.task_id(deep).await;
    close(&api, &parent).await;
    assert_eq!(api.read(&child).await["checked"], true);
    assert_eq!(api.read(&deep).await["checked"], true);
}

/// A recurring task.
async fn daily(api: &Api) -> Value {
    api.task(json!({"content": "daily", "due_string": "every day"}))
        .await
}

#[tokio::test]
async fn t_clo_4_a_recurring_task_moves_on() {
    let api = at_noon().await;
    let before = daily(&api).await;
    assert_eq!(before["due"]["date"], "2026-11-22");
    close(&api, &id(&before)).await;
    let after = api.read(&id(&before)).await;
    assert_eq!(after["checked"], false);
    assert_eq!(after["completed_at"], Value::Null);
    assert_eq!(after["due"]["date"], "2026-11-23");
    assert_eq!(after["due"]["string"], "every day");
    assert_eq!(after["completed_count"], 1);
    assert_eq!(api.ids("/tasks").await, [id(&before)]);
}

const DAY: &str = "since=2026-11-22T00:00:00Z&until=2026-11-23T00:00:00Z";

#[tokio::test]
async fn t_clo_5_its_occurrences_are_on_no_list() {
    let api = at_noon().await;
    let (daily, once) = (daily(&api).await, api.task(json!({"content": "x"})).await);
    close(&api, &id(&daily)).await;
    close(&api, &id(&once)).await;
    let path = format!("/tasks/completed/by_completion_date?{DAY}");
    let listed = api.get(&path).await.ok();
    let listed = listed["items"].as_array().expect("items");
    let listed: Vec<String> = listed.iter().map(id).collect();
    assert_eq!(listed, [id(&once)]);
}

#[tokio::test]
async fn t_clo_6_closing_twice_moves_twice() {
    let api = at_noon().await;
    let task = id(&daily(&api).await);
    close(&api, &task).await;
    close(&api, &task).await;
    assert_eq!(api.read(&task).await["due"]["date"], "2026-11-24");
    // What is overdue does not stay in the past.
    api.double.clock().shift(10 * 24 * 3600);
    close(&api, &task).await;
    assert_eq!(api.read(&task).await["due"]["date"], "2026-12-03");
}

#[tokio::test]
async fn t_reo_1_a_reopened_task_is_last() {
    let api = Api::fresh().await;
    let task = api.task_id(json!({"content": "x"})).await;
    let other = api.task(json!({"content": "y"})).await;
    close(&api, &task).await;
    reopen(&api, &task).await;
    let after = api.read(&task).await;
    assert_eq!(after["checked"], false);
    assert_eq!(after["completed_at"], Value::Null);
    let order = |task: &Value| task["child_order"].as_i64().expect("an order");
    assert!(order(&after) > order(&other));
    assert_eq!(api.ids("/tasks").await.len(), 2);
}

#[tokio::test]
async fn t_reo_2_what_is_above_is_reopened_too() {
    let api = Api::fresh().await;
    let project = api.project().await;
    let section = api.section(&project).await;
    let parent = api.task_id(json!({"content": "x", "section_id": section}));
    let parent = parent.await;
    let one = json!({"content": "y", "parent_id": parent});
    let (one, other) = (api.task_id(one.clone()).await, api.task_id(one).await);
    close(&api, &parent).await;
    api.act(&format!("/sections/{section}/archive")).await.ok();
    reopen(&api, &one).await;
    assert_eq!(api.read(&parent).await["checked"], false);
    assert_eq!(api.read(&other).await["checked"], true);
    let section = api.get(&format!("/sections/{section}")).await.ok();
    assert_eq!(section["is_archived"], false);
}

#[tokio::test]
async fn t_del_1_subtasks_go_with_a_task() {
    let api = Api::fresh().await;
    let task = api.task_id(json!({"content": "x"})).await;
    let child = json!({"content": "y", "parent_id": task});
    let child = api.task_id(child).await;
    api.delete(&format!("/tasks/{task}")).await.done();
    assert_eq!(api.ids("/tasks").await, [""; 0]);
    let answer = api.get(&format!("/tasks/{child}")).await;
    answer.refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn t_del_2_deleting_again_finds_nothing() {
    let api = Api::fresh().await;
    let task = api.task_id(json!({"content": "x"})).await;
    let path = format!("/tasks/{task}");
    api.delete(&path).await.done();
    api.delete(&path).await.refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn t_cmp_1_completed_tasks_from_one_time_until_before_another() {
    let api = at_noon().await;
    let mut tasks = Vec::new();
    for name in ["first", "second", "third"] {
        let task = api.task_id(json!({"content": name})).await;
        close(&api, &task).await;
        tasks.push(task);
        api.double.clock().shift(60);
    }
    let list = "/tasks/completed/by_completion_date";
    let range = "since=2026-11-22T12:00:00Z&until=2026-11-22T12:02:00Z";
    let page = api.get(&format!("{list}?{range}")).await.ok();
    let ids: Vec<String> = page["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(id)
        .collect();
    assert_eq!(ids, [tasks[1].clone(), tasks[0].clone()]);
    assert!(page.get("next_cursor").is_none() && page.get("results").is_none());
    let first = api.get(&format!("{list}?{range}&limit=1")).await.ok();
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let second = format!("{list}?{range}&limit=1&cursor={cursor}");
    let second = api.get(&second).await.ok();
    assert_eq!(id(&second["items"][0]), tasks[0]);
    assert!(second.get("next_cursor").is_none());
    let none = format!("{list}?{range}&filter_query=%40errand");
    assert_eq!(api.get(&none).await.ok()["items"], json!([]));
}

#[tokio::test]
async fn t_cmp_2_ranges_are_limited() {
    let api = Api::fresh().await;
    let since = "since=2026-01-01T00:00:00Z";
    let cases = [
        ("by_completion_date", "2026-04-01T00:00:00Z", 200),
        ("by_completion_date", "2026-04-10T00:00:00Z", 400),
        ("by_due_date", "2026-02-10T00:00:00Z", 200),
        ("by_due_date", "2026-02-20T00:00:00Z", 400),
    ];
    for (list, until, status) in cases {
        let path = format!("/tasks/completed/{list}?{since}&until={until}");
        assert_eq!(api.get(&path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn the_activity_log_tells_of_every_completion() {
    let api = at_noon().await;
    let daily = id(&daily(&api).await);
    for _ in 0..2 {
        close(&api, &daily).await;
    }
    let once = api.task_id(json!({"content": "x"})).await;
    close(&api, &once).await;
    let path = "/activities?object_event_types=item:completed";
    let log = api.get(path).await.ok();
    let objects = |log: &Value| {
        let entries = log["results"].as_array().expect("results").iter();
        let objects = entries.map(|entry| entry["object_id"].as_str().expect("an id").to_owned());
        objects.collect::<Vec<String>>()
    };
    assert_eq!(objects(&log), [&once, &daily, &daily].map(String::clone));
    assert_eq!(log["results"][1]["extra_data"]["content"], "daily");
    let own = format!("{path}&object_id={daily}&limit=1");
    let page = api.get(&own).await.ok();
    assert_eq!(objects(&page), std::slice::from_ref(&daily));
    assert!(page["next_cursor"].is_string());
    let later = api.get(&format!("{path}&date_from=2026-11-23")).await.ok();
    assert_eq!(objects(&later), [""; 0]);
    api.double.clock().shift(8 * 24 * 3600);
    assert_eq!(objects(&api.get(path).await.ok()).len(), 3);
    api.double.set_plan(Plan::Free);
    assert_eq!(objects(&api.get(path).await.ok()), [""; 0]);
}
