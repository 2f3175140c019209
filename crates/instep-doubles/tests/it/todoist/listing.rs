//! Cases: pages of lists, and the shapes of objects.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::client::{Api, command, fresh, id};

/// A double with so many tasks in its inbox.
async fn with_tasks(count: usize) -> Api {
    let api = Api::fresh().await;
    let add = |_| command("item_add", json!({"content": "x"}));
    let all: Vec<Value> = (0..count).map(add).collect();
    for batch in all.chunks(100) {
        api.commands(batch).await;
    }
    api
}

fn is_cursor(text: &str) -> bool {
    let is_part = |part: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        !part.is_empty() && part.chars().all(fits)
    };
    text.split_once('.')
        .is_some_and(|(one, other)| is_part(one) && is_part(other))
}

#[tokio::test]
async fn t_lst_1_a_page_has_fifty() {
    let api = with_tasks(120).await;
    let page = api.get("/tasks").await.ok();
    assert_eq!(page["results"].as_array().expect("results").len(), 50);
    assert!(is_cursor(page["next_cursor"].as_str().expect("a cursor")));
}

#[tokio::test]
async fn t_lst_2_cursors_lead_through_everything() {
    let api = with_tasks(120).await;
    let mut found = BTreeSet::new();
    let mut path = "/tasks".to_owned();
    for wanted in [50, 50, 20] {
        let page = api.get(&path).await.ok();
        let rows = page["results"].as_array().expect("results");
        assert_eq!(rows.len(), wanted);
        found.extend(rows.iter().map(id));
        let next = page.get("next_cursor").expect("the key");
        match next.as_str() {
            Some(cursor) => path = format!("/tasks?cursor={cursor}"),
            None => assert_eq!((next, wanted), (&Value::Null, 20)),
        }
    }
    assert_eq!(found.len(), 120);
}

#[tokio::test]
async fn t_lst_3_a_page_has_two_hundred_at_most() {
    let api = with_tasks(210).await;
    let body = api.get("/tasks?limit=201").await;
    let body = body.refused(400, "INVALID_ARGUMENT_VALUE");
    assert_eq!(body["error_code"], 20);
    assert_eq!(body["error_extra"]["argument"], "limit");
    assert!(body["error_extra"]["expected"].is_string());
    assert_eq!(api.ids("/tasks?limit=200").await.len(), 200);
}

#[tokio::test]
async fn t_lst_4_garbage_is_no_cursor() {
    let api = with_tasks(60).await;
    for garbage in ["garbage", "32.0", "00000032.000000000000000000000000"] {
        let body = api.get(&format!("/tasks?cursor={garbage}")).await;
        let body = body.refused(400, "INVALID_ARGUMENT_VALUE");
        assert_eq!(body["error_extra"]["argument"], "cursor");
    }
}

#[tokio::test]
async fn t_lst_5_a_cursor_is_bound_to_its_list() {
    let api = with_tasks(60).await;
    let (inbox, other) = (api.double.inbox(), api.project().await);
    let page = api.get(&format!("/tasks?project_id={inbox}")).await.ok();
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    let wrong = format!("/tasks?project_id={other}&cursor={cursor}");
    assert_eq!(api.get(&wrong).await.status, 400);
    let right = format!("/tasks?cursor={cursor}&project_id={inbox}");
    assert_eq!(api.ids(&right).await.len(), 10);
}

#[tokio::test]
async fn t_lst_6_ids_pick_tasks() {
    let api = with_tasks(5).await;
    let all = api.ids("/tasks").await;
    let path = format!("/tasks?ids={},{}", all[1], all[3]);
    let found: BTreeSet<String> = api.ids(&path).await.into_iter().collect();
    assert_eq!(found, BTreeSet::from([all[1].clone(), all[3].clone()]));
}

#[tokio::test]
async fn t_lst_7_a_label_picks_tasks() {
    let api = with_tasks(2).await;
    let task = json!({"content": "x", "labels": ["errand", "far"]});
    let task = api.task_id(task).await;
    assert_eq!(api.ids("/tasks?label=far").await, [task]);
}

const TASK_KEYS: [&str; 28] = [
    "id",
    "user_id",
    "project_id",
    "section_id",
    "parent_id",
    "added_by_uid",
    "assigned_by_uid",
    "responsible_uid",
    "labels",
    "due",
    "deadline",
    "duration",
    "is_collapsed",
    "checked",
    "is_deleted",
    "added_at",
    "completed_at",
    "completed_by_uid",
    "updated_at",
    "priority",
    "child_order",
    "order_key",
    "content",
    "description",
    "note_count",
    "day_order",
    "completed_count",
    "postponed_count",
];

