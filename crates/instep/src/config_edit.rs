//! `config edit`: a copy in the person's editor, which only counts once it is valid.

use std::fs;
use std::path::Path;
use std::process::Command;

use instep_api::{ConfigReply, Exit, Failure};
use instep_app::Places;

use crate::manner::Manner;
use crate::run::config_reply;
use crate::{ask, output, render};

/// Opens a copy of the config in an editor and takes it over when it is valid. A person at a
/// terminal may mend it as often as needed; what they wrote is never thrown away.
///
/// # Errors
/// When there is no editor, it fails, or what it leaves is not valid.
pub(crate) fn edit(places: &Places, manner: &Manner) -> Result<ConfigReply, Failure> {
    let before = instep_app::config_show(places)?;
    if manner.no_input || (!manner.terminal && named_editor().is_none()) {
        return Err(nobody_there(places));
    }
    let copy = instep_app::config_copy(places, &before)?;
    loop {
        if let Err(failure) = open(&copy) {
            // What a person may have written by then is kept.
            if fs::read_to_string(&copy).is_ok_and(|text| text == before) {
                let _ = fs::remove_file(&copy);
            }
            return Err(failure);
        }
        let text = fs::read_to_string(&copy).map_err(|error| lost(&copy, &error))?;
        if text == before {
            break;
        }
        let mut failure = match instep_app::config_replace(places, &text) {
            Ok(notes) => {
                output::notes(&notes, manner);
                break;
            }
            Err(failure) => failure,
        };
        if !manner.may_ask {
            failure.help = take_over(&copy, places);
            return Err(failure);
        }
        output::err(&render::failure(&failure).draw(&manner.screen_stderr()));
        if !ask::yes("Edit it again?")? {
            failure.help = take_over(&copy, places);
            return Err(failure);
        }
    }
    let _ = fs::remove_file(&copy);
    let now = instep_app::config_show(places)?;
    Ok(config_reply(places, Some(now)))
}

fn open(file: &Path) -> Result<(), Failure> {
    let editor = named_editor().unwrap_or_else(|| "vi".to_owned());
    let words = shlex::split(&editor).unwrap_or_default();
    let Some((program, arguments)) = words.split_first() else {
        return Err(no_editor(&editor, "it names no program"));
    };
    let status = Command::new(program).args(arguments).arg(file).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(no_editor(&editor, &format!("it ended with {status}"))),
        Err(error) => Err(no_editor(&editor, &error.to_string())),
    }
}

/// The editor that the environment names; it may well be one that needs no terminal.
fn named_editor() -> Option<String> {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    set("VISUAL").or_else(|| set("EDITOR"))
}

fn nobody_there(places: &Places) -> Failure {
    Failure::new(
        Exit::Usage,
        "nobody_there",
        "no editor was started",
        "nobody is there to use it: this is no terminal, or --no-input says so",
        format!(
            "change {} yourself, then: instep config check",
            places.config().display()
        ),
    )
}

/// How what a person wrote becomes the config, once it is mended.
fn take_over(copy: &Path, places: &Places) -> String {
    let (copy, config) = (copy.display(), places.config().display());
    format!("mend what you wrote, which is kept in {copy}, then: cp {copy} {config}")
}

fn no_editor(editor: &str, why: &str) -> Failure {
    Failure::new(
        Exit::Failed,
        "editor_failed",
        format!("the editor `{editor}` did not edit the config"),
        why,
        "EDITOR=nano instep config edit",
    )
}

fn lost(copy: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Failed,
        "no_copy",
        format!("{} could not be read", copy.display()),
        error.to_string(),
        "instep config edit",
    )
}
