//! Managing a project's webhooks. Sending is the business of `delivery`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::events::NAMES;
use super::refusal::Refusal;
use super::state::{Hook, Right};
use super::{schema, wire};

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
        let events = self.events.as_deref().unwrap_or_default();
        let mut faults = Vec::new();
        if events.is_empty() {
            faults.push(("events", "non zero value required".to_owned()));
        }
        if url.is_empty() {
            faults.push(("target_url", "non zero value required".to_owned()));
        } else if url::Url::parse(url).is_err() {
            faults.push(("target_url", format!("{url} does not validate as url")));
        }
        if faults.is_empty() && !url.starts_with("http") {
            faults.push(("target_url", String::new()));
        }
        if faults.is_empty() && events.iter().any(|name| !NAMES.contains(&name.as_str())) {
            faults.push(("events", String::new()));
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Refusal::invalid_all(&faults, v2))
        }
    }
}

/// `GET /webhooks/events`
pub(crate) fn event_names(_: &mut Call<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::Ok(json!(NAMES)))
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
    call.list("Webhook", &hooks, Value::clone)
}

/// `PUT /projects/{project}/webhooks`
pub(crate) fn create(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let project = call.id(0)?;
    let new: NewHook = call.body(schema::WEBHOOK)?;
    new.check(call.is_v2())?;
    check_right(call, project)?;
    let basic_auth = new.basic_auth_user.zip(new.basic_auth_password);
    let now = call.state.second();
    let hook = Hook {
        id: call.state.next_id("hook"),
        project,
        target_url: new.target_url.unwrap_or_default(),
        events: new.events.unwrap_or_default(),
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
    let new: NewHook = call.body(schema::WEBHOOK)?;
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
