//! Every route of the double in one table: API, method, path, the scope it needs, its handler.
//! Finding a route is all that happens here.

use super::call::{Api, Call, Reply};
use super::refusal::Refusal;
use super::{
    account, assignees, attachments, bulk, comments, fetch, filters, kanban, labels, meta, patch,
    projects, relations, tasks, tokens, webhooks,
};

pub(crate) type Handler = fn(&mut Call<'_>) -> Result<Reply, Refusal>;

/// What a caller must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing.
    Nobody,
    /// Nothing, but the call counts against the pre-auth limit.
    Limited,
    /// Any valid token.
    AnyToken,
    /// A login; API tokens are refused.
    Login,
    /// A login, or an API token with this group and permission.
    Scope(&'static str, &'static str),
}

pub(crate) struct Route {
    pub(crate) api: Api,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) needs: Needs,
    pub(crate) run: Handler,
}

/// What a path and method lead to.
pub(crate) enum Found {
    Route(&'static Route, Vec<String>),
    /// The path exists, with these other methods.
    WrongMethod(String),
    Nothing,
}

const fn v1(method: &'static str, path: &'static str, needs: Needs, run: Handler) -> Route {
    Route {
        api: Api::V1,
        method,
        path,
        needs,
        run,
    }
}

const fn v2(method: &'static str, path: &'static str, needs: Needs, run: Handler) -> Route {
    Route {
        api: Api::V2,
        method,
        path,
        needs,
        run,
    }
}

use Needs::{AnyToken, Limited, Login, Nobody, Scope};

/// All routes. A literal path stands above one with a parameter in the same place.
pub(crate) static ROUTES: &[Route] = &[
    v1("GET", "/info", Nobody, meta::info),
    v1("POST", "/register", Limited, account::register),
    v1("POST", "/login", Limited, account::log_in),
    v1("GET", "/token/test", AnyToken, meta::token_test),
    v1("POST", "/token/test", AnyToken, meta::token_teapot),
    v1("GET", "/user", Scope("other", "user"), account::me),
    v1("PUT", "/user/bots", Login, account::create_bot),
    v1("GET", "/routes", Scope("other", "routes"), meta::routes),
    v1("GET", "/tokens", Login, tokens::list),
    v1("PUT", "/tokens", Login, tokens::create),
    v1("DELETE", "/tokens/:token", Login, tokens::delete),
    v1(
        "GET",
        "/webhooks/events",
        Scope("webhooks", "events"),
        webhooks::event_names,
    ),
    v1(
        "GET",
        "/projects",
        Scope("projects", "read_all"),
        projects::list,
    ),
    v1(
        "PUT",
        "/projects",
        Scope("projects", "create"),
        projects::create,
    ),
    v1(
        "GET",
        "/projects/:project",
        Scope("projects", "read_one"),
        projects::read,
    ),
    v1(
        "POST",
        "/projects/:project",
        Scope("projects", "update"),
        projects::update,
    ),
    v1(
        "DELETE",
        "/projects/:project",
        Scope("projects", "delete"),
        projects::delete,
    ),
    v1(
        "PUT",
        "/projects/:project/users",
        Scope("projects_users", "create"),
        projects::share,
    ),
    v1(
        "DELETE",
        "/projects/:project/users/:user",
        Scope("projects_users", "delete"),
        projects::unshare,
    ),
    v1(
        "GET",
        "/projects/:project/tasks",
        Scope("tasks", "read_all"),
        fetch::in_project,
    ),
    v1(
        "PUT",
        "/projects/:project/tasks",
        Scope("tasks", "create"),
        tasks::create,
    ),
    v1(
        "GET",
        "/projects/:project/tasks/by-index/:index",
        Scope("projects", "tasks_by_index"),
        tasks::read_by_index,
    ),
    v1(
        "GET",
        "/projects/:project/views",
        Scope("projects_views", "read_all"),
        kanban::views,
    ),
    v1(
        "GET",
        "/projects/:project/views/:view/tasks",
        Scope("projects_views_tasks", "read_all"),
        fetch::in_view,
    ),
    v1(
        "GET",
        "/projects/:project/views/:view/buckets",
        Scope("projects", "views_buckets"),
        kanban::buckets,
    ),
    v1(
        "POST",
        "/projects/:project/views/:view/buckets/:bucket/tasks",
        Scope("projects", "views_buckets_tasks"),
        kanban::move_task,
    ),
    v1(
        "GET",
        "/projects/:project/webhooks",
        Scope("projects_webhooks", "read_all"),
        webhooks::list,
    ),
    v1(
        "PUT",
        "/projects/:project/webhooks",
        Scope("projects_webhooks", "create"),
        webhooks::create,
    ),
    v1(
        "POST",
        "/projects/:project/webhooks/:webhook",
        Scope("projects_webhooks", "update"),
        webhooks::update,
    ),
    v1(
        "DELETE",
        "/projects/:project/webhooks/:webhook",
        Scope("projects_webhooks", "delete"),
        webhooks::delete,
    ),
    v1(
        "GET",
        "/tasks",
        Scope("tasks", "read_all"),
        fetch::everywhere,
    ),
    v1(
        "POST",
        "/tasks/bulk",
        Scope("tasks", "update_bulk"),
        bulk::update,
    ),
    v1(
        "GET",
        "/tasks/:task",
        Scope("tasks", "read_one"),
        tasks::read,
    ),
    v1(
        "POST",
        "/tasks/:task",
        Scope("tasks", "update"),
        tasks::update,
    ),
    v1(
        "DELETE",
        "/tasks/:task",
        Scope("tasks", "delete"),
        tasks::delete,
    ),
    v1(
        "POST",
        "/tasks/:task/position",
        Scope("tasks", "position"),
        kanban::position,
    ),
    v1(
        "GET",
        "/tasks/:task/labels",
        Scope("tasks_labels", "read_all"),
        labels::on_task,
    ),
    v1(
        "PUT",
        "/tasks/:task/labels",
        Scope("tasks_labels", "create"),
        labels::attach,
    ),
    v1(
        "POST",
        "/tasks/:task/labels/bulk",
        Scope("tasks_labels", "update_bulk"),
        labels::replace,
    ),
    v1(
        "DELETE",
        "/tasks/:task/labels/:label",
        Scope("tasks_labels", "delete"),
        labels::detach,
    ),
    v1(
        "GET",
        "/tasks/:task/assignees",
        Scope("tasks_assignees", "read_all"),
        assignees::list,
    ),
    v1(
        "PUT",
        "/tasks/:task/assignees",
        Scope("tasks_assignees", "create"),
        assignees::add,
    ),
    v1(
        "POST",
        "/tasks/:task/assignees/bulk",
        Scope("tasks_assignees", "update_bulk"),
        assignees::replace,
    ),
    v1(
        "DELETE",
        "/tasks/:task/assignees/:user",
        Scope("tasks_assignees", "delete"),
        assignees::remove,
    ),
    v1(
        "PUT",
        "/tasks/:task/relations",
        Scope("tasks_relations", "create"),
        relations::create,
    ),
    v1(
        "DELETE",
        "/tasks/:task/relations/:kind/:other",
        Scope("tasks_relations", "delete"),
        relations::delete,
    ),
    v1(
        "GET",
        "/tasks/:task/comments",
        Scope("tasks_comments", "read_all"),
        comments::list,
    ),
    v1(
        "PUT",
        "/tasks/:task/comments",
        Scope("tasks_comments", "create"),
        comments::create,
    ),
    v1(
        "GET",
        "/tasks/:task/comments/:id",
        Scope("tasks_comments", "read_one"),
        comments::read,
    ),
    v1(
        "POST",
        "/tasks/:task/comments/:id",
        Scope("tasks_comments", "update"),
        comments::update,
    ),
    v1(
        "DELETE",
        "/tasks/:task/comments/:id",
        Scope("tasks_comments", "delete"),
        comments::delete,
    ),
    v1(
        "GET",
        "/tasks/:task/attachments",
        Scope("tasks_attachments", "read_all"),
        attachments::list,
    ),
    v1(
        "PUT",
        "/tasks/:task/attachments",
        Scope("tasks_attachments", "create"),
        attachments::upload,
    ),
    v1(
        "GET",
        "/tasks/:task/attachments/:id",
        Scope("tasks_attachments", "read_one"),
        attachments::read,
    ),
    v1(
        "DELETE",
        "/tasks/:task/attachments/:id",
        Scope("tasks_attachments", "delete"),
        attachments::delete,
    ),
    v1("GET", "/labels", Scope("labels", "read_all"), labels::list),
    v1("PUT", "/labels", Scope("labels", "create"), labels::create),
    v1(
        "GET",
        "/labels/:label",
        Scope("labels", "read_one"),
        labels::read,
    ),
    v1(
        "POST",
        "/labels/:label",
        Scope("labels", "update"),
        labels::update,
    ),
    v1(
        "DELETE",
        "/labels/:label",
        Scope("labels", "delete"),
        labels::delete,
    ),
    v1(
        "GET",
        "/filters/:filter",
        Scope("filters", "read_one"),
        filters::read,
    ),
    v2("GET", "/info", Nobody, meta::info),
    v2("GET", "/token/test", Login, meta::token_test),
    v2("GET", "/user", Scope("other", "user"), account::me),
    v2(
        "GET",
        "/projects",
        Scope("projects", "read_all"),
        projects::list,
    ),
    v2(
        "POST",
        "/projects",
        Scope("projects", "create"),
        projects::create,
    ),
    v2(
        "GET",
        "/projects/:project",
        Scope("projects", "read_one"),
        projects::read,
    ),
    v2(
        "PUT",
        "/projects/:project",
        Scope("projects", "update"),
        projects::update,
    ),
    v2(
        "PATCH",
        "/projects/:project",
        Scope("projects", "update"),
        patch::project,
    ),
    v2(
        "DELETE",
        "/projects/:project",
        Scope("projects", "delete"),
        projects::delete,
    ),
    v2(
        "GET",
        "/projects/:project/tasks",
        Scope("tasks", "read_all"),
        fetch::in_project,
    ),
    v2(
        "POST",
        "/projects/:project/tasks",
        Scope("tasks", "create"),
        tasks::create,
    ),
    v2(
        "POST",
        "/projects/:project/tasks/bulk",
        Scope("tasks", "create_bulk"),
        bulk::create,
    ),
    v2(
        "GET",
        "/projects/:project/tasks/by-index/:index",
        Scope("projects", "tasks_by_index"),
        tasks::read_by_index,
    ),
    v2(
        "PUT",
        "/projects/:project/views/:view/buckets/:bucket/tasks",
        Scope("projects", "views_buckets_tasks"),
        kanban::move_task,
    ),
    v2(
        "GET",
        "/tasks",
        Scope("tasks", "read_all"),
        fetch::everywhere,
    ),
    v2(
        "PUT",
        "/tasks/bulk",
        Scope("tasks", "update_bulk"),
        bulk::update,
    ),
    v2(
        "GET",
        "/tasks/:task",
        Scope("tasks", "read_one"),
        tasks::read,
    ),
    v2(
        "PUT",
        "/tasks/:task",
        Scope("tasks", "update"),
        tasks::update,
    ),
    v2(
        "PATCH",
        "/tasks/:task",
        Scope("tasks", "update"),
        patch::task,
    ),
    v2(
        "DELETE",
        "/tasks/:task",
        Scope("tasks", "delete"),
        tasks::delete,
    ),
    v2(
        "GET",
        "/tasks/:task/labels",
        Scope("tasks_labels", "read_all"),
        labels::on_task,
    ),
    v2(
        "POST",
        "/tasks/:task/labels",
        Scope("tasks_labels", "create"),
        labels::attach,
    ),
    v2(
        "PUT",
        "/tasks/:task/labels/bulk",
        Scope("tasks_labels", "update_bulk"),
        labels::replace,
    ),
    v2(
        "DELETE",
        "/tasks/:task/labels/:label",
        Scope("tasks_labels", "delete"),
        labels::detach,
    ),
    v2(
        "POST",
        "/tasks/:task/assignees",
        Scope("tasks_assignees", "create"),
        assignees::add,
    ),
    v2(
        "DELETE",
        "/tasks/:task/assignees/:user",
        Scope("tasks_assignees", "delete"),
        assignees::remove,
    ),
    v2(
        "POST",
        "/tasks/:task/relations",
        Scope("tasks_relations", "create"),
        relations::create,
    ),
    v2(
        "DELETE",
        "/tasks/:task/relations/:kind/:other",
        Scope("tasks_relations", "delete"),
        relations::delete,
    ),
    v2(
        "GET",
        "/tasks/:task/comments",
        Scope("tasks_comments", "read_all"),
        comments::list,
    ),
    v2(
        "POST",
        "/tasks/:task/comments",
        Scope("tasks_comments", "create"),
        comments::create,
    ),
    v2(
        "PUT",
        "/tasks/:task/comments/:id",
        Scope("tasks_comments", "update"),
        comments::update,
    ),
    v2(
        "DELETE",
        "/tasks/:task/comments/:id",
        Scope("tasks_comments", "delete"),
        comments::delete,
    ),
    v2(
        "POST",
        "/tasks/:task/attachments",
        Scope("tasks_attachments", "create"),
        attachments::upload,
    ),
    v2(
        "DELETE",
        "/tasks/:task/attachments/:id",
        Scope("tasks_attachments", "delete"),
        attachments::delete,
    ),
    v2("GET", "/labels", Scope("labels", "read_all"), labels::list),
    v2("POST", "/labels", Scope("labels", "create"), labels::create),
    v2(
        "GET",
        "/labels/:label",
        Scope("labels", "read_one"),
        labels::read,
    ),
    v2(
        "PUT",
        "/labels/:label",
        Scope("labels", "update"),
        labels::update,
    ),
    v2(
        "DELETE",
        "/labels/:label",
        Scope("labels", "delete"),
        labels::delete,
    ),
];

/// Finds the route of a request path below `/api/v1` or `/api/v2`.
pub(crate) fn find(api: Api, method: &str, path: &str) -> Found {
    let mut allowed = vec!["OPTIONS"];
    for route in ROUTES.iter().filter(|route| route.api == api) {
        let Some(params) = matching(route.path, path) else {
            continue;
        };
        if route.method == method {
            return Found::Route(route, params);
        }
        if !allowed.contains(&route.method) {
            allowed.push(route.method);
        }
    }
    if allowed.len() > 1 {
        Found::WrongMethod(allowed.join(", "))
    } else {
        Found::Nothing
    }
}

/// The parameters of `path` if it fits `pattern`.
fn matching(pattern: &str, path: &str) -> Option<Vec<String>> {
    let mut params = Vec::new();
    let mut parts = path.trim_end_matches('/').split('/');
    for wanted in pattern.split('/') {
        let part = parts.next()?;
        if wanted.starts_with(':') {
            params.push(part.to_owned());
        } else if wanted != part {
            return None;
        }
    }
    parts.next().is_none().then_some(params)
}

/// All scopes that exist: group and permission.
pub(crate) fn scopes() -> impl Iterator<Item = (&'static str, &'static str, &'static Route)> {
    ROUTES.iter().filter_map(|route| match route.needs {
        Scope(group, permission) => Some((group, permission, route)),
        _ => None,
    })
}
