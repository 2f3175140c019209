//! Bugs on purpose: each breaks one promise, and the oracle has to see it.
//!
//! A bug is planted around one of the engine's seams: in a pure decision, in the store or in a
//! connector. Nothing here is part of a run without one.

mod access;
mod connector;
mod decide;
mod store;

use std::fmt;

pub(crate) use connector::SimConnector;
pub(crate) use store::{REHEARSAL, SimStore};

macro_rules! bugs {
    ($($(#[$doc:meta])* $name:ident breaks $invariant:literal,)+) => {
        /// A planted bug.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Bug {
            $($(#[$doc])* $name,)+
        }

        impl Bug {
            /// Every planted bug.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The invariant that it goes against first of all.
            pub fn invariant(self) -> &'static str {
                match self {
                    $(Self::$name => $invariant,)+
                }
            }
        }
    };
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

bugs! {
    /// Conflicts are settled and not recorded.
    LoserDropped breaks "I1",
    /// What the remote shows replaces edits in the hub.
    RemoteTramples breaks "I1",
    /// What the hub holds replaces edits in the remote.
    HubTramples breaks "I1",
    /// The hub takes over the remote's tags as a whole.
    TagsTaken breaks "I1",
    /// Tags never go away.
    TagsStick breaks "I5",
    /// The hub takes over the remote's notes as a whole.
    NotesTaken breaks "I1",
    /// What a remote cannot hold is taken for cleared.
    UnheldCleared breaks "I1",
    /// A look that agrees on something leaves the base as it was.
    BaseLeft breaks "I3",
    /// The status comes from the remote, whatever the base says.
    StatusTaken breaks "I15",
    /// A new task is made without its date, and is said to have it.
    CreatedWithoutDue breaks "I3",
    /// Every task counts as just made, so that its tags are written whole.
    AlwaysFresh breaks "I1",
    /// A project is said to be written and is not.
    ProjectNotWritten breaks "I3",
    /// Nothing that was written is remembered.
    NothingConfirmed breaks "I3",
    /// The base takes over all that the answer shows.
    BaseIsWhatIsThere breaks "I8",
    /// Nobody is ever recognised.
    NobodyAdopted breaks "I9",
    /// Whoever comes first is taken for whoever comes first.
    AnybodyAdopted breaks "I9",
    /// The guard lets everything pass.
    GuardSleeps breaks "I7",
    /// A deletion beats an edit in the hub.
    DeletionBeatsEdit breaks "I1",
    /// Any deletion in a remote is beaten.
    DeletionNeverWins breaks "I5",
    /// The hub deletes what was edited in the remote.
    RemoteEditMissed breaks "I1",
    /// The hub never deletes anything in a remote.
    RemoteAlwaysEdited breaks "I5",

    /// The cursor moves on before what was found is stored.
    CursorFirst breaks "I1",
    /// A lease that was taken over still commits.
    FenceIgnored breaks "I13",
    /// Writes in flight are forgotten by a crash.
    OutboxForgotten breaks "I2",
    /// One look that finds nothing is enough to write again.
    OneLookEnough breaks "I2",
    /// Conflicts are not stored.
    ConflictsNotStored breaks "I1",
    /// The pair of a new item is not stored.
    PairNotStored breaks "I2",
    /// A change wakes no other account.
    NobodyWoken breaks "I3",
    /// Work is done although it was woken meanwhile.
    WorkDoneTwice breaks "I3",
    /// What the guard holds is approved by nobody.
    HeldReleased breaks "I7",
    /// A new epoch keeps the pairs of the old one.
    EpochKept breaks "I9",
    /// Nobody remembers who answered.
    IdentityForgotten breaks "I9",
    /// A task that moved on meanwhile is overwritten.
    HubOverwritten breaks "I1",
    /// The base holds what the hub holds by now, not what was sent.
    BaseIsHub breaks "I8",
    /// The last of several confirmed writes is not stored.
    LastWriteForgotten breaks "I3",
    /// Pairs never learn that their item is gone.
    GoneForgotten breaks "I3",
    /// A fresh base is stored with the pair of a task that is still to be made.
    MappingsForgotten breaks "I2",

    /// A refused update is sent again over what is there.
    StaleOverwritten breaks "I1",
    /// A listing that was cut short counts as whole.
    ShortListingWhole breaks "I6",
    /// The last of the changes that a look found is left out.
    ChangeSkipped breaks "I3",
    /// Deletions are not reported.
    DeletionsHidden breaks "I3",
    /// Closed tasks are left out of listings, as if they were gone.
    ClosedHidden breaks "I6",
    /// A lost answer makes the write be sent again at once.
    SentAgain breaks "I2",
    /// What was lost is never found.
    NothingFound breaks "I2",
    /// A lost answer is taken for a request that was never sent.
    LostIsNotSent breaks "I2",
    /// Every create is carried out twice.
    CreatedTwice breaks "I2",
    /// A deletion is confirmed and not carried out.
    DeleteSwallowed breaks "I5",
    /// An update is confirmed and not carried out.
    UpdateSwallowed breaks "I3",
    /// Every update opens the task again.
    UpdateReopens breaks "I15",
    /// Taking one tag away takes all.
    AllTagsRemoved breaks "I1",
    /// Every note is written twice.
    NoteTwice breaks "I2",
    /// What could not be sent counts as confirmed.
    FailureConfirmed breaks "I8",
    /// An account that is only read is written.
    ReadOnlyWritten breaks "I19",
    /// An account that is only written is read into the hub.
    WriteOnlyRead breaks "S29",
    /// An account gets everything, whatever its scope.
    ScopeIgnored breaks "S27",
    /// What happens to an item outside its account's scope is taken into the hub.
    OutsideHeard breaks "S27",
    /// What was written without an answer is taken for an edit there.
    UnansweredForgotten breaks "S14",
    /// Leases exclude nobody.
    LeaseShared breaks "I13",
    /// An event is answered from a copy of the item, however old it is.
    OldCopyBelieved breaks "I4",
    /// Every delivery of an event stores its task as a new version.
    EventStoredAgain breaks "I4",
    /// What is made again loses what the hub has no field for.
    ShadowDropped breaks "I16",
    /// A link that was taken away is written again.
    LinksStay breaks "I3",
    /// A dry run writes.
    RehearsalWrites breaks "I19",
    /// A dry run remembers what it only played.
    RehearsalRemembers breaks "I19",
    /// A breaker that opened never closes.
    BreakerStuck breaks "S33",
    /// What waits for a service is dropped once its breaker opens.
    OpenDropsWork breaks "S33",
    /// A service that asked to be left alone is never called again.
    PauseNeverEnds breaks "S33",
    /// A commit that was answered with an error is taken for done.
    DiskTrusted breaks "I2",
}
