//! What may be typed about the service that keeps the daemon running.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum ServiceCommand {
    /// Sets up a service of your own systemd and starts it; run again, it brings it up to date.
    #[command(before_help = "Example: instep service install")]
    Install(Install),
    /// Stops the service and takes its files away.
    #[command(before_help = "Example: instep service uninstall")]
    Uninstall,
    /// How each of its units stands.
    #[command(before_help = "Example: instep service status")]
    Status,
    /// The last lines that it wrote.
    #[command(before_help = "Example: instep service logs --lines 20")]
    Logs {
        /// How many.
        #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
        lines: usize,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Install {
    /// Also a timer that looks at everything once a day; it stays until `service uninstall`.
    #[arg(long)]
    pub(crate) timer: bool,
    /// Do not limit what the service may write and call; stays so until `service uninstall`.
    #[arg(long)]
    pub(crate) unconfined: bool,
    /// Only print the files.
    #[arg(long)]
    pub(crate) print: bool,
    /// With --print: the job of launchd, for macOS.
    #[arg(long, requires = "print", conflicts_with_all = ["timer", "unconfined"])]
    pub(crate) launchd: bool,
}
