//! Projects: list with its pseudo projects, create, full-replace update, delete, sharing.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Call, List, Reply};
use super::events::{Pending, Subject};
use super::refusal::Refusal;
use super::state::{Bucket, Project, Right, State, View};
use super::{fetch, filters, schema, wire};

/// The pseudo project of favourite tasks.
pub(crate) const FAVOURITES: i64 = -1;
/// Distance between projects made one after the other.
const POSITION_STEP: f64 = 65536.0;
/// Below this a position makes the server renumber the siblings.
const LEAST_POSITION: f64 = 0.1;
/// A project as a client sends it. Absent and `null` are the same.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NewProject {
    id: Option<i64>,
    title: Option<String>,
    description: Option<String>,
    identifier: Option<String>,
    hex_color: Option<String>,
    parent_project_id: Option<i64>,
    is_archived: Option<bool>,
    is_favorite: Option<bool>,
    position: Option<f64>,
}

impl NewProject {
    pub(crate) fn titled(title: &str) -> Self {
        Self {
            title: Some(title.to_owned()),
            ..Self::default()
        }
    }

    fn check(&self, v2: bool) -> Result<(), Refusal> {
        let mut faults = Vec::new();
        let title = self.title.as_deref().unwrap_or_default();
        if title.is_empty() {
            faults.push(("title", "non zero value required".to_owned()));
        }
        let lengths = [
            ("title", &self.title, 1, 250),
            ("identifier", &self.identifier, 0, 10),
            ("hex_color", &self.hex_color, 0, 7),
        ];
        for (field, value, least, most) in lengths {
            let value = value.as_deref().unwrap_or_default();
            if value.chars().count() > most {
                let why = format!("{value} does not validate as runelength({least}|{most})");
                faults.push((field, why));
            }
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Refusal::invalid_all(&faults, v2))
        }
    }
}

/// Strips a colour's `#` and anything beyond six digits.
pub(crate) fn plain_colour(text: &str) -> String {
    text.trim_start_matches('#').chars().take(6).collect()
}

/// The four views every project starts with.
pub(crate) fn new_views(state: &mut State) -> Vec<View> {
    let kinds = [
        ("List", "list"),
        ("Gantt", "gantt"),
        ("Table", "table"),
        ("Kanban", "kanban"),
    ];
    let mut views = Vec::new();
    for (at, (title, kind)) in kinds.into_iter().enumerate() {
        let place = |at: usize| i64::try_from(at + 1).unwrap_or(1) * 100;
        let mut buckets = Vec::new();
        if kind == "kanban" {
            for (at, title) in ["To-Do", "Doing", "Done"].into_iter().enumerate() {
                let id = state.next_id("bucket");
                buckets.push(Bucket {
                    id,
                    title,
                    position: place(at),
                });
            }
        }
        views.push(View {
            id: state.next_id("view"),
            title,
            kind,
            position: place(at),
            buckets,
        });
    }
    views
}

/// Stores a new project and gives its id.
pub(crate) fn add(state: &mut State, owner: i64, new: NewProject) -> i64 {
    let id = state.next_id("project");
    let views = new_views(state);
    let position = new.position.filter(|at| *at != 0.0).unwrap_or_else(|| {
        // Ids are far below the precision of a float.
        #[allow(clippy::cast_precision_loss)]
        let id = id as f64;
        id * POSITION_STEP
    });
    let now = state.second();
    let favourite = new.is_favorite.unwrap_or(false);
    let project = Project {
        id,
        title: new.title.unwrap_or_default(),
        description: new.description.unwrap_or_default(),
        identifier: new.identifier.unwrap_or_default().to_uppercase(),
        hex_color: plain_colour(&new.hex_color.unwrap_or_default()),
        parent: new.parent_project_id.unwrap_or(0),
        owner,
        is_archived: new.is_archived.unwrap_or(false),
        favourite_of: favourite.then_some(owner).into_iter().collect(),
        position,
        views,
        shares: Default::default(),
        created: now,
        updated: now,
        last_index: 0,
    };
    state.projects.insert(id, project);
    id
}

