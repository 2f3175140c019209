//! From a request to its answer: faults, recording, the writers' lock, the route, and what runs
//! after. No rule of tasks or projects is here.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request as HttpRequest, State as Held};
use axum::http::Response;
use serde_json::{Map, Value, json};

use crate::connection::{Cutter, Door, Gate};
use crate::exchange::{Answer, Request, pause, reason};
use crate::fault::Script;
use crate::traffic::Traffic;

use super::call::{Api, Call, List, Reply};
use super::comments;
use super::delivery;
use super::events::{self, Pending};
use super::fault::Effect;
use super::refusal::Refusal;
use super::route::{self, Found, Needs};
use super::state::State;
use super::tokens;
use super::{Clock, Options};

/// Largest request body that is read.
const MOST_BODY: usize = 32 << 20;
/// Seconds of the pre-auth window.
const NOAUTH_WINDOW_SECS: i64 = 60;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) state: Arc<Mutex<State>>,
    pub(crate) clock: Clock,
    pub(crate) traffic: Traffic,
    pub(crate) script: Mutex<Script<Effect>>,
    pub(crate) gate: Arc<Gate>,
    /// Requests that are open now, and the most that were at once.
    pub(crate) open: Mutex<Open>,
    client: reqwest::Client,
    writing: AtomicBool,
}

/// Requests that are answered at the moment.
#[derive(Debug, Default)]
pub(crate) struct Open {
    reads: usize,
    writes: usize,
    pub(crate) most_reads: usize,
    pub(crate) most_writes: usize,
}

impl Open {
    fn of(&mut self, writes: bool) -> (&mut usize, &mut usize) {
        match writes {
            true => (&mut self.writes, &mut self.most_writes),
            false => (&mut self.reads, &mut self.most_reads),
        }
    }
}

/// Counts a request for as long as it is open, also where the caller goes meanwhile.
struct Counted<'a> {
    shared: &'a Shared,
    writes: bool,
}

impl<'a> Counted<'a> {
    fn new(shared: &'a Shared, method: &str) -> Self {
        let writes = !is_reading(method);
        let mut open = shared.open();
        let (now, most) = open.of(writes);
        *now += 1;
        *most = (*most).max(*now);
        Self { shared, writes }
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        *self.shared.open().of(self.writes).0 -= 1;
    }
}

fn is_reading(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS")
}

impl Shared {
    pub(crate) fn new(
        options: Options,
        state: State,
        gate: Arc<Gate>,
        client: reqwest::Client,
    ) -> Self {
        Self {
            options,
            state: Arc::new(Mutex::new(state)),
            clock: Clock::default(),
            traffic: Traffic::default(),
            script: Mutex::default(),
            gate,
            open: Mutex::default(),
            client,
            writing: AtomicBool::new(false),
        }
    }

