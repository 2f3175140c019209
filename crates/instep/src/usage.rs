//! Wrong usage, in the same form as every other failure. Nothing has been done when it is told.

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use instep_api::{Exit, Failure};
use jiff::tz::TimeZone;

use crate::output;
use crate::render::{self, Screen};

/// Prints what clap has to say: help and version to stdout, wrong usage as a failure.
pub(crate) fn tell(error: &Error) -> Exit {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            output::out(&error.render().to_string());
            return Exit::Fine;
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            output::err(&error.render().to_string());
            return Exit::Usage;
        }
        _ => {}
    }
    let failure = failure(error);
    // The arguments could not be parsed, so the flag is looked for as it was typed.
    if std::env::args_os().any(|arg| arg == "--json") {
        output::failure_json(&failure);
    } else {
        let screen = Screen::new(false, render::USUAL_COLUMNS, TimeZone::system);
        output::err(&render::failure(&failure).draw(&screen));
    }
    failure.exit
}

fn failure(error: &Error) -> Failure {
    let text = error.render().to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let what = first.trim().trim_start_matches("error: ");
    let what = what.split_whitespace().collect::<Vec<_>>().join(" ");
    let help = suggestion(error).map_or_else(
        || usage(&text).unwrap_or_else(|| "instep --help".to_owned()),
        |near| format!("did you mean `{near}`?"),
    );
    Failure::new(Exit::Usage, "usage", what, String::new(), help)
}

/// How the command is used, in one line however many clap needs.
fn usage(text: &str) -> Option<String> {
    let (_, usage) = text.split_once("Usage: ")?;
    let lines = usage.lines().take_while(|line| !line.trim().is_empty());
    let lines = lines.map(|line| line.trim().trim_end_matches('\\').trim_end());
    Some(lines.collect::<Vec<_>>().join(" "))
}

fn suggestion(error: &Error) -> Option<String> {
    let kinds = [
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedArg,
        ContextKind::SuggestedValue,
    ];
    kinds.into_iter().find_map(|kind| match error.get(kind)? {
        ContextValue::String(near) => Some(near.clone()),
        ContextValue::Strings(near) => near.first().cloned(),
        _ => None,
    })
}
