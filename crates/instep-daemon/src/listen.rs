//! Where the daemon listens: on what the system handed it, or on a socket of its own that nobody else
//! can reach.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener as StdListener;

use instep_api::{Exit, Failure};
use instep_app::Places;
use tokio::net::{TcpListener, UnixListener};

/// The socket of the command line and the hook. The daemon's lock is held, so that a socket that
/// lies there was left by a daemon that died.
pub(crate) fn socket(places: &Places) -> Result<UnixListener, Failure> {
    let given = listenfd::ListenFd::from_env().take_unix_listener(0);
    let listener = match given {
        Ok(Some(listener)) => Ok(listener),
        Ok(None) => own(places),
        Err(error) => Err(error),
    };
    let ready = listener.and_then(|listener| {
        listener.set_nonblocking(true)?;
        UnixListener::from_std(listener)
    });
    ready.map_err(|error| {
        Failure::new(
            Exit::Failed,
            "no_socket",
            format!("the daemon cannot listen in {}", places.runtime().display()),
            error.to_string(),
            help(places, &error),
        )
    })
}

/// Where the daemon answers over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Http {
    /// At this address.
    At(String),
    /// Nowhere: another program has the address that it would answer at.
    Taken(String),
    /// Nowhere, as it was asked to.
    Nowhere,
}

/// The listener for webhooks and for questions about how the daemon stands. Where nobody asked for a
/// certain address, one that is taken by another program is done without.
pub(crate) async fn http(
    asked: Option<&str>,
    usual: Option<&str>,
) -> Result<(Option<TcpListener>, Http), Failure> {
    let Some(at) = asked.or(usual).filter(|at| !at.is_empty()) else {
        return Ok((None, Http::Nowhere));
    };
    match TcpListener::bind(at).await {
        Ok(listener) => {
            let bound = listener.local_addr();
            let at = bound.map_or_else(|_| at.to_owned(), |bound| bound.to_string());
            Ok((Some(listener), Http::At(at)))
        }
        Err(error) if asked.is_none() && error.kind() == io::ErrorKind::AddrInUse => {
            tracing::warn!(address = at, %error, "no webhooks are taken: the address is in use");
            Ok((None, Http::Taken(at.to_owned())))
        }
        Err(error) => Err(Failure::new(
            Exit::Failed,
            "no_listener",
            format!("the daemon cannot listen at {at}"),
            error.to_string(),
            "instep serve --listen 127.0.0.1:7118",
        )),
    }
}

/// What to do about an error; a path that is too long is one that the system calls invalid.
fn help(places: &Places, error: &io::Error) -> String {
    const MOVE: &str = "set XDG_RUNTIME_DIR to a directory of your own with a short path";
    match error.kind() {
        io::ErrorKind::InvalidInput => MOVE.to_owned(),
        _ => format!(
            "see what is there: ls -la {}\nif it is not the daemon's, move it away, or {MOVE}",
            places.runtime().display()
        ),
    }
}

fn own(places: &Places) -> io::Result<StdListener> {
    places.make_runtime_dir()?;
    let [path, _] = places.sockets();
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = StdListener::bind(&path)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    Ok(listener)
}
