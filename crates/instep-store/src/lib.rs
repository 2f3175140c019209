//! The hub database: one SQL text for SQLite and PostgreSQL.
//!
//! The engine's steps, each one transaction, and what people list and look up. This is the
//! only room with SQL in it, and nothing is decided here.

mod access;
mod account;
mod backlog;
mod commit;
mod connection;
mod dialect;
mod events;
mod keep;
mod lease;
mod list;
mod migrations;
mod open;
mod private;
mod queue;
mod read;
mod record;
mod refused;
mod row;
mod sql;
mod store;
mod summary;

pub use backlog::Backlog;
pub use keep::Pruned;
pub use list::{FoundTask, TaskFilter};
pub use open::OpenError;
pub use record::JournalFilter;
pub use refused::Refused;
pub use store::HubStore;
pub use summary::{AccountSummary, Hindrance};
