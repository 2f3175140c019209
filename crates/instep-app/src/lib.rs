//! Config, wiring and use-cases: the one place where the parts are put together.
//!
//! Every command of a person is a function here or a method of [`App`]. Nothing here writes to a
//! terminal or serves HTTP, and what is decided about tasks is decided below, in the engine.

mod accept;
mod access;
mod account;
mod answer;
mod app;
mod ask;
mod bugreport;
mod choice;
mod config;
mod conflicts;
mod connector;
mod daemon;
mod dates;
mod dirs;
mod doctor;
mod find;
mod history;
mod hook;
mod hub;
mod init;
mod item;
mod log_file;
mod newest;
mod notice;
mod overlap;
mod places;
mod pool;
mod refused;
mod repair;
mod restore;
mod retry;
mod reviews;
mod rights;
mod runtime;
mod say;
mod scratch;
mod secret;
mod service;
mod show;
mod silence;
mod single;
mod spool;
mod spool_watch;
mod status;
mod sync;
mod tasks;
mod tell;
mod turn;
mod unstored;
mod vitals;
mod watch;
mod webhook;
mod wiring;

pub use accept::TakenIn;
pub use account::{account_add, account_login, account_remove, account_rename, check_address};
pub use app::App;
pub use bugreport::{bugreport, bugreport_save};
pub use config::{config_check, config_copy, config_replace, config_show, log_level, shown_zone};
pub use daemon::{Daemon, nobody_listens};
pub use doctor::{doctor, exit_of_checks, mend};
pub use hook::{HOOK_MARK, HookCall, exit_of_hooks, hook_install, hook_status, hook_uninstall};
pub use hub::Hub;
pub use init::init;
pub use instep_contract::{Delivery, Post};
pub use instep_model::{AccountId, Kind, RemoteId};
pub use log_file::LogFile;
pub use newest::Newest;
pub use places::Places;
pub use say::{line_for_log, reason_for_log};
pub use secret::check_secret_file;
pub use service::{
    service_fits, service_install, service_logs, service_print, service_status, service_uninstall,
    service_with_init,
};
pub use silence::{Alarm, Silent};
pub use spool::{Spool, Spooled, Told};
pub use spool_watch::SpoolWatch;
pub use status::exit_of_status;
pub use tell::{exit_of_plan, exit_of_sync, waits_for_acceptance};
pub use turn::{Turn, Turned};
pub use unstored::{Part, Unstored};
pub use vitals::{AccountVitals, Vitals};
pub use watch::Watch;
pub use webhook::{HookAccount, HookKeys, exit_of_webhooks};
