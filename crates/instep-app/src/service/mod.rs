//! The service that keeps the daemon running: units of systemd in the person's own config, put
//! there, taken away and looked at. A file that does not say it is ours is never touched, and no
//! task, hub or account is changed here.

mod launchd;
mod needs;
mod systemd;
mod units;

use std::path::{Path, PathBuf};

use instep_api::{
    Check, CheckStatus, Exit, Failure, NotesLine, SCHEMA_VERSION, ServiceFile, ServiceLogs,
    ServiceReply, ServiceRequest, ServiceText, UnitState, UnitView,
};
use instep_safefile::{create_private_dir, write_private};

use crate::notice::{advice, remark};
use crate::{Daemon, Places, say};
use needs::Needs;
use systemd::Presence;
use units::{MARK, Part, UNITS, Unit};

/// The setting by which a service that is confined is known.
const CONFINED: &str = "\nProtectSystem=";

/// Starts what was written, where no systemd answered.
const START: &str = "systemctl --user daemon-reload && systemctl --user enable --now";

/// How systemd tells of a sandbox that it could not set up.
const NO_NAMESPACE: &str = "226";

/// Writes the units and starts them; run again, it brings them up to date. A timer that is there
/// stays, and a service that is not confined stays so.
///
/// # Errors
/// When the config is missing or not valid, a file in the way is not ours, or what was written
/// cannot be started.
pub async fn service_install(
    places: &Places,
    request: &ServiceRequest,
) -> Result<ServiceReply, Failure> {
    if cfg!(not(target_os = "linux")) {
        return Err(not_here());
    }
    let needs = needs::find(places, request.unconfined || is_unconfined(places)).await?;
    for dir in [places.data(), places.state()] {
        create_private_dir(dir)
            .map_err(|error| say::from_safefile("a directory could not be made", &error))?;
    }
    let wanted: Vec<&Unit> = wanted(places, request).collect();
    if let Some(unit) = wanted
        .iter()
        .find(|unit| state(places, unit, &needs) == UnitState::Foreign)
    {
        return Err(foreign(&unit.path(places.config_home())));
    }
    let mut changed = false;
    for unit in &wanted {
        changed |= write(places, unit, &needs)?;
    }
    let mut notes = needs.notes.clone();
    let presence = presence(places).await;
    if presence == Presence::Here {
        start(&wanted, changed).await?;
        notes.extend(lingering());
    } else {
        let names: Vec<&str> = enabled(&wanted).collect();
        let text = format!(
            "the units are written and were not started: {}",
            why(presence)
        );
        notes.push(advice(text, format!("{START} {}", names.join(" "))));
    }
    reply(places, &needs, presence, notes).await
}

/// The units that a request is about: those of the daemon, and the timer's where it was asked for
/// or is there.
fn wanted<'a>(
    places: &'a Places,
    request: &'a ServiceRequest,
) -> impl Iterator<Item = &'static Unit> {
    let timer = request.timer
        || UNITS
            .iter()
            .any(|unit| unit.part == Part::Timer && is_ours(&unit.path(places.config_home())));
    UNITS
        .iter()
        .filter(move |unit| timer || unit.part == Part::Daemon)
}

fn enabled<'a>(units: &'a [&'static Unit]) -> impl Iterator<Item = &'static str> + 'a {
    units
        .iter()
        .filter(|unit| unit.enabled)
        .map(|unit| unit.name)
}

/// Writes one unit; `false` where it stood there already.
fn write(places: &Places, unit: &Unit, needs: &Needs) -> Result<bool, Failure> {
    let (path, text) = (unit.path(places.config_home()), unit.text(needs));
    if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
        return Ok(false);
    }
    let what = "a unit could not be written";
    if let Some(dir) = path.parent() {
        create_private_dir(dir).map_err(|error| say::from_safefile(what, &error))?;
    }
    write_private(&path, text.as_bytes()).map_err(|error| say::from_safefile(what, &error))?;
    Ok(true)
}

