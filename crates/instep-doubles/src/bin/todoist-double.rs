//! Runs the Todoist double by itself, for shell-driven tests and benchmarks. It prints its URL and
//! token, one a line, and ends on SIGTERM or when its standard input is closed.

use std::time::Duration;

use clap::Parser;
use instep_doubles::program;
use instep_doubles::todoist::{BadToken, Options, Plan, Todoist, Webhook};

/// A stand-in for the Todoist API v1 on 127.0.0.1.
#[derive(Debug, Parser)]
struct Arguments {
    /// The port to listen on; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Extra milliseconds per request.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// The user pays nothing: no deadlines, durations or reminders.
    #[arg(long)]
    free: bool,
    /// IANA name of the user's time zone.
    #[arg(long, default_value = "UTC")]
    timezone: String,
    /// Answer 400 to an unknown sync token, not with a full sync.
    #[arg(long)]
    refuse_bad_tokens: bool,
    /// Where webhooks go; needs --client-secret.
    #[arg(long, requires = "client_secret")]
    webhook_url: Option<String>,
    /// What webhooks are signed with.
    #[arg(long)]
    client_secret: Option<String>,
    /// Go on when standard input is closed.
    #[arg(long)]
    ignore_stdin: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let mut options = Options {
        port: arguments.port,
        latency: Duration::from_millis(arguments.latency_ms),
        timezone: arguments.timezone,
        ..Options::default()
    };
    if arguments.free {
        options.plan = Plan::Free;
    }
    if arguments.refuse_bad_tokens {
        options.bad_token = BadToken::Refuse;
    }
    let double = Todoist::try_start(options).await?;
    if let Some((url, client_secret)) = arguments.webhook_url.zip(arguments.client_secret) {
        let events = Vec::new();
        double.add_webhook(Webhook {
            url,
            client_secret,
            events,
        });
    }
    program::announce(double.url(), double.token())?;
    program::until_ended(arguments.ignore_stdin).await
}
