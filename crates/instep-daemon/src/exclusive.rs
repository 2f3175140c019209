//! One daemon for a data directory (I13): a lock that the kernel frees when its holder dies. The file
//! is never unlinked.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use instep_api::{Exit, Failure};
use instep_app::Places;
use rustix::fs::OFlags;
use tokio::time::{Instant, sleep};

use crate::ground::{self, Ground};

/// What a holder writes about itself is never longer.
const MAX_HOLDER_BYTES: u64 = 64;

/// How long a daemon that was told to stop may take to leave.
const LEAVES_WITHIN: Duration = Duration::from_secs(12);

/// How often it is seen whether it has.
const BREATH: Duration = Duration::from_millis(20);

/// The lock; held until it is dropped.
#[derive(Debug)]
pub(crate) struct Exclusive {
    file: File,
    path: PathBuf,
}

impl Exclusive {
    /// What a daemon stands on that holds this lock and has opened the hub.
    ///
    /// # Errors
    /// When the hub is not there any more.
    pub(crate) fn ground(&self, places: &Places) -> Result<Ground, Failure> {
        Ground::of(places, &self.file, &self.path).map_err(|_| ground::moved())
    }
}

/// Takes the data directory; waits for a daemon that is about to leave it, so that one can be told to
/// stop and another started by the same line.
pub(crate) async fn claim(places: &Places) -> Result<Exclusive, Failure> {
    let path = places.daemon_lock();
    let failed = |error: &std::io::Error| {
        Failure::new(
            Exit::Failed,
            "no_daemon_lock",
            format!("the daemon cannot take {}", path.display()),
            error.to_string(),
            format!("see what is there: ls -la {}", path.display()),
        )
    };
    places.make_private_dirs()?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    // What a link leads to is not written over.
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    let file = options.open(&path).map_err(|error| failed(&error))?;
    let until = Instant::now() + LEAVES_WITHIN;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if !listens(places) && Instant::now() < until => {
                sleep(BREATH).await;
            }
            Err(TryLockError::WouldBlock) => return Err(taken(&path)),
            Err(TryLockError::Error(error)) => return Err(failed(&error)),
        }
    }
    let text = format!("process {}\n", std::process::id());
    // For people; the lock alone decides.
    let _ = file
        .set_len(0)
        .and_then(|()| (&file).write_all(text.as_bytes()));
    Ok(Exclusive { file, path })
}

/// Whether anybody listens: a daemon that was told to stop does not, and one that has just begun does so
/// in a moment.
fn listens(places: &Places) -> bool {
    let sockets = places.sockets();
    sockets.iter().any(|at| UnixStream::connect(at).is_ok())
}

fn taken(path: &PathBuf) -> Failure {
    let mut holder = String::new();
    let read =
        File::open(path).and_then(|file| file.take(MAX_HOLDER_BYTES).read_to_string(&mut holder));
    let holder = match read {
        Ok(length) if length > 0 => holder.trim().to_owned(),
        _ => "another process".to_owned(),
    };
    Failure::new(
        Exit::Locked,
        "daemon_runs",
        "a daemon runs for this data directory already",
        format!("{holder} holds {}", path.display()),
        "instep status",
    )
}
