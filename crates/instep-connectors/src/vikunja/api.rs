//! Vikunja's calls, one function each, with the paging that keeps a listing whole.
//! Nothing here compares what it read with anything.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use instep_contract::ConnectorError;
use instep_model::Timestamp;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::client::{Call, Client, Reply, TOO_LARGE};
use super::cursor::updated;
use super::refusal::{Failure, code};
use super::wire::{self, Page};

/// Rows of one page; Vikunja's own limit.
const PAGE: u64 = 1000;

/// Pages of one listing: a million rows.
const MAX_PAGES: usize = 1000;

/// Ids in one filter: an address of some 4 kB.
const MAX_IDS: usize = 300;

/// Comments that Vikunja sends with one page, for all its tasks together.
const COMMENTS_PER_PAGE: usize = 50;

/// Where tasks are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// All projects that are not archived.
    Everywhere,
    /// One project, archived or not.
    Project(i64),
}

impl Place {
    fn blame(self, failure: Failure) -> ConnectorError {
        match self {
            Self::Project(id) => failure.within(id),
            Self::Everywhere => failure.into(),
        }
    }
}

/// Tasks by their ids, which never change.
#[derive(Debug, Clone, Copy)]
struct Part {
    after: i64,
    before: Option<i64>,
    /// Rows of a page; fewer where they are too large.
    size: u64,
}

impl Part {
    const ALL: Self = Self {
        after: 0,
        before: None,
        size: PAGE,
    };

    fn holds(self, id: i64) -> bool {
        id > self.after && self.before.is_none_or(|before| id < before)
    }

    fn of(self, call: Call, filter: Option<&str>) -> Call {
        let mut rule = match filter {
            Some(filter) => format!("({filter}) && id > {}", self.after),
            None => format!("id > {}", self.after),
        };
        if let Some(before) = self.before {
            rule += &format!(" && id < {before}");
        }
        call.query("filter", rule)
    }
}

/// Rows, how many there are in all, and the server's time of the first answer.
#[derive(Debug)]
pub(super) struct Listed<T> {
    pub rows: Vec<T>,
    pub total: u64,
    pub date: i64,
}

/// The calls of one account.
#[derive(Debug)]
pub(super) struct Api {
    pub client: Client,
}

impl Api {
    /// What the server says about itself; needs no token.
    pub(super) async fn info(&self) -> Result<wire::Info, ConnectorError> {
        self.client.send(Call::get("api/v1/info", "")).await?.json()
    }

    /// The user who asks, with settings.
    pub(super) async fn user(&self) -> Result<wire::User, ConnectorError> {
        let call = Call::get("api/v1/user", "other: user");
        self.client.send(call).await?.json()
    }

    /// All projects, archived ones too, without saved filters and favourites.
    pub(super) async fn projects(&self) -> Result<Listed<wire::Project>, ConnectorError> {
        let mut rows: Vec<wire::Project> = Vec::new();
        let mut first = None;
        for number in 1..=MAX_PAGES {
            let call = Call::get("api/v2/projects", "projects: read_all")
                .query("is_archived", true)
                .query("per_page", PAGE)
                .query("page", number);
            let reply = self.client.send(call).await?;
            let page: Page<wire::Project> = reply.json()?;
            let (total, date) = *first.get_or_insert((page.total, reply.date));
            let before = rows.len();
            rows.extend(page.items.into_iter().filter(|project| project.id > 0));
            if rows.len() as u64 >= total {
                return Ok(Listed { rows, total, date });
            }
            if rows.len() == before {
                break;
            }
        }
        Err(cut_short("projects"))
    }

