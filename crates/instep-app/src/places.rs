//! Where things lie: config, data, state, and what Taskwarrior's own variables name.
//! Nothing is read or made here; the environment is looked at once, in [`Places::from_env`].

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use instep_api::{Exit, Failure};
use sha2::{Digest, Sha256};

/// The files and directories of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    home: PathBuf,
    config_home: PathBuf,
    config: PathBuf,
    data: PathBuf,
    state: PathBuf,
    runtime: Option<PathBuf>,
    taskrc: Option<PathBuf>,
    taskdata: Option<PathBuf>,
}

impl Places {
    /// The places that `HOME`, the `XDG_*` variables, `TASKRC` and `TASKDATA` name; `config`
    /// stands in for the config file.
    ///
    /// # Errors
    /// When there is no home directory.
    pub fn from_env(config: Option<PathBuf>) -> Result<Self, Failure> {
        Self::from_env_but(config, &[])
    }

    /// Those where these variables win over the environment.
    pub(crate) fn from_env_but(
        config: Option<PathBuf>,
        variables: &[(OsString, OsString)],
    ) -> Result<Self, Failure> {
        let set = |name: &str| {
            let own = variables.iter().find(|(given, _)| given == name);
            let value = own.map(|(_, value)| value.clone());
            let value = value.or_else(|| std::env::var_os(name));
            value.filter(|value| !value.is_empty()).map(PathBuf::from)
        };
        // What is no whole path is to be passed over (XDG Base Directory Specification 0.8).
        let dir = |name: &str| set(name).filter(|path| path.is_absolute());
        let login = || std::env::home_dir().filter(|home| home.is_absolute());
        let home = dir("HOME").or_else(login).ok_or_else(|| {
            Failure::new(
                Exit::Config,
                "no_home",
                "Instep does not know where to keep its files",
                "HOME is no whole path",
                "set HOME to your home directory",
            )
        })?;
        let below = |name: &str, usual: &str| dir(name).unwrap_or_else(|| home.join(usual));
        let config_home = below("XDG_CONFIG_HOME", ".config");
        Ok(Self {
            config: config
                .map(whole)
                .unwrap_or_else(|| config_home.join("instep/config.toml")),
            config_home,
            data: below("XDG_DATA_HOME", ".local/share").join("instep"),
            state: below("XDG_STATE_HOME", ".local/state").join("instep"),
            runtime: dir("XDG_RUNTIME_DIR").map(|dir| dir.join("instep")),
            taskrc: set("TASKRC"),
            taskdata: set("TASKDATA"),
            home,
        })
    }

    /// The usual places below one home directory, whatever the environment says.
    pub fn under(home: &Path) -> Self {
        Self {
            home: home.to_owned(),
            config_home: home.join(".config"),
            config: home.join(".config/instep/config.toml"),
            data: home.join(".local/share/instep"),
            state: home.join(".local/state/instep"),
            runtime: None,
            taskrc: None,
            taskdata: None,
        }
    }

    /// The person's home directory.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// The directory that everybody's config lies in.
    pub(crate) fn config_home(&self) -> &Path {
        &self.config_home
    }

    /// The taskrc that the environment names.
    pub(crate) fn named_taskrc(&self) -> Option<&Path> {
        self.taskrc.as_deref()
    }

    /// The config file.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// The config file, where it is not the usual one.
    pub(crate) fn config_of_its_own(&self) -> Option<PathBuf> {
        let usual = self.config_home.join("instep/config.toml");
        (self.config != usual).then(|| self.config.clone())
    }

    /// The directory of the hub database.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The lock of the one daemon that may run for this data directory.
    pub fn daemon_lock(&self) -> PathBuf {
        self.data.join("daemon.lock")
    }

    /// The hub database.
    pub fn hub(&self) -> PathBuf {
        self.data.join("hub.db")
    }

    /// The directory for what may be lost without harm: logs, what is remembered of task files.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The directory for the socket; inside the state directory where the system has none.
    pub fn runtime(&self) -> PathBuf {
        let fallback = || self.state.join("run");
        self.runtime.clone().unwrap_or_else(fallback)
    }

    /// Where a daemon listens: under a name of this data directory's own, else, where the system
    /// opened the socket for it, under the one that every unit has.
    pub fn sockets(&self) -> [PathBuf; 2] {
        let digest = Sha256::digest(self.data.as_os_str().as_bytes());
        let own: String = digest[..4]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let name = |stem: &str| self.runtime().join(format!("{stem}.sock"));
        [name(&own), name("instep")]
    }

    /// The taskrc that `task` would read, whether it exists or not.
    pub(crate) fn taskrc(&self) -> PathBuf {
        if let Some(named) = &self.taskrc {
            return named.clone();
        }
        let usual = self.home.join(".taskrc");
        let modern = self.config_home.join("task/taskrc");
        if !usual.exists() && modern.exists() {
            modern
        } else {
            usual
        }
    }

    /// The data directory that overrides the taskrc's.
    pub(crate) fn taskdata(&self) -> Option<&Path> {
        self.taskdata.as_deref()
    }

    /// A path as a person types it: `~` is the home directory, anything else that is not absolute
    /// counts from the current directory.
    pub(crate) fn absolute(&self, typed: &Path) -> PathBuf {
        if let Ok(rest) = typed.strip_prefix("~") {
            return self.home.join(rest);
        }
        std::path::absolute(typed).unwrap_or_else(|_| typed.to_owned())
    }
}

/// A path that means the same in another directory.
fn whole(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}
