//! Stands between two that speak HTTP, passes every byte on as it comes, and remembers when each
//! request began and when its answer came back. Nothing is changed, kept back or sent by itself.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::Result;

use super::moment::Moment;

/// Bytes of a request that are remembered.
const REMEMBERED: usize = 64 * 1024;

/// A request and its answer.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    /// When its first bytes came.
    pub(crate) asked: Moment,
    /// When the first bytes of the answer came, and its status.
    pub(crate) answered: Option<(Moment, u16)>,
    /// As it was sent: line, headers, body.
    request: Vec<u8>,
}

impl Exchange {
    /// Whether the request holds this text, in its line or its body.
    pub(crate) fn holds(&self, text: &str) -> bool {
        let text = text.as_bytes();
        self.request.windows(text.len()).any(|bytes| bytes == text)
    }

    /// Method and path, as in `GET /api/v2/projects?page=1`.
    pub(crate) fn line(&self) -> String {
        let line = self.request.split(|byte| *byte == b'\r').next();
        let line = String::from_utf8_lossy(line.unwrap_or_default());
        line.trim_end_matches(" HTTP/1.1").to_owned()
    }

    /// When a write came through.
    pub(crate) fn written(&self) -> Option<Moment> {
        let (at, status) = self.answered?;
        let is_write = !self.request.starts_with(b"GET ");
        (is_write && (200..300).contains(&status)).then_some(at)
    }
}

type Log = Arc<Mutex<Vec<Exchange>>>;

/// One who stands between.
pub(crate) struct Recorder {
    /// Where to connect in place of the target.
    pub(crate) address: SocketAddr,
    log: Log,
}

impl Recorder {
    /// Stands before `target`, on a port of its own, until this program ends.
    pub(crate) fn before(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let log = Log::default();
        let shared = Arc::clone(&log);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let log = Arc::clone(&shared);
                thread::spawn(move || between(&near, target, &log));
            }
        });
        Ok(Self { address, log })
    }

    /// How many requests there were.
    pub(crate) fn count(&self) -> usize {
        lock(&self.log).len()
    }

    /// The requests from the one of this number on.
    pub(crate) fn since(&self, first: usize) -> Vec<Exchange> {
        lock(&self.log).get(first..).unwrap_or_default().to_vec()
    }

    /// The first of them for which `read` finds something.
    pub(crate) fn find<T>(&self, first: usize, read: impl Fn(&Exchange) -> Option<T>) -> Option<T> {
        let log = lock(&self.log);
        log.get(first..)?.iter().find_map(read)
    }
}

fn lock(log: &Log) -> MutexGuard<'_, Vec<Exchange>> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One connection. Whoever ends it on one side ends it on the other.
fn between(near: &TcpStream, target: SocketAddr, log: &Log) {
    let Ok(far) = TcpStream::connect(target) else {
        return;
    };
    let _ = near.set_nodelay(true).and_then(|()| far.set_nodelay(true));
    // The number of the request that waits for its answer: there is one at a time.
    let open: Mutex<Option<usize>> = Mutex::new(None);
    thread::scope(|scope| {
        scope.spawn(|| {
            pass_on(near, &far, |bytes, at| asked(log, &open, bytes, at));
        });
        pass_on(&far, near, |bytes, at| answered(log, &open, bytes, at));
    });
}

fn pass_on(from: &TcpStream, to: &TcpStream, mut see: impl FnMut(&[u8], Moment)) {
    let (mut source, mut sink) = (from, to);
    let mut buffer = vec![0; REMEMBERED];
    loop {
        let count = source.read(&mut buffer).unwrap_or(0);
        if let Ok(at) = Moment::now() {
            see(&buffer[..count], at);
        }
        if count == 0 || sink.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    for side in [from, to] {
        let _ = side.shutdown(Shutdown::Both);
    }
}

fn asked(log: &Log, open: &Mutex<Option<usize>>, bytes: &[u8], at: Moment) {
    if bytes.is_empty() {
        return;
    }
    let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
    let mut log = lock(log);
    let number = *open.get_or_insert_with(|| {
        log.push(Exchange {
            asked: at,
            answered: None,
            request: Vec::new(),
        });
        log.len() - 1
    });
    let request = &mut log[number].request;
    let room = REMEMBERED.saturating_sub(request.len()).min(bytes.len());
    request.extend_from_slice(&bytes[..room]);
}

fn answered(log: &Log, open: &Mutex<Option<usize>>, bytes: &[u8], at: Moment) {
    let status = bytes
        .strip_prefix(b"HTTP/1.1 ")
        .and_then(|rest| rest.get(..3));
    let status = status.and_then(|status| std::str::from_utf8(status).ok()?.parse().ok());
    let Some(status) = status else {
        return;
    };
    let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(number) = open.take() {
        lock(log)[number].answered = Some((at, status));
    }
}
