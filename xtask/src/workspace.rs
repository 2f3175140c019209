//! Where the workspace lies, and how to start Cargo in it. Never reads a source file.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// The folder that holds the workspace's manifest.
pub(crate) fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here
        .parent()
        .context("xtask lies directly in the workspace")?
        .to_owned())
}

/// The folder that Cargo builds into.
pub(crate) fn target_dir(root: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir))
}

/// Cargo, in the workspace, without a terminal to ask questions on.
pub(crate) fn cargo(root: &Path) -> Command {
    command(
        &env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from),
        root,
    )
}

/// A command in the workspace, without a terminal to ask questions on.
///
/// `cargo run` describes xtask's own package in the environment. Build scripts that watch those
/// variables would be built anew each time a chore alternates with a plain `cargo` call.
pub(crate) fn command(program: &Path, root: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root).stdin(Stdio::null());
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*name);
        }
    }
    command
}
