//! Why an account stands still, as it is remembered from one command to the next.

use std::time::Duration;

use instep_model::{Need, Timestamp, Trouble};
use serde::{Deserialize, Serialize};

use super::text::Text;
use super::write;

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum TroubleRow {
    LeaseHeld {
        holder: String,
    },
    NeedsLogin {
        reason: String,
    },
    Guard {
        held: usize,
    },
    FirstMeeting {
        pairs: usize,
        new_in_hub: usize,
        new_in_remote: usize,
        reviews: usize,
    },
    NewServer {
        pairs: usize,
    },
    OlderState {
        pairs: usize,
    },
    Review {
        count: usize,
    },
    Unreachable {
        reason: String,
    },
    Throttled {
        retry_after: Option<Duration>,
    },
    Setup {
        what: String,
        help: String,
    },
    HeldOff {
        until: Text<Timestamp>,
    },
    CircuitOpen {
        retry_at: Text<Timestamp>,
        failures: u32,
        reason: String,
    },
    Paused {
        until: Option<Text<Timestamp>>,
    },
    InDoubt {
        count: usize,
    },
    Behind,
    Failed {
        reason: String,
    },
}

impl From<Trouble> for TroubleRow {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::LeaseHeld { holder } => Self::LeaseHeld { holder },
            Trouble::NeedsLogin { reason } => Self::NeedsLogin { reason },
            Trouble::NeedsYou(Need::Guard { held }) => Self::Guard { held },
            Trouble::NeedsYou(Need::FirstMeeting {
                pairs,
                new_in_hub,
                new_in_remote,
                reviews,
            }) => Self::FirstMeeting {
                pairs,
                new_in_hub,
                new_in_remote,
                reviews,
            },
            Trouble::NeedsYou(Need::NewServer { pairs }) => Self::NewServer { pairs },
            Trouble::NeedsYou(Need::OlderState { pairs }) => Self::OlderState { pairs },
            Trouble::NeedsYou(Need::Review { count }) => Self::Review { count },
            Trouble::Unreachable { reason } => Self::Unreachable { reason },
            Trouble::Throttled { retry_after } => Self::Throttled { retry_after },
            Trouble::Setup { what, help } => Self::Setup { what, help },
            Trouble::HeldOff { until } => Self::HeldOff { until: Text(until) },
            Trouble::CircuitOpen {
                retry_at,
                failures,
                reason,
            } => Self::CircuitOpen {
                retry_at: Text(retry_at),
                failures,
                reason,
            },
            Trouble::Paused { until } => Self::Paused {
                until: until.map(Text),
            },
            Trouble::InDoubt { count } => Self::InDoubt { count },
            Trouble::Behind => Self::Behind,
            Trouble::Failed { reason } => Self::Failed { reason },
        }
    }
}

impl From<TroubleRow> for Trouble {
    fn from(row: TroubleRow) -> Self {
        match row {
            TroubleRow::LeaseHeld { holder } => Self::LeaseHeld { holder },
            TroubleRow::NeedsLogin { reason } => Self::NeedsLogin { reason },
            TroubleRow::Guard { held } => Self::NeedsYou(Need::Guard { held }),
            TroubleRow::FirstMeeting {
                pairs,
                new_in_hub,
                new_in_remote,
                reviews,
            } => Self::NeedsYou(Need::FirstMeeting {
                pairs,
                new_in_hub,
                new_in_remote,
                reviews,
            }),
            TroubleRow::NewServer { pairs } => Self::NeedsYou(Need::NewServer { pairs }),
            TroubleRow::OlderState { pairs } => Self::NeedsYou(Need::OlderState { pairs }),
            TroubleRow::Review { count } => Self::NeedsYou(Need::Review { count }),
            TroubleRow::Unreachable { reason } => Self::Unreachable { reason },
            TroubleRow::Throttled { retry_after } => Self::Throttled { retry_after },
            TroubleRow::Setup { what, help } => Self::Setup { what, help },
            TroubleRow::HeldOff { until } => Self::HeldOff { until: until.0 },
            TroubleRow::CircuitOpen {
                retry_at,
                failures,
                reason,
            } => Self::CircuitOpen {
                retry_at: retry_at.0,
                failures,
                reason,
            },
            TroubleRow::Paused { until } => Self::Paused {
                until: until.map(|until| until.0),
            },
            TroubleRow::InDoubt { count } => Self::InDoubt { count },
            TroubleRow::Behind => Self::Behind,
            TroubleRow::Failed { reason } => Self::Failed { reason },
        }
    }
}

pub(crate) fn trouble_text(trouble: &Trouble) -> String {
    write(&TroubleRow::from(trouble.clone()))
}

/// What stood in the way is only told: a kind that a newer program wrote must not make the account
/// unreadable.
pub(crate) fn read_trouble(text: &str) -> Trouble {
    match serde_json::from_str::<TroubleRow>(text) {
        Ok(row) => row.into(),
        Err(_) => Trouble::Failed {
            reason: "what stood in the way was written by another version of this program"
                .to_owned(),
        },
    }
}
