//! What `-v` shows on stderr. Secrets and task text are never among the fields that are logged.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::manner::Manner;

/// Starts logging; without `-v` there is none.
pub(crate) fn start(manner: &Manner) {
    let ours = match manner.verbosity {
        0 => return,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    // Only our own crates: libraries would log headers and bodies.
    let filter = Targets::new().with_target("instep", ours);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(manner.colour_stderr)
        .compact();
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .init();
}
