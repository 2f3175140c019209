//! What the service needs on this computer, from the config and the environment: the program, the
//! directories that it writes to, the variables that it would not have. Nothing is changed here.

use std::path::{Path, PathBuf};

use instep_api::{Exit, Failure, NotesLine, SecretSource};
use instep_connectors::taskwarrior;

use crate::config::{Config, Entry, Reach, load};
use crate::notice::{advice, remark};
use crate::{Places, say, wiring};

/// Where a systemd of a user looks for programs on every distribution.
const USUAL_PATH: [&str; 3] = ["/usr/local/bin", "/usr/bin", "/bin"];

/// What the service needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// This program.
    pub(super) program: PathBuf,
    /// The config, where it is not at its usual place.
    pub(super) config: Option<PathBuf>,
    /// Variables that differ from what the service would have, each with its value.
    pub(super) environment: Vec<(&'static str, String)>,
    /// Directories that it writes to, each once.
    pub(super) writable: Vec<PathBuf>,
    /// No limits on what it may write and call.
    pub(super) unconfined: bool,
    /// What a person should know about it.
    pub(super) notes: Vec<NotesLine>,
}

impl Needs {
    /// Every path that it has to see.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        let own = self.writable.iter().chain([&self.program]);
        own.chain(&self.config).map(PathBuf::as_path)
    }

    fn write_to(&mut self, directory: PathBuf) {
        let real = std::fs::canonicalize(&directory).unwrap_or(directory);
        if !self.writable.contains(&real) {
            self.writable.push(real);
        }
    }
}

/// Finds out what the service needs.
///
/// # Errors
/// When the config is missing or not valid, or this program cannot tell where it lies.
pub(super) async fn find(places: &Places, unconfined: bool) -> Result<Needs, Failure> {
    let config = load(places)?;
    let program = std::env::current_exe().map_err(|error| {
        Failure::new(
            Exit::Failed,
            "no_program",
            "the service cannot be set up",
            format!("the system does not say where this program lies: {error}"),
            "start it by its whole path: /path/to/instep service install",
        )
    })?;
    let usual = places.config_home().join("instep/config.toml");
    let mut needs = Needs {
        program,
        config: (places.config() != usual).then(|| places.config().to_owned()),
        environment: variables(places),
        unconfined,
        ..Needs::default()
    };
    let config_dir = places.config().parent().map(Path::to_owned);
    for own in config_dir
        .into_iter()
        .chain([places.data().to_owned(), places.state().to_owned()])
    {
        needs.write_to(own);
    }
    for entry in &config.accounts {
        account(places, &config, entry, &mut needs).await;
    }
    search_path(&config, &mut needs);
    check_text(&needs)?;
    Ok(needs)
}

/// The variables that name another place than the usual one.
fn variables(places: &Places) -> Vec<(&'static str, String)> {
    let home = places.home();
    let named = |name: &'static str, value: Option<&Path>, usual: Option<PathBuf>| {
        let value = value.filter(|value| Some(*value) != usual.as_deref())?;
        Some((name, value.display().to_string()))
    };
    let all = [
        named(
            "XDG_CONFIG_HOME",
            Some(places.config_home()),
            Some(home.join(".config")),
        ),
        named(
            "XDG_DATA_HOME",
            places.data().parent(),
            Some(home.join(".local/share")),
        ),
        named(
            "XDG_STATE_HOME",
            places.state().parent(),
            Some(home.join(".local/state")),
        ),
        named("TASKRC", places.named_taskrc(), None),
        named("TASKDATA", places.taskdata(), None),
    ];
    all.into_iter().flatten().collect()
}

/// What one account adds.
async fn account(places: &Places, config: &Config, entry: &Entry, needs: &mut Needs) {
    let name = &entry.account.name;
    match &entry.reach {
        Reach::Taskwarrior { run_hooks, .. } => {
            let settings = wiring::taskwarrior_settings(places, config, &entry.reach);
            let found = match settings {
                Some(settings) => taskwarrior::detect(&settings).await,
                None => return,
            };
            match found {
                Ok(found) => needs.write_to(found.data),
                Err(error) => needs.notes.push(advice(
                    format!(
                        "where {name} keeps its data is not known, so the service may not write \
                         there: {error}"
                    ),
                    "instep doctor",
                )),
            }
            if *run_hooks && !needs.unconfined {
                needs.notes.push(advice(
                    format!(
                        "{name} runs Taskwarrior's hooks, and what those write elsewhere the \
                         service may not write"
                    ),
                    "instep service install --unconfined",
                ));
            }
        }
        Reach::File { path, .. } => file(places, name, path, needs),
        Reach::Vikunja { secret, .. } => secret_source(name, secret, needs),
    }
}

/// A file is replaced as a whole, which takes its directory, the real one behind a link.
fn file(places: &Places, name: &str, path: &Path, needs: &mut Needs) {
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let Some(directory) = real.parent() else {
        return;
    };
    let home = std::fs::canonicalize(places.home()).unwrap_or_else(|_| places.home().to_owned());
    if !needs.unconfined && home.starts_with(directory) {
        needs.notes.push(remark(format!(
            "the file of {name} lies in your home itself, so the service may write everything \
             there; in a directory of its own it would be that directory alone"
        )));
    }
    needs.write_to(directory.to_owned());
}

/// A secret that the service could not come by.
fn secret_source(name: &str, source: &SecretSource, needs: &mut Needs) {
    match source {
        SecretSource::File(_) => {}
        SecretSource::Env(variable) => needs.notes.push(advice(
            format!(
                "the secret of {name} is in the variable {variable}, which the service does not have"
            ),
            format!("instep account login {name} --secret-file FILE"),
        )),
        SecretSource::Command(_) if needs.unconfined => {}
        SecretSource::Command(_) => needs.notes.push(advice(
            format!(
                "the secret of {name} comes from a command, which may write no more than the \
                 service itself"
            ),
            "instep service logs",
        )),
    }
}

/// Gives the service the search path of this moment, where without it a program would be missing.
fn search_path(config: &Config, needs: &mut Needs) {
    let usual = |program: &Path| {
        let mut dirs = USUAL_PATH.iter().map(|dir| Path::new(dir).join(program));
        program.is_absolute() || dirs.any(|file| file.is_file())
    };
    let takes_more = |entry: &Entry| match &entry.reach {
        Reach::Taskwarrior { program, .. } => !usual(program),
        reach => matches!(reach.secret(), Some(SecretSource::Command(_))),
    };
    if !config.accounts.iter().any(takes_more) {
        return;
    }
    if let Ok(path) = std::env::var("PATH") {
        needs.environment.push(("PATH", path));
    }
}

/// Refuses what could not be written into a unit so that systemd reads it as it is.
fn check_text(needs: &Needs) -> Result<(), Failure> {
    match needs.paths().find(|path| path.to_str().is_none()) {
        None => Ok(()),
        Some(path) => Err(Failure::new(
            Exit::Failed,
            "path_not_text",
            "the service cannot be set up",
            format!("the name of {} is not text in UTF-8", path.display()),
            format!("mv -T {} NAME", say::quoted(path)),
        )),
    }
}
