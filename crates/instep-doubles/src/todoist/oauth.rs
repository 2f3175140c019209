//! OAuth as the service has it for new apps: codes, access tokens of one hour, and refresh tokens
//! that are used up. Bodies are those of the RFCs, not the API's.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::exchange::Request;

use super::call::{Call, Reply};
use super::delivery::base64;
use super::refusal::Refusal;
use super::state::{Grant, Scopes, State};

/// How long an access token lasts.
const ACCESS_LIFE: SignedDuration = SignedDuration::from_hours(1);
/// How long a used refresh token may be presented again.
const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// A refresh token, used or not.
#[derive(Clone, Debug)]
struct Refresh {
    app: String,
    scope: String,
    /// When it was used, and the access token that was given for it.
    used: Option<(Timestamp, String)>,
}

/// The apps this user may connect, and what they hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Apps {
    /// Client id to client secret.
    secrets: HashMap<String, String>,
    /// Code to client id and scope.
    codes: HashMap<String, (String, String)>,
    refreshes: HashMap<String, Refresh>,
    made: u64,
}

/// A refusal with a body of the RFC.
pub(crate) type OauthError = &'static str;

impl Apps {
    /// Makes an app known.
    pub(crate) fn add(&mut self, client_id: &str, client_secret: &str) {
        let (id, secret) = (client_id.to_owned(), client_secret.to_owned());
        self.secrets.insert(id, secret);
    }

    /// A code for an app that the user has agreed to.
    pub(crate) fn code(&mut self, client_id: &str, scope: &str) -> String {
        let code = self.fresh();
        let grant = (client_id.to_owned(), scope.to_owned());
        self.codes.insert(code.clone(), grant);
        code
    }

    /// A text nothing else holds.
    fn fresh(&mut self) -> String {
        self.made += 1;
        fresh_secret(&format!("app {}", self.made))
    }
}

/// A token no other double of this process repeats.
pub(crate) fn fresh_secret(what: &str) -> String {
    let digest = Sha256::digest(format!("{what} {}", Timestamp::now().as_nanosecond()));
    digest.iter().take(20).map(|b| format!("{b:02x}")).collect()
}

/// The fields of a form, or of JSON as the official SDKs send it.
fn fields(request: &Request) -> HashMap<String, String> {
    let kind = request.header("content-type").unwrap_or_default();
    if kind.starts_with("application/json") {
        return serde_json::from_slice(&request.body).unwrap_or_default();
    }
    let form = url::form_urlencoded::parse(&request.body);
    form.into_owned().collect()
}

/// `POST /oauth/access_token`
pub(crate) fn access_token(state: &mut State, request: &Request) -> Result<Value, OauthError> {
    let form = fields(request);
    let field = |key: &str| form.get(key).map_or("", String::as_str);
    let app = field("client_id").to_owned();
    match state.oauth.secrets.get(&app) {
        None => return Err("invalid_client"),
        Some(secret) if secret != field("client_secret") => {
            return Err("incorrect_application_credentials");
        }
        Some(_) => {}
    }
    match field("grant_type") {
        "authorization_code" | "" => {
            let known = state.oauth.codes.remove(field("code"));
            let (_, scope) = known
                .filter(|(owner, _)| *owner == app)
                .ok_or("bad_authorization_code")?;
            Ok(issue(state, &app, &scope, None))
        }
        "refresh_token" => refresh(state, &app, field("refresh_token")),
        _ => Err("unsupported_grant_type"),
    }
}

