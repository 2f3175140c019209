//! What `doctor --fix` mends by itself: nothing that could lose a task or a setting, and nothing that a
//! person has to choose.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use instep_api::{Failure, HookState, SecretSource};
use instep_model::Kind;

use super::storage;
use crate::config::{self, Config, loose};
use crate::{Daemon, Places, Spool, hook, wiring};

/// Mends what can be mended without asking anybody; answers what was, in words. What could not be mended
/// is what a look finds afterwards.
pub async fn mend(places: &Places) -> Vec<String> {
    let mut mended = Vec::new();
    modes(places, &mut mended);
    directories(places, &mut mended);
    leftovers(places, &mut mended);
    if let Ok(config) = load(places, &mut mended) {
        secrets(&config, &mut mended);
        if let Ok(lines) = wiring::declare_markers(places, &config) {
            let told = lines
                .iter()
                .map(|line| format!("declared in the taskrc: {line}"));
            mended.extend(told);
        }
        hooks(places, &config, &mut mended).await;
        if !mended.is_empty()
            && let Some(daemon) = Daemon::find(places)
            && daemon.reload().is_ok()
        {
            mended.push("had the daemon read the config again".to_owned());
        }
    }
    mended
}

/// Sets a mode; says so where that was possible.
fn close(path: &Path, mode: u32, mended: &mut Vec<String>) {
    if std::fs::set_permissions(path, Permissions::from_mode(mode)).is_ok() {
        mended.push(format!("closed to others: {}", path.display()));
    }
}

fn modes(places: &Places, mended: &mut Vec<String>) {
    for (path, mode) in storage::too_open(places) {
        close(&path, mode, mended);
    }
}

fn directories(places: &Places, mended: &mut Vec<String>) {
    let missing = [places.data(), places.state()];
    let missing = missing.into_iter().filter(|dir| !dir.exists());
    let missing: Vec<&Path> = missing.collect();
    if places.make_private_dirs().is_ok() {
        mended.extend(missing.iter().map(|dir| format!("made {}", dir.display())));
    }
}

fn leftovers(places: &Places, mended: &mut Vec<String>) {
    for path in storage::left_behind(places) {
        let removed = match path.is_dir() {
            true => std::fs::remove_dir_all(&path),
            false => std::fs::remove_file(&path),
        };
        if removed.is_ok() {
            mended.push(format!("removed {}", path.display()));
        }
    }
    // Listing it removes what killed hooks left half-written.
    let _ = Spool::of(places).list();
}

/// The config, closed to others first: it may lead to secrets.
fn load(places: &Places, mended: &mut Vec<String>) -> Result<Config, Failure> {
    if loose(places.config()).is_some() {
        close(places.config(), 0o600, mended);
    }
    config::load(places)
}

fn secrets(config: &Config, mended: &mut Vec<String>) {
    for entry in &config.accounts {
        if let Some(SecretSource::File(path)) = entry.reach.secret()
            && loose(path).is_some()
        {
            close(path, 0o600, mended);
        }
    }
}

async fn hooks(places: &Places, config: &Config, mended: &mut Vec<String>) {
    let taskwarriors = config.accounts.iter();
    for entry in taskwarriors.filter(|entry| entry.account.kind == Kind::Taskwarrior) {
        let Ok(view) = hook::look(places, config, entry).await else {
            continue;
        };
        let is_ours = matches!(
            view.state,
            HookState::Missing | HookState::Outdated | HookState::NotExecutable
        );
        if !is_ours || view.fix.is_none() {
            continue;
        }
        if let Ok(view) = hook::install(places, config, entry).await
            && view.changed
        {
            mended.push(format!("installed the hook of {}", entry.account.name));
        }
    }
}
