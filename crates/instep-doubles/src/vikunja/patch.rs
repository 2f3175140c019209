//! v2 `PATCH`: read, merge, replace, as Vikunja does it inside. A patch that changes nothing
//! writes nothing.

use serde_json::Value;

use super::body::TaskBody;
use super::call::{Call, Reply};
use super::refusal::Refusal;
use super::{projects, schema, tasks, tokens};

/// `PATCH /tasks/{task}`
pub(crate) fn task(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    // The inner read asks for its own scope.
    if !tokens::also_holds(call, "tasks", "read_one") {
        return Err(Refusal::token());
    }
    let Some(merged) = merged(call, tasks::read)? else {
        return Ok(Reply::Unchanged);
    };
    let body: TaskBody = call.shape(merged.clone(), schema::TASK)?;
    tasks::check_update(call, id, &body)?;
    Ok(Reply::Ok(tasks::replace(call, id, body, &merged)))
}

/// `PATCH /projects/{project}`
pub(crate) fn project(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    if !tokens::also_holds(call, "projects", "read_one") {
        return Err(Refusal::token());
    }
    let Some(merged) = merged(call, projects::read)? else {
        return Ok(Reply::Unchanged);
    };
    let body = call.shape(merged, schema::PROJECT)?;
    projects::replace(call, id, body)
}

/// The thing as it would be with the patch over it; `None` when that changes nothing.
fn merged(
    call: &mut Call<'_>,
    read: fn(&mut Call<'_>) -> Result<Reply, Refusal>,
) -> Result<Option<Value>, Refusal> {
    let kind = call.request.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_owned();
    let Reply::Read {
        body: mut before, ..
    } = read(call)?
    else {
        return Ok(None);
    };
    if let Value::Object(map) = &mut before {
        map.remove("$schema");
    }
    let broken = || Refusal::bare(422, "Unable to apply patch");
    let patch = serde_json::from_slice(&call.request.body).map_err(|_| broken())?;
    let mut after = before.clone();
    match kind.as_str() {
        "application/merge-patch+json" | "application/json" | "" => merge(&mut after, &patch),
        "application/json-patch+json" => apply(&mut after, &patch).ok_or_else(broken)?,
        _ => {
            let text = "Content type should be one of application/merge-patch+json or \
                        application/json-patch+json";
            return Err(Refusal::bare(415, text));
        }
    }
    Ok((after != before).then_some(after))
}

/// RFC 6902 on the keys of one object: `add`, `replace`, `remove`, `test`.
fn apply(target: &mut Value, patch: &Value) -> Option<()> {
    let target = target.as_object_mut()?;
    for step in patch.as_array()? {
        let key = step.get("path")?.as_str()?.strip_prefix('/')?;
        match step.get("op")?.as_str()? {
            "add" | "replace" => {
                target.insert(key.to_owned(), step.get("value")?.clone());
            }
            "remove" => {
                target.shift_remove(key)?;
            }
            "test" => (target.get(key) == step.get("value")).then_some(())?,
            _ => return None,
        }
    }
    Some(())
}

/// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(target) = target else {
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            target.shift_remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}
