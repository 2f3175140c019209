//! Labels: personal ones, which are objects, and shared ones, which are only names on tasks.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::account::MOST_LABELS;
use super::args::Args;
use super::call::{Call, Reply};
use super::projects::USUAL_COLOR;
use super::refusal::Refusal;
use super::state::{Label, Store};
use super::wire;

/// Longest name.
const LONGEST_NAME: usize = 128;
/// Highest order.
const MOST_ORDER: i64 = i16::MAX as i64;

fn order(args: Args<'_>) -> Result<Option<i64>, Refusal> {
    for key in ["order", "item_order"] {
        if let Some(Some(order)) = args.number(key, -MOST_ORDER, MOST_ORDER)? {
            return Ok(Some(order));
        }
    }
    Ok(None)
}

fn check_unused(store: &Store, name: &str, own: Option<&str>) -> Result<(), Refusal> {
    let mut live = store.labels.values().filter(|label| !label.is_deleted);
    match live.any(|label| label.name == name && Some(label.id.as_str()) != own) {
        true => Err(Refusal::invalid("name", "a name that no other label has")),
        false => Ok(()),
    }
}

/// Adds a personal label; gives its id.
pub(crate) fn add(store: &mut Store, args: Args<'_>) -> Result<String, Refusal> {
    let name = args.needed("name", LONGEST_NAME)?;
    check_unused(store, &name, None)?;
    let live = store.labels.values().filter(|label| !label.is_deleted);
    let orders: Vec<i64> = live.map(|label| label.order).collect();
    if orders.len() >= MOST_LABELS {
        return Err(Refusal::full("MAX_LABELS_LIMIT_REACHED", MOST_LABELS));
    }
    let last = orders.into_iter().max().unwrap_or(0);
    let color = args.text("color")?.flatten();
    let order = order(args)?.unwrap_or(last + 1);
    let is_favorite = args.flag("is_favorite")?.unwrap_or(false);
    let id = store.next_label_id();
    let label = Label {
        id: id.clone(),
        name,
        color: color.unwrap_or_else(|| USUAL_COLOR.to_owned()),
        order,
        is_favorite,
        is_deleted: false,
        version: store.next_version(),
    };
    store.labels.insert(id.clone(), label);
    tell(store, "label:added", &id);
    Ok(id)
}

/// Changes fields of a personal label; a new name goes to the tasks too.
pub(crate) fn update(store: &mut Store, id: &str, args: Args<'_>) -> Result<(), Refusal> {
    let old = store.label(id)?.name.clone();
    let name = args.filled("name", LONGEST_NAME)?;
    let color = args.text("color")?.flatten();
    let (order, is_favorite) = (order(args)?, args.flag("is_favorite")?);
    if let Some(name) = &name {
        check_unused(store, name, Some(id))?;
        rename_on_tasks(store, &old, name);
    }
    store.edit_label(id, |label| {
        label.name = name.unwrap_or_else(|| label.name.clone());
        label.color = color.unwrap_or_else(|| label.color.clone());
        label.order = order.unwrap_or(label.order);
        label.is_favorite = is_favorite.unwrap_or(label.is_favorite);
    });
    tell(store, "label:updated", id);
    Ok(())
}

/// Deletes a personal label; the tasks keep the name as a shared one unless it goes everywhere.
pub(crate) fn delete(store: &mut Store, id: &str, everywhere: bool) -> Result<(), Refusal> {
    let name = store.label(id)?.name.clone();
    if everywhere {
        remove_from_tasks(store, &name);
    }
    store.edit_label(id, |label| label.is_deleted = true);
    tell(store, "label:deleted", id);
    Ok(())
}

/// The tasks that carry a name.
fn carriers(store: &Store, name: &str) -> Vec<String> {
    let found = store.tasks.values().filter(|task| !task.is_deleted);
    let found = found.filter(|task| task.labels.iter().any(|label| label == name));
    found.map(|task| task.id.clone()).collect()
}

