//! Cases: pages, order and what lists embed.

use serde_json::json;

use super::target::{Target, holds, same};
use super::{Outcome, Stop};

/// A project with this many tasks, made in bulk, and their ids.
async fn crowd(t: &Target, count: usize) -> Result<(i64, Vec<i64>), Stop> {
    let project = t.project("crowd").await?;
    let mut ids = Vec::new();
    let path = format!("/api/v2/projects/{project}/tasks/bulk");
    for chunk in (0..count).collect::<Vec<_>>().chunks(100) {
        let tasks: Vec<_> = chunk
            .iter()
            .map(|n| json!({"title": format!("item {n}"), "priority": n % 3}))
            .collect();
        let made = t.post(&path, json!({"tasks": tasks})).await?.want(201)?;
        let made = made.body["tasks"].as_array().cloned().unwrap_or_default();
        ids.extend(made.iter().filter_map(|task| task["id"].as_i64()));
    }
    Ok((project, ids))
}

pub(super) async fn keyset_pages_are_ascending(t: &Target) -> Outcome {
    let (project, ids) = crowd(t, 120).await?;
    let mut last = ids[0] - 1;
    let mut seen: Vec<i64> = Vec::new();
    loop {
        let filter = format!("updated%20%3E%20'2020-01-01T00:00:00Z'%20%26%26%20id%20%3E%20{last}");
        let path = format!(
            "/api/v1/projects/{project}/tasks?sort_by=id&order_by=asc&page=1&per_page=50&filter={filter}"
        );
        let page = t.get(&path).await?.want(200)?.ids();
        seen.extend(&page);
        last = seen.last().copied().unwrap_or(last);
        if page.len() < 50 {
            break;
        }
    }
    same("all ids in order", &json!(seen), json!(ids))?;
    let path = format!(
        "/api/v1/projects/{project}/tasks?sort_by=priority&sort_by=id&order_by=desc&order_by=asc"
    );
    let page = t.get(&path).await?.want(200)?.items();
    let keys: Vec<(i64, i64)> = page
        .iter()
        .map(|task| {
            (
                -task["priority"].as_i64().unwrap_or(0),
                task["id"].as_i64().unwrap_or(0),
            )
        })
        .collect();
    holds("two sort keys", keys.is_sorted())
}

pub(super) async fn v1_caps_the_page_at_fifty(t: &Target) -> Outcome {
    let (project, ids) = crowd(t, 120).await?;
    let path = format!("/api/v1/projects/{project}/tasks");
    let answer = t.get(&format!("{path}?per_page=500")).await?.want(200)?;
    same("items", &json!(answer.items().len()), json!(50))?;
    same(
        "pages",
        &json!(answer.header("x-pagination-total-pages")),
        json!("3"),
    )?;
    same(
        "count",
        &json!(answer.header("x-pagination-result-count")),
        json!("50"),
    )?;
    let all = t.get(&format!("{path}?page=0")).await?.want(200)?;
    same("page 0 holds everything", &json!(all.ids()), json!(ids))
}

pub(super) async fn a_page_past_the_end_is_empty(t: &Target) -> Outcome {
    let (project, _) = crowd(t, 3).await?;
    let answer = t
        .get(&format!("/api/v1/projects/{project}/tasks?page=9"))
        .await?
        .want(200)?;
    same("items", &answer.body, json!([]))?;
    same(
        "pages",
        &json!(answer.header("x-pagination-total-pages")),
        json!("0"),
    )?;
    let answer = t
        .get(&format!("/api/v2/projects/{project}/tasks?page=9"))
        .await?
        .want(200)?;
    same("items", &answer.body["items"], json!([]))?;
    same("total", &answer.body["total"], json!(3))?;
    t.get(&format!("/api/v2/projects/{project}/tasks?page=0"))
        .await?
        .want(422)
        .map(drop)
}

pub(super) async fn v2_serves_large_pages(t: &Target) -> Outcome {
    let (project, ids) = crowd(t, 210).await?;
    let path = format!("/api/v2/projects/{project}/tasks");
    let answer = t.get(&format!("{path}?per_page=200")).await?.want(200)?;
    same("items", &json!(answer.items().len()), json!(200))?;
    for (key, wanted) in [
        ("total", 210),
        ("page", 1),
        ("per_page", 200),
        ("total_pages", 2),
    ] {
        same(key, &answer.body[key], json!(wanted))?;
    }
    let answer = t
        .get(&format!("{path}?per_page=1000&sort_by=id"))
        .await?
        .want(200)?;
    same("all", &json!(answer.ids()), json!(ids))?;
    let refused = t.get(&format!("{path}?per_page=1001")).await?.want(422)?;
    same(
        "why",
        &refused.body["errors"][0]["location"],
        json!("query.per_page"),
    )
}

pub(super) async fn comments_can_be_embedded(t: &Target) -> Outcome {
    let (project, ids) = crowd(t, 2).await?;
    let path = format!("/api/v1/tasks/{}/comments", ids[1]);
    t.put(&path, json!({"comment": "<p>hello</p>"}))
        .await?
        .want(201)?;
    for api in ["v1", "v2"] {
        let path = format!("/api/{api}/projects/{project}/tasks?expand=comments");
        let items = t.get(&path).await?.want(200)?.items();
        same("without a comment", &items[0]["comments"], json!(null))?;
        same(
            "the comment",
            &items[1]["comments"][0]["comment"],
            json!("<p>hello</p>"),
        )?;
        let plain = t
            .get(&format!("/api/{api}/projects/{project}/tasks"))
            .await?
            .items();
        same("not asked for", &plain[1]["comments"], json!(null))?;
    }
    t.get("/api/v2/tasks?expand=nope")
        .await?
        .want(422)
        .map(drop)
}
