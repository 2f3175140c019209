//! Why an account stands still, in terms of what somebody has to do about it.

use std::time::Duration;

use crate::Timestamp;

/// Why a person has to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// The guard holds deletions (S28).
    Guard {
        /// How many tasks are held.
        held: usize,
    },
    /// Two full sides meet for the first time, and more than pairing is planned (S26).
    FirstMeeting {
        /// Tasks found on both sides.
        pairs: usize,
        /// Tasks that would be made in the hub.
        new_in_hub: usize,
        /// Tasks that would be made in the remote.
        new_in_remote: usize,
        /// Tasks that nobody can decide on.
        reviews: usize,
    },
    /// Another server answers than before (S5).
    NewServer {
        /// Pairs that would end.
        pairs: usize,
    },
    /// The service went back to an older state of itself.
    OlderState {
        /// Pairs that it is about.
        pairs: usize,
    },
    /// Matters of adoption wait for a decision.
    Review {
        /// How many.
        count: usize,
    },
}

/// Why an account stands still. The variants are what somebody has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Somebody else runs it: wait.
    LeaseHeld {
        /// Who.
        holder: String,
    },
    /// Sign in again.
    NeedsLogin {
        /// What the service said.
        reason: String,
    },
    /// A person has to decide.
    NeedsYou(Need),
    /// The service cannot be reached or fails: try later.
    Unreachable {
        /// Why.
        reason: String,
    },
    /// The service asked to wait.
    Throttled {
        /// How long.
        retry_after: Option<Duration>,
    },
    /// The service asked earlier to be left alone, and no call was made.
    HeldOff {
        /// Until when.
        until: Timestamp,
    },
    /// The service failed too often, and no call was made: the breaker is open (S33).
    CircuitOpen {
        /// When one call finds out whether it answers again.
        retry_at: Timestamp,
        /// Failures in a row.
        failures: u32,
        /// Why the last of them was one.
        reason: String,
    },
    /// A person paused the account, and no call was made.
    Paused {
        /// Until when; `None` until the person ends it.
        until: Option<Timestamp>,
    },
    /// The set-up has to be mended.
    Setup {
        /// What is wrong.
        what: String,
        /// What to do.
        help: String,
    },
    /// Writes of unknown outcome are still being looked for: run again a little later.
    InDoubt {
        /// How many.
        count: usize,
    },
    /// The hub is an older copy and does not know how far it had come with it: sync all of it first.
    Behind,
    /// Something else failed.
    Failed {
        /// What.
        reason: String,
    },
}

impl Trouble {
    /// Whether the account is only left alone for now, which is known beside it: no call was made.
    pub fn is_left_alone(&self) -> bool {
        matches!(
            self,
            Self::HeldOff { .. } | Self::CircuitOpen { .. } | Self::Paused { .. }
        )
    }

    /// Whether it is over as soon as a call is answered.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Throttled { .. })
    }
}
