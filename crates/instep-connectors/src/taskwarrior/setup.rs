//! What a Taskwarrior account is set up with: finding the program, its taskrc and its data, and
//! declaring our markers. It never creates a taskrc, and never touches a task.

use std::collections::HashSet;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use instep_contract::ConnectorError;
use instep_model::TimeZone;

use super::client::Program;
use super::place::{DATABASE, Place, Stamp, TASKS};

/// More files than this are not followed through `include` lines.
const MAX_INCLUDES: usize = 64;

/// How to reach one Taskwarrior database.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The `task` program: a path, or a name to be looked up in `PATH`.
    pub program: PathBuf,
    /// The taskrc; where `task` itself would look, if not given.
    pub taskrc: Option<PathBuf>,
    /// The data directory; the one the taskrc names, if not given.
    pub data: Option<PathBuf>,
    /// Names of the user-defined attributes that carry our markers, `vikunja_id` for one.
    pub markers: Vec<String>,
    /// Whether our writes run the person's hooks.
    pub run_hooks: bool,
    /// The zone in which a date without a time begins.
    pub zone: TimeZone,
}

impl Default for Settings {
    /// `task` from `PATH` with its own taskrc, no markers, no hooks, UTC.
    fn default() -> Self {
        Self {
            program: PathBuf::from("task"),
            taskrc: None,
            data: None,
            markers: Vec::new(),
            run_hooks: false,
            zone: TimeZone::UTC,
        }
    }
}

/// A Taskwarrior that is ready to be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The program's file.
    pub program: PathBuf,
    /// Its version, as it writes it.
    pub version: String,
    /// The taskrc it reads.
    pub taskrc: PathBuf,
    /// The directory its data lies in.
    pub data: PathBuf,
}

/// Finds Taskwarrior and checks that its data can be read, for a first set-up. Starts up to three
/// processes.
///
/// # Errors
/// [`ConnectorError::Setup`] with advice when it is missing, too old, without a taskrc, or when
/// its data is unreadable or still that of an older version; [`ConnectorError::Busy`] when another
/// process holds the data locked.
pub async fn detect(settings: &Settings) -> Result<Found, ConnectorError> {
    let file = find_program(&settings.program)?;
    let mut program = Program {
        file: file.clone(),
        taskrc: PathBuf::new(),
        markers: Vec::new(),
        run_hooks: false,
        calls: 0,
        waited: Duration::ZERO,
        kinds: None,
    };
    check_version(&program.version().await?)?;
    program.taskrc = find_taskrc(settings.taskrc.as_deref())?;
    let place = resolve(&mut program, settings.data.as_deref()).await?;
    let mut tasks = 0_usize;
    program
        .export(&place.data, None, |_| {
            tasks += 1;
            Ok(())
        })
        .await?;
    if tasks == 0 {
        check_migrated(&place)?;
    }
    Ok(Found {
        program: file,
        version: place.version,
        taskrc: program.taskrc,
        data: place.data,
    })
}

/// Asks the program for its version and its data directory.
pub(super) async fn resolve(
    program: &mut Program,
    data: Option<&Path>,
) -> Result<Place, ConnectorError> {
    let origin = origin(&program.file, &program.taskrc);
    let answer = program
        .ask(data, &["_get", "system.version", "rc.data.location"])
        .await?;
    let (version, location) = answer.split_once(' ').unwrap_or((&answer, ""));
    check_version(version)?;
    let location = match data {
        Some(data) => data.to_owned(),
        None => expand_home(location.trim()),
    };
    if location.as_os_str().is_empty() {
        return Err(ConnectorError::Malformed {
            what: "Taskwarrior did not say where its data lies".into(),
        });
    }
    Ok(Place {
        version: version.to_owned(),
        data: std::fs::canonicalize(&location).unwrap_or(location),
        named: data.map(Path::to_owned),
        origin,
    })
}

