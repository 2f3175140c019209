//! Lists of tasks: which ones, filtered, sorted, paged, expanded. Changes nothing.

use std::cmp::Ordering;

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::call::{Call, List, Reply};
use super::filter::{Filter, Reading};
use super::projects::FAVOURITES;
use super::refusal::Refusal;
use super::state::{State, Task};
use super::{filters, wire};

const EXPANSIONS: &[&str] = &[
    "subtasks",
    "buckets",
    "reactions",
    "comments",
    "comment_count",
    "time_entries_count",
    "is_unread",
];
const SORTABLE: &[&str] = &[
    "id",
    "title",
    "description",
    "done",
    "done_at",
    "due_date",
    "created_by_id",
    "project_id",
    "repeat_after",
    "priority",
    "start_date",
    "end_date",
    "hex_color",
    "percent_done",
    "uid",
    "created",
    "updated",
    "index",
    "bucket_id",
    "position",
    "relevance",
];

/// `GET /tasks`
pub(crate) fn everywhere(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let projects = call.state.readable_projects(call.user, false);
    page_of(
        call,
        |task| projects.binary_search(&task.project).is_ok(),
        None,
    )
}

/// `GET /projects/{project}/tasks`
pub(crate) fn in_project(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    let user = call.user;
    if id == FAVOURITES {
        return page_of(call, |task| task.favourite_of.contains(&user), None);
    }
    if id < 0 {
        let own = call
            .state
            .users
            .get(&user)
            .filter(|user| filters::pseudo_id(user) == Some(id));
        let own = filters::expression(own.ok_or_else(filters::missing)?);
        let projects = call.state.readable_projects(user, false);
        let readable = |task: &Task| projects.binary_search(&task.project).is_ok();
        return page_of(call, readable, Some(&own));
    }
    call.state.readable_project(user, id)?;
    page_of(call, |task| task.project == id, None)
}

/// `GET /projects/{project}/views/{view}/tasks`; a kanban view answers with its buckets.
pub(crate) fn in_view(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let (id, view_id) = (call.id(0)?, call.id(1)?);
    let project = call.state.readable_project(call.user, id)?;
    let view = project
        .views
        .iter()
        .find(|view| view.id == view_id)
        .cloned();
    let view = view.ok_or_else(|| Refusal::new(404, 3014, "The project view does not exist."))?;
    if view.kind != "kanban" {
        let filter = (view.kind == "list").then_some("done = false");
        return page_of(call, |task| task.project == id, filter);
    }
    let state = &*call.state;
    let mut buckets = Vec::new();
    for bucket in &view.buckets {
        let author = wire::user(state, project.owner);
        let mut shown = wire::bucket(state, project, view.id, bucket.id, author);
        let tasks: Vec<Value> = state
            .tasks
            .values()
            .filter(|task| !task.deleted && task.buckets.get(&view.id) == Some(&bucket.id))
            .map(|task| Value::Object(wire::task(state, task, call.user)))
            .collect();
        shown["count"] = tasks.len().into();
        shown["tasks"] = tasks.into();
        buckets.push(shown);
    }
    call.list("Bucket", &buckets, Value::clone)
}

fn page_of(
    call: &Call<'_>,
    belongs: impl Fn(&Task) -> bool,
    own_filter: Option<&str>,
) -> Result<Reply, Refusal> {
    let page = call.page()?;
    let expand = expansions(call)?;
    let order = order(call)?;
    let mut filters = Vec::new();
    let reading = reading(call)?;
    for text in call.request.query("filter").into_iter().chain(own_filter) {
        if !text.trim().is_empty() {
            filters.push(Filter::read(text, &reading)?);
        }
    }
    let state = &*call.state;
    let search = call
        .request
        .query(if call.is_v2() { "q" } else { "s" })
        .unwrap_or_default();
    let search = search.to_lowercase();
    let mut found: Vec<&Task> = state
        .tasks
        .values()
        .filter(|task| !task.deleted && belongs(task))
        .filter(|task| task.title.to_lowercase().contains(&search))
        .filter(|task| filters.iter().all(|filter| filter.passes(state, task)))
        .collect();
    found.sort_by(|a, b| {
        let decided = order.iter().map(|(key, down)| compare(key, *down, a, b));
        decided
            .fold(Ordering::Equal, Ordering::then)
            .then(a.id.cmp(&b.id))
    });
    let items: Vec<Value> = page
        .cut(&found)
        .into_iter()
        .map(|task| {
            let mut shown = wire::task(state, task, call.user);
            self::expand(state, task, &expand, &mut shown);
            Value::Object(shown)
        })
        .collect();
    Ok(Reply::List(List {
        counted: items.len(),
        items,
        total: found.len(),
        page,
        kind: "Task",
    }))
}

