//! Comments on tasks and projects: what can be done to them, and the REST calls that do it.

use serde_json::{Map, Value};

use super::args::Args;
use super::call::{Call, Reply};
use super::refusal::Refusal;
use super::state::{Comment, Place, Store};
use super::wire;

/// Longest comment.
const LONGEST: usize = 15_000;

/// The one thing that a comment is to stand on; `task` is the key of a task's id.
fn place(store: &Store, args: Args<'_>, task: &str) -> Result<Place, Refusal> {
    match (args.id(task)?.flatten(), args.id("project_id")?.flatten()) {
        (Some(id), None) => Ok(Place::Task(store.task(&id)?.id.clone())),
        (None, Some(id)) => Ok(Place::Project(store.project(&id)?.id.clone())),
        _ => Err(Refusal::invalid(task, "either a task or a project")),
    }
}

/// Adds a comment; `task` and `attachment` are the keys of a task's id and of a file.
pub(crate) fn add(
    store: &mut Store,
    args: Args<'_>,
    task: &str,
    attachment: &str,
) -> Result<String, Refusal> {
    let content = args.needed("content", LONGEST)?;
    let place = place(store, args, task)?;
    let attachment = args.object(attachment)?.flatten();
    let notified = args.0.get("uids_to_notify").cloned();
    let (id, version) = (store.next_id(), store.next_version());
    let comment = Comment {
        id: id.clone(),
        place,
        content,
        attachment: attachment.map_or(Value::Null, Value::Object),
        notified: notified.unwrap_or(Value::Null),
        is_deleted: false,
        posted_at: store.now(),
        version,
    };
    store.comments.insert(id.clone(), comment);
    tell(store, "note:added", &id);
    Ok(id)
}

/// Changes the text of a comment.
pub(crate) fn update(store: &mut Store, id: &str, args: Args<'_>) -> Result<(), Refusal> {
    store.comment(id)?;
    let content = args.needed("content", LONGEST)?;
    store.edit_comment(id, |comment| comment.content = content);
    tell(store, "note:updated", id);
    Ok(())
}

/// Deletes a comment.
pub(crate) fn delete(store: &mut Store, id: &str) -> Result<(), Refusal> {
    store.comment(id)?;
    store.edit_comment(id, |comment| comment.is_deleted = true);
    tell(store, "note:deleted", id);
    Ok(())
}

fn tell(store: &mut Store, name: &'static str, id: &str) {
    if let Some(comment) = store.comments.get(id) {
        let data = wire::comment(store, comment);
        store.tell(name, data);
    }
}

fn shown(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    let store = &call.state.store;
    Ok(Reply::Ok(wire::comment(store, store.comment(id)?)))
}

/// `POST /comments`
pub(crate) fn create(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let body = call.body()?;
    let id = add(call.store(), Args(&body), "task_id", "attachment")?;
    shown(call, &id)
}

/// `GET /comments`
pub(crate) fn list(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let mut asked = Map::new();
    for key in ["task_id", "project_id"] {
        if let Some(id) = call.query_id(key)? {
            asked.insert(key.to_owned(), id.into());
        }
    }
    let store = &call.state.store;
    let place = place(store, Args(&asked), "task_id")?;
    let found = store.comments.values();
    let found = found.filter(|it| !it.is_deleted && it.place == place);
    let found = found.map(|it| wire::comment(store, it)).collect();
    call.page(found)
}

/// `GET /comments/{id}`
pub(crate) fn read(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    shown(call, &id)
}

/// `POST /comments/{id}`
pub(crate) fn edit(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let (id, body) = (call.id(0)?, call.body()?);
    update(call.store(), &id, Args(&body))?;
    shown(call, &id)
}

/// `DELETE /comments/{id}`
pub(crate) fn remove(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    delete(call.store(), &id)?;
    Ok(Reply::Done)
}