/// Renames a label on every task.
pub(crate) fn rename_on_tasks(store: &mut Store, old: &str, new: &str) {
    if old == new {
        return;
    }
    for id in carriers(store, old) {
        store.edit_task(&id, |task| {
            let already = task.labels.iter().any(|label| label == new);
            task.labels.retain(|label| !(already && label == old));
            for label in task.labels.iter_mut().filter(|label| *label == old) {
                new.clone_into(label);
            }
        });
    }
}

/// Takes a label off every task.
pub(crate) fn remove_from_tasks(store: &mut Store, name: &str) {
    for id in carriers(store, name) {
        store.edit_task(&id, |task| task.labels.retain(|label| label != name));
    }
}

/// Sets the order of labels: id and order.
pub(crate) fn reorder(store: &mut Store, rows: &[(String, i64)]) -> Result<(), Refusal> {
    for (id, _) in rows {
        store.label(id)?;
    }
    for (id, order) in rows {
        store.edit_label(id, |label| label.order = *order);
    }
    Ok(())
}

fn tell(store: &mut Store, name: &'static str, id: &str) {
    if let Some(label) = store.labels.get(id) {
        let data = wire::sync_label(label);
        store.tell(name, data);
    }
}

/// A label's id in a path: decimal digits.
fn path_id(call: &Call<'_>) -> Result<String, Refusal> {
    let id = call.param(0);
    match id.parse::<u64>() {
        Ok(_) => Ok(id),
        Err(_) => Err(Refusal::invalid("label_id", "integer")),
    }
}

fn shown(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    Ok(Reply::Ok(wire::rest_label(call.state.store.label(id)?)))
}

/// `POST /labels`
pub(crate) fn create(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let body = call.body()?;
    let id = add(call.store(), Args(&body))?;
    shown(call, &id)
}

/// `GET /labels/{id}`
pub(crate) fn read(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = path_id(call)?;
    shown(call, &id)
}

/// `POST /labels/{id}`
pub(crate) fn edit(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let (id, body) = (path_id(call)?, call.body()?);
    update(call.store(), &id, Args(&body))?;
    shown(call, &id)
}

/// `DELETE /labels/{id}`
pub(crate) fn remove(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = path_id(call)?;
    delete(call.store(), &id, true)?;
    Ok(Reply::Done)
}

fn pick(store: &Store, fits: impl Fn(&Label) -> bool) -> Vec<Value> {
    let found = store.labels.values();
    let found = found.filter(|label| !label.is_deleted && fits(label));
    found.map(wire::rest_label).collect()
}

/// `GET /labels`
pub(crate) fn list(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let found = pick(&call.state.store, |_| true);
    call.page(found)
}

/// `GET /labels/search`
pub(crate) fn search(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let query = call
        .request
        .query("query")
        .unwrap_or_default()
        .to_lowercase();
    let found = pick(&call.state.store, |label| {
        label.name.to_lowercase().contains(&query)
    });
    call.page(found)
}

/// `GET /labels/shared`: names on active tasks.
pub(crate) fn shared(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let store = &call.state.store;
    let omits_personal = call.request.query("omit_personal") == Some("true");
    let active = store.tasks.values().filter(|task| store.is_active(task));
    let mut names: BTreeSet<&str> = active
        .flat_map(|task| task.labels.iter().map(String::as_str))
        .collect();
    let personal = store.labels.values().filter(|label| !label.is_deleted);
    for label in personal {
        match omits_personal {
            true => names.remove(label.name.as_str()),
            false => names.insert(label.name.as_str()),
        };
    }
    let names = names.into_iter().map(|name| json!(name)).collect();
    call.page(names)
}

/// `POST /labels/shared/rename`: the old name is in the body, or in the query.
pub(crate) fn rename_shared(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let body = call.body()?;
    let args = Args(&body);
    let old = match call.request.query("name") {
        Some(name) => name.to_owned(),
        None => args.needed("name", LONGEST_NAME)?,
    };
    let new = args.needed("new_name", LONGEST_NAME)?;
    rename_on_tasks(call.store(), &old, &new);
    Ok(Reply::Done)
}

/// `POST /labels/shared/remove`
pub(crate) fn remove_shared(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let body = call.body()?;
    let name = Args(&body).needed("name", LONGEST_NAME)?;
    remove_from_tasks(call.store(), &name);
    Ok(Reply::Done)
}
