//! Which connections answers came over, so that a new one is told from those that are kept. Nothing is
//! opened or closed here.

use std::collections::VecDeque;
use std::net::SocketAddr;

/// Connections of one account that are told apart from new ones.
const MOST_SOCKETS: usize = 64;

/// Our ends of the connections that answers came over.
#[derive(Default)]
pub(super) struct Sockets {
    /// How many there were.
    pub(super) opened: u64,
    last: VecDeque<SocketAddr>,
}

impl Sockets {
    /// Takes in where an answer came from; whether that connection is a new one.
    pub(super) fn is_new(&mut self, socket: Option<SocketAddr>) -> bool {
        if socket.is_some_and(|socket| self.last.contains(&socket)) {
            return false;
        }
        self.opened += 1;
        self.last.extend(socket);
        if self.last.len() > MOST_SOCKETS {
            self.last.pop_front();
        }
        true
    }
}
