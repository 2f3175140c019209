//! Servers that stand in for outside task services in tests. No double knows our own connectors'
//! types: it speaks only the wire, so that a shared mistake cannot hide on both sides.
//!
//! [`vikunja`] stands in for Vikunja 2.5.0.

pub mod vikunja;
