//! What the commands take that help out of trouble.

use clap::Args;

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
