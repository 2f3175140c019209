//! What a fake asks of the world around it: the time, the next fault, and a place to be stopped.

use std::future::{Future, ready};
use std::time::Duration;

use instep_model::{Operation, Timestamp};

/// What a connector is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// A look for changes.
    Observe,
    /// Items by id.
    Read,
    /// Tags that do not exist.
    MissingTags,
    /// Traces of lost writes.
    Find,
    /// A batch whose first operation makes a task.
    Create,
    /// [`Operation::Update`].
    Update,
    /// [`Operation::SetTags`].
    SetTags,
    /// [`Operation::AddTag`].
    AddTag,
    /// [`Operation::RemoveTag`].
    RemoveTag,
    /// [`Operation::AddNote`].
    AddNote,
    /// [`Operation::EditNote`].
    EditNote,
    /// [`Operation::RemoveNote`].
    RemoveNote,
    /// [`Operation::AddLink`].
    AddLink,
    /// [`Operation::RemoveLink`].
    RemoveLink,
    /// [`Operation::Delete`].
    Delete,
    /// [`Operation::CreateCollection`].
    CreateCollection,
    /// [`Operation::CreateTag`].
    CreateTag,
}

impl Call {
    /// Every kind of call.
    pub const ALL: [Self; 17] = [
        Self::Observe,
        Self::Read,
        Self::MissingTags,
        Self::Find,
        Self::Create,
        Self::Update,
        Self::SetTags,
        Self::AddTag,
        Self::RemoveTag,
        Self::AddNote,
        Self::EditNote,
        Self::RemoveNote,
        Self::AddLink,
        Self::RemoveLink,
        Self::Delete,
        Self::CreateCollection,
        Self::CreateTag,
    ];

    /// The call that carries out this operation.
    pub fn of(operation: &Operation) -> Self {
        match operation {
            Operation::Create(_) => Self::Create,
            Operation::Update { .. } => Self::Update,
            Operation::SetTags { .. } => Self::SetTags,
            Operation::AddTag { .. } => Self::AddTag,
            Operation::RemoveTag { .. } => Self::RemoveTag,
            Operation::AddNote { .. } => Self::AddNote,
            Operation::EditNote { .. } => Self::EditNote,
            Operation::RemoveNote { .. } => Self::RemoveNote,
            Operation::AddLink { .. } => Self::AddLink,
            Operation::RemoveLink { .. } => Self::RemoveLink,
            Operation::Delete { .. } => Self::Delete,
            Operation::CreateCollection { .. } => Self::CreateCollection,
            Operation::CreateTag { .. } => Self::CreateTag,
        }
    }

    /// Whether it writes.
    pub fn writes(self) -> bool {
        self >= Self::Create
    }
}

/// Where a call can be stopped for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// Nothing has happened yet.
    Before,
    /// It has happened, and nobody knows yet.
    After,
}

/// What goes wrong with one call. One that means nothing for the call is as good as none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Nothing reaches the service.
    NotSent,
    /// The service answers that it failed, and stores nothing.
    Unavailable,
    /// The service answers that it failed, which it may say of what it stored as well. It did not.
    Failed,
    /// Another writer is busy.
    Busy,
    /// The service asks to wait.
    Throttled(Option<Duration>),
    /// The secret is refused.
    Unauthorized,
    /// The first so many operations of the batch are carried out, the answer is lost.
    ReplyLost(usize),
    /// The answer takes too long; everything is carried out this much later.
    TimedOut(Duration),
    /// The answer is lost at once, and everything is carried out this much later.
    Slow(Duration),
    /// The item at this place of the batch is refused.
    Rejected(usize),
    /// The item at this place of the batch is said to have changed meanwhile.
    Stale(usize),
    /// The listing ends early and says so.
    CutShort,
    /// A listing leaves out all but the first so many tasks and claims to be complete.
    Lie(usize),
    /// The listing comes in another order, begun at this place, with items that did not change.
    Reordered(usize),
    /// The cursor is refused.
    CursorInvalid,
}

/// The world as a fake needs it. It has no clock and no chance of its own.
pub trait World: Send {
    /// The service's time.
    fn now(&self) -> Timestamp;

    /// Awaited around the effect of every call, so that a caller can be dropped there.
    fn step(&self, call: Call, moment: Moment) -> impl Future<Output = ()> + Send;

    /// What goes wrong with this call.
    fn fault(&self, call: Call) -> Option<Fault>;

    /// The world of a [second connector](crate::Connector::beside), where there is to be one.
    fn beside(&self) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }
}

/// A world in which nothing goes wrong and no time passes.
#[derive(Debug, Clone, Copy)]
pub struct Calm(pub Timestamp);

impl World for Calm {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn step(&self, _: Call, _: Moment) -> impl Future<Output = ()> + Send {
        ready(())
    }

    fn fault(&self, _: Call) -> Option<Fault> {
        None
    }
}
