//! What the doubles have in common as programs: how they say where they are, and when they end.

use std::io::{self, Write as _};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Prints a double's URL and token, one a line.
///
/// # Errors
/// When standard output cannot be written.
pub fn announce(url: &str, token: &str) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "url={url}\ntoken={token}")?;
    out.flush()
}

/// Returns on SIGTERM, on Ctrl-C, or when standard input ends, unless that does not count.
///
/// # Errors
/// When the signals cannot be had.
pub async fn until_ended(ignore_stdin: bool) -> io::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminated.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
        _ = stdin_closed(), if !ignore_stdin => {}
    }
    Ok(())
}

/// Resolves when standard input ends. A plain thread reads it, so that a blocked read does not keep
/// the program from ending.
fn stdin_closed() -> oneshot::Receiver<()> {
    let (closed, wait) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = closed.send(());
    });
    wait
}
