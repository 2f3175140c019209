//! Runs the Vikunja double by itself, for shell-driven tests and benchmarks. It prints its URL and
//! token, one a line, and ends on SIGTERM or when its standard input is closed.

use std::time::Duration;

use clap::Parser;
use instep_doubles::program;
use instep_doubles::vikunja::{Options, Vikunja};

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
    program::announce(double.url(), double.token())?;
    program::until_ended(arguments.ignore_stdin).await
}
