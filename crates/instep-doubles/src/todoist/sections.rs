//! Sections: what can be done to them, and the REST calls that do it.

use serde_json::Value;

use super::account::MOST_SECTIONS;
use super::args::{Args, Given};
use super::call::{Call, Reply};
use super::refusal::Refusal;
use super::state::{Section, Store};
use super::{tasks, wire};

/// Longest name.
const LONGEST_NAME: usize = 2048;
/// Longest description.
const LONGEST_DESCRIPTION: usize = 16_383;

/// The order in a body: creations and commands name it differently.
fn order(args: Args<'_>) -> Result<Option<i64>, Refusal> {
    for key in ["section_order", "order"] {
        let order = args.number(key, i64::from(i32::MIN), i64::from(i32::MAX))?;
        if let Some(Some(order)) = order {
            return Ok(Some(order));
        }
    }
    Ok(None)
}

fn description(args: Args<'_>) -> Result<Given<String>, Refusal> {
    args.text_up_to("description", LONGEST_DESCRIPTION)
}

/// Adds a section; gives its id.
pub(crate) fn add(store: &mut Store, args: Args<'_>) -> Result<String, Refusal> {
    let name = args.needed("name", LONGEST_NAME)?;
    let project = args.needed_id("project_id")?;
    store.project(&project)?;
    let there = store.sections.values();
    let there = there.filter(|it| it.project == project && !it.is_deleted && !it.is_archived);
    let there: Vec<i64> = there.map(|it| it.section_order).collect();
    if there.len() >= MOST_SECTIONS {
        return Err(Refusal::full("MAX_SECTIONS_LIMIT_REACHED", MOST_SECTIONS));
    }
    let last = there.into_iter().max().unwrap_or(0);
    let (id, version, now) = (store.next_id(), store.next_version(), store.now());
    let section = Section {
        id: id.clone(),
        project,
        name,
        description: description(args)?.flatten(),
        section_order: order(args)?.unwrap_or(last + 1),
        is_collapsed: args.flag("is_collapsed")?.unwrap_or(false),
        is_archived: false,
        is_deleted: false,
        added_at: now,
        updated_at: now,
        archived_at: None,
        version,
    };
    store.sections.insert(id.clone(), section);
    tell(store, "section:added", &id);
    Ok(id)
}

/// Changes fields of a section; a description of `null` clears it.
pub(crate) fn update(store: &mut Store, id: &str, args: Args<'_>) -> Result<(), Refusal> {
    store.section(id)?;
    let (name, description) = (args.filled("name", LONGEST_NAME)?, description(args)?);
    let (order, is_collapsed) = (order(args)?, args.flag("is_collapsed")?);
    store.edit_section(id, |section| {
        if let Some(name) = name {
            section.name = name;
        }
        if let Some(description) = description {
            section.description = description;
        }
        section.section_order = order.unwrap_or(section.section_order);
        section.is_collapsed = is_collapsed.unwrap_or(section.is_collapsed);
    });
    tell(store, "section:updated", id);
    Ok(())
}

/// Moves a section with its tasks to another project.
pub(crate) fn relocate(store: &mut Store, id: &str, project: &str) -> Result<(), Refusal> {
    store.section(id)?;
    store.project(project)?;
    for task in inside(store, id) {
        store.edit_task(&task, |task| task.project = project.to_owned());
    }
    store.edit_section(id, |section| section.project = project.to_owned());
    tell(store, "section:updated", id);
    Ok(())
}

/// Archives a section, or takes it out of the archive. Its tasks are off the active lists meanwhile.
pub(crate) fn set_archived(store: &mut Store, id: &str, archived: bool) -> Result<(), Refusal> {
    store.section(id)?;
    let now = store.now();
    store.edit_section(id, |section| {
        section.is_archived = archived;
        section.archived_at = archived.then_some(now);
    });
    let name = if archived {
        "section:archived"
    } else {
        "section:unarchived"
    };
    tell(store, name, id);
    Ok(())
}

/// Deletes a section with its tasks.
pub(crate) fn delete(store: &mut Store, id: &str) -> Result<(), Refusal> {
    store.section(id)?;
    let told = store.tells_of_children;
    for task in inside(store, id) {
        tasks::bury(store, &task, told);
    }
    bury(store, id, true);
    Ok(())
}

/// Marks one section deleted; unless it is told of, no later sync mentions it.
pub(crate) fn bury(store: &mut Store, id: &str, told: bool) {
    if told {
        store.edit_section(id, |section| section.is_deleted = true);
        tell(store, "section:deleted", id);
    } else if let Some(section) = store.sections.get_mut(id) {
        section.is_deleted = true;
    }
}

fn inside(store: &Store, id: &str) -> Vec<String> {
    let inside = store.tasks.values();
    let inside = inside.filter(|task| task.section.as_deref() == Some(id) && !task.is_deleted);
    inside.map(|task| task.id.clone()).collect()
}

/// Sets the order of sections: id and order.
pub(crate) fn reorder(store: &mut Store, rows: &[(String, i64)]) -> Result<(), Refusal> {
    for (id, _) in rows {
        store.section(id)?;
    }
    for (id, order) in rows {
        store.edit_section(id, |section| section.section_order = *order);
    }
    Ok(())
}

fn tell(store: &mut Store, name: &'static str, id: &str) {
    if let Some(section) = store.sections.get(id) {
        let data = wire::section(store, section);
        store.tell(name, data);
    }
}

fn shown(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    let store = &call.state.store;
    Ok(Reply::Ok(wire::section(store, store.section(id)?)))
}

/// `POST /sections`
pub(crate) fn create(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let body = call.body()?;
    let id = add(call.store(), Args(&body))?;
    shown(call, &id)
}

/// `GET /sections/{id}`
pub(crate) fn read(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    shown(call, &id)
}

/// `POST /sections/{id}`
pub(crate) fn edit(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let (id, body) = (call.id(0)?, call.body()?);
    update(call.store(), &id, Args(&body))?;
    shown(call, &id)
}

/// `DELETE /sections/{id}`
pub(crate) fn remove(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    delete(call.store(), &id)?;
    Ok(Reply::Done)
}

/// `POST /sections/{id}/archive`
pub(crate) fn archive(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    set_archived(call.store(), &id, true)?;
    shown(call, &id)
}

/// `POST /sections/{id}/unarchive`
pub(crate) fn unarchive(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    set_archived(call.store(), &id, false)?;
    shown(call, &id)
}

fn pick(store: &Store, fits: impl Fn(&Section) -> bool) -> Vec<Value> {
    let found = store.sections.values();
    let found = found.filter(|it| !it.is_deleted && !it.is_archived && fits(it));
    found.map(|section| wire::section(store, section)).collect()
}

/// `GET /sections`
pub(crate) fn list(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let project = call.query_id("project_id")?;
    let found = pick(&call.state.store, |section| {
        project.as_ref().is_none_or(|id| *id == section.project)
    });
    call.page(found)
}

/// `GET /sections/search`
pub(crate) fn search(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let query = call
        .request
        .query("query")
        .unwrap_or_default()
        .to_lowercase();
    let project = call.query_id("project_id")?;
    let found = pick(&call.state.store, |section| {
        project.as_ref().is_none_or(|id| *id == section.project)
            && section.name.to_lowercase().contains(&query)
    });
    call.page(found)
}
