//! Runs the Vikunja double by itself, for shell-driven tests and benchmarks. It prints its URL and
//! token, one a line, and ends on SIGTERM or when its standard input is closed.

use std::io::Write as _;
use std::time::Duration;

use clap::Parser;
use instep_doubles::vikunja::{Options, Vikunja};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// A stand-in for Vikunja 2.5.0 on 127.0.0.1.
#[derive(Debug, Parser)]
struct Arguments {
    /// The port to listen on; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Extra milliseconds per request.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Accept parallel writes, as on PostgreSQL.
    #[arg(long)]
    concurrent_writes: bool,
    /// Go on when standard input is closed.
    #[arg(long)]
    ignore_stdin: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let options = Options {
        port: arguments.port,
        latency: Duration::from_millis(arguments.latency_ms),
        concurrent_writes: arguments.concurrent_writes,
        ..Options::default()
    };
    let double = Vikunja::try_start(options).await?;
    let mut out = std::io::stdout();
    writeln!(out, "url={}\ntoken={}", double.url(), double.token())?;
    out.flush()?;
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminated.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
        _ = stdin_closed(), if !arguments.ignore_stdin => {}
    }
    Ok(())
}

/// Resolves when standard input ends. A plain thread reads it, so that a blocked read does not keep
/// the program from ending.
fn stdin_closed() -> oneshot::Receiver<()> {
    let (closed, wait) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = closed.send(());
    });
    wait
}
