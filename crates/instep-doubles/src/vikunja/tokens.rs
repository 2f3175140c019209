//! API tokens: making, listing, deleting and checking them. Only a login may manage tokens.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::call::{Call, Reply};
use super::refusal::Refusal;
use super::route::{self, Needs};
use super::state::{Grant, Scopes, State};
use super::{schema, wire};

/// How long a login lasts.
pub(crate) const LOGIN_LIFE_SECS: i64 = 600;

/// A token no other double of this process repeats.
pub(crate) fn fresh_token(prefix: &str, state: &mut State) -> String {
    let number = state.next_id("secret");
    let seed = format!(
        "{}{}{number}",
        state.base_url,
        Timestamp::now().as_nanosecond()
    );
    let digest = Sha256::digest(seed.as_bytes());
    let hex: String = digest
        .iter()
        .take(20)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{prefix}{hex}")
}

/// Every scope there is, as an API token's permissions.
pub(crate) fn all_scopes() -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (group, permission, _) in route::scopes() {
        let known = all.entry(group.to_owned()).or_default();
        if !known.iter().any(|other| other == permission) {
            known.push(permission.to_owned());
        }
    }
    all
}

/// The user a request acts as, if its token allows what `needs` asks for.
pub(crate) fn authenticate(
    state: &State,
    authorization: Option<&str>,
    needs: Needs,
) -> Result<i64, Refusal> {
    if matches!(needs, Needs::Nobody | Needs::Limited) {
        return Ok(0);
    }
    let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
    let grant = token
        .and_then(|token| state.grants.get(token))
        .ok_or_else(Refusal::token)?;
    if grant.expires <= state.second() {
        return Err(Refusal::token());
    }
    let allowed = match (&grant.scopes, needs) {
        (Scopes::Login, _) | (_, Needs::AnyToken) => true,
        (Scopes::Named(names), Needs::Scope(group, permission)) => names
            .get(group)
            .is_some_and(|known| known.iter().any(|name| name == permission)),
        _ => false,
    };
    if allowed {
        Ok(grant.user)
    } else {
        Err(Refusal::token())
    }
}

/// Whether the caller's token also holds another scope.
pub(crate) fn also_holds(call: &Call<'_>, group: &'static str, permission: &'static str) -> bool {
    let needs = Needs::Scope(group, permission);
    authenticate(call.state, call.request.header("authorization"), needs).is_ok()
}

#[derive(Deserialize)]
struct NewToken {
    #[serde(default)]
    title: String,
    expires_at: Option<String>,
    #[serde(default)]
    permissions: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    owner_id: i64,
}

/// `PUT /tokens`
pub(crate) fn create(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let new: NewToken = call.body(schema::V1_ONLY)?;
    let missing = |field| Refusal::invalid(field, "non zero value required", call.is_v2());
    let text = new
        .expires_at
        .clone()
        .ok_or_else(|| missing("expires_at"))?;
    let expires: Timestamp = text.parse().map_err(|_| Refusal::bad_model())?;
    if new.title.is_empty() {
        return Err(missing("title"));
    }
    if new.permissions.is_empty() {
        return Err(missing("permissions"));
    }
    check_permissions(&new.permissions)?;
    let owner = match new.owner_id {
        0 => call.user,
        bot => match call.state.users.get(&bot) {
            Some(user) if user.bot_owner == Some(call.user) || user.id == call.user => bot,
            _ => return Err(Refusal::forbidden()),
        },
    };
    let token = fresh_token("tk_", call.state);
    let grant = Grant {
        id: call.state.next_id("token"),
        title: new.title,
        user: owner,
        scopes: Scopes::Named(new.permissions),
        created: call.state.second(),
        expires: expires.as_second(),
        expires_text: text,
    };
    let mut shown = show(call.state, &grant);
    shown["created"] = wire::precise(&call.state.zone, call.state.now).into();
    shown["token"] = token.clone().into();
    call.state.grants.insert(token, grant);
    Ok(Reply::Created(shown))
}

fn check_permissions(permissions: &BTreeMap<String, Vec<String>>) -> Result<(), Refusal> {
    let known = all_scopes();
    for (group, names) in permissions {
        for name in names {
            // The calendar's scope exists on the server although the double does not serve it.
            let served = known.get(group).is_some_and(|all| all.contains(name));
            if !served && (group.as_str(), name.as_str()) != ("caldav", "access") {
                let text = format!("The permission {name} of group {group} is invalid.");
                let named = json!({"group": group, "permission": name});
                return Err(Refusal::new(400, 14002, text).with("i18n_params", named));
            }
        }
    }
    Ok(())
}

fn show(state: &State, grant: &Grant) -> Value {
    let permissions = match &grant.scopes {
        Scopes::Named(names) => json!(names),
        Scopes::Login => Value::Null,
    };
    json!({
        "id": grant.id, "title": grant.title, "token": "", "permissions": permissions,
        "expires_at": grant.expires_text,
        "created": wire::date(&state.zone, Some(grant.created)), "owner_id": grant.user,
    })
}

/// `GET /tokens`
pub(crate) fn list(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let mut own: Vec<&Grant> = call
        .state
        .grants
        .values()
        .filter(|grant| grant.user == call.user && matches!(grant.scopes, Scopes::Named(_)))
        .collect();
    own.sort_by_key(|grant| grant.id);
    let shown: Vec<Value> = own
        .into_iter()
        .map(|grant| {
            let mut shown = show(call.state, grant);
            if let Value::Object(map) = &mut shown {
                map.remove("token");
            }
            shown
        })
        .collect();
    call.list("APIToken", &shown, Value::clone)
}

/// `DELETE /tokens/{token}`
pub(crate) fn delete(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let id = call.id(0)?;
    let own = |grant: &Grant| grant.id == id && grant.user == call.user;
    let Some(token) = call
        .state
        .grants
        .iter()
        .find(|(_, grant)| own(grant))
        .map(|(token, _)| token.clone())
    else {
        return Err(Refusal::new(404, 14001, "This api token does not exist."));
    };
    call.state.grants.remove(&token);
    Ok(Reply::Deleted)
}
