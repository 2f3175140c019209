//! From a request to its answer: faults, recording, the route, and what webhooks hear. No rule of
//! tasks or projects is here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request as HttpRequest, State as Held};
use axum::http::Response;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::connection::{Cutter, Door, Gate};
use crate::exchange::{Answer, Request, pause, reason};
use crate::fault::Script;
use crate::traffic::Traffic;

use super::call::{Call, Reply};
use super::fault::{Effect, Point, Scripted};
use super::oauth;
use super::refusal::Refusal;
use super::route::{self, Found, Needs};
use super::state::{Scopes, State};

/// Where the API lies.
const BASE: &str = "/api/v1";
/// Where earlier generations lay.
const SHUT_DOWN: [&str; 5] = ["/rest/", "/sync/", "/api/v8", "/api/v9", "/API/"];
/// What is answered there.
const SHUT_DOWN_TEXT: &str = "This endpoint is deprecated. Please use the Todoist API v1.";
/// Largest body of a request.
const MOST_BODY: usize = 1 << 20;
/// Largest headers of a request.
const MOST_HEADERS: usize = 65 << 10;

/// How many answers are kept by `X-Request-Id`.
const MOST_REPEATED: usize = 10_000;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) traffic: Traffic,
    pub(crate) script: Mutex<Script<Scripted>>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) client: reqwest::Client,
    /// Tells the sender of webhooks that there is something to send.
    pub(crate) to_send: Notify,
    /// By `X-Request-Id`, where the double is told to heed it.
    repeated: Mutex<HashMap<String, Answer>>,
    state: Mutex<State>,
}

impl Shared {
    pub(crate) fn new(
        state: State,
        clock: Clock,
        gate: Arc<Gate>,
        client: reqwest::Client,
    ) -> Self {
        Self {
            clock,
            traffic: Traffic::default(),
            script: Mutex::default(),
            gate,
            client,
            to_send: Notify::new(),
            repeated: Mutex::default(),
            state: Mutex::new(state),
        }
    }

    /// The state, set to the current time.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.store.moment.now = self.clock.now();
        state
    }
}

/// Serves until the task is aborted.
pub(crate) async fn serve(door: Door, shared: Arc<Shared>) {
    let router = Router::new().fallback(answer).with_state(shared);
    let service = router.into_make_service_with_connect_info::<Cutter>();
    // Serving a listener that never fails never ends.
    let _ = axum::serve(door, service).await;
}

fn json_answer(status: u16, body: &Value) -> Answer {
    Answer::new(status, "application/json", body.to_string().into_bytes())
}

fn refused(refusal: &Refusal) -> Answer {
    let mut answer = json_answer(refusal.status, &refusal.body());
    answer.headers.extend(refusal.headers().iter().cloned());
    answer
}

/// What is left of a request after the faults at one point.
enum Met {
    Goes,
    Answered(Answer),
    Cut,
}

async fn answer(
    Held(shared): Held<Arc<Shared>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    request: HttpRequest,
) -> Response<Body> {
    let at = shared.clock.now();
    let method = request.method().as_str().to_owned();
    let uri = request.uri();
    let asked = uri
        .path_and_query()
        .map_or_else(|| uri.path(), |both| both.as_str())
        .to_owned();
    let effects = shared
        .script
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .on(&method, &asked);
    let record = |status| shared.traffic.record(&method, &asked, status, at);
    let answer = match meet(&effects, Point::BeforeCommit).await {
        Met::Goes => {
            let half = shared.state().options.latency / 2;
            pause(half).await;
            let answer = apply(&shared, request).await;
            pause(half).await;
            match meet(&effects, Point::AfterCommit).await {
                Met::Goes => Some(answer),
                Met::Answered(scripted) => Some(scripted),
                Met::Cut => None,
            }
        }
        Met::Answered(scripted) => Some(scripted),
        Met::Cut => None,
    };
    let Some(answer) = answer else {
        record(None);
        cutter.cut();
        return Response::default();
    };
    if effects.iter().any(|it| it.effect == Effect::TruncatedBody) {
        cutter.cut_after_body_bytes(answer.body.len() / 2);
    }
    record(Some(answer.status));
    answer.written(shared.clock.now())
}

/// Carries out the faults of one point.
async fn meet(effects: &[Scripted], point: Point) -> Met {
    for scripted in effects.iter().filter(|it| it.point == point) {
        match &scripted.effect {
            Effect::Delay(time) => pause(*time).await,
            Effect::Hang => std::future::pending::<()>().await,
            Effect::Drop => return Met::Cut,
            Effect::Status {
                status,
                retry_after,
            } => return Met::Answered(faulty(*status, *retry_after)),
            Effect::NotJson => {
                let text = "upstream is warming up";
                return Met::Answered(Answer::text(200, "application/json", text));
            }
            Effect::Html => {
                let page = "<!DOCTYPE html><html><body><h1>Sign in</h1></body></html>";
                return Met::Answered(Answer::text(200, "text/html; charset=utf-8", page));
            }
            Effect::TruncatedBody => {}
        }
    }
    Met::Goes
}

