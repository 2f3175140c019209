//! Who is at the listener: a bounded number at a time. Who only stands there makes room for who comes
//! next, so that any number of slow ones holds up nobody.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tower::ServiceExt;

use super::Limits;

/// The pause after the system could not give a connection away, for want of descriptors for one.
const PAUSE: Duration = Duration::from_millis(50);

/// Bytes of a request's head.
const MAX_HEAD: usize = 16 * 1024;

/// Tells the listener to close.
pub type Closing = watch::Receiver<bool>;

/// One connection, as its requests know it: while one of them is worked on, it is not sent away.
#[derive(Debug, Clone, Default)]
pub(super) struct Stay {
    working: Arc<AtomicUsize>,
}

impl Stay {
    /// A request has come whole; until the answer to drop, it is worked on.
    pub(super) fn work(&self) -> Working {
        self.working.fetch_add(1, Ordering::Relaxed);
        Working(Arc::clone(&self.working))
    }

    fn is_working(&self) -> bool {
        self.working.load(Ordering::Relaxed) > 0
    }
}

/// Ends the work on a request when it is dropped.
pub(super) struct Working(Arc<AtomicUsize>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Everybody at the listener, in the order in which they came.
#[derive(Debug, Default)]
struct Guests {
    next: u64,
    present: BTreeMap<u64, (AbortHandle, Stay)>,
}

/// Answers whoever comes until it is told to stop; then takes nobody new, and lets those finish
/// whose request is worked on.
/// What the system refuses on the way is tried again.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, mut closing: Closing) {
    let guests = Arc::new(Mutex::new(Guests::default()));
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = closing.wait_for(|closing| *closing) => break,
            Some(_) = tasks.join_next() => continue,
        };
        match accepted {
            Ok(guest) => admit(&mut tasks, &guests, guest, (&router, limits, &closing)),
            Err(error) if is_theirs(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    for (handle, stay) in lock(&guests).present.values() {
        if !stay.is_working() {
            handle.abort();
        }
    }
    while tasks.join_next().await.is_some() {}
}

fn lock(guests: &Mutex<Guests>) -> std::sync::MutexGuard<'_, Guests> {
    guests.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether it was the other side that gave up.
fn is_theirs(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    )
}

/// Takes somebody in; where it is full, whoever has been there longest without a request that is
/// worked on has to go. If all are worked on, the new one has to.
fn admit(
    tasks: &mut JoinSet<()>,
    guests: &Arc<Mutex<Guests>>,
    (stream, peer): (TcpStream, SocketAddr),
    listener: (&Router, Limits, &Closing),
) {
    let (router, limits, closing) = listener;
    let mut present = lock(guests);
    if present.present.len() >= limits.connections {
        let mut waiting = present.present.iter();
        let Some((id, _)) = waiting.find(|(_, (_, stay))| !stay.is_working()) else {
            return;
        };
        let id = *id;
        if let Some((handle, _)) = present.present.remove(&id) {
            handle.abort();
        }
    }
    let id = present.next;
    present.next += 1;
    let stay = Stay::default();
    let visit = visit(
        stream,
        answering(router.clone(), peer, stay.clone()),
        limits,
        closing.clone(),
    );
    let leave = Leave {
        guests: Arc::clone(guests),
        id,
    };
    let handle = tasks.spawn(async move {
        let _leave = leave;
        visit.await;
    });
    present.present.insert(id, (handle, stay));
}

/// Takes a guest off the list, however the visit ends.
struct Leave {
    guests: Arc<Mutex<Guests>>,
    id: u64,
}

impl Drop for Leave {
    fn drop(&mut self) {
        lock(&self.guests).present.remove(&self.id);
    }
}

/// What answers the requests of one guest.
fn answering(
    router: Router,
    peer: SocketAddr,
    stay: Stay,
) -> impl Service<hyper::Request<Incoming>, Response = Response, Error = Infallible, Future: Send> {
    service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(stay.clone());
        router.clone().oneshot(request)
    })
}

async fn visit(
    stream: TcpStream,
    answering: impl Service<
        hyper::Request<Incoming>,
        Response = Response,
        Error = Infallible,
        Future: Send,
    >,
    limits: Limits,
    mut closing: Closing,
) {
    // Only delays small answers.
    let _ = stream.set_nodelay(true);
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), answering);
    let mut serving = pin!(serving);
    let stopped = async { closing.wait_for(|closing| *closing).await.is_ok() };
    let served = tokio::select! {
        served = serving.as_mut() => served,
        _ = stopped => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}
