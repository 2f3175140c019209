//! Bare Taskwarrior: one process for each thing asked of it.

use std::env;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

fn task() -> Result<Command> {
    let program = env::var_os("BENCH_TASK").context("BENCH_TASK")?;
    let mut task = Command::new(program);
    // Without tidying up, as the real program: less is not possible.
    task.args(["rc.verbose=nothing", "rc.hooks=off", "rc.gc=off"])
        .arg("rc.json.array=off")
        .stdin(Stdio::null());
    Ok(task)
}

/// All tasks, as printed.
pub(crate) fn export() -> Result<Vec<u8>> {
    let output = task()?.arg("export").stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("task export: {}", output.status);
    }
    Ok(output.stdout)
}

/// The export as values, line by line.
pub(crate) fn parse(export: &[u8]) -> Result<Vec<Value>> {
    let lines = export.split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b",").unwrap_or(line));
    let lines = lines.filter(|line| line.len() > 1);
    Ok(lines
        .map(serde_json::from_slice)
        .collect::<Result<_, _>>()?)
}

/// Gives one task another description.
pub(crate) fn modify(uuid: &str, description: &str) -> Result<()> {
    let status = task()?
        .args([uuid, "modify", description])
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        bail!("task modify: {status}");
    }
    Ok(())
}
