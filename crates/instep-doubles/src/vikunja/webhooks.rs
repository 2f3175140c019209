//! Managing a project's webhooks. Sending is the business of `delivery`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::events;
use super::refusal::Refusal;
use super::state::{Hook, Right};
use super::wire;

const KEYS: &[&str] = &[
    "id",
    "target_url",
    "events",
    "project_id",
    "user_id",
    "secret",
    "basic_auth_user",
    "basic_auth_password",
    "created_by",
    "created",
    "updated",
];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NewHook {
    target_url: Option<String>,
    events: Option<Vec<String>>,
    secret: Option<String>,
    basic_auth_user: Option<String>,
    basic_auth_password: Option<String>,
}

impl NewHook {
    fn check(&self, v2: bool) -> Result<(), Refusal> {
        let url = self.target_url.as_deref().unwrap_or_default();
        if url.is_empty() {
            return Err(Refusal::invalid(
                "target_url",
                "non zero value required",
                v2,
            ));
        }
        let events = self.events.as_deref().unwrap_or_default();
        if events.is_empty() {
            return Err(Refusal::invalid("events", "non zero value required", v2));
        }
        if !url.starts_with("http") || url::Url::parse(url).is_err() {
            return Err(Refusal::invalid("target_url", "", v2));
        }
        if events
            .iter()
            .any(|name| !events::NAMES.contains(&name.as_str()))
        {
            return Err(Refusal::invalid("events", "", v2));
        }
        Ok(())
    }
}

/// `GET /webhooks/events`
pub(crate) fn event_names(_: &mut Call<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::Ok(json!(events::NAMES)))
}

/// `GET /projects/{project}/webhooks`
pub(crate) fn list(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    call.state
        .readable_project(call.user, id)
        .map_err(|refusal| match refusal.status {
            403 => Refusal::forbidden(),
            _ => refusal,
        })?;
    let hooks: Vec<Value> = call
        .state
        .hooks
        .values()
        .filter(|hook| hook.project == id)
        .map(|hook| wire::hook(call.state, hook))
        .collect();
    call.list(&hooks, Value::clone)
}

/// `PUT /projects/{project}/webhooks`
pub(crate) fn create(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let project = call.id(0)?;
    let new: NewHook = call.body(KEYS)?;
    new.check(call.is_v2())?;
    check_right(call, project)?;
    let basic_auth = new.basic_auth_user.zip(new.basic_auth_password);
    let now = call.state.second();
    let mut events = new.events.unwrap_or_default();
    events.sort();
    let hook = Hook {
        id: call.state.next_id("hook"),
        project,
        target_url: new.target_url.unwrap_or_default(),
        events,
        secret: new.secret.unwrap_or_default(),
        basic_auth: basic_auth.filter(|(user, pass)| !user.is_empty() && !pass.is_empty()),
        created_by: call.user,
        created: now,
        updated: now,
    };
    let mut shown = wire::hook(call.state, &hook);
    let now = wire::precise(&call.state.zone, call.state.now);
    shown["created"] = now.clone().into();
    shown["updated"] = now.into();
    call.state.hooks.insert(hook.id, hook);
    Ok(Reply::Created(shown))
}

fn check_right(call: &Call<'_>, project: i64) -> Result<(), Refusal> {
    if !call.state.projects.contains_key(&project) {
        return Err(Refusal::no_project());
    }
    match call.state.right(call.user, project) {
        Some(right) if right >= Right::Write => Ok(()),
        _ => Err(Refusal::forbidden()),
    }
}

/// `POST /projects/{project}/webhooks/{webhook}`: stores the events only.
pub(crate) fn update(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let (project, id) = (call.id(0)?, call.id(1)?);
    let new: NewHook = call.body(KEYS)?;
    new.check(call.is_v2())?;
    check_right(call, project)?;
    let now = call.state.second();
    let Some(hook) = call
        .state
        .hooks
        .get_mut(&id)
        .filter(|hook| hook.project == project)
    else {
        return Err(Refusal::forbidden());
    };
    hook.events = new.events.unwrap_or_default();
    hook.updated = now;
    let hook = hook.clone();
    let mut shown = wire::hook(call.state, &hook);
    shown["target_url"] = new.target_url.into();
    shown["created"] = wire::NO_DATE.into();
    shown["created_by"] = Value::Null;
    shown["updated"] = wire::precise(&call.state.zone, call.state.now).into();
    Ok(Reply::Ok(shown))
}

/// `DELETE /projects/{project}/webhooks/{webhook}`
pub(crate) fn delete(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let (project, id) = (call.id(0)?, call.id(1)?);
    check_right(call, project)?;
    match call.state.hooks.get(&id) {
        Some(hook) if hook.project == project => {}
        _ => return Err(Refusal::forbidden()),
    }
    call.state.hooks.remove(&id);
    Ok(Reply::Deleted)
}