/// Starts the units, now and whenever the person logs in; those that run on with an older text
/// begin anew.
async fn start(wanted: &[&'static Unit], changed: bool) -> Result<(), Failure> {
    let names: Vec<&str> = enabled(wanted).collect();
    let written = |failure: Failure| failure.now("the units are written");
    systemd::systemctl(&["daemon-reload"])
        .await
        .map_err(written)?;
    let runs = systemd::says_yes("is-active", "instep.service").await == Some(true);
    let begin: &[&str] = &["enable", "--now"];
    let mut started = systemd::systemctl(&[begin, &names].concat()).await;
    if started.is_ok() && runs && changed {
        started = systemd::systemctl(&[&["restart"], &names[..]].concat()).await;
    }
    if started.is_err()
        && systemd::last_status("instep.service").await.as_deref() == Some(NO_NAMESPACE)
    {
        return Err(written(unconfinable()));
    }
    started.map_err(written)
}

/// The units as they would be written.
///
/// # Errors
/// When the config is missing or not valid.
pub async fn service_print(
    places: &Places,
    request: &ServiceRequest,
    launchd: bool,
) -> Result<ServiceText, Failure> {
    let needs = needs::find(places, request.unconfined || is_unconfined(places)).await?;
    let file = |path: PathBuf, text: String| ServiceFile {
        name: path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        path: path.display().to_string(),
        text,
    };
    let files = if launchd {
        vec![file(
            launchd::path(places.home()),
            launchd::text(&needs, places.state()),
        )]
    } else {
        let units = wanted(places, request);
        units
            .map(|unit| file(unit.path(places.config_home()), unit.text(&needs)))
            .collect()
    };
    Ok(ServiceText {
        schema_version: SCHEMA_VERSION,
        files,
    })
}

/// Stops the units and takes their files away, those that are ours.
///
/// # Errors
/// When a file cannot be removed.
pub async fn service_uninstall(places: &Places) -> Result<ServiceReply, Failure> {
    let presence = presence(places).await;
    let ours: Vec<&Unit> = UNITS
        .iter()
        .filter(|unit| is_ours(&unit.path(places.config_home())))
        .collect();
    let mut notes = Vec::new();
    if presence == Presence::Here && !ours.is_empty() {
        let names: Vec<&str> = enabled(&ours).collect();
        let end: &[&str] = &["disable", "--now"];
        systemd::systemctl(&[end, &names].concat()).await?;
    }
    for unit in &ours {
        remove(places, unit)?;
    }
    match (presence, ours.is_empty()) {
        (_, true) => notes.push(remark("no unit here is Instep's, so nothing was done")),
        (Presence::Here, false) => systemd::systemctl(&["daemon-reload"]).await?,
        (_, false) => {}
    }
    let needs = Needs::default();
    reply(places, &needs, presence, notes).await
}

/// Takes away a unit's file, and the links that let it start by itself.
fn remove(places: &Places, unit: &Unit) -> Result<(), Failure> {
    let path = unit.path(places.config_home());
    for target in ["default", "sockets", "timers"] {
        let link = path
            .with_file_name(format!("{target}.target.wants"))
            .join(unit.name);
        if std::fs::read_link(&link).is_ok_and(|to| to == path) {
            // What is left of it leads nowhere, and does no harm.
            let _ = std::fs::remove_file(&link);
        }
    }
    std::fs::remove_file(&path).map_err(|error| {
        Failure::new(
            Exit::Failed,
            "unit_stays",
            format!("{} could not be removed", path.display()),
            error.to_string(),
            format!("rm {}", say::quoted(&path)),
        )
    })
}

/// How every unit stands.
///
/// # Errors
/// When the config is missing or not valid.
pub async fn service_status(places: &Places) -> Result<ServiceReply, Failure> {
    let needs = needs::find(places, is_unconfined(places)).await?;
    let presence = presence(places).await;
    let mut reply = reply(places, &needs, presence, Vec::new()).await?;
    if reply
        .units
        .iter()
        .any(|unit| unit.state == UnitState::Foreign)
    {
        reply.notes.push(remark(
            "a unit that is not Instep's is left alone: another program looks after it, or you do",
        ));
    }
    let daemon = reply
        .units
        .iter()
        .find(|unit| unit.name == "instep.service");
    let note = match daemon.map(|unit| (unit.state, unit.active)) {
        Some((UnitState::Missing, _)) => {
            Some(advice("there is no service", "instep service install"))
        }
        Some((_, Some(false))) => Some(advice("the service does not run", "instep service logs")),
        _ => None,
    };
    reply.notes.extend(note);
    if reply
        .units
        .iter()
        .any(|unit| unit.state == UnitState::Outdated)
    {
        reply.notes.push(outdated());
    }
    if presence != Presence::Here {
        reply.notes.push(remark(format!(
            "whether it runs is not known: {}",
            why(presence)
        )));
    }
    Ok(reply)
}

/// The last lines that the service wrote: from the journal, or from the log file where there is none.
///
/// # Errors
/// When a log file cannot be read.
pub async fn service_logs(places: &Places, lines: usize) -> Result<ServiceLogs, Failure> {
    let mut logs = ServiceLogs {
        schema_version: SCHEMA_VERSION,
        source: None,
        lines: Vec::new(),
        notes: Vec::new(),
    };
    if presence(places).await == Presence::Here
        && let Some(found) = systemd::journal(lines).await
    {
        logs.source = Some("journal".to_owned());
        logs.lines = found;
        return Ok(logs);
    }
    let path = places.state().join("instep.log");
    match std::fs::read(&path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let all: Vec<&str> = text.lines().collect();
            let last = &all[all.len().saturating_sub(lines)..];
            logs.lines = last.iter().copied().map(str::to_owned).collect();
            logs.source = Some(path.display().to_string());
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let text = format!("there is no journal to read, and no {}", path.display());
            logs.notes.push(advice(text, "instep service status"));
        }
        Err(error) => {
            return Err(Failure::new(
                Exit::Failed,
                "log_unreadable",
                format!("{} cannot be read", path.display()),
                error.to_string(),
                format!("ls -l {}", say::quoted(&path)),
            ));
        }
    }
    Ok(logs)
}

