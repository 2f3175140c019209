//! Who else may read or change the config and the secrets, and the config as a whole: shown,
//! checked, replaced. Nothing is read here for what it means beyond that.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use instep_api::{Check, CheckStatus, Exit, Failure};
use instep_model::TimeZone;
use instep_safefile::create_private_dir;
use tracing::level_filters::LevelFilter;

use super::{Level, load, parse};
use crate::Places;
use crate::say;

/// What others may do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Looseness {
    /// Read it.
    Readable,
    /// Change it.
    Writable,
}

/// What others than its owner may do with a file; `None` where nothing, or where there is none.
pub(crate) fn loose(path: &Path) -> Option<Looseness> {
    let mode = std::fs::metadata(path).ok()?.mode();
    if mode & 0o022 != 0 {
        Some(Looseness::Writable)
    } else if mode & 0o044 != 0 {
        Some(Looseness::Readable)
    } else {
        None
    }
}

/// Refuses a file that others can change and, where it has to do with a secret, one that they can
/// read.
pub(crate) fn check_mode(path: &Path, what: &str, secret: bool) -> Result<(), Failure> {
    let others = match loose(path) {
        Some(Looseness::Writable) => "change",
        Some(Looseness::Readable) if secret => "read",
        _ => return Ok(()),
    };
    Err(Failure::new(
        Exit::Config,
        "mode_too_open",
        format!("{what} {} is open to others", path.display()),
        format!("other users of this computer can {others} it"),
        format!("chmod 600 {}", say::quoted(path)),
    ))
}

/// The text of the config file.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn config_show(places: &Places) -> Result<String, Failure> {
    super::parse::read(places)
}

/// The time zone that times are shown in: the one of the config (S21), or the computer's where there
/// is no config that can be read.
pub fn shown_zone(places: &Places) -> TimeZone {
    let config = super::parse::read(places).and_then(|text| parse(places, &text));
    config.map_or_else(|_| TimeZone::system(), |config| config.zone)
}

/// How much the daemon logs: what the config says, or the usual where it cannot be read.
pub fn log_level(places: &Places) -> LevelFilter {
    let config = super::parse::read(places).and_then(|text| parse(places, &text));
    config
        .map_or(Level::default(), |config| config.daemon.log)
        .into()
}

/// What is wrong with the config; a single check that is fine if nothing is.
///
/// # Errors
/// None today: a config that cannot be read is what the checks say.
pub fn config_check(places: &Places) -> Result<Vec<Check>, Failure> {
    let check = |id: &str, status, message: String, fix: Option<String>| Check {
        id: id.to_owned(),
        group: "config".to_owned(),
        status,
        message,
        fix,
    };
    let config = match load(places) {
        Ok(config) => config,
        Err(failure) => {
            let message = format!("{}: {}", failure.what, failure.why);
            let id = if failure.code == "mode_too_open" {
                "config.mode"
            } else {
                "config.valid"
            };
            return Ok(vec![check(
                id,
                CheckStatus::Problem,
                message,
                Some(failure.help),
            )]);
        }
    };
    let mut checks = vec![check(
        "config.valid",
        CheckStatus::Ok,
        "valid".to_owned(),
        None,
    )];
    for unknown in &config.unknown {
        let fix = Some("instep config edit".to_owned());
        checks.push(check(
            "config.unknown_key",
            CheckStatus::Note,
            unknown.to_string(),
            fix,
        ));
    }
    if loose(places.config()).is_some() {
        let message = format!("{} can be read by others", places.config().display());
        let fix = Some(format!("chmod 600 {}", say::quoted(places.config())));
        checks.push(check("config.mode", CheckStatus::Note, message, fix));
    }
    Ok(checks)
}

/// Replaces the config by a text that says something valid; answers what a person should hear of it,
/// such as keys that mean nothing.
///
/// # Errors
/// When it does not, with the line; the old config stays then.
pub fn config_replace(places: &Places, new_text: &str) -> Result<Vec<String>, Failure> {
    let config = parse(places, new_text)?;
    super::edit::save(places, new_text)?;
    Ok(config.notes().collect())
}

/// Makes a copy of the config for an editor, among our own files, where nobody else can look into it.
///
/// # Errors
/// When there is no room, or no right to.
pub fn config_copy(places: &Places, text: &str) -> Result<PathBuf, Failure> {
    let failed = |why: String| {
        Failure::new(
            Exit::Failed,
            "no_copy",
            "no copy of the config could be made for the editor",
            why,
            format!("ls -ld {}; df -h", say::quoted(places.state())),
        )
    };
    create_private_dir(places.state()).map_err(|error| failed(error.to_string()))?;
    let make = || {
        let mut file = tempfile::Builder::new()
            .prefix("config-")
            .suffix(".toml")
            .tempfile_in(places.state())?;
        file.write_all(text.as_bytes())?;
        file.into_temp_path().keep().map_err(|error| error.error)
    };
    make().map_err(|error: std::io::Error| failed(error.to_string()))
}
