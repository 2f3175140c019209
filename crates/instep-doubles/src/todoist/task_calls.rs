//! The REST calls on single tasks and on lists of them. What a call does is written in `tasks`.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::args::Args;
use super::call::{Call, Reply};
use super::draft::{Draft, Spot};
use super::filter::Filter;
use super::quick;
use super::refusal::Refusal;
use super::state::{Store, Task};
use super::{tasks, wire};

/// Longest range of a list by completion date: three months.
const LONGEST_COMPLETED: SignedDuration = SignedDuration::from_hours(93 * 24);
/// Longest range of a list by due date: six weeks.
const LONGEST_DUE: SignedDuration = SignedDuration::from_hours(42 * 24);
/// Longest filter query.
const LONGEST_QUERY: usize = 1024;

fn shown(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    let store = &call.state.store;
    Ok(Reply::Ok(wire::task(store, store.task(id)?)))
}

/// `POST /tasks`
pub(crate) fn create(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let body = call.body()?;
    let args = Args(&body);
    args.needed("content", usize::MAX)?;
    let draft = Draft::from_rest(call.store(), args, "order")?;
    let id = tasks::add(call.store(), draft, Spot::read(args)?)?;
    shown(call, &id)
}

/// `POST /tasks/quick`
pub(crate) fn quick_add(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let body = call.body()?;
    let text = Args(&body).needed("text", usize::MAX)?;
    let id = quick::add(call.store(), &text)?;
    shown(call, &id)
}

/// `GET /tasks/{id}`: completed tasks too, whatever the documentation says.
pub(crate) fn read(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    shown(call, &id)
}

/// `POST /tasks/{id}`
pub(crate) fn update(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let (id, body) = (call.id(0)?, call.body()?);
    call.state.store.task(&id)?;
    let draft = Draft::from_rest(call.store(), Args(&body), "child_order")?;
    tasks::update(call.store(), &id, draft)?;
    shown(call, &id)
}

/// `POST /tasks/{id}/move`
pub(crate) fn relocate(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let (id, body) = (call.id(0)?, call.body()?);
    let spot = Spot::read(Args(&body))?;
    tasks::relocate(call.store(), &id, spot)?;
    shown(call, &id)
}

/// `POST /tasks/{id}/close`
pub(crate) fn close(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    tasks::close(call.store(), &id)?;
    Ok(Reply::Done)
}

/// `POST /tasks/{id}/reopen`
pub(crate) fn reopen(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    tasks::reopen(call.store(), &id)?;
    Ok(Reply::Done)
}

/// `DELETE /tasks/{id}`
pub(crate) fn delete(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    tasks::delete(call.store(), &id)?;
    Ok(Reply::Done)
}

/// `GET /tasks`: the active ones.
pub(crate) fn list(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let place = PlaceQuery::read(call)?;
    let label = call.request.query("label");
    let ids = call.request.query("ids").filter(|ids| !ids.is_empty());
    let ids: Option<Vec<&str>> = ids.map(|ids| ids.split(',').collect());
    let found = pick(&call.state.store, |task| {
        call.state.store.is_active(task)
            && place.fits(task)
            && label.is_none_or(|name| task.labels.iter().any(|label| label == name))
            && ids
                .as_ref()
                .is_none_or(|ids| ids.contains(&task.id.as_str()))
    });
    call.page(found)
}

/// `GET /tasks/filter`
pub(crate) fn filtered(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let query = call.request.query("query").unwrap_or_default();
    if query.is_empty() || query.chars().count() > LONGEST_QUERY {
        return Err(Refusal::invalid("query", "1 to 1024 characters"));
    }
    let filter = Filter::parse(query).ok_or_else(|| Refusal::invalid("query", "filter"))?;
    let store = &call.state.store;
    let found = pick(store, |task| {
        store.is_active(task) && filter.fits(store, task)
    });
    call.page(found)
}

fn pick(store: &Store, fits: impl Fn(&Task) -> bool) -> Vec<Value> {
    let found = store.tasks.values().filter(|task| fits(task));
    found.map(|task| wire::task(store, task)).collect()
}

/// The place a list is narrowed to.
struct PlaceQuery {
    project: Option<String>,
    section: Option<String>,
    parent: Option<String>,
}

impl PlaceQuery {
    fn read(call: &Call<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            project: call.query_id("project_id")?,
            section: call.query_id("section_id")?,
            parent: call.query_id("parent_id")?,
        })
    }

    fn fits(&self, task: &Task) -> bool {
        self.project.as_ref().is_none_or(|id| *id == task.project)
            && (self.section.is_none() || self.section == task.section)
            && (self.parent.is_none() || self.parent == task.parent)
    }
}

/// `GET /completed/search`
pub(crate) fn search_completed(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let query = call.request.query("query").unwrap_or_default();
    let query = query.to_lowercase();
    if query.is_empty() {
        return Err(Refusal::required("query"));
    }
    let found = pick(&call.state.store, |task| {
        task.checked && !task.is_deleted && task.content.to_lowercase().contains(&query)
    });
    call.completed_page(found)
}

/// `GET /tasks/completed/by_completion_date`
pub(crate) fn completed(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    completed_between(call, LONGEST_COMPLETED, |task| task.completed_at)
}

/// `GET /tasks/completed/by_due_date`
pub(crate) fn completed_by_due(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let zone = call.state.store.moment.zone.clone();
    completed_between(call, LONGEST_DUE, |task| {
        let civil = task.due.as_ref()?.when.civil();
        civil.to_zoned(zone.clone()).ok().map(|at| at.timestamp())
    })
}

/// Completed tasks of which `time` lies from `since` on and before `until`, latest first.
fn completed_between(
    call: &mut Call<'_>,
    longest: SignedDuration,
    time: impl Fn(&Task) -> Option<Timestamp>,
) -> Result<Reply, Refusal> {
    let (since, until) = (instant(call, "since")?, instant(call, "until")?);
    if until.duration_since(since) > longest {
        return Err(Refusal::invalid("until", "a shorter range"));
    }
    let place = PlaceQuery::read(call)?;
    let filter = match call.request.query("filter_query") {
        Some(query) => {
            let filter = Filter::parse(query);
            filter.ok_or_else(|| Refusal::invalid("filter_query", "filter"))?
        }
        None => Filter::All,
    };
    let store = &call.state.store;
    let tasks = store.tasks.values();
    let fits = |task: &&Task| {
        task.checked && !task.is_deleted && place.fits(task) && filter.fits(store, task)
    };
    let timed = tasks
        .filter(fits)
        .filter_map(|task| Some((time(task)?, task)));
    let mut found: Vec<(Timestamp, &Task)> = timed
        .filter(|(at, _)| *at >= since && *at < until)
        .collect();
    found.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let rows = found.iter().map(|(_, task)| wire::task(store, task));
    call.completed_page(rows.collect())
}

/// An instant in the query; one without an offset is in UTC.
fn instant(call: &Call<'_>, key: &str) -> Result<Timestamp, Refusal> {
    let text = call.request.query(key);
    let text = text.ok_or_else(|| Refusal::required(key))?;
    let civil = || {
        let date: Option<DateTime> = match text.parse::<Date>() {
            Ok(date) if text.len() == "2026-12-01".len() => {
                Some(date.to_datetime(jiff::civil::Time::midnight()))
            }
            _ => text.parse().ok(),
        };
        let zoned = date?.to_zoned(TimeZone::UTC).ok()?;
        Some(zoned.timestamp())
    };
    let parsed = text.parse::<Timestamp>().ok().or_else(civil);
    parsed.ok_or_else(|| Refusal::invalid(key, "RFC 3339 date and time"))
}
