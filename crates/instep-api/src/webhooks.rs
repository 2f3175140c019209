//! What `instep webhook` answers.

use serde::{Deserialize, Serialize};

use crate::{Failure, NotesLine};

/// `instep webhook install`, `list` and `remove`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhooksReply {
    /// 1.
    pub schema_version: u32,
    /// Where services reach this computer's daemon, or null where nobody said.
    pub public_url: Option<String>,
    /// Every account that was asked about.
    pub accounts: Vec<AccountWebhooks>,
    /// What there is to know.
    pub notes: Vec<NotesLine>,
}

/// The webhooks of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountWebhooks {
    /// The account's name.
    pub name: String,
    /// Where its service posts to, or null where no webhooks are installed.
    pub target_url: Option<String>,
    /// One for each project that has or needs one, and each one removed.
    pub webhooks: Vec<WebhookShown>,
    /// Whether a secret was made because there was none that could be used.
    pub new_secret: bool,
    /// Why the account was left, or null.
    pub error: Option<Failure>,
}

/// One webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookShown {
    /// The project's number there.
    pub project_id: i64,
    /// The project's title; empty for one that is gone.
    pub project: String,
    /// The webhook's number there, or null where there is none.
    pub webhook_id: Option<i64>,
    /// How it stands.
    pub state: WebhookState,
    /// Why, where that is not plain, or null.
    pub why: Option<String>,
}

/// How a webhook stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookState {
    /// It is as it should be.
    Installed,
    /// It was made.
    Made,
    /// It was not as it should be, and is now.
    Mended,
    /// It was taken away.
    Removed,
    /// There is none, or it is not as it should be.
    Missing,
    /// The service refuses one here.
    Refused,
    /// Nobody can tell yet whether it was made: the answer was lost.
    InDoubt,
}
