//! One child process, timed: wall, processor time of its own and of all it started, peak memory.
//! What the process does, and whether that was right, is not judged here.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::NamedTempFile;

/// A child that runs longer is ended, and the benchmark with it.
const LONGEST: Duration = Duration::from_secs(1200);

/// How often the peak is read. Growth in the last such span of a child's life is not seen.
const SAMPLE_EVERY: Duration = Duration::from_millis(1);

/// What one run of a child took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    /// Milliseconds from start to end.
    pub(super) wall_ms: f64,
    /// Milliseconds of processor time, user and system, of the process alone.
    pub(super) own_cpu_ms: f64,
    /// The same with every process that it started and waited for.
    pub(super) all_cpu_ms: f64,
    /// MiB that the process alone held at most.
    pub(super) peak_mib: f64,
}

/// A child that has ended.
pub(super) struct Ended {
    pub(super) cost: Cost,
    pub(super) status: ExitStatus,
    /// What it printed, as JSON.
    pub(super) answer: Value,
}

/// Runs `command` to its end. It has to print one JSON value; what it says beside is shown when
/// it does not.
pub(super) fn run(command: &mut Command, scratch: &Path) -> Result<Ended> {
    let out = NamedTempFile::new_in(scratch)?;
    let err = NamedTempFile::new_in(scratch)?;
    command
        .stdin(Stdio::null())
        .stdout(out.reopen()?)
        .stderr(err.reopen()?);
    let children_before = children_cpu_ms()?;
    let started = Instant::now();
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {:?}", command.get_program()))?;
    let pid = i32::try_from(child.id())?;
    let (ended, when) = mpsc::channel();
    let sampler = thread::spawn(move || watch(pid, &when));
    // The child stays a zombie until its own clock was read.
    let waited = waitid(
        Id::Pid(Pid::from_raw(pid)),
        WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT,
    );
    let wall = started.elapsed();
    drop(ended);
    let peak_kib = sampler.join();
    let own = clock_getcpuclockid(Pid::from_raw(pid)).and_then(clock_gettime);
    let status = child.wait()?;
    waited?;
    let Ok(peak_kib) = peak_kib else {
        bail!("the sampler panicked");
    };
    let Some(peak_kib) = peak_kib else {
        bail!("{command:?} ran longer than {} s", LONGEST.as_secs());
    };
    let text = fs::read_to_string(out.path())?;
    let answer = serde_json::from_str(text.trim()).with_context(|| {
        let said = fs::read_to_string(err.path()).unwrap_or_default();
        format!("{command:?} ended with {status} and no JSON: {text}{said}")
    })?;
    Ok(Ended {
        cost: Cost {
            wall_ms: wall.as_secs_f64() * 1e3,
            own_cpu_ms: ms(own?.num_microseconds()),
            all_cpu_ms: children_cpu_ms()? - children_before,
            peak_mib: f64::from(peak_kib) / 1024.0,
        },
        status,
        answer,
    })
}

#[allow(clippy::cast_precision_loss, reason = "microseconds of a benchmark")]
fn ms(microseconds: i64) -> f64 {
    microseconds as f64 / 1e3
}

/// Of all children that ended, with theirs: only one runs at a time.
fn children_cpu_ms() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok(ms(
        (usage.user_time() + usage.system_time()).num_microseconds()
    ))
}

/// The peak in KiB until the other end of `ended` is dropped; `None` when the child had to be
/// ended. The kernel's `ru_maxrss` would not do: it counts what the parent held when it forked,
/// and the largest grandchild.
fn watch(pid: i32, ended: &mpsc::Receiver<()>) -> Option<u32> {
    let started = Instant::now();
    let mut peak = 0;
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(SAMPLE_EVERY) {
        peak = peak.max(high_water_kib(pid).unwrap_or(0));
        if started.elapsed() > LONGEST {
            // Not reaped before this thread has ended, so that the number is still its own.
            let _ = nix::sys::signal::kill(Pid::from_raw(pid), nix::sys::signal::SIGKILL);
            return None;
        }
    }
    Some(peak)
}

fn high_water_kib(pid: i32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line?.split_whitespace().next()?.parse().ok()
}