fn refresh(state: &mut State, app: &str, token: &str) -> Result<Value, OauthError> {
    let now = state.store.now();
    let known = state.oauth.refreshes.get(token).cloned();
    let known = known.filter(|refresh| refresh.app == app);
    let known = known.ok_or("invalid_grant")?;
    match known.used {
        None => Ok(issue(state, app, &known.scope, Some(token))),
        Some((at, access)) if now.duration_since(at) <= GRACE => Ok(json!({
            "access_token": access, "token_type": "Bearer", "expires_in": ACCESS_LIFE.as_secs(),
            "scope": known.scope,
        })),
        Some(_) => {
            // A replay: whoever holds the app's tokens is not trusted any more.
            state
                .oauth
                .refreshes
                .retain(|_, refresh| refresh.app != app);
            state
                .grants
                .retain(|_, grant| grant.app.as_deref() != Some(app));
            Err("invalid_grant")
        }
    }
}

/// A new pair of tokens; `used` is the refresh token that is used up for it.
fn issue(state: &mut State, app: &str, scope: &str, used: Option<&str>) -> Value {
    let now = state.store.now();
    let (access, refresh) = (state.oauth.fresh(), state.oauth.fresh());
    let scopes = scope.split([',', ' ']).filter(|part| !part.is_empty());
    let grant = Grant {
        scopes: Scopes::Named(scopes.map(str::to_owned).collect()),
        app: Some(app.to_owned()),
        expires: now.saturating_add(ACCESS_LIFE).ok(),
    };
    state.grants.insert(access.clone(), grant);
    if let Some(used) = used.and_then(|used| state.oauth.refreshes.get_mut(used)) {
        used.used = Some((now, access.clone()));
    }
    let next = Refresh {
        app: app.to_owned(),
        scope: scope.to_owned(),
        used: None,
    };
    state.oauth.refreshes.insert(refresh.clone(), next);
    json!({"access_token": access, "token_type": "Bearer", "expires_in": ACCESS_LIFE.as_secs(),
           "refresh_token": refresh, "scope": scope})
}

/// `GET /oauth/authorize`: the user agrees at once. Gives the address to go on to.
pub(crate) fn authorize(state: &mut State, request: &Request) -> Result<String, OauthError> {
    let client_id = request.query("client_id").unwrap_or_default();
    if !state.oauth.secrets.contains_key(client_id) {
        return Err("invalid_client");
    }
    let scope = request.query("scope").unwrap_or_default();
    if scope.is_empty() {
        return Err("invalid_scope");
    }
    let code = state.oauth.code(client_id, scope);
    let redirect = request.query("redirect_uri").unwrap_or_default();
    let mut to = url::Url::parse(redirect).map_err(|_| "invalid_redirect_uri")?;
    to.query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("state", request.query("state").unwrap_or_default());
    Ok(to.into())
}

/// `DELETE /access_tokens`: revokes one access token of an app, which tells its secret in the query.
pub(crate) fn revoke(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let app = call.request.query("client_id").unwrap_or_default();
    let secret = call.request.query("client_secret").unwrap_or_default();
    if call.state.oauth.secrets.get(app).map(String::as_str) != Some(secret) {
        return Err(Refusal::unauthorized());
    }
    let token = call.request.query("access_token").unwrap_or_default();
    revoke_one(call.state, app, token);
    Ok(Reply::Done)
}

/// `POST /revoke` (RFC 7009): the app tells its secret by HTTP Basic.
pub(crate) fn revoke_by_rfc(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let given = call.request.header("authorization").unwrap_or_default();
    let mut apps = call.state.oauth.secrets.iter();
    let app = apps.find(|(id, secret)| {
        given == format!("Basic {}", base64(format!("{id}:{secret}").as_bytes()))
    });
    let app = app.ok_or_else(Refusal::unauthorized)?.0.clone();
    let token = fields(call.request).remove("token").unwrap_or_default();
    revoke_one(call.state, &app, &token);
    Ok(Reply::Done)
}

fn revoke_one(state: &mut State, app: &str, token: &str) {
    let grant = state.grants.get(token);
    if grant.is_some_and(|grant| grant.app.as_deref() == Some(app)) {
        state.grants.remove(token);
    }
    let refresh = state.oauth.refreshes.get(token);
    if refresh.is_some_and(|refresh| refresh.app == app) {
        state.oauth.refreshes.remove(token);
    }
}
