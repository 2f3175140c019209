//! How the model is written into rows and read back, without loss.
//!
//! A row that cannot be read is an error that names it; it never panics, and nothing is guessed.

mod access;
mod account;
mod mapping;
mod operation;
mod record;
mod task;
mod text;
mod trouble;

use instep_contract::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use self::access::{access_body, read_access};
pub(crate) use self::account::{account_config, collections, read_account, read_collections};
pub(crate) use self::mapping::{mapping_body, read_mapping_body};
pub(crate) use self::operation::{operation_body, read_operation};
pub(crate) use self::record::{
    conflict_body, conflict_state, journal_body, read_conflict, read_journal,
};
pub(crate) use self::task::{created, read_task, task_body};
pub(crate) use self::trouble::{read_trouble, trouble_text};

fn write(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("texts, numbers and maps keyed by text are always JSON")
}

fn read<T: DeserializeOwned>(row: impl FnOnce() -> String, body: &str) -> Result<T, StoreError> {
    serde_json::from_str(body).map_err(|damage| corrupt(row(), damage))
}

/// Says which row holds what it cannot hold.
pub(crate) fn corrupt(row: impl std::fmt::Display, damage: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt {
        what: format!("{row}: {damage}"),
    }
}
