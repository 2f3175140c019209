//! Puts the hook file where Taskwarrior finds it, takes it away again, and says how it stands.
//! A file that is not ours is never written over or removed, and no other file is touched.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use instep_api::{Exit, Failure, HookState, HookView, HooksReply, SCHEMA_VERSION};
use instep_connectors::taskwarrior;
use instep_model::Kind;

use super::script::{self, HEAD_BYTES, NAME, Script};
use crate::config::{self, Config, Entry};
use crate::{Places, say, wiring};

const FILE_MODE: u32 = 0o755;
const DIR_MODE: u32 = 0o700;

/// What is to be done with the hook of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Install,
    Uninstall,
    Look,
}

/// Installs the hook for every Taskwarrior account, or the one of this name.
///
/// # Errors
/// When there is no such account, or it could be done for none of them.
pub async fn hook_install(places: &Places, name: Option<&str>) -> Result<HooksReply, Failure> {
    each(places, name, Act::Install).await
}

/// Removes the hook of every Taskwarrior account, or of the one of this name.
///
/// # Errors
/// When there is no such account, or it could be done for none of them.
pub async fn hook_uninstall(places: &Places, name: Option<&str>) -> Result<HooksReply, Failure> {
    each(places, name, Act::Uninstall).await
}

/// Says how the hook of every Taskwarrior account stands, or that of the one of this name.
///
/// # Errors
/// When there is no such account, or it could be found out for none of them.
pub async fn hook_status(places: &Places, name: Option<&str>) -> Result<HooksReply, Failure> {
    each(places, name, Act::Look).await
}

/// How a command about hooks ends.
pub fn exit_of_hooks(reply: &HooksReply) -> Exit {
    let failed = |view: &HookView| view.state == HookState::Failed;
    match reply.accounts.iter().any(failed) {
        true => Exit::Partial,
        false => Exit::Fine,
    }
}

/// How the hook of one account stands.
pub(crate) async fn look(
    places: &Places,
    config: &Config,
    entry: &Entry,
) -> Result<HookView, Failure> {
    one(places, config, entry, Act::Look).await
}

/// Installs the hook of one account.
pub(crate) async fn install(
    places: &Places,
    config: &Config,
    entry: &Entry,
) -> Result<HookView, Failure> {
    one(places, config, entry, Act::Install).await
}

async fn each(places: &Places, name: Option<&str>, act: Act) -> Result<HooksReply, Failure> {
    let config = config::load(places)?;
    let mut failures = Vec::new();
    let mut accounts = Vec::new();
    for entry in chosen(&config, name)? {
        match one(places, &config, entry, act).await {
            Ok(view) => accounts.push(view),
            Err(failure) => {
                accounts.push(failed(entry, &failure));
                failures.push(failure);
            }
        }
    }
    if failures.len() == accounts.len()
        && let Some(first) = failures.into_iter().next()
    {
        return Err(first);
    }
    Ok(HooksReply {
        schema_version: SCHEMA_VERSION,
        accounts,
    })
}

fn chosen<'a>(config: &'a Config, name: Option<&str>) -> Result<Vec<&'a Entry>, Failure> {
    let is_taskwarrior = |entry: &&Entry| entry.account.kind == Kind::Taskwarrior;
    if let Some(name) = name {
        let known = config.entry(name);
        let entry = known.ok_or_else(|| say::unknown_account(name, &config.names()))?;
        if !is_taskwarrior(&entry) {
            return Err(say::usage(
                "no_taskwarrior",
                format!("`{name}` has no hook"),
                "only Taskwarrior accounts have one",
                "instep hook status",
            ));
        }
        return Ok(vec![entry]);
    }
    let entries: Vec<&Entry> = config.accounts.iter().filter(is_taskwarrior).collect();
    match entries.is_empty() {
        false => Ok(entries),
        true => Err(say::usage(
            "no_taskwarrior",
            "there is no hook to speak of",
            "there is no Taskwarrior account",
            "instep account add taskwarrior",
        )),
    }
}

fn failed(entry: &Entry, failure: &Failure) -> HookView {
    HookView {
        account: entry.account.name.clone(),
        state: HookState::Failed,
        file: None,
        changed: false,
        message: format!("{}: {}", failure.what, failure.why),
        fix: Some(failure.help.clone()),
    }
}

async fn one(
    places: &Places,
    config: &Config,
    entry: &Entry,
    act: Act,
) -> Result<HookView, Failure> {
    let settings = wiring::taskwarrior_settings(places, config, &entry.reach).unwrap_or_default();
    // Boxed: it is called from deep below commands that are deep themselves.
    let hooks = Box::pin(taskwarrior::hooks(&settings))
        .await
        .map_err(|error| say::from_connector(entry, &error, say::Met::Looking))?;
    let spot = Spot {
        account: &entry.account.name,
        file: hooks.dir.join(NAME),
        text: wanted(places, config)?.text(),
        hooks,
    };
    let before = spot.state()?;
    let is_fine = matches!(before, HookState::Installed | HookState::HooksOff);
    if spot.is_link() && act != Act::Look && !(is_fine && act == Act::Install) {
        return Err(spot.linked(act));
    }
    let changed = match (act, before) {
        (Act::Look, _)
        | (Act::Install, HookState::Installed | HookState::HooksOff)
        | (Act::Uninstall, HookState::Missing) => false,
        (_, HookState::Foreign) => return Err(spot.foreign(act)),
        (Act::Install, _) => spot
            .write()
            .map_err(|error| spot.fault(&error))
            .map(|()| true)?,
        (Act::Uninstall, _) => {
            fs::remove_file(&spot.file).map_err(|error| spot.fault(&error))?;
            true
        }
    };
    let state = spot.state()?;
    Ok(match (act, state) {
        (Act::Uninstall, HookState::Missing) => spot.gone(changed),
        _ => spot.view(state, changed),
    })
}

