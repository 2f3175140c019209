//! What the engine asks of connectors and stores, and the suites that hold them to it.
//!
//! Two traits with their errors, an in-memory twin of each, and one conformance suite for
//! each trait. No real service and no database is ever named here.

mod connector;
pub mod connector_suite;
mod error;
mod event;
mod fake;
mod memory;
mod store;
pub mod store_suite;

pub use connector::{Applied, Connector, Cursor, Look, Lost, Observation};
pub use error::{BoxError, ConnectorError, Doubt, StoreError, with_causes};
pub use event::{Delivery, Event, Post};
pub use fake::{
    Call, Calm, Copy, Effect, FakeConnector, FakeRemote, Fault, Moment, Profile, Reinstall, World,
};
pub use memory::{MemorySnapshot, MemoryStore};
pub use store::{
    AccountState, CommitObservation, Intent, IntentId, Later, Lease, MergeStep, PushStep, Store,
    Tally, TaskWrite, Work,
};
