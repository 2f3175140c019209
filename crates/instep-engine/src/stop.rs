//! What ends a step before its end, and what that is to the account. Whether anything is tried again
//! is not decided here.

use instep_contract::{ConnectorError, Doubt, StoreError};
use instep_model::Trouble;

use crate::report::{of_store, trouble_of};

/// Ends a step early: nothing more is done for the account, or it is planned again.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The account stands still.
    Trouble(Trouble),
    /// Something moved under the step: plan it again.
    Again,
    /// The answer to a write was lost: look what became of it, then go on.
    Lost(Trouble),
}

impl Stop {
    /// What a failed call leads to. What must not be sent twice waits for a look before it is sent
    /// again (S13), so that nothing more is done for the account.
    pub(crate) fn after(error: ConnectorError, once: bool) -> Self {
        match once {
            true => Self::Trouble(trouble_of(&error)),
            false => error.into(),
        }
    }

    /// The trouble that it is to the account.
    pub(crate) fn into_trouble(self) -> Trouble {
        match self {
            Self::Trouble(trouble) | Self::Lost(trouble) => trouble,
            Self::Again => Trouble::Failed {
                reason: "tasks kept changing while they were synced".to_owned(),
            },
        }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Stale { .. } | StoreError::AlreadyPaired { .. } => Self::Again,
            other => Self::Trouble(of_store(&other)),
        }
    }
}

impl From<ConnectorError> for Stop {
    fn from(error: ConnectorError) -> Self {
        let trouble = trouble_of(&error);
        match error {
            ConnectorError::OutcomeUnknown {
                doubt: Doubt::Failed | Doubt::Lost,
                ..
            } => Self::Lost(trouble),
            _ => Self::Trouble(trouble),
        }
    }
}