fn check_parent(state: &State, id: i64, parent: i64) -> Result<(), Refusal> {
    match parent {
        0 => Ok(()),
        i64::MIN..0 => Err(Refusal::new(
            412,
            3009,
            "This project cannot belong a dynamically generated project.",
        )),
        _ if parent == id => Err(Refusal::new(
            412,
            3010,
            "This project cannot be a child of itself.",
        )),
        _ if !state.projects.contains_key(&parent) => Err(Refusal::no_project()),
        _ if state.lineage(parent).any(|above| above.id == id) => Err(Refusal::new(
            412,
            3011,
            "This project cannot have a cyclic relationship.",
        )),
        _ => Ok(()),
    }
}

fn check_identifier(state: &State, id: i64, identifier: &str) -> Result<(), Refusal> {
    let wanted = identifier.to_uppercase();
    let mut others = state.projects.values().filter(|project| project.id != id);
    if !wanted.is_empty() && others.any(|project| project.identifier == wanted) {
        return Err(Refusal::new(
            400,
            3007,
            "A project with this identifier already exists.",
        ));
    }
    Ok(())
}

/// A project as reads show it to a user.
pub(crate) fn show(state: &State, id: i64, user: i64, permission: Value) -> Value {
    let Some(project) = state.projects.get(&id) else {
        return Value::Null;
    };
    wire::project(state, project, user, state.is_archived(id), permission)
}

/// `GET /projects`
pub(crate) fn list(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let archived = call.request.query("is_archived") == Some("true");
    let search = call
        .request
        .query(if call.is_v2() { "q" } else { "s" })
        .unwrap_or_default();
    let search = search.to_lowercase();
    let state = &*call.state;
    let mut ids = state.readable_projects(call.user, archived);
    ids.retain(|id| state.projects[id].title.to_lowercase().contains(&search));
    ids.sort_by(|a, b| {
        state.projects[a]
            .position
            .total_cmp(&state.projects[b].position)
    });
    let permissions = call.request.query("expand") == Some("permissions");
    let permission = |id: i64| match state.right(call.user, id) {
        Some(right) if permissions => json!(right as i64),
        _ => Value::Null,
    };
    let page = call.page()?;
    let mut items: Vec<Value> = page
        .cut(&ids)
        .into_iter()
        .map(|id| show(state, id, call.user, permission(id)))
        .collect();
    let real = items.len();
    let favourites = usize::from(has_favourites(state, call.user));
    items.extend(pseudo_projects(state, call.user));
    // Past its end this one list forgets its total.
    let total = if real == 0 { 0 } else { ids.len() };
    Ok(Reply::List(List {
        counted: real + favourites,
        items,
        total,
        page,
        kind: "Project",
    }))
}

fn has_favourites(state: &State, user: i64) -> bool {
    state
        .tasks
        .values()
        .any(|task| !task.deleted && task.favourite_of.contains(&user))
}

/// Favourites, if there is a favourite task, and the user's saved filter.
fn pseudo_projects(state: &State, user: i64) -> Vec<Value> {
    let favourites = has_favourites(state, user).then(|| favourites_project(state));
    let user = state.users.get(&user);
    let filter =
        user.and_then(|user| Some(filters::as_project(state, user, filters::pseudo_id(user)?)));
    favourites.into_iter().chain(filter).collect()
}

fn favourites_project(state: &State) -> Value {
    let at = wire::precise(&state.zone, state.now);
    let mut shown = wire::pseudo_project(FAVOURITES, "Favorites", &at);
    shown["description"] = "This project has all tasks marked as favorites.".into();
    shown["is_favorite"] = true.into();
    shown["position"] = (-1).into();
    let kinds = [("List", "list"), ("Gantt", "gantt"), ("Table", "table")];
    let views = kinds.into_iter().zip(1..).map(|((title, kind), at)| {
        let view = View {
            id: -at,
            title,
            kind,
            position: at * 100,
            buckets: Vec::new(),
        };
        wire::view(FAVOURITES, &view, wire::NO_DATE)
    });
    shown["views"] = views.collect();
    shown
}

