//! Request and reply types: what a command asks for, and what it answers, as JSON; and how both
//! travel over the daemon's socket.
//!
//! Every reply that stands alone carries `schema_version`. Nothing here does anything.

mod bugreport;
mod client;
mod failure;
mod hooks;
mod replies;
mod requests;
mod retry;
mod service;
mod small;
pub mod socket;
mod webhooks;

pub use bugreport::{BugReport, ReportedAccount, ReportedCheck, Setting};
pub use client::Client;
pub use failure::{Exit, Failure};
pub use hooks::{HookState, HookView, HooksReply};
pub use replies::{
    AccountAdded, AccountShown, AccountStatus, AccountSync, BreakerState, BreakerStatus, Check,
    CheckStatus, ConflictView, ConflictsReply, Count, DaemonStatus, DoctorReply, FieldChange,
    HoldView, InitReply, ListReply, LogLine, NotesLine, PlanEntry, Reply, ReviewView, State,
    StatusReply, SyncReply, SyncShown, TaskView, TouchedReply,
};
pub use requests::{
    AccountAdd, ConflictFilter, InitRequest, ListRequest, LogRequest, RepairRequest, Request,
    Resolution, RetryRequest, SecretSource, SyncRequest, TaskEdit,
};
pub use retry::{RetriedTask, RetryEnd, RetryReply};
pub use service::{
    ServiceFile, ServiceLogs, ServiceReply, ServiceRequest, ServiceText, UnitState, UnitView,
};
pub use small::{
    AccountsReply, CompletionsReply, ConfigReply, PauseReply, PausedAccount, PingReply,
    RemovedReply, RenamedReply, VersionReply,
};
pub use webhooks::{AccountWebhooks, WebhookShown, WebhookState, WebhooksReply};

/// The version of every shape in this crate.
pub const SCHEMA_VERSION: u32 = 1;
