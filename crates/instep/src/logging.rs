//! Where the log goes: into the journal where systemd started us, else into a file of the state
//! directory, and with `-v` onto stderr as well. Secrets and task text are never among the fields
//! that are logged.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use instep_app::{LogFile, Places};
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::manner::Manner;

/// Says how much is logged, before the config.
const VARIABLE: &str = "INSTEP_LOG";

/// How much commands log for later: what they did is on the screen, and in `instep log`.
const OF_COMMANDS: LevelFilter = LevelFilter::WARN;

/// Names our fields in the journal.
const JOURNAL_PREFIX: &str = "INSTEP";

type Part<S> = Box<dyn Layer<S> + Send + Sync>;

/// Starts logging; answers what a person should hear of it. The daemon logs as the config says.
pub(crate) fn start(manner: &Manner, config: Option<PathBuf>, serves: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let places = Places::from_env(config).ok();
    let usual = match &places {
        Some(places) if serves => instep_app::log_level(places),
        _ => OF_COMMANDS,
    };
    let level = named(&mut notes).unwrap_or(usual);
    let shown = match manner.verbosity {
        0 => LevelFilter::OFF,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let kept = match journal(level.max(shown)) {
        // What is shown would stand there twice.
        Some(journal) => {
            tracing_subscriber::registry().with(journal).init();
            return notes;
        }
        None => places.and_then(|places| file(&places, level, serves, &mut notes)),
    };
    let shown = match (&kept, serves) {
        (None, true) => shown.max(level),
        _ => shown,
    };
    let screen = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(manner.colour_stderr)
        .compact()
        .with_filter(ours(shown));
    tracing_subscriber::registry()
        .with(kept)
        .with(screen)
        .init();
    notes
}

/// What the environment asks for.
fn named(notes: &mut Vec<String>) -> Option<LevelFilter> {
    let asked = std::env::var(VARIABLE).ok().filter(|text| !text.is_empty());
    let asked = asked?;
    let level = asked.parse().ok();
    if level.is_none() {
        notes.push(format!(
            "{VARIABLE} means nothing to Instep; it is off, error, warn, info, debug or trace"
        ));
    }
    level
}

/// Only our own crates: libraries would log headers and bodies.
fn ours(level: LevelFilter) -> Targets {
    Targets::new().with_target("instep", level)
}

/// The journal, where what goes to stderr is on its way there already.
fn journal<S>(level: LevelFilter) -> Option<Part<S>>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let journal = is_journal().then(tracing_journald::layer)?.ok()?;
    let journal = journal.with_field_prefix(Some(JOURNAL_PREFIX.to_owned()));
    Some(journal.with_filter(ours(level)).boxed())
}

/// Whether what goes to stderr is on its way into the journal.
pub(crate) fn is_journal() -> bool {
    let stream = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    let named = stream.split_once(':');
    named
        .zip(rustix::fs::fstat(std::io::stderr()).ok())
        .is_some_and(|((device, inode), stderr)| {
            device.parse() == Ok(stderr.st_dev) && inode.parse() == Ok(stderr.st_ino)
        })
}

/// The log file. A command makes no directory for it: Instep may not be set up at all.
fn file<S>(
    places: &Places,
    level: LevelFilter,
    serves: bool,
    notes: &mut Vec<String>,
) -> Option<Part<S>>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let file = LogFile::of(places);
    let is_ours = |found: std::fs::Metadata| {
        found.is_dir() && found.uid() == rustix::process::geteuid().as_raw()
    };
    if serves && level > LevelFilter::OFF {
        if let Err(failure) = file.prepare() {
            notes.push(format!(
                "{}: {}; the log is shown here instead → {}",
                failure.what, failure.why, failure.help
            ));
            return None;
        }
    } else if !std::fs::metadata(places.state()).is_ok_and(is_ours) {
        return None;
    }
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(Arc::new(file))
        .with_ansi(false)
        .compact();
    Some(lines.with_filter(ours(level)).boxed())
}