    /// Whether the project exists.
    pub(super) async fn project_exists(&self, id: i64) -> Result<bool, Failure> {
        let call = Call::get(format!("api/v2/projects/{id}"), "projects: read_one");
        match self.client.send(call).await {
            Ok(reply) => reply
                .json::<wire::Project>()
                .map(|_| true)
                .map_err(Failure::from),
            Err(failure) if failure.code() == code::NO_PROJECT => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// The most recently changed tasks: all that changed at second `floor` or later.
    pub(super) async fn newest(
        &self,
        place: Place,
        floor: i64,
        expected: usize,
    ) -> Result<Listed<wire::Task>, ConnectorError> {
        let size = (expected as u64 + 10).clamp(50, PAGE);
        let call = tasks_call(place)
            .query("sort_by", "updated")
            .query("order_by", "desc")
            .query("per_page", size);
        let reply = self.client.send(call).await?;
        let page: Page<wire::Task> = reply.json()?;
        if page.items.len() as u64 != page.total.min(size) {
            return Err(cut_short("tasks"));
        }
        let reached = page.items.len() as u64 == page.total
            || page.items.last().is_some_and(|task| updated(task) < floor);
        let mut rows = page.items;
        if !reached {
            // Strictly greater is the only comparison that all databases read alike.
            let since = Timestamp::from_second(floor - 1).unwrap_or(Timestamp::UNIX_EPOCH);
            rows = self
                .tasks(place, Some(&format!("updated > '{since}'")))
                .await?
                .rows;
        }
        // Comments of older tasks would only cost calls.
        rows.retain(|task| updated(task) >= floor);
        self.complete_comments(place, &mut rows).await?;
        Ok(Listed {
            rows,
            total: page.total,
            date: reply.date,
        })
    }

    /// All tasks that pass `filter`, in the order of their ids. What is far more than a page is read in
    /// several parts side by side.
    pub(super) async fn tasks(
        &self,
        place: Place,
        filter: Option<&str>,
    ) -> Result<Listed<wire::Task>, ConnectorError> {
        let mut part = Part::ALL;
        let (page, date) = self.page_that_fits(place, filter, &mut part).await?;
        let (total, left) = (page.total, page.total - page.items.len() as u64);
        let mut rows = page.items;
        part.after = rows.last().map_or(0, |task| task.id);
        let parts = match left.div_ceil(PAGE) {
            0 => Vec::new(),
            1 | 2 => vec![part],
            _ if self.client.reads_at_once() == 1 => vec![part],
            pages => self.parts(place, filter, part, pages).await?,
        };
        let read = |part| self.rows(place, filter, part);
        for part in self.side_by_side(parts, read).await? {
            rows.extend(part);
        }
        self.complete_comments(place, &mut rows).await?;
        Ok(Listed { rows, total, date })
    }

    /// About as many parts as there are pages. Ids may lie anywhere, so that one may have more rows
    /// than another; what is made meanwhile is in the last one.
    async fn parts(
        &self,
        place: Place,
        filter: Option<&str>,
        whole: Part,
        pages: u64,
    ) -> Result<Vec<Part>, ConnectorError> {
        let call = whole.of(tasks_call(place), filter);
        let call = call.query("sort_by", "id").query("order_by", "desc");
        let reply = self.client.send(call.query("per_page", 1)).await;
        let newest: Page<wire::Task> = reply.map_err(|failure| place.blame(failure))?.json()?;
        let last = newest.items.first().map_or(whole.after, |task| task.id);
        let width = (last - whole.after) / i64::try_from(pages).unwrap_or(i64::MAX) + 1;
        let mut parts = Vec::new();
        let mut after = whole.after;
        while after + width < last {
            parts.push(Part {
                after,
                before: Some(after + width + 1),
                ..whole
            });
            after += width;
        }
        parts.push(Part { after, ..whole });
        Ok(parts)
    }

    /// All tasks of a part. Its pages are cut by id, so that nothing slips from one page to the next
    /// while it is read.
    async fn rows(
        &self,
        place: Place,
        filter: Option<&str>,
        mut part: Part,
    ) -> Result<Vec<wire::Task>, ConnectorError> {
        let mut rows: Vec<wire::Task> = Vec::new();
        for _ in 0..MAX_PAGES {
            let (page, _) = self.page_that_fits(place, filter, &mut part).await?;
            let is_last = page.total == page.items.len() as u64;
            rows.extend(page.items);
            part.after = rows.last().map_or(part.after, |task| task.id);
            if is_last {
                return Ok(rows);
            }
        }
        Err(cut_short("tasks"))
    }

    /// The first page of a part, smaller where it would be too large, and the server's time.
    async fn page_that_fits(
        &self,
        place: Place,
        filter: Option<&str>,
        part: &mut Part,
    ) -> Result<(Page<wire::Task>, i64), ConnectorError> {
        loop {
            match self.page(place, filter, *part).await {
                Err(error) if part.size > 1 && is_too_large(&error) => part.size /= 10,
                answer => return answer,
            }
        }
    }

    async fn page(
        &self,
        place: Place,
        filter: Option<&str>,
        part: Part,
    ) -> Result<(Page<wire::Task>, i64), ConnectorError> {
        let call = part
            .of(tasks_call(place), filter)
            .query("sort_by", "id")
            .query("order_by", "asc")
            .query("per_page", part.size);
        let reply = self.client.send(call).await;
        let reply = reply.map_err(|failure| place.blame(failure))?;
        let page: Page<wire::Task> = reply.json()?;
        let rising = page.items.is_sorted_by(|one, next| one.id < next.id);
        let within = page.items.iter().all(|task| part.holds(task.id));
        if page.items.len() as u64 != page.total.min(part.size) || !rising || !within {
            return Err(cut_short("tasks"));
        }
        Ok((page, reply.date))
    }

    /// Reads side by side, as many at once as may be; answers in their order. The first failure ends
    /// them.
    pub(super) async fn side_by_side<I, T, F>(
        &self,
        items: Vec<I>,
        read: impl Fn(I) -> F,
    ) -> Result<Vec<T>, ConnectorError>
    where
        F: Future<Output = Result<T, ConnectorError>>,
    {
        let reads = stream::iter(items).map(read);
        reads
            .buffered(self.client.reads_at_once())
            .try_collect()
            .await
    }

    /// These tasks, as far as a listing shows them.
    pub(super) async fn tasks_by_id(
        &self,
        place: Place,
        ids: &[i64],
    ) -> Result<BTreeMap<i64, wire::Task>, ConnectorError> {
        let chunks = ids.chunks(MAX_IDS).map(joined).collect();
        let read = async |ids: String| self.tasks(place, Some(&format!("id in {ids}"))).await;
        let listed = self.side_by_side(chunks, read).await?;
        let rows = listed.into_iter().flat_map(|listed| listed.rows);
        Ok(rows.map(|task| (task.id, task)).collect())
    }

    /// One task with its comments.
    pub(super) async fn task(&self, id: i64) -> Result<wire::Task, Failure> {
        let call = Call::get(format!("api/v2/tasks/{id}"), "tasks: read_one")
            .query("expand", "comments")
            .query("expand", "comment_count");
        let mut task: wire::Task = self.client.send(call).await?.json()?;
        if lacks_comments(&task) {
            task.comments = self.comments(id).await?;
        }
        Ok(task)
    }

    /// A listing sends 50 comments for all its tasks together. What is missing is asked for in
    /// groups that stay below that, or task by task.
    async fn complete_comments(
        &self,
        place: Place,
        rows: &mut [wire::Task],
    ) -> Result<(), ConnectorError> {
        let short: Vec<(i64, usize)> = rows
            .iter()
            .filter(|task| lacks_comments(task))
            .map(|task| (task.id, task.comment_count.unwrap_or(0)))
            .collect();
        let read = |group| self.comments_of(place, group);
        let groups = self.side_by_side(grouped(&short), read).await?;
        let mut complete: BTreeMap<i64, Vec<wire::Comment>> =
            groups.into_iter().flatten().collect();
        for task in rows.iter_mut().filter(|task| lacks_comments(task)) {
            task.comments = match complete.remove(&task.id) {
                Some(comments) => comments,
                None => self.comments(task.id).await?,
            };
        }
        Ok(())
    }

    /// The comments of each of these tasks of which one call shows all.
    async fn comments_of(
        &self,
        place: Place,
        group: Vec<i64>,
    ) -> Result<Vec<(i64, Vec<wire::Comment>)>, ConnectorError> {
        if let [id] = group[..] {
            return Ok(vec![(id, self.comments(id).await?)]);
        }
        let call = tasks_call(place)
            .query("filter", format!("id in {}", joined(&group)))
            .query("per_page", group.len());
        let page: Page<wire::Task> = self.client.send(call).await?.json()?;
        let whole = page.items.into_iter().filter(|task| !lacks_comments(task));
        Ok(whole.map(|task| (task.id, task.comments)).collect())
    }

    /// All comments of one task; none when the task is gone.
    pub(super) async fn comments(&self, task: i64) -> Result<Vec<wire::Comment>, ConnectorError> {
        let path = format!("api/v2/tasks/{task}/comments");
        let call = || Call::get(path.clone(), "tasks_comments: read_all");
        match self.pages("comments", MAX_PAGES, call).await {
            Err(failure) if failure.code() == code::NO_TASK => Ok(Vec::new()),
            listed => Ok(listed?),
        }
    }

    /// The labels that the user can see: all of them, or those whose titles hold a text, or those of
    /// some ids, with commas between.
    pub(super) async fn labels(
        &self,
        search: Option<&str>,
    ) -> Result<Vec<wire::Label>, ConnectorError> {
        let call = || {
            let call = Call::get("api/v2/labels", "labels: read_all");
            match search {
                Some(search) => call.query("q", search),
                None => call,
            }
        };
        Ok(self.pages("labels", MAX_PAGES, call).await?)
    }

    /// Every row of a listing, which is whole or an error, however many of at most `most` pages it
    /// takes.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        what: &str,
        most: usize,
        call: impl Fn() -> Call,
    ) -> Result<Vec<T>, Failure> {
        let mut rows = Vec::new();
        for number in 1..=most {
            let call = call().query("per_page", PAGE).query("page", number);
            let page: Page<T> = self.client.send(call).await?.json()?;
            let empty = page.items.is_empty();
            rows.extend(page.items);
            if rows.len() as u64 >= page.total {
                return Ok(rows);
            }
            if empty {
                break;
            }
        }
        Err(cut_short(what).into())
    }

    /// Makes or replaces something at `path`.
    pub(super) async fn write(
        &self,
        method: Method,
        path: String,
        scope: &'static str,
        body: Json,
    ) -> Result<Reply, Failure> {
        let call = Call::write(method, path, scope).body(body);
        self.client.send(call).await
    }

    /// Makes something.
    pub(super) async fn make(
        &self,
        path: String,
        scope: &'static str,
        body: Json,
    ) -> Result<Reply, Failure> {
        self.client.send(Call::make(path, scope).body(body)).await
    }

    /// Takes something away.
    pub(super) async fn remove(&self, path: String, scope: &'static str) -> Result<(), Failure> {
        let call = Call::write(Method::DELETE, path, scope);
        Ok(self.client.send(call).await?.confirms_removal()?)
    }

    /// Makes a label.
    pub(super) async fn make_label(&self, title: &str) -> Result<wire::Label, ConnectorError> {
        let body = json!({ "title": title });
        let reply = self
            .make("api/v2/labels".into(), "labels: create", body)
            .await?;
        reply.json()
    }

    /// Makes a project; `parent` is 0 at the root.
    pub(super) async fn make_project(
        &self,
        title: &str,
        parent: i64,
    ) -> Result<wire::Project, Failure> {
        let body = json!({ "title": title, "parent_project_id": parent });
        let path = "api/v2/projects".to_owned();
        let reply = self.make(path, "projects: create", body).await?;
        Ok(reply.json()?)
    }
}

fn tasks_call(place: Place) -> Call {
    let path = match place {
        Place::Everywhere => "api/v2/tasks".to_owned(),
        Place::Project(id) => format!("api/v2/projects/{id}/tasks"),
    };
    Call::get(path, "tasks: read_all")
        .query("expand", "comments")
        .query("expand", "comment_count")
}

fn lacks_comments(task: &wire::Task) -> bool {
    task.comment_count
        .is_some_and(|count| task.comments.len() < count)
}

/// Groups of tasks that have no more comments together than one page sends.
fn grouped(short: &[(i64, usize)]) -> Vec<Vec<i64>> {
    let mut groups: Vec<Vec<i64>> = Vec::new();
    let mut room = 0;
    for (id, count) in short {
        match groups.last_mut() {
            Some(group) if *count <= room => {
                group.push(*id);
                room -= count;
            }
            _ => {
                groups.push(vec![*id]);
                room = COMMENTS_PER_PAGE.saturating_sub(*count);
            }
        }
    }
    groups
}

fn joined(ids: &[i64]) -> String {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    ids.join(",")
}

fn is_too_large(error: &ConnectorError) -> bool {
    matches!(error, ConnectorError::Malformed { what } if what.contains(TOO_LARGE))
}

fn cut_short(what: &str) -> ConnectorError {
    ConnectorError::Malformed {
        what: format!("the list of {what} was cut short"),
    }
}
