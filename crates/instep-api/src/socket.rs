//! What is said over the daemon's Unix socket: one question for each connection, then its answers.
//!
//! A frame is its length in four bytes, the highest first, and that many bytes of JSON. Whoever
//! asks says which protocol it speaks and which data directory it means, so that a daemon of
//! another version or another instance can refuse instead of guessing.

use std::io::{self, Read, Write};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Failure, Reply, Request};

/// What both ends speak; it grows when an older end would misunderstand a newer one.
pub const PROTOCOL: u32 = 1;

/// The longest body of a question, in bytes.
pub const MAX_QUESTION_BYTES: usize = 1 << 20;

/// The longest body of an answer, in bytes.
pub const MAX_ANSWER_BYTES: usize = 64 << 20;

/// The bytes before a body.
pub const HEADER_BYTES: usize = 4;

/// A question with what it takes to know whether it is meant for this daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// What the caller speaks.
    pub protocol: u32,
    /// The data directory that the caller means.
    pub data: String,
    /// The question.
    pub question: Question,
}

impl Envelope {
    /// A question to the daemon of this data directory.
    pub fn to(data: &Path, question: Question) -> Self {
        Self {
            protocol: PROTOCOL,
            data: data.to_string_lossy().into_owned(),
            question,
        }
    }
}

/// What the daemon is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// Who is there?
    Hello,
    /// Taskwarrior changed these tasks.
    Hook(HookReport),
    /// Do this, as the command line would.
    Run(Box<Request>),
    /// Read the config again.
    Reload,
    /// See at once whether anything is due, whatever failed before.
    TryAgain,
}

/// One of the daemon's answers; all but `Progress` are the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// Who is there.
    Hello(DaemonHello),
    /// What was told is stored where a power cut does not reach it (I10).
    Accepted,
    /// How far a request has come.
    Progress(Progress),
    /// What became of a request.
    Reply(Reply),
    /// Why it failed.
    Failure(Failure),
}

/// Who answers on the socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonHello {
    /// The program's version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// The address of its HTTP listener, where it has one.
    pub http: Option<String>,
    /// The address that it would listen at over HTTP, where another program has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_taken: Option<String>,
}

/// Tasks that a command of Taskwarrior added or changed, as its on-exit hook told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookReport {
    /// Names this report, for the log; one that comes twice has its tasks looked at twice.
    pub id: String,
    /// Taskwarrior's data directory, as the hook was told it.
    pub data: String,
    /// The command, such as `add`.
    pub command: String,
    /// The UUIDs; none where there were too many to list, so that everything is looked at.
    pub tasks: Vec<String>,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}

/// How far one account has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The account's name.
    pub account: String,
    /// Writes that were carried to it.
    pub done: usize,
    /// All writes, as far as is known yet.
    pub total: Option<usize>,
}

/// A body with its length before it.
///
/// # Errors
/// When it is longer than `longest` bytes.
pub fn frame(message: &impl Serialize, longest: usize) -> io::Result<Vec<u8>> {
    let body = serde_json::to_vec(message)?;
    if body.len() > longest {
        return Err(too_long(body.len(), longest));
    }
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    let mut frame = length.to_be_bytes().to_vec();
    frame.extend(body);
    Ok(frame)
}

/// How long the body after this header is.
///
/// # Errors
/// When that is longer than `longest`.
pub fn body_len(header: [u8; HEADER_BYTES], longest: usize) -> io::Result<usize> {
    let length = u32::from_be_bytes(header) as usize;
    match length <= longest {
        true => Ok(length),
        false => Err(too_long(length, longest)),
    }
}

/// Reads one frame; blocks.
///
/// # Errors
/// When it is too long, cut short, or not what is expected.
pub fn read_frame<T: DeserializeOwned>(from: &mut impl Read, longest: usize) -> io::Result<T> {
    let mut header = [0; HEADER_BYTES];
    from.read_exact(&mut header)?;
    let mut body = vec![0; body_len(header, longest)?];
    from.read_exact(&mut body)?;
    Ok(serde_json::from_slice(&body)?)
}

/// Writes one frame; blocks.
///
/// # Errors
/// When it is too long, or the other end went away.
pub fn write_frame(
    to: &mut impl Write,
    message: &impl Serialize,
    longest: usize,
) -> io::Result<()> {
    to.write_all(&frame(message, longest)?)
}

fn too_long(length: usize, longest: usize) -> io::Error {
    let what = format!("a frame of {length} bytes, and the longest may have {longest}");
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Envelope {
        let report = HookReport {
            id: "one".to_owned(),
            data: "/var/lib/ann/task".to_owned(),
            command: "add".to_owned(),
            tasks: vec!["3f2a1c52-7b5e-4b0e-9d2f-6f0d3b1f9a10".to_owned()],
            at_ms: 1_790_000_000_000,
        };
        Envelope::to(Path::new("/var/lib/ann/instep"), Question::Hook(report))
    }

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        let mut wire = Vec::new();
        write_frame(&mut wire, &asked(), MAX_QUESTION_BYTES).unwrap();
        let read: Envelope = read_frame(&mut wire.as_slice(), MAX_QUESTION_BYTES).unwrap();
        assert_eq!(read, asked());
    }

    #[test]
    fn a_frame_that_is_cut_short_too_long_or_nonsense_is_an_error() {
        let wire = frame(&asked(), MAX_QUESTION_BYTES).unwrap();
        let read = |mut wire: &[u8], longest| read_frame::<Envelope>(&mut wire, longest);
        for cut in 0..wire.len() {
            assert!(read(&wire[..cut], MAX_QUESTION_BYTES).is_err(), "{cut}");
        }
        let body = wire.len() - HEADER_BYTES;
        assert!(read(&wire, body).is_ok());
        let refused = read(&wire, body - 1).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
        assert!(read(b"\0\0\0\x02hi", MAX_QUESTION_BYTES).is_err());
        assert!(frame(&asked(), body - 1).is_err());
    }
}
