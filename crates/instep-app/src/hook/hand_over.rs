//! Hands a report to the daemon, under one deadline. Whatever does not answer in time that it
//! stored the report has not got it: nothing here waits longer, tries again or says why.

use std::io::{self, Error, ErrorKind, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use instep_api::socket::{
    Envelope, HEADER_BYTES, HookReport, MAX_QUESTION_BYTES, Question, Said, body_len, frame,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};

use crate::Places;

/// For all of it: connecting, asking and the answer.
const PATIENCE: Duration = Duration::from_millis(40);

/// No answer to a report is longer.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Whether the daemon says that it stored the report.
pub(crate) fn hand_over(places: &Places, report: &HookReport) -> bool {
    let deadline = Instant::now() + PATIENCE;
    let envelope = Envelope::to(places.data(), Question::Hook(report.clone()));
    let Ok(question) = frame(&envelope, MAX_QUESTION_BYTES) else {
        return false;
    };
    let uid = rustix::process::geteuid().as_raw();
    let is_mine =
        |path: &Path| std::fs::metadata(path).is_ok_and(|found| is_private(&found, uid, path));
    if !is_mine(&places.runtime()) {
        return false;
    }
    let sockets = places.sockets();
    let mut mine = sockets.iter().filter(|path| is_mine(path));
    mine.any(|path| matches!(ask(path, &question, deadline), Ok(Said::Accepted)))
}

/// Whether nobody else can have put there what bears this name.
fn is_private(found: &std::fs::Metadata, uid: u32, path: &Path) -> bool {
    let kind = found.file_type();
    let others_write = found.mode() & 0o022 != 0;
    let fits = kind.is_socket() || (kind.is_dir() && !others_write);
    let is_link = std::fs::symlink_metadata(path).is_ok_and(|link| link.is_symlink());
    fits && !is_link && found.uid() == uid
}

fn ask(path: &Path, question: &[u8], deadline: Instant) -> io::Result<Said> {
    let stream = connect(path, deadline)?;
    write(&stream, question, deadline)?;
    let mut header = [0; HEADER_BYTES];
    read(&stream, &mut header, deadline)?;
    let mut body = vec![0; body_len(header, MAX_ANSWER_BYTES)?];
    read(&stream, &mut body, deadline)?;
    Ok(serde_json::from_slice(&body)?)
}

/// Connects; where the daemon has not yet taken as many others as the kernel lets wait, until the
/// deadline.
fn connect(path: &Path, deadline: Instant) -> io::Result<UnixStream> {
    let (family, kind) = (AddressFamily::UNIX, SocketType::STREAM);
    let socket = rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
    // The kernel waits in `connect` for as long as it may take to send.
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(left(deadline)?))?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(true)?;
    Ok(stream)
}

fn write(mut stream: &UnixStream, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(0) => return Err(Error::from(ErrorKind::WriteZero)),
            Ok(written) => bytes = &bytes[written..],
            Err(error) => wait(stream, PollFlags::OUT, error, deadline)?,
        }
    }
    Ok(())
}

fn read(mut stream: &UnixStream, mut bytes: &mut [u8], deadline: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.read(bytes) {
            Ok(0) => return Err(Error::from(ErrorKind::UnexpectedEof)),
            Ok(read) => bytes = &mut bytes[read..],
            Err(error) => wait(stream, PollFlags::IN, error, deadline)?,
        }
    }
    Ok(())
}

/// Waits until a call that could not be made yet is worth another try.
fn wait(stream: &UnixStream, what: PollFlags, met: Error, deadline: Instant) -> io::Result<()> {
    match met.kind() {
        ErrorKind::Interrupted => return Ok(()),
        ErrorKind::WouldBlock => {}
        _ => return Err(met),
    }
    let left = Timespec::try_from(left(deadline)?).map_err(Error::other)?;
    match poll(&mut [PollFd::new(stream, what)], Some(&left)) {
        Ok(0) => Err(Error::from(ErrorKind::TimedOut)),
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    match left.is_zero() {
        true => Err(Error::from(ErrorKind::TimedOut)),
        false => Ok(left),
    }
}