/// A pseudo project by its negative id.
fn read_pseudo(call: &Call<'_>, id: i64) -> Result<Value, Refusal> {
    if id == FAVOURITES {
        let mut shown = favourites_project(call.state);
        shown["owner"] = wire::user(call.state, call.user);
        shown["max_permission"] = json!(0);
        return Ok(shown);
    }
    let user = call.state.users.get(&call.user);
    let own = user.filter(|user| filters::pseudo_id(user) == Some(id));
    Ok(filters::as_project(
        call.state,
        own.ok_or_else(filters::missing)?,
        id,
    ))
}

/// `GET /projects/{project}`
pub(crate) fn read(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    let (mut body, right) = if id < 0 {
        (read_pseudo(call, id)?, Right::Read)
    } else {
        call.state.readable_project(call.user, id)?;
        let right = call.state.right(call.user, id).unwrap_or(Right::Read);
        (show(call.state, id, call.user, json!(0)), right)
    };
    let right = right as i64;
    if call.is_v2() {
        body["max_permission"] = right.into();
        let body = fetch::with_schema(call, "ProjectReadBody", body);
        return Ok(Reply::Read {
            body,
            headers: Vec::new(),
        });
    }
    Ok(Reply::Read {
        body,
        headers: vec![("x-max-permission", right.to_string())],
    })
}

/// A written project as the API called shows it.
fn written(call: &Call<'_>, id: i64) -> Value {
    if !call.is_v2() {
        return show(call.state, id, call.user, json!(0));
    }
    let shown = show(call.state, id, call.user, Value::Null);
    fetch::with_schema(call, "Project", shown)
}

/// `PUT /projects` (v2: `POST`)
pub(crate) fn create(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let new: NewProject = call.body(schema::PROJECT)?;
    new.check(call.is_v2())?;
    let parent = new.parent_project_id.unwrap_or(0);
    check_parent(call.state, 0, parent)?;
    if parent > 0 {
        call.state.check_writable(call.user, parent)?;
    }
    check_identifier(call.state, 0, new.identifier.as_deref().unwrap_or_default())?;
    let owner = call
        .state
        .users
        .get(&call.user)
        .and_then(|user| user.bot_owner);
    let id = add(call.state, owner.unwrap_or(call.user), new);
    if owner.is_some()
        && let Some(project) = call.state.projects.get_mut(&id)
    {
        project.shares.insert(call.user, Right::Admin);
    }
    let mut shown = written(call, id);
    let now = wire::precise(&call.state.zone, call.state.now);
    for stamped in ["created", "updated"] {
        shown[stamped] = now.clone().into();
        if let Value::Array(views) = &mut shown["views"] {
            views
                .iter_mut()
                .for_each(|view| view[stamped] = now.clone().into());
        }
    }
    Ok(Reply::Created(shown))
}

/// `POST /projects/{project}` (v2: `PUT`)
pub(crate) fn update(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let body: NewProject = call.body(schema::PROJECT)?;
    let id = match body.id {
        Some(id) if !call.is_v2() => id,
        _ => call.id(0)?,
    };
    replace(call, id, body)
}

/// Full replace of a project's writable fields.
pub(crate) fn replace(call: &mut Call<'_>, id: i64, body: NewProject) -> Result<Reply, Refusal> {
    let state = &mut *call.state;
    let stored = state.projects.get(&id).ok_or_else(Refusal::no_project)?;
    let was_archived = stored.is_archived;
    match state.right(call.user, id) {
        Some(right) if right >= Right::Write => {}
        _ => return Err(Refusal::forbidden()),
    }
    body.check(call.api == super::call::Api::V2)?;
    let archive = body.is_archived.unwrap_or(false);
    if state.is_archived(id) && archive && was_archived {
        return Err(Refusal::archived());
    }
    check_parent(state, id, body.parent_project_id.unwrap_or(0))?;
    if let Some(parent) = body
        .parent_project_id
        .filter(|parent| *parent != stored_parent(state, id))
    {
        let admin = |id| state.right(call.user, id) == Some(Right::Admin);
        if !admin(id) || (parent > 0 && !admin(parent)) {
            return Err(Refusal::forbidden());
        }
    }
    check_identifier(state, id, body.identifier.as_deref().unwrap_or_default())?;
    if archive && state.users.values().any(|user| user.default_project == id) {
        let text = "You cannot archive this project because a user has set it as their default.";
        return Err(Refusal::new(412, 3013, text));
    }
    store(state, call.user, id, body, archive);
    state.emit(Pending::project("project.updated", id, call.user));
    Ok(Reply::Ok(written(call, id)))
}

