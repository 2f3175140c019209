//! The calling end of the daemon's socket: one question, its answers. Blocks; the hook, which may not,
//! has an end of its own.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::socket::{
    Envelope, MAX_ANSWER_BYTES, MAX_QUESTION_BYTES, Progress, Question, Said, read_frame,
    write_frame,
};

/// How long a daemon may take to say who it is.
const HELLO_PATIENCE: Duration = Duration::from_secs(2);

/// A daemon that was found.
#[derive(Debug, Clone)]
pub struct Client {
    socket: PathBuf,
    data: PathBuf,
}

impl Client {
    /// The daemon of this data directory behind the first of these sockets that has one.
    pub fn find(sockets: &[PathBuf], data: &Path) -> Option<(Self, crate::socket::DaemonHello)> {
        sockets.iter().find_map(|socket| {
            let client = Self {
                socket: socket.clone(),
                data: data.to_owned(),
            };
            match client.ask_within(Some(HELLO_PATIENCE), Question::Hello, &mut |_| {}) {
                Ok(Said::Hello(hello)) => Some((client, hello)),
                _ => None,
            }
        })
    }

    /// The socket behind which it was found.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Asks, and waits for as long as it takes.
    ///
    /// # Errors
    /// When the daemon goes away before its last answer: what was asked may have been done.
    pub fn ask(&self, question: Question, progress: &mut dyn FnMut(Progress)) -> io::Result<Said> {
        self.ask_within(None, question, progress)
    }

    fn ask_within(
        &self,
        patience: Option<Duration>,
        question: Question,
        progress: &mut dyn FnMut(Progress),
    ) -> io::Result<Said> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(patience)?;
        stream.set_write_timeout(Some(HELLO_PATIENCE))?;
        let envelope = Envelope::to(&self.data, question);
        write_frame(&mut stream, &envelope, MAX_QUESTION_BYTES)?;
        loop {
            match read_frame(&mut stream, MAX_ANSWER_BYTES)? {
                Said::Progress(told) => progress(told),
                last => return Ok(last),
            }
        }
    }
}
