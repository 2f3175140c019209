//! What `instep retry` answers.

use serde::{Deserialize, Serialize};

use crate::SyncReply;

/// What became of a task that was tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryEnd {
    /// It is there now.
    Carried,
    /// It could not be tried yet; the next sync does.
    Waiting,
    /// It was refused again, and is tried again later.
    Refused,
    /// It was refused again, and waits for a person.
    Parked,
}

/// One task that was tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetriedTask {
    /// The account's name.
    pub account: String,
    /// The hub task's id.
    pub task: String,
    /// Its title.
    pub title: String,
    /// What became of it.
    pub end: RetryEnd,
    /// Why it is not there, or null.
    pub why: Option<String>,
    /// When a sync tries again by itself (RFC 3339), or null.
    pub retry_at: Option<String>,
}

/// `instep retry`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryReply {
    /// 1.
    pub schema_version: u32,
    /// Each task that was tried again.
    pub retried: Vec<RetriedTask>,
    /// How many were left parked, for want of `--parked`.
    pub left_parked: usize,
    /// The sync that carried them, or null where there was nothing to try.
    pub carried: Option<SyncReply>,
}