    pub(crate) fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, set to the current time.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now = self.clock.now();
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

/// A JSON answer as Go's encoder writes it: it ends with a newline.
fn json_answer(status: u16, body: &Value) -> Answer {
    let body = format!("{}\n", events::escaped(&body.to_string())).into_bytes();
    Answer::new(status, "application/json", body)
}

async fn answer(
    Held(shared): Held<Arc<Shared>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    request: HttpRequest,
) -> Response<Body> {
    let at = shared.clock.now();
    let method = request.method().as_str().to_owned();
    let _open = Counted::new(&shared, &method);
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
    let mut scripted = None;
    for effect in &effects {
        match effect {
            Effect::Delay(time) => tokio::time::sleep(*time).await,
            Effect::Hang => {
                shared.traffic.record(&method, &asked, None, at);
                std::future::pending::<()>().await;
            }
            Effect::LostRequest => {
                shared.traffic.record(&method, &asked, None, at);
                cutter.cut();
                return Response::default();
            }
            Effect::Status { .. } | Effect::NoComment | Effect::NotJson | Effect::Html => {
                scripted = scripted.or_else(|| scripted_answer(effect));
            }
            _ => {}
        }
    }
    let half = shared.options.latency / 2;
    pause(half).await;
    let answer = match scripted {
        Some(answer) => answer,
        None => apply(&shared, &method, request, &effects).await,
    };
    pause(half).await;
    if effects.contains(&Effect::LostReply) {
        shared.traffic.record(&method, &asked, None, at);
        cutter.cut();
        return Response::default();
    }
    if effects.contains(&Effect::TruncatedBody) {
        cutter.cut_after_body_bytes(answer.body.len() / 2);
    }
    shared
        .traffic
        .record(&method, &asked, Some(answer.status), at);
    answer.written(shared.clock.now())
}

fn scripted_answer(effect: &Effect) -> Option<Answer> {
    match effect {
        Effect::Status {
            status,
            retry_after,
        } => {
            let mut answer = json_answer(*status, &json!({"message": reason(*status)}));
            answer
                .headers
                .extend(retry_after.clone().map(|value| ("retry-after", value)));
            Some(answer)
        }
        Effect::NoComment => Some(refused(&comments::missing(), Api::V2, "")),
        Effect::NotJson => Some(Answer::text(
            200,
            "application/json",
            "upstream is warming up",
        )),
        Effect::Html => {
            let page = "<!DOCTYPE html><html><body><h1>Sign in to the network</h1></body></html>";
            Some(Answer::text(200, "text/html; charset=utf-8", page))
        }
        _ => None,
    }
}

/// Runs a request against the state.
async fn apply(
    shared: &Arc<Shared>,
    method: &str,
    request: HttpRequest,
    effects: &[Effect],
) -> Answer {
    let Some(request) = Request::read(request, MOST_BODY).await else {
        return json_answer(413, &json!({"message": "Request Entity Too Large"}));
    };
    if is_reading(method) {
        return handle(shared, &request, effects);
    }
    if shared.options.concurrent_writes {
        pause(shared.options.write_time).await;
        return handle(shared, &request, effects);
    }
    if shared.writing.swap(true, Ordering::AcqRel) {
        let api = api_of(&request.path).0;
        let base = shared.state().base_url.clone();
        return refused(&Refusal::failure(api == Api::V2), api, &base);
    }
    let _writing = Writing(shared);
    let answer = handle(shared, &request, effects);
    pause(shared.options.write_time).await;
    answer
}

/// Holds the database for one write; lets go of it also where the caller has gone meanwhile.
struct Writing<'a>(&'a Shared);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.writing.store(false, Ordering::Release);
    }
}

/// Which API a path belongs to, and the rest of the path.
fn api_of(path: &str) -> (Api, Option<&str>) {
    match (path.strip_prefix("/api/v1"), path.strip_prefix("/api/v2")) {
        (_, Some(rest)) => (Api::V2, Some(rest)),
        (Some(rest), _) => (Api::V1, Some(rest)),
        _ => (Api::V1, None),
    }
}

fn handle(shared: &Arc<Shared>, request: &Request, effects: &[Effect]) -> Answer {
    let (api, rest) = api_of(&request.path);
    if rest.is_none() && request.path == "/health" {
        return Answer::text(200, "text/plain; charset=UTF-8", "OK");
    }
    let mut state = shared.state();
    let base = state.base_url.clone();
    let mut limits = Vec::new();
    let outcome = dispatch(&mut state, request, api, rest, &mut limits);
    let pending = std::mem::take(&mut state.pending);
    drop(state);
    if !pending.is_empty() {
        tokio::spawn(settle(Arc::clone(shared), pending));
    }
    let mut answer = match outcome {
        Ok(Ok(reply)) => shown(cut_short(reply, effects), api, &base),
        Ok(Err(refusal)) => refused(&refusal, api, &base),
        // What stands before the handlers speaks as v1, whatever was called.
        Err(refusal) => refused(&refusal, Api::V1, &base),
    };
    answer.headers.append(&mut limits);
    answer
}

