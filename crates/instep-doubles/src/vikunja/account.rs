//! Users: registration, login, the caller itself, bots. No permissions on projects.

use serde::Deserialize;
use serde_json::json;

use super::call::{Call, Reply};
use super::projects::{self, NewProject};
use super::refusal::Refusal;
use super::state::{Grant, Scopes, State, User};
use super::tokens::{LOGIN_LIFE_SECS, fresh_token};
use super::{schema, wire};

/// Adds a user with an inbox and the default saved filter.
pub(crate) fn add_user(state: &mut State, username: &str, password: &str) -> i64 {
    let id = state.next_id("user");
    let filter = state.next_id("filter");
    let user = User {
        id,
        username: username.to_owned(),
        email: format!("{username}@example.com"),
        password: password.to_owned(),
        bot_owner: None,
        default_project: 0,
        saved_filter: Some(filter),
        filter_views: projects::new_views(state),
        created: state.second(),
    };
    state.users.insert(id, user);
    let inbox = projects::add(state, id, NewProject::titled("Inbox"));
    if let Some(user) = state.users.get_mut(&id) {
        user.default_project = inbox;
    }
    id
}

#[derive(Deserialize)]
struct Credentials {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    email: String,
}

/// `POST /register`
pub(crate) fn register(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let new: Credentials = call.body(schema::V1_ONLY)?;
    if new.username.chars().count() < 3 || !(8..=72).contains(&new.password.len()) {
        return Err(Refusal::invalid("username", "", call.is_v2()));
    }
    let mut users = call.state.users.values();
    if users.any(|user| user.username == new.username || user.email == new.email) {
        return Err(Refusal::new(
            400,
            1001,
            "A user with this username already exists.",
        ));
    }
    let id = add_user(call.state, &new.username, &new.password);
    if let Some(user) = call.state.users.get_mut(&id) {
        user.email = new.email;
    }
    Ok(Reply::Ok(wire::user(call.state, id)))
}

/// `POST /login`
pub(crate) fn log_in(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let given: Credentials = call.body(schema::V1_ONLY)?;
    let user = call
        .state
        .users
        .values()
        .find(|user| user.username == given.username && user.password == given.password)
        .map(|user| user.id)
        .ok_or_else(|| Refusal::new(403, 1011, "Wrong username or password."))?;
    let token = fresh_token("login.", call.state);
    let created = call.state.second();
    let expires = created + LOGIN_LIFE_SECS;
    let grant = Grant {
        id: call.state.next_id("login"),
        title: String::new(),
        user,
        scopes: Scopes::Login,
        created,
        expires,
        expires_text: wire::date(&call.state.zone, Some(expires)),
    };
    call.state.grants.insert(token.clone(), grant);
    Ok(Reply::Ok(json!({"token": token})))
}

/// `GET /user`
pub(crate) fn me(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let user = call
        .state
        .users
        .get(&call.user)
        .ok_or_else(Refusal::token)?;
    let created = wire::date(&call.state.zone, Some(user.created));
    let mut shown = json!({"id": user.id, "name": "", "username": user.username});
    shown["created"] = created.clone().into();
    shown["updated"] = created.into();
    shown["settings"] = json!({
        "name": "", "email_reminders_enabled": false, "discoverable_by_name": false,
        "discoverable_by_email": false, "overdue_tasks_reminders_enabled": true,
        "overdue_tasks_reminders_time": "9:00", "default_project_id": user.default_project,
        "week_start": 0, "language": "", "timezone": "GMT", "frontend_settings": null,
        "extra_settings_links": null,
    });
    shown["deletion_scheduled_at"] = wire::NO_DATE.into();
    shown["is_local_user"] = true.into();
    shown["auth_provider"] = "local".into();
    shown["is_admin"] = false.into();
    Ok(Reply::Ok(shown))
}

/// `PUT /user/bots`
pub(crate) fn create_bot(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let new: Credentials = call.body(schema::V1_ONLY)?;
    if !new.username.starts_with("bot-") {
        return Err(Refusal::new(
            412,
            1029,
            "The bot username must start with bot-.",
        ));
    }
    if call
        .state
        .users
        .values()
        .any(|user| user.username == new.username)
    {
        return Err(Refusal::new(
            400,
            1001,
            "A user with this username already exists.",
        ));
    }
    let id = call.state.next_id("user");
    let bot = User {
        id,
        username: new.username,
        email: String::new(),
        password: fresh_token("", call.state),
        bot_owner: Some(call.user),
        default_project: 0,
        saved_filter: None,
        filter_views: Vec::new(),
        created: call.state.second(),
    };
    call.state.users.insert(id, bot);
    Ok(Reply::Created(wire::user(call.state, id)))
}
