//! Listening and connections: counted, cut and refused on command. Nothing here reads HTTP beyond
//! the end of a response's head.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How often a port that is still held elsewhere is tried again.
const REBIND_PAUSE: Duration = Duration::from_millis(2);

/// What a connection still lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Open,
    /// The head of the next answer and this many bytes of its body.
    BodyBytes(usize),
    Cut,
}

/// The hold a request has on the connection it came by.
#[derive(Clone, Debug)]
pub(crate) struct Cutter(Arc<Mutex<Flow>>);

impl Cutter {
    /// Lets no further byte through to the client.
    pub(crate) fn cut(&self) {
        self.set(Flow::Cut);
    }

    /// Lets the next answer's head and `bytes` of its body through, then cuts.
    pub(crate) fn cut_after_body_bytes(&self, bytes: usize) {
        self.set(Flow::BodyBytes(bytes));
    }

    fn set(&self, flow: Flow) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = flow;
    }

    fn get(&self) -> Flow {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connected<IncomingStream<'_, Door>> for Cutter {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().cutter.clone()
    }
}

/// Whether connections are accepted, and how many there were.
#[derive(Debug)]
pub(crate) struct Gate {
    open: watch::Sender<bool>,
    opened: AtomicU64,
    live: Mutex<Vec<Cutter>>,
}

impl Gate {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            open: watch::Sender::new(true),
            opened: AtomicU64::new(0),
            live: Mutex::new(Vec::new()),
        })
    }

    /// Refuses new connections and cuts the live ones, or accepts again.
    pub(crate) fn set_open(&self, open: bool) {
        self.open.send_replace(open);
        if !open {
            for cutter in self
                .live
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .drain(..)
            {
                cutter.cut();
            }
        }
    }

    pub(crate) fn connections_opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    fn admit(&self) -> Cutter {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let cutter = Cutter(Arc::new(Mutex::new(Flow::Open)));
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.retain(|other| Arc::strong_count(&other.0) > 1);
        live.push(cutter.clone());
        cutter
    }
}

/// A listener that gives its port up while the gate is shut, so that connecting is truly refused.
#[derive(Debug)]
pub(crate) struct Door {
    address: SocketAddr,
    listener: Option<TcpListener>,
    gate: Arc<Gate>,
    watch: watch::Receiver<bool>,
    shut: watch::Sender<bool>,
}

impl Door {
    /// Listens on `port` of the loopback address (0: any free one). `shut` becomes true whenever
    /// the port has been given up.
    pub(crate) async fn open(
        port: u16,
        gate: Arc<Gate>,
        shut: watch::Sender<bool>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, port)).await?;
        let watch = gate.open.subscribe();
        Ok(Self {
            address: listener.local_addr()?,
            listener: Some(listener),
            gate,
            watch,
            shut,
        })
    }

    /// Waits for the gate, then holds a bound listener.
    async fn bind(&mut self) {
        while self.listener.is_none() {
            if !*self.watch.borrow_and_update() {
                // The sender lives in the gate we hold, so this ends only with a change.
                if self.watch.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
                continue;
            }
            match TcpListener::bind(self.address).await {
                Ok(listener) => {
                    self.listener = Some(listener);
                    self.shut.send_replace(false);
                }
                Err(_) => tokio::time::sleep(REBIND_PAUSE).await,
            }
        }
    }
}

impl Listener for Door {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        loop {
            self.bind().await;
            let Some(listener) = &self.listener else {
                continue;
            };
            let mut watch = self.watch.clone();
            tokio::select! {
                accepted = listener.accept() => if let Ok((stream, peer)) = accepted {
                    // Small answers on a kept connection must not wait for the peer's ACK.
                    if stream.set_nodelay(true).is_ok() {
                        return (Wire { stream, cutter: self.gate.admit() }, peer);
                    }
                },
                _ = watch.wait_for(|open| !open) => {}
            }
            if !*self.watch.borrow() {
                self.listener = None;
                self.shut.send_replace(true);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// A client's connection, which its [`Cutter`] can end in the middle of an answer.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    cutter: Cutter,
}

impl Wire {
    /// How many of `buf`'s bytes may pass; `None` when the connection is cut.
    fn allowance(&self, buf: &[u8]) -> Option<usize> {
        match self.cutter.get() {
            Flow::Open => Some(buf.len()),
            Flow::Cut => None,
            Flow::BodyBytes(bytes) => {
                let head = buf
                    .windows(4)
                    .position(|at| at == b"\r\n\r\n")
                    .map_or(0, |at| at + 4);
                let pass = buf.len().min(head + bytes);
                (pass > 0).then_some(pass)
            }
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.cutter.get() == Flow::Cut {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(pass) = self.allowance(buf) else {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        };
        let written = Pin::new(&mut self.stream).poll_write(cx, &buf[..pass]);
        if let (Poll::Ready(Ok(sent)), Flow::BodyBytes(bytes)) = (&written, self.cutter.get()) {
            let head = buf
                .windows(4)
                .position(|at| at == b"\r\n\r\n")
                .map_or(0, |at| at + 4);
            match bytes.saturating_sub(sent.saturating_sub(head)) {
                0 => self.cutter.cut(),
                left => self.cutter.cut_after_body_bytes(left),
            }
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