/// Finds and runs the handler. The outer refusal is the framework's, the inner one the
/// handler's.
fn dispatch(
    state: &mut State,
    request: &Request,
    api: Api,
    rest: Option<&str>,
    limits: &mut Vec<(&'static str, String)>,
) -> Result<Result<Reply, Refusal>, Refusal> {
    let (route, params) = match rest.map(|rest| route::find(api, &request.method, rest)) {
        Some(Found::Route(route, params)) => (route, params),
        Some(Found::WrongMethod(allow)) => {
            return Err(Refusal::bare(405, "Method Not Allowed").with_header("allow", allow));
        }
        _ => return Err(Refusal::bare(404, "Not Found")),
    };
    if route.needs == Needs::Limited {
        limits.extend(count_noauth(state)?);
    }
    let user = tokens::authenticate(state, request.header("authorization"), route.needs)?;
    Ok((route.run)(&mut Call {
        state,
        request,
        api,
        user,
        params,
    }))
}

/// Counts a pre-auth call; the headers say how many are left.
fn count_noauth(state: &mut State) -> Result<Vec<(&'static str, String)>, Refusal> {
    let now = state.second();
    let first = state.noauth_calls.first().copied().unwrap_or(now);
    if now - first >= NOAUTH_WINDOW_SECS {
        state.noauth_calls.clear();
    }
    let limit = state.noauth_limit;
    let used = state.noauth_calls.len() as u64;
    if used < limit {
        state.noauth_calls.push(now);
    }
    let reset = state.noauth_calls.first().copied().unwrap_or(now) + NOAUTH_WINDOW_SECS;
    let headers = vec![
        ("x-ratelimit-limit", limit.to_string()),
        (
            "x-ratelimit-remaining",
            limit.saturating_sub(used + 1).to_string(),
        ),
        ("x-ratelimit-reset", reset.to_string()),
    ];
    if used >= limit {
        let refusal = Refusal::bare(429, "Too Many Requests");
        return Err(headers.into_iter().fold(refusal, |refusal, (name, value)| {
            refusal.with_header(name, value)
        }));
    }
    Ok(headers)
}

/// Runs the listeners of a call: late stamps first, then the webhooks.
async fn settle(shared: Arc<Shared>, pending: Vec<Pending>) {
    pause(shared.options.listener_delay).await;
    for event in pending {
        let deliveries = {
            let mut state = shared.state();
            event.settle(&mut state);
            let now = state.now;
            event.deliveries(&state, now)
        };
        for (hook, body) in deliveries {
            let (client, state) = (shared.client.clone(), Arc::clone(&shared.state));
            tokio::spawn(delivery::deliver(client, state, hook, body));
        }
    }
}

/// The faults that shorten lists.
fn cut_short(reply: Reply, effects: &[Effect]) -> Reply {
    let Reply::List(mut list) = reply else {
        return reply;
    };
    for effect in effects {
        match effect {
            Effect::EmptyList => {
                list = List {
                    items: Vec::new(),
                    counted: 0,
                    total: 0,
                    ..list
                };
            }
            Effect::CutPage { keep } => list.items.truncate(*keep),
            _ => {}
        }
    }
    Reply::List(list)
}

fn shown(reply: Reply, api: Api, base: &str) -> Answer {
    match reply {
        Reply::Ok(body) => json_answer(200, &body),
        Reply::Created(body) => json_answer(201, &body),
        Reply::Status(status, body) => json_answer(status, &body),
        Reply::Unchanged => Answer::empty(304),
        Reply::Deleted if api == Api::V2 => Answer::empty(204),
        Reply::Deleted => json_answer(200, &json!({"message": "Successfully deleted."})),
        Reply::File { mime, bytes } => Answer::new(200, &mime, bytes),
        Reply::Read { body, headers } => {
            let mut answer = json_answer(200, &body);
            answer.headers = headers;
            answer
        }
        Reply::List(list) => shown_list(list, api, base),
    }
}

fn shown_list(list: List, api: Api, base: &str) -> Answer {
    let pages = list.total.div_ceil(list.page.size);
    if api == Api::V2 {
        let mut body = Map::new();
        let kind = format!("Paginated{}", list.kind);
        body.insert(
            "$schema".to_owned(),
            format!("{base}/api/v2/schemas/{kind}.json").into(),
        );
        body.insert("items".to_owned(), list.items.into());
        body.insert("total".to_owned(), list.total.into());
        body.insert("page".to_owned(), list.page.number.into());
        body.insert("per_page".to_owned(), list.page.size.into());
        body.insert("total_pages".to_owned(), pages.into());
        return json_answer(200, &Value::Object(body));
    }
    let past_end = list.page.number > pages;
    let pages = if past_end { 0 } else { pages };
    let mut answer = json_answer(200, &Value::Array(list.items));
    answer.headers = vec![
        ("x-pagination-total-pages", pages.to_string()),
        ("x-pagination-result-count", list.counted.to_string()),
    ];
    answer
}

fn refused(refusal: &Refusal, api: Api, base: &str) -> Answer {
    let mut answer = match api {
        Api::V1 => json_answer(refusal.status, &refusal.v1_body()),
        Api::V2 => {
            let mut answer = json_answer(refusal.status, &refusal.v2_body(base));
            answer.kind = "application/problem+json".to_owned();
            answer
        }
    };
    answer.headers.extend(refusal.headers().iter().cloned());
    answer
}
