//! What the commands take that tell of trouble or help out of it.

use std::path::PathBuf;

use clap::Args;

/// `instep status`.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Go on, and tell it again whenever it changes, until Ctrl-C.
    #[arg(short = 'w', long)]
    pub(crate) watch: bool,
}

/// `instep bugreport`.
#[derive(Debug, Args)]
pub(crate) struct Bugreport {
    /// Write it to this file, which only you can read.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// `instep repair`.
#[derive(Debug, Args)]
pub(crate) struct Repair {
    /// Only these accounts.
    pub(crate) accounts: Vec<String>,
    /// Say what would happen, write nothing.
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
}

/// `instep retry`.
#[derive(Debug, Args)]
pub(crate) struct Retry {
    /// Only this account.
    pub(crate) account: Option<String>,
    /// What is parked too.
    #[arg(long)]
    pub(crate) parked: bool,
}

/// `instep doctor`.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Do not call any service.
    #[arg(long)]
    pub(crate) offline: bool,
    /// First mend what can be mended without asking: modes, directories, hooks, markers, leftovers.
    #[arg(long)]
    pub(crate) fix: bool,
}
