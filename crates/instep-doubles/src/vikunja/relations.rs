//! Relations between tasks: both directions are stored, one is announced.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::events::Pending;
use super::refusal::Refusal;
use super::state::State;
use super::{schema, tasks, wire};

/// Every kind with its inverse.
const KINDS: &[(&str, &str)] = &[
    ("subtask", "parenttask"),
    ("parenttask", "subtask"),
    ("blocking", "blocked"),
    ("blocked", "blocking"),
    ("precedes", "follows"),
    ("follows", "precedes"),
    ("duplicateof", "duplicates"),
    ("duplicates", "duplicateof"),
    ("copiedfrom", "copiedto"),
    ("copiedto", "copiedfrom"),
    ("related", "related"),
];

fn inverse(kind: &str) -> Option<&'static str> {
    KINDS
        .iter()
        .find(|(known, _)| *known == kind)
        .map(|(_, inverse)| *inverse)
}

#[derive(Deserialize)]
struct NewRelation {
    #[serde(default)]
    task_id: Option<i64>,
    #[serde(default)]
    other_task_id: i64,
    #[serde(default)]
    relation_kind: String,
}

/// `PUT /tasks/{task}/relations` (v2: `POST`)
pub(crate) fn create(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let new: NewRelation = call.body(schema::RELATION)?;
    let id = match new.task_id {
        Some(id) if !call.is_v2() => id,
        _ => call.id(0)?,
    };
    let kind = new.relation_kind.as_str();
    let back = inverse(kind).ok_or_else(|| unknown_kind(call, kind))?;
    call.state.check_task_writable(call.user, id)?;
    call.state
        .check_task_readable(call.user, new.other_task_id)
        .map_err(|refusal| {
            if refusal.status == 403 {
                Refusal::forbidden()
            } else {
                refusal
            }
        })?;
    let other = new.other_task_id;
    if other == id {
        return Err(Refusal::new(
            400,
            4010,
            "You cannot relate a task with itself",
        ));
    }
    let known = |from: i64, kind: &str, to: i64| has(call.state, from, kind, to);
    if known(id, kind, other) || known(other, back, id) {
        return Err(Refusal::new(409, 4008, "The task relation already exists."));
    }
    if closes_cycle(call.state, id, kind, other) {
        return Err(Refusal::new(
            409,
            4023,
            "This task relation would create a cycle.",
        ));
    }
    link(call.state, id, kind, other);
    link(call.state, other, back, id);
    let mut shown = show(id, kind, other);
    shown["created_by"] = wire::user(call.state, call.user);
    shown["created"] = tasks::precise_now(call.state).into();
    announce(call, "task.relation.created", id, shown.clone());
    Ok(Reply::Created(shown))
}

fn unknown_kind(call: &Call<'_>, kind: &str) -> Refusal {
    if !call.is_v2() {
        return Refusal::new(400, 4007, "The task relation is invalid.");
    }
    let known: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
    let why = format!("expected value to be one of \"{}\"", known.join(", "));
    Refusal::schema(&why, "body.relation_kind", &kind.into())
}

fn show(id: i64, kind: &str, other: i64) -> Value {
    json!({"task_id": id, "other_task_id": other, "relation_kind": kind, "created_by": null,
           "created": wire::NO_DATE})
}

fn has(state: &State, from: i64, kind: &str, to: i64) -> bool {
    let task = state.live_task(from);
    task.is_some_and(|task| {
        task.relations
            .iter()
            .any(|(k, other)| k == kind && *other == to)
    })
}

fn link(state: &mut State, from: i64, kind: &str, to: i64) {
    if let Some(task) = state.tasks.get_mut(&from) {
        task.relations.push((kind.to_owned(), to));
    }
}

/// Whether following `kind` from `other` leads back to `id`. Only the family tree must be a tree.
fn closes_cycle(state: &State, id: i64, kind: &str, other: i64) -> bool {
    if kind != "subtask" && kind != "parenttask" {
        return false;
    }
    let mut seen = vec![other];
    let mut at = 0;
    while let Some(next) = seen.get(at).copied() {
        if next == id {
            return true;
        }
        let relations = state.live_task(next).map(|task| task.relations.as_slice());
        for (known, task) in relations.unwrap_or_default() {
            if known == kind && !seen.contains(task) {
                seen.push(*task);
            }
        }
        at += 1;
    }
    false
}

fn announce(call: &mut Call<'_>, name: &'static str, id: i64, relation: Value) {
    let project = call.state.live_task(id).map_or(0, |task| task.project);
    let event = Pending::task(name, id, project, call.user).with("relation", relation);
    call.state.emit(event.touching(id));
}

/// `DELETE /tasks/{task}/relations/{kind}/{other}`
pub(crate) fn delete(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let (id, other) = (call.id(0)?, call.id(2)?);
    let kind = call.params.get(1).cloned().unwrap_or_default();
    call.state.check_task_writable(call.user, id)?;
    let missing = || Refusal::new(404, 4009, "The task relation does not exist.");
    let back = inverse(&kind).ok_or_else(missing)?;
    if !has(call.state, id, &kind, other) {
        return Err(missing());
    }
    for (from, kind, to) in [(id, kind.as_str(), other), (other, back, id)] {
        if let Some(task) = call.state.tasks.get_mut(&from) {
            task.relations
                .retain(|(known, task)| known != kind || *task != to);
        }
    }
    let shown = show(id, &kind, other);
    announce(call, "task.relation.deleted", id, shown);
    Ok(Reply::Deleted)
}
