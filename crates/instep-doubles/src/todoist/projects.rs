//! Projects: what can be done to them, and the REST calls that do it.

use serde_json::{Value, json};

use super::account::most_projects;
use super::args::Args;
use super::call::{Call, Reply};
use super::refusal::Refusal;
use super::state::{Place, Project, Store};
use super::{sections, tasks, wire};

/// Longest name.
const LONGEST_NAME: usize = 120;
/// Longest description.
const LONGEST_DESCRIPTION: usize = 16_383;
/// Colour of what names none.
pub(crate) const USUAL_COLOR: &str = "charcoal";
/// The ways a project can be looked at.
const VIEW_STYLES: [&str; 3] = ["list", "board", "calendar"];

/// Makes the inbox; gives its id.
pub(crate) fn make_inbox(store: &mut Store) -> String {
    let mut inbox = blank(store, "Inbox".to_owned(), None);
    inbox.is_inbox = true;
    inbox.child_order = 0;
    let id = inbox.id.clone();
    store.projects.insert(id.clone(), inbox);
    id
}

fn blank(store: &mut Store, name: String, parent: Option<String>) -> Project {
    let now = store.now();
    let siblings = store.projects.values().filter(|it| it.parent == parent);
    let last = siblings.map(|it| it.child_order).max().unwrap_or(0);
    Project {
        id: store.next_id(),
        name,
        description: String::new(),
        color: USUAL_COLOR.to_owned(),
        parent,
        child_order: last + 1,
        is_inbox: false,
        is_favorite: false,
        is_collapsed: false,
        is_archived: false,
        is_deleted: false,
        view_style: VIEW_STYLES[0].to_owned(),
        created_at: now,
        updated_at: now,
        version: store.next_version(),
    }
}

/// Fields of a project; `null` leaves each as it is.
struct Draft {
    name: Option<String>,
    description: Option<String>,
    color: Option<String>,
    is_favorite: Option<bool>,
    is_collapsed: Option<bool>,
    view_style: Option<String>,
    child_order: Option<i64>,
}

impl Draft {
    fn read(args: Args<'_>) -> Result<Self, Refusal> {
        let view_style = args.text("view_style")?.flatten();
        if view_style
            .as_deref()
            .is_some_and(|it| !VIEW_STYLES.contains(&it))
        {
            return Err(Refusal::invalid("view_style", "list, board or calendar"));
        }
        Ok(Self {
            name: args.filled("name", LONGEST_NAME)?,
            description: args
                .text_up_to("description", LONGEST_DESCRIPTION)?
                .flatten(),
            color: args.text("color")?.flatten(),
            is_favorite: args.flag("is_favorite")?,
            is_collapsed: args.flag("is_collapsed")?,
            view_style,
            child_order: args
                .number("child_order", i64::from(i32::MIN), i64::from(i32::MAX))?
                .flatten(),
        })
    }

    fn apply(self, project: &mut Project) {
        let keep = |new: Option<String>, old: &mut String| {
            if let Some(new) = new {
                *old = new;
            }
        };
        keep(self.name, &mut project.name);
        keep(self.description, &mut project.description);
        keep(self.color, &mut project.color);
        keep(self.view_style, &mut project.view_style);
        project.is_favorite = self.is_favorite.unwrap_or(project.is_favorite);
        project.is_collapsed = self.is_collapsed.unwrap_or(project.is_collapsed);
        project.child_order = self.child_order.unwrap_or(project.child_order);
    }
}

/// Adds a project; gives its id.
pub(crate) fn add(store: &mut Store, args: Args<'_>) -> Result<String, Refusal> {
    let name = args.needed("name", LONGEST_NAME)?;
    let draft = Draft::read(args)?;
    let parent = args.id("parent_id")?.flatten();
    if let Some(parent) = &parent {
        store.project(parent)?;
    }
    let there = store.projects.values();
    let there = there.filter(|it| !it.is_inbox && !it.is_archived && !it.is_deleted);
    let most = most_projects(store);
    if there.count() >= most {
        return Err(Refusal::full("MAX_PROJECTS_LIMIT_REACHED", most));
    }
    let mut project = blank(store, name, parent);
    draft.apply(&mut project);
    let id = project.id.clone();
    store.projects.insert(id.clone(), project);
    tell(store, "project:added", &id);
    Ok(id)
}

/// Changes fields of a project.
pub(crate) fn update(store: &mut Store, id: &str, args: Args<'_>) -> Result<(), Refusal> {
    store.project(id)?;
    let draft = Draft::read(args)?;
    store.edit_project(id, |project| draft.apply(project));
    tell(store, "project:updated", id);
    Ok(())
}

/// Puts a project below another one, or at the top.
pub(crate) fn relocate(store: &mut Store, id: &str, parent: Option<String>) -> Result<(), Refusal> {
    store.project(id)?;
    if let Some(parent) = &parent {
        store.project(parent)?;
        if with_below(store, id).contains(parent) {
            return Err(Refusal::invalid(
                "parent_id",
                "a project that is not below it",
            ));
        }
    }
    store.edit_project(id, |project| project.parent = parent);
    tell(store, "project:updated", id);
    Ok(())
}

/// A project and all below it.
fn with_below(store: &Store, id: &str) -> Vec<String> {
    let mut found = vec![id.to_owned()];
    let mut at = 0;
    while let Some(parent) = found.get(at).cloned() {
        let children = store.projects.values();
        let children =
            children.filter(|it| it.parent.as_deref() == Some(&parent) && !it.is_deleted);
        found.extend(children.map(|it| it.id.clone()));
        at += 1;
    }
    found
}