fn check_version(text: &str) -> Result<(), ConnectorError> {
    let mut parts = text.trim().split('.').map(|part| part.parse::<u32>().ok());
    let (major, minor) = (parts.next().flatten(), parts.next().flatten());
    match (major, minor) {
        (Some(major), Some(minor)) if (major, minor) >= (2, 6) => Ok(()),
        (Some(_), Some(_)) => Err(ConnectorError::Setup {
            what: format!("Taskwarrior {} is too old", text.trim()),
            help: "update it to 2.6 or later".into(),
        }),
        _ => Err(ConnectorError::Setup {
            what: "the program that is set up does not answer as Taskwarrior does".into(),
            help: "set `program` to the `task` of Taskwarrior 2.6 or later".into(),
        }),
    }
}

/// Refuses to take an empty database for "no tasks" where the tasks lie in the other version's
/// files.
pub(super) fn check_migrated(place: &Place) -> Result<(), ConnectorError> {
    let holds =
        |name: &str| std::fs::metadata(place.data.join(name)).is_ok_and(|file| file.len() > 0);
    let of_2 = TASKS.into_iter().any(holds);
    if place.major() >= 3 && of_2 {
        return Err(ConnectorError::Setup {
            what: format!(
                "{} holds tasks of Taskwarrior 2 that this Taskwarrior {} has not taken over",
                place.data.display(),
                place.version
            ),
            help: "run `task import-v2` once".into(),
        });
    }
    if place.major() < 3 && !of_2 && holds(DATABASE) {
        return Err(ConnectorError::Setup {
            what: format!(
                "{} was written by Taskwarrior 3, and the program that is set up is {}",
                place.data.display(),
                place.version
            ),
            help: "set `program` to the `task` of Taskwarrior 3".into(),
        });
    }
    Ok(())
}

/// What tells this database from any other: its real path, and the directory's own number, which
/// a directory made anew or put back from a backup does not have.
pub(super) fn identity(data: &Path) -> String {
    let number = std::fs::metadata(data).map_or(0, |directory| directory.ino());
    format!("{}#{number}", data.display())
}

/// The program's file.
pub(super) fn find_program(program: &Path) -> Result<PathBuf, ConnectorError> {
    let candidates: Vec<PathBuf> = if program.components().count() > 1 {
        vec![program.to_owned()]
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .map(|directory| directory.join(program))
            .collect()
    };
    candidates
        .into_iter()
        .find(|file| file.is_file())
        .ok_or_else(|| ConnectorError::Setup {
            what: format!(
                "Taskwarrior is not installed: there is no {}",
                program.display()
            ),
            help: "install Taskwarrior 2.6 or later, or set `program` to its `task`".into(),
        })
}

/// The taskrc that `task` would read. A missing one is an error before anything is started:
/// Taskwarrior would create it.
pub(super) fn find_taskrc(given: Option<&Path>) -> Result<PathBuf, ConnectorError> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let home = set("HOME").map(PathBuf::from).unwrap_or_default();
    let candidates = match (given, set("TASKRC")) {
        (Some(given), _) => vec![given.to_owned()],
        (None, Some(named)) => vec![PathBuf::from(named)],
        (None, None) => {
            let config = set("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), PathBuf::from);
            vec![home.join(".taskrc"), config.join("task/taskrc")]
        }
    };
    let found = candidates
        .iter()
        .find(|file| std::fs::File::open(file).is_ok());
    found.cloned().ok_or_else(|| ConnectorError::Setup {
        what: match candidates.first() {
            Some(first) => format!(
                "Taskwarrior has no taskrc: {} cannot be read",
                first.display()
            ),
            None => "Taskwarrior has no taskrc".to_owned(),
        },
        help: "where yours is elsewhere, say where: `taskrc = \"PATH\"` in `instep config edit`; where there is none, run `task` once".into(),
    })
}

