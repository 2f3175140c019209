//! Puts the hook and what lies beside it where Taskwarrior finds them, takes them away again, and says
//! how they stand. A file that is not ours is never written over or removed.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use instep_api::{Exit, Failure, HookState, HookView, HooksReply, SCHEMA_VERSION};
use instep_connectors::taskwarrior;
use instep_model::Kind;

use super::carried::{self, Carried};
use super::file::{self, HookFile, NAME};
use crate::config::{self, Config, Entry};
use crate::{Places, say, wiring};

/// The hook is run by whoever may read it.
const HOOK_MODE: u32 = 0o755;

/// What lies beside it names places, and nothing secret.
const BESIDE_MODE: u32 = 0o644;

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
        beside: hooks.dir.join(carried::FILE),
        hooks,
    };
    if act == Act::Uninstall {
        return spot.uninstall();
    }
    let wanted = wanted(places, config)?;
    let before = spot.state(&wanted)?;
    let is_fine = matches!(before, HookState::Installed | HookState::HooksOff);
    if act == Act::Look || is_fine {
        return Ok(spot.view(before, false));
    }
    if spot.is_link() {
        return Err(spot.linked(act));
    }
    if before == HookState::Foreign || spot.is_in_the_way(&wanted)? {
        return Err(spot.foreign(act));
    }
    spot.write(&wanted).map_err(|error| spot.fault(&error))?;
    Ok(spot.view(spot.state(&wanted)?, true))
}

/// The hook that belongs to this instance.
fn wanted(places: &Places, config: &Config) -> Result<HookFile, Failure> {
    let failure = |code, why: &str, help: String| {
        let what = "what the hook should be cannot be told";
        Failure::new(Exit::Failed, code, what, why, help)
    };
    let program = file::program().ok_or_else(|| {
        let why = "the file of this program was replaced or removed while it ran";
        failure("program_moved", why, "instep hook status".to_owned())
    })?;
    let carried = Carried {
        variables: file::variables(),
        config: places.config_of_its_own(),
        pass: config.daemon.hook_pass,
    };
    HookFile::of(&program, &carried).map_err(|error| {
        let beside = program.with_file_name("");
        let help = format!("ls -ld {}", say::quoted(&beside));
        failure("hook_program", &error.to_string(), help)
    })
}

/// Where the hook of an account belongs.
struct Spot<'a> {
    account: &'a str,
    file: PathBuf,
    beside: PathBuf,
    hooks: taskwarrior::Hooks,
}

impl Spot<'_> {
    fn state(&self, wanted: &HookFile) -> Result<HookState, Failure> {
        let found = match fs::symlink_metadata(&self.file) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(HookState::Missing),
            other => other.map_err(|error| self.fault(&error))?,
        };
        let is_link = found.is_symlink();
        let Some(content) = self.content(&self.file)? else {
            return Ok(HookState::Foreign);
        };
        let is_wanted = content == wanted.content;
        if !is_wanted && !file::is_ours(&content) || self.is_in_the_way(wanted)? {
            return Ok(HookState::Foreign);
        }
        let is_whole = is_wanted && self.ours_beside()? == wanted.beside;
        let mode = fs::metadata(&self.file).map_or(0, |file| file.permissions().mode());
        Ok(match () {
            // A link was put there by whatever looks after the file that it leads to.
            () if !is_link && !is_whole => HookState::Outdated,
            () if mode & 0o111 == 0 => HookState::NotExecutable,
            () if !self.hooks.on => HookState::HooksOff,
            () => HookState::Installed,
        })
    }

    /// Takes away what is ours, and nothing else.
    fn uninstall(&self) -> Result<HookView, Failure> {
        let act = Act::Uninstall;
        let there = fs::symlink_metadata(&self.file).is_ok();
        if there {
            let content = self.content(&self.file)?;
            if !content.is_some_and(|content| file::is_ours(&content)) {
                return Err(self.foreign(act));
            }
            if self.is_link() {
                return Err(self.linked(act));
            }
        }
        let beside = self.ours_beside()?.is_some();
        // The hook first: one that finds nothing beside it takes another instance for its own.
        for (path, is_ours) in [(&self.file, there), (&self.beside, beside)] {
            if is_ours {
                fs::remove_file(path).map_err(|error| self.fault(&error))?;
            }
        }
        Ok(self.gone(there || beside))
    }

    /// What lies beside the hook, if it is ours.
    fn ours_beside(&self) -> Result<Option<Vec<u8>>, Failure> {
        let found = self.content(&self.beside)?;
        Ok(found.filter(|content| carried::is_ours(content)))
    }

    /// Whether somebody else's file lies where ours is to be beside the hook.
    fn is_in_the_way(&self, wanted: &HookFile) -> Result<bool, Failure> {
        let there = fs::symlink_metadata(&self.beside).is_ok();
        Ok(wanted.beside.is_some() && there && self.ours_beside()?.is_none())
    }

    /// What is in a file; `None` where it is no file, or leads to none.
    fn content(&self, path: &Path) -> Result<Option<Vec<u8>>, Failure> {
        if !fs::metadata(path).is_ok_and(|found| found.is_file()) {
            return Ok(None);
        }
        let content = fs::read(path).map_err(|error| self.fault(&error))?;
        Ok(Some(content))
    }

    fn is_link(&self) -> bool {
        fs::symlink_metadata(&self.file).is_ok_and(|file| file.is_symlink())
    }

    /// What lies beside it first: a hook that finds nothing there takes another instance for its own.
    fn write(&self, wanted: &HookFile) -> io::Result<()> {
        let dir = &self.hooks.dir;
        if !dir.is_dir() {
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true).mode(DIR_MODE).create(dir)?;
        }
        match &wanted.beside {
            Some(content) => put(dir, &self.beside, content, BESIDE_MODE)?,
            None if matches!(self.ours_beside(), Ok(Some(_))) => fs::remove_file(&self.beside)?,
            None => {}
        }
        put(dir, &self.file, &wanted.content, HOOK_MODE)?;
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
        let hook = self.content(&self.file);
        let is_hook = matches!(hook, Ok(Some(content)) if !file::is_ours(&content));
        let is_beside =
            act != Act::Uninstall && !is_hook && fs::symlink_metadata(&self.beside).is_ok();
        let (file, other) = match is_beside {
            true => (&self.beside, "other-hook.conf"),
            false => (&self.file, "on-exit-other"),
        };
        let other = file.with_file_name(other);
        Failure::new(
            Exit::Failed,
            "hook_foreign",
            format!("the hook of `{}` is left as it is", self.account),
            format!("{} was not made by Instep", file.display()),
            match act {
                Act::Uninstall => format!("cat {}", say::quoted(file)),
                Act::Install | Act::Look => format!(
                    "mv -n {} {} && instep hook install {}",
                    say::quoted(file),
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

/// Writes a file of the hooks at once: Taskwarrior must never find a half of one, and no hook's name
/// begins as that of what is not whole yet.
fn put(dir: &Path, path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix(".instep-")
        .tempfile_in(dir)?;
    file.write_all(content)?;
    file.as_file()
        .set_permissions(Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    // Closed first: what is open to be written cannot be run.
    let whole = file.into_temp_path();
    whole.persist(path).map_err(|error| error.error)
}