/// Archives a project with all below it, or takes it alone out of the archive.
pub(crate) fn set_archived(store: &mut Store, id: &str, archived: bool) -> Result<(), Refusal> {
    if store.project(id)?.is_inbox {
        return Err(Refusal::invalid("id", "a project other than the inbox"));
    }
    let ids = if archived {
        with_below(store, id)
    } else {
        vec![id.to_owned()]
    };
    for id in ids {
        store.edit_project(&id, |project| project.is_archived = archived);
        let name = if archived {
            "project:archived"
        } else {
            "project:unarchived"
        };
        tell(store, name, &id);
    }
    Ok(())
}

/// Deletes a project with all below and all in it.
pub(crate) fn delete(store: &mut Store, id: &str) -> Result<(), Refusal> {
    if store.project(id)?.is_inbox {
        return Err(Refusal::invalid("id", "a project other than the inbox"));
    }
    for id in with_below(store, id) {
        empty(store, &id);
        store.edit_project(&id, |project| project.is_deleted = true);
        tell(store, "project:deleted", &id);
    }
    Ok(())
}

/// Deletes all in a project.
fn empty(store: &mut Store, id: &str) {
    let told = store.tells_of_children;
    let inside = store.tasks.values();
    let inside = inside.filter(|task| task.project == id && !task.is_deleted);
    let inside: Vec<String> = inside.map(|task| task.id.clone()).collect();
    for task in inside {
        tasks::bury(store, &task, told);
    }
    let inside = store.sections.values();
    let inside = inside.filter(|section| section.project == id && !section.is_deleted);
    let inside: Vec<String> = inside.map(|section| section.id.clone()).collect();
    for section in inside {
        sections::bury(store, &section, told);
    }
    let comments = store.comments.values_mut();
    for comment in comments.filter(|it| it.place == Place::Project(id.to_owned())) {
        comment.is_deleted = true;
    }
}

/// Sets the order of projects: id and order.
pub(crate) fn reorder(store: &mut Store, rows: &[(String, i64)]) -> Result<(), Refusal> {
    for (id, _) in rows {
        store.project(id)?;
    }
    for (id, order) in rows {
        store.edit_project(id, |project| project.child_order = *order);
    }
    Ok(())
}

fn tell(store: &mut Store, name: &'static str, id: &str) {
    if let Some(project) = store.projects.get(id) {
        let data = wire::project(store, project);
        store.tell(name, data);
    }
}

fn shown(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    let store = &call.state.store;
    Ok(Reply::Ok(wire::project(store, store.project(id)?)))
}

/// `POST /projects`
pub(crate) fn create(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let body = call.body()?;
    let id = add(call.store(), Args(&body))?;
    shown(call, &id)
}

/// `GET /projects/{id}`
pub(crate) fn read(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    shown(call, &id)
}

/// `POST /projects/{id}`
pub(crate) fn edit(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let (id, body) = (call.id(0)?, call.body()?);
    update(call.store(), &id, Args(&body))?;
    shown(call, &id)
}

/// `DELETE /projects/{id}`
pub(crate) fn remove(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    delete(call.store(), &id)?;
    Ok(Reply::Done)
}

/// `POST /projects/{id}/archive`
pub(crate) fn archive(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    set_archived(call.store(), &id, true)?;
    shown(call, &id)
}

/// `POST /projects/{id}/unarchive`
pub(crate) fn unarchive(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    set_archived(call.store(), &id, false)?;
    shown(call, &id)
}

fn pick(store: &Store, fits: impl Fn(&Project) -> bool) -> Vec<Value> {
    let found = store.projects.values();
    let found = found.filter(|project| !project.is_deleted && fits(project));
    found.map(|project| wire::project(store, project)).collect()
}

/// `GET /projects`
pub(crate) fn list(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let found = pick(&call.state.store, |project| !project.is_archived);
    call.page(found)
}

/// `GET /projects/archived`
pub(crate) fn archived(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let found = pick(&call.state.store, |project| project.is_archived);
    call.page(found)
}

/// `GET /projects/search`
pub(crate) fn search(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let query = call
        .request
        .query("query")
        .unwrap_or_default()
        .to_lowercase();
    let found = pick(&call.state.store, |project| {
        !project.is_archived && project.name.to_lowercase().contains(&query)
    });
    call.page(found)
}

/// `GET /projects/{id}/collaborators`: nobody shares anything here.
pub(crate) fn collaborators(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    call.store().project(&id)?;
    call.page(Vec::new())
}

/// `GET /projects/{id}/full`
pub(crate) fn full(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    let store = &call.state.store;
    let project = wire::project(store, store.project(&id)?);
    let inside = store.tasks.values();
    let inside = inside.filter(|task| task.project == id && store.is_active(task));
    let inside: Vec<Value> = inside.map(|task| wire::task(store, task)).collect();
    let sections = store.sections.values();
    let sections = sections.filter(|it| it.project == id && !it.is_deleted);
    let sections: Vec<Value> = sections.map(|it| wire::section(store, it)).collect();
    let notes = store.comments.values();
    let notes = notes.filter(|it| !it.is_deleted && it.place == Place::Project(id.clone()));
    let notes: Vec<Value> = notes.map(|it| wire::comment(store, it)).collect();
    Ok(Reply::Ok(json!({
        "project": project, "comments_count": notes.len(), "tasks": inside,
        "sections": sections, "collaborators": [], "notes": notes,
    })))
}
