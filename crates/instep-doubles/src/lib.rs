//! Servers that stand in for outside task services in tests. No double knows our own connectors'
//! types: it speaks only the wire, so that a shared mistake cannot hide on both sides.
//!
//! [`vikunja`] stands in for Vikunja 2.5.0, [`todoist`] for the Todoist API v1.

mod clock;
mod connection;
mod exchange;
mod fault;
mod outgoing;
pub mod program;
pub mod todoist;
mod traffic;
pub mod vikunja;