/// The hook file that belongs to this instance.
fn wanted(places: &Places, config: &Config) -> Result<Script, Failure> {
    let program = script::program().ok_or_else(|| {
        Failure::new(
            Exit::Failed,
            "program_moved",
            "the hook would not know what to call",
            "the file of this program was replaced or removed while it ran",
            "instep hook install",
        )
    })?;
    Ok(Script {
        program: script::caller(program),
        variables: script::variables(),
        config: places.config_of_its_own(),
        pass: config.daemon.hook_pass,
    })
}

/// Where the hook of an account belongs, and what should be there.
struct Spot<'a> {
    account: &'a str,
    file: PathBuf,
    text: Vec<u8>,
    hooks: taskwarrior::Hooks,
}

impl Spot<'_> {
    fn state(&self) -> Result<HookState, Failure> {
        let found = match fs::symlink_metadata(&self.file) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(HookState::Missing),
            other => other.map_err(|error| self.fault(&error))?,
        };
        let is_link = found.is_symlink();
        let ours = fs::metadata(&self.file).is_ok_and(|file| file.is_file())
            && script::is_ours(&head(&self.file).map_err(|error| self.fault(&error))?);
        if !ours {
            return Ok(HookState::Foreign);
        }
        let mode = fs::metadata(&self.file).map_or(0, |file| file.permissions().mode());
        let text = fs::read(&self.file).map_err(|error| self.fault(&error))?;
        Ok(match () {
            // A link was put there by whatever looks after the file that it leads to.
            () if !is_link && text != self.text => HookState::Outdated,
            () if mode & 0o111 == 0 => HookState::NotExecutable,
            () if !self.hooks.on => HookState::HooksOff,
            () => HookState::Installed,
        })
    }

    fn is_link(&self) -> bool {
        fs::symlink_metadata(&self.file).is_ok_and(|file| file.is_symlink())
    }

    fn write(&self) -> io::Result<()> {
        let dir = &self.hooks.dir;
        if !dir.is_dir() {
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true).mode(DIR_MODE).create(dir)?;
        }
        // Taskwarrior must never find a half of it: the name begins as no hook's does.
        let mut file = tempfile::Builder::new()
            .prefix(".instep-")
            .tempfile_in(dir)?;
        file.write_all(&self.text)?;
        file.as_file()
            .set_permissions(Permissions::from_mode(FILE_MODE))?;
        file.as_file().sync_all()?;
        file.persist(&self.file).map_err(|error| error.error)?;
        File::open(dir)?.sync_all()
    }

    fn view(&self, state: HookState, changed: bool) -> HookView {
        let install = || format!("instep hook install {}", self.account);
        let (message, fix) = match state {
            HookState::Installed => ("hook installed".to_owned(), None),
            HookState::Missing => (
                "no hook, so changes are found by looking instead of being told at once".to_owned(),
                Some(install()),
            ),
            HookState::Outdated => (
                "the hook is of another version, program or place".to_owned(),
                Some(install()),
            ),
            HookState::NotExecutable => (
                "Taskwarrior passes the hook over, since its file is not executable".to_owned(),
                Some(format!("chmod 755 {}", say::quoted(&self.file))),
            ),
            HookState::HooksOff => (
                format!(
                    "the hook never runs: {} has hooks=off",
                    self.hooks.taskrc.display()
                ),
                Some(format!(
                    "task rc:{} config hooks on",
                    say::quoted(&self.hooks.taskrc)
                )),
            ),
            HookState::Foreign | HookState::Failed => {
                let failure = self.foreign(Act::Look);
                (failure.why, Some(failure.help))
            }
        };
        HookView {
            account: self.account.to_owned(),
            state,
            file: Some(self.file.display().to_string()),
            changed,
            message,
            fix,
        }
    }

    /// After a removal.
    fn gone(&self, changed: bool) -> HookView {
        let words = if changed {
            "the hook is gone"
        } else {
            "there is no hook"
        };
        HookView {
            message: words.to_owned(),
            fix: None,
            ..self.view(HookState::Missing, changed)
        }
    }

    fn foreign(&self, act: Act) -> Failure {
        let other = self.file.with_file_name("on-exit-other");
        Failure::new(
            Exit::Failed,
            "hook_foreign",
            format!("the hook of `{}` is left as it is", self.account),
            format!("{} was not made by Instep", self.file.display()),
            match act {
                Act::Uninstall => format!("cat {}", say::quoted(&self.file)),
                Act::Install | Act::Look => format!(
                    "mv -n {} {} && instep hook install {}",
                    say::quoted(&self.file),
                    say::quoted(&other),
                    self.account
                ),
            },
        )
    }

    fn linked(&self, act: Act) -> Failure {
        Failure {
            why: format!(
                "{} is a link that something else looks after",
                self.file.display()
            ),
            help: format!("ls -l {}", say::quoted(&self.file)),
            ..self.foreign(act)
        }
    }

    fn fault(&self, error: &io::Error) -> Failure {
        Failure::new(
            Exit::Failed,
            "hook_file",
            format!("the hook file of `{}` cannot be reached", self.account),
            format!("{}: {error}", self.file.display()),
            format!("ls -ld {}", say::quoted(&self.hooks.dir)),
        )
    }
}

/// The beginning of a file.
fn head(file: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(file)?.take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(head)
}
