//! cargo-deny: where it is, how it gets here, and what it checks. Its rules are in `deny.toml`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::ci::{Outcome, outcome_of};
use crate::workspace;

/// The version to install; a newer one may bring new lints, so it changes on purpose only.
const VERSION: &str = "0.20.2";
/// Set to any value where cargo-deny must not be installed.
const SKIP_INSTALL: &str = "INSTEP_SKIP_DENY_INSTALL";
/// How long the advisory database may take to arrive before the network counts as absent.
const FETCH_DEADLINE: Duration = Duration::from_secs(120);

/// cargo-deny as found on this machine.
pub(crate) enum Tool {
    /// The executable.
    At(PathBuf),
    /// Not installed, and it was asked not to be.
    Unwanted,
    /// It should be there and is not.
    Absent,
}

/// Finds cargo-deny on the path or among our tools, or installs it there.
pub(crate) fn find_or_install(root: &Path) -> Result<Tool> {
    let tools = workspace::target_dir(root).join("tools");
    let ours = tools
        .join("bin")
        .join(format!("cargo-deny{}", env::consts::EXE_SUFFIX));
    for candidate in [Path::new("cargo-deny"), &ours] {
        let version = workspace::command(candidate, root)
            .arg("--version")
            .output();
        if version.is_ok_and(|output| output.status.success()) {
            println!("found {}", candidate.display());
            return Ok(Tool::At(candidate.to_owned()));
        }
    }
    if env::var_os(SKIP_INSTALL).is_some() {
        return Ok(Tool::Unwanted);
    }
    install(root, &tools)?;
    Ok(Tool::At(ours))
}

/// Builds cargo-deny among our tools, unoptimised: that takes a minute instead of four, and
/// checking our tree takes it well under a second either way.
fn install(root: &Path, tools: &Path) -> Result<()> {
    println!("installing cargo-deny {VERSION} into {}", tools.display());
    let build = tools.join("build");
    let status = workspace::cargo(root)
        .args([
            "install",
            "--locked",
            "--debug",
            "--version",
            VERSION,
            "cargo-deny",
        ])
        .arg("--root")
        .arg(tools)
        .arg("--target-dir")
        .arg(&build)
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .status()
        .context("cannot start cargo install")?;
    if !status.success() {
        bail!("cargo-deny was not installed; set {SKIP_INSTALL}=1 to go on without it");
    }
    // Hundreds of megabytes that nothing reads again; failing to remove them does no harm.
    let _ = std::fs::remove_dir_all(build);
    Ok(())
}

impl Tool {
    /// How the step that looked for the tool ended.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Tool::At(_) => Outcome::Passed,
            Tool::Unwanted => Outcome::Skipped(format!(
                "cargo-deny is not installed and {SKIP_INSTALL} is set"
            )),
            Tool::Absent => Outcome::Failed,
        }
    }

    /// Checks what may be in the dependency tree; needs no network of its own.
    pub(crate) fn check_policy(&self, root: &Path) -> Result<Outcome> {
        let Tool::At(program) = self else {
            return Ok(self.without_tool());
        };
        let policy = [
            "check",
            "--hide-inclusion-graph",
            "bans",
            "licenses",
            "sources",
        ];
        outcome_of(deny(program, root).args(policy))
    }

    /// Checks the tree against the advisory database, where that can be fetched.
    pub(crate) fn check_advisories(&self, root: &Path) -> Result<Outcome> {
        let Tool::At(program) = self else {
            return Ok(self.without_tool());
        };
        if !arrives(deny(program, root).args(["fetch", "db"]))? {
            let reason = "the advisory database could not be fetched";
            return Ok(Outcome::Skipped(reason.to_owned()));
        }
        outcome_of(deny(program, root).args(["--offline", "check", "advisories"]))
    }

    fn without_tool(&self) -> Outcome {
        Outcome::Skipped("without cargo-deny".to_owned())
    }
}

fn deny(program: &Path, root: &Path) -> Command {
    let mut command = workspace::command(program, root);
    // cargo-deny fetches with git, which would otherwise wait for a password that nobody types.
    command.env("GIT_TERMINAL_PROMPT", "0");
    command
}

/// Whether `fetch` succeeds before [`FETCH_DEADLINE`].
fn arrives(fetch: &mut Command) -> Result<bool> {
    let mut child = fetch.spawn().context("cannot start cargo-deny")?;
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if started.elapsed() > FETCH_DEADLINE {
            child.kill()?;
            child.wait()?;
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(100));
    }
}