/// Sets the service up together with everything else, where a systemd of this user runs; never a
/// reason for `init` to fail. Adds to `notes` what a person should know; where a daemon runs already,
/// somebody knows how to keep it running.
pub async fn service_with_init(places: &Places, notes: &mut Vec<NotesLine>) {
    let presence = presence(places).await;
    if presence != Presence::Here && Daemon::find(places).is_some() {
        return;
    }
    if presence != Presence::Here {
        let text = format!("nothing keeps this running by itself: {}", why(presence));
        notes.push(advice(text, "instep serve"));
        return;
    }
    match service_install(places, &ServiceRequest::default()).await {
        Ok(reply) => {
            let text = "it keeps everything in step from here on, as a service of systemd";
            notes.push(advice(text, "instep service status"));
            notes.extend(reply.notes);
        }
        Err(failure) => notes.push(crate::notice::failed(&failure)),
    }
}

/// Whether a service could be set up here.
pub async fn service_fits(places: &Places) -> bool {
    presence(places).await == Presence::Here
}

/// What to do about a service that does not know of all accounts; asks no systemd.
pub(crate) async fn behind(places: &Places) -> Option<NotesLine> {
    if !is_ours(&UNITS[1].path(places.config_home())) {
        return None;
    }
    let needs = needs::find(places, is_unconfined(places)).await.ok()?;
    let old = |unit: &Unit| state(places, unit, &needs) == UnitState::Outdated;
    UNITS.iter().any(old).then(outdated)
}

/// What `doctor` says of the service; nothing where there is none.
pub(crate) async fn check(places: &Places) -> Option<Check> {
    if !is_ours(&UNITS[1].path(places.config_home())) {
        return None;
    }
    let check = |status, message: &str, fix: Option<&str>| {
        Some(Check {
            id: "program.service".to_owned(),
            group: "program".to_owned(),
            status,
            message: message.to_owned(),
            fix: fix.map(str::to_owned),
        })
    };
    if let Some(note) = behind(places).await {
        return check(CheckStatus::Problem, &note.text, note.command.as_deref());
    }
    if presence(places).await != Presence::Here {
        return check(
            CheckStatus::Note,
            "the service is installed, and no systemd of yours answers here",
            Some("instep service status"),
        );
    }
    match systemd::says_yes("is-active", "instep.service").await {
        Some(true) => check(CheckStatus::Ok, "service runs", None),
        _ => check(
            CheckStatus::Problem,
            "the service is installed and does not run",
            Some("systemctl --user restart instep.service"),
        ),
    }
}