/// Declares the markers as text in the taskrc, so that a person can filter by them. A marker that
/// the taskrc or a file it includes declares already is left alone. Returns the lines it added.
///
/// # Errors
/// [`ConnectorError::Setup`] when there is no taskrc or it cannot be written.
pub fn declare_markers(settings: &Settings) -> Result<Vec<String>, ConnectorError> {
    check_markers(&settings.markers)?;
    let taskrc = find_taskrc(settings.taskrc.as_deref())?;
    let text: String = configuration(&taskrc)
        .iter()
        .map(|file| std::fs::read_to_string(file).unwrap_or_default() + "\n")
        .collect();
    let declares = |key: &str| {
        text.lines().any(|line| {
            line.split_once('=')
                .is_some_and(|(name, _)| name.trim() == key)
        })
    };
    let mut lines = Vec::new();
    for marker in &settings.markers {
        for (part, value) in [("type", "string"), ("label", marker.as_str())] {
            let key = format!("uda.{marker}.{part}");
            if !declares(&key) {
                lines.push(format!("{key}={value}"));
            }
        }
    }
    if !lines.is_empty() {
        append(&taskrc, &lines).map_err(|error| ConnectorError::Setup {
            what: format!("{} cannot be written: {error}", taskrc.display()),
            help: format!("add these lines yourself: {}", lines.join(", ")),
        })?;
    }
    Ok(lines)
}

/// Adds lines as `task config` does: at the end, in one write, so that a link stays a link and
/// nothing that is there is ever rewritten.
fn append(file: &Path, lines: &[String]) -> std::io::Result<()> {
    let ends_line = std::fs::read(file)?
        .last()
        .is_none_or(|byte| *byte == b'\n');
    let mut addition = String::from(if ends_line { "" } else { "\n" });
    for line in lines {
        addition.push_str(line);
        addition.push('\n');
    }
    let mut open = std::fs::OpenOptions::new().append(true).open(file)?;
    open.write_all(addition.as_bytes())?;
    open.sync_all()
}

/// Refuses names that Taskwarrior would read as something else.
pub(super) fn check_markers(markers: &[String]) -> Result<(), ConnectorError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let bad = markers.iter().find(|name| {
        !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(plain)
    });
    match bad {
        None => Ok(()),
        Some(name) => Err(ConnectorError::Setup {
            what: format!("`{name}` cannot be the name of an attribute in Taskwarrior"),
            help: "name the account with letters, digits, `_` and `-` only".into(),
        }),
    }
}

/// Stamps of every file that decides where the data lies.
fn origin(program: &Path, taskrc: &Path) -> Vec<Stamp> {
    let mut stamps = vec![Stamp::of(program)];
    stamps.extend(configuration(taskrc).iter().map(|file| Stamp::of(file)));
    stamps
}

/// The taskrc and the files that it includes.
fn configuration(taskrc: &Path) -> Vec<PathBuf> {
    let mut files = vec![taskrc.to_owned()];
    let mut seen: HashSet<PathBuf> = files.iter().cloned().collect();
    let mut next = 0;
    while next < files.len() && files.len() < MAX_INCLUDES {
        let file = files[next].clone();
        next += 1;
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        for line in text.lines() {
            let Some(named) = line.trim().strip_prefix("include ") else {
                continue;
            };
            let directory = file.parent().unwrap_or(Path::new("/"));
            let included = directory.join(expand_home(named.trim()));
            if included.is_file() && seen.insert(included.clone()) {
                files.push(included);
            }
        }
    }
    files
}

pub(super) fn expand_home(text: &str) -> PathBuf {
    match (text.strip_prefix('~'), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            PathBuf::from(home).join(rest.trim_start_matches('/'))
        }
        _ => PathBuf::from(text),
    }
}

/// Whether the data looks like that of 2.6, as far as can be told without starting anything.
pub(super) fn looks_like_2(data: Option<&Path>, taskrc: &Path) -> bool {
    let named = || {
        let text = std::fs::read_to_string(taskrc).unwrap_or_default();
        let named = text.lines().rev().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == "data.location").then(|| expand_home(value.trim()))
        });
        named.unwrap_or_else(|| expand_home("~/.task"))
    };
    let data = data.map_or_else(named, Path::to_owned);
    !data.join(DATABASE).is_file()
}