#[tokio::test]
async fn t_shape_1_a_task_is_the_same_everywhere() {
    let api = Api::fresh().await;
    let token = api.sync_token().await;
    let created = api.task(json!({"content": "x"})).await;
    let task = id(&created);
    let listed = api.get("/tasks").await.ok()["results"][0].clone();
    let synced = api.full(&["items"]).await["items"][0].clone();
    api.delete(&format!("/tasks/{task}")).await.done();
    let tombstone = api.changed(&token).await.remove(0);
    let wanted = BTreeSet::from(TASK_KEYS.map(str::to_owned));
    for shape in [created, listed, synced, tombstone] {
        let keys = shape.as_object().expect("a task").keys().cloned();
        assert_eq!(keys.collect::<BTreeSet<String>>(), wanted, "{shape}");
    }
}

#[tokio::test]
async fn t_shape_2_a_personal_project_is_of_no_workspace() {
    let api = Api::fresh().await;
    let project = api.project().await;
    let shown = api.get(&format!("/projects/{project}")).await.ok();
    let synced = api.full(&["projects"]).await;
    let synced = synced["projects"].as_array().expect("projects").clone();
    for project in synced.into_iter().chain([shown]) {
        let keys = project.as_object().expect("a project");
        assert!(!keys.contains_key("workspace_id"));
        for key in ["default_order", "parent_id", "is_frozen", "is_deleted"] {
            assert!(keys.contains_key(key), "{key}");
        }
    }
}

#[tokio::test]
async fn t_shape_3_a_comment_names_one_place() {
    let api = Api::fresh().await;
    let task = api.task_id(json!({"content": "x"})).await;
    let project = api.project().await;
    let places = [
        (
            json!({"content": "c", "task_id": task}),
            "item_id",
            "project_id",
        ),
        (
            json!({"content": "c", "project_id": project}),
            "project_id",
            "item_id",
        ),
    ];
    for (body, there, absent) in places {
        let comment = api.post("/comments", body).await.ok();
        assert!(comment[there].is_string());
        assert!(comment.get(absent).is_none());
    }
    let synced = api.full(&["notes", "project_notes"]).await;
    assert_eq!(synced["notes"][0]["item_id"], task);
    assert_eq!(synced["project_notes"][0]["project_id"], project);
}

#[tokio::test]
async fn t_shape_4_a_label_has_two_shapes() {
    let api = Api::fresh().await;
    let body = json!({"name": fresh("label")});
    let rest = api.post("/labels", body).await.ok();
    assert!(rest["order"].is_i64() && rest["id"].is_string());
    assert!(rest.get("item_order").is_none() && rest.get("is_deleted").is_none());
    let synced = api.full(&["labels"]).await["labels"][0].clone();
    assert!(synced["item_order"].is_i64() && synced["is_deleted"].is_boolean());
    assert!(synced.get("order").is_none());
    assert_eq!(synced["id"], rest["id"]);
}

#[tokio::test]
async fn t_shape_5_a_deadline_has_a_language() {
    let api = Api::fresh().await;
    let body = json!({"content": "x", "deadline_date": "2026-12-01"});
    let task = api.task(body).await;
    assert_eq!(
        task["deadline"],
        json!({"date": "2026-12-01", "lang": "en"})
    );
}

#[tokio::test]
async fn t_shape_6_the_user_has_what_the_sdk_wants() {
    let api = Api::fresh().await;
    let user = api.get("/user").await.ok();
    let keys = [
        "id",
        "email",
        "full_name",
        "business_account_id",
        "is_premium",
        "premium_status",
        "date_format",
        "time_format",
        "weekly_goal",
        "daily_goal",
        "completed_count",
        "completed_today",
        "karma",
        "karma_trend",
        "lang",
        "next_week",
        "start_day",
        "start_page",
        "tz_info",
        "inbox_project_id",
        "days_off",
        "weekend_start_day",
    ];
    for key in keys {
        assert!(user.get(key).is_some(), "{key}");
    }
    assert_eq!(user["inbox_project_id"], api.double.inbox());
    for key in ["gmt_string", "hours", "is_dst", "minutes", "timezone"] {
        assert!(user["tz_info"].get(key).is_some(), "{key}");
    }
}