fn stored_parent(state: &State, id: i64) -> i64 {
    state.projects.get(&id).map_or(0, |project| project.parent)
}

fn store(state: &mut State, user: i64, id: i64, body: NewProject, archive: bool) {
    for child in descendants(state, id) {
        if let Some(project) = state.projects.get_mut(&child) {
            project.is_archived = archive;
        }
    }
    let now = state.second();
    let Some(project) = state.projects.get_mut(&id) else {
        return;
    };
    project.title = body.title.unwrap_or_default();
    project.is_archived = archive;
    project.identifier = body.identifier.unwrap_or_default().to_uppercase();
    project.hex_color = plain_colour(&body.hex_color.unwrap_or_default());
    project.position = body.position.unwrap_or(0.0);
    if let Some(description) = body.description.filter(|text| !text.is_empty()) {
        project.description = description;
    }
    if let Some(parent) = body.parent_project_id {
        project.parent = parent;
    }
    if body.is_favorite.unwrap_or(false) {
        project.favourite_of.insert(user);
    } else {
        project.favourite_of.remove(&user);
    }
    project.updated = now;
    let (parent, renumber) = (project.parent, project.position < LEAST_POSITION);
    if renumber {
        renumber_siblings(state, parent, id);
    }
}

/// Spreads the siblings out again; the edited project keeps the position that was sent.
fn renumber_siblings(state: &mut State, parent: i64, edited: i64) {
    let siblings = state
        .projects
        .values_mut()
        .filter(|project| project.parent == parent);
    let mut ordered: Vec<&mut Project> = siblings.collect();
    ordered.sort_by(|a, b| a.position.total_cmp(&b.position));
    let mut at = 0.0;
    for project in ordered {
        at += POSITION_STEP;
        if project.id != edited {
            project.position = at;
        }
    }
}

/// All projects below one.
fn descendants(state: &State, id: i64) -> Vec<i64> {
    let below =
        |other: &&Project| other.id != id && state.lineage(other.id).any(|above| above.id == id);
    state
        .projects
        .values()
        .filter(below)
        .map(|project| project.id)
        .collect()
}

/// `DELETE /projects/{project}`
pub(crate) fn delete(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    if !call.state.projects.contains_key(&id) {
        return Err(Refusal::no_project());
    }
    if call.state.right(call.user, id) != Some(Right::Admin) {
        return Err(Refusal::forbidden());
    }
    let mut doomed = vec![id];
    doomed.extend(descendants(call.state, id));
    for id in doomed {
        remove(call.state, id, call.user);
    }
    Ok(Reply::Deleted)
}

fn remove(state: &mut State, id: i64, doer: i64) {
    let mut thin = show(state, id, doer, json!(0));
    thin["owner"] = Value::Null;
    thin["views"] = Value::Null;
    thin["updated"] = wire::date(&state.zone, Some(state.second())).into();
    let gone: Vec<i64> = state
        .tasks
        .values()
        .filter(|task| task.project == id)
        .map(|task| task.id)
        .collect();
    state.tasks.retain(|_, task| task.project != id);
    for task in state.tasks.values_mut() {
        task.relations.retain(|(_, other)| !gone.contains(other));
    }
    state.projects.remove(&id);
    state
        .users
        .values_mut()
        .filter(|user| user.default_project == id)
        .for_each(|user| {
            user.default_project = 0;
        });
    let event = Pending::event("project.deleted", Subject::Nothing, id, doer);
    state.emit(event.with("project", thin));
}
