//! From the config to connectors that are ready to run: the only place that knows which kind of
//! account is reached in which way.

use std::path::Path;

use instep_api::Failure;
use instep_connectors::files::{self, FileConnector};
use instep_connectors::taskwarrior::{self, TaskwarriorConnector};
use instep_connectors::vikunja::{self, VikunjaConnector};
use instep_engine::Peer;
use secrecy::SecretString;

use crate::Places;
use crate::config::{Config, Entry, Reach};
use crate::connector::{AnyConnector, AnyService};
use crate::say::{self, Met};
use crate::secret::Secrets;

/// Every account of the user, as the engine's peers.
pub(crate) fn peers(config: &Config) -> Vec<Peer> {
    let accounts = config.accounts.iter().map(|entry| Peer::of(&entry.account));
    accounts.collect()
}

/// The markers that tasks may carry for the services of this config.
pub(crate) fn markers(config: &Config) -> Vec<String> {
    peers(config)
        .into_iter()
        .filter_map(|peer| peer.marker)
        .collect()
}

/// How a Taskwarrior account is reached.
pub(crate) fn taskwarrior_settings(
    places: &Places,
    config: &Config,
    reach: &Reach,
) -> Option<taskwarrior::Settings> {
    let Reach::Taskwarrior {
        program,
        taskrc,
        data,
        run_hooks,
    } = reach
    else {
        return None;
    };
    Some(taskwarrior::Settings {
        program: program.clone(),
        taskrc: Some(taskrc.clone().unwrap_or_else(|| places.taskrc())),
        data: data.clone(),
        markers: markers(config),
        run_hooks: *run_hooks,
        zone: config.zone.clone(),
    })
}

/// The directory of what is remembered about an account's file.
pub(crate) fn private_dir(state: &Path, entry: &Entry) -> std::path::PathBuf {
    state.join("files").join(entry.account.id.as_str())
}

/// A connector for an account; reads its secret, and opens no connection.
pub(crate) async fn connect(
    places: &Places,
    config: &Config,
    secrets: &Secrets,
    entry: &Entry,
    state: &Path,
) -> Result<AnyConnector, Failure> {
    let secret = match entry.reach.secret() {
        Some(source) => Some(secrets.get(&entry.account.id, source).await?),
        None => None,
    };
    connect_with(places, config, secret, entry, state, Met::Looking)
}

/// A connector for an account with a secret that was read already.
pub(crate) fn connect_with(
    places: &Places,
    config: &Config,
    secret: Option<SecretString>,
    entry: &Entry,
    state: &Path,
    met: Met,
) -> Result<AnyConnector, Failure> {
    let failed = |error| say::from_connector(entry, &error, met);
    let service = match &entry.reach {
        Reach::Taskwarrior { .. } => {
            let settings = taskwarrior_settings(places, config, &entry.reach).unwrap_or_default();
            let connector = TaskwarriorConnector::open(settings).map_err(failed)?;
            AnyService::Taskwarrior(Box::new(connector))
        }
        Reach::Vikunja { url, .. } => {
            let secret = secret.unwrap_or_default();
            let settings = vikunja::Settings {
                parallel_reads: config.parallel_reads(),
                ..vikunja::Settings::new(url.clone(), secret, config.zone.clone())
            };
            let connector = VikunjaConnector::connect(settings).map_err(failed)?;
            AnyService::Vikunja(Box::new(connector))
        }
        Reach::File {
            path,
            priority_high_is_one,
        } => {
            let settings = files::Settings {
                priority_high_is_one: *priority_high_is_one,
                ..files::Settings::new(path.clone(), private_dir(state, entry))
            };
            AnyService::File(Box::new(FileConnector::open(settings)))
        }
    };
    Ok(service.into())
}

/// Declares the markers of all services in every Taskwarrior's taskrc; answers the lines added.
pub(crate) fn declare_markers(places: &Places, config: &Config) -> Result<Vec<String>, Failure> {
    let mut added = Vec::new();
    for entry in &config.accounts {
        if let Some(settings) = taskwarrior_settings(places, config, &entry.reach) {
            let lines = taskwarrior::declare_markers(&settings)
                .map_err(|error| say::from_connector(entry, &error, Met::Looking))?;
            added.extend(lines);
        }
    }
    Ok(added)
}
