//! Every route of the double in one table: method, path, what the token must allow, its handler.
//! Nothing is decided here.

use super::route::Needs::{Add, Delete, DeleteProject, Nobody, Read, Write};
use super::route::{Handler, Needs, Route};
use super::{
    account, activities, comments, labels, mappings, oauth, projects, reminders, sections, sync,
    task_calls,
};

/// All routes below `/api/v1`. A literal path stands above one with a parameter in the same place.
pub(crate) static ROUTES: &[Route] = &[
    row("POST", "/sync", Read, sync::run),
    row("GET", "/user", Read, account::me),
    row("DELETE", "/access_tokens", Nobody, oauth::revoke),
    row("POST", "/revoke", Nobody, oauth::revoke_by_rfc),
    row("GET", "/activities", Read, activities::list),
    row("GET", "/tasks", Read, task_calls::list),
    row("POST", "/tasks", Add, task_calls::create),
    row("GET", "/tasks/filter", Read, task_calls::filtered),
    row("POST", "/tasks/quick", Add, task_calls::quick_add),
    row(
        "GET",
        "/tasks/completed/by_completion_date",
        Read,
        task_calls::completed,
    ),
    row(
        "GET",
        "/tasks/completed/by_due_date",
        Read,
        task_calls::completed_by_due,
    ),
    row(
        "GET",
        "/completed/search",
        Read,
        task_calls::search_completed,
    ),
    row("GET", "/tasks/:task", Read, task_calls::read),
    row("POST", "/tasks/:task", Write, task_calls::update),
    row("DELETE", "/tasks/:task", Delete, task_calls::delete),
    row("POST", "/tasks/:task/close", Write, task_calls::close),
    row("POST", "/tasks/:task/reopen", Write, task_calls::reopen),
    row("POST", "/tasks/:task/move", Write, task_calls::relocate),
    row("GET", "/projects", Read, projects::list),
    row("POST", "/projects", Write, projects::create),
    row("GET", "/projects/archived", Read, projects::archived),
    row("GET", "/projects/search", Read, projects::search),
    row("GET", "/projects/:project", Read, projects::read),
    row("POST", "/projects/:project", Write, projects::edit),
    row(
        "DELETE",
        "/projects/:project",
        DeleteProject,
        projects::remove,
    ),
    row(
        "POST",
        "/projects/:project/archive",
        Write,
        projects::archive,
    ),
    row(
        "POST",
        "/projects/:project/unarchive",
        Write,
        projects::unarchive,
    ),
    row(
        "GET",
        "/projects/:project/collaborators",
        Read,
        projects::collaborators,
    ),
    row("GET", "/projects/:project/full", Read, projects::full),
    row("GET", "/sections", Read, sections::list),
    row("POST", "/sections", Write, sections::create),
    row("GET", "/sections/search", Read, sections::search),
    row("GET", "/sections/:section", Read, sections::read),
    row("POST", "/sections/:section", Write, sections::edit),
    row("DELETE", "/sections/:section", Delete, sections::remove),
    row(
        "POST",
        "/sections/:section/archive",
        Write,
        sections::archive,
    ),
    row(
        "POST",
        "/sections/:section/unarchive",
        Write,
        sections::unarchive,
    ),
    row("GET", "/labels", Read, labels::list),
    row("POST", "/labels", Write, labels::create),
    row("GET", "/labels/search", Read, labels::search),
    row("GET", "/labels/shared", Read, labels::shared),
    row(
        "POST",
        "/labels/shared/rename",
        Write,
        labels::rename_shared,
    ),
    row(
        "POST",
        "/labels/shared/remove",
        Write,
        labels::remove_shared,
    ),
    row("GET", "/labels/:label", Read, labels::read),
    row("POST", "/labels/:label", Write, labels::edit),
    row("DELETE", "/labels/:label", Delete, labels::remove),
    row("GET", "/comments", Read, comments::list),
    row("POST", "/comments", Write, comments::create),
    row("GET", "/comments/:comment", Read, comments::read),
    row("POST", "/comments/:comment", Write, comments::edit),
    row("DELETE", "/comments/:comment", Delete, comments::remove),
    row("GET", "/reminders", Read, reminders::list),
    row("POST", "/reminders", Write, reminders::create),
    row("GET", "/reminders/:reminder", Read, reminders::read),
    row("POST", "/reminders/:reminder", Write, reminders::edit),
    row("DELETE", "/reminders/:reminder", Delete, reminders::remove),
    row("GET", "/location_reminders", Read, reminders::list_located),
    row("POST", "/location_reminders", Write, reminders::create),
    row(
        "GET",
        "/location_reminders/:reminder",
        Read,
        reminders::read,
    ),
    row(
        "POST",
        "/location_reminders/:reminder",
        Write,
        reminders::edit,
    ),
    row(
        "DELETE",
        "/location_reminders/:reminder",
        Delete,
        reminders::remove,
    ),
    row("GET", "/id_mappings/:kind/:ids", Read, mappings::read),
];

const fn row(method: &'static str, path: &'static str, needs: Needs, run: Handler) -> Route {
    Route {
        method,
        path,
        needs,
        run,
    }
}
