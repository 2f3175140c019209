//! What a command answers: its reply, how the command ends, and the reply as JSON.

use instep_api::{
    AccountAdded, AccountShown, AccountsReply, BugReport, CompletionsReply, ConfigReply,
    ConflictsReply, DoctorReply, Exit, HooksReply, InitReply, ListReply, LogLine, PauseReply,
    PingReply, RemovedReply, RenamedReply, RetryReply, ServiceLogs, ServiceReply, ServiceText,
    StatusReply, SyncReply, SyncShown, TouchedReply, VersionReply, WebhooksReply,
};

use crate::output::json;

/// A reply.
pub(crate) enum Answer {
    Init(InitReply),
    Added(AccountAdded),
    Accounts(AccountsReply),
    Account(AccountShown),
    Map(AccountShown),
    Removed(RemovedReply),
    Renamed(RenamedReply),
    Synced {
        reply: SyncReply,
        exit: Exit,
    },
    Status(StatusReply),
    Tasks {
        reply: ListReply,
        /// What was asked for, such as `with the tag garden`; empty for all.
        filter: String,
    },
    Task(ListReply),
    Touched(TouchedReply),
    Retried(Box<RetryReply>),
    Resolved(TouchedReply),
    Log(Vec<LogLine>),
    Conflicts(ConflictsReply),
    Conflict(ConflictsReply),
    Hooks(HooksReply),
    HookStatus(HooksReply),
    Paused(PauseReply),
    Pinged(PingReply),
    Checked(DoctorReply),
    Webhooks(WebhooksReply),
    Config(ConfigReply),
    ConfigEdited(ConfigReply),
    Service(ServiceReply),
    ServiceStatus(ServiceReply),
    ServiceText(ServiceText),
    ServiceLogs(ServiceLogs),
    Completions(CompletionsReply),
    Version(VersionReply),
    Reported(Box<BugReport>),
    /// The daemon was told to stop.
    Served,
    /// Whoever watched has stopped.
    Watched,
}

impl Answer {
    /// How the command ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Synced { exit, .. } => *exit,
            Self::Touched(TouchedReply {
                carried: Some(reply),
                ..
            }) => instep_app::exit_of_sync(reply),
            Self::Retried(reply) => reply
                .carried
                .as_ref()
                .map_or(Exit::Fine, instep_app::exit_of_sync),
            Self::Hooks(reply) | Self::HookStatus(reply) => instep_app::exit_of_hooks(reply),
            Self::Watched => Exit::Interrupted,
            Self::Status(reply) => instep_app::exit_of_status(reply),
            Self::Checked(reply) => instep_app::exit_of_checks(reply),
            Self::Webhooks(reply) => instep_app::exit_of_webhooks(reply),
            _ => Exit::Fine,
        }
    }

    /// Whether the reply is a text that was asked for, which `--quiet` must not swallow.
    pub(crate) fn is_text(&self) -> bool {
        !matches!(
            self,
            Self::Init(_)
                | Self::Added(_)
                | Self::Removed(_)
                | Self::Renamed(_)
                | Self::Synced { .. }
                | Self::Touched(_)
                | Self::Retried(_)
                | Self::Resolved(_)
                | Self::Hooks(_)
                | Self::Paused(_)
                | Self::Pinged(_)
                | Self::Checked(_)
                | Self::ConfigEdited(_)
                | Self::Served
                | Self::Service(_)
        )
    }

    /// The reply as lines of JSON.
    pub(crate) fn json(&self) -> String {
        match self {
            Self::Init(reply) => json(reply),
            Self::Added(reply) => json(reply),
            Self::Accounts(reply) => json(reply),
            Self::Account(reply) | Self::Map(reply) => json(reply),
            Self::Removed(reply) => json(reply),
            Self::Renamed(reply) => json(reply),
            Self::Synced { reply, .. } => json(&for_a_program(reply)),
            Self::Status(reply) => json(reply),
            Self::Tasks { reply, .. } | Self::Task(reply) => json(reply),
            Self::Touched(reply) | Self::Resolved(reply) => {
                let carried = reply.carried.as_ref().map(for_a_program);
                json(&TouchedReply {
                    carried,
                    ..reply.clone()
                })
            }
            Self::Retried(reply) => json(&RetryReply {
                carried: reply.carried.as_ref().map(for_a_program),
                ..(**reply).clone()
            }),
            Self::Log(lines) => lines.iter().map(json).collect(),
            Self::Conflicts(reply) | Self::Conflict(reply) => json(reply),
            Self::Hooks(reply) | Self::HookStatus(reply) => json(reply),
            Self::Paused(reply) => json(reply),
            Self::Pinged(reply) => json(reply),
            Self::Checked(reply) => json(reply),
            Self::Webhooks(reply) => json(reply),
            Self::Config(reply) | Self::ConfigEdited(reply) => json(reply),
            Self::Service(reply) | Self::ServiceStatus(reply) => json(reply),
            Self::ServiceText(reply) => json(reply),
            Self::ServiceLogs(reply) => json(reply),
            Self::Completions(reply) => json(reply),
            Self::Version(reply) => json(reply),
            Self::Reported(reply) => json(reply),
            Self::Served | Self::Watched => String::new(),
        }
    }
}

/// A reply without what only the screen shows.
fn for_a_program(reply: &SyncReply) -> SyncReply {
    SyncReply {
        shown: SyncShown::default(),
        ..reply.clone()
    }
}