fn faulty(status: u16, retry_after: Option<u64>) -> Answer {
    let mut answer = match status {
        401 => refused(&Refusal::unauthorized()),
        500.. => Answer::text(status, "text/plain", reason(status)),
        _ => refused(&Refusal::scripted(status, retry_after)),
    };
    let header = retry_after.map(|secs| ("retry-after", secs.to_string()));
    answer.headers.extend(header);
    answer
}

/// Runs a request against the state.
async fn apply(shared: &Shared, request: HttpRequest) -> Answer {
    let headers = request.headers().iter();
    let headers: usize = headers
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if headers > MOST_HEADERS {
        return refused(&Refusal::new(431, "HEADERS_TOO_LARGE", 431, reason(431)));
    }
    let Some(request) = Request::read(request, MOST_BODY).await else {
        return refused(&Refusal::too_large());
    };
    let repeated = request.header("x-request-id").map(str::to_owned);
    let repeated =
        repeated.filter(|_| request.method == "POST" && shared.state().options.heeds_request_ids);
    if let Some(id) = &repeated
        && let Some(answer) = shared.repeated().get(id)
    {
        return answer.clone();
    }
    let answer = handle(shared, &request);
    if let Some(id) = repeated {
        let mut known = shared.repeated();
        if known.len() < MOST_REPEATED {
            known.insert(id, answer.clone());
        }
    }
    answer
}

impl Shared {
    fn repeated(&self) -> MutexGuard<'_, HashMap<String, Answer>> {
        self.repeated.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn handle(shared: &Shared, request: &Request) -> Answer {
    let path = request.path.as_str();
    if SHUT_DOWN.iter().any(|start| path.starts_with(start)) {
        return Answer::text(410, "text/plain", SHUT_DOWN_TEXT);
    }
    let mut state = shared.state();
    match (request.method.as_str(), path) {
        ("POST", "/oauth/access_token") => {
            return match oauth::access_token(&mut state, request) {
                Ok(body) => json_answer(200, &body),
                Err(error) => json_answer(400, &json!({"error": error})),
            };
        }
        ("GET", "/oauth/authorize") => {
            return match oauth::authorize(&mut state, request) {
                Ok(location) => {
                    let mut answer = Answer::empty(302);
                    answer.headers.push(("location", location));
                    answer
                }
                Err(error) => json_answer(400, &json!({"error": error})),
            };
        }
        _ => {}
    }
    let outcome = dispatch(&mut state, request);
    let events = std::mem::take(&mut state.store.events);
    let State {
        activities,
        hooks,
        store,
        ..
    } = &mut *state;
    activities.note(&events, store.now());
    if hooks.hear(&events, store) {
        shared.to_send.notify_one();
    }
    match outcome {
        Ok(Reply::Ok(body)) => json_answer(200, &body),
        Ok(Reply::Done) if state.options.done_status == 204 => Answer::empty(204),
        Ok(Reply::Done) => json_answer(state.options.done_status, &Value::Null),
        Err(refusal) => refused(&refusal),
    }
}

/// Checks the caller, then finds and runs the handler.
fn dispatch(state: &mut State, request: &Request) -> Result<Reply, Refusal> {
    let found = match request.path.strip_prefix(BASE) {
        Some(rest) => route::find(&request.method, rest),
        None => Found::Nothing,
    };
    let needs_nobody = matches!(&found, Found::Route(route, _) if route.needs == Needs::Nobody);
    let scopes = match needs_nobody {
        true => Scopes::All,
        false => authenticate(state, request)?,
    };
    let (route, params) = match found {
        Found::Route(route, params) => (route, params),
        Found::WrongMethod(allowed) => return Err(Refusal::wrong_method(allowed)),
        Found::Nothing => return Err(Refusal::nowhere()),
    };
    let names = route.needs.scopes();
    if let Scopes::Named(held) = &scopes
        && !needs_nobody
        && !names.iter().any(|name| held.contains(*name))
    {
        return Err(Refusal::no_scope());
    }
    if route.path != "/sync"
        && let Some(most) = state.options.rest_calls
    {
        state.rates.rest.count(state.store.now(), most)?;
    }
    (route.run)(&mut Call {
        state,
        request,
        scopes,
        params,
    })
}

/// What the caller's token allows.
fn authenticate(state: &State, request: &Request) -> Result<Scopes, Refusal> {
    let header = request.header("authorization");
    let token = header.and_then(|value| value.strip_prefix("Bearer "));
    let grant = token.and_then(|token| state.grants.get(token));
    let grant = grant.ok_or_else(Refusal::unauthorized)?;
    if grant.expires.is_some_and(|at| at <= state.store.now()) {
        return Err(Refusal::unauthorized());
    }
    Ok(grant.scopes.clone())
}
