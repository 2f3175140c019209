//! In what manner a command speaks and asks: settled once, from flags, environment and terminal.

use std::io::IsTerminal;
use std::path::PathBuf;

use instep_app::{Places, shown_zone};
use jiff::tz::TimeZone;

use crate::args::{Color, Global};
use crate::render::{Screen, USUAL_COLUMNS};

/// How to speak and whether to ask.
#[derive(Debug, Clone)]
pub(crate) struct Manner {
    /// Answers are JSON.
    pub(crate) json: bool,
    /// Only failures are told.
    pub(crate) quiet: bool,
    /// How much is logged to stderr: 0 nothing, 1 debug, 2 trace.
    pub(crate) verbosity: u8,
    /// Somebody is there to answer questions.
    pub(crate) may_ask: bool,
    /// Nobody is to be asked.
    pub(crate) no_input: bool,
    /// A person is at a terminal.
    pub(crate) terminal: bool,
    /// A progress bar can be shown.
    pub(crate) bar: bool,
    /// Colours on stdout.
    colour: bool,
    /// Colours on stderr.
    pub(crate) colour_stderr: bool,
    /// Columns that an answer may take.
    columns: usize,
    /// The config file that was named, which says in what time zone times are shown.
    config: Option<PathBuf>,
}

impl Manner {
    /// Looks at the flags, the environment and the terminal.
    pub(crate) fn new(global: &Global) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let (out, err) = (
            std::io::stdout().is_terminal(),
            std::io::stderr().is_terminal(),
        );
        let colour = |terminal: bool| match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !dumb && !set("NO_COLOR"),
        };
        let person = std::io::stdin().is_terminal() && err && !dumb;
        Self {
            json: global.json,
            quiet: global.quiet,
            verbosity: global.verbose,
            may_ask: person && !global.no_input && !global.yes && !global.json,
            no_input: global.no_input,
            terminal: person,
            bar: err && !dumb && !global.no_progress && !global.quiet && !global.json,
            colour: !global.json && colour(out),
            colour_stderr: !global.json && colour(err),
            columns: columns(out),
            config: global.config.clone(),
        }
    }

    /// Stdout, as a place to show something.
    pub(crate) fn screen(&self) -> Screen {
        self.screen_in(self.colour)
    }

    /// Stderr, as a place to show something.
    pub(crate) fn screen_stderr(&self) -> Screen {
        self.screen_in(self.colour_stderr)
    }

    fn screen_in(&self, colour: bool) -> Screen {
        let config = self.config.clone();
        Screen::new(colour, self.columns, || {
            let places = Places::from_env(config);
            places.map_or_else(|_| TimeZone::system(), |places| shown_zone(&places))
        })
    }
}

/// What `COLUMNS` says, or the terminal; where neither does, the usual number.
fn columns(is_terminal: bool) -> usize {
    const LEAST: usize = 20;
    let said = std::env::var("COLUMNS").ok();
    let said = said.and_then(|text| text.parse::<usize>().ok());
    let terminal = || {
        let (_, columns) = console::Term::stdout().size_checked()?;
        is_terminal.then_some(columns.into())
    };
    said.or_else(terminal)
        .filter(|columns| *columns >= LEAST)
        .unwrap_or(USUAL_COLUMNS)
}
