//! Where a Taskwarrior looks for hooks, and whether it runs any. No hook is run or changed here.

use std::path::PathBuf;
use std::time::Duration;

use instep_contract::ConnectorError;

use super::client::Program;
use super::setup::{Settings, expand_home, find_program, find_taskrc, resolve};

/// Holds no hooks, so that asking whether hooks run does not run one.
const NOWHERE: &str = "rc.hooks.location=/dev/null";

/// The hooks of a Taskwarrior.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hooks {
    /// The directory that they lie in, whether it exists or not.
    pub dir: PathBuf,
    /// Whether they are run.
    pub on: bool,
    /// The taskrc that says so.
    pub taskrc: PathBuf,
}

/// Asks Taskwarrior about its hooks. Starts three processes.
///
/// # Errors
/// [`ConnectorError::Setup`] when it is missing, too old, without a taskrc, or looks for hooks in
/// another place wherever it is started.
pub async fn hooks(settings: &Settings) -> Result<Hooks, ConnectorError> {
    let taskrc = find_taskrc(settings.taskrc.as_deref())?;
    let mut program = Program {
        file: find_program(&settings.program)?,
        taskrc: taskrc.clone(),
        markers: Vec::new(),
        run_hooks: false,
        kinds: None,
        calls: 0,
        waited: Duration::ZERO,
    };
    let data = settings.data.as_deref();
    let place = resolve(&mut program, data).await?;
    let location = program.ask(data, &["_get", "rc.hooks.location"]).await?;
    let dir = match location.trim() {
        "" => place.data.join("hooks"),
        named => expand_home(named),
    };
    if dir.is_relative() {
        return Err(ConnectorError::Setup {
            what: format!(
                "Taskwarrior looks for hooks in `{}` below wherever it is started",
                dir.display()
            ),
            help: format!(
                "make it a whole path: task rc:{} config hooks.location DIRECTORY",
                taskrc.display()
            ),
        });
    }
    let switch = program.ask_as_set(data, &[NOWHERE, "_get", "rc.hooks"]);
    let switch = switch.await?.trim().to_lowercase();
    Ok(Hooks {
        dir,
        on: ["true", "1", "y", "yes", "on"].contains(&&*switch),
        taskrc,
    })
}