fn reading(call: &Call<'_>) -> Result<Reading, Refusal> {
    let zone = match call
        .request
        .query("filter_timezone")
        .filter(|name| !name.is_empty())
    {
        None => call.state.zone.clone(),
        Some(name) => TimeZone::get(name).map_err(|_| {
            Refusal::new(400, 2003, format!("The timezone '{name}' is invalid"))
                .with("i18n_params", json!({"timezone": name}))
        })?,
    };
    let include_nulls = call.request.query("filter_include_nulls") == Some("true");
    Ok(Reading {
        zone,
        now: call.state.now,
        include_nulls,
    })
}

/// The sort keys asked for, each with whether it goes down.
fn order(call: &Call<'_>) -> Result<Vec<(String, bool)>, Refusal> {
    let directions: Vec<&str> = call.request.query_all("order_by").collect();
    let mut order = Vec::new();
    for (at, key) in call.request.query_all("sort_by").enumerate() {
        let down = match directions.get(at).copied().unwrap_or("asc") {
            "asc" | "" => false,
            "desc" => true,
            _ => {
                let text =
                    "The task sort order 'invalid' is invalid. Allowed is either asc or desc.";
                return Err(Refusal::new(400, 4014, text));
            }
        };
        if key == "position" {
            let text = "You must provide a project view ID when sorting by position";
            return Err(Refusal::new(400, 4026, text));
        }
        if key == "bucket_id" {
            return Err(Refusal::failure(call.is_v2()));
        }
        if !SORTABLE.contains(&key) {
            let text = format!("The task field '{key}' is invalid.");
            return Err(Refusal::new(400, 4016, text));
        }
        order.push((key.to_owned(), down));
    }
    Ok(order)
}

/// Compares two tasks by one key; a missing date comes last either way.
fn compare(key: &str, down: bool, a: &Task, b: &Task) -> Ordering {
    let dates = match key {
        "done_at" => Some((a.done_at, b.done_at)),
        "due_date" => Some((a.due, b.due)),
        "start_date" => Some((a.start, b.start)),
        "end_date" => Some((a.end, b.end)),
        _ => None,
    };
    match dates {
        Some((None, Some(_))) => return Ordering::Greater,
        Some((Some(_), None)) => return Ordering::Less,
        _ => {}
    }
    let natural = match key {
        "title" => a.title.cmp(&b.title),
        "description" => a.description.cmp(&b.description),
        "done" => a.done.cmp(&b.done),
        "created_by_id" => a.created_by.cmp(&b.created_by),
        "project_id" => a.project.cmp(&b.project),
        "repeat_after" => a.repeat_after.cmp(&b.repeat_after),
        "priority" => a.priority.cmp(&b.priority),
        "hex_color" => a.hex_color.cmp(&b.hex_color),
        "percent_done" => a.percent_done.total_cmp(&b.percent_done),
        "created" => a.created.cmp(&b.created),
        "updated" => a.updated.cmp(&b.updated),
        "index" => a.index.cmp(&b.index),
        "id" => a.id.cmp(&b.id),
        _ => dates.map_or(Ordering::Equal, |(a, b)| a.cmp(&b)),
    };
    if down { natural.reverse() } else { natural }
}

/// The expansions asked for.
pub(crate) fn expansions(call: &Call<'_>) -> Result<Vec<String>, Refusal> {
    let mut wanted = Vec::new();
    for name in call.request.query_all("expand") {
        if !EXPANSIONS.contains(&name) {
            let known = EXPANSIONS.join(", ");
            return Err(match call.is_v2() {
                true => {
                    let why = format!("expected value to be one of \"{known}\"");
                    Refusal::schema(&why, "query.expand[0]", &name.into())
                }
                false => {
                    let text = format!("Expand must be one of the following values: {known}");
                    Refusal::invalid("expand", "", false).worded(text)
                }
            });
        }
        wanted.push(name.to_owned());
    }
    Ok(wanted)
}

/// Adds what was asked for to a shown task.
pub(crate) fn expand(
    state: &State,
    task: &Task,
    wanted: &[String],
    shown: &mut Map<String, Value>,
) {
    for name in wanted {
        let value = match name.as_str() {
            "comments" => {
                // Vikunja leaves the key out when there is no comment.
                if task.comments.is_empty() {
                    continue;
                }
                task.comments
                    .iter()
                    .map(|comment| wire::comment(state, comment))
                    .collect()
            }
            "comment_count" => json!(task.comments.len()),
            "time_entries_count" => json!(0),
            "buckets" => {
                let Some(project) = state.projects.get(&task.project) else {
                    continue;
                };
                let buckets = task.buckets.iter();
                buckets
                    .map(|(view, id)| wire::bucket(state, project, *view, *id, Value::Null))
                    .collect()
            }
            _ => continue,
        };
        shown.insert(name.clone(), value);
    }
}

/// The body with v2's `$schema` in front.
pub(crate) fn with_schema(call: &Call<'_>, schema: &str, body: Value) -> Value {
    let mut whole = Map::new();
    let address = format!("{}/api/v2/schemas/{schema}.json", call.state.base_url);
    whole.insert("$schema".to_owned(), address.into());
    if let Value::Object(body) = body {
        whole.extend(body);
    }
    Value::Object(whole)
}