async fn reply(
    places: &Places,
    needs: &Needs,
    presence: Presence,
    notes: Vec<NotesLine>,
) -> Result<ServiceReply, Failure> {
    let mut units = Vec::new();
    for unit in &UNITS {
        let state = state(places, unit, needs);
        let asks = presence == Presence::Here && state != UnitState::Missing;
        let enabled = match asks && unit.enabled {
            true => systemd::says_yes("is-enabled", unit.name).await,
            false => None,
        };
        let active = match asks {
            true => systemd::says_yes("is-active", unit.name).await,
            false => None,
        };
        units.push(UnitView {
            name: unit.name.to_owned(),
            path: unit.path(places.config_home()).display().to_string(),
            state,
            enabled,
            active,
        });
    }
    Ok(ServiceReply {
        schema_version: SCHEMA_VERSION,
        systemd: presence == Presence::Here,
        units,
        notes,
    })
}

fn state(places: &Places, unit: &Unit, needs: &Needs) -> UnitState {
    let path = unit.path(places.config_home());
    if std::fs::symlink_metadata(&path).is_err() {
        return UnitState::Missing;
    }
    if !is_ours(&path) {
        return UnitState::Foreign;
    }
    match std::fs::read_to_string(&path) {
        Ok(text) if text == unit.text(needs) => UnitState::Installed,
        _ => UnitState::Outdated,
    }
}

/// Whether we wrote this file. A link leads to what another program looks after.
fn is_ours(path: &Path) -> bool {
    let is_file = std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file());
    is_file && std::fs::read_to_string(path).is_ok_and(|text| text.starts_with(MARK))
}

/// Whether the service that is installed was asked not to be confined.
fn is_unconfined(places: &Places) -> bool {
    let path = UNITS[1].path(places.config_home());
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    is_ours(&path) && !text.contains(CONFINED)
}

async fn presence(places: &Places) -> Presence {
    systemd::presence(&places.config_home().join("systemd/user")).await
}

fn why(presence: Presence) -> &'static str {
    match presence {
        Presence::Here => "a systemd of yours runs",
        Presence::Elsewhere => {
            "the systemd of this user reads its units elsewhere, since it has another home or \
             XDG_CONFIG_HOME"
        }
        Presence::Absent => "no systemd of yours answers here",
    }
}

fn outdated() -> NotesLine {
    advice(
        "the service was set up for another version, or for other accounts or places",
        "instep service install",
    )
}

/// A service of a person ends with their last session, unless they are said to linger.
fn lingering() -> Option<NotesLine> {
    let user = std::env::var("USER").ok()?;
    let lingers = Path::new("/var/lib/systemd/linger").join(&user).exists();
    (!lingers).then(|| {
        advice(
            "it runs while you are logged in; to have it run at all times",
            "loginctl enable-linger",
        )
    })
}

fn foreign(path: &Path) -> Failure {
    Failure::new(
        Exit::Failed,
        "unit_foreign",
        format!("{} is not Instep's", path.display()),
        "it does not begin with Instep's own first line, or it is a link, so another program looks \
         after it, or you do",
        format!(
            "mv {0} {0}.old && instep service install",
            say::quoted(path)
        ),
    )
}

fn unconfinable() -> Failure {
    Failure::new(
        Exit::Failed,
        "service_unconfinable",
        "the service could not be confined",
        "this system does not let a user's programs make a namespace of their own, which takes the \
         rights away that the service does not need",
        "instep service install --unconfined",
    )
}

fn not_here() -> Failure {
    Failure::new(
        Exit::Failed,
        "no_systemd",
        "the service cannot be set up by this command here",
        "it writes units of systemd, which is Linux's; a job of launchd is printed",
        format!(
            "instep service install --print --launchd > ~/Library/LaunchAgents/{label}.plist && \
             launchctl bootstrap gui/$(id -u) ~/Library/LaunchAgents/{label}.plist",
            label = launchd::LABEL
        ),
    )
}
